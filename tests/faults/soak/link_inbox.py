"""An email service that keeps the links of the emails alone."""

import contextlib
import multiprocessing
import re
import threading
from collections.abc import Iterator
from multiprocessing.queues import SimpleQueue
from typing import Any

from tests.faults.drills.drill_inbox import DrillInbox
from tests.live_site import body_of

_processes = multiprocessing.get_context("spawn")
Links = SimpleQueue[tuple[int, str]]  # the number of a signer, and the path of the link


class LinkReader(DrillInbox):
    """An inbox that keeps the links of the emails, and nothing else."""

    def __init__(self, links: "Links") -> None:
        super().__init__()
        self.links = links

    def append(self, message: Any) -> None:
        link = re.search(r"/signature/\S+/", body_of(message, "plain"))
        number = re.match(r"soak(\d+)@", message["To"])
        self.recipients.clear()
        if link and number:
            self.links.put((int(number[1]), link[0]))


def read_links(port: int, links: "Links") -> None:
    with LinkReader(links).served(port):
        threading.Event().wait()


class LinkInbox(DrillInbox):
    """An email service in a process of its own, which those who sign do not slow down."""

    def __init__(self) -> None:
        super().__init__()
        self.links: Links = _processes.SimpleQueue()

    @contextlib.contextmanager
    def served(self, port: int) -> Iterator[int]:
        reader = _processes.Process(target=read_links, args=(port, self.links), daemon=True)
        reader.start()
        try:
            yield port
        finally:
            reader.kill()
