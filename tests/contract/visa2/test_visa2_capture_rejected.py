"""A K batch that is wrong in itself: RB names the record and the field, nothing of it is captured, and the corrected
batch is good under the same number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.client import Secret
from tests.contract.till import Till
from tests.contract.visa2.capture import (
    Item,
    Record,
    Settled,
    acknowledgement,
    batch_records,
    read_settled,
    send_last,
    unseen,
    upload,
)
from tests.contract.visa2.link import ACK, CLOSED, ETB, damaged, framed
from tests.contract.visa2.till import VisaTill


@pytest.fixture
def items(till: VisaTill, card: Secret) -> list[Item]:
    """Two sales no host has seen: if they were captured, their money would be gone."""
    return [unseen(till, "G4", card, amount) for amount in (2_500, 1_000)]


def rejected(till: VisaTill, nac: Till, card: str, records: Sequence[Record]) -> Settled:
    """The RB of a batch of which nothing is in the books."""
    settled = upload(till, records)
    assert settled.code == "RB", settled
    assert nac.balance(card) == 20_000
    return settled


def corrected(till: VisaTill, nac: Till, card: str, records: Sequence[Record], good: Sequence[Record]) -> Settled:
    """The same, and the corrected batch is captured under the same number."""
    settled = rejected(till, nac, card, records)
    assert upload(till, good).code == "GB"
    assert nac.balance(card) == 16_500
    return settled


# fmt: off
ANOTHER_DAY = f"{datetime.now(UTC) + timedelta(days=40):%m%d}"
TRAILERS = [  # what the trailer says instead, the field that is named
    ("date",               {"f06": ANOTHER_DAY},                                        "06"),
    ("batch_number",       {"f07": "998"},                                             "07"),
    ("count_too_small",    {"f08": "000000004"},                                       "08"),
    ("count_too_large",    {"f08": "000000006"},                                       "08"),
    ("hash",               {"f09": "0000000000003501"},                                "09"),
    ("cash_back",          {"f10": "0000000000000100"},                                "10"),
    ("net",                {"f11": "0000000000003499"},                                "11"),
    ("all_of_them",        {"f06": ANOTHER_DAY, "f07": "998", "f08": "000000004", "f09": "0" * 16}, "06"),
    ("count_and_hash",     {"f08": "000000004", "f09": "0000000000003501"},            "08"),
    ("hash_and_net",       {"f09": "0000000000003501", "f11": "0000000000003499"},     "09"),
    ("cash_back_and_net",  {"f10": "0000000000000100", "f11": "0000000000003499"},     "10"),
]
# fmt: on


@pytest.mark.parametrize(("wrong", "number"), [row[1:] for row in TRAILERS], ids=[row[0] for row in TRAILERS])
def test_a_trailer_that_does_not_add_up(
    till: VisaTill, nac: Till, card: Secret, batch: str, items: list[Item], wrong: dict[str, str], number: str
) -> None:
    records = batch_records(till.numbers, batch, items, **wrong)
    settled = corrected(till, nac, card, records, batch_records(till.numbers, batch, items))
    assert settled.error == ("E", "0005", "T", number)
    assert settled.data == wrong[f"f{number}"].ljust(32)
    assert (settled.received, settled.net, settled.batch) == (5, 3_500, batch)


def test_a_voided_item_is_in_the_hash_and_not_in_the_net(
    till: VisaTill, nac: Till, card: Secret, batch: str, items: list[Item]
) -> None:
    marked = [items[0], replace(items[1], voided=True)]
    wrong = batch_records(till.numbers, batch, marked, f09="0000000000002500")
    settled = upload(till, wrong)
    assert (settled.code, settled.error, settled.net) == ("RB", ("E", "0005", "T", "09"), 2_500)
    wrong = batch_records(till.numbers, batch, marked, f11="0000000000003500")
    settled = upload(till, wrong)
    assert (settled.code, settled.error, settled.net) == ("RB", ("E", "0005", "T", "11"), 2_500)
    assert nac.balance(card) == 20_000


# fmt: off
DETAILS = [  # field of table 4.3, what stands in it in the second detail
    ("06", "QQ"),                    # transaction code
    ("07", "?"),                     # identification code
    ("08", "?"),                     # account data source
    ("09", "99001X".ljust(22)),      # account number
    ("09", " " * 22),
    ("13", "00X1"),                  # sequence number
    ("13", "0000"),
    ("16", "1332"),                  # MMDD
    ("17", "256161"),                # HHMMSS
    ("18", "?"),                     # AVS result
    ("21", "X"),                     # void indicator
    ("22", "A0"),                    # transaction status
    ("24", "0000000X1000"),          # amounts
    ("25", "            "),
]
HEADERS = [  # table 4.1
    ("06", "99999X"), ("07", "00000A"), ("08", "11111B"), ("09", "88800000000X"), ("10", "00X1"), ("11", "000X"),
    ("12", "??"),
    ("13", "9X9"), ("14", "0X"), ("15", "XXX"), ("16", "1332"), ("17", "000"), ("17", "A01"), ("18", "2"), ("18", "X"),
]
PARAMETERS = [("06", "7X2"), ("08", "59X2"), ("13", "0000004X"), ("13", "00000000")]  # table 4.2
UNKNOWN = [("06", "123456"), ("07", "999999"), ("08", "999999"), ("09", "888000000009"), ("10", "0099"), ("11", "0999")]
# fmt: on


@pytest.mark.parametrize(("number", "text"), DETAILS)
def test_a_malformed_detail_is_named(
    till: VisaTill, nac: Till, card: Secret, batch: str, items: list[Item], number: str, text: str
) -> None:
    good = batch_records(till.numbers, batch, items)
    records = [*good[:3], good[3].but(**{f"f{number}": text}), good[4]]
    settled = rejected(till, nac, card, records)
    assert settled.error == ("E", "0004", "D", number)
    assert settled.data == text.ljust(32)
    assert settled.batch == batch


@pytest.mark.parametrize(("number", "text"), HEADERS)
def test_a_malformed_header_is_named(
    till: VisaTill, nac: Till, card: Secret, batch: str, items: list[Item], number: str, text: str
) -> None:
    good = batch_records(till.numbers, batch, items)
    settled = rejected(till, nac, card, [good[0].but(**{f"f{number}": text}), *good[1:]])
    assert settled.error == ("E", "0001", "H", number)
    assert settled.data == text.ljust(32)


@pytest.mark.parametrize("kind", ["0", "2", "4", "9"])
def test_a_batch_of_an_application_type_that_has_none(
    till: VisaTill, nac: Till, card: Secret, batch: str, items: list[Item], kind: str
) -> None:
    header = batch_records(till.numbers, batch, items, kind=kind)[0]
    with till.new_line() as line:
        line.send(header.text(), ETB)
        told = line.frame()
    assert read_settled(told, told[1]).error == ("E", "0001", "H", "02")
    assert nac.balance(card) == 20_000


@pytest.mark.parametrize(("number", "text"), PARAMETERS)
def test_a_malformed_parameter_record_is_named(
    till: VisaTill, nac: Till, card: Secret, batch: str, items: list[Item], number: str, text: str
) -> None:
    good = batch_records(till.numbers, batch, items)
    settled = rejected(till, nac, card, [good[0], good[1].but(**{f"f{number}": text}), *good[2:]])
    assert settled.error == ("E", "0002", "P", number)
    assert settled.data == text.ljust(32)


@pytest.mark.parametrize(("number", "text"), UNKNOWN)
def test_a_sender_nobody_knows_is_turned_away(
    till: VisaTill, nac: Till, card: Secret, batch: str, items: list[Item], number: str, text: str
) -> None:
    good = batch_records(till.numbers, batch, items)
    settled = rejected(till, nac, card, [good[0].but(**{f"f{number}": text}), *good[1:]])
    assert settled.error[0] in "VE", settled
    assert settled.error[1:3] == ("0001", "H")
    assert "06" <= settled.error[3] <= "11", settled


# fmt: off
ORDERS = [  # which records of H P D D T are sent, number and letter of the first out of place
    ("no_parameter",        "HDDT",    "0002", "D"),
    ("two_headers",         "HHPDDT",  "0002", "H"),
    ("two_parameters",      "HPPDDT",  "0003", "P"),
    ("parameter_too_late",  "HPDPDT",  "0004", "P"),
    ("header_too_late",     "HPDHDT",  "0004", "H"),
    ("no_detail",           "HPT",     "0003", "T"),
    ("header_alone",        "HT",      "0002", "T"),
    ("no_header",           "PDDT",    "0001", "P"),
    ("detail_first",        "DDT",     "0001", "D"),
]
# fmt: on


@pytest.mark.parametrize(("order", "number", "letter"), [row[1:] for row in ORDERS], ids=[row[0] for row in ORDERS])
def test_records_out_of_order(
    till: VisaTill, nac: Till, card: Secret, batch: str, items: list[Item], order: str, number: str, letter: str
) -> None:
    good = batch_records(till.numbers, batch, items)
    seconds = {"H": "f15", "P": "f12"}  # a second one differs: an identical frame would be a repetition
    sent: list[Record] = []
    for one in order:
        record = next(record for record in good if record.letter == one)
        if any(before.letter == one for before in sent):
            record = (
                good[3] if one == "D" else record.but(**{seconds[one]: "1" * len(record.fields[int(seconds[one][1:])])})
            )
        sent.append(record)
    settled = corrected(till, nac, card, sent, good)
    assert settled.error == ("S", number, letter, "05")


def test_a_batch_of_voided_items_alone_is_rejected(
    till: VisaTill, nac: Till, card: Secret, batch: str, items: list[Item]
) -> None:
    voided = [replace(item, voided=True) for item in items]
    good = batch_records(till.numbers, batch, items)
    assert corrected(till, nac, card, batch_records(till.numbers, batch, voided), good).error[0] == "S"


def d_record(till: VisaTill, record: Record, card: str) -> bytes:
    return framed(till.request("G4", card, 1_000).text(), ETB, even=till.even)


def bad_frame(till: VisaTill, record: Record, card: str) -> bytes:
    return damaged(framed(record.text(), ETB, even=till.even))


@pytest.mark.parametrize("between", [d_record, bad_frame], ids=["a_D_record", "a_bad_frame"])
def test_what_is_no_record_of_the_batch_gets_nak_and_the_batch_goes_on(
    till: VisaTill,
    nac: Till,
    card: Secret,
    batch: str,
    items: list[Item],
    between: Callable[[VisaTill, Record, str], bytes],
) -> None:
    records = batch_records(till.numbers, batch, items)
    with till.new_line() as line:
        for nth, record in enumerate(records[:-1], start=1):
            if nth > 1:
                line.send_bytes(between(till, record, card))
                line.expect("NAK")
            line.send(record.text(), ETB)
            line.expect(acknowledgement(nth))
        assert read_settled(send_last(line, records[-1].text()).record).code == "GB"
        line.say(ACK)
        line.expect("EOT", CLOSED)
    assert nac.balance(card) == 16_500
