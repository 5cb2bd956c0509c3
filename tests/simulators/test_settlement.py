"""A settlement, message by message: what is said in which order, on which line, and how it goes on after a stop."""

import msgspec
import pytest

from simulators.codecs import DIALECTS, Dialect
from simulators.describe import describe
from simulators.journal import Journal, Result
from simulators.settlement import Habits, Said, build_settlement, build_upload, settle
from simulators.tables import find_tables
from simulators.wire import Message, decode, encode
from tests.simulators.batch_tools import NOON, PAN, WHO, Answering, Talker, answer, request, rrn_of, trade, void

S1_TOTALS = "001000000050000"


def always(message: Message) -> Message:
    return answer(message)


def differs_then_accepts(message: Message) -> Message:
    return answer(message, "95" if message.get(3) == "920000" and message.mti == "0500" else "00")


def said_codes(talker: Talker) -> list[str]:
    return [f"{message.mti} {message.get(3)}" for message in talker.said]


async def play(journal: Journal, answering: Answering, *, clear: bool = False) -> tuple[Talker, list[Said]]:
    talker = Talker(journal, answering)
    return talker, await settle(talker, Habits(), clear=clear)


def three_sales() -> Journal:
    journal = Journal(7)
    for stan in (1, 2, 3):
        trade(journal, request("redeem", stan, 100 * stan))
    return journal


# --- the messages ---


def test_a_settlement_is_that_of_the_field_samples() -> None:
    """E3 of the reference, with our terminal's name and time."""
    message = build_settlement(WHO, "920000", 1, [(1, 50000)], "000037", NOON)
    assert message.fields[63] == S1_TOTALS
    sample = Message("0500", {n: text for n, text in message.fields.items() if n not in (12, 13)})
    assert encode(sample, "nac") == bytes.fromhex(
        "0500 2020010000C00012 920000 000037 0010 544E303030303031 4D3030303030303030303030303031"
        "0006 303030303031 0015 303031303030303030303530303030"
    )
    assert build_settlement(WHO, "940000", 1, None, "000037", NOON).get(63) == ""


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("blocks", [1, 2, 4, 6])
def test_settlements_are_read_as_they_were_written(dialect: Dialect, blocks: int) -> None:
    message = build_settlement(WHO, "960000", 999_999, [(999, 10**12 - 1)] * blocks, "000001", NOON)
    assert decode(encode(message, dialect), dialect).fields[63] == "999999999999999" * blocks


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_upload_names_its_original_and_carries_its_fields(dialect: Dialect) -> None:
    journal = Journal(7)
    sale = request("redeem", 11, 9000)
    trade(journal, sale, "10", de4="000000004000", de38="A00011")
    upload = build_upload(WHO, "nac", journal.items[0], "000042", batch="000007", more=True)
    assert upload.mti == "0320"
    told = {2: PAN, 3: "006001", 4: "000000004000", 11: "000042", 12: "120000", 13: "1122", 22: "000", 24: "010"}
    told |= {25: "00", 37: "632600000011", 38: "A00011", 41: WHO.terminal_id, 42: WHO.merchant_id, 49: "949"}
    told |= {60: "0200000011632600000011", 62: "000011"}
    assert {n: text for n, text in upload.fields.items() if n != 63} == told
    assert find_tables(upload, "nac") == {"37": "000007"}
    as_sent = Message("0320", {n: text for n, text in upload.fields.items() if n != 63})
    assert decode(encode(as_sent, dialect), dialect).get(60) == "0200000011632600000011"


def test_an_upload_without_rrn_has_spaces_and_the_last_one_says_so() -> None:
    journal = Journal(7)
    trade(journal, request("redeem", 11, 9000))
    upload = build_upload(WHO, "nac", journal.items[0], "000042", batch=None, more=False, names_rrn=False)
    assert (upload.get(3), upload.get(60), upload.get(37)) == ("006000", "0200000011" + " " * 12, "")
    assert 63 not in upload.fields


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_message_of_a_settlement_is_told_part_by_part(dialect: Dialect) -> None:
    rows = describe(Message("0500", {60: "000001", 63: S1_TOTALS + "0" * 75}), dialect)
    assert ("", "redeemed", "1 times, 50000 minor units") in rows
    assert [name for mark, name, _ in rows if not mark] == [
        "redeemed", "loaded", "sales", "returns", "block 5", "block 6",
    ]  # fmt: skip
    rows = describe(Message("0320", {60: "0200000011632600000011"}), dialect)
    assert ("", "original STAN", "000011") in rows
    assert ("", "original RRN", "632600000011") in rows
    assert ("", "original RRN", "not told") in describe(Message("0320", {60: "0200000011".ljust(22)}), dialect)
    assert ("", "original amount", "000000100000") in describe(Message("0200", {60: "000000100000"}), dialect)
    assert ("", "cannot be read") in [row[:2] for row in describe(Message("0500", {63: "12"}), dialect)]


# --- the order ---


async def test_totals_that_agree_close_with_one_message() -> None:
    talker, _ = await play(three_sales(), always)
    assert said_codes(talker) == ["0500 920000"]
    assert talker.said[0].get(63) == "003000000000600" + "0" * 45
    assert talker.journal.number == 8


async def test_told_95_everything_is_uploaded_then_closed() -> None:
    talker, said = await play(three_sales(), differs_then_accepts)
    assert said_codes(talker) == ["0500 920000", "0320 006001", "0320 006001", "0320 006000", "0500 960000"]
    assert len({message.get(11) for message in talker.said}) == 5, "each has a STAN of its own"
    assert said[-1].result is Result.CLOSED
    assert talker.journal.closed[0].uploaded


async def test_what_is_owed_comes_before_the_settlement() -> None:
    journal = three_sales()
    journal.store_advice(request("advice-redeem", 4, 50))
    journal.leaving(request("reload", 5, 1000))
    talker, _ = await play(journal, always)
    assert said_codes(talker) == ["0400 210060", "0220 006000", "0500 920000"]
    assert talker.said[-1].get(63) == "004000000000650" + "0" * 45


async def test_a_batch_without_a_number_asks_for_it_first() -> None:
    talker, _ = await play(Journal(), lambda message: answer(message, de60="000031"))
    assert said_codes(talker) == ["0800 920000", "0500 920000"]
    assert talker.said[1].get(60) == "000031"
    assert talker.journal.number == 32


async def test_a_clear_needs_no_upload() -> None:
    journal = three_sales()
    journal.uploading = True
    talker, _ = await play(journal, always, clear=True)
    assert said_codes(talker) == ["0500 940000"]
    assert talker.journal.closed[0].cleared


# --- stops, and going on ---


@pytest.mark.parametrize("lost", range(1, 7))
async def test_each_message_is_sent_again_if_its_answer_is_lost(lost: int) -> None:
    """And whatever was said before is not said once more."""
    said_before = []

    def line(message: Message) -> Message | None:
        said_before.append(message)
        return None if len(said_before) == lost else differs_then_accepts(message)

    journal = three_sales()
    journal.leaving(request("reload", 5, 1000))
    talker, said = await play(journal, line)
    codes = ["0400 210060", "0500 920000", "0320 006001", "0320 006001", "0320 006000", "0500 960000"]
    again = codes[lost - 1].replace("0400", "0401")
    assert said_codes(talker) == [*codes[:lost], again, *codes[lost:]]
    assert said[-1].result is Result.CLOSED


class PowerCut(Exception):
    pass


@pytest.mark.parametrize("before_the_answer", [True, False])
@pytest.mark.parametrize("cut", range(1, 6))
async def test_a_power_cut_between_any_two_messages_is_gone_on_after(cut: int, before_the_answer: bool) -> None:
    """The journal as it was on disk when the message had left, or when its answer had been written."""
    journal = three_sales()
    journal.leaving(request("reload", 5, 1000))
    talker = Talker(journal, differs_then_accepts)

    def line(message: Message) -> Message:
        if len(talker.said) == (cut if before_the_answer else cut + 1):
            raise PowerCut
        return differs_then_accepts(message)

    talker.answering = line
    with pytest.raises(PowerCut):
        await settle(talker, Habits())
    kept = msgspec.json.decode(msgspec.json.encode(talker.journal), type=Journal)
    later, said = await play(kept, differs_then_accepts)
    assert said[-1].result is Result.CLOSED
    assert later.journal.number == 8
    assert later.journal.closed[0].claimed[0] == (3, 600)
    uploads = [message.get(60) for message in [*talker.said, *later.said] if message.mti == "0320"]
    assert len(set(uploads)) == 3
    assert len(uploads) <= 4, "only the one whose answer was lost is sent again"


async def test_three_lost_answers_stop_it_for_now() -> None:
    talker, said = await play(three_sales(), lambda message: None)
    assert said_codes(talker) == ["0500 920000"] * 3
    assert said[-1].result is None
    assert talker.journal.number == 7


async def test_an_unanswered_reversal_holds_the_settlement_back() -> None:
    journal = three_sales()
    journal.leaving(request("reload", 5, 1000))
    talker, _ = await play(journal, lambda message: None)
    assert said_codes(talker) == ["0400 210060", "0401 210060", "0401 210060"]


@pytest.mark.parametrize("code", ["80", "30", "58"])
async def test_a_refused_settlement_stops_at_once(code: str) -> None:
    talker, said = await play(three_sales(), lambda message: answer(message, code))
    assert [one.result for one in said] == [Result.STOPPED]
    assert talker.journal.totals()[0] == (3, 600)


async def test_voided_records_are_not_uploaded() -> None:
    journal = three_sales()
    sale = request("redeem", 2, 200)
    trade(journal, void(sale, rrn_of(sale.request), 4))
    talker, _ = await play(journal, differs_then_accepts)
    assert [message.get(60)[4:10] for message in talker.said if message.mti == "0320"] == ["000001", "000003"]
