"""What VISA-2 dialects say on paper: their table of codes, and the forms of the records (reference sections 2 and 3).

A dialect is a TOML file like those of ISO 8583; `protocol = "visa2"` says that it is read as this kind. How records are
put together is in `terminals`.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from specs.outcomes import Outcome
from specs.transaction import Kind, MessageClass

PROTOCOL: Final = "visa2"
TEXT_CHARACTERS: Final = 16  # the display of a terminal that shows nothing else


class Visa2Transaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a transaction code means, and whether it cannot do without an amount."""

    kind: Kind
    message_class: MessageClass
    amount: bool = False


class Visa2Response(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an outcome is told: the response code and what stands on the display."""

    code: str
    text: str


class Visa2Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, eq=False):
    """The codes of a dialect; compared by identity, as dialects of ISO 8583 are."""

    name: str
    protocol: str
    transactions: dict[str, Visa2Transaction]
    outcomes: dict[Outcome, Visa2Response]
    languages: dict[str, str]


class Field(NamedTuple):
    """One field of the fixed part of a record: its number in the table, how long it is, what may stand in it."""

    number: int
    name: str
    length: int
    form: str


_TEXT: Final = "[ -~]*"
_NUMBER: Final = "[0-9]*"
_ABOVE_ZERO: Final = "[0-9]*[1-9][0-9]*"
_DATE: Final = "(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
_TIME: Final = "([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]"
_CARDHOLDER_IDS: Final = "[@ABCDEFGJKMNPSZ]"
_ASKING_IDS: Final = "[@ABCDEFJKMNPSZ]"  # of requests: not G, whose PIN comes in the clear (reference 3.3)
_SOURCES: Final = "[@ABCDGHPQRSTWXZ]"
#: Reference 3.5, 3.6 and 3.11; where nothing is known, terminals send a space as well as 0.
_DEVICE_AND_INDUSTRY: Final = "[ 0BCDEGHIJMOPQRSTWXZ][ 0ABDFGHILMOPR]"
_AVS_RESULTS: Final = "[ 0-8A-EGIMNPRSUW-Z]"

# fmt: off
_WHO: Final = (
    Field( 2, "application type",   1, "[024]"),
    Field( 3, "delimiter",          1, r"\."),
    Field( 4, "acquirer BIN",       6, _NUMBER),
    Field( 5, "merchant number",   12, _ABOVE_ZERO),
    Field( 6, "store number",       4, _ABOVE_ZERO),
    Field( 7, "terminal number",    4, _ABOVE_ZERO),
)
#: Reference 2.2. The list of sources decides how field 21 is read, so another one cannot be.
REQUEST_FIELDS: Final = (
    Field( 1, "record format",      1, "[DT]"),
    *_WHO,
    Field( 8, "device code",        1, _TEXT),
    Field( 9, "industry code",      1, _TEXT),
    Field(10, "currency code",      3, _NUMBER),
    Field(11, "country code",       3, _NUMBER),
    Field(12, "city code",          9, _TEXT),
    Field(13, "language indicator", 2, _NUMBER),
    Field(14, "time zone",          3, "[0-7][0-9]{2}"),
    Field(15, "merchant category",  4, _NUMBER),
    Field(16, "requested ACI",      1, _TEXT),
    Field(17, "sequence number",    4, _ABOVE_ZERO),
    Field(18, "transaction code",   2, "[0-9A-Z]{2}"),
    Field(19, "cardholder id",      1, _ASKING_IDS),
    Field(20, "account source",     1, _SOURCES),
)
#: Group II of the record T (reference 2.5), each closed by FS; the table of fields has no numbers for them.
DEBIT_FIELDS: Final = (
    Field(30, "reversal data II",          0, "([ -~]{7})?"),
    Field(30, "sharing group",             0, "[ -~]{0,30}"),
    Field(30, "ABA and settlement agent",  0, "([0-9]{9})?([ -~]{4})?"),
    Field(30, "agent bank, chain, batch",  0, "[0-9]{15}[ -~]([0-9]{12})?"),
)
#: The record V (reference 2.5): format, application type, delimiter, acquirer BIN, host message identifier, trace.
CONFIRMATION_FORM: Final = r"V[0-9]\.[0-9]{6}([ -~]{8})([0-9]{6})"

#: Records of a data capture session (reference 4.1 to 4.4), numbered as rejections name them. What is common to all
#: stands in front: format, application type, delimiter, routing id, letter, group map.
CAPTURE_HEAD: Final = (
    Field( 1, "record format",          1, "K"),
    Field( 2, "application type",       1, "[13]"),
    Field( 3, "delimiter",              1, r"\."),
    Field( 4, "routing id",             1, "Z"),
    Field( 5, "record type",            5, "[A-Z][@-\x7e]{4}"),
)
NO_GROUPS: Final = "@@@@"
HEADER_FIELDS: Final = (
    Field( 6, "acquirer BIN",           6, _NUMBER),
    Field( 7, "agent bank",             6, _NUMBER),
    Field( 8, "agent chain",            6, _NUMBER),
    Field( 9, "merchant number",       12, _ABOVE_ZERO),
    Field(10, "store number",           4, _ABOVE_ZERO),
    Field(11, "terminal number",        4, _ABOVE_ZERO),
    Field(12, "device and industry",    2, _DEVICE_AND_INDUSTRY),
    Field(13, "currency code",          3, _NUMBER),
    Field(14, "language indicator",     2, _NUMBER),
    Field(15, "time zone",              3, "[0-7][0-9]{2}"),
    Field(16, "transmission date",      4, _DATE),
    Field(17, "batch number",           3, _ABOVE_ZERO),
    Field(18, "blocking indicator",     1, "0"),
)
PARAMETER_FIELDS: Final = (
    Field( 6, "country code",           3, _NUMBER),
    Field( 7, "city code",              9, _TEXT),
    Field( 8, "merchant category",      4, _NUMBER),
    Field( 9, "merchant name",         25, _TEXT),
    Field(10, "merchant city",         13, _TEXT),
    Field(11, "state",                  2, _TEXT),
    Field(12, "location number",        5, _TEXT),
    Field(13, "terminal id number",     8, _ABOVE_ZERO),
)
DETAIL_FIELDS: Final = (
    Field( 6, "transaction code",       2, "[0-9A-Z]{2}"),
    Field( 7, "cardholder id",          1, _CARDHOLDER_IDS),
    Field( 8, "account source",         1, _SOURCES),
    Field( 9, "account number",        22, "[0-9]{6,19} +"),
    Field(10, "requested ACI",          1, _TEXT),
    Field(11, "returned ACI",           1, _TEXT),
    Field(12, "authorization source",   1, _TEXT),
    Field(13, "sequence number",        4, _ABOVE_ZERO),
    Field(14, "response code",          2, _TEXT),
    Field(15, "approval code",          6, _TEXT),
    Field(16, "local date",             4, _DATE),
    Field(17, "local time",             6, _TIME),
    Field(18, "AVS result",             1, _AVS_RESULTS),
    Field(19, "transaction id",        15, _TEXT),
    Field(20, "validation code",        4, _TEXT),
    Field(21, "void indicator",         1, "[ V]"),
    Field(22, "transaction status",     2, _NUMBER),
    Field(23, "reimbursement",          1, _TEXT),
    Field(24, "settlement amount",     12, _NUMBER),
    Field(25, "authorized amount",     12, _NUMBER),
)
TRAILER_FIELDS: Final = (
    Field( 6, "transmission date",      4, _NUMBER),
    Field( 7, "batch number",           3, _NUMBER),
    Field( 8, "record count",           9, _NUMBER),
    Field( 9, "hashing total",         16, _NUMBER),
    Field(10, "cash-back total",       16, _NUMBER),
    Field(11, "net deposit",           16, _NUMBER),
)
#: How a detail changes the net deposit, and the group that adds a cash back of its own: its bit in the map comes last.
NET_SIGNS: Final = {Kind.GIFT_REDEEM: 1, Kind.GIFT_CASH_BACK: 1, Kind.GIFT_REFUND: -1}
CASH_BACK_GROUP_CHARACTERS: Final = 12
#: What a batch of ours may hold.
CAPTURED: Final = frozenset(
    {
        *(Kind.GIFT_ACTIVATE, Kind.GIFT_RELOAD, Kind.GIFT_REFUND, Kind.GIFT_REDEEM, Kind.GIFT_CASH_BACK),
        *(Kind.GIFT_UNLOAD, Kind.GIFT_CASH_OUT, Kind.POINTS_REDEEM, Kind.SALE, Kind.SALE_RETURN),
    }
)

#: The older record J (reference 2.7.1); the numbers are those of the fields in the table above that say the same.
OLD_REQUEST_FIELDS: Final = (
    Field( 1, "record format",      1, "J"),
    *_WHO,
    Field(15, "merchant category",  4, _NUMBER),
    Field(11, "country code",       3, _NUMBER),
    Field(12, "city code",          5, _TEXT),
    Field(14, "time zone",          3, "[0-5][0-9]{2}"),
    Field(18, "transaction code",   2, "[0-9A-Z]{2}"),
    Field( 7, "terminal id number", 8, _NUMBER),
    Field(16, "payment service",    1, _TEXT),
    Field(17, "sequence number",    4, _ABOVE_ZERO),
    Field(19, "cardholder id",      1, _ASKING_IDS),
    Field(20, "account source",     1, _SOURCES),
)
#: Behind its customer data: the end of the groups I and II (reference 2.7.2); group III is not looked at.
OLD_VARIABLE_FIELDS: Final = (
    Field(22, "cardholder identification", 0, "[ -~]{0,32}"),
    Field(24, "amount",                    0, "[0-9]{0,12}"),
    Field( 8, "device and industry code",  0, "[ -~]{2}"),
    Field(23, "receiving institution",     0, "([0-9]{6})?"),
)
#: The fields behind the customer data, each closed by FS; Group III follows them.
VARIABLE_FIELDS: Final = (
    Field(22, "cardholder identification", 0, "[ -~]{0,128}"),
    Field(23, "receiving institution",     0, "([0-9]{6})?"),
    Field(24, "amount",                    0, "[0-9]{0,12}"),
    Field(25, "secondary amount",          0, "[0-9]{0,12}"),
    Field(26, "market data",               0, "([ -~]{4})?"),
    Field(27, "card acceptor",             0, "([ -~]{40})?"),
    Field(28, "transaction id",            0, "([ -~]{15})?"),
    Field(29, "reversal data",             0, "([ -~]{30})?"),
)
# fmt: on

#: Blocks of Group III that are answered with their version alone (reference 2.8, "response body: empty").
ANSWERED_EMPTY: Final = frozenset({"000", "011", "014", "019", "020", "021", "025", "026", "027", "033"})
BLOCK_GIFT: Final = "200"
BLOCK_POINTS: Final = "900"
BLOCK_BATCH: Final = "901"
BLOCK_PIN: Final = "902"
#: The body of a request's block, where it has a meaning here; `\x1c` is FS.
BLOCK_FORMS: Final = {
    BLOCK_GIFT: "[ -~]{0,8}\x1c[ -~]?\x1c",
    BLOCK_POINTS: "[ -~]{0,8}\x1c[ -~]{0,10}\x1c[ -~]?\x1c",
    BLOCK_BATCH: "([0-9]{3}|)\x1c([0-9]{6}\x1c[0-9]{12}\x1c[0-9]{6}\x1c[0-9]{12}\x1c)?",
    BLOCK_PIN: "[ -~]{1,16}\x1c",
}


def faults(dialect: Visa2Dialect) -> Iterable[tuple[str, str]]:
    """What the types cannot say; (key, reason) of everything wrong."""
    for code in dialect.transactions:
        if not re.fullmatch("[0-9A-Z]{2}", code):
            yield f"transactions.{code}", "a transaction code has two digits or capital letters"
    for outcome in Outcome:
        response = dialect.outcomes.get(outcome)
        if response is None or not re.fullmatch("[0-9A-Z]{2}", response.code):
            yield f"outcomes.{outcome.value}", "a code of two digits or capital letters is needed"
        elif len(response.text) > TEXT_CHARACTERS or not response.text.isascii():
            yield f"outcomes.{outcome.value}", f"a text has at most {TEXT_CHARACTERS} letters of ASCII"
    for number, language in dialect.languages.items():
        if not re.fullmatch("[0-9]{2}", number) or not re.fullmatch("[a-z]{2}", language):
            yield f"languages.{number}", "two digits and two small letters are needed"
