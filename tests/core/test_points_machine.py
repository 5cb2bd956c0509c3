"""Members, tills, lost answers, returns and jumps of the clock against a small model of lots (points_model.py).

Over memory here; over SQLite and PostgreSQL in tests/store/test_points_over_sql.py.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from specs import limits
from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, MessageClass, Reply, Request
from switch.books import Books
from switch.core.clock import DAY, SECOND
from switch.core.holdings import AccountKind
from switch.core.points_commands import ExpireLots
from tests.core.members import MemberShop, PointsTill, split
from tests.core.points_model import LIFE, Book, Deed, Member, last_day
from tests.store.places import Whole

PICK = st.integers(0, 10**6)
AMOUNTS = st.sampled_from([1, 40, 99, 100, 250, 1000, 1000, 3333])
RECEIPTS = st.sampled_from(["000001", "000002"])
VOIDS = {"sale": Kind.VOID_EARN, "return": Kind.VOID_EARN, "pay": Kind.VOID_BURN}
APPROVED = Outcome.APPROVED


class Said(msgspec.Struct, frozen=True, eq=False):
    """An approved message and the deed it was."""

    till: PointsTill
    message: Request
    reply: Reply
    deed: Deed

    @property
    def key(self) -> tuple[str, int]:
        return self.till.terminal_id, self.message.stan


class Points(RuleBasedStateMachine):
    def open_store(self) -> Whole | None:
        return None

    def decided_by(self, books: Books) -> Books:
        """Who decides: one daemon, or several in turn."""
        return books

    @initialize()
    def open_shop(self) -> None:
        self.shop = MemberShop(
            store=self.open_store(), expire_days=str(LIFE), value="1", store_values="{}", point_cost='"0.3"'
        )
        self.shop.books = self.decided_by(self.shop.books)
        self.tills = [self.shop.till("T1"), self.shop.till("T2", store="south")]
        self.books = [Book(), Book()]  # a receipt number means something at one till
        self.members = [(self.shop.member(), Member()) for _ in range(3)]
        self.said: list[Said] = []
        # of each STAN, oldest first; a refusal is no deed
        self.answers: dict[tuple[str, int], list[tuple[Reply, int, Deed | None]]] = {}
        self.give(0, 500)

    # -- time and operators -------------------------------------------------------------------------------------------
    @rule(pick=PICK, points=st.sampled_from([1, 30, 500]))
    def give(self, pick: int, points: int) -> None:
        pan, member = self.members[pick % 3]
        member.put(points, self.fresh)
        self.shop.give(pan, points)

    @rule(days=st.sampled_from([1, 7, LIFE + 1, limits.ADVICE_DAYS]))
    def jump(self, days: int) -> None:
        self.shop.pass_time(days=days)

    @rule(pick=PICK)
    def expire(self, pick: int) -> None:
        pan, member = self.members[pick % 3]
        lots = [one for one in self.shop.accounts_of(pan) if one.kind is AccountKind.LOT and one.balance]
        holder = self.shop.record(pan).holder
        self.shop.command(ExpireLots(holder, tuple((one.id, one.entries) for one in lots)))
        for book in self.books:
            book.expire(member, self.today)

    # -- tills --------------------------------------------------------------------------------------------------------
    @rule(pick=PICK, amount=AMOUNTS, receipt=RECEIPTS)
    def sell(self, pick: int, amount: int, receipt: str) -> None:
        till, pan, member = self.choose(pick)
        self.sold(till, till.sale(pan, amount, receipt=receipt), member, amount, receipt)

    def sold(self, till: PointsTill, reply: Reply, member: Member, amount: int, receipt: str) -> None:
        book = self.book(till)
        deed = book.sell(member, amount, receipt, book.paid(receipt), self.fresh)
        self.keep(till, reply, deed)
        assert reply.points is not None
        assert reply.points.earned == deed.earned

    @rule(pick=PICK, amount=AMOUNTS, receipt=RECEIPTS)
    def pay(self, pick: int, amount: int, receipt: str) -> None:
        till, pan, member = self.choose(pick)
        self.paid(till, till.pay(pan, amount, receipt=receipt), member, amount, receipt)

    def paid(self, till: PointsTill, reply: Reply, member: Member, amount: int, receipt: str) -> None:
        deed = self.book(till).pay(member, amount, receipt, self.today)
        assert reply.outcome is (Outcome.NOT_ENOUGH if deed is None else APPROVED)
        if deed:
            self.keep(till, reply, deed)

    @rule(pick=PICK, amount=AMOUNTS)
    @precondition(lambda self: any(said.deed.what == "sale" for said in self.said))
    def give_back(self, pick: int, amount: int) -> None:
        sales = [said for said in self.said if said.deed.what == "sale"]
        sale = sales[-1 - pick % min(len(sales), 4)]
        reply = sale.till.give_back(self.pan(sale.deed.member), amount, rrn=sale.reply.rrn)
        self.given_back(sale.till, reply, sale.deed, amount)

    def given_back(self, till: PointsTill, reply: Reply, sale: Deed, amount: int) -> None:
        if not sale.live:
            assert reply.outcome is Outcome.ORIGINAL_NOT_FOUND
            return
        made = self.book(till).give_back(sale, amount, self.today, self.fresh)
        assert reply.outcome is (Outcome.AMOUNT if made is None else APPROVED)
        if made:
            self.keep(till, reply, made[0])
            assert split(reply) == (made[1], amount - made[1])

    @rule(pick=PICK)
    @precondition(lambda self: any(said.deed.what in VOIDS for said in self.said))
    def void(self, pick: int) -> None:
        said = self.recent(pick, VOIDS)
        deed, till = said.deed, said.till
        reply = till.void(VOIDS[deed.what], self.pan(deed.member), deed.amount, rrn=said.reply.rrn)
        self.voided(till, reply, deed)

    def voided(self, till: PointsTill, reply: Reply, deed: Deed) -> None:
        book = self.book(till)
        if not deed.live or (deed.what == "sale" and book.returns_of(deed)):
            assert reply.outcome is Outcome.ALREADY_UNDONE
            return
        if deed.what == "pay" and any(gift.worth for gift in book.gifts_of(deed)):
            assert reply.outcome is Outcome.ALREADY_UNDONE
            return
        void = book.void(deed, self.today, self.fresh, "")
        assert reply.outcome is (Outcome.NOT_ENOUGH if void is None else APPROVED)
        if void:
            self.keep(till, reply, void)

    @rule(pick=PICK)
    @precondition(lambda self: self.said)
    def reverse(self, pick: int) -> None:
        """Lately or after days: the answer was lost, or the customer went away. The newest of that STAN is meant."""
        said = self.recent(pick, (*VOIDS, "void"))
        again = msgspec.structs.replace(
            said.message,
            message_class=MessageClass.REVERSAL,
            original_class=said.message.message_class,
            original_stan=said.message.stan,
            rrn=None,
            repeat=False,
        )
        said.till.stan += 1
        assert said.till.say(msgspec.structs.replace(again, stan=said.till.stan)).outcome is APPROVED
        deeds = (deed for _, _, deed in reversed(self.answers[said.key]))
        target = next((deed for deed in deeds if deed is None or deed.live), None)
        if target:  # else a refusal is meant, or what has been undone
            self.book(said.till).reverse(target, self.today, self.fresh)

    @rule(pick=PICK)
    @precondition(lambda self: self.said)
    def repeat(self, pick: int) -> None:
        """The same message again moves nothing; its answer is the one it had, unless it was undone.

        After `advice_days` it is a new message, whatever was before.
        """
        said = self.recent(pick, (*VOIDS, "void"))
        reply = said.till.say(msgspec.structs.replace(said.message, repeat=True))
        answered, at, deed = self.answers[said.key][-1]
        if self.shop.now - at < limits.ADVICE_DAYS * DAY:
            assert reply == answered if deed is None or deed.live else reply.outcome is Outcome.DUPLICATE
            return
        before = len(self.said)
        self.decide_anew(said, reply)
        if len(self.said) == before:
            self.answers[said.key].append((reply, self.shop.now, None))

    def decide_anew(self, said: Said, reply: Reply) -> None:
        match said.deed:
            case Deed(what="sale", member=member, amount=amount, receipt=receipt):
                self.sold(said.till, reply, member, amount, receipt)
            case Deed(what="pay", member=member, amount=amount, receipt=receipt):
                self.paid(said.till, reply, member, amount, receipt)
            case Deed(what="return", of=Deed() as sale, amount=amount):
                self.given_back(said.till, reply, sale, amount)
            case Deed(of=Deed() as target):
                self.voided(said.till, reply, target)

    # -- helpers ------------------------------------------------------------------------------------------------------
    @property
    def day(self) -> dt.date:
        return dt.datetime.fromtimestamp((self.shop.now + SECOND) // SECOND, dt.UTC).date()

    @property
    def today(self) -> str:
        return self.day.isoformat()

    @property
    def fresh(self) -> str:
        return last_day(self.day)

    def choose(self, pick: int) -> tuple[PointsTill, PAN, Member]:
        return self.tills[pick // 3 % 2], *self.members[pick % 3]

    def book(self, till: PointsTill) -> Book:
        return self.books[self.tills.index(till)]

    def pan(self, member: Member) -> PAN:
        return next(pan for pan, one in self.members if one is member)

    def recent(self, pick: int, whats: Any) -> Said:
        found = [said for said in self.said if said.deed.what in whats]
        return found[-1 - pick % min(len(found), 5)]

    def keep(self, till: PointsTill, reply: Reply, deed: Deed) -> None:
        assert reply.outcome is APPROVED
        self.said.append(Said(till, till.sent, reply, deed))
        self.answers.setdefault(self.said[-1].key, []).append((reply, self.shop.now, deed))

    # -- what always holds --------------------------------------------------------------------------------------------
    @invariant()
    def the_books_say_what_the_model_says(self) -> None:
        if not hasattr(self, "members"):
            return
        store = self.shop.store
        store.load([], 0)  # one snapshot, also where listings stream
        try:
            self.compare_lots()
            self.compare_sums()
        finally:
            store.rollback()

    def compare_lots(self) -> None:
        for pan, member in self.members:
            lots = {day: points for (_, day), points in self.shop.lots(pan).items()}
            assert lots == {day: points for day, points in member.lots.items() if points}
            assert self.shop.owed(pan) == member.debt

    def compare_sums(self) -> None:
        counters = (AccountKind.ISSUING, AccountKind.REDEEMED, AccountKind.ADJUSTED, AccountKind.BREAKAGE)
        booked = sum(self.shop.system(kind, owner) for kind in counters for owner in ("A", ""))
        assert booked == -sum(self.shop.points(pan) for pan, _ in self.members)
        assert self.shop.cost() == -self.shop.clearing()

    def teardown(self) -> None:
        if hasattr(self, "members"):
            self.shop.store.load([], 0)
            self.shop.prove()
            self.shop.store.rollback()


TestPoints = Points.TestCase
TestPoints.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
