"""Load by `wrk`: one thread, kept-alive connections, and every answer that is no success counted."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

POST = Path(__file__).with_name("post.lua")


@dataclass
class Load:
    """Requests to one address, run after run. What went wrong gathers in `faults`."""

    url: str
    connections: int = 16
    lines: Path | None = None  # of POSTs, each sent once
    used: int = 0
    answered: int = 0
    faults: list[str] = field(default_factory=list)

    def run(self, seconds: float) -> float:
        """Requests a second."""
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{seconds:g}s", "--timeout", "10s"]
        if self.lines:
            command += ["-s", str(POST), self.url, "--", str(self.lines), str(self.used)]
        else:
            command.append(self.url)
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True)
        return self._read(done.stdout)

    def _read(self, said: str) -> float:
        answers = int(figure(r"(\d+) requests in", said))
        bad = int(figure(r"Non-2xx or 3xx responses: (\d+)", said)) + sum(
            map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", said))
        )
        if bad or not answers:
            self.faults.append(f"{bad} of {answers} answers were no success")
        self.answered += answers - bad
        self.used += answers + self.connections + 1  # those under way when time was up, and wrk's own trial
        return figure(r"Requests/sec:\s+([\d.]+)", said)


def figure(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else 0.0


def write_lines(file: Path, posts: Iterable[tuple[str, dict[str, str]]]) -> Path:
    """One POST a line: its path and its body."""
    with file.open("w") as out:
        out.writelines(f"{urlsplit(path).path}\t{urlencode(body)}\n" for path, body in posts)
    return file
