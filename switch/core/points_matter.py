"""What a rule of points looks at, and how what it came to is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec

from specs import limits
from specs.money import POINTS_UNIT
from specs.transaction import Balance, BalanceType, Kind, PointsTold
from specs.transaction import Purse as PurseKind
from switch.core.clock import local_time
from switch.core.holdings import Account, AccountKind, system_account
from switch.core.ledger import Move
from switch.core.lots import Opening, Part, Purse
from switch.core.programme import Programme
from switch.core.ruling import CardMatter, PointsRuling, Ruling
from switch.core.schemes import DebtPolicy, LoyaltyProduct, Scheme

#: Kinds whose answers tell points in detail (table PT).
TELLING = frozenset(
    {
        *(Kind.SALE, Kind.PREVIEW, Kind.POINTS_REDEEM, Kind.POINTS_BALANCE, Kind.SALE_RETURN, Kind.POINTS_PURCHASE),
        *(Kind.VOID_EARN, Kind.VOID_BURN, Kind.LOYALTY_VOID, Kind.LOYALTY_ANY),
    }
)

#: Kinds that make up a sale.
IN_SALE = (Kind.SALE, Kind.POINTS_REDEEM)


class PointsMatter(CardMatter, frozen=True, kw_only=True):
    """What the rule of a loyalty card looks at, with the points that count at this terminal."""

    product: LoyaltyProduct
    scheme: Scheme
    rate: Fraction | None  # scheme's minor units per terminal's; None where the table has no answer
    purse: Purse
    opening: Opening
    moment: dt.datetime  # of the deed, in the store's own time

    @property
    def today(self) -> dt.date:
        return day_of(self.programme, self.now)

    @property
    def dates(self) -> tuple[str, str]:
        """Of points earned by this message: by the day of the deed."""
        return self.scheme.lot_dates(self.moment.date() if self.forced else self.today)

    def approve(self, points: int, moves: tuple[Move, ...] = (), *, told: tuple[int, int] = (0, 0)) -> Ruling:
        """Approved, with what the purse has moved and `moves` beside.

        Args:
            points: What the row is about.
            told: Points earned and redeemed, as the receipt tells them.
        """
        return Ruling(
            amount=self.asked,
            card_amount=points,
            moves=(*self.purse.moves, *(move for move in moves if move.amount)),
            tell_balances=True,
            points=PointsRuling(self.scheme.unit, told, opened=tuple(self.purse.opened), root=self.root),
        )

    @property
    def root(self) -> int:
        """The messages of one sale are one family, whichever members paid; 0 if this is the first of them.

        A receipt number that stands on more than a sale has messages is none: it ties together no members, who would
        all be locked by each other's returns.
        """
        purchase = self.view.purchase
        alone = len(purchase) >= limits.PURCHASE_MAX
        found = [row for row in purchase if row.kind in IN_SALE and row.took_effect]
        own = (row for row in found if row.holder == self.card.holder)
        return next((row.root for row in (*own, *(() if alone else found))), 0)

    def purse_of(self, holder: int, unit: str) -> Purse:
        """Somebody's points of one kind; the member's own of this scheme are `purse`."""
        if (holder, unit) == (self.card.holder, self.scheme.unit):
            return self.purse
        return Purse.of(self.view, holder, unit, self.today, self.opening)


def cover(matter: PointsMatter, missing: int) -> tuple[tuple[Part, ...], tuple[Move, ...]]:
    """Points that have to be taken and are not there: the member owes them, or the merchant that sent the message does.

    Returns:
        From which account they come, and what is moved beside the purse.
    """
    if not missing:
        return (), ()
    if matter.scheme.debt is DebtPolicy.DEBT:
        return ((matter.purse.owe(missing), missing),), ()
    account = system_account(AccountKind.UNCOVERED, matter.terminal.merchant, matter.scheme.unit)
    return ((account, missing),), (Move(account, matter.scheme.unit, -missing),)


def with_points(ruling: Ruling, **changes: Any) -> Ruling:
    """The ruling with more said about points; a refusal has nothing to say."""
    if ruling.points is None:
        return ruling
    return msgspec.structs.replace(ruling, points=msgspec.structs.replace(ruling.points, **changes))


def day_of(programme: Programme, now: int) -> dt.date:
    """The day that the dates of lots are compared with: everywhere the same."""
    return local_time(now, programme.time_zone).date()


def moment_of(sent_at: int | None, forced: bool, local_now: dt.datetime) -> dt.datetime:
    """When it was done, in the store's own time: now, unless a till did it by itself and says when."""
    return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=sent_at) if forced and sent_at is not None else local_now


def told_points(
    accounts: Sequence[Account], scheme: Scheme, told: tuple[int, int], today: dt.date, asked: Balance | None
) -> tuple[tuple[Balance, ...], PointsTold]:
    """The balances and the table PT of an answer; what is more than it can tell as the most it can.

    Args:
        accounts: The member's points of this scheme, as they are afterwards.
        told: Earned and redeemed.
    """
    purse = Purse(accounts, 0, scheme.unit, today, Opening(0))
    available = _tellable(purse.available)
    balances = [_balance(BalanceType.AVAILABLE, available)]
    if purse.total != purse.available:
        balances.append(_balance(BalanceType.LEDGER, _tellable(purse.total)))
    if asked:
        balances.append(asked)
    expiring, day = purse.expiring(scheme.expiring_days)
    return tuple(balances), PointsTold(*told, available, _tellable(expiring), day.replace("-", "")[2:])


def _tellable(points: int) -> int:
    return max(-limits.POINTS_MAX, min(points, limits.POINTS_MAX))


def _balance(kind: BalanceType, points: int) -> Balance:
    return Balance(PurseKind.POINTS, kind, POINTS_UNIT, points)
