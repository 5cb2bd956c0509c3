"""The daily run that books out what has expired: when it runs, what it takes, and what it leaves for a reversal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import trio
from trio.testing import MockClock

from specs import limits
from specs.sensitive import PAN
from specs.transaction import Kind
from switch.core.clock import HOUR, SECOND, local_time
from switch.core.holdings import AccountKind
from switch.expiry import LOOK_SECONDS, NEVER, ExpiredLots, Expiry, last_time
from switch.metrics import Metrics
from switch.service import Service
from switch.store.memory import MemoryStore
from switch.store.port import Unavailable
from switch.vault import Vault
from tests.core.members import MemberShop, PointsTill

DAY_SECONDS, HOUR_SECONDS = 86_400.0, 3_600.0


def shop_of(count: int = 1) -> tuple[MemberShop, PointsTill, list[PAN]]:
    """Members with 10 points each, earned at noon, whose last day is the same day."""
    shop = MemberShop(expire_days="0")
    till = shop.till()
    members = [shop.member() for _ in range(count)]
    for pan in members:
        till.sale(pan, 1000)
    return shop, till, members


@asynccontextmanager
async def running(shop: MemberShop, at: str = "0415") -> AsyncIterator[Expiry]:
    """The service and the daily run, as in a daemon that starts at `shop.now`."""
    began = shop.now - round(trio.current_time() * SECOND)

    def clock() -> int:
        shop.now = began + round(trio.current_time() * SECOND)
        return shop.now

    service = Service(shop.books, Vault.ephemeral(), Metrics(["test"]), threaded=False, clock=clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.run)
        expiry = Expiry(service, lambda: at, clock)
        nursery.start_soon(expiry.run)
        yield expiry
        nursery.cancel_scope.cancel()


def expired(shop: MemberShop) -> int:
    return shop.system(AccountKind.BREAKAGE)


async def test_points_are_booked_out_at_the_time_of_day_once_no_reversal_can_need_them(
    autojump_clock: MockClock,
) -> None:
    shop, _, (pan,) = shop_of()
    async with running(shop):
        await trio.sleep(HOUR_SECONDS * limits.REPLAY_HOURS - LOOK_SECONDS)  # three nights
        assert (expired(shop), shop.points(pan)) == (0, 10)
        await trio.sleep(DAY_SECONDS)
    assert (expired(shop), shop.points(pan)) == (10, 0)
    row = shop.newest
    assert (row.kind, row.reason, row.amount) == (Kind.OPERATOR, "expired", 10)
    assert 0 <= (local_time(row.decided_at, "UTC") - datetime(2026, 3, 14, 4, 15)).total_seconds() <= LOOK_SECONDS
    shop.prove()


async def test_what_a_till_moves_while_its_points_expire_can_still_be_reversed(autojump_clock: MockClock) -> None:
    """Paid with on the last day, reversed at the end of the hours in which a reversal may come."""
    shop, till, (pan,) = shop_of()
    till.pay(pan, 14)
    async with running(shop):
        await trio.sleep(HOUR_SECONDS * limits.REPLAY_HOURS - 2 * LOOK_SECONDS)
        till.reverse()
        assert (expired(shop), shop.points(pan)) == (0, 10)  # back in the lot they came from, and so expired
        await trio.sleep(4 * DAY_SECONDS)
    assert (expired(shop), shop.points(pan)) == (10, 0)
    shop.prove()


async def test_many_members_are_worked_off_in_slices_and_each_once(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "EXPIRY_SLICE", 3)
    shop, _, members = shop_of(8)
    shop.pass_time(days=4)
    async with running(shop):
        await trio.sleep(2 * DAY_SECONDS)
    assert [shop.points(pan) for pan in members] == [0] * 8
    assert expired(shop) == 80
    assert sum(row.reason == "expired" for row in shop.rows()) == 8


async def test_never_means_never(autojump_clock: MockClock) -> None:
    shop, _, _ = shop_of()
    async with running(shop, NEVER):
        await trio.sleep(10 * DAY_SECONDS)
    assert expired(shop) == 0


async def test_a_run_that_finds_no_store_is_made_up_at_the_next_look(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _, _ = shop_of()
    shop.pass_time(days=4)
    looks = []

    def fail_once(self: MemoryStore, *asked: object) -> object:
        looks.append(trio.current_time())
        if len(looks) == 1:
            raise Unavailable("the disk is full")
        return found(self, *asked)  # type: ignore[arg-type]  # what it was asked

    found = MemoryStore.expired_lots
    monkeypatch.setattr(MemoryStore, "expired_lots", fail_once)
    async with running(shop):
        await trio.sleep(DAY_SECONDS)
    assert expired(shop) == 10
    assert looks[1] - looks[0] == LOOK_SECONDS
    assert len(looks) == 3


def test_a_lot_that_moved_since_it_was_looked_at_is_left_for_another_time() -> None:
    shop, _, (pan,) = shop_of()
    till = shop.till("T2")
    till.pay(pan, 14)
    shop.pass_time(days=4)
    commands = ExpiredLots(shop.books.programme, shop.now).next_slice(shop.store)
    assert commands
    till.reverse()
    shop.command(*commands)
    assert (expired(shop), shop.points(pan)) == (0, 10)


# fmt: off
TIMES = [
    # zone,            now (there),       at,     last time (there)
    ("UTC",             "2026-03-10 12:00", "0415", "2026-03-10 04:15"),
    ("UTC",             "2026-03-10 04:15", "0415", "2026-03-10 04:15"),
    ("UTC",             "2026-03-10 04:14", "0415", "2026-03-09 04:15"),
    ("UTC",             "2026-01-01 00:00", "2359", "2025-12-31 23:59"),
    ("Europe/Istanbul", "2026-03-10 00:30", "0015", "2026-03-10 00:15"),
    ("Europe/Berlin",   "2026-03-29 12:00", "0415", "2026-03-29 04:15"),  # the night the clocks go forward
    ("Europe/Berlin",   "2026-10-25 03:00", "0415", "2026-10-24 04:15"),  # and back
]
# fmt: on


@pytest.mark.parametrize(("zone", "now", "at", "last"), TIMES)
def test_the_time_of_day_is_that_of_the_programme(zone: str, now: str, at: str, last: str) -> None:
    def there(text: str) -> int:
        return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND

    assert last_time(at, there(now), zone) == there(last)
    assert last_time(at, there(last) + HOUR, zone) == there(last)
