"""The pages on which moderators make, start, cancel and undo a bulk rule."""

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_tasks_db.models import DBTaskResult

from campaign.models import Letter
from signatures.models import AuditEntry, BlocklistEntry, BulkRule, Signature
from signatures.moderation import bulk_rules, rule_origins
from signatures.states import State
from tests.factories import make_signature
from tests.moderation.bulk_rules import (
    BOT,
    Step,
    everything,
    fresh,
    fresh_state,
    key_of,
    make_signatures_of_all_kinds,
    origin_of,
    origin_of_bots,
    rule_of,
)

pytestmark = pytest.mark.django_db
MAX_STATEMENTS = 12
RULES = "/admin/signatures/bulkrule/"


def press(moderator_client: Client, rule: BulkRule, what: str, **fields: Any) -> str:
    return str(moderator_client.post(f"{RULES}{rule.pk}/change/", {"do": what, **fields}, follow=True).content.decode())


def create_rule(moderator_client: Client, letter: Letter, **fields: Any) -> Any:
    return moderator_client.post(
        f"{RULES}add/", {"letter": letter.pk, "name": "Flood", "reason": "A program", **fields}, follow=True
    )


def test_a_moderator_creates_previews_starts_and_undoes_a_rule(
    moderator_client: Client, letter: Letter, moderator: User
) -> None:
    make_signatures_of_all_kinds(letter, times=1)
    before = everything()

    page = create_rule(
        moderator_client, letter, origin=origin_of_bots(moderator), states=["approved", "waiting"]
    ).content.decode()
    rule = BulkRule.objects.get()
    assert "It matches <strong>18</strong>" in page and "Signer" in page and moderator.username in page
    assert "That is 33.3 % of all" in page and "bots.example" not in page

    for wrong in ("", "17", "x"):
        assert "type the number that the page shows" in press(moderator_client, rule, "start", number=wrong)
    assert everything() == before
    page = press(moderator_client, rule, "start", number="18")
    assert '<progress id="progress" value="0" max="18">' in page
    assert moderator_client.get(f"{RULES}{rule.pk}/change/")["Refresh"] == "2"
    run_tasks()
    ended = moderator_client.get(f"{RULES}{rule.pk}/change/")
    assert "restore all signatures" in ended.content.decode() and "Refresh" not in ended
    listed = moderator_client.get(RULES).content.decode()
    assert "18 / 18" in listed and "A program" in listed and moderator.username in listed and 'value="undo"' in listed

    assert "<progress" in press(moderator_client, rule, "undo")
    run_tasks()
    assert everything() == before and fresh(rule).step == Step.UNDONE
    assert "Left alone" in moderator_client.get(f"{RULES}{rule.pk}/change/").content.decode()


def run_tasks() -> None:
    """Run all enqueued tasks, as the worker does."""
    for waiting in DBTaskResult.objects.filter(status="READY"):
        waiting.task.call(*waiting.args_kwargs["args"])
        waiting.delete()


def test_cancel_and_discard(moderator_client: Client, letter: Letter, ada: Signature) -> None:
    create_rule(moderator_client, letter, country="GB")
    rule = BulkRule.objects.get()
    press(moderator_client, rule, "start", number="1")
    press(moderator_client, rule, "cancel")
    assert (fresh(rule).step, fresh_state(ada)) == (Step.CANCELED, State.APPROVED)
    assert "no longer possible" in press(moderator_client, rule, "discard")
    create_rule(moderator_client, letter, country="GB")
    draft = BulkRule.objects.get(step=Step.DRAFT)
    assert "It matches" in press(moderator_client, draft, "preview")
    press(moderator_client, draft, "discard")
    assert not BulkRule.objects.filter(step=Step.DRAFT).exists()


def test_A6_the_form_refuses_an_empty_rule_at_its_field_and_keeps_what_was_typed(
    moderator_client: Client, letter: Letter
) -> None:
    page = create_rule(moderator_client, letter, states=["approved"]).content.decode()
    assert "Choose at least one condition" in page and 'value="A program"' in page
    page = create_rule(moderator_client, letter, name="", name_pattern="**").content.decode()
    assert page.count('<ul class="errorlist"') == 1 and "This field is required" in page
    assert "write at least one letter" in create_rule(moderator_client, letter, name_pattern="**").content.decode()
    assert not BulkRule.objects.exists()


def test_the_page_of_a_signature_links_to_a_prefilled_rule(moderator_client: Client, letter: Letter) -> None:
    row = make_signature(letter, BOT, domains=[key_of("bots.example")], network="00ff", name_key="bot petrow")
    page = moderator_client.get(f"/admin/signatures/signature/{row.pk}/change/").content.decode()
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/admin/signatures/bulkrule/add/[^"]+)"', page)]
    forms = [moderator_client.get(link).content.decode() for link in links]
    assert len(forms) == 3 and f'name="similar_to" value="{row.pk}"' in forms[0]
    assert f"<strong>The email domain of signature no. {row.pk}</strong>" in forms[1]
    assert f"<strong>The network of signature no. {row.pk}</strong>" in forms[2]
    assert key_of("bots.example") not in page and "00ff" not in page


def test_A17_a_domain_or_network_can_only_be_chosen_by_the_button_of_a_signature(
    moderator_client: Client, letter: Letter
) -> None:
    make_signature(letter, "Ada", domains=[key_of("ministry.example")], network="00ff")
    form = moderator_client.get(f"{RULES}add/?domain=ministry.example&network=10.0.0.1").content.decode()
    assert not re.search(r'name="(domain|network|domain_of|network_of)"', form)
    for probe in ({"domain": "ministry.example"}, {"domains": key_of("ministry.example")}, {"network": "10.0.0.1"}):
        page = create_rule(moderator_client, letter, **probe).content.decode()
        assert "Choose at least one condition" in page
    assert not BulkRule.objects.exists()


def test_A17_a_proof_that_is_made_up_old_or_of_somebody_else_is_refused(
    moderator_client: Client, moderator: User, owner: User, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make_signature(letter, "Ada", domains=[key_of("ministry.example")])
    mine, theirs = origin_of(ada, "domain", moderator), origin_of(ada, "domain", owner)
    for proof in (theirs, f"{mine}x", "domain:1", str(ada.pk), signing.dumps(["domain", ada.pk, moderator.pk])):
        page = create_rule(moderator_client, letter, origin=proof, country="GB").content.decode()
        assert "That button is too old" in page and "The email domain of" not in page
    later = time.time() + 3601
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: later)
        with pytest.raises(rule_origins.InvalidOrigin):
            rule_origins.read_origin(mine, by=moderator.pk)
    assert not BulkRule.objects.exists()
    assert "It matches <strong>1</strong>" in create_rule(moderator_client, letter, origin=mine).content.decode()


def test_A17_each_preview_is_recorded_with_the_kinds_of_its_conditions_and_not_their_values(
    moderator_client: Client, moderator: User, letter: Letter
) -> None:
    ada = make_signature(letter, "Ada Ministry", domains=[key_of("ministry.example")])
    create_rule(moderator_client, letter, origin=origin_of(ada, "domain", moderator), name_pattern="*ministry*")
    rule = BulkRule.objects.get()
    press(moderator_client, rule, "preview")
    entries = AuditEntry.objects.filter(action="rule-previewed")
    detail = {"rule": rule.pk, "conditions": "name_pattern, domain", "number": 1}
    assert [(entry.staff_id, entry.letter_id, entry.detail) for entry in entries] == [
        (moderator.pk, letter.pk, detail)
    ] * 2
    assert "inistry" not in str([vars(entry) for entry in entries])


def test_A17_each_trial_of_a_block_is_recorded_without_its_value(
    admin_client: Client, admin_user: User, letter: Letter
) -> None:
    make_signature(letter, "Ada", domains=[key_of("ministry.example")])
    block = BlocklistEntry.objects.create(kind="domain", value="ministry.example")
    assert admin_client.get(f"/admin/signatures/blocklistentry/{block.pk}/try/").status_code == 200
    entry = AuditEntry.objects.get(action="block-tried")
    assert (entry.staff_id, entry.detail) == (admin_user.pk, {"row": block.pk, "kind": "domain", "number": 1})


def test_A5_only_moderators_see_or_create_rules(
    letter: Letter, moderator: User, officer: User, editor: User, ada: Signature
) -> None:
    rule = rule_of(letter, moderator, country="GB")
    for user in (officer, editor):
        client = Client()
        client.force_login(user)
        for path in (RULES, f"{RULES}add/", f"{RULES}{rule.pk}/change/"):
            assert client.get(path).status_code == 403
            assert client.post(path, {"do": "start", "number": "1"}).status_code == 403
    assert fresh(rule).step == Step.DRAFT


def test_opening_a_page_changes_nothing_and_takes_few_statements(
    moderator_client: Client, letter: Letter, moderator: User, ada: Signature
) -> None:
    rules = [rule_of(letter, moderator, country="GB") for _each in range(15)]
    bulk_rules.save_preview(rules[0], by=moderator.pk)
    before = list(BulkRule.objects.values())
    for path in (RULES, f"{RULES}add/", *(f"{RULES}{rule.pk}/change/" for rule in rules[:2])):
        with CaptureQueriesContext(connection) as asked:
            assert moderator_client.get(path).status_code == 200
        assert len(asked) <= MAX_STATEMENTS, path
    assert list(BulkRule.objects.values()) == before
    assert moderator_client.get(f"{RULES}0/change/").status_code == 404
