"""Why something is refused: finer names than outcomes, for the journal; and what the terminal is told of them.

Policy `card_refusals` (WIRE.md section 6): `plain` tells reasons apart, `uniform` answers every reason about a card's
existence or state alike, so that a till cannot be used to find out which numbers are good.
"""

from __future__ import annotations

from specs.outcomes import Outcome
from specs.words import Word
from switch.core.journal import Tally
from switch.core.merchants import Terminal
from switch.core.programme import CardProduct, CardRefusals, Programme
from switch.core.workset import View


class Reason(Word):
    """A refusal's reason, the outcome it has under the plain policy, and whether it counts as a guess."""

    def __init__(self, text: str, outcome: Outcome, guess: bool = False) -> None:
        self.text = text
        self.outcome = outcome
        self.guess = guess

    FORMAT = "malformed", Outcome.FORMAT_ERROR
    LINE = "line_speaks_for_others", Outcome.NOT_ALLOWED
    UNKNOWN_MERCHANT = "unknown_merchant", Outcome.UNKNOWN_MERCHANT
    UNKNOWN_TERMINAL = "unknown_terminal", Outcome.UNKNOWN_TERMINAL
    DUPLICATE = "other_message_same_stan", Outcome.DUPLICATE
    UNDONE_SINCE = "undone_since", Outcome.DUPLICATE
    REVERSED_BEFORE = "reversed_before_it_came", Outcome.DUPLICATE
    NOT_OFFERED = "not_offered", Outcome.NOT_OFFERED
    NO_RIGHT = "no_right", Outcome.NOT_ALLOWED
    CLEAR_PIN = "pin_on_plain_line", Outcome.NOT_ALLOWED
    CURRENCY = "currency_not_taken", Outcome.NOT_OFFERED
    NO_RATE = "no_exchange_rate", Outcome.NOT_OFFERED
    BATCH_NOT_OPEN = "batch_not_open", Outcome.BATCH
    BATCH_OTHER = "other_batch_open", Outcome.BATCH
    TOTALS = "totals_differ", Outcome.TOTALS
    BATCH_CLOSED = "batch_closed_by_terminal", Outcome.BATCH
    GUESS_LIMIT = "guess_limit", Outcome.COUNT_LIMIT
    UNKNOWN_CARD = "unknown_card", Outcome.UNKNOWN_CARD, True
    PIN_MISSING = "pin_missing", Outcome.WRONG_PIN
    PIN_LOCKED = "pin_locked", Outcome.PIN_TRIES
    PIN_WRONG = "pin_wrong", Outcome.WRONG_PIN, True
    LOST = "card_lost", Outcome.CARD_LOST, True
    STOLEN = "card_stolen", Outcome.CARD_STOLEN, True
    BLOCKED = "card_blocked", Outcome.CARD_RESTRICTED, True
    REPLACED = "card_replaced", Outcome.CARD_RESTRICTED, True
    OTHER_STORE = "not_for_this_store", Outcome.CARD_RESTRICTED, True
    INACTIVE = "card_inactive", Outcome.CARD_NOT_ACTIVE, True
    SPENT = "card_used_or_closed", Outcome.CARD_NOT_ACTIVE, True
    EXPIRED = "card_expired", Outcome.CARD_EXPIRED, True
    ALREADY_ACTIVE = "card_already_active", Outcome.CARD_NOT_ACTIVE
    NO_RELOAD = "product_without_reload", Outcome.CARD_NOT_ACTIVE
    NOT_BLOCKED = "card_not_blocked", Outcome.CARD_NOT_ACTIVE
    OTHER_KIND = "card_of_another_kind", Outcome.CARD_NOT_ACTIVE
    OTHER_SCHEME = "card_of_another_scheme", Outcome.CARD_NOT_ACTIVE
    NO_TRANSFER = "scheme_without_transfer", Outcome.CARD_NOT_ACTIVE
    NO_PURCHASE = "scheme_without_purchase", Outcome.CARD_NOT_ACTIVE
    TO_ONESELF = "transfer_to_oneself", Outcome.DO_NOT_HONOUR
    AMOUNT = "amount_not_possible", Outcome.AMOUNT
    BASKET = "basket_does_not_add_up", Outcome.AMOUNT
    TENDERS = "tenders_do_not_add_up", Outcome.AMOUNT
    MORE_THAN_LEFT = "more_than_is_left", Outcome.AMOUNT
    BALANCE_LIMIT = "balance_limit", Outcome.AMOUNT_LIMIT
    CARD_LIMIT = "card_limit", Outcome.AMOUNT_LIMIT
    NOT_ENOUGH = "not_enough", Outcome.NOT_ENOUGH
    NO_ORIGINAL = "original_not_found", Outcome.ORIGINAL_NOT_FOUND
    VOID_NOT_FOUND = "void_original_not_found", Outcome.VOID_NOT_FOUND
    VOID_CLOSED_BATCH = "void_after_close", Outcome.VOID_NOT_FOUND
    ALREADY_UNDONE = "already_undone", Outcome.ALREADY_UNDONE
    NOT_VOIDABLE = "not_voidable", Outcome.ALREADY_UNDONE
    BUG = "internal_error", Outcome.INTERNAL


def told(reason: Reason, programme: Programme, product: CardProduct | None) -> Outcome:
    """What the terminal is told: under the uniform policy all guessable reasons look alike."""
    if programme.card_refusals is CardRefusals.PLAIN or not reason.guess:
        return reason.outcome
    return Outcome.WRONG_PIN if product and product.pin else Outcome.UNKNOWN_CARD


def scopes(terminal: Terminal, card_range: str) -> tuple[str, str]:
    """What guesses are counted by: the terminal, and the card range within a store."""
    return f"t{terminal.id}", f"r{card_range}@{terminal.merchant}/{terminal.store}"


def too_many_guesses(view: View, terminal: Terminal, card_range: str, programme: Programme, now: int) -> bool:
    """More than the limit in ten minutes, by this terminal or for this range and store."""
    return any(view.refusals(scope, now) > programme.guess_limit for scope in scopes(terminal, card_range))


def count_guess(terminal: Terminal, card_range: str, minute: int) -> tuple[Tally, ...]:
    """One more guess in `minute` (minutes since 1970)."""
    return tuple(Tally(scope, minute, 1) for scope in scopes(terminal, card_range))
