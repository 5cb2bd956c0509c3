"""One VISA-2 terminal of the demo: makes its records, counts its sequence numbers, checks the form of every response.

It speaks type 4 over one standing line, unless a test brings a line of its own. A test then looks only at what it is
about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.contract.client import WireError
from tests.contract.visa2.link import ACK, CLOSED, ETX, FS, VisaLine
from tests.contract.visa2.records import Numbers, Reply, Request, j_record, minor, read_reply, request, track_2

APPROVED = ("00", "10")
GIFT, POINTS, BATCH = "200" + FS + FS, "900" + FS + FS + FS, "901"  # as a request asks for them
MINUTES_APART = 3
# fmt: off
TEXTS = {  # WIRE-VISA2.md section 3; reference 3.4 where that is silent and has one text
    "03": "TERM ID ERROR",    "10": "PARTIAL APPROVAL", "12": "INVALID TRANS",   "13": "AMOUNT ERROR",
    "14": "CARD NO. ERROR",   "51": "DECLINE",          "54": "EXPIRED CARD",    "55": "WRONG PIN",
    "57": "SERV NOT ALLOWED", "58": "SERV NOT ALLOWED", "65": "DECLINED",        "75": "PIN EXCEEDED",
    "76": "UNSOLIC REVERSAL", "79": "ALREADY REVERSED", "80": "BATCH ERROR",     "94": "DUPLICATE TRANS",
    "95": "RECONCILE ERROR",  "25": "DECLINE",
}
# fmt: on


@dataclass
class Clock:
    """What the wall says in a terminal's store."""

    zone: str

    def now(self) -> datetime:
        return datetime.now(ZoneInfo(self.zone)).replace(tzinfo=None)


class VisaTill:
    """A terminal at its standing line, which is opened when first used."""

    def __init__(self, numbers: Numbers, port: int, clock: Clock, *, even: bool, first_sequence: int = 0) -> None:
        self.numbers = numbers
        self.port = port
        self.clock = clock
        self.even = even
        self.last_sequence = first_sequence
        self.opened: VisaLine | None = None

    def __repr__(self) -> str:
        return f"<visa2 till {self.numbers.store_number}/{self.numbers.terminal_number}>"

    def new_line(self, port: int | None = None) -> VisaLine:
        """Another connection for this terminal, after its first ENQ; the test closes it."""
        return VisaLine(port or self.port, even=self.even).expect("ENQ")

    @property
    def line(self) -> VisaLine:
        if self.opened is None:
            self.opened = self.new_line()
        return self.opened

    def close(self) -> None:
        if self.opened is not None:
            self.opened.close()
            self.opened = None

    def sequence(self) -> str:
        self.last_sequence = self.last_sequence % 9_999 + 1
        return f"{self.last_sequence:04}"

    # Records

    def request(
        self, code: str, pan: str, amount: int | str = "", *blocks: str, original: str = "", **changes: str
    ) -> Request:
        """A D record of type 4 with a swiped track 2 and a fresh sequence number; `changes` name fields as `f24`."""
        made = request(
            self.numbers, code, track_2(pan), amount, sequence=self.sequence(), original=original, blocks=blocks
        )
        return made.but(pan=pan, **changes)

    def j(self, code: str, pan: str, amount: str = "000", *, sequence: str | None = None, kind: str = "4") -> str:
        return j_record(self.numbers, code, track_2(pan), amount, sequence=sequence or self.sequence(), kind=kind)

    def ask(self, asked: Request, line: VisaLine | None = None, end: int = ETX) -> Reply:
        """Sends a record and returns its response, whose form has been checked."""
        try:
            reply = read_reply((line or self.line).ask(asked.text(), end))
        except (WireError, AssertionError, OSError) as error:
            self.close()
            raise AssertionError(f"{error}\n  >> {asked}") from error
        faults = form_faults(asked, reply, self.clock)
        assert not faults, "\n".join(["not as the contract says:", *faults, f"  >> {asked}", f"  << {reply}"])
        return reply

    def do(
        self, code: str, pan: str, amount: int | str = "", *blocks: str, original: str = "", **changes: str
    ) -> Reply:
        return self.ask(self.request(code, pan, amount, *blocks, original=original, **changes))

    def alone(self, asked: Request) -> Reply:
        """A whole session of type 0, to the host's EOT and the end of the line."""
        with self.new_line() as line:
            reply = self.ask(asked.but(f2="0"), line)
            line.say(ACK)
            line.expect("EOT", CLOSED)
            return reply

    def balance(self, pan: str) -> int:
        return self.do("G3", pan, 0, GIFT).expect("00").gift[0]

    def points(self, pan: str) -> int:
        return minor(self.do("L3", pan, 0, POINTS).expect("00").parts("900")[0])

    # Batches

    def batch(self, code: str, *parts: int | str) -> Reply:
        """An X record; the parts of block 901, numbers at their width."""
        return self.ask(self.batch_request(code, *parts))

    def batch_request(self, code: str, *parts: int | str) -> Request:
        asked = self.request(code, "", 0, *([batch_block(*parts)] if parts else []))
        return asked.but(f21="", f20="@")

    def open_batch(self, number: str | None = None) -> str:
        """X1: the number of the batch now open."""
        return self.batch("X1", *([number] if number else [])).expect("00").parts(BATCH)[0]

    def fresh_batch(self) -> str:
        """Opens a number this terminal never used; the batch is empty."""
        current = self.open_batch()
        self.open_batch(current)  # else an unnamed batch would take the new number, and keep its totals
        number = following(current)
        assert self.open_batch(number) == number
        return number


def following(batch: str) -> str:
    """The number after this one; 999 is followed by 001."""
    return f"{int(batch) % 999 + 1:03}"


def batch_block(*parts: int | str) -> str:
    """Block 901: number, then debit count and total, credit count and total."""
    widths = (3, 6, 12, 6, 12)
    filled = [part if isinstance(part, str) else f"{part:0{width}}" for part, width in zip(parts, widths, strict=False)]
    return BATCH + "".join(part + FS for part in filled)


def form_faults(asked: Request, reply: Reply, clock: Clock) -> list[str]:
    """What in a response is not as sections 2.3 and 3 say."""
    faults: list[str] = []

    def check(right: bool, fault: str) -> None:
        if not right:
            faults.append(f"- {fault}")

    approved, code = reply.rc in APPROVED, asked[18]
    check(reply.letter == {"D": "E", "T": "U"}[asked[1]], f"a response {reply.letter} to {asked[1]}")
    for name, got, number in (("type", reply.kind, 2), ("store", reply.store, 6), ("terminal", reply.terminal, 7)):
        check(got == asked[number], f"{name} {got!r}, expected {asked[number]!r}")
    check(reply.sequence == asked[17], f"sequence number {reply.sequence!r}, expected {asked[17]!r}")
    check(len(reply.rc) == 2 and reply.rc.isalnum(), f"response code {reply.rc!r}")
    check(reply.avs == "0", f"AVS result {reply.avs!r}: it was not asked for")
    check(not approved or reply.rrn.isalnum(), f"retrieval reference {reply.rrn!r}: every approval carries one")
    check(approved or not reply.approval.strip(), f"a decline with approval code {reply.approval!r}")
    if approved and code[0] in "GL" and code[1] not in "3F":  # an inquiry and a reversal need none
        check(bool(reply.approval.strip()), "an approval without approval code")
    told = datetime.strptime(reply.date + reply.time, "%m%d%y%H%M%S")
    minutes = abs((clock.now() - told).total_seconds()) / 60
    check(minutes < MINUTES_APART or reply.rc == "03", f"local time {told}, in the store it is {clock.now()}")
    check(text_is_right(asked, reply), f"text {reply.text!r} for {reply.rc}")
    return faults + block_faults(asked, reply)


def text_is_right(asked: Request, reply: Reply) -> bool:
    """What the display shows."""
    if reply.rc == "06":
        return reply.text.startswith("ERROR ") and reply.text[6:8].isdigit() and not reply.text[8:].strip()
    if reply.rc == "00":
        code, block = asked[18], {"G3": "200", "L3": "900"}.get(asked[18])
        if block and block not in asked.block_names:
            return reply.text.startswith("BAL " if code == "G3" else "PTS ") and reply.text[15] == " "
        return reply.text.startswith("APPROVAL")
    return reply.rc not in TEXTS or reply.text.rstrip() == TEXTS[reply.rc]


def block_faults(asked: Request, reply: Reply) -> list[str]:
    """Blocks are answered only when asked for; 901 comes with X1, X3 and 95."""
    faults: list[str] = []
    wanted = asked.block_names | ({"901"} if asked[18] in ("X1", "X3") or reply.rc == "95" else set())
    if extra := reply.blocks.keys() - wanted:
        faults.append(f"- blocks nobody asked for: {sorted(extra)}")
    if reply.rc in APPROVED:
        needed = {"G": {"200"}, "L": {"900"}}.get(asked[18][0], set()) & asked.block_names
        if missing := needed - reply.blocks.keys():
            faults.append(f"- asked for and not answered: {sorted(missing)}")
    if not faults and "200" in reply.blocks:
        faults += gift_faults(asked[18], reply)
    if not faults and "900" in reply.blocks and len(reply.parts("900")) != 5:
        faults.append(f"- block 900 has five fields: {reply.blocks['900']!r}")
    return faults


def gift_faults(code: str, reply: Reply) -> list[str]:
    if len(reply.parts("200")) != 2:
        return [f"- block 200 has two fields: {reply.blocks['200']!r}"]
    empty = code in ("G3", "GE", "GF")
    if reply.rc in APPROVED and empty != (reply.gift[1] is None):
        return [f"- block 200 of {code}: used {reply.gift[1]}, expected {'nothing' if empty else 'an amount'}"]
    return []
