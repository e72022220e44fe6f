"""The program of one worker process: `python -m fasterapi._process REPORT_FD`, started by the supervisor.

Standard input brings the worker's configuration as one line of JSON, and its end means that the supervisor is gone.
Reports go to REPORT_FD, one JSON object a line: `{"routes": […]}` once it listens, or `{"error": "…"}`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any

from fasterapi import _engine
from fasterapi._loader import format_user_traceback
from fasterapi._worker import run_process

__all__ = ["main"]


def main(report_fd: int) -> int:
    """Run one shard in this process's main interpreter until it is told to stop; returns the exit status."""
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    config: dict[str, Any] = json.loads(line)
    if "shared_memory_fd" in config:
        _engine.adopt_shared_memory(config["shared_memory_fd"])
    if "stats_fd" in config:
        _engine.adopt_stats(config["stats_fd"])
    threading.Thread(target=_stop_with_parent, name="supervisor-watch", daemon=True).start()

    def report(entry: dict[str, Any]) -> None:
        data = json.dumps(entry).encode() + b"\n"
        while data:
            data = data[os.write(report_fd, data) :]

    try:
        run_process(config, lambda routes: report({"routes": routes}))
    except BaseException as error:  # noqa: BLE001 - whatever stops the worker is told by the supervisor, once
        report({"error": format_user_traceback(error)})
        return 1
    return 0


def _stop_with_parent() -> None:
    # Not through sys.stdin: the lock of a buffered reader that is blocked here would hold up the exit.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
