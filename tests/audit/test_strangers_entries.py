"""Strangers cannot fill the audit log, from which nobody can delete anything (threat model A18)."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from campaign.models import Letter
from signatures.audit import audit_log
from signatures.audit.audit_log import STRANGERS_PER_HOUR
from signatures.models import AuditEntry, OutboxMail, RateLimit, Signature
from signatures.registries import STRANGERS_ACTIONS, AuditAction, Flag
from signatures.screening import rate_limits
from signatures.staff import second_factor
from signatures.states import State
from signatures.transitions import MAX_CHANGES
from signatures.values import tokens
from tests.factories import make_signature

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
TIMES = STRANGERS_PER_HOUR + 30


def network(number: int) -> str:
    return f"198.18.{number}.1"


def entries() -> Counter[str]:
    return Counter(AuditEntry.objects.values_list("action", flat=True))


def fail_to_log_in(number: int) -> None:
    Client().post("/admin/login/", {"username": f"u{number}", "password": "no"}, REMOTE_ADDR=network(number))


def be_locked_out(number: int) -> None:
    for _attempt in range(6):
        fail_to_log_in(number)


def forget(number: int) -> None:
    answer = Client().post("/admin/forgotten/", {"name": f"u{number}"}, REMOTE_ADDR=network(number))
    assert answer.status_code == 200


DOORS: dict[AuditAction, Callable[[int], None]] = {
    AuditAction.LOGIN_FAILED: fail_to_log_in,
    AuditAction.ASK_PASSWORD: forget,
}


@pytest.mark.parametrize("action", DOORS)
def test_A18_from_any_number_of_networks_only_so_many_entries_are_written(action: AuditAction, db: None) -> None:
    for number in range(TIMES):
        DOORS[action](number)
    assert entries() == {action: STRANGERS_PER_HOUR, "left-out": 1}
    assert AuditEntry.objects.get(action="left-out").detail == {"action": action}


def test_A18_locks_are_counted_by_themselves(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "STRANGERS_PER_HOUR", 10)
    for number in range(12):
        be_locked_out(number)
    assert entries() == {"login-failed": 10, "login-locked": 10, "left-out": 2}


def test_A18_wrong_codes_are_counted(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "STRANGERS_PER_HOUR", 10)
    key = second_factor.new_totp_key()
    TOTPDevice.objects.create(user=owner, key=key, confirmed=True)
    RateLimit.objects.filter(scope=RateLimit.Scope.CODE).delete()  # as if a minute passed between two of them
    rate_limits.clear_cache()
    before = entries()
    for number in range(15):
        client = Client()
        client.force_login(owner)
        client.post("/admin/second-factor/", {"code": "000000"}, REMOTE_ADDR=network(number))
    assert entries() - before == {"second-factor-failed": 10, "left-out": 1}


def test_A18_reports_beyond_the_limit_still_flag_the_name(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "STRANGERS_PER_HOUR", 10)
    rows = [make_signature(letter, f"Ada {number}", State.APPROVED) for number in range(15)]
    before = entries()
    for number, row in enumerate(rows):
        address = f"/letters/bridge/signatories/{row.public_id}/report/"
        assert Client().post(address, {"why": "not-me"}, REMOTE_ADDR=network(number)).status_code == 303
    assert entries() - before == {"report": 10, "left-out": 1}
    assert Signature.objects.filter(flags__contains=[Flag.REPORTED]).count() == 15


def test_A18_what_was_asked_for_happens_without_an_entry(client: Client, owner: User) -> None:
    owner.email = "owner@example.org"
    owner.save()
    for number in range(STRANGERS_PER_HOUR):
        forget(number)
    client.post("/admin/forgotten/", {"name": owner.username}, REMOTE_ADDR="203.0.113.7")
    assert OutboxMail.objects.filter(staff_id=owner.pk).count() == 1


def test_A18_after_the_hour_entries_are_written_again(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "STRANGERS_PER_HOUR", 3)
    for number in range(5):
        forget(number)
    assert entries() == {"ask-password": 3, "left-out": 1}
    monkeypatch.setattr(audit_log, "HOUR", timedelta(0))
    forget(5)
    assert entries() == {"ask-password": 4, "left-out": 1}


def test_A18_what_staff_and_signers_do_is_always_recorded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "STRANGERS_PER_HOUR", 0)
    for action in set(AuditAction) - STRANGERS_ACTIONS - {AuditAction.LEFT_OUT}:
        audit_log.record(action)
        assert AuditEntry.objects.filter(action=action).exists()


@pytest.mark.django_db(transaction=True)
def test_A18_the_number_is_exact_when_many_come_at_once() -> None:
    start = threading.Barrier(8)

    def work() -> None:
        try:
            start.wait(20)
            for _attempt in range(20):
                audit_log.record(AuditAction.LOGIN_FAILED)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert entries() == {"login-failed": STRANGERS_PER_HOUR, "left-out": 1}


def test_A18_a_signer_changes_a_signature_so_often_in_a_day(client: Client, ada: Signature) -> None:
    address = f"/signature/{tokens.personal_token(ada.public_id)}/"
    answers: list[Any] = [
        client.post(address, {"action": "change", "visibility": "public", "name": f"Ada {number}", "kind": "person"})
        for number in range(MAX_CHANGES + 10)
    ]
    assert [answer.status_code for answer in answers] == [303] * MAX_CHANGES + [422] * 10
    page = answers[-1].content.decode()
    assert "try again tomorrow" in page and f"Ada {MAX_CHANGES + 9}" in page, "what was typed is kept"
    assert AuditEntry.objects.filter(action="change").count() == MAX_CHANGES
    ada.refresh_from_db()
    assert ada.name == f"Ada {MAX_CHANGES - 1}"


def test_A18_whoever_changed_too_often_can_still_withdraw(client: Client, ada: Signature) -> None:
    address = f"/signature/{tokens.personal_token(ada.public_id)}/"
    for _each in range(MAX_CHANGES):
        audit_log.record(AuditAction.CHANGE, signature_id=ada.pk)
    client.post(address, {"action": "withdraw"})
    ada.refresh_from_db()
    assert ada.state == State.WITHDRAWN
