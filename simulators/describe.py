"""A message for people, field by field, with everything hidden that must not be seen.

Card numbers show their first six and last four digits. PINs, tracks, chip data, keys and PIN blocks show only that
they are there. Whatever cannot be read as tables is hidden too: a PIN might stand in it.
"""

from simulators.fields import ELEMENTS
from simulators.money import format_amount
from simulators.points_receipt import table_pairs
from simulators.tables import (
    BALANCE_NAMES,
    TABLE_NAMES,
    decode_balances,
    decode_tables,
    decode_totals,
    find_tables,
    has_totals,
)
from simulators.wire import Dialect, Message, WireError

Row = tuple[str, str, str]

_HIDDEN_ELEMENTS = {34, 35, 36, 45, 52, 53, 55, 96}
_HIDDEN_TABLES = {"SC", "KY"}


def mask_pan(pan: str) -> str:
    """First six, last four; a number too short for that shows nothing."""
    return f"{pan[:6]}{'*' * (len(pan) - 10)}{pan[-4:]}" if len(pan) > 10 else "*" * len(pan)


def mask_tail(value: str) -> str:
    return "*" * (len(value) - 4) + value[-4:] if len(value) > 4 else "*" * len(value)


def mask_fields(message: Message, dialect: Dialect) -> dict[int, str]:
    """The elements of a message as they may be printed or logged."""
    return {number: _shown(message, number, dialect) for number in sorted(message.fields)}


def mask_tables(message: Message, dialect: Dialect) -> dict[str, str]:
    """The private tables of a message as they may be printed."""
    return {name: _table_shown(name, data) for name, data in find_tables(message, dialect).items()}


def describe(message: Message, dialect: Dialect) -> list[Row]:
    """Rows of element, standard name and masked value; packed elements have one more row for each part."""
    rows: list[Row] = [("MTI", "message type", message.mti)]
    for number, shown in mask_fields(message, dialect).items():
        if number == 4 and len(message.get(49)) == 3:
            shown += f"  {format_amount(int(shown), message.get(49))}"
        rows.append((f"DE{number}", ELEMENTS[number].name, shown))
        rows.extend(_parts(message, number, dialect))
    return rows


def _shown(message: Message, number: int, dialect: Dialect) -> str:
    value = message.fields[number]
    if number in _HIDDEN_ELEMENTS:
        return f"[{len(value)} characters hidden]"
    if number == 2:
        return mask_pan(value)
    if _is_packed(message, number):
        return f"[{len(value)} characters]"
    return value


def _is_packed(message: Message, number: int) -> bool:
    return number == 48 or (number == 63 and not has_totals(message))


def _parts(message: Message, number: int, dialect: Dialect) -> list[Row]:
    value = message.fields[number]
    try:
        if number == 54 and len(value) != 12:  # twelve digits are a tip in a request, not blocks
            return [
                (
                    "",
                    f"{BALANCE_NAMES.get(block.kind, block.kind)}, account {block.account}",
                    format_amount(block.amount, block.currency),
                )
                for block in decode_balances(value)
            ]
        if _is_packed(message, number):
            tables = decode_tables(value, dialect)
            return [row for name, data in tables.items() for row in _table_rows(name, data)]
        if number == 63:
            return [
                ("", f"block {index}", f"{count} times, {amount} minor units")
                for index, (count, amount) in enumerate(decode_totals(value), 1)
            ]
    except WireError as error:
        return [("", "cannot be read", error.text)]
    return []


def _table_rows(name: str, data: str) -> list[Row]:
    """The table as it is, and its parts where it has any."""
    rows = [(f"  {name}", TABLE_NAMES.get(name, "unknown table"), _table_shown(name, data))]
    try:
        return rows + [("", part, shown) for part, shown in table_pairs(name, data)]
    except WireError as error:
        return [*rows, ("", "cannot be read", error.text)]


def _table_shown(name: str, data: str) -> str:
    if name in _HIDDEN_TABLES:
        return "[hidden]"
    if name == "TO":
        return mask_pan(data)
    if name in ("PH", "CD"):
        return mask_tail(data)
    return data.replace("\n", " / ")
