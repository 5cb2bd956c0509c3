"""The states of the VISA-2 link: what may come in which state, what is done then, and which state follows.

The line is half duplex and the host speaks first. It polls with ENQ; the terminal answers with a frame; the host sends
its response and waits for an acknowledgement. What may come in which state, what is done then and which state follows
stands in TABLE, and nowhere else: a signal that a state does not list is a stray character there. The limits (three
polls, three refusals in a row, three sendings of a response, so many stray characters) turn a signal into GIVE_UP
before the table is asked. The states:

- POLLING: ENQ was sent. REPEATING: NAK was sent, the same frame is expected again.
- DECIDING_LAST, DECIDING_MORE: a request is being decided; nothing is read meanwhile. LAST closes the session when it
  is answered (application type 0), after MORE the terminal is polled again (type 2 in ETB).
- ANSWERED_LAST, ANSWERED_MORE: the response was sent and is not acknowledged yet.
- UNCONFIRMED_LAST, UNCONFIRMED_MORE: the response was sent, and the terminal has to confirm it by a record of its own
  (three-message debit); what is not confirmed is undone by whoever gave the response. CONFIRMING_LAST, CONFIRMING_MORE:
  the confirmation is being written down.
- CAPTURING: records of a batch come in, each acknowledged in turn by ACK and BEL; its trailer is a request like others.
- FREE: requests and responses flow as they come (type 4); nobody polls, nobody has to acknowledge.
- ENDED: EOT was sent; the connection closes.

WIRE-VISA2.md section 1. Who keeps the clock and counts is visa2_link.py.
"""

from enum import Enum
from typing import Final


class State(Enum):
    POLLING = "polling"
    REPEATING = "repeating"
    DECIDING_LAST = "deciding last"
    DECIDING_MORE = "deciding more"
    ANSWERED_LAST = "answered last"
    ANSWERED_MORE = "answered more"
    UNCONFIRMED_LAST = "unconfirmed last"
    UNCONFIRMED_MORE = "unconfirmed more"
    CONFIRMING_LAST = "confirming last"
    CONFIRMING_MORE = "confirming more"
    CAPTURING = "capturing"
    FREE = "free"
    ENDED = "ended"


class Signal(Enum):
    """What can happen on a line."""

    # a good frame, by the session its application type asks for
    LAST = "last request"
    MORE = "request, more to come"
    FLOWING = "interleaved request"
    CONFIRMATION = "confirmation"
    # a good frame of a batch
    RECORD = "batch record"
    AGAIN = "same record again"
    BATCH = "last trailer"
    BATCH_MORE = "trailer, more to come"
    REJECTED = "record of a rejected batch"
    REJECTED_MORE = "record of a rejected batch, more to come"
    # any other frame: wrong parity or LRC, cut off, or nothing that could be answered
    BAD = "bad frame"
    # characters outside a frame
    ENQ = "ENQ"
    ACK = "ACK"
    NAK = "NAK"
    EOT = "EOT"
    STRAY = "stray character"
    # our own side
    ANSWER = "response"
    DEBIT = "response to be confirmed"
    CONFIRMED = "confirmation written down"
    SILENCE = "silence"
    GIVE_UP = "limit reached"


class Action(Enum):
    """What is done before the next state begins."""

    NOTHING = "nothing"
    POLL = "send ENQ"
    REFUSE = "send NAK"
    OFFER = "offer it"
    SEND = "send response"
    SEND_AGAIN = "send response again"
    TAKE = "send ACK or BEL"
    TAKE_AGAIN = "send the same again"
    WORK = "send DC2, offer it"
    ACKNOWLEDGE = "send ACK"
    CONCLUDE = "send ACK and EOT"
    GO_ON = "send ACK and ENQ"
    SIGN_OFF = "send EOT"


_END: Final = (Action.SIGN_OFF, State.ENDED)
_REQUESTS: Final = {
    Signal.RECORD: (Action.TAKE, State.CAPTURING),
    Signal.REJECTED: (Action.SEND, State.ANSWERED_LAST),
    Signal.REJECTED_MORE: (Action.SEND, State.ANSWERED_MORE),
    Signal.LAST: (Action.OFFER, State.DECIDING_LAST),
    Signal.MORE: (Action.OFFER, State.DECIDING_MORE),
    Signal.FLOWING: (Action.OFFER, State.FREE),
}
_REQUESTS_END: Final = dict.fromkeys(_REQUESTS, _END)
_ENDS: Final = {Signal.EOT: _END, Signal.GIVE_UP: _END}


def _asked_again(here: State) -> dict[Signal, tuple[Action, State]]:
    """What brings the response once more."""
    return {
        Signal.NAK: (Action.SEND_AGAIN, here),
        Signal.SILENCE: (Action.SEND_AGAIN, here),
        Signal.BAD: (Action.REFUSE, here),
    }


def _answered(here: State, acknowledged: tuple[Action, State]) -> dict[Signal, tuple[Action, State]]:
    """A request instead of the acknowledgement: the terminal has not understood the response, or not waited for it.

    The record that it answers, again: the terminal has not seen the response.
    """
    taken = {Signal.ACK: acknowledged, Signal.AGAIN: (Action.SEND_AGAIN, here)}
    return _REQUESTS | _ENDS | taken | _asked_again(here)


def _unconfirmed(here: State, confirming: State) -> dict[Signal, tuple[Action, State]]:
    """Another frame than the confirmation ends it: so do EOT and silence, and what was approved is undone."""
    confirmed = {Signal.CONFIRMATION: (Action.OFFER, confirming), Signal.ACK: (Action.NOTHING, here)}
    return _REQUESTS_END | _ENDS | confirmed | _asked_again(here)


# fmt: off
TABLE: Final[dict[State, dict[Signal, tuple[Action, State]]]] = {
    State.POLLING: _REQUESTS | _ENDS | {
        Signal.BAD:     (Action.REFUSE,     State.REPEATING),
        Signal.SILENCE: (Action.POLL,       State.POLLING),
    },
    State.REPEATING: _REQUESTS | _ENDS | {
        Signal.BAD:     (Action.REFUSE,     State.REPEATING),
        Signal.SILENCE: _END,
    },
    State.DECIDING_LAST: {
        Signal.ANSWER:  (Action.SEND,       State.ANSWERED_LAST),
        Signal.DEBIT:   (Action.SEND,       State.UNCONFIRMED_LAST),
        Signal.SILENCE: _END,
    },
    State.DECIDING_MORE: {
        Signal.ANSWER:  (Action.SEND,       State.ANSWERED_MORE),
        Signal.DEBIT:   (Action.SEND,       State.UNCONFIRMED_MORE),
        Signal.SILENCE: _END,
    },
    State.ANSWERED_LAST: _answered(State.ANSWERED_LAST, _END),
    State.ANSWERED_MORE: _answered(State.ANSWERED_MORE, (Action.POLL, State.POLLING)),
    State.UNCONFIRMED_LAST: _unconfirmed(State.UNCONFIRMED_LAST, State.CONFIRMING_LAST),
    State.UNCONFIRMED_MORE: _unconfirmed(State.UNCONFIRMED_MORE, State.CONFIRMING_MORE),
    State.CONFIRMING_LAST: {
        Signal.CONFIRMED: (Action.CONCLUDE, State.ENDED),
        Signal.SILENCE: _END,
    },
    State.CONFIRMING_MORE: {
        Signal.CONFIRMED: (Action.GO_ON,    State.POLLING),
        Signal.SILENCE: _END,
    },
    State.CAPTURING: _ENDS | {
        Signal.RECORD:  (Action.TAKE,       State.CAPTURING),
        Signal.AGAIN:   (Action.TAKE_AGAIN, State.CAPTURING),
        Signal.BATCH:   (Action.WORK,       State.DECIDING_LAST),
        Signal.BATCH_MORE: (Action.WORK,    State.DECIDING_MORE),
        Signal.REJECTED: (Action.SEND,      State.ANSWERED_LAST),
        Signal.REJECTED_MORE: (Action.SEND, State.ANSWERED_MORE),
        Signal.BAD:     (Action.REFUSE,     State.CAPTURING),
        Signal.SILENCE: _END,
    },
    # Types 0 and 2 are answered here like type 4: the line stays until the terminal ends it.
    State.FREE: _ENDS | {
        Signal.LAST:    (Action.OFFER,      State.FREE),
        Signal.MORE:    (Action.OFFER,      State.FREE),
        Signal.FLOWING: (Action.OFFER,      State.FREE),
        Signal.CONFIRMATION: (Action.OFFER, State.FREE),
        Signal.ANSWER:  (Action.SEND,       State.FREE),
        Signal.DEBIT:   (Action.SEND,       State.FREE),
        Signal.CONFIRMED: (Action.ACKNOWLEDGE, State.FREE),
        Signal.ACK:     (Action.NOTHING,    State.FREE),
        Signal.ENQ:     (Action.NOTHING,    State.FREE),
        Signal.NAK:     (Action.SEND_AGAIN, State.FREE),
        Signal.BAD:     (Action.REFUSE,     State.FREE),
        Signal.SILENCE: _END,
    },
    State.ENDED: {},
}
# fmt: on
