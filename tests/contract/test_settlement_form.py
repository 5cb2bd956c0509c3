"""Bad input to settlement and upload: answered 30 with the field, or as the contract says, and nothing is closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.batch import CLEAR, SETTLE, TRAILER, Shift, claim, settlement, upload_of, with_tables
from tests.contract.conftest import House
from tests.contract.till import REDEEM, Answer, Till

ONE = claim((1, 900))

# fmt: off
BAD_TOTALS: list[tuple[str, str]] = [
    ("no digits at all",           "A" * 15),
    ("a letter in the count",      "0O1" + ONE[3:]),
    ("a letter in the amount",     ONE[:14] + "x"),
    ("spaces for zeros",           "  1         900"),
    ("a sign",                     "001-00000000900"),
    ("a letter in the last block", claim((1, 900), of=6)[:89] + "z"),
    ("one digit too few",          ONE[:14]),
    ("one digit too many",         ONE + "0"),
    ("one digit",                  "0"),
    ("three blocks",               claim((1, 900), of=3)),
    ("five blocks",                claim((1, 900), of=5)),
    ("seven blocks",               claim((1, 900), of=7)),
    ("one short of six blocks",    claim((1, 900), of=6)[:89]),
    ("two blocks and a half",      claim((1, 900), of=2) + "0" * 8),
    ("as long as the field may be", "0" * 999),
]
BAD_NUMBERS: list[tuple[str, str]] = [
    ("five digits",                "00001"),
    ("seven digits",               "0000001"),
    ("one digit",                  "1"),
    ("letters",                    "ABCDEF"),
    ("five digits and a space",    "00001 "),
    ("a sign",                     "-00001"),
    ("an amount",                  "000000000900"),
    ("original data",              "0200000001" + " " * 12),
]
BAD_ORIGINALS: list[tuple[str, str]] = [
    ("a batch number",             "000001"),
    ("an amount",                  "000000000900"),
    ("one character short",        "0200000001" + " " * 11),
    ("one character long",         "0200000001" + " " * 13),
    ("letters for the MTI",        "ABCD000001" + " " * 12),
    ("letters for the STAN",       "0200ABCDEF" + " " * 12),
    ("spaces only",                " " * 22),
]
# fmt: on


def named(rows: list[tuple[str, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("text", [row[1] for row in rows], ids=[row[0] for row in rows])


def assert_open_with(shift: Shift, *blocks: tuple[int, int]) -> None:
    assert shift.till.open_batch() == shift.number
    shift.settle(*blocks).expect("00")


def assert_wrong_field(answer: Answer, de: int) -> None:
    assert answer.expect("30")[38] == f"{de:06}", answer.story()


@named(BAD_TOTALS)
def test_totals_that_are_none_are_a_format_error(shift: Shift, text: str) -> None:
    shift.redeem(900)
    for de3 in (SETTLE, TRAILER):
        assert_wrong_field(shift.till.ask(settlement(shift.till, shift.number, text, de3)), 63)
    assert_open_with(shift, (1, 900))


@named(BAD_NUMBERS)
def test_a_number_that_is_none_is_a_format_error(shift: Shift, text: str) -> None:
    shift.redeem(900)
    for de3 in (SETTLE, TRAILER, CLEAR):
        assert_wrong_field(shift.till.ask(settlement(shift.till, text, ONE, de3)), 60)
    assert_open_with(shift, (1, 900))


# fmt: off
MISSING: list[tuple[str, tuple[int, ...], int]] = [
    (SETTLE,  (60,),     60),
    (SETTLE,  (63,),     63),
    (SETTLE,  (60, 63),  60),
    (SETTLE,  (24, 63),  24),
    (TRAILER, (60,),     60),
    (TRAILER, (63,),     63),
    (CLEAR,   (60,),     60),
    (CLEAR,   (60, 63),  60),
]
# fmt: on


@pytest.mark.parametrize(("de3", "left_out", "de38"), MISSING)
def test_a_settlement_without_what_it_needs_is_a_format_error(
    shift: Shift, de3: str, left_out: tuple[int, ...], de38: int
) -> None:
    request = settlement(shift.till, shift.number, ONE, de3).but(changes=dict.fromkeys(left_out))
    assert_wrong_field(shift.till.ask(request), de38)
    assert_open_with(shift, (0, 0))


def test_a_wrong_field_is_named_before_a_missing_one(shift: Shift) -> None:
    request = settlement(shift.till, shift.number, "A" * 15).but(changes={60: None})
    assert_wrong_field(shift.till.ask(request), 63)


def test_of_two_wrong_fields_the_first_is_named(shift: Shift) -> None:
    assert_wrong_field(shift.till.ask(settlement(shift.till, "ABCDEF", "A" * 15)), 60)


def test_a_0500_corrected_after_a_format_error_is_decided(shift: Shift) -> None:
    request = shift.settlement((0, 0))
    shift.till.ask(request.but(changes={63: "A" * 30})).expect("30")
    shift.till.ask(request).expect("00")


@pytest.mark.parametrize("de3", ["910000", "950000", "000000", "006000"])
def test_a_0500_of_another_kind_is_answered_12(shift: Shift, de3: str) -> None:
    shift.redeem(900)
    answer = shift.till.ask(settlement(shift.till, shift.number, ONE, de3)).expect("12")
    assert answer[60] == shift.number
    assert_open_with(shift, (1, 900))


@named(BAD_ORIGINALS)
def test_an_upload_whose_original_data_are_none_is_a_format_error(shift: Shift, text: str) -> None:
    done = shift.redeem(900)
    shift.settle((2, 2_000)).expect("95")
    assert_wrong_field(shift.upload(done, more={60: text}), 60)
    assert shift.till.balance(shift.card) == 19_100
    assert_open_with(shift, (1, 900))


@pytest.mark.parametrize("left_out", [3, 4, 24, 60])
def test_an_upload_without_what_it_needs_is_a_format_error(shift: Shift, left_out: int) -> None:
    shift.settle((2, 2_000)).expect("95")
    request = upload_of(shift.till, shift.unseen(REDEEM, 900)).but(changes={left_out: None})
    assert_wrong_field(shift.till.ask(request), left_out)
    assert shift.till.balance(shift.card) == 20_000


@pytest.mark.parametrize("de3", ["316000", "556000", "920000"])
def test_an_upload_of_what_is_no_movement_moves_nothing(shift: Shift, de3: str) -> None:
    shift.settle((2, 2_000)).expect("95")
    shift.upload_unseen(de3, 900).expect("12", "00")
    assert shift.till.balance(shift.card) == 20_000
    assert_open_with(shift, (0, 0))


# Whose batch it is


def test_two_terminals_have_batches_of_their_own_under_one_number(house: House, shift: Shift) -> None:
    other = house.till(shift.till.dialect)
    theirs = Shift.open(other, shift.card)
    number = max(shift.number, theirs.number)
    mine, theirs = (Shift.open(till, shift.card, f"{int(number) + 1:06}") for till in (shift.till, other))
    mine.redeem(900)
    theirs.redeem(400)
    mine.settle((1, 900)).expect("00")
    theirs.settle((1, 900)).expect("95")
    theirs.settle((1, 400)).expect("00")


@pytest.mark.parametrize(("changes", "code"), [({41: "NOSUCHTM"}, "89"), ({42: "NOSUCHMERCHANT1"}, "03")])
def test_a_stranger_settles_nothing(shift: Shift, changes: dict[int, str | None], code: str) -> None:
    shift.redeem(900)
    shift.till.ask(shift.settlement((1, 900)).but(changes=changes)).expect(code)
    assert_open_with(shift, (1, 900))


def test_a_new_terminal_has_the_right_to_settle_and_none_to_clear(house: House, newcomer: Till) -> None:
    """One added without any grant, unlike those of the demo, which have all rights."""
    like = newcomer.record
    newcomer.record = replace(like, terminal_id=f"N{like.terminal_id[-4:]}")
    place = ["--store", like.store, "--currency", like.currency, "--time-zone", "Europe/Istanbul"]
    house.demo.command("terminal", "add", like.merchant_id, newcomer.record.terminal_id, *place)
    newcomer.ask(settlement(newcomer, "000001", None, CLEAR)).expect("58")
    newcomer.ask(settlement(newcomer, "000001", ONE)).expect("95")
    newcomer.ask(settlement(newcomer, "000001", ONE, CLEAR)).expect("58")
    newcomer.ask(settlement(newcomer, "000001", ONE, TRAILER)).expect("00")
    house.demo.command("terminal", "change", like.merchant_id, newcomer.record.terminal_id, "--revoke", "settlement")
    newcomer.ask(settlement(newcomer, "000002", claim((0, 0)))).expect("58")


def test_a_table_that_does_not_end_is_a_format_error(shift: Shift) -> None:
    broken = "\x00\x09CP" if shift.till.dialect == "nac" else "CP009P"
    assert_wrong_field(shift.till.ask(shift.settlement((0, 0)).but(changes={48: broken})), 48)
    shift.till.ask(shift.settlement((0, 0)).but(changes=with_tables(shift.till, {"CP": "P"}, 48))).expect("00")
