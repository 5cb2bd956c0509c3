"""points: give and take by hand, book out what expired, and what members could spend."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction

import click

from specs import limits
from specs.money import convert_up
from specs.sensitive import PAN
from switch.cli.arguments import CARD_NUMBER
from switch.cli.common import accepted, config_option, deciding, json_option, reading, refuse, submit, why
from switch.cli.finding import card_argument
from switch.cli.member_books import PAN_HELP, find_member
from switch.cli.output import Record, money, show_json, show_list, show_table, with_money
from switch.cli.programmes import programme_of
from switch.config import Config
from switch.core.points_commands import AdjustPoints, ConvertPoints
from switch.core.points_matter import day_of
from switch.core.programme import Programme
from switch.expiry import ExpiredLots
from switch.liability import AGES, Ageing, ageing
from switch.store.port import JournalFilter, Liability


@click.group()
def points() -> None:
    """Points of all members."""


@points.command(help=f"Give or take points by hand. The reason stands in the journal. {PAN_HELP}")
@card_argument
@click.option(
    "--points",
    "amount",
    type=click.IntRange(-limits.POINTS_MAX, limits.POINTS_MAX),
    required=True,
    help="How many: above zero given, below zero taken.",
)
@click.option("--reason", required=True, help="Why, for whoever reads the journal.")
@click.option("--scheme", default="", help="Points of this sub-scheme instead of the card's own.")
@config_option
@json_option
def adjust(
    pan: PAN | None, card_id: int | None, amount: int, reason: str, scheme: str, config: Config, as_json: bool
) -> None:
    with reading(config) as reader:
        card = find_member(reader, config, pan, card_id).card
    reply = submit(config, AdjustPoints(card.hash, amount, reason, scheme))
    with reading(config) as reader:
        (row,) = reader.journal(JournalFilter(rrn=reply.rrn, limit=1))
    if as_json:
        show_json({"card": card.masked_pan, "points": amount, "reason": reason, "rrn": row.rrn})
    else:
        click.echo(f"{card.masked_pan}: {amount:+d} points, RRN {row.rrn}")


@points.command(help=f"Turn points of one scheme into another's, by the programme's rate. {PAN_HELP}")
@card_argument
@click.option("--from", "source", required=True, help="The scheme whose points are given.")
@click.option("--to", "target", required=True, help="The scheme whose points are got.")
@click.option(
    "--points", "amount", type=click.IntRange(1, limits.POINTS_MAX), required=True, help="How many are given."
)
@click.option("--to-card", type=CARD_NUMBER, help="Another member's card that gets them.")
@config_option
@json_option
def convert(
    pan: PAN | None,
    card_id: int | None,
    source: str,
    target: str,
    amount: int,
    to_card: PAN | None,
    config: Config,
    as_json: bool,
) -> None:
    with reading(config) as reader:
        card = find_member(reader, config, pan, card_id).card
        receiver = find_member(reader, config, to_card, None).card if to_card else card
    reply = submit(config, ConvertPoints(card.hash, source, target, amount, receiver.hash if to_card else ""))
    with reading(config) as reader:
        (row,) = reader.journal(JournalFilter(rrn=reply.rrn, limit=1))
    if as_json:
        given = {"card": card.masked_pan, "from": source, "points": row.amount}
        show_json(given | {"to_card": receiver.masked_pan, "to": target, "gained": row.card_amount, "rrn": row.rrn})
    else:
        click.echo(f"{receiver.masked_pan}: {row.card_amount} {target} for {row.amount} {source}, RRN {row.rrn}")


@points.command()
@config_option
def expire(config: Config) -> None:
    """Book out what has expired.

    The daemon does so once a day (schedules.expire_points); nobody can spend expired points anyway. Lots that something
    moved within 72 hours wait: a reversal may still come.
    """
    members = 0
    with reading(config) as reader:
        expired = ExpiredLots(programme_of(reader), time.time_ns() // 1000)
    with deciding(config) as decide:
        while True:
            with reading(config) as reader:
                commands = expired.next_slice(reader)
            if commands is None:
                break
            for reply in decide(commands):
                if not accepted(reply):
                    refuse(f"{why(reply)}; {members} members' points have expired so far")
                members += reply.rrn is not None
    click.echo(f"{members} members' points have expired")


@points.command()
@click.option("--by", type=click.Choice(["age", "expiry"]), default="age", show_default=True, help="How it is divided.")
@config_option
@json_option
def report(by: str, config: Config, as_json: bool) -> None:
    """Report the liability by age.

    What members could spend, by the days since it was given; what they owe; what has expired and is not booked out yet.
    With `--by expiry` by the dates of the lots, as they are in the books.
    """
    now = time.time_ns() // 1000
    if by == "expiry":
        with reading(config) as reader:
            programme = programme_of(reader)
            dated = [_dated(one, programme) for one in reader.liability()]
        show_list(dated, as_json, "there are no points", _dated_cells)
        return
    with reading(config) as reader:
        programme = programme_of(reader)
        found = ageing(reader, day_of(programme, now).isoformat(), now)
    records = [_described(unit, found.get(unit, Ageing()), programme) for unit in sorted({*found, *programme.units})]
    if as_json:
        for record in records:
            show_json(record)
    elif records:
        show_table([cells for record in records for cells in _by_age(record)])
        click.echo()
        show_table([_summary(record) for record in records])
    else:
        click.echo("there are no points", err=True)


def _dated(one: Liability, programme: Programme) -> Record:
    scheme = programme.units.get(one.unit)
    return {
        "scheme": scheme.id if scheme else one.unit,
        "account": one.kind.value,
        "available_from": one.available_from or None,
        "expires_on": one.expires_on or None,
        "accounts": one.lots,
        "points": one.points,
        "worth": convert_up(one.points, scheme.value) if scheme else None,
        "currency": scheme.currency if scheme else None,
    }


def _dated_cells(record: Record) -> Record:
    return with_money({**record, "currency": record["currency"] or ""}, "worth")


def _described(unit: str, liability: Ageing, programme: Programme) -> Record:
    scheme = programme.units.get(unit)
    value = scheme.value if scheme else Fraction(0)
    first = (0, *(days + 1 for days in AGES))
    return {
        "scheme": scheme.id if scheme else unit,
        "currency": scheme.currency if scheme else None,
        "outstanding": liability.outstanding,
        "worth": convert_up(liability.outstanding, value),
        "pending": liability.pending,
        "owed": liability.owed,
        "expired": liability.expired,
        "by_age": [
            {"from_days": start, "to_days": end, "points": held, "worth": convert_up(held, value)}
            for start, end, held in zip(first, (*AGES, None), liability.by_age, strict=True)
        ],
    }


def _by_age(record: Record) -> Iterator[Record]:
    for age in record["by_age"]:
        last = f"{age['from_days']} to {age['to_days']}" if age["to_days"] else f"over {age['from_days'] - 1}"
        worth = money(age["worth"], record["currency"] or "")
        yield {"scheme": record["scheme"], "age in days": last, "points": age["points"], "worth": worth}


def _summary(record: Record) -> Record:
    kept = {name: value for name, value in record.items() if name not in ("by_age", "currency")}
    return kept | {"worth": money(record["worth"], record["currency"] or "")}
