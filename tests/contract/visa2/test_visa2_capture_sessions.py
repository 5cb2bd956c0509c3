"""The session of a data capture: acknowledgements, repetitions, broken lines, several batches, many lines."""

from __future__ import annotations

import pytest

from tests.contract.client import Secret
from tests.contract.till import Till
from tests.contract.visa2.capture import (
    acknowledgement,
    batch_records,
    hang_up,
    read_settled,
    sell,
    send_all,
    send_last,
    unseen,
    upload,
)
from tests.contract.visa2.link import ACK, CLOSED, ETB, ETX, NAK, damaged, framed
from tests.contract.visa2.till import VisaTill, following


def test_the_acknowledgements_alternate_and_an_identical_frame_gets_the_same_again(
    till: VisaTill, nac: Till, card: Secret, batch: str
) -> None:
    items = sell(till, card, *[("G4", 100 * nth) for nth in range(1, 6)])
    texts = [record.text() for record in batch_records(till.numbers, batch, items)]
    with till.new_line() as line:
        for nth, text in enumerate(texts[:-1], start=1):
            for _ in range(3 if nth in (1, 2, 4, 7) else 1):
                line.send(text, ETB)
                line.expect(acknowledgement(nth))
        settled = read_settled(send_last(line, texts[-1]).record)
        line.say(ACK)
        line.expect("EOT", CLOSED)
    assert (settled.code, settled.received) == ("GB", 8)


def test_the_response_is_sent_again_after_nak(till: VisaTill, card: Secret, batch: str) -> None:
    texts = [record.text() for record in batch_records(till.numbers, batch, sell(till, card, ("G4", 2_500)))]
    with till.new_line() as line:
        first = send_all(line, texts)
        line.say(NAK)
        assert line.frame() == first.record
        line.say(ACK)
        line.expect("EOT", CLOSED)


@pytest.mark.parametrize("how", ["bad_frames", "a_flood"])
def test_a_session_that_goes_wrong_ends_and_nothing_is_captured(
    till: VisaTill, nac: Till, card: Secret, batch: str, how: str
) -> None:
    records = batch_records(till.numbers, batch, [unseen(till, "G4", card, 5_000)])
    with till.new_line() as line:
        line.send(records[0].text(), ETB)
        line.expect("ACK")
        bad = damaged(framed(records[1].text(), ETB, even=till.even))
        for _ in range(3 if how == "bad_frames" else 0):
            line.send_bytes(bad)
            line.expect("NAK")
        line.send_bytes(bad if how == "bad_frames" else bytes([0x05]) * 65)
        line.expect("EOT", CLOSED)
    assert upload(till, records).code == "GB"
    assert nac.balance(card) == 15_000


@pytest.mark.parametrize("sent", [1, 2, 3, 4, 5])
def test_a_session_broken_anywhere_and_sent_again_is_captured_once(
    till: VisaTill, nac: Till, card: Secret, batch: str, sent: int
) -> None:
    items = [*sell(till, card, ("G4", 2_500)), unseen(till, "G4", card, 1_000)]
    records = batch_records(till.numbers, batch, items)
    with till.new_line() as line:
        for nth, record in enumerate(records[:sent], start=1):
            last = nth == len(records)
            line.send(record.text(), ETX if last else ETB)
            if not last:
                line.expect(acknowledgement(nth))
    assert upload(till, records).code in (("GB",) if sent < len(records) else ("GB", "QD"))
    assert upload(till, records).code == "QD"
    assert nac.balance(card) == 16_500


def test_half_a_session_hinders_nobody(till: VisaTill, nac: Till, card: Secret, batch: str) -> None:
    items = [*sell(till, card, ("G4", 2_500)), unseen(till, "G4", card, 1_000)]
    texts = [record.text() for record in batch_records(till.numbers, batch, items)]
    with till.new_line() as first, till.new_line() as abandoned:
        for line in (first, abandoned):
            for nth, text in enumerate(texts[:-1], start=1):
                line.send(text, ETB)
                line.expect(acknowledgement(nth))
        assert till.do("G4", card, 500).rc == "00"
        assert upload(till, texts).code == "GB"
        assert read_settled(send_last(first, texts[-1]).record).code == "QD"
        hang_up(abandoned)
    assert nac.balance(card) == 16_000


def test_several_batches_on_one_line(till: VisaTill, nac: Till, card: Secret, batch: str) -> None:
    number, sold = batch, []
    with till.new_line() as line:
        for nth in range(3):
            items = sell(till, card, ("G4", 1_000 + nth))
            sold.append((number, items))
            texts = [record.text() for record in batch_records(till.numbers, number, items, kind="3")]
            settled = read_settled(send_all(line, texts).record, kind="3")
            assert (settled.code, settled.batch) == ("GB", number)
            line.say(ACK)
            line.expect("ENQ")
            number = following(number)
        hang_up(line)
    for captured, items in sold:
        assert upload(till, batch_records(till.numbers, captured, items)).code == "QD"
    assert nac.balance(card) == 16_997


def test_a_rejected_batch_is_corrected_on_the_same_line(till: VisaTill, nac: Till, card: Secret, batch: str) -> None:
    items = [unseen(till, "G4", card, 1_000)]
    with till.new_line() as line:
        for wrong, code in (({"f08": "000000009"}, "RB"), ({}, "GB"), ({}, "QD")):
            records = batch_records(till.numbers, batch, items, kind="3", **wrong)
            frame = send_all(line, [record.text() for record in records])
            assert read_settled(frame.record, kind="3").code == code
            line.say(ACK)
            line.expect("ENQ")
        hang_up(line)
    assert nac.balance(card) == 19_000


def test_terminals_have_batches_of_their_own(till: VisaTill, other: VisaTill, nac: Till, card: Secret) -> None:
    number = max(till.fresh_batch(), other.fresh_batch())
    number = following(number)
    for one in (till, other):
        one.open_batch(number)
        items = sell(one, card, ("G4", 1_000))
        assert upload(one, batch_records(one.numbers, number, items)).code == "GB"
        assert upload(one, batch_records(one.numbers, number, items)).code == "QD"
    assert nac.balance(card) == 18_000


def test_two_trailers_at_once_capture_one_batch(till: VisaTill, nac: Till, card: Secret) -> None:
    batch = till.fresh_batch()
    records = batch_records(till.numbers, batch, [unseen(till, "G4", card, 5_000)])
    texts = [record.text() for record in records]
    lines = [till.new_line() for _ in range(3)]
    try:
        for line in lines:
            for nth, text in enumerate(texts[:-1], start=1):
                line.send(text, ETB)
                line.expect(acknowledgement(nth))
        for line in lines[1:]:
            line.send(texts[-1])
        codes = [read_settled(send_last(lines[0], texts[-1]).record).code]
        for line in lines[1:]:
            while (heard := line.hear()) == "DC2":
                pass
            assert not isinstance(heard, str), heard
            codes.append(read_settled(heard.record).code)
            line.say(ACK)
    finally:
        for line in lines:
            line.close()
    assert sorted(codes) == ["GB", "QD", "QD"]
    assert nac.balance(card) == 15_000
