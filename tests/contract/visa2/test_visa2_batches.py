"""Batch control X1, X2, X3 with block 901: a batch opens, is compared, is closed, as 0800 and 0500 would do it."""

from __future__ import annotations

import pytest

from tests.contract.client import Secret
from tests.contract.till import Till
from tests.contract.visa2.records import Reply, minor
from tests.contract.visa2.till import BATCH, VisaTill, following


def totals(reply: Reply) -> tuple[str, tuple[int, int], tuple[int, int]]:
    """Block 901 of a 95: number, debits, credits."""
    number, debits, debited, credits, credited = reply.parts(BATCH)
    assert (len(debits), len(credits)) == (6, 6), reply
    return number, (int(debits), minor(debited)), (int(credits), minor(credited))


def test_opening_tells_the_number_now_open(till: VisaTill, batch: str) -> None:
    assert till.open_batch() == batch
    assert till.open_batch(batch) == batch
    assert till.open_batch() == batch
    assert till.open_batch(following(batch)) == following(batch)
    assert till.open_batch() == following(batch)


def test_an_opening_again_is_no_duplicate(till: VisaTill, batch: str) -> None:
    asked = till.batch_request("X1", batch)
    assert [till.ask(asked).expect("00").parts(BATCH)[0] for _ in range(2)] == [batch, batch]


def test_the_account_of_a_batch_record_is_not_read(till: VisaTill, batch: str, card: Secret) -> None:
    asked = till.batch_request("X1", batch)
    for text in ("0" * 16, f"{card}=4912", "NOT A NUMBER AT ALL"):
        assert till.ask(asked.but(f21=text, f17=till.sequence())).expect("00").parts(BATCH)[0] == batch


# fmt: off
COUNTED = [  # what is done, with a card of 200.00: debits, credits
    ("nothing",       [],                                              (0, 0),      (0, 0)),
    ("a_sale",        [("G4", 2_500)],                                 (1, 2_500),  (0, 0)),
    ("all_debits",    [("G4", 1_000), ("GG", 2_000), ("G7", 3_000)],   (3, 6_000),  (0, 0)),
    ("all_credits",   [("G6", 10_000), ("G5", 2_500)],                 (0, 0),      (2, 12_500)),
    ("part",          [("G4", 30_000)],                                (1, 20_000), (0, 0)),
    ("closed_card",   [("G2", 0)],                                     (1, 20_000), (0, 0)),
    ("both",          [("G4", 1_000), ("G6", 10_000), ("G3", 0)],      (1, 1_000),  (1, 10_000)),
]
# fmt: on


@pytest.mark.parametrize(("done", "debits", "credits"), [row[1:] for row in COUNTED], ids=[row[0] for row in COUNTED])
def test_right_totals_close_the_batch(
    till: VisaTill,
    batch: str,
    card: Secret,
    done: list[tuple[str, int]],
    debits: tuple[int, int],
    credits: tuple[int, int],
) -> None:
    for code, amount in done:
        last = till.do(code, card, amount).expect("00", "10")
    till.batch("X2", batch, *debits, *credits).expect("00")
    assert till.open_batch() == following(batch)
    till.batch("X2", batch, *debits, *credits).expect("00")
    if done and done[-1][0] == "G2":
        till.do("GF", card, 0, original=last.original).expect("00")


# fmt: off
WRONG = [  # of (1, 2500), (1, 10000)
    ((0, 2_500), (1, 10_000)), ((1, 2_499), (1, 10_000)), ((1, 2_500), (2, 10_000)), ((1, 2_500), (1, 9_999)),
    ((0, 0), (0, 0)), ((1, 10_000), (1, 2_500)),
]
# fmt: on


@pytest.mark.parametrize(("debits", "credits"), WRONG)
def test_wrong_totals_get_the_hosts_and_right_ones_close_it_afterwards(
    till: VisaTill, batch: str, card: Secret, debits: tuple[int, int], credits: tuple[int, int]
) -> None:
    till.do("G4", card, 2_500).expect("00")
    till.do("G6", card, 10_000).expect("00")
    reply = till.batch("X2", batch, *debits, *credits).expect("95")
    assert totals(reply) == (batch, (1, 2_500), (1, 10_000))
    assert till.open_batch() == batch
    till.batch("X2", batch, 1, 2_500, 1, 10_000).expect("00")
    assert till.open_batch() == following(batch)


@pytest.mark.parametrize("undo", ["GE", "GF"])
def test_what_was_undone_counts_nowhere(till: VisaTill, batch: str, card: Secret, undo: str) -> None:
    done = till.do("G4", card, 2_500).expect("00")
    till.do("G4", card, 1_000).expect("00")
    till.do(undo, card, 2_500, original=done.original).expect("00")
    assert totals(till.batch("X2", batch, 9, 9, 9, 9).expect("95"))[1:] == ((1, 1_000), (0, 0))


def test_refused_and_repeated_ones_do_not_count(till: VisaTill, batch: str, card: Secret) -> None:
    asked = till.request("G4", card, 20_000)
    for _ in range(3):
        till.ask(asked).expect("00")
    till.do("G4", card, 1_000).expect("51")
    till.do("GB", card, 1_000).expect("12")
    till.batch("X2", batch, 1, 20_000, 0, 0).expect("00")


def test_points_that_pay_are_debits_and_sales_that_earn_are_neither(till: VisaTill, batch: str, member: Secret) -> None:
    till.do("L6", member, 10_000).expect("00")
    till.do("L4", member, 2_000).expect("00")
    till.batch("X2", batch, 1, 2_000, 0, 0).expect("00")


def test_a_number_that_is_not_the_open_one_is_refused(till: VisaTill, batch: str) -> None:
    number = following(following(following(batch)))
    till.batch("X2", number, 0, 0, 0, 0).expect("80")
    assert till.open_batch() == batch


def test_x3_closes_on_the_hosts_totals(till: VisaTill, batch: str, card: Secret) -> None:
    till.do("G4", card, 2_500).expect("00")
    till.batch("X3", batch).expect("00")
    assert till.open_batch() == following(batch)
    till.batch("X3", batch).expect("00")
    till.batch("X2", batch, 9, 9, 9, 9).expect("00")  # closed on the host's totals: whatever is claimed


def test_the_number_of_a_closed_batch_is_not_opened_again(till: VisaTill, batch: str) -> None:
    till.batch("X2", batch, 0, 0, 0, 0).expect("00")
    assert till.open_batch(batch) == following(batch)


def test_a_void_is_refused_and_a_reversal_taken_after_the_close(
    till: VisaTill, nac: Till, batch: str, card: Secret
) -> None:
    done = till.do("G4", card, 2_500).expect("00")
    till.batch("X2", batch, 1, 2_500, 0, 0).expect("00")
    till.do("GE", card, 2_500, original=done.original).expect("76")
    assert nac.balance(card) == 17_500
    till.do("GF", card, 2_500, original=done.original).expect("00")
    assert nac.balance(card) == 20_000
    till.batch("X2", batch, 1, 2_500, 0, 0).expect("00")  # its totals stay what they were


@pytest.mark.parametrize("number", ["000", "1000", "A01", "01"])
def test_a_number_that_is_none_is_an_error(till: VisaTill, batch: str, number: str) -> None:
    till.batch("X1", number).expect("06")
    till.batch("X2", number, 0, 0, 0, 0).expect("06")
    assert till.open_batch() == batch


def test_after_999_comes_001(plain: VisaTill) -> None:
    plain.open_batch(plain.open_batch())
    assert plain.open_batch("999") == "999"
    plain.batch("X2", "999", 0, 0, 0, 0).expect("00")
    assert plain.open_batch() == "001"
