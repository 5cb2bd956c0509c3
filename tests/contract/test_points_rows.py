"""Every row of purse 90 in section 3: what it needs and moves. What its answer adds the till checks every time."""

from __future__ import annotations

import pytest

from tests.contract.conftest import House
from tests.contract.members import Club, Programme
from tests.contract.points import (
    CARD_BLOCK,
    CARD_UNBLOCK,
    POINTS,
    POINTS_REDEEM,
    PURCHASE,
    RETURN,
    SALE,
    TRANSFER,
)
from tests.contract.till import Answer, Till, void_code


def test_a_sale_earns_points(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    amount = programme.earn_money * 7
    answer = counter.do(SALE, member, amount).expect("00")
    earned = programme.earned(amount)
    assert (answer.told.earned, answer.told.redeemed, answer.available) == (earned, 0, before + earned), answer.story()
    assert counter.points(member) == before + earned


def test_a_points_redemption_takes_points_for_money(counter: Till, member: str, programme: Programme) -> None:
    before, points = counter.points(member), programme.some()
    amount = programme.worth(counter, points)
    answer = counter.do(POINTS_REDEEM, member, amount).expect("00")
    assert (answer.amount, answer.told.earned, answer.told.redeemed) == (amount, 0, points), answer.story()
    assert answer.available == before - points, answer.story()
    assert counter.points(member) == before - points


def test_a_points_balance_moves_nothing_and_is_always_done_anew(
    counter: Till, member: str, programme: Programme
) -> None:
    inquiry = counter.message("0100", POINTS, member)
    first = counter.ask(inquiry).expect("00")
    assert (first.told.earned, first.told.redeemed) == (0, 0), first.story()
    counter.do(SALE, member, programme.earn_money).expect("00")
    assert counter.ask(inquiry).expect("00").available == first.available + programme.earn_points


def test_a_preview_tells_what_the_sale_would_earn_and_moves_nothing(
    counter: Till, member: str, programme: Programme
) -> None:
    before, amount = counter.points(member), programme.earn_money * 3
    preview = counter.ask(counter.message("0100", SALE, member, amount)).expect("00")
    assert preview.told.earned == programme.earned(amount), preview.story()
    assert counter.points(member) == before
    assert counter.do(SALE, member, amount).expect("00").told.earned == preview.told.earned


def test_a_preview_is_never_stored(counter: Till, member: str, programme: Programme) -> None:
    preview = counter.message("0100", SALE, member, programme.earn_money)
    first = counter.ask(preview).expect("00")
    counter.do(SALE, member, programme.earn_money).expect("00")
    second = counter.ask(preview).expect("00")
    assert second.told.available == first.told.available + programme.earn_points, second.story()
    larger = counter.ask(preview.but(changes={4: f"{programme.earn_money * 2:012}"})).expect("00")
    assert larger.told.earned == first.told.earned * 2, larger.story()


def test_a_return_takes_back_what_the_sale_earned(counter: Till, member: str, programme: Programme) -> None:
    before, amount = counter.points(member), programme.earn_money * 5
    sale = counter.do(SALE, member, amount).expect("00")
    answer = counter.do(RETURN, member, amount, {37: sale.rrn}).expect("00")
    assert (answer.told.earned, answer.told.redeemed) == (programme.earned(amount), 0), answer.story()
    assert answer.returned == (0, amount), answer.story()
    assert answer.available == before, answer.story()
    assert answer.rrn != sale.rrn, answer.story()
    assert counter.points(member) == before


def test_a_transfer_moves_points_from_one_card_to_the_other(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    other, points = club.member(counter), programme.some(100)
    giver, taker = counter.points(member), counter.points(other)
    answer = counter.do(TRANSFER, member, points, tables={"TO": other}).expect("00")
    assert answer.available == giver - points, answer.story()
    assert (counter.points(member), counter.points(other)) == (giver - points, taker + points)
    counter.do(TRANSFER, other, points, {49: "999"}, tables={"TO": member}).expect("00")
    assert (counter.points(member), counter.points(other)) == (giver, taker)


def test_a_purchase_puts_points_on_the_card(counter: Till, member: str) -> None:
    before = counter.points(member)
    answer = counter.do(PURCHASE, member, 10_000).expect("00")
    assert answer.told.earned > 0, answer.story()
    assert answer.told.redeemed == 0, answer.story()
    assert answer.available == before + answer.told.earned, answer.story()
    counter.void(answer).expect("00")
    assert counter.points(member) == before


def test_a_blocked_card_neither_earns_nor_pays_until_it_is_unblocked(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    counter.do(CARD_BLOCK, member).expect("00")
    codes = [
        counter.do(POINTS_REDEEM, member, programme.worth(counter, programme.some())).rc,
        counter.do(SALE, member, programme.earn_money).rc,
    ]
    counter.do(CARD_UNBLOCK, member).expect("00")
    assert codes == ["62", "62"]
    assert counter.points(member) == before
    counter.do(SALE, member, programme.earn_money).expect("00")


def done(till: Till, member: str, de3: str, programme: Programme, other: str) -> Answer:
    """One movement of each kind, approved."""
    points = programme.some()
    amounts = {POINTS_REDEEM: programme.worth(till, points), TRANSFER: points, PURCHASE: 10_000}
    amount = amounts.get(de3, programme.earn_money * 9)
    named: dict[int, str | None] = {62: till.receipt()}
    if de3 == RETURN:
        named[37] = till.do(SALE, member, amount).expect("00").rrn
    return till.do(de3, member, amount, named, {"TO": other} if de3 == TRANSFER else None).expect("00")


VOIDABLE = [SALE, POINTS_REDEEM, RETURN, TRANSFER, PURCHASE]


@pytest.mark.parametrize("named", ["DE37", "DE62"])
@pytest.mark.parametrize("de3", VOIDABLE)
def test_every_movement_of_points_can_be_voided(
    club: Club, counter: Till, member: str, programme: Programme, de3: str, named: str
) -> None:
    other = club.member(counter)
    before, others = counter.points(member), counter.points(other)
    movement = done(counter, member, de3, programme, other)
    by: dict[int, str | None] = {} if named == "DE37" else {37: None, 62: movement.asked[62]}
    answer = counter.void(movement, by).expect("00")
    assert answer.asked[3] == void_code(de3)
    sold = programme.earn_points * 9 if de3 == RETURN else 0  # the sale under the return stands again
    assert answer.available == before + sold, answer.story()
    assert (counter.points(member), counter.points(other)) == (before + sold, others)


@pytest.mark.parametrize("de3", VOIDABLE)
def test_every_movement_of_points_can_be_reversed(
    club: Club, counter: Till, member: str, programme: Programme, de3: str
) -> None:
    other = club.member(counter)
    before, others = counter.points(member), counter.points(other)
    movement = done(counter, member, de3, programme, other)
    counter.reverse(movement.asked).expect("00")
    sold = programme.earn_points * 9 if de3 == RETURN else 0
    assert (counter.points(member), counter.points(other)) == (before + sold, others)


@pytest.mark.parametrize("de3", VOIDABLE)
def test_a_reversed_void_makes_the_movement_live_again(
    club: Club, counter: Till, member: str, programme: Programme, de3: str
) -> None:
    other = club.member(counter)
    movement = done(counter, member, de3, programme, other)
    after, others = counter.points(member), counter.points(other)
    void = counter.void(movement).expect("00")
    counter.reverse(void.asked).expect("00")
    assert (counter.points(member), counter.points(other)) == (after, others)
    counter.void(movement).expect("00")


def test_points_live_beside_gift_cards_and_take_no_part_in_them(
    house: House, counter: Till, member: str, programme: Programme
) -> None:
    card = house.card(counter)
    before = counter.points(member)
    counter.do(SALE, member, programme.earn_money).expect("00")
    assert counter.balance(card) == 20_000
    counter.do("006000", card, 500).expect("00")
    assert counter.points(member) == before + programme.earn_points


@pytest.mark.parametrize("carried", ["track 2", "track 1"])
def test_the_loyalty_card_may_come_from_a_track(counter: Till, member: str, programme: Programme, carried: str) -> None:
    before = counter.points(member)
    track: dict[int, str | None] = {35: f"{member}=4912"} if carried == "track 2" else {45: f"B{member}^A MEMBER^4912"}
    counter.do(SALE, member, programme.earn_money, {2: None, **track}).expect("00")
    assert counter.points(member) == before + programme.earn_points


def test_two_cards_of_one_member_draw_on_one_account(club: Club, counter: Till, programme: Programme) -> None:
    first, second = club.two_cards_of_one_account()
    before = counter.points(first.pan)
    assert counter.points(second.pan) == before
    counter.do(SALE, first.pan, programme.money(programme.some())).expect("00")
    counter.do(POINTS_REDEEM, second.pan, programme.worth(counter, programme.some())).expect("00")
    there = counter.points(first.pan)
    assert counter.points(second.pan) == there
    earned = programme.earned(programme.money(programme.some()))
    assert there == before + earned - programme.some()


@pytest.mark.parametrize("digit", "19")
def test_the_flow_digit_is_not_compared_and_comes_back(
    counter: Till, member: str, programme: Programme, digit: str
) -> None:
    before = counter.points(member)
    sale = counter.do(SALE[:5] + digit, member, programme.earn_money).expect("00")
    points = programme.some()
    redeemed = counter.do(POINTS_REDEEM[:5] + digit, member, programme.worth(counter, points)).expect("00")
    assert (sale[3][5], redeemed[3][5]) == (digit, digit)
    assert counter.points(member) == before + programme.earn_points - points
    counter.reverse(sale.asked.but(changes={3: SALE})).expect("00")
    counter.void(redeemed, {3: void_code(POINTS_REDEEM)}).expect("00")
    assert counter.points(member) == before


def test_one_member_earns_over_one_dialect_and_pays_over_the_other(club: Club, programme: Programme) -> None:
    earning, paying = club.till("nac"), club.till("ascii")
    member = club.member(earning)
    before, points = earning.points(member), programme.some()
    earning.do(SALE, member, programme.money(points)).expect("00")
    done = paying.do(POINTS_REDEEM, member, programme.worth(paying, points)).expect("00")
    assert (
        earning.points(member) == paying.points(member) == before + programme.earned(programme.money(points)) - points
    )
    earning.void(done).expect("78")
    paying.void(done).expect("00")
