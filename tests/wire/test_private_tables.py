"""The pieces of private tables, taken apart and put together (WIRE.md section 3, "Private tables")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.dialects import TableLayout
from terminals.private_tables import ROOM, Tables, build_tables, cut_at_line, parse_tables

LENGTH_FIRST, ID_FIRST = TableLayout.LENGTH_FIRST, TableLayout.ID_FIRST

# fmt: off
TABLES: list[tuple[TableLayout, str, list[tuple[str, str]]]] = [
    (LENGTH_FIRST, "",                            []),
    (LENGTH_FIRST, "\x00\x04CPPT",                [("CP", "PT")]),
    (LENGTH_FIRST, "\x00\x02CP",                  [("CP", "")]),
    (LENGTH_FIRST, "\x00\x12" "290123456789",     [("29", "0123456789")]),  # 12 in BCD
    (LENGTH_FIRST, "\x00\x03CPP\x00\x03CPT",      [("CP", "P"), ("CP", "T")]),
    (ID_FIRST,     "CP002PT",                     [("CP", "PT")]),
    (ID_FIRST,     "CP000",                       [("CP", "")]),
    (ID_FIRST,     "CP001PSC0041234",             [("CP", "P"), ("SC", "1234")]),
]
MALFORMED: list[tuple[TableLayout, str]] = [
    (LENGTH_FIRST, "\x00"),
    (LENGTH_FIRST, "\x00\x04C"),
    (LENGTH_FIRST, "\x00\x05CPPT"),
    (LENGTH_FIRST, "\x00\x01CP"),
    (LENGTH_FIRST, "\x00\x0cCP0123456789"),  # binary 12 is no BCD
    (LENGTH_FIRST, "\x00\x04CPPT\x00"),
    (ID_FIRST,     "CP"),
    (ID_FIRST,     "CP00"),
    (ID_FIRST,     "CP003PT"),
    (ID_FIRST,     "CP 02PT"),
    (ID_FIRST,     "CP-01PT"),
]
# fmt: on


@pytest.mark.parametrize(("layout", "text", "pieces"), TABLES)
def test_pieces_of_a_table(layout: TableLayout, text: str, pieces: list[tuple[str, str]]) -> None:
    assert parse_tables(text, layout) == pieces
    assert build_tables(pieces, layout) == text


@pytest.mark.parametrize(("layout", "text"), MALFORMED)
def test_a_malformed_table_is_refused(layout: TableLayout, text: str) -> None:
    with pytest.raises(ValueError, match="a piece"):
        parse_tables(text, layout)


def test_pieces_are_joined_in_order() -> None:
    tables = Tables()
    tables.add(48, [("SC", "12"), ("CP", "P")])
    tables.add(63, [("SC", "34"), ("TO", "5")])
    assert [tables.text(table_id) for table_id in ("SC", "CP", "TO", "BK")] == ["1234", "P", "5", ""]
    assert [tables.carrier(table_id) for table_id in ("SC", "CP", "TO")] == [48, 48, 63]


@pytest.mark.parametrize(("layout", "largest"), [(LENGTH_FIRST, 995), (ID_FIRST, 994)])
def test_what_does_not_fit_is_left_out(layout: TableLayout, largest: int) -> None:
    assert len(build_tables([("29", "x" * largest)], layout)) == ROOM
    assert build_tables([("29", "x" * (largest + 1))], layout) == ""
    built = build_tables([("TP", "x" * 980), ("22", "y" * 20), ("42", "LOGON")], layout)
    assert [table_id for table_id, _ in parse_tables(built, layout)] == ["TP", "42"]


@pytest.mark.parametrize(
    ("text", "room", "cut"),
    [
        ("A\nB\n", 4, "A\nB\n"),
        ("A\nB\n", 3, "A\n"),
        ("A\nB\n", 2, "A\n"),
        ("A\nB\n", 1, ""),
        ("A\nB", 3, "A\nB"),
        ("AB", 1, ""),
        ("A\n", 0, ""),
        ("A\n", -3, ""),
    ],
)
def test_texts_are_cut_behind_a_whole_line(text: str, room: int, cut: str) -> None:
    assert cut_at_line(text, room) == cut


@pytest.mark.parametrize("layout", list(TableLayout))
@given(data=st.data())
def test_parsing_undoes_building(layout: TableLayout, data: st.DataObject) -> None:
    characters = st.characters(max_codepoint=255)
    piece = st.tuples(st.text(characters, min_size=2, max_size=2), st.text(characters, max_size=60))
    pieces = data.draw(st.lists(piece, max_size=8))
    assert parse_tables(build_tables(pieces, layout), layout) == pieces


@pytest.mark.parametrize("layout", list(TableLayout))
@given(text=st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_text_is_pieces_or_refused(layout: TableLayout, text: str) -> None:
    try:
        pieces = parse_tables(text, layout)
    except ValueError:
        return
    assert len(build_tables(pieces, layout)) == len(text)
