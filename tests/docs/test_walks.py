"""What an operator walks by the manual fits together: each way to install ends where upgrade and move begin."""

import re
from pathlib import Path

import pytest

from campaign.management.commands import init
from campaign.runtime import initial_settings
from signatures import backups
from tests.docs.pages import page

INSTALL = re.compile(r"(\S+) (?:\S+ )*?install (?:--python \S+ )?--require-hashes -r \S+")


def test_each_way_to_install_without_containers_ends_with_the_pip_that_upgrades() -> None:
    install, upgrade = page("operate/install.md"), page("operate/upgrade.md")
    programs = [program for program in INSTALL.findall(install) if program != "uv"]
    assert programs == ["/opt/undersigned/.venv/bin/pip"] * 2, "Debian 13, and Debian 12 with the Python of uv"
    assert INSTALL.findall(upgrade) == [".venv/bin/pip"]
    made = re.findall(r"(?:-m|uv) venv .*/opt/undersigned/\.venv$", install, re.MULTILINE)
    assert [line for line in made if line.startswith("uv") and "--seed" not in line] == [], "one without pip"
    assert len(made) == 2


@pytest.mark.parametrize("heading", ["With the units", "With containers"])
def test_whoever_moves_is_told_of_every_file_that_is_made_once(heading: str) -> None:
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", page("operate/move.md"), re.MULTILINE | re.DOTALL)
    keys = {initial_settings.key_file(Path(), name).name for name in ("OUTBOX_PUBLIC_KEY", *initial_settings.SIGNING)}
    for name in (init.SETTINGS, init.WORKER_SETTINGS, *keys):
        assert f"`{name}`" in section, name
    for name in (backups.TOMBSTONES, backups.NARROWINGS):
        assert name.removesuffix(".csv") in section, name
    assert section.index("stop") < section.index("backup ") < section.index("restore"), "no copy runs beside another"
