"""The compose file and the Containerfile, as they are written. `tests.faults.image` builds and runs the image."""

import re
import tomllib
from fnmatch import fnmatch
from typing import Any

import pytest
import yaml

from campaign.runtime import environment
from tests.prepared import BASE

DEPLOY = BASE / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
MADE_BY_THE_OPERATOR = {".env", "worker.env", "outbox.private", "delivery.private"}


def volumes_of(service: str) -> list[list[str]]:
    return [volume.split(":") for volume in SERVICES[service].get("volumes", [])]


def users_of(kind: str) -> set[str]:
    return {name for service in SERVICES.values() for name in service.get(kind, [])}


def test_every_name_that_a_service_uses_is_declared_and_every_declared_one_is_used() -> None:
    named = {source for service in SERVICES for source, *_ in volumes_of(service) if not source.startswith(".")}
    assert named == set(COMPOSE["volumes"])
    assert users_of("networks") == set(COMPOSE["networks"])
    assert users_of("secrets") == set(COMPOSE["secrets"])
    assert users_of("depends_on") <= set(SERVICES)


def test_every_file_that_it_names_is_there_or_made_by_the_operator() -> None:
    bound = {source for service in SERVICES for source, *_ in volumes_of(service) if source.startswith(".")}
    files = bound | {secret["file"] for secret in COMPOSE["secrets"].values()} | users_of("env_file")
    missing = {file.removeprefix("./") for file in files if not (DEPLOY / file).exists()}
    assert missing <= MADE_BY_THE_OPERATOR


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_starts_again_and_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "always", "podman-restart.service starts no other after a reboot"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "healthcheck" in service


def test_after_a_reboot_everything_starts_again() -> None:
    page = (BASE / "docs/operate/install-containers.md").read_text()
    assert "systemctl enable podman-restart.service" in commands_of(page, "## Twelve commands")


def test_nothing_waits_until_the_web_server_has_migrated_which_may_take_an_hour() -> None:
    """A dependency that is not healthy in time keeps Docker from starting what depends on it.

    And podman-compose starts nothing that depends on a container which has done its work and ended.
    """
    conditions = {
        (name, other): needed["condition"]
        for name, service in SERVICES.items()
        for other, needed in service.get("depends_on", {}).items()
    }
    assert conditions == {
        ("caddy", "web"): "service_started",
        ("web", "postgres"): "service_healthy",
        ("worker", "postgres"): "service_healthy",
    }
    assert SERVICES["web"]["healthcheck"]["start_period"] == "60m"


@pytest.mark.parametrize(
    ("page", "heading"), [("install.md", "## On a server"), ("install-containers.md", "## Twelve commands")]
)
def test_a_public_site_is_made_by_twelve_commands(page: str, heading: str) -> None:
    commands = commands_of((BASE / "docs/operate" / page).read_text(), heading)
    assert len(commands) == 12, commands


def commands_of(page: str, heading: str) -> list[str]:
    """Each command of the blocks below a heading, up to the next one."""
    section = re.split(r"^##", page.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    blocks = "\n".join(re.findall(r"^```\n(.*?)^```$", section, re.DOTALL | re.MULTILINE))
    return [line for line in blocks.replace("\\\n", " ").splitlines() if line.strip()]


def test_only_the_worker_has_what_opens_and_sends_emails() -> None:
    assert [name for name, service in SERVICES.items() if "secrets" in service] == ["worker"]
    assert [name for name, service in SERVICES.items() if "env_file" in service] == ["web", "worker"]
    assert {SERVICES["web"]["environment"][name] for name in environment.OF_WORKER} == {""}
    assert SERVICES["web"]["environment"]["OUTBOX_PRIVATE_KEY_FILE"] == ""
    assert not any(".private" in ":".join(volume) for service in SERVICES for volume in volumes_of(service))
    assert SERVICES["worker"]["environment"]["OUTBOX_PRIVATE_KEY_FILE"] == "/run/secrets/outbox.private"
    assert SERVICES["worker"]["environment"]["DELIVERY_SIGNING_KEY_FILE"] == "/run/secrets/delivery.private"
    assert SERVICES["worker"]["environment"]["WORKER_SETTINGS_FILE"] == "/run/secrets/worker.env", "init puts it there"
    assert set(SERVICES["worker"]["secrets"]) == COMPOSE["secrets"].keys() == MADE_BY_THE_OPERATOR - {".env"}


def test_only_the_proxy_can_be_reached_from_outside_and_it_does_not_reach_the_database() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    internal = {name for name, network in COMPOSE["networks"].items() if (network or {}).get("internal")}
    for name in SERVICES.keys() - {"caddy", "worker"}:
        assert set(SERVICES[name]["networks"]) <= internal, name
    assert not set(SERVICES["caddy"]["networks"]) & set(SERVICES["postgres"]["networks"])


def test_the_web_server_reaches_the_outside_only_where_the_operator_puts_the_shipped_file() -> None:
    """Both engines read `compose.override.yaml` by themselves, and add its networks to those of the service."""
    opened = yaml.safe_load((DEPLOY / "compose.outside.yaml").read_text())
    assert opened == {"services": {"web": {"networks": ["outside"]}}}
    assert "outside" in COMPOSE["networks"]
    link = "ln -s compose.outside.yaml compose.override.yaml"
    assert link in (DEPLOY / "compose.outside.yaml").read_text()
    assert link in (BASE / "docs/operate/install-containers.md").read_text()


def test_web_server_and_worker_share_nothing_but_deliveries_which_the_web_server_only_reads() -> None:
    web, worker = ({volume[0]: volume[2:] for volume in volumes_of(name)} for name in ("web", "worker"))
    assert web.keys() & worker.keys() == {"deliveries"}
    assert web["deliveries"] == ["ro"]


def test_the_image_holds_the_product_and_nothing_else_of_the_repository() -> None:
    lines = (BASE / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) /\S+$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    assert {name for names in copied for name in names.split()} == sent
    product = tomllib.loads((BASE / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert {*product, "templates", "static", "manage.py", "requirements.txt"} < sent
    assert not any(fnmatch(secret, name) for secret in (*MADE_BY_THE_OPERATOR, "var") for name in sent)
