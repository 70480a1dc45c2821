"""Programs of Debian that tests need."""

import os
import shutil
from pathlib import Path

import pytest

POSTGRESQL_15 = Path("/usr/lib/postgresql/15/bin")


def installed(name: str, required_by: str = "REQUIRE_PROGRAMS") -> str:
    """Returns the path of a program. Without it the test is skipped, or fails if this variable is 1."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        if os.environ.get(required_by) == "1":
            pytest.fail(f"{required_by}=1, but there is no {name}")
        pytest.skip(f"{name} is not installed")
    return path


def postgresql_15() -> Path:
    """Returns the folder of the programs of the oldest server that we support, which Debian 12 has, and no later one."""
    if not (POSTGRESQL_15 / "postgres").exists():
        if os.environ.get("REQUIRE_PROGRAMS") == "1" and 'VERSION_ID="12"' in Path("/etc/os-release").read_text():
            pytest.fail("REQUIRE_PROGRAMS=1, but there is no postgresql-15")
        pytest.skip("postgresql-15 is not installed")
    return POSTGRESQL_15
