"""Says where requirements.txt and pyproject.toml disagree; silent and 0 when they agree."""

import re
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def needed(names: set[str]) -> set[str]:
    """These packages and all that they need, as installed here."""
    found: set[str] = set()
    while names:
        name = names.pop()
        found.add(name)
        wanted = map(Requirement, requires(name) or ())
        names |= {canonicalize_name(w.name) for w in wanted if w.marker is None or w.marker.evaluate()} - found
    return found


def faults(asked: list[str], locked: str) -> list[str]:
    """What is wrong with the locked requirements, in sentences."""
    entries = [entry.strip() for entry in locked.replace("\\\n", " ").splitlines() if entry.strip()]
    versions = {}
    found = (
        ["It holds an address or a path."]
        if "://" in locked or re.search(r"^\s*(-|\.?/)(?!-hash)", locked, re.MULTILINE)
        else []
    )
    for entry in entries:
        pinned = re.match(r"([A-Za-z0-9._-]+)==(\S+)", entry)
        if pinned is None or "--hash=sha256:" not in entry:
            found.append(f"Not pinned by version and hash: {entry[:60]}")
        else:
            versions[canonicalize_name(pinned[1])] = pinned[2]
    for line in asked:
        wanted = Requirement(line)
        version = versions.get(canonicalize_name(wanted.name))
        if version is None or version not in wanted.specifier:
            found.append(f"pyproject.toml asks for {line}, and it holds {version or 'no such package'}.")
    names = {str(canonicalize_name(Requirement(line).name)) for line in asked}
    found += [f"A dependency of our dependencies is missing: {name}." for name in sorted(needed(names) - set(versions))]
    return found


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wrong = faults(project["dependencies"], (ROOT / "requirements.txt").read_text(encoding="utf-8"))
    sys.exit("\n".join(["requirements.txt (CONTRIBUTING.md says how to make it):", *wrong]) if wrong else 0)
