"""Plans: requests in, arguments or FastAPI's error body out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fasterapi import Query, _engine
from fasterapi._signature import compile_plan


def run(
    handler: Callable[..., Any],
    *,
    path: str = "/",
    values: dict[str, str] | None = None,
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]] | None = None,
    body: bytes | None = None,
) -> Any:
    """Call the handler with what its plan makes of a request, or give the decoded error body."""
    plan = _engine.Plan(compile_plan(handler, path))
    result = plan.validate(path=values or {}, query=query, headers=headers or [], body=body)
    if isinstance(result, bytes):
        return json.loads(result)
    positional, named = result
    return handler(*positional, **named)


class PlainClass:
    name: str


def test_a_type_that_cannot_be_checked_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in an app that does not use pydantic, which would be asked otherwise.
    monkeypatch.setattr("fasterapi._models.pydantic_in_use", lambda: False)

    def handler(item: PlainClass) -> Any:
        return item

    with pytest.raises(TypeError, match=r"parameter 'item': .* make it a dataclass or a TypedDict$") as caught:
        compile_plan(handler, "/")
    assert caught.value.__suppress_context__


def test_path_and_query_become_arguments() -> None:
    def handler(id: int, q: str | None = None, *, ratio: float = 1.0, on: bool = False) -> Any:
        return id, q, ratio, on

    assert run(handler, path="/user/{id}", values={"id": "7"}) == (7, None, 1.0, False)
    assert run(handler, path="/user/{id}", values={"id": "7"}, query=b"q=a%20b&ratio=2&on=yes") == (7, "a b", 2.0, True)


def test_all_errors_come_at_once() -> None:
    def handler(id: int, needed: str, n: float = Query(3.0, ge=1)) -> Any:
        raise AssertionError("a bad request reached the handler")

    assert run(handler, path="/user/{id}", values={"id": "x"}, query=b"n=0.5") == {
        "detail": [
            {
                "type": "int_parsing",
                "loc": ["path", "id"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "x",
            },
            {"type": "missing", "loc": ["query", "needed"], "msg": "Field required", "input": None},
            {
                "type": "greater_than_equal",
                "loc": ["query", "n"],
                "msg": "Input should be greater than or equal to 1",
                "input": "0.5",
                "ctx": {"ge": 1.0},
            },
        ]
    }


def test_a_malformed_specification_is_refused() -> None:
    with pytest.raises(TypeError, match="malformed"):
        _engine.Plan({"types": []})
