"""Short-lived processes with hardly an environment, a few at a time. Their error messages quote names: discarded."""

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

POLL_SECONDS = 0.05
PROGRAMS = Path(__file__).parents[1] / "typesetter"


class PdfFailed(Exception):
    """No PDF was made. The message holds no word of the letter and no name."""


class JobCanceled(Exception):
    """The job was canceled; nothing is left behind."""


class Process:
    """One of the typesetter's programs, with its arguments and the time it may take."""

    def __init__(self, program: str, *arguments: str, seconds: float) -> None:
        command = [sys.executable, "-P", "-s", str(PROGRAMS / f"{program}.py"), *arguments]
        self.seconds, self.deadline = seconds, time.monotonic() + seconds
        self.popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": str(settings.BASE_DIR)},  # nothing of our own environment, but our own modules
        )

    def wait(self, seconds: float = 0.0) -> bool:
        """Waits no longer than this, and returns whether the process has ended.

        Raises:
            PdfFailed: its time is over.
        """
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            if time.monotonic() > self.deadline:
                raise PdfFailed(f"the typesetter took longer than {self.seconds:.0f} s") from None
            return False
        return True

    def result(self) -> dict[str, Any]:
        output, _ = self.popen.communicate()
        if self.popen.returncode:
            raise PdfFailed(f"the typesetter ended with code {self.popen.returncode}")
        result: dict[str, Any] = json.loads(output)
        return result

    def kill(self) -> None:
        self.popen.kill()
        self.popen.communicate()


def results_in_order(
    processes: Iterator[Process], *, at_once: int, is_canceled: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """Returns the results of processes in the order of their start. At most `at_once` of them run at a time.

    Asking `processes` for the next one starts it. `is_canceled` is called several times a second.

    Raises:
        JobCanceled: `is_canceled` returned true.
        PdfFailed: a process failed.
    """
    running: deque[Process] = deque()
    has_more = True
    try:
        while has_more or running:
            if is_canceled():
                raise JobCanceled
            busy = [process for process in running if not process.wait()]
            if has_more and len(busy) < at_once:
                started = next(processes, None)
                has_more = started is not None
                running += [started] if started else []
            elif running and running[0] not in busy:
                yield running.popleft().result()
            else:
                busy[0].wait(POLL_SECONDS)
    finally:
        for process in running:
            process.kill()
