"""Every loyalty code of section 3: what it moves, what block 900 and the display tell."""

from __future__ import annotations

import pytest

from tests.contract.members import Programme
from tests.contract.till import Till
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.records import Reply, minor
from tests.contract.visa2.till import POINTS, VisaTill


@pytest.fixture(scope="module")
def programme(visa: VisaHouse) -> Programme:
    return visa.club.programme


def worth(visa: VisaHouse, till: VisaTill) -> int:
    """What a point is worth in the terminal's store."""
    return visa.club.programme.value_minor[visa.rows[visa.tills.index(till)]["store"]]


class Told:
    """Block 900."""

    def __init__(self, reply: Reply) -> None:
        balance, earned, redeemed, value, self.message = reply.parts("900")
        self.balance = minor(balance)
        self.earned = minor(earned) if earned else 0
        self.redeemed = minor(redeemed) if redeemed else 0
        self.value = minor(value)


def told(reply: Reply) -> Told:
    return Told(reply.expect("00"))


def test_a_sale_earns(visa: VisaHouse, till: VisaTill, nac: Till, member: str, programme: Programme) -> None:
    before = nac.points(member)
    amount = programme.earn_money * 50 + programme.earn_money - 1
    block = told(till.do("L6", member, amount, POINTS))
    earned = programme.earned(amount)
    assert (block.balance, block.earned, block.redeemed) == (before + earned, earned, 0)
    assert block.value == block.balance * worth(visa, till)
    assert len(block.message) <= 40
    assert nac.points(member) == before + earned


def test_points_pay(visa: VisaHouse, till: VisaTill, nac: Till, member: str, programme: Programme) -> None:
    before, points = nac.points(member), programme.some()
    amount = points * worth(visa, till) - 1  # what is taken is rounded up to whole points
    block = told(till.do("L4", member, amount, POINTS))
    assert (block.balance, block.earned, block.redeemed) == (before - points, 0, points)
    assert block.value == block.balance * worth(visa, till)
    assert nac.points(member) == before - points


def test_fewer_points_than_the_least_do_not_pay(
    visa: VisaHouse, till: VisaTill, nac: Till, member: str, programme: Programme
) -> None:
    before = nac.points(member)
    till.do("L4", member, (programme.redeem_minimum - 1) * worth(visa, till)).expect("13")
    assert nac.points(member) == before


@pytest.mark.parametrize("part", [1, 4])
def test_a_returned_sale_gives_its_points_back(
    till: VisaTill, nac: Till, member: str, programme: Programme, part: int
) -> None:
    before, amount = nac.points(member), programme.earn_money * 40
    sale = till.do("L6", member, amount, POINTS).expect("00")
    back = programme.earned(amount) // part
    block = told(till.do("L5", member, amount // part, POINTS, original=sale.original))
    assert (block.balance, block.earned) == (before + programme.earned(amount) - back, back)
    assert nac.points(member) == block.balance
    till.do("L5", member, amount, original=sale.original).expect("13")


@pytest.mark.parametrize("code", ["L6", "L4"])
@pytest.mark.parametrize("undo", ["LE", "LF"])
def test_an_undone_movement_of_points_is_as_if_it_had_not_been(
    visa: VisaHouse, till: VisaTill, nac: Till, member: str, programme: Programme, code: str, undo: str
) -> None:
    before, points = nac.points(member), programme.some(100)
    amount = programme.money(points) if code == "L6" else points * worth(visa, till)
    done = till.do(code, member, amount, POINTS).expect("00")
    block = told(till.do(undo, member, amount, POINTS, original=done.original))
    taken_back, given_back = (points, 0) if code == "L6" else (0, points)
    assert (block.balance, block.earned, block.redeemed) == (before, taken_back, given_back)
    assert nac.points(member) == before
    till.do(undo, member, amount, original=done.original).expect("79" if undo == "LE" else "00")
    assert nac.points(member) == before


@pytest.mark.parametrize(("undo", "rc"), [("LE", "76"), ("LF", "00")])
def test_an_unknown_movement_of_points_is_not_undone(
    till: VisaTill, nac: Till, member: str, undo: str, rc: str
) -> None:
    before = nac.points(member)
    till.do("L6", member, 1_000).expect("00")
    till.do(undo, member, 1_000, original="000001112226120000" + "000000000001").expect(rc)
    assert nac.points(member) > before


def test_an_inquiry_tells_points_and_what_they_are_worth(
    visa: VisaHouse, till: VisaTill, nac: Till, member: str
) -> None:
    block, points = told(till.do("L3", member, 0, POINTS)), nac.points(member)
    assert (block.balance, block.earned, block.redeemed) == (points, 0, 0)
    assert block.value == points * worth(visa, till)
    assert till.do("L3", member, 0, POINTS).text == "APPROVAL".ljust(16)


def test_without_block_900_an_inquiry_shows_the_points_on_the_display(till: VisaTill, nac: Till, member: str) -> None:
    assert till.do("L3", member, 0).expect("00").text == f"PTS {nac.points(member):>11} "


@pytest.fixture
def unenrolled(visa: VisaHouse) -> str:
    """A loyalty card without a member; each is used once."""
    shelf = list(visa.club.unenrolled)
    used = visa.enrolled
    pan = next(pan for pan in shelf if pan not in used)
    used.add(pan)
    return pan


def test_a_card_is_enrolled_without_points(till: VisaTill, nac: Till, unenrolled: str) -> None:
    till.do("L6", unenrolled, 1_000).expect("57", "14")
    assert told(till.do("LC", unenrolled, 0, POINTS)).balance == 0
    assert nac.points(unenrolled) == 0
    till.do("L6", unenrolled, 1_000).expect("00")


def test_opening_points_come_with_the_right_to_give_them(till: VisaTill, nac: Till, unenrolled: str) -> None:
    assert told(till.do("LC", unenrolled, 120, POINTS)).balance == 120
    assert nac.points(unenrolled) == 120


def test_opening_points_without_the_right_are_refused(plain: VisaTill, unenrolled: str) -> None:
    plain.do("LC", unenrolled, 120).expect("13")
    assert told(plain.do("LC", unenrolled, 0, POINTS)).balance == 0


@pytest.mark.parametrize(("code", "card_is_of_gift"), [("L6", True), ("G4", False)])
def test_a_card_of_the_other_purse_is_of_the_wrong_type(
    till: VisaTill, card: str, member: str, code: str, card_is_of_gift: bool
) -> None:
    till.do(code, card if card_is_of_gift else member, 1_000).expect("57")


def test_gift_and_points_blocks_may_be_asked_for_together(till: VisaTill, nac: Till, member: str) -> None:
    before = nac.points(member)
    reply = till.do("L6", member, 1_000, "200\x1c\x1c", POINTS).expect("00")
    assert Told(reply).balance == nac.points(member) > before
