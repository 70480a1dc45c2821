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
from signatures import retention, tasks
from signatures.delivery import errata, freezing
from signatures.models import AuditEntry, Erratum, OutboxMail, RateLimit, Signature, Submission, Switch
from signatures.moderation import bulk_rule_runs, bulk_rules, decisions
from signatures.outbox import caps, sending
from signatures.registries import AuditAction
from signatures.screening import rate_limits
from signatures.signing import confirmation, withdrawal
from signatures.states import State, Visibility
from signatures.values import sealing, tokens
from tests.delivery.factories import day_of
from tests.factories import make_signature, make_submission, signer_input
from tests.inbox import Inbox

SIGN, MY_LINK = "/letters/bridge/sign/", "/letters/bridge/my-link/"
pytestmark = pytest.mark.django_db


def page_of(row: Signature | Submission) -> str:
    return f"/signature/{tokens.personal_token(row.public_id)}/"


def dora_in(letter: Letter) -> dict[str, Any]:
    """The digests of Dora's address."""
    return digests_of("dora@example.org", letter)


def digests_of(address: str, letter: Letter) -> dict[str, Any]:
    pepper = settings.EMAIL_HASH_PEPPER
    return {
        "address_hash": sealing.address_hash(address, pepper=pepper),
        "mailbox": sealing.mailbox_hash(address, letter_id=letter.pk, pepper=pepper),
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


def test_S27_five_submissions_of_an_address_wait_and_more_are_answered_alike_and_not_kept(
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


def test_R14_counted_only_drops_every_word_when_the_form_is_taken(client: Client, form: dict[str, str]) -> None:
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

    for expected in (1, 1, 0):  # on the next two days, and then five in a week
        mails = OutboxMail.objects.filter(sent_at__isnull=False)
        mails.filter(sent_at__gt=timezone.now() - caps.DAY).update(sent_at=timezone.now() - caps.DAY)
        if expected == 0:
            client.post(SIGN, {**form, "name": "Dora"})  # the same again: another email
        OutboxMail.objects.exclude(kind="reminder").update(due_at=timezone.now())
        assert sending.send_due(limit=1) == expected
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


@pytest.mark.parametrize("spelling", ["dora+{}@gmx.net", "any{}@dora.gmx.net"])
def test_S31_other_spellings_of_the_address_hold_back_no_link_and_no_email_to_confirm(
    client: Client, letter: Letter, form: dict[str, str], inbox: Inbox, spelling: str
) -> None:
    row = make_signature(letter, "Dora Maar", **digests_of("dora@gmx.net", letter))
    for number in range(30):
        address = spelling.format(number)
        client.post(SIGN, {**form, "email": address, "email_is_right": "on", "name": f"Stranger {'I' * number}"})
        client.post(MY_LINK, {"email": address})
    sending.send_due()
    inbox.clear()

    client.post(MY_LINK, {"email": "dora@gmx.net"})
    client.post(SIGN, {**form, "email": "dora@gmx.net", "name": "Pablo Picasso"})
    sending.send_due()

    assert inbox.recipients.count("dora@gmx.net") == 2
    assert page_of(row) in links_in(inbox)


def test_S31_who_types_dots_into_an_address_holds_back_the_email_to_its_owner_for_a_day_at_most(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    """At a domain that is in no table the dots may name another mailbox, or none: nothing tells."""
    for number in range(5):
        client.post(SIGN, {**form, "email": f"dor{'.' * number}a@docomo.ne.jp", "name": f"Stranger {'I' * number}"})
    for _turn in range(3):
        sending.send_due()
        OutboxMail.objects.filter(sent_at__isnull=False).update(sent_at=timezone.now() - caps.MIN_INTERVAL)
        OutboxMail.objects.exclude(kind="reminder").update(due_at=timezone.now())
    assert len(inbox) == caps.MAX_PER_DAY
    client.post(SIGN, {**form, "email": "d.ora@docomo.ne.jp", "name": "Dora Maar"})
    assert sending.send_due() == 0

    OutboxMail.objects.filter(sent_at__isnull=False).update(sent_at=timezone.now() - caps.DAY)
    OutboxMail.objects.exclude(kind="reminder").update(due_at=timezone.now())
    assert sending.send_due() == 1
    assert inbox.recipients[-1] == "d.ora@docomo.ne.jp", "before those who were there before and got none yet"


def test_S20_spellings_that_certainly_reach_one_mailbox_share_its_caps(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    for number, address in enumerate(["dora@gmail.com", "dora+a@gmail.com", "d.ora@gmail.com", "dora@googlemail.com"]):
        client.post(SIGN, {**form, "email": address, "name": f"Dora {'I' * number}"})
    assert sending.send_due() == 1


@pytest.mark.parametrize("confirms", ["another typing", "the flagged one"])
def test_S31_a_request_from_before_the_signature_does_not_hold_back_the_link_to_it(
    client: Client, letter: Letter, form: dict[str, str], inbox: Inbox, confirms: str
) -> None:
    Switch.objects.update_or_create(code=Switch.Code.PAUSE_FLAGGED_MAIL, defaults={"is_on": True})
    client.post(SIGN, {**form, "website": "a trap"})
    client.post(MY_LINK, {"email": "dora@example.org"})
    if confirms == "another typing":
        client.post(SIGN, {**form, "name": "Dora M."})
    victim = Submission.objects.latest("pk")
    confirmation.confirm(victim, signer_input(victim.translation, name="Dora M."))
    sending.send_due()
    inbox.clear()

    client.post(MY_LINK, {"email": "dora@example.org"})
    sending.send_due()

    assert page_of(victim) in links_in(inbox)
    assert not OutboxMail.objects.filter(kind="links", recipient__isnull=False).exists(), "one email, not two"


def test_S33_asking_for_the_link_of_a_flagged_sign_up_does_not_bring_it_forward(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    client.post(SIGN, {**form, "website": "a trap"})
    client.post(MY_LINK, {"email": "dora@example.org"})
    assert set(OutboxMail.objects.values_list("kind", "priority")) == {
        ("link", OutboxMail.Priority.FLAGGED), ("links", OutboxMail.Priority.FLAGGED),
    }  # fmt: skip


def test_S33_flagged_emails_leave_a_part_of_the_budget_to_the_others(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    RateLimit.objects.filter(scope="mail").update(max_count=10)
    RateLimit.objects.filter(scope="mail-flagged").update(max_count=7)
    rate_limits.clear_cache()
    for number in range(20):
        client.post(SIGN, {**form, "email": f"bot{number}@mail{number}.example", "website": "a trap"})
    sending.send_due()
    assert len(inbox) == 7

    client.post(SIGN, {**form, "name": "Somebody Else"}, REMOTE_ADDR="198.51.100.1")
    assert sending.send_due() == 1 and inbox.recipients[-1] == "dora@example.org"


def test_S33_a_flagged_sign_up_gets_no_reminder(client: Client, form: dict[str, str], inbox: Inbox) -> None:
    client.post(SIGN, form)
    client.post(SIGN, {**form, "email": "bot@mail.example", "website": "a trap"})
    assert sending.send_due() == 2
    honest = Submission.objects.get(flags=[])
    assert [mail.signature_id for mail in OutboxMail.objects.filter(kind="reminder")] == [honest.pk]


def test_a_link_that_was_asked_for_stays_when_a_submission_of_strangers_goes(
    client: Client, letter: Letter, form: dict[str, str], inbox: Inbox
) -> None:
    stranger = make_submission(letter, "Stranger", **dora_in(letter))
    row = make_signature(letter, "Dora Maar", **dora_in(letter))
    client.post(MY_LINK, {"email": "dora@example.org"})
    withdrawal.not_me(stranger)
    sending.send_due()
    assert links_in(inbox) == [page_of(row)]


def test_S20_deleting_submissions_does_not_make_the_caps_forget(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    for number in range(5):
        client.post(SIGN, {**form, "name": f"Dora {'I' * number}"})
        sending.send_due()
        client.post(page_of(Submission.objects.get()), {"action": "erase"})
    assert len(inbox) == 1


# What nobody has confirmed changes no signature


def test_S27_typing_other_spellings_takes_no_name_off_the_page(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    client.post(SIGN, form)
    row = Submission.objects.get()
    confirmation.confirm(row, signer_input(row.translation, name="Night Owl"))
    Signature.objects.update(state=State.APPROVED, approved_on=date(2026, 11, 28))
    for number in range(8):
        client.post(SIGN, {**form, "email": f"dora+{number}@example.org"})
    for number in range(45):
        client.post(SIGN, {**form, "email": f"somebody{number}@example.org"})

    assert tasks.run_duties.call(["flag-bursts"]) == {}

    owl = Signature.objects.get()
    assert (owl.state, owl.flags) == (State.APPROVED, [])
    assert Submission.objects.filter(flags__contains=["burst"]).count() > 40


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
    freezing.hand_over(delivery, by=None, on=day_of(delivery), to="the minister")
    assert Erratum.objects.filter(delivery=delivery).count() == 1
    withdrawal.withdraw(Signature.objects.standing().get())
    assert Erratum.objects.filter(delivery=delivery).count() == 1, "the new one was never delivered"


# A tombstone is that of one row


def test_R8_when_one_of_two_people_erases_pruning_leaves_the_other(letter: Letter) -> None:
    dora = make_signature(letter, "Dora Maar", **dora_in(letter))
    pablo = make_signature(letter, "Pablo Picasso", place=2, **dora_in(letter))
    waiting = make_submission(letter, "Françoise Gilot", **dora_in(letter))
    withdrawal.erase(dora)
    retention.prune()
    assert Signature.objects.get() == pablo and Submission.objects.get() == waiting


def test_R8_a_backup_brings_back_neither_the_signature_nor_the_submission_that_it_was(letter: Letter) -> None:
    row = make_submission(letter, "Dora Maar", **dora_in(letter))
    before = Submission.objects.values().get()
    confirmation.confirm(row, signer_input(row.translation, name="Dora Maar"))
    withdrawal.erase(Signature.objects.get())
    Submission.objects.create(**before)
    assert retention.prune()["erased submissions from a backup"] == 1
    assert not Submission.objects.exists()


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


@pytest.mark.parametrize("action", ["erase", "not-me", "keep"])
def test_S29_deleting_a_submission_washes_off_no_flag(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str], action: str
) -> None:
    Letter.objects.update(moderation="after")
    if action == "keep":
        make_signature(letter, "Dora Maar", **dora_in(letter))
    client.post(SIGN, {**form, "website": "a trap"})
    client.post(page_of(Submission.objects.get()), {"action": action})
    assert not Submission.objects.exists()

    client.post(SIGN, {**form, "name": "Pablo Picasso"})
    client.post(page_of(Submission.objects.get()), {**words, "name": "Pablo Picasso", "action": "confirm"})

    row = Signature.objects.get(name="Pablo Picasso")
    assert (row.state, row.flags) == (State.WAITING, ["trap"])


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


@pytest.mark.parametrize("leave", [withdrawal.withdraw, withdrawal.erase])
@pytest.mark.parametrize(("flag", "left"), [("hold", "hold"), ("asked", "answered"), ("reported", "reported")])
def test_S29_leaving_and_signing_again_ends_nothing_that_staff_have_to_decide(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str], leave: Any, flag: str, left: str
) -> None:
    Letter.objects.update(moderation="after")
    leave(make_signature(letter, "Dora Maar", State.WAITING, flags=[flag], **dora_in(letter)))

    client.post(SIGN, form)
    confirm_all(client, words)

    again = Signature.objects.standing().get()
    assert (again.state, again.flags) == (State.WAITING, [left])


@pytest.mark.parametrize("visibility", ["public", "counted"])
def test_S29_replacing_what_was_rejected_by_the_same_words_washes_off_no_rejection(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str], visibility: str
) -> None:
    row = make_signature(letter, "Dora Maar", State.REJECTED, role="Painter", country="FR", **dora_in(letter))
    client.post(SIGN, {**form, "website": "a trap"})
    sent = {**words, "visibility": visibility, "action": f"replace:{row.public_id.hex}"}
    client.post(page_of(Submission.objects.get()), sent)
    row.refresh_from_db()
    assert (row.state, row.flags) == (State.WAITING, ["rejected-before", "trap"])


def test_S29_replacing_the_words_ends_nothing_that_staff_had_to_decide_about_what_was_taken_back(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str]
) -> None:
    Letter.objects.update(moderation="after")
    withdrawal.withdraw(make_signature(letter, "Pablo Picasso", State.WAITING, flags=["hold"], **dora_in(letter)))
    row = make_signature(letter, "Dora Maar", **dora_in(letter))
    client.post(SIGN, form)
    client.post(page_of(Submission.objects.get()), {**words, "action": f"replace:{row.public_id.hex}"})
    row.refresh_from_db()
    assert (row.state, row.flags) == (State.WAITING, ["hold"])


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
    client.post(page_of(Submission.objects.get()), {**words, "action": f"replace:{row.public_id.hex}"})
    row.refresh_from_db()
    assert (row.state, row.flags) == (State.WAITING, ["trap"])
