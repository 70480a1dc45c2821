"""Whom the site takes a visitor for, whatever headers the visitor makes up (threat model S19, S37).

The web server is the real one, and so are the proxies, with the files in `deploy/`.
"""

import json
import os
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.test import RequestFactory

from campaign.runtime.processes import WebServer
from campaign.web.client_network import client_network
from tests import proxies
from tests.live_site import free_port
from tests.proxies import Certificate

pytestmark = pytest.mark.xdist_group("forwarded")
REAL = "127.0.0.0/24"  # the network of this test
FORGED = "203.0.113.7"
UNDERSCORED = [
    ["X_Forwarded_For: " + FORGED],
    ["X-Forwarded_For: " + FORGED, "X_Forwarded-For: " + FORGED],
    ["x_forwarded_for: " + FORGED, "x_forwarded_proto: http", "X_FORWARDED_FOR: " + FORGED],
]
HYPHENATED = [
    [],
    ["X-Forwarded-For: " + FORGED],
    ["X-Forwarded-For: " + FORGED, "X-Forwarded-For: 198.51.100.4", "X-Forwarded-Proto: http"],
    ["X-Forwarded-For: " + ", ".join([FORGED] * 100)],
]


def answered(port: int, headers: Sequence[str], certificate: Certificate | None = None, path: str = "/probe") -> Any:
    """What the site understood of a request with these lines, written by hand: a client would tidy them."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {proxies.HOST}", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        tls = ssl.create_default_context(cafile=certificate.public) if certificate else None
        connection = tls.wrap_socket(plain, server_hostname=proxies.HOST) if tls else plain
        connection.sendall("\r\n".join(lines).encode())
        received = b""
        while part := connection.recv(65536):
            received += part
        if tls:
            connection.close()
    _head, _blank, body = received.partition(b"\r\n\r\n")
    return json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """The port of the web server that `serve` starts."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.web.probe_settings"}
    web = WebServer("127.0.0.1", port := free_port(), 1, environment)
    web.load()
    web.open()
    while not web.has_loaded:
        web.check()
        time.sleep(0.05)
    yield port
    web.end()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return proxies.make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module", params=proxies.KINDS)
def proxy(
    request: pytest.FixtureRequest, site: int, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a proxy with TLS before the site."""
    folder = tmp_path_factory.mktemp(request.param)
    with proxies.KINDS[request.param](folder, certificate, site=site) as running:
        yield running.port


@pytest.mark.parametrize("headers", [*HYPHENATED, *UNDERSCORED], ids=" ".join)
def test_S37_a_visitor_behind_a_proxy_is_who_the_proxy_says(
    proxy: int, certificate: Certificate, headers: list[str]
) -> None:
    assert answered(proxy, headers, certificate) == {"network": REAL, "scheme": "https"}


def test_S37_no_header_of_a_visitor_reaches_the_site_in_which_only_a_proxy_may_speak(
    proxy: int, certificate: Certificate
) -> None:
    names = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-IP")
    headers = [f"Forwarded: for={FORGED};host={FORGED}", *(f"{name}: {FORGED}" for name in names)]
    arrived = answered(proxy, headers, certificate, "/headers")
    assert arrived["X-Forwarded-For"] == "127.0.0.1" and arrived["X-Forwarded-Proto"] == "https"
    assert FORGED not in json.dumps(arrived)


def test_S37_the_hops_of_two_lines_are_counted_as_those_of_one(site: int) -> None:
    lines = ["X-Forwarded-For: 192.0.2.9, 192.0.2.10", "X-Forwarded-For: 203.0.113.7"]
    assert answered(site, lines)["network"] == "203.0.113.0/24"
    assert answered(site, lines[::-1])["network"] == "192.0.2.0/24"


def test_S37_who_went_around_the_proxy_is_who_is_connected(site: int) -> None:
    assert answered(site, []) == {"network": REAL, "scheme": "http"}


@pytest.mark.parametrize(
    ("hop", "network"),
    [
        ("203.0.113.7:51234", "203.0.113.0/24"),
        ("[2001:db8:0:7::1]:51234", "2001:db8:0:7::/64"),
        ("[2001:db8:0:7::1]", "2001:db8:0:7::/64"),
        ("[::ffff:203.0.113.7]:51234", "203.0.113.0/24"),
        ("2001:db8:0:7::1", "2001:db8:0:7::/64"),
        (" 203.0.113.7 ", "203.0.113.0/24"),
        ("unknown", "unknown"),
        ("_hidden:80", "unknown"),
        ("[203.0.113.7", "203.0.113.0/24"),
        ("[]:80", "unknown"),
        (":80", "unknown"),
        ("", "unknown"),
    ],
)
def test_S37_a_hop_may_have_a_port(rf: RequestFactory, settings: Any, hop: str, network: str) -> None:
    settings.TRUSTED_PROXIES = 1
    assert client_network(rf.get("/", headers={"x-forwarded-for": f"192.0.2.9, {hop}"})) == network


@pytest.mark.parametrize("headers", UNDERSCORED, ids=" ".join)
def test_S37_the_web_server_ignores_names_with_an_underscore(site: int, headers: list[str]) -> None:
    told = ["X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: https"]
    for lines in ([*told, *headers], [*headers, *told]):
        assert answered(site, lines) == {"network": "192.0.2.0/24", "scheme": "https"}
    assert answered(site, headers) == {"network": REAL, "scheme": "http"}
