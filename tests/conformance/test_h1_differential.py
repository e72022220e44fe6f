"""The HTTP/1.1 parser beside h11 and httptools, on valid and on mutated requests.

Where the engine accepts a request, both others must have read the same. Where it refuses one that another accepts, it
must be by a rule of STRICTER_RULES; where another refuses what it accepts, by one of PEER_RULES.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pytest

from tests.conformance.parse_program import parse_all
from tests.conformance.peers import Outcome, parse_with_h11, parse_with_httptools
from tests.conformance.request_corpus import SEEDS, mutations, valid_requests

SEED = 20260704
VALID_COUNT = 1_500
MUTATION_COUNT = 10_000

PEERS: dict[str, Callable[[bytes], Outcome]] = {"h11": parse_with_h11, "httptools": parse_with_httptools}

STRICTER_RULES = {
    # Servers disagree on where the message ends.
    "Content-Length and Transfer-Encoding exclude each other": "RFC 9112 §6.3 lets a server refuse the pair",
    "Content-Length is given twice": "also when both say the same",
    "Content-Length is malformed": "h11 joins a folded line to one value",
    "Transfer-Encoding is given twice": "httptools looks at the last one",
    "Transfer-Encoding is malformed": "chunked and nothing else",
    "Transfer-Encoding names chunked twice or not last": "chunked and nothing else",
    "HTTP/1.0 has no Transfer-Encoding": "RFC 9112 §6.1 calls such framing faulty",
    "the only transfer coding this server knows is chunked": "nothing could read the body",
    "a chunk size is malformed": "at most 16 digits",
    "a chunk extension is malformed": "the grammar without the blanks that it tolerates",
    "a line of the chunked body ends in a bare LF": "CR LF only",
    "a carriage return stands alone": "CR LF only",
    "a trailer field is malformed": "the same grammar as for fields",
    # Servers disagree on what the message says.
    "the request line ends in a bare LF": "CR LF only",
    "the request line ends early": "HTTP/0.9 has no place here",
    "the request line is malformed": "one space, one CR LF before it at most",
    "a header line ends in a bare LF": "CR LF only",
    "a header field is folded over two lines": "RFC 9112 §5.2 lets a server refuse it",
    "a header value has a control character": "RFC 9110 §5.5 lets a server refuse it",
    "the request target has a fragment": "a fragment is never sent",
    "the request target is malformed": "the four forms of RFC 9112 §3.2",
    "the request target names no valid host": "RFC 3986 §3.2 without user information",
    "this server speaks HTTP/1.1 and HTTP/1.0 here": "RFC 9110 §15.6.6",
    # The two others leave it to the application.
    "Host is given twice": "RFC 9112 §3.2",
    "Host is malformed": "RFC 9112 §3.2; names are host[:port] only",
    "Host names another server than the request target": "RFC 9112 §3.2.2 would ignore Host",
    "an HTTP/1.1 request has a Host field": "RFC 9112 §3.2",
    "the only expectation this server knows is 100-continue": "RFC 9110 §10.1.1",
    "CONNECT is not implemented": "no tunnels",
    "the request target of CONNECT is malformed": "RFC 9112 §3.2.3",
}
"""How a reason begins → why such a request is refused, although another parser accepts it."""

PEER_RULES = {
    "h11": {"no request line received": "h11 takes no empty line before a request"},
    "httptools": {
        "Invalid method encountered": "llhttp has a fixed list of methods",
        "Expected space after method": "llhttp has a fixed list of methods",
        "Request has invalid `Transfer-Encoding`": "llhttp takes no HTAB after chunked; h11 does",
    },
}
"""Parser → how its error begins → why it refuses what the engine rightly accepts."""

FRAMING_TRAILER = re.compile(rb"\r\n(Content-Length|Transfer-Encoding)[^\r]*:", re.IGNORECASE)
"""The others read trailers as fields, and refuse these among them; the engine drops all trailers."""


def allowed(rules: Iterable[str], reason: str) -> bool:
    return any(reason.startswith(rule) for rule in rules)


@cache
def corpus() -> list[tuple[bytes, dict[str, Any]]]:
    """All requests, each with the engine's outcome."""
    source = random.Random(SEED)
    requests = [*SEEDS, *valid_requests(source, VALID_COUNT), *mutations(source, MUTATION_COUNT)]
    return list(zip(requests, parse_all("request", requests), strict=True))


def differences(ours: dict[str, Any], theirs: Outcome) -> list[str]:
    """What the two read differently in a request that both accept."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in ours["headers"]]
    # h11 writes the coding in lower case, httptools keeps the blanks after a value.
    normal = [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in headers]
    their_headers = [(name, value.rstrip(b" \t")) for name, value in theirs.headers]
    their_normal = [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in their_headers]
    checks = {
        "method": ours["method"].encode() == theirs.method,
        "target": ours["target"].encode() == theirs.target,
        "headers": normal == their_normal,
        "body": theirs.upgrade or ours["body"].encode("latin-1") == theirs.body,
        "end": theirs.consumed in (None, ours["consumed"]),
    }
    return [what for what, same in checks.items() if not same]


@pytest.mark.parametrize("peer", PEERS)
def test_agrees(peer: str) -> None:
    agreed = 0
    for data, ours in corpus():
        theirs = PEERS[peer](data)
        if ours["outcome"] == "complete" and theirs.kind == "complete":
            assert not differences(ours, theirs), data
            agreed += 1
        elif ours["outcome"] == "complete":
            assert theirs.kind == "error", f"{peer} waits for more than {data!r}"
            body = data[data.index(b"\r\n\r\n") + 2 : ours["consumed"]]
            rightly = allowed(PEER_RULES[peer], theirs.reason) or FRAMING_TRAILER.search(body)
            assert rightly, f"{peer} refuses {data!r}: {theirs.reason}"
        elif theirs.kind == "complete":
            assert ours["outcome"] == "error", f"the engine waits for more than {data!r}"
            assert allowed(STRICTER_RULES, ours["reason"]), f"{ours['reason']}: {data!r}"
    assert agreed > VALID_COUNT


def test_every_refusal_has_a_status_and_says_what_would_be_right() -> None:
    refusals = [ours for _, ours in corpus() if ours["outcome"] == "error"]
    assert {refusal["status"] for refusal in refusals} >= {400, 417, 501, 505}
    assert all(refusal["status"] in (400, 417, 501, 505) and len(refusal["reason"]) > 20 for refusal in refusals)


def test_accepts_every_valid_request() -> None:
    requests = [*SEEDS, *valid_requests(random.Random(SEED + 1), VALID_COUNT)]
    for data, ours in zip(requests, parse_all("request", requests), strict=True):
        assert ours["outcome"] == "complete", (ours, data)
