"""The two services of systemd: they are hardened, and each has a user, folders and secrets of its own."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.prepared import BASE

SYSTEMD = BASE / "deploy" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
MOST_EXPOSED = 25  # tenths: what `systemd-analyze security` may find at most
HARDENING = (
    "Protect",
    "Private",
    "Restrict",
    "System",
    "Capability",
    "NoNew",
    "Lock",
    "Memory",
    "Proc",
    "Remove",
    "UMask",
)

needs_systemd = pytest.mark.skipif(
    os.environ.get("REQUIRE_SYSTEMD") != "1" and not shutil.which("systemd-analyze"), reason="needs systemd"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users")


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)


def exposure(unit: Path) -> subprocess.CompletedProcess[str]:
    return run("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_service_is_hardened(unit: Path) -> None:
    done = exposure(unit)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr
    assert done.stderr == "", "every line is known to systemd"


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_without_its_hardening_the_same_service_does_not_pass(unit: Path, tmp_path: Path) -> None:
    bare = tmp_path / unit.name
    lines = unit.read_text(encoding="utf-8").splitlines()
    bare.write_text("\n".join(line for line in lines if not line.startswith(HARDENING)))
    assert exposure(bare).returncode != 0


def settings_of(unit: Path) -> dict[str, str]:
    lines = (line for line in unit.read_text(encoding="utf-8").splitlines() if "=" in line and line[0] != "#")
    return dict(line.split("=", 1) for line in lines)


def test_both_services_are_one_program_under_two_users() -> None:
    web, worker = (settings_of(SYSTEMD / f"undersigned-{name}.service") for name in ("web", "worker"))
    assert (web["ExecStart"], worker["ExecStart"]) == (
        "/opt/undersigned/deploy/undersigned serve --no-worker",
        "/opt/undersigned/deploy/undersigned worker",
    )
    assert (web["User"], worker["User"]) == ("undersigned-web", "undersigned-worker")
    for file in ("outbox.private", "worker.env"):
        assert f"/etc/undersigned/{file}" in web["InaccessiblePaths"]
    assert "/var/lib/undersigned/web" in worker["InaccessiblePaths"]


def test_systemd_waits_longer_than_each_service_takes_to_end() -> None:
    """`serve` gives its web server 15 seconds, the worker an email 30."""
    for name, seconds in (("web", 15), ("worker", 30)):
        unit = settings_of(SYSTEMD / f"undersigned-{name}.service")
        assert seconds < int(unit["TimeoutStopSec"]) <= 60
        assert unit["KillMode"] == "mixed", "only the first process is asked to end: it ends the others in order"


# Users and folders


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine with the users and folders of both services."""
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group"):
        (tmp_path / "etc" / name).write_text(f"root:x:0:{'0:root:/root:/bin/sh' if name == 'passwd' else ''}\n")
    for program in ("systemd-sysusers", "systemd-tmpfiles --create"):
        configuration = SYSTEMD / f"{program.split()[0].removeprefix('systemd-')}.conf"
        done = run(*program.split(), f"--root={tmp_path}", configuration)
        assert done.returncode == 0, done.stderr
    return tmp_path


def numbers(machine: Path, file: str) -> dict[str, int]:
    lines = (machine / "etc" / file).read_text().splitlines()
    return {line.split(":")[0]: int(line.split(":")[2]) for line in lines}


@needs_systemd
@needs_root
def test_O12_each_service_has_folders_of_its_own_and_both_read_the_settings(machine: Path) -> None:
    users, groups = numbers(machine, "passwd"), numbers(machine, "group")
    wanted = {
        "etc/undersigned": ("root", "undersigned", 0o750),
        "var/lib/undersigned/web": ("undersigned-web", "undersigned-web", 0o700),
        "var/lib/undersigned/worker": ("undersigned-worker", "undersigned-worker", 0o700),
        "var/lib/undersigned/deliveries": ("undersigned-worker", "undersigned", 0o2750),
    }
    for path, (user, group, mode) in wanted.items():
        state = (machine / path).stat()
        assert (state.st_uid, state.st_gid, state.st_mode & 0o7777) == (users[user], groups[group], mode), path
    members = [line for line in (machine / "etc" / "group").read_text().splitlines() if line.startswith("undersigned:")]
    assert set(members[0].split(":")[3].split(",")) == {"undersigned-web", "undersigned-worker"}
    assert (machine / "opt/undersigned/.env").readlink() == Path("/etc/undersigned/.env")


# The wrapper. Python is replaced by a script that prints what it was given.


@pytest.fixture
def undersigned(machine: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `undersigned` on a machine with the users of the services."""
    program = machine / "opt" / "undersigned"
    (program / ".venv" / "bin").mkdir(parents=True)
    shutil.copytree(BASE / "deploy", program / "deploy")
    python = program / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "user=$(id -un) groups=$(id -Gn)"\nenv\numask\nshift\necho "words=$*"\n')
    python.chmod(0o755)

    def call(*words: str, user: str = "root", stray: str = "SECRET_KEY=stray") -> subprocess.CompletedProcess[str]:
        mounts = [f"mount --bind {machine}/{path} /{path}" for path in ("etc", "opt", "var", "usr/local/bin")]
        as_user = f"setpriv --reuid={user} --regid={user} --init-groups" if user != "root" else ""
        script = (
            f"{' && '.join(mounts)} && {stray} exec {as_user} /opt/undersigned/deploy/undersigned {' '.join(words)}"
        )
        return run("unshare", "--mount", "sh", "-c", script)

    return call


WEB, WORKER = "undersigned-web", "undersigned-worker"


@needs_systemd
@needs_root
@pytest.mark.parametrize(
    ("words", "user"),
    [("serve --no-worker", WEB), ("mirror out", WEB), ("worker --once", WORKER), ("check --deploy", WORKER)],
)
def test_a_command_runs_as_the_user_it_belongs_to(
    undersigned: Callable[..., subprocess.CompletedProcess[str]], words: str, user: str
) -> None:
    done = undersigned(*words.split())
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert f"user={user} groups={user} undersigned" in lines
    assert f"VAR_DIR=/var/lib/undersigned/{user.removeprefix('undersigned-')}" in lines
    assert "DELIVERIES_DIR=/var/lib/undersigned/deliveries" in lines
    assert "0027" in lines and f"words={words}" in lines
    assert "SECRET_KEY=stray" not in lines, "settings of the service alone"


@needs_systemd
@needs_root
def test_the_owner_of_the_database_that_root_names_reaches_the_command_and_nothing_else_does(
    undersigned: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    url = "postgres://owner:p%40ss@db/letter?a=b"
    lines = undersigned("migrate", stray=f"SECRET_KEY=stray DATABASE_URL='{url}'").stdout.splitlines()
    assert f"DATABASE_URL={url}" in lines and "words=migrate" in lines
    assert "SECRET_KEY=stray" not in lines
    assert "DATABASE_URL" not in undersigned("migrate").stdout, "the settings of the service"


@needs_systemd
@needs_root
@pytest.mark.parametrize(
    ("name", "file"), [("OUTBOX_PRIVATE_KEY_FILE", "outbox.private"), ("WORKER_SETTINGS_FILE", "worker.env")]
)
def test_O12_only_the_worker_is_told_where_its_secrets_are(
    undersigned: Callable[..., subprocess.CompletedProcess[str]], name: str, file: str
) -> None:
    assert f"{name}=/etc/undersigned/{file}\n" in undersigned("worker").stdout
    assert f"{name}=\n" in undersigned("serve").stdout


@needs_systemd
@needs_root
def test_settings_are_made_by_root_for_both_users_and_their_folders_come_first(
    undersigned: Callable[..., subprocess.CompletedProcess[str]], machine: Path
) -> None:
    (machine / "etc" / "undersigned").rmdir()
    lines = undersigned("init", "--overwrite").stdout.splitlines()
    assert (machine / "etc" / "undersigned").is_dir()
    assert "words=init --group undersigned --worker-user undersigned-worker --overwrite" in lines
    assert any(line.startswith("user=root ") for line in lines)


@needs_systemd
@needs_root
def test_a_unit_runs_its_own_command_and_no_other_users(
    undersigned: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    assert undersigned("serve", user=WEB).returncode == 0
    refused = undersigned("worker", user=WEB)
    assert refused.returncode == 1
    assert refused.stderr == "This command runs as undersigned-worker: call it as root.\n"
