"""A terminal's socket, plain or TLS, whatever is spoken over it."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType
from typing import Self

ANSWER_SECONDS = 8.0  # longer than any honest answer takes here, shorter than a patient reader


class Connection:
    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.unread = b""
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            plain = self.sock
            try:
                self.sock = tls.wrap_socket(plain)
            except BaseException:
                plain.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def send_bytes(self, data: bytes) -> None:
        self.sock.sendall(data)
