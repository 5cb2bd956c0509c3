"""One connection to a listener, plain or TLS: messages out, messages in. Timeouts are the caller's scopes."""

import ssl
from pathlib import Path

import trio

from simulators.codecs import Dialect
from simulators.demo import Demo, DemoError, DemoTerminal, dialect_of
from simulators.framing import FrameReader, frame, split_frame, tpdu
from simulators.line import Line, LineDown
from simulators.visa2_link import Visa2Line
from simulators.visa2_manner import Manner
from simulators.wire import Message, WireError, decode, encode


class Link(Line):
    """A connection of ISO 8583: it frames what it sends and unframes what it receives."""

    def __init__(self, stream: trio.abc.Stream, dialect: Dialect, address: bytes) -> None:
        super().__init__(stream)
        self._dialect = dialect
        self._address = address
        self._reader = FrameReader(dialect)

    async def send(self, request: Message) -> None:
        data = frame(encode(request, self._dialect), self._dialect, self._address)
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError):
            raise LineDown("the connection broke while sending") from None

    async def receive(self) -> Message:
        try:
            while (payload := self._reader.next_payload()) is None:
                self._reader.feed(await self._read())
            body = split_frame(payload, self._dialect)[1]
        except WireError as error:
            raise LineDown(f"what came is no frame: {error.text}") from None
        try:
            return decode(body, self._dialect)
        except WireError as error:
            raise LineDown(f"the answer cannot be read: {error.text}, byte {error.offset}") from None


async def open_link(
    demo: Demo,
    terminal: DemoTerminal,
    listener: str,
    host: str,
    *,
    persistent: bool = True,
    manner: Manner = Manner(),  # noqa: B008 - frozen
) -> Line:
    """Connect as a terminal of its merchant; `persistent`: for several messages; `manner`: how it speaks VISA-2."""
    port = demo.port(listener)
    dialect = dialect_of(listener)
    context = tls_context(demo, terminal.merchant_id) if listener.endswith("-tls") else None
    try:
        stream: trio.abc.Stream = await trio.open_tcp_stream(host, port)
    except OSError:
        raise LineDown(f"nothing answers on {host}:{port} ({listener}); is `tillswitch serve` running?") from None
    if context:
        stream = await _secure(stream, context, host)
    if dialect == "visa2":
        return Visa2Line(stream, terminal, manner, persistent=persistent)
    return Link(stream, dialect, tpdu(terminal.nii))


def tls_context(demo: Demo, merchant_id: str) -> ssl.SSLContext:
    """Trust only the demo's own authority, and show the merchant's certificate."""
    if demo.tls is None or merchant_id not in demo.tls.merchants:
        raise DemoError(f"{demo.path} has no client certificate for the merchant {merchant_id}")
    client = demo.tls.merchants[merchant_id]
    folder = demo.path.parent
    try:
        context = ssl.create_default_context(cafile=_path(folder, demo.tls.ca))
        context.load_cert_chain(_path(folder, client.cert), _path(folder, client.key))
    except OSError as error:  # ssl.SSLError is one
        raise DemoError(f"the certificates named in {demo.path} cannot be used: {error.strerror or error}") from None
    return context


def _path(folder: Path, name: str) -> str:
    """Paths in demo.json may be relative to it, so that the folder can be moved."""
    path = Path(name)
    return str(path if path.is_absolute() or path.exists() else folder / path)


async def _secure(stream: trio.abc.Stream, context: ssl.SSLContext, host: str) -> trio.SSLStream[trio.abc.Stream]:
    secure = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
    try:
        await secure.do_handshake()
    except (trio.BrokenResourceError, ssl.SSLError) as error:
        await trio.aclose_forcefully(stream)
        reason = getattr(error.__cause__, "reason", None) or "handshake refused"
        raise LineDown(f"no TLS connection: {reason}") from None
    except trio.Cancelled:
        await trio.aclose_forcefully(stream)
        raise
    return secure
