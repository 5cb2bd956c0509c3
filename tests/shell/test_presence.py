"""Presences in memory: who is heard by which connection, what is worth writing, and what it costs with many."""

import pytest

from specs import limits
from switch.core.clock import SECOND
from switch.core.decision import Changes, Heard
from switch.core.merchants import Terminal
from switch.core.presence import Presence, State
from switch.core.sightings import Sighting
from switch.presence import Presences, Visit
from switch.store.port import Station

NOW = 1_800_000_000 * SECOND
MINUTE = 60 * SECOND


def terminal(number: int, **other: object) -> Terminal:
    fields = {"merchant_id": "M", "terminal_id": f"T{number:07d}", "store": "s", "currency": "949"} | other
    return Terminal(number, 1, **fields)  # type: ignore[arg-type]  # the fields are Terminal's own


@pytest.fixture
def presences() -> Presences:
    some = Presences(NOW)
    some.learn(Station(terminal(number), Presence(number)) for number in (2, 3, 1))
    return some


def taken(presences: Presences, *, everything: bool = False) -> list[Sighting]:
    return presences.take_sightings(presences.with_news(), everything=everything)


def ids(presences: Presences, after: tuple[str, str] = ("", ""), size: int = 10) -> list[int]:
    return [seen.terminal.id for seen in presences.page(after, size)]


def seen(presences: Presences, number: int) -> tuple[int, int]:
    """Last seen, connections."""
    (found,) = (one for one in presences.page(("", ""), 10) if one.terminal.id == number)
    return found.last_seen, found.connections


def test_terminals_are_listed_by_their_ids(presences: Presences) -> None:
    assert ids(presences) == [1, 2, 3]
    assert ids(presences, size=2) == [1, 2]
    assert ids(presences, ("M", "T0000002")) == [3]
    assert ids(presences, ("M", "T00000015")) == [2, 3]
    assert ids(presences, ("L", "T0000009")) == [1, 2, 3]
    assert ids(presences, ("M", "T0000003")) == []
    assert [[one.terminal.id for one in some] for some in presences.slices(2)] == [[1, 2], [3]]


def test_a_connection_counts_once_for_each_terminal_that_speaks_on_it(presences: Presences) -> None:
    one, other = Visit(), Visit()
    for number, visit in ((1, one), (1, one), (2, one), (1, other), (3, None)):
        presences.hear(Heard(terminal(number)), visit, NOW)
    assert [seen(presences, number)[1] for number in (1, 2, 3)] == [2, 1, 0]
    presences.left(one)
    presences.left(one)
    assert [seen(presences, number)[1] for number in (1, 2, 3)] == [1, 0, 0]


def test_what_is_decided_after_its_connection_has_ended_opens_none(presences: Presences) -> None:
    visit = Visit()
    presences.left(visit)
    presences.hear(Heard(terminal(1)), visit, NOW)
    assert seen(presences, 1) == (NOW, 0)


def test_a_new_terminal_is_there_from_its_first_message_or_as_it_is_added(presences: Presences) -> None:
    presences.hear(Heard(terminal(9)), None, NOW)
    changes = Changes(terminals={5: terminal(5), 2: terminal(2, store="moved")})
    presences.note_changes(changes)
    assert ids(presences) == [1, 2, 3, 5, 9]
    assert presences.page(("", ""), 2)[1].terminal.store == "moved"


def test_what_memory_knows_is_not_made_older_by_the_books(presences: Presences) -> None:
    presences.hear(Heard(terminal(1)), None, NOW)
    presences.learn([Station(terminal(1), Presence(1, last_seen=NOW - MINUTE))])
    presences.note_changes(Changes(presences={1: Presence(1, last_seen=NOW - MINUTE)}))
    assert seen(presences, 1)[0] == NOW
    presences.learn([Station(terminal(1), Presence(1, last_seen=NOW + MINUTE))])  # another daemon has heard it
    assert seen(presences, 1)[0] == NOW + MINUTE


# fmt: off
#: What the books know, the message that came, its terminal; and whether it is worth a write.
WORTH = [
    (Presence(1),                                    Heard(terminal(1)),                    True),   # never seen before
    (Presence(1, last_seen=NOW - 59 * SECOND),       Heard(terminal(1)),                    False),
    (Presence(1, last_seen=NOW - 60 * SECOND),       Heard(terminal(1)),                    True),
    (Presence(1, last_seen=NOW - 9 * SECOND),        Heard(terminal(1, echo_seconds=20)),   False),
    (Presence(1, last_seen=NOW - 10 * SECOND),       Heard(terminal(1, echo_seconds=20)),   True),   # half an interval
    (Presence(1, last_seen=NOW - 59 * SECOND),       Heard(terminal(1, echo_seconds=0)),    False),
    (Presence(1, last_seen=NOW - 60 * SECOND),       Heard(terminal(1, echo_seconds=0)),    True),
    (Presence(1, last_seen=NOW, offline=True),       Heard(terminal(1)),                    True),   # it is back
    (Presence(1, last_seen=NOW, clock_off=True),     Heard(terminal(1), 0),                 True),
    (Presence(1, last_seen=NOW, clock_off=True),     Heard(terminal(1), 999),               False),
    (Presence(1, last_seen=NOW),                     Heard(terminal(1), 0),                 False),
]
# fmt: on


@pytest.mark.parametrize(("before", "life", "worth"), WORTH)
def test_only_what_is_news_is_written(before: Presence, life: Heard, worth: bool) -> None:
    presences = Presences()
    presences.learn([Station(life.terminal, before)])
    presences.hear(life, None, NOW)
    assert bool(taken(presences)) is worth
    left = taken(presences, everything=True)
    assert bool(left) is not worth, "what was written is not written again"


def test_a_clock_is_off_when_two_messages_say_so(presences: Presences) -> None:
    """The first may be from before our answer has set it right."""
    off = limits.CLOCK_OFF_SECONDS + 1
    skews = []
    for skew in (off, 0, -off, -off, None):
        presences.hear(Heard(terminal(1), skew), None, NOW)
        skews += [one.skew for one in taken(presences, everything=True)]
    assert skews == [None, 0, None, -off, -off]


def test_silence_from_before_we_began_is_no_news() -> None:
    presences = Presences(NOW)
    presences.learn([Station(terminal(1), Presence(1, last_seen=NOW - 3600 * SECOND))])
    (one,) = presences.page(("", ""), 1)
    assert one.state(NOW + MINUTE) is State.OFFLINE
    assert not presences.is_silent(one, NOW + 900 * SECOND)
    assert presences.is_silent(one, NOW + 901 * SECOND)


@pytest.mark.parametrize("known", [Presence(1), Presence(1, last_seen=NOW, offline=True)])
def test_who_was_never_seen_or_is_known_to_be_offline_is_not_told_again(known: Presence) -> None:
    presences = Presences(NOW)
    presences.learn([Station(terminal(1), known)])
    (one,) = presences.page(("", ""), 1)
    assert not presences.is_silent(one, NOW + 86_400 * SECOND)


def test_who_may_not_speak_is_not_missed() -> None:
    presences = Presences(NOW)
    presences.learn([Station(terminal(1, active=False), Presence(1, last_seen=NOW))])
    (one,) = presences.page(("", ""), 1)
    assert not presences.is_silent(one, NOW + 86_400 * SECOND)


def test_twenty_thousand_terminals_are_looked_at_in_slices() -> None:
    presences = Presences(NOW)
    presences.learn(Station(terminal(number), Presence(number, last_seen=NOW)) for number in range(1, 20_001))
    online = [sum(one.state(NOW + MINUTE) is State.ONLINE for one in some) for some in presences.slices(1000)]
    assert online == [1000] * 20
