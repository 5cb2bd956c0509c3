"""Lines that outlive the daemon: packed into one descriptor, unpacked by the next; else closed, never left open."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from switch import open_lines
from switch.open_lines import OpenLine, OpenLines, unpack


def line(number: int) -> OpenLine:
    return OpenLine("nac", "nac", b"%d" % number)


def connected(count: int) -> tuple[OpenLines, list[socket.socket]]:
    """As many lines, and the terminals' ends of them."""
    lines, ends = OpenLines(), []
    for number in range(count):
        ours, theirs = socket.socketpair()
        lines.add(line(number), ours.detach())
        theirs.settimeout(5)
        ends.append(theirs)
    return lines, ends


def is_closed(end: socket.socket) -> bool:
    return end.recv(1) == b""


def test_every_line_arrives_with_what_was_said_of_it() -> None:
    lines, ends = connected(2 * open_lines._A_MESSAGE + 1)
    parcel, packed = lines.pack()
    assert (packed, len(lines)) == (len(ends), 0)
    found = unpack(parcel)
    for number, (end, (what, sock)) in enumerate(zip(ends, found, strict=True)):
        assert what == line(number)
        assert not sock.get_inheritable()
        end.send(b"%d" % number)
        assert sock.recv(10) == b"%d" % number
        sock.close()
        assert is_closed(end), "nobody else holds it"
        end.close()


def test_a_parcel_nobody_takes_closes_its_lines() -> None:
    lines, ends = connected(3)
    parcel, _ = lines.pack()
    parcel.close()
    for end in ends:
        assert is_closed(end)
        end.close()


def test_lines_without_room_are_closed_and_the_others_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    make: Callable[..., tuple[socket.socket, socket.socket]] = socket.socketpair

    def narrow(family: int, kind: int) -> tuple[socket.socket, socket.socket]:
        ours, theirs = make(family, kind)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        return ours, theirs

    lines, ends = connected(100)
    with monkeypatch.context() as patched:
        patched.setattr(open_lines, "_A_MESSAGE", 10)
        patched.setattr(socket, "socketpair", narrow)
        parcel, packed = lines.pack()
    assert 0 < packed < len(ends)
    found = unpack(parcel)
    assert [what for what, _ in found] == [line(number) for number in range(packed)]
    for end in ends[packed:]:
        assert is_closed(end)
    for sock in (*ends, *(sock for _, sock in found)):
        sock.close()


@pytest.mark.parametrize(
    "said", [b"", b"\xc1", msgspec.msgpack.encode([2, []]), msgspec.msgpack.encode([1, [["nac"]]])]
)
def test_what_another_version_says_is_not_guessed_at(said: bytes, tmp_path: Path) -> None:
    ours, parcel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end, handed = socket.socketpair()
    (tmp_path / "contents").write_bytes(said)
    with ours, handed, (tmp_path / "contents").open("rb") as contents:
        socket.send_fds(ours, [b"x"], [contents.fileno()])
        socket.send_fds(ours, [b"x"], [handed.fileno()])
    assert unpack(parcel) == []
    end.settimeout(5)
    assert is_closed(end)
    end.close()


def test_an_empty_parcel_and_one_whose_sender_still_writes_hold_nobody_up() -> None:
    ours, parcel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        assert unpack(parcel) == []
    lines, _ = connected(0)
    parcel, packed = lines.pack()
    assert (packed, unpack(parcel)) == (0, [])


def test_no_descriptor_is_left() -> None:
    before = os.listdir("/proc/self/fd")
    lines, ends = connected(3)
    parcel, _ = lines.pack()
    for _, sock in unpack(parcel):
        sock.close()
    for end in ends:
        end.close()
    assert os.listdir("/proc/self/fd") == before
