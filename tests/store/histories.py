"""Random histories of the books, drawn from few keys so that they meet; and what a Workset says, to compare."""

import random
from typing import Any

from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass, Total
from switch.core.clock import HOUR, MINUTE
from switch.core.decision import Changes
from switch.core.holdings import Account, AccountKind, Notice, system_account
from switch.core.journal import Entry, ProgrammeText, Row, Seal, Tally
from switch.core.merchants import NO_TOTALS, Settlement
from switch.core.needs import Needs
from switch.core.presence import Presence
from switch.core.workset import Workset
from tests.store.make import NOW, account, batch, card, changes, desk, entry, merchant, row, seal, terminal, tombstone

APPLICATIONS = ("main", "loyalty")
MERCHANTS = ("M1", "M2", "M3")
CLASSES = (MessageClass.REQUEST, MessageClass.ADVICE, MessageClass.REVERSAL, MessageClass.UPLOAD)
RECEIPTS = ("000001", "000002")
EVENTS = ("birthday-1", "birthday-2")
RANGES = ("99001012", "99001099")


class History:
    """Groups as a daemon might write them, one after another; keeps what later ones have to refer to."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self._next = 100
        self._rows: list[Row] = []
        self._batches: list[int] = [0]
        self._accounts: dict[int, tuple[int, int]] = {}
        self._versions = self._seals = self._settled = 0
        self._events: set[str | None] = set()
        self.now = NOW

    def first(self) -> Changes:
        """Two merchants of three; a terminal id that two of them use."""
        return changes(
            merchant(1, "M1"), merchant(2, "M2"),
            terminal(10, 1, "M1"), terminal(11, 1, "M1", terminal_id="T0000002"), terminal(12, 2, "M2"),
            *(card(number, number // 2 * 2) for number in (20, 21, 22, 24)), account(20), account(22), account(24),
        )  # fmt: skip

    def group(self) -> tuple[Changes, Seal | None]:
        records = [self._record() for _ in range(self.chance.randint(1, 8))]
        self.now += 1000
        found = changes(*(one for several in records for one in several))
        if found.rows:
            self._seals += 1
        return found, seal("main", self._seals) if found.rows else None

    def needs(self) -> list[Needs]:
        """Messages of different terminals."""
        return [self._need(name) for name in self.chance.sample(["T0000001", "T0000002", "T0000003", ""], 3)]

    def _need(self, terminal_id: str) -> Needs:
        chance = self.chance
        known = [one.rrn for one in self._rows]
        return Needs(
            merchant_id=chance.choice(("", *MERCHANTS)),
            terminal_id=terminal_id,
            application=chance.choice(APPLICATIONS),
            keyed=chance.choice([None, *((one, stan) for one in CLASSES for stan in (1, 2))]),
            batch=chance.choice([None, 1, 2]),
            card_hash=chance.choice(["", "hash20", "hash21", "hash22", "hash24", "unknown"]),
            card_range=chance.choice(["", *RANGES]),
            rrn=chance.choice([None, "unknown", *known]),
            search=chance.choice([None, 0, 0, 5]),
            told=chance.choice([None, *((one, stan) for one in CLASSES[:2] for stan in (1, 2))]),
            settles=chance.random() < 0.3,
            day=chance.random() < 0.3,
            presence=chance.random() < 0.5,
            other_hash=chance.choice(["", "", "hash21", "hash24", "unknown"]),
            receipt=chance.choice([None, "", *RECEIPTS]),
            holder=chance.choice([0, 0, 20, 99]),
            event=chance.choice([None, "unknown", *EVENTS]),
        )

    def _number(self) -> int:
        self._next += self.chance.randint(1, 3)
        return self._next

    def _record(self) -> tuple[Any, ...]:
        chance, number = self.chance, self._number()
        terminal_number, application = chance.choice((10, 11, 12)), chance.choice(APPLICATIONS)
        minute = self.now // MINUTE - chance.randint(-1, 12)
        match chance.randint(0, 13):
            case 13:
                return (self._presence(terminal_number),)
            case 11:
                return self._lot(number)
            case 12:
                return (Notice(number, 20, 20, "masked", "sale", 1, self.now + chance.randint(0, 5)),)
            case 0:
                self._batches.append(number)
                one = batch(
                    number,
                    terminal=terminal_number,
                    application=application,
                    number=chance.randint(1, 2),
                    merchant=chance.choice((1, 2)),
                    closed_at=chance.choice([None, self.now]),
                    totals=chance.choice([NO_TOTALS, (Total(1, number), *NO_TOTALS[1:])]),
                    first=chance.choice([0, *self._batches]),
                )
                return one, desk(terminal_number, application, batch=number, stan_count=number)
            case 1:
                expires_at = self.now + chance.randint(-1, 1) * HOUR
                return (tombstone(number, expires_at, terminal=terminal_number, application=application),)
            case 2:
                scope = chance.choice(["t10", "t11", f"r{RANGES[0]}@1/s1", f"r{RANGES[1]}@2/s1"])
                return (Tally(scope, minute, chance.randint(1, 3)),)
            case 3:
                self._versions += 1
                return (ProgrammeText(self._versions, f"text {number}", self.now),)
            case 9:
                self._settled += 1
                return (Settlement(number, chance.choice((1, 2)), self._settled, "2026-03-10", 0, self.now),)
            case 4:
                held = chance.choice((20, 21, 22, 24))
                return (card(held, held // 2 * 2, pin_tries=number % 3),)
            case _:
                return self._row(number, terminal_number, application)

    def _presence(self, terminal_number: int) -> Presence:
        chance = self.chance
        return Presence(
            terminal_number,
            last_seen=self.now,
            offline=chance.choice([False, True]),
            status=chance.choice([(), (("paper", "ok"), ("sw", "1;0")), (("text", 'no ="quotes"'),)]),
            status_at=chance.choice([0, self.now]),
            serial=chance.choice(["", "S1"]),
            pending_since=chance.choice([0, self.now]),
            skew=chance.choice([None, -400, 0]),
            clock_off=chance.choice([False, True]),
            round_trip=chance.choice([None, 25_000]),
        )

    def _lot(self, number: int) -> tuple[Any, ...]:
        """A row of an operator or of a terminal that leaves a lot with points or without."""
        chance = self.chance
        self.now += 1
        holder = chance.choice((20, 22, 24))
        lot, points = 1000 + holder + chance.choice((0, 1)), chance.choice((0, 7))
        before, sequence = self._accounts.get(lot, (0, 0))
        self._accounts[lot] = points, sequence + 1
        event = chance.choice([event for event in EVENTS if event not in self._events] or [None])
        operator = event is not None and chance.choice((True, False))
        if operator:
            self._events.add(event)
        one = row(
            number,
            kind=Kind.OPERATOR if operator else Kind.SALE,
            event=event if operator else None,
            receipt=chance.choice([None, *RECEIPTS]),
            batch=chance.choice(self._batches),
            stan=chance.choice((1, 2)),
            decided_at=self.now,
            holder=holder,
            card_hash=f"hash{holder}",
            other_holder=chance.choice((0, 0, 20, 22)),
            entries=(Entry(lot, "1001", points - before, points, sequence + 1),),
        )
        self._rows.append(one)
        dates = {20: ("", ""), 22: ("2026-01-01", "2026-12-31"), 24: ("", "2027-01-31")}[holder]
        return one, Account(lot, AccountKind.LOT, holder, "1001", points, sequence + 1, *dates, spent=not points)

    def _row(self, number: int, terminal_number: int, application: str) -> tuple[Any, ...]:
        chance = self.chance
        self.now += 1
        holder = chance.choice((20, 22, 24))
        original = chance.choice([None, *self._rows])
        amount = chance.randint(1, 50)
        balance, sequence = self._accounts.get(holder, (0, 0))
        self._accounts[holder] = balance + amount, sequence + 1
        clearing = system_account(AccountKind.CLEARING, chance.choice((1, 2)), "949")
        one = row(
            number,
            kind=chance.choice([Kind.GIFT_RELOAD, Kind.GIFT_VOID_LOAD]),
            message_class=chance.choice(CLASSES),
            outcome=chance.choice([Outcome.APPROVED, Outcome.NOT_ENOUGH]),
            terminal=terminal_number,
            application=application,
            batch=chance.choice(self._batches),
            receipt=chance.choice([None, *RECEIPTS]),
            stan=chance.choice((1, 2)),
            decided_at=self.now,
            root=original.root if original else number,
            original=original.id if original else 0,
            card_hash=f"hash{holder}",
            holder=holder,
            entries=(entry(clearing, -amount), entry(holder, amount, balance + amount, sequence + 1)),
        )
        self._rows.append(one)
        return one, account(holder, balance + amount, sequence + 1)


def content(workset: Workset) -> dict[str, Any]:
    """Everything the rules can see of it; what is empty and what is not there are the same to them."""
    told = {name: dict(value) if isinstance(value, dict) else value for name, value in vars(workset).items()}
    for name in ("tombstones", "recent", "told", "families", "tallies", "purchases"):
        told[name] = {key: value for key, value in told[name].items() if value}
    told["tombstones"] = {key: sorted(found, key=lambda one: one.id) for key, found in told["tombstones"].items()}
    return told
