"""Several tills at the same instant: every request is on its way before the first answer is read."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.contract.client import Message
from tests.contract.members import Club, Programme
from tests.contract.points import POINTS_REDEEM, RETURN, SALE, TRANSFER
from tests.contract.till import Answer, Till


def at_once(tills: list[Till], requests: list[Message]) -> list[Answer]:
    for till, request in zip(tills, requests, strict=True):
        till.line.send(request)
    return [Answer(till.line.receive(), asked, till.dialect) for till, asked in zip(tills, requests, strict=True)]


def test_the_same_points_are_spent_once_at_two_tills_at_the_same_instant(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    tills = [counter, club.colleague(counter)]
    before = counter.points(member)
    requests = [till.message("0200", POINTS_REDEEM, member, programme.worth(till, before)) for till in tills]
    answers = at_once(tills, requests)
    assert Counter(answer.rc for answer in answers) == {"00": 1, "51": 1}, [answer.story() for answer in answers]
    assert counter.points(member) == 0
    for till, answer in zip(tills, answers, strict=True):
        till.reverse(answer.asked).expect("00")
    assert counter.points(member) == before


def test_the_same_points_are_spent_once_by_two_cards_at_the_same_instant(
    club: Club, counter: Till, programme: Programme
) -> None:
    tills = [counter, club.colleague(counter)]
    cards = club.two_cards_of_one_account()
    counter.do(SALE, cards[0].pan, programme.money(programme.some() * 2)).expect("00")
    before = counter.points(cards[0].pan)
    requests = [
        till.message("0200", POINTS_REDEEM, card.pan, programme.worth(till, before))
        for till, card in zip(tills, cards, strict=True)
    ]
    answers = at_once(tills, requests)
    assert Counter(answer.rc for answer in answers) == {"00": 1, "51": 1}, [answer.story() for answer in answers]
    for till, answer in zip(tills, answers, strict=True):
        till.reverse(answer.asked).expect("00")
    assert counter.points(cards[1].pan) == before


def test_the_same_sale_is_returned_once_at_two_tills_at_the_same_instant(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    tills = [counter, club.colleague(counter)]
    before, amount = counter.points(member), programme.earn_money * 6
    sale = counter.do(SALE, member, amount).expect("00")
    answers = at_once(tills, [till.message("0200", RETURN, member, amount, {37: sale.rrn}) for till in tills])
    assert Counter(answer.rc for answer in answers) == {"00": 1, "13": 1}, [answer.story() for answer in answers]
    assert counter.points(member) == before


def test_sales_at_many_tills_at_the_same_instant_all_count(club: Club, member: str, programme: Programme) -> None:
    tills = [till for tills in club.tills.values() for till in tills]
    before = tills[0].points(member)
    requests = [till.message("0200", SALE, member, programme.earn_money * 2) for till in tills]
    answers = at_once(tills, requests)
    assert {answer.rc for answer in answers} == {"00"}, [answer.story() for answer in answers]
    there = sorted(answer.told.available - before for answer in answers)
    assert there == [programme.earn_points * 2 * nth for nth in range(1, len(tills) + 1)], "one after another"
    assert tills[0].points(member) == before + programme.earn_points * 2 * len(tills)


def test_transfers_against_each_other_at_the_same_instant_lose_nothing(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    other, tills = club.member(counter), [counter, club.colleague(counter)]
    before, others = counter.points(member), counter.points(other)
    points = programme.some(100)
    requests = [
        tills[0].message("0200", TRANSFER, member, points, tables={"TO": other}),
        tills[1].message("0200", TRANSFER, other, points, tables={"TO": member}),
    ]
    answers = at_once(tills, requests)
    assert [answer.rc for answer in answers] == ["00", "00"], [answer.story() for answer in answers]
    assert (counter.points(member), counter.points(other)) == (before, others)


def test_a_void_and_a_return_of_one_sale_at_the_same_instant_take_its_points_back_once(
    club: Club, counter: Till, member: str, programme: Programme
) -> None:
    before, colleague = counter.points(member), club.colleague(counter)
    amount = programme.earn_money * 6
    sale = counter.do(SALE, member, amount).expect("00")
    requests = [counter.void_message(sale), colleague.message("0200", RETURN, member, amount, {37: sale.rrn})]
    answers = at_once([counter, colleague], requests)
    codes = tuple(answer.rc for answer in answers)
    assert codes in {("00", "25"), ("79", "00")}, [answer.story() for answer in answers]
    assert counter.points(member) == before


def test_a_request_and_its_repeat_on_two_lines_at_the_same_instant_move_once(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    asked = counter.message("0200", SALE, member, programme.earn_money)
    with counter.new_line() as line:
        counter.line.send(asked)
        line.send(asked.but("0201"))
        answers = [counter.line.receive(), line.receive()]
    assert [answer.rc for answer in answers] == ["00", "00"], answers
    assert answers[0][37] == answers[1][37], answers
    assert counter.points(member) == before + programme.earn_points


def test_rounds_of_sales_redemptions_and_reversals_at_many_tills_leave_what_was_approved(
    club: Club, member: str, programme: Programme
) -> None:
    tills = [till for tills in club.tills.values() for till in tills]
    chance, there = Random(7), tills[0].points(member)
    approved: list[tuple[Till, Answer, int]] = []
    for _ in range(8):
        requests, undoing = [], []
        for till in tills:
            mine = [deed for deed in approved if deed[0] is till]
            if mine and chance.random() < 0.3:
                undoing.append(mine[0])
                approved.remove(mine[0])
                requests.append(till.reversal_message(mine[0][1].asked, {37: mine[0][1].rrn}))
            elif chance.random() < 0.5:
                requests.append(till.message("0200", SALE, member, programme.earn_money * chance.randint(1, 9)))
            else:
                points = programme.some(chance.randint(1, 90))
                requests.append(till.message("0200", POINTS_REDEEM, member, programme.worth(till, points)))
        for till, answer in zip(tills, at_once(tills, requests), strict=True):
            if answer.mti == "0210" and answer.expect("00", "51").rc == "00":
                approved.append((till, answer, answer.told.earned - answer.told.redeemed))
                there += approved[-1][2]
        there -= sum(moved for _, _, moved in undoing)
        assert tills[0].points(member) == there
    for till, answer, moved in sorted(approved, key=lambda deed: deed[2]):
        till.reverse(answer.asked, {37: answer.rrn}).expect("00")
        there -= moved
    assert tills[0].points(member) == there
