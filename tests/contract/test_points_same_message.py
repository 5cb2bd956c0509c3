"""Section 4, *same message*, for points: every row moves once however often it comes, and what is 94."""

from __future__ import annotations

import pytest

from tests.contract.client import Message, pack_tables, table_field
from tests.contract.members import Club, Programme
from tests.contract.points import POINTS, POINTS_REDEEM, PURCHASE, RETURN, SALE, TRANSFER
from tests.contract.till import Till

KINDS = [SALE, POINTS_REDEEM, RETURN, TRANSFER, PURCHASE]


@pytest.fixture
def other(club: Club, counter: Till, member: str) -> str:
    return club.member(counter)


def request(till: Till, member: str, other: str, programme: Programme, de3: str) -> Message:
    points = programme.some()
    amounts = {POINTS_REDEEM: programme.worth(till, points), TRANSFER: points, PURCHASE: 10_000}
    amount = amounts.get(de3, programme.earn_money * 5)
    named: dict[int, str | None] = {62: till.receipt(), **till.when()}
    if de3 == RETURN:
        named[37] = till.do(SALE, member, amount * 2).expect("00").rrn
    return till.message("0200", de3, member, amount, named, {"TO": other} if de3 == TRANSFER else None)


@pytest.mark.parametrize("de3", KINDS)
def test_any_movement_repeated_moves_once_and_is_answered_alike(
    counter: Till, member: str, other: str, programme: Programme, de3: str
) -> None:
    asked = request(counter, member, other, programme, de3)
    first = counter.ask(asked).expect("00")
    after = counter.points(member), counter.points(other)
    assert dict(counter.ask(asked)) == dict(first), first.story()
    for mti in ("0201", "0201", "0200"):
        again = counter.ask(asked.but(mti)).expect("00")
        assert (again.rrn, again.tables, again[54]) == (first.rrn, first.tables, first[54]), again.story()
    assert (counter.points(member), counter.points(other)) == after


@pytest.mark.parametrize("de3", KINDS)
def test_a_repeat_whose_first_was_never_seen_is_handled_as_the_first(
    counter: Till, member: str, other: str, programme: Programme, de3: str
) -> None:
    asked = request(counter, member, other, programme, de3)
    first = counter.ask(asked.but("0201")).expect("00")
    after = counter.points(member), counter.points(other)
    assert counter.ask(asked).expect("00").rrn == first.rrn
    assert (counter.points(member), counter.points(other)) == after


@pytest.mark.parametrize("de3", KINDS)
@pytest.mark.parametrize("differs", ["card", "amount", "transaction", "receipt"])
def test_the_same_stan_with_other_content_is_refused_94_and_moves_nothing(
    counter: Till, member: str, other: str, programme: Programme, de3: str, differs: str
) -> None:
    asked = request(counter, member, other, programme, de3)
    first = counter.ask(asked).expect("00")
    after = counter.points(member), counter.points(other)
    changes: dict[str, dict[int, str | None]] = {
        "card": {2: other},
        "amount": {4: f"{int(asked[4]) - 1:012}"},
        "transaction": {3: SALE if de3 != SALE else POINTS_REDEEM},
        "receipt": {62: "OTHER1"},
    }
    counter.ask(asked.but(changes=changes[differs])).expect("94")
    assert (counter.points(member), counter.points(other)) == after
    assert counter.ask(asked.but("0201")).expect("00").rrn == first.rrn


@pytest.mark.parametrize("de3", KINDS)
@pytest.mark.parametrize("undone_by", ["void", "reversal"])
def test_a_message_undone_since_is_refused_94(
    counter: Till, member: str, other: str, programme: Programme, de3: str, undone_by: str
) -> None:
    asked = request(counter, member, other, programme, de3)
    before = counter.points(member), counter.points(other)
    done = counter.ask(asked).expect("00")
    (counter.void(done) if undone_by == "void" else counter.reverse(asked)).expect("00")
    for mti in ("0200", "0201"):
        counter.ask(asked.but(mti)).expect("94")
    assert (counter.points(member), counter.points(other)) == before


def test_a_sale_whose_return_is_live_is_still_replayed(
    counter: Till, member: str, other: str, programme: Programme
) -> None:
    asked = request(counter, member, other, programme, SALE)
    first = counter.ask(asked).expect("00")
    counter.do(RETURN, member, programme.earn_money, {37: first.rrn}).expect("00")
    after = counter.points(member)
    assert dict(counter.ask(asked.but("0201"))) == dict(first)
    assert counter.points(member) == after


def test_tables_are_not_compared(counter: Till, member: str, programme: Programme) -> None:
    amount = programme.earn_money * 2
    asked = counter.message("0200", SALE, member, amount, tables={"TD": f"O,{amount}"})
    first = counter.ask(asked).expect("00")
    tables = pack_tables(counter.dialect, [("BK", f"A,1,{amount},food"), ("TD", f"P,{amount}")])
    again = counter.ask(asked.but("0201", {table_field(counter.dialect): tables})).expect("00")
    assert (again.rrn, again.told) == (first.rrn, first.told), again.story()


def test_a_decline_is_replayed_and_a_new_try_needs_a_new_stan(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    missing = programme.earn_points * 3
    asked = counter.message("0200", POINTS_REDEEM, member, programme.worth(counter, before + missing))
    first = counter.ask(asked).expect("51")
    sale = counter.do(SALE, member, programme.earn_money * 3).expect("00")
    for mti in ("0200", "0201"):
        assert counter.ask(asked.but(mti)).expect("51").rrn == first.rrn
    done = counter.ask(asked.but(changes={11: counter.stan()})).expect("00")
    assert counter.points(member) == 0
    counter.void(done).expect("00")
    counter.void(sale).expect("00")
    assert counter.points(member) == before


def test_a_partial_approval_is_replayed_as_a_partial_approval(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    asked = counter.message("0200", POINTS_REDEEM, member, programme.worth(counter, before) + 9, tables={"CP": "P"})
    first = counter.ask(asked).expect("10")
    sale = counter.do(SALE, member, programme.earn_money * 3).expect("00")
    again = counter.ask(asked.but("0201")).expect("10")
    assert (again.rrn, again.amount, again[54], again.told) == (first.rrn, first.amount, first[54], first.told)
    counter.void(sale).expect("00")
    counter.void(first).expect("00")
    assert counter.points(member) == before


def test_a_refused_return_is_replayed(counter: Till, member: str, programme: Programme) -> None:
    sale = counter.do(SALE, member, programme.earn_money).expect("00")
    asked = counter.message("0200", RETURN, member, programme.earn_money + 1, {37: sale.rrn})
    first = counter.ask(asked).expect("13")
    assert counter.ask(asked.but("0201")).expect("13").rrn == first.rrn


def test_an_inquiry_is_always_done_anew_and_never_refused_as_a_duplicate(
    counter: Till, member: str, programme: Programme
) -> None:
    sale = counter.do(SALE, member, programme.earn_money).expect("00")
    inquiry = counter.message("0100", POINTS, member, more={11: sale.asked[11]})
    there = counter.ask(inquiry).expect("00").available
    counter.do(SALE, member, programme.earn_money).expect("00")
    assert counter.ask(inquiry).expect("00").available == there + programme.earn_points
    counter.ask(counter.message("0100", SALE, member, 5 * programme.earn_money, {11: sale.asked[11]})).expect("00")


def test_a_sale_over_nac_and_one_over_ascii_with_the_same_stan_are_two(club: Club, programme: Programme) -> None:
    nac, ascii_ = club.till("nac"), club.till("ascii")
    member = club.member(nac)
    before = nac.points(member)
    first = nac.do(SALE, member, programme.earn_money).expect("00")
    second = ascii_.do(SALE, member, programme.earn_money, {11: first.asked[11]}).expect("00")
    assert first.rrn != second.rrn
    assert ascii_.points(member) == before + programme.earn_points * 2


@pytest.mark.parametrize("differs", ["batch", "time"])
def test_the_same_stan_of_another_batch_or_time_is_a_new_message(
    counter: Till, member: str, programme: Programme, differs: str
) -> None:
    batch = counter.open_batch()
    asked = counter.message("0200", SALE, member, programme.earn_money, {60: batch, **counter.when()})
    first = counter.ask(asked).expect("00")
    there = counter.points(member)
    following: dict[int, str | None] = {60: f"{int(batch) % 999_999 + 1:06}"}
    second = counter.ask(asked.but(changes=following if differs == "batch" else counter.when(minutes=-40)))
    assert second.expect("00").rrn != first.rrn, second.story()
    assert counter.points(member) == there + programme.earn_points
