"""Statements and lists of files are signed in the format of minisign: Debian's minisign checks them."""

import io
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from campaign.models import Letter
from campaign.runtime import keys, minisign
from signatures import checks
from signatures.delivery import building, editions, freezing, self_check
from signatures.models import Delivery, Signature
from tests.delivery.factories import make_delivery, make_files, path_of
from tests.programs import installed


def run_minisign(*arguments: str | Path) -> str:
    done = subprocess.run([installed("minisign"), *arguments], capture_output=True, text=True, check=False)
    return f"{done.returncode} {done.stdout}{done.stderr}"


@pytest.fixture
def key(settings: Any, tmp_path: Path) -> minisign.SecretKey:
    """The key of the site."""
    file = tmp_path / "delivery.private"
    keys.signing_key(file)
    settings.DELIVERY_SIGNING_KEY_FILE = str(file)
    return minisign.SecretKey.read(file)


@pytest.mark.django_db
def test_minisign_accepts_the_statement_and_the_list_of_files(
    letter: Letter, ada: Signature, key: minisign.SecretKey, tmp_path: Path
) -> None:
    delivery = make_delivery(letter, tmp_path)
    assert delivery.claims["key"] == key.public
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as bundle:
        bundle.extractall(tmp_path)
    for name in ("statement.json", "files.json"):
        said = run_minisign("-Vm", tmp_path / "bridge-1" / name, "-P", key.public)
        assert said.startswith("0 Signature and comment signature verified"), said
        assert f"file:{name}" in said and "prehashed" in said
    (tmp_path / "bridge-1" / "statement.json").write_bytes(b"{}")
    assert not run_minisign("-Vm", tmp_path / "bridge-1/statement.json", "-P", key.public).startswith("0 ")


def test_minisign_signs_with_our_key_and_we_sign_with_one_of_minisign(tmp_path: Path) -> None:
    ours, theirs, public, file = (tmp_path / name for name in ("ours", "theirs", "public", "file"))
    file.write_bytes(b"words")
    of_us = keys.signing_key(ours)
    assert run_minisign("-Sm", file, "-W", "-s", ours).startswith("0 ")
    assert self_check.fault_of_countersignature(b"words", (tmp_path / "file.minisig").read_bytes(), of_us) == ""

    assert run_minisign("-GW", "-p", public, "-s", theirs).startswith("0 ")
    secret = minisign.SecretKey.read(theirs)
    assert secret.public == public.read_text().splitlines()[1]
    (tmp_path / "file.minisig").write_text(secret.sign(b"words", name="file", timestamp=1_800_000_000))
    assert run_minisign("-Vm", file, "-p", public).startswith("0 ")
    assert "timestamp:1800000000" in run_minisign("-Vm", file, "-p", public)


FAULTS = {
    "content": "statement.json.auditor.minisig: it is not the signature of statement.json.",
    "signature": "statement.json.auditor.minisig: it is not the signature of statement.json.",
    "comment": "statement.json.auditor.minisig: its trusted comment was changed.",
    "key": "statement.json.auditor.minisig: it was made with another key.",
    "no key": "The auditor's key that you gave is no public key of minisign.",
    "no signature": "statement.json.auditor.minisig: it is no prehashed signature file of minisign.",
}


@pytest.mark.parametrize("change", FAULTS)
def test_a_signature_of_something_else_is_refused(change: str) -> None:
    key, content = minisign.SecretKey.generate(), b"words"
    signature, public = key.sign(content, name="file", timestamp=1), key.public
    assert self_check.fault_of_countersignature(content, signature.encode(), public) == ""
    match change:
        case "content":
            content = b"other words"
        case "signature":
            signature = key.sign(b"other words", name="file", timestamp=1)
        case "comment":
            signature = signature.replace("timestamp:1", "timestamp:2")
        case "key":
            public = minisign.SecretKey.generate().public
        case "no key":
            assert self_check.fault_of_countersignature(content, signature.encode(), "") == FAULTS[change]
            public = public[:-4]
        case _:
            signature = "words"
    assert self_check.fault_of_countersignature(content, signature.encode(), public) == FAULTS[change]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory."),
        ("no key", "is wrong: it is no secret key of minisign."),
        ("damaged", "is wrong: it is damaged."),
        ("password", "is wrong: it has a password; make one without (minisign -G -W)."),
    ],
)
def test_a_wrong_key_stops_the_worker_with_one_sentence(
    content: str | None, sentence: str, settings: Any, tmp_path: Path, db: None
) -> None:
    file = tmp_path / "delivery.private"
    settings.DELIVERY_SIGNING_KEY_FILE = str(file)
    if content == "no key":
        file.write_text("no key\n")
    elif content:
        keys.signing_key(file)
        head, line = file.read_text().splitlines()
        # The letters 8 to 11 hold "B2" behind "no password"; the last ones the checksum.
        wrong = f"{line[:-4]}AAA=" if content == "damaged" else "RWRTY0Iy" + line[8:]
        file.write_text(f"{head}\n{wrong}\n")
    with pytest.raises(CommandError) as error:
        call_command("worker", once=True)
    assert str(error.value) == f"DELIVERY_SIGNING_KEY_FILE {sentence}"


def test_make_keys_makes_the_key_and_names_the_public_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_keys", "DELIVERY_SIGNING_KEY_FILE", folder=tmp_path)
    said = capsys.readouterr()
    file = tmp_path / "delivery.private"
    assert said.out == f"DELIVERY_SIGNING_KEY_FILE={file}\n"
    assert minisign.SecretKey.read(file).public in said.err
    assert file.stat().st_mode & 0o777 == 0o400
    with pytest.raises(CommandError, match="exist already"):
        call_command("make_keys", "DELIVERY_SIGNING_KEY_FILE", folder=tmp_path)


@pytest.mark.django_db
def test_the_check_of_a_deployment_warns_of_another_key_than_that_of_the_newest_delivery(
    letter: Letter, ada: Signature, key: minisign.SecretKey, settings: Any, tmp_path: Path
) -> None:
    settings.OUTBOX_PRIVATE_KEY_FILE = "where the worker is"

    def said() -> list[str | None]:
        return [message.id for message in checks.the_key_of_deliveries(databases=["default"])]

    assert said() == []
    make_delivery(letter)
    assert said() == []
    keys.signing_key(tmp_path / "another.private")
    for other in (str(tmp_path / "another.private"), ""):
        settings.DELIVERY_SIGNING_KEY_FILE = other
        (warning,) = checks.the_key_of_deliveries(databases=["default"])
        assert warning.id == "signatures.W001" and "not the key that signed delivery bridge-1" in warning.msg
    settings.DELIVERY_SIGNING_KEY_FILE = str(tmp_path / "another.private")
    make_delivery(letter)
    assert said() == [], "it is the key of the newest"
    settings.OUTBOX_PRIVATE_KEY_FILE = settings.DELIVERY_SIGNING_KEY_FILE = ""
    assert said() == [], "the web server has no key"


def test_the_check_of_a_deployment_finds_a_key_that_others_can_read(key: minisign.SecretKey, settings: Any) -> None:
    settings.OUTBOX_PRIVATE_KEY_FILE = "where the worker is"
    assert list(checks.the_signing_key()) == []
    Path(settings.DELIVERY_SIGNING_KEY_FILE).chmod(0o644)
    (error,) = checks.the_signing_key()
    assert (error.id, error.msg) == ("signatures.E006", "Others on this machine can read DELIVERY_SIGNING_KEY_FILE.")


@pytest.mark.django_db
def test_the_page_shows_the_public_key_and_a_delivery_without_a_key_says_nothing_of_signatures(
    client: Client, letter: Letter, ada: Signature, key: minisign.SecretKey, settings: Any
) -> None:
    make_delivery(letter)
    assert key.public in client.get("/deliveries/bridge/1/").content.decode()
    settings.DELIVERY_SIGNING_KEY_FILE = ""
    assert make_delivery(letter).claims["key"] is None
    assert "minisign" not in client.get("/deliveries/bridge/2/").content.decode()


@pytest.mark.django_db
def test_another_edition_needs_the_key_that_signed_the_statement(
    letter: Letter, ada: Signature, key: minisign.SecretKey, settings: Any, tmp_path: Path
) -> None:
    delivery = make_delivery(letter, tmp_path)
    settings.DELIVERY_SIGNING_KEY_FILE = ""
    make_files(delivery, tmp_path)
    assert delivery.editions.count() == 1, "the same files need no new signature"
    settings.SITE_URL = "https://other.example"
    with pytest.raises(editions.NoSigningKey):
        make_files(delivery, tmp_path)


@pytest.mark.django_db(transaction=True)
def test_the_delivered_letter_shows_the_digest_that_is_signed(
    letter: Letter, ada: Signature, key: minisign.SecretKey, settings: Any, tmp_path: Path
) -> None:
    settings.DELIVERIES_DIR = tmp_path
    delivery = freezing.freeze(letter, by=None, reason="the hearing")
    building.build(delivery.pk)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.failure) == ("ready", "")
    with zipfile.ZipFile(path_of(delivery)) as bundle:
        names = [name.partition("/")[2] for name in bundle.namelist()]
        assert "statement.json.minisig" in names and "files.json.minisig" in names
        signature = bundle.read("bridge-1/statement.json.minisig")
    assert self_check.fault_of_countersignature(delivery.statement.encode(), signature, key.public) == ""
    call_command("reconcile", stdout=io.StringIO())
