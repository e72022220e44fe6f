from __future__ import annotations

import io
import os
from typing import Any

import pytest

from fasterapi._stats_view import StatsView, line, render
from fasterapi.stats import Stats
from tests.python.test_stats import a_place, a_route, read_from

BEFORE = read_from(a_place(0, a_route("GET /a (a)", 100, counts={1000: 100}, slowest_ns=1000)), now_ns=1_000_000_000)


def now() -> Stats:
    return read_from(
        a_place(
            0,
            a_route("GET /a (a)", 300, counts={1000: 100, 100_000: 198, 4_000_000: 2}, slowest_ns=4_000_000, errors=2),
            requests=3000,
            requests_refused=2,
            run_inline=150,
            run_pooled=50,
            handed_out=7,
            hand_overs=3,
            interruptions=1,
            connections_accepted=9,
            connections_closed=1,
        ),
        a_place(1, requests=500, live=0),
        now_ns=3_000_000_000,
    )


def test_it_shows_what_happened_since_the_last_reading() -> None:
    after = now()
    shown = render(after, after.since(BEFORE), width=200, height=40)
    assert shown[0].startswith("1,750 req/s   p50 100 µs   p99 100 µs   inline 75%   pool 25%   1 worker   up 0:00:03")
    assert "8 open   7 busy   3 handed over   1 interrupted" in shown[1]
    first, second = shown[4:6]
    assert first.split()[:4] == ["0", str(os.getpid()), "1,500", "100"]
    assert second.split()[:3] == ["1", "ended", "250"]
    assert shown[-2].endswith("late  route")
    assert shown[-1].endswith(" GET /a (a)")
    assert shown[-1].split()[0] == "100"


@pytest.mark.parametrize(("width", "height"), [(40, 3), (80, 24), (1, 1)])
def test_it_fits_the_terminal(width: int, height: int) -> None:
    after = now()
    shown = render(after, after.since(BEFORE), width=width, height=height)
    assert len(shown) <= height
    assert all(len(text) <= width for text in shown)


def test_no_figure_of_the_whole_is_cut_off() -> None:
    after = now()
    wide = render(after, after.since(BEFORE), width=200, height=40)
    narrow = render(after, after.since(BEFORE), width=40, height=40)
    shown = "   ".join(narrow[: narrow.index("")])
    assert shown == "   ".join(wide[: wide.index("")])
    assert shown.endswith("0 late   2 refused   answers 2xx 298  5xx 2")


def test_colours_do_not_count_as_width() -> None:
    after = now()
    plain = render(after, after.since(BEFORE), width=60, height=10)
    coloured = render(after, after.since(BEFORE), width=60, height=10, colour=True)
    assert [text.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "") for text in coloured] == plain


def test_a_log_gets_one_line() -> None:
    after = now()
    assert line(after, after.since(BEFORE)).startswith(
        "stats: 1,750 req/s, p50 100 µs, p99 100 µs, pool 25%, gil p99 -"
    )


def test_a_frame_replaces_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    sizes = iter([os.terminal_size((80, 24)), os.terminal_size((80, 24)), os.terminal_size((50, 10))])
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: next(sizes))
    view: Any = StatsView(Terminal())
    after = now()
    first, second, third = (view._frame(after, after.since(BEFORE)) for _ in range(3))
    assert "\n" * 24 in first
    assert second.startswith("\x1b[?2026h\x1b[H")
    assert "\x1b[2J" not in second  # nothing is blanked while the size stays
    assert "\x1b[2J" in third
    assert third.count("\n") == 9
