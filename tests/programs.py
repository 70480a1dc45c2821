"""Programs of Debian that tests need."""

import os
import shutil

import pytest


def installed(name: str, required_by: str = "REQUIRE_PROGRAMS") -> str:
    """Returns the path of a program. Without it the test is skipped, or fails if this variable is 1."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        if os.environ.get(required_by) == "1":
            pytest.fail(f"{required_by}=1, but there is no {name}")
        pytest.skip(f"{name} is not installed")
    return path
