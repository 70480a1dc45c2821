"""Whoever types an address makes a submission, and nothing more: only the owner of the mailbox makes a signature."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from campaign.models import Letter
from signatures.delivery import errata, freezing
from signatures.models import AuditEntry, Erratum, OutboxMail, Signature, Submission
from signatures.moderation import bulk_rule_runs, bulk_rules, decisions
from signatures.outbox import caps, sending
from signatures.registries import AuditAction
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from signatures.values import sealing, tokens
from tests.conftest import Inbox
from tests.factories import make_signature, make_submission

SIGN, MY_LINK = "/letters/bridge/sign/", "/letters/bridge/my-link/"
pytestmark = pytest.mark.django_db


def page_of(row: Signature | Submission) -> str:
    return f"/signature/{tokens.personal_token(row.public_id)}/"


def dora_in(letter: Letter) -> dict[str, Any]:
    """The digests of Dora's address."""
    pepper = settings.EMAIL_HASH_PEPPER
    return {
        "address_hash": sealing.address_hash("dora@example.org", pepper=pepper),
        "mailbox": sealing.mailbox_hash("dora@example.org", letter_id=letter.pk, pepper=pepper),
    }


def links_in(inbox: Inbox) -> list[str]:
    bodies = [mail.get_body(("plain",)).get_content() for mail in inbox]  # type: ignore[union-attr]  # each has one
    return [
        line.removeprefix(settings.SITE_URL) for body in bodies for line in body.splitlines() if "/signature/" in line
    ]


# Each typing is a submission of its own


def test_S27_what_a_stranger_types_later_changes_nothing_that_the_victim_confirms(
    client: Client, form: dict[str, str], words: dict[str, str]
) -> None:
    client.post(SIGN, {**form, "visibility": "delivery"})
    victim = Submission.objects.get()
    client.post(SIGN, {**form, "visibility": "public", "updates": "on", "name": "Dora M.", "comment": "Vile"})
    client.post(SIGN, {**form, "visibility": "public", "updates": "on"})

    page = client.get(page_of(victim)).content.decode()
    assert re.search(r'value="delivery"[^>]* checked', page)
    assert "Vile" not in page and "no_updates" not in page and "Dora M." not in page

    client.post(page_of(victim), {**words, "visibility": "delivery", "action": "confirm"})

    row = Signature.objects.get()
    assert (row.public_id, row.name, row.visibility, row.sealed_address) == (
        victim.public_id, "Dora Maar", Visibility.DELIVERY, None,
    )  # fmt: skip


def test_each_typing_has_its_own_link_that_shows_its_words_day_and_time(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    for name in ("Dora Maar", "Vile Words"):
        client.post(SIGN, {**form, "name": name})
    first, second = Submission.objects.order_by("pk")

    for row, shown, hidden in ((first, "Dora Maar", "Vile Words"), (second, "Vile Words", "Dora Maar")):
        page = client.get(page_of(row)).content.decode()
        assert shown in page and hidden not in page
        assert f"Entered on {date_format(row.signed_up_at, 'DATETIME_FORMAT')} (UTC)" in page


def test_the_link_leads_to_the_signature_for_ever_once_it_is_confirmed(
    client: Client, ben: Submission, words: dict[str, str]
) -> None:
    link = page_of(ben)
    client.post(link, {**words, "action": "confirm"})
    row = Signature.objects.get()
    assert (row.pk, row.public_id) == (ben.pk, ben.public_id)
    assert "Your signature is confirmed" in client.get(link).content.decode()
    assert not Submission.objects.exists()


def test_five_submissions_of_an_address_wait_and_more_are_answered_alike_and_not_kept(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    answers = [client.post(SIGN, {**form, "name": f"Dora {'I' * n}"}) for n in range(1, 9)]

    assert len({(answer.status_code, answer["Location"], answer.content) for answer in answers}) == 1
    assert [row.name for row in Submission.objects.order_by("pk")] == [f"Dora {'I' * n}" for n in range(1, 6)]
    assert OutboxMail.objects.count() == 5
    other = client.post(SIGN, {**form, "email": "eve@example.org"})
    assert other.status_code == 303 and Submission.objects.count() == 6, "others have places of their own"


def test_the_same_sent_twice_is_one_submission_with_one_email_and_the_flags_of_both(
    client: Client, form: dict[str, str]
) -> None:
    client.post(SIGN, form)
    client.post(SIGN, {**form, "website": "a trap"})
    assert Submission.objects.get().flags == ["trap"]
    assert OutboxMail.objects.count() == 1


def test_counted_only_drops_every_word_when_the_form_is_taken(client: Client, form: dict[str, str]) -> None:
    client.post(SIGN, {**form, "visibility": "counted", "comment": "hello", "organization": "Somewhere"})
    row = Submission.objects.get()
    assert (row.name, row.role, row.organization, row.comment, row.country) == ("", "", "", "", "FR")


def test_what_is_not_confirmed_can_be_deleted_and_leaves_no_entry(client: Client, ben: Submission) -> None:
    assert "erased" in client.post(page_of(ben), {"action": "erase"}).content.decode()
    assert not Submission.objects.exists() and not AuditEntry.objects.exists()
    assert client.get(page_of(ben)).status_code == 404


# Emails that the caps hold back wait


def test_S20_an_email_that_the_caps_hold_back_waits_and_goes_later(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    for n in range(5):
        client.post(SIGN, {**form, "name": f"Dora {'I' * n}"})
    assert sending.send_due() == 1, "one in ten minutes"

    sent = []
    for _turn in range(6):
        OutboxMail.objects.filter(sent_at__isnull=False).update(sent_at=timezone.now() - caps.MIN_INTERVAL)
        OutboxMail.objects.exclude(kind="reminder").update(due_at=timezone.now())
        sent.append(sending.send_due())
    assert sent == [1, 1, 0, 0, 0, 0], "three a day"

    for number in (1, 1, 0):  # on the next two days, and then five in a week
        mails = OutboxMail.objects.filter(sent_at__isnull=False)
        mails.filter(sent_at__gt=timezone.now() - caps.DAY).update(sent_at=timezone.now() - caps.DAY)
        if number == 0:
            client.post(SIGN, {**form, "name": "Dora"})  # the same again: another email
        OutboxMail.objects.exclude(kind="reminder").update(due_at=timezone.now())
        assert sending.send_due(limit=1) == number
    assert set(inbox.recipients) == {"dora@example.org"}


def test_a_held_email_is_due_again_when_the_caps_allow_it(client: Client, form: dict[str, str], inbox: Inbox) -> None:
    for name in ("Dora", "Dora Maar"):
        client.post(SIGN, {**form, "name": name})
    sending.send_due()
    first, second = OutboxMail.objects.filter(kind="link").order_by("pk")
    assert first.sent_at is not None
    assert second.due_at == first.sent_at + caps.MIN_INTERVAL and second.recipient is not None


def test_S31_requests_of_strangers_spend_the_way_to_a_signature_for_a_day_at_most(
    client: Client, letter: Letter, inbox: Inbox
) -> None:
    row = make_signature(letter, "Dora Maar", **dora_in(letter))

    def hours_pass(hours: int) -> None:
        for mail in OutboxMail.objects.all():
            for column in ("queued_at", "due_at", "sent_at"):
                at = getattr(mail, column)
                setattr(mail, column, at and at - timedelta(hours=hours))
            mail.save()

    for request in range(51):  # every 90 minutes for three days
        client.post(MY_LINK, {"email": "dora@example.org"})
        sending.send_due()
        if request % 2:
            hours_pass(3)
    assert len(inbox) <= 3 * 4
    inbox.clear()

    client.post(MY_LINK, {"email": "dora@example.org"})
    for _hour in range(24):
        hours_pass(1)
        sending.send_due()

    assert page_of(row) in links_in(inbox), "the owner has it within a day"


def test_S31_sign_ups_of_strangers_spend_nothing_of_it(
    client: Client, letter: Letter, form: dict[str, str], inbox: Inbox
) -> None:
    row = make_signature(letter, "Dora Maar", **dora_in(letter))
    for n in range(9):
        client.post(SIGN, {**form, "name": f"Stranger {'I' * n}"})
    sending.send_due()
    inbox.clear()

    client.post(MY_LINK, {"email": "dora@example.org"})
    sending.send_due()

    assert page_of(row) in links_in(inbox)


def test_S31_somebody_who_once_said_not_me_still_gets_the_links_to_what_they_signed(
    client: Client, letter: Letter, form: dict[str, str], inbox: Inbox
) -> None:
    row = make_signature(letter, "Dora Maar", **dora_in(letter))
    withdrawal.not_me(make_submission(letter, "Stranger", **dora_in(letter)))
    client.post(MY_LINK, {"email": "dora@example.org"})
    sending.send_due()
    assert links_in(inbox) == [page_of(row)]


# Withdrawn stays withdrawn


@pytest.mark.django_db(transaction=True)
def test_S28_signing_again_with_the_address_of_somebody_who_withdrew_hides_nothing(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str]
) -> None:
    dora = make_signature(letter, "Dora Maar", **dora_in(letter))
    delivery = freezing.freeze(letter, by=None, reason="the hearing")
    withdrawal.withdraw(dora)
    assert errata.entries_that_left(delivery).count() == 1

    client.post(SIGN, form)
    dora.refresh_from_db()
    assert (dora.state, dora.name) == (State.WITHDRAWN, "")
    assert errata.entries_that_left(delivery).count() == 1, "the warning before the hand-over stays"

    client.post(page_of(Submission.objects.get()), {**words, "action": "confirm"})
    dora.refresh_from_db()
    assert dora.state == State.WITHDRAWN, "the owner signed anew: that is another signature"
    assert errata.entries_that_left(delivery).count() == 1

    delivery.root, delivery.state = "0" * 64, delivery.State.READY
    delivery.save()
    freezing.hand_over(delivery, by=None, on=date(2026, 5, 7), to="the minister")
    assert Erratum.objects.filter(delivery=delivery).count() == 1
    withdrawal.withdraw(Signature.objects.standing().get())
    assert Erratum.objects.filter(delivery=delivery).count() == 1, "the new one was never delivered"


# No flag is lost


def confirm_all(client: Client, words: dict[str, str]) -> None:
    newest = Submission.objects.latest("pk")
    client.post(page_of(newest), {**words, "action": "confirm"})


def test_S29_typing_again_washes_off_no_flag(client: Client, form: dict[str, str], words: dict[str, str]) -> None:
    client.post(SIGN, {**form, "website": "a trap", "role": "see www.example.com", "name": "Somebody"})
    client.post(SIGN, form)
    assert Submission.objects.latest("pk").flags == []

    confirm_all(client, words)

    row = Signature.objects.get()
    assert (row.state, row.flags) == (State.WAITING, ["link", "trap"])


def test_S29_marks_of_all_submissions_stay_so_that_a_burst_finds_it(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str]
) -> None:
    make_submission(letter, "Somebody", marks=["f" * 16], **dora_in(letter))
    client.post(SIGN, form)
    confirm_all(client, words)
    assert "f" * 16 in Signature.objects.get().marks


@pytest.mark.parametrize("leave", [withdrawal.withdraw, withdrawal.erase])
def test_S29_leaving_and_signing_again_washes_off_no_rejection(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str], leave: Any
) -> None:
    Letter.objects.update(moderation="after")
    row = make_signature(letter, "Vile Words", State.WAITING, flags=["trap"], **dora_in(letter))
    decisions.decide(AuditAction.REJECT, Signature.objects.filter(pk=row.pk), by=1, reason="vile")
    leave(row)

    client.post(SIGN, form)
    confirm_all(client, words)

    again = Signature.objects.standing().get()
    assert (again.state, again.flags) == (State.WAITING, ["rejected-before", "trap"])


def test_S29_a_bulk_rule_against_a_submission_holds_whichever_typing_is_confirmed(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str]
) -> None:
    client.post(SIGN, {**form, "name": "Bot Name"})
    conditions = bulk_rules.Conditions(name_pattern="Bot*")
    rule = bulk_rules.create(letter, conditions, by=1, name="bots", reason="a flood")
    bulk_rules.save_preview(rule, by=1)
    bulk_rule_runs.start(rule, by=1, shown=1, typed=1)
    while bulk_rule_runs.run(rule.pk):
        pass
    assert Submission.objects.get().flags == ["invalidated"]

    client.post(SIGN, form)
    confirm_all(client, words)

    assert Signature.objects.get().flags == ["invalidated"]


def test_S29_replacing_the_words_of_a_signature_washes_off_no_flag(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str]
) -> None:
    Letter.objects.update(moderation="after")
    row = make_signature(letter, "Dora Maar", role="Painter", country="FR", **dora_in(letter))
    client.post(SIGN, {**form, "website": "a trap"})
    client.post(page_of(Submission.objects.get()), {**words, "action": "replace-1"})
    row.refresh_from_db()
    assert (row.state, row.flags) == (State.WAITING, ["trap"])
