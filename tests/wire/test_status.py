"""The status table of a terminal: what is read, what is kept as text, and that nothing of it refuses a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs import limits
from specs.status import Status
from specs.transaction import Kind
from terminals.status_table import parse_status
from tests.wire.tools import ASCII_REDEEM, NAC_REDEEM, ascii_frame, nac_frame, request_of

Values = tuple[tuple[str, str], ...]

# fmt: off
SENSIBLE: list[tuple[str, Values]] = [
    ("paper=ok",                                    (("paper", "ok"),)),
    ("paper=low;battery=0;tamper=0",                (("paper", "low"), ("battery", "0"), ("tamper", "0"))),
    ("battery=100;pending=12;paper=out",            (("battery", "100"), ("pending", "12"), ("paper", "out"))),
    ("sw=4.2.1-rc 7;sn=12345678901234567890",       (("sw", "4.2.1-rc 7"), ("sn", "12345678901234567890"))),
    (" paper = ok ; ;tamper=0;",                    (("paper", "ok"), ("tamper", "0"))),
    ("paper=ok;paper=low",                          (("paper", "low"),)),
    ("sw=a=b",                                      (("sw", "a=b"),)),
]
#: Kept as text, and counted: how many pieces say nothing sensible.
ODD: list[tuple[str, Values, int]] = [
    ("paper=green;battery=101;tamper=yes",  (("paper", "green"), ("battery", "101"), ("tamper", "yes")), 3),
    ("battery=007;pending=-1;pending=1.5",  (("battery", "007"), ("pending", "1.5")), 3),
    ("signal=-67;paper=ok",                 (("signal", "-67"), ("paper", "ok")), 1),
    ("sn=123456789012345678901",            (("sn", "*"),), 1),
    ("sw=abcdefghijklmnopqrstuvwxyz",       (("sw", "abcdefghijklmnopqrs*"),), 1),
    ("sn=",                                 (("sn", ""),), 1),
    ("all is well",                         (("text", "all is well"),), 1),
    ("=ok;9=x;a b=c",                       (("text", "a b=c"),), 3),
    ("sw=a*b",                              (("sw", "a*b"),), 1),
    ("paper=\x00\xff\n",                    (("paper", "**"),), 1),
    ("x=4111111111111111",                  (("x", "*"),), 1),
    ("4111111111111111D4912101",            (("text", "*D4912101"),), 1),
]
# fmt: on


@pytest.mark.parametrize(("text", "values"), SENSIBLE)
def test_what_the_contract_gives_is_read(text: str, values: Values) -> None:
    assert parse_status(text) == Status(values)


@pytest.mark.parametrize(("text", "values", "odd"), ODD)
def test_nonsense_is_kept_as_text_and_counted(text: str, values: Values, odd: int) -> None:
    assert parse_status(text) == Status(values, odd)


def test_a_table_is_cut_at_its_limits() -> None:
    many = parse_status(";".join(f"k{number}=v" for number in range(100)))
    assert len(many.values) == limits.STATUS_KEYS_MAX
    assert many.odd == 100
    assert parse_status("x" * 900).values == (("text", "x" * (limits.STATUS_TEXT_MAX - 1) + "*"),)


@given(text=st.text(st.characters(max_codepoint=255), max_size=999))
def test_whatever_comes_is_short_and_can_be_printed(text: str) -> None:
    status = parse_status(text)
    assert len(status.values) <= limits.STATUS_KEYS_MAX
    for key, value in status.values:
        assert key.isascii()
        assert key.isprintable()
        assert value.isascii()
        assert value.isprintable() or not value
        assert len(value) <= limits.STATUS_TEXT_MAX
    assert len(status.values) <= text.count(";") + 1


def test_any_request_can_carry_it_in_either_dialect() -> None:
    nac = request_of("nac", nac_frame("0200", {**NAC_REDEEM, 63: "0016 0014 'TSpaper=ok;x=y'"}))
    ascii_ = request_of("ascii", ascii_frame("0200", {**ASCII_REDEEM, 48: "017TS012paper=ok;x=y"}))
    for request in (nac, ascii_):
        assert request.kind is Kind.GIFT_REDEEM
        assert request.status == Status((("paper", "ok"), ("x", "y")), 1)


def test_an_empty_table_tells_nothing() -> None:
    request = request_of("nac", nac_frame("0200", {**NAC_REDEEM, 63: "0004 0002 'TS'"}))
    assert (request.kind, request.status) == (Kind.GIFT_REDEEM, None)
