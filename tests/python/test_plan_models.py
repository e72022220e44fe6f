"""Parameters that pydantic checks: the engine's answers are FastAPI's."""

import asyncio
import json
from decimal import Decimal
from typing import Annotated, Any, Literal, TypedDict

import pytest

from fasterapi import _engine, param_functions
from fasterapi._signature import compile_plan

fastapi = pytest.importorskip("fastapi")
pydantic = pytest.importorskip("pydantic")

JSON = [(b"content-type", b"application/json")]


class Item(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    model_config = pydantic.ConfigDict(extra="forbid")

    name: str = pydantic.Field(min_length=2)
    price: Decimal = Decimal(1)
    tags: tuple[str, ...] = ()

    @pydantic.field_validator("name")
    @classmethod
    def not_admin(cls, name: str) -> str:
        if name == "admin":
            raise ValueError("no admins")
        return name


class Cat(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    kind: Literal["cat"]
    lives: int


class Dog(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    kind: Literal["dog"]
    bark: str


def even(number: int) -> int:
    assert number % 2 == 0, "must be even"
    return number


def handlers(framework: Any) -> dict[str, Any]:
    Body, Query = framework.Body, framework.Query  # noqa: N806

    def model(item: Item) -> Any:
        return item

    def optional(item: Item | None = None) -> Any:
        return item

    def embedded(item: Annotated[Item, Body(embed=True)]) -> Any:
        return item

    def among_others(item: Item, n: Annotated[int, Body(ge=3)], q: int) -> Any:
        return item, n, q

    def two(second: Item, first: Cat | Dog, q: int = 0) -> Any:
        return second, first, q

    def many(items: list[Item]) -> Any:
        return items

    def tagged(pet: Annotated[Cat | Dog, Body(discriminator="kind")]) -> Any:
        return pet

    def validated(n: Annotated[int, pydantic.AfterValidator(even), Query(gt=3)]) -> Any:
        return n

    def mail(url: pydantic.HttpUrl, body: Annotated[dict[str, pydantic.PositiveInt], Body()]) -> Any:
        return url, body

    return {name: handler for name, handler in locals().items() if callable(handler) and name.islower()}


BODIES = [
    None,
    "null",
    "{}",
    "[]",
    '{"name": "ab"}',
    '{"name": "a", "price": "x", "more": 1}',
    '{"name": "admin"}',
    '{"name": "é", "price": NaN}',
    '{"item": {"name": "ab"}, "n": 5}',
    '{"item": {}, "n": 1}',
    '{"n": 1}',
    '{"item": {"name": "ab"}, "n": 1}',
    '[{"name": "ab"}, {"name": 1}]',
    '{"kind": "cat", "lives": 9}',
    '{"kind": "cow"}',
    '{"kind": "dog", "bark": 1}',
    '{"lives": 1}',
    '{"first": {"kind": "cat", "lives": "9"}, "second": {"name": "ab"}}',
    '{"first": {"kind": "cat"}, "second": {"name": 5}}',
    '{"a": 1, "b": 0}',
    "{",
    "1",
]
QUERIES = ["", "q=1&n=4&url=http://a.b/c", "q=x&n=5&url=nope", "n=2&q=3", "n=x"]


def show(value: Any) -> Any:
    if isinstance(value, pydantic.BaseModel):
        return [type(value).__name__, json.loads(value.model_dump_json())]
    if isinstance(value, (list, tuple)):
        return [show(each) for each in value]
    return str(value)


async def ask(app: Any, query: str, body: str | None) -> tuple[int, Any]:
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": query.encode(),
        "headers": JSON,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": (body or "").encode(), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(each.get("body", b"") for each in sent))


@pytest.mark.parametrize("name", list(handlers(param_functions)))
def test_answers_as_fastapi(name: str) -> None:
    theirs = handlers(fastapi)[name]
    ours = handlers(param_functions)[name]
    app = fastapi.FastAPI()

    def endpoint(**arguments: Any) -> Any:
        return fastapi.responses.JSONResponse(show(theirs(**arguments)))

    endpoint.__wrapped__ = theirs  # type: ignore[attr-defined]
    app.add_api_route("/", endpoint, methods=["POST"], response_model=None)
    plan = _engine.Plan(compile_plan(ours, "/"))
    for body in BODIES:
        for query in QUERIES:
            raw = None if body is None else body.encode()
            result = plan.validate(path={}, query=query.encode(), headers=JSON, body=raw)
            if isinstance(result, bytes):
                mine = (422, json.loads(result))
            else:
                mine = (200, show(ours(*result[0], **result[1])))
            try:
                expected = asyncio.run(ask(app, query, body))
            except ValueError:  # NaN in an error's input
                continue
            assert mine == expected, (body, query)


def test_models_come_from_the_body_only() -> None:
    def handler(item: Annotated[Item, param_functions.Query()]) -> None: ...

    with pytest.raises(TypeError, match="a model is not supported as a query parameter"):
        compile_plan(handler, "/")


def test_a_type_that_the_engine_refuses_is_refused_each_time() -> None:
    class Holder(TypedDict):
        item: Item

    def handler(first: Holder, second: Holder, third: int) -> None: ...

    plan = _engine.Plan(compile_plan(handler, "/"))
    body = b'{"first": {"item": {"name": "ab"}}, "second": {"item": {"name": 1}}}'
    result = plan.validate(path={}, query=b"third=x", headers=JSON, body=body)
    assert isinstance(result, bytes)
    assert [each["loc"] for each in json.loads(result)["detail"]] == [
        ["query", "third"],
        ["body", "second", "item", "name"],
    ]
