"""The workloads in BustAPI: turbo routes where it has them, its ordinary routes elsewhere."""

from __future__ import annotations

import asyncio
import os
import sys

from bustapi import BustAPI, Response, request

TEXT = "x" * 10240

app = BustAPI()


@app.turbo_route("/def-json")
def def_json() -> dict[str, str]:
    return {"message": "Hello, World!"}


@app.route("/async-json")
async def async_json() -> dict[str, str]:
    return {"message": "Hello, World!"}


@app.route("/sleep-json")
async def sleep_json() -> dict[str, str]:
    await asyncio.sleep(0)
    return {"message": "Hello, World!"}


@app.route("/user/<int:id>")
def user(id: int) -> dict[str, object]:
    return {"id": id, "q": request.args.get("q")}


@app.route("/item", methods=["POST"])
def item() -> dict[str, object]:
    value: dict[str, object] = request.get_json()
    return value


@app.route("/text")
def text() -> Response:
    return Response(TEXT, content_type="text/plain; charset=utf-8")


@app.route("/worker")
def worker() -> dict[str, str]:
    return {"worker": str(os.getpid())}


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]), debug=False, workers=int(sys.argv[2]))
