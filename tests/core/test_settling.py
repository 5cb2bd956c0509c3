"""How a batch closes (`switch/core/settling.py`): every row of the table in WIRE.md section 5 that is an 0500."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, MessageClass, Reply, Total
from switch.audit import BrokenFact
from switch.core.decision import Changes
from switch.core.merchants import Closer, Right
from tests.core.members import MemberShop
from tests.core.till import EURO, Shop, Till, clock

APPROVED, BATCH, TOTALS = Outcome.APPROVED, Outcome.BATCH, Outcome.TOTALS
SETTLE, UPLOADED, CLEAR = Kind.SETTLE, Kind.SETTLE_UPLOADED, Kind.CLEAR_BATCH
ZERO = (0, 0)


def scene(**profile: Any) -> tuple[Shop, Till, PAN]:
    shop = Shop()
    return shop, shop.till(**profile), shop.card(balance=100_000)


def traded() -> tuple[Shop, Till, PAN]:
    """Batch 7 with two redemptions of 300 together and a load of 1000."""
    shop, till, card = scene()
    till.redeem(card, 100, batch=7)
    till.redeem(card, 200, batch=7)
    till.reload(card, 1000, batch=7)
    return shop, till, card


BOOKED = ((2, 300), (1, 1000))


def blocks(reply: Reply) -> list[tuple[int, int]]:
    return [(total.count, total.amount) for total in reply.totals or ()]


def state(till: Till) -> list[tuple[int, Closer | None, str]]:
    return [(batch.number, batch.closed_by, batch.reason) for batch in till.batches()]


# -- what counts -------------------------------------------------------------------------------------------------------
def test_each_kind_counts_in_its_block_with_what_was_approved() -> None:
    shop, till, card = scene()
    new, poor = shop.card(), shop.card(balance=50)
    till.activate(new, 5000)
    till.reload(card, 1000)
    done = till.redeem(card, 700)
    till.refund(card, 300, rrn=done.rrn)
    till.redeem(poor, 80, partial=True)  # 50 of 80
    till.cash_out(new)
    till.block(card)
    till.unblock(card)
    till.balance(card)
    till.redeem(card, 1_000_000)  # refused
    reply = till.settle(1, *[ZERO] * 6)
    assert (reply.outcome, blocks(reply)) == (TOTALS, [(3, 5750), (3, 6300), ZERO, ZERO, ZERO, ZERO])


def test_what_is_undone_counts_nowhere_until_its_undo_is_undone() -> None:
    shop, till, card = traded()
    done = till.redeem(card, 40, batch=7)
    assert blocks(till.settle(7, ZERO)) == [(3, 340)]
    void = till.write(Kind.GIFT_VOID_SPEND, card, 40, rrn=done.rrn)
    till.say(void)
    assert blocks(till.settle(7, ZERO)) == [(2, 300)]
    till.reverse(void, rrn=done.rrn)
    assert blocks(till.settle(7, ZERO)) == [(3, 340)]
    till.reverse(till.write(Kind.GIFT_REDEEM, card, 40), rrn=done.rrn)
    assert blocks(till.settle(7, ZERO)) == [(2, 300)]
    shop.prove()


def test_refunds_fall_out_of_the_totals_with_their_original() -> None:
    _, till, card = traded()
    done = till.redeem(card, 60)
    till.refund(card, 20, rrn=done.rrn)
    assert blocks(till.settle(7, ZERO, ZERO)) == [(3, 360), (2, 1020)]
    till.reverse(till.write(Kind.GIFT_REDEEM, card, 60), rrn=done.rrn)
    assert blocks(till.settle(7, ZERO, ZERO)) == [(2, 300), (1, 1000)]


def test_a_refund_at_another_till_stays_in_its_totals_and_its_fall_is_reported() -> None:
    shop, till, card = traded()
    other = shop.till("T2")
    done = till.redeem(card, 60)
    other.refund(card, 20, rrn=done.rrn)
    till.reverse(till.write(Kind.GIFT_REDEEM, card, 60), rrn=done.rrn)
    assert (shop.newest.late, shop.newest.reason) == (True, "after_close")
    assert blocks(other.settle(1, ZERO, ZERO)) == [ZERO, (1, 20)]
    assert other.settle(1, ZERO, (1, 20)).outcome is APPROVED
    assert blocks(till.settle(7, *BOOKED)) == list(BOOKED)
    shop.prove()


def test_only_the_terminals_own_currency_counts() -> None:
    shop, till, card = scene(currencies=(EURO,))
    till.redeem(card, 100)
    done = till.redeem(card, 200, currency=EURO)
    assert done.outcome is APPROVED
    assert blocks(till.settle(1, ZERO)) == [(1, 100)]
    till.reverse(till.write(Kind.GIFT_REDEEM, card, 200, currency=EURO), rrn=done.rrn)
    assert blocks(till.settle(1, ZERO)) == [(1, 100)]
    shop.prove()


def test_counts_are_told_modulo_1000_and_from_900_on_a_terminal_with_texts_is_told_to_settle() -> None:
    shop, till, card = scene(texts=True)
    silent = shop.till("T2")
    for _ in range(limits.SETTLE_COUNT - 1):
        assert till.redeem(card, 1, batch=3).command is None
    reply = till.redeem(card, 1)
    assert reply.command == "SETTLE"
    assert till.again().command == "SETTLE"
    assert till.balance(card).command == "SETTLE"
    assert till.say(till.write(Kind.ECHO, message_class=MessageClass.NETWORK)).command == "SETTLE"
    assert silent.redeem(card, 1).command is None
    for _ in range(101):
        till.redeem(card, 1)
    assert till.batches()[-1].booked[0] == Total(1001, 1001)
    assert till.settle(3, (2, 1001)).command is None
    assert till.sent.totals
    assert till.settle(3, (1, 1001)).outcome is APPROVED
    assert till.redeem(card, 1).command is None
    first = shop.rows()[limits.SETTLE_COUNT + 10]
    assert first.reply is not None
    assert first.reply.command is None, "what is stored does not tell a terminal to settle weeks later"


# -- the table ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "claimed",
    [[(2, 300)], [(2, 300), (1, 1000)], [*BOOKED, ZERO, ZERO], [*BOOKED, ZERO, ZERO, ZERO, ZERO]],
)
def test_equal_totals_close_and_freeze(claimed: list[tuple[int, int]]) -> None:
    shop, till, card = traded()
    reply = till.settle(7, *claimed)
    assert (reply.outcome, reply.batch, blocks(reply), reply.rrn, reply.approval) == (APPROVED, 7, claimed, None, None)
    assert state(till) == [(7, Closer.TERMINAL, "settled")]
    till.redeem(card, 1)
    assert state(till)[1] == (8, None, "")
    row = next(row for row in shop.rows() if row.kind is SETTLE)
    assert (row.batch, row.claimed, row.outcome) == (
        till.batches()[0].id,
        tuple(Total(*one) for one in claimed),
        APPROVED,
    )
    shop.prove()


@pytest.mark.parametrize(
    "claimed",
    [[(1, 300)], [(2, 301)], [(2, 300), ZERO], [*BOOKED, (1, 0), ZERO], [*BOOKED, ZERO, ZERO, ZERO, (0, 1)]],
)
def test_other_totals_are_answered_95_with_the_hosts_and_the_batch_goes_on(claimed: list[tuple[int, int]]) -> None:
    shop, till, card = traded()
    for _ in range(2):
        reply = till.settle(7, *claimed)
        assert (reply.outcome, reply.batch) == (TOTALS, 7)
        assert blocks(reply) == [*BOOKED, ZERO, ZERO, ZERO, ZERO][: len(claimed)]
    assert len([row for row in shop.rows() if row.kind is SETTLE]) == 1, "the same question again is no new fact"
    assert state(till) == [(7, None, "")]
    assert till.redeem(card, 1, batch=7).outcome is APPROVED, "any other request: as if open"
    assert till.settle(7, (3, 301)).outcome is APPROVED


def test_the_trailer_closes_whatever_it_claims() -> None:
    shop, till, _ = traded()
    till.settle(7, ZERO)
    reply = till.settle(7, (1, 100), kind=UPLOADED)
    assert (reply.outcome, blocks(reply)) == (APPROVED, [(2, 300)])
    assert state(till) == [(7, Closer.TERMINAL, "after upload")]
    shop.prove()


def test_a_trailer_without_an_upload_closes_too() -> None:
    _, till, _ = traded()
    assert till.settle(7, (1, 100), kind=UPLOADED).outcome is APPROVED
    assert state(till) == [(7, Closer.TERMINAL, "after upload")]


def test_a_clear_closes_on_the_hosts_totals_and_tells_six_blocks() -> None:
    shop, till, _ = traded()
    reply = till.settle(7, kind=CLEAR)
    assert (reply.outcome, blocks(reply)) == (APPROVED, [*BOOKED, ZERO, ZERO, ZERO, ZERO])
    assert state(till) == [(7, Closer.TERMINAL, "cleared by terminal")]
    shop.prove()


AGAIN = [
    # closed by          again           claims          outcome
    (SETTLE,   BOOKED,   SETTLE,   BOOKED,               APPROVED),
    (SETTLE,   BOOKED,   UPLOADED, BOOKED,               APPROVED),
    (SETTLE,   BOOKED,   SETTLE,   BOOKED[:1],           APPROVED),
    (SETTLE,   BOOKED[:1], SETTLE, BOOKED,               APPROVED),
    (SETTLE,   BOOKED,   CLEAR,    (),                   APPROVED),
    (SETTLE,   BOOKED,   CLEAR,    ((9, 9),),            APPROVED),
    (UPLOADED, ((1, 1),), SETTLE,  ((1, 1),),            APPROVED),
    (UPLOADED, ((1, 1),), UPLOADED, ((1, 1),),           APPROVED),
    (CLEAR,    (),       CLEAR,    (),                   APPROVED),
    (CLEAR,    (),       SETTLE,   ((9, 9),),            APPROVED),
    (CLEAR,    ((5, 5),), UPLOADED, ((9, 9),),           APPROVED),
    (SETTLE,   BOOKED,   SETTLE,   ((2, 301),),          BATCH),
    (UPLOADED, ((1, 1),), SETTLE,  BOOKED,               BATCH),
    (UPLOADED, ((1, 1),), UPLOADED, ((1, 2),),           BATCH),
]  # fmt: skip


@pytest.mark.parametrize(("closing", "with_", "again", "claims", "outcome"), AGAIN)
@pytest.mark.parametrize("days", [0, 59.9])
def test_what_has_closed_a_batch_is_answered_again(
    closing: Kind, with_: Any, again: Kind, claims: Any, outcome: Outcome, days: float
) -> None:
    """Also after the next batch is open and named, and weeks later; other totals are then refused."""
    shop, till, card = traded()
    till.settle(7, *with_, kind=closing)
    till.redeem(card, 5, batch=8)
    shop.pass_time(days=days)
    before, rows = till.batches(), len(shop.rows())
    reply = till.settle(7, *claims, kind=again)
    assert reply.outcome is outcome
    if outcome is APPROVED:
        expected = [*BOOKED, ZERO, ZERO, ZERO, ZERO]
        assert (reply.batch, blocks(reply)) == (7, expected[: len(claims) or 6])
    else:
        assert (reply.batch, reply.totals) == (7, None)
    assert (till.batches(), len(shop.rows())) == (before, rows), "nothing changes"


def test_after_sixty_days_a_closed_number_is_unknown() -> None:
    shop, till, _card = traded()
    till.settle(7, *BOOKED)
    shop.pass_time(days=60.1)
    assert till.settle(7, *BOOKED).outcome is TOTALS, "compared with an empty batch of that number"
    assert state(till)[-1] == (7, None, "")


UNKNOWN = [7, 9]  # 7 was closed with other totals; 9 was never seen


@pytest.mark.parametrize("number", UNKNOWN)
def test_an_unknown_number_adopts_the_open_batch_that_nobody_named(number: int) -> None:
    shop, till, card = traded()
    till.settle(7, *BOOKED)
    till.redeem(card, 5)
    assert till.settle(number, (9, 9)).outcome is TOTALS
    reply = till.settle(number, (1, 5))
    assert (reply.outcome, reply.batch) == (APPROVED, number)
    assert [one[0] for one in state(till)] == [7, number]
    assert till.log_on().batch == number + 1
    shop.prove()


@pytest.mark.parametrize("number", UNKNOWN)
def test_an_unknown_number_is_an_empty_batch_where_none_is_open(number: int) -> None:
    _, till, _ = traded()
    till.settle(7, *BOOKED)
    assert till.settle(number, (9, 9)).outcome is TOTALS
    reply = till.settle(number, ZERO, ZERO)
    assert (reply.outcome, blocks(reply)) == (APPROVED, [ZERO, ZERO])
    assert [one[0] for one in state(till)] == [7, number]


@pytest.mark.parametrize("number", UNKNOWN)
@pytest.mark.parametrize("kind", [SETTLE, UPLOADED])
def test_an_unknown_number_is_refused_where_the_open_batch_has_a_name(number: int, kind: Kind) -> None:
    _shop, till, card = traded()
    till.settle(7, *BOOKED)
    till.redeem(card, 5, batch=8)
    before = till.batches()
    reply = till.settle(number, (9, 9), kind=kind)
    assert (reply.outcome, reply.batch, reply.totals) == (BATCH, number, None)
    assert till.batches() == before


def test_a_batch_left_behind_is_not_known_to_a_settlement() -> None:
    _, till, card = traded()
    till.redeem(card, 5, batch=8)
    assert till.settle(7, *BOOKED).outcome is BATCH
    till.settle(8, (1, 5))
    assert till.settle(7, *BOOKED).outcome is TOTALS, "an empty one"


def test_an_empty_batch_closes_with_zeros() -> None:
    _, till, _ = scene()
    till.log_on(batch=4)
    assert till.settle(4, ZERO).outcome is APPROVED
    assert till.log_on().batch == 5


def test_numbers_wrap_and_begin_again_with_a_new_terminal() -> None:
    _, till, card = scene()
    till.redeem(card, 1, batch=limits.BATCH_NUMBER_MAX)
    assert till.settle(limits.BATCH_NUMBER_MAX, (1, 1)).outcome is APPROVED
    till.redeem(card, 2)
    assert till.settle(1, (1, 2)).outcome is APPROVED
    till.stan = 0  # swapped: STAN and batch number begin anew
    assert till.redeem(card, 3, batch=2, **clock(till.shop.now)).outcome is APPROVED
    assert till.settle(2, (1, 3)).outcome is APPROVED
    assert till.shop.balance(card) == 100_000 - 6


def test_two_applications_have_their_own_numbers_and_totals() -> None:
    _, till, card = traded()
    till.application = "loyalty"
    till.redeem(card, 9, batch=7)
    assert till.settle(7, *BOOKED).outcome is TOTALS
    assert till.settle(7, (1, 9)).outcome is APPROVED
    till.application = "main"
    assert state(till) == [(7, None, "")]
    assert till.settle(7, *BOOKED).outcome is APPROVED


def test_with_explicit_open_a_close_needs_a_new_logon() -> None:
    _shop, till, card = scene(explicit_open=True)
    till.log_on(batch=3)
    till.redeem(card, 1)
    assert till.settle(3, (1, 1)).outcome is APPROVED
    assert till.redeem(card, 1).outcome is BATCH
    assert till.settle(3, (1, 1)).outcome is APPROVED


# -- around it ---------------------------------------------------------------------------------------------------------
def test_the_close_begins_a_new_count_of_stans_and_its_repetition_does_not() -> None:
    _shop, till, card = scene()
    till.redeem(card, 1, stan=5, batch=1)
    till.settle(1, (1, 1))
    assert till.redeem(card, 2, stan=5).outcome is APPROVED, "a new message"
    till.settle(1, (1, 1))
    assert till.redeem(card, 3, stan=5).outcome is Outcome.DUPLICATE


@pytest.mark.parametrize(
    ("kind", "right"), [(SETTLE, Right.SETTLEMENT), (UPLOADED, Right.SETTLEMENT), (CLEAR, Right.CLEAR)]
)
def test_each_settlement_needs_its_right(kind: Kind, right: Right) -> None:
    shop, till, card = scene(rights=tuple(other for other in Right if other is not right))
    till.redeem(card, 1)
    assert till.settle(1, (1, 1), kind=kind).outcome is Outcome.NOT_ALLOWED
    only = shop.till("T2", rights=(right,))
    assert only.settle(1, ZERO, kind=kind).outcome is APPROVED


def test_strangers_and_other_codes_are_refused() -> None:
    _, till, _ = scene()
    assert till.settle(1, ZERO, kind=Kind.UNKNOWN).outcome is Outcome.NOT_OFFERED
    till.terminal_id = "T9"
    assert till.settle(1, ZERO).outcome is Outcome.UNKNOWN_TERMINAL


def test_a_reversal_after_the_close_moves_the_books_and_leaves_the_totals() -> None:
    shop, till, card = traded()
    done = till.redeem(card, 40, **clock(shop.now))
    till.settle(7, (3, 340))
    assert till.reverse(till.write(Kind.GIFT_REDEEM, card, 40), rrn=done.rrn).outcome is APPROVED
    assert shop.balance(card) == 100_000 + 1000 - 300
    assert (shop.newest.reason, shop.newest.late, shop.newest.counts) == ("after_close", True, ())
    assert blocks(till.settle(7, (3, 340))) == [(3, 340)]
    shop.prove()


def test_an_advice_for_a_closed_batch_is_booked_reported_and_not_counted() -> None:
    shop, till, card = traded()
    till.settle(7, *BOOKED)
    reply = till.redeem(card, 40, message_class=MessageClass.ADVICE, batch=7, **clock(shop.now))
    assert (reply.outcome, reply.batch) == (APPROVED, 7)
    assert (shop.newest.reason, shop.newest.late) == ("after_close", True)
    assert blocks(till.settle(7, *BOOKED)) == list(BOOKED)
    shop.prove()


@pytest.mark.parametrize("named", [7, None])
@pytest.mark.parametrize("ending", ["closed", "left behind"])
def test_an_advice_of_a_void_after_the_close_is_booked_and_reported(named: int | None, ending: str) -> None:
    """The goods are back already: section 5 books such an advice whether or not it names the batch."""
    shop, till, card = scene()
    done = till.redeem(card, 100, batch=7)
    if ending == "closed":
        till.settle(7, (1, 100))
    till.redeem(card, 1, batch=8)
    advice = till.void_spend(card, 100, rrn=done.rrn, batch=named, message_class=MessageClass.ADVICE, **clock(shop.now))
    assert (advice.outcome, shop.newest.late, shop.balance(card)) == (APPROVED, True, 100_000 - 1)
    assert till.batches()[0].totals[0].amount == 100, "the closed totals stay"
    shop.prove()


def test_an_advice_before_settlement_counts_in_the_batch_it_names() -> None:
    shop, till, card = traded()
    till.redeem(card, 40, message_class=MessageClass.ADVICE, batch=7, **clock(shop.now))
    assert till.settle(7, (3, 340)).outcome is APPROVED


def test_two_connections_that_settle_at_once_close_it_once() -> None:
    """One terminal's messages are decided one after another, so the second is the first again."""
    shop, till, _ = traded()
    assert [till.settle(7, *BOOKED).outcome for _ in range(2)] == [APPROVED, APPROVED]
    assert len([row for row in shop.rows() if row.kind is SETTLE]) == 1


@pytest.mark.parametrize("undone", [False, True])
def test_a_void_that_names_the_closed_batch_is_told_that_it_is_too_late(undone: bool) -> None:
    _, till, card = traded()
    done = till.redeem(card, 40)
    if undone:
        till.void_spend(card, 40, rrn=done.rrn)
    till.settle(7, kind=UPLOADED)
    reply = till.void_spend(card, 40, rrn=done.rrn, batch=7)
    assert reply.outcome is (Outcome.ALREADY_UNDONE if undone else Outcome.VOID_NOT_FOUND)
    assert till.void_spend(card, 9, rrn=done.rrn, batch=7).outcome is Outcome.VOID_NOT_FOUND


# -- the audit ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("field", ["count", "amount", "block"])
def test_the_audit_finds_totals_that_are_not_those_of_the_journal(field: str) -> None:
    shop, till, card = traded()
    till.settle(7, *BOOKED)
    till.redeem(card, 1)
    first = till.batches()[0]
    totals = list(first.totals)
    if field == "block":
        totals[0], totals[1] = totals[1], totals[0]
    else:
        totals[0] = msgspec.structs.replace(totals[0], **{field: getattr(totals[0], field) + 1})
    shop.prove()
    forged = msgspec.structs.replace(first, totals=tuple(totals))
    shop.store.commit(Changes(batches={first.id: forged}), None)
    with pytest.raises(BrokenFact, match=f"batch {first.id}: its totals are not what"):
        shop.prove()


# -- points ------------------------------------------------------------------------------------------------------------
def test_sales_returns_and_points_count_in_their_blocks() -> None:
    club = MemberShop()
    till, card = club.till(), club.member(100_000)
    sale = till.sale(card, 10_000, batch=3)
    till.sale(card, 500)
    till.give_back(card, 2000, rrn=sale.rrn)
    paid = till.pay(card, 100)
    assert paid.outcome is APPROVED
    bought = till.buy(card, 700)
    assert bought.outcome is APPROVED
    totals = till.settle(3, *[(9, 9)] * 6)
    assert blocks(totals) == [(1, 100), (1, 700), (2, 10_500), (1, 2000), ZERO, ZERO]
    gone = till.sale(card, 300)
    till.void_earn(card, 300, rrn=gone.rrn)
    till.void_burn(card, 100, rrn=paid.rrn)
    assert till.settle(3, ZERO, (1, 700), (2, 10_500), (1, 2000)).outcome is APPROVED
    club.prove()
