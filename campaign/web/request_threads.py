"""The threads that call Django, and who gets one: each queue has an end, and what costs much has a share of a pool."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from campaign.runtime import database_budgets
from campaign.web import wsgi_calls
from campaign.web.wsgi_calls import Answer, Environ, WsgiHandler

MAX_QUEUE = 200  # requests that wait for a thread of one pool, or of one share
QUEUE_SECONDS = 10.0  # longest wait for a thread


class ThreadPool:
    """Threads that call the WSGI handler, with one database budget. Too long a queue is refused, not joined.

    Attributes:
        sending: answers of which further parts are made while they are sent.
    """

    def __init__(self, handler: WsgiHandler, threads: int, budget: database_budgets.Budget) -> None:
        self._handler = handler
        self._executor = ThreadPoolExecutor(
            threads, "request", initializer=partial(database_budgets.use_in_thread, budget)
        )
        self._waiting = 0
        self.sending = 0

    async def run[Result](self, work: Callable[[], Result]) -> Result:
        """Returns what the work returns, however long it waits: only for what goes on with an answer that has begun."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def run_in_time[Result](self, work: Callable[[], Result]) -> Result | None:
        """Returns what the work returns; None when no thread was free in time."""
        if self._waiting >= MAX_QUEUE:
            return None
        self._waiting += 1
        try:
            return await self.run(partial(_unless_late, work, time.monotonic()))
        finally:
            self._waiting -= 1

    async def answer(self, environ: Environ) -> Answer | None:
        """Returns Django's answer; None when no thread was free in time."""
        return await self.run_in_time(partial(wsgi_calls.call, self._handler, environ))


def _unless_late[Result](work: Callable[[], Result], queued: float) -> Result | None:
    return None if time.monotonic() - queued > QUEUE_SECONDS else work()


class Share:
    """A few threads of a pool, for requests that cost much. They wait for them outside of the queue of the others.

    Args:
        pool: of whose threads this is a part.
        threads: how many of them.
        at_once: the most requests that wait or are answered. More are refused.
    """

    def __init__(self, pool: ThreadPool, threads: int, at_once: int = MAX_QUEUE) -> None:
        self._pool, self._at_once = pool, at_once
        self._free = asyncio.Semaphore(threads)
        self._inside = 0
        self.sending = 0

    async def run[Result](self, work: Callable[[], Result]) -> Result:
        """As that of a pool, and then a pause as long as the work: it keeps all other threads from the interpreter."""
        async with self._free:
            begun = time.monotonic()
            result = await self._pool.run(work)
            await asyncio.sleep(time.monotonic() - begun)
            return result

    async def answer(self, environ: Environ) -> Answer | None:
        """As that of a pool."""
        if self._inside + self.sending >= self._at_once:
            return None
        self._inside += 1
        try:
            async with asyncio.timeout(QUEUE_SECONDS) as deadline, self._free:
                deadline.reschedule(None)
                return await self._pool.answer(environ)
        except TimeoutError:
            return None
        finally:
            self._inside -= 1
