"""One set of books: cards and batches of a terminal seen over VISA-2 and over ISO 8583; many lines at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.client import Secret
from tests.contract.daemon import TerminalRecord
from tests.contract.members import Programme
from tests.contract.till import ACTIVATE, REDEEM, Till
from tests.contract.visa2.capture import Item, batch_records, upload
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import framed
from tests.contract.visa2.records import minor, read_reply
from tests.contract.visa2.till import GIFT, POINTS, VisaTill, following


@pytest.fixture
def twin(visa: VisaHouse, till: VisaTill) -> Iterator[Till]:
    """The very terminal `till` is, speaking ISO 8583: it is known by its record, never by its line."""
    row = visa.rows[visa.tills.index(till)]
    record = TerminalRecord(
        row["merchant_id"], row["terminal_id"], "nac", row["store"], row["currency"], str(row["nii"])
    )
    visa.iso_stans += 1_000
    made = Till(record, visa.demo.listeners["nac"], visa.iso_stans)
    yield made
    made.close()


def test_a_card_sold_over_nac_is_spent_over_visa2_and_reversed_by_both_once(
    till: VisaTill, twin: Till, nac: Till, unsold: Secret
) -> None:
    sold = nac.do(ACTIVATE, unsold, 15_000).expect("00")
    asked = till.request("G4", unsold, 2_500, GIFT)
    spent = till.ask(asked).expect("00")
    assert spent.gift == (12_500, 2_500)
    over_nac = twin.message("0400", REDEEM, unsold, 2_500, {37: spent.rrn})
    for _ in range(2):
        twin.ask(over_nac).expect("00")
        till.do("GF", unsold, 2_500, original=spent.original).expect("00")
        assert nac.balance(unsold) == till.balance(unsold) == 15_000
    till.ask(asked).expect("94")
    nac.reverse(sold.asked).expect("00")
    till.do("G4", unsold, 100).expect("57")


def test_a_redemption_over_nac_is_voided_over_visa2_once(till: VisaTill, twin: Till, card: Secret) -> None:
    spent = twin.do(REDEEM, card, 2_500).expect("00")
    named = " " * 18 + spent.rrn
    assert till.do("GE", card, 2_500, GIFT, original=named).expect("00").gift == (20_000, None)
    till.do("GE", card, 2_500, original=named).expect("79")
    twin.void(spent).expect("79")
    twin.reverse(spent.asked).expect("00")
    assert twin.balance(card) == 20_000


def test_another_terminal_reverses_nothing_over_either(
    till: VisaTill, other: VisaTill, nac: Till, card: Secret
) -> None:
    spent = till.do("G4", card, 2_500).expect("00")
    nac.ask(nac.message("0400", REDEEM, card, 2_500, {37: spent.rrn})).expect("00")
    other.do("GF", card, 2_500, original=spent.original).expect("00")
    assert nac.balance(card) == 17_500


def test_the_batch_of_a_terminal_is_one_over_both(till: VisaTill, twin: Till, card: Secret) -> None:
    batch = till.fresh_batch()
    assert twin.open_batch() == f"000{batch}"
    till.do("G4", card, 2_500).expect("00")
    twin.do(REDEEM, card, 1_000).expect("00")
    till.batch("X2", batch, 2, 3_500, 0, 0).expect("00")
    assert till.open_batch() == following(batch)
    assert twin.open_batch() == f"000{following(batch)}"


def test_a_batch_captured_over_visa2_is_closed_over_nac(
    visa: VisaHouse, till: VisaTill, twin: Till, card: Secret
) -> None:
    batch = till.fresh_batch()
    asked = till.request("G4", card, 2_500)
    item = Item.of(asked, till.ask(asked).expect("00"))
    assert upload(till, batch_records(till.numbers, batch, [item])).code == "GB"
    assert twin.open_batch({60: f"000{batch}"}) == f"000{following(batch)}"
    twin.do(REDEEM, card, 1_000, {60: f"000{batch}"}).expect("80")


@pytest.mark.parametrize("with_original", [True, False])
def test_goods_come_back_onto_the_card_up_to_what_was_paid(
    till: VisaTill, plain: VisaTill, nac: Till, card: Secret, with_original: bool
) -> None:
    if not with_original:
        plain.do("G5", card, 1_000).expect("58")  # a right of its own
        assert nac.balance(card) == 20_000
        return
    spent = plain.do("G4", card, 2_500).expect("00")
    plain.do("G5", card, 2_501, original=spent.original).expect("13")
    plain.do("G5", card, 1_000, original=spent.original).expect("00")
    plain.do("G5", card, 1_500, original=spent.original).expect("00")
    plain.do("G5", card, 1, original=spent.original).expect("13")
    assert nac.balance(card) == 20_000


def test_points_below_zero_are_told_with_a_sign(visa: VisaHouse, till: VisaTill, nac: Till, member: Secret) -> None:
    programme: Programme = visa.club.programme
    value = programme.value_minor[visa.rows[visa.tills.index(till)]["store"]]
    amount = programme.money(300)
    sale = till.do("L6", member, amount).expect("00")
    till.do("L4", member, nac.points(member) * value).expect("00")
    reply = till.do("L5", member, amount, POINTS, original=sale.original).expect("00")
    owed = nac.points(member)
    assert minor(reply.parts("900")[0]) == owed
    if owed < 0:
        assert till.do("L3", member, 0).expect("00").text == f"PTS {owed:>11} "
    till.do("L6", member, amount * 2).expect("00")


# Many at once


@pytest.mark.parametrize("kind", ["0", "4"])
def test_the_same_record_on_many_lines_at_once_moves_value_once(
    till: VisaTill, nac: Till, card: Secret, kind: str
) -> None:
    asked = till.request("G4", card, 2_500, GIFT, f2=kind)
    lines = [till.new_line() for _ in range(5)]
    try:
        for line in lines:
            line.send(asked.text())
        replies = [read_reply(line.frame()) for line in lines]
    finally:
        for line in lines:
            line.close()
    assert {(reply.rc, reply.rrn, reply.gift) for reply in replies} == {("00", replies[0].rrn, (17_500, 2_500))}
    assert nac.balance(card) == 17_500


def test_a_sale_and_its_reversal_at_once_leave_the_card_as_it_was(
    till: VisaTill, nac: Till, card: Secret, amount: int
) -> None:
    for _ in range(5):
        asked = till.request("G4", card, amount)
        with till.new_line() as line:
            frames = [framed(one.text(), even=till.even) for one in (asked, asked.but(f18="GF"), asked)]
            line.send_bytes(b"".join(frames))
            codes = [read_reply(line.frame()).rc for _ in frames]
        assert sorted(codes) in (["00", "00", "94"], ["00", "94", "94"]), codes
        assert nac.balance(card) == 20_000
