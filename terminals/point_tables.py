"""The private tables of points: baskets, tenders, phones and other cards in requests; points and returns in answers
(WIRE.md section 3, "Private tables").

Responsible for the form of their data alone: whether a basket adds up to the sale is a rule.
"""

import re
from typing import Final

from specs import iso8583
from specs.limits import AMOUNT_MAX, PHONE_DIGITS_MAX, PHONE_DIGITS_MIN, POINTS_MAX
from specs.sensitive import Secret
from specs.transaction import BasketLine, PointsTold, Returned, Tender, TenderKind
from terminals.errors import AnswerError

_TEXT: Final = r"[^,;\x00-\x1F\x7F]"
_LINE: Final = re.compile(rf"({_TEXT}+),([0-9]{{1,9}})(?:\.([0-9]{{1,3}}))?,([0-9]{{1,12}}),({_TEXT}*)")
_TENDER: Final = re.compile("([GPCO]),([0-9]{1,12})")
_TENDERS: Final = {
    "G": TenderKind.GIFT,
    "P": TenderKind.POINTS,
    "C": TenderKind.CODE,
    "O": TenderKind.OTHER,
}
_NO_DATE: Final = "000000"


def parse_basket(text: str) -> tuple[BasketLine, ...]:
    """`sku,quantity,unit price,department` between semicolons; the quantity may have three decimals.

    Raises:
        ValueError: a line has another form.
    """
    return tuple(_line(part) for part in text.split(";"))


def _line(text: str) -> BasketLine:
    found = _LINE.fullmatch(text)
    if found is None:
        raise ValueError("not a line of a basket")
    sku, whole, decimals, price, department = found.groups(default="")
    return BasketLine(sku, int(whole + decimals.ljust(3, "0")), int(price), department)


def parse_tenders(text: str) -> tuple[Tender, ...]:
    """`kind,amount` between semicolons.

    Raises:
        ValueError: a part has another form.
    """
    return tuple(_tender(part) for part in text.split(";"))


def _tender(text: str) -> Tender:
    found = _TENDER.fullmatch(text)
    if found is None:
        raise ValueError("not a tender")
    return Tender(_TENDERS[found[1]], int(found[2]))


def parse_phone(text: str) -> Secret:
    """A number with its country code, digits alone.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(f"[0-9]{{{PHONE_DIGITS_MIN},{PHONE_DIGITS_MAX}}}", text):
        raise ValueError("not a phone number")
    return Secret(text)


def points_table(points: PointsTold) -> str:
    """The data of `PT`.

    Raises:
        AnswerError: a number does not fit.
    """
    sign = "D" if points.available < 0 else "C"
    counts = (points.earned, points.redeemed, abs(points.available), points.expiring)
    if not all(0 <= count <= POINTS_MAX for count in counts):
        raise AnswerError(iso8583.TABLE_POINTS)
    earned, redeemed, available, expiring = (f"{count:010d}" for count in counts)
    return f"{earned}{redeemed}{sign}{available}{expiring}{points.expires_on or _NO_DATE}"


def return_table(returned: Returned) -> str:
    """The data of `RT`.

    Raises:
        AnswerError: a number does not fit.
    """
    if not (0 <= returned.worth <= AMOUNT_MAX and 0 <= returned.rest <= AMOUNT_MAX):
        raise AnswerError(iso8583.TABLE_RETURNED)
    return f"{returned.worth:012d}{returned.rest:012d}"
