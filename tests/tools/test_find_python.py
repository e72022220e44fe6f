from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tidy.source_tree import ROOT

MakePython = Callable[[str, str], Path]


@pytest.fixture
def make_python(tmp_path: Path) -> MakePython:
    """Makes a stand-in for an interpreter: a script that describes itself as find-python's probe would."""

    def make(place: str, description: str) -> Path:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {description} {path}\n")
        path.chmod(0o755)
        return path

    return make


def find_python(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{home / 'bin'}:/usr/bin:/bin",
        "HOME": str(home),
        "PYENV_ROOT": str(home / "pyenv"),
        **variables,
    }
    command = [str(ROOT / "tools" / "find-python")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_takes_the_newest_of_path_and_pyenv(tmp_path: Path, make_python: MakePython) -> None:
    make_python("bin/python3.97", "97 9 plain")
    newest = make_python("pyenv/versions/3.98.2/bin/python3", "98 2 plain")
    make_python("pyenv/versions/3.98.1/bin/python3", "98 1 plain")
    found = find_python(tmp_path)
    assert found.stdout.strip() == str(newest), found.stderr


@pytest.mark.parametrize("flavour", ["free-threaded", "debug", "not-cpython", "pre-release", "without-headers"])
def test_passes_over_unusual_builds(tmp_path: Path, make_python: MakePython, flavour: str) -> None:
    usual = make_python("bin/python3.97", "97 0 plain")
    make_python("bin/python3.98", f"98 0 {flavour}")
    assert find_python(tmp_path).stdout.strip() == str(usual)


def test_passes_over_an_interpreter_that_does_not_run(tmp_path: Path, make_python: MakePython) -> None:
    usual = make_python("bin/python3.97", "97 0 plain")
    make_python("bin/python3.98", "98 0 plain").write_text("#!/bin/sh\nexit 127\n")
    assert find_python(tmp_path).stdout.strip() == str(usual)


@pytest.mark.parametrize("flavour", ["free-threaded", "debug", "plain"])
def test_takes_the_interpreter_it_is_told_to(tmp_path: Path, make_python: MakePython, flavour: str) -> None:
    make_python("bin/python3.98", "98 0 plain")
    named = make_python("elsewhere/python", f"13 1 {flavour}")
    assert find_python(tmp_path, PYTHON=str(named)).stdout.strip() == str(named)


def test_says_what_python_3_12_cannot_do(tmp_path: Path, make_python: MakePython) -> None:
    named = make_python("elsewhere/python", "12 7 plain")
    found = find_python(tmp_path, PYTHON=str(named))
    assert found.stdout.strip() == str(named)
    assert "processes" in found.stderr


@pytest.mark.parametrize(
    ("description", "reason"),
    [("11 4 plain", "3.11"), ("13 0 without-headers", "without-headers"), ("10 14 not-cpython", "not-cpython")],
)
def test_refuses_an_interpreter_that_cannot_work(
    tmp_path: Path, make_python: MakePython, description: str, reason: str
) -> None:
    named = make_python("elsewhere/python", description)
    refused = find_python(tmp_path, PYTHON=str(named))
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert reason in refused.stderr


def test_reads_the_flavour_of_a_real_interpreter(tmp_path: Path) -> None:
    python = str(ROOT / ".venv" / "bin" / "python")
    found = find_python(tmp_path, PYTHON=python)
    assert found.returncode == 0, found.stderr
    assert os.path.samefile(found.stdout.strip(), python)
