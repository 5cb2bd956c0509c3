"""Section 6 for loyalty cards: unknown and blocked, told apart under policy `plain`; enrolment; terminals' shops.

Unknown and blocked cards count towards the guess limit, so these tests have a daemon of their own and ask sparingly.
"""

from __future__ import annotations

import pytest

from tests.contract.conftest import House
from tests.contract.members import Club
from tests.contract.points import (
    CARD_BLOCK,
    CARD_UNBLOCK,
    ENROL,
    POINTS,
    POINTS_REDEEM,
    PURCHASE,
    RETURN,
    SALE,
    TRANSFER,
)
from tests.contract.till import APPROVED, Till


@pytest.fixture
def club(own_house: House) -> Club:
    return Club(own_house)


def unknown_card(club: Club) -> str:
    """A number unlike the demo's that nobody issued."""
    known = {card.pan for card in club.cards} | {card.pan for card in club.house.demo.cards}
    return next(pan for last in range(1_000) if (pan := f"990000000000{last:04}") not in known)


@pytest.mark.parametrize("de3", [SALE, POINTS_REDEEM, RETURN, PURCHASE])
def test_a_card_nobody_issued_is_refused_14(club: Club, counter: Till, de3: str) -> None:
    counter.do(de3, unknown_card(club), 10_000, {37: "123456789012"} if de3 == RETURN else None).expect("14")


def test_a_transfer_to_a_card_nobody_issued_is_refused_14(club: Club, counter: Till, member: str) -> None:
    before = counter.points(member)
    counter.do(TRANSFER, member, club.programme.some(), tables={"TO": unknown_card(club)}).expect("14")
    assert counter.points(member) == before


def test_a_blocked_card_is_refused_62_for_everything_but_its_unblocking(club: Club, counter: Till, member: str) -> None:
    programme = club.programme
    other, before = club.member(counter), counter.points(member)
    sale = counter.do(SALE, member, programme.earn_money).expect("00")
    counter.do(CARD_BLOCK, member).expect("00")
    amount = programme.worth(counter, programme.some())
    answers = [
        counter.do(SALE, member, amount),
        counter.do(POINTS_REDEEM, member, amount),
        counter.do(PURCHASE, member, 10_000),
        counter.do(TRANSFER, member, programme.some(), tables={"TO": other}),
    ]
    counter.do(CARD_UNBLOCK, member).expect("00")
    for answer in answers:
        answer.expect("62")
    counter.void(sale).expect("00")
    assert counter.points(member) == before


def test_an_unknown_card_has_no_points_to_tell(club: Club, counter: Till) -> None:
    answer = counter.ask(counter.message("0100", POINTS, unknown_card(club))).expect("14")
    assert 54 not in answer, answer.story()
    counter.ask(counter.message("0100", SALE, unknown_card(club), 1_000)).expect("14")


def test_a_card_already_enrolled_keeps_its_points_when_enrolled_again(club: Club, counter: Till, member: str) -> None:
    before = counter.points(member)
    counter.do(ENROL, member, tables={"PH": "905551112233"})
    assert counter.points(member) == before


def test_an_unknown_card_is_not_enrolled_by_the_way(club: Club, counter: Till) -> None:
    counter.do(ENROL, unknown_card(club)).expect("14")
    counter.do(SALE, unknown_card(club), 1_000).expect("14")


@pytest.mark.parametrize("phone", [None, "905551112233"])
def test_a_card_is_enrolled_once_and_earns_from_then_on(club: Club, counter: Till, phone: str | None) -> None:
    nth = [("nac", None), ("ascii", None), ("nac", phone), ("ascii", phone)].index((counter.dialect, phone))
    card = club.unenrolled[nth % len(club.unenrolled)]
    if phone is None or nth < len(club.unenrolled):
        counter.do(SALE, card, club.programme.earn_money).expect("57")
        request = counter.message("0200", ENROL, card, tables={"PH": phone} if phone else None)
        first = counter.ask(request).expect("00")
        assert first.available >= 0, first.story()
        assert counter.ask(request.but("0201")).expect("00").rrn == first.rrn
    before = counter.points(card)
    counter.do(SALE, card, club.programme.earn_money).expect("00")
    assert counter.points(card) == before + club.programme.earn_points
    assert counter.do(ENROL, card).rc not in APPROVED, "a card is enrolled once"
    assert counter.points(card) == before + club.programme.earn_points
