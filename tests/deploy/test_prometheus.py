"""A real Prometheus and Alertmanager with our files: they scrape a daemon that works, know all that the dashboards ask,
and tell when it has gone."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from simulators.demo import load_demo
from simulators.fleet import run_fleet
from simulators.fleet_till import FleetOptions
from tests.contract.daemon import Daemon, running
from tests.deploy.panels import mute_panels
from tests.deploy.test_alerts import DEPLOY, rules
from tests.shell.test_webhooks import Receiver, receiving

BOTH = ("prometheus", "prometheus-alertmanager")
MISSING = [name for name in BOTH if not shutil.which(name)]
PATIENCE_SECONDS = 40.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(MISSING), reason=f"NO TESTS OF MONITORING AND DASHBOARDS: no {' and no '.join(MISSING)}; make test-deps"
    ),
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def until(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            value = found()
            if value:
                return value
        time.sleep(0.1)
    raise AssertionError(f"never: {what}")


class Monitoring:
    """Our files, with other addresses and without patience, so that a test need not wait."""

    def __init__(self, folder: Path, ops_port: int, receiver: Receiver) -> None:
        self.prometheus, self.alertmanager = free_port(), free_port()
        impatient = re.sub(r"^        for: .*\n", "", (DEPLOY / "tillswitch.rules.yml").read_text(), flags=re.MULTILINE)
        (folder / "tillswitch.rules.yml").write_text(impatient)
        config = (DEPLOY / "prometheus.yml").read_text().replace("15s", "1s")
        config = config.replace("127.0.0.1:9583", f"127.0.0.1:{ops_port}")
        (folder / "prometheus.yml").write_text(config.replace("127.0.0.1:9093", f"127.0.0.1:{self.alertmanager}"))
        routes = (DEPLOY / "alertmanager.yml").read_text().replace("group_wait: 10s", "group_wait: 0s")
        (folder / "alertmanager.yml").write_text(routes.replace("127.0.0.1:9099", f"127.0.0.1:{receiver.server_port}"))
        self.commands = [
            [
                "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                f"--web.listen-address=127.0.0.1:{self.prometheus}", "--log.level=warn",
            ],
            [
                "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/am",
                f"--web.listen-address=127.0.0.1:{self.alertmanager}", "--cluster.listen-address=", "--log.level=warn",
            ],
        ]  # fmt: skip
        self.log = folder / "monitoring.log"

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(self.log.open("ab"))
            for command in self.commands:
                process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
                stack.callback(process.wait)
                stack.callback(process.kill)
            yield

    def query(self, expression: str) -> list[Any]:
        found: list[Any] = self.ask(f"query?query={urllib.parse.quote(expression)}")["result"]
        return found

    def ask(self, path: str) -> Any:
        told = get(f"http://127.0.0.1:{self.prometheus}/api/v1/{path}")
        assert told["status"] == "success", told
        return told["data"]


def test_a_daemon_is_scraped_and_missed_when_it_is_gone(tmp_path: Path) -> None:
    secret = tmp_path / "webhook.secret"
    secret.write_text("0123456789abcdef")
    with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.server_port}/"
        webhook = f'[[webhooks]]\nname = "alarms"\nurl = "{url}"\nsecret = "{secret}"\n'
        with running(tmp_path, settings=webhook) as daemon:
            monitoring = Monitoring(tmp_path, daemon.base_port + 10, receiver)
            with monitoring.run():
                watch(monitoring, daemon, receiver)
            daemon.start()  # its books are proved when it ends


def watch(monitoring: Monitoring, daemon: Daemon, receiver: Receiver) -> None:
    until(lambda: monitoring.query('up{job="tillswitch"} == 1'), "the daemon is scraped")
    demo = load_demo(daemon.demo.folder / "demo.json")
    # a rate wants series that were there before: what the second day adds
    for seed, seen in ((1, "tillswitch_transactions_total"), (2, "job:tillswitch_transactions:rate5m > 0")):
        report = trio.run(run_fleet, demo, FleetOptions(terminals=2, deeds=20, faults=0.5, seed=seed))
        assert report.ok, report.lines()
        until(partial(monitoring.query, seen), f"day {seed} is seen")
    until(partial(monitoring.query, "job:tillswitch_terminals_offline:ratio"), "terminals are counted")
    assert mute_panels(monitoring.ask) == []
    for rule in rules():
        monitoring.query(rule.expression)
    for name in ("ready", "store_free_bytes", "terminals", "commit_seconds_count", "loop_late_seconds_count"):
        assert monitoring.query(f"tillswitch_{name}"), name
    # what nobody needs to be told of a healthy daemon
    fired = {one["metric"]["alertname"] for one in monitoring.query('ALERTS{alertstate="firing"}')}
    assert fired <= {"TillswitchDeadMansSwitch", "TillswitchCommitSlow", "TillswitchAnswersLateFast"}, fired
    daemon.kill()
    told = until(lambda: [body for _, body in receiver.got if "TillswitchDown" in body], "somebody is told")
    (alert,) = [one for one in json.loads(told[0])["alerts"] if one["labels"]["alertname"] == "TillswitchDown"]
    assert alert["labels"]["severity"] == "page"
    assert alert["annotations"]["runbook"] == "OPERATIONS.md#tillswitchdown"
