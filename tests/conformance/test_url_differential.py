"""Queries, cookies and paths are decoded as Python's standard library and Starlette decode them."""

from __future__ import annotations

import random
from urllib.parse import parse_qsl, unquote

from starlette.requests import cookie_parser

from tests.conformance.parse_program import parse_all

SEED = 20260705
COUNT = 20_000

QUERY_PIECES = (
    *("&", "=", "+", "%", ";", "a", "b", "0", "?", "/", "%2", "%41", "%zz", "%00", "%2B", "%26", "%3d", "%25"),
    *("%C3%A9", "%ff", "%c0%ae", "%ed%a0%80", "%f0%9f%98%80", "%f0%9f", "%E2%82", "%80"),
)
COOKIE_PIECES = (
    *(";", "; ", "=", '"', "\\", '\\"', "\\054", "\\377", "\\400", "\\18", " ", "\t", "a", "b", "name", "%41", ","),
    *("\xa0", "\x85", "\xe9", "\xff", "$Path"),
)


def texts(pieces: tuple[str, ...], encoding: str) -> list[bytes]:
    source = random.Random(SEED)
    return ["".join(source.choices(pieces, k=source.randint(0, 12))).encode(encoding) for _ in range(COUNT)]


def test_queries_are_parsed_as_by_parse_qsl() -> None:
    queries = texts(QUERY_PIECES, "ascii")
    for query, pairs in zip(queries, parse_all("query", queries), strict=True):
        assert [tuple(pair) for pair in pairs] == parse_qsl(query.decode(), keep_blank_values=True), query


def test_paths_are_decoded_as_by_unquote() -> None:
    paths = texts(QUERY_PIECES, "ascii")
    for path, decoded in zip(paths, parse_all("path", paths), strict=True):
        assert decoded == unquote(path.decode()), path


def test_cookies_are_parsed_as_by_starlette() -> None:
    values = texts(COOKIE_PIECES, "latin-1")
    for value, pairs in zip(values, parse_all("cookies", values), strict=True):
        assert dict(pairs) == cookie_parser(value.decode("latin-1")), value
