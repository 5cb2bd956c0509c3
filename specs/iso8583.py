"""The data elements of ISO 8583:1987 and what a message type indicator says (WIRE.md sections 2 and 3).

Responsible for what is the same in every dialect: the type and the largest length of each field, the classes of MTIs,
the ids of the private tables. How a type looks on the wire is the dialect's choice (`specs.dialects`,
`terminals.iso8583_codec`).
"""

import re
from typing import Final

import msgspec

from specs.transaction import MessageClass


class Element(msgspec.Struct, frozen=True):
    """One data element: `length_digits` is 0 for a fixed length, 2 for LL, 3 for LLL; `maximum` counts digits,
    characters, or bytes of type b; the sign of `x+n` is not counted."""

    type: str
    length_digits: int
    maximum: int


_FORM: Final = re.compile(r"(x\+n|n|an|ans|any|a|z|b)(\.\.\.|\.\.|)([1-9][0-9]{0,2})")


def parse_element(form: str) -> Element:
    """`n6` is six digits, `n..19` up to 19 with an LL length, `ans...999` up to 999 with an LLL length.

    Types: n digits, a letters, an both, ans printable ASCII, any free bytes, z track data, b binary, x+n signed.

    Raises:
        ValueError: the form is none of these.
    """
    found = _FORM.fullmatch(form)
    if found is None:
        raise ValueError("not a form like n6, n..19, an12, ans...999, any...999, z..37, b8, b...255, x+n8")
    kind, dots, maximum = found.groups()
    return Element(kind, len(dots), int(maximum))


# Free bytes where terminals put what they like (nested tables, BCD, a code page): refusing a sale for a character in a
# field nobody reads would help no one.
# fmt: off
_FORMS: Final[dict[int, str]] = {
    2:  "n..19",       # primary account number
    3:  "n6",          # processing code
    4:  "n12",         # amount, transaction
    5:  "n12",         # amount, settlement
    6:  "n12",         # amount, cardholder billing
    7:  "n10",         # transmission date and time, UTC
    8:  "n8",          # amount, cardholder billing fee
    9:  "n8",          # conversion rate, settlement
    10: "n8",          # conversion rate, cardholder billing
    11: "n6",          # system trace audit number
    12: "n6",          # time, local transaction
    13: "n4",          # date, local transaction
    14: "n4",          # date, expiration
    15: "n4",          # date, settlement
    16: "n4",          # date, conversion
    17: "n4",          # date, capture
    18: "n4",          # merchant type
    19: "n3",          # acquiring institution country
    20: "n3",          # PAN country
    21: "n3",          # forwarding institution country
    22: "n3",          # entry mode
    23: "n3",          # card sequence number
    24: "n3",          # network international identifier
    25: "n2",          # condition code
    26: "n2",          # PIN capture code
    27: "n1",          # authorisation id length
    28: "x+n8",        # amount, transaction fee
    29: "x+n8",        # amount, settlement fee
    30: "x+n8",        # amount, transaction processing fee
    31: "x+n8",        # amount, settlement processing fee
    32: "n..11",       # acquiring institution
    33: "n..11",       # forwarding institution
    34: "ans..28",     # primary account number, extended: digits and specials, so never packed
    35: "z..37",       # track 2
    36: "z...104",     # track 3
    37: "an12",        # retrieval reference number
    38: "an6",         # authorisation id
    39: "an2",         # response code
    40: "an3",         # service restriction code
    41: "ans8",        # terminal id
    42: "ans15",       # merchant id
    43: "any40",       # merchant name and place, often in the terminal's code page
    44: "ans..25",     # additional response data
    45: "ans..76",     # track 1
    46: "any...999",   # additional data, ISO
    47: "any...999",   # additional data, national
    48: "any...999",   # additional data, private: tables
    49: "n3",          # currency, transaction
    50: "an3",         # currency, settlement
    51: "an3",         # currency, cardholder billing
    52: "b8",          # PIN block
    53: "n16",         # security control information
    54: "ans...120",   # additional amounts
    55: "b...255",     # chip data
    56: "any...999",   # reserved, ISO
    57: "any...999",   # reserved, national
    58: "any...999",   # reserved, national
    59: "any...999",   # reserved, national
    60: "ans...999",   # batch number, original amount or original data
    61: "ans...999",   # reserved, private
    62: "ans...999",   # receipt number
    63: "any...999",   # tables, or totals
    64: "b8",          # MAC
    65: "b8",          # third bitmap: typed, never accepted
    66: "n1",          # settlement code
    67: "n2",          # extended payment code
    68: "n3",          # receiving institution country
    69: "n3",          # settlement institution country
    70: "n3",          # network management information code
    71: "n4",          # message number
    72: "n4",          # message number, last
    73: "n6",          # date, action
    74: "n10",         # credits, number
    75: "n10",         # credits, reversal number
    76: "n10",         # debits, number
    77: "n10",         # debits, reversal number
    78: "n10",         # transfers, number
    79: "n10",         # transfers, reversal number
    80: "n10",         # inquiries, number
    81: "n10",         # authorisations, number
    82: "n12",         # credits, processing fee
    83: "n12",         # credits, transaction fee
    84: "n12",         # debits, processing fee
    85: "n12",         # debits, transaction fee
    86: "n16",         # credits, amount
    87: "n16",         # credits, reversal amount
    88: "n16",         # debits, amount
    89: "n16",         # debits, reversal amount
    90: "n42",         # original data elements
    91: "an1",         # file update code
    92: "an2",         # file security code
    93: "an5",         # response indicator
    94: "an7",         # service indicator
    95: "an42",        # replacement amounts
    96: "b8",          # message security code
    97: "x+n16",       # amount, net settlement
    98: "ans25",       # payee
    99: "n..11",       # settlement institution
    100: "n..11",      # receiving institution
    101: "ans..17",    # file name
    102: "ans..28",    # account 1
    103: "ans..28",    # account 2
    104: "any...100",  # transaction description
    **dict.fromkeys(range(105, 128), "any...999"),  # reserved: ISO 105-111, national 112-119, private 120-127
    128: "b8",         # MAC
}
# fmt: on

#: Every field of a message by number.
ELEMENTS: Final[dict[int, Element]] = {number: parse_element(form) for number, form in _FORMS.items()}

#: The first three digits of an MTI (WIRE.md section 3); its last digit is 0, or 1 for a repeat.
CLASSES: Final[dict[str, MessageClass]] = {
    "010": MessageClass.INQUIRY,
    "020": MessageClass.REQUEST,
    "022": MessageClass.ADVICE,
    "032": MessageClass.UPLOAD,
    "040": MessageClass.REVERSAL,
    "042": MessageClass.REVERSAL,
    "050": MessageClass.SETTLEMENT,
    "080": MessageClass.NETWORK,
}

# -- ids of the private tables (WIRE.md section 3) --------------------------------------------------------------------
TABLE_CAPABILITIES: Final = "CP"
TABLE_PIN: Final = "SC"
TABLE_LANGUAGE: Final = "LA"
TABLE_BASKET: Final = "BK"
TABLE_TENDERS: Final = "TD"
TABLE_PHONE: Final = "PH"
TABLE_OTHER_CARD: Final = "TO"
TABLE_PARAMETERS: Final = "TP"
TABLE_COMMAND: Final = "42"
TABLE_POINTS: Final = "PT"
TABLE_RETURNED: Final = "RT"
TABLE_UPLOAD_BATCH: Final = "37"
TABLE_STATUS: Final = "TS"
TABLE_DISPLAY: Final = "22"
TABLE_RECEIPT: Final = "29"

assert sorted(ELEMENTS) == list(range(2, 129)), "every field from 2 to 128 has its type"
assert set(CLASSES.values()) == set(MessageClass) - {MessageClass.OTHER, MessageClass.CONFIRMATION}, (
    "every class has its MTI, where ISO 8583 has one"
)
