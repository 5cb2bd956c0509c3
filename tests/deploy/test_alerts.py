"""Each alert fires when it should, and only then (promtool); each has a runbook, and asks for metrics there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from specs.outcomes import Outcome
from specs.transaction import Kind
from switch.core.presence import Event, State
from switch.labels import AGES
from switch.metrics import Answered, Metrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy/prometheus"
OPERATIONS = (ROOT / "deploy/OPERATIONS.md").read_text("utf-8")
RULES = (DEPLOY / "tillswitch.rules.yml").read_text("utf-8")

needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="NO TESTS OF ALERTS: no promtool; make test-deps"
)
LONG_MINUTES = 500  # such cases are evaluated every five minutes
HERE = 'job="tillswitch",instance="a"'


class Case(NamedTuple):
    """Series, a value a minute; the minute at which all is quiet, the one at which the alert is there, its labels."""

    series: dict[str, str]
    quiet: int
    fires: int
    labels: dict[str, str]


def sold(outcome: str, values: str) -> dict[str, str]:
    return {f'tillswitch_transactions_total{{{HERE},kind="gift_redeem",listener="nac",outcome="{outcome}"}}': values}


def answers(late: str, every: str) -> dict[str, str]:
    """Counts of those within half a second, and of all."""
    return {
        f'tillswitch_answer_seconds_bucket{{{HERE},listener="nac",le="0.5"}}': late,
        f'tillswitch_answer_seconds_count{{{HERE},listener="nac"}}': every,
    }


def buckets(name: str, quick: str, slow: str) -> dict[str, str]:
    return {f'{name}_bucket{{{HERE},le="{le}"}}': text for le, text in (("0.05", quick), ("1", slow), ("+Inf", slow))}


JOB = {"job": "tillswitch"}
INSTANCE = JOB | {"instance": "a"}
# fmt: off
CASES = {
    "TillswitchDown": Case({f"up{{{HERE}}}": "1x4 0x10"}, 4, 7, INSTANCE),
    "TillswitchNotReady": Case({f"tillswitch_ready{{{HERE}}}": "1x4 0x10"}, 5, 7, INSTANCE),
    "TillswitchNoTransactions": Case(
        sold("approved", "0+60x10150 609000x100") | {f"up{{{HERE}}}": "1x10250"}, 10140, 10190, JOB),
    "TillswitchRefusals": Case(
        sold("approved", "0+60x60") | sold("not_enough", "0+1x20 20+60x40"), 20, 45, JOB | {"outcome": "not_enough"}),
    "TillswitchAnswersLateFast": Case(answers("0+60x60 3600+50x60", "0+60x120"), 60, 90, JOB),
    "TillswitchAnswersLateSlow": Case(answers("0+1000x360 360000+980x360", "0+1000x720"), 360, 650, JOB),
    "TillswitchCommitSlow": Case(
        buckets("tillswitch_commit_seconds", "0+60x30 1800+30x30", "0+60x60"), 29, 50, INSTANCE),
    "TillswitchCommitsFail": Case(
        {f'tillswitch_commit_failures_total{{{HERE},reason="unavailable"}}': "0x10 0+5x10"}, 10, 14,
        INSTANCE | {"reason": "unavailable"}),
    "TillswitchDiskFilling": Case(
        {f"tillswitch_store_free_bytes{{{HERE}}}": "5e9x400 5e9-4e6x400"}, 400, 600, INSTANCE),
    "TillswitchInternal": Case(sold("internal", "_x10 1x10"), 9, 12, INSTANCE),
    "TillswitchLoopLate": Case(
        buckets("tillswitch_loop_late_seconds", "0+240x30 7200+200x30", "0+240x60"), 29, 50, INSTANCE),
    "TillswitchTerminalsOffline": Case(
        {f'tillswitch_terminals{{{HERE},state="{state}"}}': values for state, values in
         (("online", "95x20 80x20"), ("offline", "5x20 20x20"), ("late", "0x40"), ("never_seen", "500x40"))},
        20, 35, JOB),
    "TillswitchStoresDark": Case(
        {f'tillswitch_stores{{{HERE},offline="{share}"}}': values for share, values in
         (("none", "9x40"), ("some", "3x40"), ("half", "0x10 1x30"), ("all", "0x40"))}, 10, 30, INSTANCE),
    "TillswitchTampered": Case(
        {f'tillswitch_terminal_events_total{{{HERE},event="tamper"}}': "0x10 1x30"}, 10, 12, JOB | {"event": "tamper"}),
    "TillswitchBatchesOld": Case(
        {f'tillswitch_open_batches{{{HERE},age="{age}"}}': values for age, values in
         (("3d", "4x200"), ("7d", "0x20 2x180"), ("older", "0x200"))}, 60, 100, JOB),
    "TillswitchExceptions": Case(
        {f'tillswitch_exceptions_total{{{HERE},what="upload_differs"}}': "0+0.1x60 6+1x60"}, 60, 90,
        JOB | {"what": "upload_differs"}),
    "TillswitchSecurity": Case(sold("wrong_pin", "0+1x20 20+30x40"), 20, 45, JOB | {"outcome": "wrong_pin"}),
    "TillswitchUpstreamAway": Case(sold("upstream_away", "_x10 1x20"), 9, 13, JOB),
    "TillswitchCertificateExpiring": Case(
        {f'tillswitch_certificate_expiry_timestamp_seconds{{{HERE},door="nac-tls"}}': f"{15 * 86400}x3000"},
        1200, 1600, INSTANCE | {"door": "nac-tls"}),
    "TillswitchClock": Case({f"tillswitch_time_seconds{{{HERE}}}": "0+60x10 640+60x20"}, 10, 20, INSTANCE),
    "TillswitchWebhookBehind": Case(
        {f'tillswitch_webhooks_oldest_seconds{{{HERE},webhook="alarms"}}': "0+60x20"}, 10, 14,
        INSTANCE | {"webhook": "alarms"}),
    "TillswitchLogLost": Case({f"tillswitch_log_lines_lost{{{HERE}}}": "0x10 7x20"}, 10, 12, INSTANCE),
    "TillswitchReloadFailed": Case({f"tillswitch_reload_failed{{{HERE}}}": "0x10 1x20"}, 10, 17, INSTANCE),
    "TillswitchRestarted": Case(
        {f"tillswitch_start_timestamp_seconds{{{HERE}}}": "1x10 2x2 3x2 4x20"}, 13, 17, INSTANCE),
}
# fmt: on


class Rule(NamedTuple):
    """As it stands in the file, which promtool has checked."""

    name: str
    is_alert: bool
    expression: str
    severity: str
    runbook: str


def rules() -> list[Rule]:
    found = []
    for text in re.split(r"^      - (?=alert:|record:)", RULES, flags=re.MULTILINE)[1:]:
        sort, name = re.match(r"(alert|record): (\S+)\n", text).groups()  # type: ignore[union-attr]  # the split says so
        folded = re.search(r"^        expr: (?:>-\n((?:          .+\n)+)|(.+)\n)", text, re.MULTILINE)
        assert folded, name
        severity = re.search(r"labels: { severity: (\w+) }", text)
        runbook = re.search(r"          summary: \S.*\n          runbook: (\S+)\n", text)
        found.append(
            Rule(
                name,
                sort == "alert",
                folded[1] or folded[2],
                severity[1] if severity else "",
                runbook[1] if runbook else "",
            )
        )
    return found


def alerts() -> dict[str, Rule]:
    return {rule.name: rule for rule in rules() if rule.is_alert}


def test_every_alert_has_its_case_its_severity_and_its_runbook() -> None:
    assert alerts().keys() == CASES.keys() | {"TillswitchDeadMansSwitch"}
    headings = set(re.findall(r"^### (\w+)$", OPERATIONS, re.MULTILINE))
    for name, rule in alerts().items():
        assert rule.severity in ("page", "ticket", "none"), name
        assert rule.runbook == f"OPERATIONS.md#{name.lower()}"
    assert headings == alerts().keys()


@needs_promtool
def test_the_files_are_right() -> None:
    promtool("check", "config", "prometheus.yml", cwd=DEPLOY)
    promtool("check", "rules", "tillswitch.rules.yml", cwd=DEPLOY)
    if shutil.which("amtool"):
        subprocess.run(["amtool", "check-config", "alertmanager.yml"], cwd=DEPLOY, check=True, capture_output=True)


@needs_promtool
@pytest.mark.slow
def test_each_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    """All in one run of promtool: annotations, which it would compare word for word, are taken out first."""
    bare, count = re.subn(r"^        annotations:\n(          .*\n)+", "", RULES, flags=re.MULTILINE)
    assert count == len(alerts())
    (tmp_path / "rules.yml").write_text(bare)
    long: list[object] = []
    short: list[object] = []
    for name, case in CASES.items():
        labels = case.labels | {"severity": alerts()[name].severity}
        checks: list[tuple[int, list[object]]] = [(case.quiet, []), (case.fires, [{"exp_labels": labels}])]
        (long if case.fires > LONG_MINUTES else short).append(
            {
                "name": name,
                "interval": "1m",
                "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
                "alert_rule_test": [
                    {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": expected}
                    for minute, expected in checks
                ],
            }
        )
    for interval, tests in (("5m", long), ("1m", short)):
        content = {"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": tests}
        (tmp_path / "tests.yml").write_text(json.dumps(content))
        promtool("test", "rules", "tests.yml", cwd=tmp_path)


def promtool(*words: str, cwd: Path) -> None:
    done = subprocess.run(["promtool", *words], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


# -- what the rules ask for --------------------------------------------------------------------------------------------
def test_rules_ask_for_metrics_and_labels_that_there_are() -> None:
    """A misspelt name is no error to Prometheus: the alert would just never come."""
    expressions = [rule.expression for rule in rules()]
    told = set(re.findall(r"^\| `(tillswitch_\w+)` \|", OPERATIONS, re.MULTILINE))
    recorded = {rule.name for rule in rules() if not rule.is_alert}
    values = {
        "outcome": {outcome.value for outcome in Outcome},
        "kind": {kind.value for kind in Kind},
        "state": {state.value.replace(" ", "_") for state in State},
        "event": {event.value for event in Event},
        "age": {*AGES, "older"},
        "offline": {"none", "some", "half", "all"},
        "reason": {"unavailable", "conflict"},
        "job": {"tillswitch"},
        "le": edges("tillswitch_answer_seconds"),
    }
    for expression in expressions:
        for name in re.findall(r"(?<![\w:])tillswitch_\w+", expression):
            assert re.sub("_(bucket|count|sum)$", "", name) in told, name
        for name in re.findall(r"\w+:tillswitch_\w+:\w+", expression):
            assert name in recorded, name
        for label, words in re.findall(r'(\w+)(?:=|!=|=~|!~)"([^"]*)"', expression):
            assert set(words.split("|")) <= values[label], f"{label}: {words}"


def edges(histogram: str) -> set[str]:
    metrics = Metrics(["nac"])
    metrics.group_answered([Answered("nac", Kind.ECHO, Outcome.APPROVED, 0.1)])
    (family,) = [one for one in metrics.registry.collect() if one.name == histogram]
    return {sample.labels["le"] for sample in family.samples if "le" in sample.labels}
