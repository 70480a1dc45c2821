"""Long answers: sent as fast as the client takes them, and no more at once than the memory of the process can hold."""

import asyncio
import itertools
from typing import Any

import pytest
from django.http import FileResponse, HttpResponse

from campaign.web import server
from campaign.web.wsgi_calls import PART_BYTES
from tests.web.asgi_calls import answering, ask, run, scope, serving


def test_a_large_download_is_sent_in_parts(tmp_path: Any) -> None:
    content = bytes(range(256)) * 4096
    (tmp_path / "file").write_bytes(content)
    opened: list[Any] = []

    def respond(_environ: dict[str, Any]) -> FileResponse:
        opened.append((tmp_path / "file").open("rb"))
        return FileResponse(opened[-1])

    _status, headers, parts = run(ask(serving(answering(respond)), scope()))
    assert b"".join(parts) == content and len(parts) > 3
    assert headers[b"Content-Length"] == str(len(content)).encode()
    assert opened[0].closed


def test_a_long_page_is_sent_in_parts_too() -> None:
    content = bytes(range(256)) * 4096
    status, _headers, parts = run(ask(serving(answering(lambda _environ: HttpResponse(content))), scope()))
    assert status == 200 and b"".join(parts) == content
    assert max(map(len, parts)) == PART_BYTES


def test_S43_those_who_take_nothing_of_long_pages_keep_few_of_them_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LONG_ANSWERS", 3)
    closed: list[str] = []

    class Page(HttpResponse):
        def close(self) -> None:
            closed.append("closed")
            super().close()

    async def go() -> tuple[int, int, int]:
        application = serving(
            answering(lambda environ: Page(b"a" * (10 if "short" in environ["PATH_INFO"] else 10**6)))
        )
        taken, all_begun, begun = asyncio.Event(), asyncio.Event(), itertools.count(1)

        async def read_slowly() -> None:
            async def receive() -> dict[str, Any]:
                await asyncio.Event().wait()
                raise AssertionError

            async def send(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.body":
                    if next(begun) == 3:
                        all_begun.set()
                    await taken.wait()

            await application(scope(), receive, send)

        slow = [asyncio.ensure_future(read_slowly()) for _reader in range(3)]
        await asyncio.wait_for(all_begun.wait(), 10)
        refused, _headers, _parts = await ask(application, scope())
        short, _headers, _parts = await ask(application, scope(b"/short"))
        taken.set()
        await asyncio.gather(*slow)
        again, _headers, _parts = await ask(application, scope())
        return refused, short, again

    assert run(go()) == (503, 200, 200)
    assert len(closed) == 6, "each response is closed, also the one that is not sent"
