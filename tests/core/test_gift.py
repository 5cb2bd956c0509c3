"""The rules of `switch/core/gift.py`, and what `cards.py` asks first: values, currencies, PINs, states, forced."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, Line, MessageClass
from switch.core import gift
from switch.core.commands import ApplyProgramme
from switch.core.holdings import AccountKind, Block, CardState
from switch.core.merchants import Right
from tests.core.till import DINAR, EURO, LIRA, PROGRAMME, YEN, Shop, Till, available, clock, told

APPROVED, AMOUNT, CARD_NOT_ACTIVE = Outcome.APPROVED, Outcome.AMOUNT, Outcome.CARD_NOT_ACTIVE
ADVICE = MessageClass.ADVICE


# -- value methods -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("product", "printed", "asked", "outcome", "value"),
    [
        ("open",    None,   1000, APPROVED, 1000),
        ("open",    None, 500000, APPROVED, 500000),
        ("open",    None,    999, AMOUNT,   0),
        ("open",    None, 500001, AMOUNT,   0),
        ("open",    None,   None, AMOUNT,   0),  # a range has no denomination
        ("open",    None,      0, AMOUNT,   0),
        ("printed", 10000,  None, APPROVED, 10000),
        ("printed", 10000,     0, APPROVED, 10000),
        ("printed", 10000, 10000, APPROVED, 10000),
        ("printed", 10000, 25000, AMOUNT,   0),  # of the product, but not what is printed on this card
        ("printed", None,  25000, APPROVED, 25000),
        ("printed", None,   None, AMOUNT,   0),  # which of the two?
        ("printed", None,  12345, AMOUNT,   0),
        ("single",  None,   1000, APPROVED, 1000),
        ("single",  None, 100001, AMOUNT,   0),
        ("five",    None,   None, APPROVED, 5000),  # the only one there is
        ("five",    None,   5001, AMOUNT,   0),
    ],
)  # fmt: skip
def test_activation_by_denomination_or_range(
    product: str, printed: int | None, asked: int | None, outcome: Outcome, value: int
) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(product, printed=printed)
    reply = till.activate(card, asked)
    assert reply.outcome is outcome
    assert shop.balance(card) == value == -shop.clearing("A")
    if outcome is APPROVED:
        assert (reply.amount, told(reply)) == (value, [("available", LIRA, value)])
        assert shop.record(card).state is CardState.ACTIVE
    else:
        assert shop.record(card).state is CardState.INACTIVE


@pytest.mark.parametrize(
    ("product", "held", "asked", "outcome"),
    [
        ("open",   599000,   1000, APPROVED),
        ("open",   599001,   1000, Outcome.AMOUNT_LIMIT),
        ("open",     1000,    999, AMOUNT),
        ("open",     1000, 500001, AMOUNT),
        ("open",     1000,      0, AMOUNT),
        ("north",  900000, 500000, APPROVED),       # no limit
        ("printed", 10000,  10000, CARD_NOT_ACTIVE),  # type not allowed for it
        ("single",   1000,   1000, CARD_NOT_ACTIVE),
        ("five",     5000,   5000, CARD_NOT_ACTIVE),
    ],
)  # fmt: skip
def test_reload_only_where_the_product_says_and_within_its_limits(
    product: str, held: int, asked: int, outcome: Outcome
) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(product, held)
    reply = till.reload(card, asked)
    assert reply.outcome is outcome
    assert shop.balance(card) == held + (asked if outcome is APPROVED else 0)


def test_a_card_is_activated_once() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card()
    assert till.activate(card, 1000).outcome is APPROVED
    assert till.activate(card, 1000).outcome is CARD_NOT_ACTIVE
    assert shop.balance(card) == 1000


# -- the card's state --------------------------------------------------------------------------------------------------
def expire(shop: Shop, till: Till) -> PAN:
    card = shop.card("short", 1000)
    shop.pass_time(days=10)
    return card


def spend(shop: Shop, till: Till) -> PAN:
    card = shop.card("single", 1000)
    till.redeem(card, 600)
    return card


def close(shop: Shop, till: Till) -> PAN:
    card = shop.card(balance=1000)
    till.cash_out(card)
    return card


def replace(shop: Shop, till: Till) -> PAN:
    card = shop.card(balance=1000)
    shop.replace(card)
    return card


def blocked(block: Block) -> Callable[[Shop, Till], PAN]:
    def make(shop: Shop, till: Till) -> PAN:
        card = shop.card(balance=1000)
        shop.block(card, block)
        return card

    return make


ACTS = {
    "activate": lambda till, card: till.activate(card, 1000),
    "reload": lambda till, card: till.reload(card, 1000),
    "redeem": lambda till, card: till.redeem(card, 10),
    "balance": lambda till, card: till.balance(card),
    "cash_out": lambda till, card: till.cash_out(card),
    "refund": lambda till, card: till.refund(card, 10),
    "block": lambda till, card: till.block(card),
    "unblock": lambda till, card: till.unblock(card),
}

# fmt: off
#: What each kind answers to a card in each state, plainly. 00 57 54 62 41 43: the codes of WIRE.md section 6.
STATES: list[tuple[str, Callable[[Shop, Till], PAN], str]] = [
    # in the order of ACTS: activate, reload, redeem, balance, cash-out, refund, block, unblock
    ("inactive",    lambda shop, till: shop.card(),                  "00 57 57 57 57 57 00 57"),
    ("active",      lambda shop, till: shop.card(balance=1000),      "57 00 00 00 00 00 00 57"),
    ("expired",     expire,                                          "57 54 54 54 54 54 00 57"),
    ("used",        spend,                                           "57 57 57 57 57 00 00 57"),
    ("closed",      close,                                           "57 57 57 57 57 57 00 57"),
    ("replaced",    replace,                                         "62 62 62 62 62 62 62 62"),
    ("blocked",     blocked(Block.BLOCKED),                          "62 62 62 62 62 62 62 00"),
    ("lost",        blocked(Block.LOST),                             "41 41 41 41 41 41 41 41"),
    ("stolen",      blocked(Block.STOLEN),                           "43 43 43 43 43 43 43 43"),
    ("other store", lambda shop, till: shop.card("north", 1000),     "62 62 62 62 62 62 62 62"),
    ("unknown",     lambda shop, till: PAN("9900100000000009999"),   "14 14 14 14 14 14 14 14"),
]
CODES = {"00": APPROVED, "57": CARD_NOT_ACTIVE, "54": Outcome.CARD_EXPIRED, "62": Outcome.CARD_RESTRICTED,
         "41": Outcome.CARD_LOST, "43": Outcome.CARD_STOLEN, "14": Outcome.UNKNOWN_CARD}
# fmt: on


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("state", "make", "expected"), STATES, ids=[state for state, _, _ in STATES])
def test_what_each_state_of_a_card_allows(
    state: str, make: Callable[[Shop, Till], PAN], expected: str, act: str
) -> None:
    shop = Shop()
    till = shop.till(store="south")
    reply = ACTS[act](till, make(shop, till))
    assert reply.outcome is CODES[expected.split()[list(ACTS).index(act)]]
    shop.prove()


#: The gravest first: a card with two of these tells the upper one.
GRAVITY: list[tuple[str, Outcome, Callable[[Shop, PAN], object]]] = [
    ("lost", Outcome.CARD_LOST, lambda shop, card: shop.block(card, Block.LOST)),
    ("other store", Outcome.CARD_RESTRICTED, lambda shop, card: None),
    ("expired", Outcome.CARD_EXPIRED, lambda shop, card: shop.pass_time(days=11)),
]


@pytest.mark.parametrize(("upper", "lower"), list(combinations(GRAVITY, 2)), ids=lambda fault: str(fault[0]))
def test_of_two_faults_of_a_card_the_graver_is_told(upper: Any, lower: Any) -> None:
    shop = Shop(PROGRAMME.replace('id="short",', 'id="short", stores=["north"],'))
    names = {upper[0], lower[0]}
    till = shop.till(store="south" if "other store" in names else "north")
    card = shop.card("short", 1000)
    for fault in (lower, upper):
        fault[2](shop, card)
    assert till.redeem(card, 10).outcome is upper[1]


def test_a_block_is_graver_than_inactivity_and_inactivity_than_amount() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card()
    shop.block(card, Block.BLOCKED)
    assert till.redeem(card, 0).outcome is Outcome.CARD_RESTRICTED
    shop.block(card, Block.NONE)
    assert till.redeem(card, 0).outcome is CARD_NOT_ACTIVE
    till.activate(card, 1000)
    assert till.redeem(card, 0).outcome is AMOUNT


def test_a_card_expires_to_the_microsecond_from_activation() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("short")
    shop.pass_time(days=400)  # on the shelf it does not age
    till.activate(card, 1000)
    until = shop.record(card).expires_at
    assert until is not None
    assert until == shop.now + 10 * 86_400_000_000
    shop.now = until - 1_000_001
    assert till.redeem(card, 10).outcome is APPROVED
    assert till.redeem(card, 10).outcome is Outcome.CARD_EXPIRED


def test_a_single_use_card_is_used_up_by_one_redemption_and_opened_by_a_refund() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("single", 1000)
    assert till.redeem(card, 600).outcome is APPROVED
    spent = shop.newest.rrn
    assert till.redeem(card, 100).outcome is CARD_NOT_ACTIVE
    assert till.refund(card, 200, rrn=spent).outcome is APPROVED
    assert available(till.balance(card)) == 600
    assert till.redeem(card, 100).outcome is APPROVED


def test_a_card_of_some_stores_is_taken_there_only() -> None:
    shop = Shop()
    north, south = shop.till("N", store="north"), shop.till("S", store="south")
    card = shop.card("north", 1000)
    assert south.redeem(card, 10).outcome is Outcome.CARD_RESTRICTED
    assert north.redeem(card, 10).outcome is APPROVED


def test_blocking_and_unblocking() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    assert till.block(card).outcome is APPROVED
    assert till.redeem(card, 10).outcome is Outcome.CARD_RESTRICTED
    assert till.unblock(card).outcome is APPROVED
    assert till.redeem(card, 10).outcome is APPROVED


# -- spending ----------------------------------------------------------------------------------------------------------
def test_more_than_is_there_needs_the_capability_for_part() -> None:
    shop = Shop()
    whole, part = shop.till("T1"), shop.till("T2", partial=True)
    card = shop.card(balance=1000)
    reply = whole.redeem(card, 1001)
    assert (reply.outcome, reply.amount, told(reply)) == (Outcome.NOT_ENOUGH, None, [("available", LIRA, 1000)])
    reply = whole.redeem(card, 1001, partial=True)
    assert (reply.outcome, reply.amount) == (Outcome.PARTIAL, 1000)
    assert told(reply) == [("available", LIRA, 0), ("asked", LIRA, 1001)]
    assert part.redeem(card, 1).outcome is Outcome.NOT_ENOUGH, "nothing is not a part"
    part.reload(card, 1000)
    assert part.redeem(card, 1000).outcome is APPROVED
    assert shop.clearing("A") == 1000 - 1000 + 1000
    shop.prove()


def test_cash_out_empties_and_closes() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1234)
    reply = till.cash_out(card)
    assert (reply.outcome, reply.amount, told(reply)) == (APPROVED, 1234, [])
    assert (shop.balance(card), shop.clearing(), shop.record(card).state) == (0, 1234, CardState.CLOSED)


def test_cash_out_of_an_empty_card_closes_it() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=10)
    till.redeem(card, 10)
    assert till.cash_out(card).amount == 0
    assert (shop.record(card).state, shop.newest.entries) == (CardState.CLOSED, ())


# -- currencies: 1 TRY = 0.025 USD, 1 EUR = 1.1 USD, 1 KWD = 3.25 USD --------------------------------------------------
@pytest.mark.parametrize(
    ("terminal", "product", "asked", "card_amount"),
    [
        (LIRA, "gulf",   13000, 1000),   # 130.00 TRY = 3.25 USD = 1.000 KWD
        (LIRA, "gulf",       1, 1),      # 0.01 TRY = 0.077 fils, up: never nothing
        (LIRA, "gulf",      14, 2),      # 1.077 fils, up
        (EURO, "open",     100, 4400),   # 1.00 EUR = 44.00 TRY
        (YEN,  "open",     100, 2800),   # 100 JPY = 0.70 USD = 28.00 TRY
        (YEN,  "gulf",       1, 3),      # 0.007 USD = 2.15 fils, up
        (DINAR, "open",      1, 13),     # 0.001 KWD = 0.00325 USD = 0.13 TRY
    ],
)  # fmt: skip
def test_a_redemption_in_another_currency_is_rounded_up(
    terminal: str, product: str, asked: int, card_amount: int
) -> None:
    shop = Shop()
    till, card = shop.till(currency=terminal), shop.card(product, 50_000)
    assert till.redeem(card, asked).outcome is APPROVED
    row = shop.newest
    assert (row.amount, row.currency, row.card_amount) == (asked, terminal, card_amount)
    assert shop.balance(card) == 50_000 - card_amount
    assert shop.clearing("A", terminal) == asked
    assert shop.account(AccountKind.EXCHANGE, "", terminal) == -asked
    assert shop.account(AccountKind.EXCHANGE, "", row.card_currency) == card_amount
    shop.prove()


@pytest.mark.parametrize(
    ("terminal", "product", "asked", "card_amount"),
    [
        (LIRA, "gulf", 13000, 1000),
        (LIRA, "gulf", 13012, 1000),    # 1000.9 fils, down
        (LIRA, "gulf",    13, 1),
        (LIRA, "gulf",    12, None),    # less than the smallest coin of the card: nothing to put on it
        (EURO, "open",   100, 4400),
        (EURO, "five",   114, 5000),    # 50.16 TRY; 1.14 EUR is what a 50.00 card costs, rounded up
        (EURO, "five",   None, 5000),
        (EURO, "five",   115, None),
    ],
)  # fmt: skip
def test_what_is_put_on_a_card_in_another_currency_is_rounded_down(
    terminal: str, product: str, asked: int | None, card_amount: int | None
) -> None:
    shop = Shop()
    till, card = shop.till(currency=terminal), shop.card(product)
    reply = till.activate(card, asked)
    assert reply.outcome is (APPROVED if card_amount else AMOUNT)
    assert shop.balance(card) == (card_amount or 0)
    if card_amount:
        owed = asked or 114
        assert (reply.amount, shop.clearing("A", terminal)) == (owed, -owed)


def test_balances_of_a_foreign_card_come_twice() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("gulf", 1000)
    assert told(till.balance(card)) == [("available", LIRA, 13000), ("available", DINAR, 1000)]
    till.redeem(card, 1)
    assert told(till.balance(card)) == [("available", LIRA, 12987), ("available", DINAR, 999)]


def test_part_of_a_foreign_card_never_takes_more_than_it_holds() -> None:
    shop = Shop()
    till, card = shop.till(currency=EURO), shop.card("open", 4477)
    reply = till.redeem(card, 1000, partial=True)  # 44.77 TRY = 1.0175 EUR
    assert (reply.outcome, reply.amount, shop.balance(card)) == (Outcome.PARTIAL, 101, 33)
    assert told(reply) == [("available", EURO, 0), ("available", LIRA, 33), ("asked", EURO, 1000)]
    assert till.redeem(card, 1000, partial=True).outcome is Outcome.NOT_ENOUGH, "0.33 TRY is no cent"


def test_cash_out_of_a_foreign_card_pays_down_and_leaves_nothing() -> None:
    shop = Shop()
    till, card = shop.till(currency=EURO), shop.card("open", 4477)
    assert till.cash_out(card).amount == 101
    assert (shop.balance(card), shop.clearing("A", EURO)) == (0, 101)
    assert till.reverse(amount=101).outcome is APPROVED
    assert (shop.balance(card), shop.clearing("A", EURO)) == (4477, 0)
    assert shop.record(card).state is CardState.ACTIVE
    shop.prove()


@pytest.mark.parametrize("parts", [(1000,), (333, 333, 334), (1, 1, 998), (999, 1), (10,) * 100])
def test_refunds_in_parts_put_back_exactly_what_was_taken(parts: tuple[int, ...]) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("gulf", 1000)
    spent = till.redeem(card, 1000)  # 76.9 fils: 77
    assert shop.balance(card) == 923
    for part in parts:
        assert till.refund(card, part, rrn=spent.rrn).outcome is APPROVED
        assert 923 < shop.balance(card) + 1 <= 1001
    assert shop.balance(card) == 1000
    assert shop.clearing() == 0
    assert till.refund(card, 1, rrn=spent.rrn).outcome is AMOUNT, "more than is left"
    shop.prove()


def test_a_refund_after_another_was_voided_never_takes_from_the_card() -> None:
    """What a part is worth depends on the parts before it; one of them may have gone since."""
    shop = Shop()
    till, card = shop.till(), shop.card("gulf", 8)
    spent = till.redeem(card, 100)  # 7.7 fils: 8
    first = till.refund(card, 6, rrn=spent.rrn)
    assert shop.balance(card) == 0
    assert till.refund(card, 10, rrn=spent.rrn).outcome is APPROVED
    assert shop.balance(card) == 1
    assert till.void_load(card, 6, rrn=first.rrn).outcome is APPROVED
    assert till.refund(card, 1, rrn=spent.rrn).outcome is APPROVED
    assert shop.newest.card_amount == 0
    assert till.refund(card, 89, rrn=spent.rrn).outcome is APPROVED
    assert shop.balance(card) == 8
    shop.prove()


def test_a_refund_uses_the_rate_of_its_original() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("gulf", 10_000)
    spent = till.redeem(card, 13_000)
    rate = shop.newest.rate
    shop.command(ApplyProgramme(PROGRAMME.replace('"414" = "3.25"', '"414" = "6.50"')))
    assert till.refund(card, 6500, rrn=spent.rrn).outcome is APPROVED
    assert (shop.newest.card_amount, shop.newest.rate) == (500, rate)
    assert till.refund(card, 6500, rrn=spent.rrn).outcome is APPROVED
    assert shop.balance(card) == 10_000


def test_no_amount_outgrows_the_twelve_digits_of_a_message() -> None:
    """The largest card in dinars is worth thirteen times as many minor units in liras."""
    shop = Shop()
    till, card, most = shop.till(), shop.card("gulf", limits.AMOUNT_MAX), shop.card("north", limits.AMOUNT_MAX)
    assert told(till.balance(card))[0] == ("available", LIRA, limits.AMOUNT_MAX)
    assert till.cash_out(card).outcome is AMOUNT
    assert till.reload(most, 1000).outcome is Outcome.AMOUNT_LIMIT
    assert till.redeem(card, limits.AMOUNT_MAX).outcome is APPROVED


# -- refunds -----------------------------------------------------------------------------------------------------------
def test_a_refund_without_original_needs_its_own_right_and_keeps_to_the_limit() -> None:
    shop = Shop()
    card = shop.card(balance=599_900)
    plain = shop.till("T1", rights=(Right.RETURN, Right.REDEEM))
    trusted = shop.till("T2")
    assert plain.refund(card, 10).outcome is Outcome.NOT_ALLOWED
    assert trusted.refund(card, 0).outcome is AMOUNT
    assert trusted.refund(card, 101).outcome is Outcome.AMOUNT_LIMIT
    assert trusted.refund(card, 100).outcome is APPROVED
    spent = plain.redeem(card, 500)
    assert plain.refund(card, 500, rrn=spent.rrn).outcome is APPROVED, "with its original it needs no other right"


def test_a_refund_names_a_redemption_of_the_same_card_in_the_same_currency() -> None:
    shop = Shop()
    till, other = shop.till(currencies=(EURO,)), shop.card(balance=1000)
    card = shop.card(balance=100_000)
    spent = till.redeem(card, 100)
    loaded = till.reload(card, 1000)
    for rrn in ("000000000000", loaded.rrn):
        assert till.refund(card, 10, rrn=rrn).outcome is Outcome.ORIGINAL_NOT_FOUND
    assert till.refund(other, 10, rrn=spent.rrn).outcome is Outcome.ORIGINAL_NOT_FOUND
    assert till.refund(card, 10, rrn=spent.rrn, currency=EURO).outcome is Outcome.NOT_OFFERED


def test_a_refund_elsewhere_only_if_the_programme_allows() -> None:
    shop = Shop()
    here, south, east = shop.till("T1"), shop.till("T2", store="south"), shop.till("T3", "B")
    for product, outcome in (("open", APPROVED), ("home", Outcome.CARD_RESTRICTED)):
        card = shop.card(product, 1000)
        spent = here.redeem(card, 100)
        for till in (south, east):
            assert till.refund(card, 10, rrn=spent.rrn).outcome is outcome
        assert here.refund(card, 10, rrn=spent.rrn).outcome is APPROVED


def test_a_refund_reaches_the_card_that_replaced_the_old_one() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    spent = till.redeem(card, 400)
    new = shop.replace(card)
    assert till.refund(card, 100, rrn=spent.rrn).outcome is Outcome.CARD_RESTRICTED
    assert till.refund(new, 100, rrn=spent.rrn).outcome is APPROVED
    assert shop.balance(new) == 700


# -- PINs --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("product", "act", "asks"),
    [
        ("secret",  "redeem",   True),
        ("secret",  "cash_out", True),
        ("secret",  "unblock",  True),
        ("secret",  "balance",  False),
        ("private", "balance",  True),
        ("secret",  "reload",   False),
        ("secret",  "refund",   False),
        ("secret",  "block",    False),
        ("open",    "redeem",   False),
    ],
)  # fmt: skip
def test_where_a_pin_is_asked_for(product: str, act: str, asks: bool) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(product, 10_000)
    if act == "unblock":
        shop.block(card, Block.BLOCKED)
    assert (ACTS[act](till, card).outcome is Outcome.WRONG_PIN) is asks
    assert (shop.record(card).pin_tries, shop.refusals()) == (0, []), "a missing PIN counts nothing"


def test_a_pin_in_the_clear_is_refused_where_the_line_does_not_take_it_even_if_nobody_asked() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    assert till.redeem(card, 10, pin="1").outcome is APPROVED
    assert till.redeem(card, 10, pin="1", line=Line("test")).outcome is Outcome.NOT_ALLOWED
    assert till.balance(card, pin="1", line=Line("test")).outcome is Outcome.NOT_ALLOWED


def test_wrong_pins_lock_the_card_each_time_twice_as_long() -> None:
    shop = Shop(PROGRAMME.replace("guess_limit = 3", "guess_limit = 1000"))
    till, card = shop.till(), shop.card("secret", 1000)
    for minutes in (30, 60, 120):
        for _ in range(3):
            assert till.redeem(card, 10, pin="0000").outcome is Outcome.WRONG_PIN
        assert till.redeem(card, 10, pin="1234").outcome is Outcome.PIN_TRIES, "the right one too"
        shop.pass_time(minutes=minutes, seconds=-5)
        assert till.redeem(card, 10, pin="1234").outcome is Outcome.PIN_TRIES
        shop.pass_time(seconds=5)
    assert till.redeem(card, 10, pin="1234").outcome is APPROVED
    assert (shop.record(card).pin_tries, shop.record(card).pin_locks) == (0, 0)
    for _ in range(3):
        till.redeem(card, 10, pin="0000")
    shop.pass_time(minutes=30)
    assert till.redeem(card, 10, pin="1234").outcome is APPROVED, "the right one began the doubling anew"


def test_tries_are_those_of_the_product_and_in_a_row() -> None:
    shop = Shop(PROGRAMME.replace("guess_limit = 3", "guess_limit = 1000"))
    till, card = shop.till(), shop.card("private", 1000)
    for _ in range(3):
        assert till.redeem(card, 10, pin="0000").outcome is Outcome.WRONG_PIN
        assert till.redeem(card, 10, pin="1234").outcome is APPROVED
    till.balance(card, pin="0000")
    till.cash_out(card, pin="0000")
    assert till.redeem(card, 10, pin="1234").outcome is Outcome.PIN_TRIES


def test_no_state_and_no_money_is_told_before_the_pin() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("secret", 1000)
    shop.block(card, Block.STOLEN)
    for pin in (None, "0000"):
        reply = till.redeem(card, 5000, pin=pin)
        assert (reply.outcome, reply.balances) == (Outcome.WRONG_PIN, ())
    assert till.redeem(card, 5000, pin="1234").outcome is Outcome.CARD_STOLEN


def test_refusals_tell_the_balance_of_a_card_with_pin_only_if_it_was_right() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("secret", 100_000)
    assert available(till.redeem(card, 200_000, pin="1234")) == 100_000
    loaded = till.reload(card, 1000)
    assert available(loaded) == 101_000, "an approval always tells"
    spent = till.redeem(card, 100_500, pin="1234")
    for refused in (
        till.refund(card, 600_000),
        till.refund(card, 200_000, rrn=spent.rrn),
        till.void_load(card, 1000, rrn=loaded.rrn),
    ):
        assert refused.outcome in (Outcome.AMOUNT_LIMIT, AMOUNT, Outcome.NOT_ENOUGH)
        assert refused.balances == ()
    till.reload(card, 499_500)
    assert till.reload(card, 499_500).balances == ()


# -- forced ------------------------------------------------------------------------------------------------------------
def test_an_advice_takes_what_is_there_and_the_rest_is_uncovered() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=300)
    reply = till.redeem(card, 1000, message_class=ADVICE, **clock(shop.now))
    assert (reply.outcome, reply.rrn is not None, reply.approval, reply.balances) == (APPROVED, True, None, ())
    assert (shop.balance(card), shop.clearing(), shop.uncovered()) == (0, 1000, -700)
    assert shop.newest.reason == "uncovered"
    shop.prove()


@pytest.mark.parametrize(("state", "make", "expected"), STATES, ids=[state for state, _, _ in STATES])
def test_an_advice_asks_for_no_state(state: str, make: Callable[[Shop, Till], PAN], expected: str) -> None:
    shop = Shop()
    till = shop.till(store="south")
    card = make(shop, till)
    reply = till.redeem(card, 10, message_class=ADVICE, **clock(shop.now))
    assert reply.outcome is (Outcome.UNKNOWN_CARD if state == "unknown" else APPROVED)
    shop.prove()


def test_forced_loads_ask_for_no_limit_and_no_state() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("five", 5000)
    for act in (till.activate, till.reload, till.refund):
        assert act(card, 7777, message_class=ADVICE, **clock(shop.now)).outcome is APPROVED
    assert shop.balance(card) == 5000 + 3 * 7777
    shop.prove()


def test_a_refund_of_what_the_card_did_not_cover_goes_back_to_the_uncovered_first() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=300)
    till.redeem(card, 1000, message_class=ADVICE, **clock(shop.now))
    spent = shop.newest.rrn
    for part, balance, uncovered in ((500, 0, -200), (300, 100, 0), (200, 300, 0)):
        assert till.refund(card, part, rrn=spent).outcome is APPROVED
        assert (shop.balance(card), shop.uncovered()) == (balance, uncovered)
    assert shop.clearing() == 0
    shop.prove()


def test_every_kind_here_is_named_as_gift() -> None:
    assert gift.RULES.keys() | {Kind.GIFT_VOID_LOAD, Kind.GIFT_VOID_SPEND, Kind.GIFT_VOID} == gift.RIGHTS.keys()
