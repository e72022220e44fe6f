"""Calls that handlers send to other interpreters."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import Server
from tests.e2e.wire import Wire

APP = """
import os
from fasterapi import App, run_in_worker

app = App()

def here():
    import _interpreters
    return [os.getpid(), _interpreters.get_current()[0]]

def total(view):
    return sum(view)

def fail():
    raise ValueError("far away")

@app.get("/where")
async def where():
    return {"handler": here(), "call": await run_in_worker(here)}

@app.get("/total")
async def add():
    return await run_in_worker(total, memoryview(bytes(range(10))))

@app.get("/error")
async def error():
    try:
        await run_in_worker(fail)
    except ValueError as caught:
        return str(caught)
"""


def check(server: Server) -> None:
    with Wire(server) as wire:
        where = wire.ask("/where").json
        assert where["handler"][0] == where["call"][0]
        assert where["handler"][1] != where["call"][1]
        assert [wire.ask("/total").json for _ in range(5)] == [45] * 5
        assert wire.ask("/error").json == "far away"
    assert server.stop() == 0


def test_a_handler_calls_another_interpreter(serve: Serve) -> None:
    with serve(APP, "--workers", "2") as server:
        check(server)


@pytest.mark.parametrize("guard", ["", "if __name__ == '__main__':\n    "], ids=["bare", "guarded"])
def test_in_a_script(tmp_path: Path, strategy: str, guard: str) -> None:
    run = f"app.run(port=0, workers=2, strategy={strategy!r})\n"
    (tmp_path / "script.py").write_text(f"{dedent(APP)}\n{guard}{run}")
    with Server("-", cwd=tmp_path, command=[sys.executable, "script.py"]) as server:
        check(server)
