"""`fasterapi run --stats`, in a terminal and without one."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from tests.e2e.conftest import Serve
from tests.e2e.serving import Server
from tests.e2e.wire import Wire

APP = """
from fasterapi import App

app = App()

@app.get("/plain")
def plain():
    return 1
"""


class Terminal:
    """A server in a terminal of its own, and what it shows there."""

    def __init__(self, command: list[str], cwd: Path) -> None:
        self._fd, inner = pty.openpty()
        self.resize(100, 30)
        environment = {**os.environ, "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        self.text = ""
        self.port = 0

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait_for(self, pattern: str, timeout_s: float = 60.0) -> re.Match[str]:
        """The first match in what came since the last one."""
        deadline = time.monotonic() + timeout_s
        while (found := re.search(pattern, self.text)) is None:
            left = deadline - time.monotonic()
            assert left > 0, f"no {pattern!r} in:\n{self.text}"
            if select.select([self._fd], [], [], min(left, 1.0))[0]:
                self.text += os.read(self._fd, 65536).decode()
        self.text = self.text[found.end() :]
        return found

    def close(self) -> int:
        self.process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    os.read(self._fd, 65536)
                except OSError:
                    break
        os.close(self._fd)
        return self.process.wait(30)


def test_a_terminal_shows_it_live(tmp_path: Path, strategy: str) -> None:
    (tmp_path / "app.py").write_text(APP)
    command = [sys.executable, "-m", "fasterapi", "run", "app.py", "--port", "0", "--workers", "2"]
    terminal = Terminal([*command, "--strategy", strategy, "--stats"], tmp_path)
    try:
        terminal.port = int(terminal.wait_for(r"Listening on [^\n]*127\.0\.0\.1:(\d+)")[1])
        terminal.wait_for(r"2 workers")
        with Wire(terminal) as wire:  # type: ignore[arg-type] - all that it wants is a port
            for _ in range(20):
                assert wire.ask("/plain").status == 200
            terminal.wait_for(r"GET /plain \(plain\)")
            terminal.resize(60, 12)
            terminal.wait_for(r"\x1b\[2J")
    finally:
        status = terminal.close()
    assert status == 0


def test_without_a_terminal_it_is_lines(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--stats") as server:
        _ask(server)
        server.wait_for_log(r"stats: [\d,]+ req/s, p50 ", 30)


def _ask(server: Server) -> None:
    with Wire(server) as wire:
        assert wire.ask("/plain").status == 200
