"""The rules of points (`switch/core/points.py`): what is booked, what is told, what is refused and in which order."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.sensitive import Secret
from specs.transaction import Kind, MessageClass
from switch.core.commands import ApplyProgramme
from switch.core.families import notices_of
from switch.core.holdings import AccountKind, Block, CardState
from switch.core.merchants import Right
from tests.core.members import MemberShop, counted, lines, scheme, tenders
from tests.core.till import EURO, LIRA, PROGRAMME, told

APPROVED = Outcome.APPROVED


# -- what is booked (DESIGN section 4) ---------------------------------------------------------------------------------
def test_a_sale_earns_points_that_its_merchant_issues() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member(50)
    reply = till.sale(card, 12_345)
    assert (reply.outcome, counted(reply)) == (APPROVED, (123, 0))
    assert told(reply) == [("available", "999", 173)]
    assert shop.points(card) == 173
    assert shop.system(AccountKind.ISSUING, "A") == -123
    assert shop.clearing() == 0
    shop.prove()


def test_who_gives_points_pays_its_share_of_their_cost() -> None:
    shop = MemberShop(point_cost='"0.5"', contribution='"0.3"', contributions="{B = 1}")
    ours, theirs, card = shop.till(), shop.till("T9", "B"), shop.member()
    ours.sale(card, 10_000)
    assert (shop.clearing("A"), shop.cost()) == (-15, 15)
    theirs.sale(card, 10_100)
    assert (shop.clearing("B"), shop.cost()) == (-51, 66)  # 50.5, rounded up
    shop.prove()


def test_who_takes_points_is_owed_their_worth() -> None:
    shop = MemberShop()
    till, card = shop.till("T9", "B"), shop.member(500)
    reply = till.pay(card, 123)
    assert (reply.outcome, reply.amount, counted(reply)) == (APPROVED, 123, (0, 123))
    assert told(reply) == [("available", "999", 377)]
    assert shop.clearing("B") == 123
    assert shop.cost() == -123
    assert shop.system(AccountKind.REDEEMED, "B") == 123
    shop.prove()


def test_bought_points_are_paid_by_the_till_that_got_the_money() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member()
    reply = till.buy(card, 1003)
    assert (reply.outcome, counted(reply)) == (APPROVED, (250, 0))  # at 4 a point, rounded down
    assert (shop.clearing(), shop.cost(), shop.system(AccountKind.ISSUING, "A")) == (-1003, 1003, -250)
    shop.prove()


def test_bought_on_commitment_the_member_owes_the_money_and_the_till_does_not() -> None:
    shop = MemberShop(commitment_stores='["north"]')
    till, card = shop.till(), shop.member()
    till.buy(card, 1000)
    assert (shop.points(card), shop.clearing(), shop.cost()) == (250, 0, 1000)
    assert shop.system(AccountKind.COMMITMENT, "A", LIRA) == -1000
    shop.prove()


def test_transferred_points_keep_their_dates() -> None:
    shop = MemberShop(expire_days="10")
    till, giver, taker = shop.till(), shop.member(100), shop.member()
    shop.pass_time(days=3)
    shop.give(giver, 100)
    reply = till.transfer(giver, taker, 130)
    assert (reply.outcome, told(reply), reply.points) == (APPROVED, [("available", "999", 70)], None)
    assert shop.lots(giver) == {("", "2026-03-23"): 70}
    assert shop.lots(taker) == {("", "2026-03-20"): 100, ("", "2026-03-23"): 30}
    shop.prove()


# -- how much ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rounding", "amount", "points"),
    [
        ("down", 199, 1), ("down", 99, 0), ("up", 101, 2), ("up", 100, 1),
        ("half_up", 149, 1), ("half_up", 150, 2), ("half_up", 250, 3),
        ("half_even", 150, 2), ("half_even", 250, 2), ("half_even", 251, 3),
    ],
)  # fmt: skip
def test_a_part_of_a_point_is_rounded_as_the_scheme_says(rounding: str, amount: int, points: int) -> None:
    shop = MemberShop(rounding=f'"{rounding}"')
    assert counted(shop.till().sale(shop.member(), amount)) == (points, 0)


def test_what_is_taken_is_rounded_up_and_never_nothing() -> None:
    shop = MemberShop(value='"7.5"', store_values="{}")
    till, card = shop.till(), shop.member(100)
    assert counted(till.pay(card, 15)) == (0, 2)
    assert counted(till.pay(card, 16)) == (0, 3)
    assert counted(till.pay(card, 1)) == (0, 1)


def test_points_are_worth_what_the_store_says() -> None:
    shop = MemberShop()
    north, south, card = shop.till(), shop.till("T2", store="south"), shop.member(100)
    assert counted(north.pay(card, 20)) == (0, 10)
    assert counted(south.pay(card, 20)) == (0, 20)


def test_a_sale_in_another_currency_earns_by_the_rate_table() -> None:
    shop = MemberShop()
    till, card = shop.till(currency=EURO), shop.member(100)
    assert counted(till.sale(card, 1000)) == (440, 0)  # 1.1 / 0.025 = 44 liras to the euro
    assert counted(till.pay(card, 3)) == (0, 66)  # 132 in liras, at 2 a point


@pytest.mark.parametrize(
    ("paid", "points"),
    [
        ({"gift": 3000, "other": 7000}, 100), ({"points": 3000, "other": 7000}, 70), ({"code": 10_000}, 0),
        ({"points": 2500, "gift": 2500, "code": 2500, "other": 2500}, 50),
    ],
)  # fmt: skip
def test_points_and_codes_do_not_earn_unless_the_scheme_says_so(paid: dict[str, int], points: int) -> None:
    shop = MemberShop()
    assert counted(shop.till().sale(shop.member(), 10_000, tenders=tenders(**paid))) == (points, 0)


def test_the_scheme_may_say_otherwise() -> None:
    shop = MemberShop(earning_tenders='["points", "other"]')
    assert counted(shop.till().sale(shop.member(), 10_000, tenders=tenders(gift=4000, points=6000))) == (60, 0)


def test_without_tenders_the_redemptions_with_the_same_receipt_are_those() -> None:
    shop = MemberShop(earning_tenders='["other"]')
    till, other, card, gift = shop.till(), shop.till("T2"), shop.member(1000), shop.card(balance=50_000)
    till.redeem(gift, 2000, receipt="000007")
    till.pay(card, 1000, receipt="000007")
    till.redeem(gift, 1, receipt="000008")
    other.redeem(gift, 1, receipt="000007")
    till.redeem(gift, 500, receipt="000007")
    till.reverse()
    assert counted(till.preview(card, 10_000, receipt="000007")) == (70, 0)
    assert counted(till.sale(card, 10_000, receipt="000007")) == (70, 0)
    assert counted(till.sale(card, 10_000, receipt="000007")) == (100, 0), "they paid for the sale before"
    shop.prove()


@pytest.mark.parametrize(
    ("place", "basket", "points"),
    [
        ({}, (), 100),
        ({}, (("milk", 6000, "food"), ("pen", 4000, "paper")), 6000 // 100 * 2 + 40),
        ({}, (("milk", 6000, "food"), ("gin", 4000, "spirits")), 120),
        ({"store": "south"}, (("milk", 10_000, "food"),), 300),
        ({"store": "south"}, (), 300),
        ({"listener": "kiosk"}, (), 400),
    ],
)  # fmt: skip
def test_the_first_rule_that_fits_a_line_counts(place: dict[str, str], basket: Any, points: int) -> None:
    rules = """[
      {name = "kiosk", earn_money = 100, earn_points = 4, channels = ["kiosk"]},
      {name = "south", earn_money = 100, earn_points = 3, stores = ["south"]},
      {name = "food", earn_money = 100, earn_points = 2, departments = ["food"]},
      {name = "none", earn_money = 1, earn_points = 0, skus = ["gin"]},
    ]"""
    shop = MemberShop(earn_rules=rules)
    till, card = shop.till(store=place.get("store", "north")), shop.member()
    line = till.write(Kind.SALE).line
    more = {"line": type(line)(place["listener"])} if "listener" in place else {}
    assert counted(till.sale(card, 10_000, basket=lines(*basket), **more)) == (points, 0)


@pytest.mark.parametrize(
    ("weekdays", "times", "at", "points"),
    [
        ('["tue"]', ("0000", "2400"), 0, 200), ('["mon", "wed"]', ("0000", "2400"), 0, 100),
        ('["tue"]', ("1100", "1300"), 0, 200), ('["tue"]', ("1300", "1400"), 0, 100),
        ('["tue"]', ("1300", "1400"), 1, 200), ('["tue", "wed"]', ("2200", "0200"), 11, 200),
        ('["tue"]', ("2200", "0200"), 10, 200), ('["tue"]', ("2200", "0200"), 9, 100),
        ('["tue"]', ("2200", "0200"), 13, 200), ('["tue"]', ("2200", "0200"), 14, 100),
        ('["wed"]', ("2200", "0200"), 13, 100), ('["wed"]', ("2200", "0200"), 34, 200),
    ],
)  # fmt: skip
def test_a_rule_counts_at_its_hours(weekdays: str, times: tuple[str, str], at: int, points: int) -> None:
    """NOON of the tests is 12:00 on a Tuesday, UTC."""
    name = f'name = "happy", earn_money = 50, earn_points = 1, weekdays = {weekdays}'
    shop = MemberShop(earn_rules=f'[{{{name}, from_time = "{times[0]}", to_time = "{times[1]}"}}]')
    till, card = shop.till(), shop.member()
    shop.pass_time(hours=at)
    assert counted(till.sale(card, 10_000)) == (points, 0)


def test_a_preview_tells_what_the_sale_would_earn_and_changes_nothing() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member(70)
    rows = len(shop.rows())
    reply = till.preview(card, 5000, tenders=tenders(points=1000, other=4000))
    assert (reply.outcome, counted(reply), reply.balances, reply.rrn) == (APPROVED, (40, 0), (), None)
    assert reply.points is not None
    assert reply.points.available == shop.points(card) == 70
    assert len(shop.rows()) == rows


# -- dates -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keys", "dates"),
    [
        ({}, ("", "")),
        ({"expire_days": "30"}, ("", "2026-04-09")),
        ({"expire_months": "0"}, ("", "2026-03-31")),
        ({"expire_months": "11"}, ("", "2027-02-28")),
        ({"expire_on": '["12-31", "06-30"]'}, ("", "2026-06-30")),
        ({"expire_on": '["02-29"]'}, ("", "2027-02-28")),
        ({"pending_days": "14", "expire_on": '["03-10", "06-30"]'}, ("2026-03-24", "2026-06-30")),
        ({"pending_days": "14", "expire_on": '["03-24"]'}, ("2026-03-24", "2026-03-24")),
        ({"pending_days": "40", "expire_months": "0"}, ("2026-04-19", "2026-04-30")),
        ({"pending_days": "40", "expire_months": "1"}, ("2026-04-19", "2026-04-30")),
    ],
)
def test_points_get_their_dates_when_they_are_earned(keys: dict[str, Any], dates: tuple[str, str]) -> None:
    shop = MemberShop(**keys)
    card = shop.member()
    shop.till().sale(card, 100)
    assert shop.lots(card) == {dates: 1}


def test_points_wait_until_they_can_be_spent() -> None:
    shop = MemberShop(pending_days="14")
    till, card = shop.till(), shop.member()
    reply = till.sale(card, 10_000)
    assert told(reply) == [("available", "999", 0), ("ledger", "999", 100)]
    assert till.pay(card, 2).outcome is Outcome.NOT_ENOUGH
    shop.pass_time(days=14)
    assert told(till.ask(card)) == [("available", "999", 100)]
    assert till.pay(card, 200).outcome is APPROVED


def test_what_expires_soonest_is_spent_first_and_told() -> None:
    shop = MemberShop(expire_days="20")
    till, card = shop.till(), shop.member(100)
    shop.pass_time(days=5)
    shop.give(card, 100)
    till.pay(card, 60)
    assert shop.lots(card) == {("", "2026-03-30"): 70, ("", "2026-04-04"): 100}
    reply = till.ask(card)
    assert reply.points is not None
    assert (reply.points.expiring, reply.points.expires_on) == (70, "260330")
    shop.pass_time(days=16)
    assert told(till.ask(card)) == [("available", "999", 100)], "expired, though nobody has cleared it away"


def test_earnings_of_the_same_dates_share_a_lot() -> None:
    shop = MemberShop(expire_months="1")
    till, card = shop.till(), shop.member()
    for _ in range(3):
        till.sale(card, 1000)
        shop.pass_time(days=1)
    assert shop.lots(card) == {("", "2026-04-30"): 30}
    assert len([one for one in shop.accounts_of(card) if one.kind is AccountKind.LOT]) == 1


# -- debts -------------------------------------------------------------------------------------------------------------
def test_a_debt_is_paid_by_what_is_earned_next() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member()
    sold = till.sale(card, 10_000)
    till.pay(card, 160)
    reply = till.give_back(card, 10_000, rrn=sold.rrn)
    assert (reply.outcome, told(reply)) == (APPROVED, [("available", "999", -80)])
    till.sale(card, 3000)
    assert (shop.owed(card), shop.lots(card)) == (50, {})
    till.sale(card, 6000)
    assert (shop.owed(card), shop.lots(card)) == (0, {("", ""): 10})
    shop.prove()


def test_without_debts_the_merchant_stands_for_what_is_gone() -> None:
    shop = MemberShop(debt='"floor"')
    till, card = shop.till(), shop.member()
    sold = till.sale(card, 10_000)
    till.pay(card, 160)
    assert told(till.give_back(card, 10_000, rrn=sold.rrn)) == [("available", "999", 0)]
    assert shop.system(AccountKind.UNCOVERED, "A") == -80
    shop.prove()


@pytest.mark.parametrize(("policy", "owed", "uncovered"), [("debt", 20, 0), ("floor", 0, -20)])
def test_what_a_till_has_already_taken_is_booked(policy: str, owed: int, uncovered: int) -> None:
    shop = MemberShop(debt=f'"{policy}"')
    till, card = shop.till(), shop.member(30)
    reply = till.pay(card, 100, message_class=MessageClass.ADVICE)
    assert (reply.outcome, reply.points, reply.approval) == (APPROVED, None, None)
    assert (shop.points(card), shop.owed(card)) == (-owed, owed)
    assert shop.system(AccountKind.UNCOVERED, "A") == uncovered
    assert shop.newest.reason == "uncovered"
    assert shop.clearing() == 100
    till.reverse(message_class=MessageClass.REVERSAL)
    assert (shop.points(card), shop.system(AccountKind.UNCOVERED, "A"), shop.clearing()) == (30, 0, 0)
    shop.prove()


# -- cards -------------------------------------------------------------------------------------------------------------
def test_several_cards_have_one_account() -> None:
    shop = MemberShop()
    till, first = shop.till(), shop.member(100)
    second = shop.member(of=first)
    till.sale(second, 1000)
    assert told(till.ask(first)) == told(till.ask(second)) == [("available", "999", 110)]
    sold = till.sale(first, 1000)
    assert till.give_back(second, 1000, rrn=sold.rrn).outcome is APPROVED
    assert shop.store.notices(10) == []


def test_the_main_card_hears_of_the_others_and_limits_them() -> None:
    shop = MemberShop(value="1", store_values="{}")
    till, main = shop.till(), shop.member(1000)
    child = shop.member(of=main, additional=True, limit=150)
    till.sale(child, 1000)
    assert till.pay(child, 100).outcome is APPROVED
    refused = till.pay(child, 51)
    assert (refused.outcome, shop.newest.reason) == (Outcome.AMOUNT_LIMIT, "card_limit")
    till.pay(main, 500)
    heard = [(one.card, one.used, one.what, one.points) for one in shop.store.notices(10)]
    assert heard == [
        (shop.record(main).id, child.masked, "sale", 10),
        (shop.record(main).id, child.masked, "points_redeem", 100),
    ]
    till.void_burn(child, 100, rrn=shop.rows()[-3].rrn)
    assert till.pay(child, 150).outcome is APPROVED
    shop.pass_time(days=30)
    assert till.pay(child, 150).outcome is APPROVED, "another month"
    assert till.pay(child, 1).outcome is Outcome.AMOUNT_LIMIT


def test_of_several_main_cards_the_oldest_hears() -> None:
    """In whatever order a store tells the cards of a member; one that was replaced hears nothing."""
    shop = MemberShop()
    till, first = shop.till(), shop.member()
    second, third = shop.member(of=first), shop.member(of=first)
    child = shop.member(of=first, additional=True)
    till.sale(child, 1000)
    cards = [shop.record(pan) for pan in (third, first, second, child)]
    for order in itertools.permutations(cards):
        (notice,) = notices_of(shop.newest, shop.record(child), order)
        assert notice.card == shop.record(first).id
    shop.replace(first)
    till.sale(child, 1000)
    assert [notice.card for notice in shop.store.notices(10)] == [shop.record(first).id, shop.record(second).id]


def test_a_card_is_enrolled_once_with_a_phone() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member(active=False)
    assert till.sale(card, 1000).outcome is Outcome.CARD_NOT_ACTIVE
    reply = till.enrol(card, phone=Secret("905551112233"))
    assert (reply.outcome, told(reply), reply.points) == (APPROVED, [("available", "999", 0)], None)
    assert shop.record(card).sealed_phone == b"sealed 905551112233"
    assert till.enrol(card).outcome is Outcome.CARD_NOT_ACTIVE
    assert till.sale(card, 1000).outcome is APPROVED


def test_an_enrolment_can_be_reversed() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member(active=False)
    till.enrol(card)
    till.reverse()
    assert shop.record(card).state is CardState.INACTIVE


def test_a_blocked_card_earns_and_spends_nothing() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member(100)
    assert till.say(till.write(Kind.LOYALTY_BLOCK, card)).outcome is APPROVED
    assert [till.sale(card, 100).outcome, till.pay(card, 2).outcome] == [Outcome.CARD_RESTRICTED] * 2
    assert till.say(till.write(Kind.LOYALTY_UNBLOCK, card)).outcome is APPROVED
    till.reverse()
    assert shop.record(card).block is Block.BLOCKED
    till.say(till.write(Kind.LOYALTY_UNBLOCK, card))
    assert till.sale(card, 100).outcome is APPROVED


def test_a_replaced_card_keeps_points_and_its_sales_can_be_undone() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member(100)
    sold = till.sale(card, 1000)
    new = shop.replace(card)
    assert told(till.ask(new)) == [("available", "999", 110)]
    assert till.ask(card).outcome is Outcome.CARD_RESTRICTED
    assert till.void_earn(card, 1000, rrn=sold.rrn).outcome is APPROVED
    assert shop.points(new) == 100


def test_a_pin_is_asked_for_spending_transferring_and_asking() -> None:
    shop = MemberShop()
    till, card, other = shop.till(), shop.member(100, "pinned"), shop.member()
    assert till.sale(card, 100).outcome is APPROVED
    for reply in (till.pay(card, 2), till.ask(card), till.transfer(card, other, 1)):
        assert (reply.outcome, reply.balances) == (Outcome.WRONG_PIN, ())
    assert till.pay(card, 2, pin="9999").outcome is Outcome.WRONG_PIN
    assert till.pay(card, 2, pin="1234").outcome is APPROVED
    assert told(till.ask(card, pin="1234")) == [("available", "999", 100)]


# -- what is refused, in this order ------------------------------------------------------------------------------------
REFUSED: list[tuple[str, dict[str, Any], Outcome, str]] = [
    # kind, what is wrong, outcome, reason in the journal; all that follow a line are wrong too
    ("sale",   {"amount": 0},                                Outcome.AMOUNT,          "amount_not_possible"),
    ("sale",   {"basket": lines(("a", 999, ""))},            Outcome.AMOUNT,          "basket_does_not_add_up"),
    ("sale",   {"tenders": tenders(other=999)},              Outcome.AMOUNT,          "tenders_do_not_add_up"),
    ("pay",    {"amount": 0},                                Outcome.AMOUNT,          "amount_not_possible"),
    ("pay",    {"amount": 30},                               Outcome.AMOUNT,          "amount_not_possible"),
    ("pay",    {"amount": 42},                               Outcome.AMOUNT,          "amount_not_possible"),
    ("pay",    {"amount": 1020},                             Outcome.AMOUNT,          "amount_not_possible"),
    ("pay",    {"amount": 980},                              Outcome.NOT_ENOUGH,      "not_enough"),
    ("pay",    {"amount": limits.AMOUNT_MAX},                Outcome.AMOUNT,          "amount_not_possible"),
    ("buy",    {"amount": 0},                                Outcome.AMOUNT,          "amount_not_possible"),
    ("buy",    {"amount": 3},                                Outcome.AMOUNT,          "amount_not_possible"),
    ("return", {"amount": 0},                                Outcome.AMOUNT,          "amount_not_possible"),
    ("return", {"basket": lines(("a", 999, ""))},            Outcome.AMOUNT,          "basket_does_not_add_up"),
    ("return", {},                                           Outcome.ORIGINAL_NOT_FOUND, "original_not_found"),
    ("return", {"rrn": "000000000000"},                      Outcome.ORIGINAL_NOT_FOUND, "original_not_found"),
]  # fmt: skip
KINDS = {"sale": Kind.SALE, "pay": Kind.POINTS_REDEEM, "buy": Kind.POINTS_PURCHASE, "return": Kind.SALE_RETURN}


@pytest.mark.parametrize(("what", "wrong", "outcome", "reason"), REFUSED)
def test_what_is_wrong_is_refused_with_its_reason_and_moves_nothing(
    what: str, wrong: dict[str, Any], outcome: Outcome, reason: str
) -> None:
    shop = MemberShop(redeem_minimum="20", redeem_maximum="500", redeem_step="10")
    till, card = shop.till(), shop.member(480)
    fields: dict[str, Any] = {"amount": 1000} | wrong
    reply = till.say(till.write(KINDS[what], card, **fields))
    assert (reply.outcome, shop.newest.reason) == (outcome, reason)
    assert shop.points(card) == 480
    shop.prove()


@pytest.mark.parametrize(
    ("amount", "taken", "points"),
    [(980, 960, 480), (981, None, 0), (1000, 960, 480)],
)
def test_a_till_that_can_take_less_is_given_the_most_in_steps(amount: int, taken: int | None, points: int) -> None:
    shop = MemberShop(redeem_minimum="20", redeem_maximum="500", redeem_step="10")
    till, card = shop.till(), shop.member(487)
    reply = till.pay(card, amount, partial=True)
    if taken is None:
        assert reply.outcome is Outcome.AMOUNT
        return
    assert (reply.outcome, reply.amount, counted(reply)) == (Outcome.PARTIAL, taken, (0, points))
    assert told(reply) == [("available", "999", 7), ("asked", LIRA, amount)]
    assert till.pay(card, 40, partial=True).outcome is Outcome.NOT_ENOUGH
    shop.prove()


def test_a_card_of_another_kind_is_57_and_no_guess() -> None:
    shop = MemberShop()
    till, gift, card = shop.till(), shop.card(balance=5000), shop.member(100)
    assert [till.sale(gift, 100).outcome, till.redeem(card, 100).outcome] == [Outcome.CARD_NOT_ACTIVE] * 2
    assert shop.newest.reason == "card_of_another_kind"
    assert shop.refusals() == []


def other_scheme() -> str:
    return scheme(id='"miles"', number="2", cards='[{id = "mile", name = "", prefix = "990130"}]')


def test_a_transfer_is_refused_in_this_order() -> None:
    shop = MemberShop(other_scheme(), transfer_minimum="10", transfer_maximum="50")
    till, card = shop.till(), shop.member(45)
    other, gift, mile, twin = shop.member(), shop.card(balance=1000), shop.member(0, "mile"), shop.member(of=card)
    blocked, unknown = shop.member(), shop.number("star")[0]
    shop.block(blocked, Block.BLOCKED)
    refusals = [
        (other, 9, Outcome.AMOUNT, "amount_not_possible"),
        (other, 51, Outcome.AMOUNT, "amount_not_possible"),
        (unknown, 50, Outcome.UNKNOWN_CARD, "unknown_card"),
        (gift, 50, Outcome.CARD_NOT_ACTIVE, "card_of_another_scheme"),
        (mile, 50, Outcome.CARD_NOT_ACTIVE, "card_of_another_scheme"),
        (card, 50, Outcome.DO_NOT_HONOUR, "transfer_to_oneself"),
        (twin, 50, Outcome.DO_NOT_HONOUR, "transfer_to_oneself"),
        (blocked, 50, Outcome.CARD_RESTRICTED, "card_blocked"),
        (other, 50, Outcome.NOT_ENOUGH, "not_enough"),
    ]
    for to, points, outcome, reason in refusals:
        assert (till.transfer(card, to, points).outcome, shop.newest.reason) == (outcome, reason)
    assert till.transfer(card, other, 40, currency=LIRA).outcome is Outcome.NOT_OFFERED
    assert till.transfer(card, other, 40, currency="999").outcome is APPROVED
    assert (shop.points(card), shop.points(other)) == (5, 40)


def test_a_transfer_is_undone_on_both_sides() -> None:
    shop = MemberShop()
    till, card, other = shop.till(), shop.member(100), shop.member(5)
    done = till.transfer(card, other, 60)
    till.pay(other, 20)
    assert till.void(Kind.VOID_TRANSFER, card, 60, rrn=done.rrn).outcome is Outcome.NOT_ENOUGH
    shop.give(other, 5)
    assert till.void(Kind.VOID_TRANSFER, card, 60, rrn=done.rrn).outcome is APPROVED
    assert (shop.points(card), shop.points(other)) == (100, 0)
    till.reverse()
    assert (shop.points(card), shop.points(other)) == (40, 60)
    shop.prove()


def test_the_reversal_of_a_transfer_that_was_spent_leaves_a_debt() -> None:
    shop = MemberShop()
    till, card, other = shop.till(), shop.member(100), shop.member()
    till.transfer(card, other, 60)
    sent = till.sent
    till.pay(other, 100)
    assert till.reverse(sent).outcome is APPROVED
    assert (shop.points(card), shop.points(other), shop.newest.reason) == (100, -50, "uncovered")
    shop.prove()


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        (Kind.SALE, Right.SALE), (Kind.POINTS_REDEEM, Right.POINTS_REDEEM), (Kind.SALE_RETURN, Right.RETURN),
        (Kind.POINTS_TRANSFER, Right.TRANSFER), (Kind.POINTS_PURCHASE, Right.POINTS_PURCHASE),
        (Kind.ENROL, Right.ENROL), (Kind.LOYALTY_BLOCK, Right.BLOCK), (Kind.LOYALTY_UNBLOCK, Right.UNBLOCK),
        (Kind.VOID_EARN, Right.VOID), (Kind.VOID_BURN, Right.VOID), (Kind.VOID_TRANSFER, Right.VOID),
    ],
)  # fmt: skip
def test_every_kind_needs_its_right(kind: Kind, right: Right) -> None:
    shop = MemberShop()
    till, card = shop.till(rights=tuple(one for one in Right if one is not right)), shop.member(100)
    assert till.say(till.write(kind, card, 10)).outcome is Outcome.NOT_ALLOWED


def test_points_never_exceed_what_an_answer_can_tell() -> None:
    shop = MemberShop()
    till, card = shop.till(), shop.member(limits.POINTS_MAX - 5)
    assert (till.sale(card, 600).outcome, shop.newest.reason) == (Outcome.AMOUNT, "amount_not_possible")
    assert till.sale(card, 500).outcome is APPROVED
    assert till.buy(card, 100).outcome is Outcome.AMOUNT
    assert till.transfer(shop.member(9), card, 1).outcome is Outcome.AMOUNT
    assert till.sale(shop.member(), limits.AMOUNT_MAX).outcome is APPROVED


def test_what_no_field_can_hold_is_told_as_the_most_it_can() -> None:
    """A reversal is not refused: the member has more than an answer tells, until some of it is spent."""
    shop = MemberShop(value="1", store_values="{}")
    till, card, other = shop.till(), shop.member(5), shop.member(5)
    till.pay(card, 5)
    paying = till.sent
    till.pay(other, 5, receipt="000009")
    sold = till.sale(card, 5, receipt="000009")
    for pan in (card, other):
        shop.give(pan, limits.POINTS_MAX)
    assert till.reverse(paying).outcome is APPROVED
    assert shop.points(card) == limits.POINTS_MAX + 5
    reply = till.ask(card)
    assert told(reply) == [("available", "999", limits.POINTS_MAX)]
    assert reply.points is not None
    assert reply.points.available == limits.POINTS_MAX
    assert till.give_back(card, 5, rrn=sold.rrn).outcome is APPROVED
    assert shop.points(other) == limits.POINTS_MAX + 5
    assert told(till.ask(other)) == [("available", "999", limits.POINTS_MAX)]
    assert till.pay(card, 10).outcome is APPROVED
    shop.prove()


# -- several schemes ---------------------------------------------------------------------------------------------------
def test_a_store_group_has_points_of_its_own_for_the_same_cards() -> None:
    sub = scheme(id='"local"', number="7", earn_points="5", cards="[]", parent='"stars"', stores='["south"]')
    shop = MemberShop(sub)
    north, south, card = shop.till(), shop.till("T2", store="south"), shop.member(100)
    sold = south.sale(card, 1000)
    assert (counted(sold), told(sold)) == ((50, 0), [("available", "999", 50)])
    assert told(north.ask(card)) == [("available", "999", 100)]
    assert (shop.points(card, "1007"), shop.points(card)) == (50, 100)
    south.pay(card, 20)
    reply = north.give_back(card, 1000, rrn=sold.rrn)
    assert (counted(reply), told(reply)) == ((50, 0), [("available", "999", -20)]), "of the points it earned"
    assert (shop.points(card, "1007"), shop.owed(card, "1007"), shop.points(card)) == (-20, 20, 100)
    shop.prove()


def test_points_of_a_scheme_that_is_gone_can_still_be_undone() -> None:
    shop = MemberShop(debt='"floor"')
    till, card = shop.till(), shop.member(100)
    sold = till.sale(card, 1000)
    shop.command(ApplyProgramme(PROGRAMME))
    assert till.sale(card, 1000).outcome is Outcome.NOT_OFFERED
    assert till.void_earn(card, 1000, rrn=sold.rrn).outcome is APPROVED
    assert shop.points(card) == 100
    shop.prove()
