"""Reports by readers: a public name is flagged, and stands until staff have looked."""

import uuid

from django.db import transaction

from campaign.models import Letter
from signatures.audit import audit_log
from signatures.models import Signature
from signatures.registries import AuditAction, Flag
from signatures.transitions import TransitionNotAllowed, check_conflict, lock


@transaction.atomic
def report_name(letter: Letter, public_id: uuid.UUID, *, why: str) -> None:
    """Flag a public name for staff, once. It is neither hidden nor counted less: trolls would report everybody."""
    public = Signature.objects.filter(letter=letter, public_id=public_id).public()
    locked = public.select_for_update().first()
    if locked is None or Flag.REPORTED in locked.flags:
        return
    audit_log.record(AuditAction.REPORT, letter_id=locked.letter_id, signature_id=locked.pk, reason=why)
    locked.flags = sorted({*locked.flags, Flag.REPORTED})
    locked.save(update_fields=["flags"])


@transaction.atomic
def dismiss(signature: Signature, *, by: int, as_of: int | None = None) -> Signature:
    """Staff saw the report, and the name stays as it is.

    Raises:
        NotAllowed: unless it is reported.
        Overtaken: when somebody else did something with it since `as_of`.
    """
    locked = lock(signature)
    check_conflict(locked, by=by, as_of=as_of)
    if Flag.REPORTED not in locked.flags:
        raise TransitionNotAllowed("Nobody reported it.")
    audit_log.record(AuditAction.DISMISS_REPORT, staff_id=by, letter_id=locked.letter_id, signature_id=locked.pk)
    locked.flags = [flag for flag in locked.flags if flag != Flag.REPORTED]
    locked.save(update_fields=["flags"])
    return locked
