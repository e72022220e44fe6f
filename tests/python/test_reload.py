from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from fasterapi._reload import Reloader, changed_files, snapshot


def _write(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_snapshot_has_the_projects_own_python_files(tmp_path: Path) -> None:
    app = _write(tmp_path / "app.py")
    inner = _write(tmp_path / "pkg" / "mod.py")
    for other in ("pkg/data.txt", ".hidden/a.py", "node_modules/a.py", "pkg/__pycache__/a.py", "env/lib/a.py"):
        _write(tmp_path / other)
    _write(tmp_path / "env" / "pyvenv.cfg")
    assert sorted(snapshot([str(tmp_path)])) == sorted([str(app), str(inner)])


def test_changes_are_writes_additions_and_removals(tmp_path: Path) -> None:
    written, removed = _write(tmp_path / "a.py"), _write(tmp_path / "b.py")
    before = snapshot([str(tmp_path)])
    assert changed_files(before, snapshot([str(tmp_path)])) == []
    os.utime(written, ns=(1, 1))
    removed.unlink()
    added = _write(tmp_path / "c.py")
    assert changed_files(before, snapshot([str(tmp_path)])) == [str(written), str(removed), str(added)]


def test_the_child_is_started_again_on_a_change_and_stopped_with_us(tmp_path: Path) -> None:
    said: list[str] = []
    source = _write(tmp_path / "app.py", "1")
    log = tmp_path / "starts.txt"
    # Each child notes its start; the first then changes the source, the second ends, the third stops the reloader.
    child = f"""
import os, signal
with open({str(log)!r}, "a") as file: file.write("x")
starts = len(open({str(log)!r}).read())
if starts < 3: open({str(source)!r}, "a").write("2")
if starts == 3: os.kill(os.getppid(), signal.SIGTERM)
if starts != 2: signal.pause()
"""
    before = signal.getsignal(signal.SIGTERM)
    assert Reloader([sys.executable, "-c", child], [str(tmp_path)], say=said.append).run() == 0
    assert log.read_text() == "xxx"
    assert [line.endswith("app.py changed: starting again") for line in said if "changed" in line] == [True, True]
    assert signal.getsignal(signal.SIGTERM) is before
