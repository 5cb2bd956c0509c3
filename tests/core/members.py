"""A shop with a points programme, and tills that speak about points; see till.py.

One point costs 100 minor units of sales and pays 2 in `north`, 1 elsewhere, unless a test says otherwise.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from specs.sensitive import PAN
from specs.transaction import BasketLine, Kind, MessageClass, PointsTold, Reply, Request, Returned, Tender, TenderKind
from switch.core.commands import Command
from switch.core.holdings import Account, AccountKind, system_account
from switch.core.points_commands import AdjustPoints, IssueLoyaltyCard
from tests.core.till import LIRA, PROGRAMME, Shop, Till, hash_of
from tests.store.places import Whole

UNIT = "1001"
CARD = '{id = "star", name = "", prefix = "990110"}'
CARDS = f'[{CARD}, {{id = "pinned", name = "", prefix = "990120", pin = true, pin_for_balance = true}}]'


def scheme(**changes: str) -> str:
    """A points scheme, its keys changed or added to."""
    keys = {
        "id": '"stars"', "number": "1", "name": '"stars"', "currency": '"949"', "earn_money": "100", "earn_points": "1",
        "value": "1", "store_values": "{north = 2}", "transfer": "true", "purchase_price": "4", "cards": CARDS,
    }  # fmt: skip
    return "\n[[points_schemes]]\n" + "\n".join(f"{key} = {value}" for key, value in (keys | changes).items())


class MemberShop(Shop):
    """Points are told by `points(card)`; what is in which lot by `lots(card)`."""

    def __init__(self, *more: str, store: Whole | None = None, whole: str = "", **changes: str) -> None:
        programme = (whole or PROGRAMME + scheme(**changes)) + "".join(more)
        super().__init__(programme.replace("guess_limit = 3", "guess_limit = 100000"), store)

    def member(self, points: int = 0, product: str = "star", **issue: Any) -> PAN:
        """A new member with an active card; `of` is the card of a member who gets one more."""
        of: PAN | None = issue.pop("of", None)
        pan, number = self.number(product, "1234" if product == "pinned" else None)
        said: dict[str, Any] = {"active": True, "member": hash_of(of) if of else ""} | issue
        self.command(IssueLoyaltyCard(number, product, **said))
        if points:
            self.give(pan, points)
        return pan

    def give(self, pan: PAN, points: int) -> None:
        self.command(AdjustPoints(hash_of(pan), points, "a test"))

    def refused(self, command: Command) -> str:
        (reply,) = self.ask(command)
        assert reply.display is not None
        return f"{reply.outcome.value}: {reply.display}"

    def till(self, terminal_id: str = "T1", merchant_id: str = "A", **profile: Any) -> PointsTill:
        made = super().till(terminal_id, merchant_id, **profile)
        return PointsTill(self, made.terminal_id, made.merchant_id)

    def accounts_of(self, pan: PAN, unit: str = UNIT) -> list[Account]:
        holder = self.record(pan).holder
        return [one for one in self.store.member(holder)[1] if one.currency == unit]

    def lots(self, pan: PAN, unit: str = UNIT) -> dict[tuple[str, str], int]:
        """Points by dates, empty lots left out. A lot that was empty may come back beside a newer one like it."""
        lots: Counter[tuple[str, str]] = Counter()
        for one in self.accounts_of(pan, unit):
            if one.kind is AccountKind.LOT and one.balance:
                lots[one.available_from, one.expires_on] += one.balance
        return dict(lots)

    def owed(self, pan: PAN, unit: str = UNIT) -> int:
        return -sum(one.balance for one in self.accounts_of(pan, unit) if one.kind is AccountKind.DEBT)

    def points(self, pan: PAN, unit: str = UNIT) -> int:
        """All of them, whatever their dates, less what is owed."""
        return sum(one.balance for one in self.accounts_of(pan, unit))

    def system(self, kind: AccountKind, merchant_id: str = "", unit: str = UNIT) -> int:
        owner = next((m.id for m in self.store.merchants() if m.merchant_id == merchant_id), 0)
        number = system_account(kind, owner, unit)
        return next((account.balance for account in self.store.accounts() if account.id == number), 0)

    def cost(self, currency: str = LIRA) -> int:
        return self.system(AccountKind.POINTS_COST, "", currency)


class PointsTill(Till):
    def sale(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.SALE, card, amount, **fields))

    def preview(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.PREVIEW, card, amount, message_class=MessageClass.INQUIRY, **fields))

    def pay(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.POINTS_REDEEM, card, amount, **fields))

    def ask(self, card: PAN, **fields: Any) -> Reply:
        return self.say(self.write(Kind.POINTS_BALANCE, card, message_class=MessageClass.INQUIRY, **fields))

    def give_back(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.SALE_RETURN, card, amount, **fields))

    def transfer(self, card: PAN, to: PAN, points: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.POINTS_TRANSFER, card, points, other_card=to, **fields))

    def buy(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.POINTS_PURCHASE, card, amount, **fields))

    def enrol(self, card: PAN, **fields: Any) -> Reply:
        return self.say(self.write(Kind.ENROL, card, **fields))

    def void(self, kind: Kind, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(kind, card, amount, **fields))

    def void_earn(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.void(Kind.VOID_EARN, card, amount, **fields)

    def void_burn(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.void(Kind.VOID_BURN, card, amount, **fields)

    def last(self) -> Request:
        return self.sent


def lines(*goods: tuple[str, int, str]) -> tuple[BasketLine, ...]:
    """Lines of one piece each: sku, price, department."""
    return tuple(BasketLine(sku, 1000, price, department) for sku, price, department in goods)


def tenders(**amounts: int) -> tuple[Tender, ...]:
    return tuple(Tender(TenderKind(kind), amount) for kind, amount in amounts.items())


def counted(reply: Reply) -> tuple[int, int]:
    """Earned and redeemed, as the receipt tells them."""
    assert isinstance(reply.points, PointsTold), reply.outcome
    return reply.points.earned, reply.points.redeemed


def split(reply: Reply) -> tuple[int, int]:
    """Worth of points given back, and the rest for the till."""
    assert isinstance(reply.returned, Returned), reply.outcome
    return reply.returned.worth, reply.returned.rest
