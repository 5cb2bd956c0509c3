"""Private tables, balances, amounts, masks, demo.json, the state file, slips and pasted messages."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from simulators.cards import CardWish, choose_card, find_cards
from simulators.cli import main
from simulators.codecs import DIALECTS, Dialect
from simulators.decode import decode_pasted
from simulators.demo import Demo, DemoError, load_demo
from simulators.describe import describe, mask_pan
from simulators.money import format_amount, parse_amount
from simulators.receipt import WIDTH, meaning, receipt_lines, title
from simulators.requests import build_reversal
from simulators.state import DEEDS_KEPT, Deed, StateFile
from simulators.tables import Balance, decode_balances, decode_tables, encode_tables
from simulators.terminal import Exchange
from simulators.wire import Message, WireError
from tests.simulators.conftest import PIN, PINNED_PAN, demo_content

# --- private tables and balances ---

NAC_TABLES = bytes.fromhex("0004 4350 5054 0008 5343 343832393135").decode("latin-1")
ASCII_TABLES = "CP002PTSC006482915"


@pytest.mark.parametrize(("dialect", "packed"), [("nac", NAC_TABLES), ("ascii", ASCII_TABLES)])
def test_tables_are_packed_as_the_page_says(dialect: Dialect, packed: str) -> None:
    assert encode_tables([("CP", "PT"), ("SC", PIN)], dialect) == packed
    assert decode_tables(packed, dialect) == {"CP": "PT", "SC": PIN}


def test_pieces_of_one_table_are_joined_in_order() -> None:
    assert decode_tables("29002ab29001c", "ascii") == {"29": "abc"}


names = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=2, max_size=2)


@given(st.dictionaries(names, st.text(st.characters(max_codepoint=255), max_size=50)), st.sampled_from(DIALECTS))
def test_tables_come_back_as_they_went(tables: dict[str, str], dialect: Dialect) -> None:
    assert decode_tables(encode_tables(tables.items(), dialect), dialect) == tables


@pytest.mark.parametrize("text", ["C", "CP", "CPx02PT", "CP003PT", "CP002PTS"])
def test_broken_tables_are_an_error(text: str) -> None:
    with pytest.raises(WireError):
        decode_tables(text, "ascii")


def test_balances_are_blocks_of_twenty() -> None:
    text = "6002949C000000007550" + "6002840D000000000001" + "6057949C000000010000"
    assert decode_balances(text) == [
        Balance("60", "02", "949", 7550), Balance("60", "02", "840", -1), Balance("60", "57", "949", 10000),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["6002949C00000000755", "6002949X000000007550", "6002949C00000000755X"])
def test_broken_balances_are_an_error(text: str) -> None:
    with pytest.raises(WireError):
        decode_balances(text)


# --- money ---

# fmt: off
AMOUNTS = [
    ("100",   "949", 10000,  "100.00 TRY"),
    ("99.9",  "978", 9990,   "99.90 EUR"),
    ("0,05",  "840", 5,      "0.05 USD"),
    ("1.234", "414", 1234,   "1.234 KWD"),
    ("500",   "392", 500,    "500 JPY"),
]
# fmt: on


@pytest.mark.parametrize(("text", "currency", "minor", "shown"), AMOUNTS)
def test_amounts_are_exact_in_every_exponent(text: str, currency: str, minor: int, shown: str) -> None:
    assert parse_amount(text, currency) == minor
    assert format_amount(minor, currency) == shown


@pytest.mark.parametrize(
    ("text", "currency"), [("1.5", "392"), ("0.001", "949"), ("-1", "949"), ("1e3", "949"), ("", "949"), ("٣", "949")]
)
def test_what_is_no_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"amount|decimals"):
        parse_amount(text, currency)


# --- masks ---


@pytest.mark.parametrize(
    ("pan", "shown"),
    [("9700000000000003310", "970000*********3310"), ("1234567890", "**********"), ("123456", "******")],
)
def test_a_card_number_shows_six_and_four_at_most(pan: str, shown: str) -> None:
    assert mask_pan(pan) == shown


SECRET = Message("0200", {
    2: PINNED_PAN, 34: PINNED_PAN, 35: f"{PINNED_PAN}D4912", 45: f"B{PINNED_PAN}^X", 52: "0123456789ABCDEF",
    53: "9876543210987654", 55: "5A08" + PINNED_PAN[:16],
})  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_secret_is_described(dialect: Dialect) -> None:
    tables = encode_tables([("SC", PIN), ("TO", PINNED_PAN), ("PH", "905551112233"), ("KY", "AABBCC")], dialect)
    for packed in (tables, tables + "?", "SC" + PIN):  # broken tables hide as much as whole ones
        for number in (48, 63):
            shown = str(describe(Message("0200", SECRET.fields | {number: packed}), dialect))
            for secret in (PINNED_PAN, PIN, "0123456789ABCDEF", "9876543210987654", PINNED_PAN[:16], "90555", "AABBCC"):
                assert secret not in shown


# --- demo.json and the cards in it ---


def test_the_demo_knows_its_terminals_and_products(demo: Demo) -> None:
    assert [one.terminal_id for one in demo.terminals_of("nac-tls")] == ["TN000001", "TN000002", "TN000003"]
    assert demo.terminal("M00000000000002/TA000001").listener == "ascii"
    assert demo.product(demo.gift_cards[0]).is_range
    assert demo.merchant_name("M00000000000001") == "Kelebek Kitap"


@pytest.mark.parametrize("content", ["{", "{}", '{"listeners": {"nac": "x"}}'])
def test_a_broken_demo_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "demo.json"
    path.write_text(content)
    with pytest.raises(DemoError, match=r"demo\.json"):
        load_demo(path)


def test_unknown_keys_of_a_newer_demo_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_text(json.dumps(demo_content() | {"loyalty_cards": []}))
    assert load_demo(path).listeners["nac"] == 1


def test_cards_are_chosen_by_what_they_are(demo: Demo) -> None:
    who = demo.terminals[0]
    assert choose_card(demo, CardWish(), who).pan.endswith("0200")
    assert choose_card(demo, CardWish(), who, 2).pan.endswith("0201")
    assert choose_card(demo, CardWish(pin=True), who).pan == PINNED_PAN
    assert choose_card(demo, CardWish(currency="other"), who).currency == "414"
    assert choose_card(demo, CardWish(currency="414"), who).currency == "414"
    assert len(find_cards(demo, CardWish(state="inactive"), who)) == 6
    assert len(find_cards(demo, CardWish(state="inactive", any_product=True), who)) == 7
    with pytest.raises(DemoError, match="0 cards that fit"):
        choose_card(demo, CardWish(min_balance=10**9), who)


def test_what_became_of_a_card_is_remembered(demo: Demo) -> None:
    who, state = demo.terminals[0], StateFile.beside(demo)
    card = choose_card(demo, CardWish(state="inactive"), who)
    state.remember_card(demo, card.pan, "active", 700)
    assert choose_card(demo, CardWish(), who).pan == card.pan
    assert choose_card(demo, CardWish(state="inactive"), who).pan != card.pan


# --- the state file ---


def test_counters_go_on_and_wrap(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.json")
    first = state.next_counters("m/t", receipt=True)
    assert (first.stan, first.receipt, first.batch) == ("000001", "000001", None)
    assert state.next_counters("m/t", receipt=False).receipt == "000001"
    assert state.take_stans("m/t", 999_990) == 3
    assert state.next_counters("m/t", receipt=False).stan == "999993"
    state.take_stans("m/t", 6)
    assert state.next_counters("m/t", receipt=False).stan == "000001"
    assert state.next_counters("m/other", receipt=False).stan == "000001"


def test_the_last_deeds_are_kept_and_an_answer_completes_its_request(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.json")
    for number in range(DEEDS_KEPT + 5):
        request = Message("0200", {11: f"{number:06d}"})
        state.remember("m/t", Deed("redeem", request))
        state.remember("m/t", Deed("redeem", request, "00", rrn=str(number)))
    deeds = state.read().terminal("m/t").deeds
    assert len(deeds) == DEEDS_KEPT
    assert deeds[-1].rrn == str(DEEDS_KEPT + 4)


def test_a_broken_state_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(DemoError, match="delete it"):
        StateFile(tmp_path / "state.json").read()


def test_the_reversal_of_a_cash_out_names_what_was_paid() -> None:
    request = Message("0200", {2: "9700000000000003310", 3: "016000", 11: "000001"})
    assert build_reversal(Deed("cash-out", request, "00", "000000002000")).get(4) == "000000002000"
    assert build_reversal(Deed("cash-out", request)).get(4) == "0" * 12


# --- the slip ---


def slip(demo: Demo, answer: dict[int, str] | None, kind: str = "redeem", asked: str = "000000005000") -> str:
    request = Message("0200", {2: PINNED_PAN, 4: asked, 11: "000007", 49: "949", 62: "000003"})
    exchange = Exchange(Deed(kind, request), request, None if answer is None else Message("0210", answer), "no answer")
    lines = receipt_lines(demo, demo.terminals[0], "nac", exchange, datetime(2026, 1, 2, 3, 4, 5))
    assert PINNED_PAN not in "".join(lines)
    return "\n".join(" ".join(line.split()) for line in lines)


def test_a_slip_in_two_currencies(demo: Demo) -> None:
    balances = "6002949C000000007550" + "6002414C000000000251"
    text = slip(
        demo, {4: "000000005000", 12: "235959", 13: "1231", 37: "600100000001", 38: "A1B2C3", 39: "00", 54: balances}
    )
    assert "2025-12-31 23:59:59" in text  # the nearest year, not this one
    assert "Balance 75.50 TRY\nBalance 0.251 KWD" in text
    assert "APPROVED\nRRN 600100000001\nApproval A1B2C3" in text


def test_a_slip_of_a_partial_approval(demo: Demo) -> None:
    text = slip(demo, {4: "000000003000", 39: "10", 54: "6002949C000000000000" + "6057949C000000005000"})
    assert "Amount 30.00 TRY\nAsked 50.00 TRY\nLEFT TO PAY 20.00 TRY" in text
    assert text.count("Balance") == 1


def test_a_slip_of_a_refusal_for_form_names_the_element(demo: Demo) -> None:
    assert "DECLINED (30: format error)\nWrong element 000004" in slip(demo, {38: "000004", 39: "30"})


def test_a_slip_without_an_answer(demo: Demo) -> None:
    assert "NO ANSWER" in slip(demo, None)


def test_texts_of_the_switch_are_printed(demo: Demo) -> None:
    thanks = "Teşekkürler\nYine bekleriz"
    table = encode_tables([("29", thanks.encode("cp1254").decode("latin-1"))], "nac")
    assert thanks in slip(demo, {39: "00", 63: table})


def test_lines_fit_the_printer(demo: Demo) -> None:
    request = Message("0200", {2: PINNED_PAN, 4: "000000005000", 11: "000007", 49: "949", 62: "000003"})
    exchange = Exchange(Deed("redeem", request), request, Message("0210", {39: "00", 37: "600100000001"}))
    lines = receipt_lines(demo, demo.terminals[0], "nac", exchange, datetime(2026, 1, 2, 3, 4, 5))
    assert max(len(line) for line in lines) <= WIDTH


def test_codes_and_kinds_have_words() -> None:
    assert meaning("51") == "not enough on the card"
    assert meaning("Q7") == "unknown response code"
    assert title("reversal void redeem") == "REVERSAL OF VOID OF GIFT CARD PAYMENT"


# --- pasted messages ---

E3 = (
    "0047 6000100000 0500 2020010000C00012 920000 000037 0010 3630303630303630 363030363030363030363030363030"
    "0006 303030303031 0015 303031303030303030303530303030"
)
E11 = (
    "01680200F2384001888080040000000006000000161111222233334444470040000001000000092510530800005217530809256010"
    "035030350318092500005211112222360004201811101150201041110110131374"
)


@pytest.mark.parametrize(
    ("text", "dialect", "notes"),
    [
        (E3, "nac", ["frame of 71 bytes", "TPDU 6000100000"]),
        (E3[5:], "nac", ["TPDU 6000100000"]),
        (E3[16:], "nac", []),
        (E3.replace(" ", "\n"), "nac", ["frame of 71 bytes", "TPDU 6000100000"]),
        (E11, "ascii", ["frame of 168 bytes"]),
        (E11[4:], "ascii", []),
        (E11.encode().hex(" "), "ascii", ["frame of 168 bytes"]),
    ],
)
def test_a_message_is_read_with_or_without_what_stands_before_it(text: str, dialect: Dialect, notes: list[str]) -> None:
    decoded = decode_pasted(text, dialect)
    assert decoded.notes == notes
    assert decoded.problem is None
    assert decoded.message
    assert decoded.message.get(11) == ("000037" if dialect == "nac" else "000052")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "nothing to decode"),
        ("0200 2", "half a byte at the end"),
        ("0200 xx", "not hexadecimal: a 'x' at byte 2"),
        (
            "6000100000 0200 2000000000000000 0060",
            "DE3 (processing code) is cut off: 3 bytes are needed, 2 are there, at byte 15 of 17",
        ),
        ("0047 6000100000 0200 2000000000000000 006000 FF", "1 bytes too many after the last element, at byte 20"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_pasted_message_is_said(text: str, problem: str) -> None:
    assert (decode_pasted(text, "nac").problem or "").startswith(problem)


def test_decode_reads_standard_input_and_shows_what_it_could() -> None:
    result = CliRunner().invoke(main, ["decode", "-"], input="0200 6000000000000000 16 4111111111111111 0060")
    assert result.exit_code == 2
    assert "411111******1111" in result.output
    assert "DE3 (processing code) is cut off" in result.output
    assert "4111111111111111" not in result.output
