"""What can be wrong with what a terminal sends, as exceptions (the business saying no is an Outcome, not one of these).

Their texts name fields and positions, never content: they are logged.
"""

from specs.outcomes import Outcome


class ProtocolError(Exception):
    """Base of all; `outcome` hints at what an answer would say if one could be sent."""

    outcome: Outcome | None = None


class FrameError(ProtocolError):
    """The frame itself is wrong: the next one cannot be found, so the connection must close."""


class MessageError(ProtocolError):
    """A whole frame holds nothing that can be answered: not even MTI, DE11 and DE41 could be read."""

    outcome = Outcome.FORMAT_ERROR

    def __init__(self, field: int | None) -> None:
        super().__init__("no message type" if field is None else f"field {field} could not be read")
        self.field = field


class AnswerError(ProtocolError):
    """An answer does not fit the dialect: a mistake on our side, or parameters too long for the field."""

    def __init__(self, field: str) -> None:
        super().__init__(f"field {field} of an answer does not fit its type")
