"""Traffic in a closed loop that knows what every answer has to be, and asks at the end whether the cards agree.

Each connection is one terminal with cards of its own, so its view of them is exact: an amount or balance that differs
is a wrong answer. This page chooses terminals and cards and says when; what a connection does is in `load_driver.py`.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import trio

from simulators.cards import CardWish, find_cards
from simulators.demo import Demo, DemoCard, DemoError, DemoTerminal
from simulators.link import open_link
from simulators.load_driver import CardView, Driver
from simulators.load_line import LoadLine, LoadOptions
from simulators.load_report import LoadReport

CARDS_PER_CONNECTION = 4  # several, so that messages of different cards mix; few, so that setting up is quick

INACTIVE_LEFT = 4  # so that after a load run there is still something to sell


async def run_load(demo: Demo, options: LoadOptions, watch: Callable[[LoadReport], None] | None = None) -> LoadReport:
    """Set up, drive, verify. `watch` gets the report, which grows, before the first message.

    Raises LineDown if nobody listens to begin with; once traffic runs, a line that is down is waited for.
    """
    report = LoadReport(options.listener)
    terminals = _terminals(demo, options, report)
    views = _views(demo, terminals, report)
    if watch:
        watch(report)
    await (await open_link(demo, terminals[0], options.listener, options.host)).aclose()
    drivers = [
        Driver(LoadLine(demo, options, who, report), share, report, seed=f"{options.seed}/{number}")
        for number, who in enumerate(terminals)
        if (share := _share(views, number, len(terminals)))
    ]
    owners = drivers[: len(views)]  # each card is first looked at, and verified, by one connection
    report.started = trio.current_time()
    await _all(partial(driver.set_up, demo) for driver in owners)
    report.begin(trio.current_time())
    await _all(partial(driver.drive, options) for driver in drivers)
    report.end(trio.current_time())
    await _all(driver.verify for driver in owners)
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


def _views(demo: Demo, terminals: list[DemoTerminal], report: LoadReport) -> list[CardView]:
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
    shared = len(cards) < len(terminals)
    if shared:
        report.notes.append(
            f"{len(terminals)} connections share {len(cards)} cards: balances are held against the answers at the end "
            "only. More cards in the currency of the terminals make every answer checkable."
        )
    report.cards = len(cards)
    return [CardView(card, demo.product(card).minimum or 1, shared=shared) for card in cards]


def _share(views: list[CardView], number: int, connections: int) -> list[CardView]:
    return views[number::connections] if len(views) >= connections else [views[number % len(views)]]


async def _all(tasks: Iterable[Callable[[], Awaitable[None]]]) -> None:
    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(task)
