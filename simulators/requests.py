"""What a terminal says: one row per transaction, and the functions that build requests from it.

Section 3 of the terminal interface page, the rows of gift cards, of points and of the line itself. Pure: no sockets,
no clock.
"""

import contextlib
from datetime import datetime
from typing import Literal

import msgspec

from simulators.codecs import Dialect
from simulators.demo import DemoTerminal
from simulators.state import Counters, Deed
from simulators.tables import decode_tables, encode_tables, tables_element
from simulators.wire import Message, WireError


class Kind(msgspec.Struct, frozen=True):
    """One transaction: what it is called, how it is sent, and what its request carries."""

    name: str
    title: str
    mti: str
    code: str
    amount: Literal["needed", "optional", "none"] = "none"
    card: bool = True
    pin: bool = False
    unit: Literal["money", "points"] = "money"  # of DE4

    @property
    def of_points(self) -> bool:
        return _names_points(self.code)

    def currency_at(self, terminal: DemoTerminal) -> str:
        """What DE49 says of the amount."""
        return POINTS_UNIT if self.unit == "points" else terminal.currency


POINTS_UNIT = "999"  # the currency code of points

# fmt: off
KINDS = {kind.name: kind for kind in [
    #    name          title on the slip        MTI     DE3       amount      card        PIN
    Kind("activate",   "GIFT CARD ACTIVATION",  "0200", "720060", "optional"),
    Kind("reload",     "GIFT CARD RELOAD",      "0200", "210060", "needed"),
    Kind("redeem",     "GIFT CARD PAYMENT",     "0200", "006000", "needed",               pin=True),
    Kind("balance",    "GIFT CARD BALANCE",     "0100", "316000",                         pin=True),
    Kind("cash-out",   "GIFT CARD CASH-OUT",    "0200", "016000",                         pin=True),
    Kind("cash-back",  "GIFT CARD CASH BACK",   "0200", "096000", "needed",               pin=True),
    Kind("unload",     "GIFT CARD UNLOADED",    "0200", "226000", "needed",               pin=True),
    Kind("refund",     "REFUND ONTO GIFT CARD", "0200", "200060", "needed"),
    Kind("block",      "GIFT CARD BLOCKED",     "0200", "736000"),
    Kind("unblock",    "GIFT CARD UNBLOCKED",   "0200", "746000",                         pin=True),
    Kind("advice-redeem", "GIFT CARD PAYMENT (OFFLINE)", "0220", "006000", "needed"),
    Kind("sale",             "SALE",                     "0200", "000090", "needed"),
    Kind("preview",          "PREVIEW OF A SALE",        "0100", "000090", "needed"),
    Kind("return",           "RETURN",                   "0200", "200090", "needed"),
    Kind("points-redeem",    "PAYMENT WITH POINTS",      "0200", "009000", "needed", pin=True),
    Kind("points-balance",   "POINTS BALANCE",           "0100", "319000",           pin=True),
    Kind("points-transfer",  "POINTS TRANSFER",          "0200", "409090", "needed", pin=True, unit="points"),
    Kind("points-purchase",  "POINTS BOUGHT",            "0200", "210090", "needed"),
    Kind("enrol",            "LOYALTY CARD ENROLMENT",   "0200", "720090"),
    Kind("points-block",     "LOYALTY CARD BLOCKED",     "0200", "739000"),
    Kind("points-unblock",   "LOYALTY CARD UNBLOCKED",   "0200", "749000",           pin=True),
    Kind("advice-sale",      "SALE (OFFLINE)",           "0220", "000090", "needed"),
    Kind("advice-return",    "RETURN (OFFLINE)",         "0220", "200090", "needed"),
    Kind("advice-points-redeem", "PAYMENT WITH POINTS (OFFLINE)", "0220", "009000", "needed"),
    Kind("logon",      "LOGON",                 "0800", "920000",             card=False),
    Kind("echo",       "ECHO TEST",             "0800", "990000",             card=False),
    Kind("parameters", "PARAMETERS",            "0800", "930000",             card=False),
    Kind("settle",     "SETTLEMENT",            "0500", "920000",             card=False),
    Kind("settle-uploaded", "SETTLEMENT AFTER UPLOAD", "0500", "960000",      card=False),
    Kind("clear",      "BATCH CLEARED",         "0500", "940000",             card=False),
]}
# fmt: on

GIFT_KINDS = (
    "activate",
    "reload",
    "redeem",
    "balance",
    "cash-out",
    "cash-back",
    "unload",
    "refund",
    "block",
    "unblock",
)
VOIDABLE_KINDS = (
    "activate", "reload", "redeem", "cash-out", "cash-back", "unload", "refund", "advice-redeem",
    "sale", "return", "points-redeem", "points-transfer", "points-purchase",
    "advice-sale", "advice-return", "advice-points-redeem",
)  # fmt: skip


class Order(msgspec.Struct, frozen=True):
    """What is asked for, before the terminal adds who it is and its counters."""

    kind: Kind
    pan: str | None = None
    amount: int | None = None
    pin: str | None = None
    rrn: str | None = None
    receipt: str | None = None
    partial: bool = False
    swipe: bool = False
    tables: tuple[tuple[str, str], ...] = ()  # baskets, tenders and the like, as they are sent
    batch: str | None = None  # None: the terminal's own; empty: say none


def build_request(terminal: DemoTerminal, dialect: Dialect, order: Order, counters: Counters, now: datetime) -> Message:
    kind = order.kind
    fields = {3: kind.code, 11: counters.stan, **_time(now), **_sender(terminal)}
    if kind.card:
        fields |= {22: "011", 25: "00", 49: kind.currency_at(terminal)} | _card(order)
    if kind.amount != "none":
        fields[4] = f"{order.amount or 0:012d}"
    if batch := counters.batch if order.batch is None else order.batch:
        fields[60] = batch
    if kind.mti in ("0200", "0220"):
        fields[62] = (order.receipt or counters.receipt).zfill(6)
    if order.rrn:
        fields[37] = order.rrn
    tables = [("CP", "PT" if order.partial else "T")] if kind.card else []
    if order.pin and kind.pin:
        tables.append(("SC", order.pin))
    tables += order.tables
    if tables:
        fields[tables_element(dialect)] = encode_tables(tables, dialect)
    return Message(kind.mti, fields)


def build_void(
    terminal: DemoTerminal, deed: Deed, counters: Counters, now: datetime, *, advice: bool = False
) -> Message:
    """Undo an approved transaction: its card, amount and numbers under a trace number of the void's own."""
    original = deed.request
    fields = {
        2: card_number(original),
        3: "02" + original.get(3)[2:],
        4: deed.approved_amount,
        11: counters.stan,
        **_time(now),
        22: "011",
        25: "00",
        49: original.get(49) or terminal.currency,
        **_sender(terminal),
    }
    fields |= {number: original.fields[number] for number in (62,) if number in original.fields}
    if deed.rrn:
        fields[37] = deed.rrn
    if counters.batch:
        fields[60] = counters.batch
    return Message("0220" if advice else "0200", fields)


def build_reversal(deed: Deed, attempt: int = 1, who: DemoTerminal | None = None) -> Message:
    """Undo a request whose answer is not known or not wanted: its own numbers again, as 0400 and then 0401.

    A void keeps the reference to what it voided (DE37, DE62), as the interface asks; anything else names itself.
    `who` is another terminal that tries its luck; the switch must not let it.
    """
    original = deed.request
    fields = {number: original.fields[number] for number in _REVERSAL_ELEMENTS if number in original.fields}
    fields[2] = card_number(original)
    fields.setdefault(4, deed.approved_amount)  # a cash-out asks for no amount, its reversal names what was paid
    rrn = original.get(37) if original.get(3).startswith("02") else deed.rrn
    if rrn:
        fields[37] = rrn
    if who:
        fields |= _sender(who)
    return Message("0400" if attempt == 1 else "0401", fields)


_REVERSAL_ELEMENTS = (3, 4, 11, 12, 13, 22, 24, 25, 41, 42, 49, 60, 62)


def build_repeat(request: Message) -> Message:
    """The same content once more; the last digit of the MTI says that it was sent before."""
    return Message(request.mti[:3] + "1", request.fields)


def without_secrets(request: Message, dialect: Dialect) -> Message:
    """The request as a terminal may write it down: no PIN, no phone, the card number in the place of the track."""
    fields = {number: value for number, value in request.fields.items() if number not in (35, 45, 52)}
    if pan := card_number(request):
        fields[2] = pan
    element = tables_element(dialect)
    if element in fields:
        try:
            tables = decode_tables(fields[element], dialect)
        except WireError:
            tables = {}
        kept = [(name, data) for name, data in tables.items() if name not in _SECRET_TABLES]
        fields[element] = encode_tables(kept, dialect)
    return Message(request.mti, fields)


_SECRET_TABLES = {"SC", "PH"}


def with_pin(request: Message, dialect: Dialect, pin: str | None) -> Message:
    """The written-down request as it was sent: with the PIN, where the transaction has one."""
    if not pin or not any(kind.pin and kind.code == request.get(3) for kind in KINDS.values()):
        return request
    element = tables_element(dialect)
    tables = request.get(element) + encode_tables([("SC", pin)], dialect)
    return Message(request.mti, request.fields | {element: tables})


def card_number(request: Message) -> str:
    return request.get(2) or request.get(35).replace("=", "D").partition("D")[0]


def is_points(request: Message) -> bool:
    """Whether the account digits name the purse of points."""
    return _names_points(request.get(3))


def _names_points(code: str) -> bool:
    return "90" in (code[2:4], code[4:5] + "0")


def local_time(message: Message, now: datetime) -> datetime | None:
    """DE13 and DE12 in the year that puts them nearest to now; DE13 itself has none."""
    found = []
    for year in (now.year - 1, now.year, now.year + 1):
        with contextlib.suppress(ValueError):  # 29 February of another year, or no date at all
            found.append(datetime.strptime(f"{year}{message.get(13)}{message.get(12)}", "%Y%m%d%H%M%S"))
    return min(found, key=lambda time: abs(time - now), default=None)


def is_echo(message: Message) -> bool:
    """Whether the switch asks if we are there."""
    return message.mti == "0800" and message.get(3)[:5] == "99000"


def answer_echo(asked: Message, now: datetime) -> Message:
    """0810 to an echo of the switch."""
    fields = {number: asked.fields[number] for number in (3, 7, 11, 24, 41, 42, 70) if number in asked.fields}
    return Message("0810", fields | _time(now) | {39: "00"})


def is_answer_to(answer: Message, request: Message) -> bool:
    """MTI, trace number and terminal must agree; anything else on the line is somebody else's or too late."""
    return (
        answer.mti == f"{request.mti[:2]}{int(request.mti[2]) + 1}0"
        and answer.get(11) == request.get(11)
        and answer.get(41).strip() == request.get(41).strip()
    )


def _card(order: Order) -> dict[int, str]:
    pan = order.pan or ""
    if not order.swipe:
        return {2: pan}
    track = f"{pan}D4912101"  # expiry and service code as gift card tracks have them; the terminal pads nothing else
    return {35: track, 22: "021"}


def _time(now: datetime) -> dict[int, str]:
    return {12: now.strftime("%H%M%S"), 13: now.strftime("%m%d")}


def _sender(terminal: DemoTerminal) -> dict[int, str]:
    return {24: terminal.nii, 41: terminal.terminal_id, 42: terminal.merchant_id}
