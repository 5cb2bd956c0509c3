"""A settlement as a whole statement, read from the books: for commands that show and export it."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from switch.core.journal import Row
from switch.core.merchants import UPLOADED, Batch, Merchant, Settlement
from switch.core.settlement import Irregularity, Line, irregularities, lines
from switch.store.port import Reader

PAGE = 500  # families read at a time


class Statement(msgspec.Struct, frozen=True):
    """What one settlement says. `closed`: the batches, and parts, that closed in its time."""

    merchant: Merchant
    settlement: Settlement
    lines: list[Line]
    closed: list[Batch]
    irregularities: list[Irregularity]


def statement(reader: Reader, merchant: Merchant, settlement: Settlement) -> Statement:
    """Read it. The same settlement is the same statement for ever: its rows are never edited, and none is added."""
    rows = list(reader.settled_rows(merchant.id, settlement.since, settlement.until))
    closed = reader.closed_batches(merchant.id, settlement.since, settlement.until)
    batches = {batch.id: batch for batch in reader.batches_of(sorted({row.batch for row in rows if row.batch}))}
    batches |= {batch.id: batch for batch in closed}
    uploaded = {batch.id: _rows_of(reader, batch) for batch in closed if batch.reason == UPLOADED}
    products = reader.products(sorted({row.card_id for row in rows if row.card_id}))
    families = _families(reader, [row for some in uploaded.values() for row in some])
    odd = irregularities(settlement, rows, batches, uploaded, families)
    return Statement(merchant, settlement, lines(rows, products, merchant.id), closed, odd)


def _rows_of(reader: Reader, batch: Batch) -> list[Row]:
    """The rows of all parts of a batch."""
    parts = [part.id for part in reader.batches(batch.terminal) if part.whole == batch.whole]
    return reader.batch_rows(sorted(parts))


def _families(reader: Reader, rows: list[Row]) -> dict[int, list[Row]]:
    families: defaultdict[int, list[Row]] = defaultdict(list)
    roots = sorted({row.root for row in rows})
    for start in range(0, len(roots), PAGE):
        for row in reader.families(roots[start : start + PAGE]):
            families[row.root].append(row)
    return families
