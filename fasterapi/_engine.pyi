"""The C++ engine. For the package itself: users meet it through the modules around it."""

import asyncio
from asyncio import AbstractEventLoop, Handle, TimerHandle
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context
from typing import Any, Self, TypeVarTuple, Unpack, final

from fasterapi._future import Future

_Args = TypeVarTuple("_Args")

__version__: str

def bind_package(
    request_class: type,
    response_class: type,
    handle_exception: Callable[..., Any],
    handle_status: Callable[..., Any],
    handle_validation_error: Callable[..., Any],
    log_timeout: Callable[..., Any],
    request_timeout: type[BaseException],
    /,
) -> None:
    """Give the engine what it needs of Python, once per interpreter and before a loop is made."""

def current_task(loop: AbstractEventLoop | None = None) -> asyncio.Task[Any] | None:
    """`asyncio.current_task()`, also inside a request, which has a Task only once this is called."""

def exposed[*Args, Result](function: Callable[[*Args], Result], /, *args: *Args) -> Result:
    """Call code of the app, which the deadline of its request may interrupt, from code that none does."""

def sheltered[*Args, Result](function: Callable[[*Args], Result], /, *args: *Args) -> Result:
    """Call code that no deadline interrupts, from code that one may interrupt."""

def usable_cpus() -> int:
    """CPUs by affinity and cgroup quota, at least 1."""

def limit_malloc_arenas(most: int, /) -> None:
    """Let threads of this process share that many arenas of malloc, unless its owner set a number (MALLOC_ARENA_MAX).

    To be called before there are threads.
    """

def end_with_supervisor(pipe: int, patience_s: float, /) -> None:
    """End this process `patience_s` after the other end of a pipe is closed, whatever its threads do then.

    Raises ThreadShortage where the system has no thread to give that could watch it.
    """

def thread_shortage(name: str, /) -> str:
    """Why there is no thread with that name, for people: what bounds their number."""

def shared_memory_descriptor() -> int:
    """The file of this process's shared memory, for handing it to a child process."""

def adopt_shared_memory(descriptor: int, /) -> None:
    """Use the shared memory of an inherited descriptor. OSError where this process uses some already."""

def bound_shared_memory(max_bytes: int, /) -> bool:
    """How many bytes shared memory may hold that is made here; False where it was made already."""

def shared_memory_usage() -> tuple[int, int]:
    """(bytes handed out, bytes at most)."""

def open_stats(places: int, routes: int, /) -> int:
    """Make the board of the server's figures, with room for that many workers; returns its descriptor."""

def adopt_stats(descriptor: int, /) -> None:
    """Use the board of an inherited descriptor, which the engine owns from then on."""

def read_stats() -> dict[str, Any] | None:
    """What the board says now; None in a process without one. `fasterapi.stats` makes sense of it."""

def read_moves() -> list[tuple[str, int]]:
    """The last moves of handlers between this process's workers and its pool: (what and why, monotonic ns)."""

class SharedCounter:
    """The C++ half of `fasterapi.shared.Counter`: all of it."""

    def __new__(cls, name: str, initial: int = 0) -> Self: ...
    @property
    def name(self) -> str:
        """The name it is found by."""

    @property
    def value(self) -> int:
        """The value now."""

    def add(self, n: int = 1, /) -> int:
        """Add n and return the new value. OverflowError, and nothing is added, where that has no room."""

    def set(self, value: int, /) -> None:
        """Set the value."""

    def compare_and_set(self, expected: int, new: int, /) -> bool:
        """Set the value to `new` where it is `expected`; returns whether it was."""

class SharedDict:
    """The C++ half of `fasterapi.shared.Dict`."""

    def __new__(cls, name: str, max_items: int | None = None, ttl_s: float | None = None) -> Self: ...
    @property
    def name(self) -> str:
        """The name it is found by."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __setitem__(self, key: Any, value: Any, /) -> None: ...
    def __delitem__(self, key: Any, /) -> None: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def get(self, key: Any, default: Any = None, /) -> Any:
        """The value, or `default`."""

    def set(self, key: Any, value: Any, /, *, ttl_s: float | None = None) -> None:
        """Store a value, for `ttl_s` seconds; None: as long as the dict keeps its entries."""

    def pop(self, key: Any, default: Any = ..., /) -> Any:
        """Remove a key and return its value, or `default`; KeyError where there is neither."""

    def setdefault(self, key: Any, default: Any = None, /, *, ttl_s: float | None = None) -> Any:
        """The value; `default`, which is stored, where there is none."""

    def add(self, key: Any, n: float = 1, /, *, ttl_s: float | None = None) -> Any:
        """Add to a number, from 0 where there is none, and return the new value, in one step.

        `ttl_s` counts where there was no number: one that was there expires when it did before.
        """

    def keys(self) -> list[Any]:
        """A list of the keys, as they were at one moment in each part of the dict; so with the next two."""

    def values(self) -> list[Any]:
        """A list of the values."""

    def items(self) -> list[tuple[Any, Any]]:
        """A list of (key, value)."""

    def clear(self) -> None:
        """Remove everything."""

    def stats(self) -> dict[str, int]:
        """How many `hits`, `misses`, `evictions` and `expirations` there were, in all workers."""

    def _read(self, key: Any, missing: Any, /) -> tuple[Any, int]: ...
    def _write(self, key: Any, value: Any, version: int, ttl_s: float | None, /) -> bool: ...

class SharedLock:
    """The C++ half of `fasterapi.shared.Lock`."""

    def __new__(cls, name: str) -> Self: ...
    @property
    def name(self) -> str:
        """The name it is found by."""

    @property
    def _freed(self) -> int: ...
    def _acquire(self, holder: int, wait_s: float, /) -> bool | None: ...
    def release(self) -> None:
        """Let the next one have it. RuntimeError where this process does not hold it."""

    def locked(self) -> bool:
        """Whether somebody living holds it."""

class SharedEvent:
    """The C++ half of `fasterapi.shared.Event`."""

    def __new__(cls, name: str) -> Self: ...
    @property
    def name(self) -> str:
        """The name it is found by."""

    @property
    def _happened(self) -> int: ...
    def _wait(self, wait_s: float, /) -> bool: ...
    def set(self) -> None:
        """It has happened: everybody who waits goes on."""

    def clear(self) -> None:
        """It has not happened yet."""

    def is_set(self) -> bool:
        """Whether it has happened."""

class SharedQueue:
    """The C++ half of `fasterapi.shared.Queue`."""

    def __new__(cls, name: str, max_items: int, max_bytes: int = ...) -> Self: ...
    @property
    def name(self) -> str:
        """The name it is found by."""

    @property
    def maxsize(self) -> int:
        """How many items it may hold."""

    @property
    def _item_came(self) -> int: ...
    @property
    def _item_left(self) -> int: ...
    def _put(self, item: Any, wait_s: float, /) -> bool: ...
    def _get(self, empty: Any, wait_s: float, /) -> Any: ...
    def qsize(self) -> int:
        """How many items there are now."""

class SharedChannel:
    """The C++ half of `fasterapi.shared.Channel`."""

    def __new__(cls, name: str, max_messages: int = 1024, max_bytes: int = ...) -> Self: ...
    @property
    def name(self) -> str:
        """The name it is found by."""

    @property
    def subscribers(self) -> int:
        """How many have subscribed, in all workers."""

    def publish(self, value: Any, /) -> int:
        """Send a plain value to everybody who has subscribed; returns how many that are. Never waits for them.

        Raises TypeError where it is not plain, ValueError where it is larger than `max_bytes`, MemoryError where shared
        memory is full.
        """

class SharedSubscription:
    """The C++ half of `fasterapi.shared.Subscription`."""

    def __new__(cls, channel: SharedChannel) -> Self: ...
    @property
    def missed(self) -> int:
        """How many messages came and went unread."""

    @property
    def closed(self) -> bool:
        """Whether it has ended."""

    @property
    def _message_came(self) -> int: ...
    def _get(self, empty: Any, wait_s: float, /) -> Any: ...
    def close(self) -> None:
        """End it; the channel forgets it."""

@final
class SharedBell:
    """What an event loop listens to while somebody waits for shared objects in it."""

    def fileno(self) -> int:
        """Readable once it was rung."""

    def hang(self, place: int, /) -> None:
        """Be rung once when something changes there."""

    def answer(self) -> set[int]:
        """The places that rang; 0 stands for all of them."""

def encode_json(value: object, /) -> bytes:
    """A value as a handler's result is encoded.

    Raises TypeError, ValueError, UnicodeEncodeError or RecursionError, as described in `src/bindings/encode.h`.
    """

class FutureBase:
    """The C++ half of `fasterapi._future.Future`: the state of a call, and waiting for it."""

    def result(self, timeout: float | None = None) -> Any: ...
    def exception(self, timeout: float | None = None) -> BaseException | None: ...
    def done(self) -> bool: ...
    def running(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def cancel(self) -> bool: ...
    def _mark_announced(self) -> None: ...

class ExecutorBase:
    """The C++ half of `fasterapi.executor.SubinterpreterExecutor`: the workers, and the way to them."""

    def __init__(
        self,
        *,
        pinned: int,
        pooled: int,
        interpreters: int,
        queue_size: int,
        pin_to_cores: bool,
        path: list[str],
        shared: dict[str, Any] | None,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
        timeout: float | None,
    ) -> None: ...
    @property
    def _positions(self) -> int: ...
    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]: ...
    def _submit_at[**P, T](
        self, position: int, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]: ...
    def _submit_many(self, fn: Callable[..., Any], calls: list[Any], /) -> Future[Any]:
        """A future of ([result, …], None), or of the results before an exception and what is to be told of it."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...
    def _read_stats(self) -> dict[str, Any]: ...
    def _join_process_pool(self, path: list[str], /) -> None: ...
    def _share(self, other: ExecutorBase, timeout: float | None, /) -> None: ...

def bind_executor(
    future_class: type,
    condition_class: Callable[[], Any],
    describe: Callable[..., Any],
    rebuild: Callable[..., BaseException],
    tell_completions: Callable[[], None],
    cancelled_error: type[BaseException],
    broken_error: type[BaseException],
    /,
) -> None:
    """Give executors what they need of Python, once per interpreter and before one is made."""

def end_executors() -> None:
    """Wait for all calls that were submitted in this interpreter; none is taken from now on."""

def take_completed() -> list[Future[Any]] | None:
    """Wait for calls that ended, of futures that somebody watches; None when there will be no more."""

def start_main_pool(
    loop: LoopBase,
    *,
    threads: int,
    queue_size: int,
    log_moves: bool,
    log_as_json: bool,
) -> None:
    """Start threads of this interpreter that run handlers for workers that serve from now on.

    `loop`, which hosts guests, goes on with their coroutines; it must be held until `stop_main_pool()` has returned.
    Raises ThreadShortage where the system has not so many threads to give.
    """

def stop_main_pool() -> None:
    """End them, once no worker serves any more."""

@final
class PinnedWorkers:
    """Worker threads: each with an own-GIL interpreter, or all `in_main`, the main interpreter.

    They prepare from now on, and wait to be put to use.
    """

    def __init__(self, count: int, python_path: list[str], *, in_main: bool = False) -> None: ...
    def serve(
        self,
        *,
        count: int,
        pin_to_cores: bool,
        grace_period_s: float,
        config: str,
        on_ready: Callable[[list[str]], None],
        on_event: Callable[[str, int, str], None],
        pooled_workers: int,
        pooled_interpreters: int,
        queue_size: int,
        log_moves: bool,
        log_as_json: bool,
    ) -> int:
        """Serve with `count` workers until a signal stops the server; returns the exit status.

        Beside them, `pooled_workers` threads share `pooled_interpreters` interpreters and run handlers there; up
        to `queue_size` calls may wait for them. `log_moves` tells which handlers are moved between the two.

        `config` is JSON for `fasterapi._worker.run_pinned`, or `run_thread` with `in_main`; `on_ready` gets each
        worker's routes as JSON, and then those of each pooled interpreter. `on_event` is told of each step of a reload,
        and of each worker that is stuck, as (what, worker's index or -1, text). Blocks without the GIL. What the two
        raise stops the server and is raised here.
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
        is_async: bool,
        run_mode: int,
        timeout_ms: int,
        always_admit: bool,
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
    def request_id(self) -> str:
        """Its name in logs: the client's X-Request-ID if that is plain and short, else one made here."""

    @property
    def traceparent(self) -> str | None:
        """The Traceparent field (W3C Trace Context) if there is one and it is valid."""
    @property
    def _body(self) -> bytes: ...

class LoopBase:
    """The C++ half of `fasterapi._loop.WorkerLoop`: scheduling, timers, and the shard."""

    def call_soon(
        self, callback: Callable[[Unpack[_Args]], object], *args: *_Args, context: Context | None = None
    ) -> Handle: ...
    def call_soon_threadsafe(
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
        descriptor: int,
        backlog: int,
        /,
    ) -> int: ...
    def _write_to_self(self) -> None: ...
    def _report_stuck_to(self, fd: int, /) -> None: ...
    def _request_stop(self) -> None: ...
    def _request_count(self) -> int: ...
    def _host_guests(self, app: object, routes: Routes, intercepted: frozenset[int]) -> None:
        """Run the coroutines of the pool's calls, for an app, on a loop that serves nothing itself."""

    def _dismiss_guests(self) -> None:
        """Begin none of them any more; `_on_guests_left()` follows in each turn once all have ended."""

    def _cancel_guests(self) -> int:
        """Cancel those that have not ended; how many."""

    def _drop_guests(self) -> int:
        """Answer 503 for those that have not ended, and let go of them; how many."""

    def _report_spoiled(self) -> bool:
        """Let another interpreter take the place of this one, whose threads end once their handlers have.

        False where that is to be asked for again: there is no thread for another.
        """

    def _request_drain(self) -> None: ...
    def _add_listener(self, key: int, descriptor: int, backlog: int, /) -> None: ...
    def _remove_listener(self, key: int, /) -> None: ...
