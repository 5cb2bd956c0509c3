"""A member's points of one kind while one request is decided: what is there, and what is moved.

A lot is an account with dates; the balance is the sum of the lots and of one debt. Taken is what expires soonest;
what is put on pays a debt first. Nothing here knows why points move.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from switch.core.holdings import Account, AccountKind, opened_account
from switch.core.ledger import Move
from switch.core.workset import View

_NEVER = "9999-12-31"

Part = tuple[int, int]  # account and points


class Opening:
    """The ids of the accounts that one row opens."""

    def __init__(self, number: int) -> None:
        self._number, self._place = number, 0

    def next_id(self) -> int:
        self._place += 1
        return opened_account(self._number, self._place - 1)


class Purse:
    """See the head of this file. `moves` is what has been moved so far, `opened` the accounts it needed."""

    def __init__(self, accounts: Iterable[Account], holder: int, unit: str, today: dt.date, opening: Opening) -> None:
        self._accounts = {account.id: account for account in accounts}
        self._balances = {account.id: account.balance for account in self._accounts.values()}
        self._holder, self._unit, self._opening = holder, unit, opening
        self.today = today.isoformat()
        self.moves: list[Move] = []
        self.opened: list[Account] = []

    @classmethod
    def of(cls, view: View, holder: int, unit: str, today: dt.date, opening: Opening) -> Purse:
        return cls(view.points(holder, unit), holder, unit, today, opening)

    # -- what is there ------------------------------------------------------------------------------------------------
    @property
    def owed(self) -> int:
        return -sum(self._balances[account.id] for account in self._accounts.values() if _is_debt(account))

    @property
    def available(self) -> int:
        """What can be spent today; below zero where more is owed than there is."""
        return sum(self._balances[lot.id] for lot in self._lots() if _usable(lot, self.today)) - self.owed

    @property
    def total(self) -> int:
        """What can be spent today or later."""
        return sum(self._balances[lot.id] for lot in self._lots() if not _expired(lot, self.today)) - self.owed

    def expiring(self, days: int) -> tuple[int, str]:
        """The points that expire first, if they do within `days`, and their last day as ISO 8601."""
        last = (dt.date.fromisoformat(self.today) + dt.timedelta(days)).isoformat()
        lots = [lot for lot in self._lots() if lot.expires_on and _usable(lot, self.today) and self._balances[lot.id]]
        dates = sorted(lot.expires_on for lot in lots if lot.expires_on <= last)
        if not dates:
            return 0, ""
        return sum(self._balances[lot.id] for lot in lots if lot.expires_on == dates[0]), dates[0]

    # -- moving -------------------------------------------------------------------------------------------------------
    def take(self, points: int) -> list[Part]:
        """Take what expires soonest; no more than is available."""
        assert points <= max(0, self.available), "more taken than is there"
        return list(self._take_from(filter(lambda lot: _usable(lot, self.today), self._lots()), points))

    def take_back(self, points: int, first: Sequence[int]) -> int:
        """Take back what was put on: from the lots it lies in, then from the others. Returns what is not there.

        Pending lots are taken last of all: they are not the member's to spend yet, but they are not lost either.
        """
        own = [self._accounts[number] for number in first if number in self._accounts]
        others = (lot for lot in self._lots() if not _expired(lot, self.today))
        spending = sorted(others, key=lambda lot: not _usable(lot, self.today))
        return points - sum(part for _, part in self._take_from((*own, *spending), points))

    def _take_from(self, lots: Iterable[Account], points: int) -> Iterator[Part]:
        for lot in lots:
            part = min(points, self._balances[lot.id])
            if part > 0:
                points -= part
                self.move(lot.id, -part)
                yield lot.id, part

    def put(self, points: int, dates: tuple[str, str]) -> list[Part]:
        """Put points on: a debt is paid first, the rest goes to the lot with these dates."""
        parts = []
        paid = min(points, self.owed)
        if paid > 0:
            parts.append((self._debt(), paid))
        if points > paid:
            parts.append((self.lot(*dates), points - paid))
        for number, part in parts:
            self.move(number, part)
        return parts

    def owe(self, points: int) -> int:
        """Take on a debt; returns its account."""
        debt = self._debt()
        self.move(debt, -points)
        return debt

    def move(self, number: int, points: int) -> None:
        self._balances[number] += points
        self.moves.append(Move(number, self._unit, points))

    def holds(self, number: int) -> bool:
        """Whether an account is one of this purse."""
        return number in self._accounts

    def living(self, number: int, grace_days: int) -> int:
        """The account points go back into: one that lasts the days of grace, if the lot itself does not."""
        if number not in self._accounts or not grace_days:
            return number  # what was uncovered lies in no lot
        last = (dt.date.fromisoformat(self.today) + dt.timedelta(grace_days)).isoformat()
        lot = self._accounts[number]
        return self.lot("", last) if lot.expires_on and lot.expires_on < last else number

    def settle(self, dates: tuple[str, str]) -> int:
        """Make an undo possible: what a lot lacks comes from the others, what a debt has too much goes to a lot.

        Returns:
            What is not there at all.
        """
        lacking = {
            number: -balance for number, balance in self._balances.items() if balance < 0 and self._is_lot(number)
        }
        for number, points in lacking.items():
            self.move(number, points)
        surplus = -self.owed
        if surplus > 0:
            self.move(self._debt(), -surplus)
            self.put(surplus, dates)
        return self.take_back(sum(lacking.values()), ())

    def lot(self, available_from: str, expires_on: str) -> int:
        """The lot with these dates, opened if there is none."""
        found = (lot.id for lot in self._lots() if (lot.available_from, lot.expires_on) == (available_from, expires_on))
        return next(found, 0) or self._open(AccountKind.LOT, available_from, expires_on)

    def _debt(self) -> int:
        found = (account.id for account in self._accounts.values() if _is_debt(account))
        return next(found, 0) or self._open(AccountKind.DEBT)

    def _open(self, kind: AccountKind, available_from: str = "", expires_on: str = "") -> int:
        account = Account(
            self._opening.next_id(),
            kind,
            self._holder,
            self._unit,
            available_from=available_from,
            expires_on=expires_on,
        )
        self._accounts[account.id] = account
        self._balances[account.id] = 0
        self.opened.append(account)
        return account.id

    def _is_lot(self, number: int) -> bool:
        return not _is_debt(self._accounts[number])

    def _lots(self) -> list[Account]:
        """In the order in which they are spent: what expires soonest first."""
        lots = [account for account in self._accounts.values() if not _is_debt(account)]
        return sorted(lots, key=lambda lot: (lot.expires_on or _NEVER, lot.available_from, lot.id))


def dates_kept(lot: Account, today: str) -> tuple[str, str]:
    """The dates of points that go to somebody else: what can be spent today can be spent at once."""
    return ("" if lot.available_from <= today else lot.available_from), lot.expires_on


def with_balance(accounts: Iterable[Account], moves: Iterable[Move]) -> list[Account]:
    """The accounts as they are after `moves`."""
    after = {account.id: account for account in accounts}
    for move in moves:
        if move.account in after:
            account = after[move.account]
            after[move.account] = msgspec.structs.replace(account, balance=account.balance + move.amount)
    return list(after.values())


def _is_debt(account: Account) -> bool:
    return account.kind is AccountKind.DEBT


def _usable(lot: Account, today: str) -> bool:
    return lot.available_from <= today and not _expired(lot, today)


def _expired(lot: Account, today: str) -> bool:
    return lot.expires_on != "" and lot.expires_on < today
