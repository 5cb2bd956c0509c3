"""The batches of the toy switch: enough of the page's section 5 for conversations, in a dictionary."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from simulators.totals import COUNT_MODULUS, Total, add_up, decode_totals, encode_totals
from simulators.wire import Message


@dataclass
class ToyBatch:
    number: int
    named: bool = False
    closed: str = ""  # how: settled, uploaded, cleared
    claims: str = ""  # by which message, and its totals
    totals: list[Total] = field(default_factory=list)  # frozen at the close


class ToyBatches:
    """`live` tells processing code and approved amount of what stands of a batch."""

    def __init__(self, live: Callable[[ToyBatch], Iterable[tuple[str, int]]]) -> None:
        self._live = live
        self._open: dict[tuple[str, str], ToyBatch] = {}
        self._closed: dict[tuple[str, str], list[ToyBatch]] = {}
        self._uploading: dict[tuple[str, str], ToyBatch] = {}

    def join(self, request: Message) -> ToyBatch | None:
        """The batch of a transaction; None is code 80."""
        key, asked = _key(request), int(request.get(60) or 0)
        known = self._find_closed(key, asked)
        if known:
            return known if request.mti[:3] in ("022", "040", "032") else None
        batch = self._open.get(key)
        if batch and batch.named and asked not in (0, batch.number):
            batch = None  # left behind
        if batch is None:
            batch = self._open[key] = ToyBatch(asked or self._last(key) + 1)
        batch.number, batch.named = asked or batch.number, batch.named or asked > 0
        return batch

    def log_on(self, request: Message) -> str:
        key, asked = _key(request), int(request.get(60) or 0)
        if asked and not self._find_closed(key, asked):
            self.join(request)
        batch = self._open.get(key)
        return f"{batch.number if batch else self._last(key) + 1:06d}"

    def uploads_to(self, request: Message, named: str) -> ToyBatch:
        key = _key(request)
        found = self._find_closed(key, int(named or 0)) or self._uploading.get(key) or self._open.get(key)
        return found or self._closed[key][-1]

    def settle(self, request: Message) -> dict[int, str]:
        key, number, code = _key(request), int(request.get(60)), request.get(3)
        claims = code + request.get(63)
        batch, known = self._open.get(key), self._find_closed(key, number)
        if known and (known.closed == "cleared" or known.claims == claims or known.claims[:6] == code == "940000"):
            return _answer(request, "00", known.totals)
        if batch and batch.named and batch.number != number:
            return {39: "80"}
        if batch is None:
            batch = self._open[key] = ToyBatch(number)
        batch.number, batch.named = number, True
        totals = add_up(self._live(batch))
        if code == "920000" and not _agree(request, totals):
            self._uploading[key] = batch
            return _answer(request, "95", totals)
        batch.closed = {"920000": "settled", "960000": "uploaded", "940000": "cleared"}[code]
        batch.claims, batch.totals = claims, totals
        del self._open[key]
        self._uploading.pop(key, None)
        self._closed.setdefault(key, []).append(batch)
        return _answer(request, "00", totals)

    def _last(self, key: tuple[str, str]) -> int:
        closed = self._closed.get(key)
        return closed[-1].number if closed else 0

    def _find_closed(self, key: tuple[str, str], number: int) -> ToyBatch | None:
        return next((one for one in reversed(self._closed.get(key, [])) if one.number == number), None)


def _key(request: Message) -> tuple[str, str]:
    return request.get(41), "loyalty" if request.get(24) == "090" else "main"


def _agree(request: Message, totals: list[Total]) -> bool:
    claimed = decode_totals(request.get(63))
    booked = [(count % COUNT_MODULUS, amount) for count, amount in totals]
    return claimed == booked[: len(claimed)]


def _answer(request: Message, code: str, totals: list[Total]) -> dict[int, str]:
    return {39: code, 63: encode_totals(totals[: len(request.get(63)) // 15 or 6])}
