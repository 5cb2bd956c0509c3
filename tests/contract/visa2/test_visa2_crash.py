"""The power fails: what was answered stays, what waits for its V can be settled, a batch is captured once. Guessing.

A daemon of this module's own, killed and begun again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import pytest

from tests.contract.conftest import House
from tests.contract.daemon import Daemon, running
from tests.contract.visa2.capture import Record, acknowledgement, batch_records, unseen, upload
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import ETB, VisaLine
from tests.contract.visa2.records import Reply, Request, confirmation
from tests.contract.visa2.test_visa2_debit import debit
from tests.contract.visa2.till import GIFT, VisaTill

GUESS_LIMIT = 20


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("crash")) as made:
        yield made


def confirm(line: VisaLine, reply: Reply) -> None:
    line.send(confirmation(reply.expect("00")))
    line.expect("ACK")


def begin(line: VisaLine, records: Sequence[Record]) -> None:
    """Everything but the trailer."""
    for nth, record in enumerate(records[:-1], start=1):
        line.send(record.text(), ETB)
        line.expect(acknowledgement(nth))


def as_d(asked: Request) -> Request:
    """The same transaction over a standing line: answered from the books."""
    return Request({**asked.fields, 1: "D", 2: "4"})


def test_after_a_power_cut_every_session_can_be_taken_up_again(daemon: Daemon) -> None:
    with contextlib.closing(VisaHouse(daemon.demo, 0)) as house:
        nac = house.club.till("nac")
        cards = [house.iso.card(nac) for _ in range(6)]
        take_up_again(daemon, house, house.tills[0], house.tills[1], cards)
        nac = house.iso.till("nac")
        assert [nac.balance(card) for card in cards] == [17_500, 20_000, 17_500, 17_500, 15_000, 15_000]


def take_up_again(daemon: Daemon, house: VisaHouse, first: VisaTill, second: VisaTill, cards: Sequence[str]) -> None:
    answered, given_up, repeated, confirmed, captured, half = cards
    whole = batch_records(first.numbers, first.fresh_batch(), [unseen(first, "G4", captured, 5_000, "9001")])
    begun = batch_records(second.numbers, second.fresh_batch(), [unseen(second, "G4", half, 5_000, "9001")])
    sale = first.request("G4", answered, 2_500, GIFT)
    lost, again = debit(first, "G4", given_up, 2_500), debit(second, "G4", repeated, 2_500)
    kept = debit(first, "G4", confirmed, 2_500)

    told = first.ask(sale).expect("00")
    with contextlib.ExitStack() as opened:
        lines = [opened.enter_context(till.new_line()) for till in (first, second, first, first, second)]
        confirm(lines[2], first.ask(kept, lines[2]))
        begin(lines[3], whole)
        begin(lines[4], begun)
        first.ask(lost, lines[0]).expect("00")
        second.ask(again, lines[1]).expect("00")
        lines[3].send(whole[-1].text())
        daemon.kill()
    house.close()

    daemon.start()
    house.iso = House(daemon.demo, fresh=False)
    assert first.ask(sale).expect("00").rrn == told.rrn
    first.ask(as_d(kept)).expect("00")
    first.ask(as_d(lost).but(f18="GF")).expect("00")
    first.ask(as_d(lost)).expect("94")
    with second.new_line() as line:
        confirm(line, second.ask(again, line))
    second.ask(as_d(again)).expect("00")
    assert upload(first, whole).code in ("GB", "QD")
    assert upload(second, begun).code == "GB"
    assert [upload(till, records).code for till, records in ((first, whole), (second, begun))] == ["QD", "QD"]


def test_more_wrong_guesses_than_the_limit_stop_that_terminal(daemon: Daemon) -> None:
    with contextlib.closing(VisaHouse(daemon.demo, 0)) as house:
        till, elsewhere, nac = house.tills[0], house.tills[1], house.club.till("nac")
        card = house.iso.card(nac)
        known = {one.pan for one in daemon.demo.cards}
        guesses = [pan for nth in range(40) if (pan := f"{card[:8]}{nth:0{len(card) - 8}}") not in known]
        codes = [till.do("G4", pan, 100).rc for pan in guesses[: GUESS_LIMIT + 2]]
        assert codes[:GUESS_LIMIT] == ["14"] * GUESS_LIMIT
        assert codes[-1] == "65"
        till.do("G4", card, 100).expect("65")
        till.do("GF", card, 100).expect("00")
        elsewhere.do("G4", card, 100).expect("00")
