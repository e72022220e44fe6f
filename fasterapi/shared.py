"""State that all interpreters and worker processes of a server share, found by name.

The same name is the same object everywhere: in every worker, whatever the strategy, and in the executors' interpreters.

>>> from fasterapi import shared
>>> hits = shared.Counter("hits")
>>> hits.add()
1

Objects live as long as the server, or the script that made them. They take no part in any interpreter's memory: values
are copied in and out, and a worker's death at any moment leaves them whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from fasterapi import _engine

__all__ = ["MISSING", "Counter", "Dict", "MemoryUsage", "memory_usage"]


class _Missing:
    """The type of MISSING."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""What `Dict.compare_and_set` expects of a key that is not there."""


class MemoryUsage(tuple[int, int]):
    """How much shared memory is taken, and how much may be: bytes, in steps of 16 KiB."""

    __slots__ = ()

    @property
    def used_bytes(self) -> int:
        """What the objects have taken."""
        return self[0]

    @property
    def max_bytes(self) -> int:
        """The bound `shared_memory_max_bytes`."""
        return self[1]


def memory_usage() -> MemoryUsage:
    """How much shared memory is taken, and its bound.

    >>> from fasterapi import shared
    >>> shared.memory_usage().max_bytes
    268435456
    """
    return MemoryUsage(_engine.shared_memory_usage())


class Counter(_engine.SharedCounter):
    """An int64 that all workers add to; it never wraps around.

    `initial` is its value when it is made. Raises ValueError where it was made with another one already, TypeError
    where the name belongs to another kind of object, MemoryError where shared memory is full.

    >>> from fasterapi import shared
    >>> orders = shared.Counter("orders")
    >>> orders.add(), orders.add(10), orders.value
    (1, 11, 11)
    """

    __slots__ = ()


class Dict(_engine.SharedDict):
    """Plain values by key, which all workers read and write.

    Keys are None, bool, int, float, str, bytes and tuples of these; values lists and dicts, too. They are copied in and
    out: to change a list, store it anew (see `update`). Keys that are equal are one key: 1, 1.0 and True are
    all 1.

    `max_items` bounds the number of entries: up to 1024 exactly, by dropping the entry that was used longest ago; a
    larger dict is made of 16 parts with a sixteenth of the bound each, and drops the oldest of a part that is full.
    `ttl_s` is how many seconds an entry is kept; `float("inf")` for an entry that is always kept.

    Raises ValueError where the dict was made with other options already, TypeError where the name belongs to another
    kind of object, or a key or value is not plain, MemoryError where shared memory is full.

    >>> from fasterapi import shared
    >>> sessions = shared.Dict("sessions", max_items=10_000, ttl_s=3600)
    >>> sessions["u1"] = {"name": "Ada", "visits": 1}
    >>> sessions["u1"]["name"]
    'Ada'
    """

    __slots__ = ()

    def compare_and_set(self, key: Any, expected: Any, new: Any, /, *, ttl_s: float | None = None) -> bool:
        """Store `new` where the value equals `expected` (MISSING: where there is none); whether it did.

        >>> from fasterapi import shared
        >>> jobs = shared.Dict("jobs")
        >>> jobs["j1"] = "waiting"
        >>> jobs.compare_and_set("j1", "waiting", "running"), jobs.compare_and_set("j1", "waiting", "running")
        (True, False)
        """
        while True:
            value, version = self._read(key, MISSING)
            if value is MISSING or expected is MISSING:
                if value is not expected:
                    return False
            elif value != expected:
                return False
            if self._write(key, new, version, ttl_s):
                return True

    def update(
        self, key: Any, function: Callable[[Any], Any], /, default: Any = None, *, ttl_s: float | None = None
    ) -> Any:
        """Store `function(value)` in place of the value, or of `default` where there is none; returns what was stored.

        No lock is held while `function` runs: where somebody else changed the value meanwhile, it is called again with
        that one. So it should have no other effect than its result.

        >>> from fasterapi import shared
        >>> carts = shared.Dict("carts")
        >>> carts.update("u1", lambda items: [*items, "apple"], default=[])
        ['apple']
        """
        while True:
            value, version = self._read(key, default)
            new = function(value)
            if self._write(key, new, version, ttl_s):
                return new


def _bound_by_environment() -> None:
    # The server has set the bound by now, or its workers have its memory: this is for scripts.
    asked = os.environ.get("FASTERAPI_SHARED_MEMORY_MAX_BYTES")
    if asked is not None:
        from fasterapi.config import check_value

        _engine.bound_shared_memory(check_value("shared_memory_max_bytes", asked))


_bound_by_environment()
