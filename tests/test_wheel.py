"""What is shipped: a wheel that works from any folder, and package names that are nobody else's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.contract.daemon import free_base_port, wait_until_ready
from tests.test_house import OURS, ROOT

SHIPPED = (*OURS, "setup.cfg", "pyproject.toml", "LICENSE", "README.md")


def test_no_other_distribution_here_has_our_package_names() -> None:
    installed = packages_distributions()
    for name in OURS:
        assert set(installed.get(name, [])) <= {"tillswitch"}, name


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with nothing but the wheel and what requirements.lock names."""
    pytest.importorskip("build", reason="the package `build` of the extra `test` is missing")
    folder = tmp_path_factory.mktemp("clean")
    source = folder / "source"  # a copy: building leaves its traces beside setup.cfg
    source.mkdir()
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, source)
    venv.create(folder / "venv", with_pip=True)
    pip = (folder / "venv" / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements.lock")
    (wheel,) = folder.glob("*.whl")
    run(*pip, "--no-deps", wheel)
    return folder / "venv" / "bin"


def run(*command: object, cwd: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = list(map(str, command))
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_our_package_names_belong_to_our_distribution_alone(clean: Path) -> None:
    """They are generic (`specs`, `switch` …): two distributions that both bring one would overwrite each other."""
    program = "import json, importlib.metadata as m; print(json.dumps(m.packages_distributions()))"
    installed = json.loads(run(clean / "python", "-c", program))
    for name in OURS:
        assert set(installed[name]) == {"tillswitch"}, name  # some Pythons name it twice
    ours = {name for name, owners in installed.items() if "tillswitch" in owners}
    assert ours == set(OURS)


@pytest.mark.slow
def test_the_installed_wheel_sells_from_another_folder(clean: Path, tmp_path: Path) -> None:
    base = free_base_port()
    run(clean / "tillswitch", "init", "--demo", "--data", "shop", "--base-port", base, cwd=tmp_path)
    config = ("--config", "shop/tillswitch.toml")
    log = tmp_path / "serve.log"
    command = [str(clean / "tillswitch"), "serve", *config]
    with log.open("wb") as output:
        daemon = subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_ready(daemon, base + 10, log)
        receipt = run(clean / "tillsim", "gift", "redeem", "--amount", "25", "--demo", "shop/demo.json", cwd=tmp_path)
        assert "25.00" in receipt
        run(clean / "tillsim", "story", "first-sale", "--demo", "shop/demo.json", cwd=tmp_path)
        daemon.terminate()
        assert daemon.wait(20) == 0, log.read_text()
    finally:
        if daemon.poll() is None:
            daemon.kill()
            daemon.wait()
    assert run(clean / "tillswitch", "audit", *config, cwd=tmp_path).startswith("the books are right: ")
