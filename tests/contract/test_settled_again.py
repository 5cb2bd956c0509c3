"""Section 5, the table: 0500 for a batch that is closed, for a number nobody knows, and for one of two open names."""

from __future__ import annotations

import pytest

from tests.contract.batch import CLEAR, SETTLE, TRAILER, Shift, claim, following, settlement
from tests.contract.till import REDEEM

ALL = [SETTLE, TRAILER, CLEAR]


@pytest.fixture
def busy(shift: Shift) -> Shift:
    """Two redemptions: (2, 2000)."""
    shift.redeem(900)
    shift.redeem(1_100)
    return shift


def after(shift: Shift, then: str) -> list[Shift]:
    """What the terminal does between the close and the 0500 that comes again; the batches it leaves closed."""
    if then == "nothing":
        return []
    if then == "an unnamed sale":
        shift.till.do(REDEEM, shift.card, 300).expect("00")
        return []
    later = shift.next()
    later.redeem(300)
    if then == "the next batch is closed":
        later.settle((1, 300)).expect("00")
        return [later]
    return []


MOMENTS = ["nothing", "an unnamed sale", "the next batch is open", "the next batch is closed"]


@pytest.mark.parametrize("again", [SETTLE, TRAILER])
@pytest.mark.parametrize("then", MOMENTS)
def test_a_closed_batch_settled_again_is_00_with_the_same_totals(busy: Shift, then: str, again: str) -> None:
    busy.settle((2, 2_000)).expect("00")
    after(busy, then)
    number = busy.till.open_batch()
    for _ in range(2):
        answer = busy.settle((2, 2_000), de3=again).expect("00")
        assert (answer[60], answer[63]) == (busy.number, claim((2, 2_000), of=2)), answer.story()
    assert busy.till.open_batch() == number, "nothing changes"


def test_settling_again_does_not_disturb_the_batch_now_open(busy: Shift) -> None:
    busy.settle((2, 2_000)).expect("00")
    later = busy.next()
    done = later.redeem(300)
    busy.settle((2, 2_000)).expect("00")
    later.redeem(400)
    busy.settle((2, 2_000)).expect("00")
    later.void(done).expect("00")
    later.settle((1, 400)).expect("00")
    busy.settle((2, 2_000)).expect("00")


@pytest.mark.parametrize("mti", ["0500", "0501"])
def test_the_very_same_0500_is_answered_alike(busy: Shift, mti: str) -> None:
    request = busy.settlement((2, 2_000))
    first = busy.till.ask(request).expect("00")
    again = busy.till.ask(request.but(mti)).expect("00")
    assert (again[60], again[63]) == (first[60], first[63])


def test_a_0501_whose_0500_was_lost_closes_the_batch(busy: Shift) -> None:
    busy.till.ask(busy.settlement((2, 2_000)).but("0501")).expect("00")
    busy.assert_closed_on((2, 2_000))


@pytest.mark.parametrize("again", [SETTLE, TRAILER])
@pytest.mark.parametrize("then", MOMENTS)
def test_a_batch_closed_by_a_trailer_is_known_by_what_the_trailer_claimed(busy: Shift, then: str, again: str) -> None:
    busy.settle((3, 3_000)).expect("95")
    busy.settle((3, 3_000), de3=TRAILER).expect("00")
    after(busy, then)
    answer = busy.settle((3, 3_000), de3=again).expect("00")
    assert (answer[60], answer[63]) == (busy.number, claim((2, 2_000), of=2)), answer.story()


@pytest.mark.parametrize("de3", ALL)
@pytest.mark.parametrize("then", MOMENTS)
def test_a_cleared_batch_answers_any_0500_with_the_hosts_totals(busy: Shift, then: str, de3: str) -> None:
    busy.clear().expect("00")
    after(busy, then)
    number = busy.till.open_batch()
    for claimed in ([(2, 2_000)], [(0, 0)], [(5, 5_000), (1, 1)]):
        answer = busy.settle(*claimed, de3=de3).expect("00")
        assert (answer[60], answer[63]) == (busy.number, claim((2, 2_000), of=2)), answer.story()
    assert busy.till.open_batch() == number


def test_a_clear_again_without_totals_tells_all_six(busy: Shift) -> None:
    first = busy.clear().expect("00")
    assert busy.clear().expect("00")[63] == first[63] == claim((2, 2_000), of=6)


# Other totals, or a number not known: adopted where the open batch has no name of the terminal's own, else 80


def number_unlike(shift: Shift, which: str) -> str:
    """A number for a 0500 that is no repeat: never used, or closed with the totals (2, 2000)."""
    if which == "closed with other totals":
        shift.settle((2, 2_000)).expect("00")
        return shift.number
    shift.settle((2, 2_000)).expect("00")
    return following(shift.number, 7)


WHICH = ["not known", "closed with other totals"]


@pytest.mark.parametrize("which", WHICH)
def test_with_no_batch_open_it_is_compared_with_an_empty_one(busy: Shift, which: str) -> None:
    adopted = Shift(busy.till, number_unlike(busy, which), busy.card)
    assert adopted.settle((0, 0)).expect("00")[60] == adopted.number
    assert busy.till.open_batch() == following(adopted.number)


@pytest.mark.parametrize("which", WHICH)
def test_with_no_batch_open_a_full_claim_awaits_upload_under_its_number(busy: Shift, which: str) -> None:
    adopted = Shift(busy.till, number_unlike(busy, which), busy.card)
    assert adopted.settle((5, 5_000)).expect("95")[63] == claim((0, 0), of=2)
    assert busy.till.open_batch() == adopted.number
    assert adopted.settle((5, 5_000), de3=TRAILER).expect("00")[63] == claim((0, 0), of=2)


@pytest.mark.parametrize("which", WHICH)
def test_an_unnamed_open_batch_is_adopted_and_closed_when_equal(busy: Shift, which: str) -> None:
    adopted = Shift(busy.till, number_unlike(busy, which), busy.card)
    busy.till.do(REDEEM, busy.card, 300).expect("00")
    assert adopted.settle((1, 300)).expect("00")[60] == adopted.number
    assert busy.till.open_batch() == following(adopted.number)
    adopted.assert_closed_on((1, 300))


@pytest.mark.parametrize("which", WHICH)
def test_an_unnamed_open_batch_is_adopted_and_awaits_upload_when_unequal(busy: Shift, which: str) -> None:
    adopted = Shift(busy.till, number_unlike(busy, which), busy.card)
    done = busy.till.do(REDEEM, busy.card, 300).expect("00")
    answer = adopted.settle((2, 700)).expect("95")
    assert (answer[60], answer[63]) == (adopted.number, claim((1, 300), of=2)), answer.story()
    assert busy.till.open_batch() == adopted.number, "the 0500 has named it"
    busy.till.void(done).expect("00")
    adopted.settle((0, 0)).expect("00")


# A clear of a batch that was closed in another way is left out: section 5 can be read as "again" or as "other totals".
UNKNOWN = [(SETTLE, "not known"), (TRAILER, "not known"), (CLEAR, "not known")]
OTHER_TOTALS = [(SETTLE, "closed with other totals"), (TRAILER, "closed with other totals")]


@pytest.mark.parametrize(("de3", "which"), [*UNKNOWN[1:], *OTHER_TOTALS[1:]])
def test_a_trailer_or_a_clear_adopts_and_closes_an_unnamed_batch(busy: Shift, which: str, de3: str) -> None:
    adopted = Shift(busy.till, number_unlike(busy, which), busy.card)
    busy.till.do(REDEEM, busy.card, 300).expect("00")
    answer = adopted.settle((9, 9_000), de3=de3).expect("00")
    assert (answer[60], answer[63]) == (adopted.number, claim((1, 300), of=2)), answer.story()
    assert busy.till.open_batch() == following(adopted.number)


@pytest.mark.parametrize("namer", ["transaction", "logon", "0500"])
@pytest.mark.parametrize(("de3", "which"), [*UNKNOWN, *OTHER_TOTALS])
def test_with_the_open_batch_named_otherwise_it_is_80(busy: Shift, which: str, namer: str, de3: str) -> None:
    number = number_unlike(busy, which)
    named = following(number, 2)
    if namer == "logon":
        busy.till.open_batch({60: named})
    elif namer == "transaction":
        busy.till.do(REDEEM, busy.card, 300, {60: named}).expect("00")
    else:
        busy.till.ask(settlement(busy.till, named, claim((4, 4_000)))).expect("95")
    answer = busy.till.ask(settlement(busy.till, number, claim((7, 7_000), of=2), de3)).expect("80")
    assert answer[60] == number, "as received"
    assert busy.till.open_batch() == named, "nothing changes"


@pytest.mark.parametrize("de3", ALL)
def test_a_batch_left_behind_is_not_settled_while_another_is_open_by_name(busy: Shift, de3: str) -> None:
    later = busy.next()
    busy.settle((2, 2_000), de3=de3).expect("80")
    later.redeem(300)
    later.settle((1, 300)).expect("00")


def test_an_80_leaves_the_open_batch_as_it_was(shift: Shift) -> None:
    shift.redeem(900)
    for de3 in ALL:
        shift.till.ask(settlement(shift.till, following(shift.number, 3), claim((1, 900)), de3)).expect("80")
    shift.redeem(100)
    shift.settle((2, 1_000)).expect("00")


def test_a_number_closed_twice_is_known_again_by_its_last_totals(busy: Shift) -> None:
    """A terminal that was swapped may use a number twice; the second close can lose its answer too."""
    busy.settle((2, 2_000)).expect("00")
    busy.till.do(REDEEM, busy.card, 300).expect("00")
    busy.settle((1, 300)).expect("00")
    for _ in range(2):
        assert busy.settle((1, 300)).expect("00")[63] == claim((1, 300), of=2)
    assert busy.till.open_batch() == following(busy.number)
