"""`/terminals`: who is there, as JSON, in pages and filtered. The ops port and the control socket share it.

What a terminal wrote into its status is shown as it came, cut to its limits; card numbers are in none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from specs import limits
from switch.core.clock import SECOND
from switch.core.merchants import Terminal
from switch.core.presence import Presence, State, state_of
from switch.presence import Presences, Seen

SCAN: Final = 200  # terminals looked at, and described, before everybody else gets a turn: about two milliseconds
PARAMETERS: Final = ("state", "store", "merchant_id", "terminal_id", "after", "limit")


class _Wrong(Exception):
    """A parameter that cannot be meant."""


def terminals_route(presences: Presences, clock: Callable[[], int]) -> Route:
    async def terminals(request: Request) -> Response:
        try:
            wanted = _read_parameters(request.query_params)
        except _Wrong as error:
            return JSONResponse({"error": str(error)}, 400)
        found, following = await _page(presences, wanted, clock())
        page = msgspec.json.encode({"terminals": found, "next": following})
        return Response(page, media_type="application/json")

    return Route("/terminals", terminals)


def described(terminal: Terminal, presence: Presence, last_seen: int, now: int) -> dict[str, Any]:
    """What is told of a terminal whoever asks."""
    return {
        "merchant_id": terminal.merchant_id,
        "terminal_id": terminal.terminal_id,
        "store": terminal.store,
        "active": terminal.active,
        "state": state_of(terminal, last_seen, now).value,
        "last_seen": moment(last_seen),
        "status": dict(presence.status),
        "status_at": moment(presence.status_at),
        "clock_skew_seconds": presence.skew,
        "round_trip_ms": None if presence.round_trip is None else presence.round_trip / 1000,
        "oldest_pending_reversal": moment(presence.pending_since),
    }


def moment(at: int) -> str | None:
    """ISO 8601 in UTC; 0 is never."""
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds") if at else None


def _described(seen: Seen, now: int) -> dict[str, Any]:
    record = described(seen.terminal, seen.presence, seen.last_seen, now)
    if seen.skew is not None:
        record["clock_skew_seconds"] = seen.skew
    if seen.round_trip is not None:
        record["round_trip_ms"] = seen.round_trip / 1000
    return record | {"connections": seen.connections, "oldest_open_batch": moment(seen.batch_opened_at)}


def _read_parameters(given: Mapping[str, str]) -> dict[str, str]:
    """
    Raises:
        _Wrong: with what is allowed.
    """
    for name, value in given.items():
        if name not in PARAMETERS:
            raise _Wrong(f"{name}: no such parameter; allowed: {', '.join(PARAMETERS)}")
        if name == "state" and value not in [state.value for state in State]:
            raise _Wrong(f"state: allowed: {', '.join(state.value for state in State)}")
        digits = value.isascii() and value.isdecimal() and len(value) < 6
        if name == "limit" and not (digits and 1 <= int(value) <= limits.TERMINALS_PAGE_MAX):
            raise _Wrong(f"limit: allowed: 1 to {limits.TERMINALS_PAGE_MAX}")
        if name == "after" and "/" not in value:
            raise _Wrong("after: allowed: MERCHANT_ID/TERMINAL_ID")
    return dict(given)


async def _page(presences: Presences, wanted: Mapping[str, str], now: int) -> tuple[list[msgspec.Raw], str | None]:
    """Terminals as JSON, and the address of the following page; none after the last one."""
    size = int(wanted.get("limit", limits.TERMINALS_PAGE))
    merchant_id, _, terminal_id = wanted.get("after", "/").rpartition("/")
    after, found = (merchant_id, terminal_id), list[msgspec.Raw]()
    last = ""
    while some := presences.page(after, SCAN):
        for seen in some:
            if not _fits(seen, wanted, now):
                continue
            if len(found) == size:
                return found, f"/terminals?{urlencode({**wanted, 'after': last})}"
            found.append(msgspec.Raw(msgspec.json.encode(_described(seen, now))))
            last = f"{seen.terminal.merchant_id}/{seen.terminal.terminal_id}"
        after = some[-1].terminal.merchant_id, some[-1].terminal.terminal_id
        await trio.lowlevel.checkpoint()
    return found, None


def _fits(seen: Seen, wanted: Mapping[str, str], now: int) -> bool:
    terminal = seen.terminal
    return (
        wanted.get("store") in (None, terminal.store)
        and wanted.get("merchant_id") in (None, terminal.merchant_id)
        and wanted.get("terminal_id") in (None, terminal.terminal_id)
        and wanted.get("state") in (None, seen.state(now).value)
    )
