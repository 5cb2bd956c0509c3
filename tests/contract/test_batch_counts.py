"""Section 5: counts are modulo 1000, and from 900 on a terminal that shows texts is told to settle."""

from __future__ import annotations

import pytest

from tests.contract.batch import Shift, claim, following, told
from tests.contract.client import Message, pack_tables, table_field, unpack_tables
from tests.contract.conftest import House
from tests.contract.till import REDEEM, Till

pytestmark = pytest.mark.slow


def sell(shift: Shift, how_many: int, texts: bool = False) -> list[Message]:
    """Redemptions of 0.01 sent without waiting; the answers in the order of the requests."""
    more: dict[int, str | None] = {60: shift.number}
    if texts:
        more[table_field(shift.till.dialect)] = pack_tables(shift.till.dialect, [("CP", "T")])
    requests = [shift.till.message("0200", REDEEM, shift.card, 1, more) for _ in range(how_many)]
    answers: dict[str, Message] = {}
    for at in range(0, how_many, 100):
        for request in requests[at : at + 100]:
            shift.till.line.send(request)
        for _ in requests[at : at + 100]:
            answer = shift.till.line.receive()
            assert answer.rc == "00", answer
            answers[answer[11]] = answer
    return [answers[request[11]] for request in requests]


def command(shift: Shift, answer: Message) -> str | None:
    return unpack_tables(shift.till.dialect, answer).get("42")


@pytest.fixture
def without_texts(house: House, newcomer: Till) -> Till:
    """A newcomer that shows no texts unless a message says so."""
    record = newcomer.record
    house.demo.command("terminal", "change", record.merchant_id, record.terminal_id, "--no-texts")
    return newcomer


def test_a_batch_of_a_thousand_and_one_is_told_to_settle_and_settles(house: House, without_texts: Till) -> None:
    till = without_texts
    card = house.card(house.till(till.dialect))
    shift = Shift.open(till, card, "000001")
    assert not any(command(shift, answer) for answer in sell(shift, 899, texts=True))
    assert not any(command(shift, answer) for answer in sell(shift, 3)), "it has not said that it shows texts"
    assert [command(shift, answer) for answer in sell(shift, 3, texts=True)] == ["SETTLE"] * 3
    sell(shift, 96)
    assert told(shift.settle((1, 1)).expect("95")) == [(1, 1_001), (0, 0)], "1001 modulo 1000"
    shift.settle((1_001, 1_001)).expect("00")
    shift.assert_closed_on((1_001, 1_001))
    later = Shift.open(till, card, following("000001"))
    assert command(shift, sell(later, 1, texts=True)[0]) is None, "the next batch begins to count anew"


def test_a_thousand_and_none_look_alike_in_count_and_not_in_amount(house: House, newcomer: Till) -> None:
    shift = Shift.open(newcomer, house.card(house.till(newcomer.dialect)), "000001")
    sell(shift, 1_000)
    assert shift.settle((0, 0)).expect("95")[63] == claim((1_000, 1_000), of=2)
    shift.settle((0, 1_000)).expect("00")
