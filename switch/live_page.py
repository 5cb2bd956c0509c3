"""The live page as HTML: pure functions from a snapshot to text. Everything that came from outside is escaped here.

One fragment is the whole picture; the page has it in place when it comes, and each event of the stream replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from urllib.parse import urlencode

import msgspec

from specs.outcomes import ACCEPTED, Outcome
from switch.core.presence import State, TerminalEvent
from switch.terminal_pages import moment

BARS = 60  # of the chart of throughput


class StoreStates(msgspec.Struct, frozen=True):
    """The terminals of one store, by state."""

    merchant_id: str
    store: str
    states: Mapping[State, int]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What the page tells; rates and times are of the last few seconds."""

    version: str
    node: str
    at: int
    trouble: Sequence[str]
    connections: Mapping[str, int]
    queue: int
    per_second: Sequence[float]  # answers, the newest last
    outcomes: Mapping[Outcome, int]  # since the start
    recent: Mapping[Outcome, int]  # of about the last minute
    answer_ms: tuple[float, float]  # mean and worst
    commit_ms: tuple[float, float]
    states: Mapping[State, int]
    stores: Sequence[StoreStates]  # those with most offline
    stores_by_share: Mapping[str, int]
    open_batches: Mapping[str, int]  # by age
    batch_events: Mapping[str, int]
    events: Sequence[TerminalEvent]  # the newest first


def page(snapshot: Snapshot) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tillswitch {escape(snapshot.node)}</title>
<link rel="stylesheet" href="/live.css">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<script src="/live.js" defer></script>
</head>
<body>
<main id="live">{fragment(snapshot)}</main>
<footer>Read only. <a href="/terminals">/terminals</a> <a href="/metrics">/metrics</a>
<span id="line">This picture stands still without JavaScript; it is renewed every five seconds.</span></footer>
</body>
</html>
"""


def fragment(snapshot: Snapshot) -> str:
    """What changes."""
    trouble = escape("; ".join(snapshot.trouble))
    ready = f'<p class="bad">not ready: {trouble}</p>' if trouble else '<p class="good">ready</p>'
    name = f"{escape(snapshot.node)} · {escape(snapshot.version)}"
    head = f"<header><h1>Tillswitch <small>{name}</small></h1>{ready}<time>{moment(snapshot.at)}</time></header>"
    cards = (
        _terminals(snapshot),
        _throughput(snapshot),
        _refusals(snapshot),
        _latency(snapshot),
        _batches(snapshot),
        _stores(snapshot),
        _events(snapshot.events),
    )
    return head + "".join(cards)


def _card(name: str, title: str, *parts: str) -> str:
    return f'<section id="{name}"><h2>{title}</h2>{"".join(parts)}</section>'


def _terminals(snapshot: Snapshot) -> str:
    tiles = "".join(
        f'<li class="{state.name.lower()}"><b>{snapshot.states.get(state, 0)}</b> '
        f'<a href="/terminals?state={state.value.replace(" ", "+")}">{state.value}</a></li>'
        for state in State
    )
    lines = ", ".join(f"{escape(name)} {count}" for name, count in snapshot.connections.items())
    return _card("terminals", "Terminals", f'<ul class="tiles">{tiles}</ul>', f"<p>connections: {lines or 'none'}</p>")


def _throughput(snapshot: Snapshot) -> str:
    now = snapshot.per_second[-1] if snapshot.per_second else 0.0
    return _card(
        "throughput",
        "Throughput",
        f'<p class="large"><b>{now:.1f}</b> answers a second</p>',
        _chart(snapshot.per_second),
        f"<p>at most {max(snapshot.per_second, default=0.0):.1f}; {snapshot.queue} waiting to be decided</p>",
    )


def _chart(values: Sequence[float]) -> str:
    most = max(values, default=0) or 1
    bars = "".join(
        f'<rect x="{place}" y="{40 - 40 * value / most:.1f}" width="0.8" height="{40 * value / most:.1f}"/>'
        for place, value in enumerate(values[-BARS:], BARS - len(values[-BARS:]))
    )
    label = "answers a second, the newest to the right"
    return f'<svg viewBox="0 0 {BARS} 40" preserveAspectRatio="none" role="img" aria-label="{label}">{bars}</svg>'


def _refusals(snapshot: Snapshot) -> str:
    refused = [outcome for outcome in snapshot.outcomes if outcome not in ACCEPTED and snapshot.outcomes[outcome]]
    refused.sort(key=lambda outcome: (-snapshot.recent.get(outcome, 0), -snapshot.outcomes[outcome]))
    rows = [
        (_words(outcome.value), str(snapshot.recent.get(outcome, 0)), str(snapshot.outcomes[outcome]))
        for outcome in refused[:10]
    ]
    return _card("refusals", "Refusals", _table(("reason", "last minute", "since start"), rows, "none so far"))


def _latency(snapshot: Snapshot) -> str:
    rows = [
        ("answer", *map(_milliseconds, snapshot.answer_ms)),
        ("commit", *map(_milliseconds, snapshot.commit_ms)),
    ]
    return _card("latency", "Latency", _table(("", "mean", "worst"), rows, ""))


def _milliseconds(value: float) -> str:
    return f"{value:.1f} ms" if value else "–"  # there was none


def _batches(snapshot: Snapshot) -> str:
    ages = [(f"open, up to {age}" if age != "older" else "open, older", str(count)) for age, count in _some(snapshot)]
    events = [(_words(name), str(count)) for name, count in snapshot.batch_events.items() if count]
    return _card("batches", "Batches", _table(("", ""), [*ages, *events], "none open, none closed"))


def _some(snapshot: Snapshot) -> Iterable[tuple[str, int]]:
    return ((age, count) for age, count in snapshot.open_batches.items() if count)


def _stores(snapshot: Snapshot) -> str:
    """What is wrong stands first, so that it is seen on a narrow screen."""
    shares = ", ".join(f"{count} with {_SHARES[share]}" for share, count in snapshot.stores_by_share.items() if count)
    rows = [
        (_store_link(one), *(str(one.states.get(state, 0)) for state in reversed(State)), escape(one.merchant_id))
        for one in snapshot.stores
    ]
    head = ("store", *(state.value for state in reversed(State)), "merchant")
    nothing = "no terminal is late or offline" if shares else "no terminal has spoken yet"
    return _card("stores", "Stores", f"<p>{shares}</p>", _table(head, rows, nothing))


def _store_link(one: StoreStates) -> str:
    wanted = urlencode({"merchant_id": one.merchant_id, "store": one.store})
    return f'<a href="/terminals?{escape(wanted)}">{escape(one.store)}</a>'


_SHARES = {"none": "all there", "some": "some offline", "half": "half or more offline", "all": "all offline"}


def _events(events: Sequence[TerminalEvent]) -> str:
    rows = [
        (
            escape(moment(one.at) or ""),
            _words(one.event.value),
            escape(f"{one.merchant_id}/{one.terminal_id}"),
            escape(one.store),
            escape(one.detail),
        )
        for one in events
    ]
    return _card("events", "Lately", _table(("at", "what", "terminal", "store", ""), rows, "nothing since the start"))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> str:
    """Cells are HTML already."""
    if not rows:
        return f"<p>{nothing}</p>"
    names = "".join(f"<th>{name}</th>" for name in head) if any(head) else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{names}</tr></thead>' if names else ''}<tbody>{body}</tbody></table>"


def _words(name: str) -> str:
    return escape(name.replace("_", " "))
