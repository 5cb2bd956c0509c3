"""N terminals live a whole day, all at once; at the end their own totals against the switch's, and every card asked.

This page chooses the terminals and says when; a terminal's day is in `fleet_day.py`.
"""

import random
from collections.abc import Callable
from itertools import zip_longest

import trio

from simulators.codecs import DIALECTS
from simulators.demo import Demo, DemoTerminal
from simulators.describe import mask_pan
from simulators.fleet_cards import Cards, choose_cards
from simulators.fleet_day import Day
from simulators.fleet_faults import FAULTS
from simulators.fleet_report import FleetReport
from simulators.fleet_till import EVERY_LISTENER, FleetOptions, FleetTill
from simulators.link import open_link
from simulators.load_line import GaveUp
from simulators.state import StateFile

CARDS_PER_TERMINAL = 3


async def run_fleet(
    demo: Demo, options: FleetOptions, watch: Callable[[FleetReport], None] = lambda _: None
) -> FleetReport:
    """The day. `watch` gets the report, which grows, before the first message.

    Raises LineDown if nobody listens to begin with; once the day runs, a line that is down is waited for.
    """
    report = FleetReport(options.listener)
    terminals = _terminals(demo, options, report)
    pans, cards = choose_cards(demo, terminals, report)
    report.deeds_planned = len(terminals) * options.deeds
    watch(report)
    await (await open_link(demo, terminals[0], options.listener_of(terminals[0]), options.host)).aclose()
    days, tills = [], []
    faulty = round(options.faults * len(terminals))
    for number, who in enumerate(terminals):
        chance = random.Random(f"{options.seed}/{number}")
        tills.append(FleetTill(demo, options, who, report, chance))
        share = pans[number :: len(terminals)][:CARDS_PER_TERMINAL] or [pans[number % len(pans)]]
        fault = FAULTS[number % len(FAULTS)] if number < faulty else None
        days.append(Day(tills[-1], share, cards, options, report, chance, fault))
    started = trio.current_time()
    for part in (Day.open, Day.live):
        async with trio.open_nursery() as nursery:
            for day in days:
                nursery.start_soon(part, day)
    report.seconds = trio.current_time() - started
    await _verify(demo, days[0], cards, report)
    for till in tills:
        await till.hang_up()
    return report


def _terminals(demo: Demo, options: FleetOptions, report: FleetReport) -> list[DemoTerminal]:
    """All in the currency of the first, so that they can use the same cards; of every dialect in turn, if so wished."""
    found = _in_turn(demo) if options.listener == EVERY_LISTENER else demo.terminals_of(options.listener)
    found = [one for one in found if one.currency == found[0].currency][: options.terminals]
    report.terminals = len(found)
    if len(found) < options.terminals:
        report.notes.append(
            f"{options.terminals} terminals were asked for, but {options.listener} has {len(found)}. "
            f"`tillswitch init --demo --data DIR --terminals {options.terminals}` makes more."
        )
    return found


def _in_turn(demo: Demo) -> list[DemoTerminal]:
    each = [demo.terminals_of(name) for name in (*DIALECTS, "visa2")]
    return [one for row in zip_longest(*each) for one in row if one]


async def _verify(demo: Demo, day: Day, cards: Cards, report: FleetReport) -> None:
    """Ask what every card holds, and hold it against what the closed batches say."""
    state = StateFile.beside(demo)
    for pan, reckoned in cards.held.items():
        try:
            held = await day.ask_balance(pan)
        except GaveUp as error:
            report.unresolved.append(f"card {mask_pan(pan)} and those after it: {error}")
            return
        report.cards += 1
        state.remember_card(demo, pan, "active", held)
        if held != reckoned:
            report.card_differences.append(f"card {mask_pan(pan)}: holds {held}, the terminals reckon {reckoned}")
