from __future__ import annotations

import io
import json

from fasterapi._reports import doctor_json, doctor_text, fitting_strategy, routes_json, write_table
from fasterapi._trial import Refusal, Trial

_ROUTES = (("GET,HEAD", "/a/{b}", "read"), ("POST", "/[x]", "make"))
_REFUSAL = Refusal("numpy.core", "numpy", ("app", "numpy", "numpy.core"), "not supported")
_FITS = Trial(own_gil=True, routes=_ROUTES)
_DOES_WITHOUT = Trial(own_gil=True, refusals=(_REFUSAL,))
_REFUSES = Trial(
    own_gil=False, reason="numpy does not load in a sub-interpreter", refusals=(_REFUSAL,), routes=_ROUTES[:1]
)
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


def test_the_strategy_that_fits() -> None:
    assert [fitting_strategy(trial) for trial in (_FITS, _DOES_WITHOUT, _REFUSES, _BROKEN)] == [
        "pinned",
        "pinned",
        "processes",
        "",
    ]


def test_the_diagnosis_for_people() -> None:
    assert doctor_text("app.py", _FITS).startswith("app.py loads; it has 2 routes.\n\nstrategy: pinned.")
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
