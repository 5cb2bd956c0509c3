"""Prove the books: add everything up again, follow every seal, and name the first fact that is broken.

The journal is read once by id, then the families of rows that name an original, then each account with its entries.
What has to be kept meanwhile is little: the group each daemon is in, the sums of accounts nobody reads, and one integer
for each family. See `Audit` for what cannot be seen from the inside.
"""

from __future__ import annotations

import hashlib
import itertools
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterator

import msgspec

from specs.transaction import Total
from switch.audit_accounts import OpenedAccounts, wrong_account
from switch.core.decision import check_entries
from switch.core.holdings import Account, AccountKind
from switch.core.journal import Entry, Row, Seal
from switch.core.merchants import NO_TOTALS, Batch, Closer
from switch.core.returns import given_of
from switch.core.undo import is_live, live_refunds
from switch.seals import seal_of
from switch.store.port import Reader

PAGE = 500  # seals or families read at a time
STEP = 10_000  # rows or accounts between two yields


class BrokenFact(Exception):
    """What does not hold, in a sentence."""


class Audit(msgspec.Struct):
    """What was looked at. The seals prove the journal; balances are proved by the journal.

    Two things need something from outside. Books cut off at a seal are consistent in themselves: keep the `newest`
    seals elsewhere and give them to the next audit. And what no row tells is not proved: the records of merchants and
    terminals, when batches opened, a card's state, its place among others and its PIN tries.
    """

    rows: int = 0
    entries: int = 0
    accounts: int = 0
    seals: int = 0
    batches: int = 0
    newest: dict[str, str] = {}


def audit(reader: Reader, seal_key: bytes, noted: Collection[str] = ()) -> Iterator[Audit]:
    """Check everything; yields the counts from time to time, the last time when all is proved.

    Args:
        noted: Seals in hex that were the newest at some time, and so must be among those of the books.

    Raises:
        BrokenFact: the first that does not hold.
    """
    done = Audit()
    chains = _Chains(reader, seal_key, done, noted)
    totals, opened = _Totals(seal_key), OpenedAccounts(seal_key)
    sums: defaultdict[int, int] = defaultdict(int)  # of accounts nobody reads
    roots = array("q")
    posted = 0
    for row in reader.rows():
        chains.add(row)
        _check_row(row)
        totals.add(row)
        opened.add(row)
        if row.original:
            roots.append(row.root)
        for entry in row.entries:
            if entry.sequence is None:
                sums[entry.account] += entry.amount
            else:
                posted += 1
        done.rows += 1
        done.entries += len(row.entries)
        if done.rows % STEP == 0:
            yield done
    chains.end()
    yield done
    _check_families(reader, roots)
    _check_batches(reader, totals, done)
    yield done
    for account, entries in reader.histories():
        posted -= len(entries)
        _check_account(account, entries, sums)
        opened.take_out(account)
        done.accounts += 1
        if done.accounts % STEP == 0:
            yield done
    if sums:
        raise BrokenFact(f"account {min(sums)} has entries but does not exist")
    if posted:
        kind = "accounts" if posted > 0 else "rows"
        raise BrokenFact(f"there are entries ({abs(posted)}) of {kind} that do not exist")
    if not opened.agree():
        raise BrokenFact(wrong_account(reader))
    yield done


class _Totals:
    """Whether the totals of all batches are what the rows have counted in them, without keeping them.

    Each block of each batch has a random weight. What the rows add and what the batches hold, both weighed, differ by
    nothing; if something is wrong, they agree by a chance of one in 2^64.
    """

    def __init__(self, key: bytes) -> None:
        self._key, self._sum = key, 0

    def add(self, row: Row) -> None:
        for count in row.counts:
            self._sum += self._weight(count.batch, count.block, Total(count.count, count.amount))

    def take_out(self, batch: Batch) -> None:
        for block, total in enumerate(batch.totals):
            self._sum -= self._weight(batch.id, block, total)

    def agree(self) -> bool:
        return self._sum == 0

    def _weight(self, batch: int, block: int, total: Total) -> int:
        digest = hashlib.blake2b(b"%d:%d" % (batch, block), key=self._key[:64], digest_size=16).digest()
        return int.from_bytes(digest[:8]) * total.count + int.from_bytes(digest[8:]) * total.amount


def _check_batches(reader: Reader, totals: _Totals, done: Audit) -> None:
    """Totals follow from the journal; parts follow one another."""
    for batch in reader.all_batches():
        totals.take_out(batch)
        done.batches += 1
        if batch.closed_by is Closer.TERMINAL and batch.closed_at is None:
            raise BrokenFact(f"batch {batch.id}: closed, and nobody knows when")
    if not totals.agree():
        raise BrokenFact(_wrong_batch(reader))
    before: Batch | None = None
    for part in reader.parts():
        if before and before.first == part.first:
            if part.carried != before.booked or before.closed_at is None:
                raise BrokenFact(f"batch {part.id}: it does not begin with the totals of the parts before it")
        elif part.carried != NO_TOTALS:
            raise BrokenFact(f"batch {part.id}: its first part is missing")
        before = part


def _wrong_batch(reader: Reader) -> str:
    """Read the journal once more, to name one batch whose totals are wrong."""
    sums: defaultdict[tuple[int, int], Total] = defaultdict(Total)
    for row in reader.rows():
        for count in row.counts:
            held = sums[count.batch, count.block]
            sums[count.batch, count.block] = Total(held.count + count.count, held.amount + count.amount)
    for batch in reader.all_batches():
        counted = tuple(sums.pop((batch.id, block), Total()) for block in range(len(batch.totals)))
        if counted != batch.totals:
            return f"batch {batch.id}: its totals are not what its transactions add up to"
    return f"batch {min(sums)[0]}: transactions count in it, and it does not exist"


def _check_row(row: Row) -> None:
    try:
        check_entries(row.entries)
    except AssertionError as fault:
        raise BrokenFact(f"row {row.id}: {fault}") from None
    if row.entries and not row.accepted:
        raise BrokenFact(f"row {row.id}: refused, and yet it moved value")
    if row.counts and not row.accepted:
        raise BrokenFact(f"row {row.id}: refused, and yet it counts in a batch")


def _check_account(account: Account, entries: list[Entry], sums: defaultdict[int, int]) -> None:
    """A holder's account follows from its entries one by one; of the others only the sum is known.

    Args:
        sums: What the rows posted to the others; this account's is taken out.
    """
    if account.id < 0:
        if account.balance != sums.pop(account.id, 0):
            raise BrokenFact(f"account {account.id}: its balance is not the sum of its entries")
        return
    balance = 0
    for expected, entry in enumerate(entries, 1):
        if entry.sequence != expected:
            raise BrokenFact(f"account {account.id}: entry {expected} is missing")
        balance += entry.amount
        if entry.balance_after != balance or entry.currency != account.currency:
            raise BrokenFact(f"account {account.id}: entry {expected} does not follow from the one before")
        if balance > 0 if account.kind is AccountKind.DEBT else balance < 0:
            side = "above" if balance > 0 else "below"
            raise BrokenFact(f"account {account.id}: {side} zero after entry {expected}")
    if account.spent and balance:
        raise BrokenFact(f"account {account.id}: has points, and is kept as an empty one")
    if (account.entries, account.balance) != (len(entries), balance):
        raise BrokenFact(f"account {account.id}: its balance is not that of its last entry")


def _check_families(reader: Reader, roots: array[int]) -> None:
    """At most one live undo of each row; no more refunded than was spent."""
    wanted = sorted(set(roots))
    for start in range(0, len(wanted), PAGE):
        families: defaultdict[int, list[Row]] = defaultdict(list)
        for row in reader.families(wanted[start : start + PAGE]):
            families[row.root].append(row)
        for family in families.values():
            for row in family:
                _check_undone(row, family)


def _check_undone(row: Row, family: list[Row]) -> None:
    undos = [other for other in family if other.original == row.id and other.is_undo and is_live(other, family)]
    if len(undos) > 1:
        raise BrokenFact(f"row {row.id}: undone twice, by {undos[0].id} and {undos[1].id}")
    # A refund that was voided is live again once its void is reversed, whatever was refunded since (WIRE.md section 4).
    voided = {other.original for other in family if other.is_undo}
    refunds = [other for other in live_refunds(row, family) if other.id not in voided]
    if sum(other.amount for other in refunds) > row.amount:
        raise BrokenFact(f"row {row.id}: more was refunded than it took")
    if row.deed and sum(other.deed.earned for other in refunds if other.deed) > row.deed.earned:
        raise BrokenFact(f"row {row.id}: more points were taken back than it earned")
    if row.deed and row.deed.taken and is_live(row, family):
        given = given_of(row, family, [other for other in family if other.id not in voided])
        points = sum(part for one in given for _, part in one.points)
        if points > row.card_amount or sum(one.worth for one in given) > row.amount:
            raise BrokenFact(f"row {row.id}: more was given back than it took")


class _Chains:
    """Follows the seals of every daemon while the rows go by, in the order of their seals."""

    def __init__(self, reader: Reader, key: bytes, done: Audit, noted: Collection[str]) -> None:
        self._reader, self._key, self._done = reader, key, done
        self._noted = set(noted)
        self._groups: dict[str, list[Row]] = {}  # the one each daemon is in
        self._seals: dict[str, Iterator[Seal]] = {}
        self._newest: dict[str, Seal] = {}

    def add(self, row: Row) -> None:
        group = self._groups.setdefault(row.daemon, [])
        if group and group[0].seal != row.seal:
            self._check(row.daemon, group)
            group.clear()
        group.append(row)

    def end(self) -> None:
        """Check what is left: the last groups, seals without rows, and the seals that must be there."""
        for daemon, group in self._groups.items():
            self._check(daemon, group)
        for daemon, seals in itertools.groupby(self._reader.seals(), key=lambda seal: seal.daemon):
            followed = self._newest[daemon].number if daemon in self._newest else 0
            for seal in seals:
                if seal.number > followed:
                    raise BrokenFact(f"seal {seal.number} of {daemon!r}: its rows are not there")
        if self._noted:
            raise BrokenFact(f"seal {min(self._noted)} was noted and is not there: the books were cut off before it")
        self._done.newest = {daemon: seal.mac.hex() for daemon, seal in self._newest.items()}

    def _check(self, daemon: str, group: list[Row]) -> None:
        """The rows of a whole group are those of the next seal, which follows from the one before."""
        seals = self._seals.setdefault(daemon, self._read(daemon))
        seal, before = next(seals, None), self._newest.get(daemon)
        if seal is None:
            raise BrokenFact(f"row {group[0].id}: seal {group[0].seal} of {daemon!r} is not there")
        if seal != seal_of(group, before, daemon, seal.sealed_at, self._key):
            raise BrokenFact(f"seal {seal.number} of {daemon!r}: its rows are not those that were sealed")
        self._newest[daemon] = seal
        self._noted.discard(seal.mac.hex())
        self._done.seals += 1

    def _read(self, daemon: str) -> Iterator[Seal]:
        number = 0
        while page := self._reader.seals_after(daemon, number, PAGE):
            yield from page
            number = page[-1].number
