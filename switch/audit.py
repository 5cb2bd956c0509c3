"""Prove the books: add everything up again, follow every seal, and name the first fact that is broken."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from switch.core.records import Row, Seal
from switch.core.undo import is_live
from switch.core.workset import check_entries
from switch.seals import seal_of
from switch.store.port import Reader


class BrokenFact(Exception):
    """What does not hold, in a sentence."""


class Audit(msgspec.Struct):
    """What was looked at. `newest` seals are worth keeping elsewhere: a cut-off tail shows against them."""

    rows: int = 0
    entries: int = 0
    accounts: int = 0
    seals: int = 0
    newest: dict[str, str] = {}


def audit(reader: Reader, seal_key: bytes) -> Iterator[Audit]:
    """Check everything; yields the counts from time to time, the last time when all is proved.

    Raises:
        BrokenFact: the first that does not hold.
    """
    done = Audit()
    sums: defaultdict[int, int] = defaultdict(int)
    sequences: dict[int, tuple[int, int]] = {}
    groups: defaultdict[tuple[str, int], list[Row]] = defaultdict(list)
    families: defaultdict[int, list[Row]] = defaultdict(list)
    chains: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for row in reader.rows():
        _check_row(row)
        for entry in row.entries:
            sums[entry.account] += entry.amount
            if entry.sequence is not None and entry.balance_after is not None:
                chains[entry.account].append((entry.sequence, entry.amount, entry.balance_after))
        groups[row.daemon, row.seal].append(row)
        families[row.root].append(row)
        done.rows += 1
        done.entries += len(row.entries)
        if done.rows % 10_000 == 0:
            yield done
    for number, chain in chains.items():
        sequences[number] = _follow(number, chain)
    for family in families.values():
        _check_family(family)
    for account in reader.accounts():
        done.accounts += 1
        if account.balance != sums.pop(account.id, 0):
            raise BrokenFact(f"account {account.id}: its balance is not the sum of its entries")
        if account.id > 0 and (account.entries, account.balance) != sequences.get(account.id, (0, 0)):
            raise BrokenFact(f"account {account.id}: its balance is not that of its last entry")
        if account.id > 0 and account.balance < 0:
            raise BrokenFact(f"account {account.id}: a holder's account is below zero")
    if sums:
        raise BrokenFact(f"account {min(sums)} has entries but does not exist")
    for daemon, seals in itertools.groupby(reader.seals(), key=lambda seal: seal.daemon):
        done.newest[daemon] = _follow_seals(daemon, seals, groups, seal_key, done)
    if groups:
        daemon, number = min(groups)
        raise BrokenFact(
            f"row {groups[daemon, number][0].id} belongs to seal {number} of {daemon!r}, which is not there"
        )
    yield done


def _check_row(row: Row) -> None:
    try:
        check_entries(row.entries)
    except AssertionError as fault:
        raise BrokenFact(f"row {row.id}: {fault}") from None
    if row.entries and not row.accepted:
        raise BrokenFact(f"row {row.id}: refused, and yet it moved value")


def _follow(account: int, chain: list[tuple[int, int, int]]) -> tuple[int, int]:
    """The number of entries and the last balance, each entry following from the one before."""
    balance = 0
    for expected, (sequence, amount, balance_after) in enumerate(sorted(chain), 1):
        if sequence != expected:
            raise BrokenFact(f"account {account}: entry {expected} is missing")
        balance += amount
        if balance_after != balance or balance < 0:
            raise BrokenFact(f"account {account}: entry {sequence} does not follow from the one before")
    return len(chain), balance


def _check_family(family: list[Row]) -> None:
    """At most one live undo of each row; no more refunded than was spent."""
    for row in family:
        undos = [other for other in family if other.original == row.id and other.is_undo and is_live(other, family)]
        if len(undos) > 1:
            raise BrokenFact(f"row {row.id}: undone twice, by {undos[0].id} and {undos[1].id}")
        refunds = [
            other for other in family if other.original == row.id and not other.is_undo and is_live(other, family)
        ]
        if sum(other.amount for other in refunds) > row.amount:
            raise BrokenFact(f"row {row.id}: more was refunded than it took")


def _follow_seals(
    daemon: str,
    seals: Iterator[Seal],
    groups: defaultdict[tuple[str, int], list[Row]],
    key: bytes,
    done: Audit,
) -> str:
    before: Seal | None = None
    for seal in seals:
        rows = groups.pop((daemon, seal.number), [])
        if seal != seal_of(rows, before, daemon, seal.sealed_at, key):
            raise BrokenFact(f"seal {seal.number} of {daemon!r}: its rows are not those that were sealed")
        before = seal
        done.seals += 1
    assert before is not None, "groupby gives no empty groups"
    return before.mac.hex()
