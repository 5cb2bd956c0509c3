"""Heartbeats as a terminal maker and an operator see them: the 0800 echo, its status table, and `/terminals`."""

from __future__ import annotations

import hmac
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.contract.client import Line, Message, pack_tables, table_field
from tests.contract.daemon import Daemon, TerminalRecord, running
from tests.shell.test_webhooks import receiving

TELLS = "paper=low;battery=85;tamper=1;pending=2;sw=4.2.1;sn=SN0000000000000000A1"


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


def waiting(daemon: Daemon) -> bool:
    """A try is over, and something is left in the outbox for another one."""
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.base_port + 10}/metrics", timeout=8) as answer:
        lines = answer.read().decode().splitlines()
    (line,) = (line for line in lines if line.startswith('tillswitch_webhooks_waiting{webhook="alarms"}'))
    return float(line.rpartition(" ")[2]) > 0


@pytest.mark.slow
def test_what_a_terminal_told_survives_a_kill_and_so_does_what_somebody_is_to_be_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef")
    with receiving() as receiver:
        pass  # its port is known, and nobody is there
    with running(tmp_path, settings=webhook(receiver.server_port, tmp_path / "secret")) as daemon:
        speaking = [record for record in reversed(daemon.demo.terminals) if record.listener in ("nac", "ascii")]
        first = {record.listener: record for record in speaking}
        for record in first.values():
            assert told(daemon, record)["state"] == "never seen"
            assert ask(daemon, record, 1, TELLS).rc == "00"
        while not waiting(daemon):  # who is killed while it tells keeps that from others for a while
            time.sleep(0.05)
        assert "webhook fails" in daemon.log.read_text()
        daemon.kill()
        with receiving(port=receiver.server_port) as receiver:
            daemon.start()
            for record in first.values():
                found = told(daemon, record)
                assert found["status"] == dict(piece.split("=") for piece in TELLS.split(";"))
                assert found["state"] == "online"
                assert found["oldest_pending_reversal"] is not None
            # nonsense is answered like sense, and kept as text
            for record in first.values():
                assert ask(daemon, record, 2, "\xff\x00=;;;paper=green;" + "x" * 200).rc == "00"
                assert told(daemon, record)["status"]["paper"] == "green"
            deadline = time.monotonic() + 60
            while len(receiver.got) < len(first) and time.monotonic() < deadline:
                time.sleep(0.05)
        assert {json.loads(body)["terminal_id"] for _, body in receiver.got} == {
            record.terminal_id for record in first.values()
        }
        for headers, body in receiver.got:
            assert json.loads(body)["event"] == "tamper"
            sent, mac = (piece.partition("=")[2] for piece in headers["Tillswitch-Signature"].split(","))
            assert mac == hmac.new(b"0123456789abcdef", f"{sent}.{body}".encode(), "sha256").hexdigest()


def webhook(port: int, secret: Path) -> str:
    lines = ("[[webhooks]]", 'name = "alarms"', f'url = "http://127.0.0.1:{port}/"', f'secret = "{secret}"')
    return "\n".join([*lines, 'events = ["tamper"]', ""])
