"""Requests whose framing one server may read otherwise than another, each with a request hidden in or after its body.

What each header line means alone is known by hand. From that follows what a request means: with anything malformed,
repeated or contradictory it must be refused; the rest has exactly one reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

__all__ = ["Attempt", "attempts"]

POISON = b"GET /poison HTTP/1.1\r\nHost: a\r\n\r\n"


class Meaning(Enum):
    """What a header line says about framing."""

    NOTHING = "another field"
    LENGTH = "a content length"
    CHUNKED = "chunked"
    REFUSED = "must be refused"


@dataclass(frozen=True, slots=True)
class Line:
    """A header line without its end."""

    text: bytes
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Attempt:
    """Bytes to send, and what must come back."""

    data: bytes
    echo: bytes | None
    """The body that the server must have read; None: the request must be refused, and nothing after it answered."""
    poison_answers: int
    """How often GET /poison is answered: only where the framing is unambiguous, and the poison a request of its own."""


LEGAL_CODINGS = (
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding:chunked", b"Transfer-Encoding:\tchunked"),
    *(b"Transfer-Encoding: Chunked", b"TRANSFER-ENCODING: chunked"),
)
REFUSED_CODINGS = (
    *(b"xchunked", b"chunkedx", b"x chunked", b"chunked x", b"chunked,", b",chunked", b"chunked, chunked"),
    *(
        b"chunked,identity",
        b"identity, chunked",
        b"identity",
        b"gzip",
        b"gzip, chunked",
        b"chunked, gzip",
        b"chunked;a=b",
    ),
    *(
        b'"chunked"',
        b"'chunked'",
        b"chunk",
        b"chun ked",
        b"chunke\x00d",
        b"\x00chunked",
        b"chunked\x00",
        b"\x0bchunked",
    ),
    *(b"chunked\x0b", b"\x0cchunked", b"chunked\x0c", b"\x1fchunked", b"\x7fchunked", b"\xa0chunked", b"chunked\xa0"),
    *(b"\xffchunked", b"c\xe8unked", b"{chunked}", b"", b"0", b"chunked\r", b"\rchunked", b"\nchunked", b"chunked\n"),
    *(b"\r\n chunked", b"\r\n\tchunked", b"chunked\r\n ", b"chunked\r\n x"),
)
REFUSED_CODING_NAMES = (
    *(b"Transfer-Encoding ", b"Transfer-Encoding\t", b" Transfer-Encoding", b"\tTransfer-Encoding"),
    *(b"Transfer-Encoding\x0b", b"Transfer-Encoding\x00", b"\x00Transfer-Encoding", b"Transfer Encoding"),
    *(b"Transfer-Encod\xc4\xb1ng", b"Transfer-Encoding\xa0", b"Transfer-Encoding\r", b"\rTransfer-Encoding"),
    *(b"\nTransfer-Encoding", b"X: y\nTransfer-Encoding", b"X: y\rTransfer-Encoding", b"Transfer-Encoding\r\n"),
    *(b'"Transfer-Encoding"', b"(Transfer-Encoding", b"Transfer-Encoding/", b"Transfer-Encoding;"),
    *(b"Transfer\xadEncoding", b"Transfer-Encoding: identity\nTransfer-Encoding", b"Transfer\rEncoding"),
)
OTHER_CODING_NAMES = (
    *(b"Transfer_Encoding", b"X-Transfer-Encoding", b"Transfer-Encodings", b"TransferEncoding"),
    *(b"Content-Encoding", b"TE", b"Transfer.Encoding"),
)

# N stands for the length.
LEGAL_LENGTHS = (b"Content-Length: N", b"Content-Length:N", b"content-length: 0N", b"Content-Length:\tN ")
REFUSED_LENGTHS = (
    *(
        b"+N",
        b"-N",
        b"0xN",
        b"0Nh",
        b"N,N",
        b"N, N",
        b",N",
        b"N,",
        b"N N",
        b"N 0",
        b'"N"',
        b"N.0",
        b"Ne0",
        b"N_0",
        b"0oN",
    ),
    *(
        b"N;a=b",
        b"\x00N",
        b"N\x00",
        b"\x0bN",
        b"N\x0c",
        b"\xa0N",
        b"N\xa0",
        b"",
        b"x",
        b"Nx",
        b"\xd9\xa1",
        b"\xb9",
        b"1" * 25,
    ),
    *(
        b"18446744073709551616",
        b"9223372036854775808",
        b"-1",
        b"\r\n N",
        b"N\r\n 0",
        b"N\r",
        b"\rN",
        b"\nN",
        b"N\n",
        b"N\nX: y",
    ),
)
REFUSED_LENGTH_NAMES = (
    *(b"Content-Length ", b"Content-Length\t", b" Content-Length", b"\tContent-Length", b"Content-Length\x00"),
    *(b"\x00Content-Length", b"Content Length", b"Content-Length\x0b", b"Content\rLength", b"X: y\nContent-Length"),
    *(b"Content-Length\r", b"Content-Length\xa0"),
)
OTHER_LENGTH_NAMES = (b"Content_Length", b"X-Content-Length", b"Content-Lengths", b"ContentLength")


def coding_lines() -> Iterator[Line]:
    """Transfer-Encoding, as it may be, as it must not be, and what only looks like it."""
    yield from (Line(text, Meaning.CHUNKED) for text in LEGAL_CODINGS)
    yield from (Line(b"Transfer-Encoding: " + value, Meaning.REFUSED) for value in REFUSED_CODINGS)
    yield from (Line(name + b": chunked", Meaning.REFUSED) for name in REFUSED_CODING_NAMES)
    yield from (Line(name + b": chunked", Meaning.NOTHING) for name in OTHER_CODING_NAMES)


def length_lines(length: int) -> Iterator[Line]:
    """Content-Length of that value, as it may be, as it must not be, and what only looks like it."""
    digits = b"%d" % length
    for text in LEGAL_LENGTHS:
        yield Line(text.replace(b"N", digits), Meaning.LENGTH)
    for value in REFUSED_LENGTHS:
        yield Line(b"Content-Length: " + value.replace(b"N", digits), Meaning.REFUSED)
    yield from (Line(name + b": " + digits, Meaning.REFUSED) for name in REFUSED_LENGTH_NAMES)
    yield from (Line(name + b": " + digits, Meaning.NOTHING) for name in OTHER_LENGTH_NAMES)


ENDINGS: tuple[tuple[bytes, bool], ...] = (
    *((b"\r\n", True), (b" \t\r\n", True)),
    *(
        (b"\n", False),
        (b"\r", False),
        (b"\r\r\n", False),
        (b"\x00\r\n", False),
        (b"\x0b\r\n", False),
        (b"\n\r\n", False),
    ),
)
"""Ends of a header line, and whether they are legal."""


def meaning_of(lines: tuple[Line, ...]) -> Meaning:
    """What header lines say together."""
    framing = [line.meaning for line in lines if line.meaning is not Meaning.NOTHING]
    if not framing:
        return Meaning.NOTHING
    return framing[0] if len(framing) == 1 else Meaning.REFUSED


def attempt(lines: tuple[Line, ...], ending: tuple[bytes, bool], body: bytes, content: bytes, length: int) -> Attempt:
    """Puts a request together. `content` is the body as chunked reads it, `length` its size as length lines tell it."""
    end, end_is_legal = ending
    before = b"".join(line.text + b"\r\n" for line in lines[:-1])
    # Only the line under test, the last one, ends otherwise than in CR LF.
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\n" + before + lines[-1].text + end + b"X-Last: z\r\n\r\n"
    rest = body + POISON
    readings = {
        Meaning.NOTHING: (b"", rest),
        Meaning.LENGTH: (rest[:length], rest[length:]),
        Meaning.CHUNKED: (content, POISON),
        Meaning.REFUSED: (None, b""),
    }
    echo, after = readings[meaning_of(lines) if end_is_legal else Meaning.REFUSED]
    poison_answers = 0
    while after.startswith(POISON):
        after = after.removeprefix(POISON)
        poison_answers += 1
    return Attempt(head + rest, echo, poison_answers)


def attempts() -> Iterator[Attempt]:
    """All of them: every line alone and beside a plain one of either kind, with every ending."""
    hidden = b"%x\r\n%s\r\n0\r\n\r\n" % (len(POISON), POISON)  # a chunk that holds the poison
    start = hidden.index(POISON)
    # As a length reads it, a body ends at its end, or so that what chunked takes for content is the next request.
    for body, content, length in (
        (b"0\r\n\r\n", b"", 5),
        (b"0\r\n\r\n", b"", 0),
        (hidden, POISON, len(hidden)),
        (hidden, POISON, start),
    ):
        plain_length = Line(b"Content-Length: %d" % length, Meaning.LENGTH)
        plain_coding = Line(b"Transfer-Encoding: chunked", Meaning.CHUNKED)
        for ending in ENDINGS:
            for line in (*coding_lines(), *length_lines(length)):
                if line.text.endswith(b"\r") and ending[0].startswith(b"\n"):
                    continue  # together a line end like any other
                for lines in ((line,), (plain_length, line), (plain_coding, line)):
                    yield attempt(lines, ending, body, content, length)
