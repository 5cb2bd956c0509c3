"""Records to rows and back: nothing is lost or changed, in memory and in every database."""

import re
import types
import typing
from collections.abc import Sequence
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switch.core.journal import Entry, Row, Tally
from switch.core.merchants import Merchant, Terminal
from switch.store import tables
from switch.store.database import Database
from switch.store.mapping import Mapping
from tests.store.make import merchant
from tests.store.places import Place

MAPPINGS: dict[str, Mapping[Any]] = {
    one.table: one for one in vars(tables).values() if isinstance(one, Mapping)
} | {"tallies": Mapping(Tally, "tallies", ("scope", "bucket"))}  # fmt: skip
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))  # PostgreSQL knows no NUL in a text
SMALL, LARGE = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)


def values(hint: Any, numbers: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """Any value of a field with this annotation."""
    if hint is int:
        return numbers
    if hint is str:
        return TEXT
    if hint is bytes:
        return st.binary(max_size=64)
    if hint is bool:
        return st.booleans()
    if typing.get_origin(hint) is tuple:
        parts = typing.get_args(hint)
        if parts[-1] is Ellipsis:
            return st.lists(values(parts[0], numbers), max_size=3).map(tuple)
        return st.tuples(*(values(part, numbers) for part in parts))
    if isinstance(hint, types.UnionType):
        return st.one_of([values(part, numbers) for part in typing.get_args(hint)])
    if hint is types.NoneType:
        return st.none()
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    return records(hint, numbers)


def records(
    record: type[msgspec.Struct], numbers: st.SearchStrategy[int] = LARGE, leave_out: tuple[str, ...] = ()
) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(record)
    fields = {name: values(hints[name], numbers) for name in record.__struct_fields__ if name not in leave_out}
    return st.builds(record, **fields)


def test_all_records_of_the_books_have_a_mapping() -> None:
    assert len(MAPPINGS) == 17
    assert {Row, Entry, Terminal, Tally} <= {one.record for one in MAPPINGS.values()}


@pytest.mark.parametrize("table", MAPPINGS)
@given(data=st.data())
def test_a_record_comes_back_from_its_row(table: str, data: st.DataObject) -> None:
    mapping = MAPPINGS[table]
    left_out = tuple(set(mapping.record.__struct_fields__) - set(mapping.columns))
    record = data.draw(records(mapping.record, leave_out=left_out))
    again = mapping.from_row(mapping.to_row(record))
    assert again == record
    assert [type(getattr(again, name)) for name in mapping.columns] == [
        type(getattr(record, name)) for name in mapping.columns
    ]


@pytest.mark.parametrize("table", MAPPINGS)
def test_a_record_comes_back_from_its_table(table: str, sql_place: Place) -> None:
    mapping, database = MAPPINGS[table], sql_place.database()
    left_out = tuple(set(mapping.record.__struct_fields__) - set(mapping.columns))

    @settings(max_examples=15)
    @given(record=records(mapping.record, SMALL, left_out))
    def check(record: msgspec.Struct) -> None:
        columns, row = mapping.columns, mapping.to_row(record)
        if isinstance(record, Entry):
            columns, row = ("row_id", *columns), [1, *row]
        database.begin()
        if isinstance(record, Terminal):
            owner = MAPPINGS["merchants"]
            insert(database, "merchants", owner.columns, owner.to_row(merchant(record.merchant)))
        insert(database, table, columns, row)
        found = database.read(mapping, "x", f"{table} x")
        database.rollback()
        assert found == [record]

    check()


def insert(database: Database, table: str, columns: tuple[str, ...], row: Sequence[Any]) -> None:
    marks = ", ".join("?" * len(columns))
    database.write(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", [row])


@pytest.mark.parametrize("table", MAPPINGS)
def test_every_column_of_a_table_is_a_field_of_its_record(table: str, sql_place: Place) -> None:
    """Same names in the same order; what may be None may be NULL, and nothing else."""
    database = sql_place.database()
    hints = typing.get_type_hints(MAPPINGS[table].record)
    fields = [(name, type(None) in typing.get_args(hints[name])) for name in MAPPINGS[table].columns]
    if "sqlite" in sql_place.url:
        rows = database.fetch(f"SELECT name, \"notnull\" = 0 AND pk = 0 FROM pragma_table_info('{table}')")
    else:
        rows = database.fetch(
            "SELECT column_name, is_nullable = 'YES' FROM information_schema.columns "
            "WHERE table_name = ? ORDER BY ordinal_position",
            (table,),
        )
    columns = [(name, bool(nullable)) for name, nullable in rows if not (table == "entries" and name == "row_id")]
    if "sqlite" in sql_place.url:
        keys = MAPPINGS[table].key
        columns = [(name, nullable and name not in keys) for name, nullable in columns]
    assert columns == fields


def test_columns_are_plain_names() -> None:
    """They are put into SQL as they are."""
    for mapping in MAPPINGS.values():
        assert all(re.fullmatch("[a-z_]+", name) for name in (mapping.table, *mapping.columns))
    assert MAPPINGS["merchants"].to_row(Merchant(1, "M", "n", ("a",))) == [1, "M", "n", '["a"]', "UTC", "", 0]
