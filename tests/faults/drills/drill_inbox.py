"""The email service of the drills: it can go on misbehaving, and kill who sends."""

import asyncio
import os
import signal
from typing import Any

from tests.inbox import Inbox


class DrillInbox(Inbox):
    """An inbox whose faults can last.

    Attributes:
        lasting: a fault of `Inbox` that happens again and again.
        victim: the process of the worker; 0: none is killed.
        every: after so many emails the worker is killed, in turn when the email is not yet taken, and when it is taken
            and the worker has not read that.
        kills: how often that was done.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lasting = ""
        self.victim, self.every, self.kills = 0, 0, 0
        self.countdown = 0

    def recover(self) -> None:
        """Works from now on."""
        self.lasting = self.fault = ""
        self.answer, self.seconds = "250 OK", 0.0

    def begin(self, fault: str) -> None:
        """Misbehaves from now on: a number of seconds, an answer and where ("554 mail"), or a fault of `Inbox`."""
        how, _, at = fault.partition(" ")
        if not at:
            self.seconds = float(how)
        elif how.isdecimal():
            self.answer, self.answer_at = f"{how} as configured", at
        else:
            self.fault = self.lasting = fault

    async def misbehave(self, server: Any, where: str) -> str:
        answer = await super().misbehave(server, where)
        self.fault = self.fault or self.lasting
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        victim = self._victim()
        if victim and self.kills % 2:
            os.kill(victim, signal.SIGKILL)
            return "451 you are dead"
        if victim:
            os.kill(victim, signal.SIGSTOP)
            asyncio.get_running_loop().call_later(0.05, os.kill, victim, signal.SIGKILL)
        return await super().handle_DATA(server, session, envelope)

    def _victim(self) -> int:
        if not self.victim or (left := self.countdown - 1) > 0:
            self.countdown -= 1
            return 0
        self.countdown, self.kills = self.every + left, self.kills + 1
        victim, self.victim = self.victim, 0
        return victim
