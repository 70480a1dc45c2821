"""What staff do with one signature because its signer asked for it, and has no link: each with a reason, all recorded.

What changes a delivered signature waits for a second person: the database refuses that one person does both.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from signatures.audit import audit_log
from signatures.models import Delivery, DeliveryEntry, Signature, SignerRequest, Submission
from signatures.outbox import queue
from signatures.registries import AuditAction
from signatures.registries.requests import Channel, RequestKind
from signatures.registries.typed_fields import TYPED_NAMES
from signatures.screening import submission_risk
from signatures.signing import confirmation, mailbox_places, withdrawal
from signatures.signing.signer_input import SignerInput
from signatures.states import State, Visibility
from signatures.transitions import EditConflict, TransitionNotAllowed, lock, lock_submission
from signatures.values import names, sealing


def possible(signature: Signature) -> list[RequestKind]:
    """Returns what can be done about a signature in its state."""
    if signature.state == State.WITHDRAWN:
        return [RequestKind.ERASE]
    kinds = [RequestKind.WITHDRAW, RequestKind.ERASE]
    if signature.name:
        kinds.append(RequestKind.CORRECT)
    if signature.hidden_at:
        kinds.append(RequestKind.SHOW)
    elif signature.visibility == Visibility.PUBLIC:
        kinds.append(RequestKind.HIDE)
    return kinds if signature.paper else [*kinds, RequestKind.RESEND]


def words_of(signature: Signature) -> dict[str, str]:
    """Returns the words of a signature that staff can correct."""
    return {name: getattr(signature, name) for name in SignerRequest.CORRECTED}


def is_delivered(signature_id: int) -> bool:
    """Returns whether a delivery was handed over with this signature."""
    return DeliveryEntry.objects.filter(
        signature_id=signature_id, delivery__in=Delivery.objects.handed_over()
    ).exists()  # fmt: skip


@transaction.atomic
def ask(
    signature: Signature,
    kind: RequestKind,
    *,
    by: int,
    reason: str,
    channel: Channel,
    words: Mapping[str, str] | None = None,
    shown: Mapping[str, str] | None = None,
    address: str = "",
) -> SignerRequest:
    """Record a request, and do it, unless a second person has to confirm it.

    Args:
        signature: what it is about.
        kind: what for; one of `possible`.
        by: the account of the member of staff.
        reason: why, without names.
        channel: how the request came.
        words: of a correction, those of `SignerRequest.CORRECTED` that become others.
        shown: the words that the page showed; None checks nothing.
        address: to which the link is sent again. It is not kept.

    Raises:
        EditConflict: when the signature has other words than those shown.
        NoPlace: when the same mailbox has another signature with the corrected name.
        TransitionNotAllowed: when it is not possible, or waits for a second person already.
    """
    mailbox_places.lock_mailbox(signature)
    locked = lock(signature)
    if kind not in possible(locked) or not reason.strip():
        raise TransitionNotAllowed("This is not possible in its state, or there is no reason.")
    if words is not None:
        words = _corrected_words(locked, words, shown or {})
    needs_second = kind.changes_delivered and is_delivered(locked.pk)
    request = _record(locked, kind, by=by, reason=reason, channel=channel, needs_second=needs_second, words=words)
    if not needs_second:
        _do(request, by=by, address=address)
    return request


@transaction.atomic
def confirm_on_evidence(submission: Submission, *, by: int, reason: str, channel: Channel) -> SignerRequest:
    """Confirm a submission in place of its signer, whose email never came.

    Raises:
        NoPlace: when what the mailbox has signed already is in the way.
        TransitionNotAllowed: when it is gone, or the letter was closed more than 24 hours ago.
    """
    mailbox_places.lock_mailbox(submission)
    locked = lock_submission(submission)
    values = {name: getattr(locked, name) for name in TYPED_NAMES}
    typed = SignerInput(locked.translation, locked.email_language, values)
    request = _record(locked, RequestKind.EVIDENCE, by=by, reason=reason, channel=channel)
    flags = submission_risk.screen_words(values, locked.translation)
    confirmation.confirm(locked, typed, flags=flags, on_evidence=True)
    return _decide(request, SignerRequest.State.DONE, by=by)


@transaction.atomic
def confirm(request: SignerRequest, *, by: int) -> SignerRequest:
    """Do what somebody else recorded.

    Raises:
        NoPlace: when the same mailbox has another signature with the corrected name.
        TransitionNotAllowed: when it was decided, is one's own, or its signer changed the words meanwhile.
    """
    locked = _lock_open(request)
    if locked.staff_id == by:
        raise TransitionNotAllowed("A second person has to confirm it, because it was delivered.")
    return _do(locked, by=by)


@transaction.atomic
def decline(request: SignerRequest, *, by: int) -> SignerRequest:
    """Leave a signature as it is. Whoever recorded the request can take it back so, too.

    Raises:
        TransitionNotAllowed: when it was decided.
    """
    locked = _lock_open(request)
    audit_log.record(
        AuditAction.REQUEST_DECLINED, staff_id=by, letter_id=locked.letter_id, signature_id=locked.signature_id,
        detail={"request": locked.pk, "kind": locked.kind},
    )  # fmt: skip
    locked.words = None
    return _decide(locked, SignerRequest.State.DECLINED, by=by)


def _corrected_words(locked: Signature, words: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, str]:
    before = words_of(locked)
    if before != {**before, **shown}:
        raise EditConflict("The words were changed meanwhile.")
    if before == (after := {**before, **words}):
        raise TransitionNotAllowed("Nothing is different.")
    return after


def _record(row: Signature | Submission, kind: RequestKind, *, by: int, reason: str, **fields: Any) -> SignerRequest:
    try:
        with transaction.atomic():
            request = SignerRequest.objects.create(
                letter_id=row.letter_id, signature_id=row.pk, kind=kind, staff_id=by, reason=reason.strip(),
                **{"needs_second": False, **fields},
            )  # fmt: skip
    except IntegrityError:
        raise TransitionNotAllowed("It waits for a second person already.") from None
    audit_log.record(
        AuditAction.REQUEST, staff_id=by, letter_id=row.letter_id, signature_id=row.pk, reason=request.reason,
        detail={"request": request.pk, "kind": kind, "channel": request.channel},
    )  # fmt: skip
    return request


def _lock_open(request: SignerRequest) -> SignerRequest:
    locked = SignerRequest.objects.select_for_update().filter(pk=request.pk, state=SignerRequest.State.OPEN).first()
    if locked is None:
        raise TransitionNotAllowed("It was decided already.")
    return locked


def _do(request: SignerRequest, *, by: int, address: str = "") -> SignerRequest:
    signature = Signature.objects.filter(pk=request.signature_id).first()
    if signature is None:
        raise TransitionNotAllowed("The signature is erased already.")
    if request.kind == RequestKind.RESEND:
        _resend(request, signature, by=by, address=address)
    else:
        _ACTIONS[RequestKind(request.kind)](request, signature, by=by)
    return _decide(request, SignerRequest.State.DONE, by=by)


def _decide(request: SignerRequest, state: SignerRequest.State, *, by: int) -> SignerRequest:
    request.state, request.decided_by, request.decided_at = state, by, timezone.now()
    request.save(update_fields=["state", "decided_by", "decided_at", "words"])
    return request


def _withdraw(request: SignerRequest, signature: Signature, *, by: int) -> None:
    withdrawal.withdraw(signature, action=AuditAction.WITHDRAW_ON_REQUEST, by=by, request=request.pk)


def _erase(request: SignerRequest, signature: Signature, *, by: int) -> None:
    withdrawal.erase(signature, action=AuditAction.ERASE_ON_REQUEST, by=by, request=request.pk)


def _correct(request: SignerRequest, signature: Signature, *, by: int) -> None:
    """Give the signature its new words, and keep the former ones, with which its signer can undo it."""
    mailbox_places.lock_mailbox(signature)
    locked = lock(signature)
    if request.words is None or not locked.name:
        raise TransitionNotAllowed("Its signer has changed it meanwhile.")
    before = words_of(locked)
    after = {name: request.words[name] for name in before}
    mailbox_places.check_name(locked, after["name"])
    changed = after | names.search_columns(after["name"], after["organization"])
    for name, value in changed.items():
        setattr(locked, name, value)
    digests = {
        name: f"{_digest(before[name])} → {_digest(after[name])}" for name in after if after[name] != before[name]
    }
    _log(AuditAction.CORRECT, request, by=by, **digests)
    locked.save(update_fields=list(changed))
    request.words = {**before, "approved": locked.state == State.APPROVED}


def _digest(words: str) -> str:
    return sealing.words_digest(words, pepper=settings.EMAIL_HASH_PEPPER)


def _hide(request: SignerRequest, signature: Signature, *, by: int) -> None:
    _set_hidden(AuditAction.HIDE, request, signature, by=by)


def _show(request: SignerRequest, signature: Signature, *, by: int) -> None:
    _set_hidden(AuditAction.SHOW, request, signature, by=by)


def _set_hidden(action: AuditAction, request: SignerRequest, signature: Signature, *, by: int) -> None:
    locked, is_hidden = lock(signature), action == AuditAction.HIDE
    _log(action, request, by=by)
    locked.hidden_at = timezone.now() if is_hidden else None
    locked.visibility = Visibility.DELIVERY if is_hidden else Visibility.PUBLIC
    locked.save(update_fields=["hidden_at", "visibility"])


def _resend(request: SignerRequest, signature: Signature, *, by: int, address: str) -> None:
    """Enqueue the email with the link, if the signature has this address. Whether it has, nobody is told."""
    pepper, letter_id = settings.EMAIL_HASH_PEPPER, signature.letter_id
    key = sealing.address_hash(address, pepper=pepper)
    if key == bytes(signature.address_hash or b""):
        mailbox = sealing.caps_hash(address, letter_id=letter_id, pepper=pepper)
        language = signature.email_language
        queue.enqueue_links(letter_id, address_hash=key, mailbox=mailbox, language=language, address=address)
    _log(AuditAction.RESEND_LINK, request, by=by)


def _log(action: AuditAction, request: SignerRequest, *, by: int, **detail: str) -> None:
    audit_log.record(
        action, staff_id=by, letter_id=request.letter_id, signature_id=request.signature_id,
        detail={"request": request.pk, **detail},
    )  # fmt: skip


_ACTIONS: dict[RequestKind, Callable[..., None]] = {
    RequestKind.WITHDRAW: _withdraw,
    RequestKind.ERASE: _erase,
    RequestKind.CORRECT: _correct,
    RequestKind.HIDE: _hide,
    RequestKind.SHOW: _show,
}
