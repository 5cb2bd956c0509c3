"""A switch of one page: a dictionary of cards and just enough rules for the simulator's conversations.

It shows that terminal, stories and load tell right from wrong; whether the real switch is right is for other tests.
`fault` sees each request with its answer and may change the answer, drop it (None) or hang up ("close").
"""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec
import trio

from simulators.codecs import Dialect
from simulators.demo import Demo
from simulators.framing import FrameReader, frame, split_frame
from simulators.requests import card_number, is_points
from simulators.tables import encode_tables, find_tables, tables_element
from simulators.wire import Message, decode, encode
from tests.simulators.toy_batches import ToyBatch, ToyBatches
from tests.simulators.toy_points import PointsBook, ToyPoints

Fault = Callable[[Message, Message], Message | str | None]
TAKES = {"006000", "016000"}


class Book(msgspec.Struct):
    """One approved deed: what it did to the card, and whether it still stands."""

    request: Message
    rrn: str
    amount: int
    delta: int
    before: str
    after: str
    live: bool = True
    undoes: "Book | None" = None
    batch: ToyBatch | None = None


class ToySwitch:
    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.balances = {card.pan: card.balance for card in demo.gift_cards}
        self.states = {card.pan: card.state for card in demo.gift_cards}
        self.books: list[Book] = []
        self.loyalty = ToyPoints(demo)
        self.batches = ToyBatches(self._standing)
        self.uploaded: set[str] = set()
        self._batch: ToyBatch | None = None  # of the message being decided
        self.stored: dict[tuple[str, str], tuple[Message, Message]] = {}
        self.tombstones: set[tuple[str, str]] = set()
        self.requests: list[Message] = []
        self.fault: Fault = lambda request, answer: answer
        self.tls: ssl.SSLContext | None = None

    # --- rules ---

    def answer(self, request: Message, dialect: Dialect) -> Message:
        kept = {n: request.fields[n] for n in (3, 4, 11, 24, 41, 42, 49, 60, 62) if n in request.fields}
        mti = f"{request.mti[:2]}{int(request.mti[2]) + 1}0"
        fields = kept | {12: "101112", 13: "1122"} | self._decide(request, dialect)
        return Message(mti, fields)

    def _decide(self, request: Message, dialect: Dialect) -> dict[int, str]:
        if request.mti == "0800":
            table = encode_tables([("TP", "cur=949;exp=2")], dialect)
            extra = {"920000": {60: self.batches.log_on(request)}, "930000": {tables_element(dialect): table}}
            return {39: "00"} | extra.get(request.get(3), {})
        if request.mti.startswith("040"):
            return self._reverse(request)
        if request.mti == "0320":
            return {39: "00", 37: self._upload(request, dialect)}
        if request.mti == "0500":
            return self.batches.settle(request)
        if request.mti == "0100" and is_points(request):
            return self.loyalty.decide(request, dialect, "")
        if request.mti == "0100":
            return self._refusal(request, dialect) or {39: "00", 54: self._balance(request)}
        key = (request.get(41), request.get(11))
        if key in self.tombstones:
            return {39: "94"}
        if key in self.stored:
            first, stored = self.stored[key]
            undone = any(book.request is first and not book.live for book in self.books) or self.loyalty.undone(first)
            return {39: "94"} if undone else stored.fields
        batch = self.batches.join(request)
        if batch is None:
            return {39: "80"}
        self._batch = self.loyalty.batch = batch
        rrn = f"{len(self.requests):012d}"
        move = self.loyalty.decide if is_points(request) else self._move
        decided = {37: rrn, **move(request, dialect, rrn)}
        self.stored[key] = (request, Message("0210", decided))
        return decided

    def _refusal(self, request: Message, dialect: Dialect) -> dict[int, str] | None:
        pan, code = card_number(request), request.get(3)
        card = self.demo.card(pan)
        if card is None:
            return {39: "14"}
        pin = find_tables(request, dialect).get("SC")
        if card.pin and code in ("006000", "016000", "316000") and pin != card.pin:
            return {39: "55"}
        state = self.states[pan]
        if state == "blocked" and code not in ("746000", "736000"):
            return {39: "62"}
        if state != ("inactive" if code == "720060" else "active") and code[:2] not in ("73", "74", "02"):
            return {39: "57"}
        return None

    def _move(self, request: Message, dialect: Dialect, rrn: str) -> dict[int, str]:
        if refusal := self._refusal(request, dialect):
            return refusal
        pan, code, asked = card_number(request), request.get(3), int(request.get(4) or 0)
        state, balance, result = self.states[pan], self.balances[pan], "00"
        if code.startswith("02"):
            return self._void(request, rrn)
        if code == "200060" and request.get(37) and (refusal := self._refund_refusal(request, asked)):
            return refusal
        rate = self._rate(request)
        amount, delta = asked, asked // rate
        if code in TAKES:
            amount = min(asked, balance * rate) if code == "006000" else balance * rate
            if amount < asked and ("P" not in find_tables(request, dialect).get("CP", "") or not amount):
                return {39: "51", 54: self._balance(request)}
            result = "10" if amount < asked else "00"
            delta = -((amount + rate - 1) // rate)  # what is taken is rounded up
        if code in ("736000", "746000"):
            delta = 0
        after = {"72": "active", "01": "closed", "73": "blocked", "74": "active"}.get(code[:2], state)
        self._book(Book(request, rrn, amount, delta, state, after))
        return {4: f"{amount:012d}", 38: "123456", 39: result, 54: self._balance(request)}

    def _refund_refusal(self, request: Message, asked: int) -> dict[int, str] | None:
        original = next((book for book in self.books if book.rrn == request.get(37)), None)
        if original is None:
            return {39: "25"}
        given = sum(book.amount for book in self.books if book.live and book.request.get(37) == original.rrn)
        return {39: "13"} if given + asked > original.amount else None

    def _void(self, request: Message, rrn: str) -> dict[int, str]:
        for book in reversed(self.books):
            if book.undoes is None and request.get(37) in ("", book.rrn) and request.get(62) == book.request.get(62):
                if request.get(41) != book.request.get(41):
                    return {39: "78"}
                if not book.live:
                    return {39: "79"}
                if book.batch and book.batch.closed:
                    return {39: "78"}
                self._undo(book, request, rrn)
                return {38: "123456", 39: "00", 54: self._balance(request)}
        return {39: "78"}

    def _reverse(self, request: Message) -> dict[int, str]:
        seen = (request.get(41), request.get(11)) in self.stored
        if is_points(request) and (answer := self.loyalty.reverse(request, seen)):
            return answer
        for book in reversed(self.books):
            same = all(book.request.get(n) == request.get(n) for n in (3, 11, 41)) and book.request.mti[1] == "2"
            amounts = (book.request.get(4) or "0" * 12, f"{book.amount:012d}")
            if same and request.get(4) in amounts:
                if book.live:
                    self._undo(book, request, "")
                return {39: "00"}
        if not seen:
            self.tombstones.add((request.get(41), request.get(11)))
        return {39: "00"}

    def _upload(self, request: Message, dialect: Dialect) -> str:
        """Books what was never seen; everything else stays as it is."""
        pan = card_number(request)
        original = request.get(60)[:3] + request.get(60)[4:10] + pan
        books: list[Book | PointsBook] = [*self.books, *self.loyalty.books]
        known = [book for book in books if book.request.mti[:3] + book.request.get(11) + pan == original]
        if known or original in self.uploaded:
            return known[0].rrn if known else request.get(11).zfill(12)
        self.uploaded.add(original)
        self._batch = self.loyalty.batch = self.batches.uploads_to(request, find_tables(request, dialect).get("37", ""))
        if is_points(request):
            self.loyalty.upload(request, dialect, request.get(11).zfill(12))
            return request.get(11).zfill(12)
        amount = int(request.get(4))
        self._book(Book(request, request.get(11).zfill(12), amount, -amount, self.states[pan], self.states[pan]))
        return self.books[-1].rrn

    def _standing(self, batch: ToyBatch) -> Iterable[tuple[str, int]]:
        """What counts in a batch."""
        books: list[Book | PointsBook] = [*self.books, *self.loyalty.books]
        deeds = [book for book in books if book.batch is batch and book.live and book.undoes is None]
        return [(book.request.get(3), book.amount) for book in deeds]

    def _undo(self, book: Book, request: Message, rrn: str) -> None:
        book.live = False
        if book.undoes:
            book.undoes.live = True
        self._book(Book(request, rrn, book.amount, -book.delta, book.after, book.before, undoes=book))

    def _book(self, book: Book) -> None:
        pan = card_number(book.request)
        book.batch = self._batch
        self.books.append(book)
        self.balances[pan] += book.delta
        self.states[pan] = book.after

    def _rate(self, request: Message) -> int:
        """One unit of a foreign card is worth three of the terminal's."""
        card = self.demo.card(card_number(request))
        return 1 if card is None or card.currency == request.get(49) else 3

    def _balance(self, request: Message) -> str:
        card = self.demo.card(card_number(request))
        assert card
        balance, own = self.balances[card.pan], request.get(49)
        blocks = [(own, balance * self._rate(request))] + ([(card.currency, balance)] if card.currency != own else [])
        return "".join(f"6002{currency}C{amount:012d}" for currency, amount in blocks)

    # --- the line ---

    async def serve(self, stream: trio.abc.Stream, dialect: Dialect) -> None:
        reader = FrameReader(dialect)
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await stream.receive_some():
                reader.feed(data)
                while (payload := reader.next_payload()) is not None:
                    tpdu, body = split_frame(payload, dialect)
                    request = decode(body, dialect)
                    self.requests.append(request)
                    answer = self.fault(request, self.answer(request, dialect))
                    if answer == "close":
                        await stream.aclose()
                        return
                    if isinstance(answer, Message):
                        address = tpdu[:1] + tpdu[3:] + tpdu[1:3]
                        await stream.send_all(frame(encode(answer, dialect), dialect, address))

    async def listen(self, started: Callable[[dict[str, int]], None], port: int = 0) -> None:
        """`port` is for the nac listener; with `tls` set there is a nac-tls one too."""
        async with trio.open_nursery() as nursery:
            ports = {}
            for name in ("nac", "ascii", *(["nac-tls"] if self.tls else [])):
                listeners = await trio.open_tcp_listeners(port if name == "nac" else 0, host="127.0.0.1")
                ports[name] = listeners[0].socket.getsockname()[1]
                nursery.start_soon(trio.serve_listeners, partial(self._handle, name), listeners)
            started(ports)

    async def _handle(self, name: str, stream: trio.SocketStream) -> None:
        if not name.endswith("-tls"):
            return await self.serve(stream, "ascii" if name == "ascii" else "nac")
        assert self.tls
        secure = trio.SSLStream(stream, self.tls, server_side=True, https_compatible=True)
        with contextlib.suppress(trio.BrokenResourceError):
            await self.serve(secure, "nac")
        return None


@contextlib.contextmanager
def in_thread(switch: ToySwitch) -> Iterator[dict[str, int]]:
    """Run it beside a command that has a trio loop of its own; gives the ports."""
    ready = threading.Event()
    ports: dict[str, int] = {}
    control: list[tuple[trio.lowlevel.TrioToken, trio.CancelScope]] = []

    async def main() -> None:
        with trio.CancelScope() as scope:
            control.append((trio.lowlevel.current_trio_token(), scope))

            def started(found: dict[str, int]) -> None:
                ports.update(found)
                ready.set()

            await switch.listen(started)

    thread = threading.Thread(target=trio.run, args=(main,), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield ports
    finally:
        token, scope = control[0]
        token.run_sync_soon(scope.cancel)
        thread.join(10)
