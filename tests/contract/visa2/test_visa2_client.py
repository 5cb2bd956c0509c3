"""The tests' own VISA-2 client by itself: it must write and read what is published before it may judge anyone."""

from __future__ import annotations

import pytest

from tests.contract.client import WireError
from tests.contract.visa2.capture import Item, Record, batch_records, read_settled
from tests.contract.visa2.link import ETB, ETX, FS, damaged, framed, lrc, shown, with_even_parity
from tests.contract.visa2.records import (
    Numbers,
    Request,
    confirmation,
    j_record,
    keyed,
    read_j_reply,
    read_reply,
    request,
    track_2,
)

# The worked examples of the reference, section 6: record, how it ends, LRC without and with parity.
PLACE = "OPEN SWITCH TEST STORE   SAN RAMON    CA"
A1 = (
    "D0.99999588800000000100010002DR84084094546    007085999Y000154@D4012000098765439=20121011796251900000"
    f"{FS * 3}1234{FS * 3}{PLACE}{FS * 3}020000000T001{FS * 2}"
)
U1 = "U0.N000100025000300T00003112226103200APPROVAL T00003 0632618000004 "
# fmt: off
FRAMES = [
    ("A1", A1, ETX, 0x0A, 0x0A, 172),
    ("A3", f"E0. 000100025000151      112226103015DECLINE         0632618000002 {FS * 2}020", ETX, 0x0D, 0x8D, 75),
    ("U1", f"{U1}{FS * 2}99999500000001000123V1122{FS}020",
     ETX, 0x59, 0x59, 101),
    ("V1", "V0.99999500000001000123", ETX, 0x46, 0xC6, 26),
    ("K1", "K1.ZH@@@@99999500000000000088800000000100010002DF8400070811220170", ETB, 0x50, 0x50, 68),
    ("K6", "K1.ZT@@@@1122017000000006000000000000458400000000000000000000000000003584", ETX, 0x5E, 0xDE, 76),
]
# fmt: on


@pytest.mark.parametrize(
    ("record", "end", "plain", "even", "size"), [row[1:] for row in FRAMES], ids=[row[0] for row in FRAMES]
)
def test_a_frame_has_the_published_lrc_in_both_parities(
    record: str, end: int, plain: int, even: int, size: int
) -> None:
    frame = framed(record, end)
    assert (len(frame), frame[0], frame[-1]) == (size, 0x02, plain)
    assert framed(record, end, even=True)[0] == 0x82
    assert framed(record, end, even=True)[-1] == even
    assert lrc(frame[1:-1]) == plain != damaged(frame)[-1]


def test_even_parity_is_as_published() -> None:
    assert with_even_parity(b"D0.9") == bytes.fromhex("44302e39")
    assert with_even_parity(b"K1.ZH@") == bytes.fromhex("4bb12e5a48c0")
    assert with_even_parity(bytes([0x02, 0x04, 0x15, 0x07, 0x10])) == bytes.fromhex("8284958790")


def test_a_request_is_written_as_published() -> None:
    numbers = Numbers("999995", "888000000001", "0001", "0002", "000000", "111111", "708", "5999")
    # fmt: off
    fields = {
        1: "D", 2: "0", 3: ".", 4: numbers.acquirer_bin, 5: numbers.merchant_number, 6: numbers.store_number,
        7: numbers.terminal_number, 8: "D", 9: "R", 10: "840", 11: "840", 12: "94546    ", 13: "00", 14: "708",
        15: "5999", 16: "Y", 17: "0001", 18: "54", 19: "@", 20: "D", 21: "4012000098765439=20121011796251900000",
        22: "", 23: "", 24: "1234", 25: "", 26: "", 27: PLACE, 28: "", 29: "",
    }
    # fmt: on
    made = Request(fields, blocks=(f"020000000T001{FS * 2}",))
    assert made.text() == A1
    debit = made.but(f1="T", f16="N", f17="0003", f18="93", f19="K", f22="8F2A6B1C0D4E5F60FFFF9876543210E0", f24="2000")
    debit = Request({**debit.but(f25="500").fields}, ["", "V", "", "0000000000000170"], made.blocks)
    assert (len(framed(debit.text())), framed(debit.text())[-1]) == (228, 0x63)


def test_a_j_record_is_written_as_published() -> None:
    numbers = Numbers("401205", "123456789012", "0001", "0001", "", "", "108", "5999")
    account = keyed("4444111122223333", "0496")[:-1]  # a J record has one FS fewer after the expiry
    made = j_record(numbers, "54", account, "0000123", sequence="0001", source="T")
    published = (
        f"J0.401205123456789012000100015999840945461085412345678Y0001@T{account}{FS * 2}0000123{FS}ER{FS * 2}000{FS}"
    )
    assert len(made) == len(published)
    assert made.split(FS)[1:3] == published.split(FS)[1:3]
    assert framed(published)[-1] == 0x21


def test_responses_are_read_as_published() -> None:
    reply = read_reply(
        "E0.N000100025001110G00011112226110105PARTIAL APPROVAL0632619000011 "
        f"{FS * 2}020\x1d200000000000000{FS}000000005000{FS}"
    )
    assert (reply.rc, reply.sequence, reply.approval, reply.rrn) == ("10", "0011", "G00011", "632619000011")
    assert (reply.text, reply.gift, reply.blocks["020"]) == ("PARTIAL APPROVAL", (0, 5_000), "")
    debit = read_reply(FRAMES[2][1])
    assert confirmation(debit) == "V0.99999500000001000123"
    assert debit.original == "T00003112226103200632618000004"
    j = read_j_reply(f"A00010001500010012AB45111992APPROVAL 12AB45 0123456789012345{FS}ABCD{FS}")
    assert (j.rc, j.approval, j.date, j.text) == ("00", "12AB45", "111992", "APPROVAL 12AB45 ")
    for record in ("E0.N0001", FRAMES[1][1].replace(FS, ""), f"{FRAMES[1][1]}200"[:-10]):
        with pytest.raises(WireError):
            read_reply(record)


def test_a_batch_is_written_and_its_answer_read_as_published() -> None:
    numbers = Numbers("999995", "888000000001", "0001", "0002", "000000", "000000", "708", "5999")
    items = [Item("G4", "9900100000000000000", "0001", 1_234), Item("G4", "9900100000000000000", "0004", 2_850)]
    records = batch_records(numbers, "017", [*items, Item("G5", "9900100000000000000", "0005", 500)], date="1122")
    assert [len(record.text()) for record in records] == [65, 78, 108, 108, 108, 73]
    assert records[-1].text() == FRAMES[-1][1]
    header = records[0].but(f12="DF", f13="840")
    assert header.text() == FRAMES[-2][1]
    good = read_settled("K1.ZR@@@@0000000060000000000003584GB00017 ACCEPTED                ")
    assert (good.received, good.net, good.code, good.batch) == (6, 3_584, "GB", "017")
    held = read_settled("K1.ZR@@@@0000000060000000000003584QD000171122                     ")
    assert (held.code, held.held_since) == ("QD", "1122")
    bad = read_settled("K1.ZR@@@@0000000060000000000003584RB00017E0004D0954997400000000X7                ")
    assert (bad.error, bad.data.strip()) == (("E", "0004", "D", "09"), "54997400000000X7")
    with pytest.raises(WireError):
        read_settled("K1.ZR@@@@0000000060000000000003584GB00017")


def test_a_failing_test_never_shows_a_card_number_or_a_pin() -> None:
    numbers = Numbers("999995", "888000000001", "0001", "0002", "000000", "111111", "708", "5999")
    pan, pin = "9900101234567890123", "4321"
    asked = request(numbers, "G4", track_2(pan), 100, sequence="0001", blocks=[f"902{pin}{FS}"]).but(pan=pan, f22=pin)
    assert pan in asked.text()
    assert pin in asked.text()
    assert "1234567890" not in repr(asked)
    assert pin not in repr(asked)
    text = shown(Record("D", {**batch_records_detail(), 9: "9900101234567890123".ljust(22)}).text())
    assert "1234567890" not in text


def batch_records_detail() -> dict[int, str]:
    return dict(Item("G4", "9900101234567890123", "0001", 1).record("1").fields)
