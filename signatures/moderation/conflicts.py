"""What the second of two is told: who did what meanwhile, and how the signature stands now (SECURITY.md A7)."""

from collections.abc import Iterator, Sequence

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from signatures.audit import audit_log
from signatures.models import AuditEntry, Signature
from signatures.states import State

DID = {
    "approve": "approved it",
    "reject": "rejected it",
    "hold": "put it aside",
    "ask": "asked its signer a question",
    "undo": "took a decision back",
    "feature": "made it a featured_position",
    "unfeature": "took it off the featured",
    "place": "moved it among the featured",
    "confirm": "confirmed it",
    "change": "changed it",
    "answer": "answered a question",
    "withdraw": "took it back",
}
OF_SIGNER = {"confirm", "change", "answer", "withdraw", "erase", "not-me"}


def conflict_messages(left: Sequence[int], *, by: int, as_of: int | None) -> Iterator[SafeString]:
    """A sentence for each of these signatures that somebody else did something with since the entry `as_of`.

    By number and without a name: messages go through a cookie.
    """
    entries = audit_log.changes_by_others(left, by=by, after=as_of) if left and as_of is not None else {}
    if not entries:
        return
    staff = {entry.staff_id for entry in entries.values() if entry.staff_id}
    users = get_user_model().objects.in_bulk(staff)
    rows = Signature.objects.only("pk", "state", "flags").in_bulk(entries)
    for number, entry in sorted(entries.items()):
        yield _line(number, rows.get(number), entry, str(users.get(entry.staff_id or 0, "")))


def _line(number: int, row: Signature | None, entry: AuditEntry, user: str) -> SafeString:
    if entry.action in OF_SIGNER:
        who = str("Its signer")
    elif entry.staff_id:
        who = "Somebody else (%(user)s)" % {"user": user or entry.staff_id}
    else:
        who = str("A rule")
    now = str(State(row.state).label if row else "gone")
    if row and row.flags:
        now = f"{now} ({', '.join(row.flags)})"
    page = reverse("admin:signatures_signature_change", args=[number])
    return format_html(
        str("Signature {}: {} {} at {} (UTC). It stands now as: {}."),
        format_html('<a href="{}">{}</a>', page, number),
        who,
        DID.get(entry.action, entry.action),
        entry.at.strftime("%H:%M"),
        now,
    )
