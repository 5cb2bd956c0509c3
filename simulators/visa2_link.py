"""A terminal's side of a VISA-2 line: wait for ENQ, send a frame, take the response, say that it was understood."""

import ssl
from collections.abc import Sequence
from contextlib import suppress

import trio

from simulators.demo import DemoTerminal
from simulators.journal import Item
from simulators.line import BatchLine, LineDown
from simulators.visa2_batch import batch_records, settlement_answer
from simulators.visa2_manner import INTERLEAVED, ONE, ONE_BATCH, SEVERAL, Damage, Manner
from simulators.visa2_response import Response, answer_message, confirmation_record, decode_response, is_response_to
from simulators.visa2_wire import (
    ACK,
    BEL,
    DLE,
    ENQ,
    EOT,
    ETB,
    ETX,
    NAK,
    STX,
    even_parity,
    frame,
    frame_name,
    request_record,
    spoil,
    unframe,
)
from simulators.wire import Message, WireError

_APPROVED = ("00", "10")
_SENDINGS_MAX = 3  # of one frame, before the line is given up
_LAST_SECONDS = 2.0  # for EOT, after which the terminal hangs up by itself


class Visa2Line(BatchLine):
    """One connection. How long it lives depends on the application type: 0 and 1 end with their answer.

    `session` is what went over it for the last request: `<` what the switch said, `>` what the terminal said.
    """

    def __init__(self, stream: trio.abc.Stream, who: DemoTerminal, manner: Manner, *, persistent: bool) -> None:
        super().__init__(stream)
        self._who, self._manner = who, manner
        self._type = manner.of_requests(persistent=persistent)
        self._even = manner.parity == "even"
        self._request: Message | None = None
        self._frame = b""
        self._sendings = 0
        self._polled = False
        self._has_spoken = False  # before that the switch cannot know our parity
        self._waits = False  # for an answer
        self._flows = False  # interleaved requests have begun
        self._ended = False
        self._damage: Damage = ""
        self._buffer = bytearray()

    @property
    def hung_up(self) -> bool:
        return self._ended or super().hung_up

    @property
    def takes_batches(self) -> bool:
        return not self._flows

    def damage(self, what: Damage) -> None:
        """Spoil the next request that is sent, or response or acknowledgement that comes."""
        self._damage = what

    async def send(self, request: Message) -> None:
        record = request_record(request, self._who, self._type, self._manner.record)
        self._request = request
        self._flows = self._type == INTERLEAVED
        await self._wait_for_poll()
        await self._send_new(frame(record, more=self._type == SEVERAL))

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
                    response = decode_response(unframe(self._received(found)), self._manner.record)
                except WireError:
                    await self._write(NAK)
                    continue
                if is_response_to(response, self._request, self._who):
                    await self._acknowledge(response)
                    self._waits = False
                    return answer_message(response, self._request, self._who.currency)

    async def upload(self, settlement: Message, items: Sequence[Item]) -> Message:
        """A data capture session: each record is acknowledged, the trailer gets the settlement response."""
        application_type = self._manner.of_batches
        *records, last = batch_records(settlement, items, self._who, application_type)
        await self._wait_for_poll()
        response = b""
        for record in records:
            response = response or await self._until_taken(frame(record, more=True))
        answer = await self._settled(response or await self._until_taken(frame(last)), settlement)
        await self._write(ACK)
        await self._after_answer(last=application_type == ONE_BATCH)
        self._waits = False
        return answer

    async def aclose(self) -> None:
        """DLE EOT, where the switch waits for more; it need not arrive."""
        if self._has_spoken and not (self._waits or self._ended):
            with trio.move_on_after(_LAST_SECONDS), suppress(LineDown):
                await self._write(DLE + EOT)
        await super().aclose()

    # --- the session ---

    async def _wait_for_poll(self) -> None:
        self.session, self._waits = [], True
        while not self._polled:
            self._polled = await self._next() == ENQ

    async def _until_taken(self, data: bytes) -> bytes:
        """Nothing where the record was acknowledged; else the settlement response."""
        await self._send_new(data)
        while True:
            found = await self._next()
            if found == BEL and self._damage == "acknowledgement":
                self._damage = ""
                await self._send_frame()  # as if it had not come
            elif found in (ACK, BEL):
                return b""
            elif found == NAK:
                await self._send_frame()
            elif found == EOT:
                raise LineDown("the switch ended the session")
            elif found[:1] == STX:
                return found

    async def _settled(self, found: bytes, settlement: Message) -> Message:
        while True:
            try:
                return settlement_answer(unframe(self._received(found)), settlement)
            except WireError:
                await self._write(NAK)
            while (found := await self._next())[:1] != STX:
                if found == EOT:
                    raise LineDown("the switch ended the session")

    async def _acknowledge(self, response: Response) -> None:
        """By a confirmation, where one is wanted; that it has arrived must be known."""
        if response.letter == "U" and response.code in _APPROVED:
            self._damage = "request" if self._damage == "confirmation" else ""
            await self._send_new(frame(confirmation_record(response, self._type)))
            while (found := await self._next()) != ACK:
                if found == EOT:
                    raise LineDown("the switch did not take the confirmation")
                if found == NAK:
                    await self._send_frame()
        elif self._type != INTERLEAVED:
            await self._write(ACK)
        if self._type != INTERLEAVED:
            await self._after_answer(last=self._type == ONE)

    async def _after_answer(self, *, last: bool) -> None:
        """The switch polls again, or it ends the session: then it may hang up before its EOT was read."""
        self._polled = False
        if not last:
            return
        with trio.move_on_after(_LAST_SECONDS), suppress(LineDown):
            while await self._next() != EOT:
                pass
        self._ended = True

    # --- frames and characters ---

    async def _send_new(self, data: bytes) -> None:
        self._frame, self._sendings = data, 0
        await self._send_frame()

    async def _send_frame(self) -> None:
        if self._sendings == _SENDINGS_MAX:
            await self._write(EOT)
            raise LineDown("the switch did not understand the request")
        self._sendings += 1
        self._has_spoken = True
        spoilt = self._damage == "request"
        self._damage = "" if spoilt else self._damage
        await self._write(spoil(self._frame) if spoilt else self._frame)

    def _received(self, found: bytes) -> bytes:
        spoilt = self._damage == "response"
        self._damage = "" if spoilt else self._damage
        return spoil(found) if spoilt else found

    async def _next(self) -> bytes:
        """The next control character, or a whole frame, in seven bits."""
        while True:
            found = self._take()
            if found:
                self.session.append("<" + frame_name(found))
                return found
            data = await self._read()
            plain = bytes(byte & 0x7F for byte in data)
            if data != (even_parity(plain) if self._even and self._has_spoken else plain):
                raise LineDown("the switch sent characters of another parity than ours")
            self._buffer += plain

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
        parts = [data] if data[:1] == STX else [bytes([code]) for code in data]
        self.session += [">" + frame_name(part) for part in parts]
        try:
            await self._stream.send_all(even_parity(data) if self._even else data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError):
            raise LineDown("the connection broke while sending") from None
