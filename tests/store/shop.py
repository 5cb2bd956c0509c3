"""Books with a programme, terminals and cards that can pay for anything, and the messages of their terminals."""

from collections.abc import Iterator, Sequence
from typing import Any

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, Line, MessageClass, Reply, Request
from switch.audit import Audit, audit
from switch.books import Books, Item
from switch.core.commands import ActivateCard, ApplyProgramme, IssueCard, NewNumber, PutMerchant, PutTerminal
from switch.core.merchants import Merchant, Right, Terminal
from switch.core.needs import Case
from switch.store.port import Reader, Store

SEAL_KEY = b"k" * 32
NOW = 1_790_000_000_000_000
FILLED = 1_000_000  # on every card: no payment of a test comes near it
MERCHANTS = ("M00000000000001", "M00000000000002")
PROGRAMME = """
card_refusals = "plain"
[[gift_products]]
id = "classic"
name = "Any amount"
prefix = "990010"
currency = "949"
method = "reloadable"
minimum = 1
maximum = 999999999
"""
KINDS = {"redeem": Kind.GIFT_REDEEM, "reload": Kind.GIFT_RELOAD, "refund": Kind.GIFT_REFUND,
         "void": Kind.GIFT_VOID_SPEND}  # fmt: skip


def open_books(store: Store, daemon: str = "main") -> Books:
    """A bug in a decision fails the test."""

    def report(bug: Exception) -> None:
        raise bug

    return Books(store, SEAL_KEY, daemon, report)


def fill(store: Store, terminals: int, cards: int) -> None:
    books = open_books(store, "operator")
    commands: list[Item] = [ApplyProgramme(PROGRAMME)]
    commands += [PutMerchant(Merchant(0, merchant_id, merchant_id, ("s1",))) for merchant_id in MERCHANTS]
    commands += [PutTerminal(_terminal(number)) for number in range(terminals)]
    commands += [
        IssueCard(NewNumber(card_hash(number), b"sealed", "990010*********0000"), "classic") for number in range(cards)
    ]
    commands += [ActivateCard(card_hash(number), merchant_of(number), FILLED) for number in range(cards)]
    for place, command in enumerate(commands):
        (reply,) = books.run_group([command], NOW - len(commands) + place)
        assert reply.outcome is Outcome.APPROVED, reply.display


def _terminal(number: int) -> Terminal:
    name = terminal_id(number)
    return Terminal(0, 0, merchant_of(number), name, "s1", "949", rights=tuple(Right))


def terminal_id(number: int) -> str:
    return f"T{number:07d}"


def merchant_of(number: int) -> str:
    return MERCHANTS[number % len(MERCHANTS)]


def card_hash(number: int) -> str:
    return f"{number:032x}"


def message(what: str, terminal: int, stan: int, card: int, amount: int, **other: Any) -> Case:
    """A request of a terminal; `reversal_of` makes it the reversal of the message with that STAN."""
    fields: dict[str, Any] = {"message_class": MessageClass.REQUEST, "receipt": f"{stan:06d}"}
    if "reversal_of" in other:
        fields |= {"message_class": MessageClass.REVERSAL, "original_class": MessageClass.REQUEST}
        fields |= {"original_stan": other.pop("reversal_of"), "receipt": None}
    request = Request(
        **fields | other,
        kind=KINDS[what],
        line=Line("nac"),
        merchant_id=merchant_of(terminal),
        terminal_id=terminal_id(terminal),
        stan=stan,
        card=PAN(f"990010{card:013d}"),
        amount=amount,
        currency="949",
    )
    return Case(request, "main", card_hash(card))


def groups(cases: Sequence[Case], largest: int) -> Iterator[list[Case]]:
    """In order, at most one message of a terminal in each."""
    group: list[Case] = []
    for case in cases:
        if len(group) == largest or any(one.request.terminal_id == case.request.terminal_id for one in group):
            yield group
            group = []
        group.append(case)
    if group:
        yield group


def balances(reader: Reader, cards: int) -> list[int]:
    found = [reader.card(card_hash(number)) for number in range(cards)]
    return [one[1].balance for one in found if one]


def prove(reader: Reader) -> Audit:
    """The audit, to its end."""
    done = Audit()
    for done in audit(reader, SEAL_KEY):  # noqa: B007 - the last is what counts
        pass
    return done


def approved(replies: Sequence[Reply]) -> list[bool]:
    return [reply.outcome is Outcome.APPROVED for reply in replies]
