"""The documents say what the code does: tables, limits, commands, links, examples and metrics are compared with it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from simulators.cli import main as tillsim
from specs import iso8583, limits
from specs.dialects import PACKAGED, VISA2, load_dialect
from specs.outcomes import NOT_STORED, Outcome
from specs.transaction import Kind, MessageClass
from switch.cli.lifecycle import BASE_OFFSETS, DEFAULT_PORTS
from switch.cli.main import main as tillswitch
from switch.config import Config, LinkConfig
from switch.core.merchants import DEFAULT_RIGHTS, Right
from switch.metrics import Answered, Metrics
from switch.surroundings import Surroundings
from terminals.visa2_settings import LinkSettings
from tests import visa2_diagram

ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "specs/README.md",
    "specs/VISA2.md",
    "specs/POINTS.md",
    "simulators/stories/README.md",
    "deploy/OPERATIONS.md",
)
VISA2_TEXT = (ROOT / "specs/VISA2.md").read_text("utf-8")
CONTRACT = (ROOT / "specs/README.md").read_text("utf-8")
OPERATIONS = (ROOT / "deploy/OPERATIONS.md").read_text("utf-8")
COMMANDS: dict[str, click.Command] = {"tillswitch": tillswitch, "tillsim": tillsim}


# -- every document ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    file = ROOT / document
    for target in re.findall(r"\]\(([^)]+)\)", file.read_text("utf-8")):
        path, _, heading = target.partition("#")
        linked = (file.parent / path).resolve() if path else file
        assert linked.exists(), f"{document}: {target}"
        if heading:
            assert heading in headings(linked.read_text("utf-8")), f"{document}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_named_in_code_style_exists(document: str) -> None:
    """`switch/books.py`, `tests/wire`: names that begin with one of our folders."""
    text = (ROOT / document).read_text("utf-8")
    ours = r"`((?:specs|terminals|switch|simulators|tests|deploy|docs)/[A-Za-z0-9_./*-]*)`"
    for name in re.findall(ours, text):
        assert list(ROOT.glob(name.rstrip("/"))), f"{document}: there is no {name}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_shown_exists_with_its_options(document: str) -> None:
    for line in commands_in((ROOT / document).read_text("utf-8")):
        parts = shlex.split(line, comments=True)
        place = next(at for at, part in enumerate(parts) if part.rpartition("/")[2] in COMMANDS)
        check_command(line, COMMANDS[parts[place].rpartition("/")[2]], parts[place + 1 :])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_shown_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"(?:^|`|&& )make ([a-z-]+)", (ROOT / document).read_text("utf-8"), re.MULTILINE)
    assert set(named) <= targets


def test_every_command_of_operators_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert not [name for name in tillswitch.commands if f"`tillswitch {name}" not in readme]
    assert not [name for name in tillsim.commands if f"`tillsim {name}" not in readme]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_message_shown_can_be_decoded(document: str) -> None:
    for message in re.findall(r"tillsim decode ([0-9A-F]{20,})", (ROOT / document).read_text("utf-8")):
        assert CliRunner().invoke(tillsim, ["decode", message]).exit_code == 0, document


# -- VISA-2 ------------------------------------------------------------------------------------------------------------
def test_the_diagram_of_the_link_is_that_of_its_table() -> None:
    assert visa2_diagram.renewed(VISA2_TEXT) == VISA2_TEXT, "python -m tests.visa2_diagram"


def test_visa2_codes_are_those_of_the_dialect() -> None:
    before = VISA2_TEXT[: VISA2_TEXT.index("## 4.")]
    told = {row["code"]: (row["class"], row["kind"], row["field 24"] == "needed") for row in table(before, "code")}
    codes = VISA2.transactions.items()
    assert told == {code: (one.message_class.value, one.kind.value, one.amount) for code, one in codes}


def test_visa2_responses_are_those_of_the_dialect() -> None:
    after = VISA2_TEXT[VISA2_TEXT.index("## 4.") :]
    told = {row["outcome"]: (row["code"], row["text"]) for row in table(after, "code")}
    assert told == {outcome.value: (one.code, one.text) for outcome, one in VISA2.outcomes.items()}


def test_visa2_timers_are_those_of_the_link() -> None:
    told = {row["key"]: float(row["seconds"]) for row in table(VISA2_TEXT, "timer")}
    told |= {row["key"]: float(row["number"]) for row in table(VISA2_TEXT, "count")}
    config = LinkConfig()
    assert told == {name: value for name, value in vars(config).items() if name != "acknowledge"}
    assert {name: getattr(LinkSettings(), name) for name in vars(config)} == vars(config)


# -- the contract with terminals ---------------------------------------------------------------------------------------
def test_response_codes_are_those_of_the_dialects() -> None:
    told = {row["outcome"]: row for row in table(CONTRACT, "RC")}
    for name, dialect in PACKAGED.items():
        codes = {outcome.value: code for outcome, code in dialect.outcomes.items()}
        assert {outcome: row["RC"] for outcome, row in told.items()} == codes, name
    assert {outcome for outcome, row in told.items() if row["stored"] == "no"} == {one.value for one in NOT_STORED}
    assert {row["stored"] for row in told.values()} == {"yes", "no"}
    assert [row["RC"] for row in told.values()] == sorted(row["RC"] for row in told.values())


def test_transactions_are_those_of_the_dialects() -> None:
    mtis = {
        "0100": MessageClass.INQUIRY,
        "0200": MessageClass.REQUEST,
        "0500": MessageClass.SETTLEMENT,
        "0800": MessageClass.NETWORK,
    }
    told = {
        (mtis[row["MTI"]], row["DE3"]): (row["kind"], numbers(row["needs"]), tables(row["needs"]))
        for row in table(CONTRACT, "transaction")
    }
    for name, dialect in PACKAGED.items():
        assert told == {
            (message_class, code): (one.kind.value, one.needs, one.tables)
            for message_class, codes in dialect.transactions.items()
            for code, one in codes.items()
        }, name
        assert {code: kind.value for code, kind in dialect.network_codes.items()} == {"301": "echo"}


def test_field_types_are_those_of_the_codec() -> None:
    told = {int(row["DE"]): iso8583.parse_element(row["type"]) for row in table(CONTRACT, "DE")}
    assert told == {number: iso8583.ELEMENTS[number] for number in told}
    needed = {
        number for one in load_dialect("nac").transactions.values() for each in one.values() for number in each.needs
    }
    assert needed <= told.keys()


def test_classes_of_messages_are_all_named() -> None:
    for prefix in iso8583.CLASSES:
        assert f"{prefix}0" in CONTRACT, prefix


def test_private_tables_are_those_the_switch_knows() -> None:
    known = {value for name, value in vars(iso8583).items() if name.startswith("TABLE_")}
    assert {row["id"] for row in table(CONTRACT, "id")} == known


def test_tables_of_the_dialects_travel_where_the_contract_says() -> None:
    for name, dialect in PACKAGED.items():
        assert f"`{name}`: DE{dialect.answer_table}." in CONTRACT


def test_ports_are_those_of_init() -> None:
    told = {
        row["listener"]: (int(row["default port"]), row["with `--base-port N`"]) for row in table(CONTRACT, "listener")
    }
    assert {name: port for name, (port, _) in told.items()} == DEFAULT_PORTS
    offsets = {name: int(text.removeprefix("N") or "0") for name, (_, text) in told.items()}
    assert offsets == BASE_OFFSETS


def test_rights_are_those_of_the_books() -> None:
    told = {row["right"]: row["a new terminal has it"] for row in table(CONTRACT, "right")}
    assert told == {right.value: "yes" if right in DEFAULT_RIGHTS else "no" for right in Right}


@pytest.mark.parametrize("document", ["specs/README.md", "deploy/OPERATIONS.md"])
def test_limits_are_those_of_the_code(document: str) -> None:
    rows = list(table((ROOT / document).read_text("utf-8"), "limit"))
    assert len(rows) > 3
    for row in rows:
        assert float(row["value"]) == getattr(limits, row["limit"].upper()), row["limit"]


@pytest.mark.parametrize("sign", [">>", "<<"])
def test_the_example_is_one_of_the_golden_conversations(sign: str) -> None:
    (example,) = [block for block in code_blocks(CONTRACT) if block.startswith(sign)]
    assert example in (ROOT / "tests/wire/golden/nac.txt").read_text("utf-8")


# -- operations --------------------------------------------------------------------------------------------------------
def test_metrics_are_those_of_the_daemon() -> None:
    metrics = Metrics(["nac"])
    metrics.group_answered([Answered("nac", Kind.ECHO, Outcome.APPROVED, 0.1)])
    metrics.begin_webhooks(["alarms"])
    config = Config(store="sqlite:////books.db", listeners=())
    Surroundings(metrics, config, lambda: True)._expiry.labels("nac-tls")
    there = {}
    for family in metrics.registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        there[name] = family.type, {label for sample in family.samples for label in sample.labels} - {"le"}
    told = {row["metric"]: (row["type"], words(row["labels"])) for row in table(OPERATIONS, "metric")}
    assert told == there


def test_the_unit_starts_what_the_manual_installs() -> None:
    unit = (ROOT / "deploy/systemd/tillswitch.service").read_text("utf-8")
    (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    program, *arguments = shlex.split(start)
    check_command(start, tillswitch, arguments)
    assert program.removesuffix("/bin/tillswitch") in OPERATIONS
    (stop_seconds,) = re.findall(r"^TimeoutStopSec=([0-9]+)$", unit, re.MULTILINE)
    assert int(stop_seconds) > limits.DRAIN_SECONDS + limits.SEND_SECONDS


# -- reading Markdown --------------------------------------------------------------------------------------------------
def table(text: str, first: str) -> Iterator[dict[str, str]]:
    """The rows of every table whose first column is called `first`, without the marks of code."""
    header: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            header = []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        if not header:
            header = cells
        elif header[0] == first and not set(line) <= set("|-"):
            assert len(cells) == len(header), line
            yield dict(zip(header, (re.sub("^`([^`]*)`$", r"\1", cell) for cell in cells), strict=True))


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall("[0-9]+", text))


def tables(text: str) -> tuple[str, ...]:
    return tuple(re.findall("`([A-Z]{2})`", text))


def words(text: str) -> set[str]:
    return set(re.findall("[a-z]+", text))


def code_blocks(text: str) -> list[str]:
    return re.findall(r"^```[a-z]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def headings(text: str) -> set[str]:
    """As links name them."""
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def commands_in(text: str) -> Iterator[str]:
    """Lines of code blocks and words in code style that run one of ours; a backslash at the end continues."""
    for block in code_blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(
                r"(\$ )?(sudo (-u \w+ )?|export \w+=|TILLSIM_DEMO=\S+ )?(\S*/)?(tillswitch|tillsim)( |$)", line
            ):
                yield line.removeprefix("$ ").split(" | ")[0].split(" > ")[0]
    for shown in re.findall(r"`((?:tillswitch|tillsim) [^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        yield shown.replace("\\|", "|")


def check_command(line: str, command: click.Command, arguments: list[str]) -> None:
    """Follow `arguments` into the groups; then every option must be one of the command's. `…` stands for more."""
    rest = [argument for argument in arguments if argument != "…"]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert all(one in command.commands for one in name.split("|")), f"{line}: there is no {name}"
        command = command.commands[name.split("|")[0]]
    if command.name == "journal" and isinstance(command, click.Group):
        command = command.commands["list"]  # `journal --rrn …` is `journal list --rrn …`
    known = {"-h", "--help"}
    for parameter in command.params:
        known |= {*parameter.opts, *parameter.secondary_opts} if isinstance(parameter, click.Option) else set()
    for word in rest:
        if word.startswith("-") and not re.fullmatch("-[0-9]*", word):  # - and -50 are no options
            assert word.partition("=")[0] in known, f"{line}: there is no {word}"
