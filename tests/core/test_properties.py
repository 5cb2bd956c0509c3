"""What holds for every message: said once or ten times, undone, given back in parts, or made of nonsense."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs import limits
from specs.outcomes import ACCEPTED, NOT_STORED, Outcome
from specs.sensitive import PAN, Secret
from specs.transaction import TOTALS_BLOCKS, Kind, Line, MessageClass, Request, Total
from switch.core.day_commands import CutSettlement, SettlePart
from switch.core.holdings import Block
from switch.core.undo import is_live
from tests.core.till import LINE, Shop, Till, clock

APPROVED = Outcome.APPROVED
MOVING = [
    Kind.GIFT_ACTIVATE,
    Kind.GIFT_RELOAD,
    Kind.GIFT_REDEEM,
    Kind.GIFT_CASH_OUT,
    Kind.GIFT_REFUND,
    Kind.GIFT_BLOCK,
    Kind.GIFT_UNBLOCK,
]


def prepared(kind: Kind, product: str) -> tuple[Shop, Till, PAN]:
    shop = Shop()
    card = shop.card(product, None if kind is Kind.GIFT_ACTIVATE else 50_000)
    if kind is Kind.GIFT_UNBLOCK:
        shop.block(card, Block.BLOCKED)
    return shop, shop.till(), card


def picture(shop: Shop) -> dict[int, int]:
    return {account.id: account.balance for account in shop.store.accounts() if account.balance}


@pytest.mark.parametrize("product", ["open", "gulf"])
@pytest.mark.parametrize("kind", MOVING)
@given(times=st.integers(1, 5), amount=st.integers(1000, 20_000), repeats=st.lists(st.booleans(), max_size=5))
@settings(max_examples=10)
def test_a_message_said_often_has_one_answer_and_one_movement(
    kind: Kind, product: str, times: int, amount: int, repeats: list[bool]
) -> None:
    shop, till, card = prepared(kind, product)
    first = till.say(till.write(kind, card, amount))
    assert first.outcome is APPROVED
    after, rows = picture(shop), len(shop.rows())
    for repeat in repeats[:times]:
        shop.pass_time(hours=10)
        assert till.again(repeat=repeat) == first
    assert (picture(shop), len(shop.rows())) == (after, rows)


@pytest.mark.parametrize("product", ["open", "gulf", "single"])
@pytest.mark.parametrize("kind", MOVING)
@given(amount=st.integers(1000, 20_000), by_void=st.booleans(), times=st.integers(1, 3))
@settings(max_examples=10)
def test_done_and_undone_leaves_every_balance_and_undone_again_stands_again(
    kind: Kind, product: str, amount: int, by_void: bool, times: int
) -> None:
    if product == "single" and kind is Kind.GIFT_RELOAD:
        return
    shop, till, card = prepared(kind, product)
    before, state = picture(shop), (shop.record(card).state, shop.record(card).block)
    done = till.say(till.write(kind, card, amount))
    message, after, changed = till.sent, picture(shop), (shop.record(card).state, shop.record(card).block)
    voidable = kind not in (Kind.GIFT_BLOCK, Kind.GIFT_UNBLOCK)
    loads = kind in (Kind.GIFT_ACTIVATE, Kind.GIFT_RELOAD, Kind.GIFT_REFUND)
    if by_void and voidable:
        for _ in range(times):
            void = till.void_load if loads else till.void_spend
            assert void(card, amount, rrn=done.rrn).outcome is APPROVED
            assert (picture(shop), (shop.record(card).state, shop.record(card).block)) == (before, state)
            assert till.reverse().outcome is APPROVED
            assert (picture(shop), (shop.record(card).state, shop.record(card).block)) == (after, changed)
    for _ in range(times):
        assert till.reverse(message).outcome is APPROVED
        assert (picture(shop), (shop.record(card).state, shop.record(card).block)) == (before, state)
    shop.prove()


@given(
    taken=st.integers(1, 5000),
    parts=st.lists(st.tuples(st.integers(1, 999), st.booleans()), max_size=12),
)
@settings(max_examples=60)
def test_all_partial_refunds_equal_the_whole_one_whatever_was_voided_between(
    taken: int, parts: list[tuple[int, bool]]
) -> None:
    """A card in dinars spent in liras, where most parts are worth less than a fils."""
    shop = Shop()
    till, card = shop.till(), shop.card("gulf", 1000)
    before = picture(shop)
    spent = till.redeem(card, taken)
    left = taken
    for share, voided in parts:
        part = max(1, taken * share // 4000)
        if part > left:
            assert till.refund(card, part, rrn=spent.rrn).outcome is Outcome.AMOUNT
            continue
        held = shop.balance(card)
        back = till.refund(card, part, rrn=spent.rrn)
        assert back.outcome is APPROVED
        assert held <= shop.balance(card) <= 1000
        if voided:
            assert till.void_load(card, part, rrn=back.rrn).outcome is APPROVED
            assert shop.balance(card) == held
        else:
            left -= part
    if left:
        assert till.refund(card, left, rrn=spent.rrn).outcome is APPROVED
    assert picture(shop) == before
    shop.prove()


# -- nonsense ----------------------------------------------------------------------------------------------------------
CARDS = [PAN(f"{prefix}000000000{number:04d}") for number, prefix in enumerate(("990010", "990060", "990040"), 1)]
GIFTS = [kind for kind in Kind if kind.value.startswith("gift")]
SETTLEMENTS = [Kind.SETTLE, Kind.SETTLE_UPLOADED, Kind.CLEAR_BATCH]
amounts_of_totals = st.sampled_from([0, 1000, 5000])
NETWORK = [Kind.ECHO, Kind.LOGON, Kind.PARAMETERS, Kind.UNKNOWN]
amounts = st.one_of(
    st.none(), st.sampled_from([0, 1, 1000, 5000, limits.AMOUNT_MAX]), st.integers(0, limits.AMOUNT_MAX)
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Anything a codec could make: a card where the kind needs one, the time of the deed in advices."""
    message_class = draw(st.sampled_from(MessageClass))
    kinds = {MessageClass.NETWORK: NETWORK, MessageClass.SETTLEMENT: [*SETTLEMENTS, Kind.UNKNOWN]}
    kind = draw(st.sampled_from(kinds.get(message_class, [*GIFTS, Kind.UNKNOWN])))
    if draw(st.integers(0, 30)) == 0:
        kind = Kind.MALFORMED
    timed = message_class is MessageClass.ADVICE or draw(st.booleans())
    months = st.sampled_from(["0310", "0309", "0229", "1231", "0101", "0210"])
    return Request(
        message_class=message_class,
        kind=kind,
        line=draw(st.sampled_from([LINE, LINE, Line("tls", frozenset({"A"}), clear_pin=True), Line("plain")])),
        repeat=draw(st.booleans()),
        merchant_id=draw(st.sampled_from(["A", "A", "A", "B", "", "Z"])),
        terminal_id=draw(
            st.sampled_from(["T1", "T1", "T2", "T3", "" if message_class is MessageClass.NETWORK else "T1"])
        ),
        stan=draw(st.integers(0, 5) | st.integers(0, 999_999)),
        card=draw(st.sampled_from([*CARDS, PAN("123456")])) if kind in GIFTS else None,
        amount=draw(amounts),
        currency=draw(st.sampled_from([None, None, "949", "840", "999", "000", "392"])),
        local_date=draw(months) if timed else None,
        local_time=draw(st.sampled_from(["115900", "000000", "235959"])) if timed else None,
        batch=draw(st.sampled_from([None, None, 1, 2, 3, 999_999])),
        receipt=draw(st.sampled_from([None, "R00001", "R00002"])),
        rrn=draw(st.none() | st.integers(1, 30).map(lambda number: f"6069{number:08d}")),
        original_class=draw(st.sampled_from([None, MessageClass.REQUEST, MessageClass.ADVICE, MessageClass.REVERSAL])),
        original_stan=draw(st.none() | st.integers(0, 5)),
        pin=draw(st.sampled_from([None, Secret("1234"), Secret("0000")])),
        partial=draw(st.booleans()),
        totals=draw(
            st.none() | st.lists(st.builds(Total, st.integers(0, 2), amounts_of_totals), max_size=6).map(tuple)
        ),
        upload_batch=draw(st.sampled_from([None, None, 1, 2, 7])),
    )


@given(said=st.lists(requests(), max_size=25), explicit=st.booleans(), close=st.integers(0, 25))
@settings(max_examples=150)
def test_whatever_is_said_the_rules_answer_and_the_books_hold(said: list[Request], explicit: bool, close: int) -> None:
    """The harness raises what the daemon would answer with 96: any exception in a rule, any broken decision."""
    shop = Shop()
    for product, _ in zip(("open", "gulf", "secret"), CARDS, strict=True):
        shop.card(product, 3000)
    assert [card.masked_pan for card in shop.store.cards(0, 9)] == [pan.masked for pan in CARDS]
    closing = shop.till("T1", explicit_open=explicit)
    tills = [closing, shop.till("T2", store="south", currencies=("840", "392"), partial=True), shop.till("T3", "B")]
    for place, request in enumerate(said):
        if place == close and closing.batches() and closing.batches()[-1].closed_at is None:
            closing.close_batch()
        if request.stan % 4 == 1 and closing.batches():  # the host's end of day, now and then
            shop.ask(SettlePart("A", "T1", "main", closing.batches()[-1].id), CutSettlement("A"))
        rows = len(shop.rows())
        reply = shop.hear(request)
        if request.message_class is MessageClass.SETTLEMENT:
            assert len(shop.rows()) <= rows + 1
        elif reply.outcome in NOT_STORED or request.message_class in (MessageClass.INQUIRY, MessageClass.NETWORK):
            assert len(shop.rows()) == rows
        if reply.outcome not in ACCEPTED and request.message_class is MessageClass.REVERSAL:
            assert reply.outcome in (
                Outcome.FORMAT_ERROR,
                Outcome.UNKNOWN_MERCHANT,
                Outcome.NOT_ALLOWED,
                Outcome.UNKNOWN_TERMINAL,
            )
    shop.prove()
    for till in tills:
        check_totals(till)


def check_totals(till: Till) -> None:
    """The open batch of a terminal holds what is live of what was put into it, counted anew from the transactions.

    Where something came late (another terminal's reversal, say), it holds on purpose what is live no more.
    """
    open_ = [batch for batch in till.batches() if batch.closed_at is None]
    for batch in open_:
        parts = {part.id for part in till.batches() if part.whole == batch.whole}
        rows = till.shop.rows()
        totals = [(0, 0)] * 4
        touched = {row.root for row in rows if row.late}
        if any(row.batch in parts and row.root in touched for row in rows):
            continue
        for row in rows:
            if row.batch not in parts or row.kind not in TOTALS_BLOCKS or row.message_class is MessageClass.REVERSAL:
                continue
            family = [other for other in rows if other.root == row.root]
            if row.took_effect and row.currency == batch.currency and is_live(row, family):
                count, amount = totals[TOTALS_BLOCKS[row.kind]]
                totals[TOTALS_BLOCKS[row.kind]] = count + 1, amount + row.amount
        assert [(total.count, total.amount) for total in batch.booked] == totals


@given(request=requests(), changes=st.fixed_dictionaries({"nii": st.sampled_from(["", "010"])}))
@settings(max_examples=50)
def test_two_switches_told_the_same_answer_the_same(request: Request, changes: dict[str, Any]) -> None:
    request = msgspec.structs.replace(request, **changes)
    replies = []
    for _ in range(2):
        shop = Shop()
        shop.till("T1")
        shop.card("open", 3000)
        replies.append((shop.hear(request), shop.hear(request), picture(shop)))
    assert replies[0] == replies[1]


def test_an_advice_of_today_is_no_stale_one() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    till.redeem(card, 100, message_class=MessageClass.ADVICE, **clock(shop.now))
    assert shop.balance(card) == 900
