"""*Same message*: a record sent again is answered from the books, whatever its looks; another one is a duplicate."""

from __future__ import annotations

import pytest

from tests.contract.till import Till
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import ACK
from tests.contract.visa2.records import keyed, read_j_reply, track_1
from tests.contract.visa2.till import GIFT, POINTS, VisaTill

# fmt: off
ALIKE = [  # what a repeat may do differently
    ("as_it_was",      {}),
    ("keyed",          {"f20": "T", "f21": keyed}),
    ("track_1",        {"f20": "H", "f21": track_1}),
    ("no_block",       {"blocks": ()}),
    ("unknown_block",  {"blocks": (GIFT, "777X")}),
    ("zero_filled",    {"f24": "000000002500"}),
    ("other_clerk",    {"blocks": ("20000000007\x1c\x1c",)}),
]
MOVES = [("GC", 10_000), ("G6", 10_000), ("G5", 2_500), ("G4", 2_500), ("GG", 2_500), ("G7", 2_500), ("G2", 0)]
# fmt: on


@pytest.mark.parametrize("changes", [row[1] for row in ALIKE], ids=[row[0] for row in ALIKE])
def test_a_repeat_gets_the_stored_answer(till: VisaTill, nac: Till, card: str, changes: dict[str, object]) -> None:
    asked = till.request("G4", card, 2_500, GIFT)
    first = till.ask(asked).expect("00")
    made = {name: text(card) if callable(text) else text for name, text in changes.items()}
    again = till.ask(asked.but(**made)).expect("00")
    assert (again.rrn, again.approval) == (first.rrn, first.approval)
    assert nac.balance(card) == 17_500


@pytest.mark.parametrize(("code", "amount"), MOVES)
def test_no_code_moves_value_twice(till: VisaTill, nac: Till, card: str, unsold: str, code: str, amount: int) -> None:
    pan = unsold if code == "GC" else card
    asked = till.request(code, pan, amount, GIFT)
    first = till.ask(asked).expect("00")
    left = nac.balance(pan) if code != "G2" else 0
    replies = [till.ask(asked).expect("00") for _ in range(3)]
    assert {(reply.rrn, reply.gift) for reply in replies} == {(first.rrn, first.gift)}
    if code != "G2":
        assert nac.balance(pan) == left
    if code in ("GC", "G2"):
        till.do("GE", pan, amount, original=first.original).expect("00")


@pytest.mark.parametrize("code", ["L6", "L4"])
def test_no_points_move_twice(till: VisaTill, nac: Till, member: str, code: str) -> None:
    asked = till.request(code, member, 2_000, POINTS)
    first = till.ask(asked).expect("00")
    left = nac.points(member)
    assert till.ask(asked).expect("00").rrn == first.rrn
    assert nac.points(member) == left


@pytest.mark.parametrize("kind", ["0", "2", "4"])
def test_the_stored_answer_leaves_with_the_application_type_of_the_repeat(
    till: VisaTill, nac: Till, card: str, kind: str
) -> None:
    asked = till.request("G4", card, 2_500, GIFT)
    first = till.ask(asked).expect("00")
    with till.new_line() as line:
        again = till.ask(asked.but(f2=kind), line).expect("00")
        line.say(ACK)
    assert (again.rrn, again.gift) == (first.rrn, first.gift)
    assert nac.balance(card) == 17_500


def test_the_parity_of_the_line_is_not_compared(till: VisaTill, nac: Till, card: str) -> None:
    asked = till.request("G4", card, 2_500, GIFT)
    first = till.ask(asked).expect("00")
    with till.new_line() as line:
        line.even = not till.even
        assert till.ask(asked, line).expect("00").rrn == first.rrn
    assert nac.balance(card) == 17_500


def test_the_record_letter_is_not_compared(till: VisaTill, nac: Till, card: str) -> None:
    asked = till.request("G4", card, 2_500, GIFT)
    first = till.ask(asked).expect("00")
    again = read_j_reply(till.line.ask(till.j("G4", card, "2500", sequence=asked[17])))
    assert (again.rc, again.sequence, again.approval) == ("00", asked[17], first.approval)
    assert nac.balance(card) == 17_500


def test_a_decline_is_stored_too(till: VisaTill, nac: Till, card: str) -> None:
    till.do("G4", card, 20_000).expect("00")
    asked = till.request("G4", card, 2_500)
    till.ask(asked).expect("51")
    nac.do("210060", card, 10_000).expect("00")
    till.ask(asked).expect("51")
    till.do("G4", card, 2_500).expect("00")


@pytest.mark.parametrize("what", ["amount", "account", "field_29"])
def test_the_same_number_with_other_content_is_a_duplicate(
    visa: VisaHouse, till: VisaTill, nac: Till, card: str, what: str
) -> None:
    asked = till.request("G4", card, 2_500, GIFT)
    done = till.ask(asked).expect("00")
    another = visa.iso.card(nac)
    # fmt: off
    changed = {
        "amount": asked.but(f24="2600"),
        "account": asked.but(f21=keyed(another), f20="T"),
        "field_29": asked.but(f29=done.original),
    }[what]
    # fmt: on
    till.ask(changed).expect("94")
    assert (nac.balance(card), nac.balance(another)) == (17_500, 20_000)
    till.ask(asked).expect("00")


def test_another_transaction_code_is_another_message(till: VisaTill, nac: Till, card: str) -> None:
    asked = till.request("G4", card, 2_500)
    first = till.ask(asked).expect("00")
    assert till.ask(asked.but(f18="GG")).expect("00").rrn != first.rrn
    assert nac.balance(card) == 15_000


def test_another_terminals_number_is_another_message(till: VisaTill, other: VisaTill, nac: Till, card: str) -> None:
    number = f"{max(int(till.sequence()), int(other.sequence())) + 1:04}"
    till.last_sequence = other.last_sequence = int(number)
    replies = [one.do("G4", card, 2_500, f17=number).expect("00") for one in (till, other)]
    assert replies[0].rrn != replies[1].rrn
    assert nac.balance(card) == 15_000


def test_a_message_that_was_undone_since_is_a_duplicate(till: VisaTill, nac: Till, card: str) -> None:
    asked = till.request("G4", card, 2_500)
    done = till.ask(asked).expect("00")
    till.do("GF", card, 2_500, original=done.original).expect("00")
    till.ask(asked).expect("94")
    assert nac.balance(card) == 20_000


def test_refusals_that_decide_nothing_are_decided_anew(till: VisaTill, nac: Till, card: str) -> None:
    asked = till.request("G4", card, 2_500)
    till.ask(asked.but(f4="123456")).expect("03")
    till.ask(asked.but(f24="25X0")).expect("06")
    till.ask(asked).expect("00")
    assert nac.balance(card) == 17_500
