"""Enrolling without a till, main cards, notices taken out of the outbox, and which commands expire which lots."""

from __future__ import annotations

from specs.transaction import Kind
from switch.core.holdings import Account, AccountKind, CardState
from switch.core.member_commands import EnrolCard, expiries
from switch.core.points_commands import ExpireLots, IssueLoyaltyCard, NoticesSent, PlaceCard
from tests.core.members import MemberShop
from tests.core.till import hash_of


def test_a_card_is_enrolled_without_a_till_once() -> None:
    shop = MemberShop()
    pan, number = shop.number("star")
    shop.command(IssueLoyaltyCard(number, "star"))
    assert shop.record(pan).state is CardState.INACTIVE
    shop.command(EnrolCard(hash_of(pan), b"sealed phone"))
    card = shop.record(pan)
    assert (card.state, card.sealed_phone) == (CardState.ACTIVE, b"sealed phone")
    assert (shop.newest.kind, shop.newest.reason, shop.newest.card_id) == (Kind.ENROL, "by_operator", card.id)
    assert shop.refused(EnrolCard(hash_of(pan))) == "card_not_active: the card is active already"
    assert shop.record(pan).sealed_phone == b"sealed phone"
    shop.prove()


def test_only_loyalty_cards_are_enrolled() -> None:
    shop = MemberShop()
    assert shop.refused(EnrolCard(hash_of(shop.card("open")))) == "unknown_card: no such loyalty card"
    assert shop.refused(EnrolCard("none")) == "unknown_card: no such loyalty card"


def test_a_member_keeps_a_main_card() -> None:
    shop = MemberShop()
    first = shop.member()
    second = shop.member(of=first, additional=True)
    refusal = "product: the member has no other main card, whose holder could hear of this one"
    assert shop.refused(PlaceCard(hash_of(first), additional=True)) == refusal
    shop.command(PlaceCard(hash_of(second), additional=False), PlaceCard(hash_of(first), additional=True, limit=50))
    places = [shop.record(pan).place for pan in (first, second)]
    assert [(place.main, place.limit) for place in places if place] == [(False, 50), (True, None)]


def test_a_card_that_was_replaced_is_no_main_card() -> None:
    shop = MemberShop()
    first = shop.member()
    second = shop.member(of=first, additional=True)
    third = shop.replace(first)
    shop.command(PlaceCard(hash_of(second), additional=False))
    shop.command(PlaceCard(hash_of(third), additional=True))
    assert "no other main card" in shop.refused(PlaceCard(hash_of(second), additional=True))


def test_notices_are_taken_once() -> None:
    shop = MemberShop()
    main = shop.member(points=100)
    child = shop.member(of=main, additional=True)
    till = shop.till()
    till.pay(child, 10)
    till.sale(main, 500)
    till.sale(child, 700)
    waiting = shop.store.notices(10)
    assert [(notice.what, notice.points) for notice in waiting] == [("points_redeem", 5), ("sale", 7)]
    shop.command(NoticesSent((waiting[0].id,)))
    assert shop.store.notices(10) == waiting[1:]
    shop.command(NoticesSent((waiting[0].id, waiting[1].id, 999_999)))
    assert shop.store.notices(10) == []


def lot(number: int, holder: int, unit: str = "1001", entries: int = 1) -> Account:
    return Account(number, AccountKind.LOT, holder, unit, 10, entries, "", "2026-01-31")


def test_lots_expire_by_member_and_kind_of_points() -> None:
    lots = [lot(1, 7, entries=3), lot(2, 5), lot(3, 7, "1002"), lot(4, 7)]
    assert expiries(lots) == [
        ExpireLots(5, ((2, 1),)),
        ExpireLots(7, ((1, 3), (4, 1))),
        ExpireLots(7, ((3, 1),)),
    ]
    assert expiries([]) == []
