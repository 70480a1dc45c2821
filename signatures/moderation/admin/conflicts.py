"""Messages about edit conflicts: who did what meanwhile, and the state of the signature now (threat model A7)."""

from collections.abc import Iterator, Sequence

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from signatures.audit import audit_log
from signatures.models import AuditEntry, Signature
from signatures.states import State

DESCRIPTIONS = {
    "approve": "approved it",
    "reject": "rejected it",
    "hold": "put it on hold",
    "ask": "asked its signer a question",
    "undo": "undid a decision",
    "feature": "featured it",
    "unfeature": "no longer features it",
    "place": "moved it among the featured signatures",
    "confirm": "confirmed it",
    "change": "changed it",
    "answer": "answered a question",
    "withdraw": "withdrew it",
}
SIGNER_ACTIONS = {"confirm", "change", "answer", "withdraw", "erase", "not-me"}


def conflict_messages(signature_ids: Sequence[int], *, by: int, as_of: int | None) -> Iterator[SafeString]:
    """Yields a sentence for each of these signatures that somebody else changed after the audit entry `as_of`.

    The sentences hold numbers and no names, because messages are stored in a cookie.
    """
    if not signature_ids or as_of is None:
        return
    entries = audit_log.changes_by_others(signature_ids, by=by, after=as_of)
    if not entries:
        return
    accounts = get_user_model().objects.in_bulk({entry.staff_id for entry in entries.values() if entry.staff_id})
    rows = Signature.objects.only("pk", "state", "flags").in_bulk(entries)
    for signature_id, entry in sorted(entries.items()):
        username = str(accounts.get(entry.staff_id or 0, entry.staff_id or ""))
        yield _message(signature_id, rows.get(signature_id), entry, username)


def _message(signature_id: int, row: Signature | None, entry: AuditEntry, username: str) -> SafeString:
    return format_html(
        'Signature <a href="{}">{}</a>: {} {} at {} (UTC). Its state is now: {}.',
        reverse("admin:signatures_signature_change", args=[signature_id]),
        signature_id,
        _actor(entry, username),
        DESCRIPTIONS.get(entry.action, entry.action),
        f"{entry.at:%H:%M}",
        _state(row),
    )


def _actor(entry: AuditEntry, username: str) -> str:
    if entry.action in SIGNER_ACTIONS:
        return "Its signer"
    return f"Somebody else ({username})" if entry.staff_id else "A rule"


def _state(row: Signature | None) -> str:
    if row is None:
        return "deleted"
    flags = f" ({', '.join(row.flags)})" if row.flags else ""
    return f"{State(row.state).label}{flags}"
