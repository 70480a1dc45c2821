"""A PostgreSQL for tests: a primary, and a replica that follows it by streaming."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import psycopg2

from campaign.runtime import cluster
from tests import signals
from tests.live_site import free_port

OPTIONS = {**cluster.SERVER_SETTINGS, "shared_buffers": "64MB", "wal_keep_size": "256MB", "hot_standby": "on"}


class PostgresServer:
    """A server in a folder of its own, which listens to anybody on one address.

    Args:
        folder: where it keeps its data, log and socket.
        host: the address.
        port: by default one that is free.
        prefix: words before its command, such as those that enter a network namespace.
        programs: the folder of its programs; by default those of the embedded server.
    """

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: Sequence[str] = (),
        *,
        programs: Path | None = None,
    ) -> None:
        self.folder, self.host, self.port = folder, host, port or free_port()
        self.programs = programs or cluster.binaries()
        self.data, self.log, self.prefix = folder / "data", folder / "postgres.log", prefix
        self.process: subprocess.Popen[bytes] | None = None
        self.url = f"postgres://undersigned@{host}:{self.port}/undersigned"

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path, *, programs: Path | None = None) -> Iterator[Self]:
        server = cls(folder, programs=programs)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.kill()

    def create(self) -> None:
        self._make_folder()
        cluster.make_cluster(self.data, self.programs)
        cluster.make_database(self.data, self.programs)
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all,replication all all trust\n")

    def replicate(self, other: Self) -> None:
        """Becomes a replica of a server that runs. It is not started."""
        self._make_folder()
        source = ["--host", str(other.folder), "--port", str(other.port), "--username", "undersigned"]
        self._run("pg_basebackup", *source, "--pgdata", str(self.data), "--checkpoint", "fast")
        (self.data / "standby.signal").touch()
        shutil.chown(self.data / "standby.signal", *cluster._ordinary_user())
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = 'host={other.host} port={other.port} user=undersigned'\n")
            settings.write("synchronous_standby_names = ''\n")

    def start(self) -> None:
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        given = OPTIONS | {"listen_addresses": self.host, "port": str(self.port)}
        options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        command = [*self.prefix, *self._command("postgres", "-D", str(self.data), "-k", str(self.folder), *options)]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(psycopg2.OperationalError):
                self.connect().close()
                return
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.05)

    def promote(self) -> None:
        self.sql("SELECT pg_promote(true, 60)")

    def kill(self) -> None:
        """Ends all of its processes at once. They are a session of their own, each in a group of its own."""
        if self.process and self.process.poll() is None:
            signals.send(signal.SIGKILL, self.processes)
            self.process.wait()

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes connections, and answers nothing."""
        stopped = self.processes
        signals.send(signal.SIGSTOP, stopped)
        try:
            yield
        finally:
            signals.send(signal.SIGCONT, reversed(stopped))

    @property
    def processes(self) -> list[int]:
        """The ids of its processes, the first one first."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def connect(self) -> Any:
        """Returns a connection, which commits each statement. It uses the socket: the address may be elsewhere."""
        connection = psycopg2.connect(
            host=str(self.folder), port=self.port, user="undersigned", dbname="undersigned", connect_timeout=5
        )
        connection.autocommit = True
        return connection

    def sql(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, *cluster._ordinary_user())

    def _command(self, name: str, *words: str) -> list[str]:
        return cluster._as_ordinary_user([str(self.programs / name), *words])

    def _run(self, name: str, *words: str) -> None:
        done = subprocess.run(self._command(name, *words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
