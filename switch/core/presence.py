"""Whether a terminal is there, and what it told of itself last: records and arithmetic.

Being late, offline or never seen refuses nothing; it is for the people who watch (DESIGN, "Terminals").
"""

from __future__ import annotations

from enum import Enum

import msgspec

from specs import limits
from specs.status import Status, is_sensible
from switch.core.clock import HOUR, SECOND
from switch.core.merchants import Terminal


class State(Enum):
    NEVER_SEEN = "never seen"
    ONLINE = "online"
    LATE = "late"
    OFFLINE = "offline"


class Event(Enum):
    """What somebody may want to be told of a terminal."""

    OFFLINE = "offline"
    BACK = "back"
    TAMPER = "tamper"
    SERIAL_CHANGED = "serial_changed"  # another device under the same ids: perhaps a clone
    VERSION_CHANGED = "version_changed"
    CLOCK_OFF = "clock_off"
    PAPER_OUT = "paper_out"


class Presence(msgspec.Struct, frozen=True, gc=False):
    """What the books know of a terminal being there. `last_seen` is a little behind; 0 is never."""

    terminal: int  # Terminal.id
    last_seen: int = 0
    offline: bool = False  # somebody has been told so
    status: tuple[tuple[str, str], ...] = ()  # the last status table
    status_at: int = 0
    serial: str = ""  # the last that was told, also by an earlier table
    version: str = ""
    pending_since: int = 0  # it has had reversals it could not get rid of since then; 0: it has none
    skew: int | None = None  # seconds its clock is ahead
    clock_off: bool = False
    round_trip: int | None = None  # microseconds, of our last echo


class TerminalEvent(msgspec.Struct, frozen=True):
    """Something that happened to a terminal, for the log, the metrics and whoever subscribed."""

    event: Event
    merchant_id: str
    terminal_id: str
    store: str
    at: int
    detail: str = ""


def state_of(terminal: Terminal, last_seen: int, now: int) -> State:
    """By the silence since it was last heard, in its own expected intervals; one that sends no echoes has a day."""
    if not last_seen:
        return State.NEVER_SEEN
    silence = now - last_seen
    if silence > offline_after(terminal):
        return State.OFFLINE
    if terminal.echo_seconds and silence > limits.LATE_INTERVALS * terminal.echo_seconds * SECOND:
        return State.LATE
    return State.ONLINE


def offline_after(terminal: Terminal) -> int:
    """The silence, in microseconds, that makes it offline."""
    if terminal.echo_seconds:
        return limits.OFFLINE_INTERVALS * terminal.echo_seconds * SECOND
    return limits.OFFLINE_HOURS * HOUR


def told_status(before: Presence, status: Status, now: int) -> Presence:
    """`before` after the terminal has told `status`."""
    told = _sensible(status.values)
    pending = int(told.get("pending", "0"))
    return msgspec.structs.replace(
        before,
        last_seen=max(before.last_seen, now),
        offline=False,
        status=status.values,
        status_at=now,
        serial=told.get("sn", before.serial),
        version=told.get("sw", before.version),
        pending_since=(before.pending_since or now) if pending else 0,
    )


def presence_events(before: Presence, after: Presence, now: int) -> list[tuple[Event, str]]:
    """What in a change is worth an event, with a detail in words."""
    found = []
    if after.offline and not before.offline:
        found.append((Event.OFFLINE, f"silent for {(now - after.last_seen) // SECOND} s"))
    if before.offline and not after.offline:
        found.append((Event.BACK, f"after {(after.last_seen - before.last_seen) // SECOND} s"))
    if after.clock_off and not before.clock_off:
        found.append((Event.CLOCK_OFF, f"{after.skew:+d} s"))
    was, told = _sensible(before.status), _sensible(after.status)
    if told.get("tamper") == "1" != was.get("tamper"):
        found.append((Event.TAMPER, "its tamper switch has opened"))
    if before.serial and after.serial != before.serial:
        found.append((Event.SERIAL_CHANGED, f"{before.serial} -> {after.serial}"))
    if before.version and after.version != before.version:
        found.append((Event.VERSION_CHANGED, f"{before.version} -> {after.version}"))
    if told.get("paper") == "out" != was.get("paper"):
        found.append((Event.PAPER_OUT, "no paper"))
    return found


def _sensible(values: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {key: value for key, value in values if is_sensible(key, value)}
