"""The file that names a running server's process, and finding a server by it: `--pid-file`, `fasterapi reload`."""

from __future__ import annotations

import fcntl
import os
import signal
from typing import Self

__all__ = ["NoServer", "PidFile", "PidFileError", "ask_to_reload", "read_pid"]


class NoServer(Exception):
    """There is no server to be asked; the message is for people."""


class PidFileError(Exception):
    """The server cannot leave its process id where it was told to; the message is for people."""


class PidFile:
    """Holds `path` with this process's id, locked, while the `with` lasts; an empty path is no file at all.

    The lock ends with the process, however that dies: a file that is not locked is nobody's. Raises PidFileError where
    the file cannot be written, or another server holds it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> Self:
        if not self._path:
            return self
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, 0)
            os.write(self._fd, b"%d\n" % os.getpid())
        except OSError as error:
            if self._fd >= 0:
                os.close(self._fd)
            taken = isinstance(error, BlockingIOError)
            reason = "another server holds it" if taken else error.strerror
            raise PidFileError(f"cannot write the pid file {self._path}: {reason}") from None
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._fd >= 0:
            os.unlink(self._path)
            os.close(self._fd)


def read_pid(path: str) -> int:
    """The process id of the server that holds the file. Raises NoServer where there is none."""
    try:
        with open(path, "rb") as file:
            text = file.read(32)
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(text)
    except OSError as error:
        raise NoServer(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise NoServer(f"{path} does not hold a process id") from None
    raise NoServer(f"no server holds {path}: the one that wrote it is gone")


def ask_to_reload(pid: int) -> None:
    """Send SIGHUP to the server. Raises NoServer where that process does not exist, or would die of it."""
    try:
        with open(f"/proc/{pid}/status") as file:
            caught = next(line for line in file if line.startswith("SigCgt:"))
        if not int(caught.split()[1], 16) & 1 << (signal.SIGHUP - 1):
            raise NoServer(f"process {pid} does not wait for SIGHUP: it is not a server that serves")
        os.kill(pid, signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError):
        raise NoServer(f"there is no process {pid}") from None
    except PermissionError:
        raise NoServer(f"process {pid} is not yours") from None
