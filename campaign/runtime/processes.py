"""The processes that `serve` starts, and starts again when they end."""

import contextlib
import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from django.conf import settings

log = logging.getLogger(__name__)

MAX_PAUSE_SECONDS = 30.0  # between two starts of a process that keeps ending
FIRST_TRIES = 3  # of which one must be loaded; else none ever will
BACKLOG = 2048  # connections that wait to be taken
LOAD_SECONDS = 60.0  # in which the processes of a reload must be loaded
LEAVE_SECONDS = 2.0  # in which clients that keep a connection are told to open another
FINISH_SECONDS = 300.0  # for a download that began before a reload


class CannotStart(Exception):
    """A process ends each time before it does its work. The message is one sentence for the operator."""


@dataclass
class Child:
    """A process that is started again when it ends, after a pause that doubles each time."""

    name: str
    command: list[str]
    environment: dict[str, str]
    pause: float = 0.5  # seconds before the next start
    restart_at: float = 0.0  # monotonic seconds
    started: float = 0.0  # monotonic seconds
    is_replaced: bool = False  # whether it was asked to end, so that another takes its place
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, stdin: int = subprocess.DEVNULL, descriptors: Sequence[int] = ()) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            cwd=settings.BASE_DIR,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  `serve` has one thread
            stdin=stdin,
            pass_fds=descriptors,
        )

    def check(self) -> bool:
        """Start the process again if it has ended and the pause is over. Returns whether it has just ended."""
        has_ended = self.process is not None and self.process.poll() is not None
        if has_ended and self.process:
            code, self.process = self.process.returncode, None
            is_steady = self.is_replaced or time.monotonic() - self.started > 60
            self.pause = 0.5 if is_steady else min(self.pause * 2, MAX_PAUSE_SECONDS)
            self.restart_at = time.monotonic() + self.pause
            if not self.is_replaced:
                log.error("%s ended with %s; it restarts in %.0f s.", self.name, code, self.pause)
            self.is_replaced = False
        elif self.process is None and time.monotonic() >= self.restart_at:
            try:
                self.start()
            except OSError:  # no memory or no number for another process
                self.pause = min(self.pause * 2, MAX_PAUSE_SECONDS)
                self.restart_at = time.monotonic() + self.pause
                log.exception("%s cannot be started.", self.name)
        return has_ended

    def replace(self) -> None:
        """Have another process take the place of this one."""
        self.is_replaced = self.process is not None
        self.terminate()

    def terminate(self) -> None:
        if self.process:
            self.process.terminate()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait_or_kill(self, seconds: float) -> None:
        """Wait for a process that was asked to end, then kill it."""
        if self.process:
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass
class WebProcess(Child):
    """A process that answers requests: `campaign.web.process`."""

    listener: socket.socket = field(kw_only=True)
    line: socket.socket = field(default_factory=socket.socket, repr=False)  # to the process
    is_loaded: bool = False
    is_open: bool = False

    def start(self, *_given: object) -> None:
        self.line.close()
        self.line, theirs = socket.socketpair()
        self.line.settimeout(0)
        self.is_loaded = self.is_open = False
        with theirs:
            super().start(theirs.fileno(), [self.listener.fileno()])

    def check(self) -> bool:
        has_ended = super().check()
        if not self.is_loaded:
            with contextlib.suppress(OSError):  # nothing is there yet, or the process has ended
                self.is_loaded = bool(self.line.recv(1))
        return has_ended

    def open(self) -> None:
        """Have the process answer requests."""
        with contextlib.suppress(OSError):  # it has just ended
            self.line.send(b"1")
        self.is_open = True


class WebServer:
    """The processes that answer requests, on one socket that outlives each of them.

    So a connection waits while a process is killed or replaced: none is refused.
    """

    def __init__(self, host: str, port: int, count: int, environment: dict[str, str]) -> None:
        """Take the port.

        Raises:
            CannotStart: it cannot be used.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((host, port))
        except (OSError, TypeError) as error:  # the latter for a host that can be no name
            self._listener.close()
            reason = error.strerror if isinstance(error, OSError) else "no such host"
            raise CannotStart(f"Port {port} on {host} cannot be used: {reason}.") from None
        self._command = [sys.executable, "-m", "campaign.web.process", str(self._listener.fileno())]
        self._environment, self._count = environment, count
        self._processes: list[WebProcess] = []
        self._others: list[WebProcess] = []  # that come or leave in a reload
        self._ended = 0
        self._is_listening = False
        self.has_loaded = False

    def load(self) -> None:
        """Start the processes, which answer nothing yet."""
        self._processes = self._started()

    def open(self) -> None:
        """Listen, and answer."""
        self._listener.listen(BACKLOG)
        self._is_listening = True

    def check(self) -> None:
        """Start processes again that have ended, and open those that are loaded.

        Raises:
            CannotStart: none was ever loaded, in so many tries.
        """
        for process in self._processes:
            self._ended += process.check()
            if process.is_loaded and self._is_listening and not process.is_open:
                self.has_loaded = True
                process.open()
        if self._ended >= FIRST_TRIES and not self.has_loaded:
            raise CannotStart(f"The web server ended {self._ended} times while it was loaded; the lines above say why.")

    def replace(self) -> Generator[None, None, bool]:
        """Replace the processes by new ones, in steps. Returns whether they were; if not, the former ones stay."""
        self._others, deadline = self._started(), time.monotonic() + LOAD_SECONDS
        while not all(process.is_loaded for process in self._others):
            yield
            if any(process.check() for process in self._others) or time.monotonic() > deadline:
                end(self._others, seconds=0)
                return False
        self._processes, self._others = self._others, self._processes
        for process in self._processes:
            process.open()
        for process in self._others:
            process.line.close()
        leave, finish = time.monotonic() + LEAVE_SECONDS, time.monotonic() + FINISH_SECONDS
        while time.monotonic() < leave:
            yield
        for process in self._others:
            process.terminate()
        while any(process.is_running() for process in self._others) and time.monotonic() < finish:
            yield
        end(self._others, seconds=0)
        return True

    def end(self) -> None:
        """Stop listening, answer what is here, and end."""
        self._listener.close()
        end([*self._processes, *self._others])
        for process in (*self._processes, *self._others):
            process.line.close()

    def _started(self) -> list[WebProcess]:
        name = "web server"
        processes = [
            WebProcess(name, self._command, self._environment, listener=self._listener) for _each in range(self._count)
        ]
        for process in processes:
            process.start()
        return processes


def end(processes: Sequence[Child], *, seconds: float = 15) -> None:
    """End processes together. After so many seconds they are killed."""
    for child in processes:
        child.terminate()
    deadline = time.monotonic() + seconds
    for child in processes:
        child.wait_or_kill(max(0.0, deadline - time.monotonic()))


def _end_with_parent() -> None:
    """On Linux, have the kernel send SIGTERM to the child when `serve` is killed, so that the port becomes free."""
    os.setpgid(0, 0)  # so that Ctrl-C reaches only `serve`, which stops its children in order
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
