"""`manage.py init` and `make_keys`: from nothing to the settings and keys of a public site."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from campaign.runtime import environment, minisign
from signatures.values import sealing
from tests.prepared import BASE

ANSWERS = {
    "--site-url": "https://letter.example.org",
    "--organization-name": "Bridges",
    "--contact-email": "privacy@example.org",
    "--email-url": "smtps://letter%40example.org:pa55@mail.example.org:465",
    "--database-url": "postgres://letter:pa55@db.example.org/letter",
}


def manage(*words: str, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with no setting but these, and types these lines."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=BASE, env={**kept, **variables}, input=typed,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def init(folder: Path, *words: str, typed: str = "", **answers: str) -> subprocess.CompletedProcess[str]:
    """Runs `init` with all answers as options."""
    given = ANSWERS | {f"--{name.replace('_', '-')}": value for name, value in answers.items()}
    return manage(
        "init", "--folder", str(folder), *words, *(word for pair in given.items() for word in pair), typed=typed
    )


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def fits(private: Path, public: str) -> bool:
    return not sealing.lacks_key(sealing.read_private_keys(private), [public])


def test_five_answers_make_the_settings_of_a_site(tmp_path: Path) -> None:
    done = manage("init", "--folder", str(tmp_path), typed="".join(f"{value}\n" for value in ANSWERS.values()))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    made = environment.in_file(tmp_path / ".env")
    assert made["ORGANIZATION_NAME"] == "Bridges"
    assert made["DEFAULT_FROM_EMAIL"] == "letter@example.org", "the user of the email server"
    assert made["TRUSTED_PROXIES"] == "1"
    assert len({made["SECRET_KEY"], made["EMAIL_HASH_PEPPER"]}) == 2


def test_with_all_answers_as_options_nothing_is_asked_and_the_deployment_check_is_content(tmp_path: Path) -> None:
    assert init(tmp_path).returncode == 0
    made = environment.in_file(tmp_path / ".env")
    done = manage(
        "check", "--deploy", "--tag", "security", "--fail-level", "WARNING", VAR_DIR=str(tmp_path / "v"), **made
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "v" / "keys").exists()


def test_the_keys_fit_together_and_nobody_else_reads_them(tmp_path: Path) -> None:
    init(tmp_path)
    made = environment.in_file(tmp_path / ".env")
    assert fits(tmp_path / "outbox.private", made["OUTBOX_PUBLIC_KEY"])
    assert fits(tmp_path / "updates.private", made["UPDATES_PUBLIC_KEY"])
    assert made["OUTBOX_PRIVATE_KEY_FILE"] == str(tmp_path / "outbox.private"), "web server and worker are one user"
    private = ("delivery.private", "outbox.private", "updates.private")
    assert [mode(tmp_path / name) for name in (".env", *private)] == [0o600, 0o400, 0o400, 0o400]
    assert {file.name for file in tmp_path.iterdir()} == {".env", *private}


def test_deliveries_of_the_site_are_signed_with_no_further_step_and_it_says_by_which_key(tmp_path: Path) -> None:
    said = init(tmp_path).stdout
    file = Path(environment.in_file(tmp_path / ".env")["DELIVERY_SIGNING_KEY_FILE"])
    assert file == tmp_path / "delivery.private"
    assert minisign.SecretKey.read(file).public in said and file.read_text().splitlines()[1] not in said
    before = file.read_bytes()
    again = init(tmp_path, "--overwrite").stdout
    assert file.read_bytes() == before and "Publish" not in again
    settings = tmp_path / ".env"  # as a version before wrote it
    lines = settings.read_text().splitlines(keepends=True)
    settings.write_text("".join(line for line in lines if not line.startswith("DELIVERY_SIGNING_KEY_FILE")))
    file.unlink()
    init(tmp_path, "--overwrite")
    assert environment.in_file(settings)["DELIVERY_SIGNING_KEY_FILE"] == str(file) and file.read_bytes() != before


def test_it_says_what_must_not_stay_on_this_machine_and_what_comes_next(tmp_path: Path) -> None:
    said = init(tmp_path).stdout
    assert f"Move {tmp_path}/updates.private to a machine that is offline" in said
    assert f"copy of {tmp_path}/.env and {tmp_path}/outbox.private and {tmp_path}/delivery.private" in said
    assert "`manage.py check --deploy`" in said
    assert environment.in_file(tmp_path / ".env")["SECRET_KEY"] not in said


def test_an_updates_key_of_another_machine_leaves_no_private_half_here(tmp_path: Path) -> None:
    public = bytes(PrivateKey.generate().public_key).hex()
    said = init(tmp_path, updates_public_key=public).stdout
    assert environment.in_file(tmp_path / ".env")["UPDATES_PUBLIC_KEY"] == public
    assert not (tmp_path / "updates.private").exists() and "updates.private" not in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file away")
def test_O12_with_two_users_the_web_server_reads_the_settings_and_nothing_of_the_worker(tmp_path: Path) -> None:
    worker, group = pwd.getpwnam("daemon"), pwd.getpwnam("nobody").pw_gid
    done = init(tmp_path, "--worker-user", "daemon", "--group", str(group))
    assert done.returncode == 0, done.stderr
    settings, own, key, signing = (
        tmp_path / name for name in (".env", "worker.env", "outbox.private", "delivery.private")
    )
    assert (settings.stat().st_uid, settings.stat().st_gid, mode(settings)) == (0, group, 0o640)
    for file in (own, key, signing):
        assert (file.stat().st_uid, mode(file)) == (worker.pw_uid, 0o400)
    of_worker = {"OUTBOX_PRIVATE_KEY_FILE", "EMAIL_URL", "DELIVERY_SIGNING_KEY_FILE"}
    assert not of_worker & environment.in_file(settings).keys()
    signs = {"DELIVERY_SIGNING_KEY_FILE": str(signing)}
    assert environment.in_file(own) == {"EMAIL_URL": ANSWERS["--email-url"], **signs}
    assert "`undersigned check --deploy`" in done.stdout
    assert f"copy of {settings} and {own} and {key} and {signing}" in done.stdout
    before = environment.in_file(settings)
    with settings.open("a") as lines:
        lines.write("ALARM_WEBHOOK_URL=ntfy+https://ntfy.sh/secret-topic\n")
    assert init(tmp_path, "--overwrite", email_url="smtp://localhost").returncode == 0
    kept = {"EMAIL_URL", "ALARM_WEBHOOK_URL", "DELIVERY_SIGNING_KEY_FILE"}
    assert environment.in_file(own).keys() == kept, "the topic is a secret, too"
    assert environment.in_file(settings) == before
    assert (settings.stat().st_gid, mode(settings)) == (group, 0o640), "changed settings stay whose they were"
    assert (own.stat().st_uid, mode(own)) == (worker.pw_uid, 0o400)


def test_O12_files_that_others_can_read_are_closed_to_them(tmp_path: Path) -> None:
    init(tmp_path)
    settings, key = tmp_path / ".env", tmp_path / "outbox.private"
    text = settings.read_text()
    settings.write_text("".join(line for line in text.splitlines(True) if not line.startswith("OUTBOX_PUBLIC_KEY")))
    settings.chmod(0o644)
    key.chmod(0o644)
    done = init(tmp_path, "--overwrite")
    assert done.returncode == 0, done.stderr
    assert [mode(file) for file in (settings, key)] == [0o640, 0o400]
    assert fits(key, environment.in_file(settings)["OUTBOX_PUBLIC_KEY"]), "the key is the former one"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file away")
def test_O12_a_key_that_is_there_goes_to_the_worker(tmp_path: Path) -> None:
    assert manage("make_keys", "OUTBOX_PUBLIC_KEY", "--folder", str(tmp_path)).returncode == 0
    assert init(tmp_path, "--worker-user", "daemon").returncode == 0
    key = tmp_path / "outbox.private"
    assert (key.stat().st_uid, mode(key)) == (pwd.getpwnam("daemon").pw_uid, 0o400)


@pytest.mark.parametrize(
    "name",
    [
        "Women's Rights #1",
        'The "Friends" of Wuhan',
        'Friend\'s "house" \\n of $HOME',
        "人权委员会",
        "a=b",
        "It's \\\" or \\\\",
    ],
)
def test_an_organization_is_called_what_was_typed(tmp_path: Path, name: str) -> None:
    assert init(tmp_path, organization_name=name).returncode == 0
    assert environment.in_file(tmp_path / ".env")["ORGANIZATION_NAME"] == name


def test_a_wrong_answer_is_explained_and_asked_again(tmp_path: Path) -> None:
    lines = [
        "letter.example.org", "http://letter.example.org", "https://letter.example.org/", "", "Bridges",
        "privacy at example.org", "privacy@example.org", "", "mail.example.org", "smtp://mail.example.org:25",
        "mysql://db/x", "postgres://db:many/x", "postgres://db", "postgres://u:p@db/x",
    ]  # fmt: skip
    done = manage("init", "--folder", str(tmp_path), typed="\n".join(lines))
    assert done.returncode == 0, done.stderr
    assert [sentence.split(" must ")[0].split(" is ")[0] for sentence in done.stderr.splitlines()] == [
        "SITE_URL", "SITE_URL", "ORGANIZATION_NAME", "CONTACT_EMAIL", "EMAIL_URL", "EMAIL_URL",
        "DATABASE_URL", "DATABASE_URL has a port that", "DATABASE_URL",
    ]  # fmt: skip
    assert environment.in_file(tmp_path / ".env")["DEFAULT_FROM_EMAIL"] == "privacy@example.org", (
        "no user, so the contact"
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"site_url": "letter.example.org"}, "SITE_URL must look like"),
        ({"organization_name": ""}, "ORGANIZATION_NAME is missing"),
        ({"organization_name": "$HOME"}, "ORGANIZATION_NAME has a character"),
        ({"organization_name": "two\nlines"}, "ORGANIZATION_NAME has a character"),
        ({"contact_email": "me"}, "CONTACT_EMAIL must be an email address"),
        ({"email_url": "http://x"}, "EMAIL_URL must look like"),
        ({"default_from_email": "me"}, "DEFAULT_FROM_EMAIL must be an email address"),
        ({"database_url": "sqlite:///x"}, "DATABASE_URL must begin with postgres://."),
        ({"updates_public_key": "ab"}, "UPDATES_PUBLIC_KEY must be a Curve25519 public key"),
        ({"group": "nogroup-at-all"}, "There is no such user or group"),
        ({"worker_user": "0", "database_url": ""}, "the embedded PostgreSQL serves one user"),
    ],
)
def test_a_wrong_option_ends_it_with_one_sentence_and_nothing_is_written(
    tmp_path: Path, wrong: dict[str, str], sentence: str
) -> None:
    done = init(tmp_path, **wrong)
    assert done.returncode == 1
    assert sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_an_answer_nothing_is_written(tmp_path: Path) -> None:
    done = manage("init", "--folder", str(tmp_path), typed="https://letter.example.org\n")
    assert done.returncode == 1 and "--organization-name answers this question" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_O15_settings_that_are_there_are_changed_only_when_asked_and_keep_their_keys(tmp_path: Path) -> None:
    init(tmp_path)
    with (tmp_path / ".env").open("a") as file:
        file.write("RETENTION_MONTHS=6\n")
    before = environment.in_file(tmp_path / ".env")
    done = init(tmp_path, organization_name="Another")
    assert done.returncode == 1 and "exists already" in done.stderr
    assert environment.in_file(tmp_path / ".env") == before
    assert init(tmp_path, "--overwrite", organization_name="Another").returncode == 0
    assert environment.in_file(tmp_path / ".env") == before | {"ORGANIZATION_NAME": "Another"}
    assert mode(tmp_path / ".env") == 0o600


def test_an_empty_answer_keeps_the_one_that_was_there(tmp_path: Path) -> None:
    init(tmp_path)
    before = environment.in_file(tmp_path / ".env")
    done = manage("init", "--folder", str(tmp_path), "--overwrite", typed="\n" * len(ANSWERS))
    assert done.returncode == 0, done.stderr
    assert environment.in_file(tmp_path / ".env") == before


def test_a_key_that_is_there_is_taken_and_not_lost(tmp_path: Path) -> None:
    """So an `init` that was interrupted can be run again."""
    manage("make_keys", "OUTBOX_PUBLIC_KEY", "--folder", str(tmp_path))
    before = (tmp_path / "outbox.private").read_text()
    init(tmp_path)
    assert (tmp_path / "outbox.private").read_text() == before
    assert fits(tmp_path / "outbox.private", environment.in_file(tmp_path / ".env")["OUTBOX_PUBLIC_KEY"])


def test_the_settings_may_be_elsewhere_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / ".env").symlink_to(tmp_path / "etc" / ".env")
    init(tmp_path)
    made = {".env", "delivery.private", "outbox.private", "updates.private"}
    assert {file.name for file in (tmp_path / "etc").iterdir()} == made


def test_it_works_where_the_settings_are_wrong(tmp_path: Path) -> None:
    command = ("make_keys", "SECRET_KEY", "--folder", str(tmp_path))
    assert manage(*command, VAR_DIR="/nowhere", SITE_URL="nonsense", DEBUG="perhaps").returncode == 0


def test_keys_alone_are_printed_as_lines_of_settings(tmp_path: Path) -> None:
    done = manage("make_keys", "--folder", str(tmp_path))
    made = environment.parsed(done.stdout)
    signing = ("DELIVERY_SIGNING_KEY_FILE", str(tmp_path / "delivery.private"))
    assert [*made] == ["SECRET_KEY", "EMAIL_HASH_PEPPER", "OUTBOX_PUBLIC_KEY", "UPDATES_PUBLIC_KEY", signing[0]]
    assert made[signing[0]] == signing[1]
    for name in ("outbox", "updates"):
        private = tmp_path / f"{name}.private"
        assert fits(private, made[f"{name.upper()}_PUBLIC_KEY"]) and mode(private) == 0o400
        assert private.read_text().strip() not in done.stdout + done.stderr


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    manage("make_keys", "UPDATES_PUBLIC_KEY", "--folder", str(tmp_path))
    before = (tmp_path / "updates.private").read_text()
    done = manage("make_keys", "--folder", str(tmp_path))
    assert done.returncode == 1 and "updates.private exist already" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["updates.private"]
    assert (tmp_path / "updates.private").read_text() == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["OUTBOX"], "There is no key OUTBOX: one of SECRET_KEY"),
        (["--folder", "/nowhere"], "There is no folder /nowhere."),
    ],
)
def test_keys_that_cannot_be_made_are_refused(words: list[str], sentence: str) -> None:
    done = manage("make_keys", *words)
    assert done.returncode == 1 and sentence in done.stderr and done.stderr.count("\n") == 1
