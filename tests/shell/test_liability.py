"""The liability by age: whatever moved, the parts add up to what members have."""

from __future__ import annotations

from switch.core.points_matter import day_of
from switch.liability import AGES, Ageing, ageing
from tests.core.members import UNIT, MemberShop


def ageing_of(shop: MemberShop) -> Ageing:
    return ageing(shop.store, day_of(shop.books.programme, shop.now).isoformat(), shop.now)[UNIT]


def test_points_are_as_old_as_the_entry_that_put_them_on() -> None:
    shop = MemberShop()
    till, pan = shop.till(), shop.member()
    for days, amount in ((300, 1000), (100, 2000), (60, 4000), (0, 8000)):
        till.sale(pan, amount)
        shop.pass_time(days=days)
    assert ageing_of(shop) == Ageing(outstanding=150, by_age=[80, 40, 20, 0, 10])


def test_what_was_put_on_first_is_spent_first() -> None:
    shop = MemberShop()
    till, pan = shop.till(), shop.member()
    till.sale(pan, 1000)
    shop.pass_time(days=50)
    till.sale(pan, 2000)
    till.pay(pan, 30)  # 15 points of the 30
    assert ageing_of(shop) == Ageing(outstanding=15, by_age=[15, 0, 0, 0, 0])


def test_an_age_ends_with_its_last_day() -> None:
    for place, days in enumerate(AGES):
        shop = MemberShop()
        shop.till().sale(shop.member(), 1000)
        shop.pass_time(days=days + 0.9)
        assert ageing_of(shop).by_age[place] == 10
        shop.pass_time(days=0.1)
        assert ageing_of(shop).by_age[place + 1] == 10


def test_what_is_pending_owed_and_expired_is_told_apart() -> None:
    shop = MemberShop(pending_days="3", expire_days="10")
    till = shop.till()
    one, other, third = shop.member(), shop.member(), shop.member()
    till.sale(one, 1000)
    shop.pass_time(days=5)
    till.sale(other, 2000)
    assert ageing_of(shop) == Ageing(outstanding=30, pending=20, by_age=[30, 0, 0, 0, 0])
    shop.pass_time(days=6)  # the first ten have expired
    sold = till.sale(third, 400)
    shop.pass_time(days=4)
    till.pay(third, 8)
    till.give_back(third, 400, rrn=sold.rrn)
    assert ageing_of(shop) == Ageing(outstanding=20, owed=4, expired=10, by_age=[20, 0, 0, 0, 0])
    shop.prove()


def test_books_without_points_owe_nothing() -> None:
    shop = MemberShop()
    assert ageing(shop.store, "2026-01-01", shop.now) == {}
