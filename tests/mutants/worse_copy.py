"""A copy of the code that patches have made worse."""

import shutil
import subprocess
from pathlib import Path

from tests.prepared import BASE

NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "var", ".env", ".hypothesis", "*.log")


def make(folder: Path, *patches: Path) -> None:
    """Copies the code into a folder that is not there yet, and applies the patches."""
    shutil.copytree(BASE, folder, ignore=NOT_COPIED)
    for patch in patches:
        subprocess.run(["git", "apply", "--recount", str(patch)], cwd=folder, check=True)
