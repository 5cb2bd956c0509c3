"""When terminals were last seen: from the running daemon, which knows it to the second, else from the books."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from specs import limits
from switch.cli.common import control, reading
from switch.config import Config
from switch.terminal_pages import described

Ids = tuple[str, str]


def sightings(config: Config) -> dict[Ids, dict[str, Any]]:
    """What is told of each terminal, by merchant and terminal id."""
    records = _from_daemon(config)
    if records is None:
        records = list(_from_books(config))
    return {(record["merchant_id"], record["terminal_id"]): record for record in records}


def sighting(config: Config, merchant_id: str, terminal_id: str) -> dict[str, Any]:
    """What is told of one terminal."""
    wanted = urlencode({"merchant_id": merchant_id, "terminal_id": terminal_id})
    told = _from_daemon(config, f"&{wanted}")
    if told is None:
        both = merchant_id, terminal_id
        told = [one for one in _from_books(config) if (one["merchant_id"], one["terminal_id"]) == both]
    return told[0] if told else {}


def _from_daemon(config: Config, wanted: str = "") -> list[dict[str, Any]] | None:
    page: str | None = f"/terminals?limit={limits.TERMINALS_PAGE_MAX}{wanted}"
    records: list[dict[str, Any]] = []
    while page:
        answer = control(config, "GET", page)
        if answer is None:
            return None
        told = json.loads(answer)
        records += told["terminals"]
        page = told["next"]
    return records


def _from_books(config: Config) -> Iterator[dict[str, Any]]:
    now, after = time.time_ns() // 1000, 0
    with reading(config) as reader:
        while page := reader.stations(after, limits.TERMINALS_PAGE_MAX):
            after = page[-1].terminal.id
            for one in page:
                yield described(one.terminal, one.presence, one.presence.last_seen, now)
