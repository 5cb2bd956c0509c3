"""Points schemes in the programme file (`switch/core/schemes.py`): one line for each mistake."""

from __future__ import annotations

import datetime as dt

import pytest

from specs.money import CURRENCIES
from switch.core.programme import ProgrammeError, parse_programme
from switch.core.schemes import Scheme
from switch.demo.build import programme_text
from tests.core.members import scheme

GIFT = """
[[gift_products]]
id = "gift"
name = ""
prefix = "990010"
currency = "949"
method = "reloadable"
minimum = 1
maximum = 2
"""
SUB = {"id": '"sub"', "number": "2", "cards": "[]", "parent": '"stars"', "stores": '["north"]'}
RULE = 'name = "r", earn_money = 1, earn_points = 1'
KEY = "points_schemes[0]"


def fault(text: str) -> str:
    with pytest.raises(ProgrammeError) as caught:
        parse_programme(text, 1)
    return str(caught.value)


# fmt: off
MISTAKES: list[tuple[str, str]] = [
    (scheme(id='"Stars"'),                "id: 'Stars' must be 1 to 32 of a-z 0-9 _ -"),
    (scheme(number="0"),                  "number: 0 must be from 1 to 3000"),
    (scheme(number="3001"),               "number: 3001 must be from 1 to 3000"),
    (scheme(currency='"TRY"'),            f"currency: 'TRY' is not one of {', '.join(sorted(CURRENCIES))}"),
    (scheme(earn_money="0"),              "earn_money: 0 must be from 1 to 999999999999"),
    (scheme(earn_points="-1"),            "earn_points: -1 must be from 0 to 9999999999"),
    (scheme(value="0.5"),                 "value: 0.5 must be a whole number, or a decimal in quotes such as \"0.5\""),
    (scheme(value='"1/2"'),               "value: '1/2' must be a whole number, or a decimal in quotes such as \"0.5\""),  # noqa: E501
    (scheme(value="0"),                   "value: must be above zero"),
    (scheme(store_values="{north = 0}"),  "store_values.north: must be above zero"),
    (scheme(rounding='"none"'),           "rounding: invalid enum value 'none'; allowed: down, up, half_up, half_even"),
    (scheme(debt='"no"'),                 "debt: invalid enum value 'no'; allowed: debt, floor"),
    (scheme(earning_tenders='["cash"]'),  "earning_tenders[0]: invalid enum value 'cash'; allowed: gift, points, code, other"),  # noqa: E501
    (scheme(pending_days="-1"),           "pending_days: -1 must be from 0 to 366"),
    (scheme(expire_days="1", expire_months="1"), "only one of expire_days, expire_months, expire_on"),
    (scheme(pending_days="9", expire_days="8"),  "expire_days: 8 must be from 9 to 36500"),
    (scheme(expire_on='["31-12"]'),       "expire_on: '31-12' must be a month and a day such as '12-31'"),
    (scheme(redeem_minimum="5", redeem_maximum="4"), "redeem_maximum: 4 must be from 5 to 9999999999"),
    (scheme(redeem_step="0"),             "redeem_step: 0 must be from 1 to 9999999999"),
    (scheme(purchase_price="0"),          "purchase_price: must be above zero; leave it out if points are not for sale"),  # noqa: E501
    (scheme(contribution='"1.1"'),        "contribution: must be from 0 to 1, the merchant's share of the cost"),
    (scheme(contributions='{A = 2}'),     "contributions.A: must be from 0 to 1, the merchant's share of the cost"),
    (scheme(events="{Birthday = 1}"),     "events: 'Birthday' must be 1 to 32 of a-z 0-9 _ -"),
    (scheme(events="{birthday = 0}"),     "events.birthday: 0 must be from 1 to 9999999999"),
    (scheme(conversions="{miles = 1}"),   "conversions.miles: is not one of none"),
    (scheme(parent='"moon"', stores='["x"]', cards="[]"), "parent: 'moon' is not one of none"),
    (scheme(stores='["x"]'),              "stores: a sub-scheme has a parent and stores, another scheme neither"),
    (scheme(earn_rules=f'[{{{RULE}, weekdays = ["friday"]}}]'), "earn_rules[0].weekdays[0]: invalid enum value 'friday'; allowed: mon, tue, wed, thu, fri, sat, sun"),  # noqa: E501
    (scheme(earn_rules=f'[{{{RULE}, from_time = "9:00"}}]'), "earn_rules[0].from_time: '9:00' must be a time hhmm from '0000' to '2400'"),  # noqa: E501
    (scheme(earn_rules=f'[{{{RULE}, from_time = "0900", to_time = "0900"}}]'), "earn_rules[0].to_time: the rule would never count; it begins at 0900 too"),  # noqa: E501
    (scheme(earn_rules=f'[{{{RULE}}}, {{{RULE}, stores = ["x"]}}]'), "earn_rules[1].name: 'r' is there twice"),
    (scheme(earn_rules=f'[{{{RULE}, skus = []}}]'), "earn_rules[0].skus: the rule would never count; leave the key out if it does not matter"),  # noqa: E501
    (scheme(earn_rules='[{name = "r", earn_money = 1}]'), "earn_rules[0].earn_points: is missing"),
    (scheme(earn_rules=f'[{{{RULE}, colour = 1}}]'), "earn_rules[0].colour: is not a key; allowed: name, earn_money, earn_points, stores, departments, skus, weekdays, from_time, to_time, channels"),  # noqa: E501
    (scheme(cards='[{id = "a", name = "", prefix = "99"}]'), "cards[0].prefix: '99' must be six digits, the first not 0"),  # noqa: E501
    (scheme(cards='[{id = "a", name = "", prefix = "990010"}]'), "cards[0].prefix: 990010 belongs to 'gift' already"),
    (scheme(cards='[{id = "gift", name = "", prefix = "990110"}]'), "cards[0].id: 'gift' is there twice"),
    (scheme(cards='[{id = "a", name = "", prefix = "990110", pin_for_balance = true}]'), "cards[0].pin_for_balance: the product has no PIN"),  # noqa: E501
    (scheme(cards='[{id = "a", name = "", prefix = "990110", pin_tries = 0}]'), "cards[0].pin_tries: 0 must be from 1 to 10"),  # noqa: E501
    (scheme(cards='[{id = "a", name = "", prefix = "990110", colour = 1}]'), "cards[0].colour: is not a key; allowed: id, name, prefix, pin, pin_for_balance, pin_tries, stores"),  # noqa: E501
]
# fmt: on


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said[:60] for _, said in MISTAKES])
def test_a_mistake_is_said_in_one_line(text: str, said: str) -> None:
    separator = ": " if said.startswith("only") else "."
    assert fault(GIFT + text) == f"{KEY}{separator}{said}"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (scheme(cards="[]", number="2"), "points_schemes[1].id: 'stars' belongs to 'stars' already"),
        (scheme(cards="[]", id='"b"'), "points_schemes[1].number: 1 belongs to 'stars' already"),
        (scheme(**SUB | {"cards": '[{id = "c", name = "", prefix = "990199"}]'}),
         "points_schemes[1].cards: a sub-scheme uses the cards of its parent"),
        (scheme(**SUB) + scheme(**SUB | {"id": '"sub2"', "number": "3"}),
         "points_schemes[2].stores: 'north' belongs to 'sub' already"),
        (scheme(**SUB | {"conversions": "{stars = 0}"}), "points_schemes[1].conversions.stars: must be above zero"),
        (scheme(**SUB | {"parent": '"sub"'}), "points_schemes[1].parent: 'sub' is not one of stars"),
    ],
)  # fmt: skip
def test_schemes_must_go_together(second: str, said: str) -> None:
    assert fault(scheme() + second) == said


def test_the_demo_has_a_plain_scheme() -> None:
    demo = parse_programme(programme_text(), 1).schemes["stars"]
    assert demo.earn_rules == ()
    assert (demo.pending_days, demo.redeem_step, demo.redeem_maximum, demo.parent) == (0, 1, None, "")
    assert demo.unit == "1001"
    assert not any(product.pin for product in demo.cards)


@pytest.mark.parametrize(
    ("day", "dates"),
    [
        ("2028-02-29", "2028-02-29"),
        ("2028-03-01", "2029-02-28"),
        ("2027-02-28", "2027-02-28"),
        ("2026-12-31", "2027-02-28"),
    ],
)
def test_a_leap_day_is_the_last_of_february(day: str, dates: str) -> None:
    stars: Scheme = parse_programme(scheme(expire_on='["02-29"]'), 1).schemes["stars"]
    assert stars.lot_dates(dt.date.fromisoformat(day)) == ("", dates)
