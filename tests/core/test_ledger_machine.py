"""The books against a plain model: whatever tills and operators do in whatever order, balances and sums agree.

The model knows nothing of rows, families or accounts: a card is a number and a state, a deed is what it moved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, MessageClass, Reply, Request
from switch.core.holdings import Block, CardState
from tests.core.till import NOON, PROGRAMME, Shop, Till, clock

LIMIT = 600_000
AMOUNTS = st.sampled_from([1, 1000, 1000, 2500, 2500, 70_000, 400_000])
PICK = st.integers(0, 10**6)
APPROVED = Outcome.APPROVED


@dataclass
class Held:
    """A card of the model."""

    pan: PAN
    balance: int = 0
    state: CardState = CardState.INACTIVE
    blocked: bool = False

    def refusal(self) -> Outcome | None:
        if self.blocked:
            return Outcome.CARD_RESTRICTED
        return None if self.state is CardState.ACTIVE else Outcome.CARD_NOT_ACTIVE


@dataclass
class Deed:
    """An accepted message: what it moved, and what became of it. `of` is what a refund gives back or a void undoes."""

    till: Till
    message: Request
    reply: Reply
    card: Held
    onto_card: int
    uncovered: int = 0
    live: bool = True
    of: Deed | None = None
    refunds: list[Deed] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        return self.message.kind

    @property
    def cleared(self) -> int:
        return -self.onto_card - self.uncovered

    def live_refunds(self) -> list[Deed]:
        return [refund for refund in self.refunds if refund.live]


def newest(deeds: list[Deed], pick: int) -> Deed:
    """One of the newest few: what is undone is mostly what has just been done."""
    return deeds[-1 - pick % min(len(deeds), 6)]


class Ledger(RuleBasedStateMachine):
    @initialize()
    def open_shop(self) -> None:
        self.shop = Shop(PROGRAMME.replace("guess_limit = 3", "guess_limit = 1000000"))
        self.tills = [self.shop.till("T1"), self.shop.till("T2", store="south"), self.shop.till("T3", "B")]
        self.cards: list[Held] = []
        self.deeds: list[Deed] = []
        self.clearing = {"A": 0, "B": 0}
        self.uncovered = {"A": 0, "B": 0}
        for balance in (0, 5000, 100_000):
            self.issue(balance)

    # -- operators ----------------------------------------------------------------------------------------------------
    @rule(balance=st.sampled_from([0, 5000, 100_000]))
    @precondition(lambda self: len(self.cards) < 6)
    def issue(self, balance: int) -> None:
        state = CardState.ACTIVE if balance else CardState.INACTIVE
        self.cards.append(Held(self.shop.card("open", balance or None), balance, state))
        self.clearing["B"] -= balance

    @rule(pick=PICK, blocked=st.sampled_from([False, False, False, True]))
    def set_block(self, pick: int, blocked: bool) -> None:
        card = self.cards[pick % len(self.cards)]
        self.shop.block(card.pan, Block.BLOCKED if blocked else Block.NONE)
        card.blocked = blocked

    @rule(pick=PICK)
    def replace(self, pick: int) -> None:
        card = self.cards[pick % len(self.cards)]
        card.pan, card.blocked = self.shop.replace(card.pan), False

    # -- tills --------------------------------------------------------------------------------------------------------
    @rule(pick=PICK, amount=AMOUNTS)
    def activate(self, pick: int, amount: int) -> None:
        till, card = self.choose(pick)
        expected = card.refusal()
        if expected is not Outcome.CARD_RESTRICTED:
            expected = None if card.state is CardState.INACTIVE else Outcome.CARD_NOT_ACTIVE
        if expected is None:
            expected = self.fault_of_load(card, amount)
        if self.say(till, card, Kind.GIFT_ACTIVATE, amount, expected or APPROVED, onto_card=amount):
            card.state = CardState.ACTIVE

    @rule(pick=PICK, amount=AMOUNTS)
    def reload(self, pick: int, amount: int) -> None:
        till, card = self.choose(pick)
        expected = card.refusal() or self.fault_of_load(card, amount) or APPROVED
        self.say(till, card, Kind.GIFT_RELOAD, amount, expected, onto_card=amount)

    def fault_of_load(self, card: Held, amount: int) -> Outcome | None:
        if not 1000 <= amount <= 500_000:
            return Outcome.AMOUNT
        return Outcome.AMOUNT_LIMIT if card.balance + amount > LIMIT else None

    @rule(pick=PICK, amount=AMOUNTS, partial=st.booleans())
    def redeem(self, pick: int, amount: int, partial: bool) -> None:
        till, card = self.choose(pick)
        taken, expected = amount, card.refusal() or APPROVED
        if amount > card.balance and expected is APPROVED:
            taken, expected = card.balance, Outcome.PARTIAL if partial and card.balance else Outcome.NOT_ENOUGH
        self.say(till, card, Kind.GIFT_REDEEM, amount, expected, onto_card=-taken, partial=partial)

    @rule(pick=PICK, amount=AMOUNTS)
    def advise(self, pick: int, amount: int) -> None:
        till, card = self.choose(pick)
        taken = min(amount, card.balance)
        told: dict[str, Any] = {"message_class": MessageClass.ADVICE} | clock(self.shop.now)
        self.say(till, card, Kind.GIFT_REDEEM, amount, APPROVED, onto_card=-taken, uncovered=taken - amount, **told)

    @rule(pick=PICK)
    @precondition(lambda self: len(self.deeds) % 3 == 0)  # a closed card is the end of most that can be done with it
    def cash_out(self, pick: int) -> None:
        till, card = self.choose(pick)
        onto_card = -card.balance
        if self.say(till, card, Kind.GIFT_CASH_OUT, None, card.refusal() or APPROVED, onto_card=onto_card):
            card.state = CardState.CLOSED

    @rule(pick=PICK, share=st.sampled_from([0, 1, 2, 2, 3]))
    @precondition(lambda self: any(deed.kind is Kind.GIFT_REDEEM for deed in self.deeds))
    def refund(self, pick: int, share: int) -> None:
        """Half of what is left, all of it, or more."""
        deed = newest([deed for deed in self.deeds if deed.kind is Kind.GIFT_REDEEM], pick)
        till, card = self.tills[pick % 3], deed.card
        left = deed.cleared - sum(-refund.cleared for refund in deed.live_refunds())
        amount = max(1, left * share // 2)
        expected = card.refusal()
        if expected is None and not deed.live:
            expected = Outcome.ORIGINAL_NOT_FOUND
        if expected is None and amount > left:
            expected = Outcome.AMOUNT
        owed = -deed.uncovered - sum(refund.uncovered for refund in deed.live_refunds())
        covered = min(amount, owed)
        refund = self.say(
            till,
            card,
            Kind.GIFT_REFUND,
            amount,
            expected or APPROVED,
            onto_card=amount - covered,
            uncovered=covered,
            owner=deed.till.merchant_id,
            rrn=deed.reply.rrn,
        )
        if refund:
            refund.of = deed
            deed.refunds.append(refund)

    @rule(pick=PICK)
    @precondition(lambda self: bool(self.deeds))
    def void(self, pick: int) -> None:
        deed = newest(self.deeds, pick)
        loads = deed.kind in (Kind.GIFT_ACTIVATE, Kind.GIFT_RELOAD, Kind.GIFT_REFUND, Kind.GIFT_VOID_LOAD)
        onto_card, uncovered = -deed.onto_card, -deed.uncovered
        expected = APPROVED
        if deed.kind in (Kind.GIFT_VOID_LOAD, Kind.GIFT_VOID_SPEND) or not self.stands(deed) or deed.live_refunds():
            expected = Outcome.ALREADY_UNDONE
        elif deed.card.balance + onto_card < 0:
            expected = Outcome.NOT_ENOUGH
        kind = Kind.GIFT_VOID_LOAD if loads else Kind.GIFT_VOID_SPEND
        amount = deed.message.amount
        named: dict[str, Any] = {"rrn": deed.reply.rrn, "onto_card": onto_card, "uncovered": uncovered}
        owner = deed.of.till.merchant_id if deed.kind is Kind.GIFT_REFUND and deed.of else deed.till.merchant_id
        void = self.say(deed.till, deed.card, kind, amount, expected, pan=deed.message.card, owner=owner, **named)
        if void:
            void.of, deed.live = deed, False
            self.set_state(deed, undone=True)

    @rule(pick=PICK)
    @precondition(lambda self: bool(self.deeds))
    def reverse(self, pick: int) -> None:
        """By DE90, so that the model need not search; what is no longer there is uncovered for who sends it."""
        deed = newest(self.deeds, pick)
        till, card = deed.till, deed.card
        till.stan += 1
        named = {"original_class": deed.message.message_class, "original_stan": deed.message.stan, "stan": till.stan}
        assert till.reverse(deed.message, **named).outcome is APPROVED
        if not self.stands(deed):
            return
        fallen = [deed, *deed.live_refunds()]
        for one in fallen:
            owner = one.of.till.merchant_id if one.kind is Kind.GIFT_REFUND and one.of else one.till.merchant_id
            self.uncovered[owner] -= one.uncovered
            self.clearing[one.till.merchant_id] -= one.cleared
            card.balance -= one.onto_card
            one.live = False
        if card.balance < 0:
            self.uncovered[till.merchant_id] += card.balance
            card.balance = 0
        if deed.kind in (Kind.GIFT_VOID_LOAD, Kind.GIFT_VOID_SPEND):
            assert deed.of is not None
            deed.of.live = True
            self.set_state(deed.of, undone=False)
        else:
            self.set_state(deed, undone=True)

    @rule(pick=PICK)
    @precondition(lambda self: bool(self.deeds))
    def repeat(self, pick: int) -> None:
        """The stored answer, or 94 if it was undone since; nothing moves."""
        deed = newest(self.deeds, pick)
        reply = deed.till.say(msgspec.structs.replace(deed.message, repeat=True))
        assert (reply == deed.reply) if self.stands(deed) else (reply.outcome is Outcome.DUPLICATE)

    # -- bookkeeping of the model -------------------------------------------------------------------------------------
    def choose(self, pick: int) -> tuple[Till, Held]:
        return self.tills[pick % 3], self.cards[-1 - pick // 3 % len(self.cards)]

    def stands(self, deed: Deed) -> bool:
        return deed.live

    def set_state(self, deed: Deed, undone: bool) -> None:
        card = deed.card
        if deed.kind is Kind.GIFT_ACTIVATE:
            card.state = CardState.INACTIVE if undone and not card.balance else CardState.ACTIVE
        elif deed.kind is Kind.GIFT_CASH_OUT:
            card.state = CardState.ACTIVE if undone else CardState.CLOSED

    def say(
        self,
        till: Till,
        card: Held,
        kind: Kind,
        amount: int | None,
        expected: Outcome,
        *,
        onto_card: int,
        uncovered: int = 0,
        owner: str = "",
        pan: PAN | None = None,
        **fields: Any,
    ) -> Deed | None:
        reply = till.say(till.write(kind, pan or card.pan, amount, **fields))
        assert reply.outcome is expected
        if expected not in (APPROVED, Outcome.PARTIAL):
            return None
        deed = Deed(till, till.sent, reply, card, onto_card, uncovered)
        self.deeds.append(deed)
        card.balance += onto_card
        self.uncovered[owner or till.merchant_id] += uncovered
        self.clearing[till.merchant_id] += deed.cleared
        return deed

    # -- what must hold -----------------------------------------------------------------------------------------------
    @invariant()
    def the_books_agree(self) -> None:
        for card in self.cards:
            record = self.shop.record(card.pan)
            assert self.shop.balance(card.pan) == card.balance
            assert (record.state, record.block is Block.BLOCKED) == (card.state, card.blocked)
        for merchant_id in ("A", "B"):
            assert self.shop.clearing(merchant_id) == self.clearing[merchant_id]
            assert self.shop.uncovered(merchant_id) == self.uncovered[merchant_id]

    def teardown(self) -> None:
        assert self.shop.now > NOON
        assert sum(account.balance for account in self.shop.store.accounts()) == 0
        assert self.shop.prove().rows == len(self.shop.rows())


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
