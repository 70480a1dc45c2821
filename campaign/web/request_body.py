"""Reading the body of a request: with a deadline, and without a thread that waits for it (threat model S36)."""

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any

SECONDS = 10.0  # for each `STEP_BYTES` of a body; public forms are far smaller than one step
STEP_BYTES = 1024 * 1024
IN_MEMORY_BYTES = 64 * 1024  # of each body; the rest is in a temporary file
MAX_UPLOAD_BYTES = 64 * 1024 * 1024  # what staff may upload

Receive = Callable[[], Awaitable[dict[str, Any]]]


class BodyTooSlow(Exception):
    """The body did not come in time."""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


async def read_body(receive: Receive, length: int) -> IO[bytes]:
    """Returns the body as a file.

    Args:
        receive: of ASGI.
        length: bytes to read at most, as the request announced.

    Raises:
        BodyTooSlow: if it takes more than `SECONDS` for each `STEP_BYTES`.
        ClientGone: if the client closed the connection.
    """
    is_small = length <= IN_MEMORY_BYTES
    body: IO[bytes] = BytesIO() if is_small else SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  the caller closes it
    received, is_complete = 0, length == 0
    clock = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(SECONDS) as deadline:
            while not is_complete:
                part, has_more = await _next_part(receive)
                if (received + len(part)) // STEP_BYTES > received // STEP_BYTES:
                    deadline.reschedule(clock() + SECONDS)
                body.write(part[: length - received])
                received += len(part)
                is_complete = received >= length or not has_more
    except TimeoutError:
        body.close()
        raise BodyTooSlow from None
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body


async def _next_part(receive: Receive) -> tuple[bytes, bool]:
    """Returns some bytes of the body, and whether more will come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), bool(message.get("more_body"))
