from __future__ import annotations

import functools
from typing import Any

import pytest

from fasterapi.applications import App
from fasterapi.exceptions import NoMatchFound
from fasterapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from fasterapi.routing import APIRoute, APIRouter, qualified_name


def handler() -> None: ...


class Callable:
    def __call__(self) -> None: ...

    def method(self) -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (handler, "handler"),
        (functools.partial(functools.partial(handler)), "handler"),
        (Callable(), "Callable.__call__"),
        (Callable().method, "Callable.method"),
        (lambda: None, "<lambda>"),
    ],
)
def test_qualified_name(endpoint: Any, expected: str) -> None:
    assert qualified_name(endpoint) == expected


def test_each_decorator_declares_its_method_and_returns_the_handler() -> None:
    app = App()
    for method in ("get", "post", "put", "patch", "delete", "head", "options", "trace"):
        decorated = getattr(app, method)(f"/{method}", status_code=202, name=f"n-{method}")(handler)
        assert decorated is handler
        route = app.routes[-1]
        assert (route.path, route.methods, route.name, route.status_code) == (
            f"/{method}",
            {method.upper()},
            f"n-{method}",
            202,
        )
    app.api_route("/both", methods=["get", "POST"])(handler)
    assert app.routes[-1].methods == {"GET", "POST"}
    assert app.routes[-1].name == "handler"


def test_mistakes_are_refused_where_they_are_made() -> None:
    app = App()
    with pytest.raises(ValueError, match="starts with '/'"):
        app.get("a")(handler)
    with pytest.raises(TypeError, match="not callable"):
        app.add_api_route("/", None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no method"):
        app.api_route("/", methods=[])(handler)
    with pytest.raises(TypeError, match="response_model"):
        app.get("/", response_model=int)(handler)  # type: ignore[call-arg]


def test_url_path_for_fills_the_parameters() -> None:
    app = App()
    app.get("/users/{name}/files/{rest:path}", name="file")(handler)
    app.get("/users/{name}", name="user")(handler)
    assert app.url_path_for("file", name="ann", rest="a/b") == "/users/ann/files/a/b"
    assert app.url_path_for("user", name=7) == "/users/7"
    for params in ({}, {"name": "x", "more": 1}):
        with pytest.raises(NoMatchFound):
            app.url_path_for("user", **params)
    with pytest.raises(ValueError, match="cannot be"):
        app.url_path_for("user", name="a/b")


def test_routers_nest_and_hand_down_prefix_tags_and_class() -> None:
    inner = APIRouter(prefix="/inner", tags=["i"])
    inner.get("/plain")(handler)
    inner.get("/page", response_class=HTMLResponse)(handler)
    outer = APIRouter(prefix="/outer", default_response_class=PlainTextResponse)
    outer.include_router(inner, prefix="/mid", tags=["m"])
    app = App(default_response_class=JSONResponse)
    app.include_router(outer, prefix="/v1")
    app.include_router(inner)
    assert [(route.path, route.response_class, route.tags) for route in app.routes] == [
        ("/v1/outer/mid/inner/plain", PlainTextResponse, ["m", "i"]),
        ("/v1/outer/mid/inner/page", HTMLResponse, ["m", "i"]),
        ("/inner/plain", JSONResponse, ["i"]),
        ("/inner/page", HTMLResponse, ["i"]),
    ]


@pytest.mark.parametrize("prefix", ["a", "/a/", "/"])
def test_a_prefix_starts_with_a_slash_and_does_not_end_with_one(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        APIRouter(prefix=prefix)


def test_the_route_says_which_it_is() -> None:
    assert str(APIRoute("/a", handler, methods=["POST", "GET"])) == "GET,POST /a (handler)"
