"""The programme file (`switch/core/programme.py`): what is read, and one line for each mistake."""

from __future__ import annotations

from fractions import Fraction

import pytest

from switch.core.programme import CardRefusals, Method, ProgrammeError, parse_programme
from switch.demo.build import programme_text

GOOD = {
    "id": '"gift"',
    "name": '"Gift card"',
    "prefix": '"990010"',
    "currency": '"949"',
    "method": '"reloadable"',
    "minimum": "1000",
    "maximum": "5000",
}


def product(**changes: str | None) -> str:
    keys = {**GOOD, **changes}
    return "[[gift_products]]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items() if value is not None)


def fault(text: str) -> str:
    with pytest.raises(ProgrammeError) as caught:
        parse_programme(text, 1)
    said = str(caught.value)
    assert "\n" not in said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return said


def test_the_demo_is_a_programme() -> None:
    programme = parse_programme(programme_text(), 3)
    assert (programme.version, programme.card_refusals, programme.time_zone) == (
        3,
        CardRefusals.PLAIN,
        "Europe/Istanbul",
    )
    assert {p.method for p in programme.products.values()} == set(Method)
    assert programme.by_prefix["990060"] is programme.products["gulf"]
    assert programme.by_prefix["990110"] is programme.loyalty["star"]


def test_an_empty_file_is_a_programme_that_tells_nothing() -> None:
    programme = parse_programme("", 0)
    assert (programme.card_refusals, programme.guess_limit, programme.pin_lock_minutes) == (
        CardRefusals.UNIFORM,
        20,
        30,
    )
    assert programme.products == {}
    assert programme.rates == {"840": 1}


@pytest.mark.parametrize(
    ("source", "target", "rate"),
    [
        ("949", "949", Fraction(1)),
        ("949", "840", Fraction(1, 40)),
        ("840", "949", Fraction(40)),
        ("949", "414", Fraction(1, 13)),  # 0.025 / 3.25, and a thousand fils to the dinar
        ("414", "949", Fraction(13)),
        ("392", "949", Fraction(28)),  # a yen is a hundred kurus' worth of minor units
        ("949", "978", None),
        ("036", "036", Fraction(1)),
    ],
)
def test_rates_are_exact_and_count_minor_units(source: str, target: str, rate: Fraction | None) -> None:
    programme = parse_programme('rates = {"949" = "0.025", "414" = "3.25", "392" = "0.007"}', 1)
    assert programme.rate(source, target) == rate


CURRENCY_LIST = "008, 012, 036, 048, 124, 156, 208, 356, 368, 392, 398, 400, 410, 414, 504, 512, 578, 634, 643, 682, "
CURRENCY_LIST += "752, 756, 784, 788, 818, 826, 840, 941, 944, 946, 949, 975, 978, 980, 981, 985"

# fmt: off
#: The file and the one line that is said about it: which key, why, what is allowed.
MISTAKES: list[tuple[str, str]] = [
    ("time_zone = 'Mars/Olympus'",  "time_zone: 'Mars/Olympus' is not a time zone such as 'Europe/Istanbul'"),
    ("card_refusals = 'loud'",      "card_refusals: invalid enum value 'loud'; allowed: plain, uniform"),
    ("guess_limit = 0",             "guess_limit: 0 must be from 1 to 1000000"),
    ("guess_limit = '5'",           "guess_limit: expected `int`, got `str`"),
    ("pin_lock_minutes = 1441",     "pin_lock_minutes: 1441 must be from 1 to 1440"),
    ("surprise = 1",                "surprise: is not a key; allowed: time_zone, card_refusals, guess_limit, pin_lock_minutes, rates, gift_products, points_schemes"),  # noqa: E501
    ("rates = {'949' = 0.025}",     'rates.949: 0.025 must be a decimal above zero in quotes, such as "0.0312"'),
    ("rates = {'949' = '0'}",       'rates.949: \'0\' must be a decimal above zero in quotes, such as "0.0312"'),
    ("rates = {'949' = '1e3'}",     'rates.949: \'1e3\' must be a decimal above zero in quotes, such as "0.0312"'),
    ("rates = {'TRY' = '1'}",       f"rates.TRY: 'TRY' is not one of {CURRENCY_LIST}"),
    ("rates = {'840' = '2'}",       "rates.840: a US dollar is worth one US dollar; leave it out or say 1"),
    (product(id='"Gift!"'),         "gift_products[0].id: 'Gift!' must be 1 to 32 of a-z 0-9 _ -"),
    (product(id=None),              "gift_products[0].id: is missing"),
    (product(name="7"),             "gift_products[0].name: expected `str`, got `int`"),
    (product(prefix='"09"'),        "gift_products[0].prefix: '09' must be six digits, the first not 0"),
    (product(currency='"999"'),     f"gift_products[0].currency: '999' is not one of {CURRENCY_LIST}"),
    (product(method='"free"'),      "gift_products[0].method: invalid enum value 'free'; allowed: preloaded, at_activation, reloadable"),  # noqa: E501
    (product(minimum=None),         "gift_products[0]: minimum and maximum go together"),
    (product(minimum="0"),          "gift_products[0].minimum: 0 must be from 1 to 999999999999"),
    (product(maximum="999"),        "gift_products[0].maximum: 999 must be from 1000 to 999999999999"),
    (product(denominations="[5]"),  "gift_products[0]: needs either denominations, or minimum and maximum"),
    (product(minimum=None, maximum=None), "gift_products[0]: needs either denominations, or minimum and maximum"),
    (product(minimum=None, maximum=None, denominations="[5, 0]"), "gift_products[0].denominations: 0 must be from 1 to 999999999999"),  # noqa: E501
    (product(method='"preloaded"'), "gift_products[0].method: a preloaded card needs denominations"),
    (product(balance_limit="0"),    "gift_products[0].balance_limit: 0 must be from 1 to 999999999999"),
    (product(single_use="true"),    "gift_products[0].single_use: a reloadable card is not single use"),
    (product(pin_for_balance="true"), "gift_products[0].pin_for_balance: the product has no PIN"),
    (product(pin_tries="11"),       "gift_products[0].pin_tries: 11 must be from 1 to 10"),
    (product(valid_days="0"),       "gift_products[0].valid_days: 0 must be from 1 to 36500"),
    (product(stores='"north"'),     "gift_products[0].stores: expected `array | null`, got `str`"),
    (product(colour='"red"'),       "gift_products[0].colour: is not a key; allowed: id, name, prefix, currency, method, denominations, minimum, maximum, balance_limit, single_use, pin, pin_for_balance, pin_tries, valid_days, stores, refund_elsewhere"),  # noqa: E501
    (product() + "\n" + product(prefix='"990011"'), "gift_products[1].id: 'gift' is there twice"),
    (product() + "\n" + product(id='"other"'), "gift_products[1].prefix: 990010 belongs to 'gift' already"),
]
# fmt: on


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said[:60] for _, said in MISTAKES])
def test_a_mistake_is_said_in_one_line_that_names_key_reason_and_what_is_allowed(text: str, said: str) -> None:
    assert fault(text) == said


def test_what_is_not_toml_says_where() -> None:
    assert fault("a = = 1").startswith("not TOML: Invalid value (at line 1, column 5)")


def test_a_product_is_reloadable_by_its_method_alone() -> None:
    for method, reload in (("reloadable", True), ("at_activation", False)):
        programme = parse_programme(product(method=f'"{method}"'), 1)
        assert programme.products["gift"].reload is reload
