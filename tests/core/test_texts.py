"""Texts of a points scheme for the display and the receipt (`switch/core/texts.py`)."""

from __future__ import annotations

import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import PointsTold, Reply
from switch.core.programme import ProgrammeError, parse_programme
from switch.core.texts import PointsText, text_for
from tests.core.members import MemberShop, scheme

TOLD = PointsTold(12, 0, 3400, 50, "261231")
TEXTS = """[
  {stores = ["north"], display = "Thank you!", receipt = "earned {earned}\\nredeemed {redeemed}\\nnow {available}"},
  {language = "tr", receipt = "bakiye {available}"},
  {receipt = "{expiring} until {on}\\nyours {available}"},
]"""


def said(reply: Reply) -> tuple[str | None, str | None]:
    return reply.display, reply.receipt_text


def test_the_first_text_that_fits_store_and_language_counts() -> None:
    shop = MemberShop(texts=TEXTS)
    north, south, card = shop.till("T1", texts=True), shop.till("T2", store="south", texts=True), shop.member()
    assert said(north.sale(card, 1000, language="tr")) == ("Thank you!", "earned 10\nnow 10\n")
    assert said(south.sale(card, 1000, language="tr")) == (None, "bakiye 20\n")
    assert said(south.sale(card, 1000, language="en")) == (None, "yours 30\n")
    assert said(south.ask(card)) == (None, "yours 30\n")


def test_every_answer_that_tells_points_has_its_text() -> None:
    shop = MemberShop(
        texts='[{receipt = "{earned} {redeemed} {available}\\n{available}"}]', value="1", store_values="{}"
    )
    till, card = shop.till(texts=True), shop.member(100)
    replies = [
        till.pay(card, 10, receipt="000001"),
        till.preview(card, 1000),
        till.sale(card, 1010, receipt="000001"),
        till.buy(card, 400),
        till.ask(card),
    ]
    assert [reply.receipt_text for reply in replies] == ["90\n", "90\n", "100\n", "200\n", "200\n"]


@pytest.mark.parametrize(("till", "asked", "comes"), [(False, False, False), (True, False, True), (False, True, True)])
def test_only_terminals_that_can_take_texts_get_them(till: bool, asked: bool, comes: bool) -> None:
    shop = MemberShop(texts='[{display = "yes"}]')
    reply = shop.till(texts=till).sale(shop.member(), 1000, **{"texts": True} if asked else {})
    assert (reply.display is not None) is comes


def test_a_refusal_and_a_repeat() -> None:
    """A refusal has no text; a repeat gets the stored one, whatever the points are by now."""
    shop = MemberShop(texts='[{display = "{available}"}]')
    till, card = shop.till(texts=True), shop.member()
    assert till.sale(card, 1000).display == "10"
    first = till.sent
    till.sale(card, 1000)
    assert till.say(first).display == "10"
    refused = till.pay(card, 10_000)
    assert (refused.outcome, refused.display) == (Outcome.NOT_ENOUGH, None)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("{earned} earned", "12 earned\n"),
        ("{redeemed} redeemed\nthat is all", "that is all\n"),
        ("{expiring} end on {on}", "50 end on 2026-12-31\n"),
        ("{{braces}}", "{braces}\n"),
        ("one\n\nthree\n", "one\n\nthree\n"),
        ("", ""),
    ],
)
def test_figures_are_filled_in_and_lines_of_nought_left_out(text: str, printed: str) -> None:
    assert text_for([PointsText(receipt=text)], "north", None, TOLD) == ("", printed)


def test_nothing_expires() -> None:
    told = PointsTold(0, 0, -5, 0, "000000")
    assert text_for([PointsText("{expiring} on {on}\n{available}")], "x", None, told) == ("-5", "")
    assert text_for([], "x", None, told) == ("", "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{}", "[0]: says nothing; needs display or receipt"),
        (
            '{display = "{name}"}',
            "[0].display: {name} is not one of {earned}, {redeemed}, {available}, {expiring}, {on}",
        ),
        ('{display = "{available.real}"}', "[0].display: {available.real} is not one of"),
        ('{display = "{available!r}"}', "[0].display: {available} is not one of"),
        ('{display = "{available:x}"}', "[0].display: {available} is not one of"),
        ('{display = "{}"}', "[0].display: {} is not one of"),
        ('{receipt = "{available"}', "[0].receipt: a brace without its other; write {{ for one that is text"),
        ('{receipt = "a\\tb"}', "[0].receipt: only line ends may stand between its characters"),
        (f'{{display = "{"x" * (limits.DISPLAY_TEXT_MAX + 1)}"}}', "[0].display: 101 characters, more than 100"),
        (f'{{receipt = "{"x" * (limits.RECEIPT_TEXT_MAX + 1)}"}}', "[0].receipt: 601 characters, more than 600"),
        ('{display = "a", language = "TR"}', "[0].language: 'TR' is not a language such as 'tr'"),
        ('{display = "a", colour = 1}', "[0].colour: is not a key; allowed: display, receipt, stores, language"),
    ],
)
def test_a_text_that_cannot_be_filled_is_refused_when_it_is_applied(text: str, fault: str) -> None:
    with pytest.raises(ProgrammeError) as caught:
        parse_programme(scheme(texts=f"[{text}]"), 1)
    assert str(caught.value).startswith(f"points_schemes[0].texts{fault}")
