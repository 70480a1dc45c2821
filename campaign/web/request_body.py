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
    try:
        await _read(receive, length, body.write)
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body


async def discard_body(receive: Receive, length: int) -> None:
    """Reads the body and keeps nothing of it, up to `MAX_UPLOAD_BYTES`.

    Whoever is still sending while the connection ends sees a broken connection in place of the answer, as does a proxy,
    which then answers 502.

    Args:
        receive: of ASGI.
        length: bytes, as the request announced.

    Raises:
        BodyTooSlow, ClientGone: as `read_body`.
    """
    await _read(receive, min(length, MAX_UPLOAD_BYTES), len)


async def _read(receive: Receive, length: int, take: Callable[[bytes], object]) -> None:
    received, is_complete = 0, length == 0
    clock = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(SECONDS) as deadline:
            while not is_complete:
                part, has_more = await _next_part(receive)
                if (received + len(part)) // STEP_BYTES > received // STEP_BYTES:
                    deadline.reschedule(clock() + SECONDS)
                take(part[: length - received])
                received += len(part)
                is_complete = received >= length or not has_more
    except TimeoutError:
        raise BodyTooSlow from None


async def _next_part(receive: Receive) -> tuple[bytes, bool]:
    """Returns some bytes of the body, and whether more will come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), bool(message.get("more_body"))


async def until_gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
