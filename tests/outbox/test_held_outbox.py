"""A relay that is misconfigured, away or full, and a wrong key: emails are held and sent again; none is lost (O14)."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from nacl.encoding import HexEncoder
from nacl.public import PrivateKey

from campaign.models import Letter
from signatures import retention
from signatures.management.commands import worker
from signatures.models import AuditEntry, OutboxHold, OutboxMail, RateLimit, Submission
from signatures.monitoring import alarms
from signatures.outbox import attempts, holding, queue, sending
from signatures.registries import AlarmCode
from signatures.screening import rate_limits
from signatures.tasks import DUTIES
from signatures.values import sealing
from tests.factories import make_mail, make_mail_to_staff, make_submission
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db
SWITCH = "/admin/signatures/alarm/switches/send-again/"
NUMBER = OutboxHold.AFTER + 3


@pytest.fixture
def mails(letter: Letter) -> list[OutboxMail]:
    return [make_mail(make_submission(letter, f"N{n}"), f"n{n}@example.org") for n in range(NUMBER)]


def later(**wait: float) -> None:
    """Lets time pass for the outbox: what was, was that much earlier."""
    passed = timedelta(**wait)
    for mail in OutboxMail.objects.all():
        for name in ("queued_at", "due_at", "waiting_since", "sent_at"):
            if moment := getattr(mail, name):
                setattr(mail, name, moment - passed)
        mail.save()
    for hold in OutboxHold.objects.exclude(probe_at=None):
        OutboxHold.objects.update(probe_at=(hold.probe_at or timezone.now()) - passed)


def unsent() -> Any:
    return OutboxMail.objects.filter(kind="link", sent_at__isnull=True)


def refuse(answer: str, at: str) -> Callable[[Inbox, Any], Callable[[], None]]:
    def begin(inbox: Inbox, settings: Any) -> Callable[[], None]:
        inbox.answer, inbox.answer_at = answer, at

        def end() -> None:
            inbox.answer = "250 OK"

        return end

    return begin


def changed_options(**options: Any) -> Callable[[Inbox, Any], Callable[[], None]]:
    def begin(inbox: Inbox, settings: Any) -> Callable[[], None]:
        good = settings.MAILERS["default"]
        settings.MAILERS = {"default": good | {"OPTIONS": good["OPTIONS"] | options}}

        def end() -> None:
            settings.MAILERS = {"default": good}

        return end

    return begin


def another_key(inbox: Inbox, settings: Any) -> Callable[[], None]:
    """The web server has another public key than the worker has private ones; then the worker gets both."""
    new = PrivateKey.generate()
    OutboxMail.objects.update(
        recipient=sealing.seal("n@example.org", public_key=new.public_key.encode(HexEncoder).decode())
    )

    def end() -> None:
        file = settings.VAR_DIR / "outbox.private"
        keys = [new.encode(HexEncoder).decode(), Path(settings.OUTBOX_PRIVATE_KEY_FILE).read_text().strip()]
        file.write_text("\n".join(keys))
        settings.OUTBOX_PRIVATE_KEY_FILE = str(file)

    return end


FAULTS_OF_THE_SERVER = {
    "relay denied": (refuse("554 5.7.1 Relay access denied", "rcpt"), "refused: 554 5.7.1"),
    "relay denied without a code": (refuse("550 relay not permitted", "rcpt"), "refused: 550"),
    "authentication without a code": (refuse("550 Authentication required", "rcpt"), "refused: 550"),
    "sender not verified, without a code": (refuse("550 Sender not verified", "rcpt"), "refused: 550"),
    "spam without a code": (refuse("553 Blocked as SPAM", "rcpt"), "refused: 553"),
    "sender not verified, under the code of an unknown mailbox": (
        refuse("550 5.1.1 sender not verified", "rcpt"),
        "refused: 550 5.1.1",
    ),
    "sender verify": (refuse("550 Sender verify failed", "rcpt"), "refused: 550"),
    "the domain of the sender": (refuse("550 Sender address rejected: Domain not found", "rcpt"), "refused: 550"),
    "unverified": (refuse("550 Unverified sender", "rcpt"), "refused: 550"),
    "an invalid sender": (refuse("550 Invalid sender", "rcpt"), "refused: 550"),
    "SPF": (refuse("550 SPF check failed", "rcpt"), "refused: 550"),
    "DMARC": (refuse("550 DMARC failure", "rcpt"), "refused: 550"),
    "a blacklist": (refuse("550 Your IP is blacklisted", "rcpt"), "refused: 550"),
    "STARTTLS": (refuse("550 Must issue a STARTTLS command first", "rcpt"), "refused: 550"),
    "a limit": (refuse("550 Daily limit exceeded", "rcpt"), "refused: 550"),
    "administration": (refuse("550 Administrative prohibition", "rcpt"), "refused: 550"),
    "words that nobody foresaw": (refuse("550 Go away", "rcpt"), "refused: 550"),
    "quota without a code": (refuse("550 quota exceeded", "rcpt"), "refused: 550"),
    "no code, after the data": (refuse("550 no such user", "end"), "refused: 550"),
    "no code, at the sender": (refuse("550 no such user", "mail"), "refused: 550"),
    "another number without a code": (refuse("554 no such user", "rcpt"), "refused: 554"),
    "policy, after the data": (refuse("554 5.7.1 rejected for policy reasons", "end"), "refused: 554 5.7.1"),
    "sender not verified": (refuse("550 5.7.1 sender not verified", "mail"), "refused: 550"),
    "sender not known": (refuse("550 5.1.8 sender rejected", "rcpt"), "refused: 550 5.1.8"),
    "sender of no system": (refuse("553 5.1.7 bad sender", "rcpt"), "refused: 553 5.1.7"),
    "quota of the day": (refuse("550 5.4.5 daily sending quota exceeded", "end"), "refused: 550 5.4.5"),
    "quota of a mailbox": (refuse("552 5.2.2 over quota", "rcpt"), "refused: 552 5.2.2"),
    "quota for now": (refuse("452 4.2.2 over quota", "rcpt"), "refused: 452 4.2.2"),
    "too much": (refuse("451 4.7.0 try later", "mail"), "refused: 451"),
    "wrong password": (changed_options(username="site", password="wrong"), "refused: 535"),
    "wrong port": (changed_options(port=9), "unreachable: ConnectionRefusedError"),
    "wrong key": (another_key, "key: none opens the recipient"),
}


@pytest.mark.parametrize("fault", FAULTS_OF_THE_SERVER)
def test_O14_what_the_server_is_to_blame_for_holds_the_outbox_and_uses_up_no_email(
    mails: list[OutboxMail], inbox: Inbox, settings: Any, tmp_path: Path, owner: User, fault: str
) -> None:
    settings.VAR_DIR = tmp_path
    begin, failure = FAULTS_OF_THE_SERVER[fault]
    end = begin(inbox, settings)

    for _turn in range(3):
        assert sending.send_due() == 0

    assert holding.current().is_held and holding.current().fault == failure
    assert alarms.check_mail() == [AlarmCode.MAIL_HELD]
    tried = unsent().exclude(failure="")
    assert set(tried.values_list("failure", "attempts")) == {(failure, 0)}
    assert len(tried) == OutboxHold.AFTER, "then no other one is tried"
    assert not unsent().filter(recipient__isnull=True).exists(), "nobody is forgotten"

    end()
    assert sending.send_due() == 0, "it is still held"
    client = Client()
    client.force_login(owner)
    client.post(SWITCH)
    assert sending.send_due() == NUMBER, "all of them"
    assert not holding.current().is_held
    assert len(inbox) == NUMBER


def test_O14_three_days_without_a_relay_lose_nothing_and_it_recovers_by_itself(
    mails: list[OutboxMail], inbox: Inbox, settings: Any
) -> None:
    end = changed_options(port=9)(inbox, settings)
    for _turn in range(72):
        assert sending.send_due() == 0
        later(hours=1)
    assert unsent().filter(recipient__isnull=False, attempts=0).count() == NUMBER
    assert sum(unsent().values_list("faults", flat=True)) < 72 + NUMBER, "probes only"

    end()
    assert sending.send_due() == NUMBER, "the first probe that gets through ends it, and all others are due again"
    assert inbox.recipients and sorted(inbox.recipients) == sorted(f"n{n}@example.org" for n in range(NUMBER))
    assert alarms.check_mail() == []


def test_O14_when_the_service_is_back_no_email_waits_for_its_own_next_attempt(
    mails: list[OutboxMail], inbox: Inbox, settings: Any
) -> None:
    end = changed_options(port=9)(inbox, settings)
    for _probe in range(4 * NUMBER):
        sending.send_due()
        later(seconds=6)
    sending.send_due()
    assert unsent().filter(due_at__gt=timezone.now() + timedelta(seconds=6)).exists()
    end()
    later(seconds=6)
    assert sending.send_due() == NUMBER


def test_O14_a_held_outbox_sends_one_probe_after_each_pause(mails: list[OutboxMail], inbox: Inbox) -> None:
    inbox.answer = "554 5.7.1 relay denied"
    sending.send_due()
    for _probe in range(3):
        before = inbox.attempts
        assert sending.send_due() == 0 and inbox.attempts == before, "within the pause"
        later(seconds=61)
        sending.send_due()
        assert inbox.attempts == before + 1
    faults = sorted(unsent().values_list("faults", flat=True))
    assert faults[-1] == 1, "each time another email: one of them may be to blame"


def test_O14_one_email_that_is_always_refused_keeps_no_other_one_waiting(
    letter: Letter, admin_user: User, inbox: Inbox
) -> None:
    """A full mailbox of staff, on a night on which little else is sent: it is more important, and is never taken."""
    make_mail_to_staff(admin_user)
    inbox.answer, inbox.answer_to = "552 5.2.2 mailbox full", admin_user.email
    for _attempt in range(OutboxHold.AFTER):
        sending.send_due()
        later(minutes=20)
    assert holding.current().is_held

    make_mail(make_submission(letter, "Ada Lovelace"), "ada@example.org", priority=OutboxMail.Priority.REMINDER)
    later(minutes=2)
    assert sending.send_due() == 1 and inbox.recipients == ["ada@example.org"], "the probe is another one"
    assert not holding.current().is_held


def test_O14_emails_that_a_budget_holds_back_use_up_no_probe(letter: Letter, inbox: Inbox) -> None:
    """A flood at one small domain that was not tried yet, and an honest email that failed while the service was away."""
    RateLimit.objects.create(scope="mail-small", seconds=86_400, max_count=1)
    rate_limits.clear_cache()
    for _time in range(2):
        rate_limits.count_event({"mail-small": "flood.example"})
    for number in range(3):
        make_mail(make_submission(letter, f"Flood {number}"), f"flood{number}@flood.example", priority=1)
    make_mail(make_submission(letter, "Ada Lovelace"), "ada@gmail.com", faults=1, failure="unreachable:")
    OutboxHold.objects.create(pk=OutboxHold.ROW, failures=OutboxHold.AFTER, probe_at=timezone.now())

    sending.send_due()
    assert inbox.recipients == ["ada@gmail.com"] and not holding.current().is_held


def test_O14_the_pauses_grow_only_while_the_service_answers(
    mails: list[OutboxMail], inbox: Inbox, settings: Any
) -> None:
    """A service that counts wrong passwords is asked once a minute; one that is away is noticed within seconds."""
    inbox.answer = "554 5.7.1 relay denied"
    for _probe in range(12):
        sending.send_due()
        later(seconds=61)
    sending.send_due()
    assert holding.current().probe_at > timezone.now() + timedelta(seconds=50)  # type: ignore[operator]  # it is held

    changed_options(port=9)(inbox, settings)
    later(seconds=61)
    sending.send_due()
    assert holding.current().probe_at < timezone.now() + timedelta(seconds=6)  # type: ignore[operator]  # the same


def test_O14_one_email_alone_is_enough_for_the_alarm_within_a_minute(ben: Submission, inbox: Inbox) -> None:
    make_mail(ben, "ben@example.org")
    inbox.answer = "554 5.7.1 relay denied"
    for _second in range(35):
        sending.send_due()
        later(seconds=1)
    assert alarms.check_mail() == [AlarmCode.MAIL_HELD]
    (duty,) = (duty for duty in DUTIES if duty.work is alarms.check_mail)
    assert duty.every <= timedelta(seconds=30)


def test_O14_a_service_that_sends_most_emails_is_not_held_because_of_some(
    letter: Letter, mails: list[OutboxMail], inbox: Inbox
) -> None:
    """Whoever types addresses that the service refuses holds up nobody."""
    assert sending.send_due(limit=1) == 1
    inbox.answer = "554 5.7.1 no mail to this domain"
    sending.send_due()
    assert not holding.current().is_held


# What a refusal says about the mailbox


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "550 5.1.10 null MX", "553 5.1.3 bad syntax"])
@pytest.mark.parametrize("at", ["rcpt", "end"])
def test_O14_only_a_refusal_that_names_the_mailbox_ends_an_email_and_that_alone(
    mails: list[OutboxMail], inbox: Inbox, answer: str, at: str
) -> None:
    inbox.answer, inbox.answer_at = answer, at
    sending.send_due(limit=1)
    inbox.answer = "250 OK"
    assert sending.send_due() == NUMBER - 1

    ended = OutboxMail.objects.get(pk=mails[0].pk)
    assert (ended.recipient, ended.sent_at, ended.attempts) == (None, None, 1)
    assert ended.failure.startswith("final: 55")
    assert Submission.objects.filter(pk=mails[0].signature_id or 0).exists(), "the person can correct it"


@pytest.mark.parametrize(
    "answer",
    [
        "550 No such user here",
        "550 User unknown in virtual mailbox table",
        "550 Requested action not taken: mailbox unavailable",
        "550 Unrouteable address",
        "550 Unknown recipient",
        "550 This account does not exist",
        "550 Recipient not found",
        "550 Mailbox is inactive",
        "551 User not local",
        "553 no mailbox of this name",
    ],
)
def test_O14_a_recipient_refused_without_a_code_is_a_mailbox_that_does_not_exist(
    mails: list[OutboxMail], inbox: Inbox, answer: str
) -> None:
    inbox.answer = answer
    sending.send_due(limit=1)
    ended = OutboxMail.objects.get(pk=mails[0].pk)
    assert (ended.recipient, ended.attempts, ended.failure) == (None, 1, f"final: {answer[:3]}")


def test_O14_a_flood_of_mailboxes_that_do_not_exist_holds_nothing(mails: list[OutboxMail], inbox: Inbox) -> None:
    inbox.answer = "550 5.1.1 no such user"
    sending.send_due()
    assert not holding.current().is_held and not unsent().filter(recipient__isnull=False).exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer", ["450 4.1.1 unverified address", "550 5.2.1 mailbox disabled", "450 4.1.2 no domain"]
)
def test_an_email_to_a_mailbox_that_takes_nothing_for_now_lives_for_five_days(
    ben: Submission, inbox: Inbox, answer: str
) -> None:
    mail = make_mail(ben, "ben@example.org")
    inbox.answer = answer
    for _hour in range(5 * 24):
        sending.send_due()
        mail.refresh_from_db()
        assert mail.recipient is not None and mail.failure.startswith("mailbox: ")
        later(hours=1)
    assert mail.attempts > attempts.MAX_ATTEMPTS

    later(hours=2)
    sending.send_due()
    mail.refresh_from_db()
    assert (mail.recipient, mail.sent_at) == (None, None), "then it is forgotten"


def test_a_worker_that_was_away_for_days_does_not_give_up_at_its_first_attempt(ben: Submission, inbox: Inbox) -> None:
    mail = make_mail(ben, "ben@example.org")
    inbox.answer = "450 4.1.1 unverified address"
    later(days=6)
    sending.send_due()
    mail.refresh_from_db()
    assert mail.recipient is not None


def test_an_email_that_could_not_be_sent_for_thirty_days_is_deleted(mails: list[OutboxMail]) -> None:
    later(days=29)
    OutboxMail.objects.update(kind="invite", signature_id=None, staff_id=1)  # no submission that ends before
    retention.prune()
    assert OutboxMail.objects.count() == NUMBER
    later(days=1)
    retention.prune()
    assert not OutboxMail.objects.exists()


# The age of an email


def test_an_email_that_is_tried_again_and_again_is_stuck_after_half_an_hour(
    client: Client, mails: list[OutboxMail], inbox: Inbox, settings: Any
) -> None:
    changed_options(port=9)(inbox, settings)
    for _minute in range(29):
        sending.send_due()
        later(minutes=1)
    assert AlarmCode.MAIL_STUCK not in alarms.check_mail() and queue.is_moving()
    sending.send_due()
    later(minutes=2)
    assert AlarmCode.MAIL_STUCK in alarms.check_mail()
    answer = client.get("/readyz")
    assert answer.status_code == 503 and json.loads(answer.content)["mail"] is False


def test_emails_that_a_cap_holds_back_are_not_stuck_and_age_from_when_they_may_be_sent(
    letter: Letter, inbox: Inbox
) -> None:
    for n in range(2):
        make_mail(make_submission(letter, f"N{n}"), "ben@example.org", mailbox="0123456789abcdef")
    inbox.answer = "554 5.7.1 relay denied"
    assert sending.send_due() == 0
    later(minutes=25)
    inbox.answer = "250 OK"
    assert sending.send_due() == 1
    later(minutes=9)
    sending.send_due()
    assert not queue.stuck(timezone.now()).exists()
    inbox.answer = "554 5.7.1 relay denied"
    later(minutes=2)
    sending.send_due()
    later(minutes=28)
    assert not queue.stuck(timezone.now()).exists()
    later(minutes=3)
    assert queue.stuck(timezone.now()).count() == 1


def test_one_full_mailbox_makes_no_alarm_while_other_emails_are_sent(
    ben: Submission, letter: Letter, inbox: Inbox
) -> None:
    make_mail(ben, "ben@example.org")
    inbox.answer = "450 4.1.1 unverified address"
    sending.send_due()
    later(minutes=31)
    assert queue.stuck(timezone.now()).count() == 1, "nothing else was sent: the service may be to blame"
    inbox.answer = "250 OK"
    make_mail(make_submission(letter, "Next"), "next@example.org")
    OutboxMail.objects.filter(signature_id=ben.pk).update(due_at=timezone.now() + timedelta(minutes=1))
    assert sending.send_due() == 1
    assert not queue.stuck(timezone.now()).exists()


def test_a_site_is_ready_while_one_email_is_refused_and_others_are_sent(mails: list[OutboxMail], inbox: Inbox) -> None:
    inbox.answer = "554 5.7.1 relay denied"
    sending.send_due(limit=1)
    later(minutes=40)
    inbox.answer = "250 OK"
    sending.send_due(limit=1)
    assert queue.stuck(timezone.now()).exists() and queue.is_moving()


def test_the_dashboard_says_when_the_last_email_was_sent_in_whole_hours(
    moderator_client: Client, mails: list[OutboxMail], inbox: Inbox
) -> None:
    def shown() -> str:
        page = moderator_client.get("/admin/").content.decode()
        return page.partition("last one sent at (hour)</dt>")[2].partition("<dd>")[2].partition("</dd>")[0]

    assert shown() == "none yet"
    sending.send_due(limit=1)
    later(hours=3)
    (moment,) = OutboxMail.objects.exclude(sent_at=None).values_list("sent_at", flat=True)
    assert shown() == f"{moment:%Y-%m-%d %H}:00 UTC <small>3 hours ago</small>"


# The switch *Send again*


def test_a_moderator_has_emails_sent_again_after_a_question_and_it_is_logged(
    moderator_client: Client, moderator: User, mails: list[OutboxMail], inbox: Inbox
) -> None:
    inbox.answer = "554 5.7.1 relay denied"
    sending.send_due()
    page = moderator_client.get("/admin/signatures/alarm/switches/").content.decode()
    assert "refused: 554 5.7.1" in page and SWITCH in page
    assert moderator_client.get(SWITCH).status_code == 200
    assert holding.current().is_held, "a GET only asks"
    moderator_client.post(SWITCH)
    assert not holding.current().is_held
    assert AuditEntry.objects.get(action="send-again").staff_id == moderator.pk


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_starts_sends_delayed_emails_again(mails: list[OutboxMail], inbox: Inbox) -> None:
    """Outside any transaction, as the worker does it: whoever starts it may have mended what failed."""
    inbox.answer = "554 5.7.1 relay denied"
    sending.send_due()
    assert holding.current().is_held
    inbox.answer = "250 OK"
    assert worker.survive(holding.send_again) == OutboxHold.AFTER
    assert not holding.current().is_held
    assert sending.send_due() == NUMBER


def test_send_again_says_so_when_no_email_waits_and_leaves_no_entry(moderator_client: Client) -> None:
    page = moderator_client.post(SWITCH, follow=True)
    assert "Nothing was changed" in page.content.decode()
    assert not AuditEntry.objects.filter(action="send-again").exists()


def test_an_editor_cannot_have_emails_sent_again(editor: User) -> None:
    client = Client()
    client.force_login(editor)
    assert client.post(SWITCH).status_code == 403
