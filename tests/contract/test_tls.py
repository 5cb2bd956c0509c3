"""Section 1, *Who may speak*: a client certificate names its merchants; without one there is no service."""

from __future__ import annotations

import ssl

import pytest

from tests.contract.client import Line, WireError
from tests.contract.conftest import House
from tests.contract.daemon import TerminalRecord
from tests.contract.till import BALANCE, REDEEM, Till


def tls_till(house: House, record: TerminalRecord, dialect: str, certificate_of: str | None) -> Till:
    """A till of this record whose line is TLS with that merchant's certificate; the test closes it."""
    port = house.demo.tls_port(dialect)
    till = Till(record, port, house.first_stan + 60_000)
    till.dialect = dialect
    till.opened = Line(dialect, port, house.demo.tls_context(certificate_of))
    return till


def records(house: House, dialect: str) -> tuple[TerminalRecord, TerminalRecord]:
    """A terminal of this listener, and one of another merchant (of this listener too if there is one)."""
    mine = house.tills[dialect][0].record
    others = [record for record in house.demo.terminals if record.merchant_id != mine.merchant_id]
    return mine, sorted(others, key=lambda record: record.listener != dialect)[0]


def test_a_certificate_speaks_for_its_own_merchant(house: House, dialect: str) -> None:
    mine, _ = records(house, dialect)
    card = house.card(house.tills[dialect][0])
    till = tls_till(house, mine, dialect, mine.merchant_id)
    try:
        till.ask(till.message("0800", "990000")).expect("00")
        assert till.do(REDEEM, card, 100).expect("00").available == 19_900
    finally:
        till.close()


def test_a_certificate_does_not_speak_for_another_merchant(house: House, dialect: str) -> None:
    mine, other = records(house, dialect)
    card = house.card(house.tills[dialect][0])
    till = tls_till(house, other, dialect, mine.merchant_id)
    try:
        for mti, de3 in (("0200", REDEEM), ("0100", BALANCE), ("0400", REDEEM)):
            request = till.message(mti, de3, card, 100)
            answer = till.line.ask(request)
            assert answer.rc == "58", f"  >> {request}\n  << {answer}"
            assert answer[41] == request[41], answer
    finally:
        till.close()
    assert house.tills[dialect][0].balance(card) == 20_000


def test_without_a_certificate_there_is_no_service(house: House, dialect: str) -> None:
    mine, _ = records(house, dialect)
    request = house.tills[dialect][0].message("0800", "990000")
    assert request[41].strip() == mine.terminal_id

    def try_without() -> None:
        with Line(dialect, house.demo.tls_port(dialect), house.demo.tls_context(None)) as line:
            line.ask(request)

    with pytest.raises((ssl.SSLError, ConnectionError, WireError)):  # the handshake fails, or the line ends at once
        try_without()


def test_a_plain_line_to_the_tls_listener_gets_no_answer(house: House, dialect: str) -> None:
    request = house.tills[dialect][0].message("0800", "990000")
    with Line(dialect, house.demo.tls_port(dialect)) as line:
        line.send(request)
        with pytest.raises((WireError, ConnectionError, ValueError)):
            line.receive()
