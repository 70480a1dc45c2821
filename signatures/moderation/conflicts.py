"""What the second of two is told: who did what meanwhile, and how the signature stands now (SECURITY.md A7)."""

from collections.abc import Iterator, Sequence

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from signatures.audit import audit_log
from signatures.models import AuditEntry, Signature
from signatures.registries import ActionGroup, AuditAction, find_action
from signatures.states import State


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
    action = find_action(entry.action)
    if action is AuditAction.REPORT:
        who = "A reader"
    elif action and action.group is ActionGroup.SIGNERS:
        who = "Its signer"
    elif entry.staff_id:
        who = f"Somebody else ({user or entry.staff_id})"
    else:
        who = "A rule"
    now = str(State(row.state).label if row else "gone")
    if row and row.flags:
        now = f"{now} ({', '.join(row.flags)})"
    page = reverse("admin:signatures_signature_change", args=[number])
    return format_html(
        "Signature {}: {} {} at {} (UTC). It stands now as: {}.",
        format_html('<a href="{}">{}</a>', page, number),
        who,
        (action and action.words_for_others) or entry.action,
        entry.at.strftime("%H:%M"),
        now,
    )
