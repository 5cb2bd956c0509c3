"""Section 5, 0320 of what the host knows: which batch it goes to, always 00, nothing moved or counted twice."""

from __future__ import annotations

import pytest

from tests.contract.batch import SETTLE, TRAILER, Changes, Shift, claim, following, upload_of, with_tables
from tests.contract.conftest import House
from tests.contract.till import CASH_OUT, REDEEM, REFUND, RELOAD, Answer, Till


@pytest.fixture
def awaiting(shift: Shift) -> Shift:
    """A batch with nothing in it, claimed full: it has answered 95."""
    shift.settle((9, 9_000)).expect("95")
    return shift


def put_through(shift: Shift) -> list[Answer]:
    return [shift.redeem(900), shift.reload(5_000), shift.redeem(1_100)]


TOTALS = [(2, 2_000), (1, 5_000)]


def test_a_whole_upload_and_its_trailer_end_closed(shift: Shift) -> None:
    done = put_through(shift)
    shift.settle((3, 3_000), (1, 5_000)).expect("95")
    for answer in done:
        assert shift.upload(answer).expect("00")[60] == shift.number
    answer = shift.settle((3, 3_000), (1, 5_000), de3=TRAILER).expect("00")
    assert answer[63] == claim(*TOTALS)
    assert shift.till.open_batch() == following(shift.number)
    assert shift.till.balance(shift.card) == 23_000


def test_an_upload_that_stops_and_goes_on_later_ends_closed(shift: Shift) -> None:
    """The line broke after the first; the terminal begins again with 0500, and again with the second."""
    done = put_through(shift)
    shift.settle((1, 900)).expect("95")
    shift.upload(done[0]).expect("00")
    shift.till.close()
    shift.settle((1, 900)).expect("95")
    for answer in done[1:]:
        shift.upload(answer).expect("00")
    shift.settle((1, 900), de3=TRAILER).expect("00")
    assert shift.till.open_batch() == following(shift.number)


@pytest.mark.parametrize("uploaded", [0, 1, 2])
def test_a_trailer_after_too_few_uploads_closes_and_leaves_everything_booked(shift: Shift, uploaded: int) -> None:
    done = put_through(shift)
    shift.settle((1, 900)).expect("95")
    for answer in done[:uploaded]:
        shift.upload(answer).expect("00")
    assert shift.settle((1, 900), de3=TRAILER).expect("00")[63] == claim(*TOTALS)
    assert shift.till.balance(shift.card) == 23_000
    assert shift.till.open_batch() == following(shift.number)


@pytest.mark.parametrize("mti", ["0320", "0321"])
def test_an_upload_repeated_at_any_moment_is_00_and_moves_nothing(shift: Shift, mti: str) -> None:
    done = put_through(shift)
    shift.settle((1, 900)).expect("95")
    first = upload_of(shift.till, done[0].asked, done[0].rrn)
    for again in (first, first.but(mti), first.but(mti, {11: shift.till.stan()})):
        shift.till.ask(again).expect("00")
    shift.settle((1, 900), de3=TRAILER).expect("00")
    shift.till.ask(first.but(mti)).expect("00")
    shift.next().redeem(100)
    shift.till.ask(first.but(mti, {11: shift.till.stan()})).expect("00")
    assert shift.till.balance(shift.card) == 22_900
    Shift(shift.till, following(shift.number), shift.card).settle((1, 100)).expect("00")


def test_a_trailer_repeated_between_two_uploads_is_00(shift: Shift) -> None:
    done = put_through(shift)
    shift.settle((1, 900)).expect("95")
    shift.upload(done[0]).expect("00")
    shift.settle((1, 900), de3=TRAILER).expect("00")
    shift.upload(done[1]).expect("00")
    assert shift.settle((1, 900), de3=TRAILER).expect("00")[63] == claim(*TOTALS)
    assert shift.till.balance(shift.card) == 23_000


# Whatever it says of what it found, the books stay


# fmt: off
DIFFERENT: list[tuple[str, Changes]] = [
    ("another amount",                 {4: f"{901:012}"}),
    ("no amount at all",               {4: "0" * 12}),
    ("a far greater amount",           {4: "9" * 12}),
    ("another receipt",                {62: "R-9999"}),
    ("spaces for the RRN",             {}),
    ("flow flag 0: the last",          {3: REDEEM}),
    ("an approval code and a DE39",    {38: "123456", 39: "00"}),
]
# fmt: on


@pytest.mark.parametrize(("how", "changes"), DIFFERENT, ids=[row[0] for row in DIFFERENT])
def test_an_upload_that_differs_is_00_and_the_books_stay(shift: Shift, how: str, changes: Changes) -> None:
    done = shift.redeem(900)
    shift.settle((3, 3_000)).expect("95")
    rrn = None if how.startswith("spaces") else done.rrn
    answer = shift.till.ask(upload_of(shift.till, done.asked, rrn, more=changes)).expect("00")
    assert answer[60] == shift.number, answer.story()
    assert shift.till.balance(shift.card) == 19_100
    shift.settle((1, 900)).expect("00")


def test_an_upload_of_the_same_stan_with_another_card_moves_neither(house: House, shift: Shift) -> None:
    """It is found by its MTI and STAN, so it is a difference and no transaction of its own."""
    other = house.card(house.till(shift.till.dialect))
    done = shift.redeem(900)
    shift.settle((3, 3_000)).expect("95")
    shift.upload(done, more={2: other}).expect("00")
    shift.upload(done, more={2: None, 35: f"{other}=4912"}).expect("00")
    assert (shift.till.balance(shift.card), shift.till.balance(other)) == (19_100, 20_000)
    shift.settle((1, 900)).expect("00")


def test_an_upload_of_the_same_stan_as_another_transaction_moves_nothing(shift: Shift) -> None:
    done = shift.redeem(900)
    shift.settle((3, 3_000)).expect("95")
    for de3 in (RELOAD, CASH_OUT, REFUND):
        shift.upload(done, more={3: de3}).expect("00")
    assert shift.till.balance(shift.card) == 19_100
    shift.settle((1, 900)).expect("00")


@pytest.mark.parametrize("by", ["void", "reversal"])
def test_an_upload_of_what_was_undone_is_00_and_it_stays_undone(shift: Shift, by: str) -> None:
    done = shift.redeem(900)
    kept = shift.redeem(1_100)
    (shift.void(done) if by == "void" else shift.reverse(done)).expect("00")
    shift.settle((2, 2_000)).expect("95")
    for answer in (done, kept):
        shift.upload(answer).expect("00")
    assert shift.till.balance(shift.card) == 18_900
    shift.settle((1, 1_100)).expect("00")


def test_an_upload_of_a_reversed_sale_that_comes_again_stays_undone(shift: Shift) -> None:
    done = shift.redeem(900)
    shift.settle((2, 2_000)).expect("95")
    shift.upload(done).expect("00")
    shift.reverse(done).expect("00")
    shift.upload(done).expect("00")
    assert shift.till.balance(shift.card) == 20_000
    shift.settle((0, 0)).expect("00")


@pytest.mark.parametrize("de3", [REDEEM, RELOAD, REFUND, CASH_OUT])
def test_every_gift_movement_can_be_uploaded(shift: Shift, de3: str) -> None:
    more = {37: shift.redeem(2_000).rrn} if de3 == REFUND else None
    done = shift.do(de3, None if de3 == CASH_OUT else 1_000, more=more).expect("00")
    before = shift.till.balance(shift.card) if de3 != CASH_OUT else 20_000
    shift.settle((9, 9_000)).expect("95")
    amount = {4: done.get(4) or f"{1_000:012}"}
    shift.upload(done, more=amount).expect("00")
    shift.settle((9, 9_000), de3=TRAILER).expect("00")
    if de3 == CASH_OUT:
        shift.reverse(done, {4: done[4]}).expect("00")  # the card is open again
    assert shift.till.balance(shift.card) == before


@pytest.mark.parametrize("amount", ["asked", "approved"])
def test_a_partial_approval_is_uploaded_with_either_amount(shift: Shift, amount: str) -> None:
    done = shift.till.do(REDEEM, shift.card, 30_000, {60: shift.number}, {"CP": "P"}).expect("10")
    shift.settle((1, 30_000)).expect("95")
    shift.upload(done, more={4: done[4] if amount == "approved" else done.asked[4]}).expect("00")
    assert shift.till.balance(shift.card) == 0
    shift.settle((1, 20_000)).expect("00")


def test_an_advice_is_uploaded_under_its_own_mti_and_counts_once(shift: Shift) -> None:
    advice = shift.till.message("0220", REDEEM, shift.card, 900, {**shift.till.when(-3), 60: shift.number})
    done = shift.till.ask(advice).expect("00")
    shift.settle((2, 2_000)).expect("95")
    shift.upload(done).expect("00")
    assert shift.till.balance(shift.card) == 19_100
    shift.settle((1, 900)).expect("00")


# Which batch


def test_an_upload_goes_to_the_batch_that_last_answered_95(shift: Shift) -> None:
    done = shift.redeem(900)
    shift.settle((2, 2_000)).expect("95")
    later = shift.next()  # leaves the first behind
    later.redeem(100)
    assert shift.upload(done).expect("00")[60] == shift.number
    later.settle((1, 100)).expect("00")


def test_without_a_95_it_goes_to_the_open_batch(house: House, newcomer: Till) -> None:
    shift = Shift.open(newcomer, house.card(house.till(newcomer.dialect)), "000005")
    done = shift.redeem(900)
    assert shift.upload(done).expect("00")[60] == "000005"
    shift.settle((1, 900)).expect("00")


def test_with_none_open_it_goes_to_the_last_closed(house: House, newcomer: Till) -> None:
    shift = Shift.open(newcomer, house.card(house.till(newcomer.dialect)), "000005")
    done = shift.redeem(900)
    shift.settle((1, 900)).expect("00")
    assert shift.upload(done).expect("00")[60] == "000005"
    assert newcomer.balance(shift.card) == 19_100
    shift.assert_closed_on((1, 900))


@pytest.mark.parametrize("state", ["open", "awaiting upload", "none open"])
def test_table_37_names_another_batch(shift: Shift, state: str) -> None:
    done = shift.redeem(900)
    shift.settle((1, 900)).expect("00")
    later = shift.next()
    later.redeem(100)
    if state != "open":
        later.settle((1, 100) if state == "none open" else (5, 5_000)).expect("00", "95")
    answer = shift.upload(done, batch=shift.number).expect("00")
    assert answer[60] == shift.number, answer.story()
    assert shift.till.balance(shift.card) == 19_000
    if state != "none open":
        later.settle((1, 100)).expect("00")
    shift.assert_closed_on((1, 900))


def test_table_37_may_name_the_batch_that_answered_95(awaiting: Shift) -> None:
    answer = awaiting.upload_unseen(REDEEM, 900, batch=awaiting.number).expect("00")
    assert answer[60] == awaiting.number
    awaiting.settle((1, 900), de3=SETTLE).expect("00")


def test_table_37_is_read_in_either_field_of_nac_and_in_de48_of_ascii(awaiting: Shift) -> None:
    later = awaiting.next()
    later.settle((5, 5_000)).expect("95")
    for de in (48, 63) if awaiting.till.dialect == "nac" else (48,):
        answer = awaiting.upload_unseen(REDEEM, 900, with_tables(awaiting.till, {"37": awaiting.number}, de))
        assert answer.expect("00")[60] == awaiting.number, answer.story()


def test_table_37_with_a_number_nobody_knows_is_00_too(awaiting: Shift) -> None:
    awaiting.upload_unseen(REDEEM, 900, batch=following(awaiting.number, 40)).expect("00")
    assert awaiting.till.balance(awaiting.card) == 19_100
