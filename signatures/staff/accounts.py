"""Accounts of staff: invitations, changes, passwords."""

from django.contrib.auth.models import Group, User
from django.db import transaction

from campaign.runtime.locks import AdvisoryLock, transaction_lock
from signatures.audit import audit_log
from signatures.models import OutboxMail
from signatures.outbox import queue
from signatures.registries import AuditAction
from signatures.staff import roles, sessions
from signatures.staff.login_attempts import LoginAttempts

SET_BY_OWNERS = ("email", "is_active")  # the columns of an account that an owner changes


@transaction.atomic
def invite(person: User, role: Group, *, by: int) -> None:
    """Create an account without a password. The owner of its email address sets one by the link in the invitation."""
    person.set_unusable_password()
    person.is_staff = True
    person.save()
    person.groups.add(role)
    audit_log.record(AuditAction.INVITE, staff_id=by, detail={"account": person.pk, "role": role.name})
    queue.enqueue_for_staff([person.pk], kind=OutboxMail.Kind.INVITE)


@transaction.atomic
def resend_invitation(person: User, *, by: int) -> bool:
    """Send the invitation again, unless the account has a password, or got several invitations within an hour.

    Returns whether it was sent.
    """
    if person.has_usable_password() or not queue.enqueue_for_staff([person.pk], kind=OutboxMail.Kind.INVITE):
        return False
    audit_log.record(AuditAction.INVITE, staff_id=by, detail={"account": person.pk})
    return True


@transaction.atomic
def change(person: User, *, by: int, fields: str) -> None:
    """Save the changes of an owner to an account. Deactivating it ends its sessions at once.

    The audit log gets the names of the changed fields.
    """
    person.save(update_fields=SET_BY_OWNERS)
    audit_log.record(AuditAction.SET_ACCOUNT, staff_id=by, reason=fields[:300], detail={"account": person.pk})
    if not person.is_active:
        sessions.end_all(person.pk)


@transaction.atomic
def request_password_reset(typed: str, *, network: str, browser: str | None) -> None:
    """Email a link for a new password to the account with this user name or email address, within the limits.

    Runs the same statements whether there is such an account or not (threat model A13). The attempt is counted in the
    same transaction: so each has something to write to the disk, also when the audit log takes no more entries (A18).

    Args:
        typed: a user name or an email address.
        network: where the request comes from.
        browser: the mark of a browser with which staff have signed in; None for any other.
    """
    if LoginAttempts(f"forgotten {typed}", network, browser).are_exhausted:
        return
    person = roles.find_account(typed)
    account_id = person.pk if person and person.is_active and person.is_staff else None
    # With an empty list Django runs no statement.
    queue.enqueue_for_staff([account_id or 0], kind=OutboxMail.Kind.RESET)
    audit_log.record(AuditAction.ASK_PASSWORD, staff_id=account_id)


@transaction.atomic
def set_password(person: User, password: str) -> None:
    """Set a password. The second factor stays, so that access to the email account alone is not enough to log in."""
    person.set_password(password)
    person.save(update_fields=["password"])
    password_changed(person.pk)


def password_changed(account_id: int, *, keep_session: str | None = None) -> None:
    """End the sessions of an account whose password was changed, except the one with this key."""
    sessions.end_all(account_id, keep_session=keep_session)
    audit_log.record(AuditAction.SET_PASSWORD, staff_id=account_id)


class LastOwner(Exception):
    """Nobody else could invite, or let in again, whoever is locked out."""


def require_another_owner(account_id: int) -> None:
    """Refuse to go on if this account is the only owner. Called before it is closed, or loses its role.

    The lock is held until the transaction ends: two owners who close each other's accounts wait for one another.

    Raises:
        LastOwner: when there is no other one.
    """
    transaction_lock(AdvisoryLock.OWNERS)
    if roles.owners().filter(pk=account_id) and not roles.owners().exclude(pk=account_id):
        raise LastOwner


def find_account_id(typed: str) -> int | None:
    """Returns the id of the account with this user name or email address."""
    person = roles.find_account(typed)
    return person.pk if person else None
