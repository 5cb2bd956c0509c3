"""Section 4, *Forced movements*, for points: what was done at the till already is booked and never refused."""

from __future__ import annotations

import pytest

from tests.contract.client import Message
from tests.contract.members import Club, Programme
from tests.contract.points import (
    CARD_BLOCK,
    CARD_UNBLOCK,
    ENROL,
    POINTS,
    POINTS_REDEEM,
    RETURN,
    SALE,
    TRANSFER,
)
from tests.contract.till import Till, by_de90, void_code

Changes = dict[int, str | None]


def advice(till: Till, de3: str, member: str, amount: int, more: Changes | None = None, minutes: float = -3) -> Message:
    return till.message("0220", de3, member, amount, {**till.when(minutes), **(more or {})})


def test_an_advice_of_a_sale_earns_its_points(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    counter.ask(advice(counter, SALE, member, programme.earn_money * 4)).expect("00")
    assert counter.points(member) == before + programme.earn_points * 4


def test_an_advice_of_a_redemption_takes_its_points(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    counter.ask(advice(counter, POINTS_REDEEM, member, programme.worth(counter, programme.some()))).expect("00")
    assert counter.points(member) == before - programme.some()


def test_an_advice_of_a_return_takes_back_what_the_sale_earned(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    sale = counter.do(SALE, member, programme.earn_money * 4).expect("00")
    counter.ask(advice(counter, RETURN, member, programme.earn_money * 3, {37: sale.rrn})).expect("00")
    assert counter.points(member) == before + programme.earn_points
    counter.do(RETURN, member, programme.earn_money + 1, {37: sale.rrn}).expect("13")
    counter.do(RETURN, member, programme.earn_money, {37: sale.rrn}).expect("00")
    assert counter.points(member) == before


@pytest.mark.parametrize("de3", [SALE, POINTS_REDEEM, RETURN])
def test_an_advice_of_a_void_undoes_its_original_once(
    counter: Till, member: str, programme: Programme, de3: str
) -> None:
    sale = counter.do(SALE, member, programme.earn_money * 4).expect("00")
    before = counter.points(member)
    amount = programme.worth(counter, programme.some()) if de3 == POINTS_REDEEM else programme.earn_money * 4
    done = counter.do(de3, member, amount, {37: sale.rrn} if de3 == RETURN else None).expect("00")
    void = advice(counter, void_code(de3), member, amount, {37: done.rrn})
    for mti in ("0220", "0220", "0221"):
        counter.ask(void.but(mti)).expect("00")
        assert counter.points(member) == before


@pytest.mark.parametrize("again", ["0220", "0221"])
@pytest.mark.parametrize("de3", [SALE, POINTS_REDEEM])
def test_an_advice_sent_again_moves_once(
    counter: Till, member: str, programme: Programme, de3: str, again: str
) -> None:
    request = advice(counter, de3, member, programme.worth(counter, programme.some()))
    first = counter.ask(request).expect("00")
    after = counter.points(member)
    assert dict(counter.ask(request.but(again))) == {**first}, first.story()
    assert counter.points(member) == after


def test_a_repeated_advice_never_seen_before_is_handled_as_the_first(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    counter.ask(advice(counter, SALE, member, programme.earn_money).but("0221")).expect("00")
    assert counter.points(member) == before + programme.earn_points


def test_an_advice_with_the_stan_of_another_is_refused_94(counter: Till, member: str, programme: Programme) -> None:
    request = advice(counter, SALE, member, programme.earn_money)
    counter.ask(request).expect("00")
    after = counter.points(member)
    counter.ask(request.but(changes={4: f"{programme.earn_money * 2:012}"})).expect("94")
    assert counter.points(member) == after


def test_an_advice_of_a_redemption_beyond_the_points_is_never_refused(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    beyond = before + programme.some()
    done = counter.ask(advice(counter, POINTS_REDEEM, member, programme.worth(counter, beyond))).expect("00")
    assert counter.points(member) in (0, before - beyond), "floor and report, or debt"
    counter.reverse(done.asked, {90: by_de90(done.asked)}).expect("00")
    assert counter.points(member) == before, "an undo books the negative of what was booked"


def test_an_advice_below_the_minimum_is_not_refused_for_it(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    counter.ask(advice(counter, POINTS_REDEEM, member, programme.worth(counter, 1))).expect("00")
    assert counter.points(member) == before - 1


@pytest.mark.parametrize("de3", [SALE, POINTS_REDEEM])
def test_an_advice_is_not_refused_because_the_card_is_blocked(
    counter: Till, member: str, programme: Programme, de3: str
) -> None:
    counter.do(CARD_BLOCK, member).expect("00")
    answer = counter.ask(advice(counter, de3, member, programme.worth(counter, programme.some())))
    counter.do(CARD_UNBLOCK, member).expect("00")
    answer.expect("00")


def test_an_advice_of_a_sale_finds_the_redemptions_of_its_receipt(
    counter: Till, member: str, programme: Programme
) -> None:
    before, receipt = counter.points(member), counter.receipt()
    paid = programme.worth(counter, programme.some())
    counter.ask(advice(counter, POINTS_REDEEM, member, paid, {62: receipt}, -4)).expect("00")
    counter.ask(advice(counter, SALE, member, paid + programme.earn_money * 5, {62: receipt})).expect("00")
    assert counter.points(member) == before - programme.some() + programme.earn_points * 5


@pytest.mark.parametrize("undone_by", ["void", "reversal", "return"])
def test_an_advice_of_a_sale_can_be_undone_like_any_other(
    counter: Till, member: str, programme: Programme, undone_by: str
) -> None:
    before, amount = counter.points(member), programme.earn_money * 3
    done = counter.ask(advice(counter, SALE, member, amount)).expect("00")
    match undone_by:
        case "void":
            counter.void(done).expect("00")
        case "reversal":
            counter.reverse(done.asked, {90: by_de90(done.asked)}).expect("00")
        case _:
            counter.do(RETURN, member, amount, {37: done.rrn}).expect("00")
    assert counter.points(member) == before


def test_an_advice_that_comes_after_its_reversal_is_refused_94(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    request = advice(counter, SALE, member, programme.earn_money)
    counter.reverse(request).expect("00")
    counter.ask(request).expect("94")
    assert counter.points(member) == before


@pytest.mark.parametrize("de3", [SALE, POINTS_REDEEM])
def test_an_advice_older_than_a_month_is_not_booked_and_a_younger_one_is(
    counter: Till, member: str, programme: Programme, de3: str
) -> None:
    before = counter.points(member)
    amount = max(programme.worth(counter, programme.some()), programme.earn_money)
    counter.ask(counter.message("0220", de3, member, amount, counter.when(days=-40)))
    assert counter.points(member) == before
    counter.ask(counter.message("0220", de3, member, amount, counter.when(days=-5))).expect("00")
    assert counter.points(member) != before


@pytest.mark.parametrize("missing", [12, 13])
def test_an_advice_without_the_time_of_the_deed_is_a_format_error(
    counter: Till, member: str, programme: Programme, missing: int
) -> None:
    before = counter.points(member)
    answer = counter.ask(advice(counter, SALE, member, programme.earn_money).but(changes={missing: None})).expect("30")
    assert answer[38] == f"{missing:06}", answer.story()
    assert counter.points(member) == before


@pytest.mark.parametrize("de3", [POINTS, TRANSFER, CARD_BLOCK, ENROL])
def test_an_advice_of_what_is_not_listed_for_advices_moves_nothing(
    club: Club, counter: Till, member: str, programme: Programme, de3: str
) -> None:
    other = club.member(counter)
    before = counter.points(member), counter.points(other)
    request = counter.message("0220", de3, member, programme.some(), counter.when(-3), {"TO": other})
    counter.ask(request).expect("12")
    assert (counter.points(member), counter.points(other)) == before
