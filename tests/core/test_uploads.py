"""Batch uploads (`switch/core/uploads.py`, WIRE.md section 5, row 0320): found, found otherwise, never seen."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, MessageClass, Reply, Request
from switch.core.holdings import Block
from switch.core.journal import Row
from switch.core.merchants import Right
from tests.core.till import EURO, Shop, Till, clock

APPROVED, TOTALS = Outcome.APPROVED, Outcome.TOTALS
REQUEST, ADVICE = MessageClass.REQUEST, MessageClass.ADVICE
ZERO = (0, 0)


def scene(**profile: Any) -> tuple[Shop, Till, PAN]:
    shop = Shop()
    return shop, shop.till(**profile), shop.card(balance=10_000)


def booked(till: Till, number: int, blocks: int = 2) -> list[tuple[int, int]]:
    """What the switch says is in the batch; asked with totals nobody has."""
    reply = till.settle(number, *[(999, 1)] * blocks)
    assert reply.outcome is TOTALS
    return [(total.count, total.amount) for total in reply.totals or ()]


def uploaded(shop: Shop) -> list[tuple[str, int, int]]:
    """Reason, amount booked, and whether it told of a row that was known."""
    rows = (row for row in shop.rows() if row.message_class is MessageClass.UPLOAD)
    return [(row.reason, row.amount if row.took_effect else 0, row.matched) for row in rows]


def redeemed(till: Till, card: PAN, amount: int, **fields: Any) -> tuple[Request, Reply, Row]:
    reply = till.redeem(card, amount, **fields)
    assert reply.outcome is APPROVED
    return till.sent, reply, till.shop.newest


# -- known -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("named", ["stan", "reference", "both"])
@pytest.mark.parametrize("message_class", [REQUEST, ADVICE])
def test_what_is_known_and_equal_is_noted_and_moves_nothing(named: str, message_class: MessageClass) -> None:
    shop, till, card = scene()
    done, reply, row = redeemed(till, card, 100, batch=7, message_class=message_class, **clock(shop.now))
    till.settle(7, ZERO)
    stan = done.stan if named != "reference" else 999_999
    answer = till.upload(done, original_stan=stan, rrn=reply.rrn if named != "stan" else None)
    assert (answer.outcome, answer.batch, answer.rrn, answer.approval) == (APPROVED, 7, reply.rrn, None)
    assert uploaded(shop) == [("uploaded", 0, row.id)]
    assert (shop.balance(card), booked(till, 7, 1)) == (9900, [(1, 100)])
    shop.prove()


DIFFERENT: dict[str, dict[str, Any]] = {
    "amount": {"amount": 101},
    "kind": {"kind": Kind.GIFT_CASH_OUT},
    "currency": {"currency": EURO},
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT)
def test_what_is_known_otherwise_is_reported_and_left_as_it_is(change: dict[str, Any]) -> None:
    shop, till, card = scene()
    done, reply, row = redeemed(till, card, 100, batch=7)
    answer = till.upload(done, **change)
    assert (answer.outcome, answer.rrn) == (APPROVED, reply.rrn)
    assert uploaded(shop) == [("upload_differs", 0, row.id)]
    assert (shop.balance(card), booked(till, 7, 1)) == (9900, [(1, 100)])


def test_another_card_than_the_one_known_is_reported_too() -> None:
    shop, till, card = scene()
    other = shop.card(balance=500)
    done, _, row = redeemed(till, card, 100, batch=7)
    till.upload(done, card=other)
    assert uploaded(shop) == [("upload_differs", 0, row.id)]
    assert (shop.balance(card), shop.balance(other)) == (9900, 500)


def test_what_was_refused_is_known_and_different() -> None:
    shop, till, card = scene()
    assert till.redeem(card, 20_000, batch=7).outcome is Outcome.NOT_ENOUGH
    refused = shop.newest
    till.upload(till.sent)
    assert uploaded(shop) == [("upload_differs", 0, refused.id)]
    assert shop.balance(card) == 10_000


def test_the_part_approved_is_what_counts_as_equal() -> None:
    shop, till, _ = scene()
    poor = shop.card(balance=50)
    till.redeem(poor, 80, partial=True, batch=7)
    done = till.sent
    till.upload(done, amount=50)
    till.stan += 1
    assert [reason for reason, _, _ in uploaded(shop)] == ["uploaded"]


def test_what_was_undone_is_reported_as_such() -> None:
    shop, till, card = scene()
    done, _, row = redeemed(till, card, 100, batch=7)
    till.reverse(done)
    assert till.upload(done).outcome is APPROVED
    assert uploaded(shop) == [("upload_of_undone", 0, row.id)]
    assert (shop.balance(card), booked(till, 7, 1)) == (10_000, [ZERO])


def test_a_known_transaction_is_still_undone_after_its_upload() -> None:
    shop, till, card = scene()
    done, reply, _ = redeemed(till, card, 100, batch=7)
    till.upload(done)
    assert till.reverse(done).outcome is APPROVED
    assert shop.balance(card) == 10_000
    done, reply, _ = redeemed(till, card, 100, batch=7)
    till.upload(done)
    assert till.void_spend(card, 100, rrn=reply.rrn).outcome is APPROVED
    assert shop.balance(card) == 10_000
    shop.prove()


def test_one_upload_for_each_original_however_often_it_comes() -> None:
    shop, till, card = scene()
    done, _, _ = redeemed(till, card, 100, batch=7)
    unseen = till.write(Kind.GIFT_REDEEM, card, 30)
    for request in (done, unseen):
        first = till.upload(request)
        for repeat in (False, True):
            assert till.upload(request, repeat=repeat) == first
    assert len(uploaded(shop)) == 2
    assert shop.balance(card) == 9870


def test_the_same_stan_in_another_class_or_batch_is_another_original() -> None:
    shop, till, card = scene()
    redeemed(till, card, 100, batch=7, stan=5)
    till.settle(7, (1, 100))
    second, _, row = redeemed(till, card, 100, batch=8, stan=5)
    till.upload(second)
    assert uploaded(shop) == [("uploaded", 0, row.id)]
    till.upload(second, original_class=ADVICE)
    assert uploaded(shop)[1][0] == "without_authorisation"
    assert shop.balance(card) == 9700


# -- never seen --------------------------------------------------------------------------------------------------------
def test_a_redemption_never_seen_is_booked_without_authorisation_and_counts() -> None:
    shop, till, card = scene()
    redeemed(till, card, 100, batch=7)
    till.settle(7, (2, 140))
    answer = till.upload(till.write(Kind.GIFT_REDEEM, card, 40, **clock(shop.now)))
    assert (answer.outcome, answer.batch, answer.rrn) == (APPROVED, 7, shop.newest.rrn)
    assert uploaded(shop) == [("without_authorisation", 40, 0)]
    assert shop.balance(card) == 9860
    assert till.settle(7, (2, 140)).outcome is APPROVED, "now they agree"
    shop.prove()


def test_what_the_card_does_not_hold_is_uncovered_and_its_state_does_not_matter() -> None:
    shop, till, _ = scene()
    poor = shop.card(balance=50)
    shop.block(poor, Block.LOST)
    assert till.upload(till.write(Kind.GIFT_REDEEM, poor, 80)).outcome is APPROVED
    assert (shop.balance(poor), shop.uncovered(), shop.clearing()) == (0, -30, 80)
    shop.prove()


def test_a_card_with_pin_is_not_asked_for_it() -> None:
    shop, till, _ = scene()
    secret = shop.card("secret", 500)
    till.upload(till.write(Kind.GIFT_REDEEM, secret, 80))
    assert shop.balance(secret) == 420


NOT_BOOKED = [
    *(Kind.GIFT_ACTIVATE, Kind.GIFT_RELOAD, Kind.GIFT_REFUND, Kind.GIFT_VOID_SPEND, Kind.GIFT_VOID_LOAD),
    *(Kind.GIFT_CASH_OUT, Kind.GIFT_BLOCK, Kind.POINTS_PURCHASE, Kind.SALE_RETURN, Kind.UNKNOWN),
]


@pytest.mark.parametrize("kind", NOT_BOOKED)
def test_what_could_put_value_onto_a_card_is_reported_and_not_booked(kind: Kind) -> None:
    """Whatever the terminal may do, offline loads among it."""
    shop, till, card = scene()
    new = shop.card()
    for one in (card, new):
        answer = till.upload(till.write(kind, one, 5000))
        assert (answer.outcome, answer.amount) == (APPROVED, None)
    assert uploaded(shop) == [("upload_not_booked", 0, 0)] * 2
    assert (shop.balance(card), shop.balance(new), booked(till, 1)) == (10_000, 0, [ZERO, ZERO])


def test_what_cannot_be_booked_is_approved_and_reported() -> None:
    shop, till, card = scene()
    till.upload(till.write(Kind.GIFT_REDEEM, PAN("9900100099999999999"), 40))
    till.upload(till.write(Kind.GIFT_REDEEM, card, 40, currency=EURO))
    till.upload(till.write(Kind.GIFT_REDEEM, card, 0))
    assert uploaded(shop) == [("upload_not_booked", 0, 0)] * 3
    assert not shop.refusals(), "no guess"
    without = shop.till("T2", rights=(Right.SETTLEMENT,))
    assert without.upload(without.write(Kind.GIFT_REDEEM, card, 40)).outcome is APPROVED
    assert shop.newest.reason == "upload_not_booked"
    assert shop.balance(card) == 10_000


def test_what_was_reversed_before_it_came_is_not_booked() -> None:
    shop, till, card = scene()
    early = till.write(Kind.GIFT_REDEEM, card, 40, batch=7)
    till.reverse(early)
    till.upload(early)
    assert uploaded(shop) == [("upload_not_booked", 0, 0)]
    assert shop.balance(card) == 10_000


def test_what_is_too_old_is_reported_and_not_booked() -> None:
    shop, till, card = scene()
    request = till.write(Kind.GIFT_REDEEM, card, 40, **clock(shop.now))
    shop.pass_time(days=31)
    till.upload(request)
    assert uploaded(shop) == [("upload_too_old", 0, 0)]
    assert shop.balance(card) == 10_000


# -- which batch -------------------------------------------------------------------------------------------------------
def test_uploads_belong_to_the_batch_last_answered_95_then_the_open_then_the_last_closed() -> None:
    _, till, card = scene()
    till.redeem(card, 100, batch=7)
    till.settle(7, ZERO)
    till.redeem(card, 1, batch=8)
    unseen = till.write(Kind.GIFT_REDEEM, card, 5)
    assert till.upload(unseen).batch == 7, "left behind meanwhile, and still the one that awaits"
    till.settle(8, (1, 1))
    till.redeem(card, 1, batch=9)
    till.settle(9, ZERO)
    till.settle(9, (1, 1))
    till.redeem(card, 1, batch=10)
    assert till.upload(till.write(Kind.GIFT_REDEEM, card, 6)).batch == 9, "a late one, though 9 is closed and 10 open"
    other = till.shop.till("T2")
    other.redeem(card, 1, batch=3)
    assert other.upload(other.write(Kind.GIFT_REDEEM, card, 7)).batch == 3, "open, and none was answered 95"
    other.settle(3, (2, 8))
    assert other.upload(other.write(Kind.GIFT_REDEEM, card, 8)).batch == 3, "the last closed"


@pytest.mark.parametrize("ending", [Kind.SETTLE_UPLOADED, Kind.CLEAR_BATCH, Kind.SETTLE])
def test_what_comes_late_or_twice_is_not_booked_into_the_next_batch(ending: Kind) -> None:
    shop, till, card = scene()
    done, _, row = redeemed(till, card, 100, batch=7)
    unseen = till.write(Kind.GIFT_REDEEM, card, 40)
    till.settle(7, (2, 140))
    till.upload(unseen)
    assert till.settle(7, (2, 140), kind=ending).outcome is APPROVED
    redeemed(till, card, 1, batch=8)
    till.upload(done)
    till.upload(unseen, repeat=True)
    till.upload(unseen, upload_batch=8)
    assert [(reason, matched) for reason, _, matched in uploaded(shop)] == [
        ("without_authorisation", 0), ("uploaded", row.id), ("uploaded", shop.rows()[-1].matched)
    ]  # fmt: skip
    assert shop.balance(card) == 10_000 - 141
    shop.prove()


@pytest.mark.parametrize("number", [7, 8, 9])
def test_table_37_names_another_batch(number: int) -> None:
    """7 was closed by the terminal, 8 left behind, 9 is open."""
    shop, till, card = scene()
    done, _, first = redeemed(till, card, 100, batch=7)
    till.settle(7, (1, 100))
    redeemed(till, card, 1, batch=8)
    redeemed(till, card, 1, batch=9)
    before = till.batches()
    answer = till.upload(done, upload_batch=number)
    assert (answer.outcome, answer.batch) == (APPROVED, number)
    if number == 7:
        assert uploaded(shop) == [("uploaded", 0, first.id)]
    unseen = till.upload(till.write(Kind.GIFT_REDEEM, card, 5), upload_batch=number)
    assert unseen.batch == number
    assert shop.newest.late is (number != 9)
    assert [batch.id for batch in till.batches()] == [batch.id for batch in before]
    shop.prove()


def test_an_upload_for_a_number_never_seen_opens_it() -> None:
    _, till, card = scene()
    till.redeem(card, 1, batch=9)
    assert till.upload(till.write(Kind.GIFT_REDEEM, card, 5), upload_batch=12).batch == 12
    assert till.log_on().batch == 12


@pytest.mark.parametrize("explicit_open", [False, True])
def test_where_there_is_no_batch_an_upload_opens_one(explicit_open: bool) -> None:
    _, till, card = scene(explicit_open=explicit_open)
    assert till.upload(till.write(Kind.GIFT_REDEEM, card, 5)).batch == 1
    till.stan += 1
    other = till.shop.till("T2", explicit_open=explicit_open)
    assert other.upload(other.write(Kind.GIFT_REDEEM, card, 5), upload_batch=3).batch == 3


def test_an_upload_after_the_close_moves_the_books_and_leaves_the_totals() -> None:
    shop, till, card = scene()
    redeemed(till, card, 100, batch=7)
    till.settle(7, (1, 100))
    till.upload(till.write(Kind.GIFT_REDEEM, card, 5))
    assert (shop.newest.late, shop.newest.reason, shop.balance(card)) == (True, "without_authorisation", 9895)
    assert [(t.count, t.amount) for t in till.settle(7, (1, 100)).totals or ()] == [(1, 100)]
    shop.prove()


def test_what_the_host_has_seen_in_a_batch_left_behind_is_not_booked_twice() -> None:
    shop, till, card = scene()
    done, _, row = redeemed(till, card, 100, batch=7)
    till.log_on(batch=8)
    till.settle(8, (1, 100))
    till.upload(done)
    assert uploaded(shop) == [("uploaded", 0, row.id)]
    assert till.settle(8, (1, 100), kind=Kind.SETTLE_UPLOADED).outcome is APPROVED
    assert shop.balance(card) == 9900


def test_a_batch_settled_again_with_other_totals_finds_what_it_had() -> None:
    shop, till, card = scene()
    done, _, row = redeemed(till, card, 100, batch=7)
    till.settle(7, (1, 100))
    assert till.settle(7, (1, 101)).outcome is TOTALS, "adopted as a new one"
    till.upload(done)
    assert uploaded(shop) == [("uploaded", 0, row.id)]
    assert shop.balance(card) == 9900


def test_a_new_terminal_with_the_same_numbers_is_not_taken_for_the_old_one() -> None:
    shop, till, card = scene()
    redeemed(till, card, 100, batch=1, stan=5, **clock(shop.now))
    till.settle(1, (1, 100))
    shop.pass_time(days=61)
    till.settle(1, (1, 100))
    till.upload(till.write(Kind.GIFT_REDEEM, card, 100, stan=5, **clock(shop.now)))
    assert uploaded(shop) == [("without_authorisation", 100, 0)]
    assert shop.balance(card) == 9800


# -- who ---------------------------------------------------------------------------------------------------------------
def test_uploads_need_the_right_to_settle_and_a_known_terminal() -> None:
    shop, till, card = scene(rights=tuple(right for right in Right if right is not Right.SETTLEMENT))
    assert till.upload(till.write(Kind.GIFT_REDEEM, card, 5)).outcome is Outcome.NOT_ALLOWED
    till.terminal_id = "T9"
    assert till.upload(till.write(Kind.GIFT_REDEEM, card, 5)).outcome is Outcome.UNKNOWN_TERMINAL
    assert not uploaded(shop)


def test_an_upload_is_answered_without_texts_and_commands() -> None:
    _, till, card = scene(texts=True)
    assert till.upload(till.write(Kind.GIFT_REDEEM, card, 5)).command is None


@pytest.mark.parametrize("timed", [True, False])
def test_a_late_copy_is_recognised_after_later_batches_were_uploaded(timed: bool) -> None:
    """Known, unseen, and known with another amount: each once more, when uploads go into the batch after the next."""
    shop, till, card = scene()
    when = clock(shop.now) if timed else {}
    done, _, _ = redeemed(till, card, 100, batch=7, **when)
    wrong, _, _ = redeemed(till, card, 70, batch=7, **when)
    unseen = till.write(Kind.GIFT_REDEEM, card, 40, **when)
    copies = [msgspec.structs.replace(wrong, amount=71), done, unseen]
    till.settle(7, (3, 210))
    for copy in copies if timed else copies[1:]:
        till.upload(copy)
    till.settle(7, (3, 210), kind=Kind.SETTLE_UPLOADED)
    for number in (8, 9):
        redeemed(till, card, number, batch=number)
        till.settle(number, ZERO)
        for copy in copies if timed else copies[1:]:
            till.upload(copy)
        till.settle(number, ZERO, kind=Kind.SETTLE_UPLOADED)
    assert shop.balance(card) == 10_000 - 100 - 70 - 40 - 8 - 9
    assert [reason for reason, amount, _ in uploaded(shop) if amount] == ["without_authorisation"]
    shop.prove()
