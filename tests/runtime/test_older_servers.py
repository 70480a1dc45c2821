"""Servers older than the embedded one: a site on each of them takes signatures, and comes back from its backup."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from campaign.runtime import cluster
from tests.faults.honest_signer import filled_in_form, time_of
from tests.live_site import LiveSite, free_port
from tests.postgres_server import PostgresServer
from tests.programs import postgresql_15
from tests.runtime.test_backup import STATE

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("older servers")]
# 16 is shipped by the package beside 18.
OLDER: dict[str, Callable[[], Path]] = {"15": postgresql_15, "16": lambda: cluster.binaries("pginstall")}


@pytest.fixture(params=OLDER)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PostgresServer]:
    with PostgresServer.running(tmp_path / "server", programs=OLDER[request.param]()) as server:
        assert server.sql("SHOW server_version")[0][0].startswith(f"{request.param}.")
        yield server


def state(site: LiveSite) -> Any:
    return json.loads(site.run("shell", "--no-imports", "-c", f"import json; {STATE}").splitlines()[-1])


def sign_and_confirm(site: LiveSite) -> None:
    letter = f"http://127.0.0.1:{site.port}/letters/xi-jinping-2013/"
    assert time_of(f"{letter}sign/", filled_in_form(letter, "Ada Lovelace", "ada@example.org")) < 60
    link = f"http://127.0.0.1:{site.port}{site.wait_for_mail('ada@example.org')}"
    assert time_of(link, filled_in_form(link, "Ada Lovelace", "") | {"action": "confirm"}) < 60


def test_O7_a_site_on_an_older_server_takes_signatures_and_comes_back_from_its_backup(
    server: PostgresServer, tmp_path: Path
) -> None:
    with LiveSite.temporary(free_port(), DATABASE_URL=server.url) as site:
        sign_and_confirm(site)
        assert site.python("signatures.models", "[row.name for row in Signature.objects.all()]") == ["Ada Lovelace"]
        site.run("make_signatures", "50")
        made = site.run("backup", str(tmp_path / "backups")).strip()
        before = state(site)

        server.sql("CREATE DATABASE another")
        restored = LiveSite(free_port())
        restored.environment |= {"DATABASE_URL": f"{server.url.rpartition('/')[0]}/another"}
        with restored.removed_at_the_end():
            shutil.copytree(site.folder / "keys", restored.folder / "keys")
            restored.run("restore", made, "--without-newer-tombstones")
            assert state(restored) == before
            for command in ("reconcile", "verify_audit_log"):
                restored.run(command)
            with restored:
                assert restored.get("/letters/xi-jinping-2013/signatories/")[0] == 200
