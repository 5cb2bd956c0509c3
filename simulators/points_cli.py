"""`tillsim points …` and the advices of points: a command for each row of the purse 90."""

from collections.abc import Callable
from typing import Any

import click

from simulators.demo import DemoError
from simulators.money import parse_amount
from simulators.point_tables import basket_total, encode_basket, encode_tenders, parse_basket, parse_tender
from simulators.requests import KINDS, Kind, Order, card_number
from simulators.state import Deed
from simulators.terminal import Terminal
from simulators.till import Till, add_options, pick_card, till_options

Option = Callable[[Any], Any]


@click.group()
def points() -> None:
    """Points: earned, spent, returned, transferred, bought. `void`, `reversal` and `repeat` work on these as well."""


_CARD = click.option("--card", help="card number, or active:N / inactive:N / blocked:N of demo.json [first that fits]")
_AMOUNT = click.option("--amount", help="as people write it: 100 or 99.90, in the terminal's currency")
_WHOLE = click.option("--amount", help="of the whole sale: 100 or 99.90 [what the basket comes to]")
_POINTS = click.option("--amount", help="how many points")
_PIN = click.option("--pin", help="static PIN [the demo card's own]")
_BACK = click.option("--amount", help="of what comes back [what the basket comes to, or the whole sale]")
_RRN = click.option("--rrn", help="DE37 of the sale, or `none` [the terminal's last one]")
_RECEIPT = click.option("--receipt", help="six digits, or `last`: all messages of one sale carry the same [the next]")
_PARTIAL = click.option("--partial/--no-partial", default=False, help="take what is there if it is less [no-partial]")
_SWIPE = click.option("--swipe", is_flag=True, help="send the card as track 2")
_BASKET = click.option(
    "--basket", multiple=True, help="sku,quantity,unit price,group; several between semicolons, or the option again"
)
_TENDER = click.option(
    "--tender", multiple=True, help="gift=, points=, code= or other= and an amount; for several the option again"
)
_TO = click.option("--to", help="the card that receives, as for --card [the next member's]")
_PHONE = click.option("--phone", help="the member's number, digits with country code")

#: What each command takes besides the card.
_OPTIONS: dict[str, tuple[str, list[Option]]] = {
    "sale": ("sale", [_WHOLE, _BASKET, _TENDER, _RECEIPT, _SWIPE]),
    "redeem": ("points-redeem", [_AMOUNT, _PIN, _PARTIAL, _RECEIPT, _SWIPE]),
    "balance": ("points-balance", [_PIN, _SWIPE]),
    "preview": ("preview", [_WHOLE, _BASKET, _TENDER]),
    "return": ("return", [_BACK, _BASKET, _RRN, _RECEIPT, _SWIPE]),
    "transfer": ("points-transfer", [_POINTS, _TO, _PIN]),
    "purchase": ("points-purchase", [_AMOUNT, _RECEIPT]),
    "enrol": ("enrol", [_PHONE]),
    "block": ("points-block", []),
    "unblock": ("points-unblock", [_PIN]),
}
_ADVICES: dict[str, tuple[str, list[Option]]] = {
    "sale": ("advice-sale", [_WHOLE, _BASKET, _TENDER, _RECEIPT]),
    "return": ("advice-return", [_BACK, _BASKET, _RRN, _RECEIPT]),
    "points-redeem": ("advice-points-redeem", [_AMOUNT, _RECEIPT]),
}


def _command(name: str, kind: Kind, options: list[Option]) -> click.Command:
    def command(till: Till, **typed: Any) -> int:
        goes_on = kind.code == KINDS["return"].code or typed.get("receipt") == "last"
        terminal = till.open(like_last=goes_on)
        order = _order(terminal, kind, **typed)
        return till.run(terminal, lambda: terminal.perform(order))

    return click.command(name, help=f"{kind.title} ({kind.mti}, {kind.code}).")(
        add_options(till_options(command), [_CARD, *options])
    )


def _order(
    terminal: Terminal,
    kind: Kind,
    *,
    card: str | None,
    amount: str | None = None,
    basket: tuple[str, ...] = (),
    tender: tuple[str, ...] = (),
    pin: str | None = None,
    to: str | None = None,
    phone: str | None = None,
    rrn: str | None = None,
    receipt: str | None = None,
    **rest: Any,
) -> Order:
    """What was typed, as the terminal sends it."""
    currency = kind.currency_at(terminal.who)
    lines = [line for part in basket for line in parse_basket(part, currency)]
    minor = parse_amount(amount, currency) if amount else basket_total(lines) if lines else None
    if kind.code == KINDS["return"].code and rrn != "none":
        sale = _last(terminal, rrn)
        if sale:
            rrn, card = sale.rrn, card or card_number(sale.request)
            minor = int(sale.approved_amount) if minor is None else minor
    if kind.amount == "needed" and minor is None:
        raise DemoError(f"a {kind.name} needs --amount" + (" or --basket" if kind.code[2:] == "0090" else ""))
    pan, known_pin = pick_card(terminal, kind, card, minor)
    tables = [("BK", encode_basket(lines)), ("TD", encode_tenders(parse_tender(one, currency) for one in tender))]
    if kind.name == "points-transfer":
        tables.append(("TO", pick_card(terminal, kind, to, None, other_than=pan)[0]))
    if phone:
        tables.append(("PH", phone))
    return Order(
        kind,
        pan,
        minor,
        pin or known_pin,
        rrn=None if rrn == "none" else rrn,
        receipt=_last_receipt(terminal) if receipt == "last" else receipt,
        tables=tuple(one for one in tables if one[1]),
        **rest,
    )


def _last(terminal: Terminal, rrn: str | None) -> Deed | None:
    """The sale of this terminal that has this RRN, or its last one."""
    deeds = terminal.state.read().terminal(terminal.who.key).deeds
    sales = [one for one in reversed(deeds) if one.request.get(3) == KINDS["sale"].code and one.code == "00"]
    return next((one for one in sales if rrn in (None, one.rrn)), None)


def _last_receipt(terminal: Terminal) -> str:
    deeds = terminal.state.read().terminal(terminal.who.key).deeds
    receipt = deeds[-1].request.get(62) if deeds else ""
    if not receipt:
        raise DemoError(f"terminal {terminal.who.terminal_id} remembers no receipt; --receipt takes six digits")
    return receipt


for _name, (_kind, _options) in _OPTIONS.items():
    points.add_command(_command(_name, KINDS[_kind], _options))

ADVICES = [_command(_name, KINDS[_kind], _options) for _name, (_kind, _options) in _ADVICES.items()]
