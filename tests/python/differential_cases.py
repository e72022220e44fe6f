"""Handlers and requests that FastAPI and the engine must treat alike.

`handlers(framework)` declares the same handlers with either package's `Query`, `Body`…; `requests()` gives what is sent
to each. Nothing here imports either package.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, TypedDict, Union
from uuid import UUID

__all__ = ["Request", "handlers", "requests", "show"]


class Color(enum.Enum):
    red = "r"
    green = "g"


class Level(enum.IntEnum):
    low = 1
    high = 10


class Name(str, enum.Enum):  # noqa: UP042
    alice = "alice"
    bob = "bob"


class Ratio(float, enum.Enum):
    half = 0.5
    one = 1.0


class Mixed(enum.Enum):
    text = "1"
    number = 1
    nothing = None
    real = 2.5
    pair = (1, 2)


@dataclass
class Point:
    x: int
    y: int = 0


@dataclass
class Line:
    start: Point
    end: Point | None = None
    tags: list[str] = field(default_factory=list)
    width: float = 1.0


@dataclass(frozen=True)
class Tree:
    value: int
    children: list[Tree] = field(default_factory=list)


@dataclass(slots=True)
class Slotted:
    a: int
    b: str = "b"

    def __post_init__(self) -> None:
        self.b = self.b.upper()


@dataclass
class Limited:
    n: LimitedInt
    s: LimitedStr = "abc"


class Movie(TypedDict):
    title: str
    year: int


class Partial(TypedDict, total=False):
    a: int
    b: list[int]


class Part(TypedDict):
    a: int
    b: NotRequired[str]


class Request(NamedTuple):
    """One request to the handler called `handler`."""

    handler: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    path_value: str = ""


LimitedInt = Any  # replaced by handlers(): pydantic understands only its own and annotated_types' limits
LimitedStr = Any


def _items(table: str) -> list[str]:
    """Split a table of items, which " ; " or a line's end keeps apart."""
    return [item for line in table.strip().splitlines() for item in line.strip().split(" ; ")]


def _pairs(table: str) -> list[tuple[str, str]]:
    """Split a table of "type :: limits"."""
    return [(kind, limits) for kind, _, limits in (item.partition(" :: ") for item in _items(table))]


SCALARS = _items(
    """
    int ; float ; bool ; str ; bytes ; Decimal ; UUID ; date ; datetime ; time ; timedelta ; Color ; Level
    Name ; Ratio ; Mixed ; Literal['a', 'b'] ; Literal[1, 2] ; Literal['a', 1, True, None] ; Literal[False, 'x']
    Literal[Name.alice] ; int | None ; str | None ; float | None ; Optional[datetime] ; int | str ; str | int
    float | int ; int | float ; bool | int ; int | bool ; datetime | date ; date | datetime ; UUID | str
    Decimal | float ; Literal['a'] | int ; Color | int ; Level | str ; int | None | str ; bool | str | None
    time | timedelta ; bytes | int ; Any ; None
    """
)

LIMITED = _pairs(
    """
    int :: gt=3 ; int :: ge=3 ; int :: lt=3 ; int :: le=3 ; int :: multiple_of=3
    int :: ge=0, le=10, multiple_of=5 ; float :: gt=1.5 ; float :: ge=3 ; float :: lt=0.1 ; float :: le=1e20
    float :: multiple_of=0.5 ; float :: allow_inf_nan=False ; str :: min_length=1
    str :: min_length=3, max_length=5 ; str :: max_length=1 ; str :: pattern='^a+$'
    str :: pattern='[0-9]{2}', max_length=4 ; bytes :: min_length=2 ; bytes :: max_length=1 ; Decimal :: gt=1
    Decimal :: le=Decimal('1.50') ; Decimal :: multiple_of=Decimal('0.25') ; Decimal :: max_digits=3
    Decimal :: decimal_places=1 ; Decimal :: max_digits=4, decimal_places=2 ; Decimal :: allow_inf_nan=True
    date :: ge=date(2020, 1, 1) ; datetime :: gt=datetime(2020, 1, 1)
    datetime :: le=datetime(2020, 1, 1, 12, 30, 0, 5, tzinfo=timezone.utc) ; time :: lt=time(12, 30)
    timedelta :: ge=timedelta(days=1, hours=2) ; timedelta :: lt=timedelta(seconds=90) ; int | None :: ge=3
    str | None :: max_length=2 ; int :: strict=True ; float :: strict=True ; bool :: strict=True
    str :: strict=True ; Decimal :: strict=True ; UUID :: strict=True ; date :: strict=True
    datetime :: strict=True ; time :: strict=True ; timedelta :: strict=True ; Color :: strict=True
    bytes :: strict=True
    """
)

SHAPES = _items(
    """
    list ; list[int] ; list[str] ; list[int | None] ; list[list[int]] ; list[Any] ; set[int] ; set[str] ; set
    frozenset[int] ; set[list[int]] ; tuple ; tuple[int, str] ; tuple[int, ...] ; tuple[()]
    tuple[int, list[str]] ; dict ; dict[str, int] ; dict[int, str] ; dict[str, Any] ; dict[str, list[int]]
    dict[Color, int] ; dict[str, int | None] ; Point ; Line ; Tree ; Slotted ; list[Point] ; dict[str, Point]
    Point | None ; Point | Line ; Point | int ; Point | dict[str, int] ; dict[str, int] | Point ; Point | Movie
    Movie | Part ; Movie ; Partial ; Part ; list[Movie] ; list[Color] ; list[Literal['a', 1]] ; list[int] | int
    list[int] | list[str] ; list[int | str] ; set[int] | list[int] ; tuple[int, int] | list[str]
    list[int] | None ; Optional[dict[str, float]] ; set[Point] ; set[Tree] ; list[datetime] ; list[float]
    list[bool] ; list[Decimal]
    """
)

LIMITED_SHAPES = _pairs(
    """
    list[int] :: min_length=1 ; list[int] :: min_length=2, max_length=3 ; list[int] :: max_length=1
    set[int] :: min_length=2, max_length=3 ; set[Any] :: max_length=1 ; frozenset[str] :: min_length=2
    tuple[int, ...] :: min_length=2, max_length=3 ; dict[str, int] :: min_length=1, max_length=2
    dict[int, int] :: max_length=1 ; list[int] :: strict=True ; set[int] :: strict=True
    tuple[int, ...] :: strict=True ; dict[str, int] :: strict=True ; Movie :: strict=True
    list[int] | None :: max_length=1
    """
)

NESTED = _items(
    """
    list[Annotated[int, Field(ge=3)]] ; dict[Annotated[str, Field(min_length=2)], Annotated[int, Field(le=3)]]
    Annotated[int, Field(ge=3)] | str ; tuple[Annotated[str, Field(max_length=1)], int]
    Annotated[list[int], Field(max_length=1)] | None ; list[Annotated[str, Field(pattern='^a')]]
    """
)

TEXTS = [
    "",
    " ",
    " 1 ",
    *_items(
        """
    0 ; 1 ; 2 ; 3 ; 5 ; 10 ; -1 ; +1 ; 007 ; 1_000 ; 1.0 ; 1.5 ; 0.5 ; 2.5 ; -0.0 ; 1e3 ; 1e400 ; nan ; inf
    -Infinity ; .5 ; 1. ; true ; True ; FALSE ; yes ; no ; on ; off ; t ; n ; maybe ; null ; None ; a ; aa ; b
    ab ; abcdef ; é ; ééé ; r ; red ; alice ; 9223372036854775808 ; 99999999999999999999 ; 1.50 ; 0.25 ; 0.30
    123.456 ; 1.005 ; 1e-7 ; 12345678-1234-5678-1234-567812345678 ; {12345678-1234-5678-1234-567812345678}
    urn:uuid:12345678123456781234567812345678 ; 1234567812345678123456781234567z
    {1234567812345678-1234-567812345678z} ; 2020-01-01 ; 2020-02-30 ; 2020-13-01 ; 2019-12-31 ; 20200101
    2020-1-1 ; 2020-01-01T ; 2020-01-01T00:00:00 ; 2020-01-01 12:30 ; 2020-01-01T12:30:00.123456789Z
    2020-01-01T12:30:00+02:00 ; 2020-01-01T12:30:00-0830 ; 2020-01-01T25:00:00 ; 2020-01-01T12:60:00
    2020-01-01T12:30:60 ; 2020-01-01T12:30:00+25:00 ; 2020-01-01T12:30:00+02:60 ; 2020-01-01T12:30:00X
    2020-01-01T12:30:00ZZ ; 2020-01-01x12:30 ; 0000-01-01 ; 0000-01-01T00:00:00 ; 9999-12-31T23:59:59.999999
    2020-01-01T12:30:00. ; 1577836800 ; 1577836800.5 ; 1577836800000 ; 1577836801 ; -1 ; -86400 ; 253402300800
    99999999999999 ; 12:30 ; 12:30:15 ; 12:30:15.5+01:00 ; 12:30Z ; 24:00 ; 12 ; 12:3 ; 12-30 ; 1:30:00 ; P1D
    P1DT2H3M4.5S ; -P1W ; P1Y2M ; PT ; P ; P1X ; PT1X ; PTT1S ; P1.5DT1H ; P0.5D ; 1 day ; 1 day, 2:03:04
    2d 01:02:03.5 ; 1 days 25:00:00 ; 1 dax ; 100:00:00 ; -1:00:00 ; 1:00:00:00 ; 99999999999:00:00
    P999999999D ; P1000000000D ; 5 d ; 1d,1:00
    """
    ),
]

JSON_VALUES = _items(
    """
    null ; true ; false ; 0 ; 1 ; 2 ; 3 ; 5 ; 10 ; -1 ; 2.0 ; 1.0 ; 0.5 ; 1.5 ; -0.0 ; 1e+20 ; 1e+300
    1577836800 ; 1577836800.25 ; 1577836800000 ; -86400 ; 86400 ; 86399.9999999 ; 9223372036854775807
    9223372036854775808 ; 1000000000000000000000000000000 ; -1000000000000000000000000000000 ; 20000000001 ; "1"
    "1.5" ; "a" ; "aa" ; "" ; "r" ; "alice" ; "2020-01-01" ; "P1D" ; "é" ; "true" ; [] ; {} ; [1] ; [1, 2]
    [1, 2, 3, 4] ; [1, 1, 1.0, true] ; ["1", "x", null] ; ["a", "b"] ; ["a"] ; [[1], [2]] ; [[]] ; [null]
    [1, "a"] ; ["a", 1] ; [1, ["a", "b"]] ; [1.5] ; [{"x": 1}] ; [{"x": 1}, {"x": "1"}, {"y": 2}]
    [{"title": "t"}] ; {"x": 1} ; {"x": "1", "y": "2"} ; {"y": 1} ; {"x": null} ; {"x": 1, "z": 3}
    {"x": "a", "y": []} ; {"a": 1} ; {"a": "x", "b": ["1", "q"]} ; {"a": 1, "b": "s"} ; {"a": 1, "b": 2}
    {"1": "a", "2": "b"} ; {"1": 1, "01": 2} ; {"r": 1, "q": 2} ; {"title": "t", "year": 1999}
    {"title": 1, "year": "x"} ; {"title": "t", "year": "1999", "extra": true} ; {"start": {"x": 1}}
    {"start": {"x": 1}, "end": {"x": 2, "y": 3}}
    {"start": {"x": "q"}, "end": {}, "tags": [1], "width": "wide"} ; {"start": null, "end": null} ; {"value": 1}
    {"value": 1, "children": [{"value": 2, "children": [{"value": "x"}]}]} ; {"value": "v", "children": {}}
    {"k": [1, "2"], "l": ["x"]} ; {"a": null} ; {"": 0} ; {"k": {"x": 1}}
    """
)


def show(value: Any) -> Any:
    """Spell a handler's argument so that equal values of different libraries' types read alike."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: show(getattr(value, each.name)) for each in dataclasses.fields(value)}
        return [type(value).__name__, fields]
    if isinstance(value, enum.Enum):
        return repr(value)
    if isinstance(value, (datetime, time)):
        return [type(value).__name__, value.isoformat()]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [show(item) for item in value]]
    if isinstance(value, (set, frozenset)):
        return [type(value).__name__, sorted(json.dumps(show(item)) for item in value)]
    if isinstance(value, dict):
        return ["dict", [[show(key), show(item)] for key, item in value.items()]]
    return repr(value)


def handlers(framework: Any, field_maker: Callable[..., Any]) -> dict[str, tuple[str, Callable[..., Any]]]:
    """Declare all handlers.

    Args:
        framework: a module with Query, Path, Header, Cookie and Body.
        field_maker: makes metadata for Annotated from limits: pydantic.Field, or the like.

    Returns:
        Path and handler by name.
    """
    classes = (Color, Level, Name, Ratio, Mixed, Point, Line, Tree, Slotted, Limited, Movie, Partial, Part)
    kinds = (Annotated, Any, Literal, Optional, Union, Decimal, UUID, date, datetime, time, timedelta, timezone)
    names: dict[str, Any] = {each.__name__: each for each in classes}
    names |= {getattr(each, "__name__", str(each).removeprefix("typing.")): each for each in kinds}
    names |= {"Field": field_maker}
    names |= {name: getattr(framework, name) for name in ("Query", "Path", "Header", "Cookie", "Body")}
    names["LimitedInt"] = Annotated[int, field_maker(ge=0)]
    names["LimitedStr"] = Annotated[str, field_maker(min_length=2)]
    globals().update(LimitedInt=names["LimitedInt"], LimitedStr=names["LimitedStr"])
    made: dict[str, tuple[str, Callable[..., Any]]] = {}

    def add(name: str, signature: str, path: str = "/") -> None:
        parameters = [word for part in split(signature) if (word := part.split(":")[0].split("=")[0].strip()) != "*"]
        arguments = ", ".join(f"{word!r}: {word}" for word in parameters)
        scope: dict[str, Any] = {}
        exec(f"def handler({signature}):\n    return {{{arguments}}}", names, scope)
        made[name] = (path, scope["handler"])

    for kind in SCALARS:
        add(f"query {kind}", f"v: {kind} = Query()")
        add(f"body {kind}", f"v: {kind} = Body()")
    for kind, limits in LIMITED:
        add(f"query {kind} {limits}", f"v: {kind} = Query({limits})")
        add(f"body {kind} {limits}", f"v: Annotated[{kind}, Body({limits})]")
    for kind in [*SHAPES, *NESTED, "Limited"]:
        add(f"body {kind}", f"v: {kind} = Body()")
    for kind, limits in LIMITED_SHAPES:
        add(f"body {kind} {limits}", f"v: {kind} = Body({limits})")
    for kind in ("int", "str", "float", "UUID", "Color", "date", "int | None", "bool"):
        add(f"path {kind}", f"v: {kind}", "/{v}")
    for name, signature in SIGNATURES.items():
        add(name, signature, "/{p}" if "p:" in signature else "/")
    return made


def split(parameters: str) -> list[str]:
    """Split a parameter list at its outer commas."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(parameters):
        depth += char in "([{"
        depth -= char in ")]}"
        if char == "," and depth == 0:
            parts.append(parameters[start:at])
            start = at + 1
    return [part for part in [*parts, parameters[start:]] if part.strip()]


SIGNATURES = {
    "plain": "p: int, q: str | None = None, n: int = 3",
    "keyword only": "*, p: int, q: str = 'x', x_token: Annotated[str | None, Header()] = None",
    "untyped": "q, r=5",
    "lists": "q: Annotated[list[int], Query()], r: Annotated[list[str], Query()] = ['z'], "
    "s: Annotated[set[str] | None, Query()] = None",
    "tuple query": "q: Annotated[tuple[int, str], Query()]",
    "alias": "q: Annotated[int, Query(alias='item-query')], h: Annotated[str, Header(alias='X-Thing')] = 'none'",
    "headers": "user_agent: Annotated[str | None, Header()] = None, "
    "x_ids: Annotated[list[int] | None, Header()] = None, x_n: Annotated[int, Header(ge=3)] = 5, "
    "plain_name: Annotated[str | None, Header(convert_underscores=False)] = None",
    "required header": "x_token: Annotated[int, Header()]",
    "cookies": "session: Annotated[str | None, Cookie()] = None, n: Annotated[int, Cookie(le=9)] = 1",
    "cookie list": "c: Annotated[list[str], Cookie()]",
    "factory": "q: Annotated[list[int], Query(default_factory=list)], r: int = Query(default_factory=lambda: 7)",
    "two bodies": "a: Point, b: Movie",
    "body and scalar": "a: Point, n: Annotated[int, Body(ge=1)], q: int = 0",
    "optional bodies": "a: Point | None = None, b: Movie | None = None",
    "embedded": "a: Annotated[Point, Body(embed=True)]",
    "embedded optional": "a: Annotated[int, Body(embed=True)] = 3",
    "embedded alias": "a: Annotated[int, Body(embed=True, alias='Alpha')]",
    "optional body": "a: Point | None = None",
    "default body": "a: list[int] = Body([1, 2])",
    "raw body": "a: Annotated[bytes, Body(media_type='application/octet-stream')]",
    "text body": "a: Annotated[str, Body()]",
    "many": "p: int, a: Point, q: int, x_n: Annotated[int, Header()], c: Annotated[int, Cookie()]",
    "limited dataclass": "a: Limited",
}

PATH_VALUES = ["1", "x", "1.5", "true", "r", "2020-01-01", "12345678-1234-5678-1234-567812345678", "%20", "caf%C3%A9"]

JSON_TYPE = (("content-type", "application/json"),)

SPECIAL_REQUESTS = [
    *(
        Request("plain", query=query, path_value=value)
        for value in ("7", "x")
        for query in ("", "q=a%20b&n=2", "q=&n=", "n=x&q=1&q=2", "n=1&n=2")
    ),
    *(
        Request("keyword only", query=query, path_value="1", headers=headers)
        for query in ("", "q=1")
        for headers in ((), (("X-Token", "t"),), (("x-token", "é"),))
    ),
    *(Request("untyped", query=query) for query in ("", "q=1", "q=a&r=b", "r=1")),
    *(Request("lists", query=query) for query in ("", "q=1", "q=1&q=x&r=a&r=b", "q=&s=a&s=a&s=b", "q=1&r=", "q=1,2")),
    *(Request("tuple query", query=query) for query in ("", "q=1", "q=1&q=a", "q=1&q=a&q=b", "q=x&q=1")),
    *(
        Request("alias", query=query, headers=headers)
        for query in ("item-query=1", "q=1", "item-query=x")
        for headers in ((), (("x-thing", "v"),))
    ),
    *(
        Request("headers", headers=headers)
        for headers in (
            (),
            (("User-Agent", "curl"),),
            (("X-Ids", "1"), ("X-Ids", "2")),
            (("X-Ids", "1,2"),),
            (("plain_name", "p"),),
            (("plain-name", "p"),),
            (("x-n", "2"),),
            (("x-n", "x"), ("x-n", "9")),
            (("x-n", "9"), ("x-n", "x")),
            (("x_n", "9"),),
            (("X-IDS", ""),),
        )
    ),
    *(
        Request("required header", headers=headers)
        for headers in ((), (("X-Token", "5"),), (("X-Token", "v"),), (("x-token", ""),))
    ),
    *(
        Request("cookies", headers=(("Cookie", text),))
        for text in (
            "session=abc",
            "session=abc; n=5",
            "n=50",
            "n=x; session=",
            "session=a; session=b",
            'session="q\\"x"',
            "other=1;n=2",
            "session",
            "n = 7 ",
            "",
        )
    ),
    *(Request("cookie list", headers=headers) for headers in ((), (("cookie", "c=1"),), (("cookie", "c="),))),
    *(Request("factory", query=query) for query in ("", "q=1", "r=x", "q=1&q=2&r=3")),
    *(
        Request(name, headers=JSON_TYPE, body=body)
        for name in (
            "two bodies",
            "body and scalar",
            "optional bodies",
            "embedded",
            "embedded optional",
            "embedded alias",
            "optional body",
            "default body",
            "raw body",
            "text body",
            "limited dataclass",
        )
        for body in (
            None,
            "",
            "null",
            "{}",
            "[]",
            "1",
            '"a"',
            '{"a": {"x": 1}}',
            '{"a": {"x": 1}, "b": {"title": "t", "year": 1}}',
            '{"a": {}, "b": {}}',
            '{"a": {"x": 1}, "n": 0}',
            '{"a": {"x": 1}, "n": 5}',
            '{"x": 1}',
            '{"a": 5}',
            '{"Alpha": 5}',
            '{"a": null, "b": null}',
            "[1]",
            '["x"]',
            '{"n": 5}',
            '{"n": -1, "s": "a"}',
            "{",
            '{"a": }',
            "nope",
            '{"a": NaN}',
            '{"a": {"x": 1, "x": 2}}',
        )
    ),
    *(
        Request(name, headers=headers, body=body)
        for name in (
            "two bodies",
            "optional body",
            "raw body",
            "text body",
            "body int",
            "body Any",
            "body datetime",
            "body UUID",
            "body Name",
        )
        for body in ('{"x": 1}', "5", "1234567812345678")
        for headers in (
            (),
            (("content-type", ""),),
            (("content-type", "application/json; charset=utf-8"),),
            (("content-type", "APPLICATION/JSON"),),
            (("content-type", "application/vnd.api+json"),),
            (("content-type", "application/xml"),),
            (("content-type", "text/plain"),),
            (("content-type", "text/json"),),
            (("content-type", "json"),),
            (("content-type", "application/json, text/plain"),),
            (("content-type", "application/json/x"),),
            (("content-type", " application/json"),),
            (("content-type", "application/octet-stream"),),
        )
    ),
    Request(
        "many", path_value="x", query="q=y", headers=(("x-n", "z"), ("cookie", "c=w"), *JSON_TYPE), body='{"x": "v"}'
    ),
    Request("many", path_value="1", query="", headers=JSON_TYPE),
    Request(
        "many", path_value="1", query="q=2", headers=(("x-n", "3"), ("cookie", "c=4"), *JSON_TYPE), body='{"x": 5}'
    ),
]


def requests() -> Iterator[Request]:
    """Give all requests, in a steady order."""
    from urllib.parse import quote

    for kind in SCALARS:
        for text in TEXTS:
            yield Request(f"query {kind}", query=f"v={quote(text)}")
        for value in JSON_VALUES:
            yield Request(f"body {kind}", headers=JSON_TYPE, body=value)
    for kind, limits in LIMITED:
        for text in TEXTS:
            yield Request(f"query {kind} {limits}", query=f"v={quote(text)}")
        for value in JSON_VALUES:
            yield Request(f"body {kind} {limits}", headers=JSON_TYPE, body=value)
    for kind in [*SHAPES, *NESTED, *(f"{kind} {limits}" for kind, limits in LIMITED_SHAPES)]:
        for value in JSON_VALUES:
            yield Request(f"body {kind}", headers=JSON_TYPE, body=value)
    for kind in ("int", "str", "float", "UUID", "Color", "date", "int | None", "bool"):
        for value in PATH_VALUES:
            yield Request(f"path {kind}", path_value=value)
    yield from SPECIAL_REQUESTS
