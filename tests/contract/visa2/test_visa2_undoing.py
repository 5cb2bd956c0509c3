"""*Undoing*: voids GE, LE and reversals GF, LF, by field 29 or by account and amount; once, and never in part."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.till import Till
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.records import Reply, keyed, minor
from tests.contract.visa2.till import GIFT, POINTS, VisaTill

# fmt: off
MOVES = [("G6", 10_000), ("G5", 2_500), ("G4", 2_500), ("GG", 2_500), ("G7", 2_500), ("G2", 0)]
OTHERWISE = [  # what of field 29 is not compared: everything but its retrieval reference
    ("approval_code", lambda reply: "XXXXXX" + reply.original[6:]),
    ("date",          lambda reply: reply.original[:6] + "010126" + reply.original[12:]),
    ("time",          lambda reply: reply.original[:12] + "000001" + reply.original[18:]),
    ("all_of_them",   lambda reply: "      010126000001" + reply.rrn),
]
# fmt: on
UNKNOWN = "000001112226120000" + "000000000001"


@pytest.mark.parametrize("undo", ["GE", "GF"])
@pytest.mark.parametrize(("code", "amount"), MOVES)
def test_every_gift_code_can_be_undone_once(
    till: VisaTill, nac: Till, card: str, code: str, amount: int, undo: str
) -> None:
    done = till.do(code, card, amount).expect("00")
    assert till.do(undo, card, amount, GIFT, original=done.original).expect("00").gift == (20_000, None)
    assert nac.balance(card) == 20_000
    again = till.do(undo, card, amount, original=done.original)
    assert again.rc == ("79" if undo == "GE" else "00"), again
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize("undo", ["GE", "GF"])
def test_an_undone_issue_leaves_the_card_unsold(till: VisaTill, unsold: str, undo: str) -> None:
    done = till.do("GC", unsold, 15_000).expect("00")
    till.do(undo, unsold, 15_000, original=done.original).expect("00")
    till.do("G4", unsold, 100).expect("57")


@pytest.mark.parametrize("first", ["GE", "GF"])
def test_a_void_and_a_reversal_together_undo_once(till: VisaTill, nac: Till, card: str, first: str) -> None:
    done = till.do("G4", card, 2_500).expect("00")
    till.do(first, card, 2_500, original=done.original).expect("00")
    till.do("GF", card, 2_500, original=done.original).expect("00")
    till.do("GE", card, 2_500, original=done.original).expect("79")
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize("made", [row[1] for row in OTHERWISE], ids=[row[0] for row in OTHERWISE])
@pytest.mark.parametrize("undo", ["GE", "GF"])
def test_only_the_retrieval_reference_names_the_original(
    till: VisaTill, nac: Till, card: str, made: Callable[[Reply], str], undo: str
) -> None:
    done = till.do("G4", card, 2_500).expect("00")
    till.do(undo, card, 2_500, original=made(done), f28="Z" * 15).expect("00")
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize("amount", [30_000, 20_000, 0, ""])
@pytest.mark.parametrize("undo", ["GE", "GF"])
def test_the_amount_may_be_what_was_asked_or_approved_or_none(
    till: VisaTill, nac: Till, card: str, amount: int | str, undo: str
) -> None:
    done = till.do("G4", card, 30_000).expect("10")
    till.do(undo, card, amount, original=done.original).expect("00")
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize("undo", ["GE", "GF"])
def test_nothing_is_undone_in_part(till: VisaTill, nac: Till, card: str, undo: str) -> None:
    done = till.do("G4", card, 2_500).expect("00")
    till.do(undo, card, 1_000, original=done.original).expect("76" if undo == "GE" else "00")
    assert nac.balance(card) == 17_500
    till.do(undo, card, 2_500, original=done.original).expect("00")
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize("undo", ["GE", "GF"])
def test_an_unknown_reference_is_not_searched_for_by_amount(till: VisaTill, nac: Till, card: str, undo: str) -> None:
    till.do("G4", card, 2_500).expect("00")
    till.do(undo, card, 2_500, original=UNKNOWN).expect("76" if undo == "GE" else "00")
    assert nac.balance(card) == 17_500


@pytest.mark.parametrize("undo", ["GE", "GF"])
def test_the_account_must_agree(visa: VisaHouse, till: VisaTill, nac: Till, card: str, undo: str) -> None:
    done, another = till.do("G4", card, 2_500).expect("00"), visa.iso.card(nac)
    till.do(undo, another, 2_500, original=done.original).expect("76" if undo == "GE" else "00")
    assert (nac.balance(card), nac.balance(another)) == (17_500, 20_000)


@pytest.mark.parametrize("undo", ["GE", "GF"])
def test_another_terminals_transaction_is_not_undone(
    till: VisaTill, other: VisaTill, nac: Till, card: str, undo: str
) -> None:
    done = till.do("G4", card, 2_500).expect("00")
    other.do(undo, card, 2_500, original=done.original).expect("76" if undo == "GE" else "00")
    assert nac.balance(card) == 17_500


@pytest.mark.parametrize("undo", ["GE", "GF"])
def test_without_field_29_the_newest_of_account_and_amount_is_undone(
    till: VisaTill, nac: Till, card: str, amount: int, undo: str
) -> None:
    older = till.do("G4", card, amount).expect("00")
    newer = till.do("G4", card, amount).expect("00")
    till.do("G4", card, 5_000).expect("00")
    till.do(undo, card, amount).expect("00")
    till.do("GE", card, amount, original=newer.original).expect("79")
    assert nac.balance(card) == 15_000 - amount
    till.do(undo, card, amount).expect("00")
    till.do("GE", card, amount, original=older.original).expect("79")
    assert nac.balance(card) == 15_000
    till.do(undo, card, amount).expect("76" if undo == "GE" else "00")
    assert nac.balance(card) == 15_000


def test_a_reversal_before_its_original_keeps_it_out(till: VisaTill, nac: Till, card: str, amount: int) -> None:
    asked = till.request("G4", card, amount)
    till.ask(asked.but(f18="GF")).expect("00")
    till.ask(asked).expect("94")
    assert nac.balance(card) == 20_000
    till.do("G4", card, amount).expect("00")


def test_a_terminal_that_got_no_answer_reverses_with_the_number_of_the_original(
    till: VisaTill, nac: Till, card: str, amount: int
) -> None:
    asked = till.request("G4", card, amount)
    till.ask(asked).expect("00")
    for _ in range(2):
        till.ask(asked.but(f18="GF")).expect("00")
        assert nac.balance(card) == 20_000
    till.ask(asked).expect("94")
    assert nac.balance(card) == 20_000


# fmt: off
REVERSALS = [  # what is reversed of a transaction that was done: field 29, what is changed; what is left of 200.00
    ("by_reference",       lambda done: done.original, {},               20_000),
    ("newest",             lambda done: "",            {},               20_000),
    ("unknown_reference",  lambda done: UNKNOWN,       {},               17_000),
    ("another_amount",     lambda done: done.original, {"f24": "1"},     17_000),
    ("nothing_there",      lambda done: "",            {"f24": "1"},     17_000),
]
# fmt: on


@pytest.mark.parametrize(
    ("named", "changes", "left"), [row[1:] for row in REVERSALS], ids=[row[0] for row in REVERSALS]
)
def test_every_reversal_tells_the_balance_it_leaves(
    till: VisaTill, card: str, named: Callable[[Reply], str], changes: dict[str, str], left: int
) -> None:
    done = till.do("G4", card, 3_000, GIFT).expect("00")
    asked = till.request("GF", card, 3_000, GIFT, original=named(done), **changes)
    for _ in range(2):
        assert till.ask(asked).expect("00").gift == (left, None)


def test_a_reversal_of_points_tells_what_it_leaves(till: VisaTill, nac: Till, member: str) -> None:
    till.do("L6", member, 1_000).expect("00")
    for _ in range(2):
        reply = till.do("LF", member, 1_000, POINTS, original=UNKNOWN).expect("00")
        assert minor(reply.parts("900")[0]) == nac.points(member)


def test_a_reversal_is_never_a_duplicate(till: VisaTill, nac: Till, card: str) -> None:
    first, second = (till.do("G4", card, amount).expect("00") for amount in (2_500, 3_000))
    asked = till.request("GF", card, 2_500, original=first.original)
    till.ask(asked).expect("00")
    till.ask(asked).expect("00")
    assert nac.balance(card) == 17_000
    till.ask(asked.but(f24="3000", f29=second.original)).expect("00")
    assert nac.balance(card) == 20_000


def test_a_repeated_void_gets_its_stored_answer(till: VisaTill, nac: Till, card: str) -> None:
    done = till.do("G4", card, 2_500).expect("00")
    asked = till.request("GE", card, 2_500, original=done.original)
    first = till.ask(asked).expect("00")
    assert till.ask(asked).expect("00").rrn == first.rrn
    assert nac.balance(card) == 20_000


def test_the_card_may_be_shown_otherwise_than_before(till: VisaTill, nac: Till, card: str) -> None:
    done = till.do("G4", card, 2_500).expect("00")
    till.do("GE", card, 2_500, original=done.original, f20="T", f21=keyed(card, "")).expect("00")
    assert nac.balance(card) == 20_000


def test_a_load_that_was_spent_since_is_not_voided_but_reversed(till: VisaTill, nac: Till, card: str) -> None:
    load = till.do("G6", card, 10_000).expect("00")
    till.do("G4", card, 25_000).expect("00")
    till.do("GE", card, 10_000, original=load.original).expect("51")
    assert nac.balance(card) == 5_000
    till.do("GF", card, 10_000, original=load.original).expect("00")
    assert nac.balance(card) == 0


def test_a_decline_has_nothing_to_undo(till: VisaTill, nac: Till, card: str, amount: int) -> None:
    till.do("G4", card, 20_000).expect("00")
    till.do("G4", card, amount).expect("51")
    till.do("GE", card, amount).expect("76")
    till.do("GF", card, amount).expect("00")
    assert nac.balance(card) == 0
