"""Tables of points: what baskets, tenders, phones and other cards are, and how answers tell points and returns."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.dialects import load_dialect
from specs.limits import AMOUNT_MAX, POINTS_MAX
from specs.outcomes import Outcome
from specs.sensitive import PAN, Secret
from specs.transaction import BasketLine, Kind, PointsTold, Reply, Request, Returned, Tender, TenderKind
from terminals.errors import AnswerError
from terminals.point_tables import parse_basket, parse_phone, parse_tenders, points_table, return_table
from terminals.session import Received, Session
from tests.wire.golden import LINE
from tests.wire.tools import (
    ASCII_REDEEM,
    NAC_REDEEM,
    Fields,
    answer,
    ascii_frame,
    events_of,
    nac_frame,
    request_of,
    wrong_field,
)

NINES = (POINTS_MAX, POINTS_MAX, POINTS_MAX, POINTS_MAX)

# fmt: off
BASKETS: list[tuple[str, tuple[BasketLine, ...]]] = [
    ("A1,1,250,food",            (BasketLine("A1", 1000, 250, "food"),)),
    ("A1,1.5,250,food",          (BasketLine("A1", 1500, 250, "food"),)),
    ("A1,0.005,250,food",        (BasketLine("A1", 5, 250, "food"),)),
    ("A1,1.05,250,food",         (BasketLine("A1", 1050, 250, "food"),)),
    ("A1,007,0,",                (BasketLine("A1", 7000, 0, ""),)),
    ("A 1/x,0,1,a-b c",          (BasketLine("A 1/x", 0, 1, "a-b c"),)),
    ("A,1,1,x;B,2,2,y",          (BasketLine("A", 1000, 1, "x"), BasketLine("B", 2000, 2, "y"))),
    ("A,1,1,x;A,1,1,x",          (BasketLine("A", 1000, 1, "x"), BasketLine("A", 1000, 1, "x"))),
    ("A,999999999.999,999999999999,x", (BasketLine("A", 999_999_999_999, AMOUNT_MAX, "x"),)),
]
NO_BASKETS = [
    ";", "A,1,1,x;", ";A,1,1,x", "A,1,1,x;;B,1,1,x", "A", "A,1,1", "A,1,1,x,y", ",1,1,x", "A,,1,x", "A,1,,x",
    "A,-1,1,x", "A,1,-1,x", "A,1.,1,x", "A,.5,1,x", "A,1.0005,1,x", "A,1.5.5,1,x", "A,1,1.5,x", "A, 1,1,x", "A,1e3,1,x",
    "A,1000000000,1,x", "A,1,1000000000000,x", "A,²,1,x", "A\x00,1,1,x", "A,1,1,x\n", "A,1,1,\x7f",
]
TENDERS: list[tuple[str, tuple[Tender, ...]]] = [
    ("G,100",                    (Tender(TenderKind.GIFT, 100),)),
    ("P,1;C,2",                  (Tender(TenderKind.POINTS, 1), Tender(TenderKind.CODE, 2))),
    ("O,0;O,999999999999",       (Tender(TenderKind.OTHER, 0), Tender(TenderKind.OTHER, AMOUNT_MAX))),
]
NO_TENDERS = [";", "G,1;", "G", "G,", ",1", "X,1", "g,1", "G,-1", "G,1.5", "G,1,2", "G,1000000000000", " G,1", "G,1\n"]
PHONES = ["1234567", "905320000017", "123456789012345"]
NO_PHONES = ["123456", "1234567890123456", "+905320000017", "90 532 0000017", "90532000001x", "9053200000１7"]
POINTS: list[tuple[PointsTold, str]] = [
    (PointsTold(0, 0, 0),                          "0000000000" "0000000000" "C0000000000" "0000000000" "000000"),
    (PointsTold(100, 5, 1120, 40, "261231"),       "0000000100" "0000000005" "C0000001120" "0000000040" "261231"),
    (PointsTold(0, 0, -75, 0, ""),                 "0000000000" "0000000000" "D0000000075" "0000000000" "000000"),
    (PointsTold(*NINES, "991231"),                "9999999999" "9999999999" "C9999999999" "9999999999" "991231"),
    (PointsTold(0, 0, -POINTS_MAX),                "0000000000" "0000000000" "D9999999999" "0000000000" "000000"),
]
NO_POINTS = [
    PointsTold(POINTS_MAX + 1, 0, 0), PointsTold(0, POINTS_MAX + 1, 0), PointsTold(0, 0, POINTS_MAX + 1),
    PointsTold(0, 0, -POINTS_MAX - 1), PointsTold(0, 0, 0, POINTS_MAX + 1), PointsTold(-1, 0, 0), PointsTold(0, -1, 0),
]
# fmt: on


@pytest.mark.parametrize(("text", "lines"), BASKETS)
def test_a_basket(text: str, lines: tuple[BasketLine, ...]) -> None:
    assert parse_basket(text) == lines


@pytest.mark.parametrize("text", NO_BASKETS)
def test_what_is_no_basket(text: str) -> None:
    with pytest.raises(ValueError, match="basket"):
        parse_basket(text)


@pytest.mark.parametrize(("text", "tenders"), TENDERS)
def test_tenders(text: str, tenders: tuple[Tender, ...]) -> None:
    assert parse_tenders(text) == tenders


@pytest.mark.parametrize("text", NO_TENDERS)
def test_what_are_no_tenders(text: str) -> None:
    with pytest.raises(ValueError, match="tender"):
        parse_tenders(text)


@pytest.mark.parametrize("text", PHONES)
def test_a_phone_number_is_a_secret(text: str) -> None:
    phone = parse_phone(text)
    assert phone.reveal() == text
    assert text not in repr(phone)


@pytest.mark.parametrize("text", NO_PHONES)
def test_what_is_no_phone_number(text: str) -> None:
    with pytest.raises(ValueError, match="not a phone number"):
        parse_phone(text)


@pytest.mark.parametrize(("points", "data"), POINTS)
def test_points_of_an_answer(points: PointsTold, data: str) -> None:
    assert points_table(points) == data
    assert len(data) == 47


@pytest.mark.parametrize("points", NO_POINTS)
def test_more_points_than_the_table_holds_are_our_mistake_and_show_as_one(points: PointsTold) -> None:
    with pytest.raises(AnswerError, match="PT"):
        points_table(points)


def test_a_return_of_an_answer() -> None:
    assert return_table(Returned(500, 2050)) == "000000000500000000002050"
    assert return_table(Returned(AMOUNT_MAX, 0)) == "999999999999000000000000"


@pytest.mark.parametrize("returned", [Returned(-1, 0), Returned(0, -1), Returned(AMOUNT_MAX + 1, 0)])
def test_a_return_that_does_not_fit_is_our_mistake(returned: Returned) -> None:
    with pytest.raises(AnswerError, match="RT"):
        return_table(returned)


skus = st.text(st.characters(codec="latin-1", exclude_characters=",;\x7f", min_codepoint=32), min_size=1, max_size=20)
departments = st.text(st.characters(codec="latin-1", exclude_characters=",;\x7f", min_codepoint=32), max_size=8)
baskets = st.lists(
    st.builds(BasketLine, skus, st.integers(0, AMOUNT_MAX), st.integers(0, AMOUNT_MAX), departments), min_size=1
)


@given(baskets)
def test_whatever_is_in_a_basket_comes_out_of_it(lines: list[BasketLine]) -> None:
    text = ";".join(
        f"{one.sku},{one.thousandths // 1000}.{one.thousandths % 1000:03d},{one.unit_price},{one.department}"
        for one in lines
    )
    assert parse_basket(text) == tuple(lines)


@given(st.text(st.characters(codec="latin-1"), max_size=60) | st.from_regex("[A,;0-9.]{1,30}"))
def test_any_text_is_a_basket_or_refused(text: str) -> None:
    try:
        lines = parse_basket(text)
    except ValueError:
        return
    assert len(lines) == text.count(";") + 1
    assert all(0 <= one.thousandths <= AMOUNT_MAX and 0 <= one.unit_price <= AMOUNT_MAX and one.sku for one in lines)


# -- in messages ------------------------------------------------------------------------------------------------------
SALE: Fields = {**NAC_REDEEM, 3: "000090"}
ASCII_SALE: Fields = {**ASCII_REDEEM, 3: "000090"}
TRANSFER: Fields = {**NAC_REDEEM, 3: "409090"}
OTHER = "TO9900210000000019"


def nac_tables(*tables: str) -> str:
    pieces = "".join(f" {len(one):04d} '{one}'" for one in tables)
    return f"{sum(len(one) + 2 for one in tables):04d}{pieces}"


def ascii_tables(*tables: str) -> str:
    pieces = "".join(f"{one[:2]}{len(one) - 2:03d}{one[2:]}" for one in tables)
    return f"{len(pieces):03d}{pieces}"


def test_tables_may_stand_in_either_field_or_in_both() -> None:
    wanted = ((BasketLine("A", 1000, 900, "x"),), (Tender(TenderKind.OTHER, 900),))
    for fields in (
        {48: nac_tables("BKA,1,900,x", "TDO,900")},
        {48: nac_tables("BKA,1,9"), 63: nac_tables("BK00,x", "TDO,900")},
    ):
        request = request_of("nac", nac_frame("0200", {**SALE, **fields}))
        assert (request.kind, request.basket, request.tenders) == (Kind.SALE, *wanted)
    for number in (48, 63):
        request = request_of(
            "ascii", ascii_frame("0200", {**ASCII_SALE, number: ascii_tables("BKA,1,900,x", "TDO,900")})
        )
        assert (request.kind, request.basket, request.tenders) == (Kind.SALE, *wanted)


def test_empty_tables_say_nothing() -> None:
    request = request_of("nac", nac_frame("0200", {**SALE, 63: nac_tables("BK", "TD", "PH", "TO", "SC")}))
    assert request.kind is Kind.SALE
    assert (request.basket, request.tenders, request.phone, request.other_card, request.pin) == (
        (),
        (),
        None,
        None,
        None,
    )


# fmt: off
WRONG: list[tuple[str, dict[int, str], int | None]] = [
    ("a wrong basket in DE63",                {63: nac_tables("BKA,1")},                                     63),
    ("a wrong basket in DE48",                {48: nac_tables("BKA,1")},                                     48),
    ("wrong tenders",                         {63: nac_tables("TDX,1")},                                     63),
    ("a wrong phone number",                  {48: nac_tables("PH+90")},                                     48),
    ("another card of five digits",           {63: nac_tables("TO12345")},                                   63),
    ("another card with a letter",            {48: nac_tables("TO99002100000000A9")},                        48),
    ("two wrong tables: the first field",     {48: nac_tables("TDX,1"), 63: nac_tables("BKA,1")},            48),
    ("a wrong field before the table",        {49: "0A49", 63: nac_tables("BKA,1")},                         49),
    ("in two pieces: where it begins",        {48: nac_tables("BKA,1"), 63: nac_tables("BK,x,y")},           48),
    ("a table that cannot be taken apart",    {63: "0006 0009 'BKA,'"},                                      63),
    ("a right one beside one taken apart",    {48: nac_tables("TDO,4000"), 63: "0006 0009 'BKA,'"},          63),
    ("sums are not a matter of form",         {63: nac_tables("BKA,1,1,x", "TDO,1")},                        None),
]
# fmt: on


@pytest.mark.parametrize(("name", "fields", "wrong"), WRONG, ids=[row[0] for row in WRONG])
def test_the_field_that_carried_a_wrong_table_is_wrong(name: str, fields: dict[int, str], wrong: int | None) -> None:
    assert wrong_field("nac", nac_frame("0200", {**SALE, **fields})) == wrong


# fmt: off
TRANSFERS: list[tuple[str, str, dict[int, str], int | None]] = [
    ("with the other card",               "0200", {63: nac_tables(OTHER)},              None),
    ("in DE48",                           "0200", {48: nac_tables(OTHER)},              None),
    ("without",                           "0200", {},                                   63),
    ("empty",                             "0200", {48: nac_tables("TO")},               63),
    ("with other tables only",            "0200", {63: nac_tables("CPT")},              63),
    ("a field missing before",            "0200", {24: ""},                             24),
    ("a repeat",                          "0201", {},                                   63),
    ("an advice",                         "0220", {12: "101530", 13: "1122"},           63),
    ("its reversal",                      "0400", {},                                   None),
    ("its reversal, with the card",       "0421", {63: nac_tables(OTHER)},              None),
    ("its void",                          "0200", {3: "029090", 37: "'632600000109'"},  None),
]
# fmt: on


@pytest.mark.parametrize(("name", "mti", "fields", "wrong"), TRANSFERS, ids=[row[0] for row in TRANSFERS])
def test_a_transfer_needs_its_other_card(name: str, mti: str, fields: dict[int, str], wrong: int | None) -> None:
    present = {number: text for number, text in {**TRANSFER, **fields}.items() if text}
    assert wrong_field("nac", nac_frame(mti, present)) == wrong


def test_what_ascii_lacks_is_missing_in_de48() -> None:
    assert wrong_field("ascii", ascii_frame("0200", {**ASCII_REDEEM, 3: "409090"})) == 48


# fmt: off
NEEDS: list[tuple[str, str, Kind, set[int]]] = [
    ("0100", "319000", Kind.POINTS_BALANCE,  {2}),
    ("0100", "000090", Kind.PREVIEW,         {2, 4}),
    ("0200", "000090", Kind.SALE,            {2, 4}),
    ("0200", "009000", Kind.POINTS_REDEEM,   {2, 4}),
    ("0200", "200090", Kind.SALE_RETURN,     {2, 4}),
    ("0200", "210090", Kind.POINTS_PURCHASE, {2, 4}),
    ("0200", "720090", Kind.ENROL,           {2}),
    ("0200", "739000", Kind.LOYALTY_BLOCK,   {2}),
    ("0200", "749000", Kind.LOYALTY_UNBLOCK, {2}),
    ("0200", "020090", Kind.VOID_EARN,       {2, 4, 37}),
    ("0200", "029000", Kind.VOID_BURN,       {2, 4, 37}),
    ("0200", "029090", Kind.VOID_TRANSFER,   {2, 4, 37}),
]
# fmt: on


@pytest.mark.parametrize(("mti", "code", "kind", "needs"), NEEDS)
def test_what_each_row_cannot_do_without(mti: str, code: str, kind: Kind, needs: set[int]) -> None:
    whole: Fields = {**NAC_REDEEM, 3: code, 37: "'632600000109'"}
    assert request_of("nac", nac_frame(mti, whole)).kind is kind
    for number in (2, 4, 37):
        without = {one: text for one, text in whole.items() if one != number}
        assert wrong_field("nac", nac_frame(mti, without)) == (number if number in needs else None)


def test_letters_of_a_basket_are_those_of_the_code_page() -> None:
    turkish = msgspec.structs.replace(load_dialect("ascii"), code_page="cp1254")
    wire = Session(turkish, LINE)
    (event,) = events_of(wire, ascii_frame("0200", {**ASCII_SALE, 48: ascii_tables("BKA,1,900,G\xddDA")}))
    assert isinstance(event, Received)
    assert event.request.basket == (BasketLine("A", 1000, 900, "GİDA"),)
    plain = request_of("ascii", ascii_frame("0200", {**ASCII_SALE, 48: ascii_tables("BKA,1,900,G\xddDA")}))
    assert plain.basket == (BasketLine("A", 1000, 900, "GÝDA"),)


def test_secrets_of_points_print_masks() -> None:
    data = nac_frame("0200", {**TRANSFER, 63: nac_tables(OTHER, "PH905320000017", "SC4711")})
    request: Request = request_of("nac", data)
    assert (request.other_card, request.phone) == (PAN(OTHER[2:]), Secret("905320000017"))
    assert not [one for one in (OTHER[2:], "905320000017", "4711") if one in repr(request)]
    assert "990021******0019" in repr(request)


@pytest.mark.parametrize("dialect", ["nac", "ascii"])
def test_the_receipt_is_cut_before_points_are_left_out(dialect: str) -> None:
    receipt = "".join(f"LINE {number:02d}\n" for number in range(200))
    reply = Reply(
        Outcome.APPROVED,
        command="SETTLE",
        points=PointsTold(1, 2, 3),
        returned=Returned(4, 5),
        display="THANK YOU",
        receipt_text=receipt,
    )
    sent = answer(dialect, nac_frame("0200", SALE) if dialect == "nac" else ascii_frame("0200", ASCII_SALE), reply)
    ids = (
        [b"42SETTLE", b"PT0", b"RT0", b"22THANK", b"29LINE"]
        if dialect == "nac"
        else [b"42006", b"PT047", b"RT024", b"22009", b"29"]
    )
    places = [sent.index(one) for one in ids]
    assert places == sorted(places)
    assert sent.endswith(b"\n")
    assert 999 - 8 < len(sent) - sent.index(b"42") + (2 if dialect == "nac" else 0) <= 999
