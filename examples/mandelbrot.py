"""The Mandelbrot set, computed in pure Python on every core: `fasterapi run examples/mandelbrot.py`.

The page asks for its tiles six at a time, as browsers do, each over a connection of its own, which the kernel deals to
one of the workers: the coloured corners and the bars below the picture tell to which. Click to zoom in.
"""

from __future__ import annotations

import struct
import time
import zlib
from math import log2
from typing import Annotated

from fasterapi import App, Path, Response
from fasterapi.responses import HTMLResponse

TILE_SIZE = 64
MAX_ITERATIONS = 300
# The square of the complex plane that level 0 shows: its lower left corner and its side.
ORIGIN = complex(-2.25, -1.5)
SIDE = 3.0
# Outside of the set, from far to near; the last one is where the orbit leaves only after MAX_ITERATIONS.
STOPS = ((8, 12, 60), (32, 107, 203), (237, 255, 255), (255, 170, 0), (90, 20, 10))

# Without a pool: every tile is drawn by one of the workers that the page counts.
app = App(title="Mandelbrot", worker_strategy="pinned")


def escape_time(c: complex) -> float:
    """After how many steps of z² + c the orbit leaves the disc of radius 8, smoothed; MAX_ITERATIONS: never."""
    z = 0j
    for step in range(MAX_ITERATIONS):
        z = z * z + c
        size = z.real * z.real + z.imag * z.imag
        if size > 64.0:
            return max(0.0, step + 1 - log2(log2(size) / 2))
    return float(MAX_ITERATIONS)


def colour(steps: float) -> tuple[int, int, int]:
    """Black inside the set, and between two of STOPS outside."""
    if steps >= MAX_ITERATIONS:
        return 0, 0, 0
    place = (len(STOPS) - 1) * log2(1 + steps) / log2(1 + MAX_ITERATIONS)
    first = int(place)
    share = place - first
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(STOPS[first], STOPS[first + 1], strict=True))
    return red, green, blue


def png(width: int, height: int, rgb: bytes) -> bytes:
    """A PNG image of 8-bit RGB pixels, rows from the top."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    stride = 3 * width
    rows = b"".join(b"\0" + rgb[start : start + stride] for start in range(0, height * stride, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


Coordinate = Annotated[float, Path(ge=-4.0, le=4.0)]


@app.get("/tile/{left}/{top}/{side}")
def tile(left: Coordinate, top: Coordinate, side: Annotated[float, Path(gt=0.0, le=4.0)]) -> Response:
    """The square with that upper left corner and side as an image; headers tell who made it, in how much CPU time."""
    started = time.thread_time()
    step = side / TILE_SIZE
    pixels = bytearray()
    for row in range(TILE_SIZE):
        for column in range(TILE_SIZE):
            pixels += bytes(colour(escape_time(complex(left + column * step, top - row * step))))
    cpu_ms = 1e3 * (time.thread_time() - started)
    headers = {"x-worker": str(app.worker.index), "x-milliseconds": f"{cpu_ms:.1f}", "connection": "close"}
    return Response(png(TILE_SIZE, TILE_SIZE, bytes(pixels)), media_type="image/png", headers=headers)


@app.get("/", response_class=HTMLResponse)
def page() -> str:
    return PAGE.replace("WORKERS", str(app.worker.count))


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Mandelbrot on every core</title><style>
body{margin:0;background:#14171c;color:#e6e9ee;font:16px/1.5 system-ui,sans-serif}
main{max-width:32rem;margin:0 auto;padding:1.5rem 1rem}
header{display:flex;align-items:center;justify-content:space-between}
h1{font-size:1.3rem;margin:0}
canvas{display:block;width:100%;aspect-ratio:1;margin:1rem 0;background:#000;cursor:zoom-in;border-radius:.5rem}
.bar{display:flex;align-items:center;gap:.75rem;font-variant-numeric:tabular-nums}
.bar b{display:block;height:.7rem;border-radius:.35rem;width:0;transition:width .2s}
.bar span{width:5rem}
.bar i{color:#9aa4b2;font-style:normal}
button{font:inherit;padding:.15rem .8rem;color:inherit;background:#2a303a;border:0;border-radius:.4rem;cursor:pointer}
#status{color:#9aa4b2}
</style></head><body><main>
<header><h1>Mandelbrot on every core</h1><button id="reset">Whole set</button></header>
<div>WORKERS workers · <span id="status">computing…</span></div>
<canvas id="picture" width="512" height="512"></canvas>
<div id="bars"></div>
</main><script>
const tiles = 8, count = WORKERS, whole = {left: -2.25, top: 1.5, side: 3};
const picture = document.getElementById("picture"), draw = picture.getContext("2d");
const size = picture.width / tiles, status = document.getElementById("status");
const hue = worker => `hsl(${worker * 360 / count} 80% 60%)`;
let view = whole, run = 0;
document.getElementById("bars").innerHTML = Array.from({length: count}, (_, worker) =>
  `<div class="bar"><span>worker ${worker}</span><b style="background:${hue(worker)}"></b><i></i></div>`).join("");
async function render() {
  const mine = ++run, started = performance.now(), busy = Array(count).fill(0), done = Array(count).fill(0);
  const side = view.side / tiles;
  status.textContent = "computing…";
  draw.clearRect(0, 0, picture.width, picture.height);
  const all = Array.from({length: tiles * tiles}, (_, place) => place).sort(() => Math.random() - .5);
  await Promise.all(all.map(async place => {
    const column = place % tiles, row = Math.floor(place / tiles);
    const answer = await fetch(`/tile/${view.left + column * side}/${view.top - row * side}/${side}`);
    const image = await createImageBitmap(await answer.blob());
    if (mine !== run) return;
    const worker = +answer.headers.get("x-worker");
    busy[worker] += +answer.headers.get("x-milliseconds");
    done[worker]++;
    draw.drawImage(image, column * size, row * size, size, size);
    draw.fillStyle = hue(worker);
    draw.fillRect(column * size + 2, row * size + 2, 5, 5);
    document.querySelectorAll(".bar").forEach((bar, index) => {
      bar.querySelector("b").style.width = `${done[index] * 60 / (tiles * tiles)}%`;
      bar.querySelector("i").textContent = `${done[index]} tiles, ${Math.round(busy[index])} ms`;
    });
  }));
  if (mine !== run) return;
  const took = performance.now() - started, sum = busy.reduce((a, b) => a + b);
  status.textContent = `${Math.round(sum)} ms of work in ${Math.round(took)} ms: ${(sum / took).toFixed(1)} cores`;
}
picture.onclick = event => {
  const box = picture.getBoundingClientRect(), side = view.side / 4;
  const x = view.left + (event.clientX - box.left) / box.width * view.side;
  const y = view.top - (event.clientY - box.top) / box.height * view.side;
  view = {left: x - side / 2, top: y + side / 2, side};
  render();
};
document.getElementById("reset").onclick = () => { view = whole; render(); };
render();
</script></body></html>
"""

if __name__ == "__main__":
    app.run()
