"""Whom the switch speaks with, and what a terminal may ask for, whatever card it is.

WIRE.md section 1, "Who may speak".
"""

from __future__ import annotations

from specs import limits
from specs.money import POINTS_UNIT
from specs.transaction import ADVISED, LOADS, Kind, MessageClass
from switch.core import gift, points
from switch.core.clock import DAY, SECOND
from switch.core.deciding import Deciding
from switch.core.merchants import Right
from switch.core.refusals import Reason

RIGHTS = gift.RIGHTS | points.RIGHTS
INQUIRIES = (Kind.GIFT_BALANCE, Kind.POINTS_BALANCE, Kind.PREVIEW)


def find_stranger(deciding: Deciding) -> Reason | None:
    """Why the switch does not speak with whoever sent this, if so."""
    request, view = deciding.request, deciding.view
    merchant_id = view.terminal.merchant_id if view.terminal else request.merchant_id
    merchants = request.line.merchants
    if merchants is not None and merchant_id and merchant_id not in merchants:
        return Reason.LINE
    if view.merchant is None:
        return Reason.UNKNOWN_MERCHANT
    if view.terminal is None or not view.terminal.active:
        return Reason.UNKNOWN_TERMINAL
    if request.acceptor and not view.terminal.is_named(request.acceptor):
        return Reason.UNKNOWN_TERMINAL
    return None


def find_obstacle(deciding: Deciding) -> Reason | None:
    """Whether this terminal may do this at all, whatever the card."""
    request, terminal = deciding.request, deciding.terminal
    inquiry = request.message_class is MessageClass.INQUIRY
    if request.kind not in RIGHTS or inquiry is not (request.kind in INQUIRIES):
        return Reason.NOT_OFFERED
    if request.message_class is MessageClass.ADVICE and request.kind not in ADVISED:
        loads = request.kind in LOADS or request.kind is Kind.GIFT_VOID_LOAD
        if not loads or Right.OFFLINE_LOADS not in terminal.rights:
            return Reason.NOT_OFFERED
    if RIGHTS[request.kind] not in terminal.rights:
        return Reason.NO_RIGHT
    if request.pin is not None and not request.line.clear_pin:
        return Reason.CLEAR_PIN
    if deciding.in_points:
        return Reason.CURRENCY if request.currency not in (None, POINTS_UNIT) else None
    if deciding.currency not in (terminal.currency, *terminal.currencies):
        return Reason.CURRENCY
    return None


def is_stale(deciding: Deciding) -> bool:
    """An advice of a deed too long ago is reported, not booked (WIRE.md section 4, "Forced movements")."""
    ago = seconds_ago(deciding)
    return ago is not None and ago > limits.ADVICE_DAYS * DAY // SECOND


def seconds_ago(deciding: Deciding) -> int | None:
    """How long ago it was done, by the clock of the terminal's store, if the message tells when."""
    return None if deciding.sent_at is None else deciding.local_seconds - deciding.sent_at
