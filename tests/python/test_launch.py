"""Launching up to the point where the engine takes over."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from fasterapi import _engine, _launch
from fasterapi._launch import choose_strategy, explain_refusal, launch, pool_numbers
from fasterapi._loader import AppTarget, is_loading
from fasterapi._trial import Refusal, Trial
from fasterapi.applications import App
from fasterapi.config import ServerConfig, resolve
from fasterapi.exceptions import FasterAPIError

_FITS = Trial(own_gil=True, settings={"num_workers": 2})
_REFUSES = Trial(
    own_gil=False,
    reason="numpy does not load in a sub-interpreter",
    refusals=(Refusal("numpy.core", "numpy", ("app", "numpy", "numpy.core"), "no"),),
)
_TARGET = AppTarget("module", "shop", "app", "shop", (), ())


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """The configurations that reached the engine, which serves nothing and stops at once."""
    monkeypatch.chdir(tmp_path)
    configs: list[dict[str, Any]] = []

    def serve(self: object, config: dict[str, Any], *, on_ready: Callable[[], None]) -> int:
        configs.append(config)
        on_ready()
        return 0

    monkeypatch.setattr("fasterapi._pinned.Workers.serve", serve)
    monkeypatch.setattr(_engine, "usable_cpus", lambda: 5)
    return configs


def _launch_with(monkeypatch: pytest.MonkeyPatch, trial: Trial, options: Mapping[str, Any]) -> int:
    monkeypatch.setattr("fasterapi._trial.run_trial", lambda target, own_gil, meanwhile: trial)
    return launch(_TARGET, options, flag_label=lambda name: f"--{name}")


def _choice(trial: Trial, **flags: str) -> Any:
    return choose_strategy(resolve(flags, environ={}, app_settings={}), trial)


def test_auto_stays_where_the_app_fits_and_takes_processes_elsewhere() -> None:
    assert _choice(_FITS).strategy == "auto"
    chosen = _choice(_REFUSES)
    assert chosen.strategy == "processes"
    assert chosen.reason == "numpy does not load in a sub-interpreter (app → numpy → numpy.core)"


def test_auto_takes_threads_where_there_is_no_gil() -> None:
    assert _choice(Trial(own_gil=False, reason="…", parallel_threads=True)).strategy == "threads"
    assert (
        _choice(Trial(own_gil=False, reason="…", parallel_threads=True), strategy="processes").strategy == "processes"
    )
    assert _choice(_REFUSES, strategy="threads").reason == "asked for by --strategy"


def test_threads_are_prepared_once_their_number_is_known(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[tuple[int, App | None]] = []
    monkeypatch.setattr(
        "fasterapi._pinned.Workers.prepare_threads", lambda self, count, app: prepared.append((count, app))
    )
    assert _launch_with(monkeypatch, _REFUSES, {"strategy": "threads", "port": "0"}) == 0
    assert prepared == [(5, None)]
    assert served[0]["strategy"] == "threads"


def test_a_long_chain_is_told_by_its_ends() -> None:
    chain = ("app", "shop", "numpy", "numpy.version", "numpy._core", "numpy._core._multiarray_umath")
    refusal = Refusal(chain[-1], "numpy", chain, "…")
    trial = Trial(own_gil=False, reason="numpy does not load", refusals=(refusal,))
    assert explain_refusal(trial) == "numpy does not load (app → shop → numpy → … → numpy._core._multiarray_umath)"


def test_what_the_routes_warn_of_is_logged_once(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    trial = Trial(own_gil=True, warnings=("GET /x is never reached",))
    assert _launch_with(monkeypatch, trial, {"port": "0", "workers": "2"}) == 0
    assert capfd.readouterr().err.count("WARNING GET /x is never reached\n") == 1


def test_a_strategy_that_was_asked_for_is_taken_or_refused() -> None:
    assert _choice(_FITS, strategy="processes").reason == "asked for by --strategy"
    assert _choice(_FITS, strategy="pinned").strategy == "pinned"
    assert _choice(_REFUSES, strategy="pinned") is None
    assert explain_refusal(Trial(own_gil=False, reason="it crashed")) == "it crashed"


def test_the_engine_gets_settled_values(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _launch_with(monkeypatch, _FITS, {"port": "0", "host": "127.0.0.1"}) == 0
    (config,) = served
    assert config["workers"] == 2
    assert config["strategy"] == "auto"
    assert config["port"] != 0
    assert AppTarget.decode(config["app"]) == _TARGET
    error = capfd.readouterr().err
    assert error.endswith(f"Listening on http://127.0.0.1:{config['port']}\n")
    assert "2  from App(num_workers=…)" in error


def test_workers_are_the_usable_cpus_by_default(served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _launch_with(monkeypatch, Trial(own_gil=True), {"port": "0"}) == 0
    assert served[0]["workers"] == 5


def test_quiet_and_json_logs_still_name_the_address(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _launch_with(monkeypatch, _FITS, {"port": "0", "log_level": "error"})
    assert capfd.readouterr().err == f"Listening on http://127.0.0.1:{served[0]['port']}\n"
    _launch_with(monkeypatch, _FITS, {"port": "0", "log_format": "json", "log_level": "error"})
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("{")
    assert f'"message": "Listening on http://127.0.0.1:{served[1]["port"]}"' in line


def test_mistakes_are_told_together(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _launch_with(monkeypatch, Trial(own_gil=True, settings={"num_workers": -1}), {"port": "x"}) == 2
    assert capfd.readouterr().err.splitlines() == [
        "2 mistakes in the configuration:",
        "  App(num_workers=…): must be a whole number from 0 to 1024, not -1",
        "  --port: must be a whole number from 0 to 65535, not 'x'",
    ]
    assert served == []


def test_the_apps_own_error_is_all_that_is_told(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _launch_with(monkeypatch, Trial(own_gil=False, error="Traceback…\n", output="said\n"), {}) == 1
    assert capfd.readouterr().err == "said\nTraceback…\n"


def test_pinned_on_an_app_that_refuses_stops(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _launch_with(monkeypatch, _REFUSES, {"strategy": "pinned"}) == 1
    error = capfd.readouterr().err
    assert "numpy does not load in a sub-interpreter (app → numpy → numpy.core)" in error
    assert "With --strategy auto it runs in processes" in error
    assert served == []


def test_pinned_without_a_gil_names_what_runs_there(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    without_gil = Trial(own_gil=False, reason="this Python has no GIL", parallel_threads=True)
    assert _launch_with(monkeypatch, without_gil, {"strategy": "pinned"}) == 1
    assert "With --strategy auto it runs in threads" in capfd.readouterr().err
    assert served == []


def test_a_taken_port_stops_before_the_banner(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert _launch_with(monkeypatch, _FITS, {"port": port}) == 1
    assert capfd.readouterr().err == f"port {port} on 127.0.0.1 is already in use; choose another with --port\n"
    assert errno.EADDRINUSE
    assert served == []


def test_run_needs_a_script_that_can_be_run_again() -> None:
    code = "from fasterapi import App\nApp().run()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert "needs a file that each worker can run again" in result.stderr


def test_run_while_serving_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from fasterapi import applications

    assert not is_loading()
    app = App()
    monkeypatch.setattr(applications, "_serving", app)
    with pytest.raises(FasterAPIError, match="in a worker"):
        app.run()


def test_run_passes_its_arguments_and_fails_by_exiting(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def fake_launch(target: AppTarget, options: Mapping[str, Any], *, flag_label: Any, app: App) -> int:
        calls.append((options, flag_label("port"), app))
        return 3

    monkeypatch.setattr(_launch, "launch", fake_launch)
    monkeypatch.setattr(AppTarget, "of_main", lambda app: _TARGET)
    app = App()
    with pytest.raises(SystemExit) as caught:
        app.run("0.0.0.0", 80, log_level="debug")
    assert caught.value.code == 3
    assert calls == [({"host": "0.0.0.0", "port": 80, "log_level": "debug"}, "app.run(port=…)", app)]


def _pool(strategy: str, workers: int, **chosen: int) -> tuple[int, int]:
    numbers = pool_numbers(ServerConfig(**chosen), strategy, workers)
    return numbers["num_pooled_workers"], numbers["num_pooled_interpreters"]


def test_how_large_the_pool_is() -> None:
    assert _pool("auto", 1) == (32, 2)
    assert _pool("processes", 1)[0] == 32
    assert _pool("auto", 8) == (32, 4)
    assert _pool("pinned", 8) == (0, 0)
    assert _pool("pinned", 8, num_pooled_workers=3) == (3, 3)
    assert _pool("auto", 2, num_pooled_workers=6, num_pooled_interpreters=5) == (6, 5)
    assert _pool("auto", 2, num_pooled_workers=2, num_pooled_interpreters=5) == (2, 2)
