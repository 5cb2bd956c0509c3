"""What happens by the clock (`switch/schedules.py`): the host's end of day and settlements, in simulated time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec
import trio
from trio.testing import MockClock

from switch.core.commands import PutMerchant, PutTerminal
from switch.core.decision import BatchEvent
from switch.core.merchants import Batch, Closer
from switch.schedules import LOOK_SECONDS, Days
from switch.store.port import Unavailable
from tests.core.till import NOON
from tests.simulation.stage import Stage, message, redeem, stage

MINUTES, HOURS = 60.0, 3600.0


def begin(on: Stage, day_ends: str = "1600") -> Days:
    """Watch business days; merchant A's ends at `day_ends` (it is noon now)."""
    merchant = next(one for one in on.store.merchants() if one.merchant_id == "A")
    on.command(PutMerchant(msgspec.structs.replace(merchant, day_ends=day_ends)))
    days = Days(on.service, on.metrics, on.service._clock)

    def tell(events: Sequence[BatchEvent]) -> None:
        on.metrics.batches_changed(events)
        days.note(events)

    on.service._tell_batches = tell
    on.nursery.start_soon(days.run)
    return days


def batches(on: Stage) -> list[Batch]:
    return [batch for terminal in on.store.terminals() for batch in reversed(on.store.batches(terminal.id))]


def totals(*blocks: tuple[int, int]) -> str:
    return "".join(f"{count:03d}{amount:012d}" for count, amount in blocks)


async def test_the_host_settles_open_batches_when_the_day_ends_and_cuts_the_settlement(
    autojump_clock: MockClock,
) -> None:
    async with stage(terminals=3) as on:
        pan = on.card(10_000)
        begin(on)
        wires = [on.connect() for _ in range(3)]
        for terminal, wire in enumerate(wires[:2], 1):
            await wire.ask(redeem(1, pan, 100, terminal))
        await wires[2].ask(message("0800", "920000", 1, 3))
        await trio.sleep(4 * HOURS - 1 * MINUTES)
        assert [batch.closed_at for batch in batches(on)] == [None] * 3
        assert on.count("open_batches", age="8h") == 3
        await trio.sleep(2 * MINUTES)
        closed = [batch for batch in batches(on) if batch.closed_at]
        assert [(batch.closed_by, batch.reason) for batch in closed] == [(Closer.HOST, "end of day")] * 2
        assert len(batches(on)) == 5, "the empty one is left alone, the others go on"
        (settlement,) = on.store.settlements()
        assert (settlement.number, settlement.day) == (1, "2026-03-10")
        wire = on.connect()  # the others have been idle too long
        await wire.ask(redeem(2, pan, 20))
        answer = await wire.ask(message("0500", "920000", 3, de60="000001", de63=totals((2, 120))))
        assert answer.fields[39] == "00", "the terminal's batch has gone on"
        await trio.sleep(24 * HOURS)
        assert [one.number for one in on.store.settlements()] == [2, 1]
        on.prove()


async def test_a_settlement_is_cut_as_soon_as_the_last_batch_closes(autojump_clock: MockClock) -> None:
    async with stage(terminals=2) as on:
        pan = on.card(10_000)
        begin(on, "")
        await trio.sleep(1)
        wires = [on.connect() for _ in range(2)]
        for terminal, wire in enumerate(wires, 1):
            await wire.ask(redeem(1, pan, 100, terminal))
        for terminal, wire in enumerate(wires, 1):
            assert not on.store.settlements()
            await wire.ask(message("0500", "920000", 2, terminal, de60="000001", de63=totals((1, 100))))
        await trio.sleep(1)
        assert len(on.store.settlements()) == 1, "long before the next look"
        assert on.count("batch_events_total", event="settled") == 2
        assert on.count("batch_events_total", event="opened") == 2


async def test_a_store_that_is_away_is_asked_again(autojump_clock: MockClock) -> None:
    async with stage(terminals=1) as on:
        pan = on.card(10_000)
        begin(on)
        wire = on.connect()
        await wire.ask(redeem(1, pan, 100))
        await trio.sleep(4 * HOURS - LOOK_SECONDS)
        on.store.fail([Unavailable("away")] * 3)
        asked = on.store.open_batches
        tries = iter([True, False])

        def away(after: int, limit: int) -> list[object]:
            if next(tries, False):
                raise Unavailable("away")
            return list(asked(after, limit))

        on.store.open_batches = away  # type: ignore[method-assign, assignment]  # a store that fails to read once
        await trio.sleep(10 * MINUTES)
        assert [batch.reason for batch in batches(on)] == ["end of day", ""]
        assert len(on.store.settlements()) == 1


async def test_uploads_and_what_comes_late_are_counted(autojump_clock: MockClock) -> None:
    async with stage(terminals=1) as on:
        pan = on.card(10_000)
        begin(on)
        wire = on.connect()
        await wire.ask(redeem(1, pan, 100))
        await wire.ask(message("0500", "920000", 2, de60="000001", de63=totals((2, 150))))
        for stan, original, amount in ((3, 1, 100), (4, 9, 50)):
            told = f"0200{original:06d}{'':12}"
            answer = await wire.ask(message("0320", "006001", stan, de60=told, de2=pan, de4=f"{amount:012d}"))
            assert answer.fields[39] == "00"
        await wire.ask(message("0500", "960000", 5, de60="000001", de63=totals((2, 150))))
        when = dt.datetime.fromtimestamp(NOON / 1e6, dt.UTC)
        time, date = when.strftime("%H%M%S"), when.strftime("%m%d")
        await wire.ask(redeem(6, pan, 70, mti="0220", de60="000001", de12=time, de13=date))
        assert on.count("uploads_total", result="uploaded") == 1
        assert on.count("uploads_total", result="without_authorisation") == 1
        assert on.count("exceptions_total", what="without_authorisation") == 1
        assert on.count("exceptions_total", what="after_close") == 1
        assert on.count("exceptions_total", what="closed_with_other_totals") == 0
        assert on.count("batch_events_total", event="totals_differ") == 1
        assert on.count("batch_events_total", event="after_upload") == 1
        on.prove()


async def test_what_one_message_does_to_a_batch_is_told_one_by_one(autojump_clock: MockClock) -> None:
    async with stage(terminals=1) as on:
        events: list[tuple[str, int, str]] = []

        def tell(some: Sequence[BatchEvent]) -> None:
            on.metrics.batches_changed(some)
            events.extend((one.event, one.batch.number if one.batch else 0, one.detail) for one in some)

        on.service._tell_batches = tell
        pan, wire = on.card(10_000), on.connect()

        async def settle(stan: int, number: int, count: int, amount: int, code: str = "920000") -> None:
            await wire.ask(message("0500", code, stan, de60=f"{number:06d}", de63=totals((count, amount))))

        await settle(1, 7, 0, 0)
        await settle(2, 8, 1, 50)
        await wire.ask(redeem(3, pan, 20))
        await settle(4, 8, 1, 50, "960000")
        await wire.ask(redeem(5, pan, 30))
        await wire.ask(redeem(6, pan, 40, de60="000005"))
        await wire.ask(redeem(7, pan, 50, de60="000006"))
        assert events == [
            ("opened", 7, ""),
            ("settled", 7, ""),
            ("opened", 8, ""),
            ("totals differ", 8, ""),
            ("after upload", 8, ""),
            ("exception", 8, "closed_with_other_totals"),
            ("opened", 9, ""),
            ("named", 5, ""),
            ("left behind", 5, ""),
            ("opened", 6, ""),
        ]
        assert [on.count("batch_events_total", event=name) for name in ("opened", "settled", "named")] == [4, 1, 1]


async def test_a_part_is_no_new_batch_and_an_exception_may_be_in_none(autojump_clock: MockClock) -> None:
    async with stage(terminals=1) as on:
        pan, wire = on.card(10_000), on.connect()
        begin(on)
        await wire.ask(redeem(1, pan, 20, de60="000001"))
        await trio.sleep(5 * HOURS)
        assert [on.count("batch_events_total", event=name) for name in ("opened", "end_of_day")] == [1, 1]
        wire = on.connect()
        await wire.ask(message("0500", "920000", 2, de60="000001", de63=totals((1, 20))))
        terminal = on.store.terminals()[0]
        on.command(PutTerminal(msgspec.structs.replace(terminal, explicit_open=True)))
        (row,) = [row for row in on.store.rows() if row.stan == 1]
        await wire.ask(redeem(3, pan, 20, mti="0400", de37=row.rrn))
        assert on.count("exceptions_total", what="after_close") == 1
        on.prove()
