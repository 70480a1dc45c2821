"""Words that somebody sends from a personal page: screened, counted in the rate limits, and handed to an action."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from signatures.models import Signature, Submission
from signatures.screening import rate_limits, submission_risk
from signatures.signing.mailbox_places import lock_mailbox
from signatures.signing.personal_forms import SignatureForm
from signatures.transitions import lock, lock_submission


def send(row: Signature | Submission, form: SignatureForm, action: Callable[..., Any]) -> None:
    """Run the action with the words of a valid form, and the flags that they raise.

    Words that were counted before are not counted again. The row keeps the marks of new ones, by which it is found if
    they turn out to be a burst.

    Raises:
        TransitionNotAllowed: when the row is gone, or the action is not allowed.
    """
    typed = form.signer_input()
    words: dict[str, Any] = {"typed": typed, "no_updates": bool(form.cleaned_data.get("no_updates"))}
    flags = submission_risk.screen_words(typed.values, form.translation)
    if not submission_risk.changed_buckets(typed.values, row):
        action(row, flags=flags, **words)
        return
    # Locked, so that a button pressed several times at once is counted once; the mailbox first, as everywhere, so that
    # no two buttons of one mailbox wait for each other (threat model C6).
    with transaction.atomic():
        lock_mailbox(row)
        locked = lock(row) if isinstance(row, Signature) else lock_submission(row)
        verdict = rate_limits.count_event(submission_risk.changed_buckets(typed.values, locked))
        if not {*verdict.marks} <= {*locked.marks}:
            locked.marks = sorted({*locked.marks, *verdict.marks})
            locked.save(update_fields=["marks"])
        action(row, flags=sorted({*flags, *verdict.flags}), **words)
