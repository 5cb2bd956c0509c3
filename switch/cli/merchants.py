"""merchant: who sells and takes cards, and in which stores."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from switch.cli.arguments import DAY_END, MERCHANT_ID, STORE, TIME_ZONE
from switch.cli.common import config_option, json_option, reading, refuse, submit
from switch.cli.output import Record, show_json, show_list, show_record
from switch.config import Config
from switch.core.commands import PutMerchant
from switch.core.merchants import Merchant, Terminal
from switch.store.port import Reader

_DAY_ENDS = "When its business day ends, hhmm by its own clock: the host settles what is open then."

_GIFT_SALES_IN_NET = "Batches its VISA-2 terminals upload count gift card sales and loads in their net deposit."


@click.group()
def merchant() -> None:
    """Merchants and their stores."""


@merchant.command()
@click.argument("merchant_id", type=MERCHANT_ID)
@click.option("--name", required=True, help="As people call it.")
@click.option("--store", "stores", type=STORE, multiple=True, required=True, help="A store; give it once for each.")
@click.option("--time-zone", type=TIME_ZONE, default="UTC", show_default=True, help="Of its business day.")
@click.option("--day-ends", type=DAY_END, default="never", show_default=True, help=_DAY_ENDS)
@click.option("--gift-sales-in-net/--no-gift-sales-in-net", default=False, help=_GIFT_SALES_IN_NET)
@config_option
def add(
    merchant_id: str,
    name: str,
    stores: tuple[str, ...],
    time_zone: str,
    day_ends: str,
    gift_sales_in_net: bool,
    config: Config,
) -> None:
    """Add a merchant.

    MERCHANT_ID is what its terminals send (DE42).
    """
    with reading(config) as reader:
        if any(merchant.merchant_id == merchant_id for merchant in reader.merchants()):
            refuse(f"there is a merchant {merchant_id} already; to change it: tillswitch merchant change")
    stores = tuple(dict.fromkeys(stores))
    merchant = Merchant(0, merchant_id, name, stores, time_zone, _ends(day_ends), gift_sales_in_net)
    submit(config, PutMerchant(merchant))
    click.echo(f"{merchant_id}: added")


@merchant.command()
@click.argument("merchant_id", type=MERCHANT_ID)
@click.option("--name", help="The new name.")
@click.option("--add-store", "more", type=STORE, multiple=True, help="A store it has from now on.")
@click.option("--remove-store", "fewer", type=STORE, multiple=True, help="A store it has no longer.")
@click.option("--time-zone", type=TIME_ZONE, help="Of its business day.")
@click.option("--day-ends", type=DAY_END, help=_DAY_ENDS)
@click.option("--gift-sales-in-net/--no-gift-sales-in-net", default=None, help=_GIFT_SALES_IN_NET)
@config_option
def change(
    merchant_id: str,
    name: str | None,
    more: tuple[str, ...],
    fewer: tuple[str, ...],
    time_zone: str | None,
    day_ends: str | None,
    gift_sales_in_net: bool | None,
    config: Config,
) -> None:
    """Change a merchant: only what is given."""
    if not any((name, more, fewer, time_zone, day_ends)) and gift_sales_in_net is None:
        raise click.UsageError(
            "nothing to change: give --name, --add-store, --remove-store, --time-zone, --day-ends or "
            "--gift-sales-in-net"
        )
    with reading(config) as reader:
        known = find_merchant(reader, merchant_id)
        terminals = _terminals(reader, merchant_id)
    for store in fewer:
        if store not in known.stores:
            refuse(f"{merchant_id} has no store {store}; it has {', '.join(known.stores)}")
        for terminal in terminals:
            if terminal.store == store:
                refuse(f"terminal {terminal.terminal_id} stands in {store}; move it first")
    stores = tuple(store for store in dict.fromkeys((*known.stores, *more)) if store not in fewer)
    changed = msgspec.structs.replace(
        known,
        name=name or known.name,
        stores=stores,
        time_zone=time_zone or known.time_zone,
        day_ends=known.day_ends if day_ends is None else _ends(day_ends),
        gift_sales_in_net=known.gift_sales_in_net if gift_sales_in_net is None else gift_sales_in_net,
    )
    submit(config, PutMerchant(changed))
    click.echo(f"{merchant_id}: changed")


@merchant.command("list")
@config_option
@json_option
def list_(config: Config, as_json: bool) -> None:
    """List all merchants."""
    with reading(config) as reader:
        records = [_described(merchant) for merchant in reader.merchants()]
    show_list(records, as_json, "no merchants yet; add one: tillswitch merchant add", lambda record: record)


@merchant.command()
@click.argument("merchant_id", type=MERCHANT_ID)
@config_option
@json_option
def show(merchant_id: str, config: Config, as_json: bool) -> None:
    """Show a merchant and its terminals."""
    with reading(config) as reader:
        terminals = [terminal.terminal_id for terminal in _terminals(reader, merchant_id)]
        record = {**_described(find_merchant(reader, merchant_id)), "terminals": terminals}
    (show_json if as_json else show_record)(record)


def find_merchant(reader: Reader, merchant_id: str) -> Merchant:
    found = next((merchant for merchant in reader.merchants() if merchant.merchant_id == merchant_id), None)
    if found is None:
        refuse(f"there is no merchant {merchant_id}")
    return found


def _ends(day_ends: str) -> str:
    return "" if day_ends == "never" else day_ends


def _terminals(reader: Reader, merchant_id: str) -> list[Terminal]:
    return [terminal for terminal in reader.terminals() if terminal.merchant_id == merchant_id]


def _described(merchant: Merchant) -> Record:
    described: dict[str, Any] = {"merchant_id": merchant.merchant_id, "name": merchant.name}
    return described | {
        "stores": list(merchant.stores),
        "time_zone": merchant.time_zone,
        "day_ends": merchant.day_ends or None,
        "gift_sales_in_net": merchant.gift_sales_in_net,
    }
