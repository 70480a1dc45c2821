"""nginx and Caddy before a site on this machine, with the files in `deploy/` and a certificate of our own."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.live_site import free_port
from tests.prepared import BASE
from tests.programs import installed

HOST = "letter.example.org"  # as in the files; everything listens on 127.0.0.1


@dataclass(frozen=True)
class Certificate:
    public: Path
    private: Path


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its port for TLS, its port for plain HTTP, and the folder of all that it writes."""

    port: int
    http_port: int
    folder: Path

    def has_written(self) -> str:
        files = (file for file in self.folder.rglob("*") if file.is_file() and file.name != "proxy.conf")
        return "\n".join(file.read_text(errors="replace") for file in files)


def make_certificate(folder: Path) -> Certificate:
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    who = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-out", str(made.public), "-keyout", str(made.private)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *who, *files]
    subprocess.run(command, check=True, capture_output=True)
    return made


def program(name: str) -> str:
    return installed(name, "REQUIRE_PROXIES")


@contextlib.contextmanager
def running(command: Sequence[str], port: int, log: Path, **environment: str) -> Iterator[int]:
    """A program that listens on a port of this machine, and writes into `log`."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=BASE, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text())
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def replaced(file: str, *changes: tuple[str, str]) -> str:
    """The text of a file in `deploy/`, with what each site has to put in."""
    text = (BASE / "deploy" / file).read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


@contextlib.contextmanager
def nginx(folder: Path, certificate: Certificate, *, site: int, caches: bool = False) -> Iterator[Proxy]:
    proxy = Proxy(free_port(), free_port(), folder)
    live = f"/etc/letsencrypt/live/{HOST}"
    servers = replaced(
        "nginx.conf",
        ("listen 80;", f"listen 127.0.0.1:{proxy.http_port};"),
        ("listen [::]:80;", ""),
        ("listen 443 ssl;", f"listen 127.0.0.1:{proxy.port} ssl;"),
        ("listen [::]:443 ssl;", ""),
        (f"https://{HOST}$request_uri", f"https://{HOST}:{proxy.port}$request_uri"),
        (f"{live}/fullchain.pem", str(certificate.public)),
        (f"{live}/privkey.pem", str(certificate.private)),
        ("/var/log/nginx/error.log", str(folder / "error.log")),
        ("127.0.0.1:8000", f"127.0.0.1:{site}"),
    )
    if caches:
        servers = replaced("nginx-cache.conf", ("/var/lib/nginx/letter", str(folder / "cache"))) + servers
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    text = f"user root; daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\nhttp {{\n{folders}{servers}}}\n"
    (folder / "proxy.conf").write_text(text)
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "proxy.conf")]
    with running(command, proxy.port, folder / "output.log"):
        yield proxy


@contextlib.contextmanager
def caddy(folder: Path, certificate: Certificate, *, site: int) -> Iterator[Proxy]:
    proxy = Proxy(free_port(), free_port(), folder)
    text = replaced(
        "Caddyfile",
        ("{\n\t# No access log", f"{{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\thttp_port {proxy.http_port}\n\t# No access log"),
        ("# tls /etc/caddy/fullchain.pem /etc/caddy/privkey.pem", f"tls {certificate.public} {certificate.private}"),
    )  # fmt: skip
    (folder / "proxy.conf").write_text(text)
    command = [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "proxy.conf")]
    home = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    addresses = {"SITE_URL": f"https://{HOST}:{proxy.port}", "UPSTREAM": f"127.0.0.1:{site}"}
    with running(command, proxy.port, folder / "output.log", **home, **addresses):
        yield proxy


KINDS = {"nginx": nginx, "caddy": caddy}
