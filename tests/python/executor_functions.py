"""Functions that the executor's tests send to other interpreters, which import them from here."""

from __future__ import annotations

import sys
import time
from typing import Any


def identity(value: Any) -> Any:
    return value


def arguments(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwargs


def square(number: int) -> int:
    return number * number


def divide(left: float, right: float) -> float:
    return left / right


def interpreter_id() -> int:
    import _interpreters

    return int(_interpreters.get_current()[0])


def spin_until(end: float) -> float:
    while time.monotonic() < end:
        pass
    return end


def spin_for(seconds: float) -> float:
    return spin_until(time.monotonic() + seconds)


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def fill(view: memoryview) -> tuple[str, tuple[int, ...] | None, int]:
    """Writes to the sender's memory; what the view looks like from here."""
    view[0] = view[1]
    return view.format, view.shape, view.nbytes


def total(view: memoryview) -> int:
    return sum(view)


kept: list[Any] = []


def keep(value: Any) -> int:
    kept.append(value)
    return len(kept)


def drop() -> int:
    kept.clear()
    return len(kept)


def set_name(name: str, value: Any) -> None:
    setattr(sys, name, value)


def get_name(name: str) -> Any:
    return getattr(sys, name, None)


def fail(text: str) -> None:
    raise ValueError(text)


class Refused(Exception):
    """Pickled, but never made again: its __init__ takes other arguments than it hands on."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


def refuse() -> None:
    raise Refused("door", "closed")


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x = x
        self.y = y

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    __hash__ = None  # type: ignore[assignment]

    def moved(self, by: int) -> Point:
        return Point(self.x + by, self.y + by)


def wait_for(descriptor: int) -> int:
    """Ends when the test writes a byte to the other end of the pipe."""
    import os

    return len(os.read(descriptor, 1))


def wait_and_write(descriptor: int, path: str) -> None:
    import os

    os.read(descriptor, 1)
    append(path)


def append(path: str) -> None:
    import os

    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, b"x")
    os.close(descriptor)


class Fragile:
    """Arrives in no other interpreter: making it again fails."""

    def __reduce__(self) -> Any:
        return fail, ("cannot be made again",)


def nested_square(number: int) -> int:
    from fasterapi import SubinterpreterExecutor

    with SubinterpreterExecutor(1) as executor:
        return executor.submit(square, number).result(60)


def fail_with_cause() -> None:
    try:
        divide(1, 0)
    except ZeroDivisionError as error:
        raise KeyError("outer") from error


def swallow(times: int) -> int:
    """Goes on after so many interruptions, and ends with the next."""
    caught = 0
    while caught < times:
        try:
            while True:
                pass
        except BaseException:
            caught += 1
    return spin_for(60)  # type: ignore[return-value]


async def answer() -> int:
    return 42


def run_coroutine() -> int:
    import asyncio

    return asyncio.run(answer())
