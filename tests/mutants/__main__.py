"""Applies each patch to a copy of the code, and checks that the test file it names fails.

`uv run python -m tests.mutants [NAME …]`. A patch begins with a description of the fault and a line `Caught by: FILE`.
Prints one line for each mutant, and the number of mutants caught. A test file that fails without the patch, or that
pytest cannot collect, does not count as catching.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests import prepared
from tests.mutants import worse_copy
from tests.prepared import BASE

HERE = Path(__file__).resolve().parent
# What a database is made from, beside what it holds.
MAKES_DATABASE = re.compile(
    r"^\+\+\+ b/.*(/migrations/|\.sql$|/models/|/registries/|/states\.py|/roles\.py)", re.MULTILINE
)
FAILED = re.compile(r"^FAILED tests/", re.MULTILINE)  # not ERROR, which is a fault of the test itself


def run_tests(folder: Path, file: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "UNDERSIGNED"))}
    environment |= settings
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", file]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def is_caught(patch: Path, folder: Path) -> bool:
    worse_copy.make(folder, patch)
    has_own_database = MAKES_DATABASE.search(patch.read_text())
    settings = {} if has_own_database else {prepared.FOLDER: str(prepared.prepared())}
    return bool(FAILED.search(run_tests(folder, test_file_of(patch), **settings).stdout))


def test_file_of(patch: Path) -> str:
    (line,) = (line for line in patch.read_text().splitlines() if line.startswith("Caught by: "))
    return line.removeprefix("Caught by: ")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants whose name contains this (default: all)")
    parser.add_argument("--tests-pass", action="store_true", help="without mutants the tests are known to pass")
    options = parser.parse_args()
    names = options.names or [""]
    patches = [patch for patch in sorted(HERE.glob("*.patch")) if any(name in patch.name for name in names)]
    files = [] if options.tests_pass else sorted({test_file_of(patch) for patch in patches})
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, done in zip(files, pool.map(partial(run_tests, BASE), files), strict=True):
            if done.returncode:
                print(f"{done.stdout[-4000:]}\n{file} fails without a mutant")
                return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        caught = sum(pool.map(try_mutant, patches))
    print(f"{caught} of {len(patches)}")
    return 0 if caught == len(patches) else 1


def try_mutant(patch: Path) -> bool:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="us-m-") as scratch:
        verdict = is_caught(patch, Path(scratch) / "copy")
    print(f"{'caught' if verdict else 'ALIVE '}  {patch.stem}  {time.monotonic() - start:.0f} s", flush=True)
    return verdict


if __name__ == "__main__":
    sys.exit(main())
