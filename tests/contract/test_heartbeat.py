"""Heartbeats as a terminal maker and an operator see them: the 0800 echo, its status table, and `/terminals`."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.contract.client import Line, Message, pack_tables, table_field
from tests.contract.daemon import Daemon, TerminalRecord, running

TELLS = "paper=low;battery=85;tamper=0;pending=2;sw=4.2.1;sn=SN0000000000000000A1"


def echo(record: TerminalRecord, stan: int, status: str | None = None) -> Message:
    fields = {3: "990000", 11: f"{stan:06d}", 24: record.nii, 41: record.terminal_id.ljust(8)}
    fields |= {42: record.merchant_id.ljust(15)}
    if status is not None:
        fields[table_field(record.listener)] = pack_tables(record.listener, [("TS", status)])
    return Message({0: "0800", **fields})


def ask(daemon: Daemon, record: TerminalRecord, stan: int, status: str | None = None) -> Message:
    with Line(record.listener, daemon.demo.listeners[record.listener]) as line:
        return line.ask(echo(record, stan, status))


def told(daemon: Daemon, record: TerminalRecord) -> dict[str, Any]:
    query = f"merchant_id={record.merchant_id}&terminal_id={record.terminal_id}"
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.base_port + 10}/terminals?{query}", timeout=8) as answer:
        page = json.load(answer)
    assert page["next"] is None
    (found,) = page["terminals"]
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_a_status_table_survives_a_kill_right_after_its_answer(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        for record in daemon.demo.terminals:
            assert told(daemon, record)["state"] == "never seen"
        first = {record.listener: record for record in reversed(daemon.demo.terminals)}
        for record in first.values():
            assert ask(daemon, record, 1, TELLS).rc == "00"
        daemon.kill()
        daemon.start()
        for record in first.values():
            found = told(daemon, record)
            assert found["status"] == dict(piece.split("=") for piece in TELLS.split(";"))
            assert found["state"] == "online"
            assert found["oldest_pending_reversal"] is not None
        # nonsense is answered like sense, and kept as text
        nonsense = "\xff\x00=;;;paper=green;" + "x" * 200
        for record in first.values():
            assert ask(daemon, record, 2, nonsense).rc == "00"
            assert told(daemon, record)["status"]["paper"] == "green"
