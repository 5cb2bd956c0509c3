"""One terminal of the demo: makes its messages, counts its STANs, and checks the form of every answer it gets.

Every answer a test receives through `Till.ask` has passed `form_faults`: section 2 *Answers*, the columns "answer adds"
of section 3, DE54. A test then looks only at what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Self

from tests.contract.client import Balance, Line, Message, WireError, balances, pack_tables, table_field, unpack_tables
from tests.contract.daemon import TerminalRecord

# fmt: off
ACTIVATE = "720060"
RELOAD   = "210060"
REDEEM   = "006000"
BALANCE  = "316000"
CASH_OUT = "016000"
REFUND   = "200060"
BLOCK    = "736000"
UNBLOCK  = "746000"
VOID_OF  = {ACTIVATE: "020060", RELOAD: "020060", REDEEM: "026000", CASH_OUT: "026000", REFUND: "020060"}

ANSWER_ADDS: dict[tuple[str, str], set[int]] = {  # MTI class and DE3 without the flow digit: "answer adds" of section 3
    ("020", "72006"): {4, 37, 38, 54},
    ("020", "21006"): {37, 38, 54},
    ("020", "00600"): {4, 37, 38, 54},
    ("010", "31600"): {54},
    ("020", "01600"): {4, 37, 38},
    ("020", "20006"): {37, 38, 54},
    ("020", "73600"): {37, 38},
    ("020", "74600"): {37, 38},
    ("020", "02006"): {37, 38, 54},
    ("020", "02600"): {37, 38, 54},
    ("032", "72006"): {37},
    ("032", "21006"): {37},
    ("032", "00600"): {37},
    ("032", "01600"): {37},
    ("032", "20006"): {37},
    ("032", "02600"): {37},
    ("022", "00600"): {37},
    ("022", "02600"): {37},
    ("080", "92000"): {60},
}
# fmt: on
ALWAYS = {0, 3, 11, 12, 13, 24, 39, 41, 42}
IF_ASKED = {4, 49, 60, 62}
NEVER = {2, 14, 35, 45, 52, 55}
APPROVED = {"00", "10"}
UNDECIDED = {"03", "12", "30", "58", "63", "80", "89", "91", "94", "95", "96"}  # these may come without DE37


class Answer(Message):
    """An answer that knows what was asked, to tell the whole story when a test fails."""

    def __init__(self, message: Message, asked: Message, dialect: str) -> None:
        super().__init__(message)
        self.asked = asked
        self.dialect = dialect

    def expect(self, *codes: str) -> Self:
        assert self.rc in codes, f"expected RC {' or '.join(codes)}, got {self.rc}\n{self.story()}"
        return self

    def story(self) -> str:
        return f"  >> {self.asked}\n  << {self}"

    @property
    def amount(self) -> int:
        assert 4 in self, f"the answer has no DE4\n{self.story()}"
        return int(self[4])

    @property
    def rrn(self) -> str:
        assert 37 in self, f"the answer has no DE37\n{self.story()}"
        return self[37]

    @property
    def blocks(self) -> list[Balance]:
        return balances(self.get(54, ""))

    @property
    def available(self) -> int:
        """The first block of DE54, in the terminal's currency."""
        assert self.blocks, f"the answer has no DE54\n{self.story()}"
        return self.blocks[0].amount_minor

    @property
    def tables(self) -> dict[str, str]:
        return unpack_tables(self.dialect, self)


class Till:
    """A terminal at its own connection; `line` is opened when first used."""

    def __init__(self, record: TerminalRecord, port: int, first_stan: int) -> None:
        self.record = record
        self.port = port
        self.dialect = record.listener
        self.last_stan = first_stan
        self.opened: Line | None = None
        self.clock_offset: timedelta | None = None

    def __repr__(self) -> str:
        return f"<till {self.record.terminal_id} {self.dialect}>"

    @property
    def line(self) -> Line:
        if self.opened is not None and self.opened.broken:
            self.close()
        if self.opened is None:
            self.opened = Line(self.dialect, self.port)
        return self.opened

    def close(self) -> None:
        if self.opened is not None:
            self.opened.close()
            self.opened = None

    def new_line(self) -> Line:
        """Another connection for the same terminal; the test closes it."""
        return Line(self.dialect, self.port)

    def stan(self) -> str:
        self.last_stan = self.last_stan % 999_999 + 1
        return f"{self.last_stan:06}"

    def receipt(self) -> str:
        """A receipt number no other test of this terminal uses."""
        return self.stan()

    def when(self, minutes: float = 0, days: int = 0) -> dict[int, str | None]:
        """DE12 and 13 for a moment from now, on the clock of the terminal's store (learnt from an answer)."""
        if self.clock_offset is None:
            answer = self.ask(self.message("0800", "990000"))
            now = datetime.now(UTC).replace(tzinfo=None)
            years = (now.year - 1, now.year, now.year + 1)
            shown = [datetime.strptime(f"{year}{answer[13]}{answer[12]}", "%Y%m%d%H%M%S") for year in years]
            self.clock_offset = min((moment - now for moment in shown), key=abs)
        moment = datetime.now(UTC).replace(tzinfo=None) + self.clock_offset + timedelta(minutes=minutes, days=days)
        return {12: f"{moment:%H%M%S}", 13: f"{moment:%m%d}"}

    def message(
        self,
        mti: str,
        de3: str,
        pan: str | None = None,
        amount: int | None = None,
        more: Mapping[int, str | None] | None = None,
        tables: Mapping[str, str] | None = None,
    ) -> Message:
        """A message of this terminal with a fresh STAN; `more` adds fields, or with None takes them away."""
        fields = Message({0: mti, 3: de3, 11: (more or {}).get(11) or self.stan(), 24: self.record.nii})
        fields[41] = self.record.terminal_id.ljust(8)
        fields[42] = self.record.merchant_id.ljust(15)
        if pan is not None:
            fields[2] = pan
        if amount is not None:
            fields[4] = f"{amount:012}"
        if tables:
            fields[table_field(self.dialect)] = pack_tables(self.dialect, tables.items())
        return fields.but(changes=more)

    def ask(self, message: Message, line: Line | None = None) -> Answer:
        """Sends a message and returns its answer, whose form has been checked."""
        try:
            answer = Answer((line or self.line).ask(message), message, self.dialect)
        except (WireError, OSError) as error:
            self.close()
            raise AssertionError(f"{error}\n  >> {message}") from error
        faults = form_faults(message, answer, self.record.currency)
        assert not faults, "\n".join(["the answer is not formed as the contract says:", *faults, answer.story()])
        return answer

    # What tests ask for most. Each takes the fields of `message` and returns the answer whatever its code.

    def do(
        self,
        de3: str,
        pan: str,
        amount: int | None = None,
        more: Mapping[int, str | None] | None = None,
        tables: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.ask(self.message("0200", de3, pan, amount, more, tables))

    def void(self, original: Answer, more: Mapping[int, str | None] | None = None) -> Answer:
        """Void of what `original` answered, by its RRN."""
        return self.ask(self.void_message(original, more))

    def void_message(self, original: Answer, more: Mapping[int, str | None] | None = None) -> Message:
        asked = original.asked
        amount = asked.get(4, original.get(4))
        return self.message("0200", void_code(asked[3]), asked[2], None, {4: amount, 37: original.rrn, **(more or {})})

    def reverse(self, original: Message, more: Mapping[int, str | None] | None = None, mti: str = "0400") -> Answer:
        """Reversal of a message this terminal sent: by its STAN if `more` names nothing else."""
        return self.ask(self.reversal_message(original, more, mti))

    def reversal_message(
        self, original: Message, more: Mapping[int, str | None] | None = None, mti: str = "0400"
    ) -> Message:
        named = more or {11: original[11]}
        fields: dict[int, str | None] = {4: original.get(4), 60: original.get(60), **named}
        return self.message(mti, original[3], original[2], None, fields)

    def balance(self, pan: str) -> int:
        return self.ask(self.message("0100", BALANCE, pan)).expect("00").available

    def open_batch(self, more: Mapping[int, str | None] | None = None) -> str:
        """The number of the batch now open, as a logon tells it."""
        return self.ask(self.message("0800", "920000", more=more)).expect("00")[60]


def void_code(de3: str) -> str:
    """DE3 of the void of a transaction: `02` and the original's account digits."""
    return "02" + de3[2:]


def by_de90(original: Message) -> str:
    """DE90 naming a message: MTI, STAN, and what small terminals leave empty."""
    return original[0] + original[11] + "0" * 32


def form_faults(asked: Message, answer: Answer, currency: str) -> list[str]:
    """What in an answer is not as *Answers* and the table of transactions say."""
    faults: list[str] = []

    def check(right: bool, fault: str) -> None:
        if not right:
            faults.append(f"- {fault}")

    expected_mti = f"{asked.mti[:2]}{int(asked.mti[2]) + 1}0"
    check(answer.mti == expected_mti, f"MTI {answer.mti}, expected {expected_mti}")
    for de in (3, 11, 24, 41, 42, 49, 62):
        if de in asked:
            check(answer.get(de) == asked[de], f"DE{de} is {answer.get(de)!r}, expected as received {asked[de]!r}")
    check(len(answer.rc) == 2 and answer.rc.isalnum(), f"DE39 is {answer.rc!r}")
    check(not NEVER & answer.keys(), f"fields that never go into an answer: {sorted(NEVER & answer.keys())}")
    wanted = (ALWAYS & (asked.keys() | {0, 12, 13, 39})) | (IF_ASKED & asked.keys())
    if 60 in asked and not (len(asked[60]) == 6 and asked[60].isdigit()) and answer.rc not in APPROVED:
        wanted -= {60}
    check(wanted <= answer.keys(), f"fields missing: {sorted(wanted - answer.keys())}")
    check(60 not in answer or (len(answer[60]) == 6 and answer[60].isdigit()), f"DE60 is {answer.get(60)!r}")
    faults += totals_faults(asked, answer, wanted)
    faults += approved_faults(asked, answer, wanted) if answer.rc in APPROVED else refused_faults(asked, answer)
    faults += balance_faults(answer, currency)
    return faults


def approved_faults(asked: Message, answer: Answer, wanted: set[int]) -> list[str]:
    faults: list[str] = []
    adds = ANSWER_ADDS.get((asked.mti[:3], asked.get(3, "")[:5]), set() if asked.mti[:2] == "04" else None)
    if adds is not None and answer.keys() != wanted | adds:
        missing, extra = sorted((wanted | adds) - answer.keys()), sorted(answer.keys() - wanted - adds)
        faults.append(f"- approved: fields missing {missing}, fields this answer does not have {extra}")
    if adds and 37 in adds and not (len(answer.get(37, "")) == 12 and answer[37].isdigit()):
        faults.append(f"- DE37 is {answer.get(37)!r}, expected twelve digits")
    if adds and 38 in adds and not answer.get(38, "").strip():
        faults.append("- DE38 is empty")
    return faults


def refused_faults(asked: Message, answer: Answer) -> list[str]:
    faults: list[str] = []
    if asked.mti[:3] == "020" and answer.rc not in UNDECIDED and 37 not in answer:
        faults.append("- a decided 0200 carries DE37")
    if (38 in answer) != (answer.rc == "30"):
        faults.append("- DE38 is in every 30 and in no other refusal")
    if asked.mti[:2] == "02" and 4 in asked and answer.rc != "30" and answer.get(4) != asked[4]:
        faults.append(f"- refused: DE4 is {answer.get(4)!r}, expected what was asked {asked[4]!r}")
    return faults


def balance_faults(answer: Answer, currency: str) -> list[str]:
    if 54 not in answer:
        return []
    try:
        blocks = answer.blocks
    except WireError as error:
        return [f"- {error}"]
    faults: list[str] = []
    if not blocks or blocks[0].kind != "02" or blocks[0].currency != currency:
        faults.append(f"- DE54 begins with what is available in {currency}, got {blocks[:1]}")
    if any(block.account != "60" or block.amount_minor < 0 for block in blocks):
        faults.append(f"- DE54 of a gift card has account 60 and nothing below zero, got {blocks}")
    if (answer.rc == "10") != any(block.kind == "57" for block in blocks):
        faults.append(f"- DE54 has a block 57 on RC 10 and only there, got {blocks}")
    return faults


def totals_faults(asked: Message, answer: Answer, wanted: set[int]) -> list[str]:
    """A 0510 that closed a batch or found other totals has DE63 with as many blocks as asked, and tables in DE48."""
    if asked.mti[:2] != "05" or answer.rc not in ("00", "95"):
        return []
    faults: list[str] = []
    told, size = answer.get(63, ""), len(asked[63]) if 63 in asked else 90
    if len(told) != size or not told.isdigit():
        faults.append(f"- DE63 is {told!r}, expected {size} digits")
    if extra := sorted(answer.keys() - wanted - {48, 63}):
        faults.append(f"- fields this answer does not have {extra}")
    return faults
