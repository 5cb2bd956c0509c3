"""What a settlement says: per application, product and currency what was done, what the merchant is owed, and what was
not plain. Read from the journal; the record of a settlement only says which rows are in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from specs.transaction import TOTALS_BLOCKS, MessageClass
from switch.core.irregular import MISSING, OTHER_TOTALS, irregular, moved_for
from switch.core.journal import Row
from switch.core.merchants import SETTLED, UPLOADED, Batch, Settlement
from switch.core.undo import is_live


class Line(msgspec.Struct, frozen=True):
    """Transactions of one sort. `owed` is what the merchant is owed for them (below zero: what it owes)."""

    application: str
    product: str
    currency: str
    kind: str
    message: str
    count: int
    amount: int
    owed: int
    uncovered: int


class Irregularity(msgspec.Struct, frozen=True):
    """Something that is not plain: about a transaction (`rrn`), or a batch as a whole."""

    what: str
    terminal: int
    application: str
    batch: int  # its number, 0: none
    rrn: str = ""
    kind: str = ""
    asked: int = 0
    booked: int = 0
    currency: str = ""


def lines(rows: Iterable[Row], products: Mapping[int, str], merchant: int) -> list[Line]:
    """What `rows` moved for a merchant, in a fixed order; each account of it in the line of its own currency.

    Args:
        products: Of cards, by Card.id.
    """
    sums: dict[tuple[str, str, str, str, str], list[int]] = {}
    for row in rows:
        moved = moved_for(row, merchant)
        if row.merchant == merchant and row.took_effect:
            moved.setdefault(row.currency, [0, 0])
        for currency, (owed, uncovered) in moved.items():
            own = row.merchant == merchant and currency == row.currency
            key = (row.application, products.get(row.card_id, ""), currency, row.kind.value, row.message_class.value)
            held = sums.setdefault(key, [0, 0, 0, 0])
            for place, value in enumerate((int(own), row.amount if own else 0, owed, uncovered)):
                held[place] += value
    return [Line(*key, *values) for key, values in sorted(sums.items())]


def irregularities(
    settlement: Settlement,
    rows: Iterable[Row],
    batches: Mapping[int, Batch],
    uploaded: Mapping[int, Sequence[Row]],
    families: Mapping[int, Sequence[Row]],
) -> list[Irregularity]:
    """What in a settlement somebody should look at, as of when it was cut.

    Args:
        batches: Those that rows are in, and those that closed meanwhile.
        uploaded: Of each batch closed after an upload, by Batch.id: all rows of all its parts.
        families: Of these rows, by root.
    """
    found = [
        _about(row, what, batches.get(row.batch))
        for row in rows
        if row.merchant == settlement.merchant and row.terminal
        for what in irregular(row, settlement.merchant)
    ]
    for batch in sorted(batches.values(), key=lambda one: one.id):
        is_own = batch.merchant == settlement.merchant
        if not is_own or batch.closed_at is None or not settlement.since <= batch.closed_at < settlement.until:
            continue
        if batch.reason == UPLOADED and batch.differs:
            found.append(_about_batch(batch, OTHER_TOTALS))
        elif batch.reason not in (SETTLED, UPLOADED) and (batch.since or batch.first or batch.claimed):
            found.append(_about_batch(batch, batch.reason.replace(" ", "_")))
        if batch.id in uploaded:
            before = [row for row in uploaded[batch.id] if row.decided_at < settlement.until]
            found += [_about(row, MISSING, batch) for row in _missing(before, families, settlement.until)]
    return found


def _missing(rows: Sequence[Row], families: Mapping[int, Sequence[Row]], until: int) -> list[Row]:
    """What counts in a batch and was not uploaded with it."""
    matched = {row.matched for row in rows}
    return [
        row
        for row in rows
        if row.id not in matched
        and row.message_class in (MessageClass.REQUEST, MessageClass.ADVICE)
        and row.kind in TOTALS_BLOCKS
        and row.took_effect
        and is_live(row, [one for one in families.get(row.root, [row]) if one.decided_at < until])
    ]


def _about(row: Row, what: str, batch: Batch | None) -> Irregularity:
    return Irregularity(
        what=what,
        terminal=row.terminal,
        application=row.application,
        batch=batch.number if batch else 0,
        rrn=row.rrn,
        kind=row.kind.value,
        asked=row.asked,
        booked=row.amount,
        currency=row.currency,
    )


def _about_batch(batch: Batch, what: str) -> Irregularity:
    return Irregularity(what=what, terminal=batch.terminal, application=batch.application, batch=batch.number)
