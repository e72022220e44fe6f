from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fasterapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response


def test_text_has_length_and_type_with_charset() -> None:
    response = PlainTextResponse("hellö")
    assert response.body == b"hell\xc3\xb6"
    assert response.status_code == 200
    assert response.raw_headers == [(b"content-length", b"6"), (b"content-type", b"text/plain; charset=utf-8")]


def test_given_headers_come_first_and_are_not_doubled() -> None:
    response = HTMLResponse("x", headers={"X-A": "b", "Content-Type": "text/html; charset=ascii"})
    assert response.raw_headers == [
        (b"x-a", b"b"),
        (b"content-type", b"text/html; charset=ascii"),
        (b"content-length", b"1"),
    ]


def test_json_is_compact_and_has_no_charset() -> None:
    response = JSONResponse({"a": [1, "ä"]}, status_code=201)
    assert response.body == '{"a":[1,"ä"]}'.encode()
    assert response.headers["content-type"] == "application/json"
    assert response.status_code == 201


def test_bytes_text_none_and_views_as_content() -> None:
    assert Response(b"\0").body == b"\0"
    assert Response(memoryview(b"ab")).body == b"ab"
    assert Response(bytearray(b"ab")).body == b"ab"
    assert Response().body == b""
    assert Response("x", media_type="application/xml").headers["content-type"] == "application/xml"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_has_no_length(status: int) -> None:
    assert Response(status_code=status).raw_headers == []


@pytest.mark.parametrize("status", [0, 100, 199, 600])
def test_a_status_that_is_not_final_is_refused(status: int) -> None:
    with pytest.raises(ValueError, match="not the status"):
        Response(status_code=status)


@pytest.mark.parametrize("headers", [{"a": "b\r\nc: d"}, {"a\n": "b"}, {"a": "b\0"}])
def test_a_header_cannot_break_out(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - two different messages
        PlainTextResponse("x", headers=headers)


def test_a_media_type_cannot_break_out() -> None:
    with pytest.raises(ValueError, match="line break"):
        Response("x", media_type="text/plain\r\nx: y")


def test_headers_are_live() -> None:
    response = PlainTextResponse("x")
    response.headers["etag"] = '"1"'
    response.headers["content-type"] = "text/markdown"
    assert response.raw_headers == [
        (b"content-length", b"1"),
        (b"content-type", b"text/markdown"),
        (b"etag", b'"1"'),
    ]
    assert PlainTextResponse("y").headers["content-type"] == "text/plain; charset=utf-8"


def test_a_subclass_chooses_type_and_encoding() -> None:
    class Latin(PlainTextResponse):
        charset = "latin-1"

    assert Latin("ä").body == b"\xe4"
    assert Latin("ä").headers["content-type"] == "text/plain; charset=latin-1"


def test_redirect_quotes_its_target() -> None:
    response = RedirectResponse("/a b?c=d#é", status_code=303)
    assert response.status_code == 303
    assert response.headers["location"] == "/a%20b?c=d#%C3%A9"
    assert RedirectResponse("/").status_code == 307


def test_cookie_with_every_attribute() -> None:
    response = Response()
    response.set_cookie(
        "id",
        "a b",
        max_age=60,
        expires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
        path="/p",
        domain="example.com",
        secure=True,
        httponly=True,
        samesite="none",
        partitioned=True,
    )
    assert response.headers["set-cookie"] == (
        'id="a b"; Domain=example.com; expires=Wed, 02 Jan 2030 03:04:05 GMT; HttpOnly; Max-Age=60; Path=/p; '
        "SameSite=none; Secure; Partitioned"
    )


def test_cookies_add_up_and_can_be_deleted() -> None:
    response = Response()
    response.set_cookie("a", "1", samesite=None)
    response.delete_cookie("b")
    cookies = response.headers.getlist("set-cookie")
    assert cookies[0] == "a=1; Path=/"
    assert cookies[1].startswith('b=""; expires=')
    assert "Max-Age=0" in cookies[1]


@pytest.mark.parametrize(
    "arguments",
    [
        {"key": "a b"},
        {"key": "a", "path": "/; HttpOnly"},
        {"key": "a", "domain": "x\r\ny"},
        {"key": "a", "samesite": "maybe"},
    ],
)
def test_a_cookie_cannot_break_out(arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - one message per attribute
        Response().set_cookie(**arguments)  # type: ignore[arg-type]


def test_background_tasks_are_refused_rather_than_dropped() -> None:
    with pytest.raises(NotImplementedError):
        Response(background=print)  # type: ignore[arg-type]
