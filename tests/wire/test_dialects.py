"""Dialect files: the packaged ones, a site's own, and what is said of wrong ones."""

from pathlib import Path

import pytest

from specs.dialects import ONLY_VISA2, PACKAGED, DialectError, load_dialect
from specs.iso8583 import ELEMENTS
from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass, Reply
from terminals.session import Received, Session
from tests.wire.golden import LINE
from tests.wire.tools import NAC_REDEEM, events_of, nac_frame


def site_file(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("name", sorted(PACKAGED))
def test_a_packaged_dialect_has_a_code_for_everything(name: str) -> None:
    dialect = load_dialect(name)
    assert set(dialect.outcomes) == set(Outcome)
    assert sorted(dialect.elements) == sorted(ELEMENTS) == list(range(2, 129))
    kinds = {one.kind for codes in dialect.transactions.values() for one in codes.values()}
    assert kinds == set(Kind) - {Kind.MALFORMED, Kind.UNKNOWN, Kind.OPERATOR} - ONLY_VISA2


def test_codes_of_outcomes_are_not_used_twice() -> None:
    codes = list(load_dialect("nac").outcomes.values())
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("flag", "0159")
def test_the_sixth_digit_of_a_code_is_not_compared(flag: str) -> None:
    found = load_dialect("nac").find_transaction(MessageClass.REQUEST, "00600" + flag)
    assert found is not None
    assert found.kind is Kind.GIFT_REDEEM


@pytest.mark.parametrize("message_class", [MessageClass.REVERSAL, MessageClass.ADVICE, MessageClass.UPLOAD])
def test_reversals_advices_and_uploads_use_the_codes_of_requests(message_class: MessageClass) -> None:
    found = load_dialect("nac").find_transaction(message_class, "720060")
    assert found is not None
    assert found.kind is Kind.GIFT_ACTIVATE


@pytest.mark.parametrize(
    ("message_class", "code"), [("inquiry", "720060"), ("network", "006000"), ("request", "316000")]
)
def test_a_code_means_something_only_in_its_class(message_class: str, code: str) -> None:
    assert load_dialect("nac").find_transaction(MessageClass(message_class), code) is None


def test_a_site_changes_single_entries(tmp_path: Path) -> None:
    own = load_dialect(
        site_file(
            tmp_path,
            """
            extends = "nac"
            tpdu = "echo"
            [fields]
            22 = "n4"
            [outcomes]
            not_enough = "N1"
            [transactions.request]
            "000060" = { kind = "gift_redeem", needs = [2, 4] }
            """,
        )
    )
    wire = Session(own, LINE)
    (event,) = events_of(wire, nac_frame("0200", {**NAC_REDEEM, 3: "000060", 22: "1051"}))
    assert isinstance(event, Received)
    assert (event.request.kind, event.request.wrong_field) == (Kind.GIFT_REDEEM, None)
    answer = wire.send(Reply(Outcome.NOT_ENOUGH), event.slip)
    assert answer[2:7].hex() == "6000100000"
    assert b"N1" in answer
    assert own.outcomes[Outcome.AMOUNT] == "13"


def test_a_site_may_extend_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = "ascii"\ncode_page = "cp1254"\n', "utf-8")
    assert load_dialect(site_file(tmp_path, 'extends = "base"')).code_page == "cp1254"


# fmt: off
ECHO = "{ kind = 'echo', needs = [] }"
WRONG: list[tuple[str, str]] = [
    ('length = "stx"',                              "length: Invalid enum value 'stx'; allowed: ascii4, binary2"),
    ('tpdu = "twist"',                              "tpdu: Invalid enum value 'twist'; allowed: echo, none, swap"),
    ("code_page = 1254",                            "code_page: Expected `str`, got `int`"),
    ('code_page = "klingon"',                       "code_page: 'klingon' is not known; allowed: ascii, "),
    ("answer_table = 62",                           "answer_table: allowed: 48, 63"),
    ("surplus = 1",                                 "file: Object contains unknown field `surplus`; allowed: "),
    ("[outcomes]\nmaybe = '07'",                    "outcomes: Invalid enum value 'maybe'; allowed: already_"),
    ("[outcomes]\npartial = '7'",                   "outcomes.partial: a code of two digits or capital letters"),
    ("[fields]\n22 = 'n..'",                        "fields.22: 'n..' is not a form like n6, n..19, "),
    ("[fields]\n129 = 'n3'",                        "fields.129: allowed: numbers from 2 to 128"),
    (f"[transactions.reversal]\n'720060' = {ECHO}", "transactions.reversal.720060: reversals, advices and"),
    (f"[transactions.request]\n'720061' = {ECHO}",  "transactions.request.720061: a processing code is six"),
    (f"[transactions.request]\n'7200' = {ECHO}",    "transactions.request.7200: a processing code is six"),
    (f"[transactions.request]\n'720060' = {ECHO}",  "transactions: no code stands for gift_activate"),
    (f"[transactions.requests]\n'720060' = {ECHO}", "transactions: Invalid enum value 'requests'; allowed: "),
    ("[transactions.request]\n1 = { kind = 'a' }",  "transactions.request.1.kind: Invalid enum value 'a'; allow"),
    ("[transactions.request]\n7 = { x = 1 }",       "transactions.request.7: Object contains unknown field `x`; "),
    ("[transactions]\nrequest = 7",                 "transactions.request: Expected `object`, got `int`"),
    ("[outcomes]\napproved = 0",                    "outcomes.approved: Expected `str`, got `int`"),
    ("[network_codes]\n301 = 'ping'",               "network_codes.301: Invalid enum value 'ping'; allowed: "),
    ("[transactions.request.720060]\nneeds = [1]",  "transactions.request.720060.needs: allowed: numbers from"),
    ("[transactions.request.409090]\ntables = ['T']", "transactions.request.409090.tables: the id of a private table"),
    ("[network_codes]\n'30' = 'echo'",              "network_codes.30: DE70 has three digits"),
    ("[network_codes",                              "cannot be read: "),
]
# fmt: on


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_said_of_a_wrong_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DialectError) as caught:
        load_dialect(site_file(tmp_path, f'extends = "nac"\n{text}'))
    assert str(caught.value).startswith(f"own.toml: {said}")


@pytest.mark.parametrize("base", ['"own"', '"nowhere"', "7"])
def test_what_a_file_extends_must_be_another(tmp_path: Path, base: str) -> None:
    with pytest.raises(DialectError):
        load_dialect(site_file(tmp_path, f"extends = {base}"))


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('extends = "own"', "utf-8")
    with pytest.raises(DialectError, match="circle"):
        load_dialect(site_file(tmp_path, 'extends = "other"'))


def test_an_incomplete_file_names_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(DialectError, match=r"own\.toml: file: Object missing required field `length`"):
        load_dialect(site_file(tmp_path, 'extends = "iso8583-codes"'))


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DialectError, match="allowed: ascii, nac"):
        load_dialect("ebcdic")
    with pytest.raises(DialectError, match=r"gone\.toml: cannot be read: No such file"):
        load_dialect(tmp_path / "gone.toml")
