"""Mutated messages and plain noise on every terminal port of the daemon; sessions alone: tests/wire/test_fuzz.py.

Invariant: an answer, silence or a closed connection; the daemon unharmed, its books right, nothing secret in its log.
"""

from __future__ import annotations

import random
import socket
from contextlib import suppress

import pytest

from tests.contract.client import Message, encode, frame
from tests.contract.till import BALANCE, REDEEM, Till
from tests.robustness.victim import Victim

CONVERSATIONS = 60
MESSAGES = 8  # of each
SALE = "000090"
PHONE = "905321934857"


def messages(till: Till, pan: str) -> list[Message]:
    """One of each shape; the card may be spoiled, so no other test uses it."""
    return [
        till.message("0200", REDEEM, pan, 1, tables={"SC": "4711", "CP": "PT"}),
        till.message("0220", REDEEM, pan, 1, till.when()),
        till.message("0400", REDEEM, pan, 1, {90: "0200000001" + "0" * 32}),
        till.message("0200", "026000", pan, 1, {37: "632612345678", 62: "000012"}),
        till.message("0320", REDEEM, pan, 1, {60: "0200000001" + " " * 12}),
        till.message("0500", "920000", more={60: "000001"}),
        till.message("0800", "920000", more={60: "000001"}),
        till.message("0100", BALANCE, more={35: pan + "=29121010000000000"}),
        till.message("0100", BALANCE, more={45: f"B{pan}^DOE/JOHN^2912"}),
        Message({0: "0800", 7: "1122000000", 11: till.stan(), 70: "301"}),
    ]


def messages_of_points(till: Till, pan: str, other: str) -> list[Message]:
    basket, tenders = "8690000000017,2,1275,food;PEN,1.5,600,", "P,2500;O,950"
    return [
        till.message("0200", SALE, pan, 3450, {62: "000031"}, {"BK": basket, "TD": tenders, "CP": "T"}),
        till.message("0100", SALE, pan, 3450, tables={"TD": tenders}),
        till.message("0200", "200090", pan, 1, {37: "632612345678"}, {"BK": "PEN,1,1,"}),
        till.message("0200", "009000", pan, 1, tables={"SC": "4711", "CP": "P"}),
        till.message("0200", "409090", pan, 1, {49: "999"}, {"TO": other}),
        till.message("0200", "720090", other, tables={"PH": PHONE}),
        till.message("0200", "029090", pan, 1, {62: "000031"}),
        till.message("0220", SALE, pan, 1, till.when()),
        till.message("0420", SALE, pan, 3450, {90: "0200000001" + "0" * 32}),
    ]


def mutated(body: bytes, chance: random.Random) -> bytes:
    """A few bits, bytes and pieces changed, mostly behind the MTI."""
    changed = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(min(2, len(changed)), len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[at : at + 1] = chance.randbytes(1)
            case 1:
                del changed[at : at + chance.randrange(1, 5)]
            case 2:
                changed[at:at] = chance.randbytes(chance.randrange(1, 6))
            case _:
                changed[at : at + 4] = changed[: chance.randrange(5)]
    return bytes(changed)


def converse(victim: Victim, listener: str, words: bytes) -> bytes:
    """What comes back to these words, until the switch has read them and closed as well."""
    heard = b""
    with socket.create_connection(("127.0.0.1", victim.demo.listeners[listener]), timeout=8) as plain:
        try:
            secure = listener.endswith("-tls")
            context = victim.demo.tls_context(victim.demo.merchants[0])
            with context.wrap_socket(plain) if secure else plain as line:
                line.sendall(words)
                if not secure:
                    with suppress(OSError):  # the switch has hung up already
                        line.shutdown(socket.SHUT_WR)
                    while piece := line.recv(65_536):
                        heard += piece
        except ConnectionError:
            pass
    return heard


@pytest.mark.parametrize("listener", ["nac", "ascii", "nac-tls", "ascii-tls"])
def test_noise_is_answered_or_ends_the_line(victim: Victim, listener: str) -> None:
    chance, dialect = random.Random(listener), listener.removesuffix("-tls")
    till = victim.till(dialect)
    member, other = victim.loyalty_cards()[-2:]
    said = messages(till, victim.cards(till.record.currency)[-1]) + messages_of_points(till, member, other)
    samples = [encode(dialect, message) for message in said]
    for _ in range(CONVERSATIONS):
        words = b"".join(frame(dialect, mutated(chance.choice(samples), chance)) for _ in range(MESSAGES))
        heard = converse(victim, listener, words)
        assert b"Traceback" not in heard
    for size in (1, 100, 5_000, 50_000):
        converse(victim, listener, chance.randbytes(size))
    till.close()
    assert PHONE not in victim.log.read_text()
