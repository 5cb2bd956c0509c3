"""Which batch a message joins (`switch/core/batches.py`, WIRE.md section 5, first paragraph)."""

from __future__ import annotations

from typing import Any

import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass
from switch.core.merchants import Closer
from tests.core.till import Shop, Till, clock

APPROVED, BATCH = Outcome.APPROVED, Outcome.BATCH


def scene(**profile: Any) -> tuple[Shop, Till, Any]:
    shop = Shop()
    return shop, shop.till(**profile), shop.card(balance=10_000)


def numbers(till: Till) -> list[tuple[int, bool, Closer | None]]:
    return [(batch.number, batch.named, batch.closed_by) for batch in till.batches()]


def test_without_a_number_a_batch_opens_at_need_and_is_not_named() -> None:
    _, till, card = scene()
    assert till.redeem(card, 1).batch == 1
    assert till.redeem(card, 1).batch == 1
    assert numbers(till) == [(1, False, None)]


def test_the_first_number_named_becomes_that_of_the_open_batch() -> None:
    shop, till, card = scene()
    till.redeem(card, 1)
    assert till.redeem(card, 1, batch=77).batch == 77
    assert numbers(till) == [(77, True, None)]
    assert len({row.batch for row in shop.rows() if row.batch}) == 1, "the host's identity of it stays"
    assert till.redeem(card, 1).batch == 77


def test_another_number_leaves_the_open_batch_behind() -> None:
    _, till, card = scene()
    for number in (5, 5, 6, 3):
        assert till.redeem(card, 1, batch=number).batch == number
    assert numbers(till) == [(5, True, Closer.HOST), (6, True, Closer.HOST), (3, True, None)]
    assert [batch.reason for batch in till.batches()] == ["left behind", "left behind", ""]
    assert till.redeem(card, 1, batch=5).batch == 5, "the host closed it, not the terminal: it may come again"
    assert numbers(till)[-1] == (5, True, None)


def test_a_logon_answers_the_number_now_open_and_showing_it_names_nothing() -> None:
    _, till, card = scene()
    assert till.log_on().batch == 1
    assert numbers(till) == [(1, False, None)]
    assert till.log_on(batch=9).batch == 9
    assert till.log_on().batch == 9
    assert till.log_on(batch=10).batch == 10
    assert numbers(till) == [(9, True, Closer.HOST), (10, True, None)]
    assert till.redeem(card, 1).batch == 10


def test_the_next_number_is_the_last_plus_one_and_wraps() -> None:
    _, till, card = scene()
    till.redeem(card, 1, batch=limits.BATCH_NUMBER_MAX - 1)
    till.close_batch()
    assert till.log_on().batch == limits.BATCH_NUMBER_MAX
    till.close_batch()
    assert till.log_on().batch == 1


@pytest.mark.parametrize(
    ("message_class", "outcome", "balance"),
    [
        (MessageClass.REQUEST,  BATCH,    9999),
        (MessageClass.ADVICE,   APPROVED, 9998),
        (MessageClass.REVERSAL, APPROVED, 10_000),
    ],
)  # fmt: skip
def test_a_number_the_terminal_closed_takes_only_what_cannot_be_refused(
    message_class: MessageClass, outcome: Outcome, balance: int
) -> None:
    shop, till, card = scene()
    till.redeem(card, 1, batch=4, **clock(shop.now))
    first = till.sent
    till.close_batch()
    stan = first.stan if message_class is MessageClass.REVERSAL else 900
    reply = till.redeem(card, 1, batch=4, stan=stan, message_class=message_class,
                        local_date=first.local_date, local_time=first.local_time)  # fmt: skip
    assert (reply.outcome, reply.batch, shop.balance(card)) == (outcome, 4, balance)
    assert numbers(till) == [(4, True, Closer.TERMINAL)], "none is opened for it"


def test_section_4_comes_before_a_closed_batch() -> None:
    shop, till, card = scene()
    first = till.redeem(card, 1, batch=4)
    till.close_batch()
    assert till.again() == first
    assert till.again(amount=2).outcome is Outcome.DUPLICATE
    assert till.again(amount=2, repeat=False).outcome is BATCH, "a new count of STANs: a new message"
    assert shop.balance(card) == 9999


def test_a_logon_with_a_closed_number_is_told_the_one_to_use() -> None:
    _, till, card = scene()
    till.redeem(card, 1, batch=4)
    till.close_batch()
    reply = till.log_on(batch=4)
    assert (reply.outcome, reply.batch) == (APPROVED, 5)
    till.redeem(card, 1, batch=50)
    assert till.log_on(batch=4).batch == 50


def test_a_closed_number_is_free_again_after_sixty_days() -> None:
    shop, till, card = scene()
    till.redeem(card, 1, batch=4)
    till.close_batch()
    shop.pass_time(days=59.99)
    assert till.redeem(card, 1, batch=4).outcome is BATCH
    shop.pass_time(days=0.02)
    assert till.redeem(card, 1, batch=4).batch == 4
    assert till.batches()[-1].closed_at is None


def test_with_explicit_open_a_logon_must_come_first() -> None:
    _, till, card = scene(explicit_open=True)
    for fields in ({}, {"batch": 3}):
        assert till.redeem(card, 1, **fields).outcome is BATCH
    assert till.batches() == []
    till.log_on()
    assert till.redeem(card, 1).outcome is APPROVED
    assert till.redeem(card, 1, batch=3).batch == 3, "it names what is open"
    till.close_batch()
    assert till.redeem(card, 1).outcome is BATCH


def test_with_explicit_open_what_is_done_already_opens_one() -> None:
    shop, till, card = scene(explicit_open=True)
    advice = till.redeem(card, 1, message_class=MessageClass.ADVICE, **clock(shop.now))
    assert (advice.outcome, advice.batch) == (APPROVED, 1)
    assert shop.balance(card) == 9999


def test_each_application_has_a_batch_of_its_own() -> None:
    _, till, card = scene()
    till.redeem(card, 1, batch=4)
    till.application = "loyalty"
    assert till.redeem(card, 1, batch=8).batch == 8
    till.application = "main"
    assert till.redeem(card, 1).batch == 4
    assert numbers(till) == [(4, True, None)]


def test_refusals_that_are_stored_join_and_others_change_nothing() -> None:
    shop, till, card = scene()
    assert till.redeem(card, 99_999, batch=4).outcome is Outcome.NOT_ENOUGH
    assert (numbers(till), shop.newest.batch) == ([(4, True, None)], till.batches()[0].id)
    reply = till.redeem(card, 1, batch=5, currency="840")
    assert (reply.outcome, reply.batch) == (Outcome.NOT_OFFERED, 5)
    assert numbers(till) == [(4, True, None)]
    assert till.balance(card, batch=6).batch == 6, "an inquiry joins none, and gets back what it sent"
    assert numbers(till) == [(4, True, None)]


def test_a_reversal_joins_like_any_other_and_needs_no_open_batch() -> None:
    shop, till, card = scene(explicit_open=True)
    assert till.reverse(till.write(Kind.GIFT_REDEEM, card, 1)).outcome is APPROVED
    assert shop.newest.batch == 0
    till.log_on(batch=4)
    till.redeem(card, 1)
    till.reverse()
    assert shop.newest.batch == till.batches()[0].id
