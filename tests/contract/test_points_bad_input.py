"""Bad input and bad luck: amounts that overflow, transfers to the wrong card, missing fields."""

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
from tests.contract.till import APPROVED, REDEEM, Answer, Till, void_code

MOST = 999_999_999_999  # what DE4 can hold


# Overflow.


@pytest.mark.parametrize("de3", [SALE, PURCHASE])
def test_an_amount_whose_points_no_field_can_hold_is_refused_and_moves_nothing(
    counter: Till, member: str, programme: Programme, de3: str
) -> None:
    before = counter.points(member)
    answer = counter.do(de3, member, MOST).expect("00", "13", "61")
    if answer.rc == "00":  # a small ratio: then every figure must be right
        assert answer.available == before + answer.told.earned, answer.story()
        assert de3 == PURCHASE or answer.told.earned == programme.earned(MOST), answer.story()
        counter.void(answer).expect("00")
    assert counter.points(member) == before


@pytest.mark.parametrize("partial", [False, True])
def test_a_redemption_of_all_the_money_there_could_be_takes_no_more_than_there_is(
    counter: Till, member: str, programme: Programme, partial: bool
) -> None:
    before = counter.points(member)
    answer = counter.do(POINTS_REDEEM, member, MOST, tables={"CP": "P"} if partial else None)
    answer.expect("13", "51", "61", *(["10"] if partial else []))
    if answer.rc == "10":
        assert answer.told.redeemed == before, answer.story()
        counter.void(answer).expect("00")
    assert counter.points(member) == before


def test_a_transfer_of_more_than_there_is_is_refused(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    other = club.member(counter)
    before = counter.points(member), counter.points(other)
    counter.do(TRANSFER, member, before[0] + 1, tables={"TO": other}).expect("51", "61", "13")
    counter.do(TRANSFER, member, MOST, tables={"TO": other}).expect("51", "61", "13")
    assert counter.do(TRANSFER, member, 0, tables={"TO": other}).rc not in APPROVED
    assert (counter.points(member), counter.points(other)) == before


def test_repeated_immense_sales_never_bring_a_balance_no_answer_can_tell(
    counter: Till, member: str, programme: Programme
) -> None:
    """Ten digits tell what is available, whatever was earned."""
    before = counter.points(member)
    amount = min(MOST, programme.money(9_999_999_000))
    sales = [counter.do(SALE, member, amount) for _ in range(3)]
    assert {sale.rc for sale in sales} <= {"00", "13", "61"}, [sale.story() for sale in sales]
    assert counter.points(member) == before + sum(sale.told.earned for sale in sales if sale.rc == "00")
    for sale in sales:
        if sale.rc == "00":
            counter.void(sale).expect("00")
    assert counter.points(member) == before


# The other card of a transfer.


def refused_transfer(till: Till, member: str, other: str, points: int) -> Answer:
    before = till.points(member)
    answer = till.do(TRANSFER, member, points, tables={"TO": other})
    assert answer.rc not in APPROVED | {"96"}, answer.story()
    assert till.points(member) == before
    return answer


def test_a_transfer_to_oneself_is_refused(counter: Till, member: str, programme: Programme) -> None:
    refused_transfer(counter, member, member, programme.some())


def test_a_transfer_to_the_other_card_of_the_same_account_is_refused(
    club: Club, counter: Till, programme: Programme
) -> None:
    first, second = club.two_cards_of_one_account()
    refused_transfer(counter, first.pan, second.pan, programme.some())


def test_a_transfer_to_a_blocked_card_is_refused_62(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    other = club.member(counter)
    before = counter.points(other)
    counter.do(CARD_BLOCK, other).expect("00")
    answer = counter.do(TRANSFER, member, programme.some(), tables={"TO": other})
    counter.do(CARD_UNBLOCK, other).expect("00")
    answer.expect("62")
    assert counter.points(other) == before


def test_a_transfer_to_a_gift_card_is_refused_57(
    house: House, counter: Till, member: str, programme: Programme
) -> None:
    refused_transfer(counter, member, house.card(counter), programme.some()).expect("57")


# Cards of the other kind: not allowed for it, and no guess.


@pytest.mark.parametrize("de3", [SALE, POINTS_REDEEM, PURCHASE, CARD_BLOCK])
def test_a_gift_card_takes_no_part_in_points(house: House, counter: Till, programme: Programme, de3: str) -> None:
    card = house.card(counter)
    counter.do(de3, card, programme.worth(counter, programme.some())).expect("57")
    assert counter.balance(card) == 20_000


@pytest.mark.parametrize("de3", [REDEEM, "210060", "736000"])
def test_a_loyalty_card_holds_no_money(counter: Till, member: str, de3: str) -> None:
    before = counter.points(member)
    counter.do(de3, member, 10_000).expect("57")
    assert counter.points(member) == before


# Missing fields.

# fmt: off
MISSING: list[tuple[str, str, str, int]] = [
    ("amount of a sale",         "0200", SALE,                     4),
    ("amount of a preview",      "0100", SALE,                     4),
    ("amount of a redemption",   "0200", POINTS_REDEEM,            4),
    ("amount of a return",       "0200", RETURN,                   4),
    ("amount of a transfer",     "0200", TRANSFER,                 4),
    ("amount of a purchase",     "0200", PURCHASE,                 4),
    ("amount of a void",         "0200", void_code(POINTS_REDEEM), 4),
    ("amount of a reversal",     "0400", SALE,                     4),
    ("NII of a balance inquiry", "0100", POINTS,                  24),
    ("NII of a block",           "0200", CARD_BLOCK,              24),
]
# fmt: on


@pytest.mark.parametrize(("what", "mti", "de3", "missing"), MISSING, ids=[row[0] for row in MISSING])
def test_a_needed_field_that_is_missing_is_named(
    club: Club, counter: Till, member: str, what: str, mti: str, de3: str, missing: int
) -> None:
    before = counter.points(member)
    tables = {"TO": club.member(counter)} if de3 == TRANSFER else None
    request = counter.message(mti, de3, member, 10_000, {37: "123456789012"}, tables)
    answer = counter.ask(request.but(changes={missing: None})).expect("30")
    assert answer[38] == f"{missing:06}", f"{what}\n{answer.story()}"
    assert counter.points(member) == before


def test_a_missing_card_is_named_by_one_of_its_fields(counter: Till, programme: Programme) -> None:
    for de3 in (SALE, POINTS_REDEEM, RETURN):
        answer = counter.ask(counter.message("0200", de3, None, programme.earn_money)).expect("30")
        assert answer[38] in ("000002", "000035", "000045"), answer.story()
