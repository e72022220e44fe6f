"""Values on their way to another interpreter and back."""

from __future__ import annotations

import array
import gc
import math
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasterapi.executor import SubinterpreterExecutor
from tests.marks import OWN_GIL
from tests.python import executor_functions as far

pytestmark = OWN_GIL


@pytest.fixture(scope="module")
def executor() -> Iterator[SubinterpreterExecutor]:
    with SubinterpreterExecutor(1) as made:
        yield made


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**200), max_value=2**200)
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=40)
    | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(st.text(max_size=8) | st.integers() | st.tuples(st.integers()), inner, max_size=5)
    ),
    max_leaves=30,
)


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=True)
        return len(left) == len(right) and all(same(a, b) and same(x, y) for (a, x), (b, y) in pairs)
    return left == right and (not isinstance(left, float) or math.copysign(1, left) == math.copysign(1, right))


@given(value=plain)
@settings(max_examples=300, deadline=None)
def test_plain_values_arrive_as_they_were(executor: SubinterpreterExecutor, value: Any) -> None:
    assert same(executor.submit(far.identity, value).result(60), value)


@given(args=st.lists(plain, max_size=12), kwargs=st.dictionaries(st.text("abcdefg", min_size=1, max_size=3), plain))
@settings(max_examples=100, deadline=None)
def test_arguments_arrive_in_their_places(
    executor: SubinterpreterExecutor, args: list[Any], kwargs: dict[str, Any]
) -> None:
    assert same(executor.submit(far.arguments, *args, **kwargs).result(60), (tuple(args), kwargs))


@pytest.mark.parametrize("size", [126, 127, 128, 254, 255, 256, 1023, 1024, 65_535, 65_536, 70_000])
def test_sizes_at_which_the_form_changes(executor: SubinterpreterExecutor, size: int) -> None:
    for value in ("a" * size, "é" * size, "€" * size, "😀" * size, b"x" * size, [None] * size, 1 << (size * 8 - 1)):
        assert executor.submit(far.identity, value).result(60) == value
        if isinstance(value, int):
            assert executor.submit(far.identity, -value).result(60) == -value


def test_lone_surrogates_arrive(executor: SubinterpreterExecutor) -> None:
    assert executor.submit(far.identity, "a\ud800b").result(60) == "a\ud800b"


def test_nan_arrives(executor: SubinterpreterExecutor) -> None:
    assert math.isnan(executor.submit(far.identity, math.nan).result(60))


def test_identity_within_the_arguments_is_kept(executor: SubinterpreterExecutor) -> None:
    shared: list[int] = [1]

    def are_same(left: object, right: object) -> bool:
        return left is right

    assert executor.submit(are_same, shared, shared).result(60)
    first, second = executor.submit(far.identity, [shared, shared]).result(60)
    assert first is second


def test_cycles_arrive(executor: SubinterpreterExecutor) -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    arrived = executor.submit(far.identity, ring).result(60)
    assert arrived[0] == 1
    assert arrived[1] is arrived


def test_depth_is_no_limit_before_pickle_has_one(executor: SubinterpreterExecutor) -> None:
    deep: Any = None
    for _ in range(300):
        deep = [deep]
    assert executor.submit(far.identity, deep).result(60) == deep


def test_what_occurs_often_is_sent_once(executor: SubinterpreterExecutor) -> None:
    exponential: Any = ()
    for _ in range(64):
        exponential = (exponential, exponential)
    arrived = executor.submit(far.identity, exponential).result(60)
    assert arrived[0] is arrived[1]
    text = "x" * 1_000_000
    assert executor.submit(len, [text] * 1000).result(60) == 1000


def test_other_types_are_pickled(executor: SubinterpreterExecutor) -> None:
    for value in (
        {1, 2},
        frozenset("ab"),
        1 + 2j,
        bytearray(b"xy"),
        array.array("d", [1.5]),
        far.Point(1, 2),
        range(3),
    ):
        arrived = executor.submit(far.identity, value).result(60)
        assert arrived == value
        assert type(arrived) is type(value)


def test_a_memoryview_is_over_the_senders_memory(executor: SubinterpreterExecutor) -> None:
    memory = array.array("h", [1, 2, 3, 4])
    assert executor.submit(far.fill, memoryview(memory)).result(60) == ("h", (4,), 8)
    assert memory.tolist() == [2, 2, 3, 4]


def test_a_memoryview_keeps_its_shape(executor: SubinterpreterExecutor) -> None:
    view = memoryview(bytes(range(24))).cast("B", (2, 3, 4))

    def described(arrived: memoryview) -> Any:
        return arrived.shape, arrived.strides, arrived.readonly, arrived.c_contiguous, arrived.tolist()

    assert executor.submit(described, view).result(60) == ((2, 3, 4), (12, 4, 1), True, True, view.tolist())


def test_a_read_only_memoryview_stays_so(executor: SubinterpreterExecutor) -> None:
    with pytest.raises(TypeError, match="read-only"):
        executor.submit(far.fill, memoryview(b"abc")).result(60)


def test_memoryviews_lie_in_other_values(executor: SubinterpreterExecutor) -> None:
    memory = bytearray(b"abc")

    def upper(places: dict[str, Any], tag: set[int]) -> int:
        places["here"][0][:] = b"XYZ"
        return len(tag)

    assert executor.submit(upper, {"here": [memoryview(memory)]}, {1, 2}).result(60) == 2
    assert memory == b"XYZ"


def test_a_memoryview_with_gaps_is_refused(executor: SubinterpreterExecutor) -> None:
    with pytest.raises(TypeError, match="one after the other"):
        executor.submit(far.identity, memoryview(b"abcdef")[::2])


def test_a_result_that_is_a_memoryview_is_a_copy(executor: SubinterpreterExecutor) -> None:
    memory = bytearray(b"abc")
    arrived = executor.submit(far.identity, memoryview(memory)).result(60)
    memory[0] = 0
    assert bytes(arrived) == b"abc"
    assert not arrived.readonly


def test_lent_memory_is_given_back(executor: SubinterpreterExecutor) -> None:
    memory = bytearray(1000)
    executor.submit(far.total, memoryview(memory)).result(60)
    executor.submit(far.identity, None).result(60)
    memory.append(1)  # raises BufferError while anybody looks at it


def test_lent_memory_is_kept_for_as_long_as_it_is_used(executor: SubinterpreterExecutor) -> None:
    memory = bytearray(1000)
    executor.submit(far.keep, memoryview(memory)).result(60)
    with pytest.raises(BufferError):
        memory.append(1)
    executor.submit(far.drop).result(60)
    executor.submit(far.identity, None).result(60)
    memory.append(1)


def test_large_bytes_arrive_as_bytes(executor: SubinterpreterExecutor) -> None:
    data = bytes(range(256)) * 1000
    assert executor.submit(far.identity, data).result(60) == data
    assert executor.submit(far.identity, {"a": [data], "b": {1}}).result(60) == {"a": [data], "b": {1}}
    assert executor.submit(far.arguments, data, data).result(60) == ((data, data), {})
    assert list(executor.map(len, [data] * 4, chunksize=2)) == [len(data)] * 4


def test_arguments_are_let_go_of(executor: SubinterpreterExecutor) -> None:
    point = far.Point(1, 2)
    gone = weakref.ref(point)
    future = executor.submit(far.identity, point)
    del point
    future.result(60)
    gc.collect()
    assert gone() is None


def test_what_cannot_cross_is_named(executor: SubinterpreterExecutor) -> None:
    import socket

    with (
        socket.socket() as sock,
        pytest.raises(TypeError, match=r"item under 'net' of argument 0: socket\.socket cannot cross"),
    ):
        executor.submit(far.identity, {"net": sock})
    with socket.socket() as sock, pytest.raises(TypeError, match=r"^argument 'value': socket\.socket cannot cross"):
        executor.submit(far.identity, value=sock)


def test_a_result_that_cannot_cross_is_the_calls_failure(executor: SubinterpreterExecutor) -> None:
    def open_socket() -> Any:
        import socket

        return socket.socket()

    with pytest.raises(TypeError, match=r"socket\.socket cannot cross"):
        executor.submit(open_socket).result(60)
