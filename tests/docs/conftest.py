"""The documentation, built once for all tests that read it as its readers do."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import BASE, DOCS


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built pages. A warning of Sphinx fails the build."""
    folder = tmp_path_factory.mktemp("docs")
    options = ["-q", "-W", "--nitpicky", "-d", str(folder / "doctrees"), "-b", "html"]
    command = [sys.executable, "-W", "default", "-m", "sphinx", *options, str(DOCS), str(folder / "site")]
    done = subprocess.run(command, cwd=BASE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"
