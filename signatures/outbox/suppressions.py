"""Addresses that get fewer emails: no such mailbox, a complaint, or "this was not me" (threat model S20, O24).

Only the keyed hash of an address is stored. `stops` decides about every email to a signer, when it is to be sent.
Nothing stops the links to a signature that its owner asks for: whoever makes an address bounce, or reports an email
that a stranger caused, locks nobody out.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from signatures.audit import audit_log
from signatures.models import OutboxMail, Signature, Submission, Suppression
from signatures.registries import AuditAction
from signatures.values import sealing

SUPPRESSED_FOR = timedelta(days=30)  # not for ever: addresses get other owners, and mailboxes are repaired
_Kind, _Reason = OutboxMail.Kind, Suppression.Reason
# A new sign-up to an address that bounced is tried: whoever typed it says that it works now.
STOPPED = {
    _Reason.NOT_ME: {_Kind.LINK, _Kind.LINKS, _Kind.REMINDER},
    _Reason.BOUNCE: {_Kind.LINKS, _Kind.REMINDER, _Kind.QUESTION, _Kind.UPDATE},
    _Reason.COMPLAINT: {_Kind.LINK, _Kind.LINKS, _Kind.REMINDER, _Kind.QUESTION, _Kind.UPDATE},
}


def stops(mail: OutboxMail, person: Signature | Submission) -> bool:
    """Returns whether the person does not get this email, because their address is suppressed."""
    if mail.kind == _Kind.LINKS and isinstance(person, Signature):
        return False
    found = active(person)
    return found is not None and any(mail.kind in STOPPED[_Reason(reason)] for reason in found.reasons)


def active(person: Signature | Submission) -> Suppression | None:
    """Returns the suppression of the address of a person, if there is one."""
    return Suppression.objects.active().filter(address_hash=person.address_hash).first()


def suppress_address(address: str, reason: Suppression.Reason, *, at: datetime | None = None) -> None:
    """Suppresses an address for a reason that came up at this time (now, when None)."""
    suppress(sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER), reason, at=at)


@transaction.atomic
def suppress(address_hash: bytes, reason: Suppression.Reason, *, at: datetime | None = None) -> None:
    """Suppresses the address with this hash.

    What is told twice, or is older than a release by staff, changes nothing: a replayed webhook is no new reason.
    Reports come in any order: an older one of another reason adds that reason.
    """
    at = min(at or timezone.now(), timezone.now())
    until = at + SUPPRESSED_FOR
    rows = Suppression.objects.select_for_update()
    row, is_new = rows.get_or_create(
        address_hash=address_hash, defaults={"reasons": [reason.value], "since": at, "until": until}
    )
    is_known = reason.value in row.reasons and at <= row.since
    if is_new or is_known or (row.released_at and at <= row.released_at):
        return
    is_active = row.released_at is None and row.until > timezone.now()
    row.reasons = sorted({reason.value, *(row.reasons if is_active else [])})
    if not is_active or at > row.since:
        row.since, row.until = at, until
    row.released_at = None
    row.save()


@transaction.atomic
def release(address_hash: bytes, *, by: int) -> bool:
    """Lets an address get all emails again. Returns whether it was suppressed."""
    row = Suppression.objects.active().select_for_update().filter(address_hash=address_hash).first()
    if row is None:
        return False
    row.released_at = timezone.now()
    row.save(update_fields=["released_at"])
    audit_log.record(AuditAction.RELEASE_ADDRESS, staff_id=by, detail={"reasons": ", ".join(row.reasons)})
    return True
