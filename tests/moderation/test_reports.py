"""Reports: a reader reports a public name, and nothing changes but a flag for staff."""

import json
import re
import uuid

import pytest
from django.db import connection
from django.test import Client

from campaign.models import Letter, Translation
from signatures import counts
from signatures.audit import audit_log
from signatures.models import AuditEntry, RateLimit, Signature
from signatures.moderation import decisions, reports
from signatures.registries import AuditAction, ReportReason
from signatures.signing import changes
from signatures.states import State, Visibility
from signatures.transitions import TransitionNotAllowed
from tests import single_decisions
from tests.factories import make_signature, signer_input
from tests.plans import reads_only

pytestmark = pytest.mark.django_db
LIST = "/letters/bridge/signatories/"
ALL = "/admin/signatures/signature/"


def report_url(signature: Signature) -> str:
    return f"{LIST}{signature.public_id}/report/"


def is_reported(signature: Signature) -> bool:
    signature.refresh_from_db()
    return "reported" in signature.flags


def test_staff_find_a_reported_name(client: Client, moderator_client: Client, ada: Signature) -> None:
    assert f'href="{report_url(ada)}"' in client.get(f"{LIST}{ada.public_id}/").content.decode()
    page = client.get(report_url(ada)).content.decode()
    assert '<bdi translate="no" lang="en">Ada Lovelace</bdi>' in page and all(
        f'value="{why}"' in page for why in ReportReason.values
    )
    answer = client.post(report_url(ada), {"why": "made-up"})
    assert (answer.status_code, answer["Location"]) == (303, f"{LIST}reported/")
    assert "Thank you" in client.get(answer["Location"]).content.decode()

    assert is_reported(ada)
    entry = AuditEntry.objects.get(action="report")
    assert (entry.signature_id, entry.staff_id, entry.reason, entry.now) == (ada.pk, None, "made-up", "")
    assert AuditAction.REPORT.sentence in moderator_client.get(f"{ALL}{ada.pk}/change/").content.decode()
    dashboard = re.sub(r"\s+", " ", moderator_client.get("/admin/").content.decode())
    found = re.search(r'<dt>public names reported by readers</dt> <dd><a href="([^"]+)">1</a>', dashboard)
    assert found
    assert "Ada Lovelace" in moderator_client.get(found[1].replace("&amp;", "&")).content.decode()


def test_a_report_hides_nothing_and_changes_no_count(client: Client, letter: Letter, ada: Signature) -> None:
    before = counts.for_letter(letter.pk)
    client.post(report_url(ada), {"why": "harmful"})
    after = counts.for_letter(letter.pk)
    assert (before.total, before.public, before.delivered) == (after.total, after.public, after.delivered) == (1, 1, 1)
    assert counts.by_country(letter.pk) == {"GB": 1}
    assert Signature.objects.public().get() == ada and Signature.objects.deliverable().get() == ada
    assert ada.name in client.get(LIST).content.decode()


def test_every_valid_report_gets_the_same_response(client: Client, letter: Letter, ada: Signature) -> None:
    rows = [make_signature(letter, "Hidden", state, visibility) for state in State for visibility in Visibility]
    RateLimit.objects.filter(scope="report").update(max_count=1_000)
    ids = [*(row.public_id for row in rows), ada.public_id, ada.public_id, uuid.uuid4()]
    answers = [client.post(f"{LIST}{public_id}/report/", {"why": "other"}) for public_id in ids]
    distinct = {
        (answer.status_code, json.dumps(dict(answer.items()), sort_keys=True), answer.content) for answer in answers
    }
    assert len(distinct) == 1
    public = [row for row in rows if (row.state, row.visibility) == (State.APPROVED, Visibility.PUBLIC)]
    assert {row.pk for row in Signature.objects.filter(flags__contains=["reported"])} == {
        ada.pk,
        *(row.pk for row in public),
    }
    assert AuditEntry.objects.filter(action="report").count() == 2, "a second report of a name is not recorded"


def test_a_report_without_a_choice_is_an_error_in_the_form(client: Client, ada: Signature) -> None:
    for typed in ({}, {"why": "because"}):
        answer = client.post(report_url(ada), typed)
        assert answer.status_code == 422 and "Please choose what is wrong." in answer.content.decode()
    assert not is_reported(ada)


def test_another_site_cannot_report_through_a_reader(client: Client, ada: Signature) -> None:
    assert client.post(report_url(ada), {"why": "other"}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert not is_reported(ada)


def test_reports_from_one_network_are_limited(client: Client, letter: Letter) -> None:
    rows = [make_signature(letter, f"Somebody {n}") for n in range(7)]
    codes = [client.post(report_url(row), {"why": "other"}).status_code for row in rows]
    assert codes == [303] * 5 + [429] * 2
    assert Signature.objects.filter(flags__contains=["reported"]).count() == 5
    assert client.post(report_url(rows[6]), {"why": "other"}, REMOTE_ADDR="198.51.100.7").status_code == 303


def test_nothing_about_the_reporter_is_stored(client: Client, ada: Signature) -> None:
    client.post(report_url(ada), {"why": "other", "words": "Canary"}, REMOTE_ADDR="203.0.113.77")
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(string_agg(e::text, ''), '') FROM signatures_auditentry e")
        entries = cursor.fetchone()[0]
    assert "Canary" not in entries and "203.0.113" not in entries


def test_staff_dismiss_a_report(moderator_client: Client, client: Client, ada: Signature) -> None:
    client.post(report_url(ada), {"why": "other"})
    answer = moderator_client.post(
        ALL, {"action": "dismiss_report", "_selected_action": [ada.pk], "as_of": audit_log.newest_id()}, follow=True
    )
    assert "1 report dismissed." in answer.content.decode()
    assert not is_reported(ada) and ada.state == State.APPROVED
    assert AuditEntry.objects.get(action="dismiss-report").staff_id is not None
    with pytest.raises(TransitionNotAllowed):
        reports.dismiss(ada, by=1)


def test_a_decision_ends_the_report_and_undo_restores_it(client: Client, ada: Signature) -> None:
    client.post(report_url(ada), {"why": "other"})
    single_decisions.reject(ada, by=1, reason="made up")
    assert not is_reported(ada) and ada.state == State.REJECTED
    decisions.undo(ada, by=1)
    assert is_reported(ada) and ada.state == State.APPROVED


@pytest.mark.parametrize("moderation", Letter.Moderation.values)
def test_changing_a_word_does_not_end_a_report(client: Client, letter: Letter, ada: Signature, moderation: str) -> None:
    Letter.objects.update(moderation=moderation)
    client.post(report_url(ada), {"why": "other"})
    text = Translation.objects.select_related("revision__letter").get()
    changes.change(ada, signer_input(text, name=ada.name, role="Poet"))
    assert is_reported(ada) and ada.state == State.WAITING
    assert decisions.approve_unflagged() == 0
    single_decisions.approve(ada, by=1)
    assert not is_reported(ada) and ada.state == State.APPROVED


def test_reported_signatures_have_an_index() -> None:
    assert reads_only(Signature.objects.filter(flags__contains=["reported"]).order_by("-signed_up_at"), "reported")


def test_A18_a_48_of_ipv6_reports_ten_names_in_ten_minutes(client: Client, letter: Letter) -> None:
    rows = [make_signature(letter, f"Ada {number}") for number in range(12)]
    for number, row in enumerate(rows):
        client.post(report_url(row), {"why": "made-up"}, REMOTE_ADDR=f"2001:db8:7:{number:x}::1")
    assert sum(map(is_reported, rows)) == 10
