"""Fill new books with the demo: two merchants, their terminals, cards of every product; and `demo.json` for tools.

All of it goes through the same commands an operator has. Nothing here is a real card: the prefixes begin with 99.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from specs.money import exponent
from specs.outcomes import ACCEPTED
from switch.books import Books
from switch.core.commands import ActivateCard, ApplyProgramme, Command, IssueCard, PutMerchant, PutTerminal
from switch.core.merchants import Merchant, Right, Terminal
from switch.core.points_commands import AdjustPoints, IssueLoyaltyCard
from switch.core.programme import GiftProduct, Programme
from switch.numbers import new_number, new_pan, new_pin
from switch.vault import Vault

LIRA, EURO = "949", "978"
MERCHANTS = (
    Merchant(0, "DEMOBOOKS000001", "Demo Books", ("ist-01", "ist-02")),
    Merchant(0, "DEMOMARKET00002", "Demo Market", ("izm-01", "izm-02")),
)

#: terminal, merchant, listener, store, currency
TERMINALS = (
    ("BOOKS001", MERCHANTS[0], "nac", "ist-01", LIRA),
    ("BOOKS002", MERCHANTS[0], "nac", "ist-02", LIRA),
    ("MARKT001", MERCHANTS[1], "nac", "izm-01", LIRA),
    ("MARKT002", MERCHANTS[1], "nac", "izm-02", EURO),
    ("BOOKS003", MERCHANTS[0], "ascii", "ist-01", LIRA),
    ("BOOKS004", MERCHANTS[0], "ascii", "ist-02", LIRA),
    ("MARKT003", MERCHANTS[1], "ascii", "izm-01", LIRA),
    ("BOOKS005", MERCHANTS[0], "visa2", "ist-01", LIRA),
    ("KIOSK001", MERCHANTS[0], "visa2", "ist-02", LIRA),
)
#: What the VISA-2 terminals say of themselves besides; "003" is three hours ahead of Greenwich.
VISA2_MERCHANT = {
    "acquirer_bin": "999995",
    "merchant_number": "888000000001",
    "agent_bank": "000000",
    "agent_chain": "111111",
    "time_zone": "003",
    "mcc": "5942",
}
#: terminal, store number, terminal number; those made for load stand in a store of their own
VISA2_NUMBERS = {"BOOKS005": ("0001", "0005"), "KIOSK001": ("0002", "0001")}
VISA2_LOAD, VISA2_LOAD_STORE = "VISA", "0003"

#: product, how many waiting to be activated, amounts of those that are active
CARDS: tuple[tuple[str, int, tuple[int, ...]], ...] = (
    ("classic", 16, (20000, 20000, 25000, 25000, 30000, 30000, 50000, 50000, 100000, 100000)),
    ("fixed", 3, (10000, 25000)),
    ("voucher", 3, (10000,)),
    ("secure", 3, (20000, 50000)),
    ("campus", 2, (10000, 20000)),
    ("gulf", 2, (20000, 50000)),
)
#: Members: points, product, and the cards beside the first: True for those of a family, which have a main card.
MEMBERS: tuple[tuple[int, str, tuple[bool, ...]], ...] = (
    *((points, "star", ()) for points in (5000, 5000, 10000, 10000)),
    (8000, "star", (False,)),
    (20000, "star", (True, True)),
    *((points, "star", ()) for points in (1000, 1500, 2000, 2500, 3000, 4000, 6000, 7500, 12000, 25000)),
    *((points, "star-bank", ()) for points in (3000, 5000, 50000, 100000)),
)
UNENROLLED = 8  # loyalty cards that wait for a member
FAMILY_LIMIT = 5000  # points an additional card of a family may spend in a month
IN_ONE_STORE, TO_A_STORE = 100, 20  # terminals made for load: so many in the first store, then so many to a store
SLICE = 100


def programme_text() -> str:
    return (resources.files("switch.demo") / "programme.toml").read_text("utf-8")


def fill(books: Books, vault: Vault, more: Mapping[str, int]) -> dict[str, Any]:
    """Everything of the demo that lies in the books, and so many more terminals by listener; its part of demo.json."""
    more_terminals = sum(more.values())
    _run(books, [ApplyProgramme(programme_text())])
    merchants = _merchants(more.get("nac", 0))
    _run(books, [PutMerchant(merchant) for merchant in merchants])
    terminals = _terminals(more)
    for start in range(0, len(terminals), SLICE):
        _run(books, [PutTerminal(terminal) for terminal in terminals[start : start + SLICE]])
    cards, commands = _cards(books.programme, vault, more_terminals)
    for start in range(0, len(commands), SLICE):
        _run(books, commands[start : start + SLICE])
    members, commands = _members(books.programme, vault, more_terminals)
    unenrolled = [new_pan(books.programme.loyalty["star"].prefix) for _ in range(UNENROLLED)]
    commands += [IssueLoyaltyCard(new_number(vault, pan, None), "star") for pan in unenrolled]
    for start in range(0, len(commands), SLICE):
        _run(books, commands[start : start + SLICE])
    return {
        "merchants": [
            {"merchant_id": merchant.merchant_id, "name": merchant.name, "stores": list(merchant.stores)}
            for merchant in merchants
        ],
        "terminals": [
            {
                "merchant_id": terminal.merchant_id,
                "terminal_id": terminal.terminal_id,
                "listener": terminal.listener,
                "store": terminal.store,
                "currency": terminal.currency,
                "nii": terminal.nii,
                "time_zone": terminal.time_zone,
            }
            | _visa2(terminal.terminal_id)
            for terminal in terminals
        ],
        "gift_products": [_described(product) for product in books.programme.products.values()],
        "gift_cards": cards,
        "loyalty_cards": members,
        "unenrolled_cards": [pan.reveal() for pan in unenrolled],
        "points": _described_points(books.programme, merchants),
    }


def write_demo_json(path: Path, demo: dict[str, Any]) -> None:
    path.write_text(json.dumps(demo, indent=2) + "\n", "utf-8")
    path.chmod(0o600)  # it holds whole card numbers and PINs


def _merchants(more_terminals: int) -> tuple[Merchant, ...]:
    first, *others = MERCHANTS
    stores = dict.fromkeys((*first.stores, *(store for store, _ in made_for_load(more_terminals))))
    return msgspec.structs.replace(first, stores=tuple(stores)), *others


def made_for_load(more: int) -> Iterator[tuple[str, str]]:
    """Store and terminal id (never more than eight characters) of each terminal made for load."""
    for number in range(1, more + 1):
        digits = f"{number:04d}"
        further = max(0, number - IN_ONE_STORE + TO_A_STORE - 1) // TO_A_STORE
        yield f"load-{further:04d}" if further else "ist-01", "LOAD"[: 8 - len(digits)] + digits


def _terminals(more: Mapping[str, int]) -> list[Terminal]:
    first = MERCHANTS[0]
    places = [
        *TERMINALS,
        *((name, first, "nac", store, LIRA) for store, name in made_for_load(more.get("nac", 0))),
        *(
            (f"{VISA2_LOAD}{number:04d}", first, "visa2", "ist-01", LIRA)
            for number in range(1, more.get("visa2", 0) + 1)
        ),
    ]
    terminals = [
        Terminal(
            id=0,
            merchant=0,
            merchant_id=merchant.merchant_id,
            terminal_id=terminal_id,
            store=store,
            currency=currency,
            time_zone="Europe/Istanbul",
            rights=tuple(Right),
            listener=listener,
            nii="010",
        )
        for terminal_id, merchant, listener, store, currency in places
    ]
    return [msgspec.structs.replace(terminal, **_named(terminal.terminal_id)) for terminal in terminals]


def _visa2(terminal_id: str) -> dict[str, Any]:
    """The object `visa2` of a terminal that speaks it."""
    store, number = VISA2_NUMBERS.get(terminal_id, ("", ""))
    if terminal_id.startswith(VISA2_LOAD):
        store, number = VISA2_LOAD_STORE, terminal_id.removeprefix(VISA2_LOAD)
    if not number:
        return {}
    return {"visa2": VISA2_MERCHANT | {"store_number": store, "terminal_number": number}}


def _named(terminal_id: str) -> dict[str, str]:
    said = _visa2(terminal_id).get("visa2")
    if said is None:
        return {}
    return {
        "number": said["merchant_number"] + said["store_number"] + said["terminal_number"],
        "acquirer": said["acquirer_bin"],
        "agent_bank": said["agent_bank"],
        "agent_chain": said["agent_chain"],
    }


def _cards(programme: Programme, vault: Vault, more_terminals: int) -> tuple[list[dict[str, Any]], list[Command]]:
    listed: list[dict[str, Any]] = []
    commands: list[Command] = []
    for product_id, inactive, amounts in (*CARDS, ("classic", 0, (100000,) * more_terminals)):
        product = programme.products[product_id]
        for place, amount in enumerate([0] * inactive + list(amounts)):
            pan = new_pan(product.prefix)
            pin = new_pin() if product.pin else None
            printed = product.denominations[place % len(product.denominations)] if product.denominations else None
            number = new_number(vault, pan, pin)
            commands.append(IssueCard(number, product.id, amount or printed if printed else None))
            if amount:
                commands.append(ActivateCard(number.hash, MERCHANTS[0].merchant_id, amount))
            listed.append(
                {
                    "pan": pan.reveal(),
                    "product": product.id,
                    "state": "active" if amount else "inactive",
                    "balance": amount,
                    "currency": product.currency,
                    "pin": pin.reveal() if pin else None,
                }
            )
    return listed, commands


def _members(programme: Programme, vault: Vault, more_terminals: int) -> tuple[list[dict[str, Any]], list[Command]]:
    """Loyalty cards, numbered by member; one more member for each terminal made for load."""
    listed: list[dict[str, Any]] = []
    commands: list[Command] = []
    for member, (points, product, others) in enumerate((*MEMBERS, *(((10000, "star", ()),) * more_terminals)), 1):
        main = ""
        for additional in (None, *others):
            pan = new_pan(programme.loyalty[product].prefix)
            number = new_number(vault, pan, None)
            limit = FAMILY_LIMIT if additional else None
            commands.append(IssueLoyaltyCard(number, product, main, True, bool(additional), limit))
            main = main or number.hash
            listed.append({"pan": pan.reveal(), "member": f"member-{member:02d}", "points": points})
        commands.append(AdjustPoints(main, points, "points to begin with"))
    return listed, commands


def _described_points(programme: Programme, merchants: Sequence[Merchant]) -> dict[str, Any]:
    scheme = programme.schemes["stars"]
    stores = [store for merchant in merchants for store in merchant.stores]
    return {
        "earn_money": scheme.earn_money,
        "earn_points": scheme.earn_points,
        "value_minor": {store: int(scheme.value_at(store)) for store in stores},
        "redeem_minimum": scheme.redeem_minimum,
    }


def _described(product: GiftProduct) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": product.id,
        "name": product.name,
        "currency": product.currency,
        "exponent": exponent(product.currency),
        "method": product.method.value,
        "reload": product.reload,
        "single_use": product.single_use,
        "pin": product.pin,
        "stores": list(product.stores) if product.stores is not None else None,
        "balance_limit": product.balance_limit,
    }
    if product.denominations:
        return described | {"denominations": list(product.denominations)}
    return described | {"minimum": product.minimum, "maximum": product.maximum}


def _run(books: Books, commands: list[Command]) -> None:
    for reply in books.run_group(commands, time.time_ns() // 1000):
        assert reply.outcome in ACCEPTED, reply.display
