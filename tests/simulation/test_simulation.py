"""The whole switch under faults drawn from a seed, audited by a second model that is simpler than any rule.

Terminals do what terminals do: send, wait, repeat, reverse until they are told that it is undone. Lines split, delay
and end; commits fail; the queue is short; readers are slow. In the end every terminal knows what became of each of its
deeds, and what they know must be what the books say.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.wire import Message
from switch.store.port import Conflict, StoreError, Unavailable
from tests.simulation.stage import Pair, Stage, Wire, balance, message, redeem, stage

TERMINALS, DEEDS = 4, 6
CODES = {"redeem": "006000", "reload": "210060"}
VOIDS = {"redeem": "026000", "reload": "020060"}


@dataclass
class Deed:
    """What a terminal did, and what it knows of it: None, or what the card's balance changed by in the end."""

    request: Message
    pan: str
    worth: int  # of the card's balance, if it is approved
    answer: Message | None = None
    undone: bool = False
    voids: Deed | None = None

    @property
    def stands(self) -> bool:
        return self.answer is not None and self.answer.get(39) == "00" and not self.undone


@dataclass
class Model:
    """Balances from what terminals know. It has never heard of batches, groups, holders or accounts."""

    cards: dict[str, int]
    deeds: list[Deed] = field(default_factory=list)

    def final(self, pan: str) -> int:
        return self.cards[pan] + sum(deed.worth for deed in self.deeds if deed.pan == pan and deed.stands)


class Terminal:
    """One terminal that never gives up on a deed: its own lines, its own chance."""

    def __init__(self, on: Stage, number: int, model: Model, chance: random.Random) -> None:
        self.on, self.number, self.model, self.chance = on, number, model, chance
        self.stan = 0
        self.wire: Wire | None = None

    async def live(self) -> None:
        for _ in range(DEEDS):
            await trio.sleep(self.chance.choice([0, 0, 0.1, 3]))
            await self.act()
        if self.wire:
            await self.wire.close()

    async def act(self) -> None:
        mine = [deed for deed in self.model.deeds if deed.request.get(41) == f"T{self.number:07d}"]
        what = self.chance.choice(["redeem", "redeem", "reload", "void", "look", "again"])
        standing = [deed for deed in mine if deed.stands and deed.voids is None and deed.worth]
        if what == "void" and standing:
            await self.void(self.chance.choice(standing))
        elif what == "again" and mine:
            await self.say_again(self.chance.choice(mine))
        elif what == "look":
            await self.look()
        else:
            await self.move(what if what in CODES else "redeem")

    async def move(self, what: str) -> None:
        self.stan += 1
        pan, amount = self.chance.choice(list(self.model.cards)), self.chance.choice([1000, 1500, 4000])
        fields = {"de2": pan, "de4": f"{amount:012d}"}
        request = message("0200", CODES[what], self.stan, self.number, **fields)
        await self.settle(Deed(request, pan, amount if what == "reload" else -amount))

    async def void(self, deed: Deed) -> None:
        self.stan += 1
        assert deed.answer is not None
        what = "reload" if deed.worth > 0 else "redeem"
        fields = {"de2": deed.pan, "de4": deed.request.get(4), "de37": deed.answer.get(37)}
        void = Deed(message("0200", VOIDS[what], self.stan, self.number, **fields), deed.pan, 0, voids=deed)
        await self.settle(void)
        deed.undone = void.stands

    async def settle(self, deed: Deed) -> None:
        """Send it until it is answered, or take it back until that is answered."""
        self.model.deeds.append(deed)
        request, tries = deed.request, 0
        while True:
            answer = await self.exchange(request)
            if answer is not None and answer.get(39) != "96":  # busy: as if nothing had been said
                if request.mti in ("0200", "0201"):
                    self.check(deed, answer)
                    deed.answer = answer
                else:
                    assert answer.get(39) == "00", "a reversal is never refused"
                    deed.undone = True
                return
            tries += 1
            if request.mti in ("0200", "0201") and (tries > 3 or self.chance.random() < 0.4):
                request = Message("0400", {n: t for n, t in deed.request.fields.items() if n != 37 or deed.voids})
            else:
                request = Message(request.mti[:3] + "1", request.fields)

    def check(self, deed: Deed, answer: Message) -> None:
        assert answer.get(39) in ("00", "13", "51", "61"), answer.get(39)
        assert answer.get(37).strip()
        assert (answer.get(4), answer.get(11), answer.get(41)) == tuple(deed.request.get(n) for n in (4, 11, 41))
        assert (answer.get(38) != "") is (answer.get(39) == "00")
        assert {2, 14, 35, 45, 52}.isdisjoint(answer.fields)

    async def say_again(self, deed: Deed) -> None:
        """A copy that some box on the way kept: the stored answer, never an approval of what was undone since."""
        answer = await self.exchange(Message("0201", deed.request.fields))
        if answer is None or answer.get(39) == "96":
            return
        if deed.undone:
            assert answer.get(39) in ("94", "13", "51", "61"), "out of sequence, or the decline it got at the time"
        else:
            assert deed.answer is not None
            for number in (39, 37, 38, 12, 13, 54):
                assert answer.get(number) == deed.answer.get(number)

    async def look(self) -> None:
        self.stan += 1
        answer = await self.exchange(balance(self.stan, self.chance.choice(list(self.model.cards)), self.number))
        if answer is not None and answer.get(39) == "00":
            assert int(answer.get(54)[8:20]) >= 0

    # -- the line, and what happens on it -----------------------------------------------------------------------------
    async def exchange(self, request: Message) -> Message | None:
        """One request on some line; None if no answer came to it."""
        if self.wire is None or self.chance.random() < 0.1:
            await self.hang_up()
            pairs: list[Pair] = [
                trio.testing.memory_stream_pair,
                trio.testing.memory_stream_pair,
                trio.testing.lockstep_stream_pair,
            ]
            self.wire = self.on.connect(self.chance.choice(pairs))
        try:
            await self.send_in_pieces(self.wire, self.wire.framed(request))
            fate = self.chance.random()
            if fate < 0.08:
                await self.hang_up()
                return None
            if fate < 0.16:
                await trio.sleep(self.chance.choice([1, 7]))  # a slow reader; after seven seconds it may be cut off
            with trio.move_on_after(self.chance.choice([2, 25])):
                while (answer := await self.wire.receive()) is not None:
                    if self.answers(answer, request):
                        return answer
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        await self.hang_up()
        return None

    def answers(self, answer: Message, request: Message) -> bool:
        """Late answers to earlier messages may still arrive on this line."""
        assert answer.get(41) == request.get(41), "an answer for someone else"
        return (answer.mti[:2], answer.get(11)) == (request.mti[:2], request.get(11))

    async def send_in_pieces(self, wire: Wire, data: bytes) -> None:
        while data:
            cut = self.chance.choice([len(data), len(data), 1, 3, 40])
            await wire.stream.send_all(data[:cut])
            data = data[cut:]
            if data and self.chance.random() < 0.05:
                await self.hang_up()  # in the middle of a frame: no request at all
                raise trio.ClosedResourceError
            if data:
                await trio.sleep(self.chance.choice([0, 0, 0.01, 1]))

    async def hang_up(self) -> None:
        if self.wire:
            await self.wire.close()
            self.wire = None


def faults(chance: random.Random) -> list[StoreError | None]:
    kinds: list[Callable[[], StoreError | None]] = [
        lambda: None,
        lambda: None,
        lambda: None,
        lambda: Conflict("another daemon"),
        lambda: Unavailable("the disk is full"),
    ]
    return [chance.choice(kinds)() for _ in range(200)]


async def simulate(seed: int) -> None:
    chance = random.Random(seed)
    queue_max, answer_seconds = chance.choice([1, 2, 4096]), chance.choice([0.4, 20.0])
    async with stage(terminals=TERMINALS, queue_max=queue_max, answer_seconds=answer_seconds) as on:
        model = Model({on.card(held): held for held in (2000, 10_000, 50_000)})
        on.store.fail(faults(chance))
        async with trio.open_nursery() as shop:
            for number in range(1, TERMINALS + 1):
                shop.start_soon(Terminal(on, number, model, random.Random(chance.random())).live)
        on.draining.set()
        await trio.testing.wait_all_tasks_blocked()
        assert on.bugs == on.faults == []
        # A load that was spent before it was taken back leaves a card at nothing, and the rest uncovered.
        missing = {pan: on.balance(pan) - model.final(pan) for pan in model.cards}
        assert min(missing.values()) >= 0
        assert sum(missing.values()) == -on.uncovered()
        on.prove()


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_whatever_happens_on_the_lines_terminals_and_books_agree(seed: int) -> None:
    trio.run(simulate, seed, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize("fails", range(1, 9))
@pytest.mark.parametrize("kind", [Conflict, Unavailable])
async def test_for_every_commit_that_fails(
    fails: int, kind: type[StoreError], autojump_clock: trio.testing.MockClock
) -> None:
    """A sale, its repeat, its void, the void's reversal: with the n-th commit failing, the same answers."""
    async with stage() as on:
        pan = on.card(1000)
        on.store.fail([None] * (fails - 1) + [kind("now")])
        wire = on.connect()
        sale = await wire.ask(redeem(1, pan, 100))
        assert (await wire.ask(redeem(1, pan, 100, mti="0201"))).fields == sale.fields
        named = {"de2": pan, "de4": f"{100:012d}", "de37": sale.get(37)}
        codes = [sale.get(39)]
        codes += [(await wire.ask(message(mti, "026000", 2, 1, **named))).get(39) for mti in ("0200", "0201", "0400")]
        codes += [(await wire.ask(redeem(stan, pan, 100))).get(39) for stan in (3, 4)]
        codes += [(await wire.ask(redeem(4, pan, 100, mti="0400"))).get(39)]
        assert codes == ["00"] * 7
        assert on.balance(pan) == 800
        on.prove()
