"""One process that migrates, and one database of each earlier version, which each test gets a copy of."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.migrations.old_site import OldSite, clone, migrator

DATABASE = f"upgrade_{os.getpid()}"


@pytest.fixture(scope="session")
def migrating(django_db_setup: None) -> Iterator[subprocess.Popen[str]]:
    with migrator() as process:
        yield process


@pytest.fixture(scope="session")
def version_0_9(migrating: subprocess.Popen[str]) -> Iterator[str]:
    """The name of a database as version 0.9 had it, with a letter."""
    with clone(migrating, f"{DATABASE}_0_9") as site:
        site.migrate(("signatures", "0002_functions_and_triggers"), ("campaign", "0002_functions_and_triggers"))
        site.add("campaign_letter", id=1, slug="bridge", recipient="the Minister", state="open", moderation="before")
        site.add("campaign_revision", id=1, letter_id=1, number=1)
        site.add("campaign_translation", id=1, revision_id=1, language="en", signatories="[]", authoritative=True)
        site.connection.close()  # a database is copied only while nobody uses it
        yield site.name


@pytest.fixture(scope="session")
def one_letter(migrating: subprocess.Popen[str], version_0_9: str) -> Iterator[str]:
    """The name of a database before a site had several letters."""
    with clone(migrating, f"{DATABASE}_one_letter", of=version_0_9) as site:
        site.migrate(("campaign", "0005_texts_by_language"), ("signatures", "0017_pepper_fingerprint"))
        site.connection.close()
        yield site.name


@pytest.fixture
def site(migrating: subprocess.Popen[str], version_0_9: str) -> Iterator[OldSite]:
    with clone(migrating, DATABASE, of=version_0_9) as copy:
        yield copy


@pytest.fixture
def site_with_one_letter(migrating: subprocess.Popen[str], one_letter: str) -> Iterator[OldSite]:
    with clone(migrating, DATABASE, of=one_letter) as copy:
        yield copy
