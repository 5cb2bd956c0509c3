"""One member under random sequences of everything a till does, against a small model written from the contract.

The model knows money, points, what is live and what was returned; nothing of lots, batches, keys or books. After every
step the switch must tell the points the model has. Where the contract leaves an outcome open, the model does not go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.contract.members import Club, Programme
from tests.contract.points import POINTS_REDEEM, RETURN, SALE
from tests.contract.till import Answer, Till, by_de90

BOUNDS = settings(
    max_examples=20,
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
which = st.integers(0, 5)  # the how-many-th newest
references = st.sampled_from(["DE90", "DE37", "DE62", "DE11"])


@dataclass(eq=False)
class Deed:
    """A movement the switch has approved."""

    answer: Answer
    money: int
    moved: int  # points put on (below zero: taken)
    original: Deed | None = None
    live: bool = True
    was_undone: bool = False
    last_void: Answer | None = None  # the void that undid it, while that is live
    returns: list[Deed] = field(default_factory=list)

    @property
    def live_returns(self) -> list[Deed]:
        return [deed for deed in self.returns if deed.live]

    @property
    def left(self) -> int:
        """Money that can still be returned."""
        return self.money - sum(deed.money for deed in self.live_returns)

    @property
    def points_left(self) -> int:
        """Points its returns have not undone yet, with its own sign."""
        return self.moved + sum(deed.moved for deed in self.live_returns)


class MemberMachine(RuleBasedStateMachine):
    """The till's view of one member."""

    club: Club
    till: Till
    member: str

    def __init__(self) -> None:
        super().__init__()
        self.deeds: list[Deed] = []

    @initialize()
    def begin(self) -> None:
        self.start = self.there = self.till.points(self.member)

    @property
    def programme(self) -> Programme:
        return self.club.programme

    @property
    def originals(self) -> list[Deed]:
        return [deed for deed in self.deeds if deed.original is None]

    def new(self, answer: Answer, money: int, moved: int, original: Deed | None = None) -> None:
        deed = Deed(answer, money, moved, original)
        self.there += moved
        self.deeds.append(deed)
        if original is not None:
            original.returns.append(deed)

    def ask(self, de3: str, money: int, more: dict[int, str | None] | None = None) -> Answer:
        return self.till.do(de3, self.member, money, {62: self.till.receipt(), **(more or {})})

    # What a till does.

    @rule(units=st.integers(1, 9), over=st.sampled_from([-1, 0, 1]))
    def sell(self, units: int, over: int) -> None:
        money = max(1, units * self.programme.earn_money + over)
        answer = self.ask(SALE, money).expect("00")
        assert answer.told.earned == self.programme.earned(money), answer.story()
        self.new(answer, money, self.programme.earned(money))

    @rule(units=st.sampled_from([0, 1, 7, 40, 600]), over=st.sampled_from([-1, 0, 1]))
    def redeem(self, units: int, over: int) -> None:
        money = self.programme.worth(self.till, self.programme.some(2) + units) + max(over, 1 - units)
        answer = self.ask(POINTS_REDEEM, money)
        taken = self.programme.taken(self.till, money)
        if taken > self.there:
            answer.expect("51")
        else:
            assert answer.expect("00").told.redeemed == taken, answer.story()
            self.new(answer, money, -taken)

    @precondition(lambda self: bool(self.originals))
    @rule(nth=which, share=st.sampled_from([1, 2, 3]), over=st.sampled_from([-1, 0, 1]))
    def give_back(self, nth: int, share: int, over: int) -> None:
        original = self.originals[-1 - nth % len(self.originals)]
        money = max(1, original.left // share + over)
        taken_back = self.programme.earned(original.left) - self.programme.earned(original.left - money)
        if original.live and original.moved > 0 and taken_back > self.there:
            return  # debt or floor: the programme's
        answer = self.ask(RETURN, money, {37: original.answer.rrn})
        if not original.live:
            answer.expect("25")
        elif money > original.left:
            answer.expect("13")
        elif original.answer.asked[3] == SALE:
            assert answer.expect("00").told[:2] == (taken_back, 0), answer.story()
            self.new(answer, money, -taken_back, original)
        else:  # how odd parts are rounded is open; that together they are the whole is not
            given = answer.expect("00").told.redeemed
            assert 0 <= given <= -original.points_left, answer.story()
            assert money < original.left or given == -original.points_left, answer.story()
            self.new(answer, money, given, original)

    @precondition(lambda self: bool(self.deeds))
    @rule(nth=which, by_receipt=st.booleans())
    def void(self, nth: int, by_receipt: bool) -> None:
        deed = self.deeds[-1 - nth % len(self.deeds)]
        if deed.live and not self.last_return_or_none(deed):
            return
        by: dict[int, str | None] = {37: None, 62: deed.answer.asked[62]} if by_receipt and deed.live else {}
        answer = self.till.void(deed.answer, by)
        if not deed.live or deed.live_returns:
            answer.expect("79")
        elif deed.moved > self.there:
            answer.expect("51")
        else:
            assert answer.expect("00").available == self.there - deed.moved, answer.story()
            deed.live, deed.was_undone, deed.last_void = False, True, answer
            self.there -= deed.moved

    def last_return_or_none(self, deed: Deed) -> bool:
        """Of the returns of one original only the newest is voided here: what an older one was worth is open then."""
        return deed.original is None or deed is deed.original.live_returns[-1]

    @precondition(lambda self: bool(self.deeds))
    @rule(nth=which, reference=references, mti=st.sampled_from(["0400", "0420"]))
    def reverse(self, nth: int, reference: str, mti: str) -> None:
        deed = self.deeds[-1 - nth % len(self.deeds)]
        gone = [deed, *deed.live_returns] if deed.live else []
        too_much = sum(one.moved for one in gone) > self.there or any(one.moved > self.there for one in gone)
        if too_much or (deed.live and not self.last_return_or_none(deed)):
            return
        asked = deed.answer.asked
        named: dict[str, dict[int, str | None]] = {
            "DE90": {90: by_de90(asked)},
            "DE37": {37: deed.answer.rrn},
            "DE62": {62: asked[62]},
            "DE11": {11: asked[11]},
        }
        self.till.reverse(asked, named[reference], mti).expect("00")
        for one in gone:
            one.live, one.was_undone, one.last_void = False, True, None
            self.there -= one.moved

    @precondition(lambda self: any(deed.last_void for deed in self.originals))
    @rule(nth=which)
    def reverse_a_void(self, nth: int) -> None:
        voided = [deed for deed in self.originals if deed.last_void]
        deed = voided[-1 - nth % len(voided)]
        if deed.last_void is None or self.there + deed.moved < 0:
            return
        self.till.reverse(deed.last_void.asked).expect("00")
        deed.live, deed.last_void = True, None
        self.there += deed.moved

    @precondition(lambda self: bool(self.deeds))
    @rule(nth=which, mti=st.sampled_from(["0200", "0201"]))
    def repeat(self, nth: int, mti: str) -> None:
        deed = self.deeds[-1 - nth % len(self.deeds)]
        if deed.live and deed.was_undone:
            return
        again = self.till.ask(deed.answer.asked.but(mti)).expect(deed.answer.rc if deed.live else "94")
        assert not deed.live or (again.rrn, again.told) == (deed.answer.rrn, deed.answer.told), again.story()

    @rule(then=st.sampled_from(["repeat", "reversal"]), de3=st.sampled_from([SALE, POINTS_REDEEM]))
    def lose_the_answer(self, then: str, de3: str) -> None:
        points = self.programme.some(5)
        if de3 == POINTS_REDEEM and points > self.there:
            return
        money = self.programme.earn_money * 2 if de3 == SALE else self.programme.worth(self.till, points)
        asked = self.till.message("0200", de3, self.member, money, {62: self.till.receipt()})
        with self.till.new_line() as line:
            line.send(asked)
        if then == "repeat":
            moved = self.programme.earned(money) if de3 == SALE else -points
            self.new(self.till.ask(asked.but("0201")).expect("00"), money, moved)
        else:
            self.till.reverse(asked).expect("00")

    @invariant()
    def the_switch_has_the_models_points(self) -> None:
        if hasattr(self, "there"):
            told = self.till.points(self.member)
            assert told == self.there, f"the switch has {told}, the model {self.there}"

    def teardown(self) -> None:
        """Everything reversed, newest first, leaves exactly the beginning."""
        if not hasattr(self, "there"):
            return
        spent_first = sorted((deed for deed in self.originals if deed.live), key=lambda deed: deed.moved)
        for deed in spent_first:
            self.till.reverse(deed.answer.asked, {37: deed.answer.rrn}).expect("00")
        told = self.till.points(self.member)
        assert told == self.start, f"everything was undone, and {told} points are left of {self.start}"


def test_a_member_has_the_models_points_after_any_sequence(club: Club, counter: Till, member: str) -> None:
    class ThisMember(MemberMachine):
        pass

    ThisMember.club, ThisMember.till, ThisMember.member = club, counter, member
    run_machine(ThisMember, settings=BOUNDS)
