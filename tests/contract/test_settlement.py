"""Section 5, the table: 0500 for the batch that is open or awaits upload, and what may still happen to it."""

from __future__ import annotations

import pytest

from tests.contract.batch import CLEAR, SETTLE, TRAILER, Shift, claim, following, settlement
from tests.contract.till import REDEEM, RELOAD

Blocks = list[tuple[int, int]]


@pytest.fixture
def busy(shift: Shift) -> Shift:
    """Redemptions of 9.00 and 11.00, a reload of 50.00: (2, 2000) and (1, 5000)."""
    shift.redeem(900)
    shift.redeem(1_100)
    shift.reload(5_000)
    return shift


TOTALS = [(2, 2_000), (1, 5_000)]

# fmt: off
UNEQUAL: list[Blocks] = [
    [(0, 0), (0, 0)],
    [(1, 2_000), (1, 5_000)],   # count
    [(2, 1_999), (1, 5_000)],   # amount
    [(2, 2_000), (0, 0)],       # the second block only
    [(2, 2_000), (1, 5_001)],
    [(1, 5_000), (2, 2_000)],   # the right blocks in the wrong places
    [(3, 7_000), (0, 0)],
    [(999, 999_999_999_999), (999, 999_999_999_999)],
]
# fmt: on


@pytest.mark.parametrize("of", [2, 4, 6])
def test_equal_totals_close_the_batch_and_the_next_number_follows(busy: Shift, of: int) -> None:
    answer = busy.settle(*TOTALS, of=of).expect("00")
    assert (answer[60], answer[63]) == (busy.number, claim(*TOTALS, of=of)), answer.story()
    assert busy.till.open_batch() == following(busy.number)


@pytest.mark.parametrize("blocks", UNEQUAL, ids=str)
def test_unequal_totals_are_answered_95_with_the_hosts(busy: Shift, blocks: Blocks) -> None:
    answer = busy.settle(*blocks).expect("95")
    assert (answer[60], answer[63]) == (busy.number, claim(*TOTALS)), answer.story()
    assert busy.till.open_batch() == busy.number, "it awaits upload and is not closed"


def test_unequal_totals_again_are_95_again(busy: Shift) -> None:
    for blocks in ([(1, 900)], [(1, 900)], [(3, 3_000)]):
        assert busy.settle(*blocks).expect("95")[63] == claim(*TOTALS)


def test_equal_totals_after_a_95_close_the_batch(busy: Shift) -> None:
    busy.settle((3, 2_300), (1, 5_000)).expect("95")
    assert busy.settle(*TOTALS).expect("00")[63] == claim(*TOTALS)
    busy.assert_closed_on(*TOTALS)


def test_an_empty_batch_closes_on_nothing(shift: Shift) -> None:
    assert shift.settle((0, 0)).expect("00")[60] == shift.number
    assert shift.till.open_batch() == following(shift.number)
    shift.assert_closed_on((0, 0))


def test_an_empty_batch_claimed_full_awaits_upload(shift: Shift) -> None:
    assert shift.settle((1, 900)).expect("95")[63] == claim((0, 0), of=2)
    assert shift.till.open_batch() == shift.number


@pytest.mark.parametrize("first", ["open", "awaiting upload"])
@pytest.mark.parametrize("claimed", [TOTALS, [(2, 2_000)], [(0, 0)], [(7, 7_000), (9, 9_000)]], ids=str)
def test_a_trailer_closes_whatever_it_claims_and_tells_the_hosts_totals(
    busy: Shift, first: str, claimed: Blocks
) -> None:
    if first == "awaiting upload":
        busy.settle((1, 900)).expect("95")
    answer = busy.settle(*claimed, de3=TRAILER).expect("00")
    assert (answer[60], answer[63]) == (busy.number, claim(*TOTALS)), answer.story()
    assert busy.till.open_batch() == following(busy.number)


@pytest.mark.parametrize("first", ["open", "awaiting upload"])
@pytest.mark.parametrize("claimed", [None, claim(*TOTALS), claim((9, 9_000)), claim((0, 0), of=4)])
def test_a_clear_closes_on_the_hosts_totals(busy: Shift, first: str, claimed: str | None) -> None:
    if first == "awaiting upload":
        busy.settle((1, 900)).expect("95")
    answer = busy.till.ask(settlement(busy.till, busy.number, claimed, CLEAR)).expect("00")
    blocks = len(claimed) // 15 if claimed else 6
    assert answer[63] == claim(*TOTALS, of=6)[: blocks * 15], answer.story()
    assert answer[60] == busy.number
    assert busy.till.open_batch() == following(busy.number)


@pytest.mark.parametrize("de3", [SETTLE, TRAILER, CLEAR])
def test_after_a_close_the_next_batch_begins_at_nothing(busy: Shift, de3: str) -> None:
    busy.settle(*TOTALS, de3=de3).expect("00")
    following_shift = busy.next()
    done = following_shift.redeem(300)
    assert done[60] == following(busy.number)
    following_shift.settle((1, 300)).expect("00")


@pytest.mark.parametrize("de3", [SETTLE, TRAILER, CLEAR])
def test_an_unnamed_batch_after_a_close_is_settled_under_the_next_number(busy: Shift, de3: str) -> None:
    busy.settle(*TOTALS, de3=de3).expect("00")
    busy.till.do(REDEEM, busy.card, 300).expect("00")
    following_shift = Shift(busy.till, following(busy.number), busy.card)
    following_shift.settle((1, 300)).expect("00")
    following_shift.assert_closed_on((1, 300))


# Awaiting upload, a batch is as if open


@pytest.fixture
def awaiting(busy: Shift) -> Shift:
    busy.settle((3, 3_000), (1, 5_000)).expect("95")
    return busy


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_a_batch_awaiting_upload_takes_another_transaction(awaiting: Shift, named: bool) -> None:
    awaiting.till.do(REDEEM, awaiting.card, 1_000, {60: awaiting.number if named else None}).expect("00")
    awaiting.settle((3, 3_000), (1, 5_000)).expect("00")


def test_a_void_in_a_batch_awaiting_upload_is_taken_and_counts_nowhere(awaiting: Shift) -> None:
    done = awaiting.redeem(1_000)
    awaiting.void(done).expect("00")
    awaiting.settle(*TOTALS).expect("00")


def test_a_reversal_that_comes_after_the_95_can_make_the_totals_equal(shift: Shift) -> None:
    shift.redeem(900)
    lost = shift.redeem(1_100)
    shift.settle((1, 900)).expect("95")
    shift.reverse(lost).expect("00")
    shift.settle((1, 900)).expect("00")


def test_an_advice_that_comes_after_the_95_can_make_the_totals_equal(shift: Shift) -> None:
    advice = shift.till.message("0220", REDEEM, shift.card, 900, {**shift.till.when(-3), 60: shift.number})
    shift.settle((1, 900)).expect("95")
    shift.till.ask(advice).expect("00")
    shift.settle((1, 900)).expect("00")


def test_a_logon_leaves_a_batch_awaiting_upload_where_it_is(awaiting: Shift) -> None:
    assert awaiting.till.open_batch() == awaiting.number
    assert awaiting.till.open_batch({60: awaiting.number}) == awaiting.number
    awaiting.settle(*TOTALS, de3=TRAILER).expect("00")


@pytest.mark.parametrize("opener", ["transaction", "logon"])
def test_another_number_leaves_a_batch_awaiting_upload_behind(awaiting: Shift, opener: str) -> None:
    done = awaiting.redeem(700)
    named = following(awaiting.number)
    if opener == "logon":
        assert awaiting.till.open_batch({60: named}) == named
    else:
        awaiting.till.do(REDEEM, awaiting.card, 100, {60: named}).expect("00")
    assert awaiting.till.open_batch() == named
    awaiting.void(done).expect("78")


def test_a_settlement_takes_tables_beside_the_totals(busy: Shift) -> None:
    with_capabilities = busy.settlement(*TOTALS).but(changes={48: capability(busy)})
    busy.till.ask(with_capabilities).expect("00")


def capability(shift: Shift) -> str:
    return "\x00\x04CPPT" if shift.till.dialect == "nac" else "CP002PT"


def test_what_a_settlement_moves_is_no_money(busy: Shift) -> None:
    before = busy.till.balance(busy.card)
    busy.settle((1, 900)).expect("95")
    busy.settle(*TOTALS, de3=TRAILER).expect("00")
    assert busy.till.balance(busy.card) == before
    busy.till.do(RELOAD, busy.card, 1_000).expect("00")
