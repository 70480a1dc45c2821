"""The admin pages are at their address only, and no public page tells it."""

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django import __version__ as version
from django.contrib.auth.models import User
from django.test import Client
from django.urls import clear_url_caches

from campaign import urls
from signatures.models import Signature
from signatures.staff import sessions
from tests.conftest import PASSWORD
from tests.staff.accounts import LOGIN

pytestmark = pytest.mark.django_db


PUBLIC = ["/", "/letters/bridge/", "/letters/bridge/signatories/", "/letters/bridge/history/", "/privacy/", "/robots.txt",
          "/healthz", "/readyz", "/api/v1/letters/bridge/", "/nix/", "/signature/x/", "/ko/"]  # fmt: skip


@pytest.fixture
def other_admin_path(settings: Any) -> Iterator[str]:
    """The site as it starts with another ADMIN_PATH."""
    settings.ADMIN_PATH = "quiet-room/"
    importlib.reload(urls)
    clear_url_caches()
    yield "/quiet-room/"
    settings.ADMIN_PATH = "admin/"
    importlib.reload(urls)
    clear_url_caches()


def test_A11_another_admin_path_replaces_the_default_one_and_appears_on_no_public_page(
    other_admin_path: str, client: Client, ada: Signature, moderator: User
) -> None:
    assert client.get(f"{other_admin_path}login/").status_code == 200
    for address in ("/admin/", "/admin/login/", "/admin/signatures/waitingsignature/", "/admin/jsi18n/"):
        assert client.get(address).status_code == 404, address
    for address in [*PUBLIC, "/admin/"]:
        answer = client.get(address)
        assert "quiet-room" not in f"{answer.headers} {answer.content.decode()}", address
    entered = client.post(f"{other_admin_path}login/", {"username": moderator.username, "password": PASSWORD})
    assert entered["Location"] == other_admin_path and client.get(other_admin_path).status_code == 200
    session = client.session
    session[sessions.LAST_SEEN_KEY] -= 31 * 60
    session.save()
    assert client.get(other_admin_path).status_code == 302, "sessions end there, too"


@pytest.mark.parametrize("address", [*PUBLIC, LOGIN])
def test_A11_no_public_page_links_to_the_admin_pages_or_shows_a_version(
    client: Client, ada: Signature, address: str
) -> None:
    answer = client.get(address)
    response = f"{answer.headers} {answer.content.decode()}"
    assert "/admin/" not in response or address == LOGIN
    assert version not in response and not re.search(r"(?i)django/|python/|x-powered-by|'server'", response)
