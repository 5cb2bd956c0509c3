"""What operators do to the books (`switch/core/commands.py`): each refusal says why, and changes nothing."""

from __future__ import annotations

import msgspec
import pytest

from specs import limits
from specs.outcomes import Outcome
from specs.transaction import Kind
from switch.books import decode_commands, encode_commands
from switch.core.commands import (
    ActivateCard,
    ApplyProgramme,
    Command,
    IssueCard,
    NewNumber,
    PutMerchant,
    PutTerminal,
    ReplaceCard,
    SetBlock,
)
from switch.core.holdings import Block, CardState
from switch.core.merchants import Merchant, Terminal
from tests.core.till import LIRA, PROGRAMME, Shop, hash_of

NUMBER = NewNumber("a hash", b"sealed", "990010*********0001")
WITH_PIN = NewNumber("another hash", b"sealed", "990040*********0001", pin_hash=b"hash of a PIN")
TERMINAL = Terminal(0, 0, "A", "T7", "north", LIRA)


def refusal(shop: Shop, command: Command) -> tuple[Outcome, str | None]:
    before = shop.rows(), shop.store.cards(0, 1000), shop.store.terminals(), shop.store.merchants()
    (reply,) = shop.ask(command)
    after = shop.rows(), shop.store.cards(0, 1000), shop.store.terminals(), shop.store.merchants()
    assert before == after
    return reply.outcome, reply.display


@pytest.mark.parametrize(
    ("command", "outcome", "why"),
    [
        (PutTerminal(msgspec.structs.replace(TERMINAL, merchant_id="Z")), Outcome.UNKNOWN_MERCHANT, "there is no merchant Z"),  # noqa: E501
        (PutTerminal(msgspec.structs.replace(TERMINAL, store="east")),    Outcome.FORMAT_ERROR,     "A has no store east"),  # noqa: E501
        (IssueCard(NUMBER, "gold"),            Outcome.PRODUCT,          "there is no product 'gold'"),
        (IssueCard(NUMBER, "secret"),          Outcome.FORMAT_ERROR,     "secret: cards of a product have a PIN if it says so, and only then"),  # noqa: E501
        (IssueCard(WITH_PIN, "open"),          Outcome.FORMAT_ERROR,     "open: cards of a product have a PIN if it says so, and only then"),  # noqa: E501
        (ActivateCard("nobody", "A", 1000),    Outcome.UNKNOWN_CARD,     "no such card, or it is not waiting to be activated"),  # noqa: E501
        (SetBlock("nobody", Block.LOST),       Outcome.UNKNOWN_CARD,     "no such card"),
        (ReplaceCard("nobody", NUMBER),        Outcome.UNKNOWN_CARD,     "no such card, or it has been replaced already"),  # noqa: E501
        (ApplyProgramme("a ="),                Outcome.FORMAT_ERROR,     "not TOML: Invalid value (at end of document)"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_cannot_be_done_says_why(command: Command, outcome: Outcome, why: str) -> None:
    assert refusal(Shop(), command) == (outcome, why)


def test_numbers_are_issued_once() -> None:
    shop = Shop()
    shop.command(IssueCard(NUMBER, "open"))
    issued = "this card number has been issued before"
    assert refusal(shop, IssueCard(NUMBER, "open")) == (Outcome.DUPLICATE, issued)
    card = shop.card(balance=1000)
    assert refusal(shop, ReplaceCard(hash_of(card), NUMBER))[0] is Outcome.DUPLICATE
    both = shop.ask(IssueCard(WITH_PIN, "secret"), IssueCard(WITH_PIN, "secret"))
    assert [reply.outcome for reply in both] == [Outcome.APPROVED, Outcome.DUPLICATE], "also within one group"


def test_a_card_is_activated_at_a_merchants_expense() -> None:
    shop = Shop()
    card = shop.card("short")
    assert refusal(shop, ActivateCard(hash_of(card), "Z", 10))[1] == "there is no merchant Z"
    for amount in (0, -1, limits.AMOUNT_MAX + 1):
        assert refusal(shop, ActivateCard(hash_of(card), "A", amount))[0] is Outcome.AMOUNT
    shop.command(ActivateCard(hash_of(card), "A", 700))
    assert (shop.balance(card), shop.clearing("A"), shop.record(card).state) == (700, -700, CardState.ACTIVE)
    assert shop.record(card).expires_at == shop.now + 10 * 86_400_000_000
    assert refusal(shop, ActivateCard(hash_of(card), "A", 700))[0] is Outcome.UNKNOWN_CARD
    shop.prove()


def test_merchants_and_terminals_keep_their_ids_when_they_change() -> None:
    shop = Shop()
    till = shop.till("T1")
    before = till.record
    shop.command(PutMerchant(Merchant(0, "A", "Anchor & Sons", ("north", "south", "west"))))
    shop.command(PutTerminal(msgspec.structs.replace(before, id=0, merchant=0, store="west", partial=True)))
    assert (till.record.id, till.record.merchant, till.record.store) == (before.id, before.merchant, "west")
    assert len([t for t in shop.store.terminals() if t.terminal_id == "T1"]) == 1


def test_a_replaced_card_hands_over_its_account_and_is_dead() -> None:
    shop = Shop()
    till, old = shop.till(), shop.card("short", balance=1000)
    shop.block(old, Block.LOST)
    new = shop.replace(old)
    before, after = shop.record(old), shop.record(new)
    assert (before.account, before.holder, before.expires_at) == (after.account, after.holder, after.expires_at)
    assert (before.state, after.state, after.block) == (CardState.REPLACED, CardState.ACTIVE, Block.NONE)
    assert till.redeem(new, 400).outcome is Outcome.APPROVED
    assert till.redeem(old, 400).outcome is Outcome.CARD_RESTRICTED
    assert shop.balance(old) == shop.balance(new) == 600
    assert refusal(shop, ReplaceCard(hash_of(old), NUMBER))[0] is Outcome.UNKNOWN_CARD
    newest = shop.replace(new)
    assert till.redeem(newest, 100).outcome is Outcome.APPROVED
    shop.prove()


def test_a_new_number_has_a_pin_where_the_product_asks_for_one_and_only_then() -> None:
    shop = Shop()
    secret, plain = shop.card("secret", 1000), shop.card(balance=1000)
    assert refusal(shop, ReplaceCard(hash_of(secret), NUMBER))[0] is Outcome.FORMAT_ERROR
    assert refusal(shop, ReplaceCard(hash_of(plain), WITH_PIN))[0] is Outcome.FORMAT_ERROR
    shop.command(ReplaceCard(hash_of(secret), WITH_PIN))


def test_a_programme_is_applied_whole_or_not_at_all() -> None:
    shop = Shop()
    version = shop.books.programme.version
    outcome, why = refusal(shop, ApplyProgramme(PROGRAMME + '\n[[gift_products]]\nid = "half"\n'))
    assert outcome is Outcome.FORMAT_ERROR
    assert why is not None
    assert shop.books.programme.version == version
    shop.command(ApplyProgramme(PROGRAMME))
    assert shop.books.programme.version == version + 1
    card = shop.card(balance=10)
    shop.till().redeem(card, 1)
    assert shop.newest.programme == version + 1


def test_what_operators_did_is_in_the_journal() -> None:
    shop = Shop()
    card = shop.card(balance=1000)
    shop.block(card, Block.STOLEN)
    shop.block(card, Block.NONE)
    shop.replace(card)
    kinds = [(row.kind, row.reason, row.terminal) for row in shop.rows()]
    assert kinds == [
        (Kind.OPERATOR, "card_issued", 0),
        (Kind.GIFT_ACTIVATE, "by_operator", 0),
        (Kind.OPERATOR, "block_stolen", 0),
        (Kind.OPERATOR, "block_none", 0),
        (Kind.OPERATOR, "card_replaced", 0),
    ]


def test_commands_travel_as_json() -> None:
    commands: list[Command] = [
        PutMerchant(Merchant(0, "A", "Anchor", ("north",))),
        PutTerminal(TERMINAL),
        IssueCard(WITH_PIN, "secret", 500),
        ActivateCard("hash", "A", 10),
        SetBlock("hash", Block.LOST),
        ReplaceCard("hash", NUMBER),
        ApplyProgramme("guess_limit = 5"),
    ]
    assert decode_commands(encode_commands(commands)) == commands
    for wrong in (b"", b"{}", b'[{"type": "DropTables"}]', b'[{"type": "SetBlock", "card_hash": "h"}]'):
        with pytest.raises(msgspec.DecodeError):
            decode_commands(wrong)
