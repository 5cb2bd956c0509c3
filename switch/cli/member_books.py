"""A member as the books know one: found by any card, and told in records for people and programs.

Card numbers are masked, phone numbers too: whole ones are for whoever sends the notices.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import msgspec

from specs.money import convert_down
from specs.sensitive import PAN
from switch.cli.common import refuse
from switch.cli.finding import find_card
from switch.cli.output import Record
from switch.cli.programmes import programme_of
from switch.config import Config
from switch.core.clock import local_time
from switch.core.holdings import Account, AccountKind, Card, CardState, Place
from switch.core.journal import Row
from switch.core.lots import Opening, Purse
from switch.core.points_matter import day_of
from switch.core.programme import Programme
from switch.store.port import Reader
from switch.vault import Vault

PAN_HELP = "PAN is a number of any card of the member; - reads it from standard input."
PHONE_SHOWN = 2  # digits at each end


class Member(msgspec.Struct, frozen=True):
    """`card` is the one that was named; `cards` and `accounts` are all of the member's, empty lots among them."""

    card: Card
    cards: list[Card]
    accounts: list[Account]
    programme: Programme
    now: int

    @property
    def units(self) -> list[str]:
        """The kinds of points the member has: at least that of the card."""
        return sorted({self.card.currency} | {account.currency for account in self.accounts if account.balance})

    @property
    def today(self) -> str:
        return day_of(self.programme, self.now).isoformat()

    def purse(self, unit: str) -> Purse:
        own = [account for account in self.accounts if account.currency == unit]
        return Purse(own, self.card.holder, unit, day_of(self.programme, self.now), Opening(0))

    def scheme_id(self, unit: str) -> str:
        scheme = self.programme.units.get(unit)
        return scheme.id if scheme else unit

    def balances(self) -> list[Record]:
        """A record for each kind of points."""
        return [self._balance(unit) for unit in self.units]

    def _balance(self, unit: str) -> Record:
        purse, scheme = self.purse(unit), self.programme.units.get(unit)
        expiring, day = purse.expiring(scheme.expiring_days) if scheme else (0, "")
        return {
            "scheme": self.scheme_id(unit),
            "available": purse.available,
            "pending": purse.total - purse.available,
            "owed": purse.owed,
            "expiring": expiring,
            "expiring_on": day or None,
            "worth": convert_down(max(0, purse.available), scheme.value) if scheme else None,
            "currency": scheme.currency if scheme else None,
        }

    def lots(self) -> list[Record]:
        """What the member has and owes, in the order in which it is spent."""
        held = [account for account in self.accounts if account.balance]
        held.sort(key=lambda one: (one.currency, one.kind.value, one.expires_on or "9999", one.available_from, one.id))
        return [
            {
                "scheme": self.scheme_id(account.currency),
                "points": account.balance,
                "state": self._state(account),
                "available_from": account.available_from or None,
                "expires_on": account.expires_on or None,
            }
            for account in held
        ]

    def _state(self, account: Account) -> str:
        if account.kind is AccountKind.DEBT:
            return "owed"
        if account.expires_on and account.expires_on < self.today:
            return "expired"
        return "pending" if account.available_from > self.today else "available"

    def described_cards(self) -> list[Record]:
        return [self.described(card) for card in self.cards]

    def described(self, card: Card) -> dict[str, Any]:
        place = card.place or Place()
        month = local_time(self.now, self.programme.time_zone).strftime("%Y-%m")
        return {
            "card_id": card.id,
            "card": card.masked_pan,
            "product": card.product,
            "state": card.state.value,
            "block": card.block.value,
            "role": "main" if place.main else "additional",
            "limit": place.limit,
            "spent_this_month": place.spent if place.month == month else 0,
        }

    def main_card(self) -> Card | None:
        """Whose holder hears what is done with the additional cards."""
        mains = (card for card in self.cards if (card.place or Place()).main and card.state is not CardState.REPLACED)
        return next(mains, None)

    def moved(self, row: Row) -> dict[str, int]:
        """What a row moved of this member's points, by kind."""
        own = {account.id for account in self.accounts}
        sums: defaultdict[str, int] = defaultdict(int)
        for entry in row.entries:
            if entry.account in own:
                sums[entry.currency] += entry.amount
        return dict(sums)


def find_member(reader: Reader, config: Config, pan: PAN | None, card_id: int | None) -> Member:
    """The member of a card, by its number or by its id in the books."""
    card, _ = find_card(reader, config, pan, card_id)
    if card.place is None:
        refuse(f"{card.masked_pan} is no loyalty card; see tillswitch card show")
    cards, accounts = reader.member(card.holder)
    return Member(card, cards, accounts, programme_of(reader), time.time_ns() // 1000)


def masked_phone(vault: Vault, sealed: bytes | None) -> str | None:
    """`90********67`"""
    if sealed is None:
        return None
    digits = vault.decrypt_phone(sealed).reveal()
    hidden = "*" * (len(digits) - 2 * PHONE_SHOWN)
    return f"{digits[:PHONE_SHOWN]}{hidden}{digits[-PHONE_SHOWN:]}"
