"""Terminals that go by a number, and messages whose kinds count by themselves, over every store."""

from typing import Any

import msgspec

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import Acceptor, Kind, MessageClass
from switch.books import Books
from switch.core.clock import SECOND
from switch.core.commands import PutTerminal
from switch.core.needs import Case
from tests.store.places import Place
from tests.store.shop import NOW, card_hash, fill, message, open_books

HERE = Acceptor("888000000001", "0001", "0002")


def opened(place: Place) -> Books:
    store = place.open()
    fill(store, 2, 1)
    books = open_books(store)
    first = place.reader().terminals()[0]
    books.run_group([PutTerminal(msgspec.structs.replace(first, number=HERE.number))], NOW)
    return books


def said(kind: Kind, stan: int, amount: int, **fields: object) -> Case:
    request = msgspec.structs.replace(
        message("redeem", 0, stan, 0, amount, receipt=None).request, kind=kind, sequenced=True
    )
    unnamed: dict[str, Any] = {"merchant_id": "", "terminal_id": "", "acceptor": HERE}
    return Case(msgspec.structs.replace(request, **unnamed | fields), "main", card_hash(0))


def test_a_terminal_is_found_by_its_number_and_each_kind_counts_by_itself(place: Place) -> None:
    books = opened(place)
    messages = [
        said(Kind.GIFT_REDEEM, 1, 500),
        said(Kind.GIFT_RELOAD, 1, 500),
        said(Kind.GIFT_REDEEM, 1, 500),
        said(Kind.GIFT_REDEEM, 1, 501),
        said(Kind.GIFT_ANY, 2, 0, message_class=MessageClass.REVERSAL),
    ]
    replies = [books.run_group([one], NOW + 10 + at)[0] for at, one in enumerate(messages)]
    approved, duplicate = Outcome.APPROVED, Outcome.DUPLICATE
    assert [one.outcome for one in replies] == [approved, approved, approved, duplicate, approved]
    assert replies[0] == replies[2]
    rows = [row for row in place.reader().rows() if row.listener]
    assert [(row.kind, row.stan, row.original) for row in rows] == [
        (Kind.GIFT_REDEEM, 1, 0),
        (Kind.GIFT_RELOAD, 1, 0),
        (Kind.GIFT_ANY, 2, rows[1].id),
    ]


def test_an_unknown_number_is_nobody(place: Place) -> None:
    books = opened(place)
    stranger = said(Kind.GIFT_REDEEM, 1, 500, acceptor=Acceptor("888000000001", "0001", "0003"))
    assert books.run_group([stranger], NOW + 10)[0].outcome is Outcome.UNKNOWN_MERCHANT


def test_two_terminals_never_have_one_number(place: Place) -> None:
    books = opened(place)
    first, second = place.reader().terminals()
    (reply,) = books.run_group([PutTerminal(msgspec.structs.replace(second, number=HERE.number))], NOW + 10)
    assert reply.outcome is Outcome.DUPLICATE
    assert reply.display == f"{first.merchant_id}/{first.terminal_id} goes by this number already"
    free = HERE.number.replace("8", "9")
    both = [PutTerminal(msgspec.structs.replace(one, number=free)) for one in (second, first)]
    assert [one.outcome for one in books.run_group(both, NOW + 20)] == [Outcome.APPROVED, Outcome.DUPLICATE]


def test_what_has_to_be_confirmed_waits_in_the_books(place: Place) -> None:
    books = opened(place)
    approved = [
        books.run_group([said(Kind.GIFT_REDEEM, n, 10, awaits_confirmation=True)], NOW + n)[0] for n in (1, 2, 3)
    ]
    store = books.store
    deadline = NOW + limits.CONFIRM_SECONDS * SECOND
    assert store.overdue(deadline, 10) == []
    waiting = store.overdue(deadline + 100, 10)
    assert [(one.stan, one.until, one.kind, one.rrn) for one in waiting] == [
        (n, deadline + n, Kind.GIFT_ANY, approved[n - 1].rrn) for n in (1, 2, 3)
    ]
    assert store.overdue(deadline + 100, 1) == waiting[:1]
    confirmed = said(Kind.CONFIRMATION, 1, 0, message_class=MessageClass.CONFIRMATION, rrn=approved[0].rrn)
    undone = said(Kind.GIFT_ANY, 2, 0, message_class=MessageClass.REVERSAL, rrn=approved[1].rrn)
    for at, one in enumerate((confirmed, undone, confirmed), 10):
        assert books.run_group([one], NOW + at)[0].outcome is Outcome.APPROVED
    assert [one.stan for one in store.overdue(deadline + 100, 10)] == [3]
    late = said(Kind.CONFIRMATION, 2, 0, message_class=MessageClass.CONFIRMATION, rrn=approved[1].rrn)
    assert books.run_group([late], NOW + 20)[0].outcome is Outcome.ALREADY_UNDONE
