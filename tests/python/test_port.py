from __future__ import annotations

import os
import socket

import pytest

from fasterapi._port import HeldPort, PortError


def test_port_zero_becomes_a_real_port_that_workers_can_share() -> None:
    with HeldPort.take("127.0.0.1", 0) as held:
        assert held.port != 0
        assert held.url == f"http://127.0.0.1:{held.port}"
        for _ in range(2):
            with socket.socket() as worker:
                worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                worker.bind((held.host, held.port))
                worker.listen()


@pytest.mark.parametrize("shared", [False, True])
def test_a_taken_port_says_so(shared: bool) -> None:
    with socket.socket() as other:
        if shared:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortError) as caught:
            HeldPort.take("127.0.0.1", port)
    assert caught.value.strerror == f"port {port} on 127.0.0.1 is already in use; choose another with --port"


def test_the_port_is_free_again_afterwards() -> None:
    with HeldPort.take("127.0.0.1", 0) as held:
        port = held.port
    with HeldPort.take("127.0.0.1", port) as again:
        assert again.port == port


def test_a_host_that_is_not_ours_says_so() -> None:
    with pytest.raises(PortError, match=r"192\.0\.2\.1 is not an address of this machine"):
        HeldPort.take("192.0.2.1", 0)
    with pytest.raises(PortError, match="cannot listen on 'no host'"):
        HeldPort.take("no host", 0)


def test_ipv6_is_written_in_brackets() -> None:
    try:
        held = HeldPort.take("::1", 0)
    except PortError:
        pytest.skip("this machine has no IPv6")
    with held:
        assert held.url == f"http://[::1]:{held.port}"


def test_what_waits_at_a_place_outlives_who_accepts_there() -> None:
    with HeldPort.take("127.0.0.1", 0) as held:
        (descriptor,) = held.open_places(1)
        assert held.open_places(1) == [descriptor]
        with socket.socket(fileno=os.dup(descriptor)) as first:
            first.listen()
            client = socket.create_connection(("127.0.0.1", held.port), timeout=10)
        with client, socket.socket(fileno=os.dup(descriptor)) as second:
            accepted, _ = second.accept()
            accepted.close()
            assert client.recv(1) == b""
