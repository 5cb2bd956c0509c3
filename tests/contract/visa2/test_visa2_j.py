"""Record J and its response, which has no prefix: the same codes, the balance on the display."""

from __future__ import annotations

import pytest

from tests.contract.till import Till
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import ACK, CLOSED, ETB, FS
from tests.contract.visa2.records import JReply, j_record, keyed, read_j_reply, track_1, track_2
from tests.contract.visa2.till import APPROVED, TEXTS, VisaTill


def ask_j(till: VisaTill, record: str) -> JReply:
    """The response, whose form has been checked; the balance and the code stand in its text."""
    reply = read_j_reply(till.line.ask(record))
    assert (reply.store, reply.terminal) == (till.numbers.store_number, till.numbers.terminal_number), reply
    assert reply.date == f"{till.clock.now():%m%d%y}", reply
    assert reply.avs == "0", reply
    assert bool(reply.approval.strip()) <= (reply.rc in APPROVED), reply
    if reply.rc in TEXTS and reply.rc != "10":
        assert reply.text == TEXTS[reply.rc].ljust(16), reply
    return reply


# fmt: off
MOVES = [
    ("G6", 10_000, 30_000), ("G5", 2_500, 22_500), ("G4", 2_500, 17_500), ("GG", 2_500, 17_500), ("G7", 2_500, 17_500),
]
# fmt: on


@pytest.mark.parametrize(("code", "amount", "left"), MOVES)
def test_a_gift_code_moves_its_amount_once(
    till: VisaTill, nac: Till, card: str, code: str, amount: int, left: int
) -> None:
    record = till.j(code, card, f"{amount:07}")
    first = ask_j(till, record)
    assert (first.rc, first.text) == ("00", f"BAL {f'{left // 100}.{left % 100:02}':>11} ")
    assert first.approval.strip()
    assert ask_j(till, record).approval == first.approval
    assert nac.balance(card) == left


def test_an_issued_card_and_a_closed_one(till: VisaTill, nac: Till, unsold: str) -> None:
    assert ask_j(till, till.j("GC", unsold, "0010000")).rc == "00"
    assert nac.balance(unsold) == 10_000
    assert ask_j(till, till.j("GF", unsold, "0010000")).rc == "00"
    assert ask_j(till, till.j("G4", unsold, "0000100")).rc == "57"


@pytest.mark.parametrize(("purse", "shown"), [("G3", "BAL"), ("L3", "PTS")])
def test_an_inquiry_shows_the_balance(
    till: VisaTill, nac: Till, card: str, member: str, purse: str, shown: str
) -> None:
    number = "200.00" if purse == "G3" else str(nac.points(member))
    reply = ask_j(till, till.j(purse, card if purse == "G3" else member))
    assert (reply.rc, reply.text) == ("00", f"{shown} {number:>11} ")


def test_points_are_earned_and_taken_back(visa: VisaHouse, till: VisaTill, nac: Till, member: str) -> None:
    before = nac.points(member)
    assert ask_j(till, till.j("L6", member, "0005000")).rc == "00"
    assert nac.points(member) == before + visa.club.programme.earned(5_000)
    assert ask_j(till, till.j("LF", member, "0005000")).rc == "00"
    assert nac.points(member) == before


# fmt: off
REFUSED = [  # code, amount, what is changed, response code
    ("GD", "0001000", {},                            "12"),
    ("G4", "0001000", {"merchant_number": "8" * 12}, "03"),
    ("G4", "0001000", {"acquirer_bin": "123456"},    "03"),
]
# fmt: on


@pytest.mark.parametrize(("code", "amount", "changes", "rc"), REFUSED)
def test_what_is_refused(
    till: VisaTill, nac: Till, card: str, code: str, amount: str, changes: dict[str, str], rc: str
) -> None:
    numbers = till.numbers._replace(**changes)
    assert ask_j(till, j_record(numbers, code, track_2(card), amount, sequence=till.sequence())).rc == rc
    assert nac.balance(card) == 20_000


# fmt: off
FORMS = [
    ("track_2",                 "D", track_2),
    ("track_1",                 "H", track_1),
    ("keyed_by_the_table",      "T", lambda pan: keyed(pan)[:-1]),
]
# fmt: on


@pytest.mark.parametrize(("source", "form"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_a_card_is_the_same_however_it_is_shown(
    till: VisaTill, nac: Till, card: str, source: str, form: type[str]
) -> None:
    record = j_record(till.numbers, "G4", form(card), "0002500", sequence=till.sequence(), source=source)
    assert ask_j(till, record).rc == "00"
    assert nac.balance(card) == 17_500


def test_a_keyed_card_may_come_with_one_separator_less(till: VisaTill, nac: Till, card: str) -> None:
    record = j_record(till.numbers, "G4", keyed(card)[:-1], "0002500", sequence=till.sequence(), source="T")
    assert ask_j(till, record.replace(FS * 2, FS, 1)).rc == "00"
    assert nac.balance(card) == 17_500


@pytest.mark.parametrize("kind", ["0", "2"])
def test_sessions_of_types_0_and_2(till: VisaTill, nac: Till, card: str, kind: str) -> None:
    with till.new_line() as line:
        for _ in range(2 if kind == "2" else 0):
            assert read_j_reply(line.ask(till.j("G4", card, "0001000", kind="2"), ETB)).rc == "00"
            line.say(ACK)
            line.expect("ENQ")
        assert read_j_reply(line.ask(till.j("G4", card, "0001000", kind="0"))).rc == "00"
        line.say(ACK)
        line.expect("EOT", CLOSED)
    assert nac.balance(card) == (17_000 if kind == "2" else 19_000)
