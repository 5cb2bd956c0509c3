"""A small JSON file that several `tillsim` may change: under a lock, and replaced in one step."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Generic, TypeVar

import msgspec

from simulators.demo import DemoError

T = TypeVar("T")


class LockedFile(Generic[T]):
    """`read` for a look, `change` to alter it. Readable by its owner only: there are card numbers in it.

    Args:
        content: The type of what it holds.
        empty: What it holds while it does not exist.
    """

    def __init__(self, path: Path, content: type[T], empty: Callable[[], T]) -> None:
        self._path, self._content, self._empty = path, content, empty

    def read(self) -> T:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=self._content)
        except FileNotFoundError:
            return self._empty()
        except (OSError, msgspec.DecodeError) as error:
            raise DemoError(f"{self._path} cannot be read ({error}); delete it to start counting anew") from None

    @contextmanager
    def change(self) -> Iterator[T]:
        with self._open_lock() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            content = self.read()
            yield content
            self.write(content)

    def write(self, content: T) -> None:
        """For whoever is alone with it."""
        fresh = self._path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(content))
        os.replace(fresh, self._path)

    def _open_lock(self) -> IO[str]:
        try:
            return open(self._path.with_suffix(".lock"), "w")
        except OSError as error:
            raise DemoError(f"{self._path} cannot be written: {error.strerror}; copy demo.json where you may") from None
