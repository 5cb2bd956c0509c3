"""T, U, V: a movement that a V confirms stays; without it, whatever comes instead, it is undone once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.contract.till import Till
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import ACK, CLOSED, DLE, EOT, ETB, NAK, VisaLine, damaged, framed
from tests.contract.visa2.records import Reply, Request, confirmation, debit_group, read_reply
from tests.contract.visa2.till import GIFT, VisaTill

UNDONE_SECONDS = 8.0


def debit(till: VisaTill, code: str, pan: str, amount: int, *blocks: str, batch: str = "001") -> Request:
    asked = till.request(code, pan, amount, *blocks, f1="T", f2="0")
    return Request(asked.fields, debit_group(till.numbers, batch), asked.blocks, pan)


def wait_for(balance: Callable[[], int], wanted: int) -> None:
    """The undoing is the host's own deed, which nothing on the wire tells."""
    deadline = time.monotonic() + UNDONE_SECONDS
    while (told := balance()) != wanted:
        assert time.monotonic() < deadline, f"{told} on the card, expected {wanted}"


# fmt: off
MOVES = [
    ("G6", 10_000, 30_000), ("G5", 2_500, 22_500), ("G4", 2_500, 17_500), ("GG", 2_500, 17_500), ("G7", 2_500, 17_500),
]
# fmt: on


def nothing(line: VisaLine, till: VisaTill, reply: Reply) -> None:
    """The line breaks."""


def eot(line: VisaLine, till: VisaTill, reply: Reply) -> None:
    line.say(EOT)


def dle_eot(line: VisaLine, till: VisaTill, reply: Reply) -> None:
    line.say(DLE, EOT)


def plain_ack(line: VisaLine, till: VisaTill, reply: Reply) -> None:
    line.say(ACK)


def another_record(line: VisaLine, till: VisaTill, reply: Reply) -> None:
    line.send(till.request("X1", "", 0, f2="0", f20="@", f21="").text())


def another_identifier(line: VisaLine, till: VisaTill, reply: Reply) -> None:
    line.send(confirmation(reply)[:9] + "ZZZZZZZZ" + confirmation(reply)[17:])


def another_trace(line: VisaLine, till: VisaTill, reply: Reply) -> None:
    line.send(confirmation(reply)[:17] + f"{(int(reply.group2[14:20]) + 1) % 1_000_000:06}")


INSTEAD = [nothing, eot, dle_eot, plain_ack, another_record, another_identifier, another_trace]


@pytest.mark.parametrize(("code", "amount", "left"), MOVES)
def test_a_confirmed_movement_stays(till: VisaTill, nac: Till, card: str, code: str, amount: int, left: int) -> None:
    with till.new_line() as line:
        reply = till.ask(debit(till, code, card, amount, GIFT), line).expect("00")
        assert (reply.letter, reply.gift) == ("U", (left, amount))
        assert reply.group2[:6] == till.numbers.acquirer_bin
        assert reply.group2[14:20].isdigit()
        line.send(confirmation(reply))
        line.expect("ACK", "EOT", CLOSED)
    assert nac.balance(card) == left


@pytest.mark.parametrize("instead", INSTEAD, ids=[one.__name__ for one in INSTEAD])
def test_without_its_confirmation_a_movement_is_undone_once(
    till: VisaTill, nac: Till, card: str, instead: Callable[[VisaLine, VisaTill, Reply], None]
) -> None:
    asked = debit(till, "G4", card, 2_500)
    with till.new_line() as line:
        reply = till.ask(asked, line).expect("00")
        instead(line, till, reply)
    wait_for(lambda: nac.balance(card), 20_000)
    till.ask(Request({**asked.fields, 1: "D", 2: "4"})).expect("94")
    till.do("GE", card, 2_500, original=reply.original).expect("79")
    till.do("GF", card, 2_500, original=reply.original).expect("00")
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize(("code", "amount"), [("G6", 10_000), ("G5", 2_500), ("GG", 2_500), ("G7", 2_500), ("G2", 0)])
def test_every_code_is_undone_when_the_line_breaks(
    till: VisaTill, nac: Till, card: str, code: str, amount: int
) -> None:
    with till.new_line() as line:
        till.ask(debit(till, code, card, amount), line).expect("00")
    wait_for(lambda: balance_or_nothing(nac, card), 20_000)


def balance_or_nothing(nac: Till, card: str) -> int:
    """A closed card may tell no balance."""
    answer = nac.ask(nac.message("0100", "316000", card))
    return answer.available if answer.rc == "00" else 0


def test_points_are_given_back_too(till: VisaTill, nac: Till, member: str) -> None:
    before = nac.points(member)
    with till.new_line() as line:
        till.ask(debit(till, "L4", member, 2_000), line).expect("00")
    wait_for(lambda: nac.points(member), before)


def test_a_confirmation_that_came_damaged_is_asked_for_again(till: VisaTill, nac: Till, card: str) -> None:
    with till.new_line() as line:
        reply = till.ask(debit(till, "G4", card, 2_500), line).expect("00")
        line.send_bytes(damaged(framed(confirmation(reply), even=till.even)))
        line.expect("NAK")
        line.send(confirmation(reply))
        line.expect("ACK", "EOT", CLOSED)
    assert nac.balance(card) == 17_500


def test_a_partial_approval_waits_for_its_confirmation_too(till: VisaTill, nac: Till, card: str) -> None:
    with till.new_line() as line:
        till.ask(debit(till, "G4", card, 25_000, GIFT), line).expect("10")
    wait_for(lambda: nac.balance(card), 20_000)
    with till.new_line() as line:
        reply = till.ask(debit(till, "G4", card, 25_000, GIFT), line).expect("10")
        line.send(confirmation(reply))
        line.expect("ACK", "EOT", CLOSED)
    assert nac.balance(card) == 0


def test_a_confirmed_movement_can_be_reversed_afterwards(till: VisaTill, nac: Till, card: str) -> None:
    with till.new_line() as line:
        reply = till.ask(debit(till, "G4", card, 2_500), line).expect("00")
        line.send(confirmation(reply))
        line.expect("ACK", "EOT", CLOSED)
    till.do("GF", card, 2_500, original=reply.original).expect("00")
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize("code", ["93", "94", "9A", "96"])
def test_bank_codes_are_not_offered_and_a_plain_ack_ends_the_session(
    till: VisaTill, nac: Till, card: str, code: str
) -> None:
    with till.new_line() as line:
        reply = till.ask(debit(till, code, card, 2_500), line).expect("12")
        assert reply.letter == "U"
        line.say(ACK)
        line.expect("EOT", CLOSED)
    assert nac.balance(card) == 20_000


def test_silence_after_the_response_undoes_it(visa: VisaHouse, till: VisaTill, nac: Till, card: str) -> None:
    with till.new_line(visa.hasty_port) as line:
        till.ask(debit(till, "G4", card, 2_500), line).expect("00")
        assert line.to_the_end()[-2:] == ["EOT", CLOSED]
    wait_for(lambda: nac.balance(card), 20_000)


@pytest.mark.parametrize(
    "changes", [{"agent_bank": "999999"}, {"agent_chain": "999999"}], ids=["agent_bank", "agent_chain"]
)
def test_an_agent_that_is_not_the_terminals_is_unknown(
    till: VisaTill, nac: Till, card: str, changes: dict[str, str]
) -> None:
    asked = debit(till, "G4", card, 2_500)
    with till.new_line() as line:
        till.ask(Request(asked.fields, debit_group(till.numbers._replace(**changes))), line).expect("03")
    assert nac.balance(card) == 20_000


def test_the_batch_number_of_a_debit_opens_nothing(till: VisaTill, nac: Till, card: str) -> None:
    batch = till.fresh_batch()
    with till.new_line() as line:
        reply = till.ask(debit(till, "G4", card, 2_500, batch="777"), line).expect("00")
        line.send(confirmation(reply))
        line.expect("ACK", "EOT", CLOSED)
    assert till.open_batch() == batch
    till.batch("X2", batch, 1, 2_500, 0, 0).expect("00")


@pytest.mark.parametrize("amount", [0, 1_000])
def test_a_decline_needs_no_confirmation(till: VisaTill, nac: Till, unsold: str, amount: int) -> None:
    with till.new_line() as line:
        till.ask(debit(till, "G4" if amount else "G3", unsold, amount), line).expect("57")
        line.say(ACK)
        line.expect("EOT", CLOSED)


def test_a_response_asked_for_again_is_confirmed_as_the_first(till: VisaTill, nac: Till, card: str) -> None:
    with till.new_line() as line:
        reply = till.ask(debit(till, "G4", card, 2_500), line).expect("00")
        line.say(NAK)
        assert read_reply(line.frame()) == reply
        line.send(confirmation(reply))
        line.expect("ACK", "EOT", CLOSED)
    assert nac.balance(card) == 17_500


def test_several_debits_on_one_line_of_type_2(till: VisaTill, nac: Till, card: str) -> None:
    with till.new_line() as line:
        for _ in range(2):
            reply = till.ask(debit(till, "G4", card, 1_000).but(f2="2"), line, ETB).expect("00")
            line.send(confirmation(reply, "2"))
            line.expect("ACK", "ENQ")
        reply = till.ask(debit(till, "G4", card, 1_000), line).expect("00")
    wait_for(lambda: nac.balance(card), 18_000)


def test_several_debits_on_one_line_of_type_4(till: VisaTill, nac: Till, card: str) -> None:
    with till.new_line() as line:
        for _ in range(2):
            reply = till.ask(debit(till, "G4", card, 1_000).but(f2="4"), line).expect("00")
            line.send(confirmation(reply, "4"))
            line.expect("ACK")
        till.ask(debit(till, "G4", card, 1_000).but(f2="4"), line).expect("00")
    wait_for(lambda: nac.balance(card), 18_000)


def test_a_debit_whose_line_broke_is_undone_or_confirmed_on_the_next_never_both(
    till: VisaTill, nac: Till, card: str
) -> None:
    """Which of the two depends on who is first, the repetition or the news that the line broke; ACK decides."""
    left = 20_000
    for _ in range(8):
        asked = debit(till, "G4", card, 1_000)
        with till.new_line() as line:
            line.send(asked.text())
        with till.new_line() as line:
            reply = till.ask(asked, line).expect("00", "94")
            if reply.rc == "00":
                line.send(confirmation(reply))
            else:
                line.say(ACK)
            confirmed = line.to_the_end()[0] == "ACK"
        left -= 1_000 if confirmed else 0
        wait_for(lambda: nac.balance(card), left)
        till.ask(Request({**asked.fields, 1: "D", 2: "4"})).expect("00" if confirmed else "94")
        assert nac.balance(card) == left
