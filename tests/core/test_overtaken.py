"""A reversal overtakes its message, and something else of the same purchase fits it, which does not stand any more.

What fits was undone or refused before, so it may not be what the till means: that is remembered, and moves nothing when
it comes at last (WIRE.md section 4, the last sentence of "Reversal").
"""

from __future__ import annotations

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, Request
from tests.core.till import Shop, Till

APPROVED, DUPLICATE = Outcome.APPROVED, Outcome.DUPLICATE
RECEIPT = "000014"


def scene() -> tuple[Shop, Till, PAN]:
    shop = Shop()
    return shop, shop.till(), shop.card(balance=10_000)


def test_a_second_void_overtaken_by_its_reversal_when_the_first_was_reversed() -> None:
    shop, till, card = scene()
    done = till.redeem(card, 1000)
    first = till.write(Kind.GIFT_VOID_SPEND, card, 1000, rrn=done.rrn)
    assert till.say(first).outcome is APPROVED
    till.reverse(first, rrn=done.rrn)
    second = till.write(Kind.GIFT_VOID_SPEND, card, 1000, rrn=done.rrn)
    assert till.reverse(second, rrn=done.rrn).outcome is APPROVED
    assert till.say(second).outcome is DUPLICATE
    assert shop.balance(card) == 9000
    assert till.void_spend(card, 1000, rrn=done.rrn).outcome is APPROVED, "a third one is new"
    shop.prove()


@pytest.mark.parametrize("before", ["undone", "refused"])
@pytest.mark.parametrize("own_stan", [False, True])
def test_a_second_sale_of_a_receipt_overtaken_by_its_reversal(before: str, own_stan: bool) -> None:
    shop, till, card = scene()
    if before == "undone":
        till.redeem(card, 1000, receipt=RECEIPT)
        till.reverse()
    else:
        poor = shop.card(balance=10)
        till.redeem(poor, 1000, receipt=RECEIPT)
        card = poor
    held = shop.balance(card)
    second = till.write(Kind.GIFT_REDEEM, card, 1000, receipt=RECEIPT)
    if own_stan:
        till.reverse(till.write(Kind.GIFT_REDEEM, card, 1000, receipt=RECEIPT))
    else:
        till.reverse(second)
    if before == "refused":
        shop.till("T2").reload(card, 5000)
        held += 5000
    assert till.say(second).outcome is DUPLICATE
    assert shop.balance(card) == held
    shop.prove()


def test_what_is_certainly_meant_is_not_remembered_as_something_else() -> None:
    """By its RRN, or by its own STAN: whoever reverses it again means nothing else."""
    shop, till, card = scene()
    done = till.redeem(card, 1000)
    sale = till.sent
    for changes in ({"stan": 50, "rrn": done.rrn}, {"stan": 51, "rrn": done.rrn}, {}):
        assert _reverse(till, sale, **changes) is APPROVED
    till.close_batch()
    for stan in (50, 51, sale.stan):
        assert till.redeem(card, 1000, stan=stan).outcome is APPROVED, "a new count of STANs"
    shop.prove()


def _reverse(till: Till, sale: Request, **changes: object) -> Outcome:
    return till.reverse(msgspec.structs.replace(sale, rrn=None), **changes).outcome
