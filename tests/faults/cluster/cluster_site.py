"""A site on several machines: two for the web, a worker, two PostgreSQL each with a PgBouncer, a Redis, a load balancer."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.faults.cluster.network import BACK, FRONT, Machine, connected
from tests.faults.drills.drill_site import DrillSite
from tests.faults.public_site import settings_of
from tests.live_site import free_port
from tests.pooler import Pooler
from tests.postgres_server import PostgresServer
from tests.prepared import BASE
from tests.proxies import HOST, program, running
from tests.redis_server import RedisServer

WEB = [Machine("web1", 11, (FRONT, BACK)), Machine("web2", 12, (FRONT, BACK))]
WORKER, REDIS = Machine("worker", 13, (BACK,)), Machine("redis", 31, (BACK,))
DATABASES = [Machine("db1", 21, (BACK,)), Machine("db2", 22, (BACK,))]
SESSIONS = 40  # of each pooler: as many as threads that wait for locks, or the letter waits behind them
SITE_PORT = 8000
# As docs/operate/scale.md has them: a pooler passes on none of those that the site asks for.
LIMITS = {"statement_timeout": "5s", "lock_timeout": "1s", "idle_in_transaction_session_timeout": "10s"}

# A request to sign may be sent to the second machine when the first one fails: the same again is no second signature.
# No machine counts as dead: 503 means that the database is away, and the letter is served from memory meanwhile.
LOAD_BALANCER = """
upstream site {{ {servers} }}
server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host {host};
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    proxy_connect_timeout 500ms;
    proxy_read_timeout 15s;
    proxy_next_upstream error timeout http_503;
    proxy_next_upstream_tries 2;
    location / {{ proxy_pass http://site; }}
    location ~ ^/letters/[^/]+/sign/$ {{
        proxy_pass http://site;
        proxy_read_timeout 3s;
        proxy_next_upstream error timeout http_503 non_idempotent;
    }}
}}
"""


class Cluster(DrillSite):
    """The running machines. What drills need of a site is that of the whole."""

    def __init__(self, folder: Path) -> None:
        super().__init__(free_port(), folder)
        self.primary, self.follower = (
            PostgresServer(folder / machine.name, machine.address(BACK), 5432, machine.enter) for machine in DATABASES
        )
        self.poolers = [
            Pooler(
                folder / f"pooler-{machine.name}", (str(folder / machine.name), 5432),
                sessions=SESSIONS, host=machine.address(BACK), port=6432, prefix=machine.enter,
            )
            for machine in DATABASES
        ]  # fmt: skip
        self.redis = RedisServer(folder, REDIS.address(BACK), 6379, REDIS.enter)
        self.environment |= settings_of(f"https://{HOST}", folder / "outbox.private") | {
            "LOCAL": "",
            "DATABASE_URL": self.database_url(6432),
            "DIRECT_DATABASE_URL": self.database_url(5432),
            "REPLICA_URL": f"postgres://undersigned@{DATABASES[1].address(BACK)}:5432/undersigned",
            "CACHE_URL": self.redis.url,
            "OUTBOX_PRIVATE_KEY_FILE": str(folder / "outbox.private"),
            "EMAIL_URL": "",
            "DELIVERIES_DIR": str(folder / "deliveries"),
        }

    @staticmethod
    def database_url(port: int) -> str:
        servers = ",".join(f"{machine.address(BACK)}:{port}" for machine in DATABASES)
        return f"postgres://undersigned@{servers}/undersigned?target_session_attrs=read-write&connect_timeout=2"

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[Self]:
        with ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="us-cluster-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            folder.chmod(0o755)
            stack.enter_context(connected(*WEB, WORKER, REDIS, *DATABASES))
            cluster = cls(folder)
            cluster.until_the_end = stack
            cluster._start_databases(stack)
            cluster._start_site(stack)
            yield cluster

    def _start_databases(self, stack: ExitStack) -> None:
        self.primary.create()
        self.primary.start()
        for name, limit in LIMITS.items():
            self.primary.sql(f"ALTER ROLE undersigned SET {name} = '{limit}'")
        stack.callback(self._kill_databases)
        self.follow()
        for pooler in self.poolers:
            stack.enter_context(pooler.running())
        self.redis.start()
        stack.callback(self.redis.stop)

    def _kill_databases(self) -> None:
        for server in (self.primary, self.follower):
            server.kill()

    def follow(self) -> None:
        """Makes the replica anew, whose answer each commit waits for: else a lost primary takes some with it."""
        shutil.rmtree(self.follower.folder, ignore_errors=True)
        self.follower.replicate(self.primary)
        self.follower.start()
        self.wait_for_replica(is_synchronous=True)

    def wait_for_replica(self, *, is_synchronous: bool) -> None:
        self.is_synchronous = is_synchronous
        self.primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{'*' if is_synchronous else ''}'")
        self.primary.sql("SELECT pg_reload_conf()")
        state = "sync" if is_synchronous else "async"
        deadline = time.monotonic() + 30
        while self.primary.sql("SELECT sync_state FROM pg_stat_replication") != [(state,)]:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def stop_streaming(self) -> None:
        """Cuts the replica off from the primary alone."""
        self.follower.sql("ALTER SYSTEM SET primary_conninfo = ''")
        self.follower.sql("SELECT pg_reload_conf()")

    @property
    def number_of_primary(self) -> int:
        """Which of the two machines for databases has the primary."""
        return [machine.address(BACK) for machine in DATABASES].index(self.primary.host)

    def promote(self) -> None:
        """Makes the replica a primary."""
        self.follower.promote()
        self.restart_pooler(1 - self.number_of_primary)

    def restart_pooler(self, number: int) -> None:
        """It repeats to each client what the server first said of itself: whether it accepts writes."""
        self.poolers[number].stop()
        self.poolers[number].start()

    def swap(self) -> None:
        """The replica was promoted: the roles are the other way round, and the former primary follows."""
        self.primary, self.follower = self.follower, self.primary
        self.follower.kill()
        self.follow()
        self.restart_pooler(1 - self.number_of_primary)

    def _start_site(self, stack: ExitStack) -> None:
        self.run("migrate", "--no-input", "--verbosity", "0")
        for machine in WEB:
            options = ["serve", "--no-worker", "--workers", "1", "--host", "0.0.0.0", "--port", str(SITE_PORT)]  # noqa: S104  in its namespace
            stack.enter_context(self.running_on(machine, *options))
        stack.enter_context(self.running_on(WORKER, "worker"))
        stack.enter_context(self._load_balancer())
        self.sql("UPDATE signatures_ratelimit SET max_count = 1000000")
        self.wait_until_ready()

    @contextlib.contextmanager
    def running_on(self, machine: Machine, *words: str) -> Iterator[None]:
        """A command of the site on a machine, with a VAR_DIR of its own. It and all it started are killed at the end."""
        own = self.folder / f"var-{machine.name}"
        own.mkdir(mode=0o700)
        command = [*machine.enter, sys.executable, "manage.py", *words]
        with (self.folder / f"{machine.name}.log").open("ab") as out:
            process = subprocess.Popen(
                command, cwd=BASE, env=self.environment | {"VAR_DIR": str(own)}, stdout=out, stderr=out,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @contextlib.contextmanager
    def _load_balancer(self) -> Iterator[None]:
        folder = self.folder / "nginx"
        folder.mkdir()
        servers = " ".join(f"server {machine.address(FRONT)}:{SITE_PORT} max_fails=0;" for machine in WEB)
        server = LOAD_BALANCER.format(servers=servers, port=self.port, host=HOST)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"user root; daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{ worker_connections 4096; }}\nhttp {{\naccess_log off;\n{paths}{server}}}\n"
        )
        command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with running(command, self.port, folder / "output.log"):
            yield

    def run(self, *words: str) -> str:
        command = [*WORKER.enter, sys.executable, "manage.py", *words]
        environment = self.environment | {"VAR_DIR": str(self.folder / "var-commands")}
        done = subprocess.run(command, cwd=BASE, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def wait_until_ready(self, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while (answer := self.get("/readyz"))[0] != 200:
            assert time.monotonic() < deadline, f"{answer}\n{self.logs()}"
            time.sleep(0.2)

    def connect(self) -> Any:
        return self.primary.connect()

    def logs(self) -> str:
        return "\n".join(f"{file.name}:\n{file.read_text()[-2000:]}" for file in sorted(self.folder.glob("*.log")))
