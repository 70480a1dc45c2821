"""Reports by readers: they flag a public name for staff. The name stays public until staff decide."""

import uuid

from django.db import transaction

from campaign.models import Letter
from signatures.audit import audit_log
from signatures.models import Signature
from signatures.registries import AuditAction, Flag
from signatures.transitions import TransitionNotAllowed, check_conflict, lock


@transaction.atomic
def report_name(letter: Letter, public_id: uuid.UUID, *, why: str) -> None:
    """Flag a public name for staff, once.

    The name is neither hidden nor left out of a count: otherwise anybody could remove names by reporting them.
    """
    public = Signature.objects.filter(letter=letter, public_id=public_id).public()
    locked = public.select_for_update().first()
    if locked is None or Flag.REPORTED in locked.flags:
        return
    audit_log.record(AuditAction.REPORT, letter_id=locked.letter_id, signature_id=locked.pk, reason=why)
    locked.flags = sorted({*locked.flags, Flag.REPORTED})
    locked.save(update_fields=["flags"])


@transaction.atomic
def dismiss(signature: Signature, *, by: int, as_of: int | None = None) -> Signature:
    """Dismiss the report of a name. The signature stays as it is.

    Raises:
        TransitionNotAllowed: unless it is reported.
        EditConflict: when somebody else changed the signature since `as_of`.
    """
    locked = lock(signature)
    check_conflict(locked, by=by, as_of=as_of)
    if Flag.REPORTED not in locked.flags:
        raise TransitionNotAllowed("The name is not reported.")
    audit_log.record(AuditAction.DISMISS_REPORT, staff_id=by, letter_id=locked.letter_id, signature_id=locked.pk)
    locked.flags = [flag for flag in locked.flags if flag != Flag.REPORTED]
    locked.save(update_fields=["flags"])
    return locked
