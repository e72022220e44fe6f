from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any

import pytest

from fasterapi import FastAPI
from fasterapi._place import current_worker
from fasterapi.applications import App, Worker, serving_app
from fasterapi.exceptions import FasterAPIError


async def _live(app: App, log: list[str]) -> None:
    async with app.run_lifespan():
        log.append("serving")


def test_lifespan_yields_the_requests_state() -> None:
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[dict[str, Any]]:
        log.append("start")
        yield {"db": 1}
        log.append("stop")

    app = App(lifespan=lifespan)
    asyncio.run(_live(app, log))
    assert log == ["start", "serving", "stop"]
    assert app.lifespan_state == {"db": 1}


def test_lifespan_may_be_a_bare_generator() -> None:
    log: list[str] = []

    async def lifespan(app: App) -> AsyncIterator[None]:
        log.append("start")
        yield
        log.append("stop")

    asyncio.run(_live(App(lifespan=lifespan), log))  # type: ignore[arg-type]
    assert log == ["start", "serving", "stop"]


def test_events_run_in_order_sync_and_async() -> None:
    app = App()
    log: list[str] = []

    @app.on_event("startup")
    def first() -> None:
        log.append("first")

    @app.on_event("startup")
    async def second() -> None:
        await asyncio.sleep(0)
        log.append("second")

    app.add_event_handler("shutdown", lambda: log.append("last"))
    asyncio.run(_live(app, log))
    assert log == ["first", "second", "serving", "last"]


def test_events_beside_a_lifespan_are_refused() -> None:
    app = App(lifespan=lambda app: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(FasterAPIError, match="lifespan"):
        app.add_event_handler("startup", lambda: None)
    with pytest.raises(ValueError, match="startup"):
        App().add_event_handler("later", lambda: None)  # type: ignore[arg-type]


def test_worker_is_known_only_in_a_worker() -> None:
    app = App()
    with pytest.raises(FasterAPIError, match="only in a worker"):
        _ = app.worker
    app.enter_worker(Worker(index=2, count=4, strategy="pinned", interpreter_id=7), debug=True, root_path="/x")
    assert (app.worker.index, app.worker.count, app.worker.interpreter_id) == (2, 4, 7)
    assert app.debug
    assert app.root_path == "/x"


def test_threads_of_one_interpreter_know_their_worker() -> None:
    app = App()
    first, second = (Worker(index=i, count=2, strategy="threads", interpreter_id=0) for i in range(2))
    app.enter_worker(first, debug=False, root_path="")

    def be_second() -> Worker:
        current_worker.set(second)
        return app.worker

    assert app.worker is first
    assert copy_context().run(be_second) is second
    assert serving_app() is app
    app.leave_worker()
    with pytest.raises(FasterAPIError, match="only in a worker"):
        _ = app.worker
    with pytest.raises(FasterAPIError, match="no app is served"):
        serving_app()


def test_only_given_settings_are_settings() -> None:
    assert App().settings == {}
    app = FastAPI(num_workers=4, worker_strategy="processes", debug=False)
    assert app.settings == {"num_workers": 4, "worker_strategy": "processes", "debug": False}


def test_routes_reach_the_engine_in_order_with_their_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    from fasterapi import _engine
    from fasterapi.responses import HTMLResponse, PlainTextResponse, Response

    class Own(Response):
        media_type = "text/csv"

    def handler() -> str:
        return ""

    app = App()
    app.get("/json")(handler)
    app.get("/text", response_class=PlainTextResponse)(handler)
    app.get("/html", response_class=HTMLResponse)(handler)
    app.get("/own", response_class=Own)(handler)
    added: list[dict[str, Any]] = []

    class Recorder:
        def __init__(self, *, redirect_slashes: bool) -> None:
            assert redirect_slashes

        def add(self, **route: Any) -> None:
            added.append(route)

    monkeypatch.setattr(_engine, "Routes", Recorder)
    app.compile_routes()
    assert [(route["path"], route["response_kind"], route["response_class"]) for route in added] == [
        ("/json", 0, None),
        ("/text", 1, None),
        ("/html", 2, None),
        ("/own", 3, Own),
    ]
    assert added[0]["methods"] == ("GET",)
    assert added[0]["handler"] is handler


def test_a_route_that_the_engine_refuses_is_named() -> None:
    app = App()
    app.get("/a/{}")(lambda: None)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the engine's message
        app.compile_routes()
    line = app.routes[0].endpoint.__code__.co_firstlineno
    assert caught.value.__notes__ == [
        f"in the route GET /a/{{}} (test_a_route_that_the_engine_refuses_is_named.<locals>.<lambda>), {__file__}:{line}"
    ]


def test_the_number_of_workers_is_given_under_one_name() -> None:
    assert App(num_pinned_workers=3).settings == App(num_workers=3).settings == {"num_workers": 3}
    with pytest.raises(TypeError, match="two names of one setting"):
        App(num_workers=2, num_pinned_workers=3)
