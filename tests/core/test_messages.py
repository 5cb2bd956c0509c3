"""Once and only once (`switch/core/messages.py`): the same message, another one, and one that was reversed before."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from specs.outcomes import NOT_STORED, Outcome
from specs.transaction import Kind, MessageClass, Request
from switch.core.messages import stan_before
from tests.core.till import Shop, Till, clock

APPROVED, DUPLICATE = Outcome.APPROVED, Outcome.DUPLICATE
SAME, NEW, OTHER = "same", "new", "94"  # the stored answer, decided anew, out of sequence


class Told:
    """A redemption with everything on it that is compared, and what comes of a second one with the same STAN."""

    def __init__(self, **first: Any) -> None:
        self.shop = Shop()
        self.till = self.shop.till()
        self.cards = [self.shop.card(balance=10_000), self.shop.card(balance=10_000)]
        self.at = self.shop.now
        fields: dict[str, Any] = {"stan": 7, "batch": 1, "receipt": "R00001"} | clock(self.at) | first
        self.reply = self.till.redeem(self.cards[0], 100, **fields)
        assert self.reply.outcome is APPROVED
        self.first = self.till.sent

    def second(self, minutes: float | None = None, other_card: bool = False, **changes: Any) -> str:
        if minutes is not None:
            changes |= clock(self.at + round(minutes * 60_000_000))
        if other_card:
            changes["card"] = self.cards[1]
        before = len(self.shop.rows())
        reply = self.till.say(msgspec.structs.replace(self.first, **changes))
        booked = len(self.shop.rows()) - before
        if reply.outcome is DUPLICATE:
            assert booked == 0
            return OTHER
        if booked:
            assert reply.rrn != self.reply.rrn
            return NEW
        assert reply == self.reply, "the stored answer, to the letter"
        return SAME


NO_TIME = {"local_date": None, "local_time": None}

# fmt: off
#: What the second message changes, and what it is then.
COMPARED: list[tuple[dict[str, Any], str]] = [
    ({},                                                   SAME),
    ({"repeat": True},                                     SAME),
    ({"other_card": True},                                 OTHER),
    ({"kind": Kind.GIFT_REFUND},                           OTHER),
    ({"amount": 101},                                      OTHER),
    ({"amount": None},                                     OTHER),
    ({"receipt": "R00002"},                                OTHER),
    ({"batch": 2},                                         NEW),
    ({"batch": None},                                      SAME),
    ({"receipt": None},                                    SAME),
    (NO_TIME,                                              SAME),
    ({"minutes": 10},                                      SAME),
    ({"minutes": -10},                                     SAME),
    ({"minutes": 10.1},                                    NEW),
    ({"minutes": -10.1},                                   NEW),
    ({"minutes": 60, "repeat": True},                      SAME),   # in a repeat, time is not compared
    ({"other_card": True, "batch": 2},                     NEW),
    ({"other_card": True, "minutes": 11},                  NEW),
    ({"amount": 101, "batch": None},                       OTHER),
    ({"amount": 101, **NO_TIME},                           OTHER),
    ({"amount": 101, "minutes": 9},                        OTHER),
    ({"amount": 101, "minutes": 11, "repeat": True},       NEW),
    ({"amount": 101, "repeat": True},                      OTHER),
    ({"receipt": "R00002", "minutes": 11},                 NEW),
    ({"message_class": MessageClass.ADVICE},               NEW),    # the first three digits of the MTI are in the key
    ({"stan": 8},                                          NEW),
    # what is not compared
    ({"currency": "949"},                                  SAME),
    ({"partial": True},                                    SAME),
    ({"rrn": "SENDERS OWN"},                               SAME),
    ({"nii": "011"},                                       SAME),
]
# fmt: on


@pytest.mark.parametrize(("changes", "expected"), COMPARED, ids=str)
def test_whether_a_second_message_is_the_same(changes: dict[str, Any], expected: str) -> None:
    assert Told().second(**changes) == expected


def test_another_application_or_terminal_has_its_own_keys() -> None:
    told = Told()
    told.till.application = "loyalty"
    assert told.second() == NEW
    other = told.shop.till("T9")
    assert told.second(terminal_id=other.terminal_id) == NEW


@pytest.mark.parametrize(
    ("hours", "repeat", "expected"),
    [
        (71.9, False, SAME),
        (72, False, NEW),
        (72, True, SAME),
        (24 * 29.9, True, SAME),
        (24 * 30, True, NEW),
    ],
)
def test_how_long_a_message_is_remembered(hours: float, repeat: bool, expected: str) -> None:
    told = Told(**NO_TIME)
    told.shop.pass_time(hours=hours)
    assert told.second(repeat=repeat) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (NO_TIME,                            NEW),   # a new count: STANs begin again
        ({"repeat": True, **NO_TIME},        SAME),
        ({},                                 SAME),  # both carry the time
        ({"amount": 101},                    OTHER),
        ({"amount": 101, **NO_TIME},         NEW),
        ({"amount": 101, "repeat": True},    OTHER),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("begin", ["logon", "close"])
def test_a_logon_and_a_close_begin_a_new_count_of_stans(changes: dict[str, Any], expected: str, begin: str) -> None:
    told = Told(batch=None)
    if begin == "logon":
        told.till.log_on()
    else:
        told.till.close_batch()
    assert told.second(**changes) == expected


def test_only_the_newest_message_with_the_key_counts() -> None:
    told = Told()
    assert told.second(amount=101, batch=2) == NEW
    assert told.second() == NEW, "the first is no longer looked at; batch 1 is not batch 2"


def test_a_decline_is_repeated_too_and_counts_nothing() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card("secret", 1000)
    first = till.redeem(card, 10, pin="0000")
    assert first.outcome is Outcome.WRONG_PIN
    for _ in range(5):
        assert till.again() == first
    assert shop.record(card).pin_tries == 1
    assert [tally.count for tally in shop.refusals()] == [1, 1]


def test_a_repeat_of_what_was_undone_is_out_of_sequence() -> None:
    for undo in ("reverse", "void"):
        told = Told()
        if undo == "reverse":
            told.till.reverse(told.first)
        else:
            told.till.void_spend(told.cards[0], 100, rrn=told.reply.rrn)
        assert told.second(repeat=True) == OTHER
        assert told.shop.balance(told.cards[0]) == 10_000
        if undo == "void":
            void = told.till.sent
            assert told.second() == OTHER
            told.till.reverse(msgspec.structs.replace(void, kind=Kind.GIFT_VOID_SPEND, stan=told.till.stan))
            assert told.second() == SAME, "it stands again"


def test_a_repeat_whose_first_was_never_seen_is_the_first() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    assert till.redeem(card, 100, repeat=True).outcome is APPROVED
    assert till.again(repeat=False).outcome is APPROVED
    assert shop.balance(card) == 900


def test_inquiries_and_logons_are_always_done_anew() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    first = till.balance(card, stan=5)
    shop.till("T2").redeem(card, 100)
    assert till.balance(card, stan=5) != first
    assert till.balance(shop.card(balance=1), stan=5).outcome is APPROVED
    till.log_on(stan=5)
    assert till.log_on(stan=5).outcome is APPROVED


def _again(till: Till, request: Request) -> Outcome:
    return till.say(msgspec.structs.replace(request, repeat=True)).outcome


def test_answers_that_are_not_stored_are_decided_anew() -> None:
    shop = Shop()
    card = shop.card(balance=1000)
    till = shop.till(rights=())
    assert till.redeem(card, 100).outcome is Outcome.NOT_ALLOWED
    shop.till()  # now with all rights
    assert _again(till, till.sent) is APPROVED
    closed = shop.till("T2", explicit_open=True)
    assert closed.redeem(card, 100).outcome is Outcome.BATCH
    refused = closed.sent
    closed.log_on()
    assert _again(closed, refused) is APPROVED
    assert not any(row.outcome in NOT_STORED for row in shop.rows())


# -- reversed before it came -------------------------------------------------------------------------------------------
# fmt: off
#: A reversal with STAN 20, receipt R00001, batch 1 has found nothing; then comes a redemption that differs so.
TOMBSTONES: list[tuple[dict[str, Any], Outcome]] = [
    ({},                                        DUPLICATE),
    ({"repeat": True},                          DUPLICATE),
    ({"message_class": MessageClass.ADVICE, **clock(0)}, DUPLICATE),
    ({"batch": None},                           DUPLICATE),
    ({"batch": 2},                              APPROVED),
    ({"amount": 101},                           APPROVED),
    ({"kind": Kind.GIFT_RELOAD, "amount": 1000}, APPROVED),
    ({"receipt": None},                         DUPLICATE),   # the same STAN is enough
    ({"stan": 19},                              DUPLICATE),   # the same receipt, and before the reversal
    ({"stan": 19, "receipt": None},             APPROVED),
    ({"stan": 19, "receipt": "R00002"},         APPROVED),
    ({"stan": 21},                              APPROVED),    # after the reversal: another sale of this receipt
    ({"stan": 999_999},                         DUPLICATE),   # circularly before
    ({"stan": 500_020},                         APPROVED),
    ({"stan": 500_021},                         DUPLICATE),
]
# fmt: on


@pytest.mark.parametrize(("changes", "outcome"), TOMBSTONES, ids=str)
def test_what_was_reversed_before_it_came_moves_nothing(changes: dict[str, Any], outcome: Outcome) -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=10_000)
    late = till.write(Kind.GIFT_REDEEM, card, 100, stan=20, receipt="R00001", batch=1)
    assert till.reverse(late).outcome is APPROVED
    assert till.say(msgspec.structs.replace(late, **changes)).outcome is outcome
    assert (shop.balance(card) == 10_000) is (outcome is DUPLICATE)


def test_a_tombstone_is_its_terminals_applications_and_cards_and_lasts_a_day() -> None:
    shop = Shop()
    till, other, card = shop.till(), shop.till("T2"), shop.card(balance=1000)
    late = till.write(Kind.GIFT_REDEEM, card, 100)
    till.reverse(late)
    assert other.redeem(card, 100, stan=late.stan).outcome is APPROVED
    till.application = "loyalty"
    assert till.say(late).outcome is APPROVED
    till.application = "main"
    assert till.say(msgspec.structs.replace(late, card=shop.card(balance=1000))).outcome is APPROVED
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    till.reverse(late)
    shop.pass_time(hours=23.9)
    assert till.say(late).outcome is DUPLICATE
    shop.pass_time(hours=0.1)
    assert till.say(late).outcome is APPROVED


def test_a_reversal_that_names_another_stan_buries_that_one() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    late = till.write(Kind.GIFT_REDEEM, card, 100, stan=20)
    till.reverse(late, stan=21, original_class=MessageClass.REQUEST, original_stan=20)
    assert till.say(late).outcome is DUPLICATE
    assert till.redeem(card, 100, stan=21).outcome is APPROVED


def test_a_reversal_is_never_out_of_sequence() -> None:
    shop = Shop()
    till, card = shop.till(), shop.card(balance=1000)
    till.redeem(card, 100, stan=5)
    for changes in ({}, {"amount": 7}, {"kind": Kind.GIFT_RELOAD}, {"repeat": True}, {"receipt": "R00009"}):
        assert till.reverse(**changes).outcome is APPROVED
    assert shop.balance(card) == 1000


@pytest.mark.parametrize(
    ("stan", "later", "before"),
    [(1, 2, True), (2, 1, False), (1, 1, False), (999_999, 0, True), (0, 499_999, True), (0, 500_000, False)],
)
def test_stans_are_counted_in_a_circle(stan: int, later: int, before: bool) -> None:
    assert stan_before(stan, later) is before
