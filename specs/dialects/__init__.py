"""The dialects: one table each, read from TOML and checked whole before anything uses it.

Responsible for finding, merging and checking dialect files; the packaged ones are checked when this is imported. What
the keys mean on the wire is in `terminals`. A site's own file usually says `extends = "nac"` and changes what differs.
"""

import codecs
import re
import tomllib
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from specs.iso8583 import ELEMENTS, Element, parse_element
from specs.outcomes import Outcome
from specs.transaction import BalanceType, Kind, MessageClass, Purse
from specs.visa2 import PROTOCOL, Visa2Dialect
from specs.visa2 import faults as visa2_faults

E = TypeVar("E", bound=Enum)


class DialectError(ValueError):
    """A dialect file is wrong; the text names the file, the key, the reason and what is allowed."""


class LengthPrefix(Enum):
    """How a frame says how long it is; the length does not count itself."""

    BINARY2 = "binary2"
    ASCII4 = "ascii4"


class TPDUMode(Enum):
    """What becomes of the TPDU in the answer."""

    SWAP = "swap"
    ECHO = "echo"
    NONE = "none"  # frames have none


class Encoding(Enum):
    """How the types of fields look: packed decimals and raw bytes, or text throughout."""

    BCD = "bcd"
    ASCII = "ascii"


class TableLayout(Enum):
    """How the pieces of a private table are put together."""

    LENGTH_FIRST = "length_first"
    ID_FIRST = "id_first"


class Transaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a processing code means, and the fields it cannot do without (2: any card field, 37: DE37 or DE62).

    `tables` are the private tables without which it cannot be done; to undo it they are not needed.
    """

    kind: Kind
    needs: tuple[int, ...]
    tables: tuple[str, ...] = ()


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, eq=False):
    """Everything in which one dialect differs from another; compared by identity, as codecs are kept for each."""

    name: str
    length: LengthPrefix
    tpdu: TPDUMode
    encoding: Encoding
    table_layout: TableLayout
    answer_table: int
    settlement_table: int
    code_page: str
    transactions: dict[MessageClass, dict[str, Transaction]]
    network_codes: dict[str, Kind]
    outcomes: dict[Outcome, str]
    purses: dict[Purse, str]
    balance_types: dict[BalanceType, str]
    fields: dict[int, str] = {}

    @property
    def elements(self) -> dict[int, Element]:
        """The type of every field, with this dialect's own."""
        return ELEMENTS | {number: parse_element(form) for number, form in self.fields.items()}

    def find_transaction(self, message_class: MessageClass, processing_code: str) -> Transaction | None:
        """What a processing code means in a class of messages; its sixth digit is a flow flag and not compared."""
        if message_class in _AS_REQUEST:
            message_class = MessageClass.REQUEST
        return self.transactions.get(message_class, {}).get(processing_code[:5] + "0")


#: These carry the processing code of the request they undo, tell of or repeat.
_AS_REQUEST: Final = frozenset({MessageClass.REVERSAL, MessageClass.ADVICE, MessageClass.UPLOAD})

#: Kinds no code stands for: they are what is left when reading failed.
_WITHOUT_CODE: Final = frozenset({Kind.MALFORMED, Kind.UNKNOWN, Kind.OPERATOR})
#: Kinds that only VISA-2 has codes for.
ONLY_VISA2: Final = frozenset(
    {
        *(Kind.GIFT_CASH_BACK, Kind.GIFT_UNLOAD, Kind.GIFT_VOID, Kind.GIFT_ANY),
        *(Kind.LOYALTY_VOID, Kind.LOYALTY_ANY, Kind.CONFIRMATION, Kind.CAPTURE),
    }
)

_EXTENDS_MAX: Final = 4  # files in a chain; longer is a circle
_FOLDER: Final = Path(__file__).parent


def find_dialect(name_or_path: str | Path) -> Dialect | Visa2Dialect:
    """A dialect of either protocol, packaged or a site's own.

    Raises:
        DialectError: there is no such dialect, or its file is wrong.
    """
    if name_or_path == PROTOCOL:
        return VISA2
    path = Path(name_or_path)
    if path.suffix == ".toml" and "protocol" in _read(path, _EXTENDS_MAX):
        return _load_visa2(path)
    return load_dialect(name_or_path)


def load_dialect(name_or_path: str | Path) -> Dialect:
    """A packaged dialect of ISO 8583 by name, or a site's own from a path that ends in `.toml`.

    Raises:
        DialectError: there is no such dialect, or its file is wrong.
    """
    if isinstance(name_or_path, str) and name_or_path in PACKAGED:
        return PACKAGED[name_or_path]
    path = Path(name_or_path)
    if path.suffix != ".toml":
        raise DialectError(
            f"{name_or_path}: no such dialect; allowed: {_listed((*PACKAGED, PROTOCOL))}, or the path of a .toml file"
        )
    return _load(path)


def _load(path: Path) -> Dialect:
    table = _read(path, _EXTENDS_MAX) | {"name": path.stem}
    try:
        dialect = msgspec.convert(table, Dialect, str_keys=True)
    except msgspec.ValidationError as error:
        raise DialectError(f"{path.name}: {_explained(str(error), table)}") from None
    for key, reason in _faults(dialect):
        raise DialectError(f"{path.name}: {key}: {reason}")
    return dialect


def _load_visa2(path: Path) -> Visa2Dialect:
    table = _read(path, _EXTENDS_MAX) | {"name": path.stem}
    try:
        dialect = msgspec.convert(table, Visa2Dialect, str_keys=True)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at ")
        raise DialectError(f"{path.name}: {place.strip('`').removeprefix('$.') or 'file'}: {reason}") from None
    if dialect.protocol != PROTOCOL:
        raise DialectError(f"{path.name}: protocol: allowed: {PROTOCOL}")
    for key, reason in visa2_faults(dialect):
        raise DialectError(f"{path.name}: {key}: {reason}")
    return dialect


def _read(path: Path, depth: int) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DialectError(f"{path.name}: cannot be read: {reason}") from None
    base = table.pop("extends", None)
    if base is None:
        return table
    if not isinstance(base, str) or depth == 0:
        raise DialectError(f"{path.name}: extends: the name of another dialect file, and not in a circle")
    beside = path.parent / f"{base}.toml"
    below = _read(beside if beside.exists() and beside != path else _FOLDER / f"{base}.toml", depth - 1)
    return _merged(below, table)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = below | above
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            merged[key] = _merged(below[key], above[key])
    return merged


def _faults(dialect: Dialect) -> Iterable[tuple[str, str]]:
    """What the types cannot say; (key, reason) of everything wrong."""
    yield from _faults_of_codes("outcomes", Outcome, dialect.outcomes)
    yield from _faults_of_codes("purses", Purse, dialect.purses)
    yield from _faults_of_codes("balance_types", BalanceType, dialect.balance_types)
    kinds = set(dialect.network_codes.values())
    for message_class, codes_of_class in dialect.transactions.items():
        for code, transaction in codes_of_class.items():
            kinds.add(transaction.kind)
            key = f"transactions.{message_class.value}.{code}"
            if message_class in _AS_REQUEST:
                yield key, "reversals, advices and uploads use the codes of requests"
            if not re.fullmatch("[0-9]{5}0", code):
                yield key, "a processing code is six digits; the sixth is a flow flag, written 0"
            if not set(transaction.needs) <= ELEMENTS.keys():
                yield f"{key}.needs", "allowed: numbers from 2 to 128"
            if not all(len(table_id) == 2 for table_id in transaction.tables):
                yield f"{key}.tables", "the id of a private table has two characters"
    for kind in set(Kind) - _WITHOUT_CODE - ONLY_VISA2 - kinds:
        yield "transactions", f"no code stands for {kind.value}"
    for code in dialect.network_codes:
        if not re.fullmatch("[0-9]{3}", code):
            yield f"network_codes.{code}", "DE70 has three digits"
    yield from _faults_of_fields(dialect)


def _faults_of_codes(key: str, members: type[E], codes: dict[E, str]) -> Iterable[tuple[str, str]]:
    for member in members:
        if not re.fullmatch("[0-9A-Z]{2}", codes.get(member, "")):
            yield f"{key}.{member.value}", "a code of two digits or capital letters is needed"


def _faults_of_fields(dialect: Dialect) -> Iterable[tuple[str, str]]:
    for number, form in dialect.fields.items():
        if number not in ELEMENTS:
            yield f"fields.{number}", "allowed: numbers from 2 to 128"
        try:
            parse_element(form)
        except ValueError as error:
            yield f"fields.{number}", f"{form!r} is {error}"
    for key in ("answer_table", "settlement_table"):
        if getattr(dialect, key) not in (48, 63):
            yield key, "allowed: 48, 63"
    try:
        codecs.lookup(dialect.code_page)
    except LookupError:
        yield "code_page", f"{dialect.code_page!r} is not known; allowed: ascii, cp1254, iso8859-9, …"


_CHOICES: Final[dict[str, type[Enum]]] = {
    "length": LengthPrefix,
    "tpdu": TPDUMode,
    "encoding": Encoding,
    "table_layout": TableLayout,
    "transactions": Kind,
    "network_codes": Kind,
    "outcomes": Outcome,
    "purses": Purse,
    "balance_types": BalanceType,
}


def _explained(error: str, table: dict[str, Any]) -> str:
    """msgspec's "reason - at `$.key`" or "reason - at `key` in `$.table`" turned round, with what is allowed."""
    reason, _, place = error.partition(" - at ")
    is_key = place.startswith("`key` in ")
    key = place.removeprefix("`key` in ").strip("`").removeprefix("$").removeprefix(".") or "file"
    name, dots, inside = key.partition("[...]")
    choices = MessageClass if is_key and key == "transactions" else _CHOICES.get(name)
    if dots:
        key = _wrong_entry(name, table) + inside.removeprefix("[...]")
    if choices is not None and "enum" in reason:
        return f"{key}: {reason}; allowed: {_listed(str(member.value) for member in choices)}"
    if "unknown field" in reason:
        allowed = Transaction if name == "transactions" else Dialect
        return f"{key}: {reason}; allowed: {_listed(allowed.__struct_fields__)}"
    return f"{key}: {reason}"


def _wrong_entry(name: str, table: dict[str, Any]) -> str:
    """The key msgspec calls `[...]`: that of the first entry which is refused alone too."""
    for key, value in table[name].items():
        parts = {f"{name}.{key}": {key: value}}
        if name == "transactions" and isinstance(value, dict):
            parts = {f"{name}.{key}.{code}": {key: {code: entry}} for code, entry in value.items()}
        for path, part in parts.items():
            try:
                msgspec.convert(table | {name: part}, Dialect, str_keys=True)
            except msgspec.ValidationError:
                return path
    return name


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


PACKAGED: Final[dict[str, Dialect]] = {name: _load(_FOLDER / f"{name}.toml") for name in ("nac", "ascii")}
VISA2: Final[Visa2Dialect] = _load_visa2(_FOLDER / f"{PROTOCOL}.toml")
