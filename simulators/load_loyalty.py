"""Loyalty cards under load: sales that earn, points that pay and change hands, goods that come back.

What a sale earns and what a payment takes is reckoned here, from the rates of demo.json; what an answer tells of points
has to agree, and at the end so has what every member holds. Where the programme alone knows a part (what the part of a
sale earns that is paid with points), the parts have to add up to the whole.
"""

from collections.abc import Sequence

from simulators.demo import DemoPoints
from simulators.load_driver import Traffic, View
from simulators.load_line import LoadLine
from simulators.load_report import LoadReport
from simulators.point_tables import Points, Returned, encode_tenders
from simulators.points_receipt import find_points, find_return
from simulators.state import Deed
from simulators.wire import Message

SALE_POINTS_MAX = 40  # what a sale earns at most
TRANSFER_MAX = 20


class LoyaltyTraffic(Traffic[View]):
    def __init__(
        self, line: LoadLine, views: Sequence[View], report: LoadReport, seed: str, rates: DemoPoints, *, owner: bool
    ) -> None:
        super().__init__(line, views, report, seed, owner=owner)
        self._rates = rates
        self._value = rates.value(line.who)
        self._minimum = max(1, rates.redeem_minimum)

    @property
    def _balance_kind(self) -> str:
        return "points-balance"

    async def _play(self, view: View) -> None:
        """Payments only from what is there; a member with little buys more."""
        choice, poor = self._random.random(), not self._value or view.balance < 3 * self._minimum
        if self._line.says_less:
            await self._play_less(view, choice, poor=poor)
        elif choice < 0.1:
            await self._check_balance(view)
        elif choice < 0.2:
            await self._preview(view)
        elif choice < 0.24 and not view.shared and self._value:
            await self._overdraw(view)
        elif choice < 0.55 or poor:
            await self._sale(view)
        elif choice < 0.72:
            await self._payment(view)
        elif choice < 0.8:
            await self._transfer(view)
        elif choice < 0.86:
            await self._buy(view)
        else:
            await self._purchase(view)

    async def _play_less(self, view: View, choice: float, *, poor: bool) -> None:
        """What a terminal can say that has no code for the rest."""
        if choice < 0.2:
            await self._check_balance(view)
        elif choice < 0.24 and not view.shared and self._value:
            await self._overdraw(view)
        elif choice < 0.6 or poor:
            await self._sale(view)
        else:
            await self._payment(view)

    # --- what is asked, and what must be refused ---

    async def _preview(self, view: View) -> None:
        amount = self._amount()
        answer = await self._line.insist("preview", lambda _: self._line.build("preview", view.pan, amount))
        if self._is(view, "preview", answer, "00"):
            self._earns(view, "preview", answer, self._rates.earned(amount))

    async def _overdraw(self, view: View) -> None:
        request = self._line.build("points-redeem", view.pan, (max(0, view.balance) + self._minimum) * self._value)
        answer = await self._send_or_undo(view, "points-redeem", request)
        if answer:
            self._is(view, "redeem of too many points", answer, "51", balance=view.balance)

    # --- what moves points ---

    async def _sale(self, view: View) -> None:
        amount = self._amount()
        delta = self._rates.earned(amount)
        request = self._line.build("sale", view.pan, amount)
        answer = await self._move(view, "sale", request, delta)
        if not answer:
            return
        self._earns(view, "sale", answer, delta)
        if self._random.random() < 0.3:
            await self._return_all(view, answer, amount, delta, 0)
        else:
            await self._afterwards(view, Deed("sale", request, "00", None, answer.get(37)), answer, delta)

    async def _payment(self, view: View) -> None:
        points = self._random.randint(self._minimum, 2 * self._minimum)
        request = self._line.build("points-redeem", view.pan, points * self._value)
        answer = await self._move(view, "points-redeem", request, -points)
        if answer:
            deed = Deed("points-redeem", request, "00", answer.get(4) or None, answer.get(37))
            await self._afterwards(view, deed, answer, -points)

    async def _transfer(self, view: View) -> None:
        other = self._random.choice(self._views)
        if other is view:
            return await self._check_balance(view)
        points = self._random.randint(1, min(TRANSFER_MAX, view.balance))
        request = self._line.build("points-transfer", view.pan, points, tables=(("TO", other.pan),))
        answer = await self._move(view, "points-transfer", request, -points)
        if answer:
            other.balance += points
            if self._random.random() < 0.3:
                held = view.balance
                await self._void(view, Deed("points-transfer", request, "00", None, answer.get(37)), -points)
                other.balance -= view.balance - held
        return None

    async def _buy(self, view: View) -> None:
        """Points for money. Their price is the programme's affair; the balance has to rise by what was told."""
        request = self._line.build("points-purchase", view.pan, self._amount() + self._rates.earn_money)
        answer = await self._send_or_undo(view, "points-purchase", request)
        if not answer or not self._is(view, "points-purchase", answer, "00"):
            return
        bought = self._points(view, "points-purchase", answer).earned
        view.balance += bought
        self._is(view, "points-purchase", answer, "00", balance=view.balance)
        await self._afterwards(view, Deed("points-purchase", request, "00", None, answer.get(37)), answer, bought)

    async def _purchase(self, view: View) -> None:
        """One purchase of several messages: part is paid with points, the rest earns, and then all of it comes back."""
        points = self._minimum
        paid, rest = points * self._value, self._amount()
        payment = self._line.build("points-redeem", view.pan, paid)
        if not await self._move(view, "points-redeem", payment, -points):
            return
        tenders = encode_tenders([("points", paid), ("other", rest)])
        sale = self._line.build("sale", view.pan, paid + rest, receipt=payment.get(62), tables=(("TD", tenders),))
        answer = await self._send_or_undo(view, "sale", sale)
        if not answer or not self._is(view, "sale", answer, "00"):
            return
        earned = self._points(view, "sale", answer).earned
        if not 0 <= earned <= self._rates.earned(paid + rest):
            self._report.complain(f"{view}: a sale of {paid + rest}, {paid} of it in points, earned {earned}")
        view.balance += earned
        self._is(view, "sale", answer, "00", balance=view.balance)
        await self._return_all(view, answer, paid + rest, earned, points)

    async def _return_all(self, view: View, sale: Message, amount: int, earned: int, redeemed: int) -> None:
        """The goods of a sale in one to three parts, which together are the whole."""
        cuts = sorted(self._random.randint(0, amount) for _ in range(self._random.randint(0, 2)))
        parts = [end - start for start, end in zip([0, *cuts], [*cuts, amount], strict=True) if end > start]
        left, worth = redeemed, redeemed * self._value
        for part in parts:
            request = self._line.build("return", view.pan, part, rrn=sale.get(37))
            answer = await self._send_or_undo(view, "return", request)
            if not answer or not self._is(view, "return", answer, "00"):
                return
            told, returned = self._points(view, "return", answer), find_return(answer, self._line.dialect)
            returned = returned or Returned(0, part if self._line.says_less else 0)
            view.balance += told.redeemed - told.earned
            self._is(view, "return", answer, "00", balance=view.balance)
            if returned.worth + returned.rest != part:
                self._report.complain(f"{view}: a return of {part} was told {returned.worth} and {returned.rest}")
            earned, left, worth = earned - told.earned, left - told.redeemed, worth - returned.worth
        if earned or left or worth:
            self._report.complain(
                f"{view}: returns of a whole sale left {earned} points earned, {left} spent, worth {worth}"
            )

    # --- asking and judging ---

    async def _move(self, view: View, what: str, request: Message, delta: int) -> Message | None:
        """The answer to what changes the balance by `delta`; None unless it is approved."""
        answer = await self._send_or_undo(view, what, request)
        if not answer or not self._is(view, what, answer, "00", balance=view.balance + delta):
            return None
        view.balance += delta
        return answer

    async def _afterwards(self, view: View, deed: Deed, answer: Message, delta: int) -> None:
        """Sometimes repeat, void or reverse it."""
        after = self._random.random()
        if after < 0.1:
            await self._repeat(view, deed, answer)
        elif after < 0.2:
            await self._void(view, deed, delta)
        elif after < 0.3:
            await self._reverse(view, deed)
            view.balance -= delta

    def _amount(self) -> int:
        return self._random.randint(1, max(1, SALE_POINTS_MAX * self._rates.earn_money // self._rates.earn_points))

    def _earns(self, view: View, what: str, answer: Message, points: int) -> None:
        earned = self._points(view, what, answer).earned
        if earned != points:
            self._report.complain(f"{view}: a {what} earned {earned}, not {points}")

    def _points(self, view: View, what: str, answer: Message) -> Points:
        told = find_points(answer, self._line.dialect)
        if told is None:
            self._report.complain(f"{view}: a {what} was answered without points")
        return told or Points(0, 0, 0, 0, "")
