"""Raw HTTP/1.1 requests and what a server must answer to them.

The app they go to (see `APP`) has GET / and GET /poison, and POST /echo, which returns the request's body.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["APP", "CASES", "Case"]

APP = """
from fasterapi import App, Request, Response

app = App()


@app.get("/")
def root():
    return {"ok": True}


@app.get("/poison")
def poison():
    return {"poison": True}


@app.post("/echo")
async def echo(request: Request):
    return Response(await request.body(), media_type="application/octet-stream")
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One stretch of bytes that a client sends on a fresh connection."""

    name: str
    data: bytes
    statuses: tuple[int, ...]
    """Of the final responses, in order."""
    closes: bool
    """Whether the server closes after them; otherwise the connection must serve one more request."""
    bodies: tuple[bytes, ...] | None = None
    """Of the responses, where they matter."""
    half_closes: bool = False
    """Whether the client ends its own direction after `data`."""
    may_close: bool = False
    """Whether the server may say that it closes, and close, in place of waiting for a body that it has no use for."""
    head_first: bool = False
    """Whether the first request is a HEAD, whose response has no content."""


NEXT = b"GET /poison HTTP/1.1\r\nHost: a\r\n\r\n"
"""Follows what must be refused: it must not be answered."""


def get(fields: bytes = b"", target: bytes = b"/", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET %s %s\r\nHost: a\r\n%s\r\n" % (target, version, fields)


def post(fields: bytes, body: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"POST /echo %s\r\nHost: a\r\n%s\r\n%s" % (version, fields, body)


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked\r\n", body)


def served(name: str, data: bytes, *bodies: bytes, closes: bool = False, half_closes: bool = False) -> Case:
    """A request that is answered 200, with that body where one is given."""
    return Case(name, data, (200,), closes, bodies or None, half_closes)


def refused(name: str, data: bytes, status: int = 400) -> Case:
    """A request that is refused; the connection closes, and what follows is not looked at."""
    return Case(name, data + NEXT, (status,), closes=True)


REQUEST_LINES = (
    served("plain", get()),
    served("query", get(target=b"/?a=b&c=%20d")),
    served("empty query", get(target=b"/?")),
    served("absolute target", get(target=b"http://a/")),
    served("absolute target, upper case", get(target=b"HTTP://A/")),
    served("absolute target, no path", get(target=b"http://a")),
    served("absolute target, default port", get(target=b"http://a:80/")),
    served("one empty line before", b"\r\n" + get()),
    Case("unknown path", get(target=b"/nothing"), (404,), closes=False),
    Case("unknown method", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", (405,), closes=False),
    Case("lower-case method", b"get / HTTP/1.1\r\nHost: a\r\n\r\n", (405,), closes=False),
    Case("known method without route", b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", (405,), closes=False),
    Case("asterisk", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", (404,), closes=False),
    refused("two empty lines before", b"\r\n\r\n" + get()),
    refused("bare LF before", b"\n" + get()),
    refused("blank before the method", b" " + get()),
    refused("no method", b" / HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("method with parenthesis", b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("method with colon", b"GET: / HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("method with NUL", b"G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("HTAB after the method", b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("two blanks after the method", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("two blanks after the target", b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("HTAB after the target", b"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("blank after the version", b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    refused("no version", b"GET /\r\n\r\n"),
    refused("no version, LF", b"GET /\n"),
    refused("no target", b"GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("blank in the target", get(target=b"/a b")),
    refused("fragment", get(target=b"/a#b")),
    refused("control character in the target", get(target=b"/a\x01")),
    refused("DEL in the target", get(target=b"/a\x7f")),
    refused("NUL in the target", get(target=b"/a\x00")),
    refused("UTF-8 in the target", get(target=b"/caf\xc3\xa9")),
    refused("bare CR in the request line", b"GET /\rHost: a HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("relative target", get(target=b"a")),
    refused("asterisk for GET", get(target=b"*")),
    refused("asterisk with query", b"OPTIONS *?a HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("other scheme", get(target=b"ftp://a/")),
    refused("scheme without authority", get(target=b"http:///x")),
    refused("absolute target with user information", get(target=b"http://u@a/")),
    refused("absolute target of another host", get(target=b"http://b/")),
    refused("absolute target of another port", get(target=b"http://a:81/")),
    refused("authority target for GET", get(target=b"a:80")),
    refused("CONNECT", b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501),
    refused("CONNECT with a path", b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("HTTP/2.0", get(version=b"HTTP/2.0"), 505),
    refused("HTTP/1.2", get(version=b"HTTP/1.2"), 505),
    refused("HTTP/0.9", get(version=b"HTTP/0.9"), 505),
    refused("lower-case version", get(version=b"http/1.1")),
    refused("version without minor", get(version=b"HTTP/1")),
    refused("version with two digits", get(version=b"HTTP/1.10")),
    refused("version with comma", get(version=b"HTTP/1,1")),
    refused("another protocol", get(version=b"SIP/2.0")),
    refused("LF after the request line", b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
    refused("TLS", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"),
)

FIELDS = (
    served("no blank after the colon", get(b"A:b\r\n")),
    served("many blanks around the value", get(b"A: \t b \t \r\n")),
    served("empty value", get(b"A:\r\n")),
    served("obs-text in a value", get(b"A: caf\xe9\r\n")),
    served("every character of a token", get(b"aZ09!#$%&'*+-.^_`|~: b\r\n")),
    served("the same field twice", get(b"A: b\r\nA: c\r\n")),
    served("100 fields", get(b"A: b\r\n" * 99)),
    refused("101 fields", get(b"A: b\r\n" * 100), 431),
    served("64 KiB of fields", get(b"A: " + b"b" * (65536 - 16) + b"\r\n")),
    refused("more than 64 KiB of fields", get(b"A: " + b"b" * (65536 - 15) + b"\r\n"), 431),
    refused("a field line without end", b"GET / HTTP/1.1\r\nA: " + b"b" * 70000, 431),
    served("8 KiB request line", get(target=b"/?" + b"a" * (8192 - 17))),
    refused("longer request line", get(target=b"/?" + b"a" * (8192 - 16)), 414),
    refused("a request line without end", b"GET /" + b"a" * 9000, 414),
    refused("a method without end", b"A" * 9000, 414),
    refused("blank before the colon", get(b"A : b\r\n")),
    refused("HTAB before the colon", get(b"A\t: b\r\n")),
    refused("blank in a name", get(b"A b: c\r\n")),
    refused("no colon", get(b"A\r\n")),
    refused("empty name", get(b": b\r\n")),
    refused("control character in a name", get(b"A\x01: b\r\n")),
    refused("NUL in a name", get(b"A\x00: b\r\n")),
    refused("UTF-8 in a name", get(b"\xc3\xa9: b\r\n")),
    refused("quotes in a name", get(b'"A": b\r\n')),
    refused("folded line", get(b"A: b\r\n c\r\n")),
    refused("folded line with HTAB", get(b"A: b\r\n\tc\r\n")),
    refused("folded first line", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    refused("LF after a field", get(b"A: b\n")),
    refused("LF in place of the empty line", b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
    refused("bare CR in a value", get(b"A: b\rc\r\n")),
    refused("two CR after a value", get(b"A: b\r\r\n")),
    refused("CR in place of the empty line", b"GET / HTTP/1.1\r\nHost: a\r\n\rX"),
    refused("NUL in a value", get(b"A: b\x00c\r\n")),
    refused("control character in a value", get(b"A: b\x1bc\r\n")),
    refused("vertical tab in a value", get(b"A: b\x0bc\r\n")),
    refused("DEL in a value", get(b"A: b\x7fc\r\n")),
)


def hosted(*lines: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET / %s\r\n%s\r\n" % (version, b"".join(line + b"\r\n" for line in lines))


HOSTS = (
    served("host and port", hosted(b"Host: a.example:8000")),
    served("host and empty port", hosted(b"Host: a:")),
    served("IPv4", hosted(b"Host: 127.0.0.1")),
    served("IPv6", hosted(b"Host: [2001:db8::1]:80")),
    served("upper-case name of the field", hosted(b"HOST: a")),
    served("no Host in HTTP/1.0", hosted(version=b"HTTP/1.0"), closes=True),
    refused("no Host", hosted()),
    refused("no Host, other fields", hosted(b"A: b")),
    refused("two Hosts", hosted(b"Host: a", b"Host: b")),
    refused("the same Host twice", hosted(b"Host: a", b"Host: a")),
    refused("two Hosts in HTTP/1.0", hosted(b"Host: a", b"Host: a", version=b"HTTP/1.0")),
    refused("empty Host", hosted(b"Host:")),
    refused("list of hosts", hosted(b"Host: a, b")),
    refused("comma in the Host", hosted(b"Host: a,b")),
    refused("user information in the Host", hosted(b"Host: u:p@a")),
    refused("path in the Host", hosted(b"Host: a/b")),
    refused("query in the Host", hosted(b"Host: a?b")),
    refused("fragment in the Host", hosted(b"Host: a#b")),
    refused("URI in the Host", hosted(b"Host: http://a")),
    refused("backslash in the Host", hosted(b"Host: a\\b")),
    refused("blank in the Host", hosted(b"Host: a b")),
    refused("letters as port", hosted(b"Host: a:b")),
    refused("port too large", hosted(b"Host: a:65536")),
    refused("two ports", hosted(b"Host: a:80:80")),
    refused("negative port", hosted(b"Host: a:-1")),
    refused("IPv6 without brackets", hosted(b"Host: ::1")),
    refused("IPv6 without the second bracket", hosted(b"Host: [::1")),
    refused("text in brackets", hosted(b"Host: [a]")),
    refused("UTF-8 in the Host", hosted(b"Host: \xc3\xa9")),
    refused("malformed Host in HTTP/1.0", hosted(b"Host: a b", version=b"HTTP/1.0")),
)

LENGTHS = (
    served("Content-Length", post(b"Content-Length: 5\r\n", b"hello"), b"hello"),
    served("Content-Length of zero", post(b"Content-Length: 0\r\n", b""), b""),
    served("Content-Length with leading zeros", post(b"Content-Length: 005\r\n", b"hello"), b"hello"),
    served("Content-Length with blanks around", post(b"Content-Length: \t5\t \r\n", b"hello"), b"hello"),
    served("POST without framing has no body", post(b"", b""), b""),
    served("body of any bytes", post(b"Content-Length: 256\r\n", bytes(range(256))), bytes(range(256))),
    served("body that looks like a request", post(b"Content-Length: %d\r\n" % len(NEXT), NEXT), NEXT),
    served("GET with a body", get(b"Content-Length: 5\r\n") + b"hello"),
    Case(
        "body on an unknown path",
        b"POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        (404,),
        closes=False,
        may_close=True,
    ),
    *(
        refused(f"Content-Length: {value.decode('latin-1')!r}", post(b"Content-Length: " + value + b"\r\n", b"hello"))
        for value in (
            *(
                b"",
                b"+5",
                b"-5",
                b"-0",
                b"0x5",
                b"5_0",
                b"5 0",
                b"5,5",
                b"5, 5",
                b",5",
                b"5,",
                b"5.0",
                b"5e0",
                b"five",
                b'"5"',
                b"5;a",
            ),
            *(b"\xb2", b"5\x00", b"5\x0b", b"9223372036854775808", b"18446744073709551621", b"1" * 30),
        )
    ),
    refused("two Content-Lengths that differ", post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello")),
    refused("two Content-Lengths that agree", post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello")),
    refused("two Content-Lengths in two cases", post(b"Content-Length: 5\r\ncontent-length: 0\r\n", b"hello")),
    refused("folded Content-Length", post(b"Content-Length:\r\n 5\r\n", b"hello")),
    refused("malformed Content-Length of a GET", get(b"Content-Length: x\r\n")),
    refused("body larger than the bound", post(b"Content-Length: 99999999999\r\n", b"hello"), 413),
    Case("body cut short", post(b"Content-Length: 5\r\n", b"hell"), (), closes=True, half_closes=True),
    Case("head cut short", b"GET / HTTP/1.1\r\nHost: a\r\n", (), closes=True, half_closes=True),
    served("half-closed after the request", get(), closes=True, half_closes=True),
    served(
        "half-closed after the body", post(b"Content-Length: 5\r\n", b"hello"), b"hello", closes=True, half_closes=True
    ),
)

CODINGS = (
    served("chunked", chunked(b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    served("chunked in any case", post(b"Transfer-Encoding: cHuNkEd\r\n", b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    served("many chunks", chunked(b"1\r\nh\r\n3\r\nell\r\n01\r\no\r\n000\r\n\r\n"), b"hello"),
    served("empty chunked body", chunked(b"0\r\n\r\n"), b""),
    served("upper-case size", chunked(b"A\r\n0123456789\r\n0\r\n\r\n"), b"0123456789"),
    served("lower-case size", chunked(b"a\r\n0123456789\r\n0\r\n\r\n"), b"0123456789"),
    served("size of 16 digits", chunked(b"0000000000000005\r\nhello\r\n0\r\n\r\n"), b"hello"),
    served("chunk of line ends", chunked(b"4\r\n\r\n\r\n\r\n0\r\n\r\n"), b"\r\n\r\n"),
    served("extension", chunked(b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), b"hello"),
    served("quoted extension", chunked(b'5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n'), b"hello"),
    served("trailer", chunked(b"5\r\nhello\r\n0\r\nA: b\r\n\r\n"), b"hello"),
    served(
        "trailers that name framing", chunked(b"5\r\nhello\r\n0\r\nContent-Length: 99\r\nHost: b\r\n\r\n"), b"hello"
    ),
    *(
        refused(
            f"Transfer-Encoding: {value.decode('latin-1')!r}",
            post(b"Transfer-Encoding: " + value + b"\r\n", b"0\r\n\r\n"),
            status,
        )
        for value, status in (
            *((b"gzip", 501), (b"identity", 501), (b"xchunked", 501), (b"gzip, chunked", 501), (b"chunked1", 501)),
            *((b"", 400), (b"chunked,", 400), (b",chunked", 400), (b"chunked, chunked", 400), (b"chunked, gzip", 400)),
            *(
                (b"chunked;q=1", 400),
                (b'"chunked"', 400),
                (b"chunked chunked", 400),
                (b"chunked\x00", 400),
                (b"chunked\x0b", 400),
            ),
            *(
                (b"\x0bchunked", 400),
                (b"\x0cchunked", 400),
                (b"ch\x00unked", 400),
                (b"chunked\r", 400),
                (b"\r\n chunked", 400),
            ),
        )
    ),
    refused("chunked twice", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    refused(
        "chunked and another line", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n")
    ),
    refused("blank before the colon of a coding", post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n")),
    refused("chunked in HTTP/1.0", post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"HTTP/1.0")),
    refused("length, then coding", post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    refused("coding, then length", post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n")),
    refused("coding and length of a GET", get(b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") + b"0\r\n\r\n"),
    *(
        refused(f"chunk: {body.decode('latin-1')!r}", chunked(body))
        for body in (
            *(
                b"\r\nhello\r\n0\r\n\r\n",
                b"+5\r\nhello\r\n0\r\n\r\n",
                b"-5\r\nhello\r\n0\r\n\r\n",
                b"0x5\r\nhello\r\n0\r\n\r\n",
            ),
            *(
                b"5_\r\nhello\r\n0\r\n\r\n",
                b"5 \r\nhello\r\n0\r\n\r\n",
                b" 5\r\nhello\r\n0\r\n\r\n",
                b"5\t\r\nhello\r\n0\r\n\r\n",
            ),
            *(
                b"g\r\nhello\r\n0\r\n\r\n",
                b"00000000000000005\r\nhello\r\n0\r\n\r\n",
                b"5\nhello\r\n0\r\n\r\n",
                b"5\r\nhello\n0\r\n\r\n",
            ),
            *(
                b"5\rhello\r\n0\r\n\r\n",
                b"5\r\nhello\r\n0\n\r\n",
                b"5\r\nhello\r\n0\r\n\n",
                b"5\r\nhello0\r\n\r\n",
                b"4\r\nhello\r\n0\r\n\r\n",
            ),
            *(
                b"6\r\nhello\r\n0\r\n\r\n",
                b"5;\r\nhello\r\n0\r\n\r\n",
                b"5;a=\r\nhello\r\n0\r\n\r\n",
                b'5;a="\r\nhello\r\n0\r\n\r\n',
            ),
            *(
                b"5;a b\r\nhello\r\n0\r\n\r\n",
                b"5;a\nb\r\nhello\r\n0\r\n\r\n",
                b"5 ;a\r\nhello\r\n0\r\n\r\n",
                b"5;a=\x00\r\nhello\r\n0\r\n\r\n",
            ),
            *(
                b"0\r\nA\r\n\r\n",
                b"0\r\nA : b\r\n\r\n",
                b"0\r\n A: b\r\n\r\n",
                b"0\r\nA: b\n\r\n",
                b"0\r\nA: b\x00\r\n\r\n",
                b"0\r\nA: b\r\n c\r\n\r\n",
            ),
        )
    ),
    refused("extensions without end", chunked(b"5;" + b"a" * 5000)),
    refused("trailers without end", chunked(b"0\r\nA: " + b"a" * 9000), 431),
    refused("chunk larger than the bound", chunked(b"ffffffffffffffff\r\nhello"), 413),
    Case("chunked body cut short", chunked(b"5\r\nhello\r\n"), (), closes=True, half_closes=True),
)

CONNECTIONS = (
    served("close", get(b"Connection: close\r\n"), closes=True),
    served("close in any case", get(b"Connection: CLOSE\r\n"), closes=True),
    served("close in a list", get(b"Connection: te, close\r\n"), closes=True),
    served("close in a second line", get(b"Connection: te\r\nConnection: close\r\n"), closes=True),
    served("close and keep-alive", get(b"Connection: keep-alive, close\r\n"), closes=True),
    served("keep-alive", get(b"Connection: keep-alive\r\n")),
    served("an option that only looks like close", get(b"Connection: closed\r\n")),
    served("HTTP/1.0", get(version=b"HTTP/1.0"), closes=True),
    served("HTTP/1.0 with keep-alive", get(b"Connection: Keep-Alive\r\n", version=b"HTTP/1.0")),
    served("HTTP/1.0 with a body", post(b"Content-Length: 5\r\n", b"hello", b"HTTP/1.0"), b"hello", closes=True),
    served(
        "upgrade to h2c is ignored",
        get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
    ),
    served("expectation to continue", post(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello"), b"hello"),
    served("expectation to continue without a body", get(b"Expect: 100-continue\r\n")),
    served("expectation in HTTP/1.0 is ignored", get(b"Expect: x\r\n", version=b"HTTP/1.0"), closes=True),
    refused("another expectation", get(b"Expect: 200-ok\r\n"), 417),
    Case("HEAD", b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", (200,), closes=False, bodies=(b"",), head_first=True),
    Case(
        "HEAD, then GET",
        b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get(),
        (200, 200),
        closes=False,
        bodies=(b"", b'{"ok":true}'),
        head_first=True,
    ),
    Case("three requests at once", get() * 3, (200, 200, 200), closes=False),
    Case("fifty requests at once", get() * 50, (200,) * 50, closes=False),
    Case("nothing after close", get(b"Connection: close\r\n") + NEXT, (200,), closes=True),
    Case("nothing after an error", get() + get(b"A : b\r\n") + NEXT, (200, 400), closes=True),
    Case("404 between two", get() + get(target=b"/no") + get(), (200, 404, 200), closes=False),
    Case(
        "two bodies and a GET",
        post(b"Content-Length: 2\r\n", b"ab") + chunked(b"1\r\nc\r\n0\r\n\r\n") + get(),
        (200, 200, 200),
        closes=False,
        bodies=(b"ab", b"c", b'{"ok":true}'),
    ),
    Case("an empty line between requests", get() + b"\r\n" + get(), (200, 200), closes=False),
    Case(
        "an empty line after a body", post(b"Content-Length: 2\r\n", b"ab") + b"\r\n" + get(), (200, 200), closes=False
    ),
    Case("half-closed after two requests", get() * 2, (200, 200), closes=True, half_closes=True),
)

CASES: tuple[Case, ...] = (*REQUEST_LINES, *FIELDS, *HOSTS, *LENGTHS, *CODINGS, *CONNECTIONS)
