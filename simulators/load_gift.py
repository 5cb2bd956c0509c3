"""Gift cards under load: sold, loaded, spent, asked; sometimes repeated, voided, reversed."""

from simulators.demo import Demo
from simulators.load_driver import Traffic, View
from simulators.state import Deed, StateFile

FULL, LOW = 60_000, 20_000  # above, only spend; below, only load: a demo card's limit is 100,000 or more
ACTIVATION_MINOR = 10_000  # within the limits of every demo product with a range
SPENT_MAX = 500


class CardView(View):
    state: str = "active"
    reload_minor: int = 1


class GiftTraffic(Traffic[CardView]):
    @property
    def _balance_kind(self) -> str:
        return "balance"

    async def _look(self, view: CardView, demo: Demo) -> None:
        """Sell what is not active yet."""
        if view.state == "inactive":
            await self._activate(view, demo)
        else:
            await super()._look(view, demo)

    async def _play(self, view: CardView) -> None:
        choice = self._random.random()
        if choice < 0.15:
            await self._check_balance(view)
        elif choice < 0.18 and not view.shared:
            await self._overdraw(view)
        else:
            loads = view.balance < LOW or (view.balance < FULL and choice < 0.5)
            await self._move(view, "reload" if loads else "redeem")

    async def _activate(self, view: CardView, demo: Demo) -> None:
        request = self._line.build("activate", view.pan, ACTIVATION_MINOR)
        answer = await self._send_or_undo(view, "activate", request)
        if answer and self._is(view, "activate", answer, "00", balance=ACTIVATION_MINOR):
            view.balance = ACTIVATION_MINOR
            StateFile.beside(demo).remember_card(demo, view.pan, "active", view.balance)

    async def _overdraw(self, view: CardView) -> None:
        request = self._line.build("redeem", view.pan, view.balance + 1)
        answer = await self._send_or_undo(view, "redeem", request)
        if answer:
            if self._line.says_less and view.balance:
                taken = self._is(view, "redeem of too much", answer, "10", view.balance, balance=0)
                view.balance = 0 if taken else view.balance
            else:
                self._is(view, "redeem of too much", answer, "51", balance=view.balance)

    async def _move(self, view: CardView, kind: str) -> None:
        """Load or spend, then sometimes repeat, void or reverse it."""
        amount = self._random.randint(1, SPENT_MAX) + (view.reload_minor if kind == "reload" else 0)
        delta = amount if kind == "reload" else -amount
        request = self._line.build(kind, view.pan, amount)
        answer = await self._send_or_undo(view, kind, request)
        if not answer or not self._is(view, kind, answer, "00", amount, view.balance + delta):
            return
        view.balance += delta
        deed = Deed(kind, request, "00", answer.get(4) or None, answer.get(37))
        after = self._random.random()
        if after < 0.08:
            await self._repeat(view, deed, answer)
        elif after < 0.16:
            await self._void(view, deed, delta)
        elif after < 0.26:
            await self._reverse(view, deed)
            view.balance -= delta
