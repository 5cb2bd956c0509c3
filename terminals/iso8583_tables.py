"""What the private tables of a request say (WIRE.md section 3, "Private tables"): most requests have none."""

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from specs import iso8583
from specs.dialects import Dialect
from specs.sensitive import PAN, Secret
from specs.transaction import MessageClass, Request
from terminals.iso8583_fields import Fields, parse_batch
from terminals.point_tables import parse_basket, parse_phone, parse_tenders
from terminals.private_tables import Tables, parse_tables
from terminals.status_table import parse_status

T = TypeVar("T")


def read_tables(fields: Fields, dialect: Dialect, message_class: MessageClass) -> Tables:
    """Requests may use DE48 and DE63 alike; in settlements DE63 holds totals."""
    tables = Tables()
    for number in (48,) if message_class is MessageClass.SETTLEMENT else (48, 63):
        tables.add(number, fields.take(number, lambda text: parse_tables(text, dialect.table_layout)) or ())
    return tables


def with_tables(request: Request, tables: Tables, fields: Fields, dialect: Dialect) -> Request:
    """The request with what its tables say; one that cannot be read makes the field that carried it wrong."""
    pin = tables.text(iso8583.TABLE_PIN)
    language = tables.text(iso8583.TABLE_LANGUAGE)
    capabilities = tables.text(iso8583.TABLE_CAPABILITIES)

    def take(table_id: str, parse: Callable[[str], T]) -> T | None:
        return _take_table(fields, tables, table_id, parse)

    return msgspec.structs.replace(
        request,
        pin=Secret(pin) if pin else None,
        partial="P" in capabilities,
        texts="T" in capabilities,
        language=language.lower() if re.fullmatch("[A-Za-z]{2}", language) else None,
        basket=take(iso8583.TABLE_BASKET, lambda text: parse_basket(_from_code_page(text, dialect))) or (),
        tenders=take(iso8583.TABLE_TENDERS, parse_tenders) or (),
        other_card=take(iso8583.TABLE_OTHER_CARD, PAN),
        phone=take(iso8583.TABLE_PHONE, parse_phone),
        upload_batch=take(iso8583.TABLE_UPLOAD_BATCH, parse_batch),
        status=take(iso8583.TABLE_STATUS, parse_status),
    )


def _take_table(fields: Fields, tables: Tables, table_id: str, parse: Callable[[str], T]) -> T | None:
    """The table parsed; None if it is not there, or empty, or wrong: then the field that carried it is."""
    text = tables.text(table_id)
    try:
        return parse(text) if text else None
    except ValueError:
        fields.wrong.add(tables.carrier(table_id))
        return None


def _from_code_page(text: str, dialect: Dialect) -> str:
    """Bytes that the terminal's code page lacks stay as they are: no sale is worth refusing for a letter."""
    try:
        return text.encode("latin-1").decode(dialect.code_page)
    except UnicodeDecodeError:
        return text
