from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.run_tests import Tally, counted, read_junit


def write_report(path: Path, *outcomes: str) -> Path:
    cases = "".join(f"<testcase name='t'>{outcome}</testcase>" for outcome in outcomes)
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return path


def test_counts_every_outcome(tmp_path: Path) -> None:
    report = write_report(tmp_path / "r.xml", "", "", "<failure/>", "<error/>", "<skipped/>")
    assert read_junit(report) == Tally(passed=2, failed=2, skipped=1)


@pytest.mark.parametrize(
    ("tally", "line"),
    [(Tally(3, 0), "3 passed, 0 failed"), (Tally(3, 1) + Tally(1, 1, 2), "4 passed, 2 failed, 2 skipped")],
)
def test_says_the_sum(tally: Tally, line: str) -> None:
    assert str(tally) == line


def test_a_runner_that_fails_without_a_report_is_a_failure(tmp_path: Path) -> None:
    stale = write_report(tmp_path / "r.xml", "")
    assert counted("runner", stale, sys.executable, "-c", "raise SystemExit(5)") == Tally(failed=1)


def test_a_runner_that_ends_well_adds_nothing(tmp_path: Path) -> None:
    assert counted("runner", tmp_path / "r.xml", sys.executable, "-c", "") == Tally()
