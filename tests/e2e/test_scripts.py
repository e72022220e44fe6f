"""Apps as people write them: scripts that run themselves, packages, handlers of every kind of callable."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import Server
from tests.e2e.wire import Wire

HANDLERS = """
import functools
import threading
from fasterapi import App

app = App()

def greet(greeting, name: str):
    return f"{greeting} {name}"

def doubled(handler):
    @functools.wraps(handler)
    def wrapper(*args, **kwargs):
        return [handler(*args, **kwargs)] * 2
    return wrapper

def made(number):
    def handler(x: int = 1):
        return number * x
    return handler

class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0

    def up(self, by: int = 1):
        with self.lock:
            self.count += by
        return self.count

    async def later(self):
        return "later"

    def __call__(self):
        return "called"

    @classmethod
    def of_class(cls):
        return cls.__name__

    @staticmethod
    def static(x: int):
        return x

counter = Counter()
app.get("/partial")(functools.partial(greet, "hello"))
app.get("/keyword-partial")(functools.partial(greet, greeting="hi"))
app.get("/lambda")(lambda x=3: x)
app.get("/closure/7")(made(7))
app.get("/closure/8")(made(8))
app.get("/method")(counter.up)
app.get("/async-method")(counter.later)
app.get("/object")(counter)
app.get("/class-method")(Counter.of_class)
app.get("/static")(Counter.static)

@app.get("/decorated/{x}")
@doubled
def decorated(x: int):
    return x

@app.get("/many")
@app.get("/names")
def many():
    return "one handler"
"""


def test_every_kind_of_callable_is_a_handler(serve: Serve) -> None:
    with serve(HANDLERS, "--workers", "2") as server, Wire(server) as wire:
        for target, expected in {
            "/partial?name=you": "hello you",
            "/keyword-partial?name=me": "hi me",
            "/lambda": 3,
            "/closure/7?x=2": 14,
            "/closure/8": 8,
            "/async-method": "later",
            "/object": "called",
            "/class-method": "Counter",
            "/static?x=5": 5,
            "/decorated/4": [4, 4],
            "/many": "one handler",
            "/names": "one handler",
        }.items():
            assert wire.ask(target).json == expected, target
        assert [wire.ask("/method?by=2").json for _ in range(3)] == [2, 4, 6]


class Script(Server):
    """A Python program that serves by itself."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        super().__init__("-", cwd=cwd, command=[sys.executable, *arguments])


SCRIPT = """
import sys
from fasterapi import App

app = App()
numbers = [1, 2, 3]
print("imported as", __name__, flush=True)

@app.get("/")
def home():
    return {"numbers": numbers, "name": __name__, "arguments": sys.argv[1:]}

"""


@pytest.mark.parametrize("guard", ["", "if __name__ == '__main__':\n    "], ids=["bare", "guarded"])
def test_a_script_that_runs_its_app(tmp_path: Path, strategy: str, guard: str) -> None:
    run = f"app.run(port=0, workers=2, strategy={strategy!r})\nprint('ended', flush=True)\n"
    (tmp_path / "script.py").write_text(SCRIPT + (guard + run.replace("\n", "\n    ", 1) if guard else run))
    with Script("script.py", "an argument", cwd=tmp_path) as server:
        with Wire(server) as wire:
            answer = wire.ask().json
        # Under threads the workers are in the script's own interpreter, and serve what it has.
        name = "__main__" if strategy == "threads" else "__mp_main__"
        assert answer == {"numbers": [1, 2, 3], "name": name, "arguments": ["an argument"]}
        assert server.stop() == 0
        assert server.log.count("imported as __main__") == 1
        assert server.log.count("ended\n") == 1


def test_a_script_without_an_app_to_find_still_serves_closures(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        dedent(
            """
            from fasterapi import App

            def build(word):
                made = App()

                @made.get("/")
                def home():
                    return word

                return made

            app = build("closed over")
            app.run(port=0, workers=1)
            """
        )
    )
    with Script("script.py", cwd=tmp_path) as server, Wire(server) as wire:
        assert wire.ask().json == "closed over"


def test_a_package_with_relative_imports(tmp_path: Path, strategy: str) -> None:
    package = tmp_path / "shop"
    (package / "parts").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "parts" / "__init__.py").write_text("from .names import NAME\n")
    (package / "parts" / "names.py").write_text("NAME = 'shop'\n")
    (package / "web.py").write_text(
        "from fasterapi import App\nfrom .parts import NAME\n\napi = App()\napi.get('/')(lambda: NAME)\n"
    )
    for target in ("shop.web:api", "shop/web.py:api"):
        with Server(target, "--workers", "1", "--strategy", strategy, cwd=tmp_path) as server, Wire(server) as wire:
            assert wire.ask().json == "shop"


def test_the_command_and_the_module_are_the_same_program(tmp_path: Path) -> None:
    versions = [
        subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
        for command in (
            [sys.executable, "-m", "fasterapi", "version"],
            [str(Path(sys.executable).parent / "fasterapi"), "version"],
        )
    ]
    assert versions[0] == versions[1]


def test_what_the_app_prints_and_logs_is_seen(serve: Serve) -> None:
    source = """
    import logging
    import sys
    from fasterapi import App

    app = App()
    logger = logging.getLogger("shop")

    @app.get("/")
    def home():
        print("printed in a handler", flush=True)
        print("told on standard error", file=sys.stderr, flush=True)
        logger.warning("logged in a handler")
        return None
    """
    with serve(source, "--workers", "1") as server:
        with Wire(server) as wire:
            assert wire.ask().json is None
        for text in ("printed in a handler", "told on standard error", "logged in a handler"):
            server.wait_for_log(text)


def test_an_app_that_pydantic_keeps_out_of_interpreters_runs_in_processes(tmp_path: Path) -> None:
    pytest.importorskip("pydantic")
    source = """
    from fasterapi import App
    from pydantic import BaseModel

    class Item(BaseModel):
        name: str
        price: float = 1.5

    app = App()

    @app.post("/")
    def create(item: Item):
        return item
    """
    (tmp_path / "app.py").write_text(dedent(source))
    with Server("app.py", "--workers", "1", cwd=tmp_path) as server, Wire(server) as wire:
        assert re.search(r"strategy +processes: .*pydantic_core", server.log)
        json_type = "Content-Type: application/json"
        assert wire.ask("/", json_type, method="POST", body=b'{"name": "a"}').json == {"name": "a", "price": 1.5}
        refused = wire.ask("/", json_type, method="POST", body=b'{"price": "x"}')
        assert refused.status == 422
        assert [(error["type"], error["loc"]) for error in refused.json["detail"]] == [
            ("missing", ["body", "name"]),
            ("float_parsing", ["body", "price"]),
        ]
    refusing = Server("app.py", "--strategy", "pinned", cwd=tmp_path)
    assert refusing.wait(60) == 1
    assert "pydantic_core" in refusing.log
    assert "app → pydantic" in refusing.log


def test_interrupting_the_start_ends_it(tmp_path: Path, strategy: str) -> None:
    (tmp_path / "app.py").write_text(
        "import pathlib, time\nfrom fasterapi import App\nprint('importing', flush=True)\n"
        "trial = pathlib.Path('trial')\n"
        "if trial.exists():\n    time.sleep(20)\ntrial.touch()\napp = App()\n"
    )
    server = Server("app.py", "--strategy", strategy, "--grace-period-s", "1", cwd=tmp_path)
    server.wait_for_log("importing", 30)
    server.signal(signal.SIGINT)
    server.wait(15)
    assert "Traceback" not in server.log
    assert "Listening" not in server.log
