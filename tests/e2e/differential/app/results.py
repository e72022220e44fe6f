"""What handlers return, and the JSON it becomes."""

import collections
import dataclasses
import datetime
import decimal
import enum
import ipaddress
import pathlib
import re
import uuid
from typing import NamedTuple

from fastapi import APIRouter

router = APIRouter()


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    YES = "yes"


class Point(NamedTuple):
    x: int
    y: float


@dataclasses.dataclass
class Leaf:
    name: str
    value: float = 0.5


@dataclasses.dataclass
class Tree:
    leaves: list[Leaf]
    at: datetime.datetime
    parent: "Tree | None" = None


class Plain:
    def __init__(self):
        self.a = 1
        self.b = [Colour.RED]


class Pairs:
    def __iter__(self):
        return iter([("a", 1), ("b", 2)])


class Slots:
    __slots__ = ("a",)


def counting():
    yield 1
    yield {"two": 2}


AT = datetime.datetime(2024, 2, 29, 12, 30, 15, 250)
ZONE = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
ORDERED = collections.OrderedDict(a=1, b=2, c=3)
ORDERED.move_to_end("a")

VALUES = {
    "none": None,
    "true": True,
    "zero": 0,
    "negative": -42,
    "big": 2**100,
    "float": 0.1,
    "whole_float": 3.0,
    "small_float": 1e-7,
    "large_float": 1.5e300,
    "negative_zero": -0.0,
    "text": "text",
    "empty": "",
    "escapes": 'quote " backslash \\ slash / newline \n tab \t null \x00 escape \x1b delete \x7f',
    "latin": "na\u00efve \u00fc\u00df",
    "wide": "\u65e5\u672c\u8a9e \u2028 \ufeff",
    "astral": "\U0001f40e and text",
    "list": [1, "a", None, [True, []], {}],
    "tuple": (1, (2, "x")),
    "set": {7},
    "frozenset": frozenset(["only"]),
    "deque": collections.deque([1, 2, 3], maxlen=2),
    "dict": {"b": 1, "a": {"c": [{}]}},
    "dict_keys": {1: "int", 2.5: "float", None: "none", False: "bool"},
    "rich_keys": {
        Colour.RED: 1,
        uuid.UUID(int=3): 2,
        datetime.date(2024, 2, 29): 3,
        decimal.Decimal("1.5"): 4,
        b"bytes": 5,
        pathlib.PurePosixPath("/p"): 6,
        Level.LOW: 7,
        datetime.timedelta(seconds=2): 8,
    },
    "sqlalchemy_keys": {"_sa_instance_state": 1, "_sa": 2, "_s": 3},
    "ordered": ORDERED,
    "counter": collections.Counter("aab"),
    "default_dict": collections.defaultdict(list, {"a": [1]}),
    "datetime": AT,
    "datetime_utc": AT.replace(tzinfo=datetime.UTC),
    "datetime_zone": AT.replace(tzinfo=ZONE, microsecond=0),
    "date": AT.date(),
    "time": AT.time(),
    "time_zone": AT.timetz().replace(tzinfo=ZONE),
    "timedelta": datetime.timedelta(days=-1, seconds=1, microseconds=5),
    "decimal_whole": decimal.Decimal("12"),
    "decimal": decimal.Decimal("12.50"),
    "decimal_exponent": decimal.Decimal("1E+3"),
    "uuid": uuid.UUID("12345678-1234-5678-9abc-def012345678"),
    "enum": Colour.RED,
    "int_enum": Level.LOW,
    "str_enum": Word.YES,
    "bytes": b"bytes \xc3\xa9",
    "path": pathlib.PurePosixPath("/a/b.txt"),
    "pattern": re.compile("a[b]+"),
    "ipv4": ipaddress.ip_address("127.0.0.1"),
    "ipv6_network": ipaddress.ip_network("2001:db8::/32"),
    "named_tuple": Point(1, 2.0),
    "dataclass": Tree([Leaf("a"), Leaf("b", 1.0)], AT, Tree([], AT)),
    "plain_object": Plain(),
    "pairs_object": Pairs(),
    "exception": ValueError("not shown"),
    "nan": float("nan"),
    "infinity": [float("inf")],
    "decimal_nan": decimal.Decimal("NaN"),
    "surrogate": "\ud800",
    "surrogate_key": {"\udfff": 1},
    "bad_bytes": b"\xff",
    "tuple_key": {(1, 2): 3},
    "object": object(),
    "slots": Slots(),
    "complex": {"deep": [1j]},
    "range": range(3),
    "bytearray": bytearray(b"ab"),
}


def declare(name, value):
    def result():
        return value

    async def async_result():
        return value

    router.get(f"/result/{name}")(result)
    router.get(f"/async-result/{name}")(async_result)


for name, value in VALUES.items():
    declare(name, value)


@router.get("/result-generator")
def generator():
    return {"items": counting()}


@router.get("/result-large")
def large():
    return [{"id": i, "name": f"name {i}", "ratio": i / 7, "tags": ["a", "b"]} for i in range(2_000)]


@router.get("/result-deep")
def deep():
    value = 1
    for _ in range(200):
        value = {"a": [value]}
    return value
