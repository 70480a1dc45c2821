"""Load by `wrk`: one thread, kept-alive connections. Every response that is no success is counted."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

SCRIPT = Path(__file__).with_name("post.lua")


@dataclass
class Load:
    """Requests to one address, run after run. `faults` collects what went wrong."""

    url: str
    connections: int = 16
    lines: Path | None = None  # a file of requests, each sent once
    used: int = 0
    answered: int = 0
    faults: list[str] = field(default_factory=list)

    def run(self, seconds: float) -> float:
        """Returns the requests per second of a run."""
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{seconds:g}s", "--timeout", "10s"]
        if self.lines:
            command += ["-s", str(SCRIPT), self.url, "--", str(self.lines), str(self.used)]
        else:
            command.append(self.url)
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True)
        return self._read(done.stdout)

    def _read(self, output: str) -> float:
        answers = int(number(r"(\d+) requests in", output))
        bad = int(number(r"Non-2xx or 3xx responses: (\d+)", output)) + sum(
            map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", output))
        )
        if bad or not answers:
            self.faults.append(f"{bad} of {answers} answers were no success")
        self.answered += answers - bad
        self.used += answers + self.connections + 1  # requests under way when time was up, and wrk's own trial
        return number(r"Requests/sec:\s+([\d.]+)", output)


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else 0.0


def write_lines(file: Path, posts: Iterable[tuple[str, dict[str, str]]]) -> Path:
    """Writes one POST per line: its path and its body."""
    with file.open("w") as out:
        out.writelines(f"{urlsplit(path).path}\t{urlencode(body)}\n" for path, body in posts)
    return file


def write_addresses(file: Path, addresses: Iterable[str]) -> Path:
    """Writes one GET per line: its path with its query, and no body."""
    with file.open("w") as out:
        out.writelines(f"{address}\t\n" for address in addresses)
    return file
