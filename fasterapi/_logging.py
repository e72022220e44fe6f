"""The server's log: lines of text or JSON on standard error, the same form from every worker.

The access log is not made here: the engine writes its lines itself.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from fasterapi._place import current_worker

__all__ = ["configure", "error_logger", "of_moves", "server_logger", "write_unfiltered"]

server_logger = logging.getLogger("fasterapi")
error_logger = logging.getLogger("fasterapi.error")

_STDERR = 2


def of_moves(config: Mapping[str, Any]) -> dict[str, bool]:
    """Whether the engine tells of handlers that it moves, and how: arguments for those who start a pool."""
    return {"log_moves": config["log_level"] in ("debug", "info"), "log_as_json": config["log_format"] == "json"}


class _WholeLineHandler(logging.Handler):
    """Writes each entry with one system call, so that workers do not write into each other's lines."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            data = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            while data:
                data = data[os.write(_STDERR, data) :]
        except BrokenPipeError:
            # Nobody reads the log any more, and there is no other place to say so.
            return
        except Exception:  # noqa: BLE001 - logging's rule: a failing entry must not fail its caller
            self.handleError(record)


class _TextFormatter(logging.Formatter):
    """`2026-01-31 12:00:00.123 ERROR [worker 0] message request_id=…`, then the traceback."""

    default_msec_format = "%s.%03d"

    def __init__(self, worker: int | None) -> None:
        super().__init__()
        self._worker = worker

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        request_id = getattr(record, "request_id", None)
        tail = "" if request_id is None else f" request_id={request_id}"
        worker = _worker_here(self._worker)
        place = "" if worker is None else f" [worker {worker}]"
        return f"{self.formatTime(record)} {record.levelname}{place} {record.message}{tail}"

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return _user_traceback(ei[1])

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        entry = self.formatMessage(record)
        if record.exc_info:
            entry = f"{entry}\n{self.formatException(record.exc_info)}"
        return entry


class _JSONFormatter(logging.Formatter):
    """One object a line: time (UTC), level, logger, message, worker; request_id, traceparent, exception if any."""

    def __init__(self, worker: int | None) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        import json
        import time

        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (worker := _worker_here(self._worker)) is not None:
            entry["worker"] = worker
        for name in ("request_id", "traceparent"):
            if (value := getattr(record, name, None)) is not None:
                entry[name] = value
        if record.exc_info and record.exc_info[1] is not None:
            entry["exception"] = _user_traceback(record.exc_info[1])
        return json.dumps(entry, ensure_ascii=False, default=str)


def configure(*, level: str, form: str, worker: int | None = None) -> None:
    """Set up the logger `fasterapi` and those below it, once per interpreter and before the app is loaded.

    `level` and `form` are the options `log_level` and `log_format`; `worker` is the worker's index, None outside of
    one and where several share the interpreter. What the app changes afterwards stays changed.
    """
    handler = _WholeLineHandler()
    handler.setFormatter(_JSONFormatter(worker) if form == "json" else _TextFormatter(worker))
    server_logger.handlers[:] = [handler]
    server_logger.setLevel(level.upper())
    server_logger.propagate = False
    # Text that user code prints must come out in time when standard output is a pipe.
    if not sys.stdout.line_buffering:
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _worker_here(configured: int | None) -> int | None:
    """The index of the worker that logs: this interpreter's only one, or the one whose code this is."""
    if configured is not None:
        return configured
    worker = current_worker.get(None)
    return None if worker is None else worker.index


def write_unfiltered(message: str) -> None:
    """An entry of the server's that is written at any level."""
    record = server_logger.makeRecord(server_logger.name, logging.INFO, __file__, 0, message, (), None)
    server_logger.handle(record)


def _user_traceback(error: BaseException) -> str:
    from fasterapi._loader import format_user_traceback

    return format_user_traceback(error).rstrip("\n")
