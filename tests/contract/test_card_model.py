"""One card under random sequences of everything a till does to it, against a small model written from the contract.

The model knows amounts, what is live and what was returned; nothing of batches, keys or books. After every step the
switch must tell the balance the model has. Where the contract leaves an outcome open, the model does not go there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.contract.conftest import House
from tests.contract.till import ACTIVATE, REDEEM, REFUND, RELOAD, Answer, Till, by_de90

CEILING = 60_000  # well under the demo product's limit
BOUNDS = settings(
    max_examples=25,
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
amounts = st.sampled_from([1, 99, 2_500, 10_000, 17_001])
loads = st.sampled_from([10_000, 12_345])
references = st.sampled_from(["DE90", "DE37", "DE62", "DE11"])
which = st.integers(0, 5)  # the how-many-th newest


@dataclass(eq=False)
class Deed:
    """A movement the switch has approved."""

    answer: Answer
    moved: int  # what it put on the card (below zero: took)
    original: Deed | None = None
    live: bool = True
    was_undone: bool = False
    was_reversed: bool = False
    last_void: Answer | None = None  # the void that undid it, while that is live
    returns: list[Deed] = field(default_factory=list)

    def live_returns(self) -> list[Deed]:
        return [deed for deed in self.returns if deed.live]

    @property
    def left(self) -> int:
        """What can still be returned of a redemption."""
        return -self.moved - sum(deed.moved for deed in self.live_returns())


def when(condition: Callable[[CardMachine], bool]) -> Callable[[Any], Any]:
    """A rule for a card that is sold, under a condition."""
    return precondition(lambda machine: machine.sold and condition(machine))


class CardMachine(RuleBasedStateMachine):
    """The till's view of one card, unsold at the beginning and at the end."""

    till: Till
    card: str

    def __init__(self) -> None:
        super().__init__()
        self.balance = 0
        self.sale: Deed | None = None
        self.deeds: list[Deed] = []
        self.declined: list[Answer] = []

    @property
    def sold(self) -> bool:
        return self.sale is not None and self.sale.live

    def new(self, answer: Answer, moved: int, original: Deed | None = None) -> Deed:
        deed = Deed(answer, moved, original)
        self.balance += moved
        self.deeds.append(deed)
        if original is not None:
            original.returns.append(deed)
        return deed

    def pick(self, nth: int) -> Deed:
        return self.deeds[-1 - nth % len(self.deeds)]

    def may_undo(self, deed: Deed) -> bool:
        """Selling is undone only when nothing else came of it."""
        if deed is not self.sale or not deed.live:
            return True
        return self.balance == deed.moved and not any(other.live for other in self.deeds if other is not deed)

    # What a till does.

    @precondition(lambda self: not self.sold)
    @rule(amount=loads)
    def sell(self, amount: int) -> None:
        answer = self.till.do(ACTIVATE, self.card, amount, {62: self.till.receipt()}).expect("00")
        self.sale = self.new(answer, amount)

    @when(lambda self: self.balance < CEILING - 13_000)
    @rule(amount=loads)
    def reload(self, amount: int) -> None:
        self.new(self.till.do(RELOAD, self.card, amount, {62: self.till.receipt()}).expect("00"), amount)

    @when(lambda self: True)
    @rule(amount=amounts, partial=st.booleans())
    def redeem(self, amount: int, partial: bool) -> None:
        tables = {"CP": "P"} if partial else None
        answer = self.till.do(REDEEM, self.card, amount, {62: self.till.receipt()}, tables)
        if amount <= self.balance:
            self.new(answer.expect("00"), -amount)
        elif partial and self.balance > 0:
            assert answer.expect("10").amount == self.balance, answer.story()
            self.new(answer, -self.balance)
        else:
            self.declined.append(answer.expect("51"))

    @when(lambda self: self.balance < CEILING - 18_000 and any(deed.moved < 0 for deed in self.deeds))
    @rule(nth=which, amount=amounts)
    def refund(self, nth: int, amount: int) -> None:
        redemptions = [deed for deed in self.deeds if deed.moved < 0]
        redemption = redemptions[-1 - nth % len(redemptions)]
        named: dict[int, str | None] = {37: redemption.answer.rrn, 62: self.till.receipt()}
        answer = self.till.do(REFUND, self.card, amount, named)
        if not redemption.live:
            answer.expect("25")
        elif amount > redemption.left:
            answer.expect("13")
        else:
            self.new(answer.expect("00"), amount, redemption)

    @when(lambda self: bool(self.deeds))
    @rule(nth=which, by_receipt=st.booleans(), approved_amount=st.booleans())
    def void(self, nth: int, by_receipt: bool, approved_amount: bool) -> None:
        deed = self.pick(nth)
        if not self.may_undo(deed):
            return
        named: dict[int, str | None] = {4: deed.answer[4] if approved_amount else deed.answer.asked[4]}
        if by_receipt and deed.live:  # one undone already is looked for by its RRN only
            named |= {37: None, 62: deed.answer.asked[62]}
        answer = self.till.void(deed.answer, named)
        if not deed.live or deed.live_returns():
            answer.expect("79")
        elif deed.moved > self.balance:
            answer.expect("51")
        else:
            answer.expect("00")
            deed.live, deed.was_undone, deed.last_void = False, True, answer
            self.balance -= deed.moved

    @when(lambda self: bool(self.deeds))
    @rule(nth=which, reference=references, mti=st.sampled_from(["0400", "0420"]))
    def reverse(self, nth: int, reference: str, mti: str) -> None:
        deed = self.pick(nth)
        gone = [deed, *deed.live_returns()]
        open_by_contract = (deed.live and deed.was_reversed) or self.balance < sum(one.moved for one in gone[1:])
        if open_by_contract or not self.may_undo(deed):
            return
        asked = deed.answer.asked
        named: dict[str, dict[int, str | None]] = {
            "DE90": {90: by_de90(asked)},
            "DE37": {37: deed.answer.rrn},
            "DE62": {62: asked[62]},
            "DE11": {11: asked[11]},
        }
        self.till.reverse(asked, named[reference], mti).expect("00")
        deed.was_reversed = True
        if deed.live:  # forced: the returns go with it, and the card never below zero
            self.balance = max(0, self.balance - sum(one.moved for one in gone))
            for one in gone:
                one.live, one.was_undone = False, True

    @precondition(lambda self: any(deed.last_void for deed in self.deeds))
    @rule(nth=which)
    def reverse_a_void(self, nth: int) -> None:
        voided = [deed for deed in self.deeds if deed.last_void]
        deed = voided[-1 - nth % len(voided)]
        redemption = deed.original
        too_late = redemption is not None and (not redemption.live or deed.moved > redemption.left)
        resold = not self.sold and deed is not self.sale
        older_sale = deed.answer.asked[3] == ACTIVATE and deed is not self.sale
        if self.balance + deed.moved < 0 or too_late or resold or older_sale or deed.last_void is None:
            return
        self.till.reverse(deed.last_void.asked).expect("00")
        deed.live, deed.last_void = True, None
        self.balance += deed.moved

    @when(lambda self: bool(self.deeds))
    @rule(nth=which, mti=st.sampled_from(["0200", "0201"]))
    def repeat(self, nth: int, mti: str) -> None:
        deed = self.pick(nth)
        if deed.live and deed.was_undone:
            return
        again = self.till.ask(deed.answer.asked.but(mti))
        if deed.live:
            assert (again.rc, again.rrn) == (deed.answer.rc, deed.answer.rrn), again.story()
        else:
            again.expect("94")

    @when(lambda self: bool(self.declined))
    @rule()
    def repeat_a_decline(self) -> None:
        again = self.till.ask(self.declined[-1].asked.but("0201")).expect("51")
        assert again.rrn == self.declined[-1].rrn, again.story()

    @when(lambda self: self.balance >= 99)
    @rule(then=st.sampled_from(["repeat", "reversal", "reversal and repeat"]))
    def lose_the_answer(self, then: str) -> None:
        request = self.till.message("0200", REDEEM, self.card, 99, {62: self.till.receipt()})
        with self.till.new_line() as line:
            line.send(request)
        if then == "repeat":
            self.new(self.till.ask(request.but("0201")).expect("00"), -99)
            return
        self.till.reverse(request).expect("00")
        if then == "reversal and repeat":
            self.till.ask(request.but("0201")).expect("94")

    @invariant()
    def the_switch_has_the_models_balance(self) -> None:
        if self.sold:
            there = self.till.balance(self.card)
            assert there == self.balance, f"the switch has {there}, the model {self.balance}"

    def teardown(self) -> None:
        """Leaves the card unsold and empty, whatever happened."""
        if self.sale is None or not self.sale.live:
            return
        there = self.till.balance(self.card)
        if there > self.sale.moved:
            self.till.do(REDEEM, self.card, there - self.sale.moved).expect("00")
        elif there < self.sale.moved:
            self.till.do(REFUND, self.card, self.sale.moved - there).expect("00")
        self.till.reverse(self.sale.answer.asked, {37: self.sale.answer.rrn}).expect("00")


def test_a_card_has_the_models_balance_after_any_sequence(house: House, till: Till) -> None:
    class ThisCard(CardMachine):
        pass

    ThisCard.till, ThisCard.card = till, house.inactive_card(till).pan
    run_state_machine_as_test(ThisCard, settings=BOUNDS)
