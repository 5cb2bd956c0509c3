"""A till that speaks canonical Requests to the books, so that a test of the rules reads like a conversation.

`Shop` owns the books (in memory), the clock and the cards; `Till` is one terminal of it. A bug in the rules is raised,
not answered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec

from specs.outcomes import ACCEPTED, Outcome
from specs.sensitive import PAN, Secret
from specs.transaction import Balance, BalanceType, Kind, Line, MessageClass, Reply, Request, Total
from switch.audit import Audit, audit
from switch.books import Books
from switch.core.clock import DAY, HOUR, MINUTE, SECOND
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
from switch.core.holdings import AccountKind, Block, Card, system_account
from switch.core.journal import Row, Tally
from switch.core.merchants import Batch, Merchant, Right, Terminal
from switch.core.needs import Case
from switch.store.memory import MemoryStore
from tests.store.places import Whole

NOON = int(dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC).timestamp()) * SECOND
LIRA, EURO, DINAR, YEN, DOLLAR = "949", "978", "414", "392", "840"
LINE = Line("test", clear_pin=True)
SEAL_KEY = b"a key for the seals of tests"

#: Every flavour of gift card once. 1 TRY = 0.025 USD, 1 EUR = 1.1 USD, 1 KWD = 3.25 USD (three decimals), JPY has none.
PROGRAMME = """
card_refusals = "plain"
guess_limit = 3
pin_lock_minutes = 30
rates = {"949" = "0.025", "978" = "1.1", "414" = "3.25", "392" = "0.007"}
gift_products = [
  {id="open",   name="", prefix="990010", currency="949", method="reloadable", minimum=1000, maximum=500000, balance_limit=600000},
  {id="printed",name="", prefix="990020", currency="949", method="preloaded", denominations=[10000, 25000]},
  {id="single", name="", prefix="990030", currency="949", method="at_activation", minimum=1000, maximum=100000, single_use=true},
  {id="secret", name="", prefix="990040", currency="949", method="reloadable", minimum=1000, maximum=500000, balance_limit=600000, pin=true},
  {id="private",name="", prefix="990041", currency="949", method="reloadable", minimum=1000, maximum=500000, pin=true, pin_for_balance=true, pin_tries=2},
  {id="north",  name="", prefix="990050", currency="949", method="reloadable", minimum=1000, maximum=500000, stores=["north"]},
  {id="gulf",   name="", prefix="990060", currency="414", method="reloadable", minimum=1, maximum=1000000},
  {id="short",  name="", prefix="990070", currency="949", method="reloadable", minimum=1000, maximum=500000, valid_days=10},
  {id="five",   name="", prefix="990080", currency="949", method="at_activation", denominations=[5000]},
  {id="home",   name="", prefix="990090", currency="949", method="reloadable", minimum=1, maximum=500000, refund_elsewhere=false},
]
"""  # noqa: E501

MERCHANTS = (Merchant(0, "A", "Anchor", ("north", "south")), Merchant(0, "B", "Bazaar", ("east",)))


class Shop:
    """The books of two merchants, and the time."""

    def __init__(self, programme: str = PROGRAMME, store: Whole | None = None) -> None:
        self.store = store or MemoryStore()
        self.books = Books(self.store, SEAL_KEY, report=_raise)
        self.now = NOON
        self._cards = 0
        self.command(ApplyProgramme(programme), *(PutMerchant(merchant) for merchant in MERCHANTS))

    def pass_time(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        self.now += round(days * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND)

    # -- who is there -------------------------------------------------------------------------------------------------
    def till(self, terminal_id: str = "T1", merchant_id: str = "A", **profile: Any) -> Till:
        """A terminal with every right, in the merchant's first store, in liras, unless said otherwise."""
        store = next(merchant.stores[0] for merchant in MERCHANTS if merchant.merchant_id == merchant_id)
        said: dict[str, Any] = {"store": store, "currency": LIRA, "rights": tuple(Right)} | profile
        self.command(PutTerminal(Terminal(0, 0, merchant_id, terminal_id, **said)))
        return Till(self, terminal_id, merchant_id)

    def number(self, product: str = "open", pin: str | None = None) -> tuple[PAN, NewNumber]:
        self._cards += 1
        found = self.books.programme.card_product(product)
        assert found is not None
        pan = PAN(f"{found.prefix}{self._cards:013d}")
        card_hash = hash_of(pan)
        return pan, NewNumber(card_hash, b"sealed", pan.masked, pin_hash_of(card_hash, Secret(pin)) if pin else None)

    def card(
        self, product: str = "open", balance: int | None = None, *, pin: str | None = None, printed: int | None = None
    ) -> PAN:
        """A new card; active with `balance` (charged to nobody here) if one is given."""
        if self.books.programme.products[product].pin and pin is None:
            pin = "1234"
        pan, number = self.number(product, pin)
        self.command(IssueCard(number, product, printed))
        if balance is not None:
            self.command(ActivateCard(hash_of(pan), "B", balance))
        return pan

    def replace(self, pan: PAN) -> PAN:
        new, number = self.number(self.record(pan).product, "1234" if self.record(pan).pin_hash else None)
        self.command(ReplaceCard(hash_of(pan), number))
        return new

    def block(self, pan: PAN, block: Block) -> None:
        self.command(SetBlock(hash_of(pan), block))

    def command(self, *commands: Command) -> None:
        for reply in self.ask(*commands):
            assert reply.outcome in ACCEPTED, reply.display

    def ask(self, *commands: Command) -> list[Reply]:
        return self.books.run_group(commands, self._moment())

    # -- saying something ---------------------------------------------------------------------------------------------
    def hear(self, request: Request, application: str = "main") -> Reply:
        return self.hear_all([request], application)[0]

    def hear_all(self, requests: Sequence[Request], application: str = "main") -> list[Reply]:
        """Requests of different terminals, decided in one group."""
        return self.books.run_group([case_of(request, application) for request in requests], self._moment())

    def _moment(self) -> int:
        self.now += SECOND
        return self.now

    # -- looking at the books -----------------------------------------------------------------------------------------
    def record(self, pan: PAN) -> Card:
        found = self.store.card(hash_of(pan))
        assert found is not None
        return found[0]

    def balance(self, pan: PAN) -> int:
        found = self.store.card(hash_of(pan))
        assert found is not None
        return found[1].balance

    def account(self, kind: AccountKind, merchant_id: str = "", currency: str = LIRA) -> int:
        """Clearing and uncovered belong to a merchant, exchange to nobody."""
        owner = next((m.id for m in self.store.merchants() if m.merchant_id == merchant_id), 0)
        number = system_account(kind, owner, currency)
        return next((account.balance for account in self.store.accounts() if account.id == number), 0)

    def clearing(self, merchant_id: str = "A", currency: str = LIRA) -> int:
        return self.account(AccountKind.CLEARING, merchant_id, currency)

    def uncovered(self, merchant_id: str = "A", currency: str = LIRA) -> int:
        return self.account(AccountKind.UNCOVERED, merchant_id, currency)

    def rows(self) -> list[Row]:
        return list(self.store.rows())

    @property
    def newest(self) -> Row:
        return self.rows()[-1]

    def refusals(self) -> list[Tally]:
        return self.store.tallies()

    def prove(self) -> Audit:
        *_, last = audit(self.store, SEAL_KEY)
        return last


class Till:
    """One terminal. `sent` is its last message; every new one takes the next STAN unless told otherwise."""

    def __init__(self, shop: Shop, terminal_id: str, merchant_id: str) -> None:
        self.shop, self.terminal_id, self.merchant_id = shop, terminal_id, merchant_id
        self.stan = 0
        self.application = "main"
        self.sent = Request(MessageClass.NETWORK, Kind.ECHO, LINE)

    def write(self, kind: Kind, card: PAN | None = None, amount: int | None = None, **fields: Any) -> Request:
        """A request that is not sent yet. `pin` may be text; `time` is DE12 and DE13 as of `shop.now`."""
        if "stan" not in fields:
            self.stan = self.stan % 999_999 + 1
        if isinstance(fields.get("pin"), str):
            fields["pin"] = Secret(fields["pin"])
        said: dict[str, Any] = {"message_class": MessageClass.REQUEST, "line": LINE, "stan": self.stan} | fields
        return Request(
            kind=kind, merchant_id=self.merchant_id, terminal_id=self.terminal_id, card=card, amount=amount, **said
        )

    def say(self, request: Request) -> Reply:
        self.sent = request
        return self.shop.hear(request, self.application)

    def again(self, **changes: Any) -> Reply:
        """The last message once more, as a repeat."""
        return self.say(msgspec.structs.replace(self.sent, **{"repeat": True} | changes))

    def reverse(self, of: Request | None = None, **changes: Any) -> Reply:
        """Reverse `of` (the last message) by its own STAN, unless `changes` name it otherwise."""
        fields: dict[str, Any] = {"message_class": MessageClass.REVERSAL, "repeat": False, "rrn": None} | changes
        return self.say(msgspec.structs.replace(of or self.sent, **fields))

    def activate(self, card: PAN, amount: int | None = None, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_ACTIVATE, card, amount, **fields))

    def reload(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_RELOAD, card, amount, **fields))

    def redeem(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_REDEEM, card, amount, **fields))

    def cash_out(self, card: PAN, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_CASH_OUT, card, **fields))

    def refund(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_REFUND, card, amount, **fields))

    def block(self, card: PAN, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_BLOCK, card, **fields))

    def unblock(self, card: PAN, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_UNBLOCK, card, **fields))

    def void_load(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_VOID_LOAD, card, amount, **fields))

    def void_spend(self, card: PAN, amount: int, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_VOID_SPEND, card, amount, **fields))

    def balance(self, card: PAN, **fields: Any) -> Reply:
        return self.say(self.write(Kind.GIFT_BALANCE, card, message_class=MessageClass.INQUIRY, **fields))

    def log_on(self, **fields: Any) -> Reply:
        return self.say(self.write(Kind.LOGON, message_class=MessageClass.NETWORK, **fields))

    def settle(self, number: int, *blocks: tuple[int, int], kind: Kind = Kind.SETTLE, **fields: Any) -> Reply:
        """0500 with what the till claims, as (count, amount) of each block."""
        totals = tuple(Total(*block) for block in blocks)
        said: dict[str, Any] = {
            "message_class": MessageClass.SETTLEMENT,
            "batch": number,
            "totals": totals or None,
        } | fields
        return self.say(self.write(kind, **said))

    def upload(self, of: Request, **changes: Any) -> Reply:
        """0320 of a message, with a STAN of its own."""
        self.stan = self.stan % 999_999 + 1
        said = {"original_class": of.message_class, "original_stan": of.stan, "batch": None} | changes
        return self.say(msgspec.structs.replace(of, **{"message_class": MessageClass.UPLOAD, "stan": self.stan} | said))

    # -- what the switch remembers of it ------------------------------------------------------------------------------
    @property
    def record(self) -> Terminal:
        here = self.merchant_id, self.terminal_id
        return next(t for t in self.shop.store.terminals() if (t.merchant_id, t.terminal_id) == here)

    def batches(self) -> list[Batch]:
        """Oldest first."""
        found = self.shop.store.batches(self.record.id)
        return [batch for batch in reversed(found) if batch.application == self.application]

    def close_batch(self) -> None:
        """Whatever is in it; `sent` and the STANs stay as they are."""
        batch = self.batches()[-1]
        assert batch.closed_at is None
        message = self.write(Kind.SETTLE_UPLOADED, message_class=MessageClass.SETTLEMENT, batch=batch.number, stan=0)
        assert self.shop.hear(message, self.application).outcome is Outcome.APPROVED


def case_of(request: Request, application: str = "main") -> Case:
    card_hash = hash_of(request.card) if request.card else ""
    pin_hash = pin_hash_of(card_hash, request.pin) if request.pin and card_hash else None
    other_hash = hash_of(request.other_card) if request.other_card else ""
    sealed_phone = b"sealed " + request.phone.reveal().encode() if request.phone else None
    return Case(request, application, card_hash, pin_hash, other_hash, sealed_phone)


def hash_of(pan: PAN) -> str:
    return f"hash of {pan.reveal()}"


def pin_hash_of(card_hash: str, pin: Secret) -> bytes:
    return f"{card_hash} with {pin.reveal()}".encode()


def told(reply: Reply) -> list[tuple[str, str, int]]:
    """Balances as short tuples: type, currency, amount."""
    return [(balance.type.value, balance.currency, balance.amount) for balance in reply.balances]


def available(reply: Reply) -> int:
    """The first balance, which is always what is available in the terminal's currency."""
    first: Balance = reply.balances[0]
    assert first.type is BalanceType.AVAILABLE
    return first.amount


def clock(now: int) -> dict[str, str]:
    """DE12 and DE13 of a till whose clock shows `now` (UTC)."""
    moment = dt.datetime.fromtimestamp(now // SECOND, dt.UTC)
    return {"local_date": moment.strftime("%m%d"), "local_time": moment.strftime("%H%M%S")}


def outcomes(replies: Sequence[Reply]) -> list[Outcome]:
    return [reply.outcome for reply in replies]


def _raise(bug: Exception) -> NoReturn:
    raise bug
