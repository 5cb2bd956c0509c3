"""Card numbers out of the tracks of a card; expiry and discretionary data are nobody's business here."""

import re

from specs.sensitive import PAN


def parse_track2(text: str) -> PAN:
    """The number before the separator, `D` or `=`.

    Raises:
        ValueError: there is no card number.
    """
    return PAN(re.split("[D=]", text, maxsplit=1)[0])


def parse_track1(text: str) -> PAN:
    """`B` (or another format letter), the number, `^`; a start sentinel may have stayed in front.

    Raises:
        ValueError: there is no card number.
    """
    found = re.match("%?[A-Z]?([0-9]{6,19})(?![0-9])", text)
    if found is None:
        raise ValueError
    return PAN(found[1])
