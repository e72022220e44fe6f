"""The JSON reader against Python's json module: same values, same refusals, in the same words and places."""

from __future__ import annotations

import json
import math
import random
from typing import Annotated, Any

import pytest

from fasterapi import Body, _engine
from fasterapi._signature import compile_plan

JSON = [(b"content-type", b"application/json")]

TEXTS = [
    "0", "-0", "-0.0", "1", "-1", "1.5", "1e5", "1E+2", "1e-2", "1e400", "-1e400", "1e-400", "9223372036854775807",
    "9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775808",
    "-9223372036854775809", "123456789012345678901234567890", "0.1", "1e22", "1e23", "5e-324",
    "2.2250738585072014e-308", "NaN", "Infinity", "-Infinity", "[NaN, Infinity]", "null", "true", "false", '""',
    '"a"', '"\\u00e9"', '"é"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\ude00\\ud83d"', '"\\ud800x"', '"\\ud800\\u0041"',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t"', "[]", "[1]", "[1,2, 3 ]", "{}", '{"a":1}', '{"a":1,"a":2}', '{"a":1,"b":2,"a":3}',
    '{"a":{"b":[1,{"c":null}]}}', " \n\t\r1 ", "[[[[]]]]", "", " ", "nul", "tru", "falsey", "nan", "-", "-a", "+1",
    "01", "1.", ".5", "1e", "1.5.5", "--1", "Inf", "-Inf", "N", "I", '"', '"a', '"\\', '"\\x"', '"\\u12"',
    '"\\u12g4"', '"\\ud800\\u12"', '"\\ud800\\u12g4 "', '"a\nb"', '"\x00"', "'a'", "[", "[1", "[1,", "[1,]", "[1 2]",
    "[,]", "[1,,2]", "]", "{", "{}}", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "{a:1}", '{"a" 1}',
    '{"a":1 "b":2}', "{1:2}", "{,}", '{"a":}', "1 2", "[1]x", '{"a":tru}', "é", '["é", é]', '{"é":1,}', "\ufeff1",
    "[1,\n2,\n]",
]  # fmt: skip


def handler(value: Annotated[Any, Body()]) -> None: ...


PLAN = _engine.Plan(compile_plan(handler, "/"))


def read(text: bytes) -> Any:
    """What the engine makes of a JSON body: ("ok", value), ("invalid", message, position) or ("unreadable",)."""
    result = PLAN.validate(path={}, query=b"", headers=JSON, body=text)
    if isinstance(result, tuple):
        return "ok", result[0][0]
    detail = json.loads(result)["detail"]
    if isinstance(detail, str):
        return ("unreadable",)
    if detail[0]["type"] == "missing":
        return "invalid", "Expecting value", 0
    assert detail[0]["type"] == "json_invalid"
    assert detail[0]["msg"] == "JSON decode error"
    assert detail[0]["input"] == {}
    return "invalid", detail[0]["ctx"]["error"], detail[0]["loc"][1]


def expected(text: bytes) -> Any:
    try:
        return "ok", json.loads(text)
    except json.JSONDecodeError as error:
        return "invalid", error.msg, error.pos
    except (ValueError, RecursionError):
        return ("unreadable",)


def same(left: Any, right: Any) -> bool:
    """Equality that knows NaN, and tells 1 from 1.0 and 0.0 from -0.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return (math.isnan(left) and math.isnan(right)) or (
            left == right and math.copysign(1, left) == math.copysign(1, right)
        )
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(map(same, left.values(), right.values()))
    return bool(left == right)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_reads_as_the_json_module(text: str, encoding: str) -> None:
    body = text.encode(encoding)
    assert same(read(body), expected(body)), (read(body), expected(body))


@pytest.mark.parametrize(
    "body",
    [
        b'"\xff"', b'"\xc3"', b"\xff", b'"\xed\xa0\x80"', b'{"\xed\xa0\x80": 1}', b'"\xf4\x90\x80\x80"', b'"\xc0\xaf"',
        b"\x00", b"1\x00", b"\x001", b"\x00\x00\x001", b"1\x00\x00\x00", b"1\x00\x00", b"\xfe\xff\x001\x00",
        b"9" * 4300, b"9" * 4301, b"-" + b"9" * 4300, b"[" + b"1" * 4301 + b"]", b"1" * 400 + b".5", b"1" * 400,
    ],
)  # fmt: skip
def test_reads_odd_bytes_as_the_json_module(body: bytes) -> None:
    assert same(read(body), expected(body)), (read(body), expected(body))


def test_nesting_is_bounded() -> None:
    assert read(b"[" * 128 + b"]" * 128)[0] == "ok"
    assert read(b"[" * 129 + b"]" * 129) == ("unreadable",)
    assert read(b'{"a":' * 128 + b"NaN" + b"}" * 128)[0] == "ok"
    assert read(b'{"a":' * 129 + b"NaN" + b"}" * 129) == ("unreadable",)
    assert read(b"[" * 1_000_000) == ("unreadable",)


def test_many_repeated_keys_are_read_in_time() -> None:
    body = b"{" + b",".join(b'"k%d":%d' % (number % 5000, number) for number in range(100_000)) + b"}"
    assert same(read(body), expected(body))


def test_mutated_texts_are_read_as_the_json_module() -> None:
    chosen = random.Random(20261121)
    seeds = [text.encode() for text in TEXTS]
    alphabet = b'{}[]",:0123456789.eE+-\\/bfnrtu \n\tNaInfty\xc3\xa9\xed\xa0\x80\x00'
    for _ in range(20_000):
        body = bytearray(chosen.choice(seeds) + chosen.choice([b"", b"", b" "]) + chosen.choice(seeds))
        for _ in range(chosen.randrange(4)):
            if not body:
                break
            at = chosen.randrange(len(body))
            match chosen.randrange(3):
                case 0:
                    del body[at]
                case 1:
                    body[at] = chosen.choice(alphabet)
                case _:
                    body.insert(at, chosen.choice(alphabet))
        text = bytes(body)
        assert same(read(text), expected(text)), (text, read(text), expected(text))
