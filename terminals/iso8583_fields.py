"""The fields of one message while they are read (WIRE.md section 6: an answer names the first that is wrong)."""

from collections.abc import Callable
from typing import TypeVar

from specs.limits import BATCH_NUMBER_MAX
from terminals.iso8583_codec import Message

T = TypeVar("T")


class Fields:
    """The fields of a message while they are read: a parser that refuses one makes it a wrong field."""

    def __init__(self, message: Message) -> None:
        self.values = dict(message.fields)
        self.wrong = set(message.wrong)

    def take(self, number: int, parse: Callable[[str], T]) -> T | None:
        """The field parsed; None if it is not there, or wrong."""
        text = self.values.get(number)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError:
            self.refuse(number)
            return None

    def refuse(self, number: int) -> None:
        self.wrong.add(number)
        del self.values[number]


def parse_batch(text: str) -> int:
    """
    Raises:
        ValueError: it is not a batch number.
    """
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= BATCH_NUMBER_MAX):
        raise ValueError
    return int(text)
