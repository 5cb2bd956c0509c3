"""A small demo.json, and a toy switch that serves it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.demo import Demo, load_demo
from tests.simulators.toy_switch import ToySwitch, in_thread

PIN = "482915"
PINNED_PAN = "9700000000000003310"


def demo_content() -> dict[str, Any]:
    def product(name: str, currency: str, **other: Any) -> dict[str, Any]:
        base = {"id": name, "currency": currency, "exponent": 2, "method": "open", "reload": True, "single_use": False}
        return base | {"pin": False, "stores": None, "minimum": 1000, "maximum": 100000} | other

    def card(
        number: int, product: str, state: str, balance: int, currency: str, pin: str | None = None
    ) -> dict[str, Any]:
        pan = f"97000000000000{number:05d}"
        return {"pan": pan, "product": product, "state": state, "balance": balance, "currency": currency, "pin": pin}

    terminals = [
        {"merchant_id": merchant, "terminal_id": f"T{listener[0].upper()}{number:06d}", "listener": listener,
         "store": f"store-{number}", "currency": "949", "nii": "010"}
        for merchant, listener in (("M00000000000001", "nac"), ("M00000000000002", "ascii"))
        for number in (1, 2, 3)
    ]  # fmt: skip

    def member(number: int, points: int, name: str | None = None) -> dict[str, Any]:
        return {"pan": f"9711{number:012d}", "member": name or f"member-{number}", "points": points}

    return {
        "listeners": {"nac": 1, "ascii": 1, "ops": 1},
        "merchants": [
            {"merchant_id": "M00000000000001", "name": "Kelebek Kitap", "stores": ["store-1", "store-2", "store-3"]},
            {"merchant_id": "M00000000000002", "name": "Nar Market", "stores": ["store-1", "store-2", "store-3"]},
        ],
        "terminals": terminals,
        "gift_products": [
            product("open", "949"),
            product("safe", "949", pin=True),
            product("gulf", "414", exponent=3),
            product("fixed", "949", reload=False, denominations=[5000], minimum=None, maximum=None),
        ],
        "gift_cards": [
            *(card(100 + number, "open", "inactive", 0, "949") for number in range(6)),
            *(card(200 + number, "open", "active", 20000, "949") for number in range(6)),
            {**card(0, "safe", "active", 20000, "949", PIN), "pan": PINNED_PAN},
            card(400, "gulf", "active", 9000, "414"),
            card(500, "fixed", "inactive", 0, "949"),
        ],
        "loyalty_cards": [
            *(member(number, 5000) for number in range(1, 5)),
            member(5, 3000, "family"),
            member(6, 3000, "family"),
        ],
        "unenrolled_cards": ["9711000000000007", "9711000000000008"],
        "points": {
            "earn_money": 1000,
            "earn_points": 3,
            "value_minor": {"store-1": 5, "store-2": 5, "store-3": 5},
            "redeem_minimum": 100,
        },
    }


def write_demo(folder: Path, ports: dict[str, int]) -> Demo:
    content = demo_content()
    content["listeners"] |= ports
    path = folder / "demo.json"
    path.write_text(json.dumps(content))
    return load_demo(path)


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """A demo that nothing serves."""
    return write_demo(tmp_path, {})


@pytest.fixture
def switch(demo: Demo, tmp_path: Path) -> Iterator[ToySwitch]:
    """A toy switch in its thread; demo.json knows its ports."""
    toy = ToySwitch(demo)
    with in_thread(toy) as ports:
        toy.demo = write_demo(tmp_path, ports)
        yield toy
