"""The C++ engine. For the package itself: users meet it through the modules around it."""

import asyncio
from asyncio import AbstractEventLoop, Handle, TimerHandle
from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, TypeVarTuple, Unpack, final

_Args = TypeVarTuple("_Args")

__version__: str

def bind_package(
    request_class: type,
    response_class: type,
    handle_exception: Callable[..., Any],
    handle_status: Callable[..., Any],
    handle_validation_error: Callable[..., Any],
    /,
) -> None:
    """Give the engine what it needs of Python, once per interpreter and before a loop is made."""

def current_task(loop: AbstractEventLoop | None = None) -> asyncio.Task[Any] | None:
    """`asyncio.current_task()`, also inside a request, which has a Task only once this is called."""

def usable_cpus() -> int:
    """CPUs by affinity and cgroup quota, at least 1."""

def encode_json(value: object, /) -> bytes:
    """A value as a handler's result is encoded.

    Raises TypeError, ValueError, UnicodeEncodeError or RecursionError, as described in `src/bindings/encode.h`.
    """

@final
class PinnedWorkers:
    """Worker threads, each with an own-GIL interpreter. They prepare from now on, and wait to be put to use."""

    def __init__(self, count: int, python_path: list[str]) -> None: ...
    def serve(
        self,
        *,
        count: int,
        pin_to_cores: bool,
        grace_period_s: float,
        config: str,
        on_ready: Callable[[list[str]], None],
    ) -> int:
        """Serve with `count` workers until a signal stops the server; returns the exit status.

        `config` is JSON for `fasterapi._worker.run_pinned`; `on_ready` gets each worker's routes as JSON. Blocks
        without the GIL. What `on_ready` raises stops the server and is raised here.
        """

    def close(self) -> None:
        """End the workers; at once where they were not put to use, otherwise `serve` has done so."""

def announce_worker(slot: object, loop: LoopBase, routes: str, /) -> None:
    """The worker of that slot serves from now on."""

def retire_worker(slot: object, /) -> None:
    """The worker's loop is about to be closed."""

@final
class Plan:
    """A handler's signature, compiled from what `fasterapi._signature.compile_plan` made of it."""

    def __init__(self, spec: object) -> None: ...
    def validate(
        self,
        *,
        path: Mapping[str, str],
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes | None,
    ) -> dict[str, Any] | bytes:
        """The arguments by name, or the JSON body of the 422 answer."""

@final
class Routes:
    """The compiled routes of one app in one interpreter.

    With `redirect_slashes`, a path that only a slash at its end keeps from a route is redirected (307).
    """

    def __init__(self, *, redirect_slashes: bool = True) -> None: ...
    def add(
        self,
        *,
        path: str,
        methods: tuple[str, ...],
        handler: Callable[..., Any],
        plan: Plan,
        name: str,
        status_code: int | None,
        response_kind: int,
        response_class: type | None,
        qualname: str,
    ) -> None:
        """Add a route; raises ValueError for a malformed path, and warns of one that is never reached."""

    def signature(self) -> list[tuple[str, str, str]]:
        """(methods joined by commas, path, qualname) of each route, in order."""

class Request:
    """What the engine knows of one request. Made by the engine only."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def raw_path(self) -> bytes: ...
    @property
    def query_string(self) -> bytes: ...
    @property
    def http_version(self) -> str: ...
    @property
    def scheme(self) -> str: ...
    @property
    def server(self) -> tuple[str, int]: ...
    @property
    def client(self) -> tuple[str, int] | None: ...
    @property
    def path_params(self) -> dict[str, str]: ...
    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def _body(self) -> bytes: ...

class LoopBase:
    """The C++ half of `fasterapi._loop.WorkerLoop`: scheduling, timers, and the shard."""

    def call_soon(
        self, callback: Callable[[Unpack[_Args]], object], *args: *_Args, context: Context | None = None
    ) -> Handle: ...
    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[_Args]], object],
        *args: *_Args,
        context: Context | None = None,
    ) -> TimerHandle: ...
    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[_Args]], object],
        *args: *_Args,
        context: Context | None = None,
    ) -> TimerHandle: ...
    def time(self) -> float: ...
    def _run_once(self) -> None: ...
    def _push_ready(self, handle: Handle, /) -> None: ...
    def _watch(self, operation: int, fd: int, events: int, /) -> None: ...
    def _open_shard(self, settings: Mapping[str, Any], /) -> None: ...
    def _close_shard(self) -> None: ...
    def _serve(
        self,
        app: object,
        routes: Routes,
        intercepted: frozenset[int],
        keeps_requests: bool,
        host: str,
        port: int,
        backlog: int,
        /,
    ) -> int: ...
    def _request_stop(self) -> None: ...
