"""A log that nobody reads, or that nobody can read any more, neither stalls a terminal nor stops the switch."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from switch.log_writer import LINES_MAX, LogWriter
from switch.logs import configure_logs
from tests.robustness.victim import Victim, running


def test_lines_that_find_no_room_are_lost_and_the_log_says_how_many() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as pipe, LogWriter(pipe) as log:
        configure_logs("info", json=True, stream=log)
        for number in range(2 * LINES_MAX):  # the pipe takes some; then nobody reads
            log.write(f"line {number:06d}\n")
        assert 0 < log.lost < LINES_MAX
        read, told = [], 0
        while told < log.lost:
            line = reader.readline()
            if line.startswith("{"):
                told += json.loads(line)["lines"]
            else:
                read.append(line)
        assert read[:LINES_MAX] == [f"line {number:06d}\n" for number in range(LINES_MAX)], "the oldest are kept"


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    with open("/dev/full", "w") as full, LogWriter(full) as log:
        log.write("one\n")
        log.write("two\n")
    assert log.lost == 2


def test_what_was_logged_before_the_end_is_written(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file, LogWriter(file) as log:
        for number in range(1000):
            log.write(f"{number}\n")
    assert (tmp_path / "log").read_text().split() == [str(number) for number in range(1000)]


def test_a_pipe_made_non_blocking_by_its_other_owner_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as pipe, LogWriter(pipe) as log:
        for _ in range(10):
            log.write("x" * 65_535 + "\n")
        for _ in range(10):
            assert len(reader.readline()) == 65_536
    assert log.lost == 0


@pytest.mark.slow
def test_the_daemon_outlives_whoever_read_what_it_says(tmp_path: Path) -> None:
    """`tillswitch serve 2>&1 | head -1`: neither the log nor the words for people find anybody."""
    reading, writing = os.pipe()
    os.close(reading)
    victim = Victim(tmp_path)
    with os.fdopen(writing) as pipe, running(victim, stdout=pipe, stderr=pipe):
        till = victim.till()
        card = victim.cards(till.record.currency)[0]
        for _ in range(5):
            till.do("006000", card, 10).expect("00")
        till.close()
        victim.check_unharmed()
        victim.stop()


@pytest.mark.slow
def test_the_daemon_does_not_wait_for_the_reader_of_its_log(tmp_path: Path) -> None:
    """A pipe holds 64 kB: two hundred lines."""
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing) as pipe:
        victim = Victim(tmp_path)
        with running(victim, stdout=pipe):
            till = victim.till()
            for _ in range(600):
                till.ask(till.message("0800", "990000")).expect("00")
            till.close()
            victim.check_unharmed()
            victim.stop()
