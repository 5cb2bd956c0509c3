"""The contract of every store about members: theirs, what moved it, what has expired; notices, and their end."""

from typing import Any

from switch.core.holdings import Account, AccountKind, Notice
from switch.core.holdings import Place as CardPlace
from tests.store.make import NOW, account, card, changes, entry, row
from tests.store.places import Place
from tests.store.test_reading import keep

UNIT = "1001"
MEMBER, OTHER = 100, 200


def lot(number: int, points: int, expires_on: str = "", *, holder: int = MEMBER, entries: int = 1) -> Account:
    return Account(number, AccountKind.LOT, holder, UNIT, points, entries, "", expires_on, spent=not points)


def debt(number: int, points: int, holder: int = MEMBER) -> Account:
    return Account(number, AccountKind.DEBT, holder, UNIT, points, 1 if points else 0)


def put(number: int, account: int, points: int, balance: int, sequence: int, **other: Any) -> Any:
    """A row that moves points of one account."""
    return row(number, entries=(entry(-9, -points), entry(account, points, balance, sequence)), **other)


def test_a_member_has_all_cards_and_all_accounts(place: Place) -> None:
    store = place.open()
    cards = [card(MEMBER, account=5, place=CardPlace()), card(101, MEMBER, account=5, place=CardPlace(False, 50))]
    keep(store, *cards, card(OTHER, account=6), debt(5, 0), lot(7, 10, "2027-01-31"), lot(8, 0), debt(6, 0, OTHER))
    found = place.reader().member(MEMBER)
    assert found == (cards, [debt(5, 0), lot(7, 10, "2027-01-31"), lot(8, 0)])
    assert place.reader().member(999) == ([], [])


def test_what_moved_a_members_points_comes_newest_first_and_nothing_else(place: Place) -> None:
    store = place.open()
    keep(store, card(MEMBER), card(OTHER), lot(7, 10), lot(8, 5, "2027-01-31"), lot(9, 1, holder=OTHER))
    rows = [put(1, 7, 4, 4, 1), put(2, 9, 1, 1, 1), put(3, 8, 5, 5, 1), put(4, 7, 6, 10, 2), row(5)]
    keep(store, *rows)
    reader = place.reader()
    assert reader.movements(MEMBER, 0, 10) == [rows[3], rows[2], rows[0]]
    assert reader.movements(MEMBER, 0, 2) == [rows[3], rows[2]]
    assert reader.movements(MEMBER, NOW + 4, 10) == [rows[3]]
    assert reader.movements(OTHER, 0, 10) == [rows[1]]


def test_expired_lots_come_by_their_last_day_unless_something_moved_them_since(place: Place) -> None:
    store = place.open()
    keep(
        store,
        card(MEMBER),
        card(OTHER),
        lot(1, 10, "2026-01-31"),
        lot(2, 20, "2025-12-31", holder=OTHER),
        lot(3, 30, "2026-01-31", entries=2),  # moved since
        lot(4, 0, "2026-01-31", entries=2),
        lot(5, 50, "2026-02-28"),
        lot(6, 60),
        lot(7, 70, "2026-01-31", holder=OTHER),
        debt(8, -5),
        put(11, 1, 10, 10, 1),
        put(12, 2, 20, 20, 1),
        put(13, 3, 25, 25, 1),
        put(14, 4, 5, 5, 1),
        put(15, 4, -5, 0, 2),
        put(16, 5, 50, 50, 1),
        put(17, 7, 70, 70, 1),
        put(18, 3, 5, 30, 2),
    )
    for books in (store, place.reader()):
        found = books.expired_lots("2026-02-28", NOW + 18, ("", 0), 10)
        assert [one.id for one in found] == [2, 1, 7]
        assert found[1] == lot(1, 10, "2026-01-31")
        assert [one.id for one in books.expired_lots("2026-02-28", NOW + 18, ("", 0), 2)] == [2, 1]
        assert [one.id for one in books.expired_lots("2026-02-28", NOW + 18, ("2026-01-31", 1), 2)] == [7]
        assert [one.id for one in books.expired_lots("2026-03-01", NOW + 19, ("2026-01-31", 1), 9)] == [3, 7, 5]


def test_credits_of_what_is_not_empty_come_newest_first(place: Place) -> None:
    store = place.open()
    keep(store, card(MEMBER), lot(1, 9, entries=3), lot(2, 0, entries=2), debt(3, -4), debt(4, 0), account(5, 7))
    keep(store, put(11, 1, 4, 4, 1), put(12, 1, -1, 3, 2), put(13, 1, 6, 9, 3), put(14, 2, 1, 1, 1))
    keep(store, put(15, 2, -1, 0, 2), put(16, 3, -4, -4, 1), put(17, 5, 7, 7, 1))
    assert list(place.reader().credits()) == [
        (lot(1, 9, entries=3), [(NOW + 13, 6), (NOW + 11, 4)]),
        (debt(3, -4), []),
    ]


def test_notices_wait_until_somebody_takes_them(place: Place) -> None:
    store = place.open()
    waiting = [Notice(number, MEMBER, MEMBER, "990110*********0011", "sale", 10, NOW) for number in (1, 2, 3)]
    keep(store, *waiting)
    assert place.reader().notices(2) == waiting[:2]
    store.load([], NOW)
    sent = changes()
    sent.told = {1: NOW + 5, 3: NOW + 5, 99: NOW + 5}
    store.commit(sent, None)
    assert place.reader().notices(10) == [waiting[1]]
