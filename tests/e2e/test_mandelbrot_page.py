"""The page of examples/mandelbrot.py in a real browser: headless Chromium draws it, and all workers take part."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.serving import Server
from tests.marks import OWN_GIL

_EXAMPLE = Path(__file__).parents[2] / "examples" / "mandelbrot.py"
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_BROWSER_S = 100.0
_TILES = 64

pytestmark = [OWN_GIL, pytest.mark.skipif(_CHROMIUM is None, reason="Chromium is not installed")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(_EXAMPLE, "--workers", "2") as running:
        yield running


def browse(url: str, directory: Path, *options: str) -> str:
    """Load a page and wait until it has nothing left to do; gives what the browser prints."""
    assert _CHROMIUM is not None
    command = [
        *(_CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
        f"--user-data-dir={directory / 'profile'}",
        # Time passes for the page only while it waits for no answer.
        "--virtual-time-budget=60000",
        *options,
        url,
    ]
    # What is loaded into the server under test, a sanitizer's runtime say, is no concern of the browser.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=_BROWSER_S,
    )
    assert done.returncode == 0
    return done.stdout


def test_every_worker_draws_a_part(server: Server, tmp_path: Path) -> None:
    page = browse(server.url, tmp_path, "--dump-dom")
    shares = [int(count) for count in re.findall(r"<i>(\d+) tiles, \d+ ms</i>", page)]
    assert len(shares) == 2
    assert sum(shares) == _TILES
    assert min(shares) > 0
    assert re.search(r"\d+ ms of work in \d+ ms", page)


def test_the_picture_is_seen(server: Server, tmp_path: Path) -> None:
    browse(server.url, tmp_path, "--hide-scrollbars", "--window-size=600,760", f"--screenshot={tmp_path / 'page.png'}")
    colours = Counter(pixels((tmp_path / "page.png").read_bytes()))
    # The set itself is black and the page dark grey; everything between the two kinds of blue is the picture.
    assert colours[0, 0, 0] > 20_000
    assert sum(1 for red, _, blue in colours if blue > red) > 200
    # The marks of the two workers.
    assert colours[235, 71, 71] > 25
    assert colours[71, 235, 235] > 25


def pixels(image: bytes) -> Iterator[tuple[int, int, int]]:
    """The colours of an 8-bit PNG image without interlacing, row by row."""
    width, _, depth, kind, _, _, interlace = struct.unpack_from(">IIBBBBB", image, 16)
    assert (depth, interlace) == (8, 0)
    size = {2: 3, 6: 4}[kind]
    data, position = b"", 8
    while position < len(image):
        length, name = struct.unpack_from(">I4s", image, position)
        data += image[position + 8 : position + 8 + length] if name == b"IDAT" else b""
        position += 12 + length
    raw, stride = zlib.decompress(data), width * size
    above = bytearray(stride)
    for start in range(0, len(raw), stride + 1):
        row = unfiltered(raw[start], raw[start + 1 : start + 1 + stride], above, size)
        yield from ((row[at], row[at + 1], row[at + 2]) for at in range(0, stride, size))
        above = row


def unfiltered(kind: int, row: bytes, above: bytearray, size: int) -> bytearray:
    """A row of a PNG image with its filter undone; `size` is that of a pixel in bytes."""
    out = bytearray(row)
    for at in range(len(out)):
        left = out[at - size] if at >= size else 0
        up, corner = above[at], above[at - size] if at >= size else 0
        if kind == 1:
            out[at] = (out[at] + left) & 255
        elif kind == 2:
            out[at] = (out[at] + up) & 255
        elif kind == 3:
            out[at] = (out[at] + (left + up) // 2) & 255
        elif kind == 4:
            guess = left + up - corner
            nearest = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
            out[at] = (out[at] + nearest[2]) & 255
    return out
