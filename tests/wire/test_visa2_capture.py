"""The records of a captured batch: order, form, arithmetic, and the settlement responses (WIRE-VISA2.md section 4)."""

import pytest

from specs.dialects import VISA2
from specs.transaction import Kind, MessageClass, Total
from terminals.visa2_capture import Capture, Rejection
from tests.wire.golden import LINE
from tests.wire.visa2_batches import Detail, batch, detail, header, parameter, trailer
from tests.wire.visa2_tools import FRAMES, PAN_DIGITS

SALE = Detail("G4", PAN_DIGITS, 11, "123456", 1000)
BACK = Detail("G5", PAN_DIGITS, 12, "123457", 300)
LOAD = Detail("G6", PAN_DIGITS, 13, "123458", 5000)
UNDONE = Detail("G4", PAN_DIGITS, 14, "123459", 700, voided=True)
DETAILS = [SALE, BACK, LOAD, UNDONE]


def taken(records: list[bytes]) -> tuple[Capture, Rejection | None]:
    capture = Capture(VISA2, LINE)
    for record in records:
        wrong = capture.take(record.decode())
        if wrong:
            return capture, wrong
    return capture, None


def test_a_whole_batch_becomes_requests() -> None:
    capture, wrong = taken(batch(DETAILS))
    assert (wrong, capture.complete, capture.net, capture.records) == (None, True, 700, 7)
    begin, *uploads, end = capture.requests()
    assert (begin.message_class, begin.kind, begin.batch) == (MessageClass.NETWORK, Kind.CAPTURE, 17)
    assert [(one.kind, one.original_stan, one.approval, one.amount, one.upload_batch) for one in uploads] == [
        (Kind.GIFT_REDEEM, 11, "123456", 1000, 17),
        (Kind.GIFT_REFUND, 12, "123457", 300, 17),
        (Kind.GIFT_RELOAD, 13, "123458", 5000, 17),
    ]
    assert (end.message_class, end.kind, end.totals) == (
        MessageClass.SETTLEMENT, Kind.CAPTURE, (Total(1, 1000), Total(2, 5300), Total(), Total()),
    )  # fmt: skip
    assert begin.totals == end.totals
    assert end.acceptor is not None
    assert (end.acceptor.acquirer, end.acceptor.agent_bank, end.acceptor.agent_chain) == ("999995", "000000", "000000")


def test_every_device_industry_and_avs_result_of_the_lists_is_taken() -> None:
    devices, industries, results = "0OCDEIMPQRSZBGHJTWX ", "0ABDMFGHILOPR ", "0XYAWZNGRESBDMPCI12345678U "
    for device in devices:
        for industry in industries:
            assert taken([header(device=device + industry)])[1] is None
    for result in results:
        assert taken([header(), parameter(), detail(SALE).replace(b"1030150", f"103015{result}".encode())])[1] is None
    for time in (b"000000", b"235959"):
        assert taken([header(), parameter(), detail(SALE).replace(b"103015", time)])[1] is None


def test_counts_are_modulo_one_thousand() -> None:
    details = [Detail("G4", PAN_DIGITS, number, "123456", 5) for number in range(1, 1003)]
    capture, wrong = taken(batch(details))
    assert wrong is None
    assert capture.requests()[-1].totals == (Total(2, 5010), Total(), Total(), Total())


# fmt: off
WRONG = [
    ([parameter()],                                                      ("S", 1, "P", 5)),
    ([header(), detail(SALE)],                                           ("S", 2, "D", 5)),
    ([header(), parameter(), trailer([])],                               ("S", 3, "T", 5)),
    ([header(), header()],                                               ("S", 2, "H", 5)),
    (batch([UNDONE]),                                                    ("S", 4, "T", 5)),
    ([header(type_="0")],                                                ("E", 1, "H", 2)),
    ([header(type_="2")],                                                ("E", 1, "H", 2)),
    ([header(type_="9")],                                                ("E", 1, "H", 2)),
    ([header().replace(b".Z", b",Z")],                                   ("E", 1, "H", 3)),
    ([header().replace(b".Z", b".Y")],                                   ("E", 1, "H", 4)),
    ([header().replace(b"@@@@", b"@@ @")],                               ("E", 1, "H", 5)),
    ([header(), parameter("3")],                                         ("E", 2, "P", 2)),
    ([header(type_="3"), parameter("3"), detail(SALE)],                  ("E", 3, "D", 2)),
    ([b"K"],                                                             ("S", 1, " ", 5)),
    ([header(bin="99999x")],                                             ("E", 1, "H", 6)),
    ([header(number=0)],                                                 ("E", 1, "H", 17)),
    ([header(blocking="2")],                                             ("E", 1, "H", 18)),
    ([header(zone="808")],                                               ("E", 1, "H", 15)),
    ([header(date="1322")],                                              ("E", 1, "H", 16)),
    ([header(device="?R")],                                              ("E", 1, "H", 12)),
    ([header(device="E?")],                                              ("E", 1, "H", 12)),
    ([header(), parameter()[:-1]],                                       ("E", 2, "P", 13)),
    ([header(), parameter().replace(b"00000042", b"00000000")],          ("E", 2, "P", 13)),
    *(([header(), parameter(), detail(SALE).replace(b"103015", time)],   ("E", 3, "D", 17))
      for time in (b"240000", b"106000", b"103060", b"10301 ")),
    *(([header(), parameter(), detail(SALE).replace(b"1030150", b"103015" + avs)], ("E", 3, "D", 18))
      for avs in (b"?", b"9", b"V", b"x")),
    ([header(), parameter(), detail(SALE._replace(code="54"))],          ("E", 3, "D", 6)),
    ([header(), parameter(), detail(SALE._replace(code="G3"))],          ("E", 3, "D", 6)),
    ([header(), parameter(), detail(SALE._replace(pan="54997400X7"))],   ("E", 3, "D", 9)),
    ([header(), parameter(), detail(SALE._replace(sequence=0))],         ("E", 3, "D", 13)),
    ([header(), parameter(), detail(SALE).replace(b" 000000", b"X000000", 1)], ("E", 3, "D", 21)),
    ([header(), parameter(), detail(SALE) + b"x"],                       ("E", 3, "D", 5)),
]
# fmt: on


@pytest.mark.parametrize(("records", "why"), WRONG)
def test_the_first_record_that_is_wrong_rejects_the_batch(records: list[bytes], why: tuple[str, int, str, int]) -> None:
    capture, wrong = taken(records)
    assert wrong is not None
    assert wrong[:4] == why
    assert not capture.complete


@pytest.mark.parametrize(
    ("changes", "field", "data"),
    [
        ({"date": "1123"}, 6, "1123"),
        ({"batch": "018"}, 7, "018"),
        ({"count": "000000006"}, 8, "000000006"),
        ({"hash": "0" * 16}, 9, "0" * 16),
        ({"cash": f"{1:016d}"}, 10, f"{1:016d}"),
        ({"net": f"{1:016d}"}, 11, f"{1:016d}"),
        ({"net": f"{1:016d}", "hash": "0" * 16, "count": "0" * 9}, 8, "0" * 9),
    ],
)
def test_the_trailer_is_checked_field_by_field(changes: dict[str, str], field: int, data: str) -> None:
    capture, wrong = taken([*batch(DETAILS)[:-1], trailer(DETAILS, 17, "1", **changes)])
    assert wrong == Rejection("E", 7, "T", field, data)
    said = capture.rejected(wrong).decode()
    assert said == f"K1.ZR@@@@000000007{700:016d}RB00017E0007T{field:02d}{data:32}"


def test_the_settlement_responses_of_the_reference() -> None:
    """Its batch has six records and a net deposit of 35.84."""
    details = [
        Detail("G4", PAN_DIGITS, 1, "T00001", 4084),
        Detail("G4", PAN_DIGITS, 2, "T00002", 0),
        Detail("G5", PAN_DIGITS, 3, "T00003", 500),
    ]
    capture, _ = taken(batch(details))
    assert capture.good() == FRAMES["K7"].record
    assert capture.duplicate("1122") == FRAMES["K8"].record
    assert capture.rejected(Rejection("E", 4, "D", 9, "54997400000000X7")) == FRAMES["K9"].record


def test_a_rejection_says_nothing_that_is_no_character() -> None:
    capture = Capture(VISA2, LINE)
    wrong = capture.take("K1.Z\x02\x03\x04")
    assert wrong is not None
    assert capture.rejected(wrong)[34:].rstrip() == b"RB00000S0001?05"


def test_the_example_batch_is_rejected_for_what_we_do_not_offer() -> None:
    _, wrong = taken([FRAMES[name].record for name in ("K1", "K2", "K3")])
    assert wrong == Rejection("E", 3, "D", 6, "54")
