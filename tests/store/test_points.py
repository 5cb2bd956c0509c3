"""What the stores keep of members: lots, second holders, purchases, events, the outbox. Over every store."""

from typing import Any

import pytest

from specs import limits
from specs.transaction import Kind, MessageClass
from switch.core.decision import Changes
from switch.core.holdings import Account, AccountKind, Card, Notice, Place
from switch.core.journal import Deed, EarnPart, Entry, Given
from switch.store.database import Columns
from switch.store.port import Conflict, Liability
from switch.store.sql import SQLStore
from tests.store.make import NOW, batch, card, changes, desk, merchant, need, row, seal, terminal
from tests.store.places import Place as Books
from tests.store.places import PostgreSQLPlace, Whole
from tests.store.watched import Watched

DEED = Deed(
    earned=3,
    cost=2,
    parts=(EarnPart("food", 300, 100, 1, ("milk",)),),
    rounding="down",
    rate="1/3",
    point_cost="1/2",
    taken=((7, 3),),
    given=(Given(5, 3, ((7, 3), (-9, 1))),),
)


def lot(number: int, holder: int, points: int = 5, **other: Any) -> Account:
    return Account(number, AccountKind.LOT, holder, "1001", points, 1, spent=not points, **other)


def posted(account: int, amount: int, sequence: int = 1) -> Entry:
    return Entry(account, "1001", amount, amount, sequence)


@pytest.fixture
def store(place: Books) -> Whole:
    store = place.open()
    store.load([], NOW)
    members = [card(n, n, currency="1001", account=n, place=Place(limit=5), sealed_phone=b"p") for n in (20, 22, 24)]
    debts = [Account(n, AccountKind.DEBT, n, "1001") for n in (20, 22, 24)]
    store.commit(changes(merchant(), terminal(), *members, *debts), None)
    return store


def keep(store: Whole, *records: Any, number: int = 1) -> None:
    store.load([], NOW)
    store.commit(changes(*records), seal(number=number))


def test_a_member_comes_with_lots_that_are_not_empty(store: Whole) -> None:
    full = lot(1000, 20, 5, available_from="2026-01-01", expires_on="2026-12-31")
    keep(store, full, lot(1001, 20, 0), lot(1002, 22))
    workset = store.load([need(card_hash="hash20")], NOW)
    assert workset.accounts.keys() == {20, 1000}
    assert workset.accounts[1000] == full
    assert workset.points == {20: {20, 1000}}
    loaded: Card = workset.cards[20]
    assert (loaded.place, loaded.sealed_phone) == (Place(limit=5), b"p")


def test_an_empty_lot_comes_with_the_rows_that_moved_it(store: Whole) -> None:
    sale = row(300, kind=Kind.SALE, card_hash="hash20", holder=20, deed=DEED, entries=(posted(1001, 5),))
    keep(store, lot(1001, 20, 0), lot(1002, 22, 0), sale)
    workset = store.load([need(card_hash="hash20", rrn=sale.rrn)], NOW)
    assert workset.accounts.keys() == {20, 1001}
    assert workset.by_rrn[sale.rrn].deed == DEED


def test_lots_of_members_who_are_not_locked_stay_away(store: Whole) -> None:
    """Another member's payment in the same purchase is looked at; its lots are not."""
    theirs = row(300, kind=Kind.POINTS_REDEEM, card_hash="hash22", holder=22, entries=(posted(1002, -5),))
    keep(store, lot(1002, 22, 0), theirs)
    workset = store.load([need(card_hash="hash20", rrn=theirs.rrn)], NOW)
    assert workset.accounts.keys() == {20}


def test_both_holders_of_a_transfer_come_with_its_row(store: Whole) -> None:
    moved = (posted(1000, -5), posted(1002, 5))
    unit = {"card_currency": "1001", "entries": moved}
    sent = row(300, kind=Kind.POINTS_TRANSFER, card_hash="hash20", holder=20, other_holder=22, **unit)
    keep(store, lot(1000, 20, 0), lot(1002, 22), sent)
    for named in ({"rrn": sent.rrn}, {"search": 0}, {"keyed": (MessageClass.REQUEST, 300)}):
        workset = store.load([need(card_hash="hash20", **named)], NOW)
        assert workset.accounts.keys() == {20, 22, 1000, 1002}, named
        store.rollback()


def test_all_who_paid_for_a_sale_come_with_any_of_its_rows(store: Whole) -> None:
    """What they paid with may be empty today; a gift card that paid is no matter."""
    sale = {"batch": 1, "receipt": "000001", "card_currency": "1001"}
    paid = row(300, kind=Kind.POINTS_REDEEM, card_hash="hash22", holder=22, entries=(posted(1002, -5),), **sale)
    sold = row(301, kind=Kind.SALE, card_hash="hash20", holder=20, root=300, **sale)
    keep(store, lot(1002, 22, 0), paid, sold, batch(1), desk(batch=1))
    for named in ({"rrn": sold.rrn}, {"search": 0}, {"keyed": (MessageClass.REQUEST, 301)}):
        workset = store.load([need(card_hash="hash20", **named)], NOW)
        assert workset.accounts.keys() == {20, 22, 1002}, named
        assert [one.id for one in workset.families[300]] == [300, 301]
        store.rollback()
    workset = store.load([need(card_hash="hash20", receipt="000001")], NOW)
    assert workset.accounts.keys() == {20}, "who sells locks nobody else"
    store.rollback()


def test_a_family_comes_oldest_first_whoever_numbered_its_rows(store: Whole) -> None:
    """Daemons lease their numbers: a later row may have a lower one."""
    kept = [row(n, root=300, holder=20, card_hash="hash20", decided_at=NOW - n) for n in (300, 301, 302)]
    keep(store, *sorted(kept, key=lambda one: one.decided_at))
    workset = store.load([need(card_hash="hash20", rrn=kept[0].rrn)], NOW)
    assert [one.id for one in workset.families[300]] == [302, 301, 300]
    store.rollback()


class Meddled(Watched):
    """Another daemon commits `meanwhile` when members have been locked and are about to be read."""

    def __init__(self, place: PostgreSQLPlace, meanwhile: Changes) -> None:
        super().__init__(place.database())
        self.place, self.meanwhile = place, [meanwhile]

    def run(self, sql: str, parameters: Columns) -> list[Columns]:
        if "cards c ON c.holder" in sql and self.meanwhile:
            other = self.place.open()
            other.load([], NOW)
            other.commit(self.meanwhile.pop(), None)
            other.close()
        return super().run(sql, parameters)


def test_who_pays_while_a_sale_is_looked_up_is_not_overlooked(postgresql: PostgreSQLPlace) -> None:
    """The group is decided again, and then the payer is locked with the others."""
    members = [card(n, n, currency="1001", account=n, place=Place()) for n in (20, 22)]
    sale = {"batch": 1, "receipt": "000001", "card_currency": "1001", "root": 300}
    sold = row(300, kind=Kind.SALE, card_hash="hash20", holder=20, **sale)
    paid = row(301, kind=Kind.POINTS_REDEEM, card_hash="hash22", holder=22, **sale)
    store = SQLStore(Meddled(postgresql, changes(paid)))
    store.load([], NOW)
    debts = [Account(n, AccountKind.DEBT, n, "1001") for n in (20, 22)]
    store.commit(changes(merchant(), terminal(), *members, *debts, sold, batch(1), desk(batch=1)), None)
    wanted = [need(card_hash="hash20", rrn=sold.rrn)]
    with pytest.raises(Conflict):
        store.load(wanted, NOW)
    store.rollback()
    assert store.load(wanted, NOW).cards.keys() == {20, 22}


def test_a_second_card_and_a_holder_can_be_named(store: Whole) -> None:
    assert store.load([need(card_hash="hash20", other_hash="hash22")], NOW).cards.keys() == {20, 22}
    store.rollback()
    assert store.load([need(holder=24)], NOW).cards.keys() == {24}


def test_a_purchase_is_what_has_the_receipt_in_the_open_or_the_named_batch(store: Whole) -> None:
    rows = [
        row(300, batch=1, receipt="000001", card_hash="hash20"),
        row(301, batch=1, receipt="000001", card_hash="hash22"),
        row(302, batch=1, receipt="000002"),
        row(303, batch=2, receipt="000001"),
        row(304, batch=3, receipt="000001"),
        row(305, batch=1, receipt=None),
    ]
    batches = [batch(1, number=1), batch(2, number=2), batch(3, number=3)]
    keep(store, *rows, *batches, desk(batch=1))
    workset = store.load([need(receipt="000001", batch=2)], NOW)
    found = {key: [one.id for one in rows] for key, rows in workset.purchases.items()}
    assert found == {(1, "000001"): [300, 301], (2, "000001"): [303]}
    assert workset.families.keys() == {300, 301, 303}


def test_of_a_receipt_number_that_never_changes_only_the_newest_rows_come(store: Whole) -> None:
    rows = [row(n, batch=1, receipt="000001", decided_at=NOW + n) for n in range(300, 305 + limits.PURCHASE_MAX)]
    keep(store, *rows, batch(1), desk(batch=1))
    (found,) = store.load([need(receipt="000001")], NOW).purchases.values()
    assert [one.id for one in found] == [one.id for one in rows[5:]]


def test_an_event_is_found_by_its_callers_id(store: Whole) -> None:
    award = row(300, kind=Kind.OPERATOR, event="crm-7", entries=(posted(1000, 5),))
    keep(store, lot(1000, 20), award, row(301, event="crm-8"))
    workset = store.load([need(event=event) for event in ("crm-7", "crm-8", "crm-9")], NOW)
    assert [(key, one.id, len(one.entries)) for key, one in workset.awards.items()] == [
        ("crm-7", 300, 1),
        ("crm-8", 301, 0),
    ]


def test_what_expired_is_found_once_nothing_has_moved_it_lately(store: Whole) -> None:
    dates = {1000: "2026-03-01", 1001: "2026-02-01", 1002: "2026-03-10", 1003: "", 1004: "2026-01-01"}
    lots = [lot(number, 20, 0 if number == 1004 else 5, expires_on=day) for number, day in dates.items()]
    moves = [row(300 + n, decided_at=NOW + n, entries=(posted(1000 + n, 5),)) for n in range(5)]
    keep(store, *lots, *moves)
    assert [one.id for one in store.expired_lots("2026-03-10", NOW + 9, ("", 0), 9)] == [1001, 1000]
    assert [one.id for one in store.expired_lots("2026-03-10", NOW + 9, ("", 0), 1)] == [1001]
    assert [one.id for one in store.expired_lots("2026-03-10", NOW + 1, ("", 0), 9)] == [1000]
    assert [one.id for one in store.expired_lots("2027-01-01", NOW + 9, ("", 0), 9)] == [1001, 1000, 1002]


def test_a_member_is_read_with_empty_lots(store: Whole) -> None:
    keep(store, lot(1000, 20), lot(1001, 20, 0))
    cards, accounts = store.member(20)
    assert ([one.id for one in cards], [one.id for one in accounts]) == ([20], [20, 1000, 1001])
    assert store.member(99) == ([], [])


def test_liability_is_added_up_by_dates(store: Whole) -> None:
    debt = Account(20, AccountKind.DEBT, 20, "1001", -4, 1)
    keep(store, lot(1000, 20), lot(1001, 22, 7), lot(1002, 22, 2, expires_on="2026-12-31"), lot(1003, 22, 0), debt)
    assert store.liability() == [
        Liability("1001", AccountKind.DEBT, "", "", -4, 1),
        Liability("1001", AccountKind.LOT, "", "", 12, 2),
        Liability("1001", AccountKind.LOT, "", "2026-12-31", 2, 1),
    ]


def test_notices_wait_in_order_until_they_are_sent(store: Whole) -> None:
    notices = [Notice(n, 20, 20, "masked", "sale", n, NOW - n) for n in (1, 2, 3)]
    keep(store, *notices)
    assert [one.id for one in store.notices(2)] == [3, 2]
    told = changes()
    told.told = {3: NOW + 1, 77: NOW}
    store.load([], NOW)
    store.commit(told, None)
    assert [one.id for one in store.notices(9)] == [2, 1]
