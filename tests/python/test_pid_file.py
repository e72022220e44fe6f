from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fasterapi._pid_file import NoServer, PidFile, PidFileError, ask_to_reload, read_pid


def test_the_file_names_this_process_while_it_is_held(tmp_path: Path) -> None:
    path = str(tmp_path / "app.pid")
    with PidFile(path):
        assert read_pid(path) == os.getpid()
        with pytest.raises(PidFileError, match="another server holds it"), PidFile(path):
            raise AssertionError
    assert not os.path.exists(path)


def test_without_a_path_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with PidFile(""):
        assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "app.pid")
    with pytest.raises(PidFileError, match=r"cannot write the pid file .*No such file"), PidFile(path):
        raise AssertionError


@pytest.mark.parametrize(
    ("text", "told"), [(None, "cannot read"), ("123\n", "the one that wrote it is gone"), ("", "is gone")]
)
def test_a_file_that_no_server_holds_says_so(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "app.pid"
    if text is not None:
        path.write_text(text)
    with pytest.raises(NoServer, match=told):
        read_pid(str(path))


def test_a_process_that_would_die_of_it_is_not_asked() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        with pytest.raises(NoServer, match="does not wait for SIGHUP"):
            ask_to_reload(other.pid)
        other.kill()
    with pytest.raises(NoServer, match=f"there is no process {other.pid}"):
        ask_to_reload(other.pid)


def test_a_server_is_asked_by_a_signal() -> None:
    came: list[int] = []
    previous = signal.signal(signal.SIGHUP, lambda number, _: came.append(number))
    try:
        ask_to_reload(os.getpid())
    finally:
        signal.signal(signal.SIGHUP, previous)
    assert came == [signal.SIGHUP]
