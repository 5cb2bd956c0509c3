"""Conversations as data: what a story file says. `expectations.py` judges the answers, `player.py` plays.

A story names the cards it needs by description and plays steps; what a step expects may refer to earlier answers, as
`$before.balance - 2500`. Cleanup steps are played whatever happened, so a story can be played again on the same books.
`stories/README.md` describes the format.
"""

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from simulators.cards import CardWish
from simulators.codecs import Dialect
from simulators.demo import DemoError
from simulators.references import Value, parse_reference
from simulators.requests import KINDS
from simulators.visa2_manner import Damage, Manner

DEMO = "demo"  # what references call the rates of points of demo.json
SENDS = (*KINDS, "void", "advice-void", "reversal", "repeat", "held", "upload")


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the answer has to be; what is not named is not looked at. Amounts in minor units."""

    code: str | None = None
    amount: Value | None = None
    balance: Value | None = None
    card_balance: Value | None = None
    currencies: int | None = None
    batch: str | None = None
    earned: Value | None = None
    redeemed: Value | None = None
    points: Value | None = None
    worth: Value | None = None
    pay_out: Value | None = None
    totals: list[list[int]] | None = None
    same_as: str | None = None
    text: str | None = None
    session: str | None = None
    present: list[int | str] = []
    absent: list[int | str] = []


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a basket; `price` is of one unit."""

    sku: str
    price: Value
    quantity: str = "1"
    group: str = ""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message. `answer = "lost"` hangs up before the answer; `"held"` builds the message and keeps it unsent.

    Before a step with a `pause` somebody else may do what it says; the story comes out the same if nobody does.
    """

    send: str
    name: str = ""
    card: str = ""
    of: str = ""
    unless: str = ""
    terminal: int = 1
    amount: Value | None = None
    rrn: str | None = None
    receipt: str | None = None
    to: str = ""
    basket: list[Line] = []
    tenders: dict[Literal["gift", "points", "code", "other"], Value] = {}
    phone: str = ""
    batch: str | None = None
    totals: list[tuple[int, int]] | None = None
    nii: str = ""
    pin: Literal["right", "wrong", "none"] = "right"
    partial: bool = False
    swipe: bool = False
    answer: Literal["read", "lost", "held"] = "read"
    pause: str = ""
    damage: Damage = ""
    expect: Expectation = Expectation()


class Story(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dialects` are those it can be played in, the first unless another is asked for; `visa2` how that is spoken."""

    title: str
    steps: list[Step]
    dialects: tuple[Dialect, ...] = ("nac", "ascii")
    visa2: Manner = Manner()
    about: str = ""
    cards: dict[str, CardWish] = {}
    cleanup: list[Step] = []


def load_story(name: str) -> Story:
    """A story from a file, or a packaged one by its name."""
    packaged = {path.name.removesuffix(".toml"): path for path in _packaged()}
    source: Any = packaged.get(name) or Path(name)
    try:
        return parse_story(source.read_bytes(), str(name))
    except FileNotFoundError:
        raise DemoError(f"no story {name!r}; packaged ones: {', '.join(sorted(packaged))}") from None


def packaged_stories() -> dict[str, Story]:
    files = sorted(_packaged(), key=lambda path: str(path.name))
    return {path.name.removesuffix(".toml"): parse_story(path.read_bytes(), path.name) for path in files}


def parse_story(content: bytes, name: str) -> Story:
    """Read a story and check that its steps name only what is there."""
    try:
        story = msgspec.toml.decode(content, type=Story)
    except msgspec.DecodeError as error:
        raise DemoError(f"{name}: {error}") from None
    if not story.dialects:
        raise DemoError(f"{name}: dialects names none")
    known = {DEMO}
    for number, step in enumerate([*story.steps, *story.cleanup], 1):
        _check_step(story, step, known, f"{name}, step {number} ({step.name or step.send})")
        known.add(step.name)
    return story


def _check_step(story: Story, step: Step, known: set[str], where: str) -> None:
    kind = KINDS.get(step.send)
    if (step.damage or step.expect.session) and story.dialects != ("visa2",):
        raise DemoError(f"{where}: damage and session are of stories that are for visa2 alone")
    if step.send not in SENDS:
        raise DemoError(f"{where}: send {step.send!r} is none of {', '.join(SENDS)}")
    wanted = [step.card, step.to] if step.send == "points-transfer" else [step.card]
    for card in wanted if kind and kind.card else ():
        if card not in story.cards:
            raise DemoError(f"{where}: card {card!r} is not described under [cards]")
    if not kind and step.of not in known - {""}:
        raise DemoError(f"{where}: of {step.of!r} is no earlier step")
    prices = [line.price for line in step.basket]
    asked = (step.amount, step.rrn, step.receipt, step.batch, *prices, *step.tenders.values())
    expected = msgspec.structs.astuple(step.expect)  # may refer to the very answer that is judged
    for values, names in ((asked, known), (expected, known | {step.name})):
        for value in values:
            if isinstance(value, str) and value.startswith("$"):
                named = {term.step for term in parse_reference(value, where) if term.step}
                if not named <= names:
                    raise DemoError(f"{where}: {value!r} refers to no earlier step")
    for key, name in (("same_as", step.expect.same_as), ("unless", step.unless)):
        if name and name not in known:
            raise DemoError(f"{where}: {key} {name!r} is no earlier step")


def _packaged() -> list[Any]:
    return [path for path in (resources.files("simulators") / "stories").iterdir() if path.name.endswith(".toml")]
