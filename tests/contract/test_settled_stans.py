"""Sections 4 and 5: a terminal's own close begins a new STAN count; no 0500 and no 0320 is ever answered 94."""

from __future__ import annotations

import pytest

from tests.contract.batch import CLEAR, SETTLE, TRAILER, Changes, Shift, claim, following, settlement, upload_of
from tests.contract.till import REDEEM, Answer


def unnamed(shift: Shift, more: Changes | None = None) -> Answer:
    """A redemption of 9.00 without DE60 or time: nothing but its STAN tells it from another like it."""
    return shift.till.do(REDEEM, shift.card, 900, more).expect("00")


@pytest.mark.parametrize("de3", [SETTLE, TRAILER, CLEAR])
def test_after_a_close_the_same_stan_is_another_transaction(shift: Shift, de3: str) -> None:
    first = unnamed(shift)
    shift.settle((1, 900), de3=de3).expect("00")
    second = shift.till.ask(first.asked).expect("00")
    assert second.rrn != first.rrn, second.story()
    assert shift.till.balance(shift.card) == 18_200
    Shift(shift.till, following(shift.number), shift.card).settle((1, 900)).expect("00")


def test_after_a_close_the_same_stan_with_other_contents_is_no_94(shift: Shift) -> None:
    first = unnamed(shift)
    shift.settle((1, 900)).expect("00")
    shift.till.ask(first.asked.but(changes={4: f"{500:012}"})).expect("00")
    assert shift.till.balance(shift.card) == 18_600


def test_a_repeat_looks_behind_the_close(shift: Shift) -> None:
    first = unnamed(shift)
    shift.settle((1, 900)).expect("00")
    assert shift.till.ask(first.asked.but("0201")).expect("00").rrn == first.rrn
    assert shift.till.balance(shift.card) == 19_100


def test_behind_a_close_a_message_is_found_when_both_carry_the_time(shift: Shift) -> None:
    first = unnamed(shift, shift.till.when())
    shift.settle((1, 900)).expect("00")
    assert shift.till.ask(first.asked).expect("00").rrn == first.rrn
    assert shift.till.balance(shift.card) == 19_100


def test_the_time_in_only_one_of_them_finds_nothing_behind_a_close(shift: Shift) -> None:
    first = unnamed(shift)
    shift.settle((1, 900)).expect("00")
    assert shift.till.ask(first.asked.but(changes=shift.till.when())).expect("00").rrn != first.rrn


def test_after_the_close_a_stan_counts_again_from_its_first_use(shift: Shift) -> None:
    first = unnamed(shift)
    shift.settle((1, 900)).expect("00")
    second = shift.till.ask(first.asked).expect("00")
    for mti in ("0200", "0201"):
        assert shift.till.ask(first.asked.but(mti)).expect("00").rrn == second.rrn, "the newest counts"
    shift.till.ask(first.asked.but(changes={4: f"{500:012}"})).expect("94")


@pytest.mark.parametrize("why", ["95", "30", "80"])
def test_a_0500_that_closed_nothing_begins_no_new_count(shift: Shift, why: str) -> None:
    first = unnamed(shift)
    if why == "95":
        shift.settle((2, 2_000)).expect("95")
    elif why == "30":
        shift.till.ask(settlement(shift.till, shift.number, None)).expect("30")
    else:
        shift.till.ask(settlement(shift.till, following(shift.number, 9), claim((1, 900)))).expect("80")
    assert shift.till.ask(first.asked).expect("00").rrn == first.rrn
    shift.till.ask(first.asked.but(changes={4: f"{500:012}"})).expect("94")
    assert shift.till.balance(shift.card) == 19_100


def test_a_batch_settled_again_begins_no_new_count(shift: Shift) -> None:
    """Nothing changes: a resend must not become a second sale because a late 0500 came in between."""
    shift.settle((0, 0)).expect("00")
    first = unnamed(shift)
    shift.settle((0, 0)).expect("00")
    assert shift.till.ask(first.asked).expect("00").rrn == first.rrn
    assert shift.till.balance(shift.card) == 19_100


def test_a_batch_left_behind_begins_no_new_count(shift: Shift) -> None:
    first = unnamed(shift)
    shift.till.do(REDEEM, shift.card, 100, {60: following(shift.number)}).expect("00")
    assert shift.till.ask(first.asked).expect("00").rrn == first.rrn
    assert shift.till.balance(shift.card) == 19_000


# Never 94


def test_a_0500_may_use_the_stan_of_a_transaction(shift: Shift) -> None:
    done = shift.redeem(900)
    request = shift.settlement((1, 900)).but(changes={11: done.asked[11]})
    shift.till.ask(request).expect("00")


@pytest.mark.parametrize("mti", ["0500", "0501"])
def test_the_same_stan_with_other_totals_or_another_number_is_another_0500(shift: Shift, mti: str) -> None:
    shift.redeem(900)
    first = shift.settlement((2, 2_000))
    shift.till.ask(first).expect("95")
    shift.till.ask(first.but(mti, {63: claim((3, 3_000))})).expect("95")
    shift.till.ask(first.but(mti, {60: following(shift.number, 4)})).expect("80")
    shift.till.ask(first.but(mti, {3: TRAILER})).expect("00")
    shift.till.ask(first.but(mti, {60: following(shift.number), 63: claim((0, 0))})).expect("00")


def test_a_95_is_not_replayed_when_the_totals_have_become_equal(shift: Shift) -> None:
    request = shift.settlement((1, 900))
    shift.till.ask(request).expect("95")
    shift.redeem(900)
    shift.till.ask(request).expect("00")


def test_an_80_is_not_replayed_when_the_number_has_been_opened(shift: Shift) -> None:
    later = following(shift.number, 2)
    request = settlement(shift.till, later, claim((0, 0)))
    shift.till.ask(request).expect("80")
    shift.till.open_batch({60: later})
    shift.till.ask(request).expect("00")


def test_a_0320_may_use_any_stan(shift: Shift) -> None:
    first, second = shift.redeem(900), shift.redeem(800)
    shift.settle((5, 5_000)).expect("95")
    upload = upload_of(shift.till, first.asked, first.rrn)
    shift.till.ask(upload).expect("00")
    other = upload_of(shift.till, second.asked, second.rrn, more={11: upload[11]})
    shift.till.ask(other).expect("00")
    shift.till.ask(other.but(changes={11: first.asked[11]})).expect("00")
    shift.till.ask(upload.but("0321", {4: f"{1:012}"})).expect("00")
    assert shift.till.balance(shift.card) == 18_300
    shift.settle((2, 1_700)).expect("00")


def test_two_unseen_uploads_under_one_stan_are_both_booked(shift: Shift) -> None:
    shift.settle((2, 1_700)).expect("95")
    first, second = shift.unseen(REDEEM, 900), shift.unseen(REDEEM, 800)
    stan = shift.till.stan()
    for original in (first, second):
        shift.till.ask(upload_of(shift.till, original, more={11: stan})).expect("00")
    assert shift.till.balance(shift.card) == 18_300
    shift.settle((2, 1_700)).expect("00")


def test_a_stan_used_in_two_batches_is_uploaded_to_each(shift: Shift) -> None:
    """The terminal counts its STANs anew after a close: original MTI and STAN are unique only within their batch."""
    first = shift.redeem(900)
    shift.settle((1, 900)).expect("00")
    later = shift.next()
    later.settle((1, 700)).expect("95")
    unseen = shift.till.message("0200", REDEEM, shift.card, 700, {11: first.asked[11], **shift.till.when()})
    shift.till.ask(upload_of(shift.till, unseen)).expect("00")
    assert shift.till.balance(shift.card) == 18_400
    later.settle((1, 700), de3=TRAILER).expect("00")
    shift.assert_closed_on((1, 900))
