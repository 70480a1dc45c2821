"""Fixtures: Debian's Chromium driven by Playwright, and a running site."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import expect

from tests.browser.pages import PopulatedSite
from tests.live_site import LiveSite

WHOLE_CHROMIUM = shutil.which("chromium")
# Debian builds it from the same source: the same engine without windows, toolbars and their own pages. A context takes
# a third of the processor time.
CHROMIUM = shutil.which("chromium-headless-shell") or WHOLE_CHROMIUM
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("serve"))


@pytest.fixture(scope="session", autouse=True)
def chromium(request: pytest.FixtureRequest) -> Iterator[None]:
    if WHOLE_CHROMIUM is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1, but there is no chromium")
        pytest.skip("no chromium on this machine: apt-get install chromium")
    # Playwright's event loop keeps running in this process, also during later tests.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=30_000)  # what never comes fails all the same, on a slow machine as well
    request.getfixturevalue("playwright")  # so that Playwright ends after the lines below
    yield
    connections.close_all()  # those opened in its loop: left open, they would block the deletion of the test database


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def populated(site: LiveSite) -> PopulatedSite:
    return PopulatedSite(site)
