"""`fasterapi run` and `fasterapi dev` as people use them: what they print, serve and return."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import EACH_INTERPRETER, STOP_S, Server
from tests.marks import OWN_GIL

_APP = """
from fasterapi import App
app = App()
@app.get("/")
async def home(): return {"worker": app.worker.index, "strategy": app.worker.strategy, "of": app.worker.count}
"""


def _write(directory: Path, name: str, text: str) -> Path:
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(text))
    return file


def _run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "fasterapi", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_banner_tells_what_runs(serve: Serve, strategy: str) -> None:
    with serve(_APP, "--workers", "2", env={"FASTERAPI_GRACE_PERIOD_S": "3"}) as server:
        log = server.log
        seen = {httpx.get(server.url + "/").json()["worker"] for _ in range(40)}
        answer = httpx.get(server.url + "/").json()
    assert re.search(rf"strategy +{strategy}: asked for by --strategy", log)
    assert re.search(r"workers +2  from --workers", log)
    assert re.search(r"grace_period_s +3.0  from FASTERAPI_GRACE_PERIOD_S", log)
    assert log.endswith(f"Listening on {server.url}\n")
    assert (answer["strategy"], answer["of"]) == (strategy, 2)
    assert seen == {0, 1}


@OWN_GIL
def test_auto_falls_back_to_processes(tmp_path: Path) -> None:
    with Server(_write(tmp_path, "fits.py", _APP), "--workers", "1") as server:
        assert httpx.get(server.url + "/").json()["strategy"] == "auto"
    with Server(_write(tmp_path, "refuses.py", "import faulthandler\n" + _APP), "--workers", "1") as server:
        assert httpx.get(server.url + "/").json()["strategy"] == "processes"
        assert "faulthandler does not load in a sub-interpreter (refuses → faulthandler)" in server.log
    refused = _run("run", "refuses.py", "--strategy", "pinned", cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr == (
        "strategy pinned does not fit this app: faulthandler does not load in a sub-interpreter "
        "(refuses → faulthandler)\n"
        "With --strategy auto it runs in processes; `fasterapi doctor` shows the whole chain.\n"
    )


def test_a_taken_port_says_so(tmp_path: Path, strategy: str) -> None:
    _write(tmp_path, "app.py", _APP)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = _run("run", "app.py", "--strategy", strategy, "--port", str(port), cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == f"port {port} on 127.0.0.1 is already in use; choose another with --port\n"


def test_a_second_server_on_the_same_port_says_so(serve: Serve, strategy: str, tmp_path: Path) -> None:
    with serve(_APP, "--workers", "1") as server:
        result = _run("run", "app.py", "--strategy", strategy, "--port", str(server.port), cwd=tmp_path)
    assert result.returncode == 1
    assert "already in use" in result.stderr


def test_an_app_that_does_not_import_shows_only_its_traceback(tmp_path: Path, strategy: str) -> None:
    file = _write(tmp_path, "app.py", "def setting():\n    return {}['colour']\nsetting()\n")
    result = _run("run", "app.py", "--strategy", strategy, "--port", "0", cwd=tmp_path)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "KeyError: 'colour'"
    files = {line.split('"')[1] for line in lines if line.startswith('  File "')}
    assert files == {str(file)}


def test_a_lifespan_that_fails_is_told_once(serve: Serve) -> None:
    server = serve(
        """
        from fasterapi import App
        async def lifespan(app):
            raise OSError("no database")
            yield
        app = App(lifespan=lifespan)
        """,
        "--workers",
        "3",
    )
    assert server.wait() == 1
    assert server.log.count("OSError: no database") == 1
    assert "Listening" not in server.log


@EACH_INTERPRETER
def test_routes_that_differ_between_workers_are_refused(serve: Serve) -> None:
    server = serve(
        """
        import os, uuid
        from fasterapi import App
        app = App()
        app.get("/" + uuid.uuid4().hex)(lambda: 1)
        """,
        "--workers",
        "2",
    )
    assert server.wait() == 1
    assert "worker 1 declares other routes than worker 0: route 1 is GET /" in server.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_order_on_either_signal(serve: Serve, number: signal.Signals) -> None:
    with serve(_APP, "--workers", "2") as server:
        httpx.get(server.url + "/")
        server.signal(number)
        assert server.wait() == 0
    assert "Traceback" not in server.log


def test_the_lifespan_runs_in_each_interpreter_and_ends(serve: Serve, strategy: str) -> None:
    source = """
        import os
        from contextlib import asynccontextmanager
        from fasterapi import App, Request
        @asynccontextmanager
        async def lifespan(app):
            os.write(1, b"starting %d\\n" % app.worker.index)
            yield {"opened": app.worker.index}
            os.write(1, b"stopping %d\\n" % app.worker.index)
        app = App(lifespan=lifespan)
        @app.get("/")
        async def home(request: Request): return [app.worker.index, request.state.opened]
        """
    with serve(source, "--workers", "2") as server:
        worker, opened = httpx.get(server.url + "/").json()
        assert strategy == "threads" or worker == opened
    for word in ("starting", "stopping"):
        assert sorted(re.findall(rf"{word} (\d)", server.log)) == (["0"] if strategy == "threads" else ["0", "1"])


def test_a_failure_shares_its_id_with_the_log(serve: Serve) -> None:
    source = """
        from fasterapi import App
        app = App()
        @app.get("/div/{n}")
        def div(n: int): return 1 / n
        """
    with serve(source, "--workers", "1") as server:
        answer = httpx.get(server.url + "/div/0")
        assert answer.status_code == 500
        assert answer.json()["detail"] == "Internal Server Error"
        server.wait_for_log(
            rf"ERROR (\[worker 0\] )?GET /div/{{n}} \(div\) failed request_id={answer.json()['request_id']}\n"
        )
        server.wait_for_log("ZeroDivisionError: division by zero\n")
    assert "fasterapi/" not in server.log.partition("Traceback")[2]


def test_debug_answers_with_a_page(serve: Serve) -> None:
    source = """
        from fasterapi import App
        app = App(debug=True)
        @app.get("/fail/{word}")
        async def fail(word: str): raise LookupError(word)
        """
    with serve(source, "--workers", "1") as server:
        page = httpx.get(server.url + "/fail/<b>", headers={"accept": "text/html"})
        text = httpx.get(server.url + "/fail/<b>")
    assert page.status_code == text.status_code == 500
    assert "raise LookupError(word)" in page.text
    assert "&lt;b&gt;" in page.text
    assert "<b>" not in page.text
    assert "LookupError: <b>" in text.text
    assert text.headers["content-type"] == "text/plain; charset=utf-8"


def test_logs_as_json(serve: Serve) -> None:
    source = """
        from fasterapi import App
        app = App()
        @app.get("/")
        def fail(): raise LookupError("x")
        """
    with serve(source, "--workers", "1", "--log-format", "json", "--access-log") as server:
        request_id = httpx.get(server.url + "/").json()["request_id"]
        server.wait_for_log('"status":500')
    entries = [json.loads(line) for line in server.log.splitlines()]
    times = [datetime.fromisoformat(entry["time"]) for entry in entries]
    assert all(time.utcoffset() == timedelta() for time in times)
    assert {entry["level"] for entry in entries} == {"info", "error"}
    assert entries[0]["message"] == f"Listening on {server.url}"
    (failure,) = (entry for entry in entries if entry.get("request_id") == request_id and "exception" in entry)
    # Threads of a pool in the workers' interpreter belong to none of them.
    assert failure.get("worker", 0) == 0
    assert failure["exception"].endswith("LookupError: x")


def test_access_log_as_text(serve: Serve) -> None:
    with serve(_APP, "--workers", "1", "--access-log") as server:
        httpx.get(server.url + "/?q=1")
        server.wait_for_log(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO 127\.0\.0\.1:\d+ "GET /\?q=1 HTTP/1\.1" 200 ')


def test_configuration_mistakes_come_all_at_once(tmp_path: Path) -> None:
    _write(tmp_path, "app.py", "from fasterapi import App\napp = App(num_workers='many')\n")
    _write(tmp_path, "pyproject.toml", "[tool.fasterapi]\nbackllog = 7\n")
    environment = {**os.environ, "FASTERAPI_PRT": "1"}
    result = subprocess.run(
        [sys.executable, "-m", "fasterapi", "run", "app.py", "--port", "99999"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "4 mistakes in the configuration:",
        f"  {tmp_path}/pyproject.toml:2: no such option 'backllog'; did you mean backlog?",
        "  FASTERAPI_PRT: no such variable; did you mean FASTERAPI_PORT?",
        "  App(num_workers=…): must be a whole number from 0 to 1024, not 'many'",
        "  --port: must be a whole number from 0 to 65535, not '99999'",
    ]


def test_dev_serves_the_new_code_after_a_change(tmp_path: Path) -> None:
    source = "from fasterapi import App\napp = App()\n@app.get('/')\ndef home(): return {}\n"
    file = _write(tmp_path, "app.py", source.format("'old'"))
    command = [sys.executable, "-m", "fasterapi", "dev", "app.py", "--port", "0"]
    with Server(file, cwd=tmp_path, command=command) as server:
        assert httpx.get(server.url + "/").json() == "old"
        assert re.search("debug +yes  from fasterapi dev", server.log)
        file.write_text(source.format("'newer'"))
        server.wait_for_log("app.py changed: starting again")
        match = server.wait_for_log(r"(?s)starting again.*Listening on (\S+)", STOP_S)
        assert httpx.get(match[1]).json() == "newer"
        file.write_text("import surely_missing\n")
        server.wait_for_log("ModuleNotFoundError: No module named 'surely_missing'", STOP_S)
        file.write_text(source.format("'repaired'"))
        match = server.wait_for_log(r"(?s)surely_missing'\n.*starting again.*Listening on (\S+)", STOP_S)
        assert httpx.get(match[1]).json() == "repaired"


@pytest.mark.parametrize(("setting", "status"), [("", 307), ("redirect_slashes=False", 404)])
def test_an_app_chooses_whether_slashes_are_redirected(serve: Serve, setting: str, status: int) -> None:
    source = f"from fasterapi import App\napp = App({setting})\napp.get('/a')(lambda: 1)\n"
    with serve(source, "--workers", "1") as server:
        answer = httpx.get(server.url + "/a/?q=1")
    assert answer.status_code == status
    if status == 307:
        assert answer.headers["location"] == f"{server.url}/a?q=1"


def test_redirections_know_the_root_path(serve: Serve) -> None:
    source = "from fasterapi import App\napp = App(root_path='/api/')\napp.get('/a/')(lambda: 1)\n"
    with serve(source, "--workers", "1") as server:
        assert httpx.get(server.url + "/a").headers["location"] == f"{server.url}/api/a/"
