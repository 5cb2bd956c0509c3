"""What every connection of a terminal is, whatever is spoken on it."""

import os
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence

import trio

from simulators.journal import Item
from simulators.wire import Message


class LineDown(Exception):
    """There is no connection, or it broke. The text says which and what may be the matter."""


class Line(ABC):
    """A connection, whatever is spoken on it."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.session: list[str] = []  # what went over it for the last request, where characters mean something

    @abstractmethod
    async def send(self, request: Message) -> None: ...

    @abstractmethod
    async def receive(self) -> Message:
        """The next message, whoever it is for."""

    @property
    def hung_up(self) -> bool:
        """The switch has closed it already, so that nothing need be sent into it. Only a plain line shows that."""
        if not isinstance(self._stream, trio.SocketStream):
            return False
        with socket.socket(fileno=os.dup(self._stream.socket.fileno())) as line:
            try:
                return line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)

    async def _read(self) -> bytes:
        try:
            data = bytes(await self._stream.receive_some())
        except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError):
            raise LineDown("the connection broke while waiting") from None
        if not data:
            raise LineDown("the switch closed the connection")
        return data


class BatchLine(Line):
    """A line that has a session of its own for a whole batch."""

    @property
    @abstractmethod
    def takes_batches(self) -> bool:
        """Now: requests of another kind may have begun on it."""

    @abstractmethod
    async def upload(self, settlement: Message, items: Sequence[Item]) -> Message:
        """A whole batch, and what it was answered."""
