from __future__ import annotations

import pytest

from fasterapi.datastructures import (
    URL,
    Address,
    Headers,
    MultiDict,
    MutableHeaders,
    QueryParams,
    Secret,
    State,
    URLPath,
    encode_header,
)


def test_url_splits_into_its_components() -> None:
    url = URL("https://user:pw@example.com:8443/a/b?q=1&q=2#top")
    assert (url.scheme, url.hostname, url.port, url.path) == ("https", "example.com", 8443, "/a/b")
    assert (url.username, url.password, url.query, url.fragment) == ("user", "pw", "q=1&q=2", "top")
    assert url.is_secure
    assert "pw" not in repr(url)
    assert url == "https://user:pw@example.com:8443/a/b?q=1&q=2#top"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"scheme": "https"}, "https://example.org:123/a?b=1"),
        ({"port": None}, "http://example.org/a?b=1"),
        ({"hostname": "example.com"}, "http://example.com:123/a?b=1"),
        ({"hostname": "::1"}, "http://[::1]:123/a?b=1"),
        ({"username": "me"}, "http://me@example.org:123/a?b=1"),
        ({"path": "/", "query": ""}, "http://example.org:123/"),
    ],
)
def test_url_replace(parts: dict[str, object], expected: str) -> None:
    assert str(URL("http://example.org:123/a?b=1").replace(**parts)) == expected


def test_url_query_editing() -> None:
    url = URL("/a?x=1&y=2&x=3")
    assert str(url.include_query_params(y=9, z="ä")) == "/a?x=1&x=3&y=9&z=%C3%A4"
    assert str(url.replace_query_params(k="v")) == "/a?k=v"
    assert str(url.remove_query_params("x")) == "/a?y=2"
    assert str(url.remove_query_params(["x", "y"])) == "/a"


def test_url_from_components() -> None:
    assert str(URL(scheme="http", hostname="h", port=1, path="/p")) == "http://h:1/p"
    with pytest.raises(ValueError, match="either"):
        URL("/a", path="/b")


def test_url_path_is_made_absolute_under_the_base() -> None:
    assert str(URLPath("/a").make_absolute_url("http://h/root/")) == "http://h/root/a"
    assert URLPath("//evil.example/x") == "/%2Fevil.example/x"


def test_headers_ignore_case_and_keep_order() -> None:
    headers = Headers(raw=[(b"a", b"1"), (b"b", b"2"), (b"a", b"3")])
    assert headers["A"] == "1"
    assert headers.getlist("a") == ["1", "3"]
    assert headers.keys() == ["a", "b", "a"]
    assert "B" in headers
    assert "c" not in headers
    assert headers.get("c", "none") == "none"
    with pytest.raises(KeyError):
        headers["c"]
    assert Headers({"X-Y": "z"}).raw == [(b"x-y", b"z")]


def test_mutable_headers_replace_the_first_and_drop_the_rest() -> None:
    headers = MutableHeaders(raw=[(b"a", b"1"), (b"b", b"2"), (b"a", b"3")])
    headers["A"] = "9"
    assert headers.raw == [(b"a", b"9"), (b"b", b"2")]
    headers.append("a", "10")
    del headers["a"]
    assert headers.raw == [(b"b", b"2")]
    assert headers.setdefault("c", "3") == "3"
    headers |= {"d": "4"}
    assert (headers | {"e": "5"}).keys() == ["b", "c", "d", "e"]
    assert headers.keys() == ["b", "c", "d"]
    headers.add_vary_header("Accept")
    headers.add_vary_header("Cookie")
    assert headers["vary"] == "Accept, Cookie"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä", "a\0"])
def test_a_header_name_is_a_token(name: str) -> None:
    with pytest.raises(ValueError, match="not a header name"):
        encode_header(name, "x")


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "a\nb", "a\rb", "a\0b", "snow ☃"])
def test_a_header_value_has_no_line_break_nul_or_wide_character(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - two different messages
        encode_header("x", value)
    with pytest.raises(ValueError):  # noqa: PT011
        MutableHeaders()["x"] = value


def test_query_params_from_text_bytes_pairs_and_mapping() -> None:
    params = QueryParams(b"a=1&b=&a=x%20y+z")
    assert params["a"] == "x y z"
    assert params.getlist("a") == ["1", "x y z"]
    assert params["b"] == ""
    assert params.multi_items() == [("a", "1"), ("b", ""), ("a", "x y z")]
    assert str(params) == "a=1&b=&a=x+y+z"
    assert QueryParams({"a": "1"}) == QueryParams([("a", "1")])


def test_multi_dict_changes_keep_both_views_alike() -> None:
    items: MultiDict[str, str] = MultiDict([("a", "1"), ("a", "2"), ("b", "3")])
    items["b"] = "4"
    items.append("c", "5")
    assert items.multi_items() == [("a", "1"), ("a", "2"), ("b", "4"), ("c", "5")]
    assert items.poplist("a") == ["1", "2"]
    assert items.pop("zz", None) is None
    items.update({"b": "6"})
    assert dict(items) == {"c": "5", "b": "6"}
    assert items.setdefault("c") == "5"
    del items["c"]
    assert items.popitem() == ("b", "6")
    assert len(items) == 0


def test_state_is_attributes_and_items() -> None:
    state = State()
    state.count = 1
    assert state["count"] == 1
    state["other"] = 2
    assert state.other == 2
    assert sorted(state) == ["count", "other"]
    del state.count
    with pytest.raises(AttributeError, match="count"):
        _ = state.count


def test_secret_hides_itself() -> None:
    assert "pw" not in repr(Secret("pw"))
    assert str(Secret("pw")) == "pw"
    assert not Secret("")


def test_address_is_a_pair() -> None:
    assert Address("h", 1) == ("h", 1)
