"""Connections to the email service: a thread for each, which touches no database."""

import contextlib
import queue
import smtplib
import threading
from dataclasses import dataclass

from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend

from signatures.models import OutboxMail, Submission
from signatures.outbox import refusals
from signatures.outbox.refusals import Failure

EMAILS_PER_CONNECTION = 50  # many services take no more; then it is opened anew


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An email that was chosen to be sent now, and is counted in the budgets."""

    mail: OutboxMail
    submission: Submission | None
    address: str
    message: EmailMultiAlternatives
    is_probe: bool


class Connections:
    """Up to `most` connections. One more is opened when an email comes while all others are busy.

    The threads do not keep the process from ending: what they leave undone is due again.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.busy: dict[int, Outgoing] = {}  # by the id of the email
        self._opened = 0
        self._waiting: queue.SimpleQueue[Outgoing | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Outgoing, Failure | None]] = queue.SimpleQueue()

    @property
    def has_room(self) -> bool:
        return len(self.busy) < self.most

    def send(self, outgoing: Outgoing) -> None:
        """Hands an email to a connection. The caller has looked whether there is room."""
        self.busy[outgoing.mail.pk] = outgoing
        self._waiting.put(outgoing)
        if len(self.busy) > self._opened:
            self._opened += 1
            threading.Thread(target=self._work, name=f"mail-{self._opened}", daemon=True).start()

    def result(self, *, seconds: float) -> tuple[Outgoing, Failure | None] | None:
        """Waits for the next result: what went wrong, or None. Returns None if there is none in time."""
        try:
            outgoing, failure = self._results.get(timeout=seconds)
        except queue.Empty:
            return None
        del self.busy[outgoing.mail.pk]
        return outgoing, failure

    def close(self) -> None:
        """Closes each connection once it is not busy any more. Waits for none."""
        for _ in range(self._opened):
            self._waiting.put(None)

    def _work(self) -> None:
        backend = mailers.create_connection("default")
        sent = 0
        while outgoing := self._waiting.get():
            self._results.put((outgoing, _attempt(outgoing, backend)))
            sent += 1
            if sent % EMAILS_PER_CONNECTION == 0:
                _close(backend)
        _close(backend)


def _attempt(outgoing: Outgoing, backend: BaseEmailBackend) -> Failure | None:
    """Sends an email. Returns what went wrong, or None.

    No exception leaves this function: its text can hold the address, and the email would count as being sent for ever.
    """
    if not refusals.can_be_addressed(outgoing.address):
        return refusals.NO_ADDRESS
    try:
        backend.open()  # stays open for the next email
        backend.send_messages([outgoing.message])
    except Exception as error:  # noqa: BLE001  see above
        failure = refusals.failure_of(error)
        if not failure.is_about_mailbox:
            _close(backend)
        return failure
    return None


def _close(backend: BaseEmailBackend) -> None:
    with contextlib.suppress(OSError, smtplib.SMTPException):
        backend.close()
