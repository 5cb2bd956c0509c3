"""Who there is to pretend to be: listeners, merchants, terminals and cards, from the demo.json of `tillswitch init`.

Read only; what has become of the cards since is remembered in `state.py`.
"""

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from simulators.codecs import Dialect

DEFAULT_PATH = Path("demo-data/demo.json")
ENVIRONMENT = "TILLSIM_DEMO"
SHORT_NUMBER_MAX, LONG_NUMBER_MAX = 999, 999_999  # of batches


class DemoError(Exception):
    """There is no usable demo.json, or it has not what was asked for. The text is for the person at the keyboard."""


class ClientCertificate(msgspec.Struct, frozen=True):
    cert: str
    key: str


class DemoTLS(msgspec.Struct, frozen=True):
    ca: str
    merchants: dict[str, ClientCertificate]


class DemoMerchant(msgspec.Struct, frozen=True):
    merchant_id: str
    name: str


class DemoVisa2(msgspec.Struct, frozen=True):
    """What a VISA-2 terminal says of itself, zeros in front as they are sent."""

    acquirer_bin: str
    merchant_number: str
    store_number: str
    terminal_number: str
    agent_bank: str
    agent_chain: str
    time_zone: str
    mcc: str


class DemoTerminal(msgspec.Struct, frozen=True):
    merchant_id: str
    terminal_id: str
    listener: str
    store: str
    currency: str
    nii: str
    time_zone: str = ""  # of its store; empty: this machine's
    visa2: DemoVisa2 | None = None

    @property
    def key(self) -> str:
        return f"{self.merchant_id}/{self.terminal_id}"

    @property
    def batch_number_max(self) -> int:
        """Where its batch numbers begin anew: whatever it speaks, data capture has three digits for them."""
        return SHORT_NUMBER_MAX if self.visa2 else LONG_NUMBER_MAX

    def now(self) -> datetime:
        """What its clock shows."""
        return datetime.now(ZoneInfo(self.time_zone)).replace(tzinfo=None) if self.time_zone else datetime.now()


class DemoProduct(msgspec.Struct, frozen=True):
    id: str
    currency: str
    method: str
    reload: bool
    single_use: bool
    pin: bool
    denominations: list[int] | None = None
    minimum: int | None = None
    maximum: int | None = None
    stores: list[str] | None = None

    @property
    def is_range(self) -> bool:
        """Any amount between two limits, reloadable, spent in parts: what most conversations and all load need."""
        return not self.denominations and self.reload and not self.single_use


class DemoCard(msgspec.Struct, frozen=True):
    pan: str
    product: str
    state: str
    balance: int
    currency: str
    pin: str | None = None


class DemoLoyaltyCard(msgspec.Struct, frozen=True):
    """A member's card; one of `unenrolled_cards` is nobody's until it is enrolled, and has no member here."""

    pan: str
    points: int = 0
    member: str | None = None
    state: str = "active"
    pin: str | None = None


class DemoPoints(msgspec.Struct, frozen=True):
    """What points cost and bring where the first terminals stand: `earn_money` minor units earn `earn_points`, and in a
    store one point is worth `value_minor`."""

    earn_money: int
    earn_points: int
    value_minor: dict[str, int]
    redeem_minimum: int

    def earned(self, amount: int) -> int:
        return amount * self.earn_points // self.earn_money

    def value(self, who: DemoTerminal) -> int:
        """Of one point at a terminal; 0 where its store takes none."""
        return self.value_minor.get(who.store, 0)


class Demo(msgspec.Struct, frozen=True):
    listeners: dict[str, int]
    merchants: list[DemoMerchant]
    terminals: list[DemoTerminal]
    gift_products: list[DemoProduct]
    gift_cards: list[DemoCard]
    loyalty_cards: list[DemoLoyaltyCard] = []
    unenrolled_cards: list[str] = []
    points: DemoPoints | None = None
    tls: DemoTLS | None = None
    path: Path = DEFAULT_PATH

    def product(self, card: DemoCard) -> DemoProduct:
        for product in self.gift_products:
            if product.id == card.product:
                return product
        raise DemoError(f"{self.path}: a card names the product {card.product!r}, which is not listed")

    def merchant_name(self, merchant_id: str) -> str:
        return next((one.name for one in self.merchants if one.merchant_id == merchant_id), merchant_id)

    def port(self, listener: str) -> int:
        if listener not in self.listeners:
            known = ", ".join(sorted(self.listeners))
            raise DemoError(f"{self.path} has no listener {listener!r}; it has {known}")
        return self.listeners[listener]

    def terminals_of(self, listener: str) -> list[DemoTerminal]:
        """The terminals that speak by a listener; those of `nac` use `nac-tls` just as well."""
        plain = listener.removesuffix("-tls")
        found = [one for one in self.terminals if one.listener.removesuffix("-tls") == plain]
        if not found:
            raise DemoError(f"{self.path} has no terminal for the listener {listener!r}")
        return found

    def terminal(self, terminal_id: str) -> DemoTerminal:
        for terminal in self.terminals:
            if terminal_id in (terminal.terminal_id, terminal.key):
                return terminal
        known = ", ".join(one.terminal_id for one in self.terminals[:8])
        raise DemoError(f"{self.path} has no terminal {terminal_id!r}; it has {known}, …")

    def card(self, pan: str) -> DemoCard | None:
        return next((card for card in self.gift_cards if card.pan == pan), None)

    @property
    def all_loyalty_cards(self) -> list[DemoLoyaltyCard]:
        """The members' cards, then those that wait to be enrolled."""
        return [*self.loyalty_cards, *(DemoLoyaltyCard(pan, state="inactive") for pan in self.unenrolled_cards)]

    def known_pin(self, pan: str) -> str | None:
        """Of any card of the file."""
        card = self.card(pan) or next((card for card in self.all_loyalty_cards if card.pan == pan), None)
        return card.pin if card else None


def dialect_of(listener: str) -> Dialect:
    """By its name; every other is one of `nac`."""
    plain = listener.removesuffix("-tls")
    return "ascii" if plain == "ascii" else "visa2" if plain == "visa2" else "nac"


def load_demo(path: Path | None = None) -> Demo:
    """Read demo.json from `path`, else from where TILLSIM_DEMO says, else from demo-data."""
    path = path or Path(os.environ.get(ENVIRONMENT) or DEFAULT_PATH)
    try:
        demo = msgspec.json.decode(path.read_bytes(), type=Demo)
    except FileNotFoundError:
        raise DemoError(
            f"{path} is not there. `tillswitch init --demo --data demo-data` (or `make run`) makes it; "
            f"--demo FILE or {ENVIRONMENT} names another."
        ) from None
    except OSError as error:
        raise DemoError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise DemoError(f"{path} is not a demo.json: {error}") from None
    return msgspec.structs.replace(demo, path=path)
