"""What a request names, so that the store can fetch it for a whole group at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from specs.transaction import VOIDS, Kind, MessageClass, Request

#: Classes whose answers are stored, and found again by terminal, application, class and STAN (WIRE.md section 4).
KEYED = frozenset({MessageClass.REQUEST, MessageClass.ADVICE, MessageClass.REVERSAL})

#: Kinds that look for the other messages of the same sale: its tenders share its batch and receipt number.
IN_PURCHASE = (Kind.SALE, Kind.PREVIEW, Kind.POINTS_REDEEM)

DEFAULT_APPLICATION = "main"


class Case(msgspec.Struct, frozen=True):
    """A request with what only the shell can add: its application and the keyed hashes of its secrets."""

    request: Request
    application: str
    card_hash: str = ""
    pin_hash: bytes | None = None
    other_hash: str = ""  # of the card that receives a transfer
    sealed_phone: bytes | None = None


class Needs(msgspec.Struct, frozen=True):
    """Keys to load. The terminal is looked up by both ids, or by its own if no merchant is named."""

    merchant_id: str
    terminal_id: str
    application: str
    keyed: tuple[MessageClass, int] | None = None  # class and STAN of an earlier message
    batch: int | None = None  # a batch number the message names
    card_hash: str = ""
    card_range: str = ""  # first eight digits, for guess counters
    rrn: str | None = None  # of an original
    search: int | None = None  # the amount of an original that is looked for among the card's newest ones here; 0: any
    other_hash: str = ""  # of a second card, whose holder is locked too
    receipt: str | None = None  # of a purchase of several messages in the batch this one joins
    holder: int = 0  # one that a command names without a card
    event: str | None = None  # the caller's own id of an award
    told: tuple[MessageClass, int] | None = None  # class and STAN of a transaction that is uploaded
    settles: bool = False  # with the earlier parts of the open batch
    presence: bool = False  # of the terminal: when it was seen, and its status
    day: bool = False  # of the merchant: its last settlement, and the batches since
    keyed_kind: Kind | None = None  # of `keyed`, where each kind counts by itself
    acceptor: str = ""  # the number by which the terminal is looked up instead of its ids

    def named(self, numbers: Mapping[str, tuple[str, str]]) -> Needs:
        """With the terminal's ids, if its number is known."""
        merchant_id, terminal_id = numbers.get(self.acceptor, (self.merchant_id, self.terminal_id))
        return msgspec.structs.replace(self, merchant_id=merchant_id, terminal_id=terminal_id)


def needs(case: Case) -> Needs:
    """The keys `case` names."""
    request = case.request
    undo = _is_undo(request)
    upload = request.message_class is MessageClass.UPLOAD
    return Needs(
        merchant_id=request.merchant_id,
        terminal_id=request.terminal_id,
        application=case.application,
        keyed=(request.message_class, request.stan) if request.message_class in KEYED else None,
        keyed_kind=request.kind if request.sequenced else None,
        batch=request.upload_batch if upload else request.batch,
        card_hash=case.card_hash,
        card_range=request.card.range if request.card else "",
        rrn=request.rrn if names_original(request) else None,
        search=(request.amount or 0) if undo and case.card_hash else None,
        other_hash=case.other_hash,
        receipt=request.receipt if request.kind in IN_PURCHASE and not undo else None,
        told=_original(request) if upload else None,
        settles=request.message_class is MessageClass.SETTLEMENT,
        presence=request.status is not None,
        acceptor=request.acceptor.number if request.acceptor else "",
    )


def _original(request: Request) -> tuple[MessageClass, int] | None:
    """Class and STAN of what an upload tells of; a malformed one may tell nothing."""
    if request.original_class is None or request.original_stan is None:
        return None
    return request.original_class, request.original_stan


def names_original(request: Request) -> bool:
    """Whether the RRN of `request` is an original's; else it is the sender's own reference."""
    if request.message_class in (MessageClass.UPLOAD, MessageClass.CONFIRMATION):
        return True
    return _is_undo(request) or request.kind in (Kind.GIFT_REFUND, Kind.SALE_RETURN)


def _is_undo(request: Request) -> bool:
    if request.message_class is MessageClass.UPLOAD:
        return False  # it tells of an undo
    return request.message_class is MessageClass.REVERSAL or request.kind in VOIDS


def application_of(nii: str, applications: Mapping[str, str]) -> str:
    """The application a network international identifier stands for (WIRE.md section 5)."""
    return applications.get(nii, DEFAULT_APPLICATION)
