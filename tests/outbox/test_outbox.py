"""The outbox: mails go once, over one connection, and survive a mail server that does not."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.core.mail import mailers
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures.models import OutboxMail, Signature, Submission
from signatures.outbox import messages, queue, sending
from signatures.values import sealing
from tests.factories import make_mail, make_signature, make_submission
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db


def enqueue(row: Signature | Submission, address: str = "ben@example.org") -> OutboxMail:
    """The email that a sign-up leaves; for a signature, the one that somebody gets who asks for the link."""
    kind = OutboxMail.Kind.LINK if isinstance(row, Submission) else OutboxMail.Kind.LINKS
    return make_mail(row, address, kind)


def test_a_sent_mail_forgets_its_recipient(ben: Submission, inbox: Inbox) -> None:
    mail = enqueue(ben)

    assert sending.send_due() == 1

    mail.refresh_from_db()
    assert (mail.recipient, mail.failure, mail.attempts) == (None, "", 1)
    assert mail.sent_at is not None
    assert inbox.recipients == ["ben@example.org"]
    assert sending.send_due() == 0, "nothing is sent twice"


def test_somebody_who_signed_before_gets_the_link_without_a_request_to_confirm(ada: Signature, inbox: Inbox) -> None:
    enqueue(ada)
    sending.send_due()
    body = inbox[0].get_body(("plain",))
    assert body is not None and "Each link opens a page that shows what is stored" in body.get_content()


def test_links_lead_to_the_site_whatever_host_was_asked(
    client: Client, form: dict[str, str], link_in_mail: Callable[[], str], settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["evil.example", "testserver"]
    client.post("/letters/bridge/sign/", form, headers={"host": "evil.example"})
    assert link_in_mail().startswith("/signature/")


@pytest.mark.parametrize(("answer", "is_final"), [("451 try later", False), ("550 5.1.1 no such user", True)])
def test_a_refusal_is_tried_again_unless_it_is_final(
    ben: Submission, inbox: Inbox, answer: str, is_final: bool
) -> None:
    mail = enqueue(ben)
    inbox.answer = answer

    assert sending.send_due() == 0

    mail.refresh_from_db()
    assert (mail.recipient is None) == is_final
    assert mail.sent_at is None
    assert answer[:3] in mail.failure
    assert "ben@" not in mail.failure
    if not is_final:
        assert mail.due_at > timezone.now()
        inbox.answer = "250 OK"
        OutboxMail.objects.update(due_at=timezone.now())
        assert sending.send_due() == 1


def test_a_server_that_is_down_loses_nothing(ben: Submission, settings: Any) -> None:
    settings.MAILERS = {
        "default": {
            "BACKEND": "campaign.runtime.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 9, "timeout": 1},
        }
    }
    mail = enqueue(ben)

    for faults in range(1, 5):
        OutboxMail.objects.update(due_at=timezone.now())
        assert sending.send_due() == 0
        mail.refresh_from_db()
        assert (mail.attempts, mail.faults, mail.failure) == (0, faults, "unreachable: ConnectionRefusedError")
    assert mail.recipient is not None
    assert mail.due_at - timezone.now() > timedelta(seconds=14), "the waits double"


def test_a_mail_sealed_to_another_key_stops_no_other_mail(letter: Letter, ben: Submission, inbox: Inbox) -> None:
    mail = enqueue(ben)
    OutboxMail.objects.update(recipient=sealing.seal("ben@example.org", public_key=live_settings.UPDATES_PUBLIC_KEY))
    enqueue(make_submission(letter, "Next"), "next@example.org")

    assert sending.send_due() == 1

    mail.refresh_from_db()
    assert (mail.failure, mail.attempts) == ("key: none opens the recipient", 0)
    assert mail.recipient is not None, "it waits for the key"
    assert inbox.recipients == ["next@example.org"]


def test_many_mails_go_over_one_connection(letter: Letter, inbox: Inbox, monkeypatch: Any) -> None:
    opened = []
    backend = type(mailers.create_connection("default"))
    connect = backend.open

    def open_and_note(self: Any) -> Any:
        opened.append(result := connect(self))
        return result

    monkeypatch.setattr(backend, "open", open_and_note)
    for n in range(20):
        enqueue(make_submission(letter, f"Signer {n}"), f"n{n}@example.org")

    assert sending.send_due() == 20

    assert len(inbox) == 20
    assert opened.count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_O1_a_worker_that_dies_before_it_saves_the_attempt_leaves_the_mail_due(
    ben: Submission, inbox: Inbox, monkeypatch: Any
) -> None:
    mail = enqueue(ben)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_outboxmail ADD CONSTRAINT dies CHECK (sent_at IS NULL)")
    try:
        with pytest.raises(Exception, match="dies"):
            sending.send_due()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE signatures_outboxmail DROP CONSTRAINT dies")

    OutboxMail.objects.update(claimed_until=timezone.now())  # ten seconds later
    assert sending.send_due() == 1, "it is due again by itself"
    mail.refresh_from_db()
    assert mail.recipient is None
    assert len(inbox) == 2, "at least once"


def test_two_workers_share_the_outbox(letter: Letter, inbox: Inbox) -> None:
    for n in range(5):
        enqueue(make_submission(letter, f"Signer {n}"), f"n{n}@example.org")
    assert sending.send_due(limit=2) + sending.send_due() == 5
    assert sorted(inbox.recipients) == [f"n{n}@example.org" for n in range(5)]


def test_S12_no_name_reaches_a_header(ben: Submission, inbox: Inbox) -> None:
    Submission.objects.update(name="Ben Bcc: evil@example.org")
    enqueue(ben)
    sending.send_due()
    assert "evil" not in inbox[0].as_string()
    assert inbox[0]["Message-ID"].endswith("@localhost>"), "the host of SITE_URL"
    assert set(inbox[0].keys()) >= {"From", "To", "Subject", "Date", "Message-ID"}


# An email server that fails (threat model O3)

FAULTS = [
    # what it does, once; what is written down; how often the recipient has the mail in the end
    ("421 connect", "refused: 421", 1),
    ("554 connect", "refused: 554", 1),
    ("hang connect", "unreachable: SMTPServerDisconnected", 1),
    ("drop connect", "unreachable: SMTPServerDisconnected", 1),
    ("421 mail", "refused: 421", 1),
    ("451 mail", "refused: 451", 1),
    ("hang mail", "unreachable: SMTPServerDisconnected", 1),
    ("drop mail", "unreachable: SMTPServerDisconnected", 1),
    ("421 rcpt", "refused: 421", 1),
    ("450 rcpt", "refused: 450", 1),
    ("554 rcpt", "refused: 554", 1),
    ("hang rcpt", "unreachable: SMTPServerDisconnected", 1),
    ("drop data", "unreachable: SMTPServerDisconnected", 1),
    ("451 end", "refused: 451", 1),
    ("554 end", "refused: 554", 1),
    ("421 end", "refused: 421", 1),
    # It took the mail and did not say so: at least once means that this one comes again.
    ("drop end", "unreachable: SMTPServerDisconnected", 2),
    ("hang end", "unreachable: SMTPServerDisconnected", 2),
]


def said(caplog: Any) -> str:
    """What we logged; the mail server of the tests is in the same process, and talks about everything."""
    return "\n".join(record.getMessage() for record in caplog.records if record.name != "mail.log")


@pytest.mark.parametrize(("fault", "failure", "received"), FAULTS)
def test_O3_a_server_that_misbehaves_loses_no_mail_and_holds_up_no_other(
    letter: Letter, ben: Submission, inbox: Inbox, settings: Any, caplog: Any, fault: str, failure: str, received: int
) -> None:
    if fault.startswith("hang"):
        settings.MAILERS["default"]["OPTIONS"]["timeout"] = 3
    mail = enqueue(ben)
    for n in range(3):
        enqueue(make_submission(letter, f"Next {n}"), f"next{n}@example.org")
    inbox.fault = fault

    assert sending.send_due() == 3, "the others go in the same turn"

    assert inbox.fault == "", "it did happen"
    mail.refresh_from_db()
    assert (mail.failure, mail.attempts, mail.faults, mail.sent_at) == (failure, 0, 1, None)
    assert mail.recipient is not None, "the server is at fault, and the mail can still be sent"
    assert "@" not in said(caplog), "neither is it in the log"
    OutboxMail.objects.exclude(kind="reminder").update(due_at=timezone.now())
    assert sending.send_due() == 1
    assert sorted(inbox.recipients) == sorted(
        [*["ben@example.org"] * received, *(f"next{n}@example.org" for n in range(3))]
    )
    assert len({mail["Message-ID"] for mail in inbox}) == 4, "one for each email: a mailbox can tell a repetition"
    assert not OutboxMail.objects.filter(recipient__isnull=False).exclude(kind="reminder").exists()
    assert sending.send_due() == 0


# What stands in a mail

NASTY = [
    "evil https://evil.example/login",
    "<a href='https://evil.example'>evil</a><img src=x onerror=evil()>",
    "evil\r\nBcc: evil@example.org\r\n\r\nevil",
    "evil\nSubject: evil",
    "{{ evil }}{% evil %}",
    "\u202eevil\u2028evil",
    "evil " * 30,
]


def without_chance(mail: Any) -> str:
    """The mail without what differs each time: link, moment, numbers, boundary."""
    text = mail.as_string().replace(mail.get_boundary(), "boundary")
    text = re.sub(r"/signature/[\w.=\n-]+?/", "/signature/link/", text)
    return re.sub(r"^(Date|Message-ID|To): .*$", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize("make", [make_submission, make_signature])
@pytest.mark.parametrize("nasty", NASTY)
def test_C9_a_mail_is_the_same_whatever_was_typed(
    letter: Letter, inbox: Inbox, nasty: str, make: Callable[..., Any]
) -> None:
    """Who types a stranger's address cannot make our mail say anything to that stranger."""
    plain = make(letter, "Ben Nevis")
    words: Any = dict.fromkeys(("role", "organization", "comment"), nasty)
    attacked = make(letter, nasty, **words)
    enqueue(plain)
    enqueue(attacked)
    assert sending.send_due() == 2
    ordinary, attack = inbox
    assert without_chance(attack) == without_chance(ordinary)
    assert "evil" not in attack.as_string()
    for part in ("plain", "html"):
        body = attack.get_body((part,))
        assert body is not None
        content = body.get_content()
        assert "evil" not in content
        links_in_it = set(re.findall(r"https?://[^\s\"<]+", content))
        assert links_in_it == {messages.personal_link(attacked, language="en")}, "one link, and it is ours"


def test_C9_what_was_typed_by_the_form_is_in_no_mail_either(
    client: Client, form: dict[str, str], inbox: Inbox, letter: Letter
) -> None:
    typed = {"role": "evil www.evil.example", "organization": "evil <b>", "comment": "evil https://evil.example"}
    assert client.post("/letters/bridge/sign/", {**form, **typed, "name": "evil {{ 7 }}"}).status_code == 303
    sending.send_due()
    Submission.objects.update(flags=[])  # a flagged one gets no reminder
    queue.enqueue_reminder(Submission.objects.get().pk, mailbox="", language="en", address="dora@example.org")
    OutboxMail.objects.filter(kind="reminder").update(due_at=timezone.now())
    sending.send_due()
    assert len(inbox) == 2, "the link and the reminder"
    for mail in inbox:
        assert "evil" not in mail.as_string()
        assert all("evil" not in part.get_content() for part in mail.iter_parts())


HEADERS = {
    "Content-Type", "MIME-Version", "Subject", "From", "To", "Reply-To", "Date", "Message-ID", "Auto-Submitted",
}  # fmt: skip


@pytest.mark.parametrize("contact", ["privacy@ngo.example", "https://ngo.example/contact", "Box 7, Geneva"])
@pytest.mark.parametrize("make", [make_submission, make_signature])
def test_C10_headers_hold_what_they_must_and_no_more(
    letter: Letter, inbox: Inbox, settings: Any, contact: str, make: Callable[..., Any]
) -> None:
    settings.CONTACT_EMAIL = contact
    row = make(letter, "Ben\nBcc: evil@example.org")
    enqueue(row, "ben@example.org")
    sending.send_due()
    (mail,) = inbox
    is_address = contact.startswith("privacy@")
    assert set(mail.keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"} == HEADERS - (set() if is_address else {"Reply-To"})
    assert len(mail.keys()) == len(set(mail.keys())), "each once"
    assert inbox.recipients == ["ben@example.org"] and mail["To"] == "ben@example.org", "one recipient"
    assert mail["Reply-To"] == (contact if is_address else None)
    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (settings.ORGANIZATION_NAME, settings.DEFAULT_FROM_EMAIL)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[\w.-]+@localhost>", mail["Message-ID"]), "our own host, not this machine's name"
    # It stands on the screen of a seized phone.
    assert mail["Subject"] in {"Please confirm", "Your personal link"}
    for secret in (row.public_id.hex, letter.slug, letter.recipient, "Ben"):
        assert all(secret not in value for name, value in mail.items() if name != "To")


@pytest.mark.parametrize(
    "address",
    ["a@example.org,evil@example.org", "a@example.org\r\nBcc: evil@example.org", "a@example.org evil@example.org"],
)
def test_C10_an_address_that_would_be_two_goes_to_nobody(ben: Submission, inbox: Inbox, address: str) -> None:
    """The form takes none of these; the outbox does not rely on it."""
    mail = enqueue(ben, address)
    assert sending.send_due() == 0
    mail.refresh_from_db()
    assert (mail.recipient, mail.sent_at) == (None, None) and mail.failure.startswith("final")
    assert inbox.recipients == []
