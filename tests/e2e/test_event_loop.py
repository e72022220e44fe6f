"""What handlers may do with asyncio: the worker's event loop is the server's, and it is a whole one."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.serving import Server, server_of
from tests.e2e.wire import Wire, request

server = server_of(
    """
    import asyncio
    import contextvars
    import socket
    import sys
    import threading
    from fasterapi import App

    app = App()
    current = contextvars.ContextVar("current", default="none")
    arrived = asyncio.Event()
    background = []
    lock = asyncio.Lock()
    inside = {"now": 0, "most": 0}

    def check(function):
        app.get("/check/" + function.__name__)(function)
        return function

    @check
    async def plain():
        return "ok"

    @check
    async def sleep():
        before = asyncio.get_running_loop().time()
        await asyncio.sleep(0.02)
        assert asyncio.get_running_loop().time() - before >= 0.019
        return "ok"

    @check
    async def sleep_zero():
        for _ in range(100):
            await asyncio.sleep(0)
        return "ok"

    @check
    async def gather():
        async def double(x):
            await asyncio.sleep(0.001 * x)
            return 2 * x
        assert await asyncio.gather(*map(double, range(10))) == [2 * x for x in range(10)]
        return "ok"

    @check
    async def task_group():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(0.001, i)) for i in range(5)]
        assert [task.result() for task in tasks] == list(range(5))
        return "ok"

    @check
    async def to_thread():
        assert await asyncio.to_thread(threading.get_ident) != threading.get_ident()
        return "ok"

    @check
    async def call_soon_threadsafe():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(future.set_result, "ok"))
        thread.start()
        return await asyncio.wait_for(future, 10)

    @check
    async def timeout():
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(10)
        except TimeoutError:
            return "ok"

    @check
    async def wait_for():
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.01)
        except asyncio.TimeoutError:
            return "ok"

    @check
    async def cancelled_child():
        task = asyncio.create_task(asyncio.sleep(10))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return "ok"

    @check
    async def subprocess():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print(6 * 7)", stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert (process.returncode, output) == (0, b"42\\n")
        return "ok"

    @check
    async def streams():
        async def serve(reader, writer):
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()
        own = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with own:
            reader, writer = await asyncio.open_connection(*own.sockets[0].getsockname())
            writer.write(b"hello\\n")
            assert await reader.readline() == b"HELLO\\n"
            writer.close()
        return "ok"

    @check
    async def large_stream():
        left, right = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=left)
        async def send():
            _, other = await asyncio.open_connection(sock=right)
            other.write(b"x" * 3_000_000)
            await other.drain()
            other.close()
        task = asyncio.create_task(send())
        assert len(await reader.read(-1)) == 3_000_000
        await task
        writer.close()
        return "ok"

    @check
    async def async_generator():
        async def count():
            for i in range(3):
                await asyncio.sleep(0)
                yield i
        assert [i async for i in count()] == [0, 1, 2]
        return "ok"

    @check
    async def current_task():
        await asyncio.sleep(0)
        assert asyncio.current_task() is not None
        return "ok"

    @check
    async def shield():
        assert await asyncio.shield(asyncio.sleep(0.001, "ok")) == "ok"
        return "ok"

    @check
    async def sock_calls():
        loop = asyncio.get_running_loop()
        left, right = socket.socketpair()
        left.setblocking(False)
        right.setblocking(False)
        receiving = asyncio.create_task(loop.sock_recv(left, 10))
        await asyncio.sleep(0)
        await loop.sock_sendall(right, b"ping")
        assert await receiving == b"ping"
        left.close()
        right.close()
        return "ok"

    @check
    async def reader_callback():
        loop = asyncio.get_running_loop()
        left, right = socket.socketpair()
        readable = loop.create_future()
        loop.add_reader(left, lambda: readable.done() or readable.set_result("ok"))
        right.send(b"x")
        try:
            return await asyncio.wait_for(readable, 10)
        finally:
            loop.remove_reader(left)
            left.close()
            right.close()

    @check
    async def nested_coroutines():
        async def down(depth):
            return "ok" if depth == 0 else await down(depth - 1)
        return await down(50)

    @check
    async def lazy_import():
        import email.mime.text
        await asyncio.sleep(0)
        return "ok" if email.mime.text else ""

    @app.get("/sleep/{milliseconds}")
    async def sleep_for(milliseconds: int):
        await asyncio.sleep(milliseconds / 1000)
        return milliseconds

    @app.get("/wait")
    async def wait():
        await asyncio.wait_for(arrived.wait(), 15)
        arrived.clear()
        return "woken"

    @app.get("/wake")
    async def wake():
        arrived.set()
        return "waking"

    @app.get("/wake-from-def")
    def wake_from_def():
        arrived.set()
        return "waking"

    @app.get("/context/{value}")
    async def context(value: str):
        before = current.get()
        current.set(value)
        await asyncio.sleep(0.01)
        return [before, current.get()]

    @app.get("/context-def/{value}")
    def context_def(value: str):
        before = current.get()
        current.set(value)
        return [before, current.get()]

    @app.get("/context-eager/{value}")
    async def context_eager(value: str):
        before = current.get()
        current.set(value)
        return [before, current.get()]

    @app.get("/background")
    async def in_background():
        async def later():
            await asyncio.sleep(0.05)
            background.append("done")
        app.state.task = asyncio.create_task(later())
        return len(background)

    @app.get("/background/done")
    async def background_done():
        async with asyncio.timeout(15):
            while not background:
                await asyncio.sleep(0.005)
        return background

    @app.get("/background/failure")
    async def background_failure():
        async def fail():
            raise LookupError("lost in the background")
        asyncio.create_task(fail())
        await asyncio.sleep(0.01)
        return "ok"

    @app.get("/locked")
    async def locked():
        async with lock:
            inside["now"] += 1
            inside["most"] = max(inside.values())
            await asyncio.sleep(0.002)
            inside["now"] -= 1
        return inside["most"]

    @app.get("/cancel-myself")
    async def cancel_myself():
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    @app.get("/raise-cancelled")
    async def raise_cancelled():
        raise asyncio.CancelledError
    """,
    *("--workers", "1", "--log-level", "error"),
)

CHECKS = [
    "plain",
    "sleep",
    "sleep_zero",
    "gather",
    "task_group",
    "to_thread",
    "call_soon_threadsafe",
    "timeout",
    "wait_for",
    "cancelled_child",
    "subprocess",
    "streams",
    "large_stream",
    "async_generator",
    "current_task",
    "shield",
    "sock_calls",
    "reader_callback",
    "nested_coroutines",
    "lazy_import",
]


@pytest.mark.parametrize("name", CHECKS)
def test_check(server: Server, name: str) -> None:
    with Wire(server) as wire:
        for _ in range(3):
            reply = wire.ask(f"/check/{name}")
            assert (reply.status, reply.body) == (200, b'"ok"'), server.log


def test_sleeping_handlers_overlap(server: Server) -> None:
    wires = [Wire(server) for _ in range(100)]
    try:
        started = time.monotonic()
        for wire in wires:
            wire.send(request("/sleep/200"))
        assert all(wire.receive().json == 200 for wire in wires)
        assert time.monotonic() - started < 10
    finally:
        for wire in wires:
            wire.socket.close()


@pytest.mark.parametrize("waker", ["/wake", "/wake-from-def"])
def test_one_request_wakes_another(server: Server, waker: str) -> None:
    with Wire(server) as waiting, Wire(server) as waking:
        waiting.send(request("/wait"))
        # Pipelined requests are handled one after the other, so the wait has begun when this is answered elsewhere.
        assert waking.ask("/check/sleep").status == 200
        assert waking.ask(waker).json == "waking"
        assert waiting.receive().json == "woken"


@pytest.mark.parametrize("kind", ["context", "context-def", "context-eager"])
def test_context_variables_belong_to_a_request(server: Server, kind: str) -> None:
    def ask(value: int) -> object:
        with Wire(server) as wire:
            return wire.ask(f"/{kind}/{value}").json

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [["none", str(value)] for value in range(40)]


def test_a_task_outlives_its_request(server: Server) -> None:
    with Wire(server) as wire:
        assert wire.ask("/background").status == 200
        assert "done" in wire.ask("/background/done").json


def test_a_task_that_fails_in_the_background_is_logged(server: Server) -> None:
    with Wire(server) as wire:
        assert wire.ask("/background/failure").json == "ok"
        assert wire.ask("/check/plain").status == 200
    server.wait_for_log("lost in the background|Task exception was never retrieved")


def test_locks_hold_between_requests(server: Server) -> None:
    wires = [Wire(server) for _ in range(20)]
    try:
        for wire in wires:
            wire.send(request("/locked"))
        assert {wire.receive().json for wire in wires} == {1}
    finally:
        for wire in wires:
            wire.socket.close()


@pytest.mark.parametrize("path", ["/cancel-myself", "/raise-cancelled"])
def test_a_handler_that_cancels_itself_is_answered(server: Server, path: str) -> None:
    with Wire(server) as wire:
        wire.send(request(path))
        try:
            assert wire.receive().status == 500
        except ConnectionError:
            assert wire.at_end()
    with Wire(server) as wire:
        assert wire.ask("/check/plain").status == 200
