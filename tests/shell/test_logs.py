"""What is logged is one JSON object a line, and no secret is in it by whatever way it came."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from specs.outcomes import Outcome
from specs.sensitive import PAN, Secret
from specs.transaction import Kind, Line, MessageClass, Request
from switch.logs import HIDDEN, configure_logs, guarded, passes_luhn, plain, wants_json

CARD = "4111111111111111"
GIFT = "6035710000000000019"
PIN = "8273"


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Other tests find the logging of libraries as pytest set it up."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    written = io.StringIO()
    configure_logs("info", json=True, stream=written)
    return written


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object(stream: io.StringIO) -> None:
    structlog.get_logger().info("answered", outcome=Outcome.APPROVED, amount=1250, text="two\nlines ğ\udcff")
    (line,) = logged(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "answered", "level": "info", "outcome": "approved", "amount": 1250, "text": "two\nlines ğ\udcff",
    }  # fmt: skip


def test_the_level_can_be_changed_for_loggers_that_exist(stream: io.StringIO) -> None:
    log = structlog.get_logger()
    log.debug("not yet")
    configure_logs("debug", json=True, stream=stream)
    log.debug("now")
    configure_logs("error", json=True, stream=stream)
    log.warning("no more")
    assert [line["event"] for line in logged(stream)] == ["now"]


def test_libraries_go_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("hypercorn.error").info("Running on 1.2.3.4")
    logging.getLogger("some.library").warning("card %s", CARD)
    logging.getLogger("some.library").log(35, "between")
    assert [(line["event"], line["level"], line["library"]) for line in logged(stream)] == [
        ("card 411111******1111", "warning", "some.library"),
        ("between", "warning", "some.library"),
    ]


# -- secrets -----------------------------------------------------------------------------------------------------------
def request_with_secrets() -> Request:
    line = Line(listener="nac")
    kind, of = Kind.GIFT_REDEEM, MessageClass.REQUEST
    return Request(message_class=of, kind=kind, line=line, card=PAN(GIFT), pin=Secret(PIN))


def test_no_secret_leaves_by_any_way(stream: io.StringIO) -> None:
    """Every shape in which a card number or a PIN could come along, in one log."""
    log = structlog.get_logger()
    log.info("typed", card=PAN(CARD), pin=Secret(PIN), request=request_with_secrets())
    log.info("nested", deep=[{"card": PAN(GIFT)}, (PAN(CARD), {Secret(PIN)})], by_card={PAN(CARD): 1, GIFT: 2})
    log.info("text", pin=PIN, pan="123456", track2=f"{CARD}=2512", fields={"pin": [PIN], "pan": 411111})
    log.info(f"read {CARD} from the line", hint=f"0200{CARD}000000", raw=CARD.encode(), dump=bytearray(b"8273"))
    try:
        kept = PIN  # a local variable that must not appear
        raise ValueError(f"cannot decode {GIFT}{kept[:0]}")
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("failed")
    text = stream.getvalue()
    assert len(logged(stream)) == 6
    for secret in (CARD, GIFT, PIN, "123456", '411111"', ": 411111,"):
        assert secret not in text, secret
    assert "411111******1111" in text
    assert "ValueError: cannot decode 603571*********0019" in text


def test_a_person_sees_no_secret_either() -> None:
    written = Tty()
    configure_logs("info", json=False, stream=written)
    try:
        kept = PIN
        raise ValueError(f"cannot decode {CARD}{kept[:0]}")
    except ValueError:
        structlog.get_logger().exception("failed", card=PAN(CARD), pin=Secret(PIN))
    assert "411111******1111" in written.getvalue()
    assert "\x1b[" in written.getvalue()
    assert CARD not in written.getvalue()
    assert PIN not in written.getvalue()


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        # key          value               shown
        ("text",       CARD,               "411111******1111"),
        ("text",       "4111111111111112", "4111111111111112"),   # fails Luhn: a counter, a reference
        ("text",       "12345678901",      "12345678901"),        # too short
        ("text",       "1" * 20,           HIDDEN),               # a dump of a message
        ("text",       f"a{CARD}D2512",    "a411111******1111D2512"),
        ("rrn",        "632600000004",     "632600000004"),       # passes Luhn, and is searched for
        ("text",       "632600000004",     "********0004"),
        ("rrn",        CARD,               "411111******1111"),
        ("seal",       "0" * 64,           "0" * 64),
        ("pan",        "603571*********0019", "603571*********0019"),
        ("pan",        "603571****00000000019", HIDDEN),
        ("pin",        "",                 HIDDEN),
        ("pin",        1234,               HIDDEN),
        ("pin",        True,               True),
        ("pin_tries",  2,                  2),
        ("amount",     1250,               1250),
    ],
)  # fmt: skip
def test_the_guard_behind_everything(key: str, value: Any, shown: Any) -> None:
    assert guarded(key, value) == shown


def test_a_structure_that_holds_itself_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert json.dumps(plain(endless)).count("[") == 6


@given(st.text("0123456789", min_size=11, max_size=18))
def test_every_number_with_a_check_digit_is_found(digits: str) -> None:
    (number,) = [digits + check for check in "0123456789" if passes_luhn(digits + check)]
    assert number not in guarded("text", f"<{number}>")


@pytest.mark.parametrize(
    ("log_format", "tty", "json_wanted"),
    [("auto", False, True), ("auto", True, False), ("json", True, True), ("console", False, False)],
)
def test_a_person_gets_lines_for_people(log_format: str, tty: bool, json_wanted: bool) -> None:
    assert wants_json(log_format, Tty() if tty else io.StringIO()) is json_wanted
