"""Messages about edit conflicts: who did what meanwhile, and the state of the signature now (threat model A7)."""

from collections.abc import Iterator, Sequence

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from signatures.audit import audit_log
from signatures.models import AuditEntry, Signature
from signatures.registries import ActionGroup, AuditAction, find_action
from signatures.states import State


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
    action = find_action(entry.action)
    return format_html(
        'Signature <a href="{}">{}</a>: {} {} at {} (UTC). Its state is now: {}.',
        reverse("admin:signatures_signature_change", args=[signature_id]),
        signature_id,
        _actor(action, username),
        (action and action.words_for_others) or entry.action,
        f"{entry.at:%H:%M}",
        _state(row),
    )


def _actor(action: AuditAction | None, username: str) -> str:
    if action is AuditAction.REPORT:
        return "A reader"
    if action and action.group is ActionGroup.SIGNERS:
        return "Its signer"
    return f"Somebody else ({username})" if username else "A rule"


def _state(row: Signature | None) -> str:
    if row is None:
        return "deleted"
    flags = f" ({', '.join(row.flags)})" if row.flags else ""
    return f"{State(row.state).label}{flags}"
