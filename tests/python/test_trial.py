"""Trials of apps that load, fail, refuse and crash, each in a real child process."""

from __future__ import annotations

import inspect
import json
import os
import sys
from importlib.machinery import BuiltinImporter, ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from fasterapi._loader import AppTarget
from fasterapi._trial import Refusal, run_trial, supports_own_gil
from fasterapi._trial_child import ImportRecorder
from tests.marks import OWN_GIL

_APP = "from fasterapi import App\napp = App(num_workers=3, debug=True)\n@app.get('/x')\ndef x(): return 1\n"
# A module of the standard library that no sub-interpreter may load.
_REFUSED = "faulthandler"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _target(project: Path, text: str, name: str = "site.py", **others: str) -> AppTarget:
    for other, content in {name: text, **others}.items():
        file = project / other
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return AppTarget.parse(name)


@OWN_GIL
def test_an_app_that_fits(project: Path) -> None:
    trial = run_trial(_target(project, _APP))
    assert trial.own_gil
    assert trial.error == ""
    assert trial.refusals == ()
    assert trial.settings == {"num_workers": 3, "debug": True}
    assert trial.routes == (("GET", "/x", "x"),)


def test_an_app_of_the_main_interpreter_only(project: Path) -> None:
    trial = run_trial(_target(project, _APP), own_gil=False)
    assert not trial.own_gil
    assert trial.error == ""
    assert trial.routes == (("GET", "/x", "x"),)


def test_an_app_that_fails_everywhere(project: Path) -> None:
    trial = run_trial(_target(project, "print('said before')\nimport surely_missing\n"))
    assert not trial.own_gil
    assert trial.output == "said before\n"
    site = project / "site.py"
    assert trial.error.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{site}", line 2, in <module>',
        "    import surely_missing",
        "ModuleNotFoundError: No module named 'surely_missing'",
    ]


def test_an_app_whose_routes_cannot_be_served(project: Path) -> None:
    trial = run_trial(_target(project, _APP + "app.get('/a/{}')(lambda: 1)\n"))
    assert f"in the route GET /a/{{}} (<lambda>), {project / 'site.py'}:" in trial.error


def test_a_route_that_is_never_reached_is_a_warning(project: Path) -> None:
    trial = run_trial(_target(project, _APP + "app.get('/x')(lambda: 1)\n"))
    assert trial.warnings == ("GET /x (<lambda>) is never reached: GET /x (x) was declared before it",)


@OWN_GIL
def test_a_refusing_package_is_named_with_its_chain(project: Path) -> None:
    target = _target(
        project,
        f"import shop\n{_APP}",
        **{"shop/__init__.py": "from . import till\n", "shop/till.py": f"import {_REFUSED}\n"},
    )
    trial = run_trial(target)
    assert not trial.own_gil
    assert trial.error == ""
    assert trial.reason == f"{_REFUSED} does not load in a sub-interpreter"
    (refusal,) = trial.refusals
    assert (refusal.module, refusal.package) == (_REFUSED, _REFUSED)
    assert refusal.chain == ("site", "shop", "shop.till", _REFUSED)
    assert "subinterpreters" in refusal.message
    assert trial.routes == (("GET", "/x", "x"),)


@OWN_GIL
def test_a_refusing_package_that_the_app_does_without(project: Path) -> None:
    trial = run_trial(_target(project, f"try:\n    import {_REFUSED}\nexcept ImportError: pass\n{_APP}"))
    assert trial.own_gil
    assert [refusal.module for refusal in trial.refusals] == [_REFUSED]


@OWN_GIL
def test_other_failures_of_a_sub_interpreter_count_too(project: Path) -> None:
    trial = run_trial(_target(project, f"import os\npid = os.fork()\nif pid == 0: os._exit(0)\nos.wait()\n{_APP}"))
    assert not trial.own_gil
    assert trial.error == ""
    assert "fork" in trial.reason


@OWN_GIL
def test_a_crash_of_the_sub_interpreter_is_survived(project: Path) -> None:
    crash = "import _interpreters, os\nif _interpreters.get_current()[0] != 0: os.abort()\n"
    trial = run_trial(_target(project, crash + _APP))
    assert not trial.own_gil
    assert trial.reason == "importing the app was killed by SIGABRT"
    assert trial.routes == (("GET", "/x", "x"),)


def test_an_app_that_ends_the_process_is_told(project: Path) -> None:
    trial = run_trial(_target(project, "import os\nprint('bye', flush=True)\nos._exit(4)\n"))
    assert trial.error == "bye\nimporting the app exited with status 4\n"


def test_threads_and_input_of_the_app_do_not_hold_the_trial_up(project: Path) -> None:
    text = "import sys, threading\nthreading.Thread(target=threading.Event().wait).start()\nsys.stdin.read()\n"
    assert run_trial(_target(project, text + _APP)).error == ""


def test_a_refusal_is_plain_data() -> None:
    refusal = Refusal("a.b", "a", ("app", "a", "a.b"), "no")
    assert str(refusal) == "a (app → a → a.b)"


def test_the_recorder_reports_what_it_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    for importer in (BuiltinImporter, ExtensionFileLoader):
        for step in ("create_module", "exec_module"):
            monkeypatch.setattr(importer, step, inspect.getattr_static(importer, step))
    seen: list[tuple[str, Any]] = []
    ImportRecorder(lambda kind, value: seen.append((kind, value))).install()
    spec = spec_from_file_location("pkg.broken", os.devnull, loader=ExtensionFileLoader("pkg.broken", os.devnull))
    assert spec is not None
    with pytest.raises(ImportError):
        module_from_spec(spec)
    assert [kind for kind, _ in seen] == ["loading", "failed"]
    assert seen[0][1][-1] == "pkg.broken"
    assert seen[1][1]["package"] == "pkg"
    assert json.dumps(seen)


def test_a_python_without_own_gil_interpreters_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fasterapi._trial.supports_own_gil", lambda: False)
    monkeypatch.setattr("fasterapi._trial.is_free_threaded", lambda: False)
    trial = run_trial(_target(project, _APP))
    assert not trial.own_gil
    assert "has no dependable interpreters with their own GIL" in trial.reason
    assert trial.routes == (("GET", "/x", "x"),)


def test_a_python_without_a_gil_needs_no_interpreters(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fasterapi._trial.is_free_threaded", lambda: True)
    assert not supports_own_gil()
    trial = run_trial(_target(project, _APP))
    assert (trial.own_gil, trial.reason) == (False, "this Python has no GIL, so no interpreters with their own")
    # The trial's own process is of this very build.
    assert trial.parallel_threads == (not getattr(sys, "_is_gil_enabled", lambda: True)())
