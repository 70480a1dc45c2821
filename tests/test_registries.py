"""The registries: every code in use is registered; every registered code is described, documented and in use."""

import ast
import re
from enum import StrEnum
from functools import cache
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from signatures.audit import audit_log
from signatures.audit.admin_mixins import AuditedAdmin
from signatures.models import Alarm, AuditEntry, BulkRule, Signature
from signatures.moderation import reports
from signatures.registries import (
    FLAGS_ENDED_BY_DECISION,
    FLAGS_OF_WORDS,
    ActionGroup,
    AlarmCode,
    AuditAction,
    Flag,
    ReportReason,
)
from signatures.states import ALLOWED_FROM
from tests.docs.pages import page
from tests.prepared import BASE

REGISTRIES: tuple[type[StrEnum], ...] = (Flag, AlarmCode, AuditAction)
# Members that no module names: the code is built from a value that a table holds.
AUDITED_MODELS = {
    f"{verb}_{model._meta.model_name}".upper()
    for verb in ("set", "remove")
    for registered, page in admin.site._registry.items()
    if isinstance(page, AuditedAdmin)
    for model in (registered, *(inline.model for inline in page.inlines))
}
BY_VALUE = {
    AlarmCode: {"MAIL", "MAIL_DOMAIN"},  # named like the rate limit that is exceeded
    AuditAction: AUDITED_MODELS,
    Flag: set[str](),
}


@cache
def trees() -> list[tuple[str, ast.Module]]:
    """The modules of the product, by dotted name, without the registries themselves."""
    files = {
        ".".join(file.relative_to(BASE / "signatures").with_suffix("").parts): file
        for file in (BASE / "signatures").rglob("*.py")
    }
    return [
        (name, ast.parse(file.read_text(encoding="utf-8")))
        for name, file in files.items()
        if not name.startswith(("registries", "migrations"))
    ]


def members_named(tree: ast.Module, registry: type[StrEnum]) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == registry.__name__
    }


@pytest.mark.parametrize("registry", REGISTRIES)
def test_every_registered_code_is_in_use_and_every_member_that_is_used_is_registered(registry: type[StrEnum]) -> None:
    used = set().union(*(members_named(tree, registry) for _name, tree in trees()))
    assert set(registry.__members__) - used - BY_VALUE[registry] == set()
    assert used - set(registry.__members__) == set()


@pytest.mark.parametrize("code", [*Flag, *AlarmCode])
def test_the_module_that_raises_a_code_names_it(code: Flag | AlarmCode) -> None:
    tree = dict(trees())[code.raised_in]
    names = members_named(tree, type(code))
    assert code.name in names or code.name in BY_VALUE[type(code)]


@pytest.mark.slow
@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_code_is_written_as_a_string_where_it_is_raised(registry: type[StrEnum]) -> None:
    """The first argument of the functions that record an action or raise an alarm is a member, or a variable."""
    calls = {"record", "record_each", "raise_alarm", "transition", "decide", "_tell", "_record"}
    wrong = [
        (name, node.lineno)
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in calls
        and any(
            isinstance(argument, ast.Constant) and argument.value in list(registry)
            for argument in [*node.args[:1], *(word.value for word in node.keywords if word.arg in {"action", "code"})]
        )
    ]
    assert wrong == []


@pytest.mark.parametrize("flag", Flag)
def test_every_flag_is_described(flag: Flag) -> None:
    assert flag.sentence.endswith(".")
    column: Any = Signature._meta.get_field("flags")
    assert len(flag) <= column.base_field.max_length
    assert len(flag) <= (BulkRule._meta.get_field("flag").max_length or 0)


def test_a_flag_ends_in_one_way() -> None:
    assert FLAGS_OF_WORDS.isdisjoint(FLAGS_ENDED_BY_DECISION)
    assert set(FLAGS_ENDED_BY_DECISION) == {"hold", "asked", "answered", "reported"}


@pytest.mark.parametrize("alarm", AlarmCode)
def test_every_alarm_has_an_advice_and_a_sentence_for_the_email(alarm: AlarmCode) -> None:
    assert alarm.email_sentence.endswith(".") and not re.search(r"\d", alarm.email_sentence)
    assert alarm.advice.endswith(".") and alarm.advice != alarm.email_sentence
    assert len(alarm) <= (Alarm._meta.get_field("code").max_length or 0)


@pytest.mark.parametrize("action", AuditAction)
def test_every_action_has_a_sentence_and_a_group(action: AuditAction) -> None:
    assert action.sentence.endswith(".") and isinstance(action.group, ActionGroup)
    assert len(action) <= (AuditEntry._meta.get_field("action").max_length or 0)


def test_an_action_on_one_signature_has_words_for_the_second_moderator() -> None:
    on_one_signature = {
        action for action in AuditAction if action.group in {ActionGroup.DECISIONS, ActionGroup.SIGNERS}
    }
    on_one_signature |= {AuditAction.INVALIDATE, AuditAction.FLAG, AuditAction.ERASE_AGAIN}
    assert {action for action in AuditAction if action.words_for_others} == on_one_signature
    assert set(ALLOWED_FROM) <= on_one_signature


def test_every_group_of_actions_has_a_heading_and_a_table_in_the_docs() -> None:
    tables = re.findall(r"^```\{code-table\} audit-actions (\w+)$", page("reference/audit-actions.md"), re.MULTILINE)
    assert all(isinstance(group.heading, str) and group.heading for group in ActionGroup)
    assert sorted(tables) == sorted(ActionGroup)


@pytest.mark.parametrize("alarm", AlarmCode)
def test_the_docs_say_what_to_do_about_every_alarm(alarm: AlarmCode) -> None:
    headings = re.findall(r"^### (.+)$", page("operate/alarms.md"), re.MULTILINE)
    assert any(f"`{alarm}`" in heading for heading in headings)


def test_an_action_that_is_not_registered_is_refused(db: None) -> None:
    with pytest.raises(ValueError, match="registry"):
        audit_log.record("aprove")  # type: ignore[arg-type]  # that is the test
    assert not AuditEntry.objects.exists()


def test_every_row_that_staff_may_change_has_its_actions() -> None:
    assert len(AUDITED_MODELS) > 10
    assert {name for name in AuditAction.__members__ if name.startswith(("SET_", "REMOVE_"))} - {
        "SET_PASSWORD",
        "SET_ACCOUNT",
        "SET_ROLES",
    } == AUDITED_MODELS


def test_the_second_moderator_is_told_that_a_reader_reported_it(moderator_client: Client, ada: Signature) -> None:
    opened_at = audit_log.newest_id()
    reports.report_name(ada.letter, ada.public_id, why=ReportReason.MADE_UP)
    form = {"action": "hold", "_selected_action": [ada.pk], "index": "0", "as_of": opened_at, "own_words": ""}
    told = moderator_client.post("/admin/signatures/signature/", form, follow=True).content.decode()
    assert "A reader reported it at" in told and "A rule" not in told
