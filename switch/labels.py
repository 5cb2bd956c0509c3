"""The words that metrics have as labels: fixed lists, and the one word that fits an age or a store.

Never a terminal, a merchant, a card or a number of either: the number of series is bounded by these lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from switch.core.clock import HOUR
from switch.core.presence import State

#: Why a connection ended.
CloseReason = Literal[
    "hung_up",  # the terminal closed it
    "signed_off",  # the end of a VISA-2 session, or what its link allows was exceeded
    "idle",
    "slow_frame",  # began a frame and did not end it in time
    "slow_reader",  # did not take its answers
    "frame",  # what came cannot be divided into messages, or too many bad frames in a row
    "unreadable",  # a message without MTI, STAN and terminal
    "too_many",  # the listener is full
    "not_trusted",
    "handshake",  # TLS
    "drain",  # we are ending
    "handed_over",  # likewise, but it stays open, and the next daemon goes on with it
    "no_echo",  # did not answer our echo
    "error",  # a fault of ours
]
#: Why a whole frame was not answered.
DropReason = Literal["tpdu", "empty", "answer"]
#: What happens to batches; "opened", "named" and "totals_differ" leave it open, the others end it or a part of it.
BatchEventName = Literal[
    "opened",
    "named",
    "settled",
    "after_upload",
    "cleared_by_terminal",
    "left_behind",
    "end_of_day",
    "totals_differ",
]
UploadResult = Literal[
    "uploaded",
    "upload_differs",
    "upload_of_undone",
    "without_authorisation",
    "upload_not_booked",
    "upload_too_old",
]
#: What somebody has to look at (switch/core/irregular.py); what is missing at a terminal only its settlement knows.
ExceptionKind = Literal[
    "upload_differs",
    "upload_of_undone",
    "without_authorisation",
    "upload_not_booked",
    "upload_too_old",
    "advice_too_old",
    "after_close",
    "uncovered",
    "closed_with_other_totals",
    "captured_again_with_other_totals",
]
#: How long a batch has been open, at most (hours).
AGES: Final = {"1h": 1, "8h": 8, "1d": 24, "3d": 72, "7d": 168}
OLDER: Final = "older"  # than all of these

#: How many of a store's terminals are offline; a store none of which was ever seen is not open yet.
OfflineShare = Literal["none", "some", "half", "all"]

WebhookResult = Literal["delivered", "failed", "given_up"]

CommitFailure = Literal["conflict", "unavailable"]  # if all is lost, nobody is left to count


def age_of(age: int) -> str:
    """The name of an age in microseconds."""
    return next((name for name, hours in AGES.items() if age < hours * HOUR), OLDER)


def offline_share(states: Mapping[State, int]) -> OfflineShare | None:
    """Of the terminals of a store; None if none was ever seen."""
    seen = sum(count for state, count in states.items() if state is not State.NEVER_SEEN)
    offline = states.get(State.OFFLINE, 0)
    if not seen:
        return None
    if not offline:
        return "none"
    return "all" if offline == seen else "half" if 2 * offline >= seen else "some"
