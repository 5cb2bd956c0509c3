"""What a rule comes to: the part of a decision that differs from kind to kind."""

from __future__ import annotations

from fractions import Fraction

import msgspec

from specs import limits
from specs.money import convert_down
from specs.transaction import Balance, BalanceType, Purse, Request, Returned
from switch.core.holdings import Account, Card
from switch.core.journal import Deed, Row
from switch.core.ledger import Move
from switch.core.merchants import Terminal
from switch.core.needs import Case
from switch.core.programme import GiftProduct, Programme
from switch.core.refusals import Reason
from switch.core.workset import View


class PointsRuling(msgspec.Struct, frozen=True):
    """What a ruling says about points besides."""

    unit: str
    told: tuple[int, int] = (0, 0)  # earned and redeemed; in returns and voids taken back and given back
    deed: Deed | None = None
    opened: tuple[Account, ...] = ()
    root: int = 0  # of the sale whose message this is, if there is one
    other_holder: int = 0
    returned: Returned | None = None


class Ruling(msgspec.Struct, frozen=True):
    """Approved (`reason` None) or refused; on approval all that moves. Amounts are in the terminal's currency."""

    reason: Reason | None = None
    partial: bool = False
    amount: int = 0
    tell_amount: bool = False  # DE4 of the answer is `amount`, whatever was asked
    card_amount: int = 0
    rate: Fraction | None = None  # card's minor units per terminal's
    moves: tuple[Move, ...] = ()
    card: Card | None = None  # as it is afterwards
    original: Row | None = None
    note: str = ""  # the journal's reason of an approval that is not a plain one
    tell_balances: bool = False
    points: PointsRuling | None = None


class CardMatter(msgspec.Struct, frozen=True, kw_only=True):
    """What every rule looks at: the request, the records it names, and the programme. All of it exists."""

    case: Case
    view: View
    terminal: Terminal
    card: Card
    programme: Programme
    currency: str  # of the request's amounts
    may_tell: bool  # a refusal may tell the balance: the card needs no PIN, or it was right
    forced: bool  # already done at the till: funds and state do not matter
    now: int

    @property
    def request(self) -> Request:
        return self.case.request

    @property
    def asked(self) -> int:
        return self.request.amount or 0

    def refuse(self, reason: Reason) -> Ruling:
        """Refused for what is on the card, which is told if it may be."""
        return refused(reason, tell_balances=self.may_tell)


class Matter(CardMatter, frozen=True, kw_only=True):
    """What the rule of a gift card looks at."""

    account: Account
    product: GiftProduct
    quoted: Fraction | None  # card's minor units per terminal's today; None only where the original's rate is used

    @property
    def rate(self) -> Fraction:
        assert self.quoted is not None, "this kind was not to go on without a rate"
        return self.quoted


def refused(reason: Reason, *, tell_balances: bool = False) -> Ruling:
    return Ruling(reason=reason, tell_balances=tell_balances)


def gift_balances(
    account: Account, balance: int, currency: str, programme: Programme, asked: int | None
) -> tuple[Balance, ...]:
    """What is there: in the terminal's currency, and in the card's if that is another (WIRE.md section 3, DE54).

    Args:
        balance: Of `account`, in its own currency.
        currency: The terminal's.
        asked: The amount asked, where less was approved.
    """
    told = []
    rate = programme.rate(account.currency, currency)
    if rate is not None:
        told.append(_balance(BalanceType.AVAILABLE, currency, convert_down(balance, rate)))
    if account.currency != currency:
        told.append(_balance(BalanceType.AVAILABLE, account.currency, balance))
    if asked is not None:
        told.append(_balance(BalanceType.ASKED, currency, asked))
    return tuple(told)


def _balance(kind: BalanceType, currency: str, amount: int) -> Balance:
    return Balance(Purse.STORED_VALUE, kind, currency, min(amount, limits.AMOUNT_MAX))
