"""One worker process as the supervisor sees it: its reports, its orders, and its end."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Child"]


def inherited_fds(config: Mapping[str, Any]) -> list[int]:
    """The descriptors that a worker's configuration names, and that it must find open."""
    single = [config[name] for name in ("shared_memory_fd", "stats_fd") if name in config]
    return [*config.get("listener_fds", ()), *single]


class Child:
    """A process for the slot `index`, known to the fleet by `number`, and the reading end of its pipe of reports."""

    def __init__(self, number: int, index: int, config: Mapping[str, Any], program: Sequence[str]) -> None:
        self.number = number
        self.index = index
        self.ready = False
        # What it declared when it became ready.
        self.routes: list[tuple[str, str, str]] = []
        # Killed by us because it had nothing to finish: how it ends is no failure.
        self.discarded = False
        self._received = b""
        report_fd, child_fd = os.pipe()
        try:
            self.process = subprocess.Popen(
                [*program, str(child_fd)],
                stdin=subprocess.PIPE,
                pass_fds=[child_fd, *inherited_fds(config)],
                # Signals from the terminal go to the parent alone, which passes them on.
                process_group=0,
            )
        except BaseException:
            os.close(report_fd)
            raise
        finally:
            os.close(child_fd)
        self.report_fd = report_fd
        os.set_blocking(report_fd, False)
        self.tell({**config, "worker_index": index})

    @property
    def name(self) -> str:
        """What the log calls it."""
        return f"worker {self.index} (process {self.process.pid})"

    def tell(self, message: Mapping[str, Any]) -> None:
        """A line of JSON on its standard input, which stays open: its end tells the child that the parent is gone."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            # It died at once; poll() will tell.
            return

    def read_reports(self) -> list[dict[str, Any]]:
        """The reports that have come since the last call."""
        while True:
            try:
                data = os.read(self.report_fd, 65536)
            except BlockingIOError:
                break
            if not data:
                break
            self._received += data
        *lines, self._received = self._received.split(b"\n")
        return [json.loads(line) for line in lines]

    def rss_bytes(self) -> int:
        """The memory that it holds at this moment; 0 where it is gone."""
        try:
            with open(f"/proc/{self.process.pid}/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            return 0

    def signal(self, number: int) -> None:
        """Send a signal, unless it is gone."""
        self.process.send_signal(number)

    def close(self) -> None:
        """Let go of both pipes."""
        os.close(self.report_fd)
        if self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                return
