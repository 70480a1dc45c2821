"""What others attest of a statement, and when: a time stamp by an authority (RFC 3161), a signature by an auditor.

Each is taken in once, after the checker that recipients have accepted it. The next edition of the files holds it.
"""

import logging
import socket
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from signatures.audit import audit_log
from signatures.delivery import self_check, time_stamps
from signatures.models import Delivery
from signatures.registries import AuditAction
from signatures.transitions import TransitionNotAllowed

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds for each answer of the network
ALTOGETHER = 30.0  # seconds after which an authority that answers byte by byte is given up
MAX_BYTES = 100_000  # of a time stamp or a countersignature


def time_stamp_request(delivery: Delivery) -> bytes:
    """Returns the request for a time stamp of the statement: the same bytes always, and nothing but its digest."""
    builder = TimestampRequestBuilder(cert_req=True, nonce=False, hash_algorithm=HashAlgorithm.SHA256)
    return builder.data(delivery.statement.encode()).build().as_bytes()


def fetch_time_stamp(delivery: Delivery) -> None:
    """Asks the authority for a time stamp. Where it does not answer, the reply can be taken in later."""
    if not settings.TIMESTAMP_URL or delivery.time_stamp is not None:
        return
    try:
        add_time_stamp(delivery, by=None, reply=_ask(settings.TIMESTAMP_URL, time_stamp_request(delivery)))
    except TransitionNotAllowed as refusal:
        log.warning("there is no time stamp of delivery %d: %s", delivery.pk, refusal)
    except (OSError, HTTPException) as error:
        log.warning("there is no time stamp of delivery %d: %s", delivery.pk, type(error).__name__)


def _ask(url: str, query: bytes) -> bytes:
    """Returns the reply of an authority. No redirect is followed: it could lead to an address inside the network."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with closing(kind(parts.netloc, timeout=TIMEOUT)) as connection:
        connection.connect()
        end = Timer(ALTOGETHER, connection.sock.shutdown, [socket.SHUT_RDWR])
        end.start()
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, query, {"Content-Type": "application/timestamp-query"})
            answer = connection.getresponse()
            reply = answer.read(MAX_BYTES)
        finally:
            end.cancel()
    if answer.status != HTTPStatus.OK:
        raise TransitionNotAllowed(f"The authority answered {answer.status}.")
    return reply


def add_time_stamp(delivery: Delivery, *, by: int | None, reply: bytes) -> None:
    """Takes in the reply of an authority.

    Raises:
        TransitionNotAllowed: it is no time stamp of this statement, or there is one.
    """
    try:
        time_stamps.verify(reply, bytes(delivery.statement_sha256 or b""))
    except time_stamps.InvalidTimeStamp as error:
        raise TransitionNotAllowed(str(error)) from None
    if fault := self_check.fault_of_time_stamp(delivery.statement.encode(), reply):
        raise TransitionNotAllowed(f"No recipient could check it. {fault}")
    _add(delivery, AuditAction.TIME_STAMP, by=by, field="time_stamp", time_stamp=reply)


def countersign(delivery: Delivery, *, by: int | None, key: str, signature: str) -> None:
    """Takes in the signature of an auditor over statement.json, in the format of minisign.

    Raises:
        TransitionNotAllowed: it is not the signature of this statement by this key, or there is one.
    """
    signature, key = signature.replace("\r", "").strip() + "\n", key.strip()
    if fault := self_check.fault_of_countersignature(delivery.statement.encode(), signature.encode(), key):
        raise TransitionNotAllowed(f"The countersignature is not taken in. {fault}")
    _add(
        delivery, AuditAction.COUNTERSIGN, by=by, field="countersignature", countersignature=signature,
        auditor_key=key,
    )  # fmt: skip


@transaction.atomic
def _add(delivery: Delivery, action: AuditAction, *, by: int | None, field: str, **values: Any) -> None:
    locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if not locked.has_statement or locked.state == Delivery.State.VOID:
        raise TransitionNotAllowed("The delivery has no statement.")
    if getattr(locked, field):
        raise TransitionNotAllowed("The delivery has one already.")
    detail: dict[str, str | int] = {"delivery": locked.pk, "number": locked.number}
    audit_log.record(action, staff_id=by, letter_id=locked.letter_id, detail=detail)
    # With the first build, the files that are made anyway hold it.
    remake = locked.state != Delivery.State.FROZEN
    values |= {"remake_wanted": True, "build_canceled": False, "failure": "", "seen_at": None} if remake else {}
    for name, value in values.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(values))
