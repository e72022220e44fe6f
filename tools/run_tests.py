"""Builds and runs every test: the C++ ones with ctest, the rest with pytest. Ends with `N passed, N failed`.

Arguments are handed to pytest, and leave the C++ tests out when there are any: `make test TESTS=tests/python`.
"""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Tally", "main", "read_junit"]

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "reports"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tests ended in which way."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def read_junit(report: Path) -> Tally:
    """Counts the test cases of a JUnit XML file; an error outside any test counts as a failure."""
    passed = failed = skipped = 0
    for case in ET.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return Tally(passed, failed, skipped)


def run(title: str, *command: str) -> int:
    """Runs a command in the project's root and returns its exit status."""
    print(f"\n== {title}", flush=True)
    started = time.monotonic()
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"== {title}: {'done' if status == 0 else f'exit status {status}'} in {time.monotonic() - started:.0f} s")
    return status


def counted(title: str, report: Path, *command: str) -> Tally:
    """Runs a test command that writes `report`. A command that fails without a failed test is itself a failure."""
    report.unlink(missing_ok=True)
    status = run(title, *command)
    tally = read_junit(report) if report.exists() else Tally()
    return tally + Tally(failed=1) if status != 0 and tally.failed == 0 else tally


def cpp_tests() -> Tally:
    """Builds the unit tests with assertions on, and runs them."""
    build = ROOT / "build" / "debug"
    if run("configure the C++ tests", "cmake", "--preset", "debug") != 0:
        return Tally(failed=1)
    if run("build the C++ tests", "cmake", "--build", str(build), "--target", "unit_tests") != 0:
        return Tally(failed=1)
    report = REPORTS / "ctest.xml"
    options = ["--output-on-failure", "--progress", "--no-tests=error", "--timeout", "120", "--parallel", "2"]
    return counted("C++ tests", report, "ctest", "--test-dir", str(build), *options, "--output-junit", str(report))


def python_tests(arguments: list[str]) -> Tally:
    """Runs pytest: on everything, or on what the arguments say."""
    report = REPORTS / "pytest.xml"
    return counted("Python tests", report, sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments)


def main(arguments: list[str]) -> int:
    """Runs all tests and returns the exit status: 0 only when at least one passed and none failed."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    tally = Tally() if arguments else cpp_tests()
    tally += python_tests(arguments)
    print(f"\n{tally}", flush=True)
    return 0 if tally.passed and not tally.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
