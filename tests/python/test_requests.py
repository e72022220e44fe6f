from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from fasterapi import applications
from fasterapi.applications import App, Worker
from fasterapi.exceptions import FasterAPIError, NoMatchFound


@pytest.fixture
def app() -> Iterator[App]:
    app = App()
    app.add_api_route("/users/{name}", lambda name: name, name="user")
    app.enter_worker(Worker(0, 1, "pinned", 1), debug=False, root_path="")
    yield app
    applications._serving = None


def test_url_is_made_from_host_path_and_query(app: App, make_request: Any) -> None:
    request = make_request(path="/a?b", query_string=b"c=d%20e")
    assert str(request.url) == "http://example.com/a%3Fb?c=d%20e"
    assert str(request.base_url) == "http://example.com/"


@pytest.mark.parametrize(
    ("fields", "origin"),
    [
        ({"server": ("127.0.0.1", 8000)}, "http://127.0.0.1:8000"),
        ({"server": ("::1", 80)}, "http://[::1]"),
        ({"server": ("h", 443), "scheme": "https"}, "https://h"),
    ],
)
def test_url_without_host_names_the_server(app: App, make_request: Any, fields: dict[str, Any], origin: str) -> None:
    assert str(make_request(raw_headers=[], **fields).url) == f"{origin}/"


def test_root_path_is_part_of_the_url(app: App, make_request: Any) -> None:
    app.root_path = "/api"
    request = make_request(path="/x")
    assert str(request.url) == "http://example.com/api/x"
    assert str(request.url_for("user", name="ann")) == "http://example.com/api/users/ann"
    with pytest.raises(NoMatchFound, match="nobody"):
        request.url_for("nobody")


def test_headers_query_cookies_client(app: App, make_request: Any) -> None:
    request = make_request(
        query_string=b"a=1&a=2",
        raw_headers=[(b"host", b"h"), (b"cookie", b'a=1; b="x\\073y"; =odd'), (b"cookie", b"c=3")],
    )
    assert request.headers["Host"] == "h"
    assert request.query_params.getlist("a") == ["1", "2"]
    assert request.cookies == {"a": "1", "b": "x;y", "": "odd", "c": "3"}
    assert request.client.host == "127.0.0.1"
    assert request.client.port == 40000
    assert make_request(client=None).client is None


def test_body_and_json(app: App, make_request: Any) -> None:
    request = make_request(body=b'{"a": [1]}')
    assert asyncio.run(request.body()) == b'{"a": [1]}'
    first = asyncio.run(request.json())
    assert first == {"a": [1]}
    assert asyncio.run(request.json()) is first
    with pytest.raises(json.JSONDecodeError):
        asyncio.run(make_request(body=b"{").json())


def test_state_starts_from_the_lifespans(app: App, make_request: Any) -> None:
    app.lifespan_state = {"db": "connection"}
    request, other = make_request(), make_request()
    request.state.mine = 1
    assert request.state.db == "connection"
    assert request.state.mine == 1
    assert not hasattr(other.state, "mine")
    assert request.app is app


def test_outside_of_a_worker_there_is_no_app(make_request: Any) -> None:
    with pytest.raises(FasterAPIError, match="no app"):
        _ = make_request().app
