"""The slip of a settlement: what the terminal counted, and what the switch did."""

from simulators.journal import AFTER_UPLOAD, CLEAR
from simulators.money import format_amount
from simulators.tables import find_tables
from simulators.totals import BLOCK_NAMES, Total, decode_totals, same_totals
from simulators.wire import Message, WireError


def settlement_lines(request: Message, answer: Message, currency: str) -> list[str]:
    """Batch number, both sides block by block, and whether the batch is closed."""
    claimed, booked = read_totals(request), read_totals(answer)
    lines = [f"Batch {request.get(60)}", *total_lines(claimed, booked, currency)]
    if answer.get(39) != "95" and (text := find_tables(answer, "visa2").get("22")) and not booked:
        lines.append(text)  # of data capture, which is answered without totals
    if answer.get(39) == "00":
        how = {CLEAR: "CLEARED", AFTER_UPLOAD: "CLOSED AFTER UPLOAD"}.get(request.get(3), "CLOSED")
        return [*lines, how if not (claimed and booked) or same_totals(claimed, booked) else f"{how}, TOTALS DIFFER"]
    if answer.get(39) == "95":
        return [*lines, "TOTALS DIFFER (95): upload everything"]
    return [*lines, f"NOT CLOSED ({answer.get(39)})"]


def total_lines(ours: list[Total], theirs: list[Total], currency: str) -> list[str]:
    """A line for each block that either side has something in, or differs."""
    lines = [f"{'':10}{'terminal':>15}{'switch':>15}"]
    for place, name in enumerate(BLOCK_NAMES):
        one, other = _block(ours, place), _block(theirs, place)
        if any(total not in (None, (0, 0)) for total in (one, other)):
            lines.append(f"{name:10}{_shown(one, currency):>15}{_shown(other, currency):>15}")
    return lines if len(lines) > 1 else ["nothing in it"]


def read_totals(message: Message) -> list[Total]:
    """The totals of a message; none where it has none that can be read."""
    try:
        return decode_totals(message.get(63))
    except WireError:
        return []


def _block(totals: list[Total], place: int) -> Total | None:
    return totals[place] if place < len(totals) else None


def _shown(total: Total | None, currency: str) -> str:
    if total is None:
        return "-"
    count, amount = total
    return f"{count}x {format_amount(amount, currency).rpartition(' ')[0]}"
