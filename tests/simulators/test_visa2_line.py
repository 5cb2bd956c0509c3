"""A terminal's VISA-2 line against a host that does not do what it should."""

from typing import Literal

import pytest
import trio

from simulators.line import LineDown
from simulators.visa2_link import Visa2Line
from simulators.visa2_manner import Manner
from simulators.visa2_wire import ACK, BEL, DC2, ENQ, EOT, NAK, even_parity, frame
from tests.simulators.visa2_host import Act, ask, converse, redeem, upload

RESPONSE = frame(
    b"E0.N00010005500110000471111222610153000APPROVAL 004711 0632600004711 \x1c\x1c200000000004000\x1c000000006000\x1c"
)
GOOD = frame(b"K1.ZR@@@@" + b"000000004" + b"0000000000006000" + b"GB00007" + b" ACCEPTED".ljust(25))
REJECTED = frame(b"K1.ZR@@@@" + b"000000002" + b"0000000000000000" + b"RB00007" + b"E0002P09" + b"x" * 32)
SPOILT = RESPONSE[:-1] + bytes([RESPONSE[-1] ^ 1])
DEBIT = frame(b"U" + RESPONSE[2:-2] + b"99999500004711000011 1122\x1c")
BATCH = "<ENQ >KH <ACK >KP <BEL >KD <ACK >KT <DC2 <KR >ACK <EOT"
OTHER_BATCH = "<ENQ >KH <BEL >KP <ACK >KD <BEL >KT <DC2 <KR >ACK <EOT"
EVEN = Manner(parity="even")

# fmt: off
WELL: list[tuple[str, Manner, Act, list[bytes], str]] = [
    ("plain",          Manner(), ask,    [ENQ, RESPONSE, EOT],                     "<ENQ >D <E >ACK <EOT"),
    ("all at once",    Manner(), ask,    [ENQ, ACK + RESPONSE + EOT],              "<ENQ >D <ACK <E >ACK <EOT"),
    ("even parity",    EVEN,     ask,    [ENQ, even_parity(RESPONSE), b"\x84"],    "<ENQ >D <E >ACK <EOT"),
    ("twice damaged",  Manner(), ask,    [ENQ, NAK, NAK, RESPONSE, EOT],  "<ENQ >D <NAK >D <NAK >D <E >ACK <EOT"),
    ("bad response",   Manner(), ask,    [ENQ, SPOILT, RESPONSE, EOT],             "<ENQ >D <E >NAK <E >ACK <EOT"),
    ("no last word",   Manner(), ask,    [ENQ, RESPONSE],                          "<ENQ >D <E >ACK"),
    ("a batch",        Manner(), upload, [ENQ, ACK, BEL, ACK, DC2 + GOOD, EOT],    BATCH),
    ("either start",   Manner(), upload, [ENQ, BEL, ACK, BEL, DC2, GOOD, EOT],     OTHER_BATCH),
    ("rejected early", Manner(), upload, [ENQ, ACK, REJECTED, EOT],                "<ENQ >KH <ACK >KP <KR >ACK <EOT"),
]
BADLY: list[tuple[str, Manner, Act, list[bytes], str]] = [
    ("never understood",      Manner(), ask,    [ENQ, NAK, NAK, NAK, NAK],         "did not understand"),
    ("another parity",        EVEN,     ask,    [ENQ, RESPONSE],                   "another parity"),
    ("parity not asked for",  Manner(), ask,    [ENQ, even_parity(RESPONSE)],      "another parity"),
    ("ended",                 Manner(), ask,    [ENQ, EOT],                        "without an answer"),
    ("hung up",               Manner(), ask,    [ENQ],                             "closed the connection"),
    ("not confirmed",         Manner("T"), ask, [ENQ, DEBIT, EOT],               "did not take"),
    ("batch ended",           Manner(), upload, [ENQ, ACK, EOT],                   "ended the session"),
    ("batch never taken",     Manner(), upload, [ENQ, NAK, NAK, NAK, NAK],         "did not understand"),
    ("batch without answer",  Manner(), upload, [ENQ, ACK, BEL, ACK, DC2, SPOILT, EOT], "ended the session"),
]
# fmt: on


@pytest.mark.parametrize(("name", "manner", "act", "says", "session"), WELL, ids=[row[0] for row in WELL])
async def test_a_session_is_what_the_reference_draws(
    autojump_clock: trio.abc.Clock, name: str, manner: Manner, act: Act, says: list[bytes], session: str
) -> None:
    line = await converse(says, act, manner)
    assert " ".join(line.session) == session
    assert line.hung_up


@pytest.mark.parametrize(("name", "manner", "act", "says", "words"), BADLY, ids=[row[0] for row in BADLY])
async def test_a_host_that_does_not_understand_is_left(
    autojump_clock: trio.abc.Clock, name: str, manner: Manner, act: Act, says: list[bytes], words: str
) -> None:
    async def fail(line: Visa2Line) -> None:
        with pytest.raises(LineDown, match=words):
            await act(line)

    await converse(says, fail, manner)


@pytest.mark.parametrize(("type_", "parting"), [(0, ">ACK <EOT"), (2, ">ACK >DLE >EOT"), (4, "<E >DLE >EOT")])
async def test_who_leaves_a_line_that_waits_for_more_says_so(
    autojump_clock: trio.abc.Clock, type_: Literal[0, 2, 4], parting: str
) -> None:
    async def ask_and_leave(line: Visa2Line) -> None:
        await ask(line)
        await line.aclose()

    line = await converse([ENQ, RESPONSE, EOT], ask_and_leave, Manner(type=type_))
    assert " ".join(line.session).endswith(parting)


async def test_who_leaves_without_an_answer_says_nothing(autojump_clock: trio.abc.Clock) -> None:
    """As if the power had failed: the switch must not take it for a farewell."""

    async def leave(line: Visa2Line) -> None:
        await line.send(redeem())
        await line.aclose()

    assert (await converse([ENQ], leave, Manner(type=4))).session == ["<ENQ", ">D"]
