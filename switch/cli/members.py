"""member: who has which points and why; enrol, award, and what waits to be told to the holders of main cards."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from specs import limits
from specs.money import POINTS_UNIT
from specs.sensitive import PAN, Secret
from switch.cli.arguments import CARD_NUMBER, MERCHANT_ID, MOMENT, PHONE, instant, word
from switch.cli.common import config_option, json_option, open_vault, reading, submit
from switch.cli.finding import card_argument
from switch.cli.journal import Describer, kind_of
from switch.cli.member_books import PAN_HELP, Member, find_member, masked_phone
from switch.cli.member_cards import cards
from switch.cli.output import Record, moment, money, show_json, show_list, show_record, show_table
from switch.config import Config
from switch.core.holdings import Notice, is_points
from switch.core.journal import Row
from switch.core.member_commands import EnrolCard
from switch.core.points_commands import AwardPoints, NoticesSent
from switch.store.port import JournalFilter, Reader
from switch.vault import Vault

MOVEMENTS = 10  # that `show` lists; `statement` has the rest


@click.group()
def member() -> None:
    """Members of points schemes.

    A member is found by any of the member's cards. Card numbers and phone numbers are shown masked.
    """


member.add_command(cards)


@member.command(help=f"Show a member. The card, the points, the last movements. {PAN_HELP}")
@card_argument
@click.option("--utc", is_flag=True, help="Times in UTC instead of the shell's zone.")
@config_option
@json_option
def show(pan: PAN | None, card_id: int | None, utc: bool, config: Config, as_json: bool) -> None:
    vault = open_vault(config)
    with reading(config) as reader:
        found = find_member(reader, config, pan, card_id)
        movements = statement_of(reader, found, utc, 0, MOVEMENTS)
    record = found.described(found.card) | {
        "phone": masked_phone(vault, found.card.sealed_phone),
        "cards": len(found.cards),
    }
    if as_json:
        show_json(record | {"points": found.balances(), "movements": movements})
        return
    show_record(record)
    click.echo()
    show_table([_balance_cells(balance) for balance in found.balances()])
    if movements:
        click.echo()
        show_table([_statement_cells(movement) for movement in movements])


@member.command(
    help="Enrol a card without a till. Where - stands, PAN is read from standard input, then the phone number."
)
@click.argument("pan", type=CARD_NUMBER, is_eager=True)
@click.option("--phone", type=PHONE, help="The holder's number, digits with country code; - reads it.")
@config_option
def enrol(pan: PAN, phone: Secret | None, config: Config) -> None:
    vault = open_vault(config)
    sealed = vault.encrypt_phone(phone) if phone else None
    submit(config, EnrolCard(vault.card_hash(pan).hex(), sealed))
    click.echo(f"{pan.masked}: enrolled")


@member.command(
    help=f"Show a family. The main card, whose holder hears of the others, and what these may spend. {PAN_HELP}"
)
@card_argument
@config_option
@json_option
def family(pan: PAN | None, card_id: int | None, config: Config, as_json: bool) -> None:
    vault = open_vault(config)
    with reading(config) as reader:
        found = find_member(reader, config, pan, card_id)
    main = found.main_card()
    additional = [record for record in found.described_cards() if record["role"] == "additional"]
    record = {
        "main_card": main.masked_pan if main else None,
        "phone": masked_phone(vault, main.sealed_phone) if main else None,
    }
    if as_json:
        show_json(record | {"additional_cards": additional})
        return
    show_record(record)
    click.echo()
    if additional:
        show_table(additional)
    else:
        click.echo("no additional cards")


@member.command(help=f"List a member's lots. In the order in which they are spent, and what is owed. {PAN_HELP}")
@card_argument
@config_option
@json_option
def lots(pan: PAN | None, card_id: int | None, config: Config, as_json: bool) -> None:
    with reading(config) as reader:
        found = find_member(reader, config, pan, card_id)
    show_list(found.lots(), as_json, "no points", dict)


@member.command(help=f"List what moved a member's points. Newest first, with the balance after each. {PAN_HELP}")
@card_argument
@click.option("--since", type=MOMENT, help="Not before this time (ISO 8601).")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The newest so many.")
@click.option("--utc", is_flag=True, help="Times in UTC, given and shown, instead of the shell's zone.")
@config_option
@json_option
def statement(
    pan: PAN | None,
    card_id: int | None,
    since: datetime | None,
    limit: int,
    utc: bool,
    config: Config,
    as_json: bool,
) -> None:
    with reading(config) as reader:
        found = find_member(reader, config, pan, card_id)
        records = statement_of(reader, found, utc, instant(since, utc) or 0, limit)
    show_list(records, as_json, "nothing has moved", _statement_cells)


@member.command(
    help=f"Give points for an event that was no purchase. The same reference again gives nothing more. {PAN_HELP}"
)
@card_argument
@click.option("--event", required=True, help="An event of the programme's points scheme.")
@click.option("--reference", type=word(limits.EVENT_KEY_MAX), required=True, help="Your own id of what happened.")
@click.option("--merchant", "merchant_id", type=MERCHANT_ID, help="At whose expense [the programme's own].")
@config_option
@json_option
def award(
    pan: PAN | None,
    card_id: int | None,
    event: str,
    reference: str,
    merchant_id: str | None,
    config: Config,
    as_json: bool,
) -> None:
    with reading(config) as reader:
        card = find_member(reader, config, pan, card_id).card
    reply = submit(config, AwardPoints(card.hash, event, reference, merchant_id or ""))
    with reading(config) as reader:
        (row,) = reader.journal(JournalFilter(rrn=reply.rrn, limit=1))
    record = {"card": card.masked_pan, "event": event, "reference": reference, "points": row.amount, "rrn": row.rrn}
    if as_json:
        show_json(record)
    else:
        click.echo(f"{card.masked_pan}: {row.amount} points for {event}, RRN {row.rrn}")


@member.command()
@click.option("--take", is_flag=True, help="Mark those listed as taken: whoever runs this tells the holders.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The oldest so many.")
@click.option("--utc", is_flag=True, help="Times in UTC instead of the shell's zone.")
@config_option
@json_option
def notices(take: bool, limit: int, utc: bool, config: Config, as_json: bool) -> None:
    """List what waits to be told to the holders of main cards.

    Oldest first. Nothing sends notices yet; they wait until somebody takes them.
    """
    vault = open_vault(config)
    with reading(config) as reader:
        waiting = reader.notices(limit)
        records = [_notice_record(notice, reader, vault, utc) for notice in waiting]
    show_list(records, as_json, "no notices wait", dict)
    if take and waiting:
        submit(config, NoticesSent(tuple(notice.id for notice in waiting)))
        click.echo(f"{len(waiting)} taken", err=True)


# -- records ----------------------------------------------------------------------------------------------------------
def statement_of(reader: Reader, found: Member, utc: bool, since: int, limit: int) -> list[Record]:
    """Newest first; the balance after each follows from that of today."""
    rows = reader.movements(found.card.holder, since, limit)
    after = {unit: sum(one.balance for one in found.accounts if one.currency == unit) for unit in found.units}
    records: list[Record] = []
    for row, told in zip(rows, Describer(reader, utc).describe(rows), strict=True):
        for unit, points in sorted(found.moved(row).items()):
            balance = after.setdefault(unit, 0)
            after[unit] = balance - points
            records.append(_movement(row, told, found.scheme_id(unit), points, balance))
    return records


def _movement(row: Row, told: Record, scheme: str, points: int, balance: int) -> Record:
    kept = ("time", "kind", "message", "merchant_id", "terminal_id", "rrn", "card", "currency", "amount", "reason")
    record: dict[str, Any] = {name: told[name] for name in kept}
    if is_points(row.currency) or row.currency == POINTS_UNIT:
        record |= {"currency": None, "amount": None}  # the points are all there is
    return record | {
        "original": told["original"],
        "undone_by": told["undone_by"],
        "scheme": scheme,
        "points": points,
        "balance": balance,
    }


def _statement_cells(record: Record) -> Record:
    where = [name for name in (record["merchant_id"], record["terminal_id"]) if name]
    return {
        "time": record["time"],
        "kind": kind_of(record),
        "terminal": "/".join(where),
        "RRN": record["rrn"],
        "card": record["card"],
        "amount": money(record["amount"], record["currency"]) if record["amount"] else None,
        "scheme": record["scheme"],
        "points": record["points"],
        "balance": record["balance"],
        "reason": record["reason"],
        "undone by": record["undone_by"],
    }


def _balance_cells(record: Record) -> Record:
    cells = {name: value for name, value in record.items() if name != "currency"}
    return cells | {"worth": money(record["worth"], record["currency"] or "")}


def _notice_record(notice: Notice, reader: Reader, vault: Vault, utc: bool) -> Record:
    (main,) = reader.cards(notice.card - 1, 1)
    return {
        "notice": notice.id,
        "time": moment(notice.created_at, utc),
        "main_card": main.masked_pan,
        "phone": masked_phone(vault, main.sealed_phone),
        "used": notice.used,
        "what": notice.what,
        "points": notice.points,
    }
