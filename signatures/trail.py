"""What was done, by whom. Entries hold ids and codes, never a name or an address."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from signatures.models import Signature, State, TrailEntry

READING = ("view", "search")  # entries that tell of no more than a look
# What the entries say, in plain words, grouped as staff look for them.
KINDS: Mapping[str, tuple[Promise, Mapping[str, Promise]]] = {
    "decisions": (
        _("decisions"),
        {
            "approve": _("Approved."),
            "reject": _("Not accepted."),
            "hold": _("Put aside."),
            "undo": _("Took the last decision back."),
            "ask": _("Asked the signer a question."),
            "feature": _("Marked as notable."),
            "unfeature": _("Marked as notable no longer."),
            "import": _("Took it in from paper."),
            "undo-import": _("Took the import from paper back."),
        },
    ),
    "rules": (
        _("rules about many"),
        {
            "rule-made": _("Wrote a rule."),
            "rule-started": _("Began an invalidation."),
            "rule-changed": _("The number had changed: the rule goes back to its preview."),
            "rule-cancelled": _("Cancelled an invalidation."),
            "rule-done": _("The invalidation is done."),
            "rule-undo": _("Began to undo an invalidation."),
            "rule-undone": _("The invalidation is undone."),
            "rule-dropped": _("Threw a rule away."),
            "invalidate": _("A rule took it."),
            "flag": _("Flagged afterwards: it belongs to a flood."),
            "block-on": _("Switched a block on."),
            "block-off": _("Switched a block off."),
            "block-end": _("Ended a block."),
        },
    ),
    "staff": (
        _("staff: logins, accounts, factors"),
        {
            "login": _("Logged in."),
            "login-again": _("Signed in afresh."),
            "login-failed": _("A login failed."),
            "factor-failed": _("A code was wrong."),
            "login-locked": _("Too many tries: this name is locked for that network."),
            "login-flood": _("Too many failed logins from one network; the next ones are not told."),
            "logout": _("Logged out."),
            "invite": _("Invited somebody."),
            "ask-password": _("A new password was asked for."),
            "set-password": _("Set a password."),
            "set-account": _("Changed an account."),
            "set-roles": _("Changed the roles of an account."),
            "factor-added": _("Set up a second factor."),
            "factor-removed": _("A second factor was removed."),
            "recovery-codes": _("Made new recovery codes."),
        },
    ),
    "looks": (
        _("views and searches"),
        {"view": _("Looked at the details of one signer."), "search": _("Searched among the signatures.")},
    ),
    "exports": (
        _("exports"),
        {
            "export": _("Took away the list of those who signed."),
            "open-addresses": _("Opened the addresses kept for updates."),
            "mail-questions": _("Queued mails to those who were asked."),
            "mail-updates": _("Queued mails about what became of the letter."),
        },
    ),
    "deliveries": (
        _("deliveries"),
        {
            "freeze": _("Froze a delivery."),
            "make-files": _("Asked for the files of a delivery."),
            "stop-files": _("Stopped the making of the files."),
            "download": _("Took a package away."),
            "hand-over": _("Told that a delivery was handed over."),
            "acknowledge": _("Told that a delivery was acknowledged."),
            "void": _("Voided a delivery."),
        },
    ),
    "signers": (
        _("what signers did"),
        {
            "confirm": _("The signer confirmed."),
            "change": _("The signer changed words or audience."),
            "answer": _("The signer answered: it is right as it stands."),
            "withdraw": _("The signer took the name back."),
            "erase": _("The signer erased everything."),
            "end-updates": _("The signer wants no more mails about the letter."),
            "not-me": _("The mailbox's owner never signed; it was deleted."),
        },
    ),
    "settings": (
        _("changes of lists, limits and letters"),
        {
            "publish": _("Published a text: it is frozen."),
            "announce": _("Published news on a letter."),
            "retract": _("Took news off the page."),
            "pause": _("Paused signing."),
            "resume": _("Took up signing again."),
            "tighten": _("Tightened the limits."),
            "loosen": _("Loosened the limits."),
        },
    ),
    "house": (
        _("the program itself"),
        {
            "prune": _("Deleted what was kept long enough."),
            "alarm": _("Alarm."),
            "alarm-seen": _("Saw an alarm."),
            "recount": _("Counted all anew."),
            "reconcile": _("Checked that every count agrees."),
        },
    ),
}
SENTENCES = {action: sentence for _title, sentences in KINDS.values() for action, sentence in sentences.items()}

# By hand, because every confirmation passes here: the ORM takes as long to word this as PostgreSQL to do it.
_ADD = """
    INSERT INTO signatures_trailentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def add(
    action: str,
    *,
    staff_id: int | None = None,
    letter_id: int | None = None,
    signature_id: int | None = None,
    was: str = "",
    now: str = "",
    reason: str = "",
    detail: Mapping[str, str | int] | None = None,
) -> None:
    """Write one entry, in the transaction of what it tells."""
    entry = (timezone.now(), action, staff_id, letter_id, signature_id, was, now, reason, json.dumps(detail or {}))
    with connection.cursor() as cursor:
        cursor.execute(_ADD, entry)


def add_each(action: str, rows: Sequence[Signature], *, staff_id: int, erased: bool = False) -> tuple[int, int]:
    """Write one entry for each of these, which were made or are erased; the numbers of the first and the last."""
    entries = TrailEntry.objects.bulk_create(
        TrailEntry(
            action=action,
            staff_id=staff_id,
            letter_id=row.letter_id,
            signature_id=row.pk,
            was=State(row.state) if erased else "",
            now="erased" if erased else State(row.state),
        )
        for row in rows
    )
    return entries[0].pk, entries[-1].pk


def told(first: int, last: int, *, action: str, letter_id: int) -> list[int]:
    """The signatures that entries of this action in this range tell of."""
    found = TrailEntry.objects.filter(pk__gte=first, pk__lte=last, action=action, letter_id=letter_id)
    return [number for number in found.values_list("signature_id", flat=True) if number is not None]


def viewed(signature: Signature, *, by: int | None, page: str) -> None:
    """Staff looked at the details of one signer."""
    add("view", staff_id=by, letter_id=signature.letter_id, signature_id=signature.pk, detail={"page": page})


def searched(page: str, found: int, *, by: int | None) -> None:
    """Staff searched. Not for what: a name that somebody looks for is a name, too (A9)."""
    add("search", staff_id=by, detail={"page": page, "found": found})


def last_move(signature_id: int) -> TrailEntry | None:
    """The newest entry that changed the state of this signature."""
    return TrailEntry.objects.filter(signature_id=signature_id).exclude(now="").first()


def newest() -> int:
    """The number of the newest entry: what a page that is made now has seen."""
    return TrailEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def of_others(signature_ids: Collection[int], *, by: int | None, after: int) -> dict[int, TrailEntry]:
    """For each of these, the newest entry behind this one by anybody else: staff, signer or rule (SECURITY.md A7)."""
    found = TrailEntry.objects.filter(signature_id__in=signature_ids, pk__gt=after).exclude(action__in=READING)
    if by is not None:
        found = found.exclude(staff_id=by)
    return {entry.signature_id: entry for entry in found.order_by("pk") if entry.signature_id is not None}


def of_staff(staff_id: int, first: int, last: int) -> list[int]:
    """The signatures whose state entries in this range, by this member of staff, changed."""
    found = TrailEntry.objects.filter(pk__gte=first, pk__lte=last, staff_id=staff_id).exclude(now="")
    return [entry.signature_id for entry in found.only("signature_id") if entry.signature_id is not None]


def took_back(signature_id: int, since: datetime) -> bool:
    """Whether its signer took this signature back since then."""
    return TrailEntry.objects.filter(signature_id=signature_id, action="withdraw", at__gte=since).exists()
