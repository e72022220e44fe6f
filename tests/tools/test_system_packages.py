from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tidy.source_tree import ROOT

SCRIPT = str(ROOT / "tools" / "system-packages")
NEEDED_BY_THE_SCRIPT = ("bash", "cat", "dirname", "env", "id", "mktemp", "rm")


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH of a system with neither compilers nor apt."""
    for name in NEEDED_BY_THE_SCRIPT:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def system_packages(path: Path, *sets: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": str(path)}
    return subprocess.run([SCRIPT, *sets], env=environment, capture_output=True, text=True, timeout=60, check=False)


def write_command(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def test_needs_nothing_where_everything_is_there() -> None:
    done = subprocess.run([SCRIPT, "build", "test"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_names_what_is_missing_where_there_is_no_apt(bare_path: Path) -> None:
    stopped = system_packages(bare_path, "build", "test")
    assert stopped.returncode == 1
    for package in ("g++", "cmake", "ninja-build", "libsimdjson-dev", "libgtest-dev"):
        assert f"    {package}\n" in stopped.stderr


def test_installs_only_what_is_missing(bare_path: Path) -> None:
    write_command(bare_path / "sudo", 'exec "$@"')
    write_command(bare_path / "apt-get", f'echo "$@" >>{bare_path}/calls')
    for present in ("c++", "cmake"):
        write_command(bare_path / present, "exit 0")
    done = system_packages(bare_path, "build")
    assert done.returncode == 0, done.stderr
    update, install = (bare_path / "calls").read_text().splitlines()
    assert update.endswith("update")
    assert install.split()[-1] == "ninja-build"


def test_shows_what_apt_said_when_it_fails(bare_path: Path) -> None:
    write_command(bare_path / "sudo", 'exec "$@"')
    write_command(bare_path / "apt-get", "echo no such package; exit 100")
    stopped = system_packages(bare_path, "build")
    assert stopped.returncode == 1
    assert "no such package" in stopped.stderr
    assert "could not install" in stopped.stderr


def test_refuses_a_set_that_it_does_not_know(bare_path: Path) -> None:
    assert system_packages(bare_path, "kitchen").returncode == 2
