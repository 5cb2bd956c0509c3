"""Sales of random money, tenders and parts: all partial returns are exactly the whole, to the point and minor unit.

The randomness is seeded by the test's own parameters, so a failure is the same failure tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from tests.contract.members import Programme
from tests.contract.points import POINTS_REDEEM, RETURN, SALE
from tests.contract.till import Answer, Till


@dataclass
class Shopping:
    """One sale, what paid for it, and what its returns brought."""

    till: Till
    member: str
    programme: Programme
    chance: Random
    receipt: str = ""
    paid: int = 0  # with points, in money
    points: int = 0  # they were
    amount: int = 0
    earned: int = 0
    rrn: str = ""
    returns: list[Answer] = field(default_factory=list)

    def buy(self) -> None:
        self.receipt = self.till.receipt()
        for _ in range(self.chance.randrange(3)):
            money = self.programme.worth(self.till, self.programme.some(3)) + self.chance.randrange(40)
            answer = self.till.do(POINTS_REDEEM, self.member, money, {62: self.receipt}).expect("00")
            assert answer.told.redeemed == self.programme.taken(self.till, money), answer.story()
            self.paid, self.points = self.paid + money, self.points + answer.told.redeemed
        rest = self.chance.randrange(1, self.programme.earn_money * 12)
        self.amount = self.paid + rest
        tenders = [f"O,{rest}"] + ([f"P,{self.paid}"] if self.paid else [])
        tables = {"TD": ";".join(tenders)} if self.chance.random() < 0.5 else None
        sale = self.till.do(SALE, self.member, self.amount, {62: self.receipt}, tables).expect("00")
        self.rrn, self.earned = sale.rrn, sale.told.earned
        assert self.earned == self.programme.earned(rest), sale.story()

    @property
    def left(self) -> int:
        return self.amount - sum(int(answer.asked[4]) for answer in self.returns)

    def give_back(self, money: int) -> None:
        answer = self.till.do(RETURN, self.member, money, {37: self.rrn}).expect("00")
        self.returns.append(answer)
        assert sum(one.told.earned for one in self.returns) <= self.earned, answer.story()
        assert sum(one.told.redeemed for one in self.returns) <= self.points, answer.story()
        assert sum(one.returned.worth for one in self.returns) <= self.paid, answer.story()

    def take_it_home_again(self) -> None:
        """Any of the returns is undone, sometimes by void, sometimes by reversal."""
        answer = self.returns.pop(self.chance.randrange(len(self.returns)))
        if self.chance.random() < 0.5:
            self.till.void(answer).expect("00")
        else:
            self.till.reverse(answer.asked, {37: answer.rrn}).expect("00")

    def is_whole(self) -> bool:
        took = sum(one.told.earned for one in self.returns), sum(one.told.redeemed for one in self.returns)
        worth = sum(one.returned.worth for one in self.returns), sum(one.returned.rest for one in self.returns)
        return took == (self.earned, self.points) and worth == (self.paid, self.amount - self.paid)


@pytest.mark.parametrize("seed", range(12))
def test_all_parts_of_a_random_sale_are_exactly_the_whole(
    counter: Till, member: str, programme: Programme, seed: int
) -> None:
    before = counter.points(member)
    shopping = Shopping(counter, member, programme, Random(f"{seed} {counter.dialect}"))
    shopping.buy()
    while shopping.left:
        if shopping.returns and shopping.chance.random() < 0.25:
            shopping.take_it_home_again()
        elif shopping.chance.random() < 0.25:
            shopping.give_back(shopping.left)
        else:
            shopping.give_back(shopping.chance.randint(1, shopping.left))
    assert shopping.is_whole(), "\n".join(answer.story() for answer in shopping.returns)
    assert counter.points(member) == before
    counter.do(RETURN, member, 1, {37: shopping.rrn}).expect("13")
    assert counter.points(member) == before
