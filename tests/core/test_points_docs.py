"""The worked examples of specs/POINTS.md, played."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from specs.outcomes import ACCEPTED
from specs.transaction import BalanceType, Reply
from switch.core.points_commands import AdjustPoints, AwardPoints, ConvertPoints
from switch.core.programme import parse_programme
from switch.core.schemes import EarnRule, LoyaltyProduct, Scheme
from switch.core.texts import PointsText
from tests.core.members import MemberShop, PointsTill, lines
from tests.core.till import LIRA, PROGRAMME, hash_of

TEXT = (Path(__file__).parents[2] / "specs" / "POINTS.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```\n```\n(.*?)```", TEXT, re.DOTALL)


class Example(MemberShop):
    def __init__(self, programme: str) -> None:
        super().__init__(whole=PROGRAMME + programme)
        self.tills = {"T1": self.till("T1", texts=True), "T2": self.till("T2", store="south", texts=True)}
        self.pan, self.other = self.member(), self.member()
        self.sold = ""

    def play(self, line: str) -> None:
        done, _, expected = line.partition(" -> ")
        match done.split():
            case ["wait", count, "days"]:
                self.pass_time(days=int(count))
            case ["wait", count, "hours"]:
                self.pass_time(hours=int(count))
            case ["give", points]:
                self.command(AdjustPoints(hash_of(self.pan), int(points), "an example"))
            case ["award", event]:
                self.command(AwardPoints(hash_of(self.pan), event, "once"))
                self.command(AwardPoints(hash_of(self.pan), event, "once"))
            case ["convert", points, source, target]:
                self.command(ConvertPoints(hash_of(self.pan), source, target, int(points)))
            case ["merchant", merchant_id]:
                assert self.clearing(merchant_id, LIRA) == int(expected)
            case [till, what, *rest]:
                told = facts(self.ask_till(self.tills[till], what, rest))
                for fact in expected.split(", "):
                    assert fact in told, f"{line}: it said {', '.join(told)}"
            case _:
                raise ValueError(line)

    def ask_till(self, till: PointsTill, what: str, rest: list[str]) -> Reply:
        amount = int(rest[0]) if rest else 0
        more = dict(zip(rest[1::2], rest[2::2], strict=True))
        goods = [part.split(":") for part in more.get("basket", "").split(",") if part]
        basket = lines(*((sku, int(price), department) for sku, price, department in goods))
        match what:
            case "sale":
                reply = till.sale(self.pan, amount, receipt=more.get("receipt"), basket=basket)
                self.sold = reply.rrn or ""
                return reply
            case "return":
                return till.give_back(self.pan, amount, rrn=self.sold, basket=basket)
            case "pay":
                return till.pay(self.pan, amount, receipt=more.get("receipt"))
            case "buy":
                return till.buy(self.pan, amount)
            case "transfer":
                return till.transfer(self.pan, self.other, amount)
            case "balance":
                return till.ask(self.pan)
        raise ValueError(what)


def facts(reply: Reply) -> list[str]:
    """All that an answer says, in the words of the document."""
    if reply.outcome not in ACCEPTED:
        return [reply.outcome.value]
    told = [f"available {balance.amount}" for balance in reply.balances if balance.type is BalanceType.AVAILABLE]
    told += [f"total {balance.amount}" for balance in reply.balances if balance.type is BalanceType.LEDGER]
    if reply.points:
        told += [f"earned {reply.points.earned}", f"redeemed {reply.points.redeemed}"]
        told.append(f"expiring {reply.points.expiring} on {reply.points.expires_on}")
    if reply.returned:
        told += [f"worth {reply.returned.worth}", f"rest {reply.returned.rest}"]
    told += [f"shown {reply.display}"] if reply.display else []
    told += [f"printed {reply.receipt_text.strip()}"] if reply.receipt_text else []
    return told


@pytest.mark.parametrize(("programme", "played"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_comes_out_as_written(programme: str, played: str) -> None:
    shop = Example(programme)
    for line in played.strip().splitlines():
        shop.play(line)
    shop.prove()


def test_every_example_is_found() -> None:
    assert len(EXAMPLES) == TEXT.count("```toml")
    assert len(EXAMPLES) > 6


@pytest.mark.parametrize("struct", [Scheme, EarnRule, LoyaltyProduct, PointsText])
def test_every_key_is_explained(struct: type[Scheme | EarnRule | LoyaltyProduct | PointsText]) -> None:
    for key in struct.__struct_fields__:
        assert re.search(rf"`[^`]*\b{key}\b[^`]*`|^.*\b{key} = ", TEXT, re.MULTILINE), key


def test_the_examples_are_whole_programmes() -> None:
    for programme, _ in EXAMPLES:
        assert parse_programme(programme, 1).schemes
