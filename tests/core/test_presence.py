"""Whether a terminal is there, by the silence since it was heard; and what in its status is worth an event."""

import pytest

from specs.status import Status
from switch.core.clock import SECOND
from switch.core.merchants import Terminal
from switch.core.presence import Event, Presence, State, presence_events, state_of, told_status

NOW = 1_800_000_000 * SECOND


@pytest.mark.parametrize(
    ("echo_seconds", "silence", "state"),
    [
        (300, 0, State.ONLINE),
        (300, 600, State.ONLINE),  # one echo may be lost
        (300, 601, State.LATE),
        (300, 900, State.LATE),
        (300, 901, State.OFFLINE),
        (1, 2, State.ONLINE),
        (1, 3, State.LATE),
        (1, 4, State.OFFLINE),
        (0, 86400, State.ONLINE),  # it sends no echoes: a day
        (0, 86401, State.OFFLINE),
        (300, -500, State.ONLINE),  # our clock was set back
    ],
)
def test_states_follow_from_silence(echo_seconds: int, silence: int, state: State) -> None:
    terminal = Terminal(1, 1, "M", "T", "s", "949", echo_seconds=echo_seconds)
    assert state_of(terminal, NOW - silence * SECOND, NOW) is state
    assert state_of(terminal, 0, NOW) is State.NEVER_SEEN


@pytest.mark.parametrize(
    ("tables", "events"),
    [
        # the status tables of one terminal in order, and what the last of them brings about
        (["tamper=0"], []),
        (["tamper=1"], [Event.TAMPER]),
        (["tamper=0", "tamper=1"], [Event.TAMPER]),
        (["tamper=1", "tamper=1;paper=ok"], []),
        (["tamper=1", "tamper=0", "tamper=1"], [Event.TAMPER]),
        (["tamper=yes"], []),
        (["paper=low", "paper=out"], [Event.PAPER_OUT]),
        (["paper=out", "paper=out;sw=1"], []),
        (["sn=A"], []),  # the first is no change
        (["sn=A", "sn=B"], [Event.SERIAL_CHANGED]),
        (["sn=A", "paper=ok", "sn=B"], [Event.SERIAL_CHANGED]),  # also past a table without it
        (["sn=A", "paper=ok", "sn=A"], []),
        (["sn=A", "sn="], []),
        (["sw=1", "sw=2"], [Event.VERSION_CHANGED]),
        (
            ["sn=A;sw=1;tamper=0;paper=ok", "sn=B;sw=2;tamper=1;paper=out"],
            [Event.TAMPER, Event.SERIAL_CHANGED, Event.VERSION_CHANGED, Event.PAPER_OUT],
        ),
    ],
)
def test_events_follow_from_status_tables(tables: list[str], events: list[Event]) -> None:
    before = after = Presence(1, last_seen=1)
    for table in tables:
        before, after = after, told_status(after, status(table), NOW)
    assert [event for event, _ in presence_events(before, after, NOW)] == events


def test_pending_reversals_have_been_there_since_they_were_first_told() -> None:
    presence = Presence(1)
    since = []
    for minute, table in enumerate(["pending=0", "pending=1", "pending=3", "paper=ok", "pending=2"]):
        presence = told_status(presence, status(table), NOW + minute)
        since.append(presence.pending_since)
    assert since == [0, NOW + 1, NOW + 1, 0, NOW + 4]


def status(text: str) -> Status:
    pieces = (piece.partition("=") for piece in text.split(";"))
    return Status(tuple((key, value) for key, _, value in pieces))
