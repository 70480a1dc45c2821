"""`uv run python -m tests.mutants [NAME …]`: apply each patch to a copy of the code; the one test file it names must fail.

A patch begins with what it breaks, and a line `Caught by: FILE`. Prints a line for each, and at last how many of how
many were caught. A test file that fails without the patch, or cannot be read, catches nothing.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASE = HERE.parent.parent
LEFT = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "var", ".env", ".hypothesis", "*.log")
FAILED = re.compile(r"^FAILED tests/", re.MULTILINE)  # a test ran, and did not hold; an ERROR is something else


def run_tests(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "UNDERSIGNED"))}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", file]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def is_caught(patch: Path, folder: Path) -> bool:
    shutil.copytree(BASE, folder, ignore=LEFT)
    subprocess.run(["git", "apply", "--recount", str(patch)], cwd=folder, check=True)
    return bool(FAILED.search(run_tests(folder, named_by(patch)).stdout))


def named_by(patch: Path) -> str:
    (line,) = (line for line in patch.read_text().splitlines() if line.startswith("Caught by: "))
    return line.removeprefix("Caught by: ")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of the names of some (default: all)")
    wanted = parser.parse_args().names or [""]
    patches = [patch for patch in sorted(HERE.glob("*.patch")) if any(name in patch.name for name in wanted)]
    for file in sorted({named_by(patch) for patch in patches}):
        done = run_tests(BASE, file)
        if done.returncode:
            print(f"{done.stdout[-4000:]}\n{file} fails without any patch")
            return 1
    caught = 0
    for patch in patches:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="us-m-") as scratch:
            verdict = is_caught(patch, Path(scratch) / "copy")
        caught += verdict
        print(f"{'caught' if verdict else 'ALIVE '}  {patch.stem}  {time.monotonic() - began:.0f} s", flush=True)
    print(f"{caught} of {len(patches)}")
    return 0 if caught == len(patches) else 1


if __name__ == "__main__":
    sys.exit(main())
