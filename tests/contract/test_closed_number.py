"""Section 5: messages that name a number the terminal itself closed lately, and undoing what a closed batch holds."""

from __future__ import annotations

import pytest

from tests.contract.batch import CLEAR, SETTLE, TRAILER, Changes, Shift, following
from tests.contract.till import REDEEM, REFUND, Answer, Till, by_de90


class Closed:
    """A batch with one redemption of 9.00 under a receipt number, closed by the terminal; the next one open."""

    def __init__(self, shift: Shift) -> None:
        self.shift, self.till, self.card = shift, shift.till, shift.card
        self.done: Answer = shift.redeem(900, {**shift.till.when(), 62: shift.till.receipt()})

    def close(self, de3: str = SETTLE) -> Closed:
        self.shift.settle((1, 900), de3=de3).expect("00")
        return self

    @property
    def balance(self) -> int:
        return self.till.balance(self.card)

    def assert_frozen(self) -> None:
        """The closed totals are as they were, and the open batch has got nothing."""
        self.shift.assert_closed_on((1, 900))
        Shift(self.till, following(self.shift.number), self.card).settle((0, 0)).expect("00")


@pytest.fixture
def closed(shift: Shift) -> Closed:
    return Closed(shift).close()


@pytest.mark.parametrize("de3", [SETTLE, TRAILER, CLEAR])
def test_a_new_transaction_for_it_is_80_and_moves_nothing(shift: Shift, de3: str) -> None:
    closed = Closed(shift).close(de3)
    answer = closed.till.do(REDEEM, closed.card, 300, {60: shift.number}).expect("80")
    assert answer[60] == shift.number, "as received"
    assert closed.balance == 19_100
    closed.assert_frozen()


def test_an_80_is_not_stored_and_leaves_the_open_batch_open(closed: Closed) -> None:
    later = closed.shift.next()
    request = closed.till.message("0200", REDEEM, closed.card, 300, {60: closed.shift.number})
    closed.till.ask(request).expect("80")
    assert closed.till.open_batch() == later.number
    closed.till.ask(request.but(changes={60: later.number})).expect("00")
    later.settle((1, 300)).expect("00")


@pytest.mark.parametrize("mti", ["0200", "0201"])
def test_a_repeat_of_what_was_done_in_it_gets_the_stored_answer(closed: Closed, mti: str) -> None:
    """Both carry DE12 and 13, so it is found behind the close, whichever MTI it has."""
    again = closed.till.ask(closed.done.asked.but(mti)).expect("00")
    assert (again.rrn, closed.balance) == (closed.done.rrn, 19_100)


def test_a_repeat_never_seen_before_is_80_like_its_first(closed: Closed) -> None:
    closed.till.ask(closed.till.message("0201", REDEEM, closed.card, 300, {60: closed.shift.number})).expect("80")
    assert closed.balance == 19_100


def test_a_logon_that_names_it_is_told_the_number_to_use(closed: Closed) -> None:
    assert closed.till.open_batch({60: closed.shift.number}) == following(closed.shift.number)
    later = closed.shift.next().next()
    assert closed.till.open_batch({60: closed.shift.number}) == later.number
    later.settle((0, 0)).expect("00")
    assert closed.till.open_batch({60: closed.shift.number}) == following(later.number)


def test_an_advice_that_names_it_is_booked_and_counts_in_no_other_batch(closed: Closed) -> None:
    more = {**closed.till.when(-3), 60: closed.shift.number}
    advice = closed.till.message("0220", REDEEM, closed.card, 300, more)
    for mti in ("0220", "0221"):
        closed.till.ask(advice.but(mti)).expect("00")
    assert closed.balance == 18_800
    closed.assert_frozen()


@pytest.mark.parametrize("named", [True, False], ids=["naming it", "naming none"])
def test_an_advice_of_it_repeated_after_the_close_is_not_booked_again(shift: Shift, named: bool) -> None:
    more = {**shift.till.when(-3), 60: shift.number if named else None}
    advice = shift.till.message("0220", REDEEM, shift.card, 300, more)
    first = shift.till.ask(advice).expect("00")
    shift.settle((1, 300)).expect("00")
    for mti in ("0221", "0220"):
        assert shift.till.ask(advice.but(mti)).expect("00").rrn == first.rrn
    assert shift.till.balance(shift.card) == 19_700
    shift.assert_closed_on((1, 300))
    Shift(shift.till, following(shift.number), shift.card).settle((0, 0)).expect("00")


def test_an_upload_for_it_is_booked_and_its_totals_stay(closed: Closed) -> None:
    answer = closed.shift.upload_unseen(REDEEM, 300, batch=closed.shift.number).expect("00")
    assert (answer[60], closed.balance) == (closed.shift.number, 18_800), answer.story()
    closed.assert_frozen()


def test_an_upload_of_what_it_holds_changes_nothing(closed: Closed) -> None:
    answer = closed.shift.upload(closed.done, closed.shift.number).expect("00")
    assert (answer[60], closed.balance) == (closed.shift.number, 19_100)
    closed.assert_frozen()


@pytest.mark.parametrize("by", ["DE37", "DE62"])
@pytest.mark.parametrize("batch", ["unnamed", "the open one", "the closed one"])
def test_a_void_after_the_close_is_refused(closed: Closed, by: str, batch: str) -> None:
    numbers = {"the open one": following(closed.shift.number), "the closed one": closed.shift.number}
    named: Changes = {37: None, 62: closed.done.asked[62]} if by == "DE62" else {}
    closed.till.void(closed.done, {**named, 60: numbers.get(batch)}).expect("78")  # section 4 comes before 80
    assert closed.balance == 19_100
    closed.assert_frozen()


@pytest.mark.parametrize("batch", ["unnamed", "the open one", "the closed one"])
@pytest.mark.parametrize("by", ["DE90", "DE37"])
@pytest.mark.parametrize("mti", ["0400", "0421"])
def test_a_reversal_after_the_close_undoes_and_the_totals_stay(closed: Closed, by: str, mti: str, batch: str) -> None:
    numbers = {"the open one": following(closed.shift.number), "the closed one": closed.shift.number}
    named: Changes = {37: closed.done.rrn} if by == "DE37" else {90: by_de90(closed.done.asked)}
    for _ in range(2):
        closed.till.reverse(closed.done.asked, {**named, 60: numbers.get(batch)}, mti).expect("00")
        assert closed.balance == 20_000
    closed.assert_frozen()


@pytest.mark.parametrize("by", [62, 11])
def test_a_reversal_by_receipt_or_stan_does_not_reach_into_it(closed: Closed, by: int) -> None:
    later = closed.shift.next()
    same = {62: closed.done.asked[62], 11: closed.done.asked[11]}
    closed.till.reverse(closed.done.asked, {by: same[by], 60: None}).expect("00")
    assert closed.balance == 19_100
    later.settle((0, 0)).expect("00")


@pytest.mark.parametrize("by", [62, 11])
def test_a_reversal_by_receipt_or_stan_reaches_into_it_with_the_time_of_the_original(closed: Closed, by: int) -> None:
    asked = closed.done.asked
    closed.till.reverse(asked, {by: asked[by], 12: asked[12], 13: asked[13], 60: None}).expect("00")
    assert closed.balance == 20_000
    closed.assert_frozen()


def test_a_reversal_by_stan_prefers_what_the_open_batch_holds(closed: Closed) -> None:
    later = closed.shift.next()
    same_stan = later.redeem(900, {11: closed.done.asked[11]})
    closed.till.reverse(same_stan.asked, {11: same_stan.asked[11]}).expect("00")
    assert closed.balance == 19_100
    later.settle((0, 0)).expect("00")


def test_goods_of_a_closed_batch_are_returned_in_the_open_one(closed: Closed) -> None:
    later = closed.shift.next()
    later.do(REFUND, 400, more={37: closed.done.rrn}).expect("00")
    later.settle((0, 0), (1, 400)).expect("00")
    closed.shift.assert_closed_on((1, 900))


def test_after_a_reversal_behind_the_close_the_message_is_not_replayed(closed: Closed) -> None:
    closed.shift.reverse(closed.done).expect("00")
    closed.till.ask(closed.done.asked.but("0201")).expect("94")
    assert closed.balance == 20_000


def test_an_undo_of_a_void_behind_the_close_makes_the_sale_live_and_no_total_moves(shift: Shift) -> None:
    done = shift.redeem(900)
    void = shift.void(done).expect("00")
    shift.redeem(100)
    shift.settle((1, 100)).expect("00")
    shift.till.reverse(void.asked, {90: by_de90(void.asked)}).expect("00")
    assert shift.till.balance(shift.card) == 19_000
    shift.assert_closed_on((1, 100))
    Shift(shift.till, following(shift.number), shift.card).settle((0, 0)).expect("00")


# A batch the host left behind was not closed by the terminal


def test_a_number_left_behind_opens_again_when_it_is_named(till: Till, shift: Shift) -> None:
    shift.redeem(900)
    shift.next().redeem(100)
    assert till.do(REDEEM, shift.card, 200, {60: shift.number}).expect("00")[60] == shift.number
    assert till.open_batch() == shift.number
