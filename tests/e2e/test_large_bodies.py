"""Bodies that are too large for everybody else to wait until they are checked: read where their handlers run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import STRATEGIES_AND_DEFAULT, Server, server_of
from tests.e2e.wire import Reply, Wire, request

STRATEGIES = STRATEGIES_AND_DEFAULT

APP = """
import dataclasses
from typing import Any
from fasterapi import App

app = App()

@dataclasses.dataclass
class Item:
    name: str
    size: int

def names(items: list[Item]):
    return [item.name for item in items]

app.post("/inline", run="inline")(names)
app.post("/pool", run="pool")(names)

@app.post("/async")
async def later(items: list[Item]):
    return names(items)

@app.post("/depth/inline", run="inline")
@app.post("/depth/pool", run="pool")
def depth(body: list[Any]):
    deep = 0
    while body:
        body, = body
        deep += 1
    return deep
"""

LARGE = 8000  # items: some 300 kB
PLACES = ["inline", "pool", "async"]


server = server_of(APP, "--workers", "1", "--json-depth-max", "1000", strategies=STRATEGIES)


def items(count: int = LARGE) -> list[dict[str, Any]]:
    return [{"name": f"é {number}", "size": number} for number in range(count)]


def post(wire: Wire, path: str, body: bytes) -> Reply:
    wire.send(request(path, "Content-Type: application/json", method="POST", body=body))
    return wire.receive()


@pytest.mark.parametrize("place", PLACES)
def test_a_large_body_is_read(server: Server, place: str) -> None:
    with Wire(server) as wire:
        for _ in range(3):
            reply = post(wire, f"/{place}", json.dumps(items()).encode())
            assert reply.status == 200
            assert reply.json == [item["name"] for item in items()]
            assert post(wire, f"/{place}", json.dumps(items(2)).encode()).json == ["é 0", "é 1"]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_wrong_with_it_is_told_as_of_a_small_one(server: Server, place: str) -> None:
    with Wire(server) as wire:
        told = []
        for count in (LARGE, 5):
            body = items(count)
            body[3]["size"] = "many"
            reply = post(wire, f"/{place}", json.dumps(body).encode())
            assert reply.status == 422
            told.append(reply.json)
        assert told[0] == told[1]
        assert told[0]["detail"][0]["loc"] == ["body", 3, "size"]
        broken = json.dumps(items()).encode()[:-1]
        reply = post(wire, f"/{place}", broken)
        assert reply.status == 422
        assert reply.json["detail"][0]["type"] == "json_invalid"
        assert post(wire, f"/{place}", json.dumps(items(1)).encode()).json == ["é 0"]


@pytest.mark.parametrize("place", ["inline", "pool"])
@pytest.mark.parametrize("padding", [0, 100_000])
def test_bodies_may_be_as_deep_as_the_server_says(server: Server, place: str, padding: int) -> None:
    def nested(depth: int) -> bytes:
        return b"[" * depth + b" " * padding + b"]" * depth

    with Wire(server) as wire:
        assert post(wire, f"/depth/{place}", nested(999)).json == 998
        assert post(wire, f"/depth/{place}", nested(1001)).status == 400


def two_large_and_a_small(place: str) -> Iterator[bytes]:
    """The requests, in that order."""
    for count in (LARGE, LARGE, 1):
        body = json.dumps(items(count)).encode()
        yield request(f"/{place}", "Content-Type: application/json", method="POST", body=body)


@pytest.mark.parametrize("place", PLACES)
def test_large_bodies_in_a_pipeline(server: Server, place: str) -> None:
    with Wire(server) as wire:
        wire.send(*two_large_and_a_small(place))
        assert [len(wire.receive().json) for _ in range(3)] == [LARGE, LARGE, 1]


APP_OF_OWN_ANSWERS = """
from fasterapi import App, JSONResponse
from fasterapi.exceptions import RequestValidationError

app = App()

@app.exception_handler(RequestValidationError)
async def invalid(request, error):
    found = [each["loc"][-1] for each in error.errors()]
    return JSONResponse({"mine": found, "path": request.url.path}, status_code=400)

@app.post("/inline", run="inline")
def inline(numbers: list[int]):
    return sum(numbers)

@app.post("/pool", run="pool")
def pool(numbers: list[int]):
    return sum(numbers)
"""


@pytest.mark.parametrize("place", ["inline", "pool"])
def test_the_apps_own_answer_to_what_is_wrong(serve: Serve, place: str) -> None:
    with serve(APP_OF_OWN_ANSWERS, "--workers", "1") as server, Wire(server) as wire:
        numbers: list[Any] = list(range(50_000))
        assert post(wire, f"/{place}", json.dumps(numbers).encode()).json == sum(numbers)
        numbers[7] = "x"
        reply = post(wire, f"/{place}", json.dumps(numbers).encode())
        assert (reply.status, reply.json) == (400, {"mine": [7], "path": f"/{place}"})
