"""The points of the toy switch: a dictionary of members and just enough rules for the simulator's conversations."""

import msgspec

from simulators.codecs import Dialect
from simulators.demo import Demo
from simulators.point_tables import decode_tenders
from simulators.requests import card_number
from simulators.tables import encode_tables, find_tables, tables_element
from simulators.wire import Message
from tests.simulators.toy_batches import ToyBatch

SALE, REDEEM, RETURN, TRANSFER, PURCHASE, ENROL = "000090", "009000", "200090", "409090", "210090", "720090"
STATES = {"720090": "active", "739000": "blocked", "749000": "active"}


class PointsBook(msgspec.Struct):
    """One approved deed: what it did to each card's points, and whether it still stands."""

    request: Message
    rrn: str
    amount: int
    moves: dict[str, int]
    earned: int = 0
    redeemed: int = 0
    before: str = ""
    after: str = ""
    live: bool = True
    undoes: "PointsBook | None" = None
    batch: ToyBatch | None = None


class ToyPoints:
    def __init__(self, demo: Demo) -> None:
        assert demo.points
        self.rates = demo.points
        self.value = next(iter(demo.points.value_minor.values()))
        self.points = {card.pan: card.points for card in demo.all_loyalty_cards}
        self.states = {card.pan: card.state for card in demo.all_loyalty_cards}
        self.books: list[PointsBook] = []
        self.batch: ToyBatch | None = None  # of the message being decided

    # --- what is asked ---

    def decide(self, request: Message, dialect: Dialect, rrn: str) -> dict[int, str]:
        pan, code = card_number(request), request.get(3)
        if pan not in self.points:
            return {39: "14"}
        allowed = {"720090": ("inactive",), "749000": ("blocked", "active")}.get(code, ("active",))
        if self.states[pan] not in allowed and code[:2] != "02":
            return {39: "62" if self.states[pan] == "blocked" else "57"}
        if request.mti == "0100":
            earned = self._earned(request, dialect) if code == SALE else 0
            told = self._told(PointsBook(request, "", 0, {pan: 0}, earned), dialect)
            return {39: "00"} | (told if code != SALE else {n: told[n] for n in told if n != 54})
        book = self._void(request, rrn) if code[:2] == "02" else self._deed(request, dialect, rrn)
        if isinstance(book, str):
            return {39: book, 54: self._balance(pan)} if book == "51" else {39: book}
        self._apply(book)
        taken = book.amount < int(request.get(4) or 0)
        return {39: "10" if taken else "00", 38: "123456"} | self._told(book, dialect)

    def reverse(self, request: Message, key_seen: bool) -> dict[int, str] | None:
        """The answer to a reversal; None where the original has never been seen."""
        for book in reversed(self.books):
            same = all(book.request.get(number) == request.get(number) for number in (3, 11, 41))
            if (
                book.request.mti[1] == "2"
                and same
                and int(request.get(4) or 0) in (book.amount, int(book.request.get(4) or 0))
            ):
                if book.live:
                    for child in self._returns(book) if book.undoes is None else ():
                        self._apply(self._negative(child, request, ""))
                    self._apply(self._negative(book, request, ""))
                return {39: "00"}
        return {39: "00"} if key_seen else None

    def upload(self, request: Message, dialect: Dialect, rrn: str) -> None:
        """Book what was never seen."""
        book = self._deed(request, dialect, rrn)
        assert isinstance(book, PointsBook), f"an upload refused with {book}"
        self._apply(book)

    def undone(self, request: Message) -> bool:
        return any(book.request is request and not book.live for book in self.books)

    # --- what each does ---

    def _deed(self, request: Message, dialect: Dialect, rrn: str) -> PointsBook | str:
        pan, code, asked = card_number(request), request.get(3), int(request.get(4) or 0)
        if code in STATES:
            return PointsBook(request, rrn, 0, {pan: 0}, before=self.states[pan], after=STATES[code])
        if code == SALE:
            earned = self._earned(request, dialect)
            return PointsBook(request, rrn, asked, {pan: earned}, earned)
        if code == PURCHASE:
            return PointsBook(request, rrn, asked, {pan: asked // self.value}, asked // self.value)
        if code == RETURN:
            return self._return(request, rrn, asked)
        taken = asked if code == TRANSFER else -(-asked // self.value)
        if code == REDEEM and taken < self.rates.redeem_minimum:
            return "13"
        if taken > self.points[pan] and request.mti == "0200":
            if code == TRANSFER or "P" not in find_tables(request, dialect).get("CP", "") or not self.points[pan]:
                return "51"
            taken = self.points[pan]
            asked = taken * self.value
        if code == TRANSFER:
            return PointsBook(request, rrn, asked, {pan: -taken, find_tables(request, dialect)["TO"]: taken})
        return PointsBook(request, rrn, asked, {pan: -taken}, redeemed=taken)

    def _return(self, request: Message, rrn: str, asked: int) -> PointsBook | str:
        """Points of what is left, and of the tenders the same part; all parts together are the whole."""
        sale = next((book for book in self.books if book.rrn == request.get(37)), None)
        if sale is None or not sale.live:
            return "25"
        earlier = self._returns(sale)
        returned = sum(book.amount for book in earlier) + asked
        if returned > sale.amount:
            return "13"
        paid = self._payment(sale.request)
        back = sale.earned - sale.earned * (sale.amount - returned) // sale.amount - sum(one.earned for one in earlier)
        given = (paid.redeemed * returned // sale.amount if paid else 0) - sum(one.redeemed for one in earlier)
        moves = {card_number(request): -back}
        if paid:  # perhaps by another member
            payer = card_number(paid.request)
            moves[payer] = moves.get(payer, 0) + given
        return PointsBook(request, rrn, asked, moves, back, given)

    def _void(self, request: Message, rrn: str) -> PointsBook | str:
        for book in reversed(self.books):
            named = request.get(37) == book.rrn if request.get(37) else request.get(62) == book.request.get(62)
            if named and book.undoes is None and book.request.get(3)[2:] == request.get(3)[2:]:
                if request.get(41) != book.request.get(41):
                    return "78"
                return self._negative(book, request, rrn) if book.live and not self._returns(book) else "79"
        return "78"

    def _negative(self, book: PointsBook, request: Message, rrn: str) -> PointsBook:
        moves = {pan: -points for pan, points in book.moves.items()}
        turned = PointsBook(request, rrn, book.amount, moves, book.earned, book.redeemed, book.after, book.before)
        turned.undoes = book
        return turned

    def _apply(self, book: PointsBook) -> None:
        if book.undoes:
            book.undoes.live = False
            if book.undoes.undoes:
                book.undoes.undoes.live = True
        for pan, points in book.moves.items():
            self.points[pan] += points
        if book.after:
            self.states[card_number(book.request)] = book.after
        book.batch = self.batch
        self.books.append(book)

    # --- what is known ---

    def _returns(self, sale: PointsBook) -> list[PointsBook]:
        returns = [book for book in self.books if book.request.get(3) == RETURN and book.undoes is None and book.live]
        return [book for book in returns if book.request.get(37) == sale.rrn]

    def _payment(self, sale: Message) -> PointsBook | None:
        """The redemption of the same terminal and receipt."""
        payments = [book for book in self.books if book.request.get(3) == REDEEM and book.undoes is None and book.live]
        same = [all(book.request.get(n) == sale.get(n) for n in (41, 62)) for book in payments]
        return next((book for book, fits in zip(payments, same, strict=True) if fits), None)

    def _earned(self, request: Message, dialect: Dialect) -> int:
        """What is paid with points earns none."""
        told, payment = find_tables(request, dialect).get("TD"), self._payment(request)
        paid = payment.amount if payment else 0
        if told:
            paid = sum(amount for name, amount in decode_tenders(told) if name == "points")
        return self.rates.earned(int(request.get(4)) - paid)

    def _told(self, book: PointsBook, dialect: Dialect) -> dict[int, str]:
        pan, code = card_number(book.request), book.request.get(3)
        held = self.points[pan]
        data = f"{book.earned:010d}{book.redeemed:010d}{'D' if held < 0 else 'C'}{abs(held):010d}{0:010d}000000"
        tables = [("PT", data)]
        if code == RETURN:
            worth = book.redeemed * self.value
            tables.append(("RT", f"{worth:012d}{book.amount - worth:012d}"))
        fields = {54: self._balance(pan), tables_element(dialect): encode_tables(tables, dialect)}
        return fields | ({4: f"{book.amount:012d}"} if book.amount else {})

    def _balance(self, pan: str) -> str:
        held = self.points[pan]
        return f"9002999{'D' if held < 0 else 'C'}{abs(held):012d}"
