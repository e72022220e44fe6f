from __future__ import annotations

from benchmarks.harness.campaign import NotMeasured, condense, interleave
from benchmarks.harness.server import load_environments, load_servers
from benchmarks.harness.workload import WORKLOADS, workload_named


def test_every_round_measures_each_server_once_and_starts_with_another() -> None:
    servers = load_servers()
    some = [servers[name] for name in ("limit", "ours", "fastapi", "robyn")]
    steps = interleave(some, [workload_named("def-json")], rounds=3)
    rounds = [[step.server.name for step in steps if step.round == number] for number in (1, 2, 3)]
    assert rounds == [["ours", "fastapi", "robyn"], ["fastapi", "robyn", "ours"], ["robyn", "ours", "fastapi"]]


def test_a_server_is_asked_only_what_it_answers() -> None:
    servers = load_servers()
    steps = interleave([servers["granian-wsgi"]], list(WORKLOADS), rounds=1)
    assert {step.workload.name for step in steps} == set(servers["granian-wsgi"].workloads)
    assert "async-json" not in servers["granian-wsgi"].workloads


def test_every_entry_names_known_workloads_and_a_declared_environment() -> None:
    names = {workload.name for workload in WORKLOADS}
    environments = {"", "project", *load_environments()}
    for server in load_servers().values():
        assert set(server.workloads) <= names, server.name
        assert set(server.notes) <= set(server.workloads), server.name
        assert set(server.commands) <= set(server.workloads), server.name
        assert server.environment in environments, server.name


def test_every_echo_of_a_peer_says_whether_it_validates() -> None:
    for server in load_servers().values():
        if server.name != "limit" and "post-json" in server.workloads:
            assert server.notes["post-json"] in {"validated", "unvalidated"}, server.name


def test_peers_are_pinned_to_one_version() -> None:
    for environment in load_environments().values():
        assert all("==" in package for package in environment.packages), environment.name


def test_command_line_fills_in_port_workers_and_the_workload_of_the_limit() -> None:
    servers = load_servers()
    ours = servers["ours"].command_line(port=4321, workers=8)
    assert ours[ours.index("--port") + 1] == "4321"
    assert ours[ours.index("--workers") + 1] == "8"
    limit = servers["limit"]
    assert "--text" in limit.command_line(port=1, workload=workload_named("text-10k"))
    assert "--text" not in limit.command_line(port=1, workload=workload_named("def-json"))


def test_one_reason_for_all_workloads_is_told_once() -> None:
    servers = load_servers()
    refusals = [NotMeasured("granian-wsgi", name, "no such file") for name in servers["granian-wsgi"].workloads]
    refusals.append(NotMeasured("robyn", "typed", "answered with 500"))
    assert condense(refusals, servers) == [
        NotMeasured("granian-wsgi", "", "no such file"),
        NotMeasured("robyn", "typed", "answered with 500"),
    ]
