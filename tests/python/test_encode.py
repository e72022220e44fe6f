"""The engine's JSON encoder against json.dumps and against FastAPI's rules, as fasterapi.encoders states them."""

import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import functools
import gc
import ipaddress
import json
import os
import pathlib
import re
import sys
import threading
import uuid
import weakref
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasterapi._engine import encode_json
from fasterapi._trial import is_free_threaded
from fasterapi.encoders import jsonable_encoder


def dumps(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


class Colour(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    YES = "yes"


class Point(NamedTuple):
    x: int
    y: int


class Text(str):
    pass


class Whole(int):
    pass


class Real(float):
    pass


@dataclasses.dataclass
class Item:
    name: str
    tags: list[str]
    kind: ClassVar[str] = "item"
    only_init: dataclasses.InitVar[int] = 0
    inner: "Item | None" = None


@dataclasses.dataclass(slots=True)
class Slotted:
    a: int
    _sa_state: int = 1


class Thing:
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Pairs:
    def keys(self) -> list[str]:
        return ["a", "b"]

    def __getitem__(self, key: str) -> str:
        return key * 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=6),
    max_leaves=40,
)


@given(json_values)
def test_plain_data_is_encoded_as_json_dumps_does(value: Any) -> None:
    plain = jsonable_encoder(value)
    assert encode_json(value) == dumps(plain)
    assert json.loads(encode_json(value)) == plain


@given(st.text())
def test_text_reads_back(value: str) -> None:
    assert encode_json(value) == dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=500)
def test_floats_are_spelled_as_repr(value: float) -> None:
    assert encode_json(value) == repr(value).encode()


rich_scalars = (
    st.dates()
    | st.datetimes(timezones=st.none() | st.timezones() | st.just(datetime.UTC))
    | st.times(timezones=st.none() | st.just(datetime.UTC))
    | st.timedeltas()
    | st.uuids()
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=3)
    | st.ip_addresses()
    | st.sampled_from([*Colour, *Level, *Word])
    | st.text().map(str.encode)
    | st.text().map(Text)
    | st.integers().map(Whole)
    | st.floats(allow_nan=False, allow_infinity=False).map(Real)
    | st.builds(pathlib.PurePosixPath, st.text(alphabet="abc/é"))
    | st.just(re.compile("a+"))
)
keys = st.text() | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False)
rich_values = st.recursive(
    rich_scalars | st.text() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.lists(inner, max_size=5).map(collections.deque)
        | st.dictionaries(keys, inner, max_size=5)
        | st.dictionaries(st.uuids() | st.dates() | st.ip_addresses(), inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=5).map(collections.OrderedDict)
        | st.dictionaries(st.text(alphabet="abc", min_size=1), inner, max_size=5).map(lambda pairs: Thing(**pairs))
        | st.builds(Item, st.text(), st.lists(st.text(), max_size=3))
        | st.tuples(inner, inner).map(lambda pair: Point(*pair))
    ),
    max_leaves=20,
)


@given(rich_values)
@settings(max_examples=400, deadline=None)
def test_rich_values_follow_jsonable_encoder(value: Any) -> None:
    assert encode_json(value) == dumps(jsonable_encoder(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"message": "Hello, World!"}, b'{"message":"Hello, World!"}'),
        ({}, b"{}"),
        ([], b"[]"),
        ((), b"[]"),
        (None, b"null"),
        (True, b"true"),
        (2**63 - 1, b"9223372036854775807"),
        (-(2**63), b"-9223372036854775808"),
        (2**64, b"18446744073709551616"),
        (10**100, b"1" + b"0" * 100),
        (1e16, b"1e+16"),
        (-0.0, b"-0.0"),
        ('\x00\x1f"\\\b\f\n\r\t\x7f/', b'"\\u0000\\u001f\\"\\\\\\b\\f\\n\\r\\t\x7f/"'),
        ("é€🐎", '"é€🐎"'.encode()),
        (Colour.PAIR, b"[1,2]"),
        ({Colour.RED: Level.LOW, Level.LOW: Word.YES}, b'{"red":1,"1":"yes"}'),
        ({1: 1, 1.5: 2, False: 3, None: 4}, b'{"1":1,"1.5":2,"false":3,"null":4}'),
        ({b"key": b"value"}, b'{"key":"value"}'),
        ({uuid.UUID(int=1): uuid.UUID(int=2**128 - 1)}, None),
        ({datetime.timedelta(seconds=1): 0, decimal.Decimal("2"): 1}, b'{"1.0":0,"2":1}'),
        (decimal.Decimal("1.50"), b"1.5"),
        (decimal.Decimal("1E+3"), b"1000"),
        (datetime.datetime(2024, 2, 29, 1, 2, 3), b'"2024-02-29T01:02:03"'),
        (datetime.datetime(2024, 2, 29, 1, 2, 3, 45, datetime.UTC), b'"2024-02-29T01:02:03.000045+00:00"'),
        (datetime.date(1, 2, 3), b'"0001-02-03"'),
        (datetime.time(23, 59), b'"23:59:00"'),
        (datetime.timedelta(days=1, microseconds=5), b"86400.000005"),
        (Item("a", ["b"], inner=Item("c", [])), None),
        (Slotted(1), b'{"a":1}'),
        (Point(1, 2), b"[1,2]"),
        (Thing(a=1, _sa_instance_state=object()), b'{"a":1}'),
        (Pairs(), b'{"a":"aa","b":"bb"}'),
        ({"_sa": 1, "_s": 2, "_SA": 3}, b'{"_s":2,"_SA":3}'),
        ({3}, b"[3]"),
        (frozenset({"a"}), b'["a"]'),
        (collections.Counter("aab"), b'{"a":2,"b":1}'),
        (pathlib.PurePosixPath("/a/b"), b'"/a/b"'),
        (pathlib.PureWindowsPath("c:\\a"), b'"c:\\\\a"'),
        (ipaddress.ip_network("10.0.0.0/8"), b'"10.0.0.0/8"'),
        (ipaddress.ip_interface("::1/64"), b'"::1/64"'),
        (re.compile("^a$"), b'"^a$"'),
    ],
    ids=repr,
)
def test_value(value: Any, expected: bytes | None) -> None:
    assert encode_json(value) == dumps(jsonable_encoder(value))
    if expected is not None:
        assert encode_json(value) == expected


def test_the_order_of_a_dict_subclass_is_its_own() -> None:
    ordered = collections.OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    assert encode_json(ordered) == b'{"b":2,"a":1}'


def test_an_overridden_iterator_or_items_is_used() -> None:
    class Doubled(list[int]):
        def __iter__(self) -> Any:
            return (2 * item for item in list.__iter__(self))

    class Shouting(dict[str, int]):
        def items(self) -> Any:
            return [(key.upper(), value) for key, value in dict.items(self)]

    assert encode_json([Doubled([1, 2]), Shouting(a=1)]) == b'[[2,4],{"A":1}]'


def test_generators_and_views_of_a_dict() -> None:
    assert encode_json(item for item in "ab") == b'["a","b"]'
    assert encode_json({"a": (item for item in range(2))}) == b'{"a":[0,1]}'


def test_pydantic_models_dump_themselves() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):
        at: datetime.datetime
        secret: pydantic.SecretStr
        url: pydantic.AnyUrl
        long_name: int = pydantic.Field(alias="longName")

    class Root(pydantic.RootModel[list[int]]):
        pass

    model = Model(at=datetime.datetime(2024, 1, 1), secret="s", url="http://a.example/b", longName=1)
    value = {"model": model, "root": Root([1, 2]), "secret": model.secret, "url": model.url}
    assert encode_json(value) == dumps(jsonable_encoder(value))
    assert b'"longName":1' in encode_json(model)
    assert b'"secret":"**********"' in encode_json(model)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (object(), TypeError, "result: cannot encode object of type 'object' as JSON"),
        (
            {"items": [1, 2, 3, Thing(a=[{"é\n": 1j}])]},
            TypeError,
            r'result["items"][3]["a"][0]["é\n"]: cannot encode object of type \'complex\' as JSON'.replace("\\'", "'"),
        ),
        (
            Item("a", [print]),
            TypeError,
            "result.tags[0]: cannot encode object of type 'builtin_function_or_method' as JSON",
        ),
        ({"a": {(1, 2): 3}}, TypeError, "result[\"a\"][<tuple>]: cannot encode a key of type 'tuple' as JSON"),
        ([Item], TypeError, "result[0]: cannot encode object of type 'type' as JSON"),
        ([lambda: 1], TypeError, "result[0]: cannot encode object of type 'function' as JSON"),
        (json, TypeError, "result: cannot encode object of type 'module' as JSON"),
        (bytearray(b"ab"), TypeError, "result: cannot encode object of type 'bytearray' as JSON"),
        ({"x": [float("nan")]}, ValueError, 'Out of range float values are not JSON compliant: result["x"][0] is nan'),
        (float("-inf"), ValueError, "Out of range float values are not JSON compliant: result is -inf"),
        ({7: decimal.Decimal("NaN")}, ValueError, "Out of range float values are not JSON compliant: result[7] is nan"),
        ({float("inf"): 1}, ValueError, "Out of range float values are not JSON compliant: result[<float>] is inf"),
    ],
    ids=lambda part: type(part).__name__,
)
def test_what_cannot_be_encoded_is_named_with_its_place(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        encode_json(value)
    assert str(caught.value) == message


def test_a_forgotten_await_is_pointed_out() -> None:
    async def answer() -> int:
        return 1

    coroutine = answer()
    with pytest.raises(TypeError, match="is an await missing"):
        encode_json({"a": coroutine})
    coroutine.close()


@pytest.mark.parametrize("value", ["\ud800", ["a\udfffb"], {"a": "é日\udc00"}, {"\ud800": 1}, "🐎\ud800"])
def test_lone_surrogates_are_refused(value: Any) -> None:
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        encode_json(value)


def test_bytes_must_be_utf8() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        encode_json({"raw": b"\xff"})
    assert caught.value.__notes__ == ['while encoding result["raw"] as JSON']


def test_an_exception_of_the_value_keeps_its_type_and_says_where() -> None:
    class Broken(datetime.tzinfo):
        def utcoffset(self, _: Any) -> Any:
            raise LookupError("no such zone")

    with pytest.raises(LookupError, match="no such zone") as caught:
        encode_json({"at": [datetime.datetime(2024, 1, 1, tzinfo=Broken())]})
    assert caught.value.__notes__ == ['while encoding result["at"][0] as JSON']


def test_only_exceptions_of_dict_lead_to_the_attributes() -> None:
    class Interrupted:
        def __iter__(self) -> Any:
            raise KeyboardInterrupt

    class Unusable:
        def __iter__(self) -> Any:
            raise RuntimeError

    with pytest.raises(KeyboardInterrupt):
        encode_json(Interrupted())
    assert encode_json(Unusable()) == b"{}"


def nest(kind: str, depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"list": [value], "tuple": (value,), "dict": {"a": value}, "object": Thing(a=value)}[kind]
    return value


@pytest.mark.parametrize("kind", ["list", "tuple", "dict", "object"])
def test_nesting_is_bounded(kind: str) -> None:
    encode_json(nest(kind, 450))
    for depth in (1_500, 20_000):
        value = nest(kind, depth)
        with pytest.raises(RecursionError, match="nested too deep for JSON, or contains itself") as caught:
            encode_json(value)
        assert len(str(caught.value)) < 500


@pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""), reason="instrumented frames are several times larger"
)
def test_nesting_is_bounded_on_a_small_stack() -> None:
    outcomes: list[str] = []

    def attempt() -> None:
        for kind in ("list", "dict", "object"):
            with pytest.raises(RecursionError):
                encode_json(nest(kind, 1_500))
            outcomes.append(kind)

    before = threading.stack_size(1 << 20)
    try:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join(30)
    finally:
        threading.stack_size(before)
    assert outcomes == ["list", "dict", "object"]


def test_values_that_contain_themselves() -> None:
    loop: list[Any] = []
    loop.append({"again": (loop,)})
    thing = Thing()
    thing.me = thing
    endless = enum.Enum("endless", {"A": loop})
    for value in (loop, thing, endless.A):
        with pytest.raises(RecursionError):
            encode_json(value)


class Meddler:
    """An object whose encoding runs a function."""

    def __init__(self, meddle: Any) -> None:
        self._meddle = meddle

    def keys(self) -> list[str]:
        self._meddle()
        return []

    def __getitem__(self, key: str) -> None:
        raise KeyError(key)


def test_a_list_that_shrinks_meanwhile() -> None:
    items: list[Any] = []
    items += [Meddler(items.clear), *(f"text {i}" for i in range(100))]
    assert encode_json(items) == b"[{}]"


def test_a_list_that_grows_meanwhile() -> None:
    items: list[Any] = []
    items.append(Meddler(lambda: items.extend([1, 2])))
    assert encode_json(items) == b"[{},1,2]"


def test_a_list_whose_entries_are_replaced_meanwhile() -> None:
    items: list[Any] = []

    def replace() -> None:
        items[:] = [str(i) for i in range(3)]
        gc.collect()

    items += [Meddler(replace), object(), object()]
    assert encode_json(items) == b'[{},"1","2"]'


def test_a_dict_that_changes_its_size_meanwhile() -> None:
    for meddle in (dict.clear, lambda table: table.update(new=1)):
        table: dict[str, Any] = {}
        table.update(a=Meddler(functools.partial(meddle, table)), b=2)
        with pytest.raises(RuntimeError, match="changed size"):
            encode_json({"table": table})


def test_a_dict_whose_entries_are_replaced_meanwhile() -> None:
    table: dict[str, Any] = {}

    def replace() -> None:
        for key in list(table):
            table[key] = key * 50
        gc.collect()

    table.update(a=Meddler(replace), b=object(), c=[object()])
    assert json.loads(encode_json(table)) == {"a": {}, "b": "b" * 50, "c": "c" * 50}


def test_an_attribute_table_that_changes_meanwhile() -> None:
    thing = Thing()
    thing.first = Meddler(lambda: vars(thing).clear())
    thing.second = 2
    with pytest.raises(RuntimeError, match="changed size"):
        encode_json(thing)


def test_a_set_that_changes_meanwhile() -> None:
    class Hashable(Meddler):
        __hash__ = object.__hash__

    items: set[Any] = set()
    items.update({Hashable(lambda: items.add(object()))})
    with pytest.raises(RuntimeError, match="changed size"):
        encode_json(items)


def leak_samples() -> list[Any]:
    return [
        {"text": "plain", "wide": "日本", "number": 2**80, "float": 1.5, "list": [1, [2]], 5: (1, 2), None: {1, 2}},
        Item("a", ["b"], inner=Item("c", [])),
        [Colour.RED, uuid.UUID(int=7), datetime.datetime(2024, 1, 1), decimal.Decimal("1.5"), b"bytes"],
        {Colour.RED: 1, uuid.UUID(int=7): 2},
        Thing(a=Thing(b=1)),
        Pairs(),
        object(),
        {"deep": [{"er": object()}]},
        {(1,): 1},
        [float("nan")],
        ["\ud800"],
        nest("list", 1_200),
    ]


def test_nothing_leaks() -> None:
    samples = leak_samples()

    def rounds(count: int) -> None:
        for _ in range(count):
            for value in samples:
                with contextlib.suppress(TypeError, ValueError, RecursionError):
                    encode_json(value)

    def growth() -> int:
        gc.collect()
        before = sys.getallocatedblocks()
        rounds(1_000)
        gc.collect()
        return sys.getallocatedblocks() - before

    rounds(100)
    # A leak grows every time; what the rest of the process happens to keep does not.
    assert min(growth() for _ in range(3)) < 500


def test_reference_counts_are_as_before() -> None:
    key, value = "key" * 3, ["value"]
    table = {key: value, "items": [value], "pair": (value,), "object": Thing(value=value)}
    counts = [sys.getrefcount(thing) for thing in (key, value, table)]
    for _ in range(10):
        encode_json(table)
    assert [sys.getrefcount(thing) for thing in (key, value, table)] == counts


@pytest.mark.skipif(
    is_free_threaded() and sys.version_info < (3, 14), reason="this Python keeps every class once it has threads"
)
def test_classes_do_not_pile_up() -> None:
    alive = []
    for i in range(2_000):
        cls = dataclasses.make_dataclass(f"Row{i}", ["a"])
        assert encode_json(cls(1)) == b'{"a":1}'
        alive.append(weakref.ref(cls))
    del cls
    gc.collect()
    assert sum(reference() is not None for reference in alive) <= 256


def test_threads_share_the_encoder() -> None:
    classes = [dataclasses.make_dataclass(f"Shared{i}", ["a", "b"]) for i in range(600)]
    failures: list[BaseException] = []

    def run(offset: int) -> None:
        try:
            for i in range(3_000):
                value = classes[(offset + i) % len(classes)](i, [i])
                assert encode_json(value) == b'{"a":%d,"b":[%d]}' % (i, i)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(i * 31,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
