"""Builds the files of a frozen delivery: list and leaves, letter, package.

The rows decide: a build may be requested again at any time, and as often as wanted. The first one makes the statement,
which stays. The files are the same, byte for byte, whenever they are built from the same rows, fonts and address; if
not, they are a new edition. The package gets its name once it is complete.
"""

import hashlib
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from campaign.models import Translation
from campaign.runtime import failures
from campaign.runtime.locks import AdvisoryLock, block_lock
from campaign.runtime.minisign import SecretKey
from signatures.audit import audit_log
from signatures.delivery import (
    attestations,
    delivered_pdf,
    document_data,
    editions,
    frozen_texts,
    package,
    package_store,
    pdf,
    self_check,
    signing_key,
    snapshot,
    statement,
)
from signatures.delivery.build_progress import HEARTBEAT_SECONDS, Heartbeat
from signatures.delivery.errata import blank_words_of_nobody
from signatures.delivery.merkle import Tree
from signatures.models import Delivery
from signatures.registries import AuditAction

log = logging.getLogger(__name__)

STALLED_AFTER = timedelta(seconds=90)  # without a heartbeat for so long, the job is dead


class RowsDiffer(Exception):
    """The rows of a delivery are not as many as were counted, or do not give its root."""


class FormerFormat(Exception):
    """The delivery was frozen by version 0.9: this version has other leaves, and makes no package of it."""


def is_wanted(delivery: Delivery) -> bool:
    """Returns whether its files are to be built: for the first time, or once more."""
    return delivery.state == Delivery.State.FROZEN or (delivery.remake_wanted and delivery.state != Delivery.State.VOID)


def is_running(delivery: Delivery) -> bool:
    """Returns whether the build is wanted and not done."""
    return is_wanted(delivery) and not delivery.build_canceled and not delivery.failure


def unfinished() -> list[int]:
    """Returns the ids of deliveries whose build is wanted, but gives no heartbeat."""
    is_silent = Q(seen_at__isnull=True) | Q(seen_at__lt=timezone.now() - STALLED_AFTER)
    is_wanted = Q(state=Delivery.State.FROZEN) | (Q(remake_wanted=True) & ~Q(state=Delivery.State.VOID))
    wanted = Delivery.objects.filter(is_silent, is_wanted, build_canceled=False, failure="")
    return list(wanted.values_list("pk", flat=True))


def request_build(delivery: Delivery, *, by: int | None) -> None:
    """Requests a build, also after one that failed or was canceled, and although there is a package."""
    remake = delivery.state != Delivery.State.FROZEN
    _record(AuditAction.MAKE_FILES, delivery, by, build_canceled=False, failure="", seen_at=None, remake_wanted=remake)


def cancel_build(delivery: Delivery, *, by: int | None) -> None:
    """Cancels the build; unfinished files are deleted."""
    _record(AuditAction.STOP_FILES, delivery, by, build_canceled=True)


def record_download(delivery: Delivery, package: File[bytes], *, by: int | None) -> None:
    """Records a download of the package; committed before its first byte (threat model E4).

    The reason is that of the delivery. The digest is that of the file as it is now, which may have been built again.
    """
    digest = hashlib.file_digest(package, "sha256").hexdigest()
    file = {"form": "zip", "rows": delivery.counts["named"], "sha256": digest}
    _record(AuditAction.DOWNLOAD, delivery, by, file)
    package.seek(0)


def _record(
    action: AuditAction,
    delivery: Delivery,
    by: int | None,
    file: Mapping[str, str | int] | None = None,
    **fields: object,
) -> None:
    with transaction.atomic(durable=True):
        detail = {"delivery": delivery.pk, "number": delivery.number, **(file or {})}
        audit_log.record(action, staff_id=by, letter_id=delivery.letter_id, detail=detail)
        if fields:
            Delivery.objects.filter(pk=delivery.pk).update(**fields)


def build(delivery_id: int, *, on_progress: Callable[[int], object] = lambda _percent: None) -> None:
    """Builds the files of a delivery, unless another process does or they exist. Stores an error as its code.

    `on_progress` is called with the percent done.
    """
    with block_lock(AdvisoryLock.BUILD_DELIVERY, delivery_id) as is_locked:
        delivery = Delivery.objects.select_related("letter").get(pk=delivery_id)
        is_there = delivery.state != Delivery.State.FROZEN and package_store.exists(delivery.package)
        is_possible = delivery.state != Delivery.State.VOID and not delivery.build_canceled and not delivery.failure
        if not is_locked or not is_possible or (is_there and not delivery.remake_wanted):
            return
        try:
            _build_in_folder(delivery, Heartbeat(delivery_id, on_progress))
        except pdf.JobCanceled:
            log.info("the build of delivery %d was canceled", delivery_id)
        except Exception as error:
            # The code alone: the text of an error may hold names, and a task's result is stored.
            failure = type(error).__name__
            if isinstance(error, OSError):
                failure = failures.in_folder(error, settings.DELIVERIES_DIR)
            Delivery.objects.filter(pk=delivery_id).update(failure=failure[:40])
            log.exception("the build of delivery %d failed", delivery_id)


def _build_in_folder(delivery: Delivery, heartbeat: Heartbeat) -> None:
    """Builds in a folder beside the packages, which is deleted afterwards; anew while somebody is erased meanwhile."""
    deliveries: Path = settings.DELIVERIES_DIR
    deliveries.mkdir(mode=0o750, parents=True, exist_ok=True)
    folder = deliveries / f".making-{delivery}"
    is_done = False
    while not is_done:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            is_done = _build_once(delivery, folder, heartbeat)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _build_once(delivery: Delivery, folder: Path, heartbeat: Heartbeat) -> bool:
    """Returns whether the build is done: not if somebody was erased meanwhile, because all files must agree."""
    if delivery.is_former:
        raise FormerFormat
    key = signing_key.load()
    erased = delivery.rows.filter(salt__isnull=True)
    heartbeat.enter("list")
    erased_before = _write_list(delivery, folder, key, heartbeat)
    attestations.fetch_time_stamp(delivery)
    delivery.refresh_from_db(fields=["time_stamp", "countersignature", "auditor_key"])
    package.write_statement(folder, delivery)
    heartbeat.enter("letter")
    _write_letter(delivery, folder / statement.PDF, heartbeat)
    heartbeat.enter("package")
    if erased.count() != erased_before:
        return False
    try:
        _store_edition(delivery, folder, key, heartbeat.at)
    except self_check.NotWhole:
        if erased.count() == erased_before:
            raise
        return False
    with transaction.atomic():
        locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
        if locked.state == Delivery.State.FROZEN:
            locked.state = Delivery.State.READY
        # Somebody was erased, or something was attested, in this moment.
        attested = (locked.time_stamp, locked.countersignature) != (delivery.time_stamp, delivery.countersignature)
        locked.remake_wanted = erased.count() != erased_before or attested
        locked.done, locked.stage, locked.seen_at = 100, "", timezone.now()
        locked.save(update_fields=["state", "remake_wanted", "done", "stage", "seen_at"])
    if locked.state == Delivery.State.VOID:  # since the last heartbeat
        package_store.delete(delivery.package)
        return True
    return not locked.remake_wanted


def _write_list(delivery: Delivery, folder: Path, key: SecretKey | None, heartbeat: Heartbeat) -> int:
    """Writes list and leaves, and makes the statement if there is none. Returns how many of them are erased."""
    _require_earlier_statement(delivery, folder, key, heartbeat)
    blank_words_of_nobody(delivery.rows.all())  # no file is made of them, whatever brought them in
    with snapshot.read_transaction():
        erased = delivery.rows.filter(salt__isnull=True).count()
        named, tree = package.write_entries(delivery.rows.all(), folder)
    if (named, tree.size) != (delivery.counts["named"], delivery.counts["delivered"]):
        raise RowsDiffer
    _require_statement(delivery, tree, key)
    return erased


def _before(delivery: Delivery) -> Delivery | None:
    return Delivery.objects.filter(letter=delivery.letter_id, number=delivery.counts["since"] or 0).first()


def _require_earlier_statement(delivery: Delivery, folder: Path, key: SecretKey | None, heartbeat: Heartbeat) -> None:
    """Makes the statement of the delivery before it, if its files wait to be built: this statement has its digest."""
    earlier = _before(delivery)
    while earlier and earlier.state == Delivery.State.FROZEN and not earlier.has_statement and not earlier.is_former:
        with block_lock(AdvisoryLock.BUILD_DELIVERY, earlier.pk) as is_locked:
            if is_locked:
                earlier.refresh_from_db()
                _write_list(earlier, folder, key, heartbeat)
        if not is_locked:  # another process builds it, and begins with its statement
            time.sleep(HEARTBEAT_SECONDS)
        heartbeat.at(0, 1)
        if heartbeat.is_canceled:
            raise pdf.JobCanceled
        earlier.refresh_from_db()


def _require_statement(delivery: Delivery, tree: Tree, key: SecretKey | None) -> None:
    """Makes and stores the statement with the first build, and its audit entry. Later ones find the same root."""
    if delivery.root:
        if delivery.root != tree.root.hex():
            raise RowsDiffer
        return
    earlier = _before(delivery)
    content = statement.statement_json(
        delivery,
        tree=tree,
        title=Translation.objects.get(pk=frozen_texts.main_text(delivery.texts)["translation"]).title,
        texts=frozen_texts.in_package(delivery),
        previous=(earlier and earlier.digest) or None,
        key=key.public if key else None,
    )
    self_check.require_whole_statement(content)
    signed_at = int(delivery.frozen_at.timestamp())
    with transaction.atomic():
        delivery.root, delivery.subtree_roots = tree.root.hex(), tree.subtree_roots
        delivery.statement, delivery.statement_sha256 = content.decode(), hashlib.sha256(content).digest()
        delivery.signature = key.sign(content, name=statement.STATEMENT, timestamp=signed_at) if key else ""
        delivery.save(update_fields=["root", "subtree_roots", "statement", "statement_sha256", "signature"])
        detail: dict[str, str | int] = {"delivery": delivery.pk, "number": delivery.number, "digest": delivery.digest}
        audit_log.record(AuditAction.STATE, letter_id=delivery.letter_id, detail=detail)


def _store_edition(
    delivery: Delivery,
    folder: Path,
    key: SecretKey | None,
    on_progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> None:
    """Packs the files of the folder, checks the package as anybody may, and stores it.

    The edition is committed before the package appears.

    Raises:
        self_check.NotWhole: the package is not whole for the checker that is in it.
    """
    (folder / statement.READ_ME).write_bytes(statement.read_me(delivery, package.names_in(folder, delivery)))
    digests = package.digests_in(folder, package.names_in(folder, delivery))
    images = document_data.images_at_hand(delivery.letter, delivery.letterhead)
    edition = editions.of_files(delivery, digests, images)
    for name, content in editions.list_files(edition, key).items():
        (folder / name).write_bytes(content)
    packed = folder / delivery.package
    edition.package = package.write_package(folder, delivery, packed)
    self_check.require_whole(packed, delivery, edition, on_progress)
    if edition.pk is None:
        with transaction.atomic():
            edition.save()
            detail: dict[str, str | int] = {
                "delivery": delivery.pk, "number": delivery.number, "edition": edition.number,
                "made_for": edition.reason, "digest": edition.digest, "sha256": edition.package,
            }  # fmt: skip
            if left_out := [name for name, (_content, fault) in package.attested(delivery).items() if fault]:
                detail["left_out"] = " ".join(left_out)
            audit_log.record(AuditAction.MAKE_EDITION, letter_id=delivery.letter_id, detail=detail)
    package_store.put(packed, delivery.package)


def _write_letter(delivery: Delivery, out: Path, heartbeat: Heartbeat) -> None:
    delivered_pdf.write(
        delivery,
        out,
        entries=document_data.delivered_entries(delivery.rows.all(), order=delivery.order),
        counts=document_data.pdf_counts(delivery.counts),
        control=pdf.JobControl(on_progress=heartbeat.at, is_canceled=lambda: heartbeat.is_canceled),
    )
