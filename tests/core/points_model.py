"""A small model of members and their points, written apart from the switch: what every lot holds, and every debt.

It knows nothing of accounts, rows or families. A deed is what it moved; what undoes a deed takes exactly that back.
The programme it models: a point for each 100, worth 1 when spent, lots that last `LIFE` days, debts allowed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

LIFE = 12
RATE = 100
DEBT = "debt"

Moves = list[tuple[str, int]]  # the last day of a lot, or DEBT, and points
Steps = list[tuple["Member", str, int]]  # moves of several members


@dataclass
class Member:
    lots: dict[str, int] = field(default_factory=dict)
    debt: int = 0

    def standing(self, today: str) -> list[str]:
        return sorted(day for day, points in self.lots.items() if points > 0 and day >= today)

    def available(self, today: str) -> int:
        return sum(self.lots[day] for day in self.standing(today)) - self.debt

    def move(self, moves: Moves) -> None:
        for day, points in moves:
            if day == DEBT:
                self.debt -= points
            else:
                self.lots[day] = self.lots.get(day, 0) + points

    def put(self, points: int, day: str) -> Moves:
        paid = min(points, self.debt)
        moves = [(DEBT, paid), (day, points - paid)]
        self.move(moves)
        return moves

    def take(self, points: int, days: list[str]) -> Moves:
        """From these lots in order, as far as it goes."""
        moves: Moves = []
        for day in days:
            part = min(points, max(0, self.lots.get(day, 0)))
            points -= part
            self.move([(day, -part)])
            moves.append((day, -part))
        return moves

    def take_back(self, points: int, own: list[str], today: str) -> Moves:
        """From its own lots, then from what expires soonest; the rest is owed."""
        moves = self.take(points, own)
        moves += self.take(points + sum(part for _, part in moves), self.standing(today))
        owed = [(DEBT, -(points + sum(part for _, part in moves)))]
        self.move(owed)
        return moves + owed

    def undo(self, moves: Moves, today: str, fresh: str) -> Moves:
        """Take `moves` back; what a lot lacks comes from elsewhere. Returns what was moved."""
        done = [(day, -points) for day, points in moves]
        self.move(done)
        lacking = 0
        for day, points in list(self.lots.items()):
            if points < 0:
                lacking -= points
                done.append((day, -points))
                self.move([(day, -points)])
        if self.debt < 0:
            surplus = -self.debt
            done += [(DEBT, -surplus), (fresh, surplus)]
            self.move([(DEBT, -surplus), (fresh, surplus)])
        return done + self.take_back(lacking, [], today)


def steps(member: Member, moves: Moves) -> Steps:
    return [(member, day, points) for day, points in moves]


@dataclass
class Gift:
    """What a return gave back of one payment, to whoever had paid."""

    of: Deed
    worth: int
    moves: Steps


@dataclass
class Deed:
    """Something done at a till: `moves` are all it did to anybody's points."""

    what: str  # sale, pay, return, void
    member: Member
    amount: int
    receipt: str
    at: int
    moves: Steps
    live: bool = True
    undone_at: int = 0
    of: Deed | None = None  # the sale a return is of; what a void undoes
    base: int = 0  # that earned; of a return: by how much it became smaller
    earned: int = 0
    gifts: list[Gift] = field(default_factory=list)


class Book:
    """All deeds, oldest first."""

    def __init__(self) -> None:
        self.deeds: list[Deed] = []
        self.tick = 0

    def returns_of(self, sale: Deed) -> list[Deed]:
        return [deed for deed in self.deeds if deed.what == "return" and deed.of is sale and deed.live]

    def gifts_of(self, payment: Deed) -> list[Gift]:
        return [
            gift
            for deed in self.deeds
            if deed.what == "return" and deed.live
            for gift in deed.gifts
            if gift.of is payment
        ]

    def keep(self, deed: Deed) -> Deed:
        self.tick += 1
        deed.at = self.tick
        self.deeds.append(deed)
        return deed

    # -- what tills do ------------------------------------------------------------------------------------------------
    def sell(self, member: Member, amount: int, receipt: str, paid: int, day: str) -> Deed:
        base = max(0, amount - paid)
        earned = base // RATE
        moves = steps(member, member.put(earned, day))
        return self.keep(Deed("sale", member, amount, receipt, 0, moves, base=base, earned=earned))

    def paid(self, receipt: str) -> int:
        """By anybody, since the last sale with this receipt number."""
        total = 0
        for deed in self.deeds:
            if deed.receipt == receipt and deed.live and deed.what in ("sale", "pay"):
                total = 0 if deed.what == "sale" else total + deed.amount
        return total

    def pay(self, member: Member, amount: int, receipt: str, today: str) -> Deed | None:
        if amount > member.available(today):
            return None
        moves = steps(member, member.take(amount, member.standing(today)))
        return self.keep(Deed("pay", member, amount, receipt, 0, moves))

    def give_back(self, sale: Deed, amount: int, today: str, fresh: str) -> tuple[Deed, int] | None:
        """The return and the worth of what it gives back; None: more than is left."""
        before = self.returns_of(sale)
        if sum(deed.amount for deed in before) + amount > sale.amount:
            return None
        moves: Steps = []
        member, gifts, left = sale.member, [], amount
        for payment in self._payments_of(sale):
            sofar = sum(gift.worth for gift in self.gifts_of(payment))
            worth = min(left, payment.amount - sofar)
            left -= worth
            parts, skip, points = [], sofar, worth
            for _, day, taken in reversed(payment.moves):
                skipped = min(skip, -taken)
                part = min(points, -taken - skipped)
                skip, points = skip - skipped, points - part
                parts.append((day, part))
            payment.member.move(parts)
            gifts.append(Gift(payment, worth, steps(payment.member, parts)))
            moves += gifts[-1].moves
        remains = sale.amount - sum(deed.amount for deed in before) - amount
        base_left = sale.base - sum(deed.base for deed in before)
        smaller = max(0, base_left - remains)
        back = max(0, sale.earned - (base_left - smaller) // RATE - sum(deed.earned for deed in before))
        own = [day for _, day, points in sale.moves if day != DEBT and points > 0]
        moves += steps(member, member.take_back(back, own, today))
        deed = Deed("return", member, amount, sale.receipt, 0, moves, of=sale, base=smaller, earned=back, gifts=gifts)
        return self.keep(deed), amount - left

    def _payments_of(self, sale: Deed) -> list[Deed]:
        same = [deed for deed in self.deeds if deed.receipt == sale.receipt and deed.live]
        sales = [deed for deed in same if deed.what == "sale"]
        return [
            deed
            for deed in same
            if deed.what == "pay"
            and next((one for one in sales if one.at > deed.at), sales[-1] if sales else None) is sale
        ]

    # -- undoing ------------------------------------------------------------------------------------------------------
    def undo(self, target: Deed, today: str, fresh: str, *, forced: bool) -> Steps | None:
        """Undo a deed that stands; None where that would leave somebody owing who did not, or owing more."""
        moves = [move for deed in (target, *self.returns_of(target)) for move in self._standing(deed)]
        if target.what == "pay":
            gifts = self.gifts_of(target)
            if any(gift.worth for gift in gifts) and not forced:
                return None
            moves += [move for gift in gifts for move in gift.moves]
        members = {id(member): member for member, _, _ in moves}.values()
        before = [(member, dict(member.lots), member.debt) for member in members]
        done: Steps = []
        gone = False
        for member in members:
            had = member.available(today)
            own = member.undo([move[1:] for move in moves if move[0] is member], today, fresh)
            done += steps(member, own)
            gone = gone or member.available(today) < min(0, had)
        if gone and not forced:
            for member, lots, debt in before:
                member.lots, member.debt = lots, debt
            return None
        self.tick += 1
        for deed in (target, *self.returns_of(target)):
            deed.live, deed.undone_at = False, self.tick
        return done

    def _standing(self, deed: Deed) -> Steps:
        """What of a deed is still to be taken back: a payment it gave back and that was undone later took its part."""
        moves, sign, returned = list(deed.moves), -1, deed
        while returned.what == "void":
            assert returned.of is not None
            returned, sign = returned.of, -sign
        for gift in returned.gifts:
            if not gift.of.live and gift.of.undone_at > deed.at:
                moves += [(member, day, sign * points) for member, day, points in gift.moves]
        return moves

    def void(self, target: Deed, today: str, fresh: str, receipt: str) -> Deed | None:
        moves = self.undo(target, today, fresh, forced=False)
        if moves is None:
            return None
        return self.keep(Deed("void", target.member, target.amount, receipt, 0, moves, of=target))

    def reverse(self, target: Deed, today: str, fresh: str) -> None:
        self.undo(target, today, fresh, forced=True)
        if target.what == "void":
            assert target.of is not None
            target.of.live, target.of.undone_at = True, 0

    def expire(self, member: Member, before: str) -> None:
        for day, points in member.lots.items():
            if day < before and points > 0:
                member.lots[day] = 0


def last_day(today: dt.date) -> str:
    return (today + dt.timedelta(LIFE)).isoformat()
