"""A running site under faults that would stall it; `tests.faults.stalled` tries them for longer, with a control."""

import contextlib
import socket
import time

import pytest

from tests.faults.stalled import FAULTS, HEAD, Fault, try_site
from tests.live_site import LiveSite

pytestmark = pytest.mark.xdist_group("serve")
BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.mark.parametrize("fault", [BY_NAME["locked tables"], BY_NAME["stopped database"]], ids=lambda fault: fault.name)
def test_O16_health_and_letter_are_answered_while_the_database_does_not_answer(site: LiveSite, fault: Fault) -> None:
    outcome = try_site(site, fault, 5)
    assert outcome.held, str(outcome)


@pytest.mark.parametrize(
    "fault",
    [BY_NAME["slow bodies"], BY_NAME["slow headers"], BY_NAME["idle connections"]],
    ids=lambda fault: fault.name,
)
def test_S36_an_honest_signer_is_served_beside_two_hundred_slow_connections(site: LiveSite, fault: Fault) -> None:
    outcome = try_site(site, fault, 2)
    assert outcome.held, str(outcome)


def test_S36_slow_heads_slow_bodies_and_idle_connections_end_after_ten_seconds(site: LiveSite) -> None:
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", site.port), 30)) for _each in range(4)]
        _idle, head, body, kept = clients
        head.sendall(HEAD.encode())
        body.sendall(f"{HEAD}Content-Length: 5000\r\n\r\na".encode())
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in kept.recv(1000)
        assert b"408" in body.recv(1000)
        for client in clients:
            while client.recv(1000):
                pass
    assert 8 < time.monotonic() - begun < 20
