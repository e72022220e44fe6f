"""Requests to compare parsers on: valid ones, and mutations of them that keep close to the grammar."""

from __future__ import annotations

import random
from collections.abc import Iterator

__all__ = ["SEEDS", "mutations", "valid_requests"]

SEEDS = (
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /a/b?c=d&e HTTP/1.1\r\nHost: a.example:8080\r\nAccept: */*\r\nCookie: x=y; z=w\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nContent-Length: 0\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n",
    b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nTrailer: T\r\n\r\n3\r\nabc\r\n0;c\r\n\r\nGET /",
    b"GET / HTTP/1.0\r\n\r\n",
    b"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n",
    b"DELETE /x HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close, te\r\nTE: trailers\r\n\r\n",
    b"PATCH /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    b"HEAD / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t b \t c\t\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
)
"""Requests that every parser accepts, some followed by the start of another one."""

PIECES = (
    *(
        b" ",
        b"\t",
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b":",
        b";",
        b",",
        b"=",
        b'"',
        b"\\",
        b"/",
        b"?",
        b"#",
        b"%",
        b"+",
        b"-",
        b"_",
    ),
    *(
        b"\x00",
        b"\x01",
        b"\x0b",
        b"\x0c",
        b"\x1f",
        b"\x7f",
        b"\x80",
        b"\xff",
        b"(",
        b"@",
        b"*",
        b"0",
        b"1",
        b"5",
        b"9",
        b"a",
        b"G",
        b"0x",
    ),
    *(
        b"Host: b\r\n",
        b"Host:",
        b"Content-Length: 5\r\n",
        b"Content-Length: 6\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"chunked",
    ),
    *(
        b"Transfer-Encoding: gzip\r\n",
        b"Connection: close\r\n",
        b"X: y\r\n",
        b" HTTP/1.1",
        b"HTTP/1.0",
        b"HTTP/2.0",
        b"http://",
        b"GET ",
    ),
    *(
        b"0\r\n\r\n",
        b"1\r\nz\r\n",
        b";e",
        b';e="f"',
        b"identity",
        b"\r\n ",
        b" :",
        b"Expect: 100-continue\r\n",
        b"Upgrade: h2c\r\n",
    ),
)
"""What is put in: characters that matter, and whole elements."""

METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"HEAD", b"TRACE")
TOKEN = b"abcXYZ0189-_.!~|^"
TEXT = TOKEN + b' \t()<>@,;:/[]?={}"\\\xe9\xff'
TARGET = b"abcXYZ0189-_.~/%:@!$&'()*+,;="


def text(source: random.Random, alphabet: bytes, length: int) -> bytes:
    """Makes a random run of bytes of that alphabet."""
    return bytes(source.choice(alphabet) for _ in range(length))


def chunked(source: random.Random, body: bytes) -> bytes:
    """Frames a body in chunks of random sizes."""
    framed = b""
    while body:
        size = source.randint(1, len(body))
        extension = source.choice((b"", b"", b";a", b";a=b", b';a="b c"'))
        framed += b"%x%s\r\n%s\r\n" % (size, extension, body[:size])
        body = body[size:]
    return framed + b"0\r\n" + source.choice((b"", b"T: u\r\n")) + b"\r\n"


def valid_requests(source: random.Random, count: int) -> Iterator[bytes]:
    """Makes requests that keep to the grammar."""
    for _ in range(count):
        target = b"/" + text(source, TARGET, source.randint(0, 40))
        if source.random() < 0.5:
            target += b"?" + text(source, TARGET + b"?[]|", source.randint(0, 40))
        lines = [b"Host: " + source.choice((b"a", b"a.example:80", b"[2001:db8::1]", b"127.0.0.1:8000"))]
        for _ in range(source.randint(0, 12)):
            value = text(source, TEXT, source.randint(0, 40))
            lines.append(
                b"X-" + text(source, TOKEN, source.randint(0, 20)) + source.choice((b":", b": ", b":\t ")) + value
            )
        body = text(source, bytes(range(256)), source.randint(0, 200))
        framing = source.randrange(3)
        if framing == 0:
            body = b""
        elif framing == 1:
            lines.append(b"Content-Length: %d" % len(body))
        else:
            lines.append(b"Transfer-Encoding: chunked")
            body = chunked(source, body)
        source.shuffle(lines)
        yield b"%s %s HTTP/1.1\r\n%s\r\n\r\n%s" % (source.choice(METHODS), target, b"\r\n".join(lines), body)


def mutated(source: random.Random, request: bytes) -> bytes:
    """Changes one to three places of a request."""
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        at = source.randint(0, len(request))
        piece = source.choice(PIECES)
        end = min(len(request), at + source.randint(1, 6))
        kind = source.randrange(5)
        if kind == 0:
            request = request[:at] + piece + request[at:]
        elif kind == 1:
            request = request[:at] + piece + request[at + 1 :]
        elif kind == 2:
            request = request[:at] + request[end:]
        elif kind == 3:
            request = request[:end] + request[at:]
        else:  # at the start of a line, where most grammar is
            line = request.find(b"\r\n", at) + 2
            request = request[:line] + piece + request[line:]
    return request


def mutations(source: random.Random, count: int) -> Iterator[bytes]:
    """Makes requests that are a few changes away from a valid one."""
    for _ in range(count):
        yield mutated(source, source.choice(SEEDS))
