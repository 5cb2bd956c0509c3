"""Two whole daemons share one PostgreSQL, as behind a load balancer: the same bytes from the same tills at both."""

import random
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
import trio

from simulators.demo import Demo, DemoTerminal, load_demo
from simulators.line import Line
from simulators.link import open_link
from simulators.requests import KINDS, Order, build_repeat, build_request, build_reversal
from simulators.state import Counters, Deed
from simulators.wire import Message
from specs.sensitive import PAN
from switch.books import Books
from switch.config_file import load_config
from switch.demo import build
from switch.store.open import open_reader, open_store
from switch.vault import Vault
from tests.crash.daemon import Daemon, free_port, make_demo, prove
from tests.store.places import PostgreSQLPlace

TILLS, MESSAGES = 10, 40  # messages of each till


@pytest.fixture
def folders(postgresql: PostgreSQLPlace, tmp_path: Path) -> Iterator[list[Path]]:
    """Two data folders with the same keys and books, and ports and a name of their own."""
    first, second = tmp_path / "first", tmp_path / "second"
    make_demo(first, TILLS)
    change(first / "tillswitch.toml", r"(?m)^#?\s*store = .*$", f'store = "{postgresql.url}"')
    config = load_config(first / "tillswitch.toml")
    vault = Vault.open(config.vault.master_key, config.vault.keys)
    with closing(open_store(config.store, make=True)) as store:
        filled = build.fill(Books(store, vault.seal_key, "operator"), vault, {"nac": TILLS})
    demo = msgspec.json.decode((first / "demo.json").read_bytes())
    build.write_demo_json(first / "demo.json", demo | filled)
    shutil.copytree(first, second)
    base, other = demo["listeners"]["nac"], free_port(demo["listeners"]["nac"] + 50)
    for offset in (0, 1, 2, 10, 20, 21, 22):
        for name in ("tillswitch.toml", "demo.json"):
            change(second / name, rf"\b{base + offset}\b", str(other + offset))
    change(second / "tillswitch.toml", r"(?m)^#?\s*node = .*$", 'node = "second"')
    yield [first, second]
    Daemon.kill_all()


def change(file: Path, pattern: str, text: str) -> None:
    changed, times = re.subn(pattern, lambda _: text, file.read_text("utf-8"))
    assert times, f"{file} has no {pattern}"
    file.write_text(changed, "utf-8")


class Tills:
    """What each till says, and what the cards hold afterwards."""

    def __init__(self, demo: Demo, chance: random.Random) -> None:
        self.terminals = [one for one in demo.terminals_of("nac") if one.terminal_id.startswith("LOAD")]
        cards = [card for card in demo.gift_cards if card.product == "classic" and card.state == "active"]
        self.expected = {card.pan: card.balance for card in cards}
        self.said = {till.terminal_id: self._script(till, chance) for till in self.terminals}

    def _script(self, till: DemoTerminal, chance: random.Random) -> list[Message]:
        said: list[Message] = []
        for number in range(1, MESSAGES + 1):
            pan, amount = chance.choice(list(self.expected)), chance.randint(1, 99)
            counters = Counters(f"{number:06d}", f"{number:06d}", None)
            request = build_request(till, "nac", Order(KINDS["redeem"], pan, amount), counters, datetime.now())
            said.append(request)
            if chance.random() < 0.2:
                said.append(build_repeat(request))
            if chance.random() < 0.25:
                said.append(build_reversal(Deed("redeem", request)))
            else:
                self.expected[pan] -= amount
        return said


async def tell(demo: Demo, till: DemoTerminal, messages: list[Message]) -> None:
    link = await open_link(demo, till, "nac", "127.0.0.1")
    for message in messages:
        await link.send(message)
        code = await answer(link)
        assert code in ("00", "94"), code  # 94: the reversal was here first
    await link.aclose()


async def answer(link: Line) -> str:
    with trio.fail_after(60):
        return (await link.receive()).get(39)


@pytest.mark.slow
def test_two_daemons_given_the_same_messages_move_value_once(folders: list[Path]) -> None:
    daemons = [Daemon(folder).wait_until_serving() for folder in folders]
    demos = [load_demo(folder / "demo.json") for folder in folders]
    chance = random.Random(3)
    tills = Tills(demos[0], chance)

    async def talk() -> None:
        async with trio.open_nursery() as nursery:
            for demo in demos:
                for till in tills.terminals:
                    said = tills.said[till.terminal_id]
                    nursery.start_soon(tell, demo, till, chance.sample(said, len(said)))

    trio.run(talk)
    assert [daemon.stop() for daemon in daemons] == [0, 0]
    assert not [line for daemon in daemons for line in daemon.lines if '"level": "error"' in line]
    done = prove(folders[0])
    assert {"main", "second"} <= done.newest.keys()
    config = load_config(folders[0] / "tillswitch.toml")
    vault = Vault.open(config.vault.master_key, config.vault.keys)
    with closing(open_reader(config.store)) as reader:
        held = {pan: reader.card(vault.card_hash(PAN(pan)).hex()) for pan in tills.expected}
    assert {pan: found[1].balance for pan, found in held.items() if found} == tills.expected
