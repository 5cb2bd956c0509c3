"""A daemon killed after every message of a settlement: the same terminal carries on and ends balanced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.batch import TRAILER, Shift, claim, following, settlement, upload_of
from tests.contract.client import Message
from tests.contract.conftest import DIALECTS, House
from tests.contract.daemon import running
from tests.contract.till import REDEEM, Till

pytestmark = pytest.mark.slow

NUMBER = "000007"
CLAIMED = claim((3, 2_300), of=2)


def settlement_of(till: Till, card: str) -> list[tuple[Message, str]]:
    """Two sales, the 0500 that claims a third, the upload of all, the trailer, the next sale; with the codes wanted."""
    more = {**till.when(), 60: NUMBER}
    sales = [till.message("0200", REDEEM, card, amount, more) for amount in (900, 1_100)]
    unseen = till.message("0200", REDEEM, card, 300, more)
    return [
        *[(sale, "00") for sale in sales],
        (settlement(till, NUMBER, CLAIMED), "95"),
        *[(upload_of(till, original), "00") for original in (*sales, unseen)],
        (settlement(till, NUMBER, CLAIMED, TRAILER), "00"),
        (till.message("0200", REDEEM, card, 50, {**till.when(), 60: following(NUMBER)}), "00"),
    ]


@pytest.mark.parametrize("killed", ["after the answer", "before the answer is read"])
def test_a_terminal_carries_on_whenever_the_daemon_is_killed(tmp_path: Path, killed: str) -> None:
    with running(tmp_path) as daemon:
        house = House(daemon.demo, fresh=True)
        tills = [house.till(dialect) for dialect in DIALECTS]
        shifts = [Shift.open(till, house.card(till), NUMBER) for till in tills]
        conversations = [settlement_of(till, shift.card) for till, shift in zip(tills, shifts, strict=True)]
        for steps in zip(*conversations, strict=True):
            for till, (message, code) in zip(tills, steps, strict=True):
                if killed == "after the answer":
                    till.ask(message).expect(code)
                else:
                    till.line.send(message)
            daemon.kill()
            daemon.start()
            for till, (message, code) in zip(tills, steps, strict=True):
                till.close()
                till.ask(message).expect(code)  # what the terminal does when it cannot know
        for shift in shifts:
            answer = shift.settle((3, 2_300), de3=TRAILER).expect("00")
            assert answer[63] == CLAIMED, answer.story()
            assert shift.till.balance(shift.card) == 20_000 - 2_350
            Shift(shift.till, following(NUMBER), shift.card).settle((1, 50)).expect("00")
        house.close()
