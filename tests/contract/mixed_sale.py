"""A sale partly paid with points, under one receipt: what several files of tests begin with."""

from __future__ import annotations

from dataclasses import dataclass

from tests.contract.members import Programme
from tests.contract.points import POINTS_REDEEM, SALE
from tests.contract.till import Answer, Till

TOLD = "P,{P};O,{O}"  # the tenders as TD names them


@dataclass
class Purchase:
    """A sale partly paid with points, under one receipt."""

    till: Till
    member: str
    receipt: str
    before: int
    amount: int
    paid: int  # with points, in money
    points: int  # that it took
    earned: int
    redeemed: Answer
    sale: Answer

    def undo(self, what: str, how: str) -> Answer:
        answer = self.redeemed if what == "redemption" else self.sale
        return self.till.void(answer) if how == "void" else self.till.reverse(answer.asked, {37: answer.rrn})


def purchase(till: Till, member: str, programme: Programme, tenders: str = "") -> Purchase:
    """Redeems, then tells the sale; `tenders` names them in TD, or nothing does."""
    before, receipt = till.points(member), till.receipt()
    paid = programme.worth(till, programme.some()) + 1  # so that the last point is not used up
    points = programme.taken(till, paid)
    amount = paid + programme.earn_money * 20 + 1
    redeemed = till.do(POINTS_REDEEM, member, paid, {62: receipt}).expect("00")
    tables = {"TD": tenders.format(P=paid, O=amount - paid)} if tenders else None
    sale = till.do(SALE, member, amount, {62: receipt}, tables).expect("00")
    return Purchase(till, member, receipt, before, amount, paid, points, sale.told.earned, redeemed, sale)
