"""What was done, by whom. Entries hold ids and codes, never a name or an address."""

import json
from collections.abc import Collection, Mapping, Sequence

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise

from signatures.models import AuditEntry, Signature
from signatures.states import State

READ_ACTIONS = ("view", "search")  # entries that tell of no more than a look
# What the entries say, in plain words, grouped as staff look for them.
KINDS: Mapping[str, tuple[Promise, Mapping[str, Promise]]] = {
    "decisions": (
        "decisions",
        {
            "approve": "Approved.",
            "reject": "Not accepted.",
            "hold": "Put aside.",
            "undo": "Took the last decision back.",
            "ask": "Asked the signer a question.",
            "feature": "Marked as featured_position.",
            "unfeature": "Marked as featured_position no longer.",
            "dismiss-report": "Saw a report: the name stays.",
            "import": "Took it in from paper.",
            "undo-import": "Took the import from paper back.",
        },
    ),
    "rules": (
        "rules about many",
        {
            "rule-made": "Wrote a rule.",
            "rule-started": "Began an invalidation.",
            "rule-changed": "The number had changed: the rule goes back to its preview.",
            "rule-cancelled": "Cancelled an invalidation.",
            "rule-done": "The invalidation is done.",
            "rule-undo": "Began to undo an invalidation.",
            "rule-undone": "The invalidation is undone.",
            "rule-dropped": "Threw a rule away.",
            "invalidate": "A rule took it.",
            "flag": "Flagged afterwards: it belongs to a flood.",
            "block-on": "Switched a block on.",
            "block-off": "Switched a block off.",
            "block-end": "Ended a block.",
        },
    ),
    "staff": (
        "staff: logins, accounts, factors",
        {
            "login": "Logged in.",
            "login-again": "Signed in afresh.",
            "login-failed": "A login failed.",
            "second-factor-failed": "A code was wrong.",
            "login-locked": "Too many tries: this name is locked for that network.",
            "login-flood": "Too many failed logins from one network; the next ones are not told.",
            "logout": "Logged out.",
            "invite": "Invited somebody.",
            "ask-password": "A new password was asked for.",
            "set-password": "Set a password.",
            "set-account": "Changed an account.",
            "set-roles": "Changed the roles of an account.",
            "second-factor-added": "Set up a second factor.",
            "second-factor-removed": "A second factor was removed.",
            "recovery-codes": "Made new recovery codes.",
        },
    ),
    "looks": (
        "views and searches",
        {"view": "Looked at the details of one signer.", "search": "Searched among the signatures."},
    ),
    "exports": (
        "exports",
        {
            "export": "Took away the list of those who signed.",
            "export-subscribers": "Opened the addresses kept for updates.",
            "queue-questions": "Queued emails to those who were asked.",
            "queue-updates": "Queued emails about what became of the letter.",
        },
    ),
    "deliveries": (
        "deliveries",
        {
            "freeze": "Froze a delivery.",
            "make-files": "Asked for the files of a delivery.",
            "stop-files": "Stopped the making of the files.",
            "download": "Took a package away.",
            "hand-over": "Told that a delivery was handed over.",
            "acknowledge": "Told that a delivery was acknowledged.",
            "void": "Voided a delivery.",
        },
    ),
    "signers": (
        "what signers and readers did",
        {
            "confirm": "The signer confirmed.",
            "change": "The signer changed words or audience.",
            "answer": "The signer answered: it is right as it stands.",
            "withdraw": "The signer took the name back.",
            "erase": "The signer erased everything.",
            "end-updates": "The signer wants no more emails about the letter.",
            "report": "A reader reported the public name.",
            "not-me": "The mailbox's owner never signed; it was deleted.",
        },
    ),
    "settings": (
        "changes of lists, limits and letters",
        {
            "publish": "Published a text: it is frozen.",
            "announce": "Published news on a letter.",
            "retract": "Took news off the page.",
            "pause": "Paused signing.",
            "resume": "Took up signing again.",
            "tighten": "Tightened the limits.",
            "loosen": "Loosened the limits.",
        },
    ),
    "house": (
        "the program itself",
        {
            "prune": "Deleted what was kept long enough.",
            "alarm": "Alarm.",
            "alarm-seen": "Saw an alarm.",
            "recount": "Counted all anew.",
            "reconcile": "Checked that every count agrees.",
        },
    ),
}
SENTENCES = {action: sentence for _title, sentences in KINDS.values() for action, sentence in sentences.items()}

# By hand, because every confirmation passes here: the ORM takes as long to word this as PostgreSQL to do it.
_ADD = """
    INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def record(
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


def record_each(action: str, rows: Sequence[Signature], *, staff_id: int, erased: bool = False) -> tuple[int, int]:
    """Write one entry for each of these, which were made or are erased; the numbers of the first and the last."""
    entries = AuditEntry.objects.bulk_create(
        AuditEntry(
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


def signatures_in(first: int, last: int, *, action: str, letter_id: int) -> list[int]:
    """The signatures that entries of this action in this range tell of."""
    found = AuditEntry.objects.filter(pk__gte=first, pk__lte=last, action=action, letter_id=letter_id)
    return [number for number in found.values_list("signature_id", flat=True) if number is not None]


def record_view(signature: Signature, *, by: int | None, page: str) -> None:
    """Staff looked at the details of one signer."""
    record("view", staff_id=by, letter_id=signature.letter_id, signature_id=signature.pk, detail={"page": page})


def record_search(page: str, found: int, *, by: int | None) -> None:
    """Staff searched. Not for what: a name that somebody looks for is a name, too (A9)."""
    record("search", staff_id=by, detail={"page": page, "found": found})


def last_transition(signature_id: int) -> AuditEntry | None:
    """The newest entry that changed the state of this signature."""
    return AuditEntry.objects.filter(signature_id=signature_id).exclude(now="").first()


def newest_id() -> int:
    """The number of the newest entry: what a page that is made now has seen."""
    return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def changes_by_others(signature_ids: Collection[int], *, by: int | None, after: int) -> dict[int, AuditEntry]:
    """For each of these, the newest entry behind this one by anybody else: staff, signer or rule (SECURITY.md A7)."""
    found = AuditEntry.objects.filter(signature_id__in=signature_ids, pk__gt=after).exclude(action__in=READ_ACTIONS)
    if by is not None:
        found = found.exclude(staff_id=by)
    return {entry.signature_id: entry for entry in found.order_by("pk") if entry.signature_id is not None}


def signatures_changed_by(staff_id: int, first: int, last: int) -> list[int]:
    """The signatures whose state entries in this range, by this member of staff, changed."""
    found = AuditEntry.objects.filter(pk__gte=first, pk__lte=last, staff_id=staff_id).exclude(now="")
    return [entry.signature_id for entry in found.only("signature_id") if entry.signature_id is not None]
