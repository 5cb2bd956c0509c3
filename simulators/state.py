"""What terminals remember between two commands: counters, the last deeds, what became of the cards.

A small JSON file beside demo.json, readable by its owner only. It holds card numbers, as demo.json does, so that a
void or a reversal can name the card of an earlier command; PINs and tracks are never written. Each change is made under
a lock and replaces the file in one step, so several `tillsim` may run at once.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from simulators.demo import Demo, DemoCard, DemoError, DemoLoyaltyCard
from simulators.wire import Message

DEEDS_KEPT = 20  # per terminal: enough to void what was done a few commands ago
COUNTER_MAX = 999_999


class Counters(msgspec.Struct, frozen=True):
    """What the terminal's memory adds to a request."""

    stan: str
    receipt: str
    batch: str | None


class Deed(msgspec.Struct, frozen=True):
    """One request as it was sent, without its secrets, and what the switch made of it."""

    kind: str
    request: Message
    code: str | None = None
    amount: str | None = None
    rrn: str | None = None

    @property
    def approved_amount(self) -> str:
        """What was moved, as far as the terminal knows: the answer's amount, else what it asked for."""
        return self.amount or self.request.get(4) or "0" * 12


class TerminalMemory(msgspec.Struct):
    stan: int = 0
    receipt: int = 0
    batch: str | None = None
    clock_seconds: int = 0
    deeds: list[Deed] = []


class CardMemory(msgspec.Struct):
    state: str
    balance: int


class Memory(msgspec.Struct):
    terminals: dict[str, TerminalMemory] = {}
    cards: dict[str, CardMemory] = {}
    loyalty: dict[str, CardMemory] = {}
    last_terminal: str | None = None

    def terminal(self, key: str) -> TerminalMemory:
        return self.terminals.setdefault(key, TerminalMemory())


class StateFile:
    """The memory on disk. `read` for a look, `change` to alter it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def beside(cls, demo: Demo) -> "StateFile":
        return cls(demo.path.with_name("tillsim-state.json"))

    def read(self) -> Memory:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Memory)
        except FileNotFoundError:
            return Memory()
        except (OSError, msgspec.DecodeError) as error:
            raise DemoError(f"{self._path} cannot be read ({error}); delete it to start counting anew") from None

    @contextmanager
    def change(self) -> Iterator[Memory]:
        with self._open_lock() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            memory = self.read()
            yield memory
            fresh = self._path.with_suffix(".new")
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.encode(memory))
            os.replace(fresh, self._path)

    def _open_lock(self) -> IO[str]:
        try:
            return open(self._path.with_suffix(".lock"), "w")
        except OSError as error:
            raise DemoError(f"{self._path} cannot be written: {error.strerror}; copy demo.json where you may") from None

    def take_stans(self, key: str, count: int) -> int:
        """Reserve `count` trace numbers and return the first; they run 1 to 999999 and wrap."""
        with self.change() as memory:
            terminal = memory.terminal(key)
            first = terminal.stan % COUNTER_MAX + 1
            terminal.stan = (terminal.stan + count - 1) % COUNTER_MAX + 1
        return first

    def next_counters(self, key: str, *, receipt: bool) -> Counters:
        """The numbers of the next message; the receipt number moves on only for a message that prints one."""
        with self.change() as memory:
            terminal = memory.terminal(key)
            terminal.stan = terminal.stan % COUNTER_MAX + 1
            if receipt:
                terminal.receipt = terminal.receipt % COUNTER_MAX + 1
            return Counters(f"{terminal.stan:06d}", f"{terminal.receipt:06d}", terminal.batch)

    def remember(self, key: str, deed: Deed) -> None:
        with self.change() as memory:
            deeds = memory.terminal(key).deeds
            if deeds and deeds[-1].request.get(11) == deed.request.get(11):
                deeds.pop()  # the same request again, now with its answer
            deeds.append(deed)
            del deeds[:-DEEDS_KEPT]
            memory.last_terminal = key

    def cards_now(self, demo: Demo) -> list[DemoCard]:
        memories = self.read().cards
        return [
            msgspec.structs.replace(card, state=now.state, balance=now.balance)
            if (now := memories.get(str(place)))
            else card
            for place, card in enumerate(demo.gift_cards)
        ]

    def remember_card(self, demo: Demo, pan: str, state: str | None, balance: int | None) -> None:
        """Cards are remembered by their place in demo.json: one number less in one file more."""
        for place, card in enumerate(demo.gift_cards):
            if card.pan == pan:
                with self.change() as memory:
                    now = memory.cards.setdefault(str(place), CardMemory(card.state, card.balance))
                    now.state = state or now.state
                    now.balance = now.balance if balance is None else balance

    def loyalty_now(self, demo: Demo) -> list[DemoLoyaltyCard]:
        memories = self.read().loyalty
        return [
            msgspec.structs.replace(card, state=now.state, points=now.balance)
            if (now := memories.get(str(place)))
            else card
            for place, card in enumerate(demo.all_loyalty_cards)
        ]

    def remember_member(self, demo: Demo, pan: str, state: str | None, points: int | None) -> None:
        """As `remember_card`, for a loyalty card."""
        for place, card in enumerate(demo.all_loyalty_cards):
            if card.pan == pan:
                with self.change() as memory:
                    now = memory.loyalty.setdefault(str(place), CardMemory(card.state, card.points))
                    now.state = state or now.state
                    now.balance = now.balance if points is None else points
