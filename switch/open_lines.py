"""Open lines that outlive the daemon: the service manager keeps them, and the daemon that comes next goes on with them.

A line that closes may lose the message that is on its way; one that never closes loses none. Only what the process
itself does not need can be kept: a plain socket and what its session says of it, not TLS, whose keys end with us.

All lines travel in one descriptor, the *parcel*: a socket whose other end we have filled and closed. In it, in order: a
memory file with what is to be known of each line, then the lines' own sockets, many a message.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Final, Literal

import msgspec
import structlog

NAME: Final = "tillswitch-lines"  # of the parcel, at the service manager
_A_MESSAGE: Final = 250  # sockets; Linux takes 253

log = structlog.get_logger()


class OpenLine(msgspec.Struct, frozen=True, array_like=True):
    """A line whose every request has been answered; `state` is what its session says (TerminalSession.hand_over)."""

    listener: str
    dialect: str
    state: bytes


class _Contents(msgspec.Struct, array_like=True):
    version: Literal[1]  # another daemon may be another version of us
    lines: list[OpenLine]


class OpenLines:
    """What is to be handed over when the daemon ends."""

    def __init__(self) -> None:
        self._lines: list[OpenLine] = []
        self._sockets: list[int] = []

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: OpenLine, descriptor: int) -> None:
        """The descriptor of its socket is ours from now on."""
        self._lines.append(line)
        self._sockets.append(descriptor)

    def pack(self) -> tuple[socket.socket, int]:
        """The parcel, and how many lines are in it; those for which the system has no room are closed."""
        ours, parcel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        packed = 0
        with ours:
            ours.setblocking(False)
            contents = os.memfd_create("lines")
            with open(contents, "wb", closefd=False) as file:
                file.write(msgspec.msgpack.encode(_Contents(1, self._lines)))
            try:
                socket.send_fds(ours, [b"lines"], [contents])
                while packed < len(self._sockets):
                    some = self._sockets[packed : packed + _A_MESSAGE]
                    socket.send_fds(ours, [b"sockets"], some)
                    packed += len(some)
            except OSError as error:
                log.warning("lines closed", reason=error.strerror, lines=len(self._sockets) - packed)
            for descriptor in (contents, *self._sockets):
                os.close(descriptor)
        self._lines, self._sockets = [], []
        return parcel, packed


def unpack(parcel: socket.socket) -> list[tuple[OpenLine, socket.socket]]:
    """The lines of a parcel, in order; what cannot be understood is closed."""
    with parcel:
        parcel.setblocking(False)
        descriptors = list(_descriptors(parcel))
    sockets = [socket.socket(fileno=one) for one in descriptors[1:]]
    try:
        if not descriptors:
            return []
        with open(descriptors[0], "rb") as file:
            file.seek(0)
            contents = msgspec.msgpack.decode(file.read(), type=_Contents)
    except msgspec.DecodeError as error:
        log.warning("lines closed", reason=str(error), lines=len(sockets))
        for one in sockets:
            one.close()
        return []
    return list(zip(contents.lines, sockets, strict=False))


def _descriptors(parcel: socket.socket) -> Iterator[int]:
    """Everything in the parcel, up to where the system had no more room for us."""
    while True:
        try:
            data, found, flags, _ = socket.recv_fds(parcel, 16, _A_MESSAGE)
        except BlockingIOError:  # not filled and closed by us: whoever has the other end may wait
            return
        for descriptor in found:
            os.set_inheritable(descriptor, False)
        yield from found
        if not data or flags & socket.MSG_CTRUNC:
            return
