"""Declared routes: plain Python objects until the server starts and the engine compiles them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from fasterapi.datastructures import URLPath
from fasterapi.exceptions import NoMatchFound
from fasterapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

if TYPE_CHECKING:
    from fasterapi._engine import Routes

__all__ = ["APIRoute", "APIRouter", "RouteOptions", "RunMode", "qualified_name"]

type Handler = Callable[..., Any]

# Where a handler runs: on the thread of its request's worker, in the pool, or where its measured run time says.
RunMode = Literal["auto", "inline", "pool"]

_PARAMETER = re.compile(r"{([a-zA-Z_][a-zA-Z0-9_]*)(?::([a-zA-Z_][a-zA-Z0-9_]*))?}")

# `run_mode` of `_engine.Routes.add`.
_RUN_MODES: dict[RunMode, int] = {"auto": 0, "inline": 1, "pool": 2}

TIMEOUT_MAX_S = 86400.0

# inspect.CO_COROUTINE; importing inspect takes longer than all of this package.
_CO_COROUTINE = 0x80

# How the engine turns a handler's result into a body (`response_kind` of `_engine.Routes.add`).
_KIND_JSON = 0
_KIND_TEXT = 1
_KIND_HTML = 2
_KIND_CLASS = 3
_KINDS: dict[type[Response], int] = {
    JSONResponse: _KIND_JSON,
    PlainTextResponse: _KIND_TEXT,
    HTMLResponse: _KIND_HTML,
}


class APIRoute:
    """One path, the methods it answers to, and the handler that answers.

    `response_class` is None where none was chosen: the results are then encoded as JSON. `run` says where the handler
    runs, and `timeout` how many seconds it may take until its request is answered with 504 (0: any time); None leaves
    each to whatever includes the route, and at last to "auto" and the server's `timeout_s`. With `always_admit` its
    requests are served even while as many are in flight as the server takes, as those of a health check should be; it
    then runs inline, where nothing else is said, since the pool's queue may be full as well. `tags`, `summary`,
    `description`, `deprecated` and `include_in_schema` document the route and change nothing that is served.
    """

    def __init__(
        self,
        path: str,
        endpoint: Handler,
        *,
        methods: Iterable[str] = ("GET",),
        name: str | None = None,
        status_code: int | None = None,
        response_class: type[Response] | None = None,
        run: RunMode | None = None,
        timeout: float | None = None,
        always_admit: bool = False,
        tags: Sequence[str] = (),
        summary: str | None = None,
        description: str | None = None,
        deprecated: bool = False,
        include_in_schema: bool = True,
    ) -> None:
        if not path.startswith("/"):
            raise ValueError(f"a route's path starts with '/', not as in {path!r}")
        if not callable(endpoint):
            raise TypeError(f"the handler of {path!r} is not callable: {endpoint!r}")
        _check_run(run)
        _check_timeout(timeout)
        if not isinstance(always_admit, bool):
            raise TypeError(f"always_admit must be True or False, not {always_admit!r}")
        self.path = path
        self.endpoint = endpoint
        self.methods = frozenset(method.upper() for method in methods)
        if not self.methods:
            raise ValueError(f"the route {path!r} has no method")
        self.name = _name_of(endpoint) if name is None else name
        self.qualname = qualified_name(endpoint)
        self.status_code = None if status_code is None else int(status_code)
        self.response_class = response_class
        self.run: RunMode | None = run
        self.timeout = timeout
        self.always_admit = always_admit
        self.tags = list(tags)
        self.summary = summary
        self.description = description
        self.deprecated = deprecated
        self.include_in_schema = include_in_schema
        self.param_convertors = {name: convertor or "str" for name, convertor in _PARAMETER.findall(path)}

    def register(self, routes: Routes, *, timeout: float = 0.0) -> None:
        """Compile the handler's signature and hand the route to the engine.

        `timeout` is the server's, in seconds, for a route that has none of its own; 0 is none.

        Raises ValueError or TypeError, with the route named, for what the engine cannot serve.
        """
        from fasterapi._engine import Plan
        from fasterapi._signature import compile_plan

        kind = _KINDS.get(self.response_class or JSONResponse, _KIND_CLASS)
        try:
            routes.add(
                path=self.path,
                methods=tuple(sorted(self.methods)),
                handler=self.endpoint,
                plan=Plan(compile_plan(self.endpoint, self.path)),
                name=self.name,
                status_code=self.status_code,
                response_kind=kind,
                response_class=self.response_class if kind == _KIND_CLASS else None,
                qualname=self.qualname,
                is_async=_is_async(self.endpoint),
                run_mode=_RUN_MODES[self.run or ("inline" if self.always_admit else "auto")],
                always_admit=self.always_admit,
                timeout_ms=_milliseconds(timeout if self.timeout is None else self.timeout),
            )
        except (TypeError, ValueError) as error:
            error.add_note(f"in the route {self}{_declared_at(self.endpoint)}")
            raise

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """This route's path with its parameters filled in.

        Raises NoMatchFound unless the name is this route's and the parameters are exactly those of its path.
        """
        if name != self.name or path_params.keys() != self.param_convertors.keys():
            raise NoMatchFound(name, path_params)

        def fill(match: re.Match[str]) -> str:
            text = str(path_params[match[1]])
            if match[2] != "path" and (not text or "/" in text):
                raise ValueError(f"the path parameter {match[1]!r} of {self.path!r} cannot be {text!r}")
            return text

        return URLPath(_PARAMETER.sub(fill, self.path))

    def __str__(self) -> str:
        return f"{','.join(sorted(self.methods))} {self.path} ({self.qualname})"

    def __repr__(self) -> str:
        return f"APIRoute(path={self.path!r}, name={self.name!r}, methods={sorted(self.methods)!r})"


class RouteOptions(TypedDict, total=False):
    """What a route's decorator takes beside its path."""

    status_code: int | None
    response_class: type[Response] | None
    run: RunMode | None
    timeout: float | None
    always_admit: bool
    name: str | None
    tags: Sequence[str]
    summary: str | None
    description: str | None
    deprecated: bool
    include_in_schema: bool


class RouteDecorators:
    """`get`, `post`, … of an app and of a router; each only declares a route.

    Options that change what is served: `status_code`, `response_class`, `name`. Options of how: `run` ("auto",
    "inline", "pool"), `timeout` (seconds; 0 is none) and `always_admit` (also under overload). As documentation of the
    route: `tags`, `summary`, `description`, `deprecated`, `include_in_schema`.
    """

    def add_api_route(
        self,
        path: str,
        endpoint: Handler,
        *,
        methods: Iterable[str] = ("GET",),
        **options: Unpack[RouteOptions],
    ) -> None:
        """Declare one route. Raises ValueError for a path that does not start with '/'."""
        raise NotImplementedError

    def api_route[H: Handler](
        self,
        path: str,
        *,
        methods: Iterable[str] = ("GET",),
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Serve `path` for several methods with the decorated handler."""

        def declare(endpoint: H) -> H:
            self.add_api_route(path, endpoint, methods=methods, **options)
            return endpoint

        return declare

    def get[H: Handler](self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Serve GET on `path` (and HEAD, with the body left out) with the decorated handler."""
        return self.api_route(path, methods=("GET",), **options)

    def post[H: Handler](self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Serve POST on `path` with the decorated handler."""
        return self.api_route(path, methods=("POST",), **options)

    def put[H: Handler](self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Serve PUT on `path` with the decorated handler."""
        return self.api_route(path, methods=("PUT",), **options)

    def patch[H: Handler](self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Serve PATCH on `path` with the decorated handler."""
        return self.api_route(path, methods=("PATCH",), **options)

    def delete[H: Handler](self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Serve DELETE on `path` with the decorated handler."""
        return self.api_route(path, methods=("DELETE",), **options)

    def head[H: Handler](self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Serve HEAD on `path` with the decorated handler."""
        return self.api_route(path, methods=("HEAD",), **options)

    def options[H: Handler](self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Serve OPTIONS on `path` with the decorated handler."""
        return self.api_route(path, methods=("OPTIONS",), **options)

    def trace[H: Handler](self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Serve TRACE on `path` with the decorated handler."""
        return self.api_route(path, methods=("TRACE",), **options)


class APIRouter(RouteDecorators):
    """Routes declared apart from the app, under a common prefix; `App.include_router` takes them in.

    >>> router = APIRouter(prefix="/users")
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: Sequence[str] = (),
        default_response_class: type[Response] | None = None,
        run: RunMode | None = None,
        timeout: float | None = None,
    ) -> None:
        _check_prefix(prefix)
        _check_run(run)
        _check_timeout(timeout)
        self.prefix = prefix
        self.tags = list(tags)
        self.default_response_class = default_response_class
        self.run: RunMode | None = run
        self.timeout = timeout
        self.routes: list[APIRoute] = []

    def add_api_route(
        self,
        path: str,
        endpoint: Handler,
        *,
        methods: Iterable[str] = ("GET",),
        **options: Unpack[RouteOptions],
    ) -> None:
        """Declare one route. Raises ValueError for a path that does not start with '/'."""
        options["response_class"] = options.get("response_class") or self.default_response_class
        options["run"] = options.get("run") or self.run
        options["timeout"] = _nearest(options.get("timeout"), self.timeout)
        options["tags"] = [*self.tags, *options.get("tags", ())]
        self.routes.append(APIRoute(self.prefix + path, endpoint, methods=methods, **options))

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
        """Take in the routes that `router` has now, each under `prefix`.

        `default_response_class`, `run` and `timeout` are for those routes that nothing nearer to them chose one for.
        """
        _check_prefix(prefix)
        _check_run(run)
        _check_timeout(timeout)
        if router is self:
            raise ValueError("a router cannot include itself")
        for route in router.routes:
            self.add_api_route(
                prefix + route.path,
                route.endpoint,
                methods=route.methods,
                name=route.name,
                status_code=route.status_code,
                response_class=route.response_class or default_response_class,
                run=route.run or run,
                timeout=_nearest(route.timeout, timeout),
                always_admit=route.always_admit,
                tags=[*tags, *route.tags],
                summary=route.summary,
                description=route.description,
                deprecated=route.deprecated,
                include_in_schema=route.include_in_schema,
            )

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path of the first route of that name with exactly these path parameters; raises NoMatchFound."""
        for route in self.routes:
            if route.name == name and route.param_convertors.keys() == path_params.keys():
                return route.url_path_for(name, **path_params)
        raise NoMatchFound(name, path_params)


def qualified_name(endpoint: Handler) -> str:
    """The handler's name for people and for comparing interpreters: without its module, which differs in a re-run."""
    inner: Any = endpoint
    while hasattr(inner, "func"):
        inner = inner.func
    name = getattr(inner, "__qualname__", None)
    return name if isinstance(name, str) else f"{type(inner).__qualname__}.__call__"


def _declared_at(endpoint: Handler) -> str:
    """Where the handler's code is, as ", file:line"; nothing for one that is not written in Python."""
    inner: Any = endpoint
    while hasattr(inner, "func") or hasattr(inner, "__wrapped__"):
        inner = getattr(inner, "func", None) or inner.__wrapped__
    code = getattr(inner, "__code__", None) or getattr(getattr(inner, "__call__", None), "__code__", None)  # noqa: B004
    return "" if code is None else f", {code.co_filename}:{code.co_firstlineno}"


def _name_of(endpoint: Handler) -> str:
    name = getattr(endpoint, "__name__", None)
    return name if isinstance(name, str) else type(endpoint).__name__


def _check_prefix(prefix: str) -> None:
    if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
        raise ValueError(f"a prefix starts with '/' and does not end with it, not as in {prefix!r}")


def _check_run(run: RunMode | None) -> None:
    if run is not None and run not in _RUN_MODES:
        raise ValueError(f"run must be 'auto', 'inline' or 'pool', not {run!r}")


def _check_timeout(timeout: float | None) -> None:
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be a number of seconds, not {timeout!r}")
    # The comparison is false for NaN too.
    if not 0 <= timeout <= TIMEOUT_MAX_S:
        raise ValueError(f"timeout must be 0 (none) to {TIMEOUT_MAX_S:.0f} seconds, not {timeout!r}")


def _nearest(inner: float | None, outer: float | None) -> float | None:
    return outer if inner is None else inner


def _milliseconds(timeout: float) -> int:
    """Seconds as the engine takes them: a time that is not 0 stays one."""
    return max(1, round(timeout * 1000)) if timeout > 0 else 0


def _is_async(endpoint: Handler) -> bool:
    """Whether calling it gives a coroutine, as far as can be told before it is called."""
    inner: Any = endpoint
    while hasattr(inner, "func"):
        inner = inner.func
    code = getattr(inner, "__code__", None) or getattr(getattr(inner, "__call__", None), "__code__", None)  # noqa: B004
    return code is not None and bool(code.co_flags & _CO_COROUTINE)
