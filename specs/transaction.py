"""The one canonical model: what every dialect is translated into, and the only thing the rules core sees.

Amounts are integers in minor units of `currency` (ISO 4217 numeric, as text). Nothing here knows a bitmap or a code
table; the `kind` of a message comes from a dialect's table.
"""

import msgspec

from specs.limits import CONFIRM_SECONDS
from specs.outcomes import ACCEPTED, Outcome
from specs.sensitive import PAN, Secret
from specs.status import Status
from specs.words import Word


class MessageClass(Word):
    """What sort of message it is: the MTI without its dialect (WIRE.md section 3)."""

    INQUIRY = "inquiry"  # 0100: changes nothing, never stored
    REQUEST = "request"  # 0200: may be refused
    ADVICE = "advice"  # 0220: already done at the till
    UPLOAD = "upload"  # 0320: batch upload
    REVERSAL = "reversal"  # 0400 and 0420: undo, never refused on business grounds
    SETTLEMENT = "settlement"  # 0500
    NETWORK = "network"  # 0800
    CONFIRMATION = "confirmation"  # the third message: the answer to a request has arrived
    OTHER = "other"  # any other class: answered, not offered


class Kind(Word):
    """What the terminal wants done. A reversal has the kind of the message it reverses, if its dialect says which."""

    GIFT_ACTIVATE = "gift_activate"
    GIFT_RELOAD = "gift_reload"
    GIFT_REDEEM = "gift_redeem"
    GIFT_BALANCE = "gift_balance"
    GIFT_CASH_OUT = "gift_cash_out"
    GIFT_REFUND = "gift_refund"
    GIFT_BLOCK = "gift_block"
    GIFT_UNBLOCK = "gift_unblock"
    GIFT_CASH_BACK = "gift_cash_back"  # money paid out of a card at a sale
    GIFT_UNLOAD = "gift_unload"  # value taken off a card again, without goods
    GIFT_VOID_LOAD = "gift_void_load"  # account digits 0060: of activate, reload, refund
    GIFT_VOID_SPEND = "gift_void_spend"  # account digits 6000: of redeem, cash-out
    GIFT_VOID = "gift_void"  # of any of these: a dialect's void may not say of which
    GIFT_ANY = "gift_any"  # only of reversals: whatever it was, a void too
    SALE = "sale"  # earns points
    PREVIEW = "preview"  # what a sale would earn
    POINTS_REDEEM = "points_redeem"
    POINTS_BALANCE = "points_balance"
    SALE_RETURN = "sale_return"
    POINTS_TRANSFER = "points_transfer"
    POINTS_PURCHASE = "points_purchase"
    ENROL = "enrol"
    LOYALTY_BLOCK = "loyalty_block"
    LOYALTY_UNBLOCK = "loyalty_unblock"
    VOID_EARN = "void_earn"  # account digits 0090: of sale, return, purchase
    VOID_BURN = "void_burn"  # account digits 9000: of points redeem
    VOID_TRANSFER = "void_transfer"  # account digits 9090
    LOYALTY_VOID = "loyalty_void"  # of sale, return or points redeem: a dialect's void may not say of which
    LOYALTY_ANY = "loyalty_any"  # only of reversals: whatever it was, an enrolment or a void too
    SETTLE = "settle"
    SETTLE_UPLOADED = "settle_uploaded"  # the trailer after an upload
    CLEAR_BATCH = "clear_batch"
    LOGON = "logon"
    ECHO = "echo"
    PARAMETERS = "parameters"
    CONFIRMATION = "confirmation"
    CAPTURE = "capture"  # a whole batch was uploaded; as a network message: may it be?
    OPERATOR = "operator"  # an operator's command; no terminal can send it
    MALFORMED = "malformed"  # could not be read; `wrong_field` says where
    UNKNOWN = "unknown"  # well formed, but no kind this switch offers


#: What a void may name as its original: "the same account digits" of WIRE.md section 4.
VOIDS: dict[Kind, frozenset[Kind]] = {
    Kind.GIFT_VOID_LOAD: frozenset({Kind.GIFT_ACTIVATE, Kind.GIFT_RELOAD, Kind.GIFT_REFUND}),
    Kind.GIFT_VOID_SPEND: frozenset({Kind.GIFT_REDEEM, Kind.GIFT_CASH_OUT}),
    Kind.GIFT_VOID: frozenset(
        {
            *(Kind.GIFT_ACTIVATE, Kind.GIFT_RELOAD, Kind.GIFT_REFUND),
            *(Kind.GIFT_REDEEM, Kind.GIFT_CASH_OUT, Kind.GIFT_CASH_BACK, Kind.GIFT_UNLOAD),
        }
    ),
    Kind.VOID_EARN: frozenset({Kind.SALE, Kind.SALE_RETURN, Kind.POINTS_PURCHASE}),
    Kind.VOID_BURN: frozenset({Kind.POINTS_REDEEM}),
    Kind.VOID_TRANSFER: frozenset({Kind.POINTS_TRANSFER}),
    Kind.LOYALTY_VOID: frozenset({Kind.SALE, Kind.SALE_RETURN, Kind.POINTS_REDEEM, Kind.POINTS_PURCHASE}),
}

#: What a reversal means that does not say what it reverses.
REVERSED_BY: dict[Kind, frozenset[Kind]] = {
    Kind.GIFT_ANY: VOIDS[Kind.GIFT_VOID] | {Kind.GIFT_VOID, Kind.GIFT_VOID_LOAD, Kind.GIFT_VOID_SPEND},
    Kind.LOYALTY_ANY: VOIDS[Kind.LOYALTY_VOID] | {Kind.ENROL, Kind.LOYALTY_VOID, Kind.VOID_EARN, Kind.VOID_BURN},
}

#: Kinds a till may have done by itself and tell afterwards (WIRE.md section 3, row "advice").
ADVISED = frozenset(
    {
        Kind.GIFT_REDEEM,
        Kind.GIFT_VOID_SPEND,
        Kind.SALE,
        Kind.SALE_RETURN,
        Kind.POINTS_REDEEM,
        Kind.VOID_EARN,
        Kind.VOID_BURN,
    }
)

#: Kinds that put paid value on a card: as an advice only with the right "offline loads".
LOADS = frozenset({Kind.GIFT_ACTIVATE, Kind.GIFT_RELOAD, Kind.GIFT_REFUND, Kind.POINTS_PURCHASE})


#: What closes a batch (WIRE.md section 5).
SETTLEMENTS = frozenset({Kind.SETTLE, Kind.SETTLE_UPLOADED, Kind.CLEAR_BATCH})

#: The block of a batch's totals that a kind counts in, from 0; the others count nowhere (WIRE.md section 5, "Totals").
TOTALS_BLOCKS: dict[Kind, int] = {
    Kind.GIFT_REDEEM: 0,
    Kind.GIFT_CASH_OUT: 0,
    Kind.GIFT_CASH_BACK: 0,
    Kind.GIFT_UNLOAD: 0,
    Kind.POINTS_REDEEM: 0,
    Kind.GIFT_ACTIVATE: 1,
    Kind.GIFT_RELOAD: 1,
    Kind.GIFT_REFUND: 1,
    Kind.POINTS_PURCHASE: 1,
    Kind.SALE: 2,
    Kind.SALE_RETURN: 3,
}


class Total(msgspec.Struct, frozen=True, array_like=True):
    """One block of a batch's totals: how many transactions, and their approved amounts in the terminal's currency."""

    count: int = 0
    amount: int = 0


class Line(msgspec.Struct, frozen=True):
    """By what way a message came in: what the listener and its TLS certificate allow.

    `merchants` is None where anyone on this line may speak for any merchant.
    """

    listener: str
    merchants: frozenset[str] | None = None
    clear_pin: bool = False


class BasketLine(msgspec.Struct, frozen=True):
    """One line of a basket; `unit_price` is in minor units, the quantity in thousandths: 1500 is one and a half."""

    sku: str
    thousandths: int
    unit_price: int
    department: str = ""


class TenderKind(Word):
    """What a sale is paid with, as far as the rules tell tenders apart."""

    GIFT = "gift"
    POINTS = "points"
    CODE = "code"
    OTHER = "other"


class Tender(msgspec.Struct, frozen=True):
    """One part of what was paid for a sale."""

    kind: TenderKind
    amount: int


class Acceptor(msgspec.Struct, frozen=True):
    """How a terminal names itself that knows no merchant id and terminal id: numbers its acquirer gave it."""

    merchant_number: str
    store_number: str
    terminal_number: str
    acquirer: str = ""  # BIN
    agent_bank: str = ""
    agent_chain: str = ""

    @property
    def number(self) -> str:
        """What is unique."""
        return self.merchant_number + self.store_number + self.terminal_number

    def __str__(self) -> str:
        """For people and logs, where a run of twenty digits would be hidden."""
        return f"{self.merchant_number}/{self.store_number}/{self.terminal_number}"


class Request(msgspec.Struct, frozen=True):
    """One message from a terminal. Ids are stripped of surrounding spaces; absent is None (ids: empty).

    `sequenced`: its STAN is a sequence number of four digits, which each transaction code counts by itself and which is
    good for a day; and an undo without a reference to its original means the newest one.
    """

    message_class: MessageClass
    kind: Kind
    line: Line
    repeat: bool = False
    merchant_id: str = ""
    terminal_id: str = ""
    stan: int = 0
    nii: str = ""
    card: PAN | None = None
    amount: int | None = None
    currency: str | None = None
    local_date: str | None = None  # MMDD, without a year
    local_time: str | None = None  # hhmmss
    batch: int | None = None
    receipt: str | None = None
    rrn: str | None = None  # names an original, or is the sender's own reference
    original_class: MessageClass | None = None
    original_stan: int | None = None
    pin: Secret | None = None  # static PIN or scratch code
    partial: bool = False  # the terminal can take less than it asked for
    texts: bool = False  # the terminal shows and prints texts
    language: str | None = None
    wrong_field: int | None = None  # only MALFORMED; 0 = no single field
    basket: tuple[BasketLine, ...] = ()
    tenders: tuple[Tender, ...] = ()
    other_card: PAN | None = None  # the one that receives a transfer
    phone: Secret | None = None  # digits with country code
    totals: tuple[Total, ...] | None = None  # of a settlement, as many blocks as came
    upload_batch: int | None = None  # the batch an upload belongs to, if it says so
    status: Status | None = None  # what the terminal tells of itself
    sequenced: bool = False
    acceptor: Acceptor | None = None  # instead of the two ids
    approval: str | None = None  # of what is uploaded
    awaits_confirmation: bool = False  # what is approved and not confirmed in time is undone
    confirm_seconds: float = CONFIRM_SECONDS

    @property
    def names_terminal(self) -> bool:
        return bool(self.terminal_id) or self.acceptor is not None


class BalanceType(Word):
    """What an amount in the balances of an answer says (WIRE.md section 3, DE54)."""

    AVAILABLE = "available"
    LEDGER = "ledger"
    ASKED = "asked"


class Purse(Word):
    """The account digits of a processing code."""

    STORED_VALUE = "stored_value"
    POINTS = "points"
    CODE = "code"


class Balance(msgspec.Struct, frozen=True):
    """One amount about a purse; `amount` may be negative."""

    purse: Purse
    type: BalanceType
    currency: str
    amount: int


class PointsTold(msgspec.Struct, frozen=True):
    """What a receipt tells of points; in returns and voids `earned` was taken back, `redeemed` given back."""

    earned: int
    redeemed: int
    available: int  # may be negative
    expiring: int = 0
    expires_on: str = ""  # YYMMDD


class Returned(msgspec.Struct, frozen=True):
    """What became of a return: the worth in money of points given back, and the rest for the till to pay out."""

    worth: int
    rest: int


class Reply(msgspec.Struct, frozen=True):
    """The answer to a Request, before any dialect. `amount` is what was approved; None echoes what was asked."""

    outcome: Outcome
    local_date: str = ""
    local_time: str = ""
    amount: int | None = None
    rrn: str | None = None
    approval: str | None = None
    batch: int | None = None
    balances: tuple[Balance, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    display: str | None = None
    receipt_text: str | None = None
    command: str | None = None
    wrong_field: int | None = None
    points: PointsTold | None = None
    returned: Returned | None = None
    totals: tuple[Total, ...] | None = None
    local_year: str = ""  # two digits, of `local_date`
    points_worth: int | None = None  # of all the points that are there, at this store, in the terminal's currency

    @property
    def accepted(self) -> bool:
        return self.outcome in ACCEPTED
