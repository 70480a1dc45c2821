"""The scripts that the manual names, which nobody starts for months, can be started."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec

from tests.docs.pages import BASE, pages

# Each in a process of its own: what one loads and sets up would help the next.
LOAD = """
import importlib, os, sys
for name in sys.argv[1:]:
    if not (child := os.fork()):
        importlib.import_module(name)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{name} does not load")
"""
OWN_SETTINGS = 'os.environ["DJANGO_SETTINGS_MODULE"] ='  # only where it is started as a script


def scripts() -> set[str]:
    return {name for page in pages() for name in re.findall(r"python -m (tests[\w.]*\w)", page.read_text())}


def test_every_script_of_the_manual_loads_without_the_settings_of_a_site() -> None:
    found = []
    for name in sorted(scripts()):
        spec = find_spec(name)
        assert spec and spec.origin, name
        file = name if not spec.submodule_search_locations else f"{name}.__main__"
        if OWN_SETTINGS not in (BASE / f"{file.replace('.', '/')}.py").read_text():
            found.append(file)
    assert "tests.faults.image" in found and "tests.faults.drills.__main__" in found
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *found], cwd=BASE, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
