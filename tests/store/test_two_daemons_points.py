"""Points at two daemons on one PostgreSQL: the same messages to both, each in an order of its own.

Sales, payments and transfers between members, repeated and reversed. Each counts once unless it is reversed, and no
member runs dry, so what everybody must have does not depend on the order. Transfers lock two members each.
"""

import random
from collections import Counter
from typing import Any

import pytest

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, Line, MessageClass, Request
from switch.core.commands import ApplyProgramme, Command, NewNumber
from switch.core.needs import Case
from switch.core.points_commands import AdjustPoints, AwardPoints, IssueLoyaltyCard
from switch.store.port import Reader, Store
from tests.core.members import scheme
from tests.store.places import PostgreSQLPlace
from tests.store.shop import NOW, PROGRAMME, card_hash, fill, merchant_of, open_books, prove, terminal_id
from tests.store.test_two_daemons import play

TERMINALS, MEMBERS, BEGIN = 20, 6, 1_000_000
KINDS = (Kind.SALE, Kind.POINTS_REDEEM, Kind.POINTS_TRANSFER)


def enrol(store: Store) -> None:
    books = open_books(store, "members")
    events = scheme(value="1", store_values="{}", expire_days="30", pending_days="0", events="{birthday = 7}")
    commands: list[Command] = [ApplyProgramme(PROGRAMME + events)]
    for member in range(MEMBERS):
        hash = card_hash(member)
        number = NewNumber(hash, b"sealed", "990110*********0000")
        commands += [IssueLoyaltyCard(number, "star", active=True), AdjustPoints(hash, BEGIN, "to begin with")]
    for command in commands:
        (reply,) = books.run_group([command], NOW)
        assert reply.outcome is Outcome.APPROVED, reply.display


def spoken(kind: Kind, terminal: int, stan: int, member: int, other: int, amount: int, **more: Any) -> Case:
    said: dict[str, Any] = {"message_class": MessageClass.REQUEST, "receipt": f"{stan:06d}"}
    request = Request(
        **said | more,
        kind=kind,
        line=Line("nac"),
        merchant_id=merchant_of(terminal),
        terminal_id=terminal_id(terminal),
        stan=stan,
        card=PAN(f"990110{member:013d}"),
        other_card=PAN(f"990110{other:013d}") if kind is Kind.POINTS_TRANSFER else None,
        amount=amount,
    )
    return Case(request, "main", card_hash(member), other_hash=card_hash(other) if request.other_card else "")


def story(chance: random.Random, count: int) -> tuple[list[Case], list[int]]:
    """Messages, and what the members have once all of them have been answered."""
    expected, cases, stans = [BEGIN] * MEMBERS, [], Counter[int]()
    for _ in range(count):
        kind, terminal = chance.choice(KINDS), chance.randrange(TERMINALS)
        member, other = chance.sample(range(MEMBERS), 2)
        amount = chance.randint(1, 400)
        stans[terminal] += 1
        said = terminal, stans[terminal], member, other, amount
        cases.append(spoken(kind, *said))
        if chance.random() < 0.2:
            cases.append(spoken(kind, *said, repeat=True))
        if chance.random() < 0.25:
            stan = stans[terminal]
            stans[terminal] += 1
            reversal: dict[str, Any] = {"message_class": MessageClass.REVERSAL, "receipt": None}
            reversal |= {"original_class": MessageClass.REQUEST, "original_stan": stan}
            cases += [spoken(kind, terminal, stans[terminal], *said[2:], **reversal)] * chance.randint(1, 2)
            continue
        expected[member] += amount // 100 if kind is Kind.SALE else -amount
        if kind is Kind.POINTS_TRANSFER:
            expected[other] += amount
    return cases, expected


def points(reader: Reader) -> list[int]:
    found = [reader.card(card_hash(member)) for member in range(MEMBERS)]
    return [sum(account.balance for account in reader.member(one[0].holder)[1]) for one in found if one]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_messages_of_members_at_two_daemons_move_points_once(postgresql: PostgreSQLPlace, seed: int) -> None:
    fill(postgresql.open(), TERMINALS, 0)
    enrol(postgresql.open())
    chance = random.Random(seed)
    cases, expected = story(chance, 900)
    outcomes = play(postgresql, [chance.sample(cases, len(cases)) for _ in range(2)])
    assert points(postgresql.reader()) == expected
    assert set(outcomes) <= {Outcome.APPROVED, Outcome.DUPLICATE}
    prove(postgresql.reader())


@pytest.mark.slow
def test_a_sale_returned_at_two_daemons_at_once_comes_back_once(postgresql: PostgreSQLPlace) -> None:
    """Each sale of 1000 is partly paid by another member. Six tenths of it come back at either daemon: one of them."""
    fill(postgresql.open(), TERMINALS, 0)
    enrol(postgresql.open())
    books, chance, returns = open_books(postgresql.open(), "tills"), random.Random(3), []
    for stan in range(1, 61):
        terminal, (member, other) = stan % 4, chance.sample(range(MEMBERS), 2)
        receipt = {"receipt": f"{stan:06d}"}
        said = [
            spoken(Kind.POINTS_REDEEM, terminal, 2 * stan, other, 0, 300, **receipt),
            spoken(Kind.SALE, terminal, 2 * stan + 1, member, 0, 1000, **receipt),
        ]
        *_, sold = (books.run_group([case], NOW)[0] for case in said)
        back = {"rrn": sold.rrn, "receipt": None}
        returns.append([spoken(Kind.SALE_RETURN, 4 + stan % 8 + 8 * n, stan, member, 0, 600, **back) for n in (0, 1)])
    scripts = [[pair[n] for pair in returns] for n in (0, 1)]
    outcomes = play(postgresql, [scripts[0], chance.sample(scripts[1], len(returns))])
    assert outcomes == {Outcome.APPROVED: 60, Outcome.AMOUNT: 60}
    assert sum(points(postgresql.reader())) == MEMBERS * BEGIN + 60 * 4, "of each sale 4 points are left"
    prove(postgresql.reader())


@pytest.mark.slow
def test_an_award_is_made_once_by_two_daemons(postgresql: PostgreSQLPlace) -> None:
    fill(postgresql.open(), 1, 0)
    enrol(postgresql.open())
    awards = [AwardPoints(card_hash(member), "birthday", f"event {member}") for member in range(MEMBERS)]
    first, second = (open_books(postgresql.open(), f"daemon{number}") for number in (1, 2))
    for books in (first, second, first):
        assert [reply.outcome for reply in books.run_group(awards, NOW)] == [Outcome.APPROVED] * MEMBERS
    assert points(postgresql.reader()) == [BEGIN + 7] * MEMBERS
