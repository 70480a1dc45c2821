"""Leaving: no more updates, withdrawing, erasing, and "this was not me"."""

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from signatures.audit import audit_log
from signatures.delivery.errata import blank_entries, record_errata
from signatures.models import FormerMarks, Signature, Submission, Suppression, Tombstone
from signatures.outbox import queue, suppressions
from signatures.registries import AuditAction, Flag
from signatures.registries.typed_fields import BLANKED_ON_WITHDRAWAL, DERIVED_FROM_WORDS
from signatures.signing import rules_behind_flags
from signatures.signing.answers import mark_answered
from signatures.states import State
from signatures.transitions import lock, transition
from signatures.values import sealing


@transaction.atomic
def unsubscribe(signature: Signature) -> None:
    """Delete the address that was kept for updates; those that are queued are not sent. Harmless when repeated.

    A copy for a question of staff stays until they have decided (R13).
    """
    locked = lock(signature)
    if locked.sealed_address is not None:
        audit_log.record(AuditAction.END_UPDATES, letter_id=locked.letter_id, signature_id=locked.pk)
        locked.sealed_address = None
        locked.save(update_fields=["sealed_address"])


@transaction.atomic
def withdraw(
    signature: Signature, *, action: AuditAction = AuditAction.WITHDRAW, by: int | None = None, request: int = 0
) -> Signature:
    """Withdraw a signature for good: delete what was typed, the kept address and the queued emails.

    Who signs anew makes another signature. This one keeps its flags, so that the other one gets them, and leaves its
    marks. Staff who do it in place of the signer name their account (`by`) and the number of the request.

    Raises:
        TransitionNotAllowed: when it was withdrawn before.
    """
    locked = lock(signature)
    _leave_marks(locked)
    blank: dict[str, Any] = {
        **dict.fromkeys((*BLANKED_ON_WITHDRAWAL, *DERIVED_FROM_WORDS, "question", "network", "mailbox"), ""),
        "flags": _flags_kept(locked),
        "domains": [],
        "marks": [],
        "sealed_address": None,
        "question_address": None,
        "featured_position": None,
        "hidden_at": None,
        "place": None,
    }
    for field, value in blank.items():
        setattr(locked, field, value)
    record_errata([locked.pk])
    withdrawn = transition(locked, State.WITHDRAWN, action=action, changed=list(blank), by=by, detail=_detail(request))
    _leave_links(locked)
    queue.discard(locked.pk)
    return withdrawn


def _flags_kept(signature: Signature) -> list[str]:
    """Returns the flags that a new signature with the same address gets: all, because leaving decides nothing.

    An open question becomes an answered one, as it does when the words are changed.
    """
    was_rejected = {Flag.REJECTED_BEFORE} if signature.state == State.REJECTED else set()
    return sorted({*mark_answered(signature.flags)} | was_rejected)


@transaction.atomic
def erase(
    signature: Signature, *, action: AuditAction = AuditAction.ERASE, by: int | None = None, request: int = 0
) -> None:
    """Delete the row and everything that belongs to it. A tombstone keeps a restored backup from bringing it back.

    Staff who do it in place of the signer name their account (`by`) and the number of the request.

    Raises:
        TransitionNotAllowed: when it is erased already.
    """
    locked = lock(signature)
    _leave_tombstone(locked, _flags_kept(locked))
    errata = record_errata([locked.pk])
    blank_entries([locked.pk], errata)
    audit_log.record(
        action, staff_id=by, letter_id=locked.letter_id, signature_id=locked.pk, was=locked.state, now="erased",
        detail=_detail(request),
    )  # fmt: skip
    _leave_links(locked)
    locked.delete()


def _detail(request: int) -> dict[str, int]:
    return {"request": request} if request else {}


def _leave_marks(row: Signature | Submission) -> None:
    if row.marks and row.address_hash is not None:
        FormerMarks.objects.create(
            letter_id=row.letter_id, address_hash=row.address_hash, marks=row.marks, signed_up_at=row.signed_up_at
        )


def _leave_links(row: Signature | Submission) -> None:
    """Leave an email with links that waits to the other people of this mailbox, who were promised it, if any (S31)."""
    same_address = Submission.objects.filter(letter=row.letter_id, address_hash=row.address_hash).exclude(pk=row.pk)
    signatures = Signature.objects.of_mailbox(row).exclude(pk=row.pk)
    heir = signatures.standing().first() or signatures.first() or same_address.order_by("-pk").first()
    queue.move_links(row.pk, heir.pk if heir else None)


def _leave_tombstone(row: Signature | Submission, flags: Collection[str]) -> None:
    _leave_marks(row)
    kept, rules = rules_behind_flags.kept(row, flags)
    Tombstone.objects.get_or_create(
        public_id=sealing.hidden_id(row.public_id, pepper=settings.EMAIL_HASH_PEPPER),
        defaults={
            "letter_id": row.letter_id, "kind": row.kind, "address_hash": row.address_hash, "at": timezone.now(),
            "flags": kept, "rules": rules,
        },
    )  # fmt: skip


@transaction.atomic
def not_me(row: Signature | Submission) -> None:
    """Delete what somebody else typed with this address, and send it no email to confirm for 30 days.

    Other signatures of the address stay, and so do the links to them that its owner asks for.

    Raises:
        TransitionNotAllowed: when it is a signature that is erased already.
    """
    if isinstance(row, Signature):
        erase(row, action=AuditAction.NOT_ME)
    elif delete_submission(row):
        audit_log.record(AuditAction.NOT_ME, letter_id=row.letter_id, signature_id=row.pk)
    if row.address_hash is not None:
        suppressions.suppress(bytes(row.address_hash), Suppression.Reason.NOT_ME)


@transaction.atomic
def delete_submission(submission: Submission) -> bool:
    """Delete a submission, with its emails that are not sent yet. Returns whether it was still there.

    Its flags and marks stay, as those of an erased signature do.
    """
    row = Submission.objects.select_for_update().filter(pk=submission.pk).first()
    if row is None:
        return False
    _leave_tombstone(row, row.flags)
    queue.discard_confirmations(row.pk)
    _leave_links(row)
    row.delete()
    return True
