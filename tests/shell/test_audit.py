"""The audit against somebody who has the seal key: false books stay false, however well they are sealed.

What can be falsified without the key is in tests/cli/test_audit.py.
"""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass, PointsTold, Reply, Returned, Total
from switch.audit import Audit, BrokenFact, audit
from switch.core.decision import Changes
from switch.core.holdings import Account, AccountKind, system_account
from switch.core.journal import Deed, Entry, Row
from switch.core.merchants import Count
from switch.seals import mark, seal_of
from switch.store.memory import MemoryStore
from tests.store import make

KEY = b"k" * 32
CLEARING_ID = system_account(AccountKind.CLEARING, 1, "949")


def row(number: int, amount: int, sequence: int, balance: int, **more: object) -> Row:
    entries = (Entry(CLEARING_ID, "949", -amount), Entry(1, "949", amount, balance, sequence))
    blank = Row(
        id=number,
        kind=Kind.GIFT_RELOAD,
        message_class=MessageClass.REQUEST,
        outcome=Outcome.APPROVED,
        reason="",
        terminal=1,
        merchant=1,
        store="",
        application="main",
        batch=1,
        stan=number,
        stan_count=0,
        rrn=f"{number:012}",
        decided_at=number,
        programme=1,
        listener="nac",
        root=1,
        amount=abs(amount),
        currency="949",
        entries=entries,
    )
    return msgspec.structs.replace(blank, **more)


def proved(rows: list[Row]) -> Audit:
    last = rows[-1].entries[-1]
    assert last.balance_after is not None
    assert last.sequence is not None
    store, seal = MemoryStore(), None
    for number, one in enumerate(rows, 1):
        marked = mark([one], "main", number)
        seal = seal_of(marked, seal, "main", number, KEY)
        account = Account(1, AccountKind.CARD, 1, "949", last.balance_after, last.sequence)
        store.commit(Changes(rows=marked, accounts={1: account}), seal)
    *_, done = audit(store, KEY)
    return done


SALE_ROW = row(1, 1000, 1, 1000)
UNDO = {"message_class": MessageClass.REVERSAL, "original": 1}
REFUND = {"kind": Kind.GIFT_REFUND, "original": 1}


def test_forged_rows_that_are_right_pass() -> None:
    done = proved([SALE_ROW, row(2, -1000, 2, 0, **UNDO), row(3, 1000, 3, 1000, **UNDO | {"original": 2})])
    assert (done.rows, done.entries, done.accounts, done.seals) == (3, 6, 2, 3)


@pytest.mark.parametrize(
    ("rows", "fact"),
    [
        ([row(2, -10, 2, 990, **UNDO), row(3, -10, 3, 980, **UNDO)], "row 1: undone twice, by 2 and 3"),
        ([row(2, 600, 2, 1600, **REFUND), row(3, 600, 3, 2200, **REFUND)], "row 1: more was refunded than it took"),
        ([row(2, 100, 2, 1000)], "account 1: entry 2 does not follow from the one before"),
        ([row(2, 100, 3, 1100)], "account 1: entry 2 is missing"),
        ([row(2, -1100, 2, -100)], "account 1: below zero after entry 2"),
        ([row(2, 100, 2, 1100, outcome=Outcome.NOT_ENOUGH)], "row 2: refused, and yet it moved value"),
        ([msgspec.structs.replace(row(2, 100, 2, 1100), entries=row(2, 100, 2, 1100).entries[1:])],
         "row 2: a row that does not balance"),
    ],
)  # fmt: skip
def test_the_seal_key_alone_does_not_make_false_books_right(rows: list[Row], fact: str) -> None:
    with pytest.raises(BrokenFact) as broken:
        proved([SALE_ROW, *rows])
    assert str(broken.value) == fact


def test_rows_older_than_a_field_keep_their_seals() -> None:
    """As the first version sealed it. If this fails, the audit breaks on every set of books there is."""
    rows = mark([make.row(7, entries=(make.entry(-17, -5), make.entry(100, 5, 5, 1)))], "main", 1)
    first = "23c36372d76616c9693be6f294651f804d417747c9493669820f806da6fe2d1c"
    assert seal_of(rows, None, "main", 5, KEY).mac.hex() == first
    for change in (
        {"event": "crm-7"},
        {"late": True},
        {"matched": 3},
        {"claimed": (Total(),)},
        {"counts": (Count(1, 0, 1, 5),)},
    ):
        changed = [msgspec.structs.replace(rows[0], **change)]
        assert seal_of(changed, None, "main", 5, KEY).mac.hex() != first, change


#: Fields that came later, with something they may say.
LATER_ROW = {
    "other_holder": 4,
    "deed": Deed(earned=3),
    "event": "crm-7",
    "counts": (Count(1, 0, 1, 5),),
    "late": True,
    "claimed": (Total(),),
    "original_class": MessageClass.REQUEST,
    "matched": 3,
}
LATER_REPLY = {
    "points": PointsTold(3, 4, 5),
    "returned": Returned(1, 2),
    "totals": (Total(),),
    "local_year": "26",
    "points_worth": 12,
}


def chosen(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for count in range(len(fields) + 1):
        for names in itertools.combinations(fields, count):
            yield {name: fields[name] for name in names}


def plainly(record: msgspec.Struct, later: dict[str, Any]) -> dict[str, Any]:
    names = [name for name in record.__struct_fields__ if name not in later]
    said = [
        name for name in record.__struct_fields__ if name in later and getattr(record, name) not in (None, 0, "", ())
    ]
    return {name: getattr(record, name) for name in (*names, *said)}


@pytest.mark.parametrize("count", [1, 3])
def test_a_seal_says_of_a_row_and_its_answer_the_first_fields_and_the_later_ones_that_say_something(count: int) -> None:
    """By MessagePack, whose maps begin otherwise from sixteen entries on."""
    first = Reply(Outcome.APPROVED, rrn="626400000007")
    replies = [msgspec.structs.replace(first, **some) for some in chosen(LATER_REPLY)]
    rows = [make.row(7, reply=reply) for reply in replies] + [make.row(7, **some) for some in chosen(LATER_ROW)]
    for one in rows:
        assert one.reply is not None
        said = plainly(one, LATER_ROW) | {"reply": plainly(one.reply, LATER_REPLY)}
        head = msgspec.msgpack.encode(("main", 1, count, 5, b""))
        mac = hmac.digest(KEY, head + msgspec.msgpack.encode([said] * count), "sha256")
        assert seal_of([one] * count, None, "main", 5, KEY).mac == mac
