"""Each role reaches the pages that it needs, and no others."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone

from campaign.models import Letter, News, Notice
from signatures import tasks
from signatures.models import Alarm, BlocklistEntry, EmailSubject, PaperImport, Signature, SignerRequest
from signatures.moderation import bulk_rules
from signatures.moderation.bulk_rules import Conditions
from signatures.staff import roles
from tests import single_decisions
from tests.admin_urls import admin_urls, ask, is_kept_out
from tests.conftest import member_of
from tests.factories import make_delivery

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
ROLES = {"m": "moderator", "d": "delivery officer", "e": "editor", "o": "owner"}
# By the name of a page: the roles that may see it, and those that may post to it. "-" is somebody who is not signed in.
TABLE = {
    "discard_kept_form": ("", "mdeo"),
    "sign_in_again": ("mdeo", "mdeo"),
    "app_list": ("mdeo", "mdeo"),
    "auth_group_add": ("", ""),
    "auth_group_change": ("o", ""),
    "auth_group_changelist": ("o", "o"),
    "auth_group_delete": ("", ""),
    "auth_group_history": ("o", "o"),
    "auth_user_add": ("o", "o"),
    "auth_user_change": ("o", "o"),
    "auth_user_changelist": ("o", "o"),
    "auth_user_delete": ("", ""),
    "auth_user_history": ("o", "o"),
    "auth_user_reset_factor": ("o", "o"),
    "autocomplete": ("", ""),
    "campaign_letter_add": ("eo", "eo"),
    "campaign_letter_change": ("meo", "eo"),
    "campaign_letter_changelist": ("meo", "meo"),
    "campaign_letter_decide": ("eo", "eo"),
    "campaign_letter_delete": ("", ""),
    "campaign_letter_history": ("meo", "meo"),
    "campaign_letter_share_image": ("meo", "meo"),
    "campaign_letter_step": ("meo", "eo"),
    "campaign_news_add": ("eo", "eo"),
    "campaign_news_change": ("eo", "eo"),
    "campaign_news_changelist": ("eo", "eo"),
    "campaign_news_delete": ("", ""),
    "campaign_news_history": ("eo", "eo"),
    **dict.fromkeys(
        (f"campaign_notice_{page}" for page in ("add", "change", "changelist", "delete", "history")), ("o", "o")
    ),
    "campaign_translation_add": ("eo", "eo"),
    "campaign_translation_change": ("meo", ""),
    "campaign_translation_changelist": ("meo", "meo"),
    "campaign_translation_delete": ("", ""),
    "campaign_translation_history": ("meo", "meo"),
    "campaign_translation_preview": ("eo", "eo"),
    "campaign_translation_publish": ("eo", "eo"),
    "campaign_translation_take_back": ("eo", "eo"),
    "recovery_codes": ("", ""),
    "remove_factor": ("", ""),
    "django_tasks_database_dbtaskresult_add": ("", ""),
    "django_tasks_database_dbtaskresult_change": ("", ""),
    "django_tasks_database_dbtaskresult_changelist": ("", ""),
    "django_tasks_database_dbtaskresult_delete": ("", ""),
    "django_tasks_database_dbtaskresult_history": ("", ""),
    "second_factor": ("mdeo", "mdeo"),
    "forgotten_password": ("-mdeo", "-mdeo"),
    "index": ("mdeo", "mdeo"),
    "jsi18n": ("mdeo", ""),
    "login": ("-mdeo", "-mdeo"),
    "logout": ("", "-mdeo"),
    "enroll": ("mdeo", "mdeo"),
    "password_change": ("mdeo", "mdeo"),
    "password_change_done": ("mdeo", ""),
    "set_password": ("-mdeo", "-mdeo"),
    "signatures_alarm_add": ("", ""),
    "signatures_alarm_change": ("mo", ""),
    "signatures_alarm_changelist": ("mo", "mo"),
    "signatures_alarm_delete": ("", ""),
    "signatures_alarm_letter_switch": ("mo", "mo"),
    "signatures_alarm_history": ("mo", "mo"),
    "signatures_alarm_recount": ("", "mo"),
    "signatures_alarm_seen": ("", "mo"),
    "signatures_alarm_switch": ("o", "o"),
    "signatures_alarm_switches": ("mo", "mo"),
    "signatures_blocklistentry_add": ("o", "o"),
    "signatures_blocklistentry_change": ("mo", "o"),
    "signatures_blocklistentry_changelist": ("mo", "mo"),
    "signatures_blocklistentry_delete": ("o", "o"),
    "signatures_blocklistentry_history": ("mo", "mo"),
    "signatures_blocklistentry_try": ("mo", "o"),
    "signatures_delivery_add": ("", ""),
    "signatures_delivery_change": ("do", ""),
    "signatures_delivery_changelist": ("do", "do"),
    "signatures_delivery_copy": ("do", ""),
    "signatures_delivery_delete": ("", ""),
    "signatures_delivery_files": ("do", "do"),
    "signatures_delivery_freeze": ("do", ""),
    "signatures_delivery_history": ("do", "do"),
    "signatures_delivery_look": ("do", "do"),
    "signatures_delivery_looked": ("do", "do"),
    "signatures_delivery_method": ("do", "do"),
    "signatures_delivery_step": ("do", ""),
    "signatures_bulkrule_add": ("mo", "mo"),
    "signatures_bulkrule_change": ("mo", "mo"),
    "signatures_bulkrule_changelist": ("mo", "mo"),
    "signatures_bulkrule_delete": ("", ""),
    "signatures_bulkrule_history": ("mo", "mo"),
    "signatures_ratelimit_add": ("o", "o"),
    "signatures_ratelimit_change": ("o", "o"),
    "signatures_ratelimit_changelist": ("o", "o"),
    "signatures_ratelimit_delete": ("o", "o"),
    "signatures_ratelimit_history": ("o", "o"),
    "signatures_emailsubject_add": ("o", "o"),
    "signatures_emailsubject_change": ("o", "o"),
    "signatures_emailsubject_changelist": ("o", "o"),
    "signatures_emailsubject_delete": ("o", "o"),
    "signatures_emailsubject_history": ("o", "o"),
    "signatures_featuredsignature_add": ("", ""),
    "signatures_featuredsignature_change": ("mo", ""),
    "signatures_featuredsignature_changelist": ("mo", "mo"),
    "signatures_featuredsignature_delete": ("", ""),
    "signatures_featuredsignature_history": ("mo", "mo"),
    "signatures_paperimport_add": ("", ""),
    "signatures_paperimport_change": ("do", ""),
    "signatures_paperimport_changelist": ("do", "do"),
    "signatures_paperimport_delete": ("", ""),
    "signatures_paperimport_history": ("do", "do"),
    "signatures_paperimport_import": ("do", ""),
    "signatures_paperimport_template": ("do", ""),
    "signatures_paperimport_columns": ("do", "do"),
    "signatures_paperimport_preview": ("do", "do"),
    "signatures_paperimport_refused": ("do", ""),
    "signatures_paperimport_undo": ("do", ""),
    "signatures_question_add": ("o", "o"),
    "signatures_question_change": ("o", "o"),
    "signatures_question_changelist": ("o", "o"),
    "signatures_question_delete": ("o", "o"),
    "signatures_question_history": ("o", "o"),
    "signatures_rejectionreason_add": ("o", "o"),
    "signatures_rejectionreason_change": ("o", "o"),
    "signatures_rejectionreason_changelist": ("o", "o"),
    "signatures_rejectionreason_delete": ("o", "o"),
    "signatures_rejectionreason_history": ("o", "o"),
    "signatures_signature_add": ("", ""),
    "signatures_signature_change": ("mo", ""),
    "signatures_signature_changelist": ("mo", "mo"),
    "signatures_signature_delete": ("", ""),
    "signatures_signature_history": ("mo", "mo"),
    "signatures_signerrequest_add": ("", ""),
    "signatures_signerrequest_ask": ("o", ""),
    "signatures_signerrequest_change": ("o", ""),
    "signatures_signerrequest_changelist": ("o", "o"),
    "signatures_signerrequest_decide": ("o", "o"),
    "signatures_signerrequest_delete": ("", ""),
    "signatures_signerrequest_evidence": ("o", ""),
    "signatures_signerrequest_history": ("o", "o"),
    "signatures_signedletter_add": ("", ""),
    "signatures_signedletter_change": ("do", ""),
    "signatures_signedletter_changelist": ("do", "do"),
    "signatures_signedletter_delete": ("", ""),
    "signatures_signedletter_export": ("do", ""),
    "signatures_signedletter_method": ("do", "do"),
    "signatures_signedletter_history": ("do", "do"),
    "signatures_suppression_changelist": ("mo", "mo"),
    "signatures_suppression_release": ("mo", "mo"),
    "signatures_auditentry_add": ("", ""),
    "signatures_auditentry_change": ("mdo", ""),
    "signatures_auditentry_changelist": ("mdo", "mdo"),
    "signatures_auditentry_delete": ("", ""),
    "signatures_auditentry_history": ("mdo", "mdo"),
    "signatures_waitingsignature_add": ("", ""),
    "signatures_waitingsignature_change": ("mo", ""),
    "signatures_waitingsignature_changelist": ("mo", "mo"),
    "signatures_waitingsignature_delete": ("", ""),
    "signatures_waitingsignature_history": ("mo", "mo"),
    "view_on_site": ("", ""),
}


@pytest.fixture
def rows(ada: Signature, cleo: Signature, owner: User, letter: Letter) -> None:
    """A row for each page of one."""
    EmailSubject.objects.create(mail="link", language="en", subject="Please confirm")
    now = timezone.now()
    Alarm.objects.create(code="rise", sentence="200 sign-ups in an hour.", since=now, until=now + timedelta(hours=1))
    BlocklistEntry.objects.create(pk=1, kind="word", value="lapdogs", made_by=owner.pk)
    bulk_rules.create(letter, Conditions(country="FR"), by=owner.pk, name="Flood", reason="Made by a program")
    make_delivery(letter)
    News.objects.create(letter=letter)
    Notice.objects.create(starts_at=now, ends_at=now + timedelta(hours=1))
    PaperImport.objects.create(
        pk=1, letter=letter, staff_id=owner.pk, number=1, first_entry=1, last_entry=1, step="done"
    )
    SignerRequest.objects.create(
        pk=1,
        letter=letter,
        signature_id=ada.pk,
        kind="erase",
        channel="post",
        reason="x",
        staff_id=0,
        needs_second=True,
    )
    single_decisions.reject(ada, by=owner.pk, reason="to have an audit entry")
    tasks.run_duties.enqueue(["fold-count-deltas"])


def reached(client: Client, method: str, address: str) -> bool:
    """Whether the page is theirs."""
    answer = ask(client, method, address)
    return answer.status_code < 400 and not is_kept_out(answer)


@pytest.mark.parametrize("who", "-mdeo")
def test_A5_a_role_reaches_the_pages_that_the_table_names_and_no_other(
    rows: None, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests check the content of the pages; rendering them would take most of the time.
    monkeypatch.setattr("django.template.backends.django.Template.render", lambda *_args, **_more: "")
    client = Client()
    if who != "-":
        client.force_login(User.objects.filter(username=ROLES[who]).first() or member_of(ROLES[who]))
    pages = dict(admin_urls())
    assert pages.keys() == TABLE.keys(), "a page that is in no row of the table, or a row without a page"
    found = {
        name: tuple(method for method in ("GET", "POST") if reached(client, method, address))
        for name, address in pages.items()
    }

    allowed = {
        name: tuple(m for m, roles in zip(("GET", "POST"), row, strict=True) if who in roles)
        for name, row in TABLE.items()
    }
    assert found == allowed


def test_A5_a_migration_restores_exactly_the_permissions_of_each_role(db: None) -> None:
    group = Group.objects.get(name="moderator")
    group.permissions.set(Permission.objects.filter(codename__in=["export_signedletter", "add_user"]))

    roles.create_groups()
    roles.create_groups()

    held = {f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()}
    assert held == set(roles.GROUPS["moderator"])


def test_A5_every_permission_in_the_table_of_roles_exists(db: None) -> None:
    labels = {label for labels in roles.GROUPS.values() for label in labels}
    there = {
        f"{each.content_type.app_label}.{each.codename}" for each in Permission.objects.select_related("content_type")
    }
    assert labels <= there
    assert Group.objects.get(name="owner").permissions.count() == len(labels), "an owner may do all of it"


def test_A5_a_permission_given_to_a_single_account_has_no_effect(moderator_client: Client, moderator: User) -> None:
    moderator.user_permissions.add(Permission.objects.get(codename="export_signedletter"))
    assert moderator_client.get("/admin/signatures/signedletter/").status_code == 403


def test_A5_a_moderator_sees_no_email_address_of_staff(moderator_client: Client, moderator: User, owner: User) -> None:
    User.objects.update(email="secret@example.org")
    for _name, address in admin_urls():
        answer = moderator_client.get(address)
        assert answer.streaming or "secret@example.org" not in answer.content.decode(), address


def test_A5_an_owner_cannot_change_a_superuser(client: Client, owner: User, admin_user: User) -> None:
    client.force_login(owner)
    page = f"/admin/auth/user/{admin_user.pk}/change/"
    assert client.post(page, {"email": "mine@example.org", "is_active": "on"}).status_code == 403
    page = f"/admin/auth/user/{owner.pk}/change/"
    client.post(page, {"email": "o@example.org", "is_active": "on", "is_superuser": "on", "groups": []})
    owner.refresh_from_db()
    assert owner.email == "o@example.org" and not owner.is_superuser
