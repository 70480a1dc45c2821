"""Whether a server of PostgreSQL answers at all, asked on a connection of its own that never waits for long."""

import contextlib
import select
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
from psycopg2 import extensions

SIGN_OF_LIFE_SECONDS = 1.5  # in which the server must accept a connection and answer
DEFAULT_PORT = 5432


Server = tuple[str, int]  # host, or the folder of its socket, and port


def answers(dsn: str) -> dict[Server, bool | None]:
    """Returns of each server of an address, which may name several, whether it answers in time; None for an error."""
    servers = _each_server(dsn)
    with ThreadPoolExecutor() as pool:
        return dict(zip(servers, pool.map(_answer, servers.values()), strict=True))


def shows_life(found: dict[Server, bool | None]) -> bool:
    """Returns whether the servers that gave these answers can be used; of several, whether one can.

    An error counts as an answer if no server is silent: it makes nobody wait.
    """
    given = set(found.values())
    return True in given or given == {None}


def replaced(found: dict[Server, bool | None]) -> set[Server]:
    """Returns the servers that are silent or give an error while another one answers."""
    return {server for server, answer in found.items() if not answer} if True in found.values() else set()


def with_last(dsn: str, servers: set[Server]) -> str:
    """Returns an address with these of its servers behind the others: they are tried in this order."""
    order = sorted(_each_server(dsn), key=lambda server: server in servers)
    hosts, ports = (",".join(str(server[each]) for server in order) for each in (0, 1))
    return str(extensions.make_dsn(dsn, host=hosts, port=ports))


def _answer(dsn: str) -> bool | None:
    try:
        return ask(dsn, "SELECT 1") is not None
    except psycopg2.Error:
        return None


def _each_server(dsn: str) -> dict[Server, str]:
    """Returns an address for each server of one that may name several."""
    parts = extensions.parse_dsn(dsn)
    hosts, ports = parts.get("host", "").split(","), parts.get("port", "").split(",")
    ports = ports if len(ports) == len(hosts) else ports * len(hosts)
    return {
        (host, int(port or DEFAULT_PORT)): extensions.make_dsn(dsn, host=host, port=port)
        for host, port in zip(hosts, ports, strict=True)
    }


def ask(dsn: str, question: str, *values: object) -> list[tuple[Any, ...]] | None:
    """Returns the rows of a query on a new connection, or None if the server does not answer in time."""
    deadline = time.monotonic() + SIGN_OF_LIFE_SECONDS
    with contextlib.closing(psycopg2.connect(dsn, async_=1)) as connection:
        if not _is_done(connection, deadline):
            return None
        cursor = connection.cursor()
        cursor.execute(question, values)
        return list(cursor) if _is_done(connection, deadline) else None


def _is_done(connection: Any, deadline: float) -> bool:
    """Wait until an asynchronous connection has finished what it does. Returns whether it did before the deadline."""
    while (state := connection.poll()) != extensions.POLL_OK:
        look = select.poll()  # not `select`, which takes no descriptor above 1,023
        look.register(connection, select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        if not look.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return False
    return True
