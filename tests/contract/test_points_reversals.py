"""Section 4, *Reversal*, for points: how the original is found, and what a reversal before its original stops."""

from __future__ import annotations

import pytest

from tests.contract.client import Message
from tests.contract.members import Club, Programme
from tests.contract.points import CARD_BLOCK, CARD_UNBLOCK, POINTS_REDEEM, PURCHASE, RETURN, SALE, TRANSFER
from tests.contract.till import Answer, Till, by_de90

Changes = dict[int, str | None]
KINDS = [SALE, POINTS_REDEEM, RETURN, TRANSFER, PURCHASE]


def request(till: Till, member: str, other: str, programme: Programme, de3: str) -> Message:
    """A movement of each kind, not yet sent; a return is of a sale made for it."""
    points = programme.some()
    amounts = {POINTS_REDEEM: programme.worth(till, points), TRANSFER: points, PURCHASE: 10_000}
    amount = amounts.get(de3, programme.earn_money * 5)
    named: Changes = {62: till.receipt()}
    if de3 == RETURN:
        named[37] = till.do(SALE, member, amount).expect("00").rrn
    return till.message("0200", de3, member, amount, named, {"TO": other} if de3 == TRANSFER else None)


def references(original: Answer) -> dict[str, Changes]:
    return {
        "DE90": {90: by_de90(original.asked)},
        "DE37": {37: original.rrn},
        "DE62": {62: original.asked[62]},
        "DE11": {11: original.asked[11]},
    }


@pytest.mark.parametrize("reference", ["DE90", "DE37", "DE62", "DE11"])
@pytest.mark.parametrize("de3", KINDS)
def test_a_reversal_finds_its_original_by_any_reference_and_undoes_it_once(
    club: Club, counter: Till, member: str, programme: Programme, de3: str, reference: str
) -> None:
    other = club.member(counter)
    asked = request(counter, member, other, programme, de3)
    before = counter.points(member), counter.points(other)
    done = counter.ask(asked).expect("00")
    reversal = counter.reversal_message(asked, references(done)[reference])
    for mti in ("0400", "0401", "0420", "0421"):
        counter.ask(reversal.but(mti)).expect("00")
        assert (counter.points(member), counter.points(other)) == before


@pytest.mark.parametrize("differs", ["card", "amount", "transaction"])
@pytest.mark.parametrize("reference", ["DE90", "DE37", "DE62", "DE11"])
def test_a_reversal_with_another_card_amount_or_transaction_finds_nothing(
    club: Club, counter: Till, member: str, programme: Programme, reference: str, differs: str
) -> None:
    other = club.member(counter)
    done = counter.ask(request(counter, member, other, programme, SALE)).expect("00")
    before = counter.points(member), counter.points(other)
    wrong: dict[str, Changes] = {
        "card": {2: other},
        "amount": {4: f"{int(done.asked[4]) + 1:012}"},
        "transaction": {3: POINTS_REDEEM},
    }
    reversal = counter.reversal_message(done.asked, references(done)[reference])
    counter.ask(reversal.but(changes=wrong[differs])).expect("00")
    assert (counter.points(member), counter.points(other)) == before


def test_the_messages_of_one_receipt_are_told_apart_by_their_transaction(
    counter: Till, member: str, programme: Programme
) -> None:
    before, receipt = counter.points(member), counter.receipt()
    amount = programme.worth(counter, programme.some())
    redeemed = counter.do(POINTS_REDEEM, member, amount, {62: receipt}).expect("00")
    sale = counter.do(SALE, member, amount, {62: receipt}).expect("00")
    counter.reverse(redeemed.asked, {62: receipt}).expect("00")
    assert counter.points(member) == before + sale.told.earned
    counter.reverse(sale.asked, {62: receipt}).expect("00")
    assert counter.points(member) == before


def test_of_several_that_fit_the_newest_not_yet_undone_is_meant(
    counter: Till, member: str, programme: Programme
) -> None:
    before, receipt = counter.points(member), counter.receipt()
    first = counter.do(SALE, member, programme.earn_money, {62: receipt}).expect("00")
    second = counter.do(SALE, member, programme.earn_money, {62: receipt}).expect("00")
    counter.reverse(second.asked, {62: receipt}).expect("00")
    counter.void(second).expect("79")
    counter.void(first).expect("00")
    assert counter.points(member) == before


@pytest.mark.parametrize("mti", ["0200", "0201"])
@pytest.mark.parametrize("de3", KINDS)
def test_an_original_that_comes_after_its_reversal_is_refused_94_and_moves_nothing(
    club: Club, counter: Till, member: str, programme: Programme, de3: str, mti: str
) -> None:
    other = club.member(counter)
    asked = request(counter, member, other, programme, de3).but(mti)
    before = counter.points(member), counter.points(other)
    counter.reverse(asked).expect("00")
    counter.ask(asked).expect("94")
    counter.ask(asked.but("0201")).expect("94")
    assert (counter.points(member), counter.points(other)) == before


def test_an_early_reversal_by_receipt_stops_the_message_with_the_lower_stan(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    asked = counter.message("0200", SALE, member, programme.earn_money, {62: counter.receipt()})
    counter.reverse(asked, {62: asked[62]}).expect("00")
    counter.ask(asked).expect("94")
    assert counter.points(member) == before
    counter.ask(asked.but(changes={11: counter.stan()})).expect("00")


def test_an_early_reversal_of_a_redemption_does_not_stop_the_sale_of_its_receipt(
    counter: Till, member: str, programme: Programme
) -> None:
    before, receipt = counter.points(member), counter.receipt()
    amount = programme.worth(counter, programme.some())
    redeemed = counter.message("0200", POINTS_REDEEM, member, amount, {62: receipt})
    counter.reverse(redeemed).expect("00")
    sale = counter.do(SALE, member, amount, {62: receipt}).expect("00")
    assert sale.told.earned == programme.earned(amount), sale.story()
    counter.ask(redeemed).expect("94")
    assert counter.points(member) == before + sale.told.earned


def test_a_reversed_void_is_found_by_the_number_of_what_was_voided(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    done = counter.do(POINTS_REDEEM, member, programme.worth(counter, programme.some())).expect("00")
    void = counter.void(done).expect("00")
    counter.reverse(void.asked, {37: done.rrn}).expect("00")
    assert counter.points(member) == before - programme.some()
    counter.void(done).expect("00")
    assert counter.points(member) == before


def test_a_reversed_void_of_an_earning_earns_again(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    sale = counter.do(SALE, member, programme.earn_money * 2).expect("00")
    void = counter.void(sale).expect("00")
    counter.reverse(void.asked).expect("00")
    assert counter.points(member) == before + programme.earn_points * 2
    counter.do(RETURN, member, programme.earn_money * 2, {37: sale.rrn}).expect("00")
    assert counter.points(member) == before


def test_a_lost_answer_is_undone_by_a_reversal_and_the_repeat_is_refused(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    for de3, amount in ((SALE, programme.earn_money), (POINTS_REDEEM, programme.worth(counter, programme.some()))):
        asked = counter.message("0200", de3, member, amount)
        with counter.new_line() as line:
            line.send(asked)
        counter.reverse(asked).expect("00")
        counter.ask(asked.but("0201")).expect("94")
        assert counter.points(member) == before


@pytest.mark.parametrize("de3", [CARD_BLOCK, CARD_UNBLOCK])
def test_a_reversal_of_a_block_is_never_refused(counter: Till, member: str, de3: str) -> None:
    done = counter.do(CARD_BLOCK, member).expect("00")
    if de3 == CARD_UNBLOCK:
        done = counter.do(CARD_UNBLOCK, member).expect("00")
    answer = counter.ask(counter.message("0400", de3, member, 0, {11: done.asked[11]}))
    counter.do(CARD_UNBLOCK, member)
    answer.expect("00")


def test_the_loyalty_application_has_its_own_messages(counter: Till, member: str, programme: Programme) -> None:
    before, loyalty = counter.points(member), {24: "090"}
    sale = counter.do(SALE, member, programme.earn_money * 2, {**loyalty}).expect("00")
    counter.reverse(sale.asked, {11: sale.asked[11]}).expect("00")
    assert counter.points(member) == before + programme.earn_points * 2, "another application's reversal"
    counter.reverse(sale.asked, {11: sale.asked[11], **loyalty}).expect("00")
    assert counter.points(member) == before
