"""Rate limits: exceeding one sets a flag, never rejects."""

import threading
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from campaign.models import Letter
from campaign.web.client_network import client_network
from signatures import migrations
from signatures.models import (
    AuditEntry,
    EmailSubject,
    OutboxHold,
    OutboxMail,
    RateBucket,
    RateLimit,
    Signature,
    Submission,
)
from signatures.monitoring import alarms, sign_up_trends
from signatures.outbox import queue, sending
from signatures.screening import rate_limits
from signatures.states import State
from signatures.values import sealing, tokens
from tests.factories import make_mail_to_staff, make_signature, make_submission
from tests.inbox import Inbox

SIGN, CHECK_MAIL = "/letters/bridge/sign/", "/letters/bridge/check-mail/"
pytestmark = pytest.mark.django_db


def set_limit(scope: str, max_count: int, seconds: int = 600) -> None:
    RateLimit.objects.filter(scope=scope).delete()
    RateLimit.objects.create(scope=scope, seconds=seconds, max_count=max_count)
    rate_limits.clear_cache()


def test_a_new_site_has_limits_and_another_migration_leaves_alone_what_staff_changed() -> None:
    assert {(row.scope, row.seconds, row.max_count) for row in RateLimit.objects.all()} == set(
        rate_limits.DEFAULT_LIMITS
    )

    RateLimit.objects.filter(scope="network", seconds=600).update(max_count=7)
    rate_limits.create_default_limits()

    assert RateLimit.objects.get(scope="network", seconds=600).max_count == 7
    assert RateLimit.objects.count() == len(rate_limits.DEFAULT_LIMITS)


def test_A2_a_site_that_has_limits_gets_that_of_codes_in_a_day_and_keeps_what_staff_set() -> None:
    [name] = [file.stem for file in Path(migrations.__path__[0]).glob("*_codes_in_a_day.py")]
    add = import_module(f"{migrations.__name__}.{name}").ADD
    found = RateLimit.objects.filter(scope="code", seconds=24 * 60 * 60)
    found.delete()
    for expected in (30, 7):
        with connection.cursor() as cursor:
            cursor.execute(add)
        assert [limit.max_count for limit in found.all()] == [expected]
        found.update(max_count=7)
    RateLimit.objects.filter(scope="code").delete()
    with connection.cursor() as cursor:
        cursor.execute(add)
    assert not found.exists(), "a new site gets all limits later"


def test_S17_who_comes_after_the_limit_gets_the_same_page_and_waits_for_review(
    client: Client, form: dict[str, str]
) -> None:
    set_limit("network", 3)
    answers = [client.post(SIGN, {**form, "name": f"Person {n}", "email": f"p{n}@example.org"}) for n in range(5)]

    assert {(a.status_code, a["Location"], a.content) for a in answers} == {(303, CHECK_MAIL, b"")}
    flags = dict(Submission.objects.values_list("name", "flags"))
    assert [flags[f"Person {n}"] for n in range(5)] == [[], [], [], ["rate"], ["rate"]]
    assert OutboxMail.objects.filter(kind="link").count() == 5, "each can confirm"


def test_S17_the_limits_hold_in_each_of_their_spans(monkeypatch: Any) -> None:
    set_limit("network", 2, seconds=60)
    RateLimit.objects.create(scope="network", seconds=3600, max_count=4)
    rate_limits.clear_cache()
    clock = [1_800_000_000.0]
    monkeypatch.setattr("signatures.screening.rate_limits.now", lambda: clock[0])

    def come() -> bool:
        return bool(rate_limits.count_event({"network": "203.0.113.0/24"}).flags)

    assert [come() for _time in range(3)] == [False, False, True], "the burst"
    clock[0] += 60
    assert come() is False, "the next minute"
    clock[0] += 60
    assert come() is True, "the fifth of this hour"
    clock[0] += 3600
    assert come() is False


@pytest.mark.django_db(transaction=True)
def test_F6_of_eight_hundred_at_once_exactly_a_hundred_are_within_a_limit_of_a_hundred() -> None:
    set_limit("network", 100, seconds=86_400)
    within: list[bool] = []

    def come() -> None:
        within.extend(not rate_limits.count_event({"network": "203.0.113.0/24"}).flags for _time in range(50))
        connection.close()

    threads = [threading.Thread(target=come) for _each in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(within), within.count(True)) == (800, 100)


def test_S18_a_thousand_addresses_of_one_64_are_one_network(rf: RequestFactory) -> None:
    found = {client_network(rf.get("/", REMOTE_ADDR=f"2001:db8:0:7::{n:x}")) for n in range(1000)}
    assert found == {"2001:db8:0:7::/64"}
    assert client_network(rf.get("/", REMOTE_ADDR="2001:db8:0:8::1")) not in found


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.250", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_S18_an_address_belongs_to_a_network(rf: RequestFactory, address: str, expected: str) -> None:
    assert client_network(rf.get("/", REMOTE_ADDR=address)) == expected


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP"])
def test_S19_a_forged_header_opens_no_other_bucket(client: Client, form: dict[str, str], header: str) -> None:
    set_limit("network", 2)
    for n in range(4):
        client.post(
            SIGN,
            {**form, "name": f"Person {n}", "email": f"p{n}@example.org"},
            headers={header: f"198.51.{n}.1"},
        )
    assert Submission.objects.filter(flags=["rate"]).count() == 2


def test_S19_of_the_hops_only_that_of_our_own_proxy_is_believed(rf: RequestFactory, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    forged = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.9, 198.51.100.4, 203.0.113.7")
    assert client_network(forged) == "203.0.113.0/24"
    settings.TRUSTED_PROXIES = 2
    assert client_network(forged) == "198.51.100.0/24"
    settings.TRUSTED_PROXIES = 4
    assert client_network(forged) == "10.0.0.0/24", "fewer hops than we have: whoever sent this went around the proxy"


def test_a_mailbox_over_its_limit_keeps_no_flag(client: Client, form: dict[str, str]) -> None:
    set_limit("mailbox", 1)
    set_limit("words", 1000)
    set_limit("name", 1000)
    for _time in range(3):
        client.post(SIGN, form)
    assert Submission.objects.get().flags == [], "whoever typed it so often, its owner did nothing"


@pytest.mark.parametrize("scope", ["domain", "site"])
def test_S17_a_flood_with_one_mail_domain_or_on_the_whole_site_waits_for_review(
    client: Client, form: dict[str, str], scope: str
) -> None:
    set_limit(scope, 2)
    for n in range(4):
        client.post(SIGN, {**form, "name": f"Person {n}", "email": f"p{n}@example.org"}, REMOTE_ADDR=f"10.0.{n}.1")
    assert Submission.objects.filter(flags=["rate"]).count() == 2


def test_S6_one_name_from_one_country_again_and_again_waits_for_review(client: Client, form: dict[str, str]) -> None:
    for n in range(20):
        answer = client.post(SIGN, {**form, "email": f"p{n}@example.org"}, REMOTE_ADDR=f"10.0.{n}.1")
        assert answer.status_code == 303

    assert Submission.objects.count() == 20, "accepted"
    assert Submission.objects.filter(flags__contains=["similar"]).count() == 15
    client.post(SIGN, {**form, "email": "other@example.org", "country": "KR"}, REMOTE_ADDR="10.1.0.1")
    assert "similar" not in Submission.objects.get(country="KR").flags, "another country"


def test_S6_a_name_taken_on_while_confirming_is_counted_as_well(
    client: Client, letter: Letter, words: dict[str, str]
) -> None:
    set_limit("words", 1)
    rows = [make_submission(letter, f"Person {n}") for n in range(2)]
    for row in rows:
        client.post(f"/signature/{tokens.personal_token(row.public_id)}/", {**words, "action": "confirm"})
    assert [Signature.objects.get(pk=row.pk).flags for row in rows] == [[], ["similar"]]


@pytest.mark.django_db(transaction=True)
def test_O5_broken_limits_send_to_review_and_neither_refuse_nor_open(
    client: Client, form: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_ratebucket RENAME TO signatures_bucket_away")
    try:
        assert client.post(SIGN, form).status_code == 303
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE signatures_bucket_away RENAME TO signatures_ratebucket")
    assert Submission.objects.get().flags == ["limiter-down"]
    assert "alarm limiter-down" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_limits_are_one_statement_however_many_there_are(django_assert_num_queries: Any) -> None:
    rate_limits.count_event({"network": "x"})  # the limits are read
    with django_assert_num_queries(1):
        rate_limits.count_event({"network": "x", "mailbox": "y", "domain": "z", "site": "", "words": "w"})


def test_R4_no_address_of_a_network_is_stored_and_nothing_is_kept_beyond_72_hours(
    client: Client, form: dict[str, str]
) -> None:
    client.post(SIGN, form, REMOTE_ADDR="203.0.113.77")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', ["%203.0.113%"])
            assert cursor.fetchone() == (0,), table
    assert RateBucket.objects.count() > 5
    assert not RateBucket.objects.filter(until__gt=timezone.now() + timedelta(hours=24)).exists()


def test_R4_the_same_network_has_another_key_the_next_day(monkeypatch: Any) -> None:
    set_limit("network", 5)
    for day in range(2):
        monkeypatch.setattr("signatures.screening.rate_limits.now", lambda day=day: 1_800_000_000.0 + day * 86_400)
        rate_limits.count_event({"network": "203.0.113.0/24"})
    assert RateBucket.objects.count() == 2


def test_R4_no_limit_can_be_longer_than_a_day() -> None:
    with pytest.raises(IntegrityError, match="limit_within_a_day"), transaction.atomic():
        RateLimit.objects.create(scope="network", seconds=86_401, max_count=1)


def test_a_high_limit_is_spread_over_several_rows() -> None:
    set_limit("site", 100_000)
    for _time in range(200):
        rate_limits.count_event({"site": ""})
    assert 2 < RateBucket.objects.count() <= rate_limits.MAX_SHARDS


def test_C3_guessing_personal_links_is_limited_and_a_link_that_works_is_not(client: Client, ben: Submission) -> None:
    set_limit("guess", 5)
    statuses = [client.get(f"/signature/{'0' * 32}.guess{n}/").status_code for n in range(8)]
    assert statuses == [404] * 5 + [429] * 3
    assert client.get(f"/signature/{tokens.personal_token(ben.public_id)}/").status_code == 200


# What goes out


def queue_many(letter: Letter, number: int, domain: str = "example.org") -> None:
    for n in range(number):
        enqueue_link(make_submission(letter, f"Signer {n}"), f"n{n}@{domain}")


def enqueue_link(submission: Submission, address: str) -> None:
    """Enqueues the email with the link, as `submit` does."""
    now = timezone.now()
    OutboxMail.objects.create(
        signature_id=submission.pk,
        kind="link",
        language="en",
        recipient=sealing.seal(address, public_key=settings.OUTBOX_PUBLIC_KEY),
        queued_at=now,
        due_at=now,
    )


def test_S21_over_the_budget_of_the_site_the_mails_wait_and_none_is_lost(letter: Letter, inbox: Inbox) -> None:
    set_limit("mail", 10, seconds=86_400)
    queue_many(letter, 30)

    assert sending.send_due() + sending.send_due() == 10
    assert OutboxMail.objects.filter(kind="link", recipient__isnull=False).count() == 20
    assert "mail" in alarms.check()
    assert AuditEntry.objects.get(action="alarm").detail == {"code": "mail"}

    RateBucket.objects.all().delete()
    set_limit("mail", 1000)
    assert sending.send_due() == 20
    assert len(set(inbox.recipients)) == 30


def test_S21_emails_that_wait_for_the_budget_of_the_site_are_not_stuck_until_it_was_there_for_half_an_hour(
    letter: Letter, inbox: Inbox, admin_user: User
) -> None:
    set_limit("mail", 2, seconds=86_400)
    queue_many(letter, 5)
    assert sending.send_due() == 2
    long_ago = timezone.now() - timedelta(hours=2)
    OutboxMail.objects.filter(recipient__isnull=False).update(due_at=long_ago)
    OutboxMail.objects.filter(recipient__isnull=True).update(sent_at=long_ago)

    assert "mail-stuck" not in alarms.check() and queue.is_moving()

    to_staff = make_mail_to_staff(admin_user, due_at=long_ago)
    failed = OutboxMail.objects.filter(staff_id=None, recipient__isnull=False).first()
    assert failed is not None
    OutboxMail.objects.filter(pk=failed.pk).update(failure="key: none opens the recipient")
    assert set(queue.stuck(timezone.now())) == {to_staff, failed}, "no budget holds these back"
    OutboxMail.objects.filter(pk=failed.pk).update(failure="")

    OutboxMail.objects.filter(pk=to_staff.pk).delete()
    OutboxHold.objects.update(budget_spent_at=timezone.now() - queue.STUCK_AFTER)
    assert "mail-stuck" in alarms.check() and not queue.is_moving()


def test_S21_a_domain_over_its_budget_does_not_hold_up_the_others(letter: Letter, inbox: Inbox) -> None:
    set_limit("mail-domain", 3, seconds=86_400)
    queue_many(letter, 6, "crowded.example.org")
    queue_many(letter, 2, "quiet.example.org")

    assert sending.send_due() == 5

    assert sum("quiet" in to for to in inbox.recipients) == 2
    waiting = OutboxMail.objects.filter(kind="link", recipient__isnull=False)
    assert waiting.count() == 3
    assert all(mail.due_at > timezone.now() and mail.attempts == 0 for mail in waiting)


def test_S20_a_stranger_bombed_with_a_hundred_sign_ups_gets_one_mail_in_ten_minutes(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    for n in range(100):
        client.post(SIGN, {**form, "name": f"Troll {n}"}, REMOTE_ADDR=f"10.0.{n}.1")
    assert Submission.objects.count() == OutboxMail.objects.count() == Submission.MAX_PLACES
    assert sending.send_due() == 1
    assert len(inbox) == 1


def test_S20_a_mailbox_gets_at_most_three_a_day_and_what_is_held_back_comes_later(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    for n in range(5):
        client.post(SIGN, {**form, "name": f"Person {n}"})
    sent = []
    for minutes in (0, 11, 11, 11, 11, 23 * 60, 20, 11):
        earlier(minutes)
        sent.append(sending.send_due())
    assert sent == [1, 1, 1, 0, 0, 0, 1, 1], "none is lost"


def earlier(minutes: int) -> None:
    """Lets this time pass for the links in the outbox."""
    for mail in OutboxMail.objects.filter(kind="link"):
        mail.due_at -= timedelta(minutes=minutes)
        if mail.sent_at:
            mail.sent_at -= timedelta(minutes=minutes)
        mail.save()


def test_S20_both_kinds_of_signature_of_a_mailbox_share_its_budget(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    client.post(SIGN, form)
    client.post(SIGN, {**form, "kind": "organization", "name": "Dora Ltd"})
    assert Submission.objects.count() == 2
    assert sending.send_due() == 1


# What staff see


def test_one_network_with_most_of_the_traffic_is_a_warning_about_the_proxies(caplog: pytest.LogCaptureFixture) -> None:
    for n in range(50):
        rate_limits.count_event({"network": f"10.0.{n}.0/24"})
    for _time in range(160):
        rate_limits.count_event({"network": "203.0.113.0/24"})

    assert alarms.check() == ["one-network"]
    assert alarms.check() == [], "once in six hours"
    assert "TRUSTED_PROXIES" in AuditEntry.objects.get(action="alarm").reason
    assert "TRUSTED_PROXIES" in caplog.text


def test_S21_a_high_share_of_unconfirmed_sign_ups_is_an_alarm(letter: Letter) -> None:
    then = timezone.now() - timedelta(hours=3)
    for n in range(sign_up_trends.MIN_SIGN_UPS):
        if n % 10:
            make_submission(letter, f"Signer {n}", signed_up_at=then)
        else:
            make_signature(letter, f"Signer {n}", State.WAITING, signed_up_at=then)
    assert alarms.check() == ["unconfirmed"]


def test_mails_that_do_not_go_out_are_an_alarm(ben: Submission) -> None:
    enqueue_link(ben, "ben@example.org")
    OutboxMail.objects.update(due_at=timezone.now() - timedelta(hours=1))
    assert alarms.check() == ["mail-stuck"]


def test_on_a_quiet_day_there_is_no_alarm(ada: Signature) -> None:
    assert alarms.check() == []


# What staff may change


def test_staff_change_a_limit_and_the_audit_log_records_it(admin_client: Client, admin_user: Any) -> None:
    row = RateLimit.objects.get(scope="network", seconds=600)
    answer = admin_client.post(
        f"/admin/signatures/ratelimit/{row.pk}/change/", {"scope": "network", "seconds": "600", "max_count": "50"}
    )
    assert answer.status_code == 302
    entry = AuditEntry.objects.get(action="set-ratelimit")
    assert (entry.staff_id, entry.reason) == (admin_user.pk, "max_count: 20 → 50")


def test_staff_change_the_subject_of_a_mail(admin_client: Client, ben: Submission, inbox: Inbox) -> None:
    admin_client.post(
        "/admin/signatures/emailsubject/add/", {"mail": "link", "language": "en", "subject": "Your request"}
    )
    assert EmailSubject.objects.count() == 1
    enqueue_link(ben, "ben@example.org")
    sending.send_due()
    assert inbox[0]["Subject"] == "Your request"


def test_a_moderator_changes_no_limit(moderator_client: Client) -> None:
    row = RateLimit.objects.first()
    assert row is not None
    assert moderator_client.get(f"/admin/signatures/ratelimit/{row.pk}/change/").status_code == 403
    assert moderator_client.get("/admin/signatures/emailsubject/").status_code == 403


def test_limits_that_cannot_be_asked_do_not_spoil_a_confirmation_with_other_words(
    client: Client, ben: Submission, words: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    rate_limits.count_event({})  # the limits are read
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_ratebucket RENAME TO signatures_bucket_away")
        client.post(
            f"/signature/{tokens.personal_token(ben.public_id)}/", {**words, "name": "Another", "action": "confirm"}
        )
        cursor.execute("ALTER TABLE signatures_bucket_away RENAME TO signatures_ratebucket")
    signed = Signature.objects.get(pk=ben.pk)
    assert (signed.state, signed.name, signed.flags) == (State.WAITING, "Another", ["limiter-down"])


def test_R4_beside_a_signature_stand_digests_of_domain_and_network_alone(client: Client, form: dict[str, str]) -> None:
    client.post(SIGN, {**form, "email": "dora@a.mail.example"}, REMOTE_ADDR="203.0.113.7")
    client.post(SIGN, {**form, "email": "emil@b.mail.example"}, REMOTE_ADDR="203.0.113.250")
    one, other = Submission.objects.order_by("pk")
    assert one.domains[1:] == other.domains[1:] and one.domains[0] != other.domains[0]
    assert len(one.domains) == 2 and one.network == other.network != ""
    assert one.network == rate_limits.network_digest("203.0.113.0/24", one.signed_up_at)
    assert one.network != rate_limits.network_digest("203.0.113.0/24", one.signed_up_at - timedelta(days=1))
