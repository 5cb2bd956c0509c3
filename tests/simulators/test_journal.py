"""The terminal's own batch: what counts, what is owed, and that a power cut between any two messages loses nothing."""

import msgspec
import pytest

from simulators.demo import Demo, DemoVisa2
from simulators.expectations import Played, resolve_batch
from simulators.journal import Journal, Result
from simulators.journal_file import JournalFile
from simulators.requests import build_repeat, build_reversal
from simulators.totals import add_up, block_of, decode_totals, encode_totals, same_totals
from simulators.wire import Message, WireError
from tests.simulators.batch_tools import PAN, answer, request, rrn_of, trade, void

# --- totals ---


def test_totals_are_counts_and_amounts() -> None:
    assert decode_totals("001000000050000" * 2) == [(1, 50000), (1, 50000)]
    assert encode_totals([(1, 50000), (0, 0)]) == "001000000050000" + "0" * 15
    for wrong in ("", "00100000005000", "00100000005000x"):
        with pytest.raises(WireError):
            decode_totals(wrong)


def test_counts_are_modulo_one_thousand() -> None:
    assert encode_totals([(1001, 5)]) == "001000000000005"
    assert same_totals([(1001, 5)], [(1, 5)])
    assert not same_totals([(1, 5)], [(1, 6)])


@pytest.mark.parametrize(("code", "block"), [
    ("006000", 0), ("016000", 0), ("009000", 0), ("720060", 1), ("210060", 1), ("200060", 1), ("210090", 1),
    ("000090", 2), ("200090", 3), ("000091", 2),  # the sixth digit is a flow flag
    ("736000", None), ("026000", None), ("409090", None), ("720090", None), ("008000", None),
])  # fmt: skip
def test_each_transaction_has_its_block(code: str, block: int | None) -> None:
    assert block_of(code) == block
    counted = add_up([(code, 700), (code, 300)])
    assert counted == [(2, 1000) if place == block else (0, 0) for place in range(6)]


# --- what counts ---


def test_approved_amounts_count_and_refused_ones_do_not() -> None:
    journal = Journal(7)
    trade(journal, request("redeem", 1, 2500))
    trade(journal, request("redeem", 2, 9000), "10", de4="000000004000")  # approved in part
    trade(journal, request("redeem", 3, 100), "51")
    trade(journal, request("activate", 4), de4="000000010000")
    trade(journal, request("block", 5))
    assert journal.totals()[:2] == [(2, 6500), (1, 10000)]
    assert journal.owed == []


def test_what_is_undone_counts_nowhere_until_the_undoing_is_undone() -> None:
    journal = Journal(7)
    sale = request("redeem", 1, 2500)
    trade(journal, sale)
    undo = void(sale, rrn_of(sale.request), 2)
    trade(journal, undo)
    assert journal.totals()[0] == (0, 0)
    reversal = build_reversal(undo)
    assert journal.answered(reversal, answer(reversal)) is Result.DONE
    assert journal.totals()[0] == (1, 2500)
    reversal = build_reversal(sale)
    journal.answered(reversal, answer(reversal))
    assert journal.items == []


def test_a_void_names_its_original_by_rrn_else_the_newest_with_the_receipt() -> None:
    journal = Journal(7)
    one, two = request("redeem", 1, 100), request("redeem", 2, 200)
    two = msgspec.structs.replace(two, request=Message("0200", two.request.fields | {62: "000001"}))
    trade(journal, one)
    trade(journal, two)
    trade(journal, void(one, "", 3))  # both carry the same receipt number
    assert [item.voided_by for item in journal.items] == ["", "000003"]
    trade(journal, void(one, rrn_of(one.request), 4))
    assert [item.voided_by for item in journal.items] == ["000004", "000003"]


def test_a_repeat_that_is_answered_counts_once() -> None:
    journal = Journal(7)
    sale = request("redeem", 1, 2500)
    journal.leaving(sale)
    for _ in range(2):
        again = build_repeat(sale.request)
        journal.leaving(msgspec.structs.replace(sale, request=again))
        journal.answered(again, answer(again, de37="632600000001"))
    assert journal.totals()[0] == (1, 2500)
    assert journal.items[0].request.mti == "0200"
    assert journal.owed == []


# --- what is owed ---


def test_a_request_owes_its_reversal_until_it_is_answered() -> None:
    journal = Journal(7)
    sale = request("redeem", 1, 2500)
    journal.leaving(sale)
    (owed,) = journal.owed
    assert (owed.what, owed.attempts) == ("reversal", 0)
    reversal = build_reversal(sale)
    journal.leaving(msgspec.structs.replace(sale, request=reversal))
    assert owed.attempts == 1
    assert journal.answered(reversal, answer(reversal, "96")) is Result.UNDECIDED
    assert journal.owed
    assert journal.answered(reversal, answer(reversal, "58")) is Result.STOPPED
    assert journal.owed
    assert journal.answered(reversal, answer(reversal)) is Result.DONE
    assert not journal.owed
    assert not journal.items


@pytest.mark.parametrize("code", ["94", "96", "80"])
def test_a_repeat_refused_for_the_moment_says_nothing_about_the_first(code: str) -> None:
    journal = Journal(7)
    sale = request("redeem", 1, 2500)
    journal.leaving(sale)
    again = build_repeat(sale.request)
    assert journal.answered(again, answer(again, code)) is Result.UNDECIDED
    assert len(journal.owed) == 1
    assert journal.answered(again, answer(again, "51")) is Result.DECLINED
    assert journal.owed == []


def test_what_never_left_owes_nothing() -> None:
    journal = Journal(7)
    journal.leaving(request("redeem", 1, 2500))
    journal.never_left(request("redeem", 1, 2500).request)
    assert journal.owed == []


def test_an_advice_counts_at_once_and_is_owed_until_it_is_accepted() -> None:
    journal = Journal(7)
    done = request("advice-redeem", 1, 500)
    journal.store_advice(done)
    journal.leaving(request("redeem", 2, 100))
    assert journal.totals()[0] == (1, 500)
    first = journal.next_owed()
    assert first is not None
    assert first.what == "reversal", "reversals come first"
    assert journal.answered(done.request, answer(done.request, "91")) is Result.UNDECIDED
    journal.answered(done.request, answer(done.request, de37="632600000009"))
    assert [item.rrn for item in journal.items] == ["632600000009"]
    assert [owed.what for owed in journal.owed] == ["reversal"]


def test_a_refused_advice_is_no_claim_and_a_person_has_to_look() -> None:
    journal = Journal(7)
    done = request("advice-redeem", 1, 500)
    journal.leaving(done)
    assert journal.answered(done.request, answer(done.request, "12")) is Result.STOPPED
    assert not journal.items
    assert not journal.owed


# --- its end ---


def settlement(code: str, number: int = 7, stan: int = 90) -> Message:
    return Message("0500", {3: code, 11: f"{stan:06d}", 41: "TN000001", 60: f"{number:06d}", 63: "001000000002500"})


@pytest.mark.parametrize("code", ["920000", "960000", "940000"])
def test_a_closed_batch_begins_the_next(code: str) -> None:
    journal = Journal(7)
    trade(journal, request("redeem", 1, 2500))
    assert journal.answered(settlement(code), answer(settlement(code))) is Result.CLOSED
    assert (journal.number, journal.items) == (8, [])
    (closed,) = journal.closed
    assert (closed.number, closed.claimed[0], closed.answered, closed.cleared) == (
        7, (1, 2500), [(1, 2500)], code == "940000",
    )  # fmt: skip


def test_an_old_settlement_once_more_changes_nothing() -> None:
    journal = Journal(7)
    journal.answered(settlement("920000"), answer(settlement("920000")))
    trade(journal, request("redeem", 1, 2500))
    journal.answered(settlement("920000"), answer(settlement("920000")))
    assert (journal.number, len(journal.items), len(journal.closed)) == (8, 1, 1)


VISA2 = DemoVisa2("999995", "888000000001", "0001", "0005", "000000", "111111", "003", "5942")


@pytest.mark.parametrize(("numbers", "last"), [(None, 999_999), (VISA2, 999)], ids=["six digits", "VISA-2"])
def test_the_last_number_is_followed_by_the_first(demo: Demo, numbers: DemoVisa2 | None, last: int) -> None:
    """Whatever wrote the journal: what number is the last depends on the terminal alone."""
    file = JournalFile(demo, msgspec.structs.replace(demo.terminal("TN000001"), visa2=numbers))
    file.write(Journal(last - 1))
    for number in (last - 1, last):
        with file.change() as journal:
            assert journal.number == number
            journal.answered(settlement("920000", number), answer(settlement("920000", number)))
    assert file.read().batch == "000001"


def test_a_story_reckons_past_the_last_number() -> None:
    played = {"logon": Played("logon", Message("0800", {}))}
    assert [resolve_batch(number, played, "visa2") for number in ("999", "1000")] == ["000999", "000001"]
    assert resolve_batch("1000", played, "nac") == "001000"


def test_numbers_wrap_and_may_come_again() -> None:
    journal = Journal(999_999)
    for number in (999_999, 1):
        journal.answered(settlement("920000", number), answer(settlement("920000", number)))
    assert journal.number == 2
    journal.number = 1
    journal.answered(settlement("920000", 1), answer(settlement("920000", 1)))
    assert (journal.number, len(journal.closed)) == (2, 3)


@pytest.mark.parametrize(("code", "result"), [("80", Result.STOPPED), ("30", Result.STOPPED), ("96", Result.UNDECIDED)])
def test_other_answers_leave_the_batch_open(code: str, result: Result) -> None:
    journal = Journal(7)
    trade(journal, request("redeem", 1, 2500))
    before = msgspec.json.encode(journal)
    assert journal.answered(settlement("920000"), answer(settlement("920000"), code)) is result
    assert msgspec.json.encode(journal) == before


def test_totals_that_differ_begin_an_upload_of_everything_that_counts() -> None:
    journal = Journal(7)
    one, two = request("redeem", 1, 100), request("redeem", 2, 200)
    for deed in (one, two):
        trade(journal, deed)
    trade(journal, void(one, rrn_of(one.request), 3))
    assert journal.answered(settlement("920000"), answer(settlement("920000"), "95")) is Result.DIFFERS
    assert journal.uploading
    item = journal.next_upload()
    assert item is not None
    assert item.stan == "000002"
    upload = Message("0320", {3: "006000", 11: "000091", 60: "0200000002".ljust(22)})
    assert journal.answered(upload, answer(upload)) is Result.DONE
    assert journal.next_upload() is None


def test_a_trailer_told_95_ends_the_upload_without_a_close() -> None:
    journal = Journal(7, uploading=True)
    trade(journal, request("redeem", 1, 100))
    journal.items[0].uploaded = True
    assert journal.answered(settlement("960000"), answer(settlement("960000"), "95")) is Result.STOPPED
    assert not journal.uploading
    assert not journal.items[0].uploaded


def test_a_logon_tells_the_number() -> None:
    journal = Journal()
    logon = Message("0800", {3: "920000", 11: "000001", 41: "TN000001"})
    assert journal.answered(logon, answer(logon, de60="000012")) is Result.DONE
    assert journal.batch == "000012"


def test_a_journal_read_again_is_the_same_and_holds_no_pin() -> None:
    journal = Journal(7)
    trade(journal, request("redeem", 1, 100))
    journal.leaving(request("redeem", 2, 200))
    written = msgspec.json.encode(journal)
    assert msgspec.json.decode(written, type=Journal) == journal
    assert PAN.encode() in written
