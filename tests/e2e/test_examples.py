"""The examples that are one file each, served as their first lines say; examples/tasks has tests of its own."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import httpx

from tests.e2e.serving import Server
from tests.marks import OWN_GIL

_EXAMPLES = Path(__file__).parents[2] / "examples"


def test_hello(strategy: str) -> None:
    with Server(_EXAMPLES / "hello.py", "--strategy", strategy) as server:
        assert httpx.get(server.url + "/").json() == {"message": "Hello, World!"}
        assert httpx.get(server.url + "/user/7", params={"q": "x"}).json() == {"id": 7, "q": "x"}
        assert httpx.get(server.url + "/user/x").status_code == 422


def test_mandelbrot_renders_tiles(strategy: str) -> None:
    with Server(_EXAMPLES / "mandelbrot.py", "--strategy", strategy, "--workers", "2") as server:
        page = httpx.get(server.url + "/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "2 workers" in page.text
        inside = httpx.get(server.url + "/tile/-0.2/0.1/0.2")
        outside = httpx.get(server.url + "/tile/1.5/1.5/0.5")
        assert httpx.get(server.url + "/tile/9/0/1").status_code == 422
    assert inside.headers["content-type"] == "image/png"
    assert inside.headers["x-worker"] in ("0", "1")
    assert set(_pixels(inside.content)) == {(0, 0, 0)}
    assert (0, 0, 0) not in _pixels(outside.content)


@OWN_GIL
def test_prime_search_finds_them_all() -> None:
    done = subprocess.run(
        [sys.executable, _EXAMPLES / "prime_search.py", "2000000"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("148,933 primes below 2,000,000\n8 segments in ")


def _pixels(image: bytes) -> list[tuple[int, int, int]]:
    """The pixels of an 8-bit RGB image whose rows are not filtered; checks each chunk's checksum."""
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    position, data, width = 8, b"", 0
    while position < len(image):
        length, kind = struct.unpack_from(">I4s", image, position)
        content = image[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", image, position + 8 + length)
        assert checksum == zlib.crc32(kind + content)
        if kind == b"IHDR":
            width = struct.unpack_from(">I", content)[0]
        if kind == b"IDAT":
            data += content
        position += 12 + length
    raw = zlib.decompress(data)
    stride = 3 * width + 1
    rows = [raw[start + 1 : start + stride] for start in range(0, len(raw), stride)]
    assert len(rows) == width
    return [(row[x], row[x + 1], row[x + 2]) for row in rows for x in range(0, 3 * width, 3)]
