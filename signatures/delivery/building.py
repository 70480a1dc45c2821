"""The verb that makes the files of a frozen delivery: list and leaves, letter, package.

The rows are the truth: whoever finds a delivery without files may ask for them again, at any time and however often.
Each file is the same, byte for byte, whenever it is made; the package stands under its name whole or not at all.
"""

import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise

from campaign.models import Translation
from signatures.audit import audit_log
from signatures.delivery import document_data, package, pdf, statement
from signatures.models import Delivery, DeliveryEntry
from signatures.registries import AuditAction

log = logging.getLogger(__name__)

BUILD_LOCK = 720_131  # with the number of the delivery, the lock of whoever makes its files
STALLED_AFTER = timedelta(seconds=90)  # a job that has not been heard of for so long is dead
HEARTBEAT = 1.0  # seconds: how often a job is heard of, and asks whether it was stopped
# What is made, from which to which percent of the way, and how staff read it.
STAGES: dict[str, tuple[int, int, str | Promise]] = {
    "list": (0, 15, "list and leaves"),
    "letter": (15, 90, "the letter with its names"),
    "package": (90, 100, "the package"),
}


class BuildCancelled(Exception):
    """Staff stopped it."""


class ErasedDuringBuild(Exception):
    """Somebody was erased while the files were made: they are made anew, so that all tell the same."""


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far the files are: whether somebody makes them, the percent, what is being made."""

    runs: bool
    percent: int
    stage: str | Promise


def progress(delivery: Delivery) -> BuildProgress:
    runs = delivery.state == Delivery.State.FROZEN and not delivery.stopped and not delivery.failure
    return BuildProgress(runs, delivery.done, STAGES[delivery.stage][2] if delivery.stage in STAGES else "")


def unfinished() -> list[int]:
    """The deliveries whose files nobody makes, though they should be."""
    silent = Q(seen_at__isnull=True) | Q(seen_at__lt=timezone.now() - STALLED_AFTER)
    waiting = Delivery.objects.filter(silent, state=Delivery.State.FROZEN, stopped=False, failure="")
    return list(waiting.values_list("pk", flat=True))


def request_build(delivery: Delivery, *, by: int | None) -> None:
    """Ask for the files (again)."""
    _tell(AuditAction.MAKE_FILES, delivery, by, stopped=False, failure="", seen_at=None)


def cancel_build(delivery: Delivery, *, by: int | None) -> None:
    """Stop the making; what was half made goes."""
    _tell(AuditAction.STOP_FILES, delivery, by, stopped=True)


def record_download(delivery: Delivery, *, by: int | None) -> None:
    """The package is taken away; committed before its first byte (E4)."""
    _tell(AuditAction.DOWNLOAD, delivery, by)


def _tell(action: AuditAction, delivery: Delivery, by: int | None, **fields: object) -> None:
    with transaction.atomic(durable=True):
        detail = {"delivery": delivery.pk, "number": delivery.number}
        audit_log.record(action, staff_id=by, letter_id=delivery.letter_id, detail=detail)
        if fields:
            Delivery.objects.filter(pk=delivery.pk).update(**fields)


def build(delivery_id: int, *, tell: Callable[[int], object] = lambda _percent: None) -> None:
    """Make the files of a delivery, unless somebody else does, or they are there. What goes wrong is kept as a code.

    Args:
        delivery_id: which.
        tell: is told the percent of the way.
    """
    with _alone(delivery_id) as is_alone:
        delivery = Delivery.objects.select_related("letter").get(pk=delivery_id)
        is_wanted = delivery.state != Delivery.State.VOID and not delivery.stopped and not delivery.failure
        if not is_alone or not is_wanted or (delivery.root and delivery.package.exists()):
            return
        try:
            _make(delivery, _Watch(delivery_id, tell))
        except (BuildCancelled, pdf.ProcessStopped):
            log.info("delivery %d was stopped", delivery_id)
        except Exception as error:
            # The code alone: the text of an error may hold names, and a task's result is stored.
            Delivery.objects.filter(pk=delivery_id).update(failure=type(error).__name__[:40])
            log.exception("delivery %d could not be made", delivery_id)


@contextlib.contextmanager
def _alone(delivery_id: int) -> Iterator[bool]:
    """Whether this process alone makes the files; the lock goes with the process, however it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [BUILD_LOCK, delivery_id])
        (is_alone,) = cursor.fetchone()
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [BUILD_LOCK, delivery_id])


class _Watch:
    """Tells how far it is, and asks whether it was stopped, at most once in `BEAT`."""

    def __init__(self, delivery_id: int, tell: Callable[[int], object]) -> None:
        self._row, self._tell = Delivery.objects.filter(pk=delivery_id), tell
        self._stage, self._heard = "", 0.0
        self._is_stopped = False

    def enter(self, stage: str) -> None:
        self._stage, self._heard = stage, 0.0
        self.at(0, 1)
        if self._is_stopped:
            raise BuildCancelled

    def at(self, done: int, total: int) -> None:
        first, last, _words = STAGES[self._stage]
        percent = first + (last - first) * done // max(total, 1)
        self._tell(percent)
        if time.monotonic() - self._heard > HEARTBEAT:
            self._heard = time.monotonic()
            self._row.update(stage=self._stage, done=percent, seen_at=timezone.now())
            self._is_stopped = self._row.filter(stopped=True).exists()

    def stopped(self) -> bool:
        return self._is_stopped


def _make(delivery: Delivery, watch: _Watch) -> None:
    home: Path = settings.DELIVERIES_DIR
    home.mkdir(mode=0o750, parents=True, exist_ok=True)
    folder = home / f".making-{delivery.package.stem}"
    try:
        while True:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            try:
                _make_once(delivery, folder, watch)
            except ErasedDuringBuild:
                continue
            break
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_once(delivery: Delivery, folder: Path, watch: _Watch) -> None:
    rows = DeliveryEntry.objects.filter(delivery=delivery)
    erased = rows.filter(salt__isnull=True).count()
    watch.enter("list")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        written = package.write_rows(rows, folder)
    if (written.named, written.tree.size) != (delivery.counts["named"], delivery.counts["delivered"]):
        raise statement.MalformedManifest("the rows are not as many as were counted")
    root = written.tree.root.hex()
    watch.enter("letter")
    text = Translation.objects.get(pk=_main_text(delivery))
    pdf.write(
        document_data.letter_data(text, delivery.letterhead),
        document_data.delivered_rows(rows.order_by("number"), order=delivery.order),
        counts=document_data.counts_of(delivery.counts),
        record=_record(delivery, root),
        out=folder / statement.PDF,
        timestamp=delivery.frozen_at,
        fonts=settings.FONT_DIRS,
        work=pdf.Work(progress=watch.at, stopped=watch.stopped),
    )
    watch.enter("package")
    if rows.filter(salt__isnull=True).count() != erased:
        raise ErasedDuringBuild
    files = package.write_package(
        folder, delivery.package.parent, statement.facts_for(delivery), root=root, site=settings.SITE_URL
    )
    if not delivery.root:
        ready = {"root": root, "files": files, "tops": written.tree.tops, "state": Delivery.State.READY}
        Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.FROZEN).update(**ready)
    Delivery.objects.filter(pk=delivery.pk).update(done=100, stage="", seen_at=timezone.now())


def _main_text(delivery: Delivery) -> int:
    """The number of the authoritative text of the newest revision, else its English one, else its first."""
    newest = max(text["revision"] for text in delivery.texts)
    of_newest = [text for text in delivery.texts if text["revision"] == newest]
    by_rank = sorted(of_newest, key=lambda text: (not text["authoritative"], text["language"] != "en"))
    return int(by_rank[0]["translation"])


def _record(delivery: Delivery, root: str) -> pdf.Record:
    figures = delivery.counts
    return pdf.Record(
        number=delivery.number,
        frozen_on=delivery.frozen_at.date(),
        texts=tuple(pdf.Text(text["revision"], text["language"], text["digest"]) for text in delivery.texts),
        root=root,
        errata=sum(figures["errata"].values()),
        since=figures["since"],
        added=figures["added"],
        gone=figures["gone"],
        address=f"{settings.SITE_URL}/deliveries/{delivery.letter.slug}/{delivery.number}/",
    )
