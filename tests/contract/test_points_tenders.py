"""Section 3, *One sale, several messages*: which redemptions are tenders of a sale, told or found, and what earns."""

from __future__ import annotations

import pytest

from tests.contract.conftest import House
from tests.contract.members import Club, Programme
from tests.contract.mixed_sale import TOLD, purchase
from tests.contract.points import POINTS_REDEEM, RETURN, SALE
from tests.contract.till import REDEEM, Answer, Till


@pytest.mark.parametrize("tenders", ["", TOLD, "O,{O};P,{P}"])
def test_the_part_paid_with_points_does_not_earn(
    counter: Till, member: str, programme: Programme, tenders: str
) -> None:
    bought = purchase(counter, member, programme, tenders)
    assert bought.earned == programme.earned(bought.amount - bought.paid), bought.sale.story()
    assert counter.points(member) == bought.before - bought.points + bought.earned


def test_what_was_told_and_what_was_found_earn_alike(counter: Till, member: str, programme: Programme) -> None:
    found = purchase(counter, member, programme)
    told = purchase(counter, member, programme, TOLD)
    assert (found.amount, found.earned) == (told.amount, told.earned)


def test_a_preview_with_tenders_tells_what_the_sale_will_earn(counter: Till, member: str, programme: Programme) -> None:
    tables = {"TD": f"P,{programme.earn_money * 3};O,{programme.earn_money * 5}"}
    preview = counter.message("0100", SALE, member, programme.earn_money * 8, tables=tables)
    assert counter.ask(preview).expect("00").told.earned == programme.earn_points * 5


def test_a_sale_without_redemptions_under_its_receipt_earns_in_full(
    counter: Till, member: str, programme: Programme
) -> None:
    counter.do(POINTS_REDEEM, member, programme.worth(counter, programme.some()), {62: counter.receipt()}).expect("00")
    sale = counter.do(SALE, member, programme.earn_money * 20, {62: counter.receipt()}).expect("00")
    assert sale.told.earned == programme.earn_points * 20, sale.story()


def test_a_redemption_undone_before_the_sale_is_no_tender(counter: Till, member: str, programme: Programme) -> None:
    receipt, amount = counter.receipt(), programme.worth(counter, programme.some())
    for undo in ("void", "reversal"):
        done = counter.do(POINTS_REDEEM, member, amount, {62: receipt}).expect("00")
        (counter.void(done) if undo == "void" else counter.reverse(done.asked)).expect("00")
    money = amount + programme.earn_money * 4
    sale = counter.do(SALE, member, money, {62: receipt}).expect("00")
    assert sale.told.earned == programme.earned(money), sale.story()


def test_what_a_gift_card_paid_earns_told_or_found(
    house: House, counter: Till, member: str, programme: Programme
) -> None:
    card, receipt, amount = house.card(counter), counter.receipt(), programme.earn_money * 6 + 500
    counter.do(REDEEM, card, 500, {62: receipt}).expect("00")
    found = counter.do(SALE, member, amount, {62: receipt}).expect("00")
    told = counter.do(SALE, member, amount, tables={"TD": f"G,500;O,{amount - 500}"}).expect("00")
    assert found.told.earned == told.told.earned == programme.earned(amount), found.story()


# What is no tender of this sale: another terminal's, another batch's, another member's tenders.


def test_a_redemption_at_another_terminal_is_no_tender_whatever_its_receipt(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    receipt, colleague = counter.receipt(), club.colleague(counter)
    colleague.do(POINTS_REDEEM, member, programme.worth(colleague, programme.some()), {62: receipt}).expect("00")
    sale = counter.do(SALE, member, programme.earn_money * 20, {62: receipt}).expect("00")
    assert sale.told.earned == programme.earn_points * 20, sale.story()


def test_a_redemption_of_another_batch_is_no_tender_whatever_its_receipt(
    counter: Till, member: str, programme: Programme
) -> None:
    receipt, batch = counter.receipt(), counter.open_batch()
    redeem = {62: receipt, 60: batch}
    counter.do(POINTS_REDEEM, member, programme.worth(counter, programme.some()), redeem).expect("00")
    following = {62: receipt, 60: f"{int(batch) % 999_999 + 1:06}"}
    sale = counter.do(SALE, member, programme.earn_money * 20, following).expect("00")
    assert sale.told.earned == programme.earn_points * 20, sale.story()


def test_messages_without_a_receipt_are_not_of_one_sale(counter: Till, member: str, programme: Programme) -> None:
    counter.do(POINTS_REDEEM, member, programme.worth(counter, programme.some())).expect("00")
    sale = counter.do(SALE, member, programme.earn_money * 20).expect("00")
    assert sale.told.earned == programme.earn_points * 20, sale.story()


def test_several_redemptions_of_one_receipt_are_all_tenders(counter: Till, member: str, programme: Programme) -> None:
    before, receipt, points = counter.points(member), counter.receipt(), programme.some()
    paid = programme.worth(counter, points)
    for _ in range(3):
        counter.do(POINTS_REDEEM, member, paid, {62: receipt}).expect("00")
    amount = paid * 3 + programme.earn_money * 4
    sale = counter.do(SALE, member, amount, {62: receipt}).expect("00")
    assert sale.told.earned == programme.earn_points * 4, sale.story()
    answer = counter.do(RETURN, member, amount, {37: sale.rrn}).expect("00")
    assert (answer.told.earned, answer.told.redeemed) == (programme.earn_points * 4, points * 3), answer.story()
    assert answer.returned == (paid * 3, programme.earn_money * 4), answer.story()
    assert counter.points(member) == before


def test_a_partial_approval_is_a_tender_of_what_was_taken(counter: Till, member: str, programme: Programme) -> None:
    before, receipt = counter.points(member), counter.receipt()
    worth = programme.worth(counter, before)
    counter.do(POINTS_REDEEM, member, worth + 5_000, {62: receipt}, {"CP": "P"}).expect("10")
    sale = counter.do(SALE, member, worth + programme.earn_money * 4, {62: receipt}).expect("00")
    assert sale.told.earned == programme.earn_points * 4, sale.story()
    returned = counter.do(RETURN, member, worth + programme.earn_money * 4, {37: sale.rrn}).expect("00")
    assert returned.returned == (worth, programme.earn_money * 4), returned.story()
    assert counter.points(member) == before


def test_a_sale_paid_with_points_alone_earns_nothing_and_gives_all_of_them_back(
    counter: Till, member: str, programme: Programme
) -> None:
    before, receipt, points = counter.points(member), counter.receipt(), programme.some()
    paid = programme.worth(counter, points)
    counter.do(POINTS_REDEEM, member, paid, {62: receipt}).expect("00")
    sale = counter.do(SALE, member, paid, {62: receipt}).expect("00")
    assert sale.told.earned == 0, sale.story()
    answer = counter.do(RETURN, member, paid, {37: sale.rrn}).expect("00")
    assert (answer.told.redeemed, answer.returned) == (points, (paid, 0)), answer.story()
    assert counter.points(member) == before


def test_points_another_member_paid_are_a_tender_and_go_back_to_that_member(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    other, receipt, points = club.member(counter), counter.receipt(), programme.some()
    before, others = counter.points(member), counter.points(other)
    paid = programme.worth(counter, points)
    amount = paid + programme.earn_money * 10
    redeemed = counter.do(POINTS_REDEEM, other, paid, {62: receipt}).expect("00")
    sale = counter.do(SALE, member, amount, {62: receipt}).expect("00")
    assert sale.told.earned == programme.earn_points * 10, sale.story()
    returned = counter.do(RETURN, member, amount, {37: sale.rrn}).expect("00")
    there = counter.points(member), counter.points(other)
    counter.reverse(sale.asked, {37: sale.rrn}).expect("00")
    counter.reverse(redeemed.asked, {37: redeemed.rrn}).expect("00")
    assert (counter.points(member), counter.points(other)) == (before, others)
    assert there == (before, others), returned.story()
    assert returned.returned == (paid, amount - paid), returned.story()


def test_a_preview_finds_the_tenders_of_its_receipt_as_the_sale_will(
    counter: Till, member: str, programme: Programme
) -> None:
    receipt, paid = counter.receipt(), programme.worth(counter, programme.some())
    amount = paid + programme.earn_money * 10
    counter.do(POINTS_REDEEM, member, paid, {62: receipt}).expect("00")
    preview = counter.ask(counter.message("0100", SALE, member, amount, {62: receipt})).expect("00")
    sale = counter.do(SALE, member, amount, {62: receipt}).expect("00")
    assert preview.told.earned == sale.told.earned == programme.earn_points * 10, preview.story()


def test_the_tenders_told_decide_against_those_found(counter: Till, member: str, programme: Programme) -> None:
    receipt, paid = counter.receipt(), programme.worth(counter, programme.some())
    amount = paid + programme.earn_money * 4
    counter.do(POINTS_REDEEM, member, paid, {62: receipt}).expect("00")
    sale = counter.do(SALE, member, amount, {62: receipt}, {"TD": f"O,{amount}"}).expect("00")
    assert sale.told.earned == programme.earned(amount), sale.story()


def every_tender(till: Till, member: str, unit: int, tenders: str) -> Answer:
    return till.do(SALE, member, unit * 10, tables={"TD": tenders}).expect("00")


def test_each_tender_earns_or_not_however_it_is_split(counter: Till, member: str, programme: Programme) -> None:
    unit = programme.earn_money
    alone = {kind: every_tender(counter, member, unit, f"{kind},{unit * 10}").told.earned for kind in "GPCO"}
    assert set(alone.values()) <= {0, programme.earn_points * 10}, alone
    assert (alone["O"], alone["P"]) == (programme.earn_points * 10, 0)
    split = every_tender(counter, member, unit, f"G,{unit};P,{unit * 2};C,{unit * 3};O,{unit * 4}").told.earned
    parts = zip("GPCO", (1, 2, 3, 4), strict=True)
    assert split == sum(programme.earn_points * units for kind, units in parts if alone[kind])
    twice = every_tender(counter, member, unit, f"O,{unit * 4};P,{unit};O,{unit * 5}").told.earned
    assert twice == programme.earn_points * 9
