"""What tillsim sends of points the switch reads as it was meant, and the other way round: two codecs, one contract."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.codecs import DIALECTS, Dialect
from simulators.demo import DemoTerminal
from simulators.framing import FrameReader, frame, split_frame, tpdu
from simulators.point_tables import (
    BasketLine,
    Points,
    Returned,
    decode_points,
    decode_return,
    encode_basket,
    encode_tenders,
)
from simulators.requests import KINDS, Order, build_request
from simulators.state import Counters
from simulators.tables import Balance, decode_balances, find_tables
from simulators.wire import Message, decode, encode
from specs import transaction as canonical
from specs.limits import AMOUNT_MAX, POINTS_MAX
from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass
from tests.wire.tools import answer, request_of

CARD, OTHER, PHONE, PIN = "9900210000000001", "9900210000000019", "905320000017", "4711"
NOW = datetime(2026, 11, 22, 10, 15, 30)

# fmt: off
ROWS: list[tuple[str, MessageClass, Kind]] = [
    ("sale",                 MessageClass.REQUEST, Kind.SALE),
    ("preview",              MessageClass.INQUIRY, Kind.PREVIEW),
    ("return",               MessageClass.REQUEST, Kind.SALE_RETURN),
    ("points-redeem",        MessageClass.REQUEST, Kind.POINTS_REDEEM),
    ("points-balance",       MessageClass.INQUIRY, Kind.POINTS_BALANCE),
    ("points-transfer",      MessageClass.REQUEST, Kind.POINTS_TRANSFER),
    ("points-purchase",      MessageClass.REQUEST, Kind.POINTS_PURCHASE),
    ("enrol",                MessageClass.REQUEST, Kind.ENROL),
    ("points-block",         MessageClass.REQUEST, Kind.LOYALTY_BLOCK),
    ("points-unblock",       MessageClass.REQUEST, Kind.LOYALTY_UNBLOCK),
    ("advice-sale",          MessageClass.ADVICE,  Kind.SALE),
    ("advice-return",        MessageClass.ADVICE,  Kind.SALE_RETURN),
    ("advice-points-redeem", MessageClass.ADVICE,  Kind.POINTS_REDEEM),
]
# fmt: on


def sent(dialect: Dialect, order: Order) -> bytes:
    terminal = DemoTerminal("MERCHANT0000001", "TERM0001", dialect, "store-1", "949", "010")
    request = build_request(terminal, dialect, order, Counters("000017", "000031", "000004"), NOW)
    return frame(encode(request, dialect), dialect, tpdu(terminal.nii))


def read(dialect: Dialect, data: bytes) -> Message:
    reader = FrameReader(dialect)
    reader.feed(data)
    payload = reader.next_payload()
    assert payload is not None
    return decode(split_frame(payload, dialect)[1], dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("name", "message_class", "kind"), ROWS, ids=[row[0] for row in ROWS])
def test_every_row_is_read_as_it_was_meant(
    dialect: Dialect, name: str, message_class: MessageClass, kind: Kind
) -> None:
    tables = (("BK", "A1,1.5,600,food"), ("TD", "O,900"), ("TO", OTHER), ("PH", PHONE))
    order = Order(KINDS[name], CARD, 900, PIN, rrn="632600000002", partial=True, tables=tables)
    request = request_of(dialect, sent(dialect, order))
    assert (request.message_class, request.kind, request.wrong_field) == (message_class, kind, None)
    assert request.card is not None
    assert request.other_card is not None
    assert request.phone is not None
    assert (request.card.reveal(), request.other_card.reveal(), request.phone.reveal()) == (CARD, OTHER, PHONE)
    assert request.amount == (900 if KINDS[name].amount == "needed" else None)
    assert request.currency == ("999" if kind is Kind.POINTS_TRANSFER else "949")
    assert (request.pin.reveal() if request.pin else None) == (PIN if KINDS[name].pin else None)
    assert (request.batch, request.rrn, request.partial, request.texts) == (4, "632600000002", True, True)
    assert request.receipt == ("000031" if message_class is not MessageClass.INQUIRY else None)
    assert request.basket == (canonical.BasketLine("A1", 1500, 600, "food"),)
    assert request.tenders == (canonical.Tender(canonical.TenderKind.OTHER, 900),)


words = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126, exclude_characters=",;"), max_size=12)
lines = st.builds(
    BasketLine,
    words.filter(bool),
    st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,3})?", fullmatch=True),
    st.integers(0, AMOUNT_MAX),
    words,
)
tenders = st.tuples(st.sampled_from(["gift", "points", "code", "other"]), st.integers(0, AMOUNT_MAX))


@given(st.sampled_from(DIALECTS), st.lists(lines, max_size=8), st.lists(tenders, max_size=8))
def test_any_basket_and_any_tenders_arrive(
    dialect: Dialect, basket: list[BasketLine], paid: list[tuple[str, int]]
) -> None:
    tables = (("BK", encode_basket(basket)), ("TD", encode_tenders(paid)))
    request = request_of(dialect, sent(dialect, Order(KINDS["sale"], CARD, 900, tables=tables)))
    assert request.kind is Kind.SALE
    assert [(one.sku, one.thousandths * one.unit_price, one.department) for one in request.basket] == [
        (one.sku, one.thousandths, one.department) for one in basket
    ]
    assert [(one.kind.value, one.amount) for one in request.tenders] == paid


counts = st.integers(0, POINTS_MAX)
dates = st.dates(datetime(2026, 1, 1).date(), datetime(2099, 12, 31).date()).map(lambda day: day.strftime("%y%m%d"))
amounts = st.integers(0, AMOUNT_MAX)


@given(
    st.sampled_from(DIALECTS),
    st.builds(canonical.PointsTold, counts, counts, st.integers(-POINTS_MAX, POINTS_MAX), counts, st.just("") | dates),
    st.builds(canonical.Returned, amounts, amounts),
    st.integers(-AMOUNT_MAX, AMOUNT_MAX),
)
def test_any_points_are_told(
    dialect: Dialect, told: canonical.PointsTold, returned: canonical.Returned, ledger: int
) -> None:
    balances = tuple(
        canonical.Balance(canonical.Purse.POINTS, kind, "999", amount)
        for kind, amount in (
            (canonical.BalanceType.AVAILABLE, told.available),
            (canonical.BalanceType.LEDGER, ledger),
        )
    )
    reply = canonical.Reply(
        Outcome.APPROVED, "1122", "101530", points=told, returned=returned, balances=balances, receipt_text="THANKS\n"
    )
    message = read(dialect, answer(dialect, sent(dialect, Order(KINDS["sale"], CARD, 900)), reply))
    tables = find_tables(message, dialect)
    assert decode_points(tables["PT"]) == Points(
        told.earned, told.redeemed, told.available, told.expiring, told.expires_on or "000000"
    )
    assert decode_return(tables["RT"]) == Returned(returned.worth, returned.rest)
    assert tables["29"] == "THANKS\n"
    assert decode_balances(message.get(54)) == [
        Balance("90", "02", "999", told.available),
        Balance("90", "01", "999", ledger),
    ]
