"""One day of a till that keeps plain books of its own batch: what it did, repeated, reversed, voided, lost and uploads.

The books are a list of what the till believes was done; its claim is the sum of what is live in it. What happens next
is drawn from `lots`, so that a day can be drawn again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.contract.batch import TRAILER, Shift, Total, upload_of
from tests.contract.client import Message
from tests.contract.till import REDEEM, RELOAD, Answer, Till, by_de90


@dataclass
class Entry:
    """What the till believes of one of its messages."""

    asked: Message
    rrn: str | None
    approved: int
    live: bool = True


@dataclass
class Day:
    """A till with its batch, its own books, and the lots that decide what happens to it."""

    shift: Shift
    lots: random.Random
    balance: int
    naming: Literal["always", "at random", "never"] = "at random"  # the batch, in a 0200
    entries: list[Entry] = field(default_factory=list)
    history: list[Message] = field(default_factory=list)  # all it ever sent, in other batches too
    forgotten: int = 0  # what the host has and the till does not count: its power failed before it wrote it down

    @property
    def till(self) -> Till:
        return self.shift.till

    def totals(self) -> tuple[Total, Total]:
        def total(de3: str) -> Total:
            amounts = [entry.approved for entry in self.entries if entry.live and entry.asked[3] == de3]
            return Total(len(amounts), sum(amounts))

        return total(REDEEM), total(RELOAD)

    def request(self, mti: str = "0200", de3: str | None = None) -> Message:
        de3 = de3 or (self.lots.choice([REDEEM, REDEEM, RELOAD]) if mti == "0200" else REDEEM)
        amount = self.lots.randrange(1_000, 3_000)
        unnamed = mti == "0200" and (self.naming == "never" or (self.naming != "always" and self.lots.random() < 0.5))
        more = {**self.till.when(), 60: None if unnamed else self.shift.number, 62: self.till.receipt()}
        return self.till.message(mti, de3, self.shift.card, amount, more)

    def book(self, answer: Answer) -> Entry:
        """What the till writes down of an approval, and what it does to the card."""
        amount = answer.amount if 4 in answer else int(answer.asked[4])
        entry = Entry(answer.asked, answer.get(37), amount)
        self.entries.append(entry)
        self.move(entry, 1)
        return entry

    def move(self, entry: Entry, times: int) -> None:
        self.balance += times * (entry.approved if entry.asked[3] == RELOAD else -entry.approved)

    def undo(self, entry: Entry) -> None:
        entry.live = False
        self.move(entry, -1)

    def one_live(self) -> Entry | None:
        """One that can be undone without taking from the card what is not there."""
        there = [entry for entry in self.entries if entry.live and entry.rrn]
        undoable = [entry for entry in there if entry.asked[3] == REDEEM or entry.approved <= self.balance]
        return self.lots.choice(undoable) if undoable else None

    # Deeds

    def trade(self) -> None:
        answer = self.ask(self.request())
        if answer.expect("00", "51").rc == "00":
            self.book(answer)

    def trade_in_part(self) -> None:
        named = {60: self.shift.number, **self.till.when()}
        request = self.till.message("0200", REDEEM, self.shift.card, self.balance + 500, named, {"CP": "P"})
        if self.balance:
            self.book(self.ask(request).expect("10"))

    def repeat(self) -> None:
        """The answer was lost; the 0201 fetches it."""
        request = self.request()
        self.hang_up_on(request)
        answer = self.ask(request.but("0201"))
        if answer.expect("00", "51").rc == "00":
            self.book(answer)

    def give_up(self) -> None:
        """The answer was lost; the sale is reversed, perhaps twice, perhaps before it comes."""
        request = self.request()
        if self.lots.random() < 0.7:
            self.hang_up_on(request)
        else:
            self.ask(request).expect("00", "51")
        named = self.lots.choice([{90: by_de90(request)}, {11: request[11]}, {62: request[62]}])
        reversal = self.till.reversal_message(request, {**named, 12: request[12], 13: request[13]})
        for mti in self.lots.choice([["0400"], ["0400", "0401"], ["0420", "0421", "0421"]]):
            self.ask(reversal.but(mti)).expect("00")

    def void(self) -> None:
        if entry := self.one_live():
            original = Answer(Message({37: entry.rrn or ""}), entry.asked, self.till.dialect)
            named = {60: self.shift.number, **self.till.when()}
            message = self.till.void_message(original, {4: f"{entry.approved:012}", **named})
            if self.lots.random() < 0.3:
                self.hang_up_on(message)
                message = message.but("0201")
            self.ask(message).expect("00")
            self.undo(entry)

    def reverse_late(self) -> None:
        """The customer left without the goods: an approved sale is reversed by its RRN."""
        if entry := self.one_live():
            self.ask(self.till.reversal_message(entry.asked, {37: entry.rrn, 4: f"{entry.approved:012}"})).expect("00")
            self.undo(entry)

    def advise(self) -> None:
        """Sold offline, within what is there, and told afterwards; its answer may be lost once."""
        request = self.request("0220")
        if int(request[4]) <= self.balance:
            if self.lots.random() < 0.5:
                self.hang_up_on(request)
                request = request.but("0221")
            self.book(self.ask(request).expect("00"))

    def forget(self) -> None:
        """The host has it, the till does not."""
        self.entries.remove(self.book(self.ask(self.request(de3=RELOAD)).expect("00")))
        self.forgotten += 1

    def sell_unheard(self) -> None:
        """The till counts a sale that never left it; the card learns of it by the upload."""
        request = self.request("0220")
        self.entries.append(Entry(request, None, int(request[4])))

    def late_copy(self) -> None:
        """The line delivers once more what it delivered before, perhaps days ago: nothing moves, nothing counts.

        Of transactions with one STAN the newest only: a terminal that was swapped has taken the older ones' names.
        """
        newest = {(message.mti[:3], message[11]): message for message in self.history}
        there = [
            message
            for message in self.history
            if message.mti[:2] != "02" or newest[message.mti[:3], message[11]] is message
        ]
        if there:
            before = self.till.balance(self.shift.card)
            answer = self.till.ask(self.lots.choice(there)).expect("00", "10", "51", "80", "94")
            assert self.till.balance(self.shift.card) == before, answer.story()

    def ask(self, message: Message) -> Answer:
        self.history.append(message)
        return self.till.ask(message)

    def hang_up_on(self, request: Message) -> None:
        self.history.append(request)
        with self.till.new_line() as line:
            line.send(request)

    def upload_everything(self) -> None:
        for entry in [entry for entry in self.entries if entry.live]:
            rrn = self.lots.choice([entry.rrn, None])  # some terminals send spaces
            upload = upload_of(self.till, entry.asked, rrn, more={4: f"{entry.approved:012}"})
            if self.lots.random() < 0.3:
                self.hang_up_on(upload)
                upload = upload.but(changes={11: self.till.stan()})
            self.ask(upload).expect("00")
            if entry.rrn is None:
                self.balance = max(0, self.balance - entry.approved)  # what is not there is the merchant's

    def live(self, deeds: int, *more: Callable[[], None]) -> None:
        """So many deeds of a till that in the end knows of everything, and some of `more` among them."""
        usual = [self.trade, self.trade, self.trade_in_part, self.repeat, self.give_up]
        for _ in range(deeds):
            self.lots.choice([*usual, self.void, self.reverse_late, self.advise, *more])()

    def settle_at_once(self) -> None:
        if self.lots.random() < 0.5:
            self.hang_up_on(self.shift.settlement(*self.totals()))
        self.ask(self.shift.settlement(*self.totals())).expect("00")

    def settle_unheard_and_sell_on(self) -> None:
        """The 00 is lost; to the till its batch is still open, and what it sells next is in the same claim."""
        self.settle_at_once()
        self.naming = "never"
        for _ in range(3):
            self.lots.choice([self.trade, self.repeat, self.give_up])()
        answer = self.ask(self.shift.settlement(*self.totals())).expect("00", "95")
        if answer.rc == "95":  # 00 if all of it was declined or given up
            self.settle_by_upload()

    def settle_by_upload(self) -> Answer:
        self.ask(self.shift.settlement(*self.totals())).expect("95")
        self.upload_everything()
        if self.lots.random() < 0.5:
            self.hang_up_on(self.shift.settlement(*self.totals(), de3=TRAILER))
        return self.ask(self.shift.settlement(*self.totals(), de3=TRAILER)).expect("00")
