from __future__ import annotations

import io
import json

import pytest

from fasterapi._launch import choose_strategy
from fasterapi._reports import doctor_json, doctor_text, routes_json, write_table
from fasterapi._trial import Refusal, Trial
from fasterapi.config import resolve

_ROUTES = (("GET,HEAD", "/a/{b}", "read"), ("POST", "/[x]", "make"))
_REFUSAL = Refusal("numpy.core", "numpy", ("app", "numpy", "numpy.core"), "not supported")
_FITS = Trial(own_gil=True, routes=_ROUTES)
_DOES_WITHOUT = Trial(own_gil=True, refusals=(_REFUSAL,))
_REFUSES = Trial(
    own_gil=False, reason="numpy does not load in a sub-interpreter", refusals=(_REFUSAL,), routes=_ROUTES[:1]
)
_WITHOUT_GIL = Trial(own_gil=False, reason="this Python has no GIL", parallel_threads=True)
_BROKEN = Trial(own_gil=False, error="Traceback…\n", output="said\n")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_table_is_plain_in_a_file_and_drawn_on_a_terminal() -> None:
    plain, drawn = io.StringIO(), _Terminal()
    for stream in (plain, drawn):
        write_table(stream, ("METHODS", "PATH", "HANDLER"), _ROUTES)
    assert plain.getvalue() == "METHODS   PATH    HANDLER\nGET,HEAD  /a/{b}  read\nPOST      /[x]    make\n"
    assert "/[x]" in drawn.getvalue()


def test_routes_for_programs() -> None:
    assert json.loads(routes_json(_FITS))[0] == {"methods": ["GET", "HEAD"], "path": "/a/{b}", "handler": "read"}


@pytest.mark.parametrize(
    ("trial", "strategy"),
    [(_FITS, "auto"), (_DOES_WITHOUT, "auto"), (_REFUSES, "processes"), (_WITHOUT_GIL, "threads")],
)
def test_the_strategy_that_fits_is_the_one_that_runs(trial: Trial, strategy: str) -> None:
    chosen = choose_strategy(resolve({}, environ={}, app_settings={}), trial)
    assert chosen is not None
    assert (trial.fitting_strategy, chosen.strategy) == (strategy, strategy)


def test_nothing_fits_an_app_that_does_not_load() -> None:
    assert _BROKEN.fitting_strategy == ""


def test_the_diagnosis_for_people() -> None:
    assert doctor_text("app.py", _FITS).startswith(
        "app.py loads; it has 2 routes.\n\nstrategy: auto (pinned workers and a pool)."
    )
    refuses = doctor_text("app.py", _REFUSES)
    assert "it has 1 route.\n\nstrategy: processes. numpy does not load in a sub-interpreter." in refuses
    assert "numpy refuses:\n  app\n    → numpy\n      → numpy.core\n  not supported\n" in refuses
    assert "numpy refuses (the app does without it):" in doctor_text("app.py", _DOES_WITHOUT)
    assert doctor_text("app.py", _BROKEN) == "app.py does not load:\n\nsaid\nTraceback…\n"


def test_the_diagnosis_for_programs() -> None:
    report = json.loads(doctor_json("app.py", _REFUSES))
    assert (report["loads"], report["strategy"], report["routes"]) == (True, "processes", 1)
    assert report["refusals"] == [
        {
            "package": "numpy",
            "module": "numpy.core",
            "chain": ["app", "numpy", "numpy.core"],
            "message": "not supported",
            "needed": True,
        }
    ]
    broken = json.loads(doctor_json("app.py", _BROKEN))
    assert (broken["loads"], broken["strategy"], broken["error"]) == (False, None, "Traceback…\n")
