"""A cache in nginx before the site, with the files in `deploy/`: public pages for seconds, and nothing personal."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from campaign.web.middleware import KEPT_IN_FRONT
from tests import proxies, signals
from tests.faults.public_site import PublicSite
from tests.faults.visitor import Visitor
from tests.live_site import free_port
from tests.proxies import HOST, Proxy

pytestmark = pytest.mark.xdist_group("front-cache")
SLUG = "xi-jinping-2013"
LIST = f"/letters/{SLUG}/signatories/"
# After its time a page is served once more, while it is built anew; and the site itself keeps pages for five seconds.
GONE_SECONDS = KEPT_IN_FRONT["max_age"] + KEPT_IN_FRONT["stale_while_revalidate"] + 5


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, PublicSite, Visitor]]:
    port, folder = free_port(), tmp_path_factory.mktemp("front-cache")
    certificate = proxies.make_certificate(tmp_path_factory.mktemp("certificate"))
    with ExitStack() as stack:
        proxy = stack.enter_context(proxies.nginx(folder, certificate, site=port, caches=True))
        url = f"https://{HOST}:{proxy.port}"
        site = stack.enter_context(PublicSite.temporary(port, SITE_URL=url))
        yield proxy, site, Visitor(proxy.port, certificate)


def sign(site: PublicSite, visitor: Visitor, name: str) -> str:
    """Signs and confirms. Returns the personal link."""
    address = f"{name.split(maxsplit=1)[0].lower()}@example.org"
    assert visitor.sign(name, address).status == 303
    link = site.wait_for_mail(address)
    assert visitor.request(link).status == 200
    assert "Your signature is confirmed" in visitor.confirm(link).body
    return link


def cached(proxy: Proxy) -> str:
    """Returns all that the cache holds."""
    files = (file for file in (proxy.folder / "cache").rglob("*") if file.is_file())
    return "\n".join(file.read_text(errors="replace") for file in files)


def test_who_reads_a_page_a_moment_later_takes_nothing_of_the_site(running: tuple[Proxy, PublicSite, Visitor]) -> None:
    _proxy, site, visitor = running
    visitor.request("/")
    time.sleep(KEPT_IN_FRONT["max_age"])
    visitor.request("/")  # the page before, while this one is built
    time.sleep(1)
    stopped = site.processes()
    signals.send(signal.SIGSTOP, stopped)
    try:
        assert {visitor.request("/").status for _each in range(30)} == {200}
    finally:
        signals.send(signal.SIGCONT, stopped)


def test_what_is_personal_is_never_kept_and_a_search_neither(running: tuple[Proxy, PublicSite, Visitor]) -> None:
    proxy, site, visitor = running
    link = sign(site, visitor, "Noor Inayat Khan")
    for path in (
        link,
        f"/letters/{SLUG}/check-mail/",
        f"/letters/{SLUG}/my-link/",
        "/admin/login/",
        f"{LIST}?q=canary",
    ):
        assert visitor.request(path).status == 200, path
    kept = cached(proxy)
    assert link not in kept
    assert "noor@example.org" not in kept
    assert "csrf" not in kept.lower()
    assert "canary" not in kept


def test_a_name_that_is_withdrawn_leaves_the_cache_within_seconds(running: tuple[Proxy, PublicSite, Visitor]) -> None:
    _proxy, site, visitor = running
    name = "Violette Szabo"
    sign(site, visitor, name)
    values = "state = 'approved', approved_on = current_date, public_from = now() - interval '1 day'"
    site.sql("ALTER TABLE signatures_signature DISABLE TRIGGER USER")
    site.sql(f"UPDATE signatures_signature SET {values} WHERE name = %s", [name])
    site.sql("ALTER TABLE signatures_signature ENABLE TRIGGER USER")
    deadline = time.monotonic() + GONE_SECONDS + 5
    while name not in visitor.request(LIST).body:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    site.sql("UPDATE signatures_signature SET visibility = 'delivery' WHERE name = %s", [name])
    begun = time.monotonic()
    while name in visitor.request(LIST).body:
        assert time.monotonic() - begun < GONE_SECONDS
        time.sleep(0.5)


def test_O4_while_the_site_is_gone_the_letter_is_read_for_a_minute_and_signing_says_so(
    running: tuple[Proxy, PublicSite, Visitor],
) -> None:
    _proxy, site, visitor = running
    before = visitor.request("/")
    site.process.terminate()
    site.process.wait(30)
    try:
        time.sleep(KEPT_IN_FRONT["max_age"] + 1)
        after = visitor.request("/")
        assert (after.status, after.body) == (200, before.body)
        assert visitor.request(f"/letters/{SLUG}/my-link/").status == 502
    finally:
        site.start()
        site.wait_until_ready()
