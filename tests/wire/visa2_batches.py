"""Batches of VISA-2 records put together by hand."""

from typing import NamedTuple

from specs.visa2 import NO_GROUPS


class Detail(NamedTuple):
    code: str
    pan: str
    sequence: int
    approval: str
    amount: int
    voided: bool = False


SIGNS = {"G4": 1, "GG": 1, "G5": -1}


def header(number: int = 17, type_: str = "1", terminal: str = "0001", **changes: str) -> bytes:
    said = {"bin": "999995", "bank": "000000", "chain": "000000", "merchant": "888000000001", "store": "0001",
            "terminal": terminal, "device": "DF", "currency": "949", "language": "00", "zone": "708", "date": "1122",
            "number": f"{number:03d}", "blocking": "0"} | changes  # fmt: skip
    return f"K{type_}.ZH{NO_GROUPS}{''.join(said.values())}".encode()


def parameter(type_: str = "1") -> bytes:
    said = f"84094546    5999{'OPEN SWITCH TEST STORE':25}{'SAN RAMON':13}CA0000100000042"
    return f"K{type_}.ZP{NO_GROUPS}{said}".encode()


def detail(one: Detail, type_: str = "1") -> bytes:
    void = "V" if one.voided else " "
    said = f"{one.code}@D{one.pan:22}NN5{one.sequence:04d}00{one.approval:6}11221030150{'':0>15}    {void}000"
    return f"K{type_}.ZD{NO_GROUPS}{said}{one.amount:012d}{one.amount:012d}".encode()


def trailer(details: list[Detail], number: int = 17, type_: str = "1", **changes: str) -> bytes:
    net = abs(sum(SIGNS.get(one.code, 0) * one.amount for one in details if not one.voided))
    total = sum(one.amount for one in details)
    said = {"date": "1122", "batch": f"{number:03d}", "count": f"{len(details) + 3:09d}", "hash": f"{total:016d}",
            "cash": "0" * 16, "net": f"{net:016d}"} | changes  # fmt: skip
    return f"K{type_}.ZT{NO_GROUPS}{''.join(said.values())}".encode()


def batch(details: list[Detail], number: int = 17, type_: str = "1", terminal: str = "0001") -> list[bytes]:
    return [
        header(number, type_, terminal),
        parameter(type_),
        *(detail(one, type_) for one in details),
        trailer(details, number, type_),
    ]
