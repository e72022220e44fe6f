"""The engine against FastAPI: the same handlers, the same requests, the same status and body, byte by byte.

Where FastAPI can be imported in the recorded version it is asked; otherwise its recorded answers stand in.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from fasterapi import _engine, param_functions, params
from fasterapi._signature import compile_plan
from tests.python.differential_cases import Request, handlers, requests, show

ROOT = Path(__file__).parents[2]
RECORD = json.loads((Path(__file__).parent / "differential_record.json").read_text())


def limits(**options: Any) -> params.Param:
    """Stand in for pydantic.Field inside of Annotated."""
    return params.Param(..., **options)


def answers() -> Iterator[tuple[Request, list[Any]]]:
    """Give each request and the engine's answer to it, in the shape in which FastAPI's are recorded."""
    made = handlers(param_functions, limits)
    plans = {name: _engine.Plan(compile_plan(handler, path)) for name, (path, handler) in made.items()}
    for request in requests():
        path_value = unquote(request.path_value)
        result = plans[request.handler].validate(
            path={"v": path_value, "p": path_value},
            query=request.query.encode(),
            headers=[(name.encode(), value.encode("latin-1")) for name, value in request.headers],
            body=None if request.body is None else request.body.encode(),
        )
        if isinstance(result, bytes):
            yield request, [400 if result.startswith(b'{"detail":"') else 422, result.decode()]
        else:
            positional, named = result
            arguments = made[request.handler][1](*positional, **named)
            shown = {name: show(value) for name, value in sorted(arguments.items())}
            yield request, [200, json.dumps(shown, ensure_ascii=False, separators=(",", ":"))]


def expected_to_differ(request: Request) -> bool:
    """FastAPI fails with a 500 when an error's input holds NaN, which its JSON cannot say. The engine says null."""
    return request.body is not None and "NaN" in request.body


def fastapi_is_as_recorded() -> bool:
    try:
        versions = {name: importlib.metadata.version(name) for name in ("fastapi", "pydantic")}
    except importlib.metadata.PackageNotFoundError:
        return False
    return all(RECORD[name] == version for name, version in versions.items())


def digest(answer: Any) -> str:
    return hashlib.sha256(json.dumps(answer, ensure_ascii=False).encode()).hexdigest()[:6]


def test_answers_are_those_recorded_from_fastapi() -> None:
    recorded = {name: iter(digests.split()) for name, digests in RECORD["answers"].items()}
    wrong = []
    total = 0
    for request, answer in answers():
        total += 1
        if digest(answer) != next(recorded[request.handler]) and not expected_to_differ(request):
            wrong.append((request, answer))
    assert total > 20_000
    assert not wrong, f"{len(wrong)} of {total} answers differ, first {wrong[:3]}"


@pytest.mark.skipif(not fastapi_is_as_recorded(), reason="FastAPI is not installed in the recorded version")
def test_the_record_is_what_fastapi_answers(tmp_path: Path) -> None:
    said = tmp_path / "answers.jsonl"
    command = [sys.executable, "-m", "tests.python.record_differential", str(said)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=110)
    theirs = [json.loads(line) for line in said.read_text().splitlines()]
    ours = list(answers())
    assert len(theirs) == len(ours)
    wrong = [
        (request, mine, his)
        for (request, mine), his in zip(ours, theirs, strict=True)
        if mine != his and not expected_to_differ(request)
    ]
    assert not wrong, f"{len(wrong)} answers differ, first {wrong[:3]}"
    recorded = {name: iter(digests.split()) for name, digests in RECORD["answers"].items()}
    stale = [
        request
        for (request, _), his in zip(ours, theirs, strict=True)
        if digest(his) != next(recorded[request.handler])
    ]
    assert not stale, f"record anew: {stale[:3]}"
