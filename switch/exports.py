"""Settlements as files: CSV, a workbook, XML. The same settlement gives the same bytes each time.

Amounts are decimal numbers of their currency, times ISO 8601 in UTC, currencies letters.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from xml.etree import ElementTree

from specs.money import CURRENCIES, exponent
from switch.core.clock import SECOND
from switch.core.merchants import BLOCK_NAMES, Batch
from switch.core.settlement import Irregularity, Line
from switch.statements import Statement

Cell = str | int
Row = Mapping[str, Cell]


class NoWorkbooks(Exception):
    """The library that writes them is not installed."""


def sections(statement: Statement, terminals: Mapping[int, str]) -> dict[str, list[Row]]:
    """A statement as tables: lines, batches, irregularities.

    Args:
        terminals: Terminal ids by Terminal.id.
    """
    return {
        "settlement": [_head(statement)],
        "line": list(map(_line, statement.lines)),
        "batch": [_batch(batch, terminals) for batch in statement.closed],
        "exception": [_exception(one, terminals) for one in statement.irregularities],
    }


def _head(statement: Statement) -> Row:
    settlement = statement.settlement
    return {
        "merchant_id": statement.merchant.merchant_id,
        "number": settlement.number,
        "day": settlement.day,
        "since": _moment(settlement.since) if settlement.since else "",
        "until": _moment(settlement.until),
    }


def _line(line: Line) -> Row:
    return {
        "application": line.application,
        "product": line.product,
        "currency": _letters(line.currency),
        "kind": line.kind,
        "message": line.message,
        "count": line.count,
        "amount": _decimal(line.amount, line.currency),
        "owed": _decimal(line.owed, line.currency),
        "uncovered": _decimal(line.uncovered, line.currency),
    }


def _batch(batch: Batch, terminals: Mapping[int, str]) -> Row:
    row = {
        "terminal_id": terminals.get(batch.terminal, ""),
        "application": batch.application,
        "batch": f"{batch.number:06d}",
        "currency": _letters(batch.currency),
        "closed": _moment(batch.closed_at or 0),
        "reason": batch.reason,
    }
    blocks: dict[str, Cell] = {}
    for block, total in zip(BLOCK_NAMES, batch.totals, strict=True):
        blocks |= {f"{block}_count": total.count, f"{block}_amount": _decimal(total.amount, batch.currency)}
    return row | blocks


def _exception(one: Irregularity, terminals: Mapping[int, str]) -> Row:
    return {
        "what": one.what,
        "terminal_id": terminals.get(one.terminal, ""),
        "application": one.application,
        "batch": f"{one.batch:06d}" if one.batch else "",
        "rrn": one.rrn,
        "kind": one.kind,
        "currency": _letters(one.currency),
        "asked": _decimal(one.asked, one.currency) if one.rrn else "",
        "booked": _decimal(one.booked, one.currency) if one.rrn else "",
    }


def to_csv(tables: Mapping[str, Sequence[Row]], settled_at: int) -> bytes:
    """One table of all sections, with the section's name in the first column."""
    columns = list(dict.fromkeys(name for rows in tables.values() for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, ["section", *columns], restval="", lineterminator="\r\n")
    writer.writeheader()
    for section, rows in tables.items():
        writer.writerows({"section": section, **{name: _harmless(cell) for name, cell in row.items()}} for row in rows)
    return text.getvalue().encode()


def to_xml(tables: Mapping[str, Sequence[Row]], settled_at: int) -> bytes:
    (head,) = tables["settlement"]
    root = ElementTree.Element("settlement", {name: str(cell) for name, cell in head.items()})
    for section, rows in tables.items():
        if section != "settlement":
            for row in rows:
                ElementTree.SubElement(root, section, {name: str(cell) for name, cell in row.items()})
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def to_xlsx(tables: Mapping[str, Sequence[Row]], settled_at: int) -> bytes:
    """A sheet for each section.

    Raises:
        NoWorkbooks: XlsxWriter is not installed.
    """
    try:
        import xlsxwriter  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        raise NoWorkbooks("workbooks need the extra `reports`: pip install 'tillswitch[reports]'") from None
    buffer = io.BytesIO()
    # Text stays text: nothing from outside becomes a formula or a link.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(buffer, options)
    created = dt.datetime.fromtimestamp(settled_at // SECOND, dt.UTC).replace(tzinfo=None)
    book.set_properties({"created": created})  # else the time of the export, and no two files would be alike
    for section, rows in tables.items():
        sheet = book.add_worksheet(section)
        columns = list(rows[0]) if rows else []
        sheet.write_row(0, 0, columns)
        for place, row in enumerate(rows, 1):
            sheet.write_row(place, 0, [_number(name, cell) for name, cell in row.items()])
    book.close()
    return buffer.getvalue()


FORMATS: Final[dict[str, Callable[[Mapping[str, Sequence[Row]], int], bytes]]] = {
    "csv": to_csv,
    "xlsx": to_xlsx,
    "xml": to_xml,
}


def _number(name: str, cell: Cell) -> Cell | float:
    """Amounts as numbers a sheet can add up; all of them are exact to their last digit below 10^15 units."""
    is_amount = name in ("amount", "owed", "uncovered", "asked", "booked") or name.endswith("_amount")
    return float(cell) if is_amount and cell else cell


def _harmless(cell: Cell) -> Cell:
    """Text that a spreadsheet would take for a formula is marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "@", "\t", "\r") else cell


def _decimal(amount: int, currency: str) -> str:
    digits = exponent(currency) if currency in CURRENCIES else 0
    sign, units = "-" if amount < 0 else "", f"{abs(amount):0{digits + 1}d}"
    return f"{sign}{units[:-digits]}.{units[-digits:]}" if digits else f"{sign}{units}"


def _letters(currency: str) -> str:
    return CURRENCIES[currency][0] if currency in CURRENCIES else currency


def _moment(moment: int) -> str:
    return dt.datetime.fromtimestamp(moment // SECOND, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
