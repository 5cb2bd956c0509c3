"""VISA-2 sessions over the real server: what goes to and fro, byte for byte, however the line slices it."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from specs import limits
from specs.transaction import Line
from switch.config import LinkConfig
from switch.confirmations import Confirmations
from switch.core.journal import Pending
from terminals.visa2_frames import even_parity, write_frame
from tests.simulation.stage import Stage, stage
from tests.wire.visa2_batches import header
from tests.wire.visa2_tools import FS, record, response_code

ENQ, ACK, NAK, EOT, DLE = b"\x05", b"\x06", b"\x15", b"\x04", b"\x10"
LIRA = "949"


class Terminal:
    """The other end of a line, in seven bits; `even` on the wire if so."""

    def __init__(self, stage: Stage, even: bool = False) -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        stage.nursery.start_soon(stage._serve, ours, Line("test", clear_pin=True))
        self.stream, self.even = theirs, even

    async def send(self, data: bytes, by_bytes: bool = False) -> None:
        wire = even_parity(data) if self.even else data
        for piece in [wire[i : i + 1] for i in range(len(wire))] if by_bytes else [wire]:
            await self.stream.send_all(piece)

    async def hear(self, count: int = 1) -> bytes:
        """So many bytes, or fewer where the line ends."""
        heard = b""
        while len(heard) < count:
            try:
                data = bytes(await self.stream.receive_some(count - len(heard)))
            except trio.BrokenResourceError:
                break
            if not data:
                break
            heard += data
        return bytes(byte & 0x7F for byte in heard)

    async def hear_frame(self) -> bytes:
        heard = await self.hear(1)
        while not (len(heard) > 2 and heard[-2] == 0x03):
            more = await self.hear(1)
            assert more, heard
            heard += more
        return heard

    async def hear_all(self) -> bytes:
        return await self.hear(100_000)


def redeem(pan: str, sequence: int, amount: int = 1000, **fields: str) -> bytes:
    said = {"f10": LIRA, "f17": f"{sequence:04d}", "f21": pan, "f24": str(amount), "f7": "0001"} | fields
    return record(**said)


@asynccontextmanager
async def visa2(deciding: bool = True, **options: object) -> AsyncIterator[tuple[Stage, str]]:
    async with stage(deciding, dialect="visa2", **options) as running:
        yield running, running.card(balance=20_000)


@pytest.mark.parametrize("by_bytes", [False, True], ids=["whole", "by bytes"])
@pytest.mark.parametrize("even", [False, True], ids=["no parity", "even parity"])
async def test_a_single_authorization(autojump_clock: trio.abc.Clock, even: bool, by_bytes: bool) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running, even)
        assert await line.hear() == ENQ
        await line.send(write_frame(redeem(pan, 1)), by_bytes)
        answer = await line.hear_frame()
        assert (answer[1:17], response_code(answer)) == (b"E0.N0001000150001"[:16], "00")
        assert answer.endswith(write_frame(f"200{19_000:012d}{FS}{1000:012d}{FS}".encode())[1:-1] + answer[-1:])
        await line.send(ACK, by_bytes)
        assert await line.hear_all() == EOT
        assert running.closed("signed_off") == 1
        assert running.balance(pan) == 19_000


async def test_the_eighth_bit_is_that_of_the_terminal(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running, even=True)
        await line.hear()
        await line.send(write_frame(redeem(pan, 1)))
        heard = bytes(await line.stream.receive_some(1))
        assert heard == b"\x82"


async def test_line_errors_on_the_request_and_on_the_response(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        frame = write_frame(redeem(pan, 1))
        await line.send(frame[:30] + b"x" + frame[31:])
        assert await line.hear() == NAK
        await line.send(frame)
        answer = await line.hear_frame()
        await line.send(NAK)
        assert await line.hear_frame() == answer
        await line.send(ACK)
        assert await line.hear_all() == EOT
        assert running.balance(pan) == 19_000


@pytest.mark.parametrize("by_bytes", [False, True], ids=["all at once", "by bytes"])
async def test_several_authorizations_all_at_once(autojump_clock: trio.abc.Clock, by_bytes: bool) -> None:
    """The whole of a terminal's side of the session is on the line before anything is answered."""
    async with visa2() as (running, pan):
        line = Terminal(running)
        parts = [write_frame(redeem(pan, 1, f2="2"), 0x17) + ACK, write_frame(redeem(pan, 2, f2="2"), 0x17) + ACK]
        await line.send(b"".join(parts) + write_frame(redeem(pan, 3)) + ACK, by_bytes)
        heard = await line.hear_all()
        pieces = heard.split(ENQ)
        assert [len(piece) for piece in pieces] == [0, *[len(pieces[1])] * 2, len(pieces[1]) + 1]
        assert heard.endswith(EOT)
        assert running.balance(pan) == 17_000


async def test_interleaved_requests_need_no_acknowledgement(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        assert await line.hear() == ENQ
        await line.send(b"".join(write_frame(redeem(pan, number, f2="4")) for number in range(1, 6)))
        answers = [await line.hear_frame() for _ in range(5)]
        assert sorted(answer[14:18] for answer in answers) == [f"{number:04d}".encode() for number in range(1, 6)]
        await trio.sleep(800)
        await line.send(write_frame(redeem(pan, 6, f2="4")))
        assert response_code(await line.hear_frame()) == "00"
        await line.send(DLE + EOT)
        assert await line.hear_all() == EOT
        assert running.balance(pan) == 14_000


async def test_an_idle_interleaved_line_is_ended(autojump_clock: trio.abc.Clock) -> None:
    async with visa2(idle_seconds=50) as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(redeem(pan, 1, f2="4")))
        await line.hear_frame()
        before = trio.current_time()
        assert await line.hear_all() == EOT
        assert trio.current_time() - before == pytest.approx(50)


async def test_nobody_there_is_polled_three_times(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, _):
        line = Terminal(running)
        began = trio.current_time()
        assert await line.hear_all() == ENQ * 3 + EOT
        assert trio.current_time() - began == pytest.approx(15)


async def test_a_response_nobody_acknowledges_is_sent_three_times(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(redeem(pan, 1)))
        answer = await line.hear_frame()
        assert await line.hear_all() == answer * 2 + EOT
        assert running.balance(pan) == 19_000, "what was answered is on disk"


async def test_a_line_that_breaks_before_the_answer_books_what_was_whole(autojump_clock: trio.abc.Clock) -> None:
    async with visa2(deciding=False) as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(redeem(pan, 1)))
        await trio.testing.wait_all_tasks_blocked()
        await line.stream.aclose()
        running.decide()
        await trio.sleep(1)
        assert running.balance(pan) == 19_000
        again = Terminal(running)
        await again.hear()
        await again.send(write_frame(redeem(pan, 1)))
        assert response_code(await again.hear_frame()) == "00"
        assert running.balance(pan) == 19_000


async def test_an_answer_that_never_comes_ends_the_session(autojump_clock: trio.abc.Clock) -> None:
    async with visa2(deciding=False) as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(redeem(pan, 1)))
        began = trio.current_time()
        assert await line.hear_all() == EOT
        assert trio.current_time() - began == pytest.approx(limits.VISA2_DECIDE_SECONDS)


async def test_a_malformed_record_is_answered_and_an_unreadable_one_refused(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(b"D0.9999"))
        assert await line.hear() == NAK
        await line.send(write_frame(redeem(pan, 1, f24="x")))
        answer = await line.hear_frame()
        assert (response_code(answer), answer[38:46]) == ("06", b"ERROR 24")
        await line.send(ACK)
        assert await line.hear_all() == EOT


def debit(pan: str, sequence: int, type_: str = "0") -> bytes:
    data = redeem(pan, sequence, f1="T", f2=type_).decode().removesuffix(f"200{FS}{FS}")
    return f"{data}{FS}V{FS}{FS}0000001111110170{FS}200{FS}{FS}".encode()


def confirmation(answer: bytes, type_: str = "0") -> bytes:
    group = answer.split(b"\x1c")[2]
    return write_frame(f"V{type_}.".encode() + group[:20])


def waiting(running: Stage) -> list[Pending]:
    """Whatever its deadline."""
    return running.store.overdue(2**62, 10)


async def test_a_debit_is_confirmed(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(debit(pan, 1)))
        answer = await line.hear_frame()
        assert answer[1:2] == b"U"
        assert len(waiting(running)) == 1
        await line.send(confirmation(answer))
        assert await line.hear_all() == ACK + EOT
        assert waiting(running) == []
        await trio.sleep(100)
        assert running.balance(pan) == 19_000


@pytest.mark.parametrize("how", ["line breaks", "EOT", "silence", "another frame", "another confirmation"])
async def test_what_is_not_confirmed_is_undone(autojump_clock: trio.abc.Clock, how: str) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(debit(pan, 1)))
        answer = await line.hear_frame()
        assert running.balance(pan) == 19_000
        if how == "line breaks":
            await line.stream.aclose()
        elif how == "EOT":
            await line.send(EOT)
        elif how == "another frame":
            await line.send(write_frame(redeem(pan, 2)))
        elif how == "another confirmation":
            await line.send(confirmation(answer.replace(b"000001 ", b"000002 ")) * 4)
        if how != "line breaks":
            assert (await line.hear_all()).endswith(EOT)
        await trio.sleep(1)
        assert running.balance(pan) == 20_000
        assert waiting(running) == []
        again = Terminal(running)
        await again.hear()
        await again.send(write_frame(debit(pan, 1)))
        assert response_code(await again.hear_frame()) == "94"


async def test_after_a_crash_what_lies_on_disk_is_undone(autojump_clock: trio.abc.Clock) -> None:
    """The session is lost with its process; a look at the books after the time for confirming finds it."""
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(debit(pan, 1)))
        answer = await line.hear_frame()
        (pending,) = waiting(running)
        await Confirmations(running.service, lambda: pending.until - 1).look()
        assert running.balance(pan) == 19_000
        await Confirmations(running.service, lambda: pending.until).look()
        assert running.balance(pan) == 20_000
        assert waiting(running) == []
        await line.send(confirmation(answer))
        assert await line.hear_all() == EOT, "too late: it is not acknowledged"
        assert running.balance(pan) == 20_000


async def test_a_declined_debit_ends_with_a_plain_ack(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(debit(pan, 1).replace(b"G4", b"93", 1)))
        answer = await line.hear_frame()
        assert (answer[1:2], answer[18:20]) == (b"U", b"12")
        await line.send(ACK)
        assert await line.hear_all() == EOT


async def test_several_debits_on_one_line(autojump_clock: trio.abc.Clock) -> None:
    """Type 2, then interleaved: the confirmations may come in any order; the one that is missing is undone."""
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(debit(pan, 1, "2"), 0x17))
        answer = await line.hear_frame()
        await line.send(confirmation(answer, "2"))
        assert await line.hear(2) == ACK + ENQ
        await line.send(b"".join(write_frame(debit(pan, number, "4")) for number in (2, 3, 4)))
        answers = [await line.hear_frame() for _ in range(3)]
        for one in (answers[2], answers[0]):
            await line.send(confirmation(one, "4"))
            assert await line.hear() == ACK
        await line.send(EOT)
        assert await line.hear_all() == EOT
        await trio.sleep(1)
        assert running.balance(pan) == 17_000


async def test_who_is_not_known_is_told_so(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(redeem(pan, 1, f7="0099")))
        answer = await line.hear_frame()
        assert (response_code(answer), answer[38:54]) == ("03", b"TERM ID ERROR   ")


async def test_a_flood_is_cut_off(autojump_clock: trio.abc.Clock) -> None:
    for flood in (ENQ * 1000, b"GET / HTTP/1.0\r\n" * 100, b"\x02" + b"x" * 5000, b"\x00" * 70):
        async with visa2() as (running, _):
            line = Terminal(running)
            await line.hear()
            await line.send(flood)
            assert await line.hear_all() == EOT


async def test_draining_signs_off(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(redeem(pan, 1, f2="4")))
        await line.hear_frame()
        running.draining.set()
        assert await line.hear_all() == EOT


async def test_the_listener_chooses_its_timers(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        chosen = LinkConfig(poll_seconds=1, acknowledge=True)
        running.listener.config = type(running.listener.config)(name="test", dialect="visa2", port=0, link=chosen)
        line = Terminal(running)
        await line.hear()
        await trio.sleep(1.5)
        assert await line.hear() == ENQ
        await line.send(write_frame(redeem(pan, 1)))
        assert await line.hear() == ACK


# fmt: off
CHOICES = [
    (LinkConfig(poll_seconds=1, polls_max=5),              b"",                5,  ENQ * 5 + EOT),
    (LinkConfig(character_seconds=2, refusals_max=1),      b"\x02D0.",         17, ENQ + NAK + EOT),
    (LinkConfig(repeat_seconds=3),                         b"\x02D\x03\x00",   3,  ENQ + NAK + EOT),
    (LinkConfig(refusals_max=5),                           b"\x02D\x03\x00" * 6, 0,  ENQ + NAK * 5 + EOT),
    (LinkConfig(capture_seconds=7),                        write_frame(header(), 0x17), 7, ENQ + ACK + EOT),
]
# fmt: on


@pytest.mark.parametrize(("chosen", "said", "lasts", "heard"), CHOICES)
async def test_every_timer_and_every_count_is_the_listeners(
    autojump_clock: trio.abc.Clock, chosen: LinkConfig, said: bytes, lasts: float, heard: bytes
) -> None:
    async with visa2() as (running, _):
        running.listener.config = dataclasses.replace(running.listener.config, link=chosen)
        line = Terminal(running)
        began = trio.current_time()
        if said:
            await line.send(said)
        assert await line.hear_all() == heard
        assert trio.current_time() - began == pytest.approx(lasts)


async def test_a_response_is_sent_as_often_as_the_listener_says(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        chosen = LinkConfig(acknowledge_seconds=1, sendings_max=7)
        running.listener.config = dataclasses.replace(running.listener.config, link=chosen)
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(redeem(pan, 1)))
        answer, began = await line.hear_frame(), trio.current_time()
        assert await line.hear_all() == answer * 6 + EOT
        assert trio.current_time() - began == pytest.approx(7)


async def test_a_frame_that_trickles_is_refused_when_its_time_is_over(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, _):
        chosen = LinkConfig(character_seconds=5, frame_seconds=12, refusals_max=1)
        running.listener.config = dataclasses.replace(running.listener.config, link=chosen)
        line = Terminal(running)
        assert await line.hear() == ENQ
        began = trio.current_time()
        for character in (b"\x02", b"D", b"0"):
            await line.send(character)
            await trio.sleep(4)
        assert await line.hear() == NAK
        assert trio.current_time() - began == pytest.approx(12)


async def test_a_debit_has_as_long_as_the_listener_says(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        chosen = LinkConfig(confirm_seconds=7)
        running.listener.config = dataclasses.replace(running.listener.config, link=chosen)
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(debit(pan, 1, "4")))
        await line.hear_frame()
        running.nursery.start_soon(Confirmations(running.service, running.service.now).run)
        await trio.sleep(6.5)
        assert running.balance(pan) == 19_000
        await trio.sleep(4)  # one look later
        assert running.balance(pan) == 20_000


async def test_a_pin_comes_in_a_block_of_our_own(autojump_clock: trio.abc.Clock) -> None:
    async with stage(dialect="visa2") as running:
        pan = running.card(balance=5_000, product="secret", pin="4711")
        for pin, code in (("", "55"), (f"9024712{FS}", "55"), (f"9024711{FS}", "00")):
            line = Terminal(running)
            await line.hear()
            await line.send(
                write_frame(redeem(pan, 1 + len(pin) + int(code)).replace(f"200{FS}{FS}".encode(), pin.encode()))
            )
            assert response_code(await line.hear_frame()) == code
        assert running.bugs == running.faults == []


async def test_what_was_voided_before_it_was_confirmed_waits_no_longer(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(debit(pan, 1, "4")))
        await line.hear_frame()
        await line.send(write_frame(redeem(pan, 2, 0, f2="4", f18="GE")))
        assert response_code(await line.hear_frame()) == "00"
        (pending,) = waiting(running)
        for _ in range(2):
            await Confirmations(running.service, lambda: pending.until).look()
        assert waiting(running) == []
        assert running.balance(pan) == 20_000
        assert sum(row.reason == "already_undone" for row in running.store.rows()) == 1
