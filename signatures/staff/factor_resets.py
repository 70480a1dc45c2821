"""An owner resets the second factor of a colleague who lost it. A second owner confirms it, where there is one."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from signatures.audit import audit_log
from signatures.models import FactorReset, OutboxMail
from signatures.outbox import queue
from signatures.registries import AuditAction
from signatures.staff import roles, second_factor
from signatures.transitions import TransitionNotAllowed


@transaction.atomic
def reset(person: User, *, by: int) -> bool:
    """Reset the second factor of a colleague, or ask for it: the first owner asks, the second one does it.

    A single owner does it at once. The colleague is told by email.

    Returns whether it is reset now; False when a second owner has to confirm it, within `FactorReset.VALID_FOR`.

    Raises:
        TransitionNotAllowed: it is the own one, or the colleague has none.
    """
    User.objects.select_for_update().get(pk=person.pk)  # two owners who press at once: one asks, the other confirms
    if person.pk == by:
        raise TransitionNotAllowed("Nobody resets their own second factor. Use a recovery code, or ask another owner.")
    if not second_factor.is_enrolled(person.pk):
        raise TransitionNotAllowed("This account has no second factor.")
    others = roles.owners().exclude(pk__in=[person.pk, by])
    asked = FactorReset.objects.open().filter(account=person).first()
    is_confirmed = asked is not None and others.filter(pk=asked.asked_by).exists()
    if not is_confirmed and others.exists():
        FactorReset.objects.update_or_create(account=person, defaults={"asked_by": by, "asked_at": timezone.now()})
        audit_log.record(AuditAction.SECOND_FACTOR_RESET_ASKED, staff_id=by, detail={"account": person.pk})
        return False
    FactorReset.objects.filter(account=person).delete()
    second_factor.reset(person, by=by)
    queue.enqueue_for_staff([person.pk], kind=OutboxMail.Kind.FACTOR_RESET)
    return True
