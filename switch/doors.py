"""The doors that terminals come in by: a socket for each listener, and as many connections as there is room for."""

from __future__ import annotations

import resource
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain

import msgspec
import structlog
import trio

from specs import limits
from specs.dialects import Dialect, TPDUMode, find_dialect
from switch.config import ListenerConfig
from switch.open_lines import unpack
from switch.server import Listener, Server
from switch.tls import server_context

BACKLOG = 1024  # connections the system keeps while the loop is busy: a whole chain reconnecting after an outage

log = structlog.get_logger()


class CannotListen(Exception):
    """A door cannot be opened: the port is taken, or the address is not ours."""


@contextmanager
def door(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotListen(f"cannot listen on {name}: {error.strerror or error}") from None


def make_listeners(configs: Sequence[ListenerConfig]) -> list[Listener]:
    """A listener of each configuration, not open yet.

    Raises:
        TLSError: a certificate or key cannot be used.
    """
    places = _places(configs)
    return [_listener(config, places) for config in configs]


def _listener(config: ListenerConfig, places: int) -> Listener:
    dialect = find_dialect(config.dialect)
    if isinstance(dialect, Dialect) and config.tpdu == "echo" and dialect.tpdu is TPDUMode.SWAP:
        dialect = msgspec.structs.replace(dialect, tpdu=TPDUMode.ECHO)
    return Listener(config, dialect, server_context(config.tls) if config.tls else None, places)


async def open_doors(
    listeners: Sequence[Listener],
    server: Server,
    draining: trio.Event,
    conversations: trio.Nursery,
    given: Mapping[str, Sequence[socket.socket]],
) -> dict[str, int]:
    """Open every door; a task for each accepts until draining begins.

    Args:
        given: Sockets that are open already, by the name of their listener.

    Returns:
        The port of each listener.

    Raises:
        CannotListen: a port is taken, or an address is not ours.
    """
    ports = {}
    for listener in listeners:
        config = listener.config
        sockets = [_as_listener(one) for one in given.get(config.name, ())]
        if not sockets:
            with door(f"{config.name}: {config.host} port {config.port}"):
                sockets = await trio.open_tcp_listeners(config.port, host=config.host, backlog=BACKLOG)
        ports[config.name] = sockets[0].socket.getsockname()[1]
        conversations.start_soon(_accept, listener, server, sockets, draining, conversations)
    return ports


def go_on(
    parcels: Sequence[socket.socket], listeners: Sequence[Listener], server: Server, conversations: trio.Nursery
) -> None:
    """Go on with the lines that the daemon before us has handed over, where they would be let in as they are."""
    found = {(one.config.name, one.config.dialect): one for one in listeners if one.tls is None}
    taken = closed = 0
    for line, sock in chain.from_iterable(map(unpack, parcels)):
        listener = found.get((line.listener, line.dialect))
        if listener is None:
            sock.close()
            closed += 1
        else:
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
            conversations.start_soon(_talk, listener, server, stream, line.state)
            taken += 1
    if parcels:
        log.info("lines taken over", lines=taken, closed=closed)


def check_given(given: Mapping[str, Sequence[socket.socket]], names: Sequence[str]) -> None:
    """
    Raises:
        CannotListen: a socket was handed over that belongs to no listener; its terminals would wait for ever.
    """
    for name in given:
        if name not in names:
            raise CannotListen(f"a socket called {name} was handed over; the listeners are {', '.join(names)}")


def _as_listener(given: socket.socket) -> trio.SocketListener:
    return trio.SocketListener(trio.socket.from_stdlib_socket(given))


async def _accept(
    listener: Listener,
    server: Server,
    sockets: list[trio.SocketListener],
    draining: trio.Event,
    conversations: trio.Nursery,
) -> None:
    async def talk(stream: trio.SocketStream) -> None:
        await _talk(listener, server, stream)

    with trio.CancelScope() as accepting:
        async with trio.open_nursery() as watching:
            watching.start_soon(_cancel_when, draining, accepting)
            await trio.serve_listeners(talk, sockets, handler_nursery=conversations)


async def _talk(listener: Listener, server: Server, stream: trio.SocketStream, kept: bytes = b"") -> None:
    try:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await server.serve_socket(listener, stream, kept)
    except Exception:
        log.exception("connection failed", listener=listener.config.name)


def _places(configs: Sequence[ListenerConfig]) -> int:
    """How many connections each listener may have, so that one full listener leaves the others theirs.

    The process asks for as many descriptors as it may have; an accept that fails would stall every listener.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return sys.maxsize
    room = descriptors - limits.DESCRIPTORS_KEPT - 2 * limits.OPS_CONNECTIONS_MAX
    places = max(1, room // len(configs))
    wanted = max(map(_places_wanted, configs))
    if places < wanted:
        log.warning("few descriptors", descriptors=descriptors, connections_max=wanted, connections_possible=places)
    return places


def _places_wanted(config: ListenerConfig) -> int:
    """What is missed if it is not there: the default is what a door may have, another number what a site needs."""
    default = config.connections_max == limits.CONNECTIONS_MAX
    return limits.CONNECTIONS_FEW if default else config.connections_max


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
