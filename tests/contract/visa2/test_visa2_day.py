"""A day of a VISA-2 till that keeps plain books: answers are lost, records repeated, reversed, not confirmed.

In the evening its card and its batch must be what it believes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from tests.contract.client import Secret
from tests.contract.till import Till
from tests.contract.visa2.capture import Item, batch_records, net, upload
from tests.contract.visa2.conftest import VisaHouse
from tests.contract.visa2.records import Reply, Request, confirmation, read_j_reply
from tests.contract.visa2.test_visa2_debit import debit, wait_for
from tests.contract.visa2.till import GIFT, VisaTill, following

LOADS, PAYMENTS = ("G6", "G5"), ("G4", "GG", "G7")
DEEDS = 40


@dataclass
class Entry:
    """What the till believes of one of its transactions."""

    asked: Request
    reply: Reply
    item: Item
    live: bool = True


@dataclass
class VisaDay:
    """A till, its batch, its card, its own books, and the lots that decide what happens."""

    till: VisaTill
    card: str
    nac: Till
    lots: random.Random
    amounts: Callable[[], int]
    balance: int = 20_000
    entries: list[Entry] = field(default_factory=list)

    def draw(self) -> tuple[str, int]:
        code = self.lots.choice([*PAYMENTS, *PAYMENTS, *LOADS])
        return code, self.amounts() if code != "G6" else self.amounts() + 1_000

    def expected(self, code: str, amount: int) -> tuple[str, int]:
        """Response code, and what is taken or put on."""
        if code in LOADS or amount <= self.balance:
            return "00", amount
        return ("10", self.balance) if self.balance else ("51", 0)

    def book(self, asked: Request, reply: Reply) -> None:
        code, amount = asked[18], int(asked[24])
        wanted, moved = self.expected(code, amount)
        assert reply.rc == wanted, f"{reply} with {self.balance} on the card"
        if moved:
            self.balance += moved if code in LOADS else -moved
            assert reply.gift == (self.balance, moved), reply
            self.entries.append(Entry(asked, reply, Item.of(asked, reply, moved)))

    def one_live(self) -> Entry | None:
        live = [entry for entry in self.entries if entry.live]
        return self.lots.choice(live) if live else None

    def take_back(self, entry: Entry) -> None:
        entry.live = False
        if entry.item.code in LOADS:
            self.balance = max(0, self.balance - entry.item.amount)  # what was spent since is the merchant's
        else:
            self.balance += entry.item.amount

    # Deeds

    def trade(self) -> None:
        code, amount = self.draw()
        asked = self.till.request(code, self.card, amount, GIFT)
        self.book(asked, self.till.alone(asked) if self.lots.random() < 0.3 else self.till.ask(asked))

    def trade_with_v(self) -> None:
        asked = debit(self.till, *self.drawn())
        with self.till.new_line() as line:
            reply = self.till.ask(asked, line)
            if reply.rc in ("00", "10"):
                line.send(confirmation(reply))
                line.expect("ACK")
        self.book(asked, reply)

    def drawn(self) -> tuple[str, str, int, str]:
        code, amount = self.draw()
        return code, self.card, amount, GIFT

    def lose_v(self) -> None:
        with self.till.new_line() as line:
            self.till.ask(debit(self.till, *self.drawn()), line)
        wait_for(lambda: self.nac.balance(self.card), self.balance)

    def repeat(self) -> None:
        if entry := self.one_live():
            again = Request({**entry.asked.fields, 1: "D", 2: "4"}, blocks=(GIFT,))
            assert self.till.ask(again).expect(entry.reply.rc).rrn == entry.reply.rrn
            assert read_j_reply(self.till.line.ask(self.as_j(entry))).rc == entry.reply.rc

    def as_j(self, entry: Entry) -> str:
        return self.till.j(entry.item.code, self.card, entry.asked[24].zfill(7), sequence=entry.asked[17])

    def give_up(self) -> None:
        """The answer is lost; the reversal carries the number of the sale, and may overtake it."""
        code, amount = self.draw()
        asked = self.till.request(code, self.card, amount, GIFT)
        with self.till.new_line() as line:
            line.send(asked.text())
        for _ in range(self.lots.randrange(1, 3)):
            self.till.ask(asked.but(f18="GF", blocks=())).expect("00")
        self.till.ask(asked).expect("94", "51")

    def reverse(self) -> None:
        if entry := self.one_live():
            for _ in range(self.lots.randrange(1, 3)):
                self.till.do("GF", self.card, entry.asked[24], original=entry.reply.original).expect("00")
            self.take_back(entry)

    def void(self) -> None:
        if entry := self.one_live():
            spent = entry.item.code in LOADS and entry.item.amount > self.balance
            asked = self.till.request("GE", self.card, entry.asked[24], original=entry.reply.original)
            for _ in range(self.lots.randrange(1, 3)):
                self.till.ask(asked).expect("51" if spent else "00")
            if not spent:
                self.take_back(entry)

    def live(self) -> None:
        usual = [self.trade, self.trade, self.trade_with_v, self.lose_v, self.repeat, self.give_up]
        for _ in range(DEEDS):
            self.lots.choice([*usual, self.reverse, self.void])()
            assert self.nac.balance(self.card) == self.balance

    # Evening

    def totals(self) -> tuple[int, int, int, int]:
        def of(codes: tuple[str, ...]) -> list[int]:
            return [entry.item.amount for entry in self.entries if entry.live and entry.item.code in codes]

        debits, credits = of(PAYMENTS), of(LOADS)
        return len(debits), sum(debits), len(credits), sum(credits)

    def items(self) -> list[Item]:
        """With what was undone marked, or without it."""
        marked = self.lots.random() < 0.5
        kept = [entry for entry in self.entries if entry.live or marked]
        return [replace(entry.item, voided=not entry.live) for entry in kept]


@pytest.mark.parametrize("evening", ["totals", "capture", "both"])
def test_a_day_comes_out_as_the_till_believes(
    visa: VisaHouse, till: VisaTill, nac: Till, card: Secret, batch: str, evening: str
) -> None:
    day = VisaDay(till, card, nac, random.Random(evening), lambda: next(visa.amounts))
    day.live()
    if evening != "capture":
        till.batch("X2", batch, *day.totals()).expect("00")
    if evening != "totals":
        items = day.items()
        records = batch_records(till.numbers, batch, items)
        settled = upload(till, records)
        assert (settled.code, settled.net) == ("GB", int(net(items)))
        assert upload(till, records).code == "QD"
    assert till.open_batch() == following(batch)
    assert nac.balance(card) == day.balance
