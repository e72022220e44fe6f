from __future__ import annotations

import io

import pytest

from fasterapi.banner import listening_line, render, wants_colour
from fasterapi.config import resolve


def _banner(flags: dict[str, object], *, colour: bool = False) -> str:
    resolved = resolve(flags, environ={"FASTERAPI_LOG_LEVEL": "debug"}, app_settings={})
    return render(
        resolved, app="app.py:app", workers=2, strategy="pinned", reason="it fits", notes=["mind this"], colour=colour
    )


def test_it_tells_what_runs_why_and_where_values_came_from() -> None:
    lines = [line.split() for line in _banner({"port": "9000", "pin_to_cores": True}).splitlines()]
    assert lines[0][0] == "FasterAPI"
    assert ["app", "app.py:app"] in lines
    assert ["strategy", "pinned:", "it", "fits"] in lines
    assert "2  from --workers\n" in _banner({"workers": 2})
    assert "each on a core of its own  from --pin-to-cores" in _banner({"pin_to_cores": True})
    assert ["port", "9000", "from", "--port"] in lines
    assert ["log_level", "debug", "from", "FASTERAPI_LOG_LEVEL"] in lines
    assert ["note", "mind", "this"] in lines
    assert [line[0] for line in lines[1:]] == ["app", "workers", "strategy", "python", "log_level", "port", "note"]


def test_colours_change_nothing_but_the_looks() -> None:
    coloured = _banner({}, colour=True)
    for code in ("\x1b[1m", "\x1b[2m", "\x1b[0m"):
        assert code in coloured
        coloured = coloured.replace(code, "")
    assert coloured == _banner({})


def test_the_line_for_programs() -> None:
    assert listening_line("http://127.0.0.1:8000", colour=False) == "Listening on http://127.0.0.1:8000\n"


def test_only_terminals_get_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
