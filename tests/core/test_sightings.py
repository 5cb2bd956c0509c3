"""Messages as signs of life, and slices of what memory knows, decided over books in memory."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.status import Status
from specs.transaction import Kind, Line, MessageClass
from switch.core.clock import SECOND
from switch.core.presence import Event, Presence
from switch.core.sightings import FoldPresence, Sighting
from tests.core.till import NOON, Shop, Till, clock

PAPER_OK = Status((("paper", "ok"),))
PAPER_OUT = Status((("paper", "out"),))


@pytest.fixture
def shop() -> Shop:
    return Shop()


def echo(till: Till, **fields: Any) -> Outcome:
    return till.say(till.write(Kind.ECHO, message_class=MessageClass.NETWORK, **fields)).outcome


def presence(till: Till) -> Presence:
    return next(one.presence for one in till.shop.store.stations(0, 100) if one.terminal == till.record)


def events(shop: Shop) -> list[Event]:
    """Of the last group."""
    return [one.event for one in shop.books.terminal_events]


def fold(shop: Shop, *sightings: Sighting) -> list[Event]:
    shop.command(FoldPresence(sightings))
    return events(shop)


def sighting(till: Till, last_seen: int, silent: bool = False, skew: int | None = None) -> Sighting:
    return Sighting(till.merchant_id, till.terminal_id, last_seen, silent, skew)


# -- messages ----------------------------------------------------------------------------------------------------------
def test_a_changed_status_is_in_the_books_with_its_answer(shop: Shop) -> None:
    till = shop.till()
    assert echo(till, status=PAPER_OK) is Outcome.APPROVED
    told = presence(till)
    assert (told.status, told.last_seen) == (PAPER_OK.values, shop.now)
    assert echo(till, status=PAPER_OK) is Outcome.APPROVED
    assert presence(till) == told, "the same again costs no write"
    assert echo(till, status=PAPER_OUT) is Outcome.APPROVED
    assert presence(till).status == PAPER_OUT.values
    assert events(shop) == [Event.PAPER_OUT]


def test_a_status_beside_a_sale_is_kept_whatever_becomes_of_the_sale(shop: Shop) -> None:
    till = shop.till()
    card = shop.card(balance=100)
    assert till.redeem(card, 500, status=PAPER_OUT).outcome is Outcome.NOT_ENOUGH
    assert presence(till).status == PAPER_OUT.values


def test_strangers_are_not_heard(shop: Shop) -> None:
    till, foreign = shop.till(), Line("tls", frozenset({"B"}))
    ways: list[tuple[dict[str, Any], Outcome]] = [
        ({"line": foreign}, Outcome.NOT_ALLOWED),
        ({"kind": Kind.MALFORMED}, Outcome.FORMAT_ERROR),
    ]
    for fields, outcome in ways:
        request = till.write(Kind.ECHO, message_class=MessageClass.NETWORK, status=PAPER_OUT)
        assert till.say(msgspec.structs.replace(request, **fields)).outcome is outcome
        assert shop.books.heard == [None]
    assert presence(till).status == ()
    ghost = Till(shop, "GHOST", "A")
    assert echo(ghost, status=PAPER_OUT) is Outcome.UNKNOWN_TERMINAL
    assert shop.books.heard == [None]


def test_every_valid_message_is_heard_also_one_that_is_refused(shop: Shop) -> None:
    till = shop.till(rights=())
    assert till.redeem(shop.card(), 100).outcome is Outcome.NOT_ALLOWED
    (life,) = shop.books.heard
    assert life is not None
    assert life.terminal == till.record


@pytest.mark.parametrize(
    ("message_class", "kind", "repeat", "told"),
    [
        (MessageClass.NETWORK, Kind.ECHO, False, True),
        (MessageClass.REQUEST, Kind.GIFT_REDEEM, False, True),
        (MessageClass.INQUIRY, Kind.GIFT_BALANCE, False, True),
        (MessageClass.REQUEST, Kind.GIFT_REDEEM, True, False),  # sent before
        (MessageClass.ADVICE, Kind.GIFT_REDEEM, False, False),  # the time of the deed
        (MessageClass.REVERSAL, Kind.GIFT_REDEEM, False, False),  # the time of the original
    ],
)
def test_a_clock_is_told_by_messages_that_carry_the_time_they_are_sent(
    shop: Shop, message_class: MessageClass, kind: Kind, repeat: bool, told: bool
) -> None:
    till = shop.till(time_zone="Europe/Istanbul")
    card = shop.card(balance=1000) if kind is not Kind.ECHO else None
    local = shop.now + 3 * 3600 * SECOND + 90 * SECOND  # three hours east, and a minute and a half fast
    till.say(till.write(kind, card, 100, message_class=message_class, repeat=repeat, **clock(local)))
    (life,) = shop.books.heard
    assert life is not None
    assert life.skew == (89 if told else None)  # the shop's clock went on a second


def test_a_message_without_a_time_tells_no_clock(shop: Shop) -> None:
    echo(shop.till())
    (life,) = shop.books.heard
    assert life is not None
    assert life.skew is None


# -- slices of what memory knows ---------------------------------------------------------------------------------------
def test_it_is_told_once_that_a_terminal_is_offline_and_once_that_it_is_back(shop: Shop) -> None:
    till = shop.till()
    seen = NOON
    assert fold(shop, sighting(till, seen)) == []
    assert fold(shop, sighting(till, seen, silent=True)) == [Event.OFFLINE]
    assert fold(shop, sighting(till, seen, silent=True)) == []
    assert presence(till).offline
    assert fold(shop, sighting(till, seen + SECOND)) == [Event.BACK]
    assert fold(shop, sighting(till, seen + SECOND)) == []
    assert not presence(till).offline


def test_a_status_table_brings_a_terminal_back_as_well(shop: Shop) -> None:
    till = shop.till()
    fold(shop, sighting(till, NOON, silent=True))
    echo(till, status=PAPER_OK)
    assert events(shop) == [Event.BACK]
    assert fold(shop, sighting(till, shop.now)) == []


def test_what_another_daemon_has_heard_is_not_made_unheard(shop: Shop) -> None:
    till = shop.till()
    fold(shop, sighting(till, NOON + 10 * SECOND))  # by the other
    assert fold(shop, sighting(till, NOON, silent=True)) == []
    assert presence(till).last_seen == NOON + 10 * SECOND


def test_a_clock_far_off_is_told_once(shop: Shop) -> None:
    till, off = shop.till(), limits.CLOCK_OFF_SECONDS + 1
    assert fold(shop, sighting(till, NOON, skew=off - 1)) == []
    assert fold(shop, sighting(till, NOON, skew=-off)) == [Event.CLOCK_OFF]
    assert fold(shop, sighting(till, NOON, skew=off)) == []
    assert fold(shop, sighting(till, NOON, skew=0)) == []
    assert fold(shop, sighting(till, NOON, skew=off)) == [Event.CLOCK_OFF]


def test_folding_leaves_the_status_alone_and_passes_over_who_is_gone(shop: Shop) -> None:
    till = shop.till()
    echo(till, status=PAPER_OK)
    fold(shop, sighting(Till(shop, "GHOST", "A"), NOON), sighting(till, shop.now + SECOND))
    assert presence(till).status == PAPER_OK.values
    assert presence(till).last_seen == shop.now - SECOND + SECOND


def test_times_are_told_in_words_of_people(shop: Shop) -> None:
    till = shop.till()
    fold(shop, sighting(till, shop.now - 99 * SECOND, silent=True))
    (event,) = shop.books.terminal_events
    assert (event.merchant_id, event.terminal_id, event.store) == ("A", till.terminal_id, "north")
    assert event.detail == "silent for 100 s"
    assert dt.timedelta(microseconds=event.at - shop.now) == dt.timedelta()
