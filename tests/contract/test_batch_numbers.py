"""Section 5: the terminal leads the number. Which one is told next, wraps, skips, new beginnings, `explicit_open`."""

from __future__ import annotations

import pytest

from tests.contract.batch import CLEAR, SETTLE, TRAILER, Shift, claim, following, settlement
from tests.contract.client import Secret
from tests.contract.conftest import House
from tests.contract.till import REDEEM, Till


@pytest.fixture
def other_card(house: House, dialect: str) -> Secret:
    """A card with 200.00 that another till brought there: the newcomer stays one."""
    return house.card(house.till(dialect))


def settled(till: Till, number: str, *blocks: tuple[int, int]) -> str:
    """Settles, and returns the number told afterwards."""
    till.ask(settlement(till, number, claim(*blocks))).expect("00")
    return till.open_batch()


def test_a_newcomer_that_settles_first_of_all_closes_an_empty_batch_under_its_own_number(newcomer: Till) -> None:
    assert settled(newcomer, "000700", (0, 0)) == "000701"


def test_a_newcomer_is_told_one_and_after_each_close_the_next(newcomer: Till, other_card: str) -> None:
    assert newcomer.open_batch() == "000001"
    newcomer.do(REDEEM, other_card, 300).expect("00")
    assert settled(newcomer, "000001", (1, 300)) == "000002"
    newcomer.do(REDEEM, other_card, 400).expect("00")
    assert settled(newcomer, "000002", (1, 400)) == "000003"
    assert settled(newcomer, "000003", (0, 0)) == "000004"


def test_an_unnamed_batch_of_a_newcomer_is_adopted_by_the_0500_that_names_it(newcomer: Till, other_card: str) -> None:
    newcomer.do(REDEEM, other_card, 300).expect("00")
    assert settled(newcomer, "000042", (1, 300)) == "000043"


def test_a_number_in_a_logon_names_the_unnamed_batch_and_leaves_nothing_behind(newcomer: Till, other_card: str) -> None:
    done = newcomer.do(REDEEM, other_card, 300).expect("00")
    assert newcomer.open_batch({60: "000500"}) == "000500"
    newcomer.void(done).expect("00")
    newcomer.do(REDEEM, other_card, 400).expect("00")
    assert settled(newcomer, "000500", (1, 400)) == "000501"


@pytest.mark.parametrize("mti", ["0400", "0220"])
def test_a_number_in_a_reversal_or_an_advice_names_the_unnamed_batch_too(
    newcomer: Till, other_card: str, mti: str
) -> None:
    done = newcomer.do(REDEEM, other_card, 300).expect("00")
    if mti == "0400":
        answer = newcomer.reverse(done.asked, {37: done.rrn, 60: "000500"})
    else:
        answer = newcomer.ask(newcomer.message(mti, REDEEM, other_card, 50, {**newcomer.when(), 60: "000500"}))
    assert answer.expect("00")[60] == "000500"
    assert newcomer.open_batch() == "000500"


def test_an_advice_that_names_another_number_leaves_the_open_batch_behind(newcomer: Till, other_card: str) -> None:
    done = newcomer.do(REDEEM, other_card, 300, {60: "000005"}).expect("00")
    advice = newcomer.message("0220", REDEEM, other_card, 400, {**newcomer.when(-3), 60: "000006"})
    assert newcomer.ask(advice).expect("00")[60] == "000006"
    newcomer.void(done).expect("78")
    assert settled(newcomer, "000006", (1, 400)) == "000007"


def test_the_original_data_of_an_upload_name_no_batch(newcomer: Till, other_card: str) -> None:
    done = newcomer.do(REDEEM, other_card, 300).expect("00")
    newcomer.ask(newcomer.message("0320", REDEEM, other_card, 300, upload_fields(newcomer, done.asked[11]))).expect(
        "00"
    )
    assert settled(newcomer, "000500", (1, 300)) == "000501"


def upload_fields(till: Till, stan: str) -> dict[int, str | None]:
    return {**till.when(), 60: "0200" + stan + " " * 12}


@pytest.mark.parametrize("de3", [SETTLE, TRAILER, CLEAR])
def test_the_last_number_is_followed_by_the_first(newcomer: Till, other_card: str, de3: str) -> None:
    last = Shift.open(newcomer, Secret(other_card), "999999")
    last.redeem(300)
    last.settle((1, 300), de3=de3).expect("00")
    assert newcomer.open_batch() == "000001"
    first = Shift.open(newcomer, Secret(other_card), "000001")
    first.redeem(400)
    assert first.redeem(500)[60] == "000001"
    first.settle((2, 900)).expect("00")
    last.settle((1, 300)).expect("00")
    assert newcomer.open_batch() == "000002"


def test_numbers_may_be_skipped_and_each_batch_keeps_its_own_totals(newcomer: Till, other_card: str) -> None:
    for number, amount in (("000003", 100), ("000010", 200), ("000400", 300), ("000399", 400)):
        newcomer.do(REDEEM, other_card, amount, {60: number}).expect("00")
        assert settled(newcomer, number, (1, amount)) == following(number)


def test_a_terminal_swapped_for_a_new_one_begins_again_at_one(newcomer: Till, other_card: str) -> None:
    old = Shift.open(newcomer, Secret(other_card), "000057")
    for amount in (100, 200, 300):
        old.redeem(amount)
    newcomer.last_stan = 0
    assert newcomer.open_batch({60: "000001"}) == "000001"
    new = Shift(newcomer, "000001", old.card)
    rrns = {new.redeem(amount).rrn for amount in (100, 200, 300)}
    assert len(rrns) == 3
    assert newcomer.balance(other_card) == 20_000 - 1_200
    new.settle((3, 600)).expect("00")
    new.assert_closed_on((3, 600))


def test_a_swapped_terminal_without_a_logon_begins_again_by_naming_its_batch(newcomer: Till, other_card: str) -> None:
    newcomer.last_stan = 99
    old = newcomer.do(REDEEM, other_card, 100, {60: "000057"}).expect("00")
    newcomer.last_stan = 99
    new = newcomer.do(REDEEM, other_card, 100, {60: "000001"}).expect("00")
    assert (new.asked[11], new[60]) == (old.asked[11], "000001")
    assert new.rrn != old.rrn, "the same STAN in another batch is another message"
    assert settled(newcomer, "000001", (1, 100)) == "000002"


def test_a_swapped_terminal_is_told_the_number_to_use_where_its_own_was_closed_lately(
    newcomer: Till, other_card: str
) -> None:
    assert settled(newcomer, "000001", (0, 0)) == "000002"
    assert settled(newcomer, "000002", (0, 0)) == "000003"
    newcomer.do(REDEEM, other_card, 100, {60: "000001"}).expect("80")
    assert newcomer.open_batch({60: "000001"}) == "000003"
    newcomer.do(REDEEM, other_card, 100, {60: "000003"}).expect("00")
    assert settled(newcomer, "000003", (1, 100)) == "000004"


# explicit_open


@pytest.fixture
def strict(house: House, newcomer: Till) -> Till:
    """A newcomer whose profile says that a batch opens by a logon only."""
    record = newcomer.record
    house.demo.command("terminal", "change", record.merchant_id, record.terminal_id, "--explicit-open")
    return newcomer


def test_with_explicit_open_a_transaction_without_its_logon_is_80_and_moves_nothing(
    strict: Till, other_card: str
) -> None:
    for number in ("000001", "000002", "000012"):
        request = strict.message("0200", REDEEM, other_card, 300)
        strict.ask(request).expect("80")
        assert strict.open_batch({60: number} if number == "000012" else None) == number
        strict.ask(request).expect("00")  # an 80 is not stored
        strict.ask(settlement(strict, number, claim((1, 300)))).expect("00")
    assert strict.balance(other_card) == 20_000 - 900


def test_with_explicit_open_what_is_never_refused_is_not_refused(strict: Till, other_card: str) -> None:
    strict.open_batch()
    done = strict.do(REDEEM, other_card, 300).expect("00")
    strict.ask(settlement(strict, "000001", claim((1, 300)))).expect("00")
    strict.reverse(done.asked, {37: done.rrn}).expect("00")
    strict.ask(strict.message("0320", REDEEM, other_card, 500, upload_fields(strict, strict.stan()))).expect("00")
    strict.ask(strict.message("0220", REDEEM, other_card, 400, strict.when(-3))).expect("00")
    assert strict.balance(other_card) == 20_000 - 900
