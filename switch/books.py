"""The synchronous half of the journey: load, decide, check, apply, commit. One owner, one thread at a time.

`run_group` is one synchronous function; where it runs is the service's affair (DESIGN, boundary 3).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import Reply
from switch.core.commands import Command, command_needs, decide_command
from switch.core.decide import decide
from switch.core.deciding import bare_reply
from switch.core.decision import BatchEvent, Changes, Decision, Heard
from switch.core.deliveries import Delivery
from switch.core.needs import Case, Needs, needs
from switch.core.presence import TerminalEvent
from switch.core.programme import Programme, parse_programme
from switch.core.workset import Workset
from switch.past_programmes import PastProgrammes
from switch.seals import mark, seal_of
from switch.store.port import Conflict, Store, Unavailable

CONFLICTS_MAX = 20  # in a row for one group: two daemons collide on a card now and then, not for ever

Item = Case | Command
Outbox = Callable[[TerminalEvent, str], Sequence[Delivery]]
Report = Callable[[Exception], None]


class Books:
    """What one daemon holds of the books: its store, its chain of seals, its leased numbers, the programme in force.

    Args:
        daemon: Names the chain of seals. Daemons on the same books have each their own; two of one name get in each
            other's way with every group, but not the books.
        outbox: What is to be delivered of an event, which gets this id.
        report: Told of every bug that one request ran into; the others of its group go on.
    """

    def __init__(
        self,
        store: Store,
        seal_key: bytes,
        daemon: str = "main",
        report: Report = lambda bug: None,
        outbox: Outbox = lambda event, name: (),
    ) -> None:
        self.store = store
        self.programme = _read_programme(store)
        self._past = PastProgrammes(store)
        self.seal = store.last_seal(daemon)
        self.commit_seconds = 0.0  # of the last group
        self.events: list[BatchEvent] = []  # of the last group
        self.heard: list[Heard | None] = []  # of the last group, in its order
        self.terminal_events: list[TerminalEvent] = []  # of the last group
        self.changes = Changes()  # of the last group
        self.conflicts = 0  # of the last group: how often it was decided again
        self._seal_key, self._daemon, self._report, self._outbox = seal_key, daemon, report, outbox
        self._numbers: Iterator[int] = iter(())
        self._left = 0

    def run_group(self, group: Sequence[Item], now: int) -> list[Reply]:
        """Decide and commit `group`; the answers in its order. Nothing is answered that is not on disk.

        Args:
            group: At most one message of a terminal.
            now: Microseconds since 1970; each request of the group is decided one microsecond after the one before.

        Raises:
            Unavailable: nothing was written; try again later. Lost: nobody knows; end the process.
        """
        for self.conflicts in range(CONFLICTS_MAX):
            try:
                return self._run_once(group, now)
            except Conflict:
                self.store.rollback()
                self.seal = self.store.last_seal(self._daemon)  # a daemon of the same name may have sealed meanwhile
            except BaseException:
                self.store.rollback()
                raise
        raise Unavailable("another daemon was faster every time")

    def _run_once(self, group: Sequence[Item], now: int) -> list[Reply]:
        self._lease(len(group))
        workset = self.store.load([need for item in group for need in _needs_of(item)], now)
        if workset.programme_version != self.programme.version:
            self.programme = _read_programme(self.store)
        self._past.refresh(self.programme, now)
        decided: set[int] = set()
        replies = [self._decide(item, workset, now + place, decided) for place, item in enumerate(group)]
        self._commit(workset.changes, now)
        self.events, self.terminal_events = workset.events, workset.terminal_events
        self.heard, self.changes = workset.heard, workset.changes
        return replies

    def _decide(self, item: Item, workset: Workset, now: int, decided: set[int]) -> Reply:
        """One request: its decision is checked whole before anything changes, and a bug discards it alone.

        Args:
            decided: Terminals of this group. One that is known by ids and by a number, and speaks at once as both, can
                get into a group twice; what came second is not decided.
        """
        number = next(self._numbers)
        self._left -= 1
        try:
            decision: Decision
            if isinstance(item, Case):
                view = workset.view(item)
                if view.terminal and view.terminal.id in decided:
                    return bare_reply(Outcome.INTERNAL, now, self.programme.time_zone)
                decided |= {view.terminal.id} if view.terminal else set()
                rules = self._past.rules_for(item, view, self.programme, now)
                decision = decide(item, view, rules, now, number)
            else:
                decision = decide_command(item, workset, self.programme, now, number)
            workset.check(decision)
        except Exception as bug:
            self._report(bug)
            workset.heard.append(None)
            return bare_reply(Outcome.INTERNAL, now, self.programme.time_zone)
        workset.apply(decision)
        workset.heard.append(decision.heard)
        for place, event in enumerate(decision.terminal_events):
            workset.changes.deliveries.extend(self._outbox(event, f"{number}.{place}"))
        return decision.reply

    def _commit(self, changes: Changes, now: int) -> None:
        if not changes:
            self.store.rollback()
            return
        seal = None
        if changes.rows:
            number = self.seal.number + 1 if self.seal else 1
            changes.rows = mark(changes.rows, self._daemon, number)
            seal = seal_of(changes.rows, self.seal, self._daemon, now, self._seal_key)
        began = time.perf_counter()
        self.store.commit(changes, seal)
        self.commit_seconds = time.perf_counter() - began
        self.seal = seal or self.seal
        for text in changes.programmes:
            self.programme = parse_programme(text.text, text.version)

    def _lease(self, count: int) -> None:
        if self._left < count:
            block = self.store.numbers(max(count, limits.NUMBERS_BLOCK))
            self._numbers, self._left = iter(block), len(block)


def _needs_of(item: Item) -> list[Needs]:
    return [needs(item)] if isinstance(item, Case) else command_needs(item)


def _read_programme(store: Store) -> Programme:
    newest = store.programme()
    return parse_programme(newest.text, newest.version) if newest else parse_programme("", 0)


def encode_commands(commands: Sequence[Command]) -> bytes:
    return msgspec.json.encode(commands)


def decode_commands(data: bytes) -> list[Command]:
    """
    Raises:
        msgspec.ValidationError: it is not a list of commands.
    """
    return msgspec.json.decode(data, type=list[Command])
