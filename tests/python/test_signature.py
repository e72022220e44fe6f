"""From signatures to plans: where each argument comes from, and what is refused."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NewType, TypedDict, TypeVar

import pytest

from fasterapi import Body, Cookie, Header, Path, Query, _engine, _models
from fasterapi._signature import compile_plan
from fasterapi.requests import Request

JSON = [(b"content-type", b"application/json")]
T = TypeVar("T")
UserId = NewType("UserId", int)
type Names = list[str]


@dataclasses.dataclass
class Item:
    name: str
    price: float = 1.0


@dataclasses.dataclass
class Page(Generic[T]):  # noqa: UP046
    items: list[T]
    number: int = 0


class Key(TypedDict):
    k: int


@dataclasses.dataclass(frozen=True)
class AtLeast:
    """A limit in the style of annotated_types."""

    ge: int


@dataclasses.dataclass(frozen=True)
class Between:
    """A group of limits in the style of annotated_types."""

    low: int
    high: int
    __is_annotated_types_grouped_metadata__ = True

    def __iter__(self) -> Any:
        yield AtLeast(self.low)
        yield params_le(self.high)


class params_le:  # noqa: N801
    def __init__(self, le: int) -> None:
        self.le = le


class FieldLike:
    """Metadata in the style of pydantic's Field."""

    def __init__(self, *metadata: Any) -> None:
        self.metadata = list(metadata)


def call(
    handler: Callable[..., Any],
    path: str = "/",
    values: dict[str, str] | None = None,
    query: str = "",
    headers: list[tuple[bytes, bytes]] | None = None,
    body: Any = ...,
) -> Any:
    """Call the handler through its plan, or give the errors' (type, loc)."""
    plan = _engine.Plan(compile_plan(handler, path))
    raw = None if body is ... else json.dumps(body).encode()
    result = plan.validate(path=values or {}, query=query.encode(), headers=JSON + (headers or []), body=raw)
    if isinstance(result, bytes):
        return [(each["type"], *each["loc"]) for each in json.loads(result)["detail"]]
    return handler(*result[0], **result[1])


def origins(handler: Callable[..., Any], path: str = "/") -> dict[str, str]:
    return {each["name"]: each["from"] for each in compile_plan(handler, path)["parameters"]}


def test_each_kind_of_annotation_has_its_origin() -> None:
    def handler(
        id: int,
        q: str,
        names: Annotated[list[str], Query()],
        item: Item,
        key: Key,
        raw: dict[str, Any],
        many: list[int],
        maybe: Item | None,
        token: Annotated[str, Header()],
        session: Annotated[str, Cookie()],
        request: Request,
        anything,  # type: ignore[no-untyped-def]
    ) -> None: ...

    assert origins(handler, "/{id}") == {
        "id": "path",
        "q": "query",
        "names": "query",
        "item": "body",
        "key": "body",
        "raw": "body",
        "many": "body",
        "maybe": "body",
        "token": "header",
        "session": "cookie",
        "request": "request",
        "anything": "query",
    }


def test_path_parameters_are_found_by_name_whatever_the_order() -> None:
    def handler(b: int, a: str, rest: str) -> Any:
        return a, b, rest

    values = {"a": "x", "b": "2", "rest": "c/d"}
    assert call(handler, "/{a}/{b}/{rest:path}", values) == ("x", 2, "c/d")


def test_path_parameters_may_be_declared_with_an_alias() -> None:
    def handler(number: Annotated[int, Path(alias="n", ge=3)]) -> Any:
        return number

    assert call(handler, "/{n}", {"n": "3"}) == 3
    assert call(handler, "/{n}", {"n": "2"}) == [("greater_than_equal", "path", "n")]


def test_callables_of_every_kind_are_served() -> None:
    def plain(a: int, b: int = 2) -> Any:
        return a, b

    class Handlers:
        def method(self, a: int, *, b: int = 2) -> Any:
            return a, b

        @classmethod
        def of_class(cls, a: int) -> Any:
            return cls.__name__, a

        @staticmethod
        def static(a: int) -> Any:
            return a

        def __call__(self, a: int, b: int = 5) -> Any:
            return a, b

    @functools.wraps(plain)
    def wrapped(**named: Any) -> Any:
        return "wrapped", plain(**named)

    assert call(plain, query="a=1") == (1, 2)
    assert call(Handlers().method, query="a=1&b=3") == (1, 3)
    assert call(Handlers.of_class, query="a=1") == ("Handlers", 1)
    assert call(Handlers.static, query="a=1") == 1
    assert call(Handlers(), query="a=1") == (1, 5)
    assert call(wrapped, query="a=1") == ("wrapped", (1, 2))
    assert call(functools.partial(plain, 7), query="b=8") == (7, 8)
    assert call(functools.partial(plain, b=7), query="a=8") == (8, 7)
    assert call(lambda a: a, query="a=8") == "8"


def test_defaults_are_not_shared_between_requests() -> None:
    def handler(tags: list[str] = [], made: list[int] = Body(default_factory=lambda: [1])) -> Any:  # noqa: B006, B008
        return tags, made

    plan = _engine.Plan(compile_plan(handler, "/"))
    first = plan.validate(path={}, query=b"", headers=[], body=None)[0]
    second = plan.validate(path={}, query=b"", headers=[], body=None)[0]
    assert first == second == ([], [1])
    assert first[0] is not second[0]
    assert first[1] is not second[1]


def test_limits_come_in_every_style() -> None:
    def handler(
        a: Annotated[int, AtLeast(3)] = 3,
        b: Annotated[int, Between(1, 5)] = 3,
        c: Annotated[int, FieldLike(AtLeast(3))] = 3,
        d: Annotated[int, Query(ge=3), "a note"] = 3,
        e: int = Query(3, ge=3),
        f: Annotated[Annotated[int, AtLeast(3)] | None, Query(le=9)] = 3,
    ) -> Any:
        return a, b, c, d, e, f

    assert call(handler) == (3, 3, 3, 3, 3, 3)
    assert call(handler, query="a=2&b=6&c=2&d=2&e=2&f=2") == [
        ("greater_than_equal", "query", "a"),
        ("less_than_equal", "query", "b"),
        ("greater_than_equal", "query", "c"),
        ("greater_than_equal", "query", "d"),
        ("greater_than_equal", "query", "e"),
        ("greater_than_equal", "query", "f"),
    ]


def test_names_of_types_are_seen_through() -> None:
    def handler(id: UserId, names: Annotated[Names, Query()], page: Page[Item]) -> Any:
        return id, names, page

    body = {"items": [{"name": "a"}], "number": "4"}
    assert call(handler, query="id=1&names=x", body=body) == (1, ["x"], Page([Item("a")], 4))
    assert call(handler, query="id=1&names=x", body={"items": [{}]}) == [("missing", "body", "items", 0, "name")]


def test_dataclasses_run_their_post_init() -> None:
    @dataclasses.dataclass
    class Checked:
        a: int
        seen: list[str] = dataclasses.field(default_factory=list)

        def __post_init__(self) -> None:
            self.seen.append("post_init")

    def handler(thing: Checked) -> Any:
        return thing

    handler.__annotations__["thing"] = Checked
    made = call(handler, body={"a": "1"})
    assert (made.a, made.seen) == (1, ["post_init"])


def test_an_error_of_post_init_is_the_handler_s() -> None:
    @dataclasses.dataclass
    class Refusing:
        a: int

        def __post_init__(self) -> None:
            raise RuntimeError("no")

    def handler(thing: Refusing) -> Any:
        return thing

    handler.__annotations__["thing"] = Refusing
    with pytest.raises(RuntimeError, match="no"):
        call(handler, body={"a": 1})


def refused(handler: Callable[..., Any], path: str = "/") -> str:
    with pytest.raises(TypeError) as caught:
        _engine.Plan(compile_plan(handler, path))
    return str(caught.value)


class Flags(enum.Flag):
    a = 1


class Opaque:
    pass


def test_what_cannot_be_served_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_models, "pydantic_in_use", lambda: False)

    def stars(*args: int) -> None: ...
    def named_stars(**options: int) -> None: ...
    def opaque(thing: Opaque) -> None: ...
    def flags(f: Flags) -> None: ...
    def path_default(id: Annotated[int, Path()] = 3) -> None: ...
    def path_as_query(id: Annotated[int, Query()]) -> None: ...
    def path_list(id: list[int]) -> None: ...
    def not_in_path(id: Annotated[int, Path()]) -> None: ...
    def query_model(item: Annotated[Item, Query()]) -> None: ...
    def default_twice(q: Annotated[int, Query(3)]) -> None: ...
    def declared_twice(q: Annotated[int, Query()] = Query()) -> None: ...
    def misfit(q: Annotated[int, Query(max_length=3)]) -> None: ...
    def union_limit(q: Annotated[int | str, Query(ge=3)]) -> None: ...
    def lookahead(q: Annotated[str, Query(pattern="(?=a)")]) -> None: ...
    def unresolved(q: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
    def odd_literal(q: Literal[Flags.a]) -> None: ...

    reasons = {
        stars: "parameter 'args': *args has no place in a request",
        named_stars: "parameter 'options': **options has no place in a request",
        opaque: "parameter 'thing': the engine cannot check values of the type Opaque",
        flags: "parameter 'f': Flags is a Flag",
        misfit: "parameter 'q': max_length cannot be applied to int",
        union_limit: "parameter 'q': ge: limits belong to the members of int | str",
        lookahead: "cannot be matched in linear time",
        query_model: "parameter 'item': query parameters must be scalars",
        default_twice: "parameter 'q': inside Annotated a default is not allowed",
        declared_twice: "parameter 'q': it is declared both",
        unresolved: "name 'Nowhere' is not defined",
        not_in_path: "parameter 'id': the path has no parameter 'id'",
    }
    for handler, reason in reasons.items():
        message = refused(handler)
        assert reason in message, message
        if handler is not lookahead:
            assert f"handler {__name__}.{handler.__qualname__}" in message
    assert "cannot have default values" in refused(path_default, "/{id}")
    assert "Query cannot be used for a path parameter" in refused(path_as_query, "/{id}")
    assert "must be of a scalar type" in refused(path_list, "/{id}")
    compile_plan(odd_literal, "/")


def test_big_plans_and_recursive_types_are_compiled() -> None:
    @dataclasses.dataclass
    class Node:
        left: Node | None = None
        right: Node | None = None

    Node.__init__.__globals__["Node"] = Node
    try:

        def handler(node: Node) -> Any:
            return node

        handler.__annotations__["node"] = Node
        assert call(handler, body={"left": {"right": {}}}).left.right == Node()
        assert call(handler, body={"left": {"right": 1}}) == [("dataclass_type", "body", "left", "right")]
    finally:
        del Node.__init__.__globals__["Node"]


def test_numbers_of_any_size_arrive() -> None:
    def handler(n: int, d: Decimal) -> Any:
        return n, d

    assert call(handler, query=f"n={10**40}&d=1e-9") == (10**40, Decimal("1e-9"))
