"""A terminal's batch as VISA-2 data capture records, and the settlement response to it. No sockets here."""

from collections.abc import Sequence

from simulators.demo import DemoTerminal
from simulators.journal import Item
from simulators.requests import card_number
from simulators.tables import encode_tables
from simulators.visa2_wire import code_of, sequence_of
from simulators.wire import Message, WireError

_NO_GROUPS = "@@@@"
_NET_SIGNS = {"G4": 1, "GG": 1, "G5": -1}
_GOOD, _DUPLICATE, _REJECTED = "GB", "QD", "RB"
_RESPONSE_CHARACTERS = 66
_REJECTION_CHARACTERS = 1 + 4 + 1 + 2  # error type, number and letter of the record, field; its content stays away
_FORMAT_ERROR = "30"  # what a rejection would be called in the other dialects


def batch_records(settlement: Message, items: Sequence[Item], who: DemoTerminal, application_type: str) -> list[bytes]:
    """Header, parameter, details and trailer of what `settlement` closes."""
    if who.visa2 is None:
        raise WireError(f"terminal {who.terminal_id} has no VISA-2 numbers in demo.json")
    here, date, number = who.visa2, settlement.get(13), settlement.get(60)[-3:]
    details = [(code_of(Message("0200", item.request.fields)), item) for item in items]
    net = abs(sum(_NET_SIGNS.get(code, 0) * item.amount for code, item in details))
    total = sum(item.amount for item in items)
    texts = [
        f"H{_NO_GROUPS}{here.acquirer_bin}{here.agent_bank}{here.agent_chain}{here.merchant_number}{here.store_number}"
        f"{here.terminal_number}ER{who.currency}00{here.time_zone}{date}{number}0",
        f"P{_NO_GROUPS}000{'00000':9}{here.mcc}{'TILLSIM':25}{'':13}{'':2}0000100000001",
        *(_detail(code, item) for code, item in details),
        f"T{_NO_GROUPS}{date}{number}{len(items) + 3:09d}{total:016d}{0:016d}{net:016d}",
    ]
    return [f"K{application_type}.Z{text}".encode("ascii") for text in texts]


def _detail(code: str, item: Item) -> str:
    request = item.request
    return (
        f"D{_NO_GROUPS}{code}@@{card_number(request):22}NN5{sequence_of(request)}00{item.approval:6}"
        f"{request.get(13)}{request.get(12)}0{0:015d}{'':4} 000{item.amount:012d}{item.amount:012d}"
    )


def settlement_answer(record: bytes, settlement: Message) -> Message:
    """The settlement response as the answer to the settlement that the other dialects would have sent."""
    text = record.decode("latin-1")
    if text[:1] != "K" or text[4:5] != "R" or len(text) < _RESPONSE_CHARACTERS:
        raise WireError("this is no settlement response")
    code = text[34:36]
    if code not in (_GOOD, _DUPLICATE, _REJECTED):
        raise WireError("the settlement response has another code than GB, QD and RB")
    fields: dict[int, str] = {
        number: settlement.fields[number] for number in (3, 11, 24, 41, 42, 60) if number in settlement.fields
    }
    fields[39] = _FORMAT_ERROR if code == _REJECTED else "00"
    fields[48] = encode_tables([("22", f"{code} {_said(code, text[41:])}")], "visa2")
    return Message("0510", fields)


def _said(code: str, tail: str) -> str:
    return tail[:_REJECTION_CHARACTERS] if code == _REJECTED else tail.strip()
