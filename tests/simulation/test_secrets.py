"""Known secrets go by every path, accepted, refused, malformed and broken; then everything written is searched.

Written is: the log, metrics, what the store keeps, what exceptions and records say of themselves.
"""

from __future__ import annotations

import gc
import io
import logging
import traceback
from collections.abc import Iterator
from contextlib import suppress

import msgspec
import pytest
import structlog
import trio
from prometheus_client import generate_latest
from trio.testing import MockClock

from simulators.wire import Message, WireError
from specs.sensitive import PAN, Secret
from specs.transaction import Kind, MessageClass, Request
from switch.core.commands import ApplyProgramme, IssueCard, PutTerminal
from switch.core.holdings import Card
from switch.core.needs import Case
from switch.logs import configure_logs
from switch.numbers import new_number
from switch.reporting import log_group, report_bug
from switch.store.port import JournalFilter, Unavailable
from terminals.visa2_frames import write_frame
from tests.core.till import LINE, PROGRAMME
from tests.simulation.stage import Stage, message, redeem, stage
from tests.wire.visa2_tools import FS, record

PAN_DIGITS = "9900407305192648135"
PIN = "73519264"
UNKNOWN = "9900400000000777775"
OTHER = "9900218273645019"  # the other card of a transfer
PHONE = "905321934857"
TRACK_REST = "D49121015413976"  # expiry, service code and what else a track holds


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The log as operators have it; other tests find logging as it was."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    configure_logs("debug", json=True, stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def with_pin(stan: int, pan: str, terminal: int = 1, pin: str = PIN, **fields: str) -> Message:
    return redeem(stan, pan, 100, terminal, de63=tables(f"SC{pin}"), **fields)


def tables(*pieces: str) -> str:
    """DE63 as the nac dialect has private tables."""
    return "".join(bytes.fromhex(f"{len(piece):04d}").decode("latin-1") + piece for piece in pieces)


async def say_everything(on: Stage, pan: str) -> None:
    wire = on.connect()
    track2, track1 = pan + TRACK_REST, f"B{pan}^DOE/JANE^{TRACK_REST[1:]}"
    ways = [
        with_pin(1, pan),  # accepted
        with_pin(1, pan),  # the stored answer
        with_pin(2, pan, pin="00000000"),
        with_pin(3, UNKNOWN),
        message("0200", "006000", 4, 1, de35=track2, de4=f"{100:012d}"),
        message("0200", "006000", 5, 1, de45=track1, de4=f"{100:012d}"),
        message("0200", "006000", 6, 1, de2=pan, de35=UNKNOWN + TRACK_REST, de4=f"{100:012d}"),  # 30: two cards
        message("0200", "006000", 7, 1, de2=pan, de52="7351926473519264", de4=f"{100:012d}"),
        message("0200", "006000", 8, 1, de35=track2),  # 30: no amount
        with_pin(9, pan, terminal=2),  # a bug inside decide
        message("0400", "006000", 1, 1, de2=pan, de4=f"{100:012d}"),
        message("0200", "777777", 10, 1, de2=pan),
        message("0100", "316000", 11, 1, de2=pan),
        Message("0200", {**with_pin(12, pan).fields, 41: pan[:8], 42: pan[:15]}),  # ids that are a card number
        message("0220", "006000", 13, 1, de2=pan, de4=f"{100:012d}", de12="120000", de13="0310"),
        message("0200", "409090", 15, 1, de2=pan, de4=f"{9:012d}", de63=tables(f"TO{OTHER}", f"SC{PIN}")),
        message("0200", "409090", 16, 1, de2=pan, de4=f"{9:012d}", de63=tables(f"TO{OTHER}x", f"PH{PHONE}")),  # 30
        message("0200", "720090", 17, 1, de2=pan, de63=tables(f"PH{PHONE}")),
        message("0200", "720090", 18, 1, de2=OTHER, de48=tables(f"PH+{PHONE}")),  # 30
        message("0400", "409090", 15, 1, de2=pan, de4=f"{9:012d}", de63=tables(f"TO{OTHER}")),
        message("0800", "990000", 14, 1, de62=pan[:6], de60="000001"),
        message("0800", "990000", 19, 1, de63=tables(f"TSpaper=ok;x={pan};{track2};sw={pan}{PIN}")),
        message("0800", "990000", 21, 1, de63=tables(f"TStamper=1;{pan}")),
    ]
    for said in ways:
        assert (await wire.ask(said)).get(39), said.mti
    on.store.fail([Unavailable("the disk is full")])
    await wire.ask(with_pin(20, pan))
    await spoil(on, wire.framed(with_pin(30, pan)))
    transfer = message("0200", "409090", 31, 1, de2=pan, de4=f"{9:012d}", de63=tables(f"TO{OTHER}", f"PH{PHONE}"))
    await spoil(on, wire.framed(transfer))


async def spoil(on: Stage, frame: bytes) -> None:
    """The frame out of step by each byte, and cut short at each: whatever that makes of its fields."""
    for place in range(7, len(frame)):
        for spoiled in (frame[2:place] + frame[place + 1 :], frame[2:place] + b"\x99" + frame[place:], frame[2:place]):
            wire = on.connect()
            await wire.stream.send_all(len(spoiled).to_bytes(2, "big") + spoiled)
            with trio.move_on_after(0.01):
                with suppress(WireError):
                    await wire.receive()
            await wire.close()


async def test_no_secret_is_in_anything_written(written: io.StringIO, autojump_clock: MockClock) -> None:
    async with stage(terminals=3, log=log_group, report=report_bug) as on:
        on.command(ApplyProgramme(PROGRAMME.replace("guess_limit = 3", "guess_limit = 1000000")))
        pan = on.card(100_000, "secret", PIN, PAN_DIGITS)
        broken = next(terminal for terminal in on.store.terminals() if terminal.terminal_id == "T0000002")
        on.command(PutTerminal(msgspec.structs.replace(broken, time_zone="No/Where")))
        await say_everything(on, pan)
        assert on.balance(pan) < 100_000
        kept = [
            *on.store.rows(),
            *on.store.journal(JournalFilter(limit=10_000)),
            *on.store.cards(0, 100),
            *on.store.accounts(),
            *on.store.tallies(),
            *on.store._stones.values(),
            *on.store._batches.values(),
            *on.store._presences.values(),
        ]
        log = written.getvalue()
        texts = {
            "log": log,
            "metrics": generate_latest(on.metrics.registry).decode(),
            "store": "".join(map(repr, kept)) + "".join(repr(msgspec.json.encode(one)) for one in kept),
            "faults": "".join("".join(traceback.format_exception(fault)) for fault in on.faults),
        }
        assert "request failed inside" in log
        assert log.count('"transaction"') > 15
        assert f"{pan[:6]}*********{pan[-4:]}" in log
        for name, text in texts.items():
            for secret in (pan, pan[6:15], UNKNOWN, PIN, TRACK_REST, TRACK_REST[1:], "DOE/JANE", "7351926473519264",
                           OTHER, OTHER[6:12], PHONE):  # fmt: skip
                assert secret not in text, f"a secret is in the {name}"
                assert secret.encode().hex() not in text.lower(), f"a secret in hex is in the {name}"
        for card in on.store.cards(0, 100):
            assert pan.encode() not in card.sealed_pan


async def test_no_secret_of_a_visa2_record_is_in_anything_written(
    written: io.StringIO, autojump_clock: MockClock
) -> None:
    """The record out of step by each byte, and cut short at each; its frame is whole."""
    async with stage(dialect="visa2", log=log_group, report=report_bug) as on:
        on.command(ApplyProgramme(PROGRAMME.replace("guess_limit = 3", "guess_limit = 1000000")))
        pan = on.card(100_000, "secret", PIN, PAN_DIGITS)
        for source, customer in (("D", pan + TRACK_REST), ("H", f"B{pan}^DOE/JANE^{TRACK_REST[1:]}"), ("A", pan)):
            said = record(f"902{PIN}{FS}", f7="0001", f10="949", f20=source, f21=customer, f24="100", f17="0001")
            spoiled = [said, *(said[:place] for place in range(60, len(said)))]
            spoiled += [said[:place] + said[place + 1 :] for place in range(len(said))]
            spoiled += [said[:place] + b"9" + said[place:] for place in range(len(said))]
            wire = on.connect().stream
            for place, one in enumerate(spoiled):
                await wire.send_all(write_frame(b"D4." + one[3:] if len(one) > 3 else one))
                if place % 3 == 0:  # a session ends with its fourth bad frame
                    await trio.sleep(0.01)
                    await wire.aclose()
                    wire = on.connect().stream
            await trio.sleep(1)
        assert on.balance(pan) < 100_000
        log = written.getvalue()
        assert log.count('"transaction"') > 500
        kept = "".join(map(repr, (*on.store.rows(), *on.store._stones.values(), *on.store.tallies())))
        faults = "".join("".join(traceback.format_exception(fault)) for fault in on.faults)
        for text in (log, kept, faults, generate_latest(on.metrics.registry).decode()):
            for secret in (pan, pan[6:15], PIN, TRACK_REST[1:], "DOE/JANE"):
                assert secret not in text


async def test_what_is_in_memory_says_nothing_of_itself(autojump_clock: MockClock) -> None:
    """The repr of every request, case and card there is: what a debugger's log, an assertion or pytest would print."""
    async with stage() as on:
        pan = on.card(100_000, "secret", PIN, PAN_DIGITS)
        wire = on.connect()
        await wire.ask(with_pin(1, pan))
        await wire.ask(with_pin(2, pan, pin="00000000"))
        said = [repr(one) for one in gc.get_objects() if isinstance(one, (PAN, Secret, Case, Card))]
        case = Case(_request(pan), "main", on.vault.card_hash(PAN(pan)).hex())
        command = IssueCard(new_number(on.vault, PAN(pan), Secret(PIN)), "secret")
        for text in (*said, repr(case), repr(command), str(case.request.card), f"{case.request.pin}"):
            assert pan not in text
            assert PIN not in text


def _request(pan: str) -> Request:
    return Request(MessageClass.REQUEST, Kind.GIFT_REDEEM, LINE, card=PAN(pan), pin=Secret(PIN))
