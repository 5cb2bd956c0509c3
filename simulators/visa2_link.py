"""A terminal's side of a VISA-2 line: wait for ENQ, send a frame, take the response, say that it was understood."""

import ssl
from collections.abc import Sequence

import trio

from simulators.demo import DemoTerminal
from simulators.journal import Item
from simulators.line import Line, LineDown
from simulators.visa2_batch import batch_records, settlement_answer
from simulators.visa2_wire import (
    ACK,
    BEL,
    ENQ,
    EOT,
    ETB,
    ETX,
    NAK,
    STX,
    Response,
    answer_message,
    confirmation_record,
    decode_response,
    frame,
    is_response_to,
    request_record,
    unframe,
)
from simulators.wire import Message, WireError

_APPROVED = ("00", "10")
_SENDINGS_MAX = 3  # of one frame, before the line is given up


class Visa2Line(Line):
    """One connection. `interleaved` (type 4) stays up between requests; else each request has its own (type 0).

    `debit`: three messages, the request as a record T, its answer confirmed by a record V.
    """

    def __init__(self, stream: trio.abc.Stream, who: DemoTerminal, *, interleaved: bool, debit: bool = False) -> None:
        super().__init__(stream)
        self._who = who
        self._application_type = "4" if interleaved else "0"
        self._debit = debit
        self._request: Message | None = None
        self._frame = b""
        self._sendings = 0
        self._polled = False
        self._buffer = bytearray()

    async def send(self, request: Message) -> None:
        self._frame = frame(request_record(request, self._who, self._application_type, debit=self._debit))
        self._request, self._sendings = request, 0
        while not self._polled:
            self._polled = await self._next() == ENQ
        await self._send_frame()

    async def receive(self) -> Message:
        """The answer to the last request; another terminal's is passed over."""
        assert self._request is not None, "first a request, then its answer"
        while True:
            found = await self._next()
            if found == NAK:
                await self._send_frame()
            elif found == EOT:
                raise LineDown("the switch ended the session without an answer")
            elif found[:1] == STX:
                try:
                    response = decode_response(unframe(found))
                except WireError:
                    await self._write(NAK)
                    continue
                if is_response_to(response, self._request, self._who):
                    await self._acknowledge(response)
                    return answer_message(response, self._request, self._who.currency)

    async def upload(self, settlement: Message, items: Sequence[Item]) -> Message:
        """A data capture session: each record is acknowledged, the trailer gets the settlement response."""
        *records, last = batch_records(settlement, items, self._who)
        while not self._polled:
            self._polled = await self._next() == ENQ
        for record in records:
            self._frame, self._sendings = frame(record, more=True), 0
            early = await self._until_taken()
            if early:
                return await self._settled(early, settlement)
        self._frame, self._sendings = frame(last), 0
        return await self._settled(await self._until_taken(), settlement)

    async def _until_taken(self) -> bytes:
        """Nothing where the record was acknowledged; else the settlement response."""
        await self._send_frame()
        while True:
            found = await self._next()
            if found in (ACK, BEL):
                return b""
            if found == NAK:
                await self._send_frame()
            elif found == EOT:
                raise LineDown("the switch ended the session")
            elif found[:1] == STX:
                return found

    async def _settled(self, found: bytes, settlement: Message) -> Message:
        answer = settlement_answer(unframe(found), settlement)
        await self._write(ACK)
        return answer

    async def _acknowledge(self, response: Response) -> None:
        """By a confirmation, where one is wanted; that it has arrived must be known."""
        if response.letter == "U" and response.code in _APPROVED:
            self._frame, self._sendings = frame(confirmation_record(response, self._application_type)), 0
            await self._send_frame()
            while (found := await self._next()) != ACK:
                if found == EOT:
                    raise LineDown("the switch did not take the confirmation")
                if found == NAK:
                    await self._send_frame()
        elif self._application_type == "0":
            await self._write(ACK)

    async def _send_frame(self) -> None:
        if self._sendings == _SENDINGS_MAX:
            await self._write(EOT)
            raise LineDown("the switch did not understand the request")
        self._sendings += 1
        await self._write(self._frame)

    async def _next(self) -> bytes:
        """The next control character, or a whole frame."""
        while True:
            found = self._take()
            if found:
                return found
            self._buffer += await self._read()

    def _take(self) -> bytes:
        """Nothing, while a frame is not all there."""
        if self._buffer[:1] != STX:
            taken = bytes(self._buffer[:1])
            del self._buffer[:1]
            return taken
        ends = [place for place in (self._buffer.find(ETX), self._buffer.find(ETB)) if place >= 0]
        if not ends or len(self._buffer) < min(ends) + 2:
            return b""
        taken = bytes(self._buffer[: min(ends) + 2])
        del self._buffer[: len(taken)]
        return taken

    async def _write(self, data: bytes) -> None:
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError):
            raise LineDown("the connection broke while sending") from None
