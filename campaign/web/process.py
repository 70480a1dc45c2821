"""One process of the web server: `serve` starts it, on a socket that all of them share.

Descriptor 0 leads to `serve`. The process writes a byte there when it is loaded, answers requests from the byte that
comes back, and takes no more connections and gives up those it has once `serve` closes its end.
"""

import contextlib
import json
import os
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from django.utils.module_loading import import_string
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from campaign.runtime.processes import BACKLOG

HEAD_BYTES = 64 * 1024  # of a head that is read at all; `request_head` refuses shorter ones, with a sentence
HEADER_MILLISECONDS = 10_000  # in which a client must send the head of a request, also on a connection that it keeps
LOGS = Path(__file__).resolve().parent.parent / "runtime" / "granian_logs.json"


class Server(MPServer):
    """Granian on a socket that is there already, in this very process: `serve` is who watches it."""

    def __init__(self, application: str, descriptor: int) -> None:
        super().__init__(
            application,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=HEAD_BYTES),
            runtime_mode=RuntimeModes.mt,
            backlog=BACKLOG,
            websockets=False,
            log_level=LogLevels.warning,
            log_dictconfig=json.loads(LOGS.read_text(encoding="utf-8")),
        )
        self._shd: Any = SocketHolder(descriptor, uds=False, backlog=BACKLOG)  # type: ignore[call-arg]  # not in its stubs
        self._sso = None

    def run(self, application: Any) -> None:
        """Answer requests until SIGTERM, and then those that are here."""
        self._spawn_worker(0, self._spawn_asgi_worker, lambda: application).inner.run()


def _leave(application: Any, descriptor: int) -> None:
    """Take no connection any more, and end each one with its next answer, once `serve` closes its end."""
    os.read(0, 1)
    _stop_listening(os.fstat(descriptor))
    application.is_leaving = True


def _stop_listening(listener: os.stat_result) -> None:
    """Have connections go to the other processes that share the socket: one taken now would end before its request.

    Granian cannot do this. So its descriptors of the socket lead to another one from now on, which nobody can reach.
    """
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as unreachable:
        unreachable.bind(str(Path(folder, "socket")))
        unreachable.listen()
        unreachable.settimeout(0)
        for descriptor in [int(entry.name) for entry in Path("/dev/fd").iterdir()]:
            with contextlib.suppress(OSError):  # the one that listed them
                if os.path.samestat(os.fstat(descriptor), listener):
                    os.dup2(unreachable.fileno(), descriptor, inheritable=False)


def main(descriptor: str, name: str = "campaign.asgi.application") -> None:
    server = Server(name, int(descriptor))
    application = import_string(name)
    os.write(0, b"1")
    if os.read(0, 1):  # else `serve` has ended
        threading.Thread(target=_leave, args=[application, int(descriptor)], daemon=True).start()
        server.run(application)


if __name__ == "__main__":
    main(*sys.argv[1:])
