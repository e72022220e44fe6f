"""The command line, short of serving."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fasterapi.cli import main
from fasterapi.config import OPTIONS
from tests.marks import OWN_GIL

_APP = "from fasterapi import App\napp = App()\n@app.get('/items/{id}')\nasync def item(id: int): return id\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.py").write_text(_APP)
    (tmp_path / "broken.py").write_text("import surely_missing\n")
    (tmp_path / "refusing.py").write_text(f"import faulthandler\n{_APP}")
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("command", ["run", "dev"])
def test_every_option_is_a_flag_and_explained(command: str) -> None:
    text = _run(command, "--help").output
    for option in OPTIONS:
        assert option.flag in text
    assert "Examples:" in text


def test_flags_reach_the_launch_as_they_were_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def fake_launch(target: Any, options: dict[str, Any], *, flag_label: Any, fallbacks: Any) -> int:
        calls.append((str(target), options, flag_label("pin_to_cores"), fallbacks))
        return 4

    monkeypatch.setattr("fasterapi._launch.launch", fake_launch)
    assert _run("run", "site.py", "--port", "0x1", "--no-debug", "--allowed-hosts", "a,b").exit_code == 4
    assert calls == [("site.py", {"port": "0x1", "debug": False, "allowed_hosts": "a,b"}, "--pin-to-cores", None)]


def test_dev_runs_the_same_options_in_a_child_that_restarts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[list[str], list[str]]] = []

    class FakeReloader:
        def __init__(self, command: list[str], directories: list[str]) -> None:
            made.append((command, directories))

        def run(self) -> int:
            return 0

    monkeypatch.setattr("fasterapi._reload.Reloader", FakeReloader)
    assert _run("dev", "site.py", "--port", "9", "--no-debug").exit_code == 0
    ((command, directories),) = made
    assert command[1:] == ["-m", "fasterapi", "run", "site.py", "--dev-defaults", "--port", "9", "--no-debug"]
    assert directories == [str(project)]


def test_the_child_of_dev_has_other_defaults(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(
        "fasterapi._launch.launch", lambda target, options, *, flag_label, fallbacks: calls.append(fallbacks) or 0
    )
    assert _run("run", "site.py", "--dev-defaults").exit_code == 0
    assert calls == [
        {"debug": (True, "fasterapi dev"), "workers": (1, "fasterapi dev"), "strategy": ("threads", "fasterapi dev")}
    ]


@pytest.mark.parametrize("command", ["run", "dev", "routes", "doctor"])
def test_a_missing_file_is_a_usage_error(project: Path, command: str) -> None:
    result = _run(command, "missing.py")
    assert result.exit_code == 2
    assert "there is no file 'missing.py'" in result.output


def test_routes_as_columns_and_as_json(project: Path) -> None:
    assert _run("routes", "site.py").output.splitlines() == [
        "METHODS  PATH         HANDLER",
        "GET      /items/{id}  item",
    ]
    routes = json.loads(_run("routes", "--json", "site.py").output)
    assert routes == [{"methods": ["GET"], "path": "/items/{id}", "handler": "item"}]


@pytest.mark.parametrize("arguments", [("routes", "broken.py"), ("run", "broken.py", "--port", "0")])
def test_an_app_that_does_not_load_shows_its_traceback(project: Path, arguments: tuple[str, ...]) -> None:
    result = _run(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Traceback (most recent call last):\n")
    assert result.output.endswith("ModuleNotFoundError: No module named 'surely_missing'\n")


@OWN_GIL
def test_doctor_says_what_fits(project: Path) -> None:
    fits, refuses, broken = (_run("doctor", name) for name in ("site.py", "refusing.py", "broken.py"))
    assert (fits.exit_code, refuses.exit_code, broken.exit_code) == (0, 3, 1)
    assert "strategy: auto (pinned workers and a pool)." in fits.output
    assert "strategy: processes. faulthandler does not load in a sub-interpreter." in refuses.output
    assert "  refusing\n    → faulthandler\n" in refuses.output
    assert "surely_missing" in broken.output
    report = json.loads(_run("doctor", "--json", "refusing.py").output)
    assert report["strategy"] == "processes"
    assert report["refusals"][0]["chain"] == ["refusing", "faulthandler"]
    assert report["refusals"][0]["needed"]


def test_version_names_package_engine_and_python() -> None:
    lines = _run("version").output.splitlines()
    assert [line.split()[0] for line in lines] == ["fasterapi", "engine", "python", "system"]
