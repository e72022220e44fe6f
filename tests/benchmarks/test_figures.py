from __future__ import annotations

import pytest

from benchmarks.harness.figures import Run, cpu_used_ns, figure_of, summarize
from benchmarks.harness.soak import Sample, growth


def run(
    server: str = "ours",
    *,
    number: int = 1,
    requests: int = 1000,
    cpu_ns: int = 5_000_000,
    limit_cpu_us: float | None = 4.0,
    foreign: float = 0.0,
) -> Run:
    return Run(
        round=number,
        workload="def-json",
        server=server,
        requests=requests,
        seconds=0.5,
        cpu_ns=cpu_ns,
        p50_us=100,
        p99_us=900,
        errors=0,
        foreign_share=foreign,
        steal_share=0.0,
        limit_cpu_us=limit_cpu_us,
    )


def test_run_gives_cpu_time_throughput_and_ratio_per_request() -> None:
    measured = run(requests=1000, cpu_ns=5_000_000, limit_cpu_us=4.0)
    assert measured.cpu_us == pytest.approx(5.0)
    assert measured.requests_per_s == pytest.approx(2000)
    assert measured.ratio == pytest.approx(0.8)


def test_ratio_is_paired_within_the_round_before_the_median_is_taken() -> None:
    # The machine is twice as slow in round 2, for the limit as for the server: the ratio does not move.
    rounds = [
        run(number=1, cpu_ns=5_000_000, limit_cpu_us=4.0),
        run(number=2, cpu_ns=10_000_000, limit_cpu_us=8.0),
        run(number=3, cpu_ns=5_000_000, limit_cpu_us=4.0),
    ]
    (summary,) = summarize(rounds)
    assert summary.ratio is not None
    assert (summary.ratio.least, summary.ratio.greatest) == (0.8, 0.8)
    assert (summary.cpu_us.median, summary.cpu_us.greatest) == (5.0, 10.0)
    assert summary.rounds == 3


def test_limit_itself_has_no_ratio() -> None:
    (summary,) = summarize([run("limit", limit_cpu_us=None)])
    assert summary.ratio is None


def test_summaries_keep_servers_apart_and_count_disturbed_rounds() -> None:
    first, second = summarize([run("ours", foreign=0.3), run("peer"), run("ours", number=2)])
    assert (first.server, first.rounds, first.disturbed) == ("ours", 2, 1)
    assert (second.server, second.rounds, second.disturbed) == ("peer", 1, 0)


def test_cpu_time_of_a_process_that_appeared_counts_whole() -> None:
    assert cpu_used_ns({1: 100}, {1: 150, 2: 30}) == 80


def test_cpu_time_is_refused_when_a_process_ended_meanwhile() -> None:
    with pytest.raises(ValueError, match="1 of its processes ended"):
        cpu_used_ns({1: 100, 2: 5}, {1: 150})


def test_figure_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        figure_of([])


def test_growth_leaves_out_the_first_tenth() -> None:
    samples = [Sample(0, 50), Sample(60, 90), Sample(120, 100), Sample(600, 103), Sample(1000, 102)]
    assert growth(samples, 1000) == pytest.approx(0.02)


def test_growth_needs_two_samples_after_the_warm_up() -> None:
    with pytest.raises(ValueError, match="too few samples"):
        growth([Sample(0, 50), Sample(1000, 51)], 1000)
