"""Records for tests: everything has a plain value, and a test names what it is about."""

from typing import Any

from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass, Reply
from switch.core.decision import Changes
from switch.core.deliveries import Delivery
from switch.core.holdings import Account, AccountKind, Card, Notice
from switch.core.journal import Entry, ProgrammeText, Row, Seal, Tally, Tombstone
from switch.core.merchants import Batch, Desk, Merchant, Settlement, Terminal
from switch.core.needs import Needs
from switch.core.presence import Presence

NOW = 1_790_000_000_000_000
MERCHANT_ID, TERMINAL_ID = "M00000000000001", "T0000001"


def merchant(number: int = 1, merchant_id: str = MERCHANT_ID, **other: Any) -> Merchant:
    return Merchant(number, merchant_id, other.pop("name", "Kelebek Kitap"), other.pop("stores", ("s1",)), **other)


def terminal(number: int = 10, merchant: int = 1, merchant_id: str = MERCHANT_ID, **other: Any) -> Terminal:
    fields: dict[str, Any] = {"terminal_id": TERMINAL_ID, "store": "s1", "currency": "949"} | other
    return Terminal(number, merchant, merchant_id, **fields)


def card(number: int, holder: int = 0, **other: Any) -> Card:
    fields: dict[str, Any] = {"hash": f"hash{number}", "sealed_pan": b"\x00sealed", "masked_pan": "990010*********1234"}
    fields |= {"product": "classic", "currency": "949", "account": holder or number} | other
    return Card(number, holder or number, **fields)


def account(number: int, balance: int = 0, entries: int = 0, holder: int = 0) -> Account:
    return Account(number, AccountKind.CARD, holder or number, "949", balance, entries)


def row(number: int, **other: Any) -> Row:
    fields: dict[str, Any] = {
        "kind": Kind.GIFT_REDEEM, "message_class": MessageClass.REQUEST, "outcome": Outcome.APPROVED, "reason": "",
        "terminal": 10, "merchant": 1, "store": "s1", "application": "main", "batch": 0, "stan": number,
        "stan_count": 0, "rrn": f"6264{number:08d}", "decided_at": NOW + number, "programme": 1, "listener": "nac",
        "root": number, "card_hash": "hash100", "reply": Reply(Outcome.APPROVED, rrn=f"6264{number:08d}"),
    }  # fmt: skip
    return Row(number, **fields | other)


def entry(account: int, amount: int, balance_after: int | None = None, sequence: int | None = None) -> Entry:
    return Entry(account, "949", amount, balance_after, sequence)


def desk(terminal: int = 10, application: str = "main", **other: Any) -> Desk:
    return Desk(terminal, application, **other)


def batch(id: int, **other: Any) -> Batch:
    fields: dict[str, Any] = {
        "terminal": 10,
        "application": "main",
        "number": 1,
        "named": True,
        "opened_at": NOW + id,
    } | other
    return Batch(id, **fields)


def tombstone(number: int, expires_at: int, **other: Any) -> Tombstone:
    fields: dict[str, Any] = {
        "terminal": 10,
        "application": "main",
        "card_hash": "hash100",
        "kind": Kind.GIFT_REDEEM,
        "amount": 5,
    }
    fields |= {"stan": 7, "batch": 3, "receipt": "000007"} | other
    return Tombstone(number, expires_at=expires_at, **fields)


def seal(daemon: str = "main", number: int = 1) -> Seal:
    return Seal(daemon, number, 1, NOW, bytes([number % 256]) * 32)


def changes(*records: Any) -> Changes:
    """What a group writes, from the records themselves."""
    done = Changes()
    for record in records:
        match record:
            case Merchant():
                done.merchants[record.id] = record
            case Terminal():
                done.terminals[record.id] = record
            case Card():
                done.cards[record.id] = record
            case Account():
                done.accounts[record.id] = record
            case Desk():
                done.desks[record.terminal, record.application] = record
            case Batch():
                done.batches[record.id] = record
            case Row():
                done.rows.append(record)
            case Tombstone():
                done.tombstones.append(record)
            case Tally():
                done.tallies.append(record)
            case Settlement():
                done.settlements.append(record)
            case Notice():
                done.notices.append(record)
            case Delivery():
                done.deliveries.append(record)
            case Presence():
                done.presences[record.terminal] = record
            case ProgrammeText():
                done.programmes.append(record)
            case _:
                raise TypeError(record)
    return done


def need(**other: Any) -> Needs:
    fields: dict[str, Any] = {"merchant_id": MERCHANT_ID, "terminal_id": TERMINAL_ID, "application": "main"} | other
    return Needs(**fields)
