"""The private tables of purse 90: `BK`, `TD`, `CP`, `TO`, `SC`, texts; pieces, strangers, and what is wrong in them."""

from __future__ import annotations

import pytest

from tests.contract.client import pack_tables, table_field
from tests.contract.members import Club, Programme
from tests.contract.points import POINTS_REDEEM, RETURN, SALE, TRANSFER
from tests.contract.till import APPROVED, Till

BASKET = "8690000000017,2,450,food;4006381333931,1,1000,paper"
BASKET_MONEY = 1_900

# fmt: off
GOOD_BASKETS: list[tuple[str, str, int]] = [
    # what                        BK                                          money
    ("one line",                  "A-1,1,1900,food",                          1_900),
    ("two lines",                 BASKET,                                     BASKET_MONEY),
    ("three decimals",            "melon,0.750,1200,food;bag,1,1000,home",    1_900),
    ("one decimal",               "cloth,1.5,1000,home",                      1_500),
    ("whole number with decimals", "tea,2.000,950,food",                      1_900),
    ("something for nothing",     "sample,1,0,food;book,1,1900,books",        1_900),
]
WRONG_SUMS: list[tuple[str, dict[str, str], int]] = [
    # what                           tables                              DE4
    ("a basket below the sale",      {"BK": BASKET},                     BASKET_MONEY + 1),
    ("a basket above the sale",      {"BK": BASKET},                     BASKET_MONEY - 1),
    ("tenders below the sale",       {"TD": "G,500;O,1399"},             1_900),
    ("tenders above the sale",       {"TD": "O,1901"},                   1_900),
    ("a good basket, wrong tenders", {"BK": BASKET, "TD": "O,1"},        BASKET_MONEY),
    ("good tenders, wrong basket",   {"BK": BASKET, "TD": "O,1901"},     BASKET_MONEY + 1),
    ("an immense basket",            {"BK": "a,999999999,999999999,f"},  999_999_999_999),
]
MALFORMED: list[tuple[str, dict[str, str]]] = [
    ("a line without a department and price", {"BK": "sku,1"}),
    ("a quantity that is no number",          {"BK": "sku,one,1900,food"}),
    ("a price with decimals",                 {"BK": "sku,1,19.00,food"}),
    ("a quantity below zero",                 {"BK": "sku,-1,1900,food"}),
    ("four decimals",                         {"BK": "sku,1.0000,1900,food"}),
    ("a tender nobody knows",                 {"TD": "X,1900"}),
    ("a tender without money",                {"TD": "O"}),
    ("a tender that is no number",            {"TD": "O,all"}),
    ("a tender below zero",                   {"TD": "O,2000;G,-100"}),
]
# fmt: on


@pytest.mark.parametrize(("what", "basket", "money"), GOOD_BASKETS, ids=[row[0] for row in GOOD_BASKETS])
def test_a_basket_that_adds_up_is_taken(
    counter: Till, member: str, programme: Programme, what: str, basket: str, money: int
) -> None:
    answer = counter.do(SALE, member, money, tables={"BK": basket}).expect("00")
    assert answer.told.earned == programme.earned(money), f"{what}\n{answer.story()}"


@pytest.mark.parametrize("de3", [SALE, "preview"])
@pytest.mark.parametrize(("what", "tables", "money"), WRONG_SUMS, ids=[row[0] for row in WRONG_SUMS])
def test_a_basket_or_tenders_that_do_not_add_up_are_refused_13_and_move_nothing(
    counter: Till, member: str, what: str, tables: dict[str, str], money: int, de3: str
) -> None:
    before = counter.points(member)
    mti = "0100" if de3 == "preview" else "0200"
    answer = counter.ask(counter.message(mti, SALE, member, money, tables=tables))
    assert answer.rc == "13", f"{what}\n{answer.story()}"
    assert counter.points(member) == before


def test_the_basket_of_a_return_adds_up_to_the_part_returned(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    sale = counter.do(SALE, member, BASKET_MONEY, tables={"BK": BASKET}).expect("00")
    part = {"BK": "4006381333931,1,1000,paper"}
    counter.do(RETURN, member, 999, {37: sale.rrn}, part).expect("13")
    answer = counter.do(RETURN, member, 1_000, {37: sale.rrn}, part).expect("00")
    assert answer.told.earned == programme.earned(BASKET_MONEY) - programme.earned(900), answer.story()
    counter.do(RETURN, member, 900, {37: sale.rrn}, {"BK": "8690000000017,2,450,food"}).expect("00")
    assert counter.points(member) == before


@pytest.mark.parametrize("mti", ["0200", "0100"])
@pytest.mark.parametrize(("what", "tables"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_a_table_that_cannot_be_read_is_a_format_error_of_its_field(
    counter: Till, member: str, what: str, tables: dict[str, str], mti: str
) -> None:
    before = counter.points(member)
    answer = counter.ask(counter.message(mti, SALE, member, 1_900, tables=tables))
    assert (answer.rc, answer.get(38)) == ("30", f"{table_field(counter.dialect):06}"), f"{what}\n{answer.story()}"
    assert counter.points(member) == before


def test_a_table_that_cannot_be_read_names_the_field_that_carried_it(club: Club) -> None:
    till = club.till("nac")
    packed = pack_tables("nac", [("BK", "nonsense")])
    answer = till.do(SALE, club.member(till), 1_900, {48: packed}).expect("30")
    assert answer[38] == "000048", answer.story()


def test_a_table_may_come_in_pieces_among_strangers(counter: Till, member: str, programme: Programme) -> None:
    pieces = [
        ("ZZ", "nobody knows"),
        ("BK", BASKET[:30]),
        ("TD", "O,19"),
        ("QQ", ""),
        ("BK", BASKET[30:]),
        ("TD", "00"),
    ]
    packed = pack_tables(counter.dialect, pieces)
    answer = counter.do(SALE, member, BASKET_MONEY, {table_field(counter.dialect): packed}).expect("00")
    assert answer.told.earned == programme.earned(BASKET_MONEY), answer.story()


def test_a_nac_request_may_use_either_field_and_the_answer_uses_63(club: Club, programme: Programme) -> None:
    till = club.till("nac")
    member = club.member(till)
    packed = pack_tables("nac", [("BK", BASKET)])
    till.do(SALE, member, BASKET_MONEY + 1, {48: packed}).expect("13")
    answer = till.do(SALE, member, BASKET_MONEY, {48: packed}).expect("00")
    assert (48 in answer, answer.told.earned) == (False, programme.earned(BASKET_MONEY)), answer.story()


def test_a_long_basket_is_read_whole(counter: Till, member: str, programme: Programme) -> None:
    lines = [f"{4_000_000_000_000 + nth},1,{100 + nth},dept-{nth % 7}" for nth in range(30)]
    money = sum(100 + nth for nth in range(30))
    answer = counter.do(SALE, member, money, tables={"BK": ";".join(lines)}).expect("00")
    assert answer.told.earned == programme.earned(money), answer.story()
    counter.do(SALE, member, money - 129, tables={"BK": ";".join(lines)}).expect("13")


# TO


def test_a_transfer_without_the_other_card_is_a_format_error(counter: Till, member: str, programme: Programme) -> None:
    before = counter.points(member)
    answer = counter.do(TRANSFER, member, programme.some()).expect("30")
    assert answer[38] in ("000048", "000063"), answer.story()
    assert counter.points(member) == before


@pytest.mark.parametrize("other", ["12345", "4" * 20, "41111111111111AB", ""])
def test_the_other_card_of_a_transfer_is_6_to_19_digits(
    counter: Till, member: str, programme: Programme, other: str
) -> None:
    before = counter.points(member)
    answer = counter.do(TRANSFER, member, programme.some(), tables={"TO": other})
    assert (answer.rc, answer.get(38)) == ("30", f"{table_field(counter.dialect):06}"), answer.story()
    assert counter.points(member) == before


# SC, 22, 29


def test_a_pin_the_programme_does_not_ask_for_is_ignored(counter: Till, member: str, programme: Programme) -> None:
    amount = programme.worth(counter, programme.some())
    counter.void(counter.do(POINTS_REDEEM, member, amount, tables={"SC": "4711"}).expect("00")).expect("00")


@pytest.mark.parametrize("de3", [SALE, POINTS_REDEEM])
def test_texts_go_only_to_a_terminal_that_can_show_them(
    counter: Till, member: str, programme: Programme, de3: str
) -> None:
    amount = programme.worth(counter, programme.some())
    plain = counter.do(de3, member, amount).expect("00")
    assert plain.tables.keys() == {"PT"}, plain.story()
    texted = counter.do(de3, member, amount, tables={"CP": "T"}).expect("00")
    assert texted.tables.keys() <= {"PT", "22", "29", "CA", "42"}, texted.story()
    for name in ("22", "29"):
        assert member not in texted.tables.get(name, ""), "a whole card number in a text"
    partial = counter.do(de3, member, amount, tables={"CP": "P"}).expect("00")
    assert partial.tables.keys() == {"PT"}, partial.story()


def test_what_a_wrong_table_refused_may_be_sent_again_corrected(
    counter: Till, member: str, programme: Programme
) -> None:
    before = counter.points(member)
    wrong = counter.message("0200", SALE, member, BASKET_MONEY, tables={"BK": "nonsense"})
    counter.ask(wrong).expect("30")
    right = pack_tables(counter.dialect, [("BK", BASKET)])
    answer = counter.ask(wrong.but(changes={table_field(counter.dialect): right}))
    assert answer.rc in APPROVED, "a 30 is not stored\n" + answer.story()
    assert counter.points(member) == before + programme.earned(BASKET_MONEY)
