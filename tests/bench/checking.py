"""check.py over a package of a million signatures, as anybody runs it, against the hashing that it cannot avoid.

Both are seconds of processor: neither waits for anything, and other programs of the machine do not count.
"""

import hashlib
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from signatures.delivery.checker import check
from tests.bench.fixture import BenchSite
from tests.bench.table import Row, alternate
from tests.delivery import packages

# The program, then the seconds of processor that it took, and the most memory that it had, in KiB.
MEASURED = """
import runpy, sys, time
del sys.argv[0]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit:
    print(time.process_time(), *(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    size = 5_000 if quick else 1_000_000
    peaks: list[float] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "package.zip"
        path.write_bytes(packages.package(replace(packages.many(size * 4 // 5), counted=size // 5)))

        def checked() -> float:
            command = [sys.executable, "-c", MEASURED, check.__file__, str(path)]
            said = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
            *_, verdict, used = said.splitlines()
            if verdict != "Whole.":
                raise SystemExit(f"the package does not hold: {said}")
            took, peak = map(float, used.split())
            peaks.append(peak / 1024)
            return took

        found = alternate({"check": checked, "hash": lambda: _hashing(size)}, 1 if quick else 3)
    return [
        Row(f"check.py of {size:,} signatures, processor", found["check"], "s", None, 15, at_least=False),
        Row("the same against SHA-256 of its leaves", found["check"], "s", found["hash"], 20, at_least=False),
        Row("memory of check.py", max(peaks), "MiB", None, 64, at_least=False),
    ]


def _hashing(size: int) -> float:
    """Returns the seconds that Python takes to hash so many leaves of the length of a row."""
    leaf, started = bytes(120), time.process_time()
    for _ in range(size):
        hashlib.sha256(leaf).digest()
    return time.process_time() - started
