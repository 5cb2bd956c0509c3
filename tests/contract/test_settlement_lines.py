"""Section 5 over more than one connection: two that settle at once, a sale beside a 0500, answers nobody reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.batch import CLEAR, SETTLE, TRAILER, Shift, claim, following, upload_of
from tests.contract.client import Line, Message
from tests.contract.till import REDEEM

ROUNDS = range(4)  # which socket is read first is chance


@pytest.fixture
def lines(shift: Shift) -> Iterator[list[Line]]:
    """Three more connections of the same terminal."""
    opened = [shift.till.new_line() for _ in range(3)]
    yield opened
    for line in opened:
        line.close()


def at_once(lines: list[Line], messages: list[Message]) -> list[Message]:
    """One message on each line, all sent before any answer is read."""
    pairs = list(zip(lines, messages, strict=False))
    for line, message in pairs:
        line.send(message)
    return [line.receive() for line, _ in pairs]


def codes(answers: list[Message]) -> list[str]:
    return [answer.rc for answer in answers]


@pytest.mark.parametrize("stans", ["different STANs", "the same STAN"])
@pytest.mark.parametrize("de3", [SETTLE, TRAILER, CLEAR])
def test_connections_that_settle_a_batch_at_once_all_get_00_and_close_it_once(
    shift: Shift, lines: list[Line], de3: str, stans: str
) -> None:
    shift.redeem(900)
    requests = [shift.settlement((1, 900), de3=de3) for _ in lines]
    if stans == "the same STAN":
        requests = [requests[0]] * len(lines)
    answers = at_once(lines, requests)
    assert [(answer.rc, answer[60], answer[63]) for answer in answers] == [
        ("00", shift.number, claim((1, 900), of=2))
    ] * len(lines)
    assert shift.till.open_batch() == following(shift.number)


def test_connections_that_claim_wrongly_at_once_all_get_95(shift: Shift, lines: list[Line]) -> None:
    shift.redeem(900)
    answers = at_once(lines, [shift.settlement((2, 2_000)) for _ in lines])
    assert codes(answers) == ["95"] * len(lines)
    assert shift.till.open_batch() == shift.number
    shift.settle((1, 900)).expect("00")


def test_a_settlement_and_a_trailer_at_once_close_one_batch(shift: Shift, lines: list[Line]) -> None:
    shift.redeem(900)
    requests = [shift.settlement((1, 900), de3=de3) for de3 in (SETTLE, TRAILER, SETTLE)]
    assert codes(at_once(lines, requests)) == ["00", "00", "00"]
    assert shift.till.open_batch() == following(shift.number)


@pytest.mark.parametrize("nth", ROUNDS)
def test_a_sale_beside_a_settlement_is_in_one_batch_and_in_one_only(shift: Shift, lines: list[Line], nth: int) -> None:
    shift.redeem(900)
    sale = shift.till.message("0200", REDEEM, shift.card, 100)
    messages = [sale, shift.settlement((1, 900))]
    answers = at_once(lines, messages if nth % 2 else messages[::-1])
    sold, settled = answers if nth % 2 else answers[::-1]
    assert sold.rc == "00"
    assert shift.till.balance(shift.card) == 19_000
    if settled.rc == "95":
        assert settled[63] == claim((2, 1_000), of=2)
        shift.settle((2, 1_000)).expect("00")
    else:
        assert (settled.rc, settled[63]) == ("00", claim((1, 900), of=2))
        Shift(shift.till, following(shift.number), shift.card).settle((1, 100)).expect("00")


@pytest.mark.parametrize("nth", ROUNDS)
def test_a_sale_that_names_the_batch_settled_beside_it_is_in_it_or_80(
    shift: Shift, lines: list[Line], nth: int
) -> None:
    shift.redeem(900)
    sale = shift.till.message("0200", REDEEM, shift.card, 100, {60: shift.number})
    messages = [sale, shift.settlement((1, 900))]
    answers = at_once(lines, messages if nth % 2 else messages[::-1])
    sold, settled = answers if nth % 2 else answers[::-1]
    assert (sold.rc, settled.rc) in {("00", "95"), ("80", "00")}, answers
    assert shift.till.balance(shift.card) == (19_000 if sold.rc == "00" else 19_100)


def test_an_upload_sent_over_two_connections_at_once_is_booked_once(shift: Shift, lines: list[Line]) -> None:
    shift.settle((1, 900)).expect("95")
    upload = upload_of(shift.till, shift.unseen(REDEEM, 900))
    answers = at_once(lines, [upload, upload.but("0321"), upload.but("0321", {11: shift.till.stan()})])
    assert codes(answers) == ["00"] * 3
    assert shift.till.balance(shift.card) == 19_100
    shift.settle((1, 900)).expect("00")


def test_a_whole_settlement_may_be_sent_without_waiting_for_an_answer(shift: Shift) -> None:
    """One connection: its messages are decided in the order in which they were sent."""
    sales = [shift.till.message("0200", REDEEM, shift.card, 100, {60: shift.number}) for _ in range(5)]
    unseen = shift.unseen(REDEEM, 300)
    rest = [shift.settlement((6, 800)), upload_of(shift.till, unseen), shift.settlement((6, 800), de3=TRAILER)]
    for message in (*sales, *rest):
        shift.till.line.send(message)
    answers = {answer[11]: answer for answer in (shift.till.line.receive() for _ in range(8))}
    assert [answers[message[11]].rc for message in (*sales, *rest)] == ["00"] * 5 + ["95", "00", "00"]
    assert answers[rest[2][11]][63] == claim((6, 800), of=2)
    shift.assert_closed_on((6, 800))


def test_each_message_of_a_settlement_may_come_by_a_connection_of_its_own(shift: Shift) -> None:
    """What a dial-up terminal does: it hangs up after the 95 and reconnects for each upload."""
    done = shift.redeem(900)
    shift.till.close()
    shift.settle((2, 2_000)).expect("95")
    shift.till.close()
    shift.upload(done).expect("00")
    shift.till.close()
    shift.upload_unseen(REDEEM, 1_100).expect("00")
    shift.till.close()
    assert shift.settle((2, 2_000), de3=TRAILER).expect("00")[63] == claim((2, 2_000), of=2)


def unread(shift: Shift, message: Message) -> None:
    """Sends a message and hangs up before its answer."""
    with shift.till.new_line() as line:
        line.send(message)


@pytest.mark.parametrize("de3", [SETTLE, TRAILER, CLEAR])
def test_a_00_nobody_read_is_told_again_also_after_the_next_sale(shift: Shift, de3: str) -> None:
    """The most damaging loss: the host must not compare the closed batch's totals with the next one's."""
    shift.redeem(900)
    unread(shift, shift.settlement((1, 900), de3=de3))
    answer = shift.settle((1, 900), de3=de3).expect("00")
    assert answer[63] == claim((1, 900), of=2)
    shift.till.do(REDEEM, shift.card, 100).expect("00")
    assert shift.settle((1, 900)).expect("00")[63] == claim((1, 900), of=2)
    Shift(shift.till, following(shift.number), shift.card).settle((1, 100)).expect("00")


def test_answers_to_95_upload_and_trailer_nobody_read_are_told_again(shift: Shift) -> None:
    shift.redeem(900)
    unread(shift, shift.settlement((2, 2_000)))
    shift.settle((2, 2_000)).expect("95")
    upload = upload_of(shift.till, shift.unseen(REDEEM, 1_100))
    unread(shift, upload)
    shift.till.ask(upload.but(changes={11: shift.till.stan()})).expect("00")
    unread(shift, shift.settlement((2, 2_000), de3=TRAILER))
    assert shift.settle((2, 2_000), de3=TRAILER).expect("00")[63] == claim((2, 2_000), of=2)
    assert shift.till.balance(shift.card) == 18_000
    assert shift.till.open_batch() == following(shift.number)
