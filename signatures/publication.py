"""Publishing the text of a letter, with an audit entry."""

from django.db import transaction

from campaign.letters import publishing
from campaign.models import Translation
from signatures.audit import audit_log
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


def _record(action: AuditAction, text: Translation, by: int | None) -> None:
    detail: dict[str, str | int] = {"row": text.pk, "revision": text.revision.number, "language": text.language}
    audit_log.record(action, staff_id=by, letter_id=text.revision.letter_id, detail=detail)
