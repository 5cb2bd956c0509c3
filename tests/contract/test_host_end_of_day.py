"""Section 5, the last row: the host settles the part so far; the terminal's batch keeps its number and goes on.

The operator's `batch close` does at once what the end of a merchant's day does for batches left open too long.
"""

from __future__ import annotations

import pytest

from tests.contract.batch import CLEAR, LOYALTY, SETTLE, TRAILER, Shift, claim, following, settlement
from tests.contract.conftest import House
from tests.contract.till import REDEEM, Till


class Part:
    """Batch 000005 of a newcomer with a redemption of 9.00, settled by the host; the batch goes on."""

    def __init__(self, house: House, till: Till) -> None:
        self.house, self.till = house, till
        self.shift = Shift.open(till, house.card(house.till(till.dialect)), "000005")
        self.done = self.shift.redeem(900, {62: till.receipt()})
        self.host_settles()

    def host_settles(self) -> None:
        record = self.till.record
        self.house.demo.command("batch", "close", f"{record.merchant_id}/{record.terminal_id}")

    @property
    def balance(self) -> int:
        return self.till.balance(self.shift.card)


@pytest.fixture
def part(house: House, newcomer: Till) -> Part:
    return Part(house, newcomer)


def test_the_batch_keeps_its_number_and_is_compared_with_all_its_parts(part: Part) -> None:
    shift = part.shift
    assert part.till.open_batch() == shift.number
    assert shift.redeem(100)[60] == shift.number
    part.till.do(REDEEM, shift.card, 50).expect("00")
    part.host_settles()
    shift.reload(1_000)
    assert shift.settle((1, 50), (1, 1_000)).expect("95")[63] == claim((3, 1_050), (1, 1_000))
    shift.settle((3, 1_050), (1, 1_000)).expect("00")
    assert part.till.open_batch() == following(shift.number)
    shift.assert_closed_on((3, 1_050), (1, 1_000))
    later = shift.next()
    later.redeem(10)
    later.settle((1, 10)).expect("00")


@pytest.mark.parametrize("de3", [SETTLE, CLEAR])
def test_with_nothing_new_the_terminal_still_closes_it_by_its_own_totals(part: Part, de3: str) -> None:
    answer = part.shift.settle((1, 900), de3=de3).expect("00")
    assert (answer[60], answer[63]) == ("000005", claim((1, 900), of=2))
    assert part.till.open_batch() == "000006"
    part.shift.assert_closed_on((1, 900))


def test_it_begins_no_new_stan_count(part: Part) -> None:
    for mti in ("0200", "0201"):
        assert part.till.ask(part.done.asked.but(mti)).expect("00").rrn == part.done.rrn
    part.till.ask(part.done.asked.but(changes={4: f"{500:012}"})).expect("94")
    assert part.balance == 19_100


def test_a_reversal_reaches_into_the_part_the_host_settled(part: Part) -> None:
    """The terminal did not close it, so STAN and receipt still name what lies in it."""
    other = part.shift.redeem(100)
    part.host_settles()
    part.till.reverse(part.done.asked, {62: part.done.asked[62]}).expect("00")
    part.till.reverse(other.asked, {11: other.asked[11]}).expect("00")
    assert part.balance == 20_000
    part.shift.redeem(100)
    if part.shift.settle((1, 100)).expect("00", "95").rc == "95":  # the part settled by the host keeps its totals
        part.shift.settle((1, 100), de3=TRAILER).expect("00")
    assert part.till.open_batch() == "000006"


def test_after_a_95_all_parts_are_uploaded_and_nothing_moves(part: Part) -> None:
    second = part.shift.redeem(100)
    assert part.shift.settle((3, 1_300)).expect("95")[63] == claim((2, 1_000), of=2)
    part.host_settles()
    for done in (part.done, second):
        assert part.shift.upload(done).expect("00")[60] == "000005"
        part.shift.upload(done, more={60: "0200" + done.asked[11] + " " * 12}).expect("00")
    part.shift.upload_unseen(REDEEM, 300).expect("00")
    assert part.balance == 18_700
    assert part.shift.settle((3, 1_300), de3=TRAILER).expect("00")[63] == claim((3, 1_300), of=2)
    part.shift.assert_closed_on((3, 1_300))


def test_parts_of_an_unnamed_batch_are_adopted_together(house: House, newcomer: Till) -> None:
    card = house.card(house.till(newcomer.dialect))
    record = newcomer.record
    for amount in (900, 100):
        newcomer.do(REDEEM, card, amount).expect("00")
        house.demo.command("batch", "close", f"{record.merchant_id}/{record.terminal_id}")
    newcomer.do(REDEEM, card, 10).expect("00")
    answer = newcomer.ask(settlement(newcomer, "000042", claim((3, 1_010), of=2))).expect("00")
    assert answer[60] == "000042"
    assert newcomer.open_batch() == "000043"


def test_parts_of_one_application_are_nothing_to_the_other(part: Part) -> None:
    loyalty = Shift.open(part.till, part.shift.card, "000005", LOYALTY)
    loyalty.redeem(100)
    part.shift.redeem(50)
    part.host_settles()
    done = loyalty.redeem(70)
    loyalty.void(done).expect("00")
    loyalty.settle((1, 100)).expect("00")
    part.shift.settle((2, 950)).expect("00")


def test_another_number_leaves_all_parts_behind(part: Part) -> None:
    part.shift.redeem(100)
    later = part.shift.next()
    later.redeem(10)
    later.settle((1, 10)).expect("00")
    assert part.balance == 18_990
