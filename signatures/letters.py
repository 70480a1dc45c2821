"""Decisions of staff about a whole letter, with an audit entry: which one is on the front page, and deleting one."""

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from campaign.models import Letter
from signatures.audit import audit_log
from signatures.models import Signature, Submission
from signatures.registries import AuditAction


class Refused(Exception):
    """What cannot be done with this letter. The message is a sentence for staff."""


def has_signers(letter: Letter) -> bool:
    """Returns whether somebody has signed it, or has a link by which they may."""
    return any(model.objects.filter(letter=letter).exists() for model in (Signature, Submission))


@transaction.atomic
def put_first(letter: Letter, *, by: int) -> None:
    """Put the letter on the front page, until staff put another one there or it leaves the index.

    Raises:
        Refused: when it is not in the index.
    """
    if not Letter.objects.listed().filter(pk=letter.pk).exists():
        raise Refused("Only a letter that is public and not archived can be on the front page.")
    _forget_choice()
    Letter.objects.filter(pk=letter.pk).update(put_first_at=timezone.now())
    audit_log.record(AuditAction.PUT_FIRST, staff_id=by, letter_id=letter.pk)


@transaction.atomic
def put_first_by_itself(letter: Letter, *, by: int) -> None:
    """Show the newest open letter on the front page again, as it is as long as nobody chose one.

    Raises:
        Refused: when this letter is not the chosen one.
    """
    if not Letter.objects.filter(pk=letter.pk, put_first_at__isnull=False).exists():
        raise Refused("Nobody has put this letter on the front page.")
    _forget_choice()
    audit_log.record(AuditAction.PUT_FIRST_BY_ITSELF, staff_id=by, letter_id=letter.pk)


def _forget_choice() -> None:
    """Leave no choice that would come back by itself once a later one ends."""
    Letter.objects.exclude(put_first_at=None).update(put_first_at=None)


@transaction.atomic
def delete(letter: Letter, *, by: int) -> None:
    """Delete a letter that nobody signed, with its texts and news.

    It is a draft first, because the database keeps the texts of every other letter.

    Raises:
        Refused: when somebody signed it, or more of it is kept.
    """
    # It waits for forms that are being stored, and sees them.
    locked = Letter.objects.select_for_update().get(pk=letter.pk)
    if has_signers(locked):
        raise Refused("People have signed this letter. Archive it instead.")
    audit_log.record(AuditAction.REMOVE_LETTER, staff_id=by, letter_id=locked.pk, reason=locked.slug)
    try:
        with transaction.atomic():
            Letter.objects.filter(pk=locked.pk).update(state=Letter.State.DRAFT)
            locked.delete()
    except (models.ProtectedError, IntegrityError):
        raise Refused("A delivery, a bulk rule or an import from paper belongs to it. Archive it instead.") from None
