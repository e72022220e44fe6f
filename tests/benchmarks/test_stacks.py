from __future__ import annotations

import pytest

from benchmarks.harness.stacks import AREAS, PYTHON, REST, area_of, count_areas

ENGINE = "/site-packages/fasterapi/_engine.so"
KERNEL = "[kernel.kallsyms]"


@pytest.mark.parametrize(
    ("symbol", "program", "area"),
    [
        ("fasterapi::http::router::find", ENGINE, "routing"),
        ("std::_Hashtable<fasterapi::http::router::node const*>::find", ENGINE, "routing"),
        ("fasterapi::http::h1::head_fields::add", ENGINE, "request parsed"),
        ("fasterapi::http::h1::write_head", ENGINE, "answer encoded"),
        ("fasterapi::bindings::(anonymous namespace)::encoder::encode_text", ENGINE, "answer encoded"),
        ("fasterapi::schema::checker::check", ENGINE, "arguments checked"),
        ("fasterapi::server::shard::wait", ENGINE, "connections and the loop"),
        ("fasterapi::bindings::run_call", ENGINE, "calls into Python"),
        ("_PyEval_EvalFrameDefault", "/usr/lib/libpython3.13.so.1.0", PYTHON),
        ("_PyEval_EvalFrameDefault", "/usr/bin/python3.13", PYTHON),
        ("__send", "/usr/lib/libc.so.6", "calls of the kernel"),
        ("__memcmp_evex_movbe", "/usr/lib/libc.so.6", REST),
    ],
)
def test_the_innermost_function_decides(symbol: str, program: str, area: str) -> None:
    assert area_of([(symbol, program), ("fasterapi::server::shard::wait", ENGINE)]) == area


@pytest.mark.parametrize(
    ("call", "area"),
    [
        ("__x64_sys_sendto", "kernel: send"),
        ("__x64_sys_recvfrom", "kernel: recv"),
        ("__x64_sys_epoll_wait", "kernel: epoll"),
        ("asm_sysvec_apic_timer_interrupt", "kernel: everything else"),
    ],
)
def test_kernel_time_belongs_to_its_system_call(call: str, area: str) -> None:
    assert area_of([("tcp_ack", KERNEL), ("net_rx_action", KERNEL), (call, KERNEL), ("__send", "libc.so.6")]) == area


def test_stacks_are_read_from_what_perf_prints() -> None:
    printed = """
worker-0
\tffffffff81e56906 skb_release_data ([kernel.kallsyms])
\tffffffff81e2eb30 __x64_sys_sendto ([kernel.kallsyms])
\t          10aba4 __send (/usr/lib/libc.so.6)

worker-0
\t    7f0012345678 fasterapi::bindings::(anonymous namespace)::encoder::encode_text (/x/_engine.so)

worker-0
\t    7f0012345678 [unknown] ([unknown])
"""
    assert count_areas(printed.splitlines()) == {"kernel: send": 1, "answer encoded": 1, REST: 1}


def test_every_area_that_a_sample_can_have_is_listed_once() -> None:
    assert len(set(AREAS)) == len(AREAS)
    assert {PYTHON, REST, "kernel: everything else"} <= set(AREAS)
