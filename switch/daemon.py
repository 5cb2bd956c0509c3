"""The daemon: who owns whom, in which order things start, and in reverse, how they stop.

Store around everything, then the service, the conversations, the listeners, the ops and control pages. SIGTERM: no new
connections, what was accepted is answered, the store closes last. Losing the store ends the process with code 70.
"""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import structlog
import trio
from starlette.routing import Route

from specs import limits
from switch import __version__
from switch.activation import take_sockets
from switch.books import Books
from switch.config_file import load_config, restart_keys
from switch.confirmations import Confirmations
from switch.control import control_app
from switch.core.commands import ApplyProgramme
from switch.core.decision import BatchEvent
from switch.core.deliveries import Delivery
from switch.core.presence import TerminalEvent
from switch.core.programme import ProgrammeError
from switch.doors import CannotListen, check_given, door, go_on, make_listeners, open_doors
from switch.expiry import Expiry
from switch.heartbeat import Heartbeat
from switch.http_server import serve_ops, serve_unix
from switch.live import Live
from switch.log_writer import LogWriter
from switch.logs import configure_logs, wants_json
from switch.metrics import Metrics
from switch.open_lines import NAME, OpenLines
from switch.ops import ops_app
from switch.ops_access import read_token
from switch.reporting import log_batches, log_group, log_terminals, log_trouble, report_bug
from switch.schedules import Days
from switch.server import Listener, Server
from switch.service import Service
from switch.settings import ConfigError
from switch.store.open import open_store
from switch.store.port import StoreError
from switch.supervisor import Supervisor
from switch.surroundings import Surroundings
from switch.terminal_pages import terminals_route
from switch.tls import TLSError, server_context
from switch.vault import Vault
from switch.webhooks import Webhook, Webhooks, deliveries_of

EXIT_LOST = 70  # EX_SOFTWARE: the supervisor starts us again, and the store tells the truth

log = structlog.get_logger()


class Daemon:
    """One running switch. `serve` is its whole life."""

    def __init__(
        self, file: Path, announce: Callable[[Daemon], None] = lambda daemon: None, *, migrate: bool = False
    ) -> None:
        self.file = file
        self.config = load_config(file)
        self.ports: dict[str, int] = {}
        self._announce, self._migrate = announce, migrate
        self._draining = trio.Event()
        self._listeners: list[Listener] = []
        self._serving = False  # every door is open
        self.live: Live | None = None
        self.supervisor = Supervisor()
        self._given = take_sockets()
        self._parcels = self._given.pop(NAME, [])
        self._staying = OpenLines() if self.supervisor.keeps else None
        check_given(self._given, [listener.name for listener in self.config.listeners])

    def run(self) -> int:
        """Serve until told to stop; the exit code."""
        with LogWriter(sys.stdout) as self._log_writer:
            self._configure_logs()
            vault = Vault.open(self.config.vault.master_key, self.config.vault.keys)
            with closing(open_store(self.config.store, migrate=_log_migration if self._migrate else None)) as store:
                return self._run(Books(store, vault.seal_key, self.config.node, report_bug, self._outbox), vault)

    def _run(self, books: Books, vault: Vault) -> int:
        self._begin_programme(books)
        exit_code = 0
        closed_door: BaseException | None = None
        try:
            trio.run(self._serve, books, vault)
        except* (StoreError, AssertionError) as faults:
            fault = _only(faults)
            event = "store lost" if isinstance(fault, StoreError) else "assertion failed in the books"
            log.critical(event, reason=str(fault), exc_info=fault)
            exit_code = EXIT_LOST
        except* CannotListen as faults:
            closed_door = _only(faults)
        if closed_door:
            raise closed_door
        return exit_code

    def _configure_logs(self) -> None:
        wanted = self.config.log_format
        configure_logs(self.config.log_level, wants_json(wanted, self._log_writer), self._log_writer)

    def _begin_programme(self, books: Books) -> None:
        """New books begin with the configured programme.

        Raises:
            ProgrammeError: it is wrong.
        """
        if books.programme.version == 0 and self.config.programme:
            text = self.config.programme.read_text("utf-8")
            (reply,) = books.run_group([ApplyProgramme(text)], _now())
            if reply.display:
                raise ProgrammeError(f"{self.config.programme}: {reply.display}")

    async def _serve(self, books: Books, vault: Vault) -> None:
        server = self._prepare(books, vault)
        heartbeat = Heartbeat(self.service, self.metrics, _now)
        ended = trio.Event()
        async with trio.open_nursery() as nursery:  # lives until everything is answered
            expiry = Expiry(self.service, lambda: self.config.schedules.expire_points, _now)
            for task in (
                *(self.service.run, self._tidy, self.days.run, expiry.run, Confirmations(self.service, _now).run),
                *(self.webhooks.run, self.surroundings.measure_loop),
            ):
                nursery.start_soon(task)
            await nursery.start(heartbeat.run)
            gc.freeze()  # what is there from the start is never garbage: no collection has to look through it again
            self.live = Live(self.metrics, heartbeat, self._tell_live, self.config.node, _now)
            nursery.start_soon(self.live.run)
            await self._open_pages(nursery, self.live.routes(), ended)
            await self._converse(server, nursery)
            with trio.move_on_after(limits.SEND_SECONDS):  # the store may be away
                await heartbeat.fold_all()
            if self._staying:
                await self._hand_over(self._staying)
            log.info("drained")
            ended.set()
            nursery.cancel_scope.cancel()

    def _prepare(self, books: Books, vault: Vault) -> Server:
        self.metrics = Metrics(listener.name for listener in self.config.listeners)
        self.metrics.log_lines_lost.set_function(lambda: self._log_writer.lost)
        self.service = Service(
            books,
            vault,
            self.metrics,
            applications=self.config.applications,
            answer_seconds=self.config.limits.answer_seconds,
            queue_max=self.config.limits.queue_max,
            group_max=self.config.limits.group_max,
            log=log_group,
            tell_trouble=log_trouble,
            tell_batches=self._tell_batches,
            tell_terminals=self._tell_terminals,
        )
        self.days = Days(self.service, self.metrics, _now)
        ops = self.config.ops
        self._ops_access = read_token(ops.token) if ops.token else None, server_context(ops.tls) if ops.tls else None
        self.surroundings = Surroundings(self.metrics, self.config, lambda: not self._not_ready())
        hooks = [Webhook(webhook) for webhook in self.config.webhooks]
        self.metrics.begin_webhooks(webhook.name for webhook in hooks)
        self.webhooks = Webhooks(self.service, self.metrics, hooks, _now)
        self._listeners = make_listeners(self.config.listeners)
        return Server(self.service, self.metrics, lambda: self.config, self._draining, self._staying)

    async def _open_pages(self, nursery: trio.Nursery, live: Sequence[Route], ended: trio.Event) -> None:
        """What people and programs look at: the ops port, and the control socket of the commands."""
        ops = self.config.ops
        token, context = self._ops_access
        terminals = terminals_route(self.service.presences, _now)
        app = ops_app(self.metrics.registry, self._not_ready, [terminals, *live], token)
        with door(f"ops: {ops.host} port {ops.port}"):
            self.ports["ops"] = await nursery.start(
                partial(serve_ops, app, ops.host, ops.port, shutdown=ended, tls=context)
            )
        control = control_app(self.service, self.reload, self.status, [terminals])
        with door(f"control socket {self.config.control_socket}"):
            await nursery.start(partial(serve_unix, control, self.config.control_socket, shutdown=ended))

    async def _converse(self, server: Server, nursery: trio.Nursery) -> None:
        """With terminals, until all is answered that came before we were told to stop."""
        async with trio.open_nursery() as conversations:
            await nursery.start(self._watch_signals)
            self.ports |= await open_doors(self._listeners, server, self._draining, conversations, self._given)
            go_on(self._parcels, self._listeners, server, conversations)
            if self._parcels:
                self.supervisor.forget(NAME)
            self._serving = True
            self.supervisor.ready(self._status_line())
            nursery.start_soon(self.supervisor.watch, self._ask_store, self._status_line)
            log.info("serving", **{f"{name}_port": port for name, port in self.ports.items()})
            with suppress(OSError):  # nobody has to listen
                self._announce(self)
            await self._draining.wait()
            conversations.cancel_scope.deadline = trio.current_time() + self.config.limits.drain_seconds

    async def _hand_over(self, lines: OpenLines) -> None:
        parcel, count = lines.pack()
        with parcel:
            kept = await self.supervisor.keep(NAME, parcel.fileno())
        log.info("lines handed over" if kept else "nobody keeps our lines", lines=count)

    def drain(self) -> None:
        """Stop as told: nothing new, what was accepted is answered."""
        self.supervisor.stopping()
        self._draining.set()

    async def _watch_signals(self, task_status: trio.TaskStatus[None]) -> None:
        """To the end: while we drain, a second SIGTERM is answered by patience, not by the system's sudden death."""
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, signal.SIG_IGN)  # what comes into force again at the end: the store closes in peace
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            task_status.started()
            async for number in signals:
                if self._draining.is_set():
                    log.info("already draining", signal=signal.Signals(number).name)
                elif number == signal.SIGHUP:
                    self.supervisor.reloading()
                    self.reload()
                    self.supervisor.ready(self._status_line())
                else:
                    log.info("draining", signal=signal.Signals(number).name)
                    self.drain()

    def reload(self) -> list[str]:
        """Read the configuration again and use what can change now; a wrong file changes nothing.

        Returns:
            What is in the way, as sentences; empty if all is as the file says.
        """
        try:
            config = load_config(self.file)
            rest = restart_keys(self.config, config)
            contexts = [server_context(listener.tls) if listener.tls else None for listener in config.listeners]
        except (ConfigError, TLSError) as error:
            log.error("reload refused", reason=str(error))
            self.surroundings.reload_failed()
            return [str(error)]
        if rest:
            sentences = [f"{key} changes with a restart only" for key in rest]
            log.error("reload refused", reason="; ".join(sentences))
            self.surroundings.reload_failed()
            return sentences
        self.config = config
        for listener, listener_config, context in zip(self._listeners, config.listeners, contexts, strict=True):
            listener.config, listener.tls = listener_config, context
        self.service.answer_seconds = config.limits.answer_seconds
        self.surroundings.use(config)
        self._configure_logs()
        log.info("reloaded")
        return []

    def status(self) -> dict[str, object]:
        """What an operator wants to know first."""
        seal = self.service.books.seal
        return {
            "version": __version__,
            "ready": not self._not_ready(),
            "trouble": self._not_ready(),
            "ports": self.ports,
            "connections": {listener.config.name: listener.connections for listener in self._listeners},
            "programme": self.service.books.programme.version,
            "seal": {"daemon": seal.daemon, "number": seal.number, "seal": seal.mac.hex()} if seal else None,
        }

    def _tell_live(self) -> tuple[list[str], dict[str, int]]:
        return self._not_ready(), {listener.config.name: listener.connections for listener in self._listeners}

    async def _ask_store(self) -> None:
        """Anything, so that it shows that it answers."""
        await self.service.ask_store(self.service.books.store.last_seal, "")

    def _status_line(self) -> str:
        """For `systemctl status`."""
        connections = sum(listener.connections for listener in self._listeners)
        return f"{'; '.join(self._not_ready()) or 'ready'}, {connections} connections"

    def _not_ready(self) -> list[str]:
        reasons = [self.service.trouble] if self.service.trouble else []
        if not self._serving:
            reasons.append("starting")
        return [*reasons, *(["draining"] if self._draining.is_set() else [])]

    def _tell_batches(self, events: Sequence[BatchEvent]) -> None:
        self.metrics.batches_changed(events)
        log_batches(events)
        self.days.note(events)

    def _outbox(self, event: TerminalEvent, event_id: str) -> Sequence[Delivery]:
        return deliveries_of(event, event_id, self.config.webhooks)

    def _tell_terminals(self, events: Sequence[TerminalEvent]) -> None:
        self.webhooks.wake()
        if self.live:
            self.live.note(events)
        self.metrics.terminals_changed(events)
        log_terminals(events)

    async def _tidy(self) -> None:
        """Once a minute: what has outlived its use goes, a slice at a time; the newest seal goes to the log."""
        while True:
            await trio.sleep(60)
            await self.service.tidy()
            seal = self.service.books.seal
            if seal:
                log.info("seal", daemon=seal.daemon, number=seal.number, seal=seal.mac.hex())


def _log_migration(done: str) -> None:
    log.warning("books brought up to date", done=done)


def _now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception inside nested groups."""
    first = group.exceptions[0]
    return _only(first) if isinstance(first, BaseExceptionGroup) else first
