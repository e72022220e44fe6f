"""The application: its routes, its settings, its lifespan."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack

from fasterapi._place import current_worker
from fasterapi.datastructures import State, URLPath
from fasterapi.exceptions import FasterAPIError
from fasterapi.responses import Response
from fasterapi.routing import (
    APIRoute,
    APIRouter,
    Handler,
    RouteDecorators,
    RouteOptions,
    RunMode,
)

if TYPE_CHECKING:
    from fasterapi._engine import Routes
    from fasterapi.stats import Stats

__all__ = ["App", "FastAPI", "Strategy", "Worker", "serving_app"]

Strategy = Literal["auto", "pinned", "pooled", "threads", "processes"]

type Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]
type ExceptionHandler = Callable[[Any, Any], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Worker:
    """Which worker of how many this is: an interpreter, or a thread under `threads`. `index` counts from 0."""

    index: int
    count: int
    strategy: str
    interpreter_id: int


class App(RouteDecorators):
    """One application. Every interpreter that serves imports the app's module and so has an `App` of its own.

    `num_workers=0` is one worker for each usable CPU; `num_pinned_workers` is another name for it. Beside them,
    `num_pooled_workers` threads share `num_pooled_interpreters` interpreters, for handlers that take long; 0 leaves the
    number to the server. `worker_strategy` is "pinned" (threads, each with an interpreter and a GIL of its own),
    "pooled" (every handler runs in the pool), "threads" (of one interpreter), "processes", or "auto" (pinned workers
    and a pool, where every imported package allows it). Settings of the server given here yield to those of the command
    line and of the environment.

    `run` says where handlers run: "inline" on their worker's thread, "pool" in interpreters beside the workers, "auto"
    (the default) where their measured run time says. `timeout` is how many seconds a handler may take until its request
    is answered with 504 and the handler interrupted. A router or a route may choose its own.

    With `redirect_slashes`, a path that only a slash at its end keeps from a route is redirected to it.

    `lifespan` and the `startup`/`shutdown` events run once per interpreter.

    >>> app = App(title="Tasks")
    >>> @app.get("/")
    ... def hello() -> dict[str, str]:
    ...     return {"message": "Hello"}
    """

    def __init__(
        self,
        *,
        num_workers: int | None = None,
        num_pinned_workers: int | None = None,
        num_pooled_workers: int | None = None,
        num_pooled_interpreters: int | None = None,
        pin_to_cores: bool | None = None,
        worker_strategy: Strategy | None = None,
        run: RunMode | None = None,
        timeout: float | None = None,
        title: str = "FasterAPI",
        summary: str | None = None,
        description: str = "",
        version: str = "0.1.0",
        debug: bool | None = None,
        lifespan: Lifespan | None = None,
        root_path: str | None = None,
        allowed_hosts: Sequence[str] | None = None,
        default_response_class: type[Response] | None = None,
        exception_handlers: Mapping[int | type[Exception], ExceptionHandler] | None = None,
        redirect_slashes: bool = True,
    ) -> None:
        if num_workers is not None and num_pinned_workers is not None:
            raise TypeError("num_workers and num_pinned_workers are two names of one setting: give one of them")
        given = {
            "num_workers": num_workers if num_pinned_workers is None else num_pinned_workers,
            "num_pooled_workers": num_pooled_workers,
            "num_pooled_interpreters": num_pooled_interpreters,
            "pin_to_cores": pin_to_cores,
            "worker_strategy": worker_strategy,
            "timeout": timeout,
            "debug": debug,
            "root_path": root_path,
            "allowed_hosts": allowed_hosts,
        }
        # Those settings of the server that were given, by the name of their argument; checked with all others at start.
        self.settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        self.title = title
        self.summary = summary
        self.description = description
        self.version = version
        self.debug = bool(debug)
        self.root_path = root_path or ""
        self.redirect_slashes = redirect_slashes
        self.router = APIRouter(default_response_class=default_response_class, run=run)
        self.exception_handlers: dict[int | type[Exception], ExceptionHandler] = dict(exception_handlers or {})
        self.state = State()
        # What the lifespan yielded: every request's `state` starts as a copy of it.
        self.lifespan_state: Mapping[str, Any] = {}
        self._lifespan = lifespan
        self._on_startup: list[Callable[[], Any]] = []
        self._on_shutdown: list[Callable[[], Any]] = []
        self._worker: Worker | None = None
        self._timeout_s = 0.0  # the server's

    @property
    def routes(self) -> list[APIRoute]:
        """The declared routes, in the order of their declaration."""
        return self.router.routes

    @property
    def worker(self) -> Worker:
        """The worker whose code this is. Raises FasterAPIError where no server runs this app.

        Where several workers share an interpreter, threads that belong to none of them get the first.
        """
        if self._worker is None:
            raise FasterAPIError("app.worker is known only in a worker, from its lifespan on")
        return current_worker.get(self._worker)

    def stats(self) -> Stats:
        """What the server did since it started, all its workers together and each by itself.

        From any handler or thread of any worker, and from the main thread while it serves. Raises FasterAPIError where
        no server runs.

        >>> app.stats().latency.p99_s  # doctest: +SKIP
        0.00042
        """
        from fasterapi import stats

        return stats.read()

    def enter_worker(self, worker: Worker, *, debug: bool, root_path: str, timeout_s: float = 0.0) -> None:
        """Take this app as the one that its interpreter serves, with the server's final settings.

        Called once, after loading and before the lifespan starts. `timeout_s` is for routes without a timeout; 0 is
        none.
        """
        global _serving
        self._timeout_s = timeout_s
        self._worker = worker
        self.debug = debug
        self.root_path = root_path
        _serving = self

    def leave_worker(self) -> None:
        """Serve no more in this interpreter, which goes on."""
        global _serving
        self._worker = _serving = None

    def add_api_route(
        self,
        path: str,
        endpoint: Handler,
        *,
        methods: Iterable[str] = ("GET",),
        **options: Unpack[RouteOptions],
    ) -> None:
        """Declare one route. Raises ValueError for a path that does not start with '/'."""
        self.router.add_api_route(path, endpoint, methods=methods, **options)

    def include_router(
        self,
        router: APIRouter,
        *,
        prefix: str = "",
        tags: Sequence[str] = (),
        default_response_class: type[Response] | None = None,
        run: RunMode | None = None,
        timeout: float | None = None,
    ) -> None:
        """Take in the routes that `router` has now, each under `prefix`."""
        self.router.include_router(
            router,
            prefix=prefix,
            tags=tags,
            default_response_class=default_response_class,
            run=run,
            timeout=timeout,
        )

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path of the route of that name; raises NoMatchFound."""
        return self.router.url_path_for(name, **path_params)

    def add_exception_handler(self, key: int | type[Exception], handler: ExceptionHandler) -> None:
        """Answer exceptions of a class, or HTTP errors of a status code, with what `handler(request, exc)` returns."""
        self.exception_handlers[key] = handler

    def exception_handler[H: ExceptionHandler](self, key: int | type[Exception]) -> Callable[[H], H]:
        """Decorator form of `add_exception_handler`."""

        def declare(handler: H) -> H:
            self.add_exception_handler(key, handler)
            return handler

        return declare

    def add_event_handler(self, event: Literal["startup", "shutdown"], handler: Callable[[], Any]) -> None:
        """Call `handler` when a worker starts or stops; raises FasterAPIError beside `lifespan=`."""
        if event not in ("startup", "shutdown"):
            raise ValueError(f"an event is 'startup' or 'shutdown', not {event!r}")
        if self._lifespan is not None:
            raise FasterAPIError(f"the app has a lifespan: move what {handler!r} does at {event} into it")
        (self._on_startup if event == "startup" else self._on_shutdown).append(handler)

    def on_event[H: Callable[[], Any]](self, event: Literal["startup", "shutdown"]) -> Callable[[H], H]:
        """Decorator form of `add_event_handler`; the handler may be `def` or `async def`."""

        def declare(handler: H) -> H:
            self.add_event_handler(event, handler)
            return handler

        return declare

    def compile_routes(self) -> Routes:
        """The engine's form of the routes, in the order of their declaration: once per interpreter, at start.

        Raises ValueError or TypeError, with a note that names the route, for what the engine cannot serve.
        """
        from fasterapi._engine import Routes

        routes = Routes(redirect_slashes=self.redirect_slashes)
        for route in self.routes:
            route.register(routes, timeout=self._timeout_s)
        return routes

    @asynccontextmanager
    async def run_lifespan(self) -> AsyncIterator[None]:
        """Start up on entry, shut down on exit: what a worker does around serving, on its event loop."""
        if self._lifespan is not None:
            async with _as_context_manager(self._lifespan)(self) as state:
                self.lifespan_state = {} if state is None else state
                yield
            return
        for handler in self._on_startup:
            await _call(handler)
        try:
            yield
        finally:
            for handler in self._on_shutdown:
                await _call(handler)

    def run(self, host: str | None = None, port: int | None = None, **options: Any) -> None:
        """Serve this app until a signal stops it. `options` are those of `fasterapi run`, with underscores.

        Call it from a script; each worker runs the script again, as the module `__mp_main__`, to have its own app.
        """
        from fasterapi._launch import serve_app

        given = {"host": host, "port": port, **options}
        serve_app(self, {name: value for name, value in given.items() if value is not None})


FastAPI = App

# The app that this interpreter serves; None in an interpreter that serves none. Written once, when the worker starts.
_serving: App | None = None


def serving_app() -> App:
    """The app that this interpreter serves; raises FasterAPIError where it serves none."""
    if _serving is None:
        raise FasterAPIError("no app is served in this interpreter")
    return _serving


async def _call(handler: Callable[[], Any]) -> None:
    result = handler()
    if hasattr(result, "__await__"):
        await result


def _as_context_manager(lifespan: Lifespan) -> Lifespan:
    from inspect import isasyncgenfunction

    return asynccontextmanager(lifespan) if isasyncgenfunction(lifespan) else lifespan
