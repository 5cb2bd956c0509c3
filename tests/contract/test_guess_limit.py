"""Section 6: whoever guesses card numbers is stopped with 65, and nobody else is. A daemon of its own."""

from __future__ import annotations

import pytest

from tests.contract.conftest import House
from tests.contract.till import REDEEM, Till

GUESS_LIMIT = 20


def stranger(house: House, till: Till) -> tuple[Till, str]:
    """A terminal of another store, with a plain card of its currency."""
    tills = [other for tills in house.tills.values() for other in tills if other.record.store != till.record.store]
    if not tills:
        pytest.skip("all terminals the tests use stand in one store")
    return tills[0], house.card(tills[0])


def test_more_wrong_guesses_than_the_limit_stop_that_terminal_and_nobody_else(own_house: House) -> None:
    till = own_house.till("nac")
    card = own_house.card(till)
    done = till.do(REDEEM, card, 100).expect("00")
    known = {one.pan for one in own_house.demo.cards}
    guesses = [pan for nth in range(40) if (pan := f"{card[:8]}{nth:0{len(card) - 8}}") not in known]

    codes = [till.do(REDEEM, pan, 100).expect("14", "65").rc for pan in guesses[: GUESS_LIMIT + 2]]
    assert codes[:GUESS_LIMIT] == ["14"] * GUESS_LIMIT, "the limit itself is allowed"
    assert codes[-1] == "65", codes
    till.do(REDEEM, card, 100).expect("65")  # a good card of that range too

    till.reverse(done.asked).expect("00")  # reversals are never refused for it
    till.ask(till.message("0800", "990000")).expect("00")
    other_till, other_card = stranger(own_house, till)
    other_till.do(REDEEM, other_card, 100).expect("00")
