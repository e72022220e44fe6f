"""What handlers may do with asyncio: the worker's loop must do everything that asyncio's own does."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import STRATEGIES_AND_DEFAULT, connected

STRATEGIES = STRATEGIES_AND_DEFAULT

APP = """
    import asyncio
    import contextvars
    import sys
    import time

    from fasterapi import App

    app = App()
    marker = contextvars.ContextVar("marker", default="unset")


    @app.get("/sleep")
    async def sleep(seconds: float):
        await asyncio.sleep(seconds)
        return {"slept": seconds}


    @app.get("/gather")
    async def gather():
        async def square(number):
            await asyncio.sleep(0.01)
            return number * number

        return await asyncio.gather(*(square(number) for number in range(5)))


    @app.get("/task-group")
    async def task_group():
        async def fail():
            await asyncio.sleep(0.01)
            raise ValueError("inside")

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(30))
                group.create_task(fail())
        except ExceptionGroup as error:
            return {"failed": str(error.exceptions[0])}


    @app.get("/timeout")
    async def timeout():
        try:
            async with asyncio.timeout(0.05):
                await asyncio.sleep(30)
        except TimeoutError:
            return "timed out"


    @app.get("/late-timeout")
    async def late_timeout():
        await asyncio.sleep(0)
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.05)
        except TimeoutError:
            return "timed out"


    @app.get("/current-task")
    async def current_task():
        first = asyncio.current_task()
        await asyncio.sleep(0)
        second = asyncio.current_task()
        return {"same": first is second, "named": first.get_name(), "is_task": isinstance(first, asyncio.Task)}


    @app.get("/current-task-without-waiting")
    async def current_task_without_waiting():
        return {"is_task": isinstance(asyncio.current_task(), asyncio.Task)}


    @app.get("/cancel-myself")
    async def cancel_myself():
        asyncio.current_task().cancel()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()
            await asyncio.sleep(0.01)
            return "cancelled"


    @app.get("/thread")
    async def thread():
        marker.set("seen")
        return await asyncio.to_thread(lambda: (time.sleep(0.01), marker.get())[1])


    @app.get("/subprocess")
    async def subprocess():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print(6 * 7)", stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return {"output": output.decode().strip(), "status": process.returncode}


    @app.get("/streams")
    async def streams():
        async def answer(reader, writer):
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello" * 10_000 + b"\\n")
            await writer.drain()
            received = await reader.read()
            writer.close()
            await writer.wait_closed()
        return {"size": len(received), "head": received[:10].decode()}


    @app.get("/background")
    async def background():
        done = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, done.set)
        await done.wait()
        return "done"


    @app.get("/context")
    async def context(value: str):
        before = marker.get()
        marker.set(value)
        await asyncio.sleep(0.01)
        return {"before": before, "after": marker.get()}


    @app.get("/context-def")
    def context_def(value: str):
        before = marker.get()
        marker.set(value)
        return {"before": before, "after": marker.get()}


    @app.get("/bad-await")
    async def bad_await():
        class Odd:
            def __await__(self):
                yield 42

        await Odd()


    @app.get("/raise-later")
    async def raise_later():
        await asyncio.sleep(0.01)
        raise KeyError("later")


    @app.get("/threads")
    def threads():
        import threading

        return sorted(thread.name for thread in threading.enumerate())


    def sees_a_loop():
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return True


    def own_loop():
        return {"before": sees_a_loop(), "ran": asyncio.run(gather()), "after": sees_a_loop()}


    app.get("/own-loop-inline", run="inline")(own_loop)
    app.get("/own-loop-pooled", run="pool")(own_loop)


    @app.get("/sees-a-loop")
    async def coroutine_sees_a_loop():
        first = sees_a_loop()
        await asyncio.sleep(0)
        return [first, sees_a_loop()]


    @app.get("/coroutine-of-def", run="inline")
    def coroutine_of_def():
        return coroutine_sees_a_loop()


    @app.get("/clock")
    async def clock():
        loop = asyncio.get_running_loop()
        start = loop.time()
        cancelled = [loop.call_later(3600, print) for _ in range(500)]
        for handle in cancelled:
            handle.cancel()
        await asyncio.sleep(0.05)
        return {"waited": loop.time() - start >= 0.05, "cancelled": all(handle.cancelled() for handle in cancelled)}
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/sleep?seconds=0.05", {"slept": 0.05}),
        ("/gather", [0, 1, 4, 9, 16]),
        ("/task-group", {"failed": "inside"}),
        ("/timeout", "timed out"),
        ("/late-timeout", "timed out"),
        ("/current-task-without-waiting", {"is_task": True}),
        ("/cancel-myself", "cancelled"),
        ("/thread", "seen"),
        ("/subprocess", {"output": "42", "status": 0}),
        ("/streams", {"size": 50_001, "head": "HELLOHELLO"}),
        ("/background", "done"),
        ("/threads", None),
        ("/clock", {"waited": True, "cancelled": True}),
    ],
)
def test_asyncio_works_in_handlers(asyncio_server, path, expected):
    status, body = asyncio_server(path)
    assert status == 200
    if expected is not None:
        assert body == expected


def test_a_request_has_one_task_from_its_first_step_on(asyncio_server):
    _, body = asyncio_server("/current-task")
    assert body["same"]
    assert body["is_task"]


@pytest.mark.parametrize("path", ["/context", "/context-def"])
def test_context_variables_do_not_leak_between_requests(asyncio_server, path):
    for value in ("one", "two"):
        assert asyncio_server(f"{path}?value={value}")[1] == {"before": "unset", "after": value}


def test_serving_needs_no_second_thread(asyncio_server):
    _, names = asyncio_server("/threads")
    # In a worker process one more thread watches for the supervisor's end; under threads the main one only waits. The
    # pool's are there for others.
    idle = {"supervisor-watch", "guests", "MainThread" if "worker-0" in names else ""}
    assert len([name for name in names if name not in idle and not name.startswith(("asyncio_", "Dummy-"))]) == 1


@pytest.mark.parametrize("path", ["/own-loop-inline", "/own-loop-pooled"])
def test_a_def_handler_sees_no_loop_wherever_it_runs_and_may_run_its_own(asyncio_server, path):
    for _ in range(2):
        assert asyncio_server(path) == (200, {"before": False, "ran": [0, 1, 4, 9, 16], "after": False})
        # The worker's own loop is there again for those that need it.
        assert asyncio_server("/sees-a-loop") == (200, [True, True])
        assert asyncio_server("/coroutine-of-def") == (200, [True, True])


def test_what_cannot_be_awaited_is_an_error_of_the_request(asyncio_server):
    assert asyncio_server("/bad-await")[0] == 500
    assert asyncio_server("/raise-later")[0] == 500
    assert asyncio_server("/sleep?seconds=0")[0] == 200


@pytest.fixture(scope="module")
def asyncio_server(module_serve: Serve):
    with module_serve(APP, "--workers", "1") as server, connected(server) as client:

        def get(path: str):
            client.request("GET", path)
            response = client.getresponse()
            return response.status, json.loads(response.read())

        yield get
