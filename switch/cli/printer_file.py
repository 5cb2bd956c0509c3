"""The file for the printer, which must never lose a card number and never be read by others.

It is called FILE.part until every card in it is issued, so no printer gets one that is not. A command that takes up
what another left finds its cards in it.
"""

from __future__ import annotations

import csv
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from specs.money import format_minor
from specs.sensitive import PAN, Secret
from switch.cli.common import fail
from switch.cli.output import letters
from switch.core.programme import CardProduct, GiftProduct

COLUMNS = ("pan", "pin", "product", "currency", "denomination", "valid_days")


class NewCard(msgspec.Struct, frozen=True):
    """One line of the file."""

    pan: PAN
    pin: Secret | None


class PrinterFile:
    """FILE.part until `finish` makes it FILE; for one command at a time. `valid_days` in it count from activation.

    Loyalty cards have no currency, no denomination and no end.
    """

    def __init__(self, file: Path, product: CardProduct, denomination: int | None) -> None:
        self._rest = [product.id, "", "", ""]
        if isinstance(product, GiftProduct):
            printed = "" if denomination is None else format_minor(denomination, product.currency).split()[0]
            self._rest = [product.id, letters(product.currency), printed, str(product.valid_days or "")]
        self._file, self.part = file, file.with_name(file.name + ".part")
        self.cards: list[NewCard] = []

    def __enter__(self) -> Self:
        if self._file.exists():
            fail(f"{self._file} is there already; card numbers are never overwritten")
        descriptor = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._stream = open(descriptor, "r+", newline="", encoding="ascii")
        try:
            self._take_up()
        except BaseException:
            self._stream.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.cards:
            self.part.unlink(missing_ok=True)
        self._stream.close()

    def _take_up(self) -> None:
        """Read what an earlier command left. A line without an end was never told to the books, and goes."""
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(f"{self.part}: another command is at work on it")
        if not os.fstat(self._stream.fileno()).st_nlink:
            fail(f"{self.part}: another command has just finished with it")
        os.fchmod(self._stream.fileno(), 0o600)
        text = self._stream.read()
        whole = text[: text.rfind("\n") + 1]
        self._stream.seek(len(whole))
        self._stream.truncate()
        for line, fields in enumerate(csv.reader(whole.splitlines()[1:]), 2):
            if fields[2:] != self._rest:
                fail(f"{self.part}, line {line}: is of another order; finish or remove that file first")
            pan, pin = fields[:2]
            self.cards.append(NewCard(PAN(pan), Secret(pin) if pin else None))

    def add(self, cards: Sequence[NewCard]) -> None:
        """Put more cards into the file; they are on disk when this returns."""
        writer = csv.writer(self._stream, lineterminator="\n")
        if self._stream.tell() == 0:
            writer.writerow(COLUMNS)
        for card in cards:
            writer.writerow((card.pan.reveal(), card.pin.reveal() if card.pin else "", *self._rest))
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._sync_folder()
        self.cards += cards

    def finish(self) -> None:
        """All its cards are issued: give it its name."""
        os.link(self.part, self._file)  # unlike a rename it never overwrites
        self.part.unlink()
        self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self.part.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
