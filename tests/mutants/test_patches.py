"""Each patch still fits the code: `tests.mutants` and the drills, which apply them, come late in .ci/run."""

import subprocess
from pathlib import Path

import pytest

from tests.prepared import BASE

PATCHES = sorted([*(BASE / "tests" / "mutants").glob("*.patch"), *(BASE / "tests" / "faults").rglob("*.patch")])


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_patch_applies(patch: Path) -> None:
    command = ["git", "apply", "--check", "--recount", str(patch)]
    done = subprocess.run(command, cwd=BASE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"make it again: {done.stderr}"


def test_there_are_patches() -> None:
    assert len(PATCHES) > 20
