"""Issue cards in slices: first the numbers into the printer's file, then the cards into the books.

So no crash leaves a card whose number nobody has. The same command again takes up what was left: cards the books know
stay as they are, the others are issued then.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from specs.sensitive import PAN
from switch.cli.common import Decide, Failure, accepted, deciding, fail, reading, refuse, why
from switch.cli.printer_file import NewCard, PrinterFile
from switch.config import Config
from switch.core.commands import Command, NewNumber
from switch.core.holdings import Card
from switch.core.programme import CardProduct
from switch.numbers import new_number, new_pan, new_pin
from switch.store.port import Reader
from switch.vault import Vault

SLICE = 100  # cards decided together: terminals are hardly kept waiting, and one fsync serves many

#: The commands that make a number a card as it was ordered; the card is what the books know of it already, if anything.
Wanted = Callable[[NewNumber, Card | None], list[Command]]


def new_cards(product: CardProduct, is_taken: Callable[[PAN], bool]) -> Iterator[NewCard]:
    """Numbers nobody has, without end. Among millions of cards a random number is taken now and then."""
    given: set[PAN] = set()
    while True:
        pan = new_pan(product.prefix)
        if pan not in given and not is_taken(pan):
            given.add(pan)
            yield NewCard(pan, new_pin() if product.pin else None)


class Issue:
    """One order: the cards of `file`, each brought into the books by the commands that are `wanted` for it."""

    def __init__(self, config: Config, vault: Vault, file: PrinterFile, product: CardProduct, wanted: Wanted) -> None:
        self._config, self._vault, self._file, self._product, self._wanted = config, vault, file, product, wanted
        self._done = 0  # so many of the file's cards, from the first on, are in the books as wanted

    def run(self, count: int, tell: Callable[[int], None] = lambda done: None) -> None:
        """Bring the file to `count` cards that are issued, then give it its name; `tell` hears how many are so far.

        Raises:
            Failure: not all are. It says which, and the file stays FILE.part.
        """
        if len(self._file.cards) > count:
            fail(f"{self._file.part} holds {len(self._file.cards)} cards already, more than {count}")
        try:
            with deciding(self._config) as decide:
                while self._done < count:
                    self._add_cards(count)
                    self._decide_slice(decide)
                    tell(self._done)
        except Failure as failure:
            raise Failure(f"{failure.message}; {self._what_is_missing()}", failure.code) from None
        except KeyboardInterrupt:
            refuse(f"interrupted; {self._what_is_missing()}")
        self._file.finish()

    def _add_cards(self, count: int) -> None:
        """Put a slice of new numbers into the file, unless it has some that are not issued."""
        if self._done == len(self._file.cards):
            with reading(self._config) as reader:
                fresh = new_cards(self._product, lambda pan: self._find(reader, pan) is not None)
                self._file.add(list(itertools.islice(fresh, min(SLICE, count - self._done))))

    def _decide_slice(self, decide: Decide) -> None:
        commands: list[Command] = []
        lines: list[int] = []
        cards = self._file.cards[self._done : self._done + SLICE]
        with reading(self._config) as reader:
            for line, card in enumerate(cards, self._done + 2):
                number = new_number(self._vault, card.pan, card.pin)
                todo = self._wanted(number, self._find(reader, card.pan))
                commands += todo
                lines += [line] * len(todo)
        for line, reply in zip(lines, decide(commands) if commands else [], strict=True):
            if not accepted(reply):
                refuse(f"line {line}: {why(reply)}")
        self._done += len(cards)

    def _what_is_missing(self) -> str:
        """Which lines of the file are not in the books, as far as can be known."""
        cards, part = self._file.cards, self._file.part
        if not cards:
            return "nothing was issued"
        first, last = self._done + 2, len(cards) + 1
        try:
            with reading(self._config) as reader:
                lines = enumerate(cards[self._done :], first)
                missing = [line for line, card in lines if self._find(reader, card.pan) is None]
        except Failure:
            return f"whether the cards of {part}, lines {first} to {last}, are issued is not known"
        which = f"all but lines {missing[0]} to {missing[-1]}" if missing else "all"
        return f"the cards of {part} are issued, {which}; the same command again does the rest"

    def _find(self, reader: Reader, pan: PAN) -> Card | None:
        found = reader.card(self._vault.card_hash(pan).hex())
        return found[0] if found else None
