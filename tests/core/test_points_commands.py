"""Commands about members and their points (`switch/core/points_commands.py`)."""

from __future__ import annotations

from typing import Any

import pytest

from specs import limits
from specs.outcomes import Outcome
from switch.books import decode_commands, encode_commands
from switch.core.clock import DAY, HOUR
from switch.core.commands import ApplyProgramme, Command
from switch.core.holdings import AccountKind, Place
from switch.core.points_commands import (
    AdjustPoints,
    AwardPoints,
    ConvertPoints,
    ExpireLots,
    IssueLoyaltyCard,
    NoticesSent,
    PlaceCard,
)
from tests.core.members import UNIT, MemberShop, scheme
from tests.core.till import PROGRAMME, hash_of, told

EVENTS = "{birthday = 500, app = 20}"
MILES = scheme(id='"miles"', number="2", cards='[{id = "mile", name = "", prefix = "990130"}]', expire_days="9")


# -- awards ------------------------------------------------------------------------------------------------------------
def test_an_award_is_made_once_for_each_id_of_its_caller() -> None:
    shop = MemberShop(events=EVENTS, expire_days="9")
    card = shop.member()
    replies = [shop.ask(AwardPoints(hash_of(card), "birthday", "crm-7"))[0] for _ in range(3)]
    assert [reply.outcome for reply in replies] == [Outcome.APPROVED] * 3
    assert len({reply.rrn for reply in replies}) == 1
    assert shop.lots(card) == {("", "2026-03-19"): 500}
    assert shop.newest.reason == "award birthday"
    assert shop.system(AccountKind.ISSUING) == -500
    shop.command(AwardPoints(hash_of(card), "birthday", "crm-8"))
    assert shop.points(card) == 1000
    shop.prove()


def test_two_awards_of_one_id_in_one_group_are_one() -> None:
    shop = MemberShop(events=EVENTS)
    card = shop.member()
    shop.command(*(AwardPoints(hash_of(card), "app", "crm-7") for _ in range(3)))
    assert shop.points(card) == 20


def test_an_award_may_be_at_a_merchants_expense() -> None:
    """It issues the points and pays its share of their cost, as for a sale."""
    shop = MemberShop(events=EVENTS, point_cost='"0.8"', contributions='{B = "0.5"}')
    shop.command(AwardPoints(hash_of(shop.member()), "app", "1", "B"))
    assert shop.system(AccountKind.ISSUING, "B") == -20
    assert (shop.clearing("B"), shop.cost()) == (-8, 8)
    shop.command(AwardPoints(hash_of(shop.member()), "app", "2"))
    assert shop.cost() == 8, "the programme pays for its own"
    shop.prove()


def test_an_award_is_the_members_whichever_card_is_named() -> None:
    shop = MemberShop(events=EVENTS)
    card = shop.member()
    second = shop.member(of=card)
    shop.command(AwardPoints(hash_of(card), "app", "7"), AwardPoints(hash_of(second), "app", "7"))
    renewed = shop.replace(card)
    shop.command(AwardPoints(hash_of(renewed), "app", "7"))
    assert shop.points(second) == 20


LOCAL = {"id": '"local"', "number": "7", "cards": "[]", "parent": '"stars"', "stores": '["south"]'}


def test_awards_and_adjustments_reach_the_points_of_a_sub_scheme() -> None:
    shop = MemberShop(scheme(**LOCAL, events="{opening = 30}"), events=EVENTS)
    card = shop.member()
    shop.command(AwardPoints(hash_of(card), "opening", "1"), AdjustPoints(hash_of(card), -10, "why", "local"))
    assert (shop.points(card), shop.points(card, "1007")) == (0, 20)
    assert (shop.newest.currency, shop.newest.card_currency) == ("1007", "1007")
    said = shop.refused(AdjustPoints(hash_of(card), 1, "why", "moons"))
    assert said == "product: the card has no 'moons'; it can have stars, local"
    assert "it has birthday, app, opening" in shop.refused(AwardPoints(hash_of(card), "wedding", "2"))
    shop.prove()


def test_the_id_of_an_award_means_one_thing() -> None:
    shop = MemberShop(events=EVENTS)
    card, other = shop.member(), shop.member()
    shop.command(AwardPoints(hash_of(card), "app", "7"))
    for command in (AwardPoints(hash_of(other), "app", "7"), AwardPoints(hash_of(card), "birthday", "7")):
        assert shop.refused(command) == "duplicate: this id was used for something else"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"card_hash": "?"}, "unknown_card: no such loyalty card"),
        ({"event": "wedding"}, "product: 'wedding' is no event of the scheme; it has birthday, app"),
        ({"key": ""}, "format_error: the caller's id has 1 to 64 characters"),
        ({"key": "k" * 65}, "format_error: the caller's id has 1 to 64 characters"),
        ({"merchant_id": "Z"}, "unknown_merchant: there is no merchant Z"),
    ],
)
def test_a_wrong_award_is_refused(changes: dict[str, str], said: str) -> None:
    shop = MemberShop(events=EVENTS)
    card = shop.member()
    fields = {"card_hash": hash_of(card), "event": "app", "key": "1", "merchant_id": ""} | changes
    assert shop.refused(AwardPoints(**fields)) == said
    assert shop.points(card) == 0


# -- adjustments -------------------------------------------------------------------------------------------------------
def test_an_adjustment_says_why() -> None:
    shop = MemberShop()
    card = shop.member(100)
    shop.command(AdjustPoints(hash_of(card), -30, " a mistake "))
    assert (shop.points(card), shop.newest.reason) == (70, "adjusted: a mistake")
    assert shop.system(AccountKind.ADJUSTED) == -70
    shop.prove()


@pytest.mark.parametrize(
    ("points", "reason", "said"),
    [
        (0, "why", "amount: no points, or more than an account can hold"),
        (limits.POINTS_MAX, "why", "amount: no points, or more than an account can hold"),
        (-101, "why", "not_enough: the member has 100 points"),
        (5, " ", "format_error: an adjustment needs a reason"),
    ],
)
def test_a_wrong_adjustment_is_refused(points: int, reason: str, said: str) -> None:
    shop = MemberShop()
    card = shop.member(100)
    assert shop.refused(AdjustPoints(hash_of(card), points, reason)) == said
    assert shop.points(card) == 100


# -- expiry ------------------------------------------------------------------------------------------------------------
def expire(shop: MemberShop) -> None:
    """As a schedule does it: look the lots up, then ask for each holder's."""
    today = "2026-03-29"
    for lot in shop.store.expired_lots(today, shop.now - limits.REPLAY_HOURS * HOUR, ("", 0), 10):
        shop.command(ExpireLots(lot.holder, ((lot.id, lot.entries),)))


def test_what_expired_goes_to_breakage_and_no_sooner_than_nothing_can_need_it() -> None:
    shop = MemberShop(expire_days="10")
    till, card = shop.till(), shop.member(100)
    shop.pass_time(days=10)
    till.pay(card, 20)
    shop.pass_time(days=1)
    expire(shop)
    assert shop.points(card) == 90, "a reversal could still put points back"
    till.reverse()
    shop.pass_time(days=2)
    expire(shop)
    assert shop.points(card) == 100, "and take them out again"
    shop.pass_time(days=2)
    expire(shop)
    assert (shop.points(card), shop.system(AccountKind.BREAKAGE), shop.newest.reason) == (0, 100, "expired")
    shop.prove()


def test_a_lot_that_moved_since_it_was_looked_up_is_left_alone() -> None:
    shop = MemberShop(expire_days="10")
    till, card = shop.till(), shop.member(100)
    lot = next(one for one in shop.accounts_of(card) if one.kind is AccountKind.LOT)
    till.pay(card, 20)
    shop.pass_time(days=30)
    rows = len(shop.rows())
    shop.command(ExpireLots(lot.holder, ((lot.id, lot.entries),)))
    assert (shop.points(card), len(shop.rows())) == (90, rows)


def test_a_lot_that_has_not_expired_does_not() -> None:
    shop = MemberShop(expire_days="10")
    card = shop.member(100)
    lots = tuple((one.id, one.entries) for one in shop.accounts_of(card))
    shop.pass_time(days=10)
    shop.command(ExpireLots(shop.record(card).holder, lots))
    assert shop.points(card) == 100


def test_the_reversal_of_a_sale_whose_points_expired_is_covered() -> None:
    shop = MemberShop(expire_days="10", debt='"floor"')
    till, card = shop.till(), shop.member()
    till.sale(card, 1000)
    sent = till.sent
    shop.pass_time(days=15)
    expire(shop)
    assert shop.points(card) == 0
    assert till.reverse(sent).outcome is Outcome.APPROVED
    assert (shop.points(card), shop.system(AccountKind.UNCOVERED, "A")) == (0, -10)
    shop.prove()


def test_points_given_back_into_an_expired_lot_live_on_for_the_days_of_grace() -> None:
    shop = MemberShop(expire_days="10", grace_days="5")
    till, card = shop.till(), shop.member(100)
    till.pay(card, 200, receipt="000001")
    sold = till.sale(card, 200, receipt="000001")
    shop.pass_time(days=30)
    assert till.give_back(card, 200, rrn=sold.rrn).outcome is Outcome.APPROVED
    assert shop.lots(card) == {("", "2026-04-14"): 100}
    shop.prove()


# -- conversion --------------------------------------------------------------------------------------------------------
def test_points_are_converted_by_rate_rounded_down() -> None:
    shop = MemberShop(MILES, conversions='{miles = "0.3"}')
    card, other = shop.member(100), shop.member(0, "mile")
    shop.command(ConvertPoints(hash_of(card), "stars", "miles", 99, hash_of(other)))
    assert (shop.points(card), shop.lots(other, "1002")) == (3, {("", "2026-03-19"): 29}), "29 miles cost 97 stars"
    assert (shop.system(AccountKind.EXCHANGE), shop.system(AccountKind.EXCHANGE, "", "1002")) == (97, -29)
    shop.prove()


@pytest.mark.parametrize(
    ("source", "target", "points", "said"),
    [
        ("miles", "stars", 10, "product: the programme has no conversion from miles to stars"),
        ("stars", "miles", 3, "amount: too few points to be worth one, or more than an account can hold"),
        ("stars", "miles", 104, "not_enough: the member has 100 points"),
    ],
)
def test_a_wrong_conversion_is_refused(source: str, target: str, points: int, said: str) -> None:
    shop = MemberShop(MILES, conversions='{miles = "0.3"}')
    card, other = shop.member(100), shop.member(0, "mile")
    assert shop.refused(ConvertPoints(hash_of(card), source, target, points, hash_of(other))) == said
    assert (shop.points(card), shop.points(other, "1002")) == (100, 0)


# -- cards and notices -------------------------------------------------------------------------------------------------
def test_a_card_is_placed_anew() -> None:
    shop = MemberShop()
    main = shop.member()
    child = shop.member(of=main)
    shop.command(PlaceCard(hash_of(child), additional=True, limit=70))
    assert shop.record(child).place == Place(main=False, limit=70)
    assert shop.newest.reason == "card_placed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"product": "gold"}, "product: there is no loyalty card 'gold' in the programme"),
        ({"product": "pinned"}, "format_error: pinned: cards have a PIN if their product says so, and only then"),
        ({"member": "?"}, "unknown_card: no such member of stars"),
        ({"additional": True}, "unknown_card: an additional card needs a member who has the main card"),
        ({"limit": -1}, "amount: a limit is not below zero"),
    ],
)
def test_a_wrong_card_is_refused(changes: dict[str, Any], said: str) -> None:
    shop = MemberShop()
    _, number = shop.number("star")
    fields: dict[str, Any] = {"number": number, "product": "star"} | changes
    assert shop.refused(IssueLoyaltyCard(**fields)) == said


def test_a_number_is_issued_once() -> None:
    shop = MemberShop()
    _, number = shop.number("star")
    shop.command(IssueLoyaltyCard(number, "star"))
    assert shop.refused(IssueLoyaltyCard(number, "star")) == "duplicate: this card number has been issued before"


def test_a_notice_that_was_sent_waits_no_more() -> None:
    shop = MemberShop()
    till, main = shop.till(), shop.member()
    child = shop.member(of=main, additional=True)
    till.sale(child, 1000)
    till.sale(child, 2000)
    first, second = shop.store.notices(10)
    assert (first.points, second.points) == (10, 20)
    shop.command(NoticesSent((first.id,)))
    assert shop.store.notices(10) == [second]


def test_what_members_hold_is_told_by_dates() -> None:
    shop = MemberShop(expire_days="10")
    shop.member(100)
    card = shop.member(50)
    shop.now += DAY
    sold = shop.till().sale(card, 3000)
    shop.till("T3").pay(card, 160)
    shop.till("T4").give_back(card, 3000, rrn=sold.rrn)
    held = [(one.unit, one.kind, one.expires_on, one.points, one.lots) for one in shop.store.liability()]
    assert held == [(UNIT, AccountKind.DEBT, "", -30, 1), (UNIT, AccountKind.LOT, "2026-03-20", 100, 1)]


COMMANDS: list[Command] = [
    AwardPoints("h", "app", "1"), AdjustPoints("h", 5, "why"), ExpireLots(1, ((2, 3),)), NoticesSent((1, 2)),
    ConvertPoints("h", "a", "b", 3), PlaceCard("h", True, 5),
]  # fmt: skip


def test_commands_travel_to_the_daemon() -> None:
    assert decode_commands(encode_commands(COMMANDS)) == COMMANDS


@pytest.mark.parametrize(
    ("schemes", "said"),
    [
        (scheme(number="2"), "the books know 'stars' as number 1; it stays"),
        (scheme(id='"moons"'), "1 is the number of 'stars' in the books"),
    ],
)
def test_points_keep_their_number(schemes: str, said: str) -> None:
    shop = MemberShop()
    card = shop.member(70)
    assert shop.refused(ApplyProgramme(PROGRAMME + schemes)) == f"format_error: points_schemes[0].number: {said}"
    assert told(shop.till().ask(card)) == [("available", "999", 70)]
    shop.command(ApplyProgramme(PROGRAMME + scheme(earn_points="2", name='"better stars"') + MILES))
