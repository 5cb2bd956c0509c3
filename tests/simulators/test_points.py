"""Points at the simulated till: its own tables, its commands, its slips, and what a story may say of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.codecs import DIALECTS, Dialect
from simulators.demo import Demo, DemoError
from simulators.describe import describe
from simulators.expectations import Played, resolve
from simulators.point_tables import (
    BasketLine,
    Points,
    Returned,
    basket_total,
    decode_basket,
    decode_points,
    decode_return,
    decode_tenders,
    encode_basket,
    encode_tenders,
    parse_basket,
    parse_tender,
)
from simulators.references import parse_reference
from simulators.tables import encode_tables, find_tables, tables_element
from simulators.wire import Message, WireError
from tests.simulators.test_cli import tillsim
from tests.simulators.toy_switch import ToySwitch

# --- tables ---

# fmt: off
BASKETS: list[tuple[str, list[BasketLine], str, int]] = [
    # typed                    read                                                     sent                 comes to
    ("coffee,2,12.50,food",    [BasketLine("coffee", "2", 1250, "food")],               "coffee,2,1250,food", 2500),
    ("milk,1.5,6",             [BasketLine("milk", "1.5", 600)],                        "milk,1.5,600,",       900),
    ("tea,0.125,80,",          [BasketLine("tea", "0.125", 8000)],                      "tea,0.125,8000,",    1000),
    ("a,1,1;b,1,2",            [BasketLine("a", "1", 100), BasketLine("b", "1", 200)],  "a,1,100,;b,1,200,",   300),
    ("a,1.5,0.01;b,0.5,0.01",  [BasketLine("a", "1.5", 1), BasketLine("b", "0.5", 1)],  "a,1.5,1,;b,0.5,1,",     2),
]
# fmt: on


@pytest.mark.parametrize(("typed", "lines", "sent", "total"), BASKETS)
def test_a_basket_as_it_is_typed_and_sent(typed: str, lines: list[BasketLine], sent: str, total: int) -> None:
    assert parse_basket(typed, "949") == lines
    assert encode_basket(lines) == sent
    assert decode_basket(sent) == lines
    assert basket_total(lines) == total


@pytest.mark.parametrize(
    "typed", ["coffee", "coffee,2", ",2,5", "coffee,x,5", "coffee,1.2345,5", "coffee,2,5,x,y", ";"]
)
def test_what_is_no_basket_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not a line of a basket"):
        parse_basket(typed, "949")


def test_a_basket_of_half_a_minor_unit_needs_its_amount_said() -> None:
    with pytest.raises(ValueError, match="--amount"):
        basket_total([BasketLine("a", "0.5", 1)])


@pytest.mark.parametrize(
    ("typed", "tender"),
    [("points=25", ("points", 2500)), ("P=25", ("points", 2500)), ("other=0.05", ("other", 5)), ("G=1", ("gift", 100))],
)
def test_a_tender_as_it_is_typed(typed: str, tender: tuple[str, int]) -> None:
    assert parse_tender(typed, "949") == tender
    assert decode_tenders(encode_tenders([tender])) == [tender]


@pytest.mark.parametrize("typed", ["points", "cash=5", "=5", "points=", "points=x"])
def test_what_is_no_tender_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_tender(typed, "949")


def test_points_and_returns_as_the_page_has_them() -> None:
    assert decode_points("00000001000000000005D00000000750000000040261231") == Points(100, 5, -75, 40, "261231")
    assert decode_return("000000000500000000002050") == Returned(500, 2050)


@pytest.mark.parametrize("data", ["", "0" * 47, "0" * 20 + "C" + "0" * 25, "0" * 20 + "C" + "0" * 27, "x" * 47])
def test_broken_tables_of_points_are_an_error(data: str) -> None:
    for decode in (decode_points, decode_return):
        with pytest.raises(WireError):
            decode(data)


@pytest.mark.parametrize("data", ["A,1,1", "A,1,x,food", ";", "G,1"])
def test_a_broken_basket_is_an_error(data: str) -> None:
    with pytest.raises(WireError):
        decode_basket(data)


@pytest.mark.parametrize("data", ["G", "X,1", "G,1;", "G,x"])
def test_broken_tenders_are_an_error(data: str) -> None:
    with pytest.raises(WireError):
        decode_tenders(data)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_trace_shows_the_parts_of_every_table(dialect: Dialect) -> None:
    tables = [
        ("BK", "8690,2,1275,food;PEN,1,50,"),
        ("TD", "P,500;O,2100"),
        ("PT", "00000001000000000005C00000011200000000040261231"),
        ("RT", "000000000500000000002050"),
        ("TO", "9711000000000001"),
        ("PH", "905320000017"),
    ]
    message = Message("0200", {tables_element(dialect): encode_tables(tables, dialect)})
    shown = [row[1:] for row in describe(message, dialect)]
    for row in (
        ("8690", "2 at 1275, food"),
        ("PEN", "1 at 50, no group"),
        ("points", "500"),
        ("other", "2100"),
        ("earned, or taken back", "100"),
        ("redeemed, or given back", "5"),
        ("available", "1120"),
        ("expiring on 2026-12-31", "40"),
        ("worth of points given back", "500"),
        ("for the till to pay out", "2050"),
        ("other card of a transfer", "971100******0001"),
        ("phone number", "********0017"),
    ):
        assert row in shown


def test_a_trace_says_what_cannot_be_read() -> None:
    message = Message("0210", {63: encode_tables([("PT", "x")], "nac")})
    assert ("", "cannot be read", "table PT is not made of counts around C or D, and a date") in describe(
        message, "nac"
    )


# --- commands ---

ROWS = [
    (["sale", "--amount", "100"], "0200", "000090", "Points earned"),
    (["redeem", "--amount", "5"], "0200", "009000", "Points redeemed"),
    (["balance"], "0100", "319000", "Balance"),
    (["preview", "--amount", "100"], "0100", "000090", "Points earned"),
    (["transfer", "--amount", "20"], "0200", "409090", "20 points"),
    (["purchase", "--amount", "5"], "0200", "210090", "Points earned"),
    (["enrol", "--phone", "905320000017"], "0200", "720090", "LOYALTY CARD ENROLMENT"),
    (["block"], "0200", "739000", "LOYALTY CARD BLOCKED"),
]


@pytest.mark.parametrize("listener", ["nac", "ascii"])
@pytest.mark.parametrize(("command", "mti", "code", "said"), ROWS, ids=[row[0][0] for row in ROWS])
def test_every_row_has_its_command(
    switch: ToySwitch, listener: str, command: list[str], mti: str, code: str, said: str
) -> None:
    result = tillsim(switch, "points", *command, "--listener", listener)
    assert result.exit_code == 0, result.output
    assert (switch.requests[-1].mti, switch.requests[-1].get(3)) == (mti, code)
    assert "APPROVED" in result.output
    assert said in result.output


def test_a_sale_carries_what_was_typed_and_its_slip_tells_the_points(switch: ToySwitch) -> None:
    basket = ["--basket", "8690,2,12.50,food;PEN,1,5", "--basket", "BAG,1,0.50"]
    tenders = ["--tender", "points=10", "--tender", "other=20.50"]
    result = tillsim(switch, "points", "sale", *basket, *tenders, "--receipt", "77")
    assert result.exit_code == 0, result.output
    request = switch.requests[-1]
    assert (request.get(4), request.get(62), request.get(49)) == ("000000003050", "000077", "949")
    tables = find_tables(request, "nac")
    assert tables["BK"] == "8690,2,1250,food;PEN,1,500,;BAG,1,50,"
    assert tables["TD"] == "P,1000;O,2050"
    for line in ("Amount                         30.50 TRY", "Points earned                          6"):
        assert line in result.output
    assert "Balance                      5006 points" in result.output


def test_a_return_takes_back_and_gives_back_and_pays_out(switch: ToySwitch) -> None:
    paid = json.loads(tillsim(switch, "points", "redeem", "--amount", "10", "--json").output)
    sale = ["--amount", "40", "--tender", "points=10", "--tender", "other=30", "--receipt", paid["receipt"]]
    sold = json.loads(tillsim(switch, "points", "sale", *sale, "--json").output)
    assert sold["points"] == {"earned": 9, "redeemed": 0, "available": 4809, "expiring": 0, "expires_on": "000000"}
    result = tillsim(switch, "points", "return", "--amount", "40", "--rrn", sold["rrn"])
    assert result.exit_code == 0, result.output
    for name, value in (
        ("Points taken back", "9"),
        ("Points given back", "200"),
        ("Worth of points given back", "10.00 TRY"),
        ("PAY OUT", "30.00 TRY"),
        ("Balance", "5000 points"),
    ):
        lines = [line for line in result.output.splitlines() if line.startswith(name)]
        assert lines, name
        assert lines[0].endswith(f" {value}"), lines


def test_a_void_of_a_return_says_that_it_counts_again(switch: ToySwitch) -> None:
    tillsim(switch, "points", "sale", "--amount", "40")
    tillsim(switch, "points", "return")
    result = tillsim(switch, "void")
    assert result.exit_code == 0, result.output
    assert "Points earned again                   12" in result.output
    assert "taken back" not in result.output


def test_a_return_is_of_the_last_sale_unless_it_is_said(switch: ToySwitch) -> None:
    first = json.loads(tillsim(switch, "points", "sale", "--amount", "40", "--card", "active:2", "--json").output)
    tillsim(switch, "points", "sale", "--amount", "60", "--card", "active:3")
    last = switch.requests[-1]
    assert tillsim(switch, "points", "return", "--amount", "10").exit_code == 0
    assert (switch.requests[-1].get(2), switch.requests[-1].get(4)) == (last.get(2), "000000001000")
    assert tillsim(switch, "points", "return", "--rrn", first["rrn"]).exit_code == 0
    request = switch.requests[-1]
    assert (request.get(2), request.get(4), request.get(37)) == (
        switch.requests[0].get(2),
        "000000004000",
        first["rrn"],
    )
    assert tillsim(switch, "points", "return", "--rrn", "none", "--amount", "1").exit_code == 1
    assert 37 not in switch.requests[-1].fields


def test_the_messages_of_one_sale_carry_the_same_receipt(switch: ToySwitch) -> None:
    tillsim(switch, "points", "redeem", "--amount", "10", "--terminal", "TN000002")
    tillsim(switch, "points", "sale", "--amount", "40", "--receipt", "last")
    assert [switch.requests[-1].get(one) for one in (41, 62)] == [switch.requests[-2].get(one) for one in (41, 62)]
    tillsim(switch, "points", "sale", "--amount", "40", "--terminal", "TN000002")
    assert switch.requests[-1].get(62) != switch.requests[-2].get(62)


def test_what_expires_soon_stands_on_the_slip(switch: ToySwitch) -> None:
    def expiring(request: Message, answer: Message) -> Message:
        data = "0" * 20 + "C0000005000" + "0000000040" + "261231"
        return Message(answer.mti, answer.fields | {63: encode_tables([("PT", data)], "nac")})

    switch.fault = expiring
    assert "Expiring on 2026-12-31         40 points" in tillsim(switch, "points", "balance").output


def test_points_owed_are_below_zero(switch: ToySwitch) -> None:
    switch.loyalty.points[switch.demo.loyalty_cards[0].pan] = -75
    assert "Balance                       -75 points" in tillsim(switch, "points", "balance").output


def test_void_reversal_and_repeat_work_on_points_too(switch: ToySwitch) -> None:
    pan = switch.demo.loyalty_cards[0].pan
    assert tillsim(switch, "points", "redeem", "--amount", "10").exit_code == 0
    assert tillsim(switch, "repeat").exit_code == 0
    assert (switch.requests[-1].mti, switch.loyalty.points[pan]) == ("0201", 4800)
    result = tillsim(switch, "void")
    assert (switch.requests[-1].get(3), switch.loyalty.points[pan]) == ("029000", 5000)
    assert "VOID OF PAYMENT WITH POINTS" in result.output
    assert "Points given back                    200" in result.output
    assert tillsim(switch, "points", "sale", "--amount", "100").exit_code == 0
    assert tillsim(switch, "reversal").exit_code == 0
    assert switch.loyalty.points[pan] == 5000


def test_a_transfer_is_counted_in_points_and_repeated_with_its_other_card(switch: ToySwitch) -> None:
    mine, theirs = (card.pan for card in switch.demo.loyalty_cards[:2])
    assert tillsim(switch, "points", "transfer", "--amount", "20").exit_code == 0
    request = switch.requests[-1]
    assert (request.get(4), request.get(49), request.get(2)) == ("000000000020", "999", mine)
    assert find_tables(request, "nac")["TO"] == theirs
    assert tillsim(switch, "repeat").exit_code == 0
    assert find_tables(switch.requests[-1], "nac")["TO"] == theirs
    assert tillsim(switch, "void").exit_code == 0
    assert (switch.requests[-1].get(3), switch.requests[-1].get(49)) == ("029090", "999")
    assert (switch.loyalty.points[mine], switch.loyalty.points[theirs]) == (5000, 5000)


def test_a_transfer_goes_to_another_member_unless_it_is_said(switch: ToySwitch) -> None:
    family = [card.pan for card in switch.demo.loyalty_cards if card.member == "family"]
    assert tillsim(switch, "points", "transfer", "--amount", "1", "--card", family[0]).exit_code == 0
    assert find_tables(switch.requests[-1], "nac")["TO"] not in family
    assert tillsim(switch, "points", "transfer", "--amount", "1", "--card", family[0], "--to", family[1]).exit_code == 0
    assert find_tables(switch.requests[-1], "nac")["TO"] == family[1]


def test_what_was_blocked_is_what_is_unblocked(switch: ToySwitch) -> None:
    assert tillsim(switch, "points", "block", "--card", "active:2").exit_code == 0
    blocked = switch.requests[-1].get(2)
    assert tillsim(switch, "points", "balance", "--card", "active:2").exit_code == 0
    assert switch.requests[-1].get(2) != blocked
    assert tillsim(switch, "points", "unblock").exit_code == 0
    assert switch.requests[-1].get(2) == blocked


@pytest.mark.parametrize(("command", "code"), [("sale", "000090"), ("return", "200090"), ("points-redeem", "009000")])
def test_what_the_till_did_alone_is_told_as_an_advice(switch: ToySwitch, command: str, code: str) -> None:
    tillsim(switch, "points", "sale", "--amount", "100")
    rrn = switch.stored[switch.requests[-1].get(41), switch.requests[-1].get(11)][1].get(37)
    options = ["--rrn", rrn] if command == "return" else []
    assert tillsim(switch, "advice", command, "--amount", "10", *options).exit_code == 0
    assert (switch.requests[-1].mti, switch.requests[-1].get(3)) == ("0220", code)
    assert tillsim(switch, "advice", "void").exit_code == 0
    assert (switch.requests[-1].mti, switch.requests[-1].get(3)) == ("0220", f"02{code[2:]}")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["sale"], "a sale needs --amount or --basket"),
        (["redeem"], "a points-redeem needs --amount"),
        (["return"], "a return needs --amount or --basket"),
        (["sale", "--amount", "1", "--receipt", "last"], "remembers no receipt"),
        (["sale", "--basket", "x"], "not a line of a basket"),
        (["sale", "--amount", "1", "--tender", "cash=1"], "not a tender"),
        (["transfer", "--amount", "1.5"], "points has 0 decimals"),
        (["balance", "--card", "active:99"], "loyalty cards that are active"),
        (["balance", "--card", "12"], "6 to 19 digits"),
    ],
)
def test_what_a_person_gets_wrong_is_one_line_and_exit_code_two(
    switch: ToySwitch, arguments: list[str], complaint: str
) -> None:
    result = tillsim(switch, "points", *arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("option", ["--trace", "--json"])
def test_no_card_number_and_no_phone_in_any_output(switch: ToySwitch, option: str) -> None:
    outputs = [
        tillsim(switch, "points", "enrol", "--phone", "905320000017", option).output,
        tillsim(switch, "points", "transfer", "--amount", "5", option).output,
        tillsim(switch, "repeat", option).output,
    ]
    assert "********0017" in outputs[0]
    assert "971100******0002" in outputs[1]
    for output in outputs:
        assert not [card.pan for card in switch.demo.loyalty_cards if card.pan in output]
        assert "905320000017" not in output
    assert "905320000017" not in switch.demo.path.with_name("tillsim-state.json").read_text()


def test_a_demo_without_points_says_so(switch: ToySwitch) -> None:
    content = json.loads(switch.demo.path.read_text())
    del content["points"], content["loyalty_cards"]
    switch.demo.path.write_text(json.dumps(content))
    assert "has 0 loyalty cards" in tillsim(switch, "points", "balance").output


# --- what stories may say ---

SALE = Played("sale", Message("0200", {11: "000007", 62: "R00001"}), facts={"rate": 30, "value": 5})

# fmt: off
REFERENCES: list[tuple[str, int | str]] = [
    ("$sale.stan",                        "000007"),
    ("$sale.receipt",                     "R00001"),
    ("$sale.rate",                        30),
    ("$sale.rate + 3",                    33),
    ("$sale.rate * 2",                    60),
    ("$sale.rate * 2 - $sale.value * 3",  45),
    ("$sale.rate - $sale.value - 1",      24),
    ("$the long one.value + 1",           6),
]
# fmt: on


@pytest.mark.parametrize(("value", "found"), REFERENCES)
def test_a_reference_is_what_its_parts_come_to(value: str, found: int | str) -> None:
    assert resolve(value, {"sale": SALE, "the long one": SALE}) == found


@pytest.mark.parametrize(
    "value", ["$", "$sale", "$sale.", "$sale.rate 5", "$sale.rate +", "$sale.rate * $sale.value", "$sale.rate / 2"]
)
def test_what_is_no_reference_is_refused(value: str) -> None:
    with pytest.raises(DemoError, match="not a reference"):
        parse_reference(value, "here")


@given(st.lists(st.tuples(st.sampled_from("+-"), st.integers(0, 99), st.booleans()), min_size=1))
def test_any_sum_of_terms_is_their_sum(terms: list[tuple[str, int, bool]]) -> None:
    text = "$sale.rate" + "".join(f" {sign} " + (f"$sale.value * {n}" if ref else str(n)) for sign, n, ref in terms)
    total = 30 + sum((1 if sign == "+" else -1) * n * (5 if ref else 1) for sign, n, ref in terms)
    assert resolve(text, {"sale": SALE}) == total


def test_demo_rates_round_down(demo: Demo) -> None:
    assert demo.points
    assert [demo.points.earned(amount) for amount in (0, 333, 334, 1000, 1999)] == [0, 0, 1, 3, 5]
