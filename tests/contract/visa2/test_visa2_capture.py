"""Data capture: a K batch of what the books have, or have not, is good; it is captured once and books nothing twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.client import Secret
from tests.contract.till import Till
from tests.contract.visa2.capture import Item, batch_records, sell, unseen, upload
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.till import VisaTill, following

# fmt: off
KEPT = [  # what is done with a card of 200.00, the net deposit
    ("sales",            [("G4", 1_000), ("G4", 2_000)],               3_000),
    ("a_sale_and_more",  [("G4", 5_000), ("GG", 2_000), ("G5", 500)],  6_500),
    ("a_refund_alone",   [("G5", 2_500)],                              2_500),
    ("more_refunded",    [("G4", 1_000), ("G5", 2_500)],               1_500),
    ("loads",            [("G6", 10_000), ("G4", 1_000)],              1_000),
    ("unloads",          [("G7", 4_000)],                                  0),
]
# fmt: on


@pytest.mark.parametrize(("moves", "net"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_a_batch_that_agrees_with_the_books_is_good(
    till: VisaTill, nac: Till, card: Secret, batch: str, moves: list[tuple[str, int]], net: int
) -> None:
    items = sell(till, card, *moves)
    left = nac.balance(card)
    settled = upload(till, batch_records(till.numbers, batch, items))
    assert (settled.code, settled.batch, settled.received, settled.net) == ("GB", batch, len(items) + 3, net)
    assert nac.balance(card) == left
    assert till.open_batch() == following(batch)


def test_a_batch_of_points_is_good_and_moves_none_again(till: VisaTill, nac: Till, member: Secret, batch: str) -> None:
    items = sell(till, member, ("L6", 10_000), ("L4", 2_000))
    left = nac.points(member)
    settled = upload(till, batch_records(till.numbers, batch, items))
    assert (settled.code, settled.net) == ("GB", 0)
    assert nac.points(member) == left


def test_issues_closings_and_partial_approvals_are_in_it(
    till: VisaTill, nac: Till, card: Secret, unsold: Secret, batch: str
) -> None:
    asked = [till.request("GC", unsold, 10_000), till.request("G2", unsold, 0), till.request("G4", card, 30_000)]
    replies = [till.ask(one).expect("00", "10") for one in asked]
    amounts = (10_000, 10_000, 20_000)
    items = [Item.of(*one) for one in zip(asked, replies, amounts, strict=True)]
    settled = upload(till, batch_records(till.numbers, batch, items))
    assert (settled.code, settled.net) == ("GB", 20_000)
    till.do("GF", unsold, 0, original=replies[1].original).expect("00")
    till.do("GF", unsold, 10_000, original=replies[0].original).expect("00")
    assert nac.balance(card) == 0


@pytest.mark.parametrize("shown", ["left_out", "with_V"])
def test_what_was_undone_is_left_out_or_marked(till: VisaTill, nac: Till, card: Secret, batch: str, shown: str) -> None:
    undone, kept = sell(till, card, ("G4", 2_500), ("G4", 1_000))
    till.do("GF", card, 2_500, f17=undone.sequence).expect("00")
    items = [kept] if shown == "left_out" else [replace(undone, voided=True), kept]
    settled = upload(till, batch_records(till.numbers, batch, items))
    assert (settled.code, settled.received, settled.net) == ("GB", len(items) + 3, 1_000)
    assert nac.balance(card) == 19_000


# fmt: off
DIFFERENT = ["one_missing", "another_amount", "another_approval", "nothing_of_the_books"]
# fmt: on


@pytest.mark.parametrize("how", DIFFERENT)
def test_a_batch_is_good_whatever_differs_from_the_books(
    till: VisaTill, nac: Till, card: Secret, batch: str, how: str
) -> None:
    first, second = sell(till, card, ("G4", 2_500), ("G4", 1_000))
    nowhere = unseen(till, "G6", card, 7_000)
    # fmt: off
    items = {
        "one_missing":          [first],
        "another_amount":       [first, replace(second, amount=1_100)],
        "another_approval":     [first, replace(second, approval="999999")],
        "nothing_of_the_books": [nowhere],
    }[how]
    # fmt: on
    left = nac.balance(card)
    assert upload(till, batch_records(till.numbers, batch, items)).code == "GB"
    if how != "another_approval":  # which is another transaction, and takes its money
        assert nac.balance(card) == left
    assert till.open_batch() == following(batch)


@pytest.mark.parametrize("code", ["G6", "GC", "G5"])
def test_a_load_first_seen_here_puts_no_value_on_a_card(
    till: VisaTill, nac: Till, card: Secret, unsold: Secret, batch: str, code: str
) -> None:
    pan = unsold if code == "GC" else card
    item = unseen(till, code, pan, 5_000)
    assert upload(till, batch_records(till.numbers, batch, [item])).code == "GB"
    if code == "GC":
        till.do("G4", pan, 100).expect("57")
    else:
        assert nac.balance(pan) == 20_000


def test_a_sale_first_seen_here_takes_its_money_once(till: VisaTill, nac: Till, card: Secret, batch: str) -> None:
    records = batch_records(till.numbers, batch, [unseen(till, "G4", card, 5_000)])
    assert [upload(till, records).code for _ in range(3)] == ["GB", "QD", "QD"]
    assert nac.balance(card) == 15_000


def test_what_was_undone_and_is_sent_as_live_stays_undone(till: VisaTill, nac: Till, card: Secret, batch: str) -> None:
    undone, kept = sell(till, card, ("G4", 2_500), ("G4", 1_000))
    till.do("GF", card, 2_500, f17=undone.sequence).expect("00")
    assert upload(till, batch_records(till.numbers, batch, [undone, kept])).code == "GB"
    assert nac.balance(card) == 19_000


def test_a_mark_alone_undoes_nothing_and_books_nothing(till: VisaTill, nac: Till, card: Secret, batch: str) -> None:
    done, kept = sell(till, card, ("G4", 2_500), ("G4", 1_000))
    nowhere = replace(unseen(till, "G4", card, 5_000), voided=True)
    items = [replace(done, voided=True), nowhere, kept]
    assert upload(till, batch_records(till.numbers, batch, items)).code == "GB"
    assert nac.balance(card) == 16_500


def test_more_than_there_is_empties_the_card_and_no_more(till: VisaTill, nac: Till, card: Secret, batch: str) -> None:
    items = [unseen(till, "G4", card, amount) for amount in (15_000, 15_000)]
    assert upload(till, batch_records(till.numbers, batch, items)).code == "GB"
    assert nac.balance(card) == 0


def test_a_sale_first_seen_here_earns_its_points(
    visa: VisaHouse, till: VisaTill, nac: Till, member: Secret, batch: str
) -> None:
    before = nac.points(member)
    records = batch_records(till.numbers, batch, [unseen(till, "L6", member, 5_000)])
    assert [upload(till, records).code for _ in range(2)] == ["GB", "QD"]
    assert nac.points(member) == before + visa.club.programme.earned(5_000)


def test_the_same_batch_again_is_a_duplicate_whatever_it_claims(
    till: VisaTill, nac: Till, card: Secret, batch: str
) -> None:
    items, earlier = sell(till, card, ("G4", 2_500)), f"{till.clock.now() - timedelta(days=2):%m%d}"
    assert upload(till, batch_records(till.numbers, batch, items, date=earlier)).code == "GB"
    again = upload(till, batch_records(till.numbers, batch, items))
    assert (again.code, again.batch, again.received, again.held_since) == ("QD", batch, 4, earlier)
    other = [replace(items[0], amount=9_900), unseen(till, "G4", card, 5_000)]
    assert upload(till, batch_records(till.numbers, batch, other)).code == "QD"
    assert nac.balance(card) == 17_500
    assert till.open_batch() == following(batch)


@pytest.mark.parametrize("code", ["X2", "X3"])
def test_a_batch_closed_before_is_good_when_it_is_uploaded_first(
    till: VisaTill, nac: Till, card: Secret, batch: str, code: str
) -> None:
    items = sell(till, card, ("G4", 2_500))
    till.batch(code, batch, *((1, 2_500, 0, 0) if code == "X2" else ())).expect("00")
    records = batch_records(till.numbers, batch, items)
    assert [upload(till, records).code for _ in range(2)] == ["GB", "QD"]
    assert nac.balance(card) == 17_500


def test_a_batch_found_out_of_balance_is_settled_by_its_upload(
    till: VisaTill, nac: Till, card: Secret, batch: str
) -> None:
    items = sell(till, card, ("G4", 2_500), ("G6", 10_000))
    till.batch("X2", batch, 0, 0, 0, 0).expect("95")
    assert upload(till, batch_records(till.numbers, batch, items)).code == "GB"
    assert nac.balance(card) == 27_500
    assert till.open_batch() == following(batch)


def test_a_reversal_after_the_capture_moves_the_books_and_a_void_does_not(
    till: VisaTill, nac: Till, card: Secret, batch: str
) -> None:
    asked = till.request("G4", card, 2_500)
    done = till.ask(asked).expect("00")
    assert upload(till, batch_records(till.numbers, batch, [Item.of(asked, done)])).code == "GB"
    till.do("GE", card, 2_500, original=done.original).expect("76")
    till.do("GF", card, 2_500, original=done.original).expect("00")
    assert nac.balance(card) == 20_000


# fmt: off
GROUPS = [  # group map and groups of a detail (table 4.3) or of the header, as terminals of other trades send them
    ("gratuity",        2, "@@@B", "0" * 12),
    ("order_and_moto",  2, "@@`D", "0" * 12 + "1" + "ORDER 1".ljust(25) + "0101" + "1"),
    ("debit",           2, "@@H@", "0" * 12 + "000123" + "V" + "1122"),
    ("hotel",           2, "@@@P", "0" * 12 + "4" + "FOLIO".ljust(25) + "H" + "0" + "000000" + "261122"),
    ("developer",       0, "@@@P", "000000T001"),
]
# fmt: on


@pytest.mark.parametrize(("nth", "group_map", "groups"), [row[1:] for row in GROUPS], ids=[row[0] for row in GROUPS])
def test_optional_groups_are_passed_over(
    till: VisaTill, nac: Till, card: Secret, batch: str, nth: int, group_map: str, groups: str
) -> None:
    records = batch_records(till.numbers, batch, sell(till, card, ("G4", 2_500)))
    records[nth] = replace(records[nth], map=group_map, groups=groups)
    assert upload(till, records).code == "GB"
    assert nac.balance(card) == 17_500


def test_cash_back_amounts_are_added_up(till: VisaTill, nac: Till, card: Secret, batch: str) -> None:
    items = sell(till, card, ("G4", 2_500))
    for told, code in ((0, "RB"), (100, "GB")):
        records = batch_records(till.numbers, batch, items, f10=f"{told:016}")
        records[2] = replace(records[2], map="@@@A", groups="000000000100")
        assert upload(till, records).code == code
    assert nac.balance(card) == 17_500
