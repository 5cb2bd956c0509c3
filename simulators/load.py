"""Traffic in a closed loop that knows what every answer has to be, and asks at the end whether the cards agree.

Each connection is one terminal with cards of its own, so its view of them is exact: an amount or balance that differs
is a wrong answer. This page chooses terminals and cards and says when; what a connection does is in `load_driver.py`.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import trio

from simulators.cards import CardWish, find_cards
from simulators.demo import Demo, DemoCard, DemoError, DemoTerminal
from simulators.link import open_link
from simulators.load_driver import Driver, Traffic, V, View
from simulators.load_gift import CardView, GiftTraffic
from simulators.load_line import LoadLine, LoadOptions
from simulators.load_loyalty import LoyaltyTraffic
from simulators.load_report import LoadReport
from simulators.members import find_members, points_of

CARDS_PER_CONNECTION = 4  # several, so that messages of different cards mix; few, so that setting up is quick

INACTIVE_LEFT = 4  # so that after a load run there is still something to sell


async def run_load(demo: Demo, options: LoadOptions, watch: Callable[[LoadReport], None] | None = None) -> LoadReport:
    """Set up, drive, verify. `watch` gets the report, which grows, before the first message.

    Raises LineDown if nobody listens to begin with; once traffic runs, a line that is down is waited for.
    """
    report = LoadReport(options.listener)
    terminals = _terminals(demo, options, report)
    views = [] if options.mix == "loyalty" else _card_views(demo, terminals, report)
    members = [] if options.mix == "gift" else _member_views(demo, terminals, report)
    report.cards = len(views) + len(members)
    if watch:
        watch(report)
    await (await open_link(demo, terminals[0], options.listener, options.host)).aclose()
    drivers = []
    for number, who in enumerate(terminals):
        line, seed = LoadLine(demo, options, who, report, number), f"{options.seed}/{number}"
        traffic: list[Traffic[Any]] = []
        if views:
            share, owner = _share(views, number, len(terminals))
            traffic.append(GiftTraffic(line, share, report, seed, owner=owner))
        if members:
            cards, owner = _share(members, number, len(terminals))
            traffic.append(LoyaltyTraffic(line, cards, report, seed, points_of(demo), owner=owner))
        drivers.append(Driver(line, traffic, report, seed))
    report.started = trio.current_time()
    await _all(partial(driver.set_up, demo) for driver in drivers)
    report.begin(trio.current_time())
    await _all(partial(driver.drive, options) for driver in drivers)
    report.end(trio.current_time())
    await _all(driver.verify for driver in drivers)
    await _all(driver.hang_up for driver in drivers)
    return report


def _terminals(demo: Demo, options: LoadOptions, report: LoadReport) -> list[DemoTerminal]:
    """One terminal a connection, all in the currency of the first, so that they can use the same cards."""
    found = demo.terminals_of(options.listener)
    found = [one for one in found if one.currency == found[0].currency]
    report.connections = min(options.connections, len(found))
    if len(found) < options.connections:
        report.notes.append(
            f"{options.connections} connections were asked for, but {options.listener} has {len(found)} terminals; "
            f"each connection needs one of its own. `tillswitch init --demo --data DIR --terminals "
            f"{options.connections}` makes more."
        )
    return found[: report.connections]


def _card_views(demo: Demo, terminals: list[DemoTerminal], report: LoadReport) -> list[CardView]:
    """Active cards that any of these terminals may load and spend, then inactive ones, which are activated first."""
    wanted = len(terminals) * CARDS_PER_CONNECTION
    stores = {who.store for who in terminals}

    def fitting(wish: CardWish) -> list[DemoCard]:
        cards = find_cards(demo, wish, terminals[0])
        return [card for card in cards if stores <= set(demo.product(card).stores or stores)]

    cards = fitting(CardWish())[:wanted]
    if len(cards) < len(terminals):
        inactive = fitting(CardWish(state="inactive"))
        cards += inactive[: max(0, min(len(terminals) - len(cards), len(inactive) - INACTIVE_LEFT))]
    if not cards:
        raise DemoError(f"{demo.path} has no card that can be loaded and spent at {terminals[0].terminal_id}")
    shared = _is_shared(len(cards), terminals, report, "cards in the currency of the terminals")
    return [
        CardView(card.pan, shared=shared, state=card.state, reload_minor=demo.product(card).minimum or 1)
        for card in cards
    ]


def _member_views(demo: Demo, terminals: list[DemoTerminal], report: LoadReport) -> list[View]:
    """One card of each member: what another card of the same member does would look like a difference."""
    members = {card.member: card.pan for card in reversed(find_members(demo, CardWish(loyalty=True)))}
    pans = list(reversed(members.values()))[: len(terminals) * CARDS_PER_CONNECTION]
    if not pans:
        raise DemoError(f"{demo.path} has no active loyalty card")
    shared = _is_shared(len(pans), terminals, report, "members")
    return [View(pan, shared=shared) for pan in pans]


def _is_shared(cards: int, terminals: list[DemoTerminal], report: LoadReport, what: str) -> bool:
    if cards >= len(terminals):
        return False
    report.notes.append(
        f"{len(terminals)} connections share {cards} cards: balances are held against the answers at the end "
        f"only. More {what} make every answer checkable."
    )
    return True


def _share(views: list[V], number: int, connections: int) -> tuple[list[V], bool]:
    """The cards of one connection, and whether it is the one that looks at them first and at last."""
    if len(views) >= connections:
        return views[number::connections], True
    return [views[number % len(views)]], number < len(views)


async def _all(tasks: Iterable[Callable[[], Awaitable[None]]]) -> None:
    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(task)
