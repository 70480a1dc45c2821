"""A real SMTP server on this machine, for tests and drills."""

import asyncio
import contextlib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, syntax


class Inbox(list[EmailMessage]):
    """What a real SMTP server on this machine received; it can be made to misbehave. Its password is "right".

    `answer` is what it says to every email, or those to `answer_to`, at `answer_at`: "mail", "rcpt" or "end" of the
    data; it takes `seconds` for one. `fault` happens once: "connect", "mail", "rcpt" or "end" with an answer ("421
    mail", "554 end"), or "hang" and "drop" in place of the answer ("hang connect", "drop data").
    """

    def __init__(self) -> None:
        super().__init__()
        self.answer, self.answer_at = "250 OK", "rcpt"
        self.answer_to = ""  # everybody
        self.seconds = 0.0
        self.together = 1  # it takes no email to its end before so many were begun, or `release`
        self._enough = asyncio.Event()
        self.attempts = 0  # how many emails somebody began to send
        self.fault = ""
        self.recipients: list[str] = []
        self.contents: list[bytes] = []  # of the same emails, as they came over the wire

    @contextlib.contextmanager
    def served(self, port: int) -> Iterator[int]:
        """Receives emails on this port, which it yields."""
        server = FaultyController(
            self, hostname="127.0.0.1", port=port, authenticator=self.authenticate, auth_require_tls=False
        )
        server.start()
        self._loop = server.loop
        try:
            yield port
        finally:
            server.stop()

    def release(self) -> None:
        """From now on all emails are taken to their end."""
        self._loop.call_soon_threadsafe(self._enough.set)

    async def misbehave(self, server: Any, where: str) -> str:
        """The answer of a fault at this point of the talk, if that is the one to come."""
        how, _, at = self.fault.partition(" ")
        if at != where:
            return ""
        self.fault = ""
        if how == "drop":
            server.transport.abort()
        if how == "hang":
            try:
                await asyncio.sleep(30)
            finally:  # the client went before
                server.transport.abort()
        return f"{how} as configured" if how.isdecimal() else ""

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"right", handled=False)

    def refusal(self, at: str) -> str:
        return self.answer if at == self.answer_at and not self.answer.startswith("250") else ""

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.attempts += 1
        if self.attempts >= self.together:
            self._enough.set()
        if answer := await self.misbehave(server, "mail") or self.refusal("mail"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if answer := await self.misbehave(server, "rcpt"):
            return answer
        if self.answer_to in ("", address) and (answer := self.refusal("rcpt")):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await self._enough.wait()
        await asyncio.sleep(self.seconds)
        refused = self.fault.partition(" ")[0].isdecimal() and await self.misbehave(server, "end")
        if refused := refused or self.refusal("end"):
            return refused
        self.recipients += envelope.rcpt_tos
        self.contents.append(envelope.original_content)
        self.append(message_from_bytes(envelope.content, policy=policy.default))
        await self.misbehave(server, "end")  # it has the mail, and the client never hears of it
        return "250 OK"


class FaultySMTP(SMTP):
    """Where aiosmtpd itself has no hook: the greeting, and the middle of the data."""

    async def _handle_client(self) -> None:
        if not self.event_handler.fault.endswith(" connect"):
            await super()._handle_client()
            return
        if answer := await self.event_handler.misbehave(self, "connect"):
            await self.push(answer)
        assert self.transport is not None
        self.transport.close()

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        if self.event_handler.fault == "drop data":
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            await self.event_handler.misbehave(self, "data")
            return
        await super().smtp_DATA(arg)


class FaultyController(Controller):
    def factory(self) -> SMTP:
        return FaultySMTP(self.handler, **self.SMTP_kwargs)
