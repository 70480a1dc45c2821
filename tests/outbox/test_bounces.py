"""Mailboxes that take no email, and complaints: emails to them stop, an alarm comes up, and nobody is locked out."""

import base64
import hashlib
import hmac
import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import clear_url_caches
from django.utils import timezone

import campaign.urls
from campaign.models import Letter
from campaign.runtime import email_webhooks
from signatures import retention
from signatures.models import AuditEntry, OutboxMail, Signature, Submission, Suppression
from signatures.monitoring import alarms
from signatures.outbox import queue, sending, suppressions
from signatures.registries import AlarmCode, Flag
from signatures.states import State
from signatures.values import sealing
from tests.factories import make_mail, make_signature, make_submission
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db
EVENTS, LIST = "/email-events/", "/admin/signatures/suppression/"
SECRET = "a-long-secret-of-the-webhook-0123456789"
BOUNCE = {"RecordType": "Bounce", "Type": "HardBounce", "Email": "dora@example.org"}
NO_MAILBOX = "550 5.1.1 no such user"
Reason, Kind = Suppression.Reason, OutboxMail.Kind


def hash_of(address: str, settings: Any) -> bytes:
    return sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER)


@pytest.fixture
def dora(letter: Letter, settings: Any) -> Signature:
    """She waits, was asked something and wants updates."""
    more: dict[str, Any] = {"address_hash": hash_of("dora@example.org", settings), "sealed_address": b"sealed"}
    return make_signature(letter, "Dora Maar", State.WAITING, flags=[Flag.ASKED], **more)


@pytest.fixture
def ben_of_example(letter: Letter, settings: Any) -> Submission:
    return make_submission(letter, "Ben Nevis", address_hash=hash_of("ben@example.org", settings))


def use_webhook(settings: Any, value: str) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EMAIL_WEBHOOK_SECRET", value)
        settings.EMAIL_WEBHOOK_VIEW, settings.ANYMAIL = email_webhooks.from_setting("EMAIL_WEBHOOK_SECRET")
    importlib.reload(campaign.urls)
    clear_url_caches()


@pytest.fixture
def webhook(settings: Any) -> Iterator[None]:
    """The webhook of Postmark is set. Addresses are read once, when the site starts."""
    use_webhook(settings, f"postmark:{SECRET}")
    yield
    use_webhook(settings, "")


def report(client: Client, secret: str = SECRET, **event: Any) -> int:
    """Posts what Postmark reports. Returns the status of the answer."""
    return post(client, BOUNCE | event, secret)


def post(client: Client, body: Any, secret: str = SECRET) -> int:
    login = base64.b64encode(f"undersigned:{secret}".encode()).decode()
    answer = client.post(EVENTS, json.dumps(body), "application/json", headers={"Authorization": f"Basic {login}"})
    return answer.status_code


def sent(inbox: Inbox, mail: OutboxMail) -> bool:
    before = len(inbox)
    OutboxMail.objects.exclude(pk=mail.pk).filter(recipient__isnull=False).delete()
    sending.send_due()
    return len(inbox) > before


def kinds_that_arrive(person: Signature | Submission, address: str, inbox: Inbox) -> set[str]:
    kinds = (Kind.LINK, Kind.REMINDER, Kind.LINKS, Kind.QUESTION, Kind.UPDATE)
    return {str(kind) for kind in kinds if sent(inbox, make_mail(person, address, kind=kind, topic="news-1"))}


# What the email service refuses at once


@pytest.mark.parametrize("answer", [NO_MAILBOX, "550 No such user here"])
def test_O3_a_mailbox_that_does_not_exist_gets_no_reminder_and_no_further_links_to_its_submission(
    ben_of_example: Submission, inbox: Inbox, answer: str
) -> None:
    inbox.answer = answer
    assert not sent(inbox, make_mail(ben_of_example, "ben@example.org"))
    assert Suppression.objects.get().reasons == ["bounce"]
    inbox.answer = "250 OK"
    assert not OutboxMail.objects.filter(kind=Kind.REMINDER).exists()
    assert not sent(inbox, make_mail(ben_of_example, "ben@example.org", kind=Kind.LINKS))
    assert not sent(inbox, make_mail(ben_of_example, "ben@example.org", kind=Kind.REMINDER))
    assert sent(inbox, make_mail(ben_of_example, "ben@example.org")), "who signs up anew says that it works now"


@pytest.mark.parametrize("answer", ["554 5.7.1 policy", "550 5.7.1 sender not verified", "450 4.1.1 later"])
def test_what_is_not_about_the_mailbox_suppresses_nobody(ben_of_example: Submission, inbox: Inbox, answer: str) -> None:
    inbox.answer = answer
    sent(inbox, make_mail(ben_of_example, "ben@example.org"))
    assert not Suppression.objects.exists()


# A share of refusals


def try_many(letter: Letter, inbox: Inbox, *, taken: int, refused: int, answer: str, at: str = "end") -> None:
    for number in range(taken):
        make_mail(make_submission(letter, f"T{number}"), f"t{number}@example.org")
    assert sending.send_due() == taken
    for number in range(refused):
        make_mail(make_submission(letter, f"R{number}"), f"r{number}@example.org")
    inbox.answer, inbox.answer_at = answer, at
    sending.send_due()


def test_O25_one_in_twenty_refused_raises_an_alarm_and_all_of_them_wait(
    letter: Letter, inbox: Inbox, owner: User
) -> None:
    try_many(letter, inbox, taken=19, refused=3, answer="554 5.7.1 sender not verified")
    assert alarms.check_mail() == [AlarmCode.MAIL_REFUSED]
    assert AuditEntry.objects.get(action="alarm").reason.startswith("The email service refused 3 of the 22 emails")
    assert OutboxMail.objects.filter(recipient__isnull=False, attempts=0, failure__startswith="refused").count() == 3
    inbox.answer = "250 OK"
    OutboxMail.objects.filter(failure__startswith="refused").update(due_at=timezone.now())
    assert sending.send_due() == 3


@pytest.mark.parametrize(("taken", "refused"), [(7, 2), (57, 3)])
def test_O25_few_refusals_are_no_alarm(letter: Letter, inbox: Inbox, taken: int, refused: int) -> None:
    try_many(letter, inbox, taken=taken, refused=refused, answer="554 5.7.1 sender not verified")
    assert alarms.check_mail() == []


@pytest.mark.slow
@pytest.mark.parametrize("answer", [NO_MAILBOX, "550 No such user here"])
def test_O25_a_relay_that_calls_every_mailbox_unknown_ends_no_more_than_a_few_emails(
    letter: Letter, inbox: Inbox, answer: str
) -> None:
    try_many(letter, inbox, taken=10, refused=32, answer=answer, at="rcpt")
    waiting = OutboxMail.objects.filter(recipient__isnull=False, failure__startswith="mailbox")
    assert waiting.count() == 29 and Suppression.objects.count() == 3
    assert alarms.check_mail() == [AlarmCode.MAIL_REFUSED]
    inbox.answer = "250 OK"
    waiting.update(due_at=timezone.now())
    assert sending.send_due() >= 29


def test_O25_an_email_that_is_refused_again_and_again_counts_once(letter: Letter, inbox: Inbox) -> None:
    try_many(letter, inbox, taken=19, refused=3, answer="554 5.7.1 no")
    OutboxMail.objects.filter(sent_at=None).update(
        refused_at=timezone.now() - timedelta(hours=2), due_at=timezone.now()
    )
    sending.send_due()
    assert queue.refused(timezone.now()) == (0, 19)


# What the email service reports


@pytest.mark.usefixtures("webhook")
def test_a_bounce_stops_what_was_not_asked_for_and_a_complaint_what_strangers_can_cause(
    client: Client, dora: Signature, letter: Letter, inbox: Inbox, settings: Any
) -> None:
    same = make_submission(letter, "Somebody", address_hash=dora.address_hash)
    assert report(client) == 200
    assert kinds_that_arrive(dora, "dora@example.org", inbox) == {"links"}
    assert sent(inbox, make_mail(same, "dora@example.org"))

    later = {"Type": "SpamComplaint", "RecordType": "SpamComplaint"}
    assert report(client, **later) == 200
    assert Suppression.objects.get().reasons == ["bounce", "complaint"]
    assert kinds_that_arrive(same, "dora@example.org", inbox) == set()
    assert kinds_that_arrive(dora, "dora@example.org", inbox) == {"links"}, "the owner always gets these"
    row = Suppression.objects.get()
    assert bytes(row.address_hash) == hash_of("Dora@Example.org", settings) and row.until <= timezone.now() + timedelta(
        30
    )


@pytest.mark.usefixtures("webhook")
@pytest.mark.parametrize("event", [{"Type": "Transient"}, {"RecordType": "Open", "Recipient": "dora@example.org"}])
def test_a_delay_or_an_open_stops_nothing(client: Client, event: dict[str, Any]) -> None:
    assert report(client, **event) == 200
    assert not Suppression.objects.exists()


@pytest.mark.usefixtures("webhook")
def test_O24_a_forged_or_too_large_report_changes_nothing(client: Client) -> None:
    assert report(client, secret="guessed") == 400
    assert client.post(EVENTS, "{}", "application/json").status_code == 400
    assert report(client, Description="x" * 1024 * 1024) in {400, 413}
    assert client.get(EVENTS).status_code == 405
    assert not Suppression.objects.exists()


ODD: list[Any] = [
    [],
    "x",
    None,
    {"Email": ["dora@example.org"]},
    {"Email": {"a": 1}},
    {"Email": "dora@example.org\ud800"},
    {"RecordType": []},
    {"BouncedAt": 5},
    {"BouncedAt": "2026-02-31T00:00:00Z"},
    {"BouncedAt": "0001-01-01T00:00:00+14:00"},
]


@pytest.mark.usefixtures("webhook")
def test_O24_a_report_that_is_forged_or_cannot_be_read_is_answered_with_400_and_logged_in_a_line(
    client: Client, caplog: Any
) -> None:
    for body in ODD:
        assert post(client, {**BOUNCE, **body} if isinstance(body, dict) else body) == 400, body
    assert report(client, secret="guessed") == 400
    assert len(caplog.records) == len(ODD) + 1
    assert {(line.levelname, line.exc_info) for line in caplog.records} == {("WARNING", None)}
    assert "dora" not in caplog.text and not Suppression.objects.exists()


@pytest.mark.usefixtures("webhook")
def test_O24_a_time_without_a_zone_is_in_utc(client: Client) -> None:
    assert report(client, BouncedAt="2026-01-05T10:00:00") == 200
    assert Suppression.objects.get().since == datetime(2026, 1, 5, 10, tzinfo=UTC)


def test_O24_without_the_setting_there_is_no_webhook(client: Client) -> None:
    assert report(client) == 404


def test_O24_a_service_that_signs_is_believed_by_its_signature_alone(client: Client, settings: Any) -> None:
    use_webhook(settings, f"mailgun:{SECRET}")
    try:
        for key, status in ((b"another", 400), (SECRET.encode(), 200)):
            signature = hmac.new(key, b"1793900000token", hashlib.sha256).hexdigest()
            body = {
                "signature": {"timestamp": "1793900000", "token": "token", "signature": signature},
                "event-data": {"event": "complained", "recipient": "dora@example.org", "timestamp": 1793900000.0},
            }
            assert client.post(EVENTS, json.dumps(body), "application/json").status_code == status
            assert Suppression.objects.exists() == (status == 200)
        assert client.post(EVENTS, "{", "application/json").status_code == 400
    finally:
        use_webhook(settings, "")


@pytest.mark.usefixtures("webhook")
def test_O24_a_replayed_report_is_no_new_one_and_does_not_undo_a_release(
    client: Client, owner: User, settings: Any
) -> None:
    day_ago = (timezone.now() - timedelta(days=1)).isoformat()
    address_hash = hash_of("dora@example.org", settings)

    def until() -> datetime | None:
        return Suppression.objects.active().values_list("until", flat=True).first()

    assert report(client, BouncedAt=day_ago) == 200
    first = until()
    assert report(client, BouncedAt=day_ago) == 200
    assert until() == first and suppressions.release(address_hash, by=owner.pk)
    assert report(client, BouncedAt=day_ago) == 200
    assert until() is None
    assert report(client) == 200, "a new one counts"
    assert until() is not None


def test_O24_a_complaint_that_is_older_than_a_bounce_counts_too_and_shortens_nothing() -> None:
    address_hash, now = b"a" * 32, timezone.now()
    for reason, days in ((Reason.BOUNCE, 1), (Reason.COMPLAINT, 2), (Reason.BOUNCE, 3), (Reason.COMPLAINT, 2)):
        suppressions.suppress(address_hash, reason, at=now - timedelta(days=days))
    row = Suppression.objects.get()
    assert row.reasons == ["bounce", "complaint"] and row.until == now + timedelta(days=29)


def test_O24_a_complaint_that_is_older_than_a_release_changes_nothing(owner: User) -> None:
    address_hash = b"a" * 32
    suppressions.suppress(address_hash, Reason.BOUNCE, at=timezone.now() - timedelta(days=2))
    suppressions.release(address_hash, by=owner.pk)
    suppressions.suppress(address_hash, Reason.COMPLAINT, at=timezone.now() - timedelta(days=1))
    assert not Suppression.objects.active().exists()


def test_S20_this_was_not_me_stays_when_the_address_bounces_too(ben_of_example: Submission, inbox: Inbox) -> None:
    address_hash = bytes(ben_of_example.address_hash or b"")
    suppressions.suppress(address_hash, Reason.NOT_ME)
    suppressions.suppress(address_hash, Reason.BOUNCE)
    assert not sent(inbox, make_mail(ben_of_example, "ben@example.org"))


def test_a_suppression_ends_by_itself_and_is_deleted(dora: Signature, inbox: Inbox) -> None:
    suppressions.suppress(bytes(dora.address_hash or b""), Reason.BOUNCE, at=timezone.now() - timedelta(days=30))
    assert sent(inbox, make_mail(dora, "dora@example.org", kind=Kind.QUESTION))
    assert retention.prune()["suppressed addresses"] == 1


# Staff


def test_a_moderator_sees_why_releases_an_address_after_a_question_and_it_is_logged(
    moderator_client: Client, moderator: User, dora: Signature, inbox: Inbox
) -> None:
    digest = bytes(dora.address_hash or b"").hex()
    suppressions.suppress(bytes(dora.address_hash or b""), Reason.COMPLAINT)
    page = moderator_client.get(LIST).content.decode()
    assert "reported as spam" in page and digest[:12] in page
    release = f"{LIST}{digest}/release/"
    assert release in moderator_client.get(f"/admin/signatures/signature/{dora.pk}/change/").content.decode()

    assert moderator_client.get(release).status_code == 200
    assert not sent(inbox, make_mail(dora, "dora@example.org", kind=Kind.QUESTION)), "a GET only asks"
    moderator_client.post(release)
    assert sent(inbox, make_mail(dora, "dora@example.org", kind=Kind.QUESTION))
    entry = AuditEntry.objects.get(action="release-address")
    assert (entry.staff_id, entry.detail) == (moderator.pk, {"reasons": "complaint"})
    assert "gets all emails already" in moderator_client.post(release, follow=True).content.decode()
    assert moderator_client.get(f"{LIST}none/release/").status_code == 404


def test_an_editor_releases_nobody(editor: User) -> None:
    client = Client()
    client.force_login(editor)
    assert client.post(f"{LIST}{'ab' * 32}/release/").status_code == 403
