"""A copy of the code that a patch has made worse."""

import shutil
import subprocess
from pathlib import Path

from tests.live_site import BASE

NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "var", ".env", ".hypothesis", "*.log")


def make(folder: Path, patch: Path) -> None:
    """Copies the code into a folder that is not there yet, and applies the patch."""
    shutil.copytree(BASE, folder, ignore=NOT_COPIED)
    subprocess.run(["git", "apply", "--recount", str(patch)], cwd=folder, check=True)
