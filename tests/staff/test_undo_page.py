"""docs/staff/undo.md describes all that staff can send: documentation of a registry, derived from admin itself."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.test import RequestFactory

from campaign.letters.letter_steps import STEPS
from signatures.audit.letter_decisions import DECISIONS
from signatures.delivery.admin.steps import STEPS as DELIVERY_STEPS
from signatures.registries.requests import RequestKind
from tests.admin_urls import admin_urls
from tests.conftest import member_of
from tests.docs.pages import page
from tests.staff.test_roles import ROLES, TABLE

SECTIONS = {"Everybody": "mdeo", "Moderators": "m", "Editors": "e", "Delivery officers": "d", "Owners": "o"}
FORMS = {"add": "has_add_permission", "change": "has_change_permission", "delete": "has_delete_permission"}
LISTS = ("changelist", "history")  # what is sent from them are actions
STEPS_OF_PAGES: dict[str, list[str]] = {  # several forms at one address
    "letter_decide": [*DECISIONS],
    "letter_step": [step.step for step in STEPS],
    "delivery_step": [*DELIVERY_STEPS],
    "signerrequest_ask": [kind.value for kind in RequestKind if kind != RequestKind.EVIDENCE],
}

pytestmark = pytest.mark.django_db


def short(name: str) -> str:
    return name.removeprefix("campaign_").removeprefix("signatures_").removeprefix("auth_")


def forms_and_actions(who: str) -> Iterator[str]:
    """What a role can send from the admin of a model: the forms of its rows, and its actions."""
    request: Any = RequestFactory().get("/")
    request.user = member_of(ROLES[who])
    for model, pages in admin.site._registry.items():
        name = model._meta.model_name
        yield from (f"{name}_{form}" for form, permission in FORMS.items() if getattr(pages, permission)(request))
        for location in ActionLocation:
            yield from (f"{name}.{action}" for action in pages.get_actions(request, location))


def pages_of_our_own(who: str) -> Iterator[str]:
    """The other pages of admin that the role reaches, as the table of roles has them, which is tested too."""
    of_models = {
        f"{model._meta.app_label}_{model._meta.model_name}_{page}"
        for model in admin.site._registry
        for page in (*FORMS, *LISTS)
    }
    for name, _address in admin_urls():
        sees, sends = TABLE[name]
        is_own = name not in of_models and (who in sees + sends or not sees + sends)  # a page that asks to sign in anew
        if is_own or (who in sends and not name.endswith(LISTS)):
            steps = STEPS_OF_PAGES.get(short(name))
            yield from (f"{short(name)}/{step}" for step in steps) if steps else [short(name)]


def described() -> dict[str, set[str]]:
    """The codes in the last cell of each row, by section; those of the last line change nothing."""
    found = {}
    for section in page("staff/undo.md").split("\n## ")[1:]:
        heading, _, rest = section.partition("\n")
        rows = [line.rstrip("| ").rpartition("|")[2] for line in rest.splitlines() if line.startswith("|")]
        found[heading] = set(re.findall(r"`([^`]+)`", "\n".join(rows) if rows else rest))
    return found


def test_A21_the_page_has_every_form_action_and_page_that_a_role_can_send_and_no_other() -> None:
    sent = {who: {*forms_and_actions(who), *pages_of_our_own(who)} for who in ROLES}
    there = described()
    assert [*there] == [*SECTIONS, "What changes nothing"]
    changing = set().union(*(there[section] for section in SECTIONS))
    assert changing | there["What changes nothing"] == set().union(*sent.values())
    assert not changing & there["What changes nothing"]
    for section, roles in SECTIONS.items():
        for who in roles:
            assert there[section] <= sent[who], f"{section} cannot send it"
