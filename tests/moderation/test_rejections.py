"""A rejected signature: its page says so, why and what helps; who asked for updates gets one neutral email."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import translation

from signatures.models import AuditEntry, OutboxMail, RejectionReason, Signature
from signatures.moderation import decisions
from signatures.outbox import sending
from signatures.registries import RejectionCode
from signatures.signing import withdrawal
from signatures.states import State
from signatures.values import sealing, tokens
from tests import single_decisions
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db
UPDATES_KEY = Path(settings.KEYS_DIR) / "updates.private"


def page_of(signature: Signature) -> str:
    return f"/signature/{tokens.personal_token(signature.public_id)}/"


def wants_updates(signature: Signature) -> Signature:
    signature.sealed_address = sealing.seal("cleo@example.org", public_key=settings.UPDATES_PUBLIC_KEY)
    signature.save(update_fields=["sealed_address"])
    return signature


def test_the_page_says_why_and_what_helps_in_the_language_of_the_signer(
    client: Client, cleo: Signature, moderator: User
) -> None:
    single_decisions.reject(cleo, by=moderator.pk, reason="Does not speak for this organization")
    code = RejectionCode.ORGANIZATION
    for prefix, language in (("", "en"), ("/ko", "ko"), ("/zh-hant", "zh-hant")):
        page = client.get(f"{prefix}{page_of(cleo)}").content.decode()
        with translation.override(language):
            assert str(code.label) in page and str(code.advice) in page, language
        assert "mailto:" in page and 'href="#change"' in page


def test_own_words_of_staff_stay_in_the_audit_log(client: Client, cleo: Signature, moderator: User) -> None:
    single_decisions.reject(cleo, by=moderator.pk, reason="Sounds like the man from the embassy")
    page = client.get(page_of(cleo)).content.decode()
    assert "embassy" not in page and str(RejectionCode.OTHER.label) in page


def test_what_was_told_stays_when_an_owner_rewords_the_reason(client: Client, cleo: Signature, moderator: User) -> None:
    single_decisions.reject(cleo, by=moderator.pk, reason="Signed twice")
    RejectionReason.objects.filter(code="twice").update(text="Double", code="other")
    page = client.get(page_of(cleo)).content.decode()
    assert str(RejectionCode.TWICE.label) in page and "#change" not in page, "there is nothing to do"


def test_changed_words_are_looked_at_again(
    client: Client, cleo: Signature, moderator: User, words: dict[str, str]
) -> None:
    single_decisions.reject(cleo, by=moderator.pk, reason="Not a name")
    client.post(page_of(cleo), {**words, "name": "Cleopatra VII", "action": "change"})
    cleo.refresh_from_db()
    assert cleo.state == State.WAITING
    assert str(RejectionCode.NOT_A_NAME.label) not in client.get(page_of(cleo)).content.decode()


def test_every_reason_of_a_new_site_has_a_code_of_its_own() -> None:
    codes = list(RejectionReason.objects.values_list("code", flat=True))
    assert sorted([*codes, RejectionCode.OTHER]) == sorted(RejectionCode.values)


def test_who_asked_for_updates_gets_one_email_that_names_neither_reason_nor_letter(
    cleo: Signature, ada: Signature, moderator: User, inbox: Inbox
) -> None:
    for row in (wants_updates(cleo), ada):
        single_decisions.reject(row, by=moderator.pk, reason="Advertising")
    for _twice in range(2):
        call_command("queue_updates", key=UPDATES_KEY)
    sending.send_due()

    (mail,) = inbox
    assert (mail["To"], mail["Subject"]) == ("cleo@example.org", "About what you entered")
    for part in ("plain", "html"):
        text = mail.get_body((part,)).get_content()  # type: ignore[union-attr]  # each email has both
        assert "/signature/" in text and "/no-updates/" in text
        assert "dvertis" not in text and "Cleo" not in text and "bridge" not in text.lower()


@pytest.mark.parametrize("event", ["undone", "unsubscribed", "long ago"])
def test_nobody_is_told_what_is_so_no_more_or_was_long_ago(
    cleo: Signature, moderator: User, inbox: Inbox, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    single_decisions.reject(wants_updates(cleo), by=moderator.pk, reason="Advertising")
    if event == "long ago":
        monkeypatch.setattr("signatures.outbox.subscriptions.REJECTED_WITHIN", timedelta(0))
    call_command("queue_updates", key=UPDATES_KEY)
    assert OutboxMail.objects.count() == (event != "long ago")
    if event == "undone":
        decisions.undo(cleo, by=moderator.pk)
    elif event == "unsubscribed":
        withdrawal.unsubscribe(cleo)
    sending.send_due()
    assert list(inbox) == []


def test_a_rejection_keeps_what_an_undo_needs(cleo: Signature, moderator: User) -> None:
    Signature.objects.update(flags=["link"])
    single_decisions.reject(cleo, by=moderator.pk, reason="Advertising")
    assert AuditEntry.objects.get(signature_id=cleo.pk).detail["told"] == "advertising"
    assert decisions.undo(cleo, by=moderator.pk).state == State.WAITING
