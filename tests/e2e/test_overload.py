"""More requests than the server takes: some are served, the others told to come again, and nothing else happens."""

from __future__ import annotations

import asyncio
import re
import select
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Diary, wait_until
from tests.e2e.serving import STRATEGIES_AND_DEFAULT, Server
from tests.e2e.wire import Reply, Wire, request

STRATEGIES = STRATEGIES_AND_DEFAULT

APP = (
    SOURCE
    + """
import asyncio
from fasterapi import App

app = App()
released = asyncio.Event()

@app.get("/hold")
async def hold():
    note("held")
    await released.wait()
    return "held"

@app.get("/sleep")
async def sleep():
    note("held")
    await asyncio.sleep(60)

@app.get("/release", always_admit=True)
async def release():
    released.set()

@app.get("/health", always_admit=True)
def health():
    return "well"

@app.get("/refused", always_admit=True)
def refused():
    return app.stats().requests_refused

@app.get("/brief")
async def brief():
    await asyncio.sleep(0.01)
    return "brief"

@app.get("/quick")
def quick():
    return "quick"
"""
)


def assert_busy(reply: Reply) -> None:
    """A refusal that leaves the connection as it was."""
    assert (reply.status, reply.header("retry-after"), reply.header("connection")) == (503, "1", None)


def has_answer(wire: Wire) -> bool:
    return bool(select.select([wire.socket], [], [], 0)[0])


def hold(wire: Wire, diary: Diary, path: str = "/hold") -> bool:
    """Sends a request that is held; whether it was admitted."""
    before = len(diary.lines())
    wire.send(request(path))
    wait_until(lambda: has_answer(wire) or len(diary.lines()) > before, "a held request is admitted or refused")
    if has_answer(wire):
        assert_busy(wire.receive())
        return False
    return True


def test_requests_past_those_in_flight_are_told_so_and_health_is_not_one_of_them(serve: Serve, tmp_path: Path) -> None:
    with serve(APP, "--workers", "1", "--max-in-flight", "3") as server, ExitStack() as stack:
        diary = Diary(tmp_path)
        wires = [stack.enter_context(Wire(server)) for _ in range(5)]
        assert [hold(wire, diary) for wire in wires] == [True, True, True, False, False]
        assert_busy(wires[3].ask("/quick"))
        assert wires[3].ask("/nowhere").status == 404
        assert wires[3].ask("/health").json == "well"
        server.wait_for_log(r"WARNING max_in_flight \(3\) is reached: 1 requests answered 503")
        assert wires[4].ask("/release").status == 200
        assert [wire.receive().json for wire in wires[:3]] == ["held"] * 3
        assert [wire.ask("/quick").json for wire in wires] == ["quick"] * 5


def test_each_that_is_turned_away_is_counted_and_told_of(serve: Serve, tmp_path: Path) -> None:
    with serve(APP, "--workers", "1", "--max-in-flight", "1") as server, Wire(server) as held, Wire(server) as other:
        assert hold(held, Diary(tmp_path))
        for _ in range(5):
            assert_busy(other.ask("/quick"))
        assert other.ask("/refused").json == 5
        assert other.ask("/release").status == 200
        assert held.receive().json == "held"
        assert server.stop() == 0
        told = re.findall(r"max_in_flight \(1\) is reached: (\d+) requests answered 503", server.log)
    assert [int(count) for count in told] == [1, 4]


def test_all_workers_together_have_a_bound(serve: Serve, tmp_path: Path) -> None:
    with serve(APP, "--workers", "2", "--max-in-flight-total", "4") as server, ExitStack() as stack:
        diary = Diary(tmp_path)
        wires = [stack.enter_context(Wire(server)) for _ in range(40)]
        assert [hold(wire, diary, "/sleep") for wire in wires].count(True) == 4


def test_a_handler_counts_until_it_ends_though_its_client_has_gone(serve: Serve, tmp_path: Path) -> None:
    source = (
        APP
        + """
@app.get("/stubborn")
async def stubborn():
    waiting = asyncio.ensure_future(released.wait())
    note("held")
    while not waiting.done():
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            note("cancelled")
"""
    )
    with serve(source, "--workers", "1", "--max-in-flight", "1") as server, Wire(server) as other:
        diary = Diary(tmp_path)
        with Wire(server) as leaving:
            leaving.send(request("/stubborn"))
            diary.wait_for("held")
        diary.wait_for("cancelled")
        assert_busy(other.ask("/quick"))
        assert other.ask("/release").status == 200
        wait_until(lambda: other.ask("/quick").status == 200, "the handler's place is free")


def test_under_three_times_what_is_taken_only_200_and_503_are_answered(serve: Serve) -> None:
    clients, requests_each, taken = 60, 30, 20

    async def client(port: int, statuses: Counter[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for _ in range(requests_each):
                writer.write(request("/brief"))
                head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).decode()
                length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length:"))
                await asyncio.wait_for(reader.readexactly(int(length.partition(":")[2])), 30)
                status = int(head.split()[1])
                statuses[status] += 1
                assert "connection: close" not in head.lower()
                assert status != 503 or "retry-after: 1\r\n" in head.lower()
        finally:
            writer.close()

    async def storm(server: Server) -> Counter[int]:
        statuses: Counter[int] = Counter()
        await asyncio.gather(*(client(server.port, statuses) for _ in range(clients)))
        return statuses

    with serve(APP, "--workers", "1", "--max-in-flight", str(taken)) as server:
        statuses = asyncio.run(storm(server))
        assert set(statuses) == {200, 503}
        assert statuses.total() == clients * requests_each
        with Wire(server) as wire:
            assert wire.ask("/quick").json == "quick"
