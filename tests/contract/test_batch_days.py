"""Days of a till drawn at random: it keeps its own plain books of its batch, loses answers, settles, and both agree.

The till's books are a list of what it believes was done; its claim is the sum of what is live in it. TILLSWITCH_DAYS
sets how many days are drawn.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field

import pytest

from tests.contract.batch import TRAILER, Shift, Total, following, upload_of
from tests.contract.client import Message, Secret
from tests.contract.conftest import House
from tests.contract.till import REDEEM, RELOAD, Answer, Till, by_de90

DAYS = int(os.environ.get("TILLSWITCH_DAYS", "8"))
DEEDS = 14


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
    entries: list[Entry] = field(default_factory=list)
    forgotten: int = 0  # what the host has and the till does not count: its power failed before it wrote it down

    @property
    def till(self) -> Till:
        return self.shift.till

    def totals(self) -> tuple[Total, Total]:
        def total(de3: str) -> Total:
            amounts = [entry.approved for entry in self.entries if entry.live and entry.asked[3] == de3]
            return Total(len(amounts), sum(amounts))

        return total(REDEEM), total(RELOAD)

    def request(self, mti: str = "0200") -> Message:
        de3 = self.lots.choice([REDEEM, REDEEM, RELOAD]) if mti == "0200" else REDEEM
        amount = self.lots.randrange(1_000, 3_000)
        named = {60: self.lots.choice([self.shift.number, None]) if mti == "0200" else self.shift.number}
        more = {**self.till.when(), **named, 62: self.till.receipt()}
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
        there = [entry for entry in self.entries if entry.live]
        undoable = [entry for entry in there if entry.asked[3] == REDEEM or entry.approved <= self.balance]
        return self.lots.choice(undoable) if undoable else None

    # Deeds

    def trade(self) -> None:
        answer = self.till.ask(self.request())
        if answer.expect("00", "51").rc == "00":
            self.book(answer)

    def trade_in_part(self) -> None:
        request = self.till.message(
            "0200", REDEEM, self.shift.card, self.balance + 500, {60: self.shift.number}, {"CP": "P"}
        )
        if self.balance:
            self.book(self.till.ask(request).expect("10"))

    def repeat(self) -> None:
        """The answer was lost; the 0201 fetches it."""
        request = self.request()
        self.hang_up_on(request)
        answer = self.till.ask(request.but("0201"))
        if answer.expect("00", "51").rc == "00":
            self.book(answer)

    def give_up(self) -> None:
        """The answer was lost; the sale is reversed, perhaps twice, perhaps before it comes."""
        request = self.request()
        if self.lots.random() < 0.7:
            self.hang_up_on(request)
        else:
            self.till.ask(request).expect("00", "51")
        named = self.lots.choice([{90: by_de90(request)}, {11: request[11]}, {62: request[62]}])
        reversal = self.till.reversal_message(request, {**named, 12: request[12], 13: request[13]})
        for mti in self.lots.choice([["0400"], ["0400", "0401"], ["0420", "0421", "0421"]]):
            self.till.ask(reversal.but(mti)).expect("00")

    def void(self) -> None:
        if entry := self.one_live():
            original = Answer(Message({37: entry.rrn or ""}), entry.asked, self.till.dialect)
            message = self.till.void_message(original, {4: f"{entry.approved:012}"})
            if self.lots.random() < 0.3:
                self.hang_up_on(message)
                message = message.but("0201")
            self.till.ask(message).expect("00")
            self.undo(entry)

    def reverse_late(self) -> None:
        """The customer left without the goods: an approved sale is reversed by its RRN."""
        if entry := self.one_live():
            self.till.reverse(entry.asked, {37: entry.rrn, 4: f"{entry.approved:012}"}).expect("00")
            self.undo(entry)

    def advise(self) -> None:
        """Sold offline, within what is there, and told afterwards; its answer may be lost once."""
        request = self.request("0220")
        if int(request[4]) <= self.balance:
            if self.lots.random() < 0.5:
                self.hang_up_on(request)
                request = request.but("0221")
            self.book(self.till.ask(request).expect("00"))

    def forget(self) -> None:
        """The host has it, the till does not."""
        answer = self.till.ask(self.request())
        if answer.expect("00", "51").rc == "00":
            self.entries.remove(self.book(answer))
            self.forgotten += 1

    def sell_unheard(self) -> None:
        """The till counts a sale that never left it."""
        request = self.request("0220")
        if int(request[4]) <= self.balance:
            entry = Entry(request, None, int(request[4]))
            self.entries.append(entry)
            self.move(entry, 1)

    def hang_up_on(self, request: Message) -> None:
        with self.till.new_line() as line:
            line.send(request)

    def upload_everything(self) -> None:
        for entry in [entry for entry in self.entries if entry.live]:
            upload = upload_of(self.till, entry.asked, entry.rrn, more={4: f"{entry.approved:012}"})
            if self.lots.random() < 0.3:
                self.hang_up_on(upload)
                upload = upload.but(changes={11: self.till.stan()})
            self.till.ask(upload).expect("00")


def a_day(house: House, dialect: str, seed: int, till: Till | None = None) -> Day:
    till = till or house.till(dialect)
    card: Secret = house.card(till)
    return Day(Shift.open(till, card), random.Random(f"{dialect} {seed}"), 20_000)


def assert_both_agree(day: Day) -> None:
    """The card, the next number, the closed batch, and an empty next one."""
    assert day.till.balance(day.shift.card) == day.balance
    assert day.till.open_batch() == following(day.shift.number)
    day.shift.next().settle((0, 0)).expect("00")


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_till_that_repeats_and_reverses_what_it_lost_settles_at_once(house: House, dialect: str, seed: int) -> None:
    day = a_day(house, dialect, seed)
    deeds = [day.trade, day.trade, day.trade_in_part, day.repeat, day.give_up, day.void, day.reverse_late, day.advise]
    for _ in range(DEEDS):
        day.lots.choice(deeds)()
    if day.lots.random() < 0.5:
        day.hang_up_on(day.shift.settlement(*day.totals()))
    day.shift.settle(*day.totals()).expect("00")
    day.shift.assert_closed_on(*day.totals())
    assert_both_agree(day)


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_till_that_lost_more_uploads_and_ends_closed(house: House, dialect: str, seed: int) -> None:
    day = a_day(house, dialect, seed + 1_000)
    deeds = [day.trade, day.repeat, day.give_up, day.void, day.advise, day.forget, day.sell_unheard]
    for deed in [day.trade, day.forget, *(day.lots.choice(deeds) for _ in range(DEEDS))]:
        deed()
    claimed = day.totals()
    day.shift.settle(*claimed).expect("95")
    day.upload_everything()
    again = day.shift.settle(*claimed, de3=TRAILER).expect("00")
    assert day.shift.settle(*claimed).expect("00")[63] == again[63]
    assert_both_agree(day)
    assert (
        sum(int(again[63][at : at + 3]) for at in (0, 15)) == sum(total.how_many for total in claimed) + day.forgotten
    )
