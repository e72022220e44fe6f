"""What these classes share with Starlette's must mean the same: both are given the same input and compared."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
import starlette.datastructures as their_data
import starlette.responses as their_responses
from hypothesis import given
from hypothesis import strategies as st

from fasterapi import datastructures as our_data
from fasterapi import responses as our_responses

_CONTENTS = [None, b"", b"\0\xff", "", "text ä☃", bytearray(b"ab")]
_HEADERS: list[dict[str, str] | None] = [
    None,
    {},
    {"X-Upper": "Value"},
    {"content-type": "application/x"},
    {"Content-Length": "7", "ETag": '"1"'},
]
_STATUSES = [200, 201, 204, 304, 404, 500]
_CLASSES = ["Response", "PlainTextResponse", "HTMLResponse"]


@pytest.mark.parametrize("name", _CLASSES)
def test_a_response_has_the_same_bytes_and_headers(name: str) -> None:
    media_types = [None, "text/csv", "text/x; charset=ascii", "image/png"]
    for content, headers, status, media_type in itertools.product(_CONTENTS, _HEADERS, _STATUSES, media_types):
        if isinstance(content, bytearray):
            # Starlette takes a bytearray only as a view.
            ours = getattr(our_responses, name)(content, status, headers, media_type)
            theirs = getattr(their_responses, name)(memoryview(content), status, headers, media_type)
        else:
            ours = getattr(our_responses, name)(content, status, headers, media_type)
            theirs = getattr(their_responses, name)(content, status, headers, media_type)
        assert (ours.status_code, ours.body, ours.raw_headers) == (
            theirs.status_code,
            bytes(theirs.body),
            theirs.raw_headers,
        )


@pytest.mark.parametrize("url", ["/", "/a b?q=ä&r=%20#f", "https://u:p@h:1/x;y?z=[1]", "//h/p", ""])
def test_a_redirect_points_to_the_same_place(url: str) -> None:
    ours, theirs = our_responses.RedirectResponse(url), their_responses.RedirectResponse(url)
    assert (ours.status_code, ours.raw_headers) == (theirs.status_code, theirs.raw_headers)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"value": 'quote " and ; and ä'},
        {"max_age": 0, "path": None},
        {"expires": datetime(2030, 1, 1, tzinfo=UTC), "domain": "example.com"},
        {"expires": "Wed, 01 Jan 2031 00:00:00 GMT"},
        {"secure": True, "httponly": True, "samesite": "strict"},
        {"samesite": None},
    ],
)
def test_a_cookie_is_written_the_same(arguments: dict[str, Any]) -> None:
    ours, theirs = our_responses.Response(), their_responses.Response()
    ours.set_cookie("key", **arguments)
    theirs.set_cookie("key", **arguments)
    assert ours.raw_headers == theirs.raw_headers


_URLS = [
    "http://user:pw@example.org:123/p/a?x=1&y=&x=2#f",
    "https://example.org",
    "http://[::1]:8000/a",
    "/only/path?q",
    "",
]


@pytest.mark.parametrize("url", _URLS)
def test_a_url_is_split_and_changed_the_same(url: str) -> None:
    ours, theirs = our_data.URL(url), their_data.URL(url)
    parts = ["scheme", "netloc", "path", "query", "fragment", "username", "password", "hostname", "port", "is_secure"]
    assert [getattr(ours, part) for part in parts] == [getattr(theirs, part) for part in parts]
    changes: list[dict[str, Any]] = [{"scheme": "wss"}, {"path": "/new"}, {"query": "a=b"}, {"fragment": ""}]
    if ours.hostname:
        changes += [{"port": 9}, {"port": None}, {"hostname": "h"}, {"username": "u"}, {"password": "x"}]
    for change in changes:
        assert str(ours.replace(**change)) == str(theirs.replace(**change))
    assert str(ours.include_query_params(x=5, n="ä")) == str(theirs.include_query_params(x=5, n="ä"))
    assert str(ours.replace_query_params(k=1)) == str(theirs.replace_query_params(k=1))
    assert str(ours.remove_query_params(["x"])) == str(theirs.remove_query_params(["x"]))
    assert repr(ours) == repr(theirs)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3)), max_size=6))
def test_multi_dicts_agree(pairs: list[tuple[str, str]]) -> None:
    ours, theirs = our_data.MultiDict(pairs), their_data.MultiDict(pairs)
    steps: list[tuple[str, tuple[Any, ...]]] = [
        ("append", ("a", "z")),
        ("setlist", ("b", ["1", "2"])),
        ("poplist", ("c",)),
        ("setdefault", ("c", "d")),
        ("update", ({"a": "only"},)),
        ("pop", ("b", None)),
    ]
    for method, arguments in steps:
        assert getattr(ours, method)(*arguments) == getattr(theirs, method)(*arguments)
        assert ours.multi_items() == theirs.multi_items()
        assert dict(ours) == dict(theirs)


@given(st.text(alphabet="ab=&%+2Cä;", max_size=12))
def test_query_strings_agree(query: str) -> None:
    ours, theirs = our_data.QueryParams(query), their_data.QueryParams(query)
    assert ours.multi_items() == theirs.multi_items()
    assert str(ours) == str(theirs)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "set-cookie"]), st.sampled_from(["1", "2", "ä"])), max_size=6))
def test_headers_agree(fields: list[tuple[str, str]]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    ours, theirs = our_data.MutableHeaders(raw=list(raw)), their_data.MutableHeaders(raw=list(raw))
    for headers in (ours, theirs):
        headers["A"] = "new"
        headers.append("b", "more")
        headers.setdefault("C", "default")
        headers.update({"Set-Cookie": "one"})
        headers.add_vary_header("Origin")
        del headers["c"]
    assert ours.raw == theirs.raw
    assert ours.items() == theirs.items()
    assert ours.getlist("B") == theirs.getlist("B")
    assert repr(ours) == repr(theirs)
