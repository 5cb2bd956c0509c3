"""Section 1: frames, TPDU, keep-alives, many terminals on one line, and lines that end too early."""

from __future__ import annotations

import pytest

from tests.contract.client import Line, Message, encode, frame, keep_alive, pack_tables
from tests.contract.conftest import House
from tests.contract.till import BALANCE, REDEEM, Till


def framed(till: Till, message: Message) -> bytes:
    return frame(till.dialect, encode(till.dialect, message))


@pytest.fixture
def echo(till: Till) -> Message:
    return till.message("0800", "990000")


@pytest.mark.parametrize("tpdu", ["6000030000", "6001070366", "6012345678"])
def test_an_answers_tpdu_is_the_requests_with_the_addresses_swapped(nac_till: Till, tpdu: str) -> None:
    body = encode("nac", nac_till.message("0800", "990000"))
    with nac_till.new_line() as line:
        line.send_bytes(frame("nac", body, bytes.fromhex(tpdu)))
        line.receive(bytes.fromhex(tpdu[:2] + tpdu[6:] + tpdu[2:6]))


def test_an_empty_frame_is_a_keep_alive_without_an_answer(till: Till, echo: Message) -> None:
    with till.new_line() as line:
        line.send_bytes(keep_alive(till.dialect) * 30 + framed(till, echo) + keep_alive(till.dialect))
        assert line.receive()[11] == echo[11]
        till.ask(till.message("0800", "990000"), line).expect("00")


def test_several_messages_in_one_segment_are_all_answered(till: Till, card: str) -> None:
    requests = [till.message("0200", REDEEM, card, 10 + nth) for nth in range(5)]
    with till.new_line() as line:
        line.send_bytes(b"".join(framed(till, request) for request in requests))
        answers = {answer[11]: answer for answer in (line.receive() for _ in requests)}
    assert answers.keys() == {request[11] for request in requests}
    assert {answer.rc for answer in answers.values()} == {"00"}, answers
    assert till.balance(card) == 20_000 - 10 - 11 - 12 - 13 - 14


def test_a_message_may_arrive_one_byte_at_a_time(till: Till, card: str) -> None:
    request = till.message("0200", REDEEM, card, 40)
    with till.new_line() as line:
        for byte in framed(till, request):
            line.send_bytes(bytes([byte]))
        assert line.receive().rc == "00"
    assert till.balance(card) == 19_960


def test_a_frame_cut_across_two_segments_in_its_length_is_one_message(till: Till, echo: Message) -> None:
    data = framed(till, echo) + framed(till, till.message("0800", "990000"))
    with till.new_line() as line:
        for piece in (data[:1], data[1:40], data[40:]):
            line.send_bytes(piece)
        assert [line.receive().rc, line.receive().rc] == ["00", "00"]


def test_many_terminals_share_one_connection(house: House, till: Till) -> None:
    tills = house.tills[till.dialect]
    requests = [one.message("0800", "990000", more={11: f"{nth:06}"}) for nth in range(1, 9) for one in tills]
    with till.new_line() as line:
        line.send_bytes(b"".join(framed(till, request) for request in requests))
        answers = [line.receive() for _ in requests]
    wanted = sorted((request[41], request[11]) for request in requests)
    assert sorted((answer[41], answer[11]) for answer in answers) == wanted
    assert {answer.rc for answer in answers} == {"00"}


def test_two_terminals_spend_from_one_card_over_one_connection(till: Till, other_till: Till, card: str) -> None:
    requests = [one.message("0200", REDEEM, card, 3_000) for one in (till, other_till) * 4]
    with till.new_line() as line:
        line.send_bytes(b"".join(framed(till, request) for request in requests))
        codes = sorted(line.receive().rc for _ in requests)
    assert codes == ["00"] * 6 + ["51"] * 2
    assert till.balance(card) == 2_000


def test_a_terminal_may_use_two_connections_at_once(till: Till, card: str) -> None:
    with till.new_line() as first, till.new_line() as second:
        till.ask(till.message("0200", REDEEM, card, 100), first).expect("00")
        till.ask(till.message("0200", REDEEM, card, 200), second).expect("00")
        till.ask(till.message("0200", REDEEM, card, 300), first).expect("00")
    assert till.balance(card) == 19_400


def test_a_connection_for_every_message_is_as_good_as_one_for_all(till: Till, card: str) -> None:
    for _ in range(3):
        with till.new_line() as line:
            till.ask(till.message("0200", REDEEM, card, 100), line).expect("00")
    assert till.balance(card) == 19_700


def test_a_line_closed_before_the_answer_books_once_and_the_repeat_fetches_the_answer(till: Till, card: str) -> None:
    request = till.message("0200", REDEEM, card, 600)
    with till.new_line() as line:
        line.send(request)
    first = till.ask(request.but("0201")).expect("00")
    second = till.ask(request.but("0201")).expect("00")
    assert first.rrn == second.rrn, second.story()
    assert till.balance(card) == 19_400


def test_a_line_closed_before_the_answer_is_undone_by_its_reversal(till: Till, card: str) -> None:
    request = till.message("0200", REDEEM, card, 600)
    with till.new_line() as line:
        line.send(request)
    till.reverse(request).expect("00")
    till.ask(request.but("0201")).expect("94")
    assert till.balance(card) == 20_000


def test_a_frame_cut_off_in_the_middle_is_no_request(till: Till, card: str) -> None:
    data = framed(till, till.message("0200", REDEEM, card, 600))
    for end in (1, 3, 20, len(data) - 1):
        with till.new_line() as line:
            line.send_bytes(data[:end])
    assert till.balance(card) == 20_000


def test_an_answer_sent_by_mistake_is_dropped_and_the_line_stays(till: Till, card: str, echo: Message) -> None:
    with till.new_line() as line:
        for mti in ("0210", "0810", "0230", "0410", "0110"):
            line.send(till.message(mti, REDEEM, card, 100, {39: "00"}))
        line.send(echo)
        answer = line.receive()
        assert (answer.mti, answer[11]) == ("0810", echo[11]), answer
    assert till.balance(card) == 20_000


BAD_TPDUS = {
    "not_60": frame("nac", bytes.fromhex("0800 2000000000000000 990000"), bytes.fromhex("6800030000")),
    "nothing_after_it": frame("nac", b""),
}


@pytest.mark.parametrize("bad", BAD_TPDUS.values(), ids=BAD_TPDUS.keys())
def test_nine_bad_tpdus_are_forgiven_and_ten_in_a_row_close_the_line(nac_till: Till, bad: bytes) -> None:
    with nac_till.new_line() as line:
        for _ in range(2):  # a good frame between them begins the count again
            line.send_bytes(bad * 9)
            nac_till.ask(nac_till.message("0800", "990000"), line).expect("00")
        assert line.is_closed_after(bad * 10)


def test_a_frame_over_the_limit_closes_the_line(till: Till) -> None:
    with till.new_line() as line:
        assert line.is_closed_after(b"\x10\x01" if till.dialect == "nac" else b"4097")


def test_a_large_frame_within_the_limit_is_answered(till: Till, card: str) -> None:
    table = pack_tables(till.dialect, [("ZZ", "z" * 990)])
    more: dict[int, str | None] = {61: "x" * 999, 47: "y" * 999, 63 if till.dialect == "nac" else 48: table}
    till.do(REDEEM, card, 10, more).expect("00")


def test_an_ascii_length_that_is_no_number_closes_the_line(house: House) -> None:
    with house.till("ascii").new_line() as line:
        assert line.is_closed_after(b"00G4ABCD")


@pytest.mark.parametrize("dialect_of_stranger", ["http", "tls", "zeros", "noise"])
def test_a_stranger_on_one_line_disturbs_nobody_on_another(till: Till, card: str, dialect_of_stranger: str) -> None:
    words = {
        "http": b"GET / HTTP/1.1\r\nHost: switch\r\n\r\n",
        "tls": bytes.fromhex("16030100c8010000c40303") + bytes(189),
        "zeros": bytes(5_000),
        "noise": bytes(range(256)) * 20,
    }[dialect_of_stranger]
    with Line(till.dialect, till.port) as stranger, Line(till.dialect, till.port) as half_open:
        half_open.send_bytes(framed(till, till.message("0100", BALANCE, card))[:10])
        stranger.send_bytes(words)
        till.do(REDEEM, card, 10).expect("00")
