"""Whom the site takes a visitor for, whatever headers the visitor makes up (threat model S19, S37).

The web server is the real one, and so are the proxies, with the files in `deploy/`.
"""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory

from campaign.management.commands import serve
from campaign.web.client_network import client_network
from tests.live_site import BASE, free_port

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


def answered(port: int, headers: Sequence[str], certificate: Path | None = None) -> Any:
    """What the site understood of a request with these lines, written by hand: a client would tidy them."""
    lines = ["GET /probe HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        tls = ssl.create_default_context(cafile=certificate) if certificate else None
        connection = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        connection.sendall("\r\n".join(lines).encode())
        received = b""
        while part := connection.recv(65536):
            received += part
        if tls:
            connection.close()
    _head, _blank, body = received.partition(b"\r\n\r\n")
    return json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])


@contextlib.contextmanager
def running(command: Sequence[str], port: int, **environment: str) -> Iterator[int]:
    """A program that listens on a port of this machine."""
    process = subprocess.Popen(
        command,
        cwd=BASE,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(process.communicate()[0].decode())
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """The port of the web server that `serve` starts."""
    port = free_port()
    (web,) = serve.children({"host": "127.0.0.1", "port": port, "workers": 1, "no_worker": True})
    with running(web.command, port, DJANGO_SETTINGS_MODULE="tests.web.probe_settings"):
        yield port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    paths = folder / "certificate.pem", folder / "key.pem"
    who = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-out", str(paths[0]), "-keyout", str(paths[1])]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *who, *files]
    subprocess.run(command, check=True, capture_output=True)
    return paths


def program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        if os.environ.get("REQUIRE_PROXIES") == "1":
            pytest.fail(f"REQUIRE_PROXIES=1, but there is no {name}")
        pytest.skip(f"{name} is not installed")
    return path


def replaced(file: str, *changes: tuple[str, str]) -> str:
    """The text of a file in `deploy/`, with what each site has to put in."""
    text = (BASE / "deploy" / file).read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxy(
    request: pytest.FixtureRequest, site: int, certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a proxy with TLS before the site."""
    command = program(request.param)
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    backend = ("127.0.0.1:8000", f"127.0.0.1:{site}")
    if request.param == "nginx":
        live = "/etc/letsencrypt/live/letter.example.org"
        server = replaced(
            "nginx.conf",
            backend,
            ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
            ("listen [::]:443 ssl;", ""),
            (f"{live}/fullchain.pem", str(certificate[0])),
            (f"{live}/privkey.pem", str(certificate[1])),
        )
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
        text = f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\nhttp {{\n{folders}{server}}}\n"
        arguments = [command, "-p", str(folder), "-c", str(folder / "proxy.conf")]
    else:
        site_block = replaced(
            "Caddyfile",
            backend,
            ("letter.example.org {", f"https://localhost:{port} {{\n\ttls {certificate[0]} {certificate[1]}"),
        )
        text = f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site_block}"
        arguments = [command, "run", "--adapter", "caddyfile", "--config", str(folder / "proxy.conf")]
    (folder / "proxy.conf").write_text(text)
    with running(arguments, port, HOME=str(folder), XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder)):
        yield port


@pytest.mark.parametrize("headers", [*HYPHENATED, *UNDERSCORED], ids=" ".join)
def test_S37_a_visitor_behind_a_proxy_is_who_the_proxy_says(
    proxy: int, certificate: tuple[Path, Path], headers: list[str]
) -> None:
    assert answered(proxy, headers, certificate[0]) == {"network": REAL, "scheme": "https"}


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
