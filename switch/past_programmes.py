"""Programmes that were in force lately: a sale that an upload tells of earns by the rules of its own day."""

from __future__ import annotations

from specs import limits
from specs.transaction import Kind, MessageClass
from switch.core.admission import seconds_ago
from switch.core.clock import DAY, SECOND
from switch.core.deciding import Deciding
from switch.core.holdings import Card
from switch.core.journal import ProgrammeText
from switch.core.needs import Case
from switch.core.programme import Programme, ProgrammeError, parse_programme
from switch.core.workset import View
from switch.store.port import Store


class PastProgrammes:
    """Reads their texts when the programme has changed, and parses those that are asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known_to = -1  # the version in force when they were read
        self._texts: list[ProgrammeText] = []  # oldest first
        self._parsed: dict[int, Programme] = {}

    def refresh(self, current: Programme, now: int) -> None:
        """Between groups, or as one begins: whatever the store raises is about the group."""
        if self._known_to != current.version:
            self._texts, self._known_to = self._store.programmes(now - limits.ADVICE_DAYS * DAY), current.version

    def rules_for(self, case: Case, view: View, current: Programme, now: int) -> Programme:
        """The programme a message is decided by; for all but uploads of sales that is the one in force."""
        request, card, terminal = case.request, view.card, view.terminal
        if request.message_class is not MessageClass.UPLOAD or request.kind is not Kind.SALE:
            return current
        ago = seconds_ago(Deciding(case, view, current, now, 0)) if terminal else None
        if card is None or terminal is None or ago is None or ago > limits.ADVICE_DAYS * DAY // SECOND:
            return current
        try:
            then = self._at(now - ago * SECOND, current)
        except ProgrammeError:  # a later version of the switch has become stricter
            return current
        return then if _knows(then, card, terminal.store, current) else current

    def _at(self, moment: int, current: Programme) -> Programme:
        before = [text for text in self._texts if text.applied_at <= moment] or self._texts[:1]
        if not before or before[-1].version == current.version:
            return current
        text = before[-1]
        if text.version not in self._parsed:
            self._parsed[text.version] = parse_programme(text.text, text.version)
        return self._parsed[text.version]


def _knows(then: Programme, card: Card, store: str, current: Programme) -> bool:
    """Whether that programme had the card's product, and gives the points that count there today."""
    schemes = [programme.scheme_at(card.currency, store) for programme in (then, current)]
    units = {scheme.unit if scheme else None for scheme in schemes}
    return then.card_product(card.product) is not None and len(units) == 1 and None not in units
