from __future__ import annotations

import pytest

from benchmarks.harness.instructions import BURST, count_in, request_bytes
from benchmarks.harness.process import ServerFailed
from benchmarks.harness.render import instructions
from benchmarks.harness.workload import workload_named


def test_the_count_is_what_valgrind_says_at_the_end() -> None:
    log = "Listening on http://127.0.0.1:1\n==7== \n==7== I   refs:      848,436,918\n"
    assert count_in(log) == 848_436_918


def test_a_server_that_valgrind_has_not_seen_end_is_told_of() -> None:
    with pytest.raises(ServerFailed, match="counted nothing: Killed"):
        count_in("Killed\n")


def test_a_request_is_whole() -> None:
    head, _, body = request_bytes(workload_named("post-json")).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /item HTTP/1.1\r\nHost: ")
    assert f"Content-Length: {len(body)}".encode() in head
    assert request_bytes(workload_named("text-10k")).endswith(b"\r\n\r\n")


def test_a_workload_is_a_row() -> None:
    rows = [{"workload": "typed", "alone": 8185, "in_burst": 6714}]
    drawn = instructions({"settings": {"burst": BURST}, "summary": rows}, {})
    assert drawn.splitlines()[-1] == "| typed path, query | 8,185 | 6,714 |"
