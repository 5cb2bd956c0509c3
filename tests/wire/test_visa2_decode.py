"""`tillsim decode --dialect visa2`: every record, alone or as it went over a line, masked."""

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from simulators.cli import main
from simulators.visa2_describe import describe_pasted
from simulators.visa2_wire import even_parity
from terminals.visa2_frames import write_frame
from tests.wire.visa2_batches import Detail, batch
from tests.wire.visa2_tools import FRAMES, PAN_DIGITS


def decoded(text: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["decode", "--dialect", "visa2", text])
    return result.exit_code, result.output


def test_a_request_is_shown_field_by_field_and_masked() -> None:
    code, shown = decoded(FRAMES["G1"].plain.hex())
    assert code == 0
    for words in ("sequence number", "0010", "transaction code", "GC", "III 200", "no parity", "of a track hidden"):
        assert words in shown
    assert PAN_DIGITS not in shown
    keyed = decoded(FRAMES["B1"].plain.hex())[1]
    assert "411111******1111 keyed" in keyed
    assert "8320 85284" not in keyed


def test_a_response_in_even_parity_is_shown() -> None:
    frames = FRAMES["A2"]
    assert frames.even is not None
    code, shown = decoded(frames.even.hex(" "))
    assert (code, "even parity" in shown, "APPROVAL T00001" in shown) == (0, True, True)


@pytest.mark.parametrize("text", ["zz", "0", "", "02", "0244", "024430031F", FRAMES["G1"].plain.hex()[:-2] + "00"])
def test_what_is_no_frame_is_said_in_a_sentence(text: str) -> None:
    assert decoded(text)[0] == 2


@given(st.binary(max_size=120))
def test_any_bytes_are_rows_or_a_sentence(data: bytes) -> None:
    *whole, last = describe_pasted(data.hex())
    assert all((one.rows or one.heading) and one.problem is None for one in whole)
    assert bool(last.rows or last.heading) is (last.problem is None)


def session_of_a_batch() -> bytes:
    """The worked batch of the reference as it went over the line, both sides."""
    said = [b"\x05"]
    for place, name in enumerate(("K1", "K2", "K3", "K4", "K5")):
        said += [FRAMES[name].plain, b"\x07" if place % 2 else b"\x06"]
    return b"".join([*said, FRAMES["K6"].plain, b"\x12", FRAMES["K7"].plain, b"\x06\x04"])


@pytest.mark.parametrize("even", [False, True])
def test_a_whole_batch_is_shown_record_by_record(even: bool) -> None:
    session = even_parity(session_of_a_batch()) if even else session_of_a_batch()
    described = describe_pasted(session.hex())
    parity = "even parity" if even else "no parity"
    assert [one.heading.split(" of ")[0] for one in described] == [
        "ENQ", "record K", "ACK", "record K", "BEL", "record K", "ACK", "record K", "BEL", "record K", "ACK",
        "record K", "DC2", "record K", "ACK", "EOT",
    ]  # fmt: skip
    assert all(one.problem is None and (parity in one.heading or not one.rows) for one in described)
    named = [{name: value for _, name, value in one.rows} for one in described if one.rows]
    assert [one["record type, groups"][0] for one in named] == list("HPDDDTR")
    assert (named[0]["batch number"], named[1]["merchant name"].rstrip()) == ("017", "OPEN SWITCH TEST STORE")
    assert [one["settlement amount"] for one in named[2:5]] == ["000000001234", "000000002850", "000000000500"]
    assert named[2]["account number"] == "401200******5439"
    assert (named[5]["hashing total"], named[5]["net deposit"]) == ("0000000000004584", "0000000000003584")
    assert (named[6]["response code"], named[6]["response text"]) == ("GB", " ACCEPTED")
    code, shown = decoded(session.hex())
    assert code == 0
    assert "4012000098765439" not in shown


@pytest.mark.parametrize(("name", "rows"), [
    ("V1", {"acquirer BIN": "999995", "host message identifier": "00000001", "trace number": "000123"}),
    ("J1", {"transaction code": "54", "sequence number": "0001", "customer data": "444411******3333 keyed",
            "amount": "0000123", "device and industry": "ER", "secondary amount": "000"}),
    ("J2", {"store": "0001", "code": "00", "approval": "12AB45", "text": "APPROVAL 12AB45 ", "validation": "ABCD"}),
    ("K8", {"response code": "QD", "date of the batch held": "1122"}),
    ("K9", {"response code": "RB", "error type": "E", "record": "0004", "its letter": "D", "its field": "09",
            "what follows": "[16 characters hidden]"}),
    ("U1", {"response": None, "debit": "99999500000001000123V1122"}),
])  # fmt: skip
def test_a_record_says_what_it_holds(name: str, rows: dict[str, str | None]) -> None:
    (found,) = describe_pasted(FRAMES[name].plain.hex())
    (alone,) = describe_pasted(FRAMES[name].record.hex())
    assert found.rows == alone.rows
    shown = {label: value for _, label, value in found.rows}
    assert {label: shown.get(label) for label in rows} == rows


@pytest.mark.parametrize("name", FRAMES)
def test_every_example_is_described_in_either_parity(name: str) -> None:
    for data in (FRAMES[name].plain, even_parity(FRAMES[name].plain)):
        (found,) = describe_pasted(data.hex())
        assert found.rows
        assert found.problem is None


def test_what_follows_a_broken_frame_is_not_guessed() -> None:
    good = write_frame(batch([Detail("G4", PAN_DIGITS, 1, "004711", 100)])[0], 0x17)
    first, second = describe_pasted((good + good[:-1]).hex())
    assert first.rows
    assert (second.rows, (second.problem or "").partition(",")[0]) == ([], "no frame: STX")
    assert f"at byte {len(good)} of {2 * len(good) - 1}" in (second.problem or "")


@pytest.mark.parametrize("text", ["K1.ZI@@@@", "K1.ZH@@@@999", "V0.1", "J0.4", "Q0.1234", "A1234", "K"])
def test_a_record_that_is_none_is_said_so(text: str) -> None:
    (found,) = describe_pasted(text.encode().hex())
    assert found.problem
    assert found.rows == []
