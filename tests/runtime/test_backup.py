"""Backups: made of a served site, restored into an empty database. Nothing is lost, and nobody who is erased returns."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pyrage
import pytest
from django.conf import LazySettings, settings
from django.core.management import call_command
from django.utils import timezone

from campaign.runtime import cluster, environment
from signatures.audit import audit_log
from signatures.models import Alarm, Signature
from signatures.monitoring import alarms
from signatures.registries import AlarmCode, AuditAction
from tests.prepared import BASE

pytestmark = pytest.mark.xdist_group("backup")
NUMBER = 300


def run(folder: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the site in this folder, whose database has the name of the folder."""
    return python_with(folder, "manage.py", *words, **changes)


def python_with(folder: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with the settings of this site."""
    kept = {name: value for name, value in os.environ.items() if name not in environment.NAMES}
    own = {
        "LOCAL": "True",
        "VAR_DIR": str(folder),
        "DATABASE_URL": f"postgres://undersigned@/{folder.name}?host={settings.POSTGRES_DIR}",
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
    }
    return subprocess.run(
        [sys.executable, *words], cwd=BASE, env={**kept, **own, **changes}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def restore(folder: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Restores a backup. Where there are no newer tombstones, that is said."""
    is_new = not (folder / "tombstones.csv").exists()
    return run(folder, "restore", *words, *(["--without-newer-tombstones"] if is_new else []), **changes)


def python(folder: Path, code: str) -> Any:
    """Runs this code on a site that is not served. Returns what it prints, by way of JSON."""
    done = run(folder, "shell", "--no-imports", "-c", f"import json; {code}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


STATE = (
    "from signatures.models import *; from campaign.models import *;"
    "print(json.dumps([Signature.objects.count(), Submission.objects.count(), Letter.objects.count(),"
    " sorted(str(p) for p in Signature.objects.values_list('public_id', flat=True)),"
    " Checkpoint.objects.count(), Signature.objects.filter(state='withdrawn').count()]))"
)
ERASE_ONE = (
    "from signatures.models import *; from signatures.signing import withdrawal; from signatures import retention, tombstones;"
    "from signatures.states import State;"
    "row = Signature.objects.filter(state=State.APPROVED).first(); found = str(row.public_id);"
    "withdrawal.erase(row); tombstones.sync(); print(json.dumps(found))"
)
WITHDRAW_ONE = ERASE_ONE.replace("erase(row); tombstones.sync()", "withdraw(row); narrowings.sync()").replace(
    "import retention, tombstones", "import narrowings"
)


@dataclass(frozen=True)
class Site:
    folder: Path


@contextlib.contextmanager
def site_without_rows() -> Iterator[Site]:
    """A site that was never started: a folder, and an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="us-backup-"))
    connection = psycopg2.connect(host=str(settings.POSTGRES_DIR), user="undersigned", dbname="postgres")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{folder.name}"')
            yield Site(folder)
            cursor.execute(f'DROP DATABASE "{folder.name}" WITH (FORCE)')
    finally:
        connection.close()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def site(django_db_setup: None) -> Iterator[Site]:
    """A site with signatures."""
    with site_without_rows() as site:
        for words in (["migrate", "-v", "0"], ["load_letter"], ["make_signatures", str(NUMBER)], ["worker", "--once"]):
            done = run(site.folder, *words)
            assert done.returncode == 0, done.stderr
        yield site


@pytest.fixture
def empty(site: Site) -> Iterator[Path]:
    """The folder of a site with the same keys, and with an empty database."""
    with site_without_rows() as other:
        shutil.copytree(site.folder / "keys", other.folder / "keys")
        yield other.folder


def backup(site: Site, folder: Path, *words: str) -> Path:
    done = run(site.folder, "backup", str(folder), *words)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.mark.parametrize("named", ["the backup", "the folder of all"])
def test_O7_a_restored_site_is_what_it_was(site: Site, empty: Path, tmp_path: Path, named: str) -> None:
    made = backup(site, tmp_path / "backups")
    before = python(site.folder, STATE)
    assert before[0] > NUMBER // 2, "other tests of this site erase somebody"

    done = restore(empty, str(made if named == "the backup" else made.parent))

    assert done.returncode == 0, done.stderr
    assert "The database is as it was at" in done.stdout
    assert python(empty, STATE) == before
    for command in ("reconcile", "verify_audit_log"):
        assert run(empty, command).returncode == 0
    assert made.stat().st_mode & 0o777 == 0o700


FREEZE = (
    "from campaign.models import Letter; from signatures.delivery import freezing;"
    "delivery = freezing.freeze(Letter.objects.get(), by=None, reason='the hearing of May');"
    "print(json.dumps(delivery.pk))"
)
WORDS_OF_NOBODY = (
    "from signatures.models import *; from signatures.delivery.errata import words_of_nobody;"
    "rows = DeliveryEntry.objects.filter(delivery={});"
    "print(json.dumps([rows.count(), rows.filter(salt=None).count(), words_of_nobody(rows).count(),"
    " DeliveryErasure.objects.filter(delivery={}).count()]))"
)


def test_O7_who_erased_themselves_after_the_backup_stays_erased(site: Site, empty: Path, tmp_path: Path) -> None:
    frozen = python(site.folder, FREEZE)
    made = backup(site, tmp_path)
    erased = python(site.folder, ERASE_ONE)
    python(site.folder, WITHDRAW_ONE)
    for name in ("tombstones.csv", "narrowings.csv"):
        shutil.copy(site.folder / name, empty)
    done = restore(empty, str(made))
    assert done.returncode == 0, done.stderr
    after, expected = python(empty, STATE), python(site.folder, STATE)
    assert erased not in after[3] and after[3] == expected[3]
    assert after[5] == expected[5] > 0, "who withdrew has withdrawn"
    entries, *blanked = python(empty, WORDS_OF_NOBODY.format(frozen, frozen))
    assert entries > NUMBER // 2 and blanked == [1, 0, 1], "no words in the delivery, and a record of that"


def stopped_halfway(site: Site, empty: Path, folder: Path) -> tuple[Path, str]:
    """A restore that ends after the rows came in. Returns the backup, and who erased themselves after it."""
    made = backup(site, folder)
    erased = python(site.folder, ERASE_ONE)
    (empty / "tombstones.csv").write_text("no tombstone\n")
    assert restore(empty, str(made)).returncode == 1
    shutil.copy(site.folder / "tombstones.csv", empty)
    return made, erased


def test_O7_nobody_works_on_a_database_whose_restore_has_not_finished(site: Site, empty: Path, tmp_path: Path) -> None:
    stopped_halfway(site, empty, tmp_path)
    shutil.copytree(empty / "keys", tmp_path / "other" / "keys")
    other_machine = {"VAR_DIR": str(tmp_path / "other")}
    for words in (["worker", "--once"], ["migrate"], ["migrate", "--check"], ["prune"]):
        done = run(empty, *words, **other_machine)
        assert (done.returncode, done.stdout) == (1, ""), words
        assert "a restore has not finished, so stop the site and run `restore` with the same backup" in done.stderr
    assert run(empty, "collectstatic", "--no-input", **other_machine).returncode == 0
    visit = (
        "import django; django.setup();"
        "from django.test import Client; print(Client(False, raise_request_exception=False, headers={'host': 'localhost'}).get('/').status_code)"
    )
    done = python_with(empty, "-c", visit, **other_machine)
    assert done.stdout == "503\n", done.stderr


def test_O7_a_restore_that_was_stopped_goes_on_and_erased_stays_erased(site: Site, empty: Path, tmp_path: Path) -> None:
    made, erased = stopped_halfway(site, empty, tmp_path / "first")
    assert "is not empty" in restore(empty, str(backup(site, tmp_path / "second"))).stderr, "another backup"
    done = restore(empty, str(made))
    assert done.returncode == 0, done.stderr
    assert erased not in python(empty, STATE)[3]
    assert python(empty, STATE)[3] == python(site.folder, STATE)[3]


def test_O7_a_site_that_is_connected_while_a_restore_begins_stops_it(site: Site, empty: Path, tmp_path: Path) -> None:
    made = backup(site, tmp_path)
    connection = psycopg2.connect(host=str(settings.POSTGRES_DIR), user="undersigned", dbname=empty.name)
    assert "Stop the site: the database has other connections (1)." in restore(empty, str(made)).stderr
    connection.close()
    assert restore(empty, str(made)).returncode == 0


def test_O7_without_tombstones_beside_the_database_a_restore_is_refused_until_that_is_meant(
    site: Site, empty: Path, tmp_path: Path
) -> None:
    made = str(backup(site, tmp_path))
    assert f"There is no {empty}/tombstones.csv" in run(empty, "restore", made).stderr
    done = run(empty, "restore", made, "--without-newer-tombstones")
    assert done.returncode == 0
    assert f"There was no {empty}/narrowings.csv: who withdrew" in done.stdout


def test_R10_an_encrypted_backup_opens_with_its_key_alone(site: Site, empty: Path, tmp_path: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"# public key: {key.to_public()}\n{key}\n")
    (tmp_path / "other").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    made = backup(site, tmp_path / "backups", "--to", str(key.to_public()))
    assert {file.name for file in made.iterdir() if file.suffix != ".age"} == {"manifest.json"}

    assert "give --key FILE" in restore(empty, str(made)).stderr
    assert "the key does not open it" in restore(empty, str(made), "--key", str(tmp_path / "other")).stderr
    done = restore(empty, str(made), "--key", str(tmp_path / "key"))
    assert done.returncode == 0, done.stderr
    assert python(empty, STATE) == python(site.folder, STATE)


def test_nothing_is_restored_over_what_is_there(site: Site, tmp_path: Path) -> None:
    made, before = backup(site, tmp_path), python(site.folder, STATE)
    done = restore(site.folder, str(made))
    assert (done.returncode, done.stderr) == (
        1,
        "CommandError: The database is not empty: nothing is restored over what is there.\n",
    )
    assert python(site.folder, STATE) == before


def test_O12_a_backup_is_not_restored_with_another_pepper(site: Site, empty: Path, tmp_path: Path) -> None:
    made = backup(site, tmp_path)
    done = restore(empty, str(made), EMAIL_HASH_PEPPER=secrets.token_hex(32))
    assert "EMAIL_HASH_PEPPER is not that of this backup" in done.stderr
    assert restore(empty, str(made)).returncode == 0, "nothing was changed"


@pytest.mark.parametrize("damage", ["cut", "no manifest", "no dump"])
def test_a_damaged_backup_changes_nothing(site: Site, empty: Path, tmp_path: Path, damage: str) -> None:
    made = backup(site, tmp_path)
    dump = made / "database.dump"
    if damage == "cut":
        dump.write_bytes(dump.read_bytes()[:-1000])
    elif damage == "no manifest":
        (made / "manifest.json").unlink()
    else:  # whole for the manifest, and no dump for PostgreSQL
        dump.write_bytes(dump.read_bytes()[:-1000])
        manifest = json.loads((made / "manifest.json").read_text())
        manifest["files"]["database.dump"] = hashlib.sha256(dump.read_bytes()).hexdigest()
        (made / "manifest.json").write_text(json.dumps(manifest))
    done = restore(empty, str(made))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    tables = "from django.db import connection; print(json.dumps(connection.introspection.table_names()))"
    assert python(empty, tables) == []


def test_a_server_that_refuses_a_dump_is_quoted_and_keeps_nothing_of_it(
    site: Site, empty: Path, tmp_path: Path
) -> None:
    made, guest = backup(site, tmp_path), f"guest_{os.getpid()}"
    session = psycopg2.connect(host=str(settings.POSTGRES_DIR), user="undersigned", dbname=empty.name)
    session.autocommit = True
    with contextlib.closing(session), session.cursor() as cursor:
        cursor.execute(f'CREATE ROLE {guest} LOGIN; GRANT CREATE ON DATABASE "{empty.name}" TO {guest}')
    address = f"postgres://{guest}@/{empty.name}?host={settings.POSTGRES_DIR}"
    done = restore(empty, str(made), DATABASE_URL=address)
    left = "SELECT count(*) FROM pg_class WHERE relowner = %s::regrole"
    session = psycopg2.connect(host=str(settings.POSTGRES_DIR), user="undersigned", dbname=empty.name)
    session.autocommit = True
    with contextlib.closing(session), session.cursor() as cursor:
        cursor.execute(left, [guest])
        (number,) = cursor.fetchone()
        cursor.execute(f"DROP OWNED BY {guest}; DROP ROLE {guest}")
    assert (done.returncode, number) == (1, 0)
    assert "psql failed: " in done.stderr and "permission denied for schema public" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_backup_that_fails_leaves_nothing_and_counts_for_nothing(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(site.folder, "backup", str(tmp_path / "file"))
    assert done.returncode == 1 and "There is no backup" in done.stderr
    assert done.stderr.count("\n") == 1
    done = run(site.folder, "backup", str(tmp_path), "--to", "age1nonsense")
    assert done.returncode == 1 and "no public key of age" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_torn_file_of_tombstones_is_named_with_its_line_and_no_dump_is_left(
    site: Site, empty: Path, tmp_path: Path
) -> None:
    made = backup(site, tmp_path / "made")
    python(site.folder, ERASE_ONE)
    file = site.folder / "tombstones.csv"
    whole = file.read_text()
    torn = whole + whole.splitlines()[-1][:-9]
    number = len(torn.splitlines())
    try:
        file.write_text(torn)
        refused = [run(site.folder, "backup", str(tmp_path / "other")), run(site.folder, "prune")]
    finally:
        file.write_text(whole)
    shutil.copy(file, empty)
    (empty / "tombstones.csv").write_text(torn)
    refused.append(run(empty, "restore", str(made)))
    for done, folder in zip(refused, (site.folder, site.folder, empty), strict=True):
        sentence = (
            f"Line {number} of {folder}/tombstones.csv is no tombstone: take it out, or put back a copy of the file."
        )
        assert done.returncode == 1 and done.stderr.strip().endswith(sentence), done.stderr
        assert done.stderr.count("\n") == 1
    assert list((tmp_path / "other").iterdir()) == []


def test_R10_no_backup_holds_a_secret_or_a_key_of_a_day(site: Site, tmp_path: Path) -> None:
    python(
        site.folder,
        "from signatures.models import DailyKey; from django.utils import timezone; import secrets;"
        "DailyKey.objects.get_or_create(day=timezone.now().date(), defaults={'number': secrets.token_bytes(32)});"
        "print(DailyKey.objects.count())",
    )
    made = backup(site, tmp_path)
    everything = b"".join(file.read_bytes() for file in made.iterdir())
    for secret in (site.folder / "keys").iterdir():
        if not secret.name.endswith(".public"):
            assert secret.read_bytes().strip() not in everything
    assert "LOCAL=True" in (made / "settings.env").read_text()
    listed = subprocess.run(
        [str(cluster.binaries() / "pg_restore"), "--data-only", "--table=signatures_dailykey", "-f", "-", made / "database.dump"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "COPY" not in listed.stdout


def test_R10_settings_with_a_secret_are_no_part_of_a_backup(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment.NAMES:
        monkeypatch.setenv(name, f"value of {name}")
    kept = environment.without_secrets()
    assert kept["SITE_URL"] == "value of SITE_URL"
    secret = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "EMAIL_HASH_PEPPER", "DATABASE_URL", "EMAIL_URL", "CACHE_URL"}
    assert not kept.keys() & secret


@pytest.mark.django_db
def test_an_alarm_is_raised_a_day_after_the_last_backup(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    assert AlarmCode.BACKUP not in alarms.check()
    audit_log.record(AuditAction.BACKUP)
    assert AlarmCode.BACKUP not in alarms.check()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=26))
    assert AlarmCode.BACKUP in alarms.check()
    call_command("backup", "--elsewhere")
    assert AlarmCode.BACKUP not in alarms.check()
    assert Alarm.objects.get(code=AlarmCode.BACKUP).sentence.startswith("The last backup is of ")


@pytest.mark.django_db
def test_a_public_site_that_was_never_backed_up_raises_it_a_day_after_the_first_signature(
    ada: Signature, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOCAL_MODE = False
    assert AlarmCode.BACKUP not in alarms.check()
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=26))
    assert AlarmCode.BACKUP in alarms.check()
    assert Alarm.objects.get(code=AlarmCode.BACKUP).sentence == "There never was a backup, and people have signed."
    settings.LOCAL_MODE = True
    Alarm.objects.all().delete()
    assert AlarmCode.BACKUP not in alarms.check()
