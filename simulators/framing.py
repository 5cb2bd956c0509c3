"""The frames messages travel in: length and TPDU for `nac`, four digits for `ascii`. No sockets here."""

from simulators.wire import FRAME_BYTES_MAX, Dialect, WireError

TPDU_BYTES = 5


def tpdu(nii: str, originator: str = "0000") -> bytes:
    """`60`, where to (the NII of the host), where from (zero for a terminal on its own line)."""
    return bytes.fromhex("60" + nii.zfill(4) + originator)


def frame(body: bytes, dialect: Dialect, address: bytes) -> bytes:
    """A body as it goes onto the line. `address` is the TPDU; `ascii` has none."""
    if dialect == "ascii":
        return b"%04d" % len(body) + body
    return (len(body) + TPDU_BYTES).to_bytes(2, "big") + address + body


def split_frame(payload: bytes, dialect: Dialect) -> tuple[bytes, bytes]:
    """TPDU and body of what a frame held."""
    if dialect == "ascii":
        return b"", payload
    if payload[:1] != b"\x60" or len(payload) <= TPDU_BYTES:
        raise WireError("the frame does not begin with a TPDU (60 and four more bytes) and a message")
    return payload[:TPDU_BYTES], payload[TPDU_BYTES:]


class FrameReader:
    """Cuts a stream of bytes into what its frames hold, however the line sliced it."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray) -> None:
        self._buffer += data

    def next_payload(self) -> bytes | None:
        """The next whole frame without its length, or None while it is not all there. Keep-alives are passed over."""
        while (length := self._length()) is not None:
            width = 2 if self._dialect == "nac" else 4
            if length > FRAME_BYTES_MAX:
                raise WireError(f"a frame of {length} bytes; no message is longer than {FRAME_BYTES_MAX}")
            if len(self._buffer) < width + length:
                return None
            payload = bytes(self._buffer[width : width + length])
            del self._buffer[: width + length]
            if payload:
                return payload
        return None

    def _length(self) -> int | None:
        if self._dialect == "nac":
            return int.from_bytes(self._buffer[:2], "big") if len(self._buffer) >= 2 else None
        if len(self._buffer) < 4:
            return None
        digits = bytes(self._buffer[:4])
        if not digits.isdigit():
            raise WireError("the length of a frame is not four digits")
        return int(digits)
