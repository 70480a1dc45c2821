"""The switches beside the alarms: signing is paused and taken up again; limits are tightened and loosened."""

from django.db import transaction

from campaign.models import Letter
from signatures import limits, trail
from signatures.models import Limit
from signatures.workflow.moves import NotAllowed

TIGHTER = 10  # an office still signs; a script runs into it within a minute


def pause(letter: Letter, *, by: int) -> None:
    """Take no new sign-ups for this letter; who has signed up may still confirm.

    Raises:
        NotAllowed: unless it is open.
    """
    _turn(letter, Letter.State.OPEN, Letter.State.PAUSED, "pause", by)


def resume(letter: Letter, *, by: int) -> None:
    """Take sign-ups again.

    Raises:
        NotAllowed: unless it is paused.
    """
    _turn(letter, Letter.State.PAUSED, Letter.State.OPEN, "resume", by)


@transaction.atomic
def _turn(letter: Letter, was: Letter.State, now: Letter.State, action: str, by: int) -> None:
    locked = Letter.objects.select_for_update().get(pk=letter.pk)
    if locked.state != was:
        raise NotAllowed(f"{locked.state} → {now}")
    locked.state = now
    locked.save(update_fields=["state"])
    trail.add(action, staff_id=by, letter_id=locked.pk, was=was, now=now)


def tighten(*, by: int) -> None:
    """Divide what one network and one mail domain may do; what is over it is flagged, and nobody refused.

    Raises:
        NotAllowed: when it is done already.
    """
    _divide(TIGHTER, "tighten", by)


def loosen(*, by: int) -> None:
    """Let the limits be as staff have set them.

    Raises:
        NotAllowed: when they are.
    """
    _divide(1, "loosen", by)


@transaction.atomic
def _divide(divisor: int, action: str, by: int) -> None:
    chosen = Limit.objects.filter(of__in=limits.TIGHTENED).exclude(divisor=divisor)
    if not chosen.update(divisor=divisor):
        raise NotAllowed(f"The limits are divided by {divisor} already.")
    trail.add(action, staff_id=by, detail={"divisor": divisor})
    limits.forget_limits()
