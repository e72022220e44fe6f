"""jsonable_encoder against FastAPI's own, with all its options."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import ipaddress
import pathlib
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasterapi.encoders import ENCODERS_BY_TYPE, decimal_encoder, isoformat, jsonable_encoder

reference = pytest.importorskip("fastapi.encoders", reason="FastAPI is not installed: nothing to compare with")
pydantic = pytest.importorskip("pydantic")


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Leaf:
    name: str
    value: int | None = None
    _sa_state: int = 1


@dataclasses.dataclass
class Tree:
    leaves: list[Leaf]
    by_name: dict[str, Leaf]


class Model(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    long_name: int = pydantic.Field(1, alias="longName")
    inner: Leaf = Leaf("x")
    nothing: None = None
    when: datetime.date = datetime.date(2024, 2, 29)


class Plain:
    def __init__(self) -> None:
        self.a = Colour.RED
        self._sa_b = 2
        self.c = None


class Pairs:
    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter([("a", 1)])


VALUES: dict[str, Any] = {
    "scalars": [1, 1.5, "x", None, True, b"bytes", Colour.RED, Level.LOW],
    "times": {
        "at": datetime.datetime(2024, 2, 29, 1, 2),
        "day": datetime.date(2024, 2, 29),
        "time": datetime.time(1, 2),
        "span": datetime.timedelta(hours=1),
    },
    "numbers": [decimal.Decimal(text) for text in ("1", "1.0", "1E+2", "-0.5", "1E-3")],
    "texts": [
        uuid.UUID(int=5),
        pathlib.PurePosixPath("/a"),
        re.compile("a+"),
        ipaddress.ip_address("::1"),
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_interface("10.0.0.1/8"),
    ],
    "containers": [{1}, frozenset("a"), (1, (2,)), collections.deque([1, None]), collections.OrderedDict(a=None, b=1)],
    "keys": {Colour.RED: 1, uuid.UUID(int=1): 2, 3: 4, None: 5, "_sa_x": 6, "_sb": 7},
    "dataclass": Tree([Leaf("a"), Leaf("b", 2)], {"c": Leaf("c", None)}),
    "model": Model(),
    "models": {"list": [Model(longName=2), Model(nothing=None)]},
    "plain": Plain(),
    "pairs": Pairs(),
    "secret": [pydantic.SecretStr("s"), pydantic.SecretBytes(b"s"), pydantic.AnyUrl("http://a.example/")],
}

OPTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "include": {"include": {"a", "at", "leaves", "long_name", "longName", "list", Colour.RED}},
    "include-list": {"include": ["a", "at"]},
    "include-dict": {"include": {"inner": {"name"}}},
    "exclude": {"exclude": {"a", "at", "leaves", "long_name", "longName", None}},
    "by-name": {"by_alias": False},
    "exclude-none": {"exclude_none": True},
    "exclude-unset": {"exclude_unset": True},
    "exclude-defaults": {"exclude_defaults": True},
    "sqlalchemy": {"sqlalchemy_safe": False},
    "custom": {"custom_encoder": {datetime.date: lambda day: day.year, int: lambda number: number + 100, Leaf: str}},
}


def outcome(encode: Callable[..., Any], value: Any, options: dict[str, Any]) -> Any:
    try:
        return encode(value, **options)
    except (TypeError, ValueError) as error:
        return type(error)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=list(OPTIONS))
@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
def test_it_says_what_fastapi_says(value: Any, options: dict[str, Any]) -> None:
    ours = outcome(jsonable_encoder, value, options)
    theirs = outcome(reference.jsonable_encoder, value, options)
    assert ours == theirs
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("value", [object(), 1j, range(3), bytearray(b"ab")], ids=repr)
def test_what_has_no_form_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the exceptions inside are Python's own
        jsonable_encoder([value])


def test_generators_are_used_up_once() -> None:
    assert jsonable_encoder({"a": (i for i in range(3))}) == {"a": [0, 1, 2]}


@given(
    st.recursive(
        st.none()
        | st.integers()
        | st.text()
        | st.dates()
        | st.decimals(allow_nan=False, allow_infinity=False, places=2),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.builds(Leaf, st.text(), st.integers()),
        max_leaves=15,
    ),
    st.booleans(),
)
def test_any_value_is_as_fastapis(value: Any, exclude_none: bool) -> None:
    options = {"exclude_none": exclude_none}
    assert outcome(jsonable_encoder, value, options) == outcome(reference.jsonable_encoder, value, options)


def test_the_table_of_encoders_can_be_extended(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        __slots__ = ()

    monkeypatch.setitem(ENCODERS_BY_TYPE, Point, lambda point: "a point")
    assert jsonable_encoder([Point()]) == ["a point"]


def test_the_named_encoders() -> None:
    assert decimal_encoder(decimal.Decimal("3")) == 3
    assert repr(decimal_encoder(decimal.Decimal("3.0"))) == "3.0"
    assert isoformat(datetime.date(2024, 2, 29)) == "2024-02-29"
