"""The slip a customer would get: plain lines, fit for a narrow printer, with the card number masked."""

from datetime import datetime

from simulators.codecs import Dialect
from simulators.demo import Demo, DemoTerminal
from simulators.describe import mask_pan
from simulators.money import format_amount
from simulators.points_receipt import points_pairs
from simulators.requests import KINDS, card_number, local_time
from simulators.settlement_slip import settlement_lines
from simulators.tables import AVAILABLE, LEDGER, decode_balances, find_tables, has_totals
from simulators.terminal import Exchange
from simulators.wire import Message, WireError

WIDTH = 40

MEANINGS = {
    "00": "approved",
    "03": "unknown merchant",
    "05": "not honoured",
    "10": "approved in part",
    "12": "transaction not offered",
    "13": "amount not allowed",
    "14": "unknown card",
    "25": "original not found",
    "30": "format error",
    "41": "lost card",
    "43": "stolen card",
    "51": "not enough on the card",
    "54": "card expired",
    "55": "wrong PIN, or PIN missing",
    "57": "card not active, or not for this transaction",
    "58": "not allowed to this terminal",
    "59": "suspected fraud",
    "61": "over the amount limit",
    "62": "card blocked, or not for this store",
    "63": "security error (MAC or PIN block)",
    "65": "too often, or too many wrong guesses",
    "75": "too many wrong PINs",
    "76": "product or code not valid",
    "78": "void: original not found",
    "79": "void: already undone, or cannot be voided",
    "80": "wrong batch number",
    "89": "unknown terminal",
    "91": "upstream not available",
    "94": "duplicate, or out of sequence",
    "95": "totals differ",
    "96": "system error",
}


def meaning(code: str | None) -> str:
    return "no answer" if code is None else MEANINGS.get(code, "unknown response code")


def title(kind: str) -> str:
    """`void redeem` is a void of a gift card payment."""
    for word in ("reversal", "void", "upload"):
        if kind.startswith(word + " "):
            return f"{word.upper()} OF {title(kind.removeprefix(word + ' '))}"
    return KINDS[kind].title if kind in KINDS else kind.upper()


def receipt_lines(demo: Demo, who: DemoTerminal, dialect: Dialect, exchange: Exchange, now: datetime) -> list[str]:
    """The whole slip, declined transactions too: they are printed as often."""
    request, answer = exchange.request, exchange.answer
    lines = [
        demo.merchant_name(who.merchant_id).center(WIDTH).rstrip(),
        who.store.center(WIDTH).rstrip(),
        _pair(f"Terminal {who.terminal_id}", f"STAN {request.get(11)}"),
        _pair(
            str((answer and local_time(answer, now)) or local_time(request, now) or now.replace(microsecond=0)),
            f"Receipt {request.get(62)}" if 62 in request.fields else "",
        ),
        "",
        title(exchange.deed.kind),
    ]
    if pan := card_number(request):
        lines.append(_pair("Card", mask_pan(pan)))
    if answer is None:
        return [*lines, "NO ANSWER", exchange.problem]
    if has_totals(request):
        return [*lines, *settlement_lines(request, answer, who.currency)]
    lines += _amounts(request, answer, who.currency)
    lines += [_verdict(answer), *_numbers(answer)]
    lines += [_pair(*pair) for pair in points_pairs(exchange.deed.kind, answer, dialect, who.currency)]
    return [*lines, *_balances(answer), *_texts(answer, dialect)]


def _amounts(request: Message, answer: Message, currency: str) -> list[str]:
    """What was asked and, where it is less, what was taken and what the customer still has to pay."""
    currency = request.get(49) or currency
    asked, approved = request.get(4), answer.get(4)
    lines = []
    if approved or asked.strip("0"):
        lines.append(_pair("Amount", format_amount(int(approved or asked), currency)))
    if answer.get(39) == "10" and asked and approved:
        lines.append(_pair("Asked", format_amount(int(asked), currency)))
        lines.append(_pair("LEFT TO PAY", format_amount(int(asked) - int(approved), currency)))
    return lines


def _verdict(answer: Message) -> str:
    code = answer.get(39)
    verdict = {"00": "APPROVED", "10": "APPROVED IN PART"}.get(code, "DECLINED")
    return verdict if code in ("00", "10") else f"{verdict} ({code}: {meaning(code)})"


def _numbers(answer: Message) -> list[str]:
    lines = []
    if rrn := answer.get(37):
        lines.append(_pair("RRN", rrn))
    if approval := answer.get(38):
        # on a 30 the switch puts the number of the wrong element where the approval code would be
        lines.append(_pair("Wrong element" if answer.get(39) == "30" else "Approval", approval))
    if batch := answer.get(60):
        lines.append(_pair("Batch", batch))
    return lines


def _balances(answer: Message) -> list[str]:
    try:
        blocks = decode_balances(answer.get(54))
    except WireError:
        return ["(balance cannot be read)"]
    names = {AVAILABLE: "Balance", LEDGER: "Balance with pending"}
    return [
        _pair(names[block.kind], format_amount(block.amount, block.currency)) for block in blocks if block.kind in names
    ]


def _texts(answer: Message, dialect: Dialect) -> list[str]:
    tables = find_tables(answer, dialect)
    text = "\n".join(tables[name] for name in ("22", "29", "TP") if name in tables)
    return text.encode("latin-1").decode("cp1254", "replace").splitlines()


def _pair(left: str, right: str) -> str:
    return f"{left}{right:>{max(WIDTH - len(left), len(right) + 1)}}" if right else left
