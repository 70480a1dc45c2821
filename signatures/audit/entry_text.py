"""Audit entries in plain words."""

from django.apps import apps
from django.utils.functional import Promise

from signatures.audit.audit_log import SENTENCES
from signatures.models import AuditEntry


def sentence(action: str) -> str | Promise:
    """Returns the sentence of an audit action, or its code when it has none.

    The sentences of `set-<model>` and `remove-<model>` are made from the name of the model.
    """
    verb, _dash, model_name = action.partition("-")
    if action in SENTENCES or verb not in {"set", "remove"}:
        return SENTENCES.get(action, action)
    models = {model._meta.model_name: model._meta.verbose_name for model in apps.get_models()}
    return f"{'Removed' if verb == 'remove' else 'Changed or added'}: {models.get(model_name, model_name)}."


def describe(entry: AuditEntry) -> str:
    """Returns the sentence of an entry, with the states before and after."""
    return f"{sentence(entry.action)} {entry.was} → {entry.now}" if entry.now else str(sentence(entry.action))
