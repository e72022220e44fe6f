"""Counter and Dict as one interpreter sees them: what they take, what they give, and what they refuse."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from fasterapi import shared

MOST = 2**63 - 1


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses: objects live as long as the process."""
    return request.node.nodeid


def run_threads(work: Callable[[int], None], count: int = 4) -> None:
    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


class TestCounter:
    def test_counts_for_everybody_who_knows_its_name(self, name: str) -> None:
        counter = shared.Counter(name)
        assert (counter.add(), counter.add(5), counter.add(-2)) == (1, 6, 4)
        assert shared.Counter(name).value == 4
        counter.set(-7)
        assert shared.Counter(name).value == -7
        assert counter.name == name

    def test_begins_where_it_is_told(self, name: str) -> None:
        assert shared.Counter(name, initial=40).add(2) == 42
        with pytest.raises(ValueError, match="made with other options"):
            shared.Counter(name)
        assert shared.Counter(name, 40).value == 42

    def test_raises_instead_of_wrapping_around(self, name: str) -> None:
        counter = shared.Counter(name, MOST - 1)
        assert counter.add() == MOST
        with pytest.raises(OverflowError, match="has no room for 1 more"):
            counter.add()
        with pytest.raises(OverflowError, match=r"-2\*\*63 to 2\*\*63 - 1"):
            counter.set(MOST + 1)
        assert counter.value == MOST
        counter.set(-MOST - 1)
        with pytest.raises(OverflowError):
            counter.add(-1)

    def test_compares_and_sets_in_one_step(self, name: str) -> None:
        counter = shared.Counter(name)
        assert counter.compare_and_set(0, 5)
        assert not counter.compare_and_set(0, 6)
        assert counter.value == 5

    @pytest.mark.parametrize("wrong", ["1", 1.0, None])
    def test_adds_integers_only(self, name: str, wrong: Any) -> None:
        with pytest.raises(TypeError):
            shared.Counter(name).add(wrong)

    def test_loses_nothing_among_threads(self, name: str) -> None:
        counter = shared.Counter(name)
        run_threads(lambda _: [counter.add() for _ in range(5000)] and None)
        assert counter.value == 20_000

    def test_is_pickled_by_name(self, name: str) -> None:
        counter = shared.Counter(name, 3)
        copy = pickle.loads(pickle.dumps(counter))
        assert type(copy) is shared.Counter
        copy.add()
        assert counter.value == 4
        assert repr(counter) == f"Counter({name!r}): 4"


class TestNames:
    def test_belong_to_one_kind(self, name: str) -> None:
        shared.Counter(name)
        with pytest.raises(TypeError, match="is a Counter already, not a Dict"):
            shared.Dict(name)

    @pytest.mark.parametrize("wrong", ["", "x" * 256])
    def test_have_bounds(self, wrong: str) -> None:
        with pytest.raises(ValueError, match="1 to 255 bytes"):
            shared.Counter(wrong)

    def test_are_text(self) -> None:
        with pytest.raises(TypeError, match="a name is a str, not bytes"):
            shared.Counter(b"x")  # type: ignore[arg-type]


PLAIN = [
    None,
    True,
    False,
    0,
    -1,
    127,
    -128,
    2**63 - 1,
    -(2**63),
    2**63,
    -(2**200),
    1.5,
    -0.0,
    math.inf,
    "",
    "text",
    "é",
    "€",
    "😀",
    "\ud800",
    "x" * 5000,
    b"",
    b"\x00\xff",
    (),
    (1, "a", (2, None)),
    [],
    [1, [2.5, [True]]],
    {},
    {"a": 1, 2: [b"x"], (3, "k"): {"n": {}}},
]


class TestValues:
    @pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value)[:20])
    def test_come_back_as_they_were(self, name: str, value: Any) -> None:
        store = shared.Dict(name)
        store["k"] = value
        back = store["k"]
        assert type(back) is type(value)
        assert back == value
        assert repr(back) == repr(value)

    def test_are_copies(self, name: str) -> None:
        store = shared.Dict(name)
        items = [1]
        store["k"] = items
        items.append(2)
        store["k"].append(3)
        assert store["k"] == [1]

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            ({1}, r"the value cannot be kept in shared memory: set is none of"),
            ({"a": [1, {2}]}, r"the value\['a'\]\[1\] cannot .* set is"),
            ([object()], r"the value\[0\] cannot .* object is"),
            ({(object(),): 1}, r"a key of it"),
            (bytearray(b"x"), r"bytearray"),
        ],
    )
    def test_that_are_not_plain_are_refused_with_their_place(self, name: str, value: Any, told: str) -> None:
        with pytest.raises(TypeError, match=told):
            shared.Dict(name)["k"] = value

    def test_may_not_hold_themselves(self, name: str) -> None:
        endless: list[Any] = []
        endless.append(endless)
        with pytest.raises(ValueError, match="at most 100 deep"):
            shared.Dict(name)["k"] = endless


class TestKeys:
    @pytest.mark.parametrize("key", [None, True, 7, 2**80, 1.5, "text", "é", b"bytes", (), (1, ("a", None))])
    def test_of_every_kind(self, name: str, key: Any) -> None:
        store = shared.Dict(name)
        store[key] = "there"
        assert store[key] == "there"
        assert key in store
        assert store.keys() == [key]
        del store[key]
        assert key not in store

    def test_that_are_equal_are_one(self, name: str) -> None:
        store = shared.Dict(name)
        store[1] = "one"
        assert store[True] == store[1.0] == "one"
        assert (1.0,) not in store
        store[(True, 0.0)] = "pair"
        assert store[(1, -0.0)] == "pair"
        assert "1" not in store
        assert b"1" not in store

    @pytest.mark.parametrize(("key", "told"), [([1], "list is none of"), (({},), "dict is none of")])
    def test_that_are_not_hashable_are_refused(self, name: str, key: Any, told: str) -> None:
        with pytest.raises(TypeError, match=told):
            shared.Dict(name)[key] = 1

    def test_have_a_bound(self, name: str) -> None:
        with pytest.raises(ValueError, match="at most 4096 bytes"):
            shared.Dict(name)["x" * 5000] = 1


class TestDict:
    def test_does_what_a_dict_does(self, name: str) -> None:
        store = shared.Dict(name)
        store["a"] = 1
        store.set("b", 2)
        assert (len(store), sorted(store), sorted(store.items())) == (2, ["a", "b"], [("a", 1), ("b", 2)])
        assert sorted(store.values()) == [1, 2]
        assert store.get("c") is None
        assert store.get("c", 7) == 7
        with pytest.raises(KeyError, match="'c'"):
            store["c"]
        with pytest.raises(KeyError):
            del store["c"]
        assert store.setdefault("c", [3]) == [3]
        assert store.setdefault("c", 4) == [3]
        assert store.pop("c") == [3]
        assert store.pop("c", None) is None
        with pytest.raises(KeyError):
            store.pop("c")
        store.clear()
        assert (len(store), store.keys()) == (0, [])

    def test_adds_in_one_step(self, name: str) -> None:
        store = shared.Dict(name)
        assert (store.add("n"), store.add("n", 4), store.add("n", -2)) == (1, 5, 3)
        assert (store.add("f", 0.5), store.add("f", 1)) == (0.5, 1.5)
        assert store.add("n", 0.5) == 3.5
        assert (store.add("big", MOST), store.add("big", MOST), store.add("big", -(2**70))) == (
            MOST,
            2 * MOST,
            2 * MOST - 2**70,
        )
        store["t"] = "text"
        with pytest.raises(TypeError, match="the value of 't' is no number but str"):
            store.add("t")
        with pytest.raises(TypeError, match="an int or a float, not str"):
            store.add("n", "1")  # type: ignore[arg-type]

    def test_loses_no_sum_among_threads(self, name: str) -> None:
        store = shared.Dict(name)

        def work(index: int) -> None:
            for turn in range(1000):
                store.add("all")
                store.add("mixed", 1 if turn % 2 else 1.0)
                store.update("list", lambda value: value + 1, 0)
                store[index] = list(range(turn % 50))
                assert store[index] == list(range(turn % 50))

        run_threads(work)
        assert (store["all"], store["mixed"], store["list"]) == (4000, 4000.0, 4000)

    def test_compares_and_sets(self, name: str) -> None:
        store = shared.Dict(name)
        assert store.compare_and_set("k", shared.MISSING, {"a": 1.0})
        assert not store.compare_and_set("k", shared.MISSING, 2)
        assert store.compare_and_set("k", {"a": 1}, 3)
        assert not store.compare_and_set("k", 4, 5)
        assert not store.compare_and_set("other", None, 5)
        assert store.items() == [("k", 3)]

    def test_update_starts_again_when_somebody_was_faster(self, name: str) -> None:
        store = shared.Dict(name)
        seen: list[int] = []

        def add_one(value: int) -> int:
            seen.append(value)
            if len(seen) == 1:
                store["k"] = 10
            return value + 1

        assert store.update("k", add_one, 0) == 11
        assert seen == [0, 10]

    def test_update_stores_nothing_when_the_function_fails(self, name: str) -> None:
        store = shared.Dict(name)
        with pytest.raises(ZeroDivisionError):
            store.update("k", lambda value: value / 0, 1)
        assert "k" not in store

    def test_drops_the_entry_used_longest_ago(self, name: str) -> None:
        cache = shared.Dict(name, max_items=2)
        cache["a"], cache["b"] = 1, 2
        assert cache["a"] == 1
        cache["c"] = 3
        assert sorted(cache) == ["a", "c"]
        assert cache.get("b") is None
        assert cache.stats() == {"hits": 1, "misses": 1, "evictions": 1, "expirations": 0}

    def test_forgets_what_has_expired(self, name: str) -> None:
        cache = shared.Dict(name, ttl_s=3600)
        cache["kept"] = 1
        cache.set("gone", 2, ttl_s=1e-9)
        cache.set("always", 3, ttl_s=math.inf)
        assert "gone" not in cache
        assert sorted(cache) == ["always", "kept"]
        assert cache.add("gone", 5) == 5
        assert cache.stats()["expirations"] == 1

    def test_a_sum_expires_when_it_did_before(self, name: str) -> None:
        limits = shared.Dict(name)
        limits.add("k", 1, ttl_s=1e-9)
        assert limits.add("k", 1, ttl_s=3600) == 1
        assert limits.add("k", 1, ttl_s=1e-9) == 2
        assert limits.add("k", 1) == 3

    @pytest.mark.parametrize("options", [{"max_items": 0}, {"max_items": -1}, {"ttl_s": 0}, {"ttl_s": math.nan}])
    def test_refuses_options_without_sense(self, name: str, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"at least 1|above 0"):
            shared.Dict(name, **options)

    def test_has_the_options_it_was_made_with(self, name: str) -> None:
        made = shared.Dict(name, max_items=5, ttl_s=1.5)
        with pytest.raises(ValueError, match="made with other options"):
            shared.Dict(name)
        made["k"] = 1
        copy = pickle.loads(pickle.dumps(made))
        assert (type(copy), copy["k"]) == (shared.Dict, 1)
        with pytest.raises(TypeError, match="unhashable"):
            hash(made)


def test_missing_stays_itself_through_pickle() -> None:
    assert pickle.loads(pickle.dumps(shared.MISSING)) is shared.MISSING


def run_script(source: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FILL = """
from fasterapi import shared
store = shared.Dict("d")
try:
    for turn in range(1000):
        store[turn] = bytes(20_000)
except MemoryError as error:
    print(error, 20 < turn < 60, len(store) == turn, store[0] == bytes(20_000))
store.clear()
store["again"] = bytes(20_000)
"""


def test_a_full_memory_says_which_bound_it_is() -> None:
    output = run_script(FILL, FASTERAPI_SHARED_MEMORY_MAX_BYTES="1 MiB")
    assert output == "shared memory is full: shared_memory_max_bytes is 1048576 True True True\n"


def test_importing_the_package_does_not_import_it() -> None:
    output = run_script(
        "import sys, fasterapi; print('fasterapi.shared' in sys.modules, fasterapi.shared.Counter('c').add())"
    )
    assert output == "False 1\n"


def test_importing_it_does_not_import_asyncio() -> None:
    assert run_script("import sys, fasterapi.shared; print('asyncio' in sys.modules)") == "False\n"


def test_its_examples_are_true() -> None:
    assert run_script("import doctest, fasterapi.shared; print(doctest.testmod(fasterapi.shared).failed)") == "0\n"


def test_usage_is_told() -> None:
    before = shared.memory_usage()
    shared.Dict("usage")["k"] = bytes(1_000_000)
    after = shared.memory_usage()
    assert after.used_bytes - before.used_bytes >= 1_000_000
    assert after.max_bytes == before.max_bytes >= 1 << 20
