"""Short-lived processes with hardly an environment, a few at a time. Their error messages quote names: discarded."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from django.conf import settings

POLL_SECONDS = 0.05
AT_ONCE = 65_536  # bytes read from a pipe
PRESS = Path(__file__).parents[1] / "typesetter" / "press.py"

Step = tuple[str, str, dict[str, Any]]  # a module of the typesetter, a function in it, and its arguments


class PdfFailed(Exception):
    """No PDF was made. The message holds no word of the letter and no name."""


class JobCanceled(Exception):
    """The job was canceled; nothing is left behind."""


class Press:
    """A process that reads modules of the typesetter once and forks for each step (`press.py`).

    Use it in a `with` block, at whose end nothing of it runs any more.
    """

    def __init__(self, *modules: str) -> None:
        self.popen = popen = subprocess.Popen(
            [sys.executable, "-P", "-s", str(PRESS), *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": str(settings.BASE_DIR)},  # nothing of our own, but our own modules
            start_new_session=True,  # so that its forks can be ended with it
        )
        self.input, self.output = cast("IO[bytes]", popen.stdin), cast("IO[bytes]", popen.stdout)
        self.waiting = select.poll()
        self.waiting.register(self.output, select.POLLIN)
        self.started = 0
        self.unread = b""
        self.replies: dict[int, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError):
            self.input.close()
        self.popen.wait()  # every job has told its result
        self.output.close()

    def start(self, *steps: Step, seconds: float) -> "Process":
        """Starts a process for these steps, one after the other.

        Raises:
            PdfFailed: the press has ended.
        """
        self.started += 1
        job = json.dumps({"number": self.started, "steps": steps})
        try:
            self.input.write(job.encode() + b"\n")
            self.input.flush()
        except OSError:
            raise PdfFailed("the typesetter has ended") from None
        return Process(self, self.started, seconds)

    def reply(self, number: int, seconds: float) -> dict[str, Any] | None:
        """Returns the reply to a job, or nothing if none comes within this time.

        Raises:
            PdfFailed: the press has ended.
        """
        if number not in self.replies and self.waiting.poll(int(seconds * 1000)):
            read = os.read(self.output.fileno(), AT_ONCE)
            if not read:
                raise PdfFailed("the typesetter has ended")
            *lines, self.unread = (self.unread + read).split(b"\n")
            for reply in map(json.loads, lines):
                self.replies[reply["number"]] = reply
        return self.replies.get(number)


class Process:
    """A job of the press, and the time it may take."""

    def __init__(self, press: Press, number: int, seconds: float) -> None:
        self.press, self.number = press, number
        self.seconds, self.deadline = seconds, time.monotonic() + seconds

    def wait(self, seconds: float = 0.0) -> bool:
        """Waits no longer than this, and returns whether the process has ended.

        Raises:
            PdfFailed: its time is over.
        """
        if self.press.reply(self.number, seconds):
            return True
        if time.monotonic() > self.deadline:
            raise PdfFailed(f"the typesetter took longer than {self.seconds:.0f} s")
        return False

    def result(self) -> dict[str, Any]:
        """Returns the results of its steps together.

        Raises:
            OSError: the system refused a step something, such as space on the disk.
            PdfFailed: a step failed for another reason.
        """
        reply = self.press.replies.pop(self.number)
        if reply["errno"]:
            raise OSError(reply["errno"], os.strerror(reply["errno"]))
        if reply["code"]:
            raise PdfFailed(f"the typesetter ended with code {reply['code']}")
        result: dict[str, Any] = reply["result"]
        return result


def results_in_order(
    processes: Iterator[Process], *, at_once: int, is_canceled: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """Returns the results of processes in the order of their start. At most `at_once` of them run at a time.

    Asking `processes` for the next one starts it. `is_canceled` is called several times a second. What still runs
    when this raises ends with the press.

    Raises:
        JobCanceled: `is_canceled` returned true.
        OSError: the system refused a process something, such as space on the disk.
        PdfFailed: a process failed for another reason.
    """
    running: deque[Process] = deque()
    has_more = True
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
