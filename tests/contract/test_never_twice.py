"""Section 5 where it is dangerous: whatever was lost, late or sent again, a sale is booked once and in one batch."""

from __future__ import annotations

import pytest

from tests.contract.batch import CLEAR, SETTLE, TRAILER, Shift, claim, following, settlement, told, upload_of
from tests.contract.client import Message
from tests.contract.conftest import House
from tests.contract.till import REDEEM, Answer, Till

RRN = pytest.mark.parametrize("rrn", [True, False], ids=["with the RRN", "with spaces for the RRN"])


def upload(shift: Shift, done: Answer, rrn: bool) -> Answer:
    return shift.till.ask(upload_of(shift.till, done.asked, done.rrn if rrn else None)).expect("00")


# The batch that holds a sale is not the one its upload goes to


@RRN
def test_a_till_that_sold_on_after_a_lost_00_uploads_all_and_nothing_is_booked_twice(shift: Shift, rrn: bool) -> None:
    """It believes its batch still open; what it sells without a number joins the next, and then it settles both."""
    before = shift.redeem(900, shift.till.when())
    shift.settle((1, 900)).expect("00")  # nobody read it
    after = shift.till.do(REDEEM, shift.card, 500, shift.till.when()).expect("00")
    assert shift.settle((2, 1_400)).expect("95")[63] == claim((1, 500), of=2)
    for done in (before, after):
        upload(shift, done, rrn)
    assert shift.till.balance(shift.card) == 18_600
    answer = shift.settle((2, 1_400), de3=TRAILER).expect("00")
    assert told(answer)[0] == (1, 500), "the other is in the batch closed before, and in no second one"
    assert shift.till.open_batch() == following(shift.number)


@RRN
def test_a_till_that_comes_back_to_a_batch_left_behind_uploads_and_nothing_is_booked_twice(
    shift: Shift, rrn: bool
) -> None:
    done = shift.redeem(900, shift.till.when())
    later = shift.next()
    later.settle((0, 0)).expect("00")
    assert shift.settle((1, 900)).expect("95")[63] == claim((0, 0), of=2)
    upload(shift, done, rrn)
    assert shift.till.balance(shift.card) == 19_100
    shift.settle((1, 900), de3=TRAILER).expect("00")


@RRN
@pytest.mark.parametrize("de3", [TRAILER, CLEAR, SETTLE])
def test_a_late_upload_finds_what_lies_in_the_closed_batch(shift: Shift, de3: str, rrn: bool) -> None:
    """It overtook nothing, it was only slow: the next batch is open, named, and has sales of its own."""
    done = shift.redeem(900, shift.till.when())
    shift.settle((2, 2_000)).expect("95")
    shift.settle((1, 900), de3=de3).expect("00")
    later = shift.next()
    later.redeem(100)
    upload(shift, done, rrn)
    assert shift.till.balance(shift.card) == 19_000
    later.settle((1, 100)).expect("00")


@pytest.mark.parametrize("mti", ["0320", "0321"])
def test_a_late_repeat_of_an_unseen_upload_is_not_booked_into_the_next_batch(shift: Shift, mti: str) -> None:
    shift.settle((1, 900)).expect("95")
    unseen = upload_of(shift.till, shift.unseen(REDEEM, 900))
    shift.till.ask(unseen).expect("00")
    shift.settle((1, 900), de3=TRAILER).expect("00")
    later = shift.next()
    later.redeem(100)
    shift.till.ask(unseen.but(mti)).expect("00")
    assert shift.till.balance(shift.card) == 19_000
    later.settle((1, 100)).expect("00")


@pytest.mark.parametrize("seen", [True, False], ids=["of a sale the host had", "of one it never saw"])
@pytest.mark.parametrize("later_end", [SETTLE, TRAILER, CLEAR])
def test_a_late_copy_of_an_upload_is_known_after_another_batch_has_answered_95(
    shift: Shift, later_end: str, seen: bool
) -> None:
    """Two days late: original MTI and STAN, card, amount and time are those of an upload that was taken."""
    when = {**shift.till.when(-5), 62: shift.till.receipt()}
    sale = shift.redeem(900, when).asked if seen else shift.till.message("0200", REDEEM, shift.card, 900, when)
    shift.settle((2, 2_000)).expect("95")
    late = upload_of(shift.till, sale)
    shift.till.ask(late).expect("00")
    shift.settle((2, 2_000), de3=TRAILER).expect("00")
    later = shift.next()
    later.redeem(100)
    later.settle((3, 3_000)).expect("95")
    later.settle((1, 100), de3=later_end).expect("00")
    shift.till.ask(late).expect("00")
    last = later.next()
    shift.till.ask(late.but("0321")).expect("00")
    assert shift.till.balance(shift.card) == 19_000
    last.settle((0, 0)).expect("00")


def test_table_37_finds_what_lies_in_a_batch_left_behind(shift: Shift) -> None:
    done = shift.redeem(900)
    later = shift.next()
    later.redeem(100)
    assert shift.upload(done, batch=shift.number).expect("00")[60] == shift.number
    assert shift.till.balance(shift.card) == 19_000
    later.settle((1, 100)).expect("00")


@RRN
def test_a_sale_answered_to_its_repeat_is_found_under_either_mti(shift: Shift, rrn: bool) -> None:
    """Whether the terminal writes 0200 or the 0201 it sent last, it is the same transaction."""
    request = shift.till.message("0201", REDEEM, shift.card, 900, {60: shift.number})
    done = shift.till.ask(request).expect("00")
    shift.settle((2, 2_000)).expect("95")
    for mti in ("0200", "0201"):
        shift.till.ask(upload_of(shift.till, request.but(mti), done.rrn if rrn else None)).expect("00")
    assert shift.till.balance(shift.card) == 19_100
    shift.settle((1, 900)).expect("00")


@pytest.mark.parametrize("by", [11, 62, 37])
def test_a_batch_left_behind_was_not_closed_by_the_terminal_so_reversals_reach_into_it(shift: Shift, by: int) -> None:
    done = shift.redeem(900, {62: shift.till.receipt()})
    shift.next().redeem(100)
    reference = {11: done.asked[11], 62: done.asked[62], 37: done.rrn}
    shift.till.reverse(done.asked, {by: reference[by], 60: None}).expect("00")
    assert shift.till.balance(shift.card) == 19_900


# The very first message


def test_the_first_message_of_a_newcomer_may_be_an_upload(house: House, newcomer: Till) -> None:
    shift = Shift(newcomer, "000001", house.card(house.till(newcomer.dialect)))
    assert shift.upload_unseen(REDEEM, 900).expect("00")[60] == "000001"
    assert newcomer.balance(shift.card) == 19_100
    shift.settle((1, 900)).expect("00")


@pytest.mark.parametrize(("de3", "code"), [(SETTLE, "95"), (TRAILER, "00"), (CLEAR, "00")])
def test_the_first_message_of_a_newcomer_may_be_a_0500(newcomer: Till, de3: str, code: str) -> None:
    answer = newcomer.ask(settlement(newcomer, "000321", claim((3, 3_000)), de3)).expect(code)
    assert (answer[60], answer[63]) == ("000321", claim((0, 0)))
    assert newcomer.open_batch() == ("000321" if code == "95" else "000322")


# Sent without waiting: many of them are decided together


def in_one_go(till: Till, messages: list[Message]) -> list[Answer]:
    """All sent before any answer is read; the answers in the order of the messages, their STANs may be alike."""
    for message in messages:
        till.line.send(message)
    answers: dict[tuple[str, str], list[Message]] = {}
    for _ in messages:
        answer = till.line.receive()
        answers.setdefault((answer.mti[:2], answer[11]), []).append(answer)
    return [Answer(answers[message.mti[:2], message[11]].pop(0), message, till.dialect) for message in messages]


def test_a_stan_used_again_right_behind_the_close_is_another_sale(shift: Shift) -> None:
    sale = shift.till.message("0200", REDEEM, shift.card, 900)
    first, closed, second = in_one_go(shift.till, [sale, shift.settlement((1, 900)), sale])
    assert [answer.rc for answer in (first, closed, second)] == ["00"] * 3
    assert first.rrn != second.rrn
    assert shift.till.balance(shift.card) == 18_200
    Shift(shift.till, following(shift.number), shift.card).settle((1, 900)).expect("00")


def test_what_follows_a_close_in_the_same_breath_finds_it_closed(shift: Shift) -> None:
    done = shift.redeem(900)
    messages = [
        shift.settlement((1, 900)),
        shift.till.void_message(done),
        shift.till.message("0200", REDEEM, shift.card, 100, {60: shift.number}),
        shift.till.message("0800", "920000"),
        shift.settlement((1, 900)),
        shift.till.message("0200", REDEEM, shift.card, 200),
        settlement(shift.till, following(shift.number), claim((1, 200), of=2)),
        shift.settlement((1, 900)),
    ]
    answers = in_one_go(shift.till, messages)
    assert [answer.rc for answer in answers] == ["00", "78", "80", "00", "00", "00", "00", "00"]
    assert answers[3][60] == following(shift.number)
    assert shift.till.balance(shift.card) == 18_900
    assert shift.till.open_batch() == following(shift.number, 2)


def test_a_95_its_uploads_and_a_reversal_in_the_same_breath(shift: Shift) -> None:
    done = shift.redeem(900)
    unseen = shift.unseen(REDEEM, 500)
    messages = [
        shift.settlement((1, 500)),
        upload_of(shift.till, unseen),
        shift.till.reversal_message(done.asked, {37: done.rrn}),
        upload_of(shift.till, unseen),
        upload_of(shift.till, done.asked, done.rrn),
        shift.settlement((1, 500)),
    ]
    assert [answer.rc for answer in in_one_go(shift.till, messages)] == ["95", "00", "00", "00", "00", "00"]
    assert shift.till.balance(shift.card) == 19_500
    shift.assert_closed_on((1, 500))


def test_all_terminals_settle_at_the_same_moment_each_on_its_own_totals(house: House, dialect: str) -> None:
    card = house.card(house.till(dialect))
    shifts = [Shift.open(till, card) for till in house.tills[dialect]]
    for nth, shift in enumerate(shifts, 1):
        shift.redeem(100 * nth)
    for nth, shift in enumerate(shifts, 1):
        shift.till.line.send(shift.settlement((1, 100 * nth)))
    for nth, shift in enumerate(shifts, 1):
        answer = shift.till.line.receive()
        assert (answer.rc, answer[60], answer[63]) == ("00", shift.number, claim((1, 100 * nth), of=2))
