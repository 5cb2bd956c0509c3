"""The table of undoing in WIRE.md section 4: void, reversal and refund for each state of the original."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN, Secret
from specs.transaction import Kind, MessageClass, Reply, Request
from switch.core.holdings import Block, CardState
from tests.core.till import Shop, Till, available, clock

APPROVED, NOT_FOUND, UNDONE = Outcome.APPROVED, Outcome.VOID_NOT_FOUND, Outcome.ALREADY_UNDONE
NO_ORIGINAL, AMOUNT, NOT_ENOUGH = Outcome.ORIGINAL_NOT_FOUND, Outcome.AMOUNT, Outcome.NOT_ENOUGH
ADVICE = MessageClass.ADVICE


class Scene:
    """A card with 1,000 on it, of which 400 were spent in this till's open batch: what is to be undone."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.till = self.shop.till("T1")
        self.other = self.shop.till("T2", store="south")
        self.card = self.shop.card(balance=1000)
        self.spent = self.till.redeem(self.card, 400, batch=1)
        self.message = self.till.sent

    def void(self) -> Reply:
        return self.till.void_spend(self.card, 400, rrn=self.spent.rrn)

    def reverse(self) -> Reply:
        return self.till.reverse(self.message)

    def refund(self) -> Reply:
        return self.till.refund(self.card, 100, rrn=self.spent.rrn)

    def close(self) -> None:
        self.till.close_batch()

    def move_to_other_till(self) -> None:
        """The same message by another terminal: `spent` is not this one's."""
        self.spent = self.other.redeem(self.card, 400)
        self.message = msgspec.structs.replace(self.other.sent, terminal_id="T1", stan=900)

    def move_to_other_shop(self) -> None:
        home = self.shop.card("home", 1000)
        self.card, self.spent = home, self.other.redeem(home, 400)
        self.message = msgspec.structs.replace(self.other.sent, terminal_id="T1", stan=900)

    def return_part(self) -> None:
        self.till.refund(self.card, 350, rrn=self.spent.rrn)

    def turn_to_void(self) -> None:
        self.spent = self.void()
        self.message = self.till.sent

    def refuse(self) -> None:
        self.spent = self.till.redeem(self.card, 4000)
        self.message = self.till.sent

    def forget(self) -> None:
        self.spent = msgspec.structs.replace(self.spent, rrn="999999999999")
        self.message = msgspec.structs.replace(self.message, stan=901)


# fmt: off
#: The original is…, what is done to it, the answer, the balance before and after.
UNDOING: list[tuple[str, list[Callable[[Scene], object]], Callable[[Scene], Reply], Outcome, int, int]] = [
    ("live",                [],                              Scene.void,    APPROVED,    600, 1000),
    ("live",                [],                              Scene.reverse, APPROVED,    600, 1000),
    ("live",                [],                              Scene.refund,  APPROVED,    600, 700),
    ("batch closed",        [Scene.close],                   Scene.void,    NOT_FOUND,   600, 600),
    ("batch closed",        [Scene.close],                   Scene.refund,  APPROVED,    600, 700),
    ("of another terminal", [Scene.move_to_other_till],      Scene.void,    NOT_FOUND,   200, 200),
    ("of another terminal", [Scene.move_to_other_till],      Scene.reverse, APPROVED,    200, 200),
    ("of another terminal", [Scene.move_to_other_till],      Scene.refund,  APPROVED,    200, 300),
    ("of another store",    [Scene.move_to_other_shop],      Scene.refund,  Outcome.CARD_RESTRICTED, 600, 600),
    ("voided",              [Scene.void],                    Scene.void,    UNDONE,     1000, 1000),
    ("voided",              [Scene.void],                    Scene.reverse, APPROVED,   1000, 1000),
    ("voided",              [Scene.void],                    Scene.refund,  NO_ORIGINAL, 1000, 1000),
    ("reversed",            [Scene.reverse],                 Scene.void,    UNDONE,     1000, 1000),
    ("reversed",            [Scene.reverse],                 Scene.reverse, APPROVED,   1000, 1000),
    ("reversed",            [Scene.reverse],                 Scene.refund,  NO_ORIGINAL, 1000, 1000),
    ("voided, then closed", [Scene.void, Scene.close],       Scene.void,    UNDONE,     1000, 1000),
    ("with a live return",  [Scene.return_part],             Scene.void,    UNDONE,      950, 950),
    ("with a live return",  [Scene.return_part],             Scene.reverse, APPROVED,    950, 1000),
    ("with a live return",  [Scene.return_part],             Scene.refund,  AMOUNT,      950, 950),
    ("a void",              [Scene.turn_to_void],            Scene.void,    UNDONE,     1000, 1000),
    ("a void",              [Scene.turn_to_void],            Scene.reverse, APPROVED,   1000, 600),
    ("a void",              [Scene.turn_to_void],            Scene.refund,  NO_ORIGINAL, 1000, 1000),
    ("refused",             [Scene.refuse],                  Scene.void,    NOT_FOUND,   600, 600),
    ("refused",             [Scene.refuse],                  Scene.reverse, APPROVED,    600, 600),
    ("refused",             [Scene.refuse],                  Scene.refund,  NO_ORIGINAL, 600, 600),
    ("never seen",          [Scene.forget],                  Scene.void,    NOT_FOUND,   600, 600),
    ("never seen",          [Scene.forget],                  Scene.reverse, APPROVED,    600, 600),
    ("never seen",          [Scene.forget],                  Scene.refund,  NO_ORIGINAL, 600, 600),
]
# fmt: on


@pytest.mark.parametrize(
    ("state", "before", "act", "outcome", "balance", "after"),
    UNDOING,
    ids=[f"{act.__name__} of one {state}" for state, _, act, *_ in UNDOING],
)
def test_the_table_of_undoing(
    state: str,
    before: list[Callable[[Scene], object]],
    act: Callable[[Scene], Reply],
    outcome: Outcome,
    balance: int,
    after: int,
) -> None:
    scene = Scene()
    for step in before:
        step(scene)
    assert scene.shop.balance(scene.card) == balance
    reply = act(scene)
    assert (reply.outcome, scene.shop.balance(scene.card)) == (outcome, after)
    assert scene.shop.uncovered() == 0
    scene.shop.prove()


@pytest.mark.parametrize("named", [{}, {"receipt": "R00001"}])
def test_neither_stan_nor_receipt_reach_into_a_closed_batch(named: dict[str, Any]) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    till.redeem(card, 400, receipt="R00001", **clock(shop.now))
    message = till.sent
    till.close_batch()
    assert till.reverse(message, local_time="235959", **named).outcome is APPROVED
    assert shop.balance(card) == 600


def test_a_batch_the_host_left_behind_is_within_reach() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    till.redeem(card, 400, batch=1)
    message = till.sent
    till.log_on(batch=2)
    assert till.reverse(message).outcome is APPROVED
    assert (shop.balance(card), shop.newest.reason) == (1000, "after_close")


def test_a_reversal_after_the_close_needs_the_exact_reference_and_is_marked_for_the_report() -> None:
    for reference in ("rrn", "de90", "times"):
        shop = Shop()
        till, card = shop.till(), shop.card(balance=1000)
        times = clock(shop.now)
        spent = till.redeem(card, 400, **times)
        message = till.sent
        till.close_batch()
        references: dict[str, dict[str, Any]] = {
            "rrn": {"rrn": spent.rrn, "stan": 700},
            "de90": {"original_class": MessageClass.REQUEST, "original_stan": message.stan, "stan": 700},
            "times": {},
        }
        assert till.reverse(message, **references[reference]).outcome is APPROVED
        assert (shop.balance(card), shop.newest.reason) == (1000, "after_close")


# -- loads that were spent ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("act", ["activate", "reload", "refund"])
def test_a_load_spent_since_is_not_voided_but_reversed_with_what_is_missing_uncovered(act: str) -> None:
    shop = Shop()
    till, spender = shop.till(), shop.till("T2", "B")
    card = shop.card() if act == "activate" else shop.card(balance=100)
    loaded = getattr(till, act)(card, 1000)
    message = till.sent
    spender.redeem(card, shop.balance(card) - 300)
    assert till.void_load(card, 1000, rrn=loaded.rrn).outcome is NOT_ENOUGH
    assert shop.balance(card) == 300
    assert till.reverse(message).outcome is APPROVED
    assert (shop.balance(card), shop.uncovered("A"), shop.clearing("A")) == (0, -700, 0)
    assert shop.newest.reason == "uncovered"
    shop.prove()


def test_an_advised_void_takes_back_a_spent_load_too() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=100)
    loaded = till.reload(card, 1000)
    till.redeem(card, 800)
    reply = till.void_load(card, 1000, rrn=loaded.rrn, message_class=ADVICE, **clock(shop.now))
    assert (reply.outcome, shop.balance(card), shop.uncovered()) == (APPROVED, 0, -700)


def test_a_reversed_void_takes_again_what_was_given_back_as_far_as_it_is_there() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    spent = till.redeem(card, 900)
    till.void_spend(card, 900, rrn=spent.rrn)
    void = till.sent
    till.redeem(card, 700)
    assert till.reverse(void).outcome is APPROVED
    assert (shop.balance(card), shop.uncovered()) == (0, -600)
    assert till.refund(card, 900, rrn=spent.rrn).outcome is APPROVED, "the voided one stands again"
    shop.prove()


# -- which kinds, which amounts ----------------------------------------------------------------------------------------
VOIDABLE: list[tuple[str, str]] = [
    ("activate", "void_load"),
    ("reload", "void_load"),
    ("refund", "void_load"),
    ("redeem", "void_spend"),
    ("cash_out", "void_spend"),
]


def do(shop: Shop, till: Till, act: str) -> tuple[PAN, Reply]:
    """A card with 1,000 on it, or none for an activation, on which `act` was done."""
    card = shop.card() if act == "activate" else shop.card(balance=1000)
    if act == "unblock":
        shop.block(card, Block.BLOCKED)
    if act in ("cash_out", "block", "unblock"):
        return card, till.say(till.write(Kind(f"gift_{act}"), card, 1000))
    return card, getattr(till, act)(card, 1000)


@pytest.mark.parametrize(("act", "void"), VOIDABLE)
def test_each_kind_is_voided_with_its_own_account_digits(act: str, void: str) -> None:
    shop = Shop()
    till = shop.till()
    card, done = do(shop, till, act)
    before = shop.record(card), shop.balance(card)
    wrong = "void_spend" if void == "void_load" else "void_load"
    assert getattr(till, wrong)(card, 1000, rrn=done.rrn).outcome is NOT_FOUND
    assert (shop.record(card), shop.balance(card)) == before
    assert getattr(till, void)(card, 1000, rrn=done.rrn).outcome is APPROVED
    assert shop.clearing() == 0
    assert shop.balance(card) == (0 if act == "activate" else 1000)
    assert shop.record(card).state is (CardState.INACTIVE if act == "activate" else CardState.ACTIVE)
    shop.prove()


@pytest.mark.parametrize("act", ["block", "unblock"])
def test_blocks_are_reversed_but_not_voided(act: str) -> None:
    shop = Shop()
    till = shop.till()
    card, done = do(shop, till, act)
    message = till.sent
    assert till.void_spend(card, 1000, rrn=done.rrn).outcome is UNDONE, "not voidable"
    assert till.reverse(message).outcome is APPROVED
    assert shop.record(card).block is (Block.NONE if act == "block" else Block.BLOCKED)


def test_an_undone_block_leaves_what_the_owner_has_said_since() -> None:
    shop = Shop()
    till = shop.till()
    for act, said in (("block", Block.LOST), ("block", Block.STOLEN), ("unblock", Block.LOST)):
        card, _ = do(shop, till, act)
        message = till.sent
        shop.block(card, said)
        assert till.reverse(message).outcome is APPROVED
        assert shop.record(card).block is said


@pytest.mark.parametrize("amount", [1000, 700, 999])
def test_an_undo_names_what_was_asked_or_what_was_approved(amount: int) -> None:
    for reverse in (False, True):
        shop = Shop()
        till, card = shop.till(), shop.card(balance=700)
        spent = till.redeem(card, 1000, partial=True)
        fits = amount in (1000, 700)
        if reverse:
            assert till.reverse(amount=amount).outcome is APPROVED
        else:
            assert till.void_spend(card, amount, rrn=spent.rrn).outcome is (APPROVED if fits else NOT_FOUND)
        assert shop.balance(card) == (700 if fits else 0), "it undoes what was approved"


# -- states of the card ------------------------------------------------------------------------------------------------
def test_an_undone_activation_makes_an_empty_card_inactive_and_leaves_another_load_usable() -> None:
    shop = Shop()
    till = shop.till()
    for more, state in ((0, CardState.INACTIVE), (1000, CardState.ACTIVE)):
        card = shop.card()
        activated = till.activate(card, 2000)
        if more:
            till.reload(card, more)
        assert till.void_load(card, 2000, rrn=activated.rrn).outcome is APPROVED
        assert (shop.record(card).state, shop.balance(card)) == (state, more)


def test_after_an_undone_activation_a_card_ages_from_its_next_one() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("short")
    activated = till.activate(card, 1000)
    till.void_load(card, 1000, rrn=activated.rrn)
    shop.pass_time(days=11)
    assert till.activate(card, 1000).outcome is APPROVED
    assert till.redeem(card, 10).outcome is APPROVED


def test_a_reversed_void_of_an_activation_makes_the_card_active_again_until_its_day() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("short")
    activated = till.activate(card, 1000)
    expires_at = shop.record(card).expires_at
    till.void_load(card, 1000, rrn=activated.rrn)
    assert till.reverse().outcome is APPROVED
    assert (shop.record(card).state, shop.balance(card)) == (CardState.ACTIVE, 1000)
    assert shop.record(card).expires_at == expires_at


def test_single_use_follows_what_stands() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("single", 1000)
    spent = till.redeem(card, 600)
    assert till.void_spend(card, 600, rrn=spent.rrn).outcome is APPROVED
    assert shop.record(card).state is CardState.ACTIVE
    assert till.reverse().outcome is APPROVED  # of the void
    assert (shop.record(card).state, shop.balance(card)) == (CardState.USED, 400)
    back = till.refund(card, 100, rrn=spent.rrn)
    assert shop.record(card).state is CardState.ACTIVE
    assert till.void_load(card, 100, rrn=back.rrn).outcome is APPROVED
    assert (shop.record(card).state, shop.balance(card)) == (CardState.USED, 400)


def test_a_voided_refund_closes_only_what_it_opened_and_locks_no_money_in() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("single", 1000)
    early = till.refund(card, 50)
    assert till.void_load(card, 50, rrn=early.rrn).outcome is APPROVED
    assert shop.record(card).state is CardState.ACTIVE, "it was, before anything was given back"
    spent = till.redeem(card, 600)
    opened, more = till.refund(card, 100, rrn=spent.rrn), till.refund(card, 100, rrn=spent.rrn)
    assert till.void_load(card, 100, rrn=opened.rrn).outcome is APPROVED
    assert shop.record(card).state is CardState.ACTIVE, "another refund stands"
    assert till.void_load(card, 100, rrn=more.rrn).outcome is APPROVED


def test_an_undone_advice_does_not_activate_a_card() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("single")
    till.redeem(card, 600, message_class=ADVICE, **clock(shop.now))
    assert till.reverse().outcome is APPROVED
    assert shop.record(card).state is CardState.INACTIVE
    assert till.activate(card, 1000).outcome is APPROVED


def test_an_undo_asks_for_no_state_of_the_card() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    spent = till.redeem(card, 400)
    shop.block(card, Block.STOLEN)
    assert till.void_spend(card, 400, rrn=spent.rrn).outcome is APPROVED


@pytest.mark.parametrize("undo", ["void", "reversal"])
def test_an_undo_reaches_the_card_that_replaced_the_old_one(undo: str) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    done = till.cash_out(card)
    message = till.sent
    new = shop.replace(card)
    assert shop.record(new).state is CardState.CLOSED
    reply = till.void_spend(card, 1000, rrn=done.rrn) if undo == "void" else till.reverse(message, amount=1000)
    assert reply.outcome is APPROVED
    assert (shop.balance(new), shop.record(new).state) == (1000, CardState.ACTIVE)
    assert shop.record(card).state is CardState.REPLACED
    assert till.redeem(new, 10).outcome is APPROVED


# -- how a void finds its original -------------------------------------------------------------------------------------
def test_a_void_goes_by_reference_first_and_then_by_the_newest_receipt_not_yet_undone() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    first, second, third = (till.redeem(card, 100, receipt=receipt) for receipt in ("000001", "000001", "000002"))
    assert till.void_spend(card, 100, rrn=first.rrn, receipt="000002").outcome is APPROVED
    assert shop.newest.original == _row(shop, first).id
    assert till.void_spend(card, 100, receipt="000001").outcome is APPROVED
    assert shop.newest.original == _row(shop, second).id
    assert till.void_spend(card, 100, receipt="000001").outcome is UNDONE
    assert till.void_spend(card, 100, rrn="999999999999", receipt="000002").outcome is APPROVED
    assert shop.newest.original == _row(shop, third).id
    assert till.void_spend(card, 100, receipt="000009").outcome is NOT_FOUND
    assert till.void_spend(card, 100).outcome is NOT_FOUND


def test_a_void_passes_over_a_refused_one_with_the_same_receipt() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=100)
    first = till.redeem(card, 100, receipt="000001")
    assert till.redeem(card, 100, receipt="000001").outcome is NOT_ENOUGH
    assert till.void_spend(card, 100, receipt="000001").outcome is APPROVED
    assert shop.newest.original == _row(shop, first).id


# -- how a reversal finds its original ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("named", "undone"),
    [
        ({"stan": 13},                                                                       3),
        ({"stan": 20},                                                                       None),
        ({"stan": 20, "receipt": "R00001"},                                                  2),  # the newest of it
        ({"stan": 11, "receipt": "R00001"},                                                  1),  # 12 comes after 11
        ({"stan": 13, "receipt": "R00001"},                                                  2),  # receipt before STAN
        ({"stan": 10, "receipt": "R00001"},                                                  None),
        ({"stan": 20, "receipt": "R00001", "rrn": 3},                                        3),  # RRN before receipt
        ({"stan": 20, "receipt": "R00001", "rrn": "999999999999"},                           2),
        ({"stan": 20, "rrn": 3, "original_class": MessageClass.REQUEST, "original_stan": 11}, 1),  # DE90 before RRN
        ({"stan": 20, "original_class": MessageClass.ADVICE, "original_stan": 11},           None),  # another MTI
        ({"stan": 20, "rrn": 3, "original_class": MessageClass.REQUEST, "original_stan": 19}, 3),
    ],
)  # fmt: skip
def test_a_reversal_goes_by_the_surest_reference_that_finds_one(named: dict[str, Any], undone: int | None) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    done = {
        1: till.redeem(card, 100, stan=11, receipt="R00001"),
        2: till.redeem(card, 100, stan=12, receipt="R00001"),
        3: till.redeem(card, 100, stan=13, receipt="R00002"),
    }
    rrn = named.get("rrn")
    reference = named | {"rrn": done[rrn].rrn} if rrn in done else named
    message = till.write(Kind.GIFT_REDEEM, card, 100, **{"message_class": MessageClass.REVERSAL} | reference)
    assert till.say(message).outcome is APPROVED
    found = {_row(shop, reply).id: number for number, reply in done.items()}
    assert found.get(shop.newest.original) == undone
    assert shop.balance(card) == (800 if undone else 700)


@pytest.mark.parametrize(
    ("stan", "of_reversal", "found"),
    [
        (999_990, 5, True),
        (5, 999_990, False),
        (5, 5, True),
        (5, 500_004, True),
        (5, 500_005, False),
        (600_000, 99_999, True),
        (600_000, 100_000, False),
    ],
)
def test_a_receipt_finds_only_what_came_before_on_the_circle_of_stans(stan: int, of_reversal: int, found: bool) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    till.redeem(card, 100, stan=stan, receipt="R00001")
    till.reverse(stan=of_reversal)
    assert shop.balance(card) == (1000 if found else 900)


def test_what_a_reversal_says_must_fit() -> None:
    """Card, kind and amount; terminal and application."""
    shop = Shop()
    till, other, card, stranger = shop.till("T1"), shop.till("T2"), shop.card(balance=1000), shop.card(balance=1000)
    till.redeem(card, 100)
    message = till.sent
    for change in ({"card": stranger}, {"kind": Kind.GIFT_CASH_OUT}, {"amount": 99}, {"amount": None}):
        till.reverse(message, **change)
        assert shop.balance(card) == 900
    other.reverse(msgspec.structs.replace(message, terminal_id="T2"))
    till.application = "loyalty"
    till.reverse(message)
    assert shop.balance(card) == 900
    till.application = "main"
    till.reverse(message)
    assert shop.balance(card) == 1000


def test_several_that_fit_the_newest_not_yet_undone() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    for _ in range(3):
        till.redeem(card, 100, receipt="R00001")
    rows = [row.id for row in shop.rows() if row.kind is Kind.GIFT_REDEEM]
    for stan, expected in ((20, rows[2]), (21, rows[1]), (22, rows[0])):
        till.reverse(stan=stan)
        assert shop.newest.original == expected
    till.reverse(stan=23)
    assert shop.balance(card) == 1000


@pytest.mark.parametrize("reference", [{}, {"original_class": MessageClass.REQUEST, "original_stan": 7, "stan": 8}])
def test_a_reversal_of_a_refused_message_never_reaches_an_older_twin(reference: dict[str, Any]) -> None:
    """STANs come round again: the newest one was meant, and it moved nothing."""
    shop = Shop()
    till, card = shop.till(), shop.card(balance=100)
    till.redeem(card, 100, stan=7)
    till.log_on()
    assert till.redeem(card, 100, stan=7).outcome is NOT_ENOUGH
    assert till.reverse(**reference).outcome is APPROVED
    assert shop.balance(card) == 0


def test_a_repeated_reversal_never_reaches_an_older_twin() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    till.redeem(card, 100, stan=7)
    till.log_on()
    till.redeem(card, 100, stan=7)
    till.reverse()
    for _ in range(3):
        till.again()
        assert shop.balance(card) == 900
    shop.prove()


def test_a_reversal_that_came_for_nothing_does_not_undo_by_repetition_what_was_there_before() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    till.redeem(card, 100, stan=7, batch=1)
    till.close_batch()
    till.reverse(batch=None)  # by DE11: a closed batch is out of reach
    till.redeem(card, 100, stan=8, batch=2)
    till.reverse(msgspec.structs.replace(till.sent, stan=7, batch=None), repeat=True)
    assert shop.balance(card) == 800


def test_a_reversal_of_a_void_names_the_voided_transaction() -> None:
    ways: list[dict[str, Any]] = [{"stan": 50, "receipt": "R00001"}, {"stan": 50, "rrn": True}, {}]
    for named in ways:
        shop = Shop()
        till, card = shop.till(), shop.card(balance=1000)
        spent = till.redeem(card, 100, receipt="R00001")
        till.void_spend(card, 100, rrn=spent.rrn, receipt="R00077")
        till.reverse(**named | ({"rrn": spent.rrn, "receipt": None} if "rrn" in named else {}))
        assert shop.balance(card) == 900


def test_after_void_and_reversal_of_the_void_it_can_be_voided_again() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    spent = till.redeem(card, 100)
    for _ in range(3):
        assert till.void_spend(card, 100, rrn=spent.rrn).outcome is APPROVED
        assert shop.balance(card) == 1000
        assert till.reverse().outcome is APPROVED
        assert shop.balance(card) == 900
    shop.prove()


def test_a_reversal_is_approved_whatever_it_brings() -> None:
    """Refused only with 30, 03, 58 (of the line), 63 and 89."""
    shop = Shop()
    till = shop.till(rights=(), explicit_open=True, currencies=())
    message = till.write(Kind.GIFT_REDEEM, PAN("123456"), 100, message_class=MessageClass.REVERSAL)
    changes: list[dict[str, Any]] = [
        {},
        {"kind": Kind.UNKNOWN, "card": None},
        {"kind": Kind.GIFT_BALANCE},
        {"currency": "000"},
        {"batch": 999_999},
        {"amount": None, "repeat": True},
        {"pin": Secret("1234")},
    ]
    for change in changes:
        assert till.say(_changed(message, **change)).outcome is APPROVED


def test_an_undo_is_answered_without_reference_and_with_the_balance_where_it_is_a_void() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    spent = till.redeem(card, 100)
    assert available(till.void_spend(card, 100, rrn=spent.rrn)) == 1000
    reply = till.reverse()
    assert (reply.outcome, reply.rrn, reply.approval, reply.balances) == (APPROVED, None, None, ())


def _row(shop: Shop, reply: Reply) -> Any:
    return next(row for row in shop.rows() if row.rrn == reply.rrn)


def _changed(message: Request, **changes: Any) -> Request:
    return msgspec.structs.replace(message, **changes)


def test_a_late_copy_of_a_reversal_undoes_nothing_that_came_after_it() -> None:
    """Load, void, reversal of the void, void again; then the reversal once more, as the line repeats it."""
    shop = Shop()
    till, card = shop.till(), shop.card(balance=10_000)
    done = till.reload(card, 1000, receipt="000014")
    void = till.write(Kind.GIFT_VOID_LOAD, card, 1000, rrn=done.rrn, receipt="000014", **clock(shop.now))
    till.say(void)
    first = till.reverse(void, rrn=done.rrn)
    assert shop.balance(card) == 11_000
    assert till.void_load(card, 1000, rrn=done.rrn, receipt="000014", **clock(shop.now)).outcome is Outcome.APPROVED
    late = till.reverse(void, rrn=done.rrn)
    assert (late.outcome, first.outcome) == (Outcome.APPROVED, Outcome.APPROVED)
    assert shop.balance(card) == 10_000
    shop.prove()


def test_a_late_copy_of_a_reversal_that_found_nothing_undoes_nothing_that_came_after_it() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=10_000)
    done = till.redeem(card, 1000)
    lost = till.write(Kind.GIFT_VOID_SPEND, card, 1000, rrn=done.rrn, **clock(shop.now))
    till.reverse(lost, rrn=done.rrn)
    assert till.void_spend(card, 1000, rrn=done.rrn).outcome is Outcome.APPROVED
    till.reverse(lost, rrn=done.rrn)
    assert shop.balance(card) == 10_000
    shop.prove()


# -- a refund and what it refunds, undone one after the other ----------------------------------------------------------
class Refunded(Scene):
    """Of the 400 spent 100 were refunded, and that was voided."""

    def __init__(self) -> None:
        super().__init__()
        back = self.refund()
        self.refunding = self.till.sent
        assert self.till.void_load(self.card, 100, rrn=back.rrn).outcome is APPROVED
        self.voiding = self.till.sent

    @property
    def balance(self) -> int:
        self.shop.prove()
        return self.shop.balance(self.card)


def test_a_refund_that_is_live_again_after_what_it_refunds_was_undone_can_be_undone_too() -> None:
    """WIRE.md section 4: an undo books the negative of what its target booked, whatever became of the redemption."""
    scene = Refunded()
    assert scene.reverse().outcome is APPROVED
    assert scene.till.reverse(scene.voiding).outcome is APPROVED
    assert scene.balance == 1100
    assert scene.till.reverse(scene.refunding).outcome is APPROVED
    assert (scene.balance, scene.shop.clearing("A")) == (1000, 0)


def test_what_stands_again_has_the_refunds_that_stand_again() -> None:
    scene = Refunded()
    assert scene.void().outcome is APPROVED
    voided = scene.till.sent
    scene.till.reverse(scene.voiding)
    scene.till.reverse(voided)
    assert scene.balance == 700
    assert scene.till.refund(scene.card, 301, rrn=scene.spent.rrn).outcome is AMOUNT
    assert scene.till.refund(scene.card, 300, rrn=scene.spent.rrn).outcome is APPROVED
    assert (scene.balance, scene.shop.clearing("A")) == (1000, 0)


def test_a_refund_made_anew_before_its_void_is_reversed_counts_too() -> None:
    """WIRE.md section 4: the voided transaction is live again, whatever came since."""
    scene = Refunded()
    assert scene.till.refund(scene.card, 400, rrn=scene.spent.rrn).outcome is APPROVED
    scene.till.reverse(scene.voiding)
    assert scene.balance == 1100
    scene.reverse()
    assert (scene.balance, scene.shop.clearing("A")) == (1000, 0)
