"""Functions on their way to another interpreter."""

from __future__ import annotations

import functools
import socket
import subprocess
import sys
import textwrap
import xml.dom.minidom
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fasterapi._functions import describe, dumps, loads, resolve
from fasterapi.executor import SubinterpreterExecutor
from tests.marks import OWN_GIL
from tests.python import executor_functions as far

pytestmark = OWN_GIL

WAIT_S = 60.0

factor = 3
sock = object()


@pytest.fixture(scope="module")
def executor() -> Iterator[SubinterpreterExecutor]:
    with SubinterpreterExecutor(1) as made:
        yield made


def in_main(source: str, **names: Any) -> dict[str, Any]:
    """Names as if they had been typed into a REPL: of no module that another interpreter could import."""
    shell = sys.modules["typed_in_a_shell"] = ModuleType("typed_in_a_shell")
    vars(shell).update(names)
    exec(compile(textwrap.dedent(source), "<shell>", "exec"), vars(shell))
    return vars(shell)


def test_library_functions_travel_by_name() -> None:
    assert describe(len) == (("builtins", "len"), ())
    assert describe(dict.fromkeys)[1] is None
    assert describe(textwrap.dedent) == (("textwrap", "dedent"), ())


def test_functions_of_modules_are_remembered() -> None:
    description, guards = describe(far.square)
    assert guards == ()
    assert resolve(description) is far.square


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        (len, ("abc",), 3),
        (far.square, (3,), 9),
        (far.Point, (1, 2), far.Point(1, 2)),
        (far.Point(1, 2).moved, (3,), far.Point(4, 5)),
        (functools.partial(far.divide, right=2), (3,), 1.5),
        (functools.partial(lambda x, y: x + y, 1), (2,), 3),
        (str.upper, ("a",), "A"),
        ("abc".upper, (), "ABC"),
        (int.from_bytes, (b"\x01\x00",), 256),
    ],
)
def test_callables_of_every_kind(
    executor: SubinterpreterExecutor, function: Callable[..., Any], arguments: tuple[Any, ...], result: Any
) -> None:
    for _ in range(2):
        assert executor.submit(function, *arguments).result(WAIT_S) == result


def test_lambdas_bring_what_they_name(executor: SubinterpreterExecutor) -> None:
    offset = 10
    assert executor.submit(lambda x: x * factor + offset, 2).result(WAIT_S) == 16


def test_captured_values_are_those_of_the_moment(
    executor: SubinterpreterExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 1
    table = [1]

    def read() -> Any:
        return count, table, factor

    assert executor.submit(read).result(WAIT_S) == (1, [1], 3)
    count = 2
    table.append(2)
    monkeypatch.setitem(globals(), "factor", 4)
    assert executor.submit(read).result(WAIT_S) == (2, [1, 2], 4)


def test_steady_closures_are_remembered() -> None:
    def make(step: int) -> Callable[[int], int]:
        return lambda number: number + step

    _, guards = describe(make(1))
    assert guards is not None
    assert guards[2::3] == (1,)
    held = [1]
    assert describe(lambda: held)[1] is None
    large = b"x" * 100_000
    assert describe(lambda: large)[1] is None


def test_recursion_through_a_closure(executor: SubinterpreterExecutor) -> None:
    def factorial(number: int) -> int:
        return 1 if number < 2 else number * factorial(number - 1)

    assert executor.submit(factorial, 10).result(WAIT_S) == 3628800


def test_functions_of_a_shell_call_each_other(executor: SubinterpreterExecutor) -> None:
    shell = in_main(
        """
        import math, xml.dom.minidom
        calls = 0

        def even(n):
            global calls
            calls += 1
            return n == 0 or odd(n - 1)

        def odd(n):
            return n != 0 and even(n - 1)

        def count(n):
            even(n)
            return calls

        def document(text):
            return xml.dom.minidom.parseString(text).documentElement.tagName

        def defaults(a, b=2, *, c=math.tau):
            return a, b, c

        class Holder:
            pass
        """
    )
    assert executor.submit(shell["even"], 10).result(WAIT_S) is True
    assert executor.submit(shell["count"], 10).result(WAIT_S) == 6
    assert (
        executor.submit(shell["document"], "<a/>").result(WAIT_S)
        == xml.dom.minidom.parseString("<a/>").childNodes[0].tagName
    )
    assert executor.submit(shell["defaults"], 1).result(WAIT_S) == (1, 2, 6.283185307179586)


def test_a_function_that_is_defined_anew(executor: SubinterpreterExecutor) -> None:
    shell = in_main("def inner(): return 1\ndef outer(): return inner()")
    assert executor.submit(shell["outer"]).result(WAIT_S) == 1
    exec("def inner(): return 2", shell)
    assert executor.submit(shell["outer"]).result(WAIT_S) == 2


def test_cells_that_functions_share_stay_shared(executor: SubinterpreterExecutor) -> None:
    def make() -> tuple[Callable[[], None], Callable[[], int]]:
        count = 0

        def add() -> None:
            nonlocal count
            count += 1

        return add, lambda: count

    def use(add: Callable[[], None], read: Callable[[], int]) -> int:
        add()
        add()
        return read()

    assert executor.submit(use, *make()).result(WAIT_S) == 2


def test_functions_are_arguments_and_results(executor: SubinterpreterExecutor) -> None:
    made = executor.submit(lambda step: lambda number: number + step, 5).result(WAIT_S)
    assert made(1) == 6
    assert list(executor.map(lambda f: f(2), [far.square, lambda x: -x])) == [4, -2]


def test_decorated_functions(executor: SubinterpreterExecutor) -> None:
    def twice(function: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(function)
        def call(number: int) -> int:
            return function(function(number))

        return call

    assert executor.submit(twice(far.square), 3).result(WAIT_S) == 81


def test_the_functions_attributes_come_along() -> None:
    def marked() -> None:
        return None

    marked.level = 3  # type: ignore[attr-defined]
    arrived = resolve(describe(marked)[0])
    assert arrived.level == 3  # type: ignore[attr-defined]
    assert arrived.__qualname__ == marked.__qualname__


def test_pickling_is_pickles_for_all_else() -> None:
    for value in ([1, {2}], far.Point(1, 2), far.Point, textwrap, sys):
        assert loads(dumps(value)) == value


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda s: lambda: s,
            r"closure variable 's' of <lambda> at test_functions\.py:\d+: socket\.socket cannot cross",
        ),
        (lambda s: functools.partial(far.identity, s), r"argument 0 of the partial: socket\.socket cannot cross"),
        (lambda s: lambda x, y=s: y, r"default 0 of <lambda> at test_functions\.py:\d+: socket\.socket cannot cross"),
        (
            lambda s: in_main("def f(): return net", net=s)["f"],
            r"global variable 'net' of f at <shell>:1: socket\.socket",
        ),
        (
            lambda s: in_main("def g(): net\ndef f(): g()", net=s)["f"],
            r"'net' of global variable 'g' of f at <shell>:2",
        ),
        (
            lambda s: functools.partial(far.identity, [{"a": s}]),
            r"item under 'a' of item 0 of argument 0 of the partial",
        ),
    ],
)
def test_what_cannot_cross_is_named(make: Callable[[socket.socket], Any], text: str) -> None:
    with socket.socket() as one, pytest.raises(TypeError, match=text):
        describe(make(one))


def test_a_class_that_nobody_can_import_goes_along(executor: SubinterpreterExecutor) -> None:
    class Base:
        made = 0

        def __init__(self, x: int) -> None:
            self.x = x

        def twice(self) -> int:
            return 2 * self.x

    class Inner(Base):
        __slots__ = ("y",)

        def __init__(self, x: int, y: int) -> None:
            super().__init__(x)
            self.y = y

        def twice(self) -> int:
            return super().twice() + self.y

        @property
        def both(self) -> tuple[int, int]:
            return self.x, self.y

        @classmethod
        def of(cls, x: int) -> Inner:
            cls.made += 1
            return cls(x, x)

        @staticmethod
        def name() -> str:
            return "inner"

    def use(one: Inner) -> tuple[Any, ...]:
        other = Inner.of(5)
        return one.twice(), one.both, other.both, isinstance(one, Base), one.name(), type(one) is Inner

    for _ in range(2):
        assert executor.submit(use, Inner(2, 3)).result(WAIT_S) == (7, (2, 3), (5, 5), True, "inner", True)
    back = executor.submit(lambda: Inner(1, 2)).result(WAIT_S)
    assert type(back) is Inner
    assert back.both == (1, 2)
    assert Inner.made == 0


def test_dataclasses_that_nobody_can_import_go_along(executor: SubinterpreterExecutor) -> None:
    shell = in_main(
        """
        from dataclasses import dataclass, field, replace
        from abc import ABC, abstractmethod
        from typing import NamedTuple

        @dataclass(frozen=True, slots=True)
        class Point:
            x: int
            y: int = 7
            marks: list = field(default_factory=list)

        class Pair(NamedTuple):
            left: int
            right: Point

        class Shape(ABC):
            @abstractmethod
            def area(self): ...

        class Square(Shape):
            def __init__(self, side): self.side = side
            def area(self): return self.side ** 2

        def moved(point):
            return replace(point, x=point.x + 1, marks=Point(0).marks + [1])

        def paired(pair):
            return Pair(pair.left + 1, pair.right)

        def area(shape):
            return shape.area(), isinstance(shape, Shape)
        """
    )
    point, pair = shell["Point"], shell["Pair"]
    assert executor.submit(shell["moved"], point(1)).result(WAIT_S) == point(2, 7, [1])
    assert executor.submit(shell["paired"], pair(1, point(3))).result(WAIT_S) == pair(2, point(3))
    assert executor.submit(shell["area"], shell["Square"](3)).result(WAIT_S) == (9, True)


def test_exceptions_that_nobody_can_import_come_back(executor: SubinterpreterExecutor) -> None:
    class Odd(Exception):
        pass

    def fail() -> None:
        raise Odd("why")

    with pytest.raises(Odd, match="why"):
        executor.submit(fail).result(WAIT_S)


def test_an_enumeration_inside_a_function_is_explained(executor: SubinterpreterExecutor) -> None:
    import enum

    class Inner(enum.Enum):
        ONE = 1

    with pytest.raises(TypeError, match=r"the class .*Inner cannot cross.*defined inside a function"):
        executor.submit(far.identity, Inner.ONE)


# ---- programs


def run_program(source: str, *flags: str, directory: Path, text: str | None = None) -> tuple[int, str, str]:
    """Runs a script with that source, or hands it to Python as the flags say; status, output and errors."""
    if flags in {("-c",)}:
        command = [sys.executable, "-c", textwrap.dedent(source)]
    elif text is not None:
        command = [sys.executable, *flags]
    else:
        (directory / "program.py").write_text(textwrap.dedent(source))
        command = [sys.executable, *(flags or ("program.py",))]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=directory, timeout=WAIT_S)
    return done.returncode, done.stdout, done.stderr


SCRIPT = """
    from dataclasses import dataclass
    from functools import lru_cache
    from fasterapi import SubinterpreterExecutor

    @dataclass
    class Point:
        x: int

    @lru_cache
    def cached(number):
        return number * 2

    def moved(point):
        return Point(point.x + 1)

    def name():
        return __name__, Point.__module__

    if __name__ == "__main__":
        with SubinterpreterExecutor(2) as executor:
            print(executor.submit(moved, Point(1)).result())
            print(executor.submit(lambda p: moved(p), Point(2)).result())
            print(executor.submit(cached, 4).result())
            print(executor.call_each(name))
"""


@pytest.mark.parametrize("flags", [(), ("-m", "program")])
def test_a_script(tmp_path: Path, flags: tuple[str, ...]) -> None:
    status, output, errors = run_program(SCRIPT, *flags, directory=tmp_path)
    assert errors == ""
    assert status == 0
    name = "('__mp_main__', '__mp_main__')"
    assert output.splitlines() == ["Point(x=2)", "Point(x=3)", "8", f"[{name}, {name}]"]


def test_a_script_without_its_guard_is_told(tmp_path: Path) -> None:
    source = """
        from fasterapi import SubinterpreterExecutor

        def double(number):
            return 2 * number

        with SubinterpreterExecutor(1) as executor:
            print(executor.submit(double, 2).result())
    """
    status, _, errors = run_program(source, directory=tmp_path)
    assert status == 1
    assert 'if __name__ == "__main__":' in errors
    assert "program.py makes an executor" in errors


def test_a_command_line(tmp_path: Path) -> None:
    source = """
        from fasterapi import SubinterpreterExecutor
        def inner(x): return x + 1
        def outer(x): return inner(x) * 2
        with SubinterpreterExecutor(1) as executor:
            print(executor.submit(outer, 2).result(), executor.submit(lambda: outer(3)).result())
    """
    assert run_program(source, "-c", directory=tmp_path) == (0, "6 8\n", "")


def test_a_shell(tmp_path: Path) -> None:
    typed = textwrap.dedent(
        """
        from fasterapi import SubinterpreterExecutor
        def double(x):
            return 2 * x

        import enum
        class Here(enum.Enum): ONE = 1

        executor = SubinterpreterExecutor(1)
        executor.submit(double, 21).result()
        executor.submit(repr, Here.ONE)
        def double(x):
            return 3 * x

        executor.submit(double, 21).result()
        """
    )
    status, output, errors = run_program("", "-i", directory=tmp_path, text=typed)
    assert status == 0
    assert "42" in output
    assert "63" in output
    assert "Here cannot cross to another interpreter" in errors
    assert "put the class in a module" in errors
