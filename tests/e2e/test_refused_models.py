"""What an app's own answer to a refused pydantic model is given: the request that its handler would have been given."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.serving import Server, connected

pytest.importorskip("pydantic")

APP = """
    import asyncio

    from pydantic import BaseModel

    from fasterapi import App, JSONResponse, Request
    from fasterapi.exceptions import RequestValidationError

    app = App()
    kept = []


    class Order(BaseModel):
        count: int


    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError):
        kept.append(request)
        await asyncio.sleep(0.01)
        return JSONResponse({"path": request.url.path, "note": request.headers["x-note"], "body": error.body}, 400)


    @app.post("/orders/{name}")
    async def order(name: str, request: Request, order: Order):
        return order.count


    @app.get("/kept")
    def show_kept():
        return [(request.method, request.url.path, request.path_params, request.headers["x-note"]) for request in kept]
"""


@pytest.fixture
def server(tmp_path: Path):
    app = tmp_path / "app.py"
    app.write_text(dedent(APP))
    with Server(app, "--strategy", "processes", "--workers", "1", cwd=tmp_path) as running:
        yield running


def test_the_request_of_a_refused_model_outlives_its_answer(server):
    with connected(server) as client:
        for number in range(3):
            body = json.dumps({"count": f"no {number}"})
            client.request(
                "POST", f"/orders/{number}", body, {"Content-Type": "application/json", "X-Note": f"n{number}"}
            )
            response = client.getresponse()
            assert response.status == 400
            told = {"path": f"/orders/{number}", "note": f"n{number}", "body": json.loads(body)}
            assert json.loads(response.read()) == told
        client.request("GET", "/kept")
        kept = json.loads(client.getresponse().read())
    assert kept == [["POST", f"/orders/{number}", {"name": str(number)}, f"n{number}"] for number in range(3)]
