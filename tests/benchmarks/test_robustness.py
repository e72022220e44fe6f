"""The accounts of clients and handlers agree or say how not, and an interrupted run goes on where it was."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

from benchmarks.robustness.accounts import HUNG, LOST, settle
from benchmarks.robustness.row import Rounds
from benchmarks.robustness.rows import ROWS
from benchmarks.robustness.runner import Results
from benchmarks.robustness.scale import SCALES
from benchmarks.robustness.table import HEAD, missing, table_rows


def noted(path: Path, *numbers: int) -> Path:
    path.write_bytes(array("Q", numbers).tobytes())
    return path


def test_accounts_that_agree(tmp_path: Path) -> None:
    one = noted(tmp_path / "one", 1, 200, 2, 504, 3, LOST, 4, 503)
    two = noted(tmp_path / "two", 1000, 200)
    found = settle([one, two], noted(tmp_path / "handled", 1, 2, 1000))
    assert (found.sent, found.answered, found.closed, found.faults) == (5, 4, 1, 0)


@pytest.mark.parametrize(
    ("ends", "handled", "fault"),
    [
        ((1, HUNG), (1,), "hung"),
        ((1, 200), (), "unhandled"),
        ((1, 503), (1,), "turned_away"),
        ((1, 200), (1, 1), "twice_handled"),
        ((1, 200, 1, 200), (1,), "twice_told"),
        ((1, 200), (1, 2), "unknown"),
    ],
)
def test_accounts_that_disagree(tmp_path: Path, ends: tuple[int, ...], handled: tuple[int, ...], fault: str) -> None:
    found = settle([noted(tmp_path / "ends", *ends)], noted(tmp_path / "handled", *handled))
    assert (getattr(found, fault), found.faults) == (1, 1)


def test_handlers_that_noted_nothing(tmp_path: Path) -> None:
    assert settle([noted(tmp_path / "ends", 1, LOST)], tmp_path / "missing").faults == 0


FIGURES = {
    "others_p50": 0.1,
    "others_p99": 4.0,
    "others_max": 9.0,
    "lost": 0,
    "not_200": 0,
    "before_p99": 1.0,
    "stalled": 1500.0,
}
STALLED = next(row for row in ROWS if row.name == "stalled")


def facts(*rounds: dict[str, float]) -> dict[str, object]:
    return {"scale": "quick", "commit": "abc", "busy": False, "figures": Rounds(rounds).as_json()}


def test_a_case_is_measured_once_for_a_commit_and_size(tmp_path: Path) -> None:
    path = tmp_path / "robustness.json"
    Results(path).keep(STALLED, "auto", facts(FIGURES))
    again = Results(path)
    assert again.has(STALLED, "auto", SCALES["quick"], "abc")
    assert not again.has(STALLED, "auto", SCALES["session"], "abc")
    assert not again.has(STALLED, "auto", SCALES["quick"], "def")
    assert not again.has(STALLED, "processes", SCALES["quick"], "abc")


def test_what_must_never_happen_counts_at_its_worst(tmp_path: Path) -> None:
    results = Results(tmp_path / "robustness.json")
    results.keep(STALLED, "auto", facts(FIGURES, FIGURES, {**FIGURES, "lost": 1, "others_p99": 90.0}))
    (row,) = table_rows(results.document())
    assert len(row) == len(HEAD)
    assert "p99 4.0" in row[1]
    assert "lost 1" in row[1]
    assert row[3] == "**no**"
    results.keep(STALLED, "auto", facts(FIGURES))
    assert [row[3] for row in table_rows(results.document())] == ["yes"]


def test_a_case_that_fails_is_told_until_it_is_measured(tmp_path: Path) -> None:
    results = Results(tmp_path / "robustness.json")
    results.keep(STALLED, "auto", facts(FIGURES))
    results.miss(STALLED, "auto", "ended with SIGHUP")
    document = Results(results.path).document()
    assert table_rows(document) == []
    assert missing(document) == ["one worker, a proven-fast `def` sleeps for 1.5 s, auto: ended with SIGHUP."]
    results.keep(STALLED, "auto", facts(FIGURES))
    assert missing(results.document()) == []


def test_figures_from_before_a_row_showed_more_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "robustness.json"
    Results(path).keep(STALLED, "auto", facts({"others_p99": 4.0}))
    assert not Results(path).has(STALLED, "auto", SCALES["quick"], "abc")
