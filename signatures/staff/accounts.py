"""The accounts of staff: invited, given a password and a second factor, and what ends their sessions."""

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q

from signatures.audit import audit_log
from signatures.models import OutboxMail
from signatures.outbox import queue
from signatures.registries import AuditAction
from signatures.staff import sessions


@transaction.atomic
def invite(person: User, role: Group, *, by: int) -> None:
    """Make the account, without a password: who has the mailbox sets one."""
    person.set_unusable_password()
    person.is_staff = True
    person.save()
    person.groups.add(role)
    audit_log.record(AuditAction.INVITE, staff_id=by, detail={"account": person.pk, "role": role.name})
    queue.enqueue_for_staff([person.pk], kind=OutboxMail.Kind.INVITE)


@transaction.atomic
def resend_invitation(person: User, *, by: int) -> bool:
    """Send the invitation once more; whether it goes (not to who has a password, nor too often)."""
    if person.has_usable_password() or not queue.enqueue_for_staff([person.pk], kind=OutboxMail.Kind.INVITE):
        return False
    audit_log.record(AuditAction.INVITE, staff_id=by, detail={"account": person.pk})
    return True


@transaction.atomic
def change(person: User, *, by: int, what: str) -> None:
    """Keep what an owner changed of an account; a closed one is out at once."""
    person.save()
    audit_log.record(AuditAction.SET_ACCOUNT, staff_id=by, reason=what[:300], detail={"account": person.pk})
    if not person.is_active:
        sessions.end_all(person.pk)


@transaction.atomic
def request_password_reset(typed: str) -> None:
    """Mail the way to a new password to whom this name or address belongs.

    The same statements for everybody, whether there is such an account or not (SECURITY.md A13).
    """
    who = User.objects.filter(Q(username=typed) | Q(email__iexact=typed, email__gt=""), is_active=True, is_staff=True)
    found = list(who.values_list("pk", flat=True)[:1])
    queue.enqueue_for_staff(found or [0], kind=OutboxMail.Kind.RESET)  # of nobody Django would ask nothing
    audit_log.record(AuditAction.ASK_PASSWORD, staff_id=found[0] if found else None)


@transaction.atomic
def set_password(person: User, password: str) -> None:
    """The second factor stays as it is: a mailbox alone opens nothing."""
    person.set_password(password)
    person.save(update_fields=["password"])
    password_changed(person.pk)


def password_changed(person: int, *, but: str | None = None) -> None:
    """Told by who changed it; the session with this key may go on."""
    sessions.end_all(person, but=but)
    audit_log.record(AuditAction.SET_PASSWORD, staff_id=person)


def find_account_id(name: str) -> int | None:
    """The account of this name."""
    return User.objects.filter(username=name).values_list("pk", flat=True).first()


# The second factor
