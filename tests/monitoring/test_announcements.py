"""The operator hears of alarms by email and by webhook, once for each, also while the outbox stands."""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from signatures import tasks
from signatures.models import Alarm, OutboxMail
from signatures.monitoring import alarms, announcements
from signatures.registries import AlarmCode
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db


class Webhook(BaseHTTPRequestHandler):
    """A real HTTP server on this machine that keeps what is posted to it."""

    posts: ClassVar[list[tuple[dict[str, str], str]]] = []
    status = 200
    line = b""  # in place of an answer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.posts.append((dict(self.headers), body))
        if self.line:
            self.wfile.write(self.line)
            return
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as the library names it
        """Nothing is printed."""


@pytest.fixture
def webhook() -> Iterator[HTTPServer]:
    Webhook.posts.clear()
    Webhook.status, Webhook.line = 200, b""
    server = HTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url_of(server: HTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}/topic"


def raise_alarm(code: AlarmCode = AlarmCode.RISE, minutes: int = 10) -> None:
    alarms.raise_alarm(code, "300 sign-ups in an hour.", timezone.now() + timedelta(minutes=minutes))


def body_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_an_alarm_reaches_the_operator_by_email_and_by_slack_shaped_webhook_once(
    settings: Any, webhook: HTTPServer, inbox: Inbox
) -> None:
    settings.OPERATOR_EMAIL = "op@example.org"
    settings.ALARM_WEBHOOK_URL = f"slack+{url_of(webhook)}"
    raise_alarm()

    assert announcements.announce() == 2
    assert announcements.announce() == 0

    ((headers, body),) = Webhook.posts
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"text": f"localhost: {AlarmCode.RISE.email_sentence} (rise)"}
    assert inbox.recipients == ["op@example.org"]
    assert AlarmCode.RISE.email_sentence in body_of(inbox[0])
    assert "300" not in body + body_of(inbox[0]), "numbers stay on this machine"


def test_ntfy_gets_the_plain_text_with_a_title(settings: Any, webhook: HTTPServer) -> None:
    settings.ALARM_WEBHOOK_URL = f"ntfy+{url_of(webhook)}"
    raise_alarm()

    announcements.announce()

    ((headers, body),) = Webhook.posts
    assert (headers["Title"], body) == ("Alarm", f"localhost: {AlarmCode.RISE.email_sentence} (rise)")


def test_the_worker_does_it_every_minute_after_it_looked_for_alarms(settings: Any, webhook: HTTPServer) -> None:
    settings.ALARM_WEBHOOK_URL = f"ntfy+{url_of(webhook)}"
    raise_alarm()

    assert tasks.run_duties.func(["announce-alarms"]) == {}

    assert len(Webhook.posts) == 1
    names = [duty.name for duty in tasks.DUTIES]
    assert names.index("announce-alarms") == names.index("check-alarms") + 1


@pytest.mark.parametrize("failure", ["refuses", "is away", "speaks no HTTP"])
def test_a_webhook_that_fails_is_tried_again_and_keeps_no_email_back(
    settings: Any, webhook: HTTPServer, inbox: Inbox, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OPERATOR_EMAIL = "op@example.org"
    settings.ALARM_WEBHOOK_URL = "ntfy+http://127.0.0.1:9/topic" if failure == "is away" else f"ntfy+{url_of(webhook)}"
    Webhook.status = 500
    Webhook.line = b"220 this is something else\r\n" if failure == "speaks no HTTP" else b""
    raise_alarm()

    with caplog.at_level(logging.WARNING):
        assert announcements.announce() == 1
    assert "alarm rise did not reach the operator by webhook" in caplog.text
    assert len(inbox) == 1

    Webhook.status, Webhook.line = 200, b""
    settings.ALARM_WEBHOOK_URL = f"ntfy+{url_of(webhook)}"
    assert announcements.announce() == 1
    assert len(inbox) == 1, "the email came before"


def test_the_outbox_may_stand_meanwhile(settings: Any, inbox: Inbox) -> None:
    settings.OPERATOR_EMAIL = "op@example.org"
    raise_alarm(AlarmCode.MAIL_STUCK)

    announcements.announce()

    assert inbox.recipients == ["op@example.org"]
    assert not OutboxMail.objects.filter(sent_at__isnull=False).exists()


def test_the_next_occurrence_is_told_of_again(settings: Any, webhook: HTTPServer) -> None:
    settings.ALARM_WEBHOOK_URL = f"ntfy+{url_of(webhook)}"
    raise_alarm()
    announcements.announce()

    raise_alarm()
    assert announcements.announce() == 0, "the same one"

    Alarm.objects.update(until=timezone.now() - timedelta(hours=7))
    raise_alarm()
    assert announcements.announce() == 1


def test_an_alarm_that_is_over_and_one_of_no_worker_are_not_told_of(settings: Any, webhook: HTTPServer) -> None:
    settings.ALARM_WEBHOOK_URL = f"ntfy+{url_of(webhook)}"
    raise_alarm(minutes=-1)
    raise_alarm(AlarmCode.WORKER, minutes=-1)

    assert announcements.announce() == 0


def test_without_settings_nobody_is_told(inbox: Inbox) -> None:
    raise_alarm()
    assert announcements.announce() == 0
    assert not inbox
