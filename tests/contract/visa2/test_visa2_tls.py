"""The listener with TLS: a client certificate names the merchants whose VISA-2 terminals it speaks for."""

from __future__ import annotations

import ssl

import pytest

from tests.contract.client import Secret, WireError
from tests.contract.till import Till
from tests.contract.visa2.capture import Item, batch_records, read_settled, send_all, unseen
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.link import ACK, CLOSED, VisaLine
from tests.contract.visa2.records import confirmation
from tests.contract.visa2.test_visa2_debit import debit
from tests.contract.visa2.till import GIFT, VisaTill


def secured(visa: VisaHouse, till: VisaTill, merchant: str | None) -> VisaLine:
    return VisaLine(visa.demo.tls_port("visa2"), even=till.even, tls=visa.demo.tls_context(merchant))


def test_a_whole_session_of_each_kind(visa: VisaHouse, till: VisaTill, nac: Till, card: Secret) -> None:
    mine = visa.demo.merchants[0]
    asked = till.request("G4", card, 2_500, GIFT, f2="0")
    with secured(visa, till, mine).expect("ENQ") as line:
        item = Item.of(asked, till.ask(asked, line).expect("00"))
        line.say(ACK)
        line.expect("EOT", CLOSED)
    with secured(visa, till, mine).expect("ENQ") as line:
        reply = till.ask(debit(till, "G4", card, 1_000), line).expect("00")
        line.send(confirmation(reply))
        line.expect("ACK", "EOT", CLOSED)
    with secured(visa, till, mine).expect("ENQ") as line:
        texts = [record.text() for record in batch_records(till.numbers, till.open_batch(), [item])]
        assert read_settled(send_all(line, texts).record).code == "GB"
        line.say(ACK)
        line.expect("EOT", CLOSED)
    assert nac.balance(card) == 16_500


def test_a_certificate_does_not_speak_for_another_merchant(
    visa: VisaHouse, till: VisaTill, nac: Till, card: Secret
) -> None:
    with secured(visa, till, visa.demo.merchants[1]).expect("ENQ") as line:
        for code in ("G4", "G3", "GF", "G6"):
            till.ask(till.request(code, card, 0 if code == "G3" else 2_500), line).expect("58")
    assert nac.balance(card) == 20_000


def test_a_certificate_captures_no_batch_of_another_merchant(
    visa: VisaHouse, till: VisaTill, nac: Till, card: Secret
) -> None:
    records = batch_records(till.numbers, till.open_batch(), [unseen(till, "G4", card, 5_000)])
    with secured(visa, till, visa.demo.merchants[1]).expect("ENQ") as line:
        assert read_settled(send_all(line, [record.text() for record in records]).record).code == "RB"
    assert nac.balance(card) == 20_000


def test_without_a_certificate_there_is_no_service(visa: VisaHouse, till: VisaTill) -> None:
    def speak() -> None:
        with secured(visa, till, None) as line:
            assert line.hear() != CLOSED, "the end of the line"

    with pytest.raises((ssl.SSLError, ConnectionError, WireError, AssertionError)):
        speak()


def test_a_plain_line_to_the_tls_listener_hears_no_enq(visa: VisaHouse, till: VisaTill) -> None:
    with VisaLine(visa.demo.tls_port("visa2")) as line:
        line.send(till.request("X1", "", 0, f21="").text())
        with pytest.raises((WireError, ConnectionError, AssertionError)):
            assert line.hear() != CLOSED
