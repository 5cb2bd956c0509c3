"""The audit of points: lots, debts, what sales earned and returns gave back. As in test_audit.py, all well sealed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from switch.audit import BrokenFact, audit
from switch.core.decision import Changes
from switch.core.holdings import AccountKind
from switch.core.journal import Deed, Entry, Row, Seal
from switch.core.points_commands import ExpireLots
from switch.seals import mark, seal_of
from switch.store.memory import MemoryStore
from tests.core.members import MemberShop, counted, split
from tests.core.till import SEAL_KEY


def lived() -> tuple[MemberShop, list[Row]]:
    """A payment, its sale, two returns of parts of it that leave a debt, and a purchase that pays for half of that.

    Before it all somebody else's points have expired.
    """
    shop = MemberShop(value="1", store_values="{}", expire_days="9", point_cost='"0.5"')
    other = shop.member(30)
    shop.pass_time(days=14)
    (lot,) = (one for one in shop.accounts_of(other) if one.kind is AccountKind.LOT)
    shop.command(ExpireLots(shop.record(other).holder, ((lot.id, lot.entries),)))
    till, card = shop.till(), shop.member(100)
    till.pay(card, 100, receipt="000001")
    sold = till.sale(card, 8100, receipt="000001")
    till.pay(card, 80)
    first, second = till.give_back(card, 100, rrn=sold.rrn), till.give_back(card, 4000, rrn=sold.rrn)
    assert (split(first), counted(second)) == ((100, 0), (40, 0))
    till.pay(card, 60)
    till.give_back(card, 4000, rrn=sold.rrn)
    assert shop.owed(card) == 40
    till.buy(card, 80)
    assert shop.owed(card) == 20
    return shop, shop.rows()


def forged(shop: MemberShop, change: Callable[[Row], Row]) -> str:
    """The fact the audit names when the rows are changed and sealed again."""
    store = MemoryStore()
    before: Seal | None = None
    held = {one.id: one for one in shop.store.accounts() if one.id > 0}
    batches = {one.id: one for one in shop.store.all_batches()}
    for number, row in enumerate(shop.rows(), 1):
        marked = mark([change(row)], "main", number)
        before = seal_of(marked, before, "main", number, SEAL_KEY)
        store.commit(Changes(rows=marked, accounts=held, batches=batches), before)
    with pytest.raises(BrokenFact) as broken:
        list(audit(store, SEAL_KEY))
    return str(broken.value)


def test_books_that_are_right_pass() -> None:
    shop, rows = lived()
    assert shop.prove().rows == len(rows)


def newest(rows: list[Row], kind: AccountKind, shop: MemberShop) -> tuple[Row, Entry]:
    """The last entry of a kind of holder's account."""
    ids = {one.id for one in shop.store.accounts() if one.kind is kind}
    return next((row, entry) for row in reversed(rows) for entry in row.entries if entry.account in ids)


@pytest.mark.parametrize(("kind", "side"), [(AccountKind.DEBT, "above"), (AccountKind.LOT, "below")])
def test_a_debt_is_never_above_zero_and_a_lot_never_below(kind: AccountKind, side: str) -> None:
    shop, rows = lived()
    row, entry = newest(rows, kind, shop)
    assert entry.balance_after is not None
    sign = 1 if kind is AccountKind.DEBT else -1
    by = sign * (abs(entry.balance_after) + 7)

    def change(one: Row) -> Row:
        if one.id != row.id:
            return one
        assert entry.balance_after is not None
        wrong = msgspec.structs.replace(entry, amount=entry.amount + by, balance_after=entry.balance_after + by)
        counter = next(other for other in one.entries if other.currency == entry.currency and other.account < 0)
        right = msgspec.structs.replace(counter, amount=counter.amount - by)
        swapped = {entry.account: wrong, counter.account: right}
        return msgspec.structs.replace(one, entries=tuple(swapped.get(e.account, e) for e in one.entries))

    assert f"account {entry.account}: {side} zero" in forged(shop, change)


def test_no_more_is_taken_back_than_was_earned() -> None:
    shop, rows = lived()
    sale = next(row for row in rows if row.kind.value == "sale")

    def change(row: Row) -> Row:
        assert row.deed or row.id != sale.id
        smaller = msgspec.structs.replace(row.deed or Deed(), earned=79)
        return msgspec.structs.replace(row, deed=smaller) if row.id == sale.id else row

    assert forged(shop, change) == f"row {sale.id}: more points were taken back than it earned"


def test_no_more_is_given_back_than_was_paid() -> None:
    shop, rows = lived()
    paid = next(row for row in rows if row.kind.value == "points_redeem")

    def change(row: Row) -> Row:
        return msgspec.structs.replace(row, amount=99) if row.id == paid.id else row

    assert forged(shop, change) == f"row {paid.id}: more was given back than it took"


@pytest.mark.parametrize("kind", ["issuing", "redeemed", "points_cost", "breakage", "adjusted"])
def test_points_and_their_cost_are_the_sums_of_their_entries(kind: str) -> None:
    shop, _ = lived()
    wrong = next(one for one in shop.store.accounts() if one.kind.value == kind)
    shop.store.commit(Changes(accounts={wrong.id: msgspec.structs.replace(wrong, balance=wrong.balance + 1)}), None)
    with pytest.raises(BrokenFact) as broken:
        shop.prove()
    assert str(broken.value) == f"account {wrong.id}: its balance is not the sum of its entries"


@pytest.mark.parametrize(
    "change",
    [
        {"expires_on": "2099-12-31"},
        {"expires_on": ""},
        {"available_from": "2026-01-01"},
        {"holder": 999},
    ],
    ids=str,
)
def test_points_are_whose_and_last_as_long_as_the_journal_says(change: dict[str, Any]) -> None:
    shop = MemberShop(expire_days="9")
    shop.member(30)
    lot = next(one for one in shop.store.accounts() if one.kind is AccountKind.LOT)
    shop.prove()
    shop.store.commit(Changes(accounts={lot.id: msgspec.structs.replace(lot, **change)}), None)
    with pytest.raises(BrokenFact) as broken:
        shop.prove()
    assert str(broken.value) == f"account {lot.id}: its member or its dates are not those it was opened with"


def test_an_account_that_was_opened_is_there() -> None:
    """Nothing was ever posted to it, so that nothing else tells."""
    shop = MemberShop()
    shop.member()
    debt = next(one for one in shop.store.accounts() if one.kind is AccountKind.DEBT)
    gone = msgspec.structs.replace(debt, kind=AccountKind.CARD)
    shop.store.commit(Changes(accounts={debt.id: gone}), None)
    with pytest.raises(BrokenFact) as broken:
        shop.prove()
    assert str(broken.value) == f"account {debt.id}: was opened, and is not there"
