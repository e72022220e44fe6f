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


def _chosen(routes: list[APIRoute]) -> dict[str, tuple[str | None, float | None]]:
    return {route.path: (route.run, route.timeout) for route in routes}


def test_run_and_timeout_of_the_nearest_count() -> None:
    inner = APIRouter(prefix="/inner", run="pool", timeout=1.5)
    inner.get("/plain")(lambda: 1)
    inner.get("/own", run="inline", timeout=0)(lambda: 1)
    bare = APIRouter(prefix="/bare")
    bare.get("/x")(lambda: 1)
    outer = APIRouter(prefix="/outer", run="auto")
    outer.include_router(inner, run="inline", timeout=9)
    outer.include_router(bare, timeout=2)
    app = App(run="inline", timeout=7)
    app.include_router(outer, timeout=8)
    app.include_router(bare, prefix="/again")
    app.get("/top", timeout=3)(lambda: 1)

    assert _chosen(app.routes) == {
        "/outer/inner/plain": ("pool", 1.5),
        "/outer/inner/own": ("inline", 0),
        "/outer/bare/x": ("auto", 2),
        "/again/bare/x": ("inline", None),
        "/top": ("inline", 3),
    }
    assert app.settings == {"timeout": 7}


@pytest.mark.parametrize("run", ["async", "", 1, True])
def test_run_is_one_of_three_words(run: Any) -> None:
    for declare in (lambda: APIRoute("/x", lambda: 1, run=run), lambda: APIRouter(run=run), lambda: App(run=run)):
        with pytest.raises(ValueError, match="run must be 'auto', 'inline' or 'pool', not"):
            declare()


@pytest.mark.parametrize(
    ("timeout", "error"),
    [(-1, ValueError), (float("nan"), ValueError), (1e9, ValueError), ("1", TypeError), (True, TypeError)],
)
def test_timeout_is_a_number_of_seconds(timeout: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="timeout must be"):
        APIRoute("/x", lambda: 1, timeout=timeout)
    with pytest.raises(error, match="timeout must be"):
        APIRouter().include_router(APIRouter(), timeout=timeout)


def test_always_admit_is_true_or_false() -> None:
    wrong: Any = "no"
    with pytest.raises(TypeError, match="always_admit must be True or False, not 'no'"):
        APIRoute("/x", lambda: 1, always_admit=wrong)


class _Engine:
    """What a route hands to the engine."""

    def __init__(self) -> None:
        self.added: dict[str, Any] = {}

    def add(self, **given: Any) -> None:
        self.added = given


@pytest.mark.parametrize(
    ("own", "server", "milliseconds"),
    [(None, 0.0, 0), (None, 2.5, 2500), (0, 2.5, 0), (0.5, 2.5, 500), (1e-9, 0.0, 1)],
)
def test_the_engine_gets_milliseconds(own: float | None, server: float, milliseconds: int) -> None:
    engine: Any = _Engine()
    APIRoute("/x", lambda: 1, timeout=own).register(engine, timeout=server)
    assert engine.added["timeout_ms"] == milliseconds


@pytest.mark.parametrize(("run", "number"), [(None, 0), ("auto", 0), ("inline", 1), ("pool", 2)])
def test_the_engine_gets_where_to_run(run: Any, number: int) -> None:
    engine: Any = _Engine()
    APIRoute("/x", lambda: 1, run=run).register(engine)
    assert engine.added["run_mode"] == number


def test_a_route_that_is_always_admitted_runs_inline_unless_told_otherwise() -> None:
    router = APIRouter()
    router.get("/health", always_admit=True)(lambda: 1)
    router.get("/pooled", always_admit=True, run="pool")(lambda: 1)
    router.get("/plain")(lambda: 1)
    app = App()
    app.include_router(router)
    added = []
    for route in app.routes:
        engine: Any = _Engine()
        route.register(engine)
        added.append((engine.added["always_admit"], engine.added["run_mode"]))
    assert added == [(True, 1), (True, 2), (False, 0)]


async def _coroutine() -> int:
    return 1


class _Callable:
    def __init__(self) -> None:
        self.method = self._method

    async def _method(self) -> int:
        return 1

    async def __call__(self) -> int:
        return 1


def test_the_engine_is_told_which_handlers_are_coroutines() -> None:
    def is_async(endpoint: Any) -> Any:
        engine: Any = _Engine()
        APIRoute("/x", endpoint).register(engine)
        return engine.added["is_async"]

    coroutines = (_coroutine, functools.partial(_coroutine), _Callable(), _Callable().method)
    assert [is_async(each) for each in coroutines] == [True] * 4
    assert [is_async(each) for each in (lambda: 1, functools.partial(lambda: 1))] == [False] * 2
