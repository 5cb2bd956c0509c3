"""The programme: checked, put in force as a whole or not at all, shown again."""

from __future__ import annotations

from pathlib import Path

import pytest

from switch.cli.main import main as tillswitch
from switch.demo.build import programme_text
from tests.cli.operator import Operator, invoke

DEMO = programme_text()
CHANGED = (
    DEMO.replace("maximum = 500000", "maximum = 600000", 1)
    .replace('card_refusals = "plain" ', 'card_refusals = "uniform" ')
    .replace('"978" = "1.1000"', '"826" = "1.3"')
    .replace('id = "gulf"', 'id = "emirates"')
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "new.toml"
    file.write_text(CHANGED, "utf-8")
    return file


def test_a_file_is_checked_without_books(file: Path) -> None:
    told = invoke(tillswitch, ["programme", "check", str(file)], None)
    assert (told.code, told.out) == (0, f"{file}: ok, 6 gift products, 1 points schemes, 4 rates\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[gift_products]]\nid = "a"', "gift_products[0].name: is missing"),
        ("guess_limit = 1\nguess_limit = 2", "not TOML: Cannot overwrite a value "),
        (DEMO.replace('currency = "414"', 'currency = "1"'), "gift_products[5].currency: '1' is not one of 008, "),
        (DEMO.replace("pin = true", "pin = 1"), "gift_products[3].pin: expected `bool`, got `int`"),
    ],
)
def test_a_wrong_file_is_refused_whole(office: Operator, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text, "utf-8")
    for command in ("check", "apply"):
        config = ["--config", str(office.file)] if command == "apply" else []
        told = invoke(tillswitch, ["programme", command, str(file), *config], None)
        assert (told.code, told.out) == (2, "")
        assert told.err.startswith(f"tillswitch: {file}: {message}")
        assert told.err.count("\n") == 1
    assert office.do("programme", "show").out == DEMO


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    told = invoke(tillswitch, ["programme", "check", str(tmp_path / "none.toml")], None)
    assert (told.code, told.err) == (
        2,
        f"tillswitch: {tmp_path}/none.toml: cannot be read: No such file or directory\n",
    )
    (tmp_path / "latin.toml").write_bytes(b'time_zone = "\xff"')
    told = invoke(tillswitch, ["programme", "check", str(tmp_path / "latin.toml")], None)
    assert told.code == 2
    assert told.err.startswith(f"tillswitch: {tmp_path}/latin.toml: ")


def test_what_changes_is_told_and_in_force_at_once(shop: Operator, file: Path, tmp_path: Path) -> None:
    told = shop.do("programme", "apply", file)
    assert told.out == (
        f"{file} is in force, as version 2\n"
        "  + rate 826\n"
        "  + product emirates\n"
        "  - rate 978\n"
        "  - product gulf\n"
        '  ~ policies: card_refusals "plain" -> "uniform"\n'
        "  ~ product classic: maximum 500000 -> 600000\n"
    )
    assert told.err.startswith("warning: ")
    assert told.err.endswith(" cards of gulf are refused while the programme is without it\n")
    assert shop.do("programme", "show").out == CHANGED
    shop.do("card", "issue", "--product", "emirates", "--count", 1, "--out", tmp_path / "cards.csv")

    assert shop.do("programme", "apply", file).out == f"{file} is in force already, as version 2\n"
    (tmp_path / "old.toml").write_text(shop.do("programme", "show", "--version", 1).out, "utf-8")
    shop.do("programme", "apply", tmp_path / "old.toml")
    assert shop.do("programme", "show").out == DEMO
    told = shop.tell("programme", "show", "--version", 9)
    assert (told.code, told.err) == (1, "tillswitch: there is no version 9\n")
