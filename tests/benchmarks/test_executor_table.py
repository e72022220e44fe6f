"""The table of the executors says what was measured, what was asked for, and what is missing."""

from __future__ import annotations

from typing import Any

from benchmarks.executor.contestants import FIGURES
from benchmarks.executor.rows import OURS, ROWS
from benchmarks.executor.runner import Step, interleave, summary_of
from benchmarks.executor.table import HEAD, missing, table_rows


def result_of(figures: dict[tuple[str, str], float], gaps: list[dict[str, str]] | None = None) -> dict[str, Any]:
    runs = [{"what": what, "by": by, "raw": raw} for (what, by), raw in figures.items()]
    return {"summary": summary_of(runs), "not_measured": gaps or []}


def cells(figures: dict[tuple[str, str], float]) -> list[str]:
    (row,) = table_rows(result_of(figures))
    assert len(row) == len(HEAD)
    return row


def test_a_bound_that_is_met_and_one_that_is_not() -> None:
    assert cells({("mpmc-2x2", OURS): 80.0})[1:4] == ["80.0 ns", "< 100 ns", "yes"]
    assert cells({("mpmc-2x2", OURS): 180.0})[1:4] == ["180 ns", "< 100 ns", "**no**"]


def test_a_bound_beside_a_peer_needs_the_peer() -> None:
    assert cells({("python-no-op", OURS): 8e3})[3] == "not measured"
    assert cells({("python-no-op", OURS): 8e3, ("python-no-op", "ThreadPoolExecutor"): 16e3})[3] == "yes"
    slow = cells({("python-no-op", OURS): 9e3, ("python-no-op", "ThreadPoolExecutor"): 16e3})
    assert slow[3:] == ["**no**", "ThreadPoolExecutor 16.0 µs"]


def test_a_figure_of_ours_that_is_missing_is_not_hidden() -> None:
    assert cells({("attach", "PyGILState"): 240.0})[1:] == [
        "not measured",
        "< 0.2 µs",
        "not measured",
        "PyGILState 0.24 µs",
    ]


def test_reasons_are_told_once() -> None:
    gaps = [{"what": what, "by": "loky", "reason": "not installed"} for what in ("python-no-op", "python-burst")]
    (sentence,) = missing(result_of({}, gaps))
    assert sentence.startswith("loky: not installed (Python: no-op")


def test_medians_are_of_the_rounds() -> None:
    runs = [{"what": "attach", "by": OURS, "raw": raw} for raw in (3.0, 1.0, 2.0)]
    assert summary_of(runs) == [
        {"what": "attach", "by": OURS, "rounds": 3, "raw": {"median": 2.0, "least": 1.0, "greatest": 3.0}}
    ]


def test_every_round_begins_somewhere_else() -> None:
    steps = [Step("a", "x"), Step("b", "x"), Step("c", "x")]
    order = list(interleave(steps, 3))
    assert [step for _, step in order[::3]] == steps
    for number in (1, 2, 3):
        assert {step for round_number, step in order if round_number == number} == set(steps)


def test_every_python_figure_has_a_row() -> None:
    assert set(FIGURES) <= {row.what for row in ROWS}
