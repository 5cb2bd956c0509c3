"""What is packed inside elements: private tables (DE63 or DE48) and balances (DE54). Totals are in `totals.py`."""

from collections.abc import Iterable

import msgspec

from simulators.wire import Dialect, Message, WireError

Tables = dict[str, str]

TABLE_NAMES = {
    "CP": "capabilities",
    "BK": "basket",
    "TD": "tenders",
    "CD": "discount code",
    "SC": "static PIN",
    "PH": "phone number",
    "TO": "other card of a transfer",
    "TS": "terminal status",
    "LA": "language",
    "33": "key serial number",
    "37": "batch of an upload",
    "PT": "points",
    "RT": "return: paid out in money",
    "DI": "discount",
    "CA": "campaigns applied",
    "22": "text for the display",
    "29": "text for the receipt",
    "42": "command to the terminal",
    "TP": "parameters",
    "KY": "working key",
}


class Balance(msgspec.Struct, frozen=True):
    """One block of DE54. `amount` is negative where its sign letter is D."""

    account: str
    kind: str
    currency: str
    amount: int


AVAILABLE, LEDGER, ASKED = "02", "01", "57"
BALANCE_NAMES = {AVAILABLE: "available", LEDGER: "ledger", ASKED: "asked"}


def tables_element(dialect: Dialect) -> int:
    """Where a terminal of this dialect puts its tables."""
    return 63 if dialect == "nac" else 48


def encode_tables(tables: Iterable[tuple[str, str]], dialect: Dialect) -> str:
    return "".join(_encode_table(name, data, dialect) for name, data in tables)


def _encode_table(name: str, data: str, dialect: Dialect) -> str:
    if dialect != "nac":
        return f"{name}{len(data):03d}{data}"
    # packed length of id and data, kept as the two characters those bytes are in Latin-1
    return bytes.fromhex(f"{len(data) + 2:04d}").decode("latin-1") + name + data


def decode_tables(text: str, dialect: Dialect) -> Tables:
    """The tables of DE63 or DE48; pieces of one table are joined in order."""
    tables: Tables = {}
    position = 0
    while position < len(text):
        head = text[position : position + (4 if dialect == "nac" else 5)]
        digits, name = (head[:2].encode("latin-1").hex(), head[2:]) if dialect == "nac" else (head[2:], head[:2])
        if len(name) != 2 or len(digits) < 3 or not digits.isdecimal():
            raise WireError("the private tables do not begin with an id and a length", position)
        size = int(digits) - 2 if dialect == "nac" else int(digits)
        data = text[position + len(head) : position + len(head) + size]
        if size < 0 or len(data) != size:
            raise WireError(f"the private table {name} is shorter than its length says", position)
        tables[name] = tables.get(name, "") + data
        position += len(head) + size
    return tables


def find_tables(message: Message, dialect: Dialect) -> Tables:
    """The tables of a message from whichever element carries them; none where they cannot be read."""
    tables: Tables = {}
    for number in (48, 63):
        if number == 63 and has_totals(message):
            continue
        try:
            tables |= decode_tables(message.get(number), dialect)
        except WireError:
            continue
    return tables


def has_totals(message: Message) -> bool:
    """DE63 is totals in reconciliation messages; their tables stand in DE48."""
    return message.mti[1] == "5"


def decode_balances(text: str) -> list[Balance]:
    """The blocks of DE54: account type, amount type, currency, C or D, amount."""
    if len(text) % 20:
        raise WireError("DE54 is not made of blocks of 20 characters")
    balances = []
    for start in range(0, len(text), 20):
        block = text[start : start + 20]
        if block[7] not in "CD" or not (block[:7] + block[8:]).isdecimal():
            raise WireError("a block of DE54 is not digits around C or D", start)
        amount = int(block[8:])
        balances.append(Balance(block[:2], block[2:4], block[4:7], amount if block[7] == "C" else -amount))
    return balances


def available(message: Message) -> list[Balance]:
    """What the card holds: in the terminal's currency, then in the card's where that is another."""
    return [balance for balance in decode_balances(message.get(54)) if balance.kind == AVAILABLE]
