"""Short-lived processes with an empty environment, a few at a time; what they say of their errors is thrown away."""

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class PdfFailed(Exception):
    """No PDF came out. The message holds no word of the letter and no name."""


class ProcessStopped(Exception):
    """Somebody asked to give up; nothing is left behind."""


class Process:
    """One of this folder's programs, with its arguments and the time it may take."""

    def __init__(self, program: str, *arguments: str, seconds: float) -> None:
        command = [sys.executable, "-I", str(Path(__file__).with_name(f"{program}.py")), *arguments]
        self.seconds, self.deadline = seconds, time.monotonic() + seconds
        self.popen = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        )

    def wait(self, seconds: float = 0.0) -> bool:
        """Whether it has ended, after waiting no longer than this.

        Raises:
            PdfFailed: when its time is over.
        """
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            if time.monotonic() > self.deadline:
                raise PdfFailed(f"the typesetter took longer than {self.seconds:.0f} s") from None
            return False
        return True

    def result(self) -> dict[str, Any]:
        said, _ = self.popen.communicate()
        if self.popen.returncode:
            raise PdfFailed(f"the typesetter ended with code {self.popen.returncode}")
        made: dict[str, Any] = json.loads(said)
        return made

    def end(self) -> None:
        self.popen.kill()
        self.popen.communicate()


def results_in_order(
    processes: Iterator[Process], *, most: int, stopped: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """What they say, in the order in which they start; the next one starts once fewer than `most` are running.

    Raises:
        Stopped: when `stopped` says so, which is asked several times a second.
        PdfFailed: when one fails.
    """
    running: deque[Process] = deque()
    more = True
    try:
        while more or running:
            if stopped():
                raise ProcessStopped
            busy = [one for one in running if not one.wait()]
            if more and len(busy) < most:
                started = next(processes, None)
                more = started is not None
                running += [started] if started else []
            elif running and running[0] not in busy:
                yield running.popleft().result()
            else:
                busy[0].wait(0.05)
    finally:
        for one in running:
            one.end()
