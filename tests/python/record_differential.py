"""Records what FastAPI makes of the differential requests.

Run from the repository's root by a Python that has FastAPI:

    python -m tests.python.record_differential ANSWERS.jsonl    # one line for each request: status and body
    python -m tests.python.record_differential --digests tests/python/differential_record.json
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.python.differential_cases import Request, handlers, requests, show

__all__ = ["answers", "main"]


def _application(path: str, handler: Any) -> Any:
    import fastapi
    from fastapi.responses import JSONResponse

    signature_of = handler

    def endpoint(**arguments: Any) -> JSONResponse:
        return JSONResponse({name: show(value) for name, value in sorted(arguments.items())})

    endpoint.__wrapped__ = signature_of  # type: ignore[attr-defined]
    app = fastapi.FastAPI()
    app.add_api_route(path, endpoint, methods=["POST"], response_model=None)
    return app


async def _ask(app: Any, path: str, request: Request) -> list[Any]:
    raw_path = path.replace("{v}", request.path_value).replace("{p}", request.path_value)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": request.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    sent: list[dict[str, Any]] = []
    body = (request.body or "").encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except Exception as error:
        return [500, type(error).__name__]
    text = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return [sent[0]["status"], text.decode()]


async def answers() -> list[list[Any]]:
    """Ask FastAPI everything."""
    import fastapi
    import pydantic

    made = handlers(fastapi, pydantic.Field)
    apps = {name: _application(path, handler) for name, (path, handler) in made.items()}
    return [await _ask(apps[request.handler], made[request.handler][0], request) for request in requests()]


def _digests(given: list[list[Any]]) -> dict[str, Any]:
    """Shorten the answers to what shows that another one is the same."""
    by_handler: dict[str, list[str]] = {}
    for request, answer in zip(requests(), given, strict=True):
        text = json.dumps(answer, ensure_ascii=False)
        by_handler.setdefault(request.handler, []).append(hashlib.sha256(text.encode()).hexdigest()[:6])
    versions = {name: importlib.metadata.version(name) for name in ("fastapi", "pydantic")}
    return {**versions, "answers": {name: " ".join(digests) for name, digests in by_handler.items()}}


def main() -> None:
    given = asyncio.run(answers())
    if sys.argv[1] == "--digests":
        Path(sys.argv[2]).write_text(json.dumps(_digests(given), indent=0, separators=(",", ":")) + "\n")
        return
    lines = [json.dumps(answer, ensure_ascii=False) for answer in given]
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
