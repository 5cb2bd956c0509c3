"""Secrets are types: what prints a card number or a PIN by accident prints a mask.

Responsible for never showing what it holds through `repr`, `str`, formatting or serialisation by msgspec.
"""

from __future__ import annotations

from typing import Final, NoReturn

_MASK: Final = "*"


class Secret:
    """Text that must never be shown: a static PIN, a scratch code. `reveal()` is the only way to its content."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The content, for comparing or hashing; never for a log, an error or a metric."""
        return self._text

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(str(self), format_spec)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


class PAN(Secret):
    """A card number, 6 to 19 digits (check digit and expiry optional, WIRE.md section 2).

    Prints the first six and the last four digits; numbers shorter than 13 digits only the last four.
    """

    __slots__ = ()

    def __init__(self, digits: str) -> None:
        if not (6 <= len(digits) <= 19 and digits.isascii() and digits.isdigit()):
            raise ValueError("a card number has 6 to 19 digits")
        super().__init__(digits)

    @property
    def masked(self) -> str:
        """`411111******1111`; the length stays visible."""
        digits = self._text
        shown = 6 if len(digits) >= 13 else 0
        tail = 4 if len(digits) >= 10 else 2
        return digits[:shown] + _MASK * (len(digits) - shown - tail) + digits[-tail:]

    def __repr__(self) -> str:
        return f"PAN({self.masked})"

    def __str__(self) -> str:
        return self.masked

    @property
    def range(self) -> str:
        """The first eight digits: what guess limits count by (WIRE.md section 6)."""
        return self._text[:8]
