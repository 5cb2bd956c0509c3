"""The repository keeps its own rules: dependencies have reasons, locks have hashes, our packages are shipped."""

import re
from configparser import ConfigParser
from itertools import pairwise
from pathlib import Path

import pytest

import switch

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-test.lock")
OURS = ("specs", "terminals", "switch", "simulators")
#: Libraries that few files of the daemon may know, so that they can be exchanged there (ARCHITECTURE.md, boundaries).
KNOWN_BY = {
    "trio": {
        f"switch/{name}.py"
        for name in (
            *("confirmations", "conversation", "daemon", "doors", "expiry", "heartbeat", "ops", "schedules", "server"),
            *("http_server", "live", "service", "supervisor", "surroundings", "terminal_pages", "webhooks"),
        )
    },
    "iso8583": {"terminals/iso8583_codec.py"},
}


def test_every_dependency_stands_under_its_reason() -> None:
    """A comment above each; no comment serves two."""
    text = (ROOT / "setup.cfg").read_text()
    block = text[text.index("install_requires =") : text.index("[options.packages.find]")].splitlines()
    named = {requirement for names in requirements().values() for requirement in names}
    seen = set()
    for above, line in pairwise(block):
        if line.strip() in named:
            assert above.startswith("    # "), f"{line.strip()} has no reason"
            seen.add(line.strip())
    assert seen == named


def test_no_dependency_is_bound_to_a_place() -> None:
    """Names and versions only: where they come from is the installer's business."""
    for names in requirements().values():
        assert all(re.fullmatch(r"[a-z0-9-]+(\[[a-z]+\])?(==[0-9.]+)?", name) for name in names)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_package_with_hashes_and_names_no_registry(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = [entry for entry in re.split(r"\n(?=[a-z0-9])", text.split("\n", 2)[2]) if entry.strip()]
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+ ", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_locks_hold_every_dependency_of_setup_cfg() -> None:
    wanted = requirements()
    running = pinned("requirements.lock")
    testing = pinned("requirements-test.lock")
    assert {name_of(r) for r in [*wanted["install"], *wanted["postgres"]]} <= running.keys()
    assert {name_of(r) for r in wanted["test"]} <= testing.keys()
    assert running.items() <= testing.items(), "what runs is what was tested"


def test_every_package_folder_of_ours_is_shipped() -> None:
    include = setup_cfg()["options.packages.find"]["include"].split()
    for top in OURS:
        assert {top, f"{top}.*"} <= set(include)
        for module in (ROOT / top).rglob("*.py"):
            assert (module.parent / "__init__.py").exists(), f"{module.parent} is no package: it would not be shipped"
    assert len(include) == 2 * len(OURS)


def test_every_data_folder_named_in_package_data_belongs_to_a_package() -> None:
    for package in setup_cfg()["options.package_data"]:
        assert (ROOT / package.replace(".", "/") / "__init__.py").exists(), package


def test_changing_the_version_is_changing_one_line() -> None:
    assert setup_cfg()["metadata"]["version"] == "attr: switch.__version__"
    assert re.fullmatch(r"\d+\.\d+\.\d+", switch.__version__)


@pytest.mark.parametrize("library", KNOWN_BY)
def test_libraries_stay_behind_their_boundaries(library: str) -> None:
    modules = [module for top in ("specs", "terminals", "switch") for module in (ROOT / top).rglob("*.py")]
    importing = re.compile(rf"^\s*(?:import|from) {library}\b", re.MULTILINE)
    knowing = {str(module.relative_to(ROOT)) for module in modules if importing.search(module.read_text("utf-8"))}
    assert knowing == KNOWN_BY[library]


# -- reading the files -------------------------------------------------------------------------------------------------
def setup_cfg() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def requirements() -> dict[str, list[str]]:
    """Requirements by group; `install` are those without an extra."""
    cfg = setup_cfg()
    groups = {"install": cfg["options"]["install_requires"], **cfg["options.extras_require"]}
    return {group: text.split() for group, text in groups.items()}


def name_of(requirement: str) -> str:
    return re.split(r"[\[=]", requirement)[0]


def pinned(lock: str) -> dict[str, str]:
    """Locked versions by name, extras left out."""
    found = re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return dict(found)
