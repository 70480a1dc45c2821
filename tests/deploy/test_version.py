"""The version that packages and pages name is that of the release."""

import re
import tomllib

from campaign import VERSION
from tests.prepared import BASE


def test_the_version_of_the_program_is_that_of_the_project() -> None:
    """It stands there twice, because the image has no pyproject.toml."""
    project = tomllib.loads((BASE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
    released = re.findall(r"^## (\d+\.\d+\.\d+)", (BASE / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert released[0] == VERSION, "the newest heading of the changelog that is a version"
