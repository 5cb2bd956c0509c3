"""The canonical Reply and the slip of its request to the fields of an answer (WIRE.md section 2, "Answers").

Responsible for which fields an answer has and what they say. Card data never comes in here: a slip has none.
"""

from typing import Final

from specs import iso8583
from specs.dialects import Dialect
from specs.outcomes import ACCEPTED, Outcome
from specs.transaction import Balance, Reply
from terminals.iso8583_request import Slip
from terminals.point_tables import points_table, return_table
from terminals.private_tables import build_tables, cut_at_line, room_for_data

_BALANCES_MAX: Final = 6  # blocks of twenty in DE54


def answer_fields(reply: Reply, slip: Slip, dialect: Dialect) -> dict[int, str]:
    """The fields of the answer to the request that `slip` came with."""
    fields = dict(slip.fields)
    by_network_code = 70 in fields
    if not by_network_code or 41 in fields:
        fields |= {12: reply.local_time, 13: reply.local_date}
    if reply.amount is not None and not by_network_code:
        fields[4] = f"{reply.amount:012d}"
    _set_batch(fields, reply, slip)
    fields[37] = (reply.rrn or "").ljust(12)
    fields[38] = _approval(reply)
    fields[39] = dialect.outcomes[reply.outcome]
    fields[54] = "".join(_block(balance, dialect) for balance in reply.balances[:_BALANCES_MAX])
    fields[slip.table] = _tables(reply, dialect)
    return {number: text for number, text in fields.items() if text.strip(" ") or number in slip.fields}


def _set_batch(fields: dict[int, str], reply: Reply, slip: Slip) -> None:
    """DE60 names the batch joined; a refusal that joined none repeats a batch number, and nothing else."""
    asked = fields.pop(60, "")
    if reply.batch is not None and slip.shows_batch:
        fields[60] = f"{reply.batch:06d}"
    elif reply.outcome not in ACCEPTED and len(asked) == 6 and asked.isdecimal():
        fields[60] = asked


def _approval(reply: Reply) -> str:
    if reply.outcome is Outcome.FORMAT_ERROR:
        return f"{reply.wrong_field or 0:06d}"
    return reply.approval or ""


def _block(balance: Balance, dialect: Dialect) -> str:
    sign = "D" if balance.amount < 0 else "C"
    types = dialect.purses[balance.purse] + dialect.balance_types[balance.type]
    return f"{types}{balance.currency}{sign}{abs(balance.amount):012d}"


def _tables(reply: Reply, dialect: Dialect) -> str:
    """What steers the terminal comes first, then what it must know; the receipt last: it is the one that can be cut."""
    pieces = []
    if reply.parameters:
        pieces.append((iso8583.TABLE_PARAMETERS, ";".join(f"{key}={value}" for key, value in reply.parameters)))
    if reply.command:
        pieces.append((iso8583.TABLE_COMMAND, _in_code_page(reply.command, dialect)))
    if reply.points:
        pieces.append((iso8583.TABLE_POINTS, points_table(reply.points)))
    if reply.returned:
        pieces.append((iso8583.TABLE_RETURNED, return_table(reply.returned)))
    if reply.display:
        pieces.append((iso8583.TABLE_DISPLAY, _in_code_page(reply.display, dialect)))
    if reply.receipt_text:
        room = room_for_data(build_tables(pieces, dialect.table_layout), dialect.table_layout)
        lines = cut_at_line(_in_code_page(reply.receipt_text, dialect), room)
        if lines:
            pieces.append((iso8583.TABLE_RECEIPT, lines))
    return build_tables(pieces, dialect.table_layout)


def _in_code_page(text: str, dialect: Dialect) -> str:
    """As the terminal's bytes, one character each; what its code page lacks becomes a question mark."""
    return text.encode(dialect.code_page, "replace").decode("latin-1")
