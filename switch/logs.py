"""The log: one JSON object a line on standard output, or coloured lines for a person at a terminal.

Responsible for: the order of processors, and that no secret leaves. Secrets are types and mask themselves
(specs/sensitive.py); `guard` behind them is the last net, for text that came as text. Not responsible for what is worth
a line: the shell logs what it answered, the core logs nothing.
"""

import logging
import re
import sys
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Protocol, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from specs.sensitive import PAN, Secret

#: Text under these keys is never shown, whatever it is.
SECRET_KEYS: Final = frozenset(
    {"pan", "card_number", "track", "track1", "track2", "pin", "pin_block", "scratch_code", "cvv", "key", "password"}
)
#: Long numbers that operators search for, by key: a tenth of them would pass for a card number by chance.
KNOWN_NUMBERS: Final = {"rrn": re.compile(r"\d{12}"), "seal": re.compile(r"[0-9a-f]{32,64}")}
MASKED: Final = re.compile(r"\d{0,6}\*+\d{0,4}")
HIDDEN: Final = "***"
PLAIN_TYPES: Final = frozenset({str, int, float, bool, type(None)})  # nearly every value: looked up, not matched
DEPTH_MAX: Final = 6  # nobody logs deeper; a structure that holds itself must not hang the log
LONG_NUMBER: Final = re.compile(r"\d{12,}")


class Output(Protocol):
    """What a log is written to: standard output, or what stands before it."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


def configure_logs(level: str, json: bool, stream: Output | None = None) -> None:
    """Send everything, also what libraries log, through our processors to `stream` (standard output).

    May be called again, for instance with another level after a reload.
    """
    stream = stream or sys.stdout
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=processors(json, colours=stream.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, stream)),  # it asks for no more than Output has
        cache_logger_on_first_use=False,  # a cached logger would keep its level after a reload
    )
    # Libraries are quiet below a warning: hypercorn tells each start, concurrent.futures each thread.
    logging.basicConfig(handlers=[LibraryHandler()], level=max(number, logging.WARNING), force=True)


def wants_json(log_format: str, stream: Output | None = None) -> bool:
    """What the configuration's log_format means here: `auto` is for people only where people are."""
    return log_format == "json" or (log_format == "auto" and not (stream or sys.stdout).isatty())


def processors(json: bool, colours: bool = False) -> list[Processor]:
    """In this order; the guard stands behind everything that makes text."""
    people = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask,
        structlog.processors.format_exc_info,  # plain text: unlike dict_tracebacks it holds no local variables
        guard,
        structlog.processors.JSONRenderer() if json else people,
    ]


class LibraryHandler(logging.Handler):
    """Hands what libraries say through `logging` to our processors."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(library=record.name)
        level = min(
            logging.CRITICAL, max(logging.DEBUG, record.levelno // 10 * 10)
        )  # a library may have its own between
        logger.log(level, record.getMessage(), exc_info=record.exc_info)


# -- processors -------------------------------------------------------------------------------------------------------
def mask(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Turn types of ours into plain values: a card number into its mask, any other secret into stars."""
    return {key: value if key == "exc_info" else plain(value) for key, value in event.items()}


def guard(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The last net: text that looks like a card number, and any text under a key that says secret."""
    return {key: guarded(key, value) for key, value in event.items()}


def plain(value: Any, depth: int = 0) -> Any:
    """A value of nothing but text, numbers, lists and dictionaries, with secrets masked."""
    if type(value) in PLAIN_TYPES:
        return value
    match value:
        case None | bool() | int() | float() | str():
            return value
        case PAN():
            return value.masked
        case Secret():
            return HIDDEN
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"  # of a message or a key: neither belongs in a log
        case Enum():
            return value.value
        case _ if depth == DEPTH_MAX:
            return "…"
        case Mapping():
            return {str(plain(key)): plain(item, depth + 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item, depth + 1) for item in value]
        case _:
            return str(value)


def guarded(key: str, value: Any) -> Any:
    match value:
        case str() if key in SECRET_KEYS:
            return value if MASKED.fullmatch(value) else HIDDEN
        case str() if key in KNOWN_NUMBERS and KNOWN_NUMBERS[key].fullmatch(value):
            return value
        case str():
            return LONG_NUMBER.sub(_hide_number, value) if len(value) >= 12 else value
        case int() if key in SECRET_KEYS and not isinstance(value, bool):
            return HIDDEN
        case dict():
            return {LONG_NUMBER.sub(_hide_number, name): guarded(name, item) for name, item in value.items()}
        case list():
            return [guarded(key, item) for item in value]
        case _:
            return value


def _hide_number(found: re.Match[str]) -> str:
    """Twelve to nineteen digits that pass Luhn; more is a dump of a message, no number of ours has so many."""
    digits = found[0]
    if len(digits) > 19:
        return HIDDEN
    return PAN(digits).masked if passes_luhn(digits) else digits


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
