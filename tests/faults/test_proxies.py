"""Signing through TLS, nginx and Caddy, with the files in `deploy/`, on a site with the settings of the open web."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import lxml.html
import pytest

from tests import proxies
from tests.faults.public_site import PublicSite
from tests.faults.visitor import Visitor
from tests.live_site import free_port
from tests.proxies import HOST, Certificate, Proxy

pytestmark = pytest.mark.xdist_group("proxies")
ADDRESS, NETWORK = "127.0.7.7", "127.0.7.0/24"


def network_is(name: str, network: str) -> bool:
    """Whether this submission came from this network, as the site sees it. Runs inside the site."""
    from signatures.models import Submission  # noqa: PLC0415  the site's own settings
    from signatures.screening import rate_limits  # noqa: PLC0415

    row = Submission.objects.get(name=name)
    return row.network == rate_limits.network_digest(network, row.signed_up_at)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return proxies.make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module", params=proxies.KINDS)
def proxy_and_site(
    request: pytest.FixtureRequest, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Proxy, PublicSite]]:
    port, folder = free_port(), tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        proxy = stack.enter_context(proxies.KINDS[request.param](folder, certificate, site=port))
        url = f"https://{HOST}:{proxy.port}"
        yield proxy, stack.enter_context(PublicSite.temporary(port, SITE_URL=url))


@pytest.fixture
def proxy(proxy_and_site: tuple[Proxy, PublicSite]) -> Proxy:
    return proxy_and_site[0]


@pytest.fixture
def site(proxy_and_site: tuple[Proxy, PublicSite]) -> PublicSite:
    return proxy_and_site[1]


@pytest.fixture
def visitor(proxy: Proxy, certificate: Certificate) -> Visitor:
    return Visitor(proxy.port, certificate, ADDRESS)


def test_S19_somebody_signs_and_confirms_through_tls_and_is_who_the_proxy_says(
    site: PublicSite, visitor: Visitor
) -> None:
    answer = visitor.sign("Noor Inayat Khan", "noor@example.org", {"X-Forwarded-For": "203.0.113.7"})
    assert (answer.status, answer.headers["Location"][:9]) == (303, "/letters/")
    link = site.wait_for_mail("noor@example.org")
    assert site.python("tests.faults.test_proxies", f"network_is('Noor Inayat Khan', '{NETWORK}')")
    assert "Your signature is confirmed" in visitor.confirm(link).body


def test_staff_log_in_at_a_port_of_their_own_choice(site: PublicSite, visitor: Visitor) -> None:
    """Django compares the address that the browser names with the host that it sent, its port included."""
    page = visitor.request("/admin/login/")
    assert page.status == 200, page
    assert page.headers["Set-Cookie"].startswith("__Host-csrf=")
    assert "Secure" in page.headers["Set-Cookie"]
    _action, form = visitor.form_at("/admin/login/", ".//input[@name='password']")
    sent = {"Origin": site.url, "Cookie": page.headers["Set-Cookie"].partition(";")[0]}
    token = lxml.html.fromstring(page.body).xpath("string(//input[@name='csrfmiddlewaretoken']/@value)")
    typed = {"username": "admin", "password": "not this one", "csrfmiddlewaretoken": token}
    assert visitor.request("/admin/login/", {**form, **typed}, sent).status == 200
    assert visitor.request("/admin/login/", {**form, **typed}, {**sent, "Origin": f"https://{HOST}"}).status == 403


def test_plain_http_leads_to_tls_with_its_port(proxy: Proxy, site: PublicSite) -> None:
    with socket.create_connection(("127.0.0.1", proxy.http_port), timeout=10) as plain:
        plain.sendall(f"GET /ko/ HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        head = plain.recv(65536).decode()
    assert head.split()[1] in {"301", "308"}
    assert f"\nlocation: {site.url}/ko/\r".lower() in head.lower()


@pytest.mark.parametrize(
    ("path", "kib", "statuses"),
    [("/", 1023, {405}), ("/", 1025, {400, 413}), ("/admin/", 1025, {400}), ("/admin/", 30_000, {400})],
    ids=[
        "a stranger's little",
        "a stranger's much",
        "where staff may send much",
        "where staff may send thirty times that",
    ],
)
def test_a_large_body_reaches_the_site_only_where_staff_may_send_one(
    visitor: Visitor, path: str, kib: int, statuses: set[int]
) -> None:
    """The site refuses them all: the first has no form, and none of the others comes from staff."""
    assert visitor.request(path, {"a": "b" * (kib * 1024 - 2)}).status in statuses


def test_S36_many_slow_bodies_keep_nobody_waiting(site: PublicSite, visitor: Visitor) -> None:
    head = f"POST /letters/x/sign/ HTTP/1.1\r\nHost: {HOST}:{visitor.port}\r\nContent-Length: 1000\r\n\r\nname="
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(visitor.connect()).sendall(head.encode())
        begun = time.monotonic()
        assert visitor.sign("Violette Szabo", "violette@example.org").status == 303
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("kind", proxies.KINDS)
def test_C8_R5_no_proxy_writes_down_a_personal_link_or_an_address(
    certificate: Certificate, tmp_path: Path, kind: str
) -> None:
    """Not even while the site is down, when each request is an error."""
    with proxies.KINDS[kind](tmp_path, certificate, site=free_port()) as proxy:
        visitor = Visitor(proxy.port, certificate, ADDRESS)
        assert visitor.request("/signature/canary-of-a-link/?q=canary-of-a-search").status == 502
        with socket.create_connection(("127.0.0.1", proxy.http_port), 10, source_address=(ADDRESS, 0)) as plain:
            plain.sendall(f"GET /signature/canary-of-a-link/ HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
            plain.recv(65536)
        with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", proxy.port), 10) as plain:
            ssl.create_default_context().wrap_socket(plain, server_hostname=HOST)
    written = proxy.has_written()
    assert "canary" not in written
    assert ADDRESS not in written
