"""PgBouncer before a database, in transaction mode, for tests."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from tests.live_site import free_port
from tests.proxies import program

# It is no root, and passes through folders that are somebody else's.
ORDINARY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override"]  # fmt: skip


class Pooler:
    """A PgBouncer.

    Args:
        folder: where its files are.
        database: the address or the folder of the socket of the server, and its port.
        sessions: how many it has there, for all.
        host: the address where it listens.
        port: by default one that is free.
        prefix: words before its command, such as those that enter a network namespace.
        to: the database to which it leads; by default the one that is asked for.
        each_session: statements with which each of its sessions begins.
        wait: seconds that a query waits for one of them; by default as docs/operate/scale.md has it.
    """

    def __init__(
        self,
        folder: Path,
        database: tuple[str, int],
        *,
        sessions: int = 2,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: Sequence[str] = (),
        to: str = "",
        each_session: str = "",
        wait: int = 2,
    ) -> None:
        self.folder, self.host, self.port, self.prefix = folder, host, port or free_port(), prefix
        self.url = f"postgres://undersigned@{host}:{self.port}/undersigned"
        more = (f" dbname={to}" if to else "") + (f" connect_query='{each_session}'" if each_session else "")
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "users").write_text('"undersigned" ""\n')
        (folder / "pooler.ini").write_text(
            f"[databases]\n* = host={database[0]} port={database[1]}{more}\n"
            f"[pgbouncer]\nlisten_addr = {host}\nlisten_port = {self.port}\n"
            f"unix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users\npool_mode = transaction\n"
            f"default_pool_size = {sessions}\nmax_client_conn = 500\nso_reuseport = 1\n"
            "ignore_startup_parameters = extra_float_digits,options\n"
            # As docs/operate/scale.md has them.
            "server_login_retry = 1\nserver_connect_timeout = 3\n"
            f"query_wait_timeout = {wait}\ntcp_user_timeout = 10000\n"
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        user = ORDINARY if os.geteuid() == 0 else []
        command = [*self.prefix, *user, program("pgbouncer"), "-q", str(self.folder / "pooler.ini")]
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        deadline = time.monotonic() + 20
        while not self.prefix:
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
                return
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
