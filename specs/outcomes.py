"""What the switch can answer, by name. Only a dialect's table knows the numbers terminals see (WIRE.md section 6)."""

from specs.words import Word


class Outcome(Word):
    """The result of one request. Everything but APPROVED and PARTIAL is a refusal, and a refusal is a value."""

    APPROVED = "approved"
    PARTIAL = "partial"
    UNKNOWN_MERCHANT = "unknown_merchant"
    DO_NOT_HONOUR = "do_not_honour"
    NOT_OFFERED = "not_offered"
    AMOUNT = "amount"
    UNKNOWN_CARD = "unknown_card"
    ORIGINAL_NOT_FOUND = "original_not_found"
    FORMAT_ERROR = "format_error"
    CARD_LOST = "card_lost"
    CARD_STOLEN = "card_stolen"
    NOT_ENOUGH = "not_enough"
    CARD_EXPIRED = "card_expired"
    WRONG_PIN = "wrong_pin"
    CARD_NOT_ACTIVE = "card_not_active"
    NOT_ALLOWED = "not_allowed"
    SUSPECTED_FRAUD = "suspected_fraud"
    AMOUNT_LIMIT = "amount_limit"
    CARD_RESTRICTED = "card_restricted"
    SECURITY = "security"
    COUNT_LIMIT = "count_limit"
    PIN_TRIES = "pin_tries"
    PRODUCT = "product"
    VOID_NOT_FOUND = "void_not_found"
    ALREADY_UNDONE = "already_undone"
    BATCH = "batch"
    UNKNOWN_TERMINAL = "unknown_terminal"
    UPSTREAM_AWAY = "upstream_away"
    DUPLICATE = "duplicate"
    TOTALS = "totals"
    INTERNAL = "internal"


#: Outcomes that moved value (or would have, for an inquiry).
ACCEPTED = frozenset({Outcome.APPROVED, Outcome.PARTIAL})

#: WIRE.md section 4: these answers are not stored; a repeat of the message is decided anew.
NOT_STORED = frozenset(
    {
        Outcome.UNKNOWN_MERCHANT,
        Outcome.FORMAT_ERROR,
        Outcome.NOT_ALLOWED,
        Outcome.SECURITY,
        Outcome.BATCH,
        Outcome.UNKNOWN_TERMINAL,
        Outcome.UPSTREAM_AWAY,
        Outcome.DUPLICATE,
        Outcome.TOTALS,
        Outcome.INTERNAL,
    }
)
