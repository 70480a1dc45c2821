"""`uv run python -m tests.faults.honest_mail`: 2,000 flagged sign-ups in 20 seconds, and an honest one after them (S33).

A PostgreSQL and an SMTP server of its own; the SMTP server takes 30 ms for each email. Prints how long the honest email
waited, and, as the control, how long it waits when all emails have the same priority.
"""

import asyncio
import os
import shutil
import sys
import threading
import time
from typing import Any

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()

from aiosmtpd.controller import Controller
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from campaign.models import Letter, Translation
from campaign.runtime import database
from signatures.models import OutboxMail, RateLimit
from signatures.outbox import sending
from signatures.screening import rate_limits
from signatures.signing import submission
from tests.factories import make_letter, signer_input
from tests.live_site import free_port

FLOOD, FLOOD_SECONDS = 2_000, 20.0
SECONDS_PER_MAIL = 0.03
MAX_WAIT = 10.0  # seconds that an honest email may wait


class SlowInbox:
    """Notes when each recipient got an email."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(SECONDS_PER_MAIL)
        self.arrived |= dict.fromkeys(envelope.rcpt_tos, time.monotonic())
        return "250 OK"


def wait_of_an_honest_email(letter: Letter, *, has_priorities: bool) -> float:
    """Returns the seconds from the honest sign-up, at the end of the flood, to its email."""
    inbox, port = SlowInbox(), free_port()
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    options = {"host": "127.0.0.1", "port": port, "timeout": 5}
    settings.MAILERS = {"default": {"BACKEND": "campaign.runtime.smtp.EmailBackend", "OPTIONS": options}}
    text = Translation.objects.select_related("revision__letter").get(revision__letter=letter)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            sending.send_due(limit=50)
            time.sleep(0.05)
        connection.close()

    def sign_up(address: str, name: str, *flags: str) -> None:
        submission.submit(signer_input(text, name=name), address=address, updates=False, flags=flags)
        if not has_priorities:
            OutboxMail.objects.filter(kind="link").exclude(priority=OutboxMail.Priority.SIGN_UP).update(
                priority=OutboxMail.Priority.SIGN_UP
            )

    worker = threading.Thread(target=work)
    worker.start()
    try:
        began = time.monotonic()
        for number in range(FLOOD):
            sign_up(f"bot{number}@mailbot{number % 50}.example", f"Bot {number}", "burst")
            time.sleep(max(0.0, began + number * FLOOD_SECONDS / FLOOD - time.monotonic()))
        signed_up = time.monotonic()
        sign_up("dora@example.org", "Dora Maar")
        while "dora@example.org" not in inbox.arrived and time.monotonic() < signed_up + 150:
            time.sleep(0.05)
        return inbox.arrived.get("dora@example.org", float("inf")) - signed_up
    finally:
        is_over.set()
        worker.join()
        server.stop()


def main() -> int:
    try:
        with database.running():
            call_command("migrate", verbosity=0)
            RateLimit.objects.filter(scope__startswith="mail").delete()
            rate_limits.clear_cache()
            waited = wait_of_an_honest_email(make_letter("honest"), has_priorities=True)
            OutboxMail.objects.all().delete()
            control = wait_of_an_honest_email(make_letter("control"), has_priorities=False)
    finally:
        shutil.rmtree(os.environ["UNDERSIGNED_TEST_DIR"], ignore_errors=True)
    print(f"an honest email after {FLOOD:,} flagged sign-ups: {waited:.1f} s (at most {MAX_WAIT:.0f})")
    print(f"control, all emails alike: {control:.1f} s")
    return 0 if waited <= MAX_WAIT < control else 1


if __name__ == "__main__":
    sys.exit(main())
