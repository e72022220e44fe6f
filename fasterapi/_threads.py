"""Threads and processes, of which the system may have no more to give."""

from __future__ import annotations

import errno
import threading

from fasterapi import _engine

__all__ = ["ThreadShortage", "explain", "start"]

# What CPython says then; other RuntimeErrors of Thread.start() are mistakes.
_SHORTAGE = "can't start new thread"


class ThreadShortage(RuntimeError):
    """The system has no thread to give. The text says which one was wanted, and what bounds their number."""


def start(thread: threading.Thread) -> None:
    """Start a thread. Raises ThreadShortage where the system has none to give."""
    try:
        thread.start()
    except RuntimeError as error:
        if str(error) != _SHORTAGE:
            raise
        raise ThreadShortage(_engine.thread_shortage(thread.name)) from None


def explain(error: OSError) -> str:
    """Why a process could not be started, for people; with what bounds their number where that is reached."""
    return f"{error} (see RLIMIT_NPROC and pids.max)" if error.errno == errno.EAGAIN else str(error)
