"""What a handler learns of its request, and what becomes of the response that it builds, over the wire."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import STRATEGIES_AND_DEFAULT

STRATEGIES = STRATEGIES_AND_DEFAULT

_APP = """
import asyncio

from fasterapi import APIRouter, App, Request
from fasterapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

app = App(root_path="/api")
users = APIRouter(prefix="/users")

@users.api_route("/{name}", methods=["GET", "POST"], name="user")
async def user(name: str, request: Request):
    return {
        "method": request.method,
        "url": str(request.url),
        "base_url": str(request.base_url),
        "path": request.path,
        "path_params": request.path_params,
        "query": request.query_params.multi_items(),
        "headers": request.headers.getlist("x-twice"),
        "cookies": request.cookies,
        "client": request.client.host,
        "elsewhere": str(request.url_for("user", name="zoe")),
        "body": (await request.body()).decode(),
        "same_app": request.app is app,
        "http_version": request.http_version,
    }

app.include_router(users)

@app.post("/json")
async def parsed(request: Request):
    first = await request.json()
    return {"value": first, "again": (await request.json()) is first}

@app.get("/state")
async def state(request: Request):
    fresh = not hasattr(request.state, "mark")
    request.state.mark = 1
    return fresh

kept = []

# What these keep is their interpreter's.
@app.get("/keep/{name}", run="inline")
async def keep(request: Request):
    kept.append(request)
    await asyncio.sleep(0)
    return len(kept)

@app.get("/kept", run="inline")
def show_kept(): return [(request.method, request.path_params, request.headers["x-note"]) for request in kept]

@app.get("/sync")
def sync(request: Request): return request.query_params["q"]

@app.get("/cookies")
def cookies():
    response = JSONResponse({"a": 1}, status_code=202, headers={"X-One": "1"})
    response.set_cookie("a", "b c", httponly=True)
    response.delete_cookie("old")
    response.headers["etag"] = '"1"'
    return response

@app.get("/text", response_class=PlainTextResponse)
def text(): return "hellö"

@app.get("/html", response_class=HTMLResponse)
async def html(): return "<p>"

@app.get("/redirect")
def redirect(): return RedirectResponse("/a b", status_code=303)

@app.get("/bytes")
def raw(): return Response(b"\\x00\\xff", media_type="application/x-thing")

class CSV(Response):
    media_type = "text/csv"
    def render(self, content): return "\\n".join(",".join(row) for row in content).encode()

@app.get("/csv", response_class=CSV, status_code=203)
def csv(): return [["a", "b"], ["c", "d"]]

@app.delete("/nothing", status_code=204)
def nothing(): return None
"""


@pytest.fixture
def client(serve: Serve) -> Any:
    with serve(_APP, "--workers", "1") as server, httpx.Client(base_url=server.url) as client:
        yield client


def test_a_request_shows_itself(client: httpx.Client) -> None:
    origin = str(client.base_url).rstrip("/")
    answer = client.post(
        "/users/Zoë?a=1&a=2%203",
        headers=[("x-twice", "1"), ("X-Twice", "2"), ("cookie", "k=v; l=w")],
        content="héllo".encode(),
    )
    assert answer.json() == {
        "method": "POST",
        "url": f"{origin}/api/users/Zoë?a=1&a=2%203",
        "base_url": f"{origin}/api/",
        "path": "/users/Zoë",
        "path_params": {"name": "Zoë"},
        "query": [["a", "1"], ["a", "2 3"]],
        "headers": ["1", "2"],
        "cookies": {"k": "v", "l": "w"},
        "client": "127.0.0.1",
        "elsewhere": f"{origin}/api/users/zoe",
        "body": "héllo",
        "same_app": True,
        "http_version": "1.1",
    }


def test_json_is_parsed_once_and_bad_json_is_the_handlers_error(client: httpx.Client) -> None:
    value = {"a": [1, None, "ä"]}
    assert client.post("/json", content=json.dumps(value)).json() == {"value": value, "again": True}
    assert client.post("/json", content=b"{").status_code == 500


def test_state_is_each_requests_own(client: httpx.Client) -> None:
    assert [client.get("/state").json() for _ in range(3)] == [True, True, True]


def test_a_request_may_be_kept_past_its_answer(client: httpx.Client) -> None:
    for number in (1, 2):
        assert client.get(f"/keep/{number}", headers={"x-note": f"n{number}"}).json() == number
    assert client.get("/kept").json() == [["GET", {"name": "1"}, "n1"], ["GET", {"name": "2"}, "n2"]]


def test_a_plain_handler_gets_the_request_too(client: httpx.Client) -> None:
    assert client.get("/sync", params={"q": "x"}).json() == "x"


def test_a_response_keeps_status_headers_and_cookies(client: httpx.Client) -> None:
    answer = client.get("/cookies")
    assert (answer.status_code, answer.json()) == (202, {"a": 1})
    assert answer.headers["x-one"] == "1"
    assert answer.headers["etag"] == '"1"'
    first, second = answer.headers.get_list("set-cookie")
    assert first == 'a="b c"; HttpOnly; Path=/; SameSite=lax'
    assert second.startswith('old=""; expires=')


@pytest.mark.parametrize(
    ("path", "status", "media_type", "body"),
    [
        ("/text", 200, "text/plain; charset=utf-8", "hellö".encode()),
        ("/html", 200, "text/html; charset=utf-8", b"<p>"),
        ("/bytes", 200, "application/x-thing", b"\x00\xff"),
        ("/csv", 203, "text/csv; charset=utf-8", b"a,b\nc,d"),
    ],
)
def test_each_class_of_response(client: httpx.Client, path: str, status: int, media_type: str, body: bytes) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (status, media_type, body)


def test_redirects_and_answers_without_body(client: httpx.Client) -> None:
    redirect = client.get("/redirect")
    assert (redirect.status_code, redirect.headers["location"], redirect.content) == (303, "/a%20b", b"")
    nothing = client.delete("/nothing")
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert "content-length" not in nothing.headers
