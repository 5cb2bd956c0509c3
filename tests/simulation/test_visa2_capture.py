"""Data capture over the real server: a batch is captured once, whatever happens to its session."""

import msgspec
import pytest
import trio

from specs.dialects import VISA2
from specs.transaction import Line, Reply
from switch.core import irregular
from switch.core.commands import PutMerchant
from switch.core.journal import Row
from switch.core.merchants import Batch
from terminals.visa2_capture import Capture
from terminals.visa2_frames import write_frame
from tests.simulation.stage import Stage
from tests.simulation.test_visa2 import ACK, ENQ, EOT, NAK, Terminal, redeem, visa2
from tests.wire.visa2_batches import Detail, batch, header, trailer
from tests.wire.visa2_tools import FS, response_code

BEL, DC2 = b"\x07", b"\x12"


async def sell(running: Stage, pan: str) -> list[Detail]:
    """Three transactions over one interleaved line, as a terminal keeps them."""
    line = Terminal(running)
    await line.hear()
    kept = []
    for sequence, (code, amount) in enumerate((("G4", 1000), ("GG", 500), ("G6", 2000)), 1):
        await line.send(write_frame(redeem(pan, sequence, amount, f2="4", f18=code)))
        answer = await line.hear_frame()
        assert response_code(answer) == "00"
        kept.append(Detail(code, pan, sequence, answer[20:26].decode(), amount))
    await line.send(EOT)
    await line.hear_all()
    return kept


async def upload(line: Terminal, records: list[bytes], by_bytes: bool = False) -> bytes:
    """A whole session; the settlement response."""
    assert await line.hear() == ENQ
    for place, record in enumerate(records[:-1]):
        await line.send(write_frame(record, 0x17), by_bytes)
        assert await line.hear() == (BEL if place % 2 else ACK)
    await line.send(write_frame(records[-1]), by_bytes)
    assert await line.hear() == DC2
    return await finish(line)


async def finish(line: Terminal) -> bytes:
    response = (await line.hear_frame())[1:-2]
    await line.send(ACK)
    assert await line.hear_all() == EOT
    return response


def code_of(response: bytes) -> str:
    return response[34:36].decode()


def uploads(running: Stage) -> list[Row]:
    return [row for row in running.store.rows() if row.message_class.value == "upload"]


def batches(running: Stage) -> list[Batch]:
    return running.store.batches(running.store.terminals()[0].id)


@pytest.mark.parametrize("by_bytes", [False, True], ids=["whole", "by bytes"])
@pytest.mark.parametrize("even", [False, True], ids=["no parity", "even parity"])
async def test_a_batch_is_captured_once(autojump_clock: trio.abc.Clock, even: bool, by_bytes: bool) -> None:
    async with visa2() as (running, pan):
        kept = await sell(running, pan)
        records = batch(kept)
        assert await upload(Terminal(running, even), records, by_bytes) == (
            f"K1.ZR@@@@000000006{1500:016d}GB00017 ACCEPTED{'':16}".encode()
        )
        (closed,) = batches(running)
        assert (closed.number, closed.reason, closed.captured) == (17, "after upload", "1122")
        assert [(row.reason, row.matched > 0) for row in uploads(running)] == [(irregular.EQUAL, True)] * 3
        assert running.balance(pan) == 20_500
        for again, reported in ((records, 0), (batch(kept[:2]), 1), (batch([*kept[1:], kept[0]]), 1)):
            assert (await upload(Terminal(running, even), again))[34:45] == b"QD000171122"
            odd = [what for row in running.store.rows() for what in irregular.irregular(row, row.merchant)]
            assert odd == ["captured_again_with_other_totals"] * reported
        assert (len(uploads(running)), running.balance(pan)) == (3, 20_500)
        running.prove()


async def test_what_the_books_do_not_know_is_booked_unless_it_loads(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        kept = await sell(running, pan)
        offline = [Detail("G4", pan, 51, "OFFLIN", 300), Detail("G6", pan, 52, "OFFLIN", 900)]
        other = kept[0]._replace(amount=1100)
        assert code_of(await upload(Terminal(running), batch([other, *kept[1:], *offline]))) == "GB"
        assert running.balance(pan) == 20_500 - 300
        assert sorted(row.reason for row in uploads(running) if not row.matched) == [
            irregular.NOT_BOOKED, irregular.WITHOUT_AUTHORISATION,
        ]  # fmt: skip
        assert irregular.DIFFERENT in {row.reason for row in uploads(running)}


async def test_a_batch_closed_by_totals_is_captured_afterwards(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        kept = await sell(running, pan)
        line = Terminal(running)
        await line.hear()
        claimed = f"901017{FS}000002{FS}{1500:012d}{FS}000001{FS}{2000:012d}{FS}"
        settle = redeem(pan, 9, 0, f18="X2").replace(f"200{FS}{FS}".encode(), claimed.encode())
        await line.send(write_frame(settle))
        assert response_code(await line.hear_frame()) == "00"
        await line.send(ACK)
        assert code_of(await upload(Terminal(running), batch(kept))) == "GB"
        assert code_of(await upload(Terminal(running), batch(kept))) == "QD"
        (closed,) = batches(running)
        assert (closed.reason, closed.captured) == ("settled", "1122")


def stream_of(records: list[bytes]) -> bytes:
    return b"".join([*(write_frame(one, 0x17) for one in records[:-1]), write_frame(records[-1])])


async def test_a_session_cut_at_any_byte_and_sent_again_is_captured_once(autojump_clock: trio.abc.Clock) -> None:
    """Each cut is of a batch of its own: one payment the books have not seen, which moves value if it is captured."""
    async with visa2() as (running, pan):
        whole = len(stream_of(batch([Detail("G4", pan, 1, "OFFLIN", 10)])))
        for cut in range(whole + 1):
            records = batch([Detail("G4", pan, cut + 1, "OFFLIN", 10)], cut + 1)
            line = Terminal(running)
            await line.send(stream_of(records)[:cut])
            await line.stream.aclose()
            code = code_of(await upload(Terminal(running), records))
            assert code == "GB" or (code, cut) == ("QD", whole), cut
            assert running.balance(pan) == 20_000 - 10 * (cut + 1), cut
        assert len(uploads(running)) == whole + 1 > 300
        assert [one.captured for one in batches(running)] == ["1122"] * (whole + 1)
        running.prove()


async def test_an_answer_cut_at_any_byte_is_fetched_by_sending_the_batch_again(autojump_clock: trio.abc.Clock) -> None:
    """The terminal hears so many characters of what the host says, then its line is gone."""
    async with visa2() as (running, pan):
        before = ENQ + ACK + BEL + ACK + DC2  # with the last of these the batch is whole, and being taken
        whole = len(before) + 69 + len(EOT)
        codes = []
        for heard in range(whole + 1):
            records = batch([Detail("G4", pan, heard + 1, "OFFLIN", 10)], heard + 1)
            line = Terminal(running)
            for place, record in enumerate(records[:heard]):
                await line.hear()
                await line.send(write_frame(record, 0x03 if place == 3 else 0x17))
            await line.hear(heard - len(records))
            if heard == whole - 1:
                await line.send(ACK)
            await line.stream.aclose()
            codes.append(code_of(await upload(Terminal(running), records)))
        assert codes == ["GB"] * len(before) + ["QD"] * (whole + 1 - len(before))
        assert (len(uploads(running)), running.balance(pan)) == (whole + 1, 20_000 - 10 * (whole + 1))


async def test_a_crash_between_any_two_questions_about_a_batch(autojump_clock: trio.abc.Clock) -> None:
    """May it be, its details, its end: the books answer one after another, and a crash leaves the first few."""
    async with visa2() as (running, pan):
        for asked in range(6):
            details = [Detail("G4", pan, 10 * asked + number, "OFFLIN", 10) for number in (1, 2, 3)]
            records = batch(details, asked + 1)
            half = Capture(VISA2, Line("test"))
            assert [half.take(one.decode()) for one in records] == [None] * 6
            for request in half.requests()[:asked]:
                answered: list[Reply | None] = []
                assert running.service.offer(request, answered.append, alone=True)
                await trio.testing.wait_all_tasks_blocked()
                assert [reply and reply.accepted for reply in answered] == [True]
            code = code_of(await upload(Terminal(running), records))
            assert (code, len(uploads(running))) == ("QD" if asked == 5 else "GB", 3 * (asked + 1))
            assert running.balance(pan) == 20_000 - 30 * (asked + 1)
        assert [one.captured for one in batches(running)] == ["1122"] * 6
        running.prove()


async def test_two_lines_with_the_same_batch(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        kept = await sell(running, pan)
        codes = []

        async def one() -> None:
            codes.append(code_of(await upload(Terminal(running), batch(kept))))

        half = Terminal(running)
        await half.hear()
        await half.send(write_frame(header(), 0x17))
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(one)
        assert sorted(codes) == ["GB", "QD", "QD"]
        assert len(uploads(running)) == 3


async def test_a_trailer_again_is_answered_again(autojump_clock: trio.abc.Clock) -> None:
    """The terminal has not seen the response, or not waited for it: the batch is captured, whatever it missed."""
    async with visa2() as (running, pan):
        records = batch(await sell(running, pan))
        line = Terminal(running)
        await line.send(stream_of(records))
        assert await line.hear(7) == ENQ + ACK + BEL + ACK + BEL + ACK + DC2
        response = await line.hear_frame()
        await line.send(write_frame(records[-1]))
        assert await line.hear_frame() == response
        await line.send(write_frame(redeem(pan, 77)))
        assert response_code(await line.hear_frame()) == "00"
        await line.send(write_frame(records[-1]))
        answer = (await line.hear_frame())[1:-2]
        assert code_of(answer) == "RB", "out of place: the session has gone on"
        assert len(uploads(running)) == 3


async def test_after_a_rejection_another_batch_may_come_on_the_same_line(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        kept = await sell(running, pan)
        line = Terminal(running)
        assert await line.hear() == ENQ
        await line.send(write_frame(header(0, "3"), 0x17))
        early = (await line.hear_frame())[1:-2]
        assert early[:9] + early[34:49] == b"K3.ZR@@@@RB00000E0001H17"
        await line.send(ACK)
        assert await line.hear() == ENQ
        await line.send(stream_of(batch(kept, 17, "3")))
        assert await line.hear(6) == ACK + BEL + ACK + BEL + ACK + DC2
        assert code_of((await line.hear_frame())[1:-2]) == "GB"


async def test_several_batches_on_one_line(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        kept = await sell(running, pan)
        line = Terminal(running)
        for number, details in ((17, kept), (18, [Detail("G4", pan, 90, "OFFLIN", 100)])):
            assert await line.hear() == ENQ
            for record in batch(details, number, "3")[:-1]:
                await line.send(write_frame(record, 0x17))
                await line.hear()
            await line.send(write_frame(batch(details, number, "3")[-1]))
            assert await line.hear() == DC2
            response = (await line.hear_frame())[1:-2]
            assert response[:9] + response[34:41] == f"K3.ZR@@@@GB00{number:03d}".encode()
            await line.send(ACK)
        assert await line.hear() == ENQ
        assert sorted(one.number for one in batches(running)) == [17, 18]


@pytest.mark.parametrize("counted", [False, True])
async def test_the_net_deposit_is_counted_as_the_merchant_chose(autojump_clock: trio.abc.Clock, counted: bool) -> None:
    async with visa2() as (running, pan):
        merchant = next(one for one in running.store.merchants() if one.merchant_id == "A")
        running.command(PutMerchant(msgspec.structs.replace(merchant, gift_sales_in_net=counted)))
        kept = await sell(running, pan)
        right, wrong = (f"{net:016d}" for net in ((3500, 1500) if counted else (1500, 3500)))
        said = await upload(Terminal(running), [*batch(kept)[:-1], trailer(kept, net=wrong)])
        assert said[18:].decode().rstrip() == f"{right}RB00017E0006T11{wrong}"
        assert uploads(running) == []
        said = await upload(Terminal(running), [*batch(kept)[:-1], trailer(kept, net=right)])
        assert said[18:36].decode() == f"{right}GB"


# fmt: off
REJECTED = [
    ("unknown terminal", {"terminal": "0099"}, "RB00017V0001H09888000000001"),
    ("unknown merchant", {"merchant": "888000000002"}, "RB00017V0001H09888000000002"),
    ("another batch is open", {}, "RB00017E0001H17017"),
]
# fmt: on


@pytest.mark.parametrize(("why", "changes", "said"), REJECTED)
async def test_a_batch_the_books_refuse(
    autojump_clock: trio.abc.Clock, why: str, changes: dict[str, str], said: str
) -> None:
    async with visa2() as (running, pan):
        kept = await sell(running, pan)
        if why.startswith("another"):
            line = Terminal(running)
            await line.hear()
            logon = redeem(pan, 9, 0, f18="X1").replace(f"200{FS}{FS}".encode(), f"901020{FS}".encode())
            await line.send(write_frame(logon))
            assert response_code(await line.hear_frame()) == "00"
        records = [header(17, "1", changes.pop("terminal", "0001"), **changes), *batch(kept)[1:]]
        response = await upload(Terminal(running), records)
        assert response[34:].decode().rstrip() == said
        assert uploads(running) == []


async def test_a_rejection_comes_in_the_place_of_an_acknowledgement(autojump_clock: trio.abc.Clock) -> None:
    async with visa2() as (running, pan):
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(trailer([]), 0x17))
        assert (await finish(line))[34:49] == b"RB00000S0001T05"
        line = Terminal(running)
        await line.hear()
        await line.send(write_frame(header(), 0x17) * 2)
        assert await line.hear(2) == ACK * 2, "the identical frame again gets the same character"
        await line.send(write_frame(redeem(pan, 1)))
        assert await line.hear() == NAK, "no other record in between"
