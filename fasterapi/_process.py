"""The program of one worker process: `python -m fasterapi._process REPORT_FD`, started by the supervisor.

Standard input brings lines of JSON: first the worker's configuration, then orders; its end means that the supervisor is
gone. Orders are `{"order": "stop"}`, which comes with the signal, because a handler that is stuck keeps the loop from
seeing that one; `{"order": "drain"}`; and `{"order": "lend", "slot": 1}` and `{"order": "take_back", "slot": 1}`, which
tell to accept from another slot's socket too, or no longer.

Reports go to REPORT_FD, one JSON object a line: `{"routes": […]}` once it accepts connections, or `{"error": "…"}`;
then `{"requests": 1000}`, how many it has answered, where it is replaced after so many, and `{"stuck": true}` when a
handler does not end that nothing interrupts; that one is written by the engine, since no Python code may run any more;
and `{"draining": true}` once it obeys that order.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from fasterapi import _engine, _threads
from fasterapi._loader import format_user_traceback
from fasterapi._worker import Orders, run_process

__all__ = ["main"]

# How much longer than the grace period an end may take that was asked for in vain.
GRACE_MARGIN_S = 2.0
# Of malloc: one for whichever thread has the GIL, and one for those that do without it.
ARENAS = 2


def main(report_fd: int) -> int:
    """Run one shard in this process's main interpreter until it is told to stop; returns the exit status."""
    lines = _lines(0)
    config: dict[str, Any] | None = next(lines, None)
    if config is None:
        return 0
    _engine.limit_malloc_arenas(ARENAS)
    if "shared_memory_fd" in config:
        _engine.adopt_shared_memory(config["shared_memory_fd"])
    if "stats_fd" in config:
        _engine.adopt_stats(config["stats_fd"])

    orders = Orders(config, report_fd)
    try:
        # Handlers that are stuck in C do not let this interpreter notice that the supervisor is gone.
        _engine.end_with_supervisor(0, config["grace_period_s"] + GRACE_MARGIN_S)
        _threads.start(threading.Thread(target=_obey, args=(lines, orders), name="supervisor-watch", daemon=True))
        run_process(config, orders)
    except BaseException as error:  # noqa: BLE001 - whatever stops the worker is told by the supervisor, once
        orders.report({"error": format_user_traceback(error)})
        return 1
    return 0


def _lines(fd: int) -> Iterator[dict[str, Any]]:
    # Not through sys.stdin: the lock of a buffered reader that is blocked here would hold up the exit.
    received = b""
    while data := os.read(fd, 4096):
        received += data
        *lines, received = received.split(b"\n")
        yield from (json.loads(line) for line in lines)


def _obey(lines: Iterator[dict[str, Any]], orders: Orders) -> None:
    for order in lines:
        orders.obey(order)
    os.kill(os.getpid(), signal.SIGTERM)
    orders.obey({"order": "stop"})


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
