"""The end of a merchant's day (`switch/core/day_commands.py`): parts of batches, and settlements."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, MessageClass, Reply
from switch.core.commands import PutMerchant
from switch.core.day_commands import CutSettlement, SettlePart
from switch.core.days import is_over
from switch.core.merchants import NO_TOTALS, Closer, Merchant, Settlement
from tests.core.till import EURO, LIRA, Shop, Till, clock

APPROVED, BATCH, TOTALS = Outcome.APPROVED, Outcome.BATCH, Outcome.TOTALS
ZERO = (0, 0)


def scene(**profile: Any) -> tuple[Shop, Till, PAN]:
    shop = Shop()
    return shop, shop.till(**profile), shop.card(balance=100_000)


def end_day(till: Till, batch: int | None = None) -> Reply:
    number = till.batches()[-1].id if batch is None else batch
    (reply,) = till.shop.ask(SettlePart(till.merchant_id, till.terminal_id, till.application, number))
    return reply


def cut(shop: Shop, merchant_id: str = "A") -> Reply:
    (reply,) = shop.ask(CutSettlement(merchant_id))
    return reply


def merchant_a(shop: Shop) -> Merchant:
    return next(one for one in shop.store.merchants() if one.merchant_id == "A")


def set_day_end(shop: Shop, day_ends: str, time_zone: str = "UTC") -> None:
    shop.command(PutMerchant(msgspec.structs.replace(merchant_a(shop), day_ends=day_ends, time_zone=time_zone)))


def parts(till: Till) -> list[tuple[int, Closer | None, int, int]]:
    """Number, closer, and count and amount of the first block of each."""
    return [(b.number, b.closed_by, b.totals[0].count, b.totals[0].amount) for b in till.batches()]


# -- parts -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("named", [7, None])
def test_the_host_settles_what_is_there_and_the_batch_goes_on(named: int | None) -> None:
    shop, till, card = scene()
    till.redeem(card, 100, batch=named)
    number = named or 1
    assert end_day(till).outcome is APPROVED
    assert till.redeem(card, 20).outcome is APPROVED
    assert parts(till) == [(number, Closer.HOST, 1, 100), (number, None, 1, 20)]
    assert till.log_on().batch == number
    reply = till.settle(number, (2, 121))
    assert (reply.outcome, [(t.count, t.amount) for t in reply.totals or ()]) == (TOTALS, [(2, 120)])
    assert till.settle(number, (2, 120)).outcome is APPROVED, "all parts since its own last close"
    assert till.settle(number, (2, 120)).outcome is APPROVED
    assert {batch.closed_by for batch in till.batches()} == {Closer.TERMINAL}
    till.redeem(card, 1)
    assert till.settle(number + 1, (1, 1)).outcome is APPROVED, "and the next begins with nothing"
    shop.prove()


def test_many_parts_add_up() -> None:
    shop, till, card = scene()
    for day in range(1, 6):
        till.redeem(card, day, batch=7)
        end_day(till)
        shop.pass_time(days=1)
    assert till.settle(7, (5, 15), ZERO).outcome is APPROVED
    assert len(till.batches()) == 6
    shop.prove()


def test_the_hosts_day_plays_no_part_in_voids_reversals_and_repeats() -> None:
    shop, till, card = scene()
    first = till.redeem(card, 100, batch=7, **clock(shop.now))
    done = till.sent
    second = till.redeem(card, 50)
    end_day(till)
    assert till.say(msgspec.structs.replace(done, repeat=True)) == first, "the same count of STANs"
    assert till.void_spend(card, 50, rrn=second.rrn).outcome is APPROVED
    till.reverse(done, **clock(shop.now))
    assert parts(till) == [(7, Closer.HOST, 2, 150), (7, None, -2, -150)], "what was settled stays settled"
    assert not shop.newest.late
    assert till.settle(7, ZERO).outcome is APPROVED
    assert shop.balance(card) == 100_000
    shop.prove()


def test_after_the_terminals_close_the_parts_are_closed_by_it_too() -> None:
    shop, till, card = scene()
    till.redeem(card, 100, batch=7)
    done = till.sent
    end_day(till)
    till.redeem(card, 20)
    till.settle(7, (2, 120))
    till.reverse(done)
    assert shop.balance(card) == 100_000 - 120, "a STAN never reaches into a batch the terminal closed"


def test_a_part_that_awaited_upload_is_uploaded_into_the_next() -> None:
    shop, till, card = scene()
    till.redeem(card, 100, batch=7)
    done = till.sent
    till.settle(7, (2, 140))
    end_day(till)
    assert till.upload(done).batch == 7
    till.upload(till.write(Kind.GIFT_REDEEM, card, 40))
    reasons = [row.reason for row in shop.rows() if row.message_class is MessageClass.UPLOAD]
    assert reasons == ["uploaded", "without_authorisation"]
    assert till.settle(7, (2, 140)).outcome is APPROVED
    shop.prove()


def test_a_part_is_settled_once_and_only_if_there_is_something_in_it() -> None:
    _, till, card = scene()
    till.log_on(batch=7)
    assert end_day(till).outcome is BATCH
    till.redeem(card, 100)
    first = till.batches()[-1].id
    assert end_day(till, first).outcome is APPROVED
    assert end_day(till, first).outcome is BATCH, "another daemon was faster"
    assert end_day(till).outcome is BATCH, "the new part is empty"
    till.settle(7, (1, 100))
    assert end_day(till).outcome is BATCH
    till.terminal_id = "T9"
    assert end_day(till, first).outcome is BATCH


@pytest.mark.parametrize("first", ["transaction", "settlement"])
def test_a_part_that_had_another_number_does_not_make_that_one_closed(first: str) -> None:
    """Nobody had named the batch when the host settled a part; the terminal calls the rest 5, then goes on with 1."""
    shop, till, card = scene()
    till.redeem(card, 100)
    end_day(till)
    assert till.log_on(batch=5).batch == 5
    assert till.settle(5, (1, 100)).outcome is APPROVED
    if first == "transaction":
        assert till.redeem(card, 20, batch=1).outcome is APPROVED
        assert till.settle(1, (1, 20)).outcome is APPROVED
    else:
        reply = till.settle(1, ZERO)
        assert (reply.outcome, [(t.count, t.amount) for t in reply.totals or ()]) == (APPROVED, [ZERO])
    shop.prove()


def test_leaving_a_batch_behind_leaves_its_parts_as_they_are() -> None:
    shop, till, card = scene()
    till.redeem(card, 100, batch=7)
    end_day(till)
    till.redeem(card, 20, batch=8)
    assert till.settle(8, (1, 20)).outcome is APPROVED
    assert [batch.reason for batch in till.batches()] == ["end of day", "left behind", "settled"]
    shop.prove()


# -- the word to settle ------------------------------------------------------------------------------------------------
def test_before_the_day_ends_a_terminal_that_takes_texts_is_told_to_settle() -> None:
    shop, till, card = scene(texts=True)
    silent = shop.till("T2")
    set_day_end(shop, "1600")
    assert till.redeem(card, 100).command is None
    silent.redeem(card, 100)
    shop.pass_time(hours=3, minutes=58)
    assert till.redeem(card, 1).command == "SETTLE"
    assert till.say(till.write(Kind.ECHO, message_class=MessageClass.NETWORK)).command == "SETTLE"
    assert silent.redeem(card, 1).command is None
    till.settle(1, (2, 101))
    assert till.redeem(card, 1).command is None


def test_a_batch_opened_the_day_before_is_of_the_day_of_its_first_transaction() -> None:
    shop, till, card = scene(texts=True)
    set_day_end(shop, "0000")
    assert till.log_on().batch == 1
    shop.pass_time(days=1)
    assert till.redeem(card, 100).command is None, "it has the whole day before it"
    assert not is_over(merchant_a(shop), till.batches()[-1], shop.now)
    till.settle(1, (1, 100))
    assert cut(shop).outcome is APPROVED
    assert shop.store.settlements()[0].day == "2026-03-11"


@pytest.mark.parametrize("what", ["undone", "in another currency"])
def test_what_does_not_count_is_something_to_settle_all_the_same(what: str) -> None:
    shop, till, card = scene(currencies=(EURO,))
    set_day_end(shop, "1600")
    done = till.redeem(card, 100, batch=7, currency=EURO if what == "in another currency" else LIRA)
    first = shop.newest.decided_at
    if what == "undone":
        till.void_spend(card, 100, rrn=done.rrn)
    assert (till.batches()[-1].totals, till.batches()[-1].since) == (NO_TOTALS, first)
    shop.pass_time(hours=4)
    assert is_over(merchant_a(shop), till.batches()[-1], shop.now)
    assert end_day(till).outcome is APPROVED
    assert cut(shop).outcome is APPROVED
    assert not till.batches()[-1].since, "the next part is empty"
    assert till.settle(7, ZERO).outcome is APPROVED
    shop.prove()


# -- settlements -------------------------------------------------------------------------------------------------------
def test_a_settlement_is_cut_when_every_batch_of_the_merchant_is_closed() -> None:
    shop, till, card = scene()
    other, elsewhere = shop.till("T2"), shop.till("T3", "B")
    till.redeem(card, 100)
    other.redeem(card, 100)
    elsewhere.redeem(card, 100)
    till.settle(1, (1, 100))
    assert cut(shop).outcome is BATCH, "another till is still open"
    other.settle(1, (1, 100))
    assert [*shop.store.unsettled()] == ["A"]
    assert cut(shop).outcome is APPROVED
    assert cut(shop).outcome is BATCH, "nothing new"
    (settlement,) = shop.store.settlements()
    assert settlement == Settlement(settlement.id, till.record.merchant, 1, "2026-03-10", 0, shop.newest.decided_at)
    assert cut(shop, "Z").outcome is Outcome.UNKNOWN_MERCHANT


def test_what_is_open_of_a_later_day_holds_up_no_settlement() -> None:
    """A shop that never sleeps: somebody has paid again before the settlement of the day that ended is cut."""
    shop, till, card = scene()
    set_day_end(shop, "1600")
    other = shop.till("T2")
    till.redeem(card, 100)
    other.redeem(card, 10)
    shop.pass_time(hours=4)
    end_day(till)
    till.redeem(card, 20)
    assert cut(shop).outcome is BATCH, "the other till's day is not settled yet"
    end_day(other)
    other.redeem(card, 2)
    assert cut(shop).outcome is APPROVED
    assert cut(shop).outcome is BATCH
    other.settle(1, (2, 12))
    assert cut(shop).outcome is BATCH, "the first till is open, and of the same day"
    till.settle(1, (2, 120))
    assert cut(shop).outcome is APPROVED
    assert [(one.number, one.day) for one in shop.store.settlements()] == [(2, "2026-03-11"), (1, "2026-03-10")]


def test_settlements_follow_one_another_without_gap_or_overlap() -> None:
    shop, till, card = scene()
    for amount in (100, 200, 300):
        till.redeem(card, amount)
        done = till.sent
        till.settle(till.batches()[-1].number, (1, amount))
        cut(shop)
        shop.pass_time(days=1)
    till.reverse(done, **clock(shop.now))  # after the close: nothing of the next day closes, so it waits
    assert cut(shop).outcome is BATCH
    found = shop.store.settlements(till.record.merchant)
    assert [(one.number, one.day) for one in found] == [(3, "2026-03-12"), (2, "2026-03-11"), (1, "2026-03-10")]
    assert [one.since for one in found] == [found[1].until, found[2].until, 0]
    rows = [row.id for one in reversed(found) for row in shop.store.settled_rows(one.merchant, one.since, one.until)]
    assert rows == [row.id for row in shop.rows() if row.merchant == till.record.merchant][: len(rows)]


def test_empty_batches_hold_up_no_settlement_and_make_none() -> None:
    shop, till, card = scene()
    other = shop.till("T2")
    other.log_on()
    assert cut(shop).outcome is BATCH
    till.redeem(card, 100)
    till.settle(1, (1, 100))
    assert cut(shop).outcome is APPROVED
    other.settle(1, ZERO)
    assert not shop.store.unsettled()


def test_a_part_settled_by_the_host_counts_as_closed() -> None:
    shop, till, card = scene()
    set_day_end(shop, "1600")
    till.redeem(card, 100)
    shop.pass_time(hours=4)
    end_day(till)
    assert cut(shop).outcome is APPROVED
    assert shop.store.settlements()[0].day == "2026-03-10", "though it was cut after the end of that day"
