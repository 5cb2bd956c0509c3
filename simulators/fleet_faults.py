"""What flash memories and dead lines do to a journal, done on purpose, so that what must come of it is known."""

import random
from collections.abc import Sequence

import msgspec

from simulators.describe import mask_pan
from simulators.fleet_till import FleetTill
from simulators.journal import Item
from simulators.requests import KINDS, Order, build_request, card_number

FAULTS = ("forgets", "miscounts", "never tells")
MISCOUNTED_MINOR, UNTOLD_MINOR = 100, 500


class Truth(msgspec.Struct, frozen=True):
    """What the switch has in a batch, before an upload and after it; and what was done to the journal, in words."""

    before: list[Item]
    after: list[Item]
    fault: str = ""


def break_journal(till: FleetTill, fault: str | None, pans: Sequence[str], chance: random.Random) -> Truth:
    """Lose a record, write a wrong amount, or have one that was never told; nothing if there is nothing to break."""
    journal = till.journal
    true = [msgspec.structs.replace(item) for item in journal.counting]
    if fault is None or not true:
        return Truth(true, true)
    if fault == "never tells":
        order = Order(KINDS["advice-redeem"], chance.choice(pans), UNTOLD_MINOR)
        request = build_request(till.who, till.dialect, order, till.counters(), till.who.now())
        item = Item("advice-redeem", request, UNTOLD_MINOR)
        journal.items.append(item)
        truth = Truth(true, [*true, item], f"the switch was never told: {_told(item)}")
    else:
        item = chance.choice(journal.counting)
        if fault == "forgets":
            journal.items.remove(item)
            truth = Truth(true, true, f"the terminal lost a record: {_told(item)}")
        else:
            truth = Truth(true, true, f"the terminal wrote down {MISCOUNTED_MINOR} too much: {_told(item)}")
            item.amount += MISCOUNTED_MINOR
    till.save()
    return truth


def _told(item: Item) -> str:
    return f"{item.kind} of {item.amount} with {mask_pan(card_number(item.request))}"
