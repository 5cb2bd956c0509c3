"""Whether accounts of points are whose the journal says, and end when it says, without keeping them all in mind.

Each account has a random weight. What the rows opened and what is there, both weighed, differ by nothing; if something
is wrong, they agree by a chance of one in 2^64.
"""

from __future__ import annotations

import hashlib

import msgspec

from switch.core.holdings import Account
from switch.core.journal import Opened, Row
from switch.core.workset import POINTS
from switch.store.port import Reader


class OpenedAccounts:
    def __init__(self, key: bytes) -> None:
        self._key, self._sum = key, 0

    def add(self, row: Row) -> None:
        for one in row.deed.opened if row.deed else ():
            self._sum += self._weight(one)

    def take_out(self, account: Account) -> None:
        if account.kind in POINTS:
            self._sum -= self._weight(_opened(account))

    def agree(self) -> bool:
        return self._sum == 0

    def _weight(self, one: Opened) -> int:
        told = msgspec.json.encode(one)
        return int.from_bytes(hashlib.blake2b(told, key=self._key[:64], digest_size=8).digest())


def wrong_account(reader: Reader) -> str:
    """Read the books once more, to name one account that is not as it was opened."""
    opened = {one.account: one for row in reader.rows() for one in (row.deed.opened if row.deed else ())}
    for account in reader.accounts():
        if account.kind in POINTS and opened.pop(account.id, None) != _opened(account):
            return f"account {account.id}: its member or its dates are not those it was opened with"
    return f"account {min(opened)}: was opened, and is not there"


def _opened(account: Account) -> Opened:
    return Opened(account.id, account.kind, account.holder, account.available_from, account.expires_on)
