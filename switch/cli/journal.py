"""journal: what was decided, when, for whom, and what has been undone since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from specs.money import POINTS_UNIT
from specs.sensitive import PAN
from specs.transaction import MessageClass
from switch.cli.arguments import CARD_NUMBER, MOMENT, RRN, instant
from switch.cli.common import config_option, json_option, open_vault, reading, refuse
from switch.cli.output import Record, moment, money, show_json, show_list, show_record, show_table, with_money
from switch.cli.programmes import programme_of
from switch.cli.terminals import find_terminal
from switch.config import Config
from switch.core.holdings import Account, AccountKind, Card, describe_account
from switch.core.journal import Entry, Row
from switch.core.undo import is_live
from switch.core.workset import POINTS
from switch.store.port import JournalFilter, Reader

#: Said with the kind; a plain request goes without.
_CLASSES = (MessageClass.ADVICE, MessageClass.REVERSAL)


def kind_of(record: Record) -> str:
    """What was done, as people read it."""
    named = record["message"] in {message.value for message in _CLASSES}
    return f"{record['kind']} {record['message']}" if named else str(record["kind"])


class _ListByDefault(click.Group):
    """`journal …` is `journal list …`."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        if not arguments or arguments[0] not in (*self.commands, *context.help_option_names):
            arguments = ["list", *arguments]
        return super().parse_args(context, arguments)


@click.group(cls=_ListByDefault)
def journal() -> None:
    """What was decided, and undone.

    `journal` alone lists the newest, with the options of `journal list`.
    """


@journal.command("list")
@click.option("--rrn", type=RRN, help="The retrieval reference of a transaction (DE37).")
@click.option("--card", "pan", type=CARD_NUMBER, help="A card number; - reads it from standard input.")
@click.option("--terminal", metavar="MERCHANT/TERMINAL", help="Only of this terminal.")
@click.option("--since", type=MOMENT, help="Not before this time (ISO 8601).")
@click.option("--until", type=MOMENT, help="Before this time.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The newest so many.")
@click.option("--utc", is_flag=True, help="Times in UTC, given and shown, instead of the shell's zone.")
@config_option
@json_option
def list_(
    rrn: str | None,
    pan: PAN | None,
    terminal: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    utc: bool,
    config: Config,
    as_json: bool,
) -> None:
    """List transactions, newest first.

    Commands of operators are among them. With several options, what fits all of them.
    """
    card_hash = open_vault(config).card_hash(pan).hex() if pan else None
    with reading(config) as reader:
        found = find_terminal(reader, terminal).id if terminal else None
        wanted = JournalFilter(
            rrn=rrn,
            card_hash=card_hash,
            terminal=found,
            since=instant(since, utc),
            until=instant(until, utc),
            limit=limit,
        )
        describer = Describer(reader, utc)
        records = describer.describe(reader.journal(wanted))
    show_list(records, as_json, "nothing in the journal fits", describer.cells)


@journal.command()
@click.argument("rrn", type=RRN)
@click.option("--utc", is_flag=True, help="Times in UTC instead of the shell's zone.")
@config_option
@json_option
def show(rrn: str, utc: bool, config: Config, as_json: bool) -> None:
    """Show a transaction, account by account."""
    with reading(config) as reader:
        rows = reader.journal(JournalFilter(rrn=rrn, limit=1))
        if not rows:
            refuse(f"no transaction has the RRN {rrn}")
        describer = Describer(reader, utc)
        (record,) = describer.describe(rows)
        entries = [describer.describe_entry(entry, rows[0]) for entry in rows[0].entries]
    if as_json:
        show_json({**record, "entries": entries})
        return
    show_record(with_money(describer.for_people(record), "asked", "amount"))
    if entries:
        click.echo()
        show_table([with_money(describer.for_people(entry), "amount", "balance_after") for entry in entries])


class Describer:
    """Rows of the journal as records for people and programs: ids become names, hashes become masked numbers."""

    def __init__(self, reader: Reader, utc: bool) -> None:
        self._reader, self._utc = reader, utc
        self._merchants = {merchant.id: merchant.merchant_id for merchant in reader.merchants()}
        self._terminals = {terminal.id: terminal.terminal_id for terminal in reader.terminals()}
        self._cards: dict[int, Card | None] = {}
        self._members: dict[int, dict[int, Account]] = {}
        self._units = {unit: scheme.id for unit, scheme in programme_of(reader).units.items()}

    def describe(self, rows: Sequence[Row]) -> list[Record]:
        families: dict[int, list[Row]] = {}
        for row in self._reader.families(sorted({row.root for row in rows})):
            families.setdefault(row.root, []).append(row)
        return [self._describe(row, families[row.root]) for row in rows]

    def _describe(self, row: Row, family: list[Row]) -> Record:
        card = self._card(row.card_id)
        undone_by = [other.rrn for other in family if other.original == row.id and other.is_undo]
        return {
            "time": moment(row.decided_at, self._utc),
            "kind": row.kind.value,
            "message": row.message_class.value,
            "merchant_id": self._merchants.get(row.merchant),
            "terminal_id": self._terminals.get(row.terminal),
            "store": row.store or None,
            "stan": row.stan if row.terminal else None,
            "receipt": row.receipt,
            "rrn": row.rrn,
            "card": card.masked_pan if card else None,
            "card_id": row.card_id or None,
            "currency": (row.card_currency if row.currency == POINTS_UNIT else row.currency) or None,
            "asked": row.asked,
            "amount": row.amount,
            "outcome": row.outcome.value,
            "reason": row.reason or None,
            "original": next((other.rrn for other in family if other.id == row.original), None),
            "undoes_it": row.is_undo,
            "undone_by": undone_by[-1] if undone_by and not is_live(row, family) else None,
        }

    def describe_entry(self, entry: Entry, row: Row) -> Record:
        return {
            "account": self._account(entry.account, row),
            "currency": entry.currency,
            "amount": entry.amount,
            "balance_after": entry.balance_after,
        }

    def cells(self, record: Record) -> Record:
        """A record as a line of the table."""
        currency = self.for_people(record)["currency"] or ""
        where = [name for name in (record["merchant_id"], record["terminal_id"]) if name]
        return {
            "time": record["time"],
            "kind": kind_of(record),
            "terminal": "/".join(where),
            "STAN": record["stan"],
            "receipt": record["receipt"],
            "RRN": record["rrn"],
            "card": record["card"],
            "asked": money(record["asked"], currency) if record["asked"] else None,
            "amount": money(record["amount"], currency) if record["amount"] else None,
            "outcome": record["outcome"],
            "reason": record["reason"],
            "original": f"{'undoes' if record['undoes_it'] else 'of'} {record['original']}"
            if record["original"]
            else None,
            "undone by": record["undone_by"],
        }

    def for_people(self, record: Record) -> Record:
        """A record whose currency, if it is a kind of points, is the name of their scheme."""
        return {**record, "currency": self._units.get(record["currency"], record["currency"])}

    def _account(self, number: int, row: Row) -> str:
        """An account in words."""
        if number < 0:
            kind, owner, _ = describe_account(number)
            return f"{kind.value} {self._merchants[owner]}" if owner else kind.value
        family = (one.holder for one in self._reader.families([row.root]))  # others may have paid for the same sale
        for holder in (row.holder, row.other_holder, *family):
            held = self._of_member(holder).get(number)
            if held:
                return f"{held.kind.value} {held.expires_on}".strip()
        card = self._card(row.card_id)
        if card is None or card.account != number:
            card = self._card(number)  # the account was opened for the card of the same id
        return f"{AccountKind.CARD.value} {card.masked_pan}" if card else f"account {number}"

    def _of_member(self, holder: int) -> dict[int, Account]:
        """The points of a member; none of who has a gift card."""
        if holder not in self._members:
            accounts = self._reader.member(holder)[1] if holder else []
            self._members[holder] = {one.id: one for one in accounts if one.kind in POINTS}
        return self._members[holder]

    def _card(self, number: int) -> Card | None:
        if number and number not in self._cards:
            following = self._reader.cards(number - 1, 1)
            self._cards[number] = following[0] if following and following[0].id == number else None
        return self._cards.get(number)
