"""Plays a page: writes its files, runs its commands, and compares what they print with what the page shows.

A command whose output is to have "Listening on …" is a server: it stays, until the next one or the end of the page, and
starts anew when a file is written. The pages' port 8000 stands for a free one. In an output "…" stands for anything: a
line of its own for any number of lines, elsewhere for any part of its line.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.docs.pages import Block, Exchange, exchanges
from tests.e2e.serving import READY_S, Server

__all__ = ["Story", "shows"]

COMMAND_S = 60.0
WRITTEN_S = 10.0

_PAGE_PORT = "127.0.0.1:8000"
_PROGRAMS = Path(sys.executable).parent


class Story:
    """One reading of a page, in a directory of its own. Use it in a `with`: leaving it stops the server."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = _free_port()
        self._server: Server | None = None
        self._server_command = ""
        self._stale = False
        # Readers see curl on a terminal, without its progress meter.
        (directory / ".curlrc").write_text("silent\nshow-error\nmax-time = 20\n")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FASTERAPI_")}
        self._environment = {
            **environment,
            "PATH": f"{_PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}",
            "CURL_HOME": str(directory),
            "COLUMNS": "120",
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop_server()

    def play(self, block: Block) -> None:
        """Do what the block says; fails where something else is printed."""
        if "file" in block.options:
            file = self._directory / block.options["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
            self._stale = True
        if block.language != "console":
            return
        for exchange in exchanges(block):
            printed = self._run(exchange)
            deadline = time.monotonic() + WRITTEN_S
            # A log is written a moment after the answer that it is about.
            while "log" in exchange.command and not shows(exchange.output, printed) and time.monotonic() < deadline:
                printed = self._run(exchange)
            expected = "\n".join(exchange.output)
            assert shows(exchange.output, printed), (
                f"the page shows for  {exchange.command}\n\n{expected}\n\nbut it prints\n\n{printed}"
            )

    def _run(self, exchange: Exchange) -> str:
        if any("Listening on" in line for line in exchange.output):
            self._stop_server()
            self._server_command = exchange.command
            return self._as_on_page(self._start_server())
        if self._stale and self._server is not None:
            self._stop_server()
            self._start_server()
        done = subprocess.run(
            ["bash", "-c", exchange.command.replace(_PAGE_PORT, f"127.0.0.1:{self._port}")],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        return self._as_on_page(done.stdout)

    def _start_server(self) -> str:
        """Start the page's last server, and give what it prints until it listens."""
        self._stale = False
        # app.run() takes its port from the environment; of `fasterapi run`, the banner is to have one source for it.
        command = re.sub(r"\b(fasterapi (?:run|dev) \S+)", rf"\1 --port {self._port}", self._server_command)
        by_variable = {"FASTERAPI_PORT": str(self._port)} if command == self._server_command else {}
        server = Server(
            "-",
            cwd=self._directory,
            env={**self._environment, **by_variable},
            command=["bash", "-c", f"exec env {command}"],
        )
        self._server = server
        with_end = server.wait_for_log(r"(?s).*Listening on \S+", READY_S)
        printed: str = with_end[0]
        # The page's command has no --port, and its banner no line about it.
        return re.sub(r"^  port +\d+  from (--port|FASTERAPI_PORT)\n", "", printed, flags=re.MULTILINE)

    def _stop_server(self) -> None:
        server, self._server = self._server, None
        if server is not None and server.process.poll() is None:
            assert server.stop() == 0, server.log

    def _as_on_page(self, printed: str) -> str:
        text = printed.replace(f"127.0.0.1:{self._port}", _PAGE_PORT).replace(f"{self._directory}/", "")
        # curl -i ends its lines as HTTP does, and a body without a line break leaves the prompt beside it.
        lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
        return "\n".join(lines).rstrip("\n")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


def shows(output: list[str], printed: str) -> bool:
    """Whether these lines of a page, with their "…", are what was printed."""
    parts = []
    for line in output:
        if line.strip() == "…":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*?".join(re.escape(part) for part in line.rstrip().split("…")) + r"\n")
    return re.fullmatch("".join(parts), printed + "\n" if printed else "") is not None
