"""Calls that handlers send to other interpreters."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import Server
from tests.e2e.wire import Wire
from tests.marks import OWN_GIL

pytestmark = OWN_GIL

APP = """
import os, threading
from fasterapi import App, run_in_worker

app = App()

def here():
    import _interpreters
    return [os.getpid(), _interpreters.get_current()[0], threading.get_native_id()]

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


def check(server: Server, strategy: str) -> None:
    with Wire(server) as wire:
        where = wire.ask("/where").json
        assert where["handler"][0] == where["call"][0]
        assert where["handler"][2] != where["call"][2]
        # The main interpreter may have packages that refuse others: its calls stay there.
        assert (where["handler"][1] == where["call"][1]) == (strategy != "pinned")
        assert [wire.ask("/total").json for _ in range(5)] == [45] * 5
        assert wire.ask("/error").json == "far away"
    assert server.stop() == 0


def test_a_handler_calls_another_interpreter(serve: Serve, strategy: str) -> None:
    with serve(APP, "--workers", "2") as server:
        check(server, strategy)


def test_packages_that_refuse_interpreters_work_in_calls_of_processes(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("""
from fasterapi import App, run_in_worker
from pydantic import BaseModel

class Item(BaseModel):
    price: int

app = App()

def dump(price):
    return Item(price=price).model_dump()

@app.get("/")
async def root():
    return await run_in_worker(dump, "7")
""")
    with Server("app.py", "--strategy", "auto", cwd=tmp_path) as server, Wire(server) as wire:
        assert wire.ask("/").json == {"price": 7}


@pytest.mark.parametrize("guard", ["", "if __name__ == '__main__':\n    "], ids=["bare", "guarded"])
def test_in_a_script(tmp_path: Path, strategy: str, guard: str) -> None:
    run = f"app.run(port=0, workers=2, strategy={strategy!r})\n"
    (tmp_path / "script.py").write_text(f"{dedent(APP)}\n{guard}{run}")
    with Server("-", cwd=tmp_path, command=[sys.executable, "script.py"]) as server:
        check(server, strategy)
