"""The end of the ladder: how a ruling becomes a decision, with its journal row and its answer."""

from __future__ import annotations

import datetime as dt

import msgspec

from specs.money import POINTS_UNIT, convert_down
from specs.outcomes import ACCEPTED, NOT_STORED, Outcome
from specs.transaction import REVERSED_BY, Balance, BalanceType, Kind, MessageClass, PointsTold, Purse, Reply, Returned
from switch.core.batches import Joined, count_row
from switch.core.clock import MINUTE, SECOND, local_moment, local_time, retrieval_reference, told_time
from switch.core.decision import Decision
from switch.core.families import notices_of
from switch.core.holdings import Account, AccountKind, Card
from switch.core.irregular import AFTER_CLOSE
from switch.core.journal import Entry, Pending, Row, Tally, told_opened
from switch.core.ledger import post
from switch.core.lots import with_balance
from switch.core.merchants import Terminal
from switch.core.needs import Case, names_original
from switch.core.points_matter import TELLING, day_of, told_points
from switch.core.programme import Programme
from switch.core.refusals import Reason, count_guess, told
from switch.core.ruling import Ruling, gift_balances, refused
from switch.core.texts import text_for
from switch.core.workset import View

_IN_POINTS = (Kind.POINTS_TRANSFER, Kind.VOID_TRANSFER)
_TOLD = (MessageClass.REQUEST, MessageClass.INQUIRY)
_STORED = (MessageClass.REQUEST, MessageClass.ADVICE, MessageClass.REVERSAL, MessageClass.UPLOAD)


def bare_reply(outcome: Outcome, now: int, time_zone: str) -> Reply:
    """An answer about a request that was not even looked at: the host's time, and nothing else."""
    date, time, year = told_time(local_time(now, time_zone))
    return Reply(outcome, local_date=date, local_time=time, local_year=year)


class Deciding:
    """One request while it is decided: what every step looks at, and the ways it can end."""

    def __init__(self, case: Case, view: View, programme: Programme, now: int, number: int) -> None:
        self.case, self.request, self.view, self.programme = case, case.request, view, programme
        self.now, self.number = now, number
        self.rrn = retrieval_reference(number, now)
        terminal, request = view.terminal, case.request
        self.local_now = local_time(now, terminal.time_zone if terminal else programme.time_zone)
        self.in_points = request.kind in _IN_POINTS  # DE4 counts points (WIRE.md section 3, "Money")
        own = terminal.currency if terminal else ""
        self.currency = POINTS_UNIT if self.in_points else request.currency or own
        date, time = request.local_date, request.local_time  # of the deed, if the message carries them
        self.sent_at = None if date is None or time is None else local_moment(date, time, self.local_now)

    @property
    def terminal(self) -> Terminal:
        assert self.view.terminal is not None, "asked before it was known who it is"
        return self.view.terminal

    @property
    def local_seconds(self) -> int:
        """Now, as `sent_at` counts."""
        return round((self.local_now - dt.datetime(1970, 1, 1)).total_seconds())

    @property
    def forced(self) -> bool:
        """Already done at the till: funds and state are no reason to refuse (WIRE.md section 4)."""
        return self.request.message_class in (MessageClass.ADVICE, MessageClass.UPLOAD)

    def refuse(self, reason: Reason) -> Decision:
        """A refusal before any batch was joined; kept in the journal if its answer is to be stored."""
        return self.end(None, refused(reason))

    def end(self, joined: Joined | None, ruling: Ruling) -> Decision:
        """The decision `ruling` comes to: booked with its row, or answered only where nothing is stored."""
        outcome = self._outcome(ruling)
        stored = self.request.message_class in _STORED and outcome not in NOT_STORED
        tallies, cards = self._guess(ruling), self._changed(ruling.card)
        if not stored or self.view.terminal is None:
            return Decision(self._answer(outcome, None, ruling), cards=cards, tallies=tallies)
        reply = self._answer(outcome, joined, ruling)
        opened = ruling.points.opened if ruling.points else ()
        accounts_before = self.view.workset.accounts
        if opened:
            accounts_before = accounts_before | {account.id: account for account in opened}
        entries, accounts = post(list(ruling.moves), accounts_before)
        row = told_opened(self._row(outcome, joined, ruling, reply, entries), opened)
        counted = count_row(self.view, row, joined)
        if counted.late:
            row = msgspec.structs.replace(row, late=True, reason=row.reason or AFTER_CLOSE)
        if counted.counts:
            row = msgspec.structs.replace(row, counts=counted.counts)
        return Decision(
            reply,
            row,
            accounts=accounts,
            cards=cards,
            desks=joined.desks if joined else (),
            batches=counted.batches,
            tallies=tallies,
            opened=opened,
            pending=self._pending(row),
            notices=notices_of(row, self.view.card, self.view.workset.cards.values()),
        )

    def _pending(self, row: Row) -> Pending | None:
        """What is undone if nobody confirms it."""
        request = self.request
        if not request.awaits_confirmation or not row.took_effect or request.message_class is not MessageClass.REQUEST:
            return None
        return Pending(
            id=row.id,
            until=self.now + round(request.confirm_seconds * SECOND),
            merchant_id=self.terminal.merchant_id,
            terminal_id=self.terminal.terminal_id,
            application=row.application,
            listener=row.listener,
            kind=next(kind for kind, kinds in REVERSED_BY.items() if row.kind in kinds),
            stan=row.stan,
            rrn=row.rrn,
            card_hash=row.card_hash,
        )

    def upload_of(self, known: Row, joined: Joined, reason: str) -> Decision:
        """An upload of what the switch has known: it is noted, moves nothing, and is no transaction of the card's.

        Its amount is what was booked for the other one.
        """
        reply = msgspec.structs.replace(self.reply(Outcome.APPROVED, batch=joined.batch.number), rrn=known.rrn)
        booked = known.amount if known.took_effect and known.currency == self.currency else 0
        row = self._row(Outcome.APPROVED, joined, Ruling(note=reason, amount=booked), reply)
        row = msgspec.structs.replace(row, matched=known.id, holder=0, card_hash="")
        return Decision(reply, row, desks=joined.desks, batches=joined.batches)

    def settlement_row(self, outcome: Outcome, joined: Joined, reason: str, reply: Reply) -> Row:
        """What the journal keeps of a settlement."""
        row = self._row(outcome, joined, Ruling(note=reason), reply)
        return msgspec.structs.replace(row, claimed=self.request.totals)

    def reply(
        self,
        outcome: Outcome,
        *,
        amount: int | None = None,
        batch: int | None = None,
        balances: tuple[Balance, ...] = (),
        parameters: tuple[tuple[str, str], ...] = (),
        points: PointsTold | None = None,
        returned: Returned | None = None,
        points_worth: int | None = None,
    ) -> Reply:
        """The answer; reference and approval where WIRE.md section 2, "Answers", has them."""
        request = self.request
        numbered = request.message_class in (MessageClass.REQUEST, MessageClass.ADVICE, MessageClass.UPLOAD)
        numbered = numbered or request.sequenced
        approved = outcome in ACCEPTED and request.message_class is MessageClass.REQUEST
        date, time, year = told_time(self.local_now)
        return Reply(
            outcome=outcome,
            local_date=date,
            local_time=time,
            local_year=year,
            amount=amount,
            rrn=self.rrn if numbered and request.kind is not Kind.MALFORMED else None,
            approval=f"{self.number % 1_000_000:06d}" if approved else None,
            batch=batch,
            balances=balances,
            parameters=parameters,
            wrong_field=request.wrong_field,
            points=points,
            returned=returned,
            points_worth=points_worth,
        )

    def _outcome(self, ruling: Ruling) -> Outcome:
        if ruling.reason is None:
            return Outcome.PARTIAL if ruling.partial else Outcome.APPROVED
        card, pan = self.view.card, self.request.card
        programme = self.programme
        product = (
            programme.card_product(card.product) if card else programme.by_prefix.get(pan.range[:6]) if pan else None
        )
        return told(ruling.reason, self.programme, product)

    def _answer(self, outcome: Outcome, joined: Joined | None, ruling: Ruling) -> Reply:
        batch = joined.batch.number if joined else self.request.batch
        told = self.request.message_class in _TOLD or (
            self.request.sequenced and self.request.message_class is MessageClass.REVERSAL
        )
        telling = ruling.tell_balances and told
        balances: tuple[Balance, ...] = ()
        points: PointsTold | None = None
        worth: int | None = None
        if telling and self.view.account and self.view.account.kind is AccountKind.DEBT:
            balances, points = self._points(self.view.account, ruling)
            worth = self._points_worth(self.view.account, points) if points else None
        elif telling and self.view.account:
            balances = self._balances(self.view.account, ruling)
        if ruling.reason or self.request.kind not in TELLING:
            points = None
        reply = self.reply(
            outcome,
            amount=ruling.amount if ruling.tell_amount else None,
            batch=batch,
            balances=balances if self.request.kind is not Kind.PREVIEW else (),
            points=points,
            returned=ruling.points.returned if ruling.points and points else None,
            points_worth=worth,
        )
        return self._with_texts(reply, ruling) if points else reply

    def _with_texts(self, reply: Reply, ruling: Ruling) -> Reply:
        """What the scheme wants shown and printed, for terminals that can."""
        scheme = self.programme.units.get(ruling.points.unit) if ruling.points else None
        if scheme is None or reply.points is None or not (self.terminal.texts or self.request.texts):
            return reply
        shown, printed = text_for(scheme.texts, self.terminal.store, self.request.language, reply.points)
        return msgspec.structs.replace(reply, display=shown or None, receipt_text=printed or None)

    def _points(self, account: Account, ruling: Ruling) -> tuple[tuple[Balance, ...], PointsTold | None]:
        """What is there of the points that count here, or of those the message was about."""
        unit = ruling.points.unit if ruling.points else account.currency
        here = self.programme.scheme_at(account.currency, self.terminal.store)
        scheme = self.programme.units.get(unit) if ruling.points else here
        if scheme is None:
            return (), None
        opened = [one for one in ruling.points.opened if one.holder == account.holder] if ruling.points else []
        accounts = with_balance([*self.view.points(account.holder, scheme.unit), *opened], ruling.moves)
        asked = None
        if ruling.partial:
            asked = Balance(Purse.POINTS, BalanceType.ASKED, self.currency, self.request.amount or 0)
        told = ruling.points.told if ruling.points else (0, 0)
        return told_points(accounts, scheme, told, day_of(self.programme, self.now), asked)

    def _points_worth(self, account: Account, points: PointsTold) -> int | None:
        """What the points could pay for here; None where there is no rate."""
        scheme = self.programme.scheme_at(account.currency, self.terminal.store)
        rate = self.programme.rate(self.currency, scheme.currency) if scheme else None
        if scheme is None or rate is None:
            return None
        worth = convert_down(abs(points.available), scheme.value_at(self.terminal.store) / rate)
        return -worth if points.available < 0 else worth

    def _balances(self, account: Account, ruling: Ruling) -> tuple[Balance, ...]:
        balance = account.balance + sum(move.amount for move in ruling.moves if move.account == account.id)
        asked = self.request.amount if ruling.partial else None
        return gift_balances(account, balance, self.currency, self.programme, asked)

    def _changed(self, card: Card | None) -> tuple[Card, ...]:
        if card is None or card == self.view.workset.cards[card.id]:
            return ()
        return (card,)

    def _guess(self, ruling: Ruling) -> tuple[Tally, ...]:
        if ruling.reason is None or not ruling.reason.guess or self.request.card is None:
            return ()
        return count_guess(self.terminal, self.request.card.range, self.now // MINUTE)

    def _row(
        self, outcome: Outcome, joined: Joined | None, ruling: Ruling, reply: Reply, entries: tuple[Entry, ...] = ()
    ) -> Row:
        request, terminal, original, card = self.request, self.terminal, ruling.original, self.view.card
        upload = request.message_class is MessageClass.UPLOAD
        return Row(
            id=self.number,
            kind=request.kind,
            message_class=request.message_class,
            outcome=outcome,
            reason=ruling.reason.text if ruling.reason else ruling.note,
            terminal=terminal.id,
            merchant=terminal.merchant,
            store=terminal.store,
            application=self.case.application,
            batch=joined.batch.id if joined else 0,
            stan=request.original_stan if upload and request.original_stan is not None else request.stan,
            original_class=request.original_class if upload else None,
            stan_count=self.view.desk.stan_count,
            rrn=self.rrn,
            decided_at=self.now,
            programme=self.programme.version,
            listener=request.line.listener,
            root=original.root if original else (ruling.points.root if ruling.points else 0) or self.number,
            original=original.id if original else 0,
            holder=card.holder if card else 0,
            card_hash=self.case.card_hash,
            card_id=ruling.card.id if ruling.card else 0,
            asked=request.amount or 0,
            amount=ruling.amount,
            currency=original.currency if original else self.currency,
            card_amount=ruling.card_amount,
            card_currency=ruling.points.unit if ruling.points else card.currency if card else "",
            rate="" if ruling.rate is None or ruling.rate == 1 else str(ruling.rate),
            sent_batch=request.batch,
            sent_at=self.sent_at,
            receipt=request.receipt,
            reference=None if names_original(request) and not request.sequenced else request.rrn,
            other_holder=ruling.points.other_holder if ruling.points else 0,
            reply=reply,
            deed=ruling.points.deed if ruling.points else None,
            entries=entries,
        )
