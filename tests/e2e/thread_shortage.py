"""A library for LD_PRELOAD that makes the system run out of threads in a process, when a test says so.

It stands in for `pthread_create`, which answers EAGAIN while there is the file that THREAD_SHORTAGE names, and in each
process as soon as that has started THREADS_MAX of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["ThreadShortage"]

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int started;

int pthread_create(pthread_t* made, const pthread_attr_t* how, void* (*run)(void*), void* argument) {
  int (*next)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) = dlsym(RTLD_NEXT, "pthread_create");
  const char* file = getenv("THREAD_SHORTAGE");
  const char* bound = getenv("THREADS_MAX");
  if (file != NULL && access(file, F_OK) == 0) return EAGAIN;
  if (bound != NULL && atomic_fetch_add(&started, 1) >= atoi(bound)) return EAGAIN;
  return next(made, how, run, argument);
}
"""


class ThreadShortage:
    """One that begins and ends when the test says so, for the servers that are started with `env`."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            pytest.skip("there is no C compiler")
        source, library = folder / "thread_shortage.c", folder / "thread_shortage.so"
        source.write_text(SOURCE)
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self._file = folder / "no-threads"
        # A sanitizer's runtime comes first, and calls this one.
        preloaded = ":".join(filter(None, (os.environ.get("LD_PRELOAD"), str(library))))
        self.env = {"LD_PRELOAD": preloaded, "THREAD_SHORTAGE": str(self._file)}

    def with_at_most(self, threads: int) -> dict[str, str]:
        """The environment of a process, and its children, in which so many threads can be started beside the first."""
        return {**self.env, "THREADS_MAX": str(threads)}

    def begin(self) -> None:
        """No thread can be started from now on."""
        self._file.touch()

    def end(self) -> None:
        """They can be again."""
        self._file.unlink()
