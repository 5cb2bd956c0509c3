"""VISA-2 frames and requests as a terminal makes them. No sockets here, and no word of the switch's own codec.

A request begins as the same `Message` that the ISO 8583 dialects send; what VISA-2 has no code for is a WireError.
"""

import functools
import operator

from simulators.demo import DemoTerminal, DemoVisa2
from simulators.requests import card_number
from simulators.tables import find_tables
from simulators.totals import decode_totals
from simulators.visa2_manner import ONE, Record
from simulators.wire import Message, WireError

STX, ETX, EOT, ENQ, ACK, BEL, DLE, DC2, NAK, ETB = (
    bytes([code]) for code in (2, 3, 4, 5, 6, 7, 0x10, 0x12, 0x15, 0x17)
)
_NAMES = {
    ENQ: "ENQ", ACK: "ACK", BEL: "BEL", DLE: "DLE", DC2: "DC2", NAK: "NAK", EOT: "EOT",
}  # fmt: skip
FS, GS = "\x1c", "\x1d"
SEQUENCE_MAX = 9999

#: Transaction code by message class and processing code, as far as its fifth digit.
CODES = {
    ("0100", "31600"): "G3",
    ("0200", "72006"): "GC",
    ("0200", "21006"): "G6",
    ("0200", "20006"): "G5",
    ("0200", "00600"): "G4",
    ("0200", "01600"): "G2",
    ("0200", "09600"): "GG",
    ("0200", "22600"): "G7",
    ("0200", "02006"): "GE",
    ("0200", "02600"): "GE",
    ("0100", "31900"): "L3",
    ("0200", "72009"): "LC",
    ("0200", "00009"): "L6",
    ("0200", "00900"): "L4",
    ("0200", "20009"): "L5",
    ("0200", "02009"): "LE",
    ("0200", "02900"): "LE",
    ("0800", "92000"): "X1",
    ("0500", "92000"): "X2",
    ("0500", "94000"): "X3",
}
BLOCK_GIFT, BLOCK_POINTS, BLOCK_BATCH, BLOCK_PIN = "200", "900", "901", "902"
_BATCH_DIGITS = 3
_SHARING_GROUP = "V"
_OLD_ZONES = {"6": "0", "7": "1"}  # before there was daylight saving in the first digit


# -- frames -----------------------------------------------------------------------------------------------------------
def check_character(data: bytes) -> int:
    return functools.reduce(operator.xor, (byte & 0x7F for byte in data), 0)


def frame(record: bytes, *, more: bool = False) -> bytes:
    ended = record + (ETB if more else ETX)
    return STX + ended + bytes([check_character(ended)])


def even_parity(data: bytes) -> bytes:
    """Seven-bit characters with the eighth bit that makes the number of ones even."""
    return bytes(byte | byte.bit_count() % 2 << 7 for byte in data)


def spoil(data: bytes) -> bytes:
    """A frame one of whose bits the line has turned round."""
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :]


def frame_name(data: bytes) -> str:
    """What a character or a frame is, in a word: `ENQ`, `D`, `KH`. A response to J says of itself only that."""
    if data[:1] != STX:
        return _NAMES.get(data, data.hex())
    letter = chr(data[1]) if chr(data[1]) in "DTEUVKJ" and data[3:4] == b"." else "J"
    return letter + chr(data[5]) if letter == "K" else letter


def unframe(data: bytes) -> bytes:
    """The record of a whole frame, in either parity."""
    plain = bytes(byte & 0x7F for byte in data)
    if plain[:1] != STX or len(plain) < 4 or plain[-2:-1] not in (ETX, ETB):
        raise WireError("no frame: STX, a record, ETX or ETB, and a check character are needed")
    if check_character(plain[1:]):
        raise WireError("the check character does not fit", len(plain) - 1)
    return plain[1:-2]


# -- requests ---------------------------------------------------------------------------------------------------------
def sequence_of(request: Message) -> str:
    """Trace numbers have six digits here, sequence numbers four: they go round sooner."""
    return f"{(int(request.get(11)) - 1) % SEQUENCE_MAX + 1:04d}"


def request_record(request: Message, who: DemoTerminal, application_type: str = ONE, record: Record = "D") -> bytes:
    """The record that says what `request` says: D, T where the answer is to be confirmed, J of the older kind."""
    if who.visa2 is None:
        raise WireError(f"terminal {who.terminal_id} has no VISA-2 numbers in demo.json")
    code = code_of(request)
    if record == "J":
        return _old_record(request, who, who.visa2, application_type, code)
    here, debit = who.visa2, record == "T"
    source, customer = _customer(request, FS)
    fixed = (
        f"{record}{application_type}.{here.acquirer_bin}"
        f"{here.merchant_number}{here.store_number}{here.terminal_number}"
        f"ER{request.get(49) or who.currency}000000000000{here.time_zone:0>5}{here.mcc}N{sequence_of(request)}"
        f"{code}@{source}"
    )
    fields = [customer, "", "", _amount(request), "", "", "", "", _reversal_data(request, code)]
    blocks = [_asked_block(request, code)]
    if pin := find_tables(request, "visa2").get("SC"):
        blocks.append(f"{BLOCK_PIN}{pin}{FS}")
    if debit:
        fields += ["", _SHARING_GROUP, "", f"{here.agent_bank}{here.agent_chain}{request.get(60)[-3:]:0>3}0"]
    return (fixed + FS.join([*fields, ""]) + GS.join(blocks)).encode("ascii")


def _old_record(request: Message, who: DemoTerminal, here: DemoVisa2, application_type: str, code: str) -> bytes:
    """A record J: no blocks, no references, no currency. Undoing means the newest transaction that fits."""
    if code[0] == "X":
        raise WireError("a record J has no block to say which batch is meant; use D")
    zone = _OLD_ZONES.get(here.time_zone[0], here.time_zone[0]) + here.time_zone[1:]
    source, customer = _customer(request, "")
    fixed = (
        f"J{application_type}.{here.acquirer_bin}{here.merchant_number}{here.store_number}{here.terminal_number}"
        f"{here.mcc}000{'':0>5}{zone}{code}{int(here.terminal_number):08d}N{sequence_of(request)}@{source}"
    )
    fields = [customer, "", f"{_amount(request):0>3}", "ER", "", "000"]
    return (fixed + FS.join([*fields, ""])).encode("ascii")


def _customer(request: Message, behind: str) -> tuple[str, str]:
    """Account data source and customer data; keyed, the expiry is empty, and some records want one FS `behind` it."""
    track = request.get(35).replace("D", "=")
    return ("D", track) if track else ("@", f"{card_number(request)}{FS}{behind}")


def _amount(request: Message) -> str:
    return request.get(4).lstrip("0") or "0"


def is_upload(request: Message) -> bool:
    """Whether it stands for a whole data capture session."""
    return request.mti == "0500" and request.get(3).startswith("96")


def code_of(request: Message) -> str:
    """The transaction code, or an error that says there is none."""
    kind = request.get(3)[:5]
    if request.mti[:2] == "04":
        reversed_code = CODES.get(("0200", kind))
        found = f"{reversed_code[0]}F" if reversed_code else None
    else:
        found = CODES.get((request.mti[:3] + "0", kind))
    if found is None:
        raise WireError(f"VISA-2 has no code for {request.mti} {request.get(3)}")
    return found


def _asked_block(request: Message, code: str) -> str:
    """The block whose answer is wanted; for batches it says which, and the totals claimed."""
    if code[0] == "G":
        return f"{BLOCK_GIFT}{FS}{FS}"
    if code[0] == "L":
        return f"{BLOCK_POINTS}{FS}{FS}{FS}"
    number = request.get(60)[-_BATCH_DIGITS:]
    if code == "X2":
        (debits, credits) = (decode_totals(request.get(63)) + [(0, 0)] * 2)[:2]
        claimed = [f"{count:06d}{FS}{amount:012d}" for count, amount in (debits, credits)]
        return f"{BLOCK_BATCH}{number}{FS}{FS.join(claimed)}{FS}"
    return f"{BLOCK_BATCH}{number}{FS}"


def _reversal_data(request: Message, code: str) -> str:
    """Field 29: approval code, date, time, reference. The reversal of a void names nothing: the newest one is meant."""
    of_void = code[1] == "F" and request.get(3).startswith("02")
    rrn = "" if of_void else request.get(37)
    return f"{'':18}{rrn:12}" if rrn else ""
