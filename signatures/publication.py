"""Publishing the text of a letter, with an audit entry."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from campaign.letters import publishing
from campaign.models import Letter, Translation
from signatures.audit import audit_log
from signatures.models import Delivery, Signature, Submission
from signatures.registries import AuditAction


@transaction.atomic
def publish(text: Translation, *, by: int | None) -> None:
    """Publish a draft. A text that is published already stays as it is, without an entry.

    Args:
        text: the draft.
        by: the id of the member of staff; None for a command.

    Raises:
        publishing.Refused: when it is not the next text of its language.
    """
    if publishing.publish(text):
        _record(AuditAction.PUBLISH, text, by)


@transaction.atomic
def take_back(text: Translation, *, by: int | None) -> None:
    """Take a text back that was just published by mistake, before anybody signed it.

    Raises:
        publishing.Refused: when somebody signed it, it was delivered, or `publishing.take_back` refuses it.
    """
    Letter.objects.select_for_update(of=("self",)).get(revisions__translations=text.pk)  # first, as `publish` does
    # A form that is being stored names the text: it is waited for, and seen.
    locked = Translation.objects.select_for_update(of=("self",)).select_related("revision").get(pk=text.pk)
    if any(model.objects.filter(translation=locked).exists() for model in (Signature, Submission)):
        raise publishing.Refused("Somebody has signed this text. Please correct it by publishing another.")
    if any(held["translation"] == locked.pk for texts in _delivered(locked) for held in texts):
        raise publishing.Refused("A delivery holds this text. Please correct it by publishing another.")
    publishing.take_back(locked)
    _record(AuditAction.TAKE_BACK, locked, by)


def _delivered(text: Translation) -> Iterable[list[dict[str, Any]]]:
    return Delivery.objects.filter(letter=text.revision.letter_id).values_list("texts", flat=True)


def _record(action: AuditAction, text: Translation, by: int | None) -> None:
    detail: dict[str, str | int] = {"row": text.pk, "revision": text.revision.number, "language": text.language}
    audit_log.record(action, staff_id=by, letter_id=text.revision.letter_id, detail=detail)
