"""The ladder of `switch/core/decide.py`: what is looked at before what. Each rung's own rules are tested beside it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import ADVISED, Kind, Line, MessageClass
from switch.core.admission import INQUIRIES
from switch.core.clock import MINUTE
from switch.core.commands import ApplyProgramme, PutTerminal
from switch.core.decide import decide
from switch.core.decision import Changes
from switch.core.holdings import Block
from switch.core.journal import Tally
from switch.core.merchants import Right
from switch.core.refusals import scopes
from tests.core.till import DOLLAR, EURO, PROGRAMME, Shop, available, case_of, clock


class Stage:
    """A shop, a till with an open batch, and a card with PIN and money on it: nothing wrong with any of them."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.till = self.shop.till(currencies=("826",))
        self.card = self.shop.card("secret", 100_000)
        self.till.redeem(self.card, 1, pin="1234", batch=1)
        self.till.close_batch()
        self.till.redeem(self.card, 1, pin="1234", batch=2)

    def change_profile(self, **changes: Any) -> None:
        self.shop.command(PutTerminal(msgspec.structs.replace(self.till.record, **changes)))

    def guess_too_often(self) -> None:
        tallies = [Tally(scope, self.shop.now // MINUTE, 4) for scope in scopes(self.till.record, "99004000")]
        self.shop.store.commit(Changes(tallies=tallies), None)

    def lock_pin(self) -> None:
        for _ in range(3):
            self.till.redeem(self.card, 1, pin="0000")


class Fault(msgspec.Struct):
    """Something wrong with a redemption: in the message, or in the world it comes into."""

    name: str
    outcome: Outcome
    message: dict[str, Any] = {}
    world: Callable[[Stage], object] | None = None
    before: Callable[[Stage], object] | None = None  # the world's, where messages make it: while all is still well
    spoils: set[str] = set()  # what of the message must be as it is for this fault to show


# fmt: off
#: In the order in which they must be found: of any two, the upper one is answered.
LADDER = [
    Fault("malformed",        Outcome.FORMAT_ERROR,     {"kind": Kind.MALFORMED}),
    Fault("line for others",  Outcome.NOT_ALLOWED,      {"line": Line("test", frozenset({"B"}), clear_pin=True)}),
    Fault("unknown merchant", Outcome.UNKNOWN_MERCHANT, {"merchant_id": "Z"}),
    Fault("unknown terminal", Outcome.UNKNOWN_TERMINAL, world=lambda s: s.change_profile(active=False)),
    Fault("other, same stan", Outcome.DUPLICATE,        {"stan": 77}, before=lambda s: s.till.redeem(s.card, 5, stan=77, pin="1234")),  # noqa: E501
    Fault("reversed before",  Outcome.DUPLICATE,        {"stan": 78}, before=lambda s: s.till.reverse(s.till.write(Kind.GIFT_REDEEM, s.card, 100, stan=78)), spoils={"kind", "card", "amount"}),  # noqa: E501
    Fault("not offered",      Outcome.NOT_OFFERED,      {"kind": Kind.UNKNOWN}),
    Fault("no right",         Outcome.NOT_ALLOWED,      world=lambda s: s.change_profile(rights=())),
    Fault("pin in the clear", Outcome.NOT_ALLOWED,      {"line": Line("test")}, spoils={"pin"}),
    Fault("currency",         Outcome.NOT_OFFERED,      {"currency": EURO}),
    Fault("batch closed",     Outcome.BATCH,            {"batch": 1}),
    Fault("guess limit",      Outcome.COUNT_LIMIT,      world=Stage.guess_too_often),
    Fault("no pin",           Outcome.WRONG_PIN,        {"pin": None}),
    Fault("unknown card",     Outcome.UNKNOWN_CARD,     {"card": PAN("9900400099999999999")}),
    Fault("pin locked",       Outcome.PIN_TRIES,        before=Stage.lock_pin),
    Fault("wrong pin",        Outcome.WRONG_PIN,        {"pin": "4321"}),
    Fault("card lost",        Outcome.CARD_LOST,        world=lambda s: s.shop.block(s.card, Block.LOST)),
    Fault("no rate",          Outcome.NOT_OFFERED,      {"currency": "826"}),
    Fault("no amount",        Outcome.AMOUNT,           {"amount": 0}),
    Fault("not enough",       Outcome.NOT_ENOUGH,       {"amount": 100_001}),
]
# fmt: on


def go_together(one: Fault, other: Fault) -> bool:
    def places(fault: Fault) -> set[str]:
        return fault.message.keys() | fault.spoils

    return not (one.message.keys() & places(other) or other.message.keys() & places(one))


PAIRS = [
    pytest.param(upper, lower, id=f"{upper.name} before {lower.name}")
    for upper, lower in combinations(LADDER, 2)
    if go_together(upper, lower)
]


def send(stage: Stage, *faults: Fault) -> Outcome:
    for change in (*(fault.before for fault in faults), *(fault.world for fault in faults)):
        if change:
            change(stage)
    message: dict[str, Any] = {"kind": Kind.GIFT_REDEEM, "card": stage.card, "amount": 100, "pin": "1234", "stan": 500}
    for fault in faults:
        message |= fault.message
    merchant_id = message.pop("merchant_id", "A")
    request = stage.till.write(**message)
    return stage.till.say(msgspec.structs.replace(request, merchant_id=merchant_id)).outcome


def test_nothing_wrong_is_approved() -> None:
    assert send(Stage()) is Outcome.APPROVED


@pytest.mark.parametrize("fault", LADDER, ids=lambda fault: fault.name)
def test_each_fault_alone_has_its_answer(fault: Fault) -> None:
    assert send(Stage(), fault) is fault.outcome


@pytest.mark.parametrize(("upper", "lower"), PAIRS)
def test_of_two_faults_the_upper_one_is_answered(upper: Fault, lower: Fault) -> None:
    assert send(Stage(), lower, upper) is upper.outcome


def test_the_table_pairs_every_rung_with_nearly_all_others() -> None:
    assert len(PAIRS) > 160, len(PAIRS)


# -- who is it ---------------------------------------------------------------------------------------------------------
def test_a_terminal_is_found_without_a_merchant_if_it_is_the_only_one_of_its_name() -> None:
    shop = Shop()
    lonely, twin, other = shop.till("T1"), shop.till("T2"), shop.till("T2", "B")
    for till, expected in (
        (lonely, Outcome.APPROVED),
        (twin, Outcome.UNKNOWN_MERCHANT),
        (other, Outcome.UNKNOWN_MERCHANT),
    ):
        till.merchant_id = ""
        assert till.log_on().outcome is expected


def test_a_line_without_merchant_is_held_to_the_terminals_merchant() -> None:
    shop = Shop()
    till = shop.till()
    till.merchant_id = ""
    assert till.log_on(line=Line("tls", frozenset({"B"}))).outcome is Outcome.NOT_ALLOWED
    assert till.log_on(line=Line("tls", frozenset({"A"}))).outcome is Outcome.APPROVED


@pytest.mark.parametrize("message_class", MessageClass)
def test_every_class_of_message_is_asked_who_it_is(message_class: MessageClass) -> None:
    shop = Shop()
    till = shop.till()
    card = shop.card(balance=1000)
    network = message_class is MessageClass.NETWORK
    kind = Kind.LOGON if network else Kind.GIFT_BALANCE if message_class is MessageClass.INQUIRY else Kind.GIFT_REDEEM

    def send(**fields: Any) -> Outcome:
        request = till.write(kind, card, 10, message_class=message_class)
        return till.say(msgspec.structs.replace(request, **fields)).outcome

    assert send(line=Line("tls", frozenset({"B"}))) is Outcome.NOT_ALLOWED
    assert send(merchant_id="Z") is Outcome.UNKNOWN_MERCHANT
    assert send(terminal_id="Z") is Outcome.UNKNOWN_TERMINAL
    assert send(kind=Kind.MALFORMED, wrong_field=4, merchant_id="Z") is Outcome.FORMAT_ERROR
    assert not [row for row in shop.rows() if row.terminal], "none of these answers is stored"


# -- classes -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("message_class", [MessageClass.SETTLEMENT, MessageClass.OTHER])
def test_a_redemption_of_another_class_is_not_offered(message_class: MessageClass) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    reply = till.redeem(card, 10, message_class=message_class)
    assert (reply.outcome, reply.rrn, shop.balance(card)) == (Outcome.NOT_OFFERED, None, 1000)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (*INQUIRIES, Kind.MALFORMED)])
def test_only_balances_are_inquired(kind: Kind) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    reply = till.say(till.write(kind, card, 10, message_class=MessageClass.INQUIRY))
    assert reply.outcome is Outcome.NOT_OFFERED
    assert till.say(till.write(Kind.GIFT_BALANCE, card)).outcome is Outcome.NOT_OFFERED, (
        "and a balance is no transaction"
    )


#: What may be told as done already: these, and loads where the terminal has the right.
LOADING = {Kind.GIFT_ACTIVATE, Kind.GIFT_RELOAD, Kind.GIFT_REFUND, Kind.GIFT_VOID_LOAD}
GIFTS = [kind for kind in Kind if kind.value.startswith("gift") and kind is not Kind.GIFT_BALANCE]


@pytest.mark.parametrize("kind", GIFTS)
@pytest.mark.parametrize("offline_loads", [False, True])
def test_advices_of_other_kinds_are_not_offered(kind: Kind, offline_loads: bool) -> None:
    rights = tuple(right for right in Right if offline_loads or right is not Right.OFFLINE_LOADS)
    shop = Shop()
    till, card = shop.till(rights=rights), shop.card(balance=1000)
    offered = kind in ADVISED or (offline_loads and kind in LOADING)
    reply = till.say(till.write(kind, card, 1000, message_class=MessageClass.ADVICE, **clock(shop.now)))
    assert (reply.outcome is not Outcome.NOT_OFFERED) is offered


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        (Kind.GIFT_ACTIVATE, Right.ACTIVATE),
        (Kind.GIFT_RELOAD, Right.RELOAD),
        (Kind.GIFT_REDEEM, Right.REDEEM),
        (Kind.GIFT_CASH_OUT, Right.CASH_OUT),
        (Kind.GIFT_REFUND, Right.RETURN),
        (Kind.GIFT_BLOCK, Right.BLOCK),
        (Kind.GIFT_UNBLOCK, Right.UNBLOCK),
        (Kind.GIFT_VOID_LOAD, Right.VOID),
        (Kind.GIFT_VOID_SPEND, Right.VOID),
    ],
)
def test_each_kind_has_its_right(kind: Kind, right: Right) -> None:
    shop = Shop()
    card = shop.card(balance=1000)
    without = shop.till("T1", rights=tuple(other for other in Right if other is not right))
    only = shop.till("T2", rights=(right,))
    assert without.say(without.write(kind, card, 1000, rrn="1")).outcome is Outcome.NOT_ALLOWED
    assert only.say(only.write(kind, card, 1000, rrn="1")).outcome is not Outcome.NOT_ALLOWED


def test_a_balance_needs_its_right_and_a_reversal_none() -> None:
    shop = Shop()
    card = shop.card(balance=1000)
    till = shop.till(rights=(Right.REDEEM,))
    assert till.balance(card).outcome is Outcome.NOT_ALLOWED
    till.redeem(card, 100)
    assert till.reverse().outcome is Outcome.APPROVED
    assert shop.balance(card) == 1000


# -- 0800 --------------------------------------------------------------------------------------------------------------
def test_an_echo_needs_no_terminal_but_the_others_do() -> None:
    shop = Shop()
    till = shop.till()
    till.terminal_id = till.merchant_id = ""
    for kind, expected in (
        (Kind.ECHO, Outcome.APPROVED),
        (Kind.LOGON, Outcome.NOT_OFFERED),
        (Kind.PARAMETERS, Outcome.NOT_OFFERED),
        (Kind.GIFT_REDEEM, Outcome.NOT_OFFERED),
    ):
        assert till.say(till.write(kind, message_class=MessageClass.NETWORK)).outcome is expected


def test_parameters_tell_a_terminal_of_itself() -> None:
    shop = Shop()
    till = shop.till(currency="414", time_zone="Asia/Kuwait", echo_seconds=120, settle_at="2215")
    reply = till.say(till.write(Kind.PARAMETERS, message_class=MessageClass.NETWORK))
    assert dict(reply.parameters) == {"cur": "414", "exp": "3", "tz": "Asia/Kuwait", "echo": "120", "settle": "2215"}
    assert (reply.local_date, reply.local_time) == ("0310", "150003"), "the store's time"


# -- the end of the ladder ---------------------------------------------------------------------------------------------
def test_the_answer_has_reference_and_approval_where_the_contract_says() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)

    def said(**fields: Any) -> tuple[bool, bool]:
        reply = till.redeem(card, 10, **fields)
        return reply.rrn is not None, reply.approval is not None

    assert said() == (True, True)
    assert till.redeem(card, 5000).rrn is not None, "a refusal has a reference"
    assert till.redeem(card, 5000).approval is None
    assert said(message_class=MessageClass.ADVICE, **clock(shop.now)) == (True, False)
    assert said(message_class=MessageClass.REVERSAL) == (False, False)


def test_a_right_pin_is_remembered_also_when_the_rule_refuses_and_when_it_only_asks() -> None:
    """The tries start anew: 'wrong ones in a row'."""
    shop = Shop()
    till = shop.till()
    secret, private = shop.card("secret", 1000), shop.card("private", 1000)
    till.redeem(secret, 10, pin="0000")
    assert shop.record(secret).pin_tries == 1
    assert till.redeem(secret, 5000, pin="1234").outcome is Outcome.NOT_ENOUGH
    assert shop.record(secret).pin_tries == 0
    till.balance(private, pin="0000")
    assert shop.record(private).pin_tries == 1
    assert till.balance(private, pin="1234").outcome is Outcome.APPROVED
    assert shop.record(private).pin_tries == 0


def test_an_advice_older_than_thirty_days_is_reported_and_not_booked() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    for days, left in ((29.9, 900), (30.1, 900)):
        deed = clock(shop.now - round(days * 24 * 60) * MINUTE)
        assert till.redeem(card, 100, message_class=MessageClass.ADVICE, **deed).outcome is Outcome.APPROVED
        assert shop.balance(card) == left
    assert (shop.newest.reason, shop.newest.amount, shop.newest.entries) == ("advice_too_old", 0, ())
    stale = shop.newest
    assert till.reverse().outcome is Outcome.APPROVED
    assert shop.balance(card) == 900
    assert till.refund(card, 100, rrn=stale.rrn).outcome is Outcome.ORIGINAL_NOT_FOUND
    assert till.void_spend(card, 0, rrn=stale.rrn).outcome is Outcome.VOID_NOT_FOUND


def test_a_product_taken_out_of_the_programme_is_no_longer_offered_but_undone() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("gulf", 10_000)
    spent = till.redeem(card, 100)
    assert spent.outcome is Outcome.APPROVED
    lines = [line for line in PROGRAMME.splitlines() if '"gulf"' not in line]
    shop.command(ApplyProgramme("\n".join(lines)))
    assert till.redeem(card, 100).outcome is Outcome.NOT_OFFERED
    assert till.void_spend(card, 100, rrn=spent.rrn).outcome is Outcome.APPROVED
    assert shop.balance(card) == 10_000


def test_an_undo_needs_no_rate_of_today() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("gulf", 10_000)
    voided, returned = till.redeem(card, 10_000), till.redeem(card, 10_000)
    shop.command(ApplyProgramme(PROGRAMME.replace('"414" = "3.25", ', "")))
    assert till.redeem(card, 100).outcome is Outcome.NOT_OFFERED
    assert till.void_spend(card, 10_000, rrn=voided.rrn).outcome is Outcome.APPROVED
    assert till.refund(card, 10_000, rrn=returned.rrn).outcome is Outcome.APPROVED
    assert shop.balance(card) == 10_000


def test_decide_is_pure() -> None:
    """Asked twice the same, it answers the same; nothing it was given has changed."""
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    case = case_of(till.write(Kind.GIFT_REDEEM, card, 100))
    view = shop.store.load([], shop.now).view(case)
    first = decide(case, view, shop.books.programme, shop.now, 1_000_000)
    assert decide(case, view, shop.books.programme, shop.now, 1_000_000) == first


def test_other_currencies_only_where_the_terminal_has_several() -> None:
    shop = Shop()
    card = shop.card(balance=10_000)
    plain, several = shop.till("T1"), shop.till("T2", currencies=(DOLLAR,))
    assert plain.redeem(card, 10, currency=DOLLAR).outcome is Outcome.NOT_OFFERED
    assert plain.redeem(card, 10, currency="949").outcome is Outcome.APPROVED
    reply = several.redeem(card, 10, currency=DOLLAR)  # 0.10 USD = 4.00 TRY
    assert (reply.outcome, shop.balance(card)) == (Outcome.APPROVED, 9590)
    assert available(reply) == 239, "in the currency of the request, rounded down"
