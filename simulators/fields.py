"""The data elements of ISO 8583:1987 as a terminal knows them: number, name, kind of content, length.

How the kinds look in each dialect is `wire.py`'s business.
"""

from typing import Literal

import msgspec

Content = Literal["n", "z", "x", "an", "b"]


class Element(msgspec.Struct, frozen=True):
    """One data element.

    `content`: n digits · z digits and the track separator · x a sign letter, then digits · an text · b bytes.
    `prefix`: 0 for a fixed length, else the digits of its length prefix.
    `length`: exactly, or at most; bytes for b, characters otherwise.
    """

    number: int
    name: str
    content: Content
    prefix: int
    length: int


# fmt: off
_TABLE: list[tuple[int, str, Content, int, int]] = [
    (  2, "primary account number",           "n",  2,  19),
    (  3, "processing code",                  "n",  0,   6),
    (  4, "amount, transaction",              "n",  0,  12),
    (  5, "amount, settlement",               "n",  0,  12),
    (  6, "amount, cardholder billing",       "n",  0,  12),
    (  7, "transmission date and time",       "n",  0,  10),
    (  8, "amount, cardholder billing fee",   "n",  0,   8),
    (  9, "conversion rate, settlement",      "n",  0,   8),
    ( 10, "conversion rate, billing",         "n",  0,   8),
    ( 11, "system trace audit number",        "n",  0,   6),
    ( 12, "time, local",                      "n",  0,   6),
    ( 13, "date, local",                      "n",  0,   4),
    ( 14, "date, expiration",                 "n",  0,   4),
    ( 15, "date, settlement",                 "n",  0,   4),
    ( 16, "date, conversion",                 "n",  0,   4),
    ( 17, "date, capture",                    "n",  0,   4),
    ( 18, "merchant type",                    "n",  0,   4),
    ( 19, "country, acquirer",                "n",  0,   3),
    ( 20, "country, account number",          "n",  0,   3),
    ( 21, "country, forwarder",               "n",  0,   3),
    ( 22, "point of service entry mode",      "n",  0,   3),
    ( 23, "card sequence number",             "n",  0,   3),
    ( 24, "network international identifier", "n",  0,   3),
    ( 25, "point of service condition code",  "n",  0,   2),
    ( 26, "PIN capture code",                 "n",  0,   2),
    ( 27, "authorisation id length",          "n",  0,   1),
    ( 28, "amount, transaction fee",          "x",  0,   9),
    ( 29, "amount, settlement fee",           "x",  0,   9),
    ( 30, "amount, processing fee",           "x",  0,   9),
    ( 31, "amount, settlement processing",    "x",  0,   9),
    ( 32, "acquiring institution",            "n",  2,  11),
    ( 33, "forwarding institution",           "n",  2,  11),
    ( 34, "account number, extended",         "an", 2,  28),
    ( 35, "track 2 data",                     "z",  2,  37),
    ( 36, "track 3 data",                     "z",  3, 104),
    ( 37, "retrieval reference number",       "an", 0,  12),
    ( 38, "approval code",                    "an", 0,   6),
    ( 39, "response code",                    "an", 0,   2),
    ( 40, "service restriction code",         "an", 0,   3),
    ( 41, "terminal id",                      "an", 0,   8),
    ( 42, "merchant id",                      "an", 0,  15),
    ( 43, "card acceptor name and place",     "an", 0,  40),
    ( 44, "additional response data",         "an", 2,  25),
    ( 45, "track 1 data",                     "an", 2,  76),
    ( 46, "additional data, ISO",             "an", 3, 999),
    ( 47, "additional data, national",        "an", 3, 999),
    ( 48, "additional data, private",         "an", 3, 999),
    ( 49, "currency, transaction",            "n",  0,   3),
    ( 50, "currency, settlement",             "n",  0,   3),
    ( 51, "currency, cardholder billing",     "n",  0,   3),
    ( 52, "PIN block",                        "b",  0,   8),
    ( 53, "security control information",     "n",  0,  16),
    ( 54, "additional amounts",               "an", 3, 120),
    ( 55, "chip data",                        "b",  3, 255),
    ( 56, "reserved, ISO",                    "an", 3, 999),
    ( 57, "reserved, national",               "an", 3, 999),
    ( 58, "reserved, national",               "an", 3, 999),
    ( 59, "reserved, national",               "an", 3, 999),
    ( 60, "batch number or original",         "an", 3, 999),
    ( 61, "reserved, private",                "an", 3, 999),
    ( 62, "receipt number",                   "an", 3, 999),
    ( 63, "private tables or totals",         "an", 3, 999),
    ( 64, "message authentication code",      "b",  0,   8),
    ( 65, "bitmap, extended",                 "b",  0,   8),
    ( 66, "settlement code",                  "n",  0,   1),
    ( 67, "extended payment code",            "n",  0,   2),
    ( 68, "country, receiver",                "n",  0,   3),
    ( 69, "country, settlement",              "n",  0,   3),
    ( 70, "network management code",          "n",  0,   3),
    ( 71, "message number",                   "n",  0,   4),
    ( 72, "message number, last",             "n",  0,   4),
    ( 73, "date, action",                     "n",  0,   6),
    ( 74, "credits, number",                  "n",  0,  10),
    ( 75, "credits reversed, number",         "n",  0,  10),
    ( 76, "debits, number",                   "n",  0,  10),
    ( 77, "debits reversed, number",          "n",  0,  10),
    ( 78, "transfers, number",                "n",  0,  10),
    ( 79, "transfers reversed, number",       "n",  0,  10),
    ( 80, "inquiries, number",                "n",  0,  10),
    ( 81, "authorisations, number",           "n",  0,  10),
    ( 82, "credits, processing fee",          "n",  0,  12),
    ( 83, "credits, transaction fee",         "n",  0,  12),
    ( 84, "debits, processing fee",           "n",  0,  12),
    ( 85, "debits, transaction fee",          "n",  0,  12),
    ( 86, "credits, amount",                  "n",  0,  16),
    ( 87, "credits reversed, amount",         "n",  0,  16),
    ( 88, "debits, amount",                   "n",  0,  16),
    ( 89, "debits reversed, amount",          "n",  0,  16),
    ( 90, "original data elements",           "n",  0,  42),
    ( 91, "file update code",                 "an", 0,   1),
    ( 92, "file security code",               "an", 0,   2),
    ( 93, "response indicator",               "an", 0,   5),
    ( 94, "service indicator",                "an", 0,   7),
    ( 95, "replacement amounts",              "an", 0,  42),
    ( 96, "message security code",            "b",  0,   8),
    ( 97, "amount, net settlement",           "x",  0,  17),
    ( 98, "payee",                            "an", 0,  25),
    ( 99, "settlement institution",           "n",  2,  11),
    (100, "receiving institution",            "n",  2,  11),
    (101, "file name",                        "an", 2,  17),
    (102, "account 1",                        "an", 2,  28),
    (103, "account 2",                        "an", 2,  28),
    (104, "transaction description",          "an", 3, 100),
    *((number, "reserved", "an", 3, 999) for number in range(105, 128)),
    (128, "message authentication code",      "b",  0,   8),
]
# fmt: on

ELEMENTS = {row[0]: Element(*row) for row in _TABLE}
assert set(ELEMENTS) == set(range(2, 129)), "every element of ISO 8583:1987 has its type"
