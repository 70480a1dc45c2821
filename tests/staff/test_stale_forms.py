"""Who saves a form that has been open for a while undoes nothing that a colleague did meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import Group, User
from django.test import Client, RequestFactory
from django.utils import timezone

from campaign.letters.forms import ConflictCheckedForm
from campaign.models import Letter, Notice, NoticeText
from signatures.models import BlocklistEntry
from signatures.staff import accounts
from tests.admin_forms import fields_of, fill_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)


def test_A7_a_stale_page_neither_opens_a_closed_account_nor_gives_a_role_back(
    owner_client: Client, admin_client: Client, olga: User
) -> None:
    olga.groups.set(Group.objects.filter(name="editor"))
    page = f"/admin/auth/user/{olga.pk}/change/"
    stale = fill_in(owner_client, page, email="new@example.org")
    closing = fill_in(admin_client, page)
    del closing["is_active"], closing["groups"]
    assert admin_client.post(page, closing).status_code == 302

    answer = owner_client.post(page, stale)

    olga.refresh_from_db()
    assert (olga.is_active, olga.email, olga.groups.count()) == (False, "olga@example.org", 0)
    told = answer.content.decode()
    assert "Somebody else (admin) changed this" in told and "Nothing was saved." in told
    assert "Active, as it is stored:<br>False" in told and "Groups, as it is stored:<br>" in told
    assert 'value="new@example.org"' in told, "what was typed is still there"
    assert owner_client.post(page, fields_of(answer)).status_code == 302, "sent again, it replaces them knowingly"
    olga.refresh_from_db()
    assert (olga.is_active, olga.email) == (True, "new@example.org")


def test_A7_a_role_that_was_changed_meanwhile_is_a_conflict_by_itself(
    owner_client: Client, admin_client: Client, olga: User
) -> None:
    editor, moderator = Group.objects.get(name="editor"), Group.objects.get(name="moderator")
    olga.groups.set([editor])
    page = f"/admin/auth/user/{olga.pk}/change/"
    stale = fill_in(owner_client, page, email="new@example.org")
    admin_client.post(page, fill_in(admin_client, page, groups=moderator.pk))
    told = owner_client.post(page, stale).content.decode()
    assert list(olga.groups.all()) == [moderator]
    assert "Groups, as it is stored:<br>moderator" in told and "Active, as it is stored" not in told


def test_a_login_and_a_new_password_meanwhile_are_no_conflict_and_stay(owner_client: Client, olga: User) -> None:
    page = f"/admin/auth/user/{olga.pk}/change/"
    typed = fill_in(owner_client, page, email="new@example.org")
    now = timezone.now()
    olga.set_password(PASSWORD)
    olga.last_login = now
    olga.save()
    assert owner_client.post(page, typed).status_code == 302
    olga.refresh_from_db()
    assert (olga.email, olga.last_login, olga.check_password(PASSWORD)) == ("new@example.org", now, True)


def test_a_password_that_is_set_while_an_owner_saves_stays(owner: User, olga: User) -> None:
    as_loaded = User.objects.get(pk=olga.pk)
    olga.set_password(PASSWORD)
    olga.save()
    as_loaded.email = "new@example.org"
    accounts.change(as_loaded, by=owner.pk, fields="email")
    olga.refresh_from_db()
    assert (olga.email, olga.check_password(PASSWORD)) == ("new@example.org", True)


def test_A7_a_stale_page_does_not_revive_a_blocklist_entry_that_a_colleague_ended(
    owner_client: Client, admin_client: Client
) -> None:
    entry = BlocklistEntry.objects.create(
        kind="network", value="203.0.113.0/24", is_on=True, expires_at=timezone.now() + timedelta(days=3)
    )
    page = f"/admin/signatures/blocklistentry/{entry.pk}/change/"
    stale = fill_in(owner_client, page, note="seen again")
    admin_client.post(f"/admin/signatures/blocklistentry/{entry.pk}/try/", {"action": "end"})

    answer = owner_client.post(page, stale)

    entry.refresh_from_db()
    assert entry.is_expired and not entry.is_on and entry.note == ""
    assert "Somebody else (admin) changed this" in answer.content.decode()
    later = timezone.now() + timedelta(days=1)
    again = {**fields_of(answer), "expires_at_0": f"{later:%Y-%m-%d}", "expires_at_1": f"{later:%H:%M}"}
    assert owner_client.post(page, again).status_code == 302
    entry.refresh_from_db()
    assert not entry.is_expired and not entry.is_on, "a later time alone switches nothing on"


def test_A7_a_stale_notice_does_not_take_a_corrected_text_back(
    owner_client: Client, admin_client: Client, letter: Letter
) -> None:
    now = timezone.now()
    notice = Notice.objects.create(starts_at=now, ends_at=now + timedelta(days=1))
    words = NoticeText.objects.create(notice=notice, language="en", text="Closed on Sunday.")
    page = f"/admin/campaign/notice/{notice.pk}/change/"
    stale = fill_in(owner_client, page)
    admin_client.post(page, fill_in(admin_client, page, **{"texts-0-text": "Closed on Monday."}))
    told = owner_client.post(page, stale).content.decode()
    words.refresh_from_db()
    assert words.text == "Closed on Monday." and "Text, as it is stored:<br>Closed on Monday." in told


@pytest.mark.parametrize("model", PAGES, ids=[model._meta.label for model in PAGES])
def test_A7_every_page_that_changes_a_row_carries_a_digest_of_what_it_showed(
    model: Any, admin_user: User, rf: RequestFactory
) -> None:
    page, request, row = admin.site._registry[model], rf.get("/"), model()
    request.user = admin_user
    assert not getattr(page, "list_editable", ()), "a list shows no digests"
    if not page.has_change_permission(request, row):
        return
    inlines = [inline(model, admin.site) for inline in page.inlines]
    forms: list[tuple[Any, Any]] = [(page.get_form(request, row, change=True), page)]
    forms += [(inline.get_formset(request, row).form, inline) for inline in inlines]
    for form, shown in forms:
        assert issubclass(form, ConflictCheckedForm), shown
        assert "loaded_digest" in flatten_fieldsets(shown.get_fieldsets(request, row)), shown
