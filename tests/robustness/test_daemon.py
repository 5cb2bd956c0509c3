"""The running daemon under floods, signals and contention: it lives, its neighbours are served, its books are right."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from specs import limits
from tests.contract.client import Line, Message, Secret, WireError, encode, frame
from tests.contract.till import REDEEM, Till
from tests.robustness.victim import FEW, ROOT, TILLSWITCH, Victim, connect_control, exchange, running

CLIENT_HELLO_BEGUN = bytes.fromhex("1603010200010001fc0303")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Victim]:
    """A daemon for a test that ends it."""
    with running(Victim(tmp_path)) as victim:
        yield victim


def connect(victim: Victim, listener: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", victim.demo.listeners[listener]), timeout=8)


def ends(connection: socket.socket) -> bool:
    """Waits for the other side's end."""
    with suppress(ConnectionResetError):
        while connection.recv(65_536):
            pass
    return True


def alike(victim: Victim) -> list[Till]:
    """Eight terminals of one currency."""
    records = [record for record in victim.demo.terminals if record.listener == "nac"]
    places = [nth for nth, record in enumerate(records) if record.currency == records[0].currency]
    assert len(places) >= 10, "two more are neighbours"
    return [victim.till("nac", nth) for nth in places[2:10]]


def echo(till: Till) -> Message:
    return till.message("0800", "990000")


# -- connections -------------------------------------------------------------------------------------------------------
def test_a_full_listener_turns_newcomers_away_and_the_others_have_room(victim: Victim) -> None:
    with ExitStack() as crowd:
        for _ in range(FEW):
            crowd.enter_context(connect(victim, "ascii"))
        with connect(victim, "ascii") as refused:
            assert ends(refused)
        till = victim.till("nac")
        till.ask(echo(till)).expect("00")
        till.close()


def test_handshakes_that_never_end_are_limited_and_keep_nobody_out(victim: Victim) -> None:
    with ExitStack() as crowd:
        for _ in range(5 * FEW):
            crowd.enter_context(connect(victim, "nac-tls")).sendall(CLIENT_HELLO_BEGUN)
        merchant = victim.demo.merchants[0]
        with Line("nac", victim.demo.listeners["nac-tls"], victim.demo.tls_context(merchant)) as line:
            till = victim.till("nac")
            assert line.ask(echo(till)).rc == "00"
        assert victim.count_descriptors() < victim.descriptors + 2 * FEW


@pytest.mark.parametrize("listener", ["nac", "ascii", "nac-tls", "ascii-tls"])
def test_clients_that_reset_at_any_moment_leave_nothing(victim: Victim, listener: str) -> None:
    dialect = listener.removesuffix("-tls")
    till = victim.till(dialect)
    request = frame(dialect, encode(dialect, echo(till)))
    for words in (b"", CLIENT_HELLO_BEGUN, request, request[:9], request * 50):
        with connect(victim, listener) as connection:
            connection.sendall(words)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close is a reset


def test_a_tls_client_that_goes_after_its_handshake_leaves_nothing(victim: Victim) -> None:
    for certificate in (victim.demo.merchants[0], None):
        with suppress(ssl.SSLError, ConnectionError, WireError):
            Line("ascii", victim.demo.listeners["ascii-tls"], victim.demo.tls_context(certificate)).close()


@pytest.mark.slow
def test_few_descriptors_are_shared_and_accepting_goes_on(tmp_path: Path) -> None:
    """More clients than descriptors on one port: without a limit, accept fails on every port, health too."""
    victim = Victim(tmp_path, prefix=("prlimit", "--nofile=160:160"))
    with running(victim):
        with ExitStack() as crowd:
            for _ in range(200):
                crowd.enter_context(connect(victim, "ascii"))
            till = victim.till("nac")
            till.do(REDEEM, victim.cards(till.record.currency)[0], 100).expect("00")
            till.close()
            wait = crowd.enter_context(connect(victim, "ops"))
            wait.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
            assert wait.recv(100).startswith(b"HTTP/1.1 200 ")
        victim.check_unharmed()
        warning = next(json.loads(line) for line in victim.log.read_text().splitlines() if "few descriptors" in line)
        assert (
            warning["connections_possible"] == (160 - limits.DESCRIPTORS_KEPT - 2 * limits.OPS_CONNECTIONS_MAX) // 6
        )  # six listeners
        victim.stop()


# -- contention --------------------------------------------------------------------------------------------------------
def test_one_card_at_eight_terminals_at_once_is_spent_once(victim: Victim) -> None:
    tills = alike(victim)
    card = victim.cards(tills[0].record.currency)[1]
    held = tills[0].balance(card)
    amount = held // 20

    def spend(till: Till) -> list[tuple[str, int]]:
        answers = [till.do(REDEEM, card, amount) for _ in range(5)]
        return [(answer.rc, answer.available) for answer in answers]

    with ThreadPoolExecutor(len(tills)) as threads:
        told = [one for answers in threads.map(spend, tills) for one in answers]
    approved = [available for rc, available in told if rc == "00"]
    assert {rc for rc, _ in told} <= {"00", "51"}
    assert len(approved) == min(len(told), held // amount)
    assert sorted(approved, reverse=True) == [held - amount * (n + 1) for n in range(len(approved))]
    assert tills[0].balance(card) == held - amount * len(approved)
    for till in tills:
        till.close()


def test_one_message_a_hundred_times_on_each_of_four_lines_moves_value_once(victim: Victim) -> None:
    till = victim.till("nac", 2)
    card = victim.cards(till.record.currency)[2]
    held = till.balance(card)
    request = till.message("0200", REDEEM, card, 100)

    def flood(_: int) -> set[tuple[str, str]]:
        with till.new_line() as line:
            line.send_bytes(frame("nac", encode("nac", request)) * 100)
            return {(answer.rc, answer[37]) for answer in (line.receive() for _ in range(100))}

    with ThreadPoolExecutor(4) as threads:
        told = set().union(*threads.map(flood, range(4)))
    assert len(told) == 1
    assert next(iter(told))[0] == "00"
    assert till.balance(card) == held - 100
    till.close()


def test_a_flood_from_one_terminal_lets_its_neighbour_through(victim: Victim) -> None:
    """Four lines that send without reading; the neighbour's sales are approved, none hears 96."""
    till, neighbour = victim.till("nac", 0), victim.till("nac", 1)
    card = victim.cards(till.record.currency)[3]
    flood = b"".join(frame("nac", encode("nac", echo(till))) for _ in range(400))
    with ExitStack() as crowd:
        for _ in range(4):
            unread = crowd.enter_context(connect(victim, "nac"))
            unread.setblocking(False)
            with suppress(BlockingIOError):
                while unread.send(flood):
                    pass
        for _ in range(10):
            neighbour.do(REDEEM, card, 1).expect("00")
    neighbour.close()


# -- signals -----------------------------------------------------------------------------------------------------------
def spend_until_the_end(till: Till, card: Secret) -> tuple[int, Message | None]:
    """How many sales were approved, and the one that got no answer."""
    approved, request = 0, till.message("0200", REDEEM, card, 1)
    with suppress(OSError, WireError):
        while True:
            request = till.message("0200", REDEEM, card, 1)
            assert till.line.ask(request).rc == "00"
            approved += 1
    till.close()
    return approved, request


@pytest.mark.slow
@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM] * 3], ids=str)
def test_ending_under_load_answers_what_was_booked(own: Victim, signals: list[signal.Signals]) -> None:
    """After the restart, the repeat of each sale without answer finds books that are consistent with every answer."""
    tills = alike(own)
    cards = own.cards(tills[0].record.currency)[:1] * len(tills)
    held = tills[0].balance(cards[0])
    with ThreadPoolExecutor(len(tills)) as threads:
        spending = [threads.submit(spend_until_the_end, *pair) for pair in zip(tills, cards, strict=True)]
        neighbour = own.till("nac", 0)
        for _ in range(20):  # while the others are at it
            neighbour.ask(echo(neighbour)).expect("00")
        with connect(own, "nac"), connect(own, "nac-tls") as shaking, connect(own, "ascii") as half:
            shaking.sendall(CLIENT_HELLO_BEGUN)
            half.sendall(b"01")
            for number in signals:
                own.signal(number)
            assert own.wait() == 0
            assert ends(shaking)
            assert ends(half)
        told = [future.result() for future in spending]
    neighbour.close()
    own.start()
    approved = sum(count for count, _ in told)
    for till, (_, unanswered) in zip(tills, told, strict=True):
        assert unanswered is not None
        approved += till.ask(unanswered.but("0201")).rc == "00"
        till.close()
    reader = own.till("nac", 0)
    assert reader.balance(cards[0]) == held - approved
    reader.close()
    own.check_log()
    own.stop()


def test_a_reload_drops_no_connection_and_applies_nothing_of_a_wrong_file(victim: Victim) -> None:
    right = victim.file.read_text()
    till = victim.till("nac")
    line = till.line
    merchant = victim.demo.merchants[0]
    secure = Line("nac", victim.demo.listeners["nac-tls"], victim.demo.tls_context(merchant))
    certificate = victim.data / "tls/server.pem"
    whole = certificate.read_bytes()
    try:
        for wrong in ("", "not toml [", right.replace("idle_seconds = 900", "idle_seconds = 0"), right + "\nx = 1\n"):
            victim.file.write_text(wrong)
            assert reload(victim)
        victim.file.write_text(right)
        certificate.write_bytes(whole[:200])
        assert reload(victim)
        certificate.write_bytes(whole)
        assert reload(victim) == []
    finally:
        victim.file.write_text(right)
        certificate.write_bytes(whole)
    till.ask(echo(till)).expect("00")
    assert till.line is line
    assert secure.ask(echo(till)).rc == "00"
    secure.close()
    till.close()


def reload(victim: Victim) -> list[str]:
    """Why the files as they are now are refused; asked for by a signal too."""
    victim.signal(signal.SIGHUP)
    answer = exchange(connect_control(victim), b"POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    problems: list[str] = json.loads(answer[answer.index(b"{") :])["problems"]
    return problems


@pytest.mark.slow
def test_a_second_daemon_is_refused_and_a_killed_one_leaves_no_obstacle(own: Victim) -> None:
    command = [*TILLSWITCH, "serve", "--config", str(own.file)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 2
    assert re.fullmatch(r"tillswitch: .*only one daemon may use these books\n", second.stderr)
    own.check_unharmed()
    own.kill()
    assert (own.data / "control.sock").is_socket()
    own.start()
    own.check_unharmed()
    own.stop()
