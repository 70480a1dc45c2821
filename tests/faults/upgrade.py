"""`uv run python -m tests.faults.upgrade`: the release before serves a million rows, and is upgraded while people sign.

The former code makes its database and serves. Then the new code migrates it while the former code goes on; then the new
code starts beside it, visitors go over as through a proxy, and the former code ends. It prints rows, the longest stall of
a request, and how many requests failed and sign-ups were lost.

The *control* holds a lock on the signatures as an index does that is not made concurrently: the stall must be seen.
"""

import argparse
import contextlib
import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import urlencode

from tests.faults.honest_signer import filled_in_form
from tests.live_site import LiveSite, body_of, free_port
from tests.prepared import BASE

# The commit with the migrations of the release before, while no release has a tag. A test checks that each later
# migration suits the code before it. What came before was never released: see docs/operate/upgrade.md.
FORMER = "d27a907c54106a5668ead3001a7ef07194d4487d"
ROWS, SEED_ROWS = 1_000_000, 2_000
MOST_SECONDS = 2.0  # that a request may take, unless it took longer before: then the machine is too busy
MIGRATE_SECONDS = 1_800.0  # after which the drill gives up
CONTROL_SECONDS = 4.0
LETTER = "/letters/xi-jinping-2013/"
LINK = re.compile(r"/signature/\S+")
# Without triggers: the counts, which the drill does not look at, stay those of the seed.
_MULTIPLY = """
    SET session_replication_role = replica;
    INSERT INTO signatures_signature ({columns})
    SELECT {values} FROM (SELECT * FROM signatures_signature ORDER BY id LIMIT {seed}) AS seed,
    generate_series(1, {times}) AS copy
"""
# Kept up to date row by row, the indexes would take most of the time of making the rows.
_INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'signatures_signature'
    AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = 'signatures_signature'::regclass)
"""
_CHANGED = {
    "public_id": "gen_random_uuid()",
    "address_hash": "sha256((seed.public_id::text || copy)::bytea)",
    "name": "CASE WHEN seed.name = '' THEN '' ELSE seed.name || ' ' || copy END",
}


@dataclass
class Visitors:
    """People who read the letter and the list, sign, and confirm by the link in their email, one request after the other."""

    port: int
    folders: list[Path]  # of emails
    pause: float  # in seconds, after each request of each visitor
    seconds: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    signed: dict[str, str] = field(default_factory=dict)  # names, by email address
    confirmed: set[str] = field(default_factory=set)  # names
    former_port: int = 0
    _seen: set[Path] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.former_port = self.port

    @contextlib.contextmanager
    def visiting(self) -> Iterator[None]:
        work = (self._read, self._list, self._sign, self._sign, self._confirm)
        threads = [threading.Thread(target=self._repeat, args=[step]) for step in work]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(60)

    def longest(self) -> float:
        """Returns the seconds of the longest request since the last call."""
        seconds, self.seconds = self.seconds, []
        return max(seconds, default=0.0)

    def _repeat(self, step: object) -> None:
        while not self._stop.wait(self.pause):
            step()  # type: ignore[operator]

    def _ask(self, path: str, status: int, form: dict[str, str] | None = None) -> str:
        """Returns the page; empty if the answer was another."""
        port, began = self.port, time.monotonic()
        code = "former" if port == self.former_port else "new"
        what = f"{'POST' if form else 'GET'} {path.split('/')[1]} of the {code} code"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        try:
            connection.request("POST" if form else "GET", path, urlencode(form) if form else None, headers)
            answer = connection.getresponse()
            page = answer.read().decode()
        except OSError as error:
            self.failed[f"{what}: {type(error).__name__}"] += 1
            return ""
        finally:
            connection.close()
            self.seconds.append(time.monotonic() - began)
        if answer.status != status:
            self.failed[f"{what}: {answer.status}"] += 1
            return ""
        return page or "empty"

    def _read(self) -> None:
        self._ask(LETTER, 200)

    def _list(self) -> None:
        self._ask(f"{LETTER}signatories/?q=kim+77", 200)  # "kim" alone would be answered that it has too many matches

    def _sign(self) -> None:
        number = time.monotonic_ns()
        name, email = f"Upgrader {number}", f"upgrader{number}@example.org"
        if self._ask(f"{LETTER}sign/", 303, filled_in_form(f"http://127.0.0.1:{self.port}{LETTER}", name, email)):
            self.signed[email] = name

    def _confirm(self) -> None:
        files = {file for folder in self.folders for file in folder.glob("*.eml")} - self._seen
        for file in sorted(files)[:5]:
            self._seen.add(file)
            try:
                message = message_from_bytes(file.read_bytes(), policy=policy.default)
            except FileNotFoundError:  # the drill is over, and the folder gone
                return
            name, link = self.signed.get(message["To"]), LINK.search(body_of(message, "plain"))
            if name and link and (page := self._ask(link[0], 200)):
                fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
                form = {"kind": "person", "name": name, "visibility": "public", "consent": "on", "action": "confirm"}
                if self._ask(link[0], 303, {**form, **fields}):
                    self.confirmed.add(name)


@contextlib.contextmanager
def former_code(commit: str) -> Iterator[Path]:
    """Yields a folder with the code of this commit."""
    with tempfile.TemporaryDirectory(prefix="us-former-") as folder:
        archive = subprocess.run(["git", "archive", commit], cwd=BASE, capture_output=True, check=False)
        if archive.returncode:
            sys.exit(f"The commit {commit[:7]} is not here: the drill needs the whole history (git fetch --unshallow).")
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        Path(folder).chmod(0o755)  # its PostgreSQL runs as another user
        yield Path(folder)


def release_before() -> str:
    """Returns the newest release that this code contains; without a tag, `FORMER`."""
    command = ["git", "tag", "--list", "v*", "--sort=-v:refname", "--merged", "HEAD"]
    found = subprocess.run(command, cwd=BASE, capture_output=True, text=True, check=True).stdout.split()
    return found[0] if found else FORMER


def multiply(site: LiveSite, rows: int) -> int:
    """Fills the list up to about so many rows. Returns how many there are."""
    site.run("make_signatures", str(SEED_ROWS))
    found = site.sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'signatures_signature'")
    columns = [name for (name,) in found if name != "id"]
    values = [_CHANGED.get(name, f"seed.{name}") for name in columns]
    if times := rows // SEED_ROWS - 1:
        indexes = dict(site.sql(_INDEXES))
        for name in indexes:
            site.sql(f'DROP INDEX "{name}"')
        site.sql(_MULTIPLY.format(columns=", ".join(columns), values=", ".join(values), seed=SEED_ROWS, times=times))
        for definition in indexes.values():
            site.sql(f"SET maintenance_work_mem = '1GB'; {definition}")
        site.sql("VACUUM ANALYZE signatures_signature")
        site.sql("CHECKPOINT")  # the disk has written them before anybody comes
    return int(site.sql("SELECT count(*) FROM signatures_signature")[0][0])


def migrate(site: LiveSite) -> float:
    """Migrates the database of the site with the new code. Returns the seconds that it took."""
    began = time.monotonic()
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=BASE, env=site.environment, check=True, timeout=MIGRATE_SECONDS)
    return time.monotonic() - began


@contextlib.contextmanager
def new_code(former: LiveSite) -> Iterator[LiveSite]:
    """Yields the new code, which serves the database of the former one beside it."""
    folder = Path(tempfile.mkdtemp(prefix="us-site-"))
    shutil.copytree(former.folder / "keys", folder / "keys")
    url = f"postgres://undersigned@/undersigned?host={former.folder / 'postgres'}"
    with LiveSite.temporary(
        free_port(), "--workers", "2", folder=folder, DATABASE_URL=url, SITE_URL=former.url
    ) as site:
        yield site


def lost(site: LiveSite, visitors: Visitors) -> set[str]:
    """Returns who was told to have signed, or confirmed, and is not there."""
    told = set(visitors.signed.values()), visitors.confirmed.copy()  # before the rows are read: people go on
    submitted = {name for (name,) in site.sql("SELECT name FROM signatures_submission WHERE name LIKE 'Upgrader %'")}
    confirmed = {name for (name,) in site.sql("SELECT name FROM signatures_signature WHERE name LIKE 'Upgrader %'")}
    return (told[0] - submitted - confirmed) | (told[1] - confirmed)


def control(site: LiveSite, visitors: Visitors) -> float:
    """Returns the longest stall while an index is made that locks the signatures."""
    visitors.longest()
    site.sql(
        "BEGIN; CREATE INDEX locks_writers ON signatures_submission (name);"
        f"SELECT pg_sleep({CONTROL_SECONDS}); ROLLBACK"
    )
    time.sleep(1)
    return visitors.longest()


def interpreter_of(code: Path) -> str:
    """Returns a Python with what this code needs: its release may need other packages than the new one."""
    folder, uv = code / ".venv", os.environ.get("UV", "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    install = ["pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "requirements.txt"]
    subprocess.run([uv, *install], cwd=code, env=os.environ | {"VIRTUAL_ENV": str(folder)}, check=True)
    return str(folder / "bin" / "python")


def errors_of(site: LiveSite) -> list[str]:
    """Returns what the site logged of requests that failed, and its database of statements."""
    files = [site.output, *site.folder.glob("postgres.log")]
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [line for line in lines if "Internal Server Error" in line or " ERROR: " in line]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.upgrade", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seconds", type=float, default=10.0, help="of traffic before and after each step")
    parser.add_argument(
        "--limit", type=float, default=MOST_SECONDS, help="seconds that a request may take; CI measures no speed"
    )
    parser.add_argument(
        "--pause", type=float, default=0.02, help="seconds between two requests of a visitor; there are five"
    )
    parser.add_argument("--former", default=release_before(), help="another commit")
    options = parser.parse_args()
    with former_code(options.former) as code, contextlib.ExitStack() as until_the_end:
        site = LiveSite(free_port())
        site.code, site.options, site.interpreter = code, ("--workers", "2"), interpreter_of(code)
        until_the_end.enter_context(site.removed_at_the_end())
        until_the_end.enter_context(site)
        began = time.monotonic()
        rows = multiply(site, options.rows)
        print(f"made {rows:,} rows in {time.monotonic() - began:.0f} s", flush=True)
        visitors = Visitors(site.port, [site.folder / "mail"], options.pause)
        with visitors.visiting():
            time.sleep(options.seconds)
            before = visitors.longest()
            took = migrate(site)
            time.sleep(options.seconds)
            migrating = visitors.longest()
            with new_code(site) as new:
                visitors.folders.append(new.folder / "mail")
                visitors.port = new.port
                time.sleep(options.seconds)
                switching = visitors.longest()
                failed = visitors.failed.copy()
                errors = [*errors_of(site), *errors_of(new)] if failed else []
                missed = lost(site, visitors)
                stalled = control(site, visitors)
                failed_in_control = visitors.failed - failed
    print(f"former code {options.former[:7]}, {rows:,} rows; load {os.getloadavg()[0]:.1f}")
    print(f"migrated in {took:.1f} s, with start and end of the command")
    print(f"longest stall: before {before:.2f} s, while migrating {migrating:.2f} s, while switching {switching:.2f} s")
    print(
        f"signed {len(visitors.signed)}, confirmed {len(visitors.confirmed)}; failed {dict(failed)}; lost {len(missed)}"
    )
    for line in errors[:10]:
        print(line)
    print(
        f"control, a lock of {CONTROL_SECONDS:.0f} s: longest stall {stalled:.2f} s, failed {dict(failed_in_control)}"
    )
    is_good = (
        not failed and not missed and visitors.confirmed and max(migrating, switching) <= max(options.limit, before)
    )
    return 0 if is_good and (stalled > MOST_SECONDS or failed_in_control) else 1


if __name__ == "__main__":
    sys.exit(main())
