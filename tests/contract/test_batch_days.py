"""Days of a till drawn at random: its own plain books and the host's totals agree, or an upload makes them end closed.

TILLSWITCH_DAYS sets how many days are drawn.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.contract.batch import Shift, following, told
from tests.contract.client import Message
from tests.contract.conftest import House
from tests.contract.day import Day
from tests.contract.till import Till

DAYS = int(os.environ.get("TILLSWITCH_DAYS", "8"))
DEEDS = 14


def a_day(house: House, dialect: str, seed: int) -> Day:
    till = house.till(dialect)
    card = house.card(till)
    return Day(Shift.open(till, card), random.Random(f"{dialect} {seed}"), 20_000)


def assert_both_agree(day: Day) -> None:
    """The card, the next number, and an empty next batch."""
    assert day.till.balance(day.shift.card) == day.balance
    assert day.till.open_batch() == following(day.shift.number)
    day.shift.next().settle((0, 0)).expect("00")


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_till_that_repeats_and_reverses_what_it_lost_settles_at_once(house: House, dialect: str, seed: int) -> None:
    day = a_day(house, dialect, seed)
    day.live(DEEDS)
    day.settle_at_once()
    day.shift.assert_closed_on(*day.totals())
    assert_both_agree(day)


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_till_that_lost_more_uploads_and_ends_closed(house: House, dialect: str, seed: int) -> None:
    day = a_day(house, dialect, seed + 1_000)
    day.forget()
    day.live(DEEDS, day.forget, day.sell_unheard)
    answer = day.settle_by_upload()
    assert day.shift.settle(*day.totals()).expect("00")[63] == answer[63]
    there = sum(total.how_many for total in told(answer))
    assert there == sum(total.how_many for total in day.totals()) + day.forgotten, "missing at terminal: left booked"
    assert_both_agree(day)


@pytest.mark.parametrize("seed", range((DAYS + 3) // 4))
def test_a_week_over_the_last_number_with_stans_that_begin_anew_and_late_copies_of_anything(
    house: House, newcomer: Till, dialect: str, seed: int
) -> None:
    till, lots = newcomer, random.Random(f"week {dialect} {seed}")
    card = house.card(house.till(dialect))
    number, balance = "999998", 20_000
    history: list[Message] = []
    for _ in range(5):
        till.last_stan = 0 if lots.random() < 0.5 else till.last_stan
        day = Day(Shift.open(till, card, number), lots, balance, naming="always", history=history)
        if lots.random() < 0.5:
            day.live(DEEDS, day.late_copy, day.late_copy)
            day.settle_at_once()
        else:
            day.forget()
            day.live(DEEDS, day.late_copy, day.late_copy, day.forget, day.sell_unheard)
            day.settle_by_upload()
        number, balance = following(number), day.balance
        day.late_copy()
    assert_both_agree(day)
    assert number == "000004"


@pytest.mark.parametrize("seed", range((DAYS + 3) // 4))
def test_a_week_of_a_till_that_hears_no_00_and_sells_on(house: House, newcomer: Till, dialect: str, seed: int) -> None:
    lots = random.Random(f"deaf week {dialect} {seed}")
    day = Day(Shift.open(newcomer, house.card(house.till(dialect)), "000001"), lots, 20_000)
    for number in ("000001", "000002", "000003", "000004", "000005"):
        shift = Shift.open(newcomer, day.shift.card, number)
        day = Day(shift, lots, day.balance, history=day.history)
        day.live(DEEDS // 2, day.late_copy)
        day.settle_unheard_and_sell_on()
        assert newcomer.open_batch() == following(number)
    assert_both_agree(day)
