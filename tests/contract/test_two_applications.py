"""Section 5: one open batch per application, so that two NIIs give two batches at once, each with number and totals."""

from __future__ import annotations

import pytest

from tests.contract.batch import CLEAR, LOYALTY, SETTLE, TRAILER, Shift, claim, settlement
from tests.contract.client import Secret
from tests.contract.conftest import House
from tests.contract.till import REDEEM, Till


@pytest.fixture
def other_card(house: House, dialect: str) -> Secret:
    return house.card(house.till(dialect))


@pytest.fixture
def both(newcomer: Till, other_card: Secret) -> tuple[Shift, Shift]:
    """Batch 000010 of main and 000010 of loyalty, both open, with 9.00 and 4.00 redeemed."""
    main = Shift.open(newcomer, other_card, "000010")
    loyalty = Shift.open(newcomer, other_card, "000010", LOYALTY)
    main.redeem(900)
    loyalty.redeem(400)
    return main, loyalty


def test_two_batches_with_the_same_number_have_totals_of_their_own(both: tuple[Shift, Shift]) -> None:
    main, loyalty = both
    assert main.settle((1, 400)).expect("95")[63] == claim((1, 900), of=2)
    assert loyalty.settle((1, 900)).expect("95")[63] == claim((1, 400), of=2)
    loyalty.settle((1, 400)).expect("00")
    main.settle((1, 900)).expect("00")


@pytest.mark.parametrize("de3", [SETTLE, TRAILER, CLEAR])
def test_closing_one_leaves_the_other_open(both: tuple[Shift, Shift], de3: str) -> None:
    main, loyalty = both
    done = loyalty.redeem(100)
    main.settle((1, 900), de3=de3).expect("00")
    assert main.till.open_batch({24: LOYALTY}) == "000010"
    assert main.till.open_batch() == "000011"
    loyalty.void(done).expect("00")
    loyalty.settle((1, 400), de3=de3).expect("00")
    assert main.till.open_batch({24: LOYALTY}) == "000011"


def test_one_may_await_upload_while_the_other_trades_on(both: tuple[Shift, Shift]) -> None:
    main, loyalty = both
    main.settle((2, 2_000)).expect("95")
    loyalty.redeem(100)
    loyalty.settle((2, 500)).expect("00")
    loyalty.next().redeem(50)
    assert main.till.open_batch() == "000010"
    main.upload_unseen(REDEEM, 1_100).expect("00")
    main.settle((2, 2_000), de3=TRAILER).expect("00")
    Shift(main.till, "000011", main.card, LOYALTY).settle((1, 50)).expect("00")


def test_a_number_closed_under_one_application_is_open_to_the_other(newcomer: Till, other_card: Secret) -> None:
    main = Shift.open(newcomer, other_card, "000010")
    main.settle((0, 0)).expect("00")
    newcomer.do(REDEEM, other_card, 300, {60: "000010"}).expect("80")
    loyalty = Shift.open(newcomer, other_card, "000010", LOYALTY)
    loyalty.redeem(300)
    loyalty.settle((1, 300)).expect("00")
    main.settle((0, 0)).expect("00")


@pytest.mark.parametrize("de3", [SETTLE, TRAILER, CLEAR])
def test_the_number_of_another_application_is_80_where_ones_own_is_named(
    newcomer: Till, other_card: Secret, de3: str
) -> None:
    main = Shift.open(newcomer, other_card, "000010")
    loyalty = Shift.open(newcomer, other_card, "000077", LOYALTY)
    main.redeem(900)
    loyalty.redeem(400)
    more = {24: LOYALTY}
    newcomer.ask(settlement(newcomer, "000010", claim((1, 900), of=2), de3, more)).expect("80")
    newcomer.ask(settlement(newcomer, "000077", claim((1, 400), of=2), de3)).expect("80")
    main.settle((1, 900)).expect("00")
    loyalty.settle((1, 400)).expect("00")


def test_the_number_of_another_application_is_adopted_where_none_is_open(newcomer: Till, other_card: Secret) -> None:
    """It is compared with this application's empty batch; the other one's stays open and whole."""
    main = Shift.open(newcomer, other_card, "000010")
    main.redeem(900)
    answer = newcomer.ask(settlement(newcomer, "000010", claim((1, 900), of=2), more={24: LOYALTY})).expect("95")
    assert answer[63] == claim((0, 0), of=2)
    assert newcomer.open_batch() == "000010"
    main.settle((1, 900)).expect("00")


def test_a_batch_number_in_a_transaction_concerns_its_own_application_only(newcomer: Till, other_card: Secret) -> None:
    main = Shift.open(newcomer, other_card, "000010")
    done = main.redeem(900)
    newcomer.do(REDEEM, other_card, 400, {24: LOYALTY, 60: "000500"}).expect("00")
    assert newcomer.open_batch() == "000010"
    assert newcomer.open_batch({24: LOYALTY}) == "000500"
    main.void(done).expect("00")
    main.settle((0, 0)).expect("00")


def test_every_other_nii_is_main(newcomer: Till, other_card: Secret) -> None:
    main = Shift.open(newcomer, other_card, "000010")
    newcomer.do(REDEEM, other_card, 900, {24: "011"}).expect("00")
    newcomer.do(REDEEM, other_card, 100, {24: "999", 60: "000010"}).expect("00")
    assert newcomer.open_batch({24: "123"}) == "000010"
    answer = newcomer.ask(settlement(newcomer, "000010", claim((2, 1_000)), more={24: "200"})).expect("00")
    assert answer[60] == "000010"
    main.settle((2, 1_000), of=1).expect("00")


def test_a_close_begins_a_new_stan_count_in_its_own_application_only(both: tuple[Shift, Shift]) -> None:
    main, loyalty = both
    in_main, in_loyalty = main.redeem(100), loyalty.redeem(100)
    main.settle((2, 1_000)).expect("00")
    request = in_main.asked.but(changes={60: None})
    assert main.till.ask(request).expect("00").rrn != in_main.rrn
    assert main.till.ask(in_loyalty.asked).expect("00").rrn == in_loyalty.rrn


def test_an_upload_goes_to_the_batch_of_its_own_application(both: tuple[Shift, Shift]) -> None:
    main, loyalty = both
    done = loyalty.redeem(100)
    main.settle((5, 5_000)).expect("95")
    loyalty.settle((5, 5_000)).expect("95")
    loyalty.upload(done, more={24: LOYALTY}).expect("00")
    loyalty.upload_unseen(REDEEM, 50, {24: LOYALTY}).expect("00")
    loyalty.settle((3, 550)).expect("00")
    main.settle((1, 900)).expect("00")
