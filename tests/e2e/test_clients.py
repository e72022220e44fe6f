"""Client libraries as people use them."""

import asyncio
import http.cookiejar
import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.serving import STRATEGIES_AND_DEFAULT, Server, server_of

server = server_of(
    """
    import asyncio
    import dataclasses
    from fasterapi import App, JSONResponse, RedirectResponse, Request, Response

    app = App()

    @dataclasses.dataclass
    class Item:
        name: str
        price: float = 1.5

    @app.get("/")
    async def home():
        return {"message": "Hello"}

    @app.post("/items", status_code=201)
    def create(item: Item):
        return item

    @app.put("/upload")
    async def upload(request: Request):
        body = await request.body()
        return {"size": len(body), "sum": sum(body) % 65536}

    @app.get("/download/{size}")
    def download(size: int):
        return Response(b"abcdefgh" * (size // 8), media_type="application/octet-stream")

    @app.get("/login")
    def login(name: str):
        response = JSONResponse({"welcome": name})
        response.set_cookie("session", name, httponly=True)
        response.set_cookie("theme", "dark", max_age=60)
        return response

    @app.get("/whoami")
    def whoami(request: Request):
        return request.cookies

    @app.get("/logout")
    def logout():
        response = RedirectResponse("/whoami", 303)
        response.delete_cookie("session")
        return response

    @app.get("/slow/{milliseconds}")
    async def slow(milliseconds: int):
        await asyncio.sleep(milliseconds / 1000)
        return milliseconds
    """,
    *("--workers", "2"),
    strategies=STRATEGIES_AND_DEFAULT,
)


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as client:
        yield client


def test_httpx_speaks_json(client: httpx.Client) -> None:
    assert client.get("/").json() == {"message": "Hello"}
    created = client.post("/items", json={"name": "é", "price": 2})
    assert (created.status_code, created.json()) == (201, {"name": "é", "price": 2.0})
    assert client.post("/items", json={"price": "x"}).status_code == 422


def test_httpx_uploads_in_chunks(client: httpx.Client) -> None:
    parts = [bytes([i]) * (i * 700) for i in range(60)]
    answer = client.put("/upload", content=iter(parts)).json()
    assert answer == {"size": sum(map(len, parts)), "sum": sum(map(sum, parts)) % 65536}


def test_httpx_streams_a_download(client: httpx.Client) -> None:
    with client.stream("GET", "/download/8000000") as response:
        assert sum(map(len, response.iter_bytes())) == 8_000_000


def test_httpx_keeps_cookies_and_follows_redirects(client: httpx.Client) -> None:
    assert client.get("/login", params={"name": "ann"}).json() == {"welcome": "ann"}
    assert client.get("/whoami").json() == {"session": "ann", "theme": "dark"}
    assert client.get("/logout", follow_redirects=True).json() == {"theme": "dark"}


def test_httpx_follows_the_redirect_of_a_slash(client: httpx.Client) -> None:
    assert client.get("/slow/1/", follow_redirects=True).json() == 1
    assert client.post("/items/", json={"name": "a"}, follow_redirects=True).status_code == 201


def test_httpx_asks_many_things_at_once(server: Server) -> None:
    async def ask() -> list[int]:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits) as client:
            answers = await asyncio.gather(*(client.get(f"/slow/{i % 20}") for i in range(300)))
        return [answer.json() for answer in answers]

    assert asyncio.run(ask()) == [i % 20 for i in range(300)]


def test_httpx_gives_up_and_the_server_goes_on(client: httpx.Client) -> None:
    for _ in range(5):
        with pytest.raises(httpx.ReadTimeout):
            client.get("/slow/20000", timeout=0.2)
    assert client.get("/").status_code == 200


def test_urllib(server: Server) -> None:
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with opener.open(f"{server.url}/login?name=bob", timeout=20) as response:
        assert json.load(response) == {"welcome": "bob"}
    assert {cookie.name: cookie.value for cookie in jar} == {"session": "bob", "theme": "dark"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(server: Server) -> None:
    def curl(*arguments: str) -> str:
        command = ["curl", "--silent", "--show-error", "--max-time", "20", *arguments]
        plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, env=plain).stdout

    assert curl(f"{server.url}/", f"{server.url}/slow/1") == '{"message":"Hello"}1'
    assert (
        curl("-H", "Content-Type: application/json", "-d", '{"name": "c"}', f"{server.url}/items")
        == '{"name":"c","price":1.5}'
    )
    assert "HTTP/1.1 200 OK" in curl("--head", f"{server.url}/")
    # Asked to upgrade, the server answers in HTTP/1.1.
    assert (
        curl("-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: h2c", f"{server.url}/")
        == '{"message":"Hello"}'
    )
