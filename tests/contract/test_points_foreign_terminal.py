"""Points at a terminal whose currency is not the first terminals': valued by the rate table, given back exactly.

The rate is not told on the wire, so only what holds at any rate is asked: up when taken, down when put on, all parts
together the whole. The store belongs to another merchant, whose rule need not be plain.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.conftest import House
from tests.contract.members import Club
from tests.contract.points import POINTS_REDEEM, RETURN, SALE
from tests.contract.till import Answer, Till


@pytest.fixture(scope="module")
def foreign(house: House) -> Iterator[Till]:
    home = {till.record.currency for tills in house.tills.values() for till in tills}
    away = [record for record in house.demo.terminals if record.currency not in home and record.listener in house.tills]
    if not away:
        pytest.skip("all terminals of the demo have one currency")
    till = Till(away[0], house.demo.listeners[away[0].listener], house.first_stan + 60_000)
    yield till
    till.close()


@pytest.fixture
def rich(club: Club) -> str:
    return club.member(club.till("nac"), 60_000)


def redeem(till: Till, member: str, amount: int) -> Answer:
    return till.do(POINTS_REDEEM, member, amount).expect("00")


def test_what_is_taken_is_rounded_up_so_that_parts_never_take_less_than_the_whole(foreign: Till, rich: str) -> None:
    before = foreign.points(rich)
    for first, second in ((100, 101), (133, 267), (251, 303)):
        answers = [redeem(foreign, rich, amount) for amount in (first, second, first + second)]
        assert [answer.amount for answer in answers] == [first, second, first + second], answers[2].story()
        *parts, whole = [answer.told.redeemed for answer in answers]
        assert whole <= sum(parts) <= whole + 1, [answer.story() for answer in answers]
        for answer in answers:
            foreign.void(answer).expect("00")
    assert foreign.points(rich) == before


@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
def test_partial_returns_give_back_exactly_what_was_taken(foreign: Till, rich: str, pieces: int) -> None:
    before = foreign.points(rich)
    redeemed = redeem(foreign, rich, 1_001)
    parts = [1_001 // pieces] * (pieces - 1)
    parts.append(1_001 - sum(parts))
    answers = [foreign.do(RETURN, rich, part, {37: redeemed.rrn}).expect("00") for part in parts]
    assert sum(answer.told.redeemed for answer in answers) == redeemed.told.redeemed
    assert [answer.returned for answer in answers] == [(part, 0) for part in parts]
    foreign.do(RETURN, rich, 1, {37: redeemed.rrn}).expect("13")
    assert foreign.points(rich) == before


@pytest.mark.parametrize("undone_by", ["void", "reversal", "return"])
def test_a_sale_is_undone_exactly(foreign: Till, rich: str, undone_by: str) -> None:
    before = foreign.points(rich)
    sale = foreign.do(SALE, rich, 12_345).expect("00")
    assert sale.told.earned > 0, sale.story()
    match undone_by:
        case "void":
            foreign.void(sale).expect("00")
        case "reversal":
            foreign.reverse(sale.asked).expect("00")
        case _:
            for part in (1, 4_000, 8_343, 1):
                back = foreign.do(RETURN, rich, part, {37: sale.rrn}).expect("00")
            assert back.returned == (0, 1), back.story()
    assert foreign.points(rich) == before


def test_a_partial_approval_takes_everything_and_tells_the_terminals_money(foreign: Till, rich: str) -> None:
    before = foreign.points(rich)
    asked = 90_000_000
    answer = foreign.do(POINTS_REDEEM, rich, asked, tables={"CP": "P"}).expect("10")
    assert 0 < answer.amount < asked, answer.story()
    assert answer.told.redeemed <= before, answer.story()
    assert answer.told.available == before - answer.told.redeemed, answer.story()
    kinds = [block.amount_minor for block in answer.blocks if block.kind == "57"]
    assert kinds == [asked], answer.story()
    foreign.reverse(answer.asked, {4: answer[4], 37: answer.rrn}).expect("00")
    assert foreign.points(rich) == before


def test_the_points_told_at_home_and_abroad_are_the_same(club: Club, foreign: Till, rich: str) -> None:
    assert foreign.points(rich) == club.till("nac").points(rich) == club.till("ascii").points(rich)
