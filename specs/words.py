"""The enums that rules are looked up by."""

from enum import Enum


class Word(Enum):
    """An enum whose members are hashed by what they are: there is one of each. Python's own enums make a call of it."""

    __hash__ = object.__hash__
