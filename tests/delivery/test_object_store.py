"""Packages in an object store that several machines share: a real server of S3 on this machine."""

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from moto.server import ThreadedMotoServer

from campaign.checks import object_store
from campaign.models import Letter
from campaign.runtime import object_storage
from signatures import backups
from signatures.delivery import building, freezing, package_store, statement
from signatures.models import AuditEntry, Delivery, Signature
from signatures.registries import AuditAction
from signatures.signing import withdrawal
from tests.factories import make_many
from tests.live_site import free_port

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The bucket of a site whose packages are there."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = boto3.resource(
        "s3", endpoint_url=f"http://{server}", aws_access_key_id="key", aws_secret_access_key="secret",
        region_name="us-east-1",
    ).Bucket("letters")  # fmt: skip
    bucket.create()
    bucket.objects.delete()
    settings.DELIVERIES_DIR = tmp_path / "deliveries"
    address = f"s3+http://key:secret@{server}/letters/of-one-site"
    settings.STORAGES = {**settings.STORAGES, "deliveries": object_storage.from_url("X", address)}
    return bucket


@pytest.fixture
def delivery(letter: Letter, bucket: Any) -> Delivery:
    make_many(letter, 30)
    delivery = freezing.freeze(letter, by=None, reason="for a test")
    building.build(delivery.pk)
    delivery.refresh_from_db()
    return delivery


def keys(bucket: Any) -> list[str]:
    return [entry.key for entry in bucket.objects.all()]


def test_a_package_is_built_into_the_store_and_nothing_stays_on_the_machine(
    delivery: Delivery, bucket: Any, settings: Any
) -> None:
    assert delivery.state == Delivery.State.READY, delivery.failure
    assert keys(bucket) == ["of-one-site/bridge-1.zip"]
    assert list(settings.DELIVERIES_DIR.iterdir()) == []


def test_a_download_is_recorded_with_its_digest_and_begins_at_the_first_byte(
    delivery: Delivery, officer: Any, tmp_path: Path
) -> None:
    with package_store.open_package(delivery.package) as file:
        content = file.read()
    (tmp_path / "got.zip").write_bytes(content)
    call_command("verify_delivery", str(tmp_path / "got.zip"), stdout=io.StringIO())
    with package_store.open_package(delivery.package) as file:
        building.record_download(delivery, file, by=officer.pk)
        assert file.read() == content
    entry = AuditEntry.objects.get(action=AuditAction.DOWNLOAD)
    assert entry.detail["sha256"] == delivery.editions.get().package


def test_counts_and_package_agree_and_a_damaged_or_missing_one_is_found(delivery: Delivery, bucket: Any) -> None:
    call_command("reconcile", stdout=io.StringIO())
    package = bucket.Object("of-one-site/bridge-1.zip")
    package.put(Body=package.get()["Body"].read()[:-100])
    with pytest.raises(CommandError, match="do not agree"):
        call_command("reconcile", stdout=io.StringIO(), stderr=io.StringIO())
    package.delete()
    with pytest.raises(CommandError, match="do not agree"):
        call_command("reconcile", stdout=io.StringIO(), stderr=io.StringIO())


def test_R8_a_package_made_anew_after_an_erasure_takes_the_place_of_the_former_one(
    delivery: Delivery, bucket: Any
) -> None:
    erased = Signature.objects.deliverable().exclude(name="").first()
    assert erased is not None
    name = erased.name
    assert name in names_in(delivery)
    withdrawal.erase(erased)
    building.build(delivery.pk)
    assert name not in names_in(delivery)
    assert keys(bucket) == ["of-one-site/bridge-1.zip"]


def names_in(delivery: Delivery) -> str:
    with package_store.open_package(delivery.package) as file, zipfile.ZipFile(file) as package:
        return package.read(f"{delivery}/{statement.CSV}").decode()


def test_a_backup_holds_the_digest_of_each_package(delivery: Delivery) -> None:
    assert backups._packages() == {"bridge-1.zip": delivery.editions.get().package}


def test_a_package_keeps_its_name_when_the_slug_of_its_letter_changes(delivery: Delivery) -> None:
    Letter.objects.filter(pk=delivery.letter_id).update(slug="bridges")
    moved = Delivery.objects.get(pk=delivery.pk)
    assert moved.package == "bridge-1.zip" and package_store.exists(moved.package)


def test_check_deploy_tries_the_store(bucket: Any, settings: Any) -> None:
    settings.OUTBOX_PRIVATE_KEY_FILE = "there"
    assert list(object_store()) == [] and keys(bucket) == []
    bucket.delete()
    (error,) = object_store()
    assert "object store refuses or cannot be reached" in error.msg


def test_a_store_that_is_away_is_told_within_seconds(bucket: Any, settings: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "deliveries": object_storage.from_url("X", f"s3+http://key:secret@127.0.0.1:{free_port()}/letters"),
    }
    started = time.monotonic()
    (error,) = object_store()
    assert "EndpointConnectionError" in error.msg and time.monotonic() - started < 20


@pytest.mark.parametrize(
    "url",
    [
        "https://key:secret@s3.example.org/letters", "s3://s3.example.org/letters", "s3://key@s3.example.org/letters",
        "s3://key:secret@s3.example.org", "s3://key:secret@s3.example.org:port/letters", "s3://key:secret@/letters",
    ],
)  # fmt: skip
def test_another_form_of_the_address_is_refused_without_repeating_the_secret(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="must have the form s3://KEY") as refused:
        object_storage.from_url("DELIVERIES_STORAGE_URL", url)
    assert "secret" not in str(refused.value)
