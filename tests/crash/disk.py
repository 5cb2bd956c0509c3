"""A disk that fails when told to: a layer of the tests' own between SQLite and its files (sqlite.org/vfs.html).

It also knows what a power cut would leave: what was written counts only after a sync that succeeded. After one that
failed, the system keeps showing what was written, as Linux does, but none of it has reached the disk or ever will.
"""

import ctypes
import os
import sqlite3
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from enum import Enum
from pathlib import Path
from typing import Any, Self

_Open = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p, c_int, POINTER(c_int))
_Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        ("version", c_int), ("close", c_void_p), ("read", c_void_p), ("write", _Write), ("truncate", _Truncate),
        ("sync", _Sync), ("rest", c_void_p * 13),
    )  # fmt: skip


class _File(ctypes.Structure):
    _fields_ = (("methods", POINTER(_Methods)),)


class _VFS(ctypes.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = (
        ("version", c_int), ("file_size", c_int), ("path_max", c_int), ("next", c_void_p), ("name", c_char_p),
        ("data", c_void_p), ("open", _Open), ("delete", _Delete), ("rest", c_void_p * 13),
    )  # fmt: skip


class Fault(Enum):
    """Which call goes wrong, and what SQLite is told."""

    FULL = "write", sqlite3.SQLITE_FULL
    WRITE = "write", sqlite3.SQLITE_IOERR_WRITE
    SYNC = "sync", sqlite3.SQLITE_IOERR_FSYNC

    def __init__(self, call: str, code: int) -> None:
        self.call, self.code = call, code


def find_library() -> Any:
    """The SQLite that Python uses; None where it is built into Python and cannot be reached."""
    try:
        library = ctypes.CDLL("libsqlite3.so.0")
    except OSError:
        return None
    library.sqlite3_sourceid.restype = c_char_p
    library.sqlite3_vfs_find.restype = POINTER(_VFS)
    (used,) = sqlite3.connect(":memory:").execute("SELECT sqlite_source_id()").fetchone()
    return library if library.sqlite3_sourceid().decode() == used else None


class Disk:
    """SQLite's default way to files while the `with` lasts."""

    def __init__(self, library: Any) -> None:
        self.calls = 0  # of the kind that is to fail
        self._library = library
        self._fault: Fault | None = None
        self._at, self._dead = 0, False
        self._paths: dict[int, str] = {}
        self._durable: dict[str, bytearray] = {}
        self._pending: dict[str, list[Callable[[bytearray], None]]] = {}
        self._seen: dict[str, int] = {}  # when each file was last written through us
        self._real: _VFS = library.sqlite3_vfs_find(None).contents
        self._methods: dict[int, _Methods] = {}
        self._vfs = _VFS.from_buffer_copy(self._real)
        self._vfs.name, self._vfs.next = b"faulty", None
        self._vfs.open, self._vfs.delete = _Open(self._open), _Delete(self._delete)

    def __enter__(self) -> Self:
        self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1)
        return self

    def __exit__(self, *raised: object) -> None:
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))

    # -- what happens to it -------------------------------------------------------------------------------------------

    def fail(self, fault: Fault, at: int) -> None:
        """The `at`-th call from now on fails; and if the disk is full, so do all after it."""
        self._fault, self._at, self.calls = fault, at, 0

    def heal(self) -> None:
        self._fault = None

    def die(self) -> None:
        """The process is gone: whatever SQLite does while it closes has no effect."""
        self._dead = True

    def restart(self, *, power_cut: bool) -> None:
        """A new process; after a power cut, on nothing but what was synced."""
        self._dead, self._fault = False, None
        if power_cut:
            for path, content in self._durable.items():
                Path(path).write_bytes(content)
                self._seen[path] = os.stat(path).st_mtime_ns
            self._pending = {path: [] for path in self._durable}

    @property
    def struck(self) -> bool:
        return self._at <= self.calls

    # -- what SQLite calls --------------------------------------------------------------------------------------------

    def _open(self, vfs: int, name: bytes, file: int, flags: int, out: Any) -> int:
        code = int(self._real.open(vfs, name, file, flags, out))
        opened = ctypes.cast(file, POINTER(_File)).contents
        if code == sqlite3.SQLITE_OK and name and opened.methods:
            opened.methods = ctypes.pointer(self._ours(opened.methods.contents))
            self._paths[file] = path = name.decode()
            if path not in self._durable or os.stat(path).st_mtime_ns != self._seen.get(path):
                self._durable[path], self._pending[path] = bytearray(Path(path).read_bytes()), []
            self._look(path)
        return code

    def _ours(self, theirs: _Methods) -> _Methods:
        """The same methods with ours in front. The books have other ones than files that nobody locks."""
        key = ctypes.addressof(theirs)
        if key not in self._methods:
            ours = self._methods[key] = _Methods.from_buffer_copy(theirs)
            ours.write, ours.sync, ours.truncate = _Write(self._write), _Sync(self._sync), _Truncate(self._truncate)
            self._through = theirs  # these three are the same for all files
        return self._methods[key]

    def _delete(self, vfs: int, name: bytes, sync_folder: int) -> int:
        if self._dead:
            return sqlite3.SQLITE_IOERR_DELETE
        self._durable.pop(name.decode(), None)
        return int(self._real.delete(vfs, name, sync_folder))

    def _write(self, file: int, data: int, size: int, offset: int) -> int:
        code = self._strikes("write")
        if code and self._dead:
            return code
        if code:
            size //= 2  # the first half of it still went through
        content = ctypes.string_at(data, size)
        self._note(file, lambda durable: _put(durable, offset, content))
        done = int(self._through.write(file, data, size, offset))
        self._look(self._paths[file])
        return code or done

    def _truncate(self, file: int, size: int) -> int:
        if self._dead:
            return sqlite3.SQLITE_IOERR_TRUNCATE
        self._note(file, lambda durable: durable.__delitem__(slice(size, None)))
        done = int(self._through.truncate(file, size))
        self._look(self._paths[file])
        return done

    def _sync(self, file: int, flags: int) -> int:
        code = self._strikes("sync")
        path = self._paths[file]
        if not code:
            for change in self._pending[path]:
                change(self._durable[path])
        if not self._dead:
            self._pending[path] = []  # synced; or given up by the system, and never tried again
        return code or int(self._through.sync(file, flags))

    def _strikes(self, call: str) -> int:
        if self._dead:
            return sqlite3.SQLITE_IOERR
        if self._fault is None or call != self._fault.call:
            return sqlite3.SQLITE_OK
        self.calls += 1
        now = self.calls == self._at or (self._fault is Fault.FULL and self.calls > self._at)
        return self._fault.code if now else sqlite3.SQLITE_OK

    def _note(self, file: int, change: Callable[[bytearray], None]) -> None:
        self._pending[self._paths[file]].append(change)

    def _look(self, path: str) -> None:
        self._seen[path] = os.stat(path).st_mtime_ns


def _put(durable: bytearray, offset: int, content: bytes) -> None:
    if len(durable) < offset:
        durable.extend(bytes(offset - len(durable)))
    durable[offset : offset + len(content)] = content
