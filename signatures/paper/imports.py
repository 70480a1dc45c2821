"""Imports a previewed list as a background job, all of its lines or none, and takes an import back as a whole.

Each signature records where its sheet of paper is, so that staff can look it up.
"""

import logging
import time
from contextlib import closing
from datetime import timedelta
from itertools import batched
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from campaign.models import Letter, Translation
from campaign.runtime.locks import AdvisoryLock, block_lock, transaction_lock
from signatures.audit import audit_log
from signatures.delivery.errata import blank_entries
from signatures.models import Delivery, DeliveryEntry, PaperImport, Signature
from signatures.paper import previews
from signatures.paper.judging import COLUMNS, Fate, PaperLine, digest, judge
from signatures.registries import AuditAction
from signatures.states import State
from signatures.values import names

log = logging.getLogger(__name__)

BATCH = 1_000  # signatures of one statement
HEARTBEAT_SECONDS = 1.0
STALLED_AFTER = timedelta(seconds=90)  # without a heartbeat for so long, the job is dead
FREEZE_SECONDS = 30.0  # in which a delivery that is being frozen must be done
JUDGED, STORED = 40, 95  # percent that are done after each part


class ImportRefused(Exception):
    """Nothing was imported or taken back. The message is a sentence for staff, and quotes nothing from the file."""


class WrongNumber(ImportRefused):
    """The number that was typed is not that of the signatures that are left."""


@transaction.atomic
def start(row: PaperImport, *, by: int) -> None:
    """Starts the import of a preview. A task does the work (`run`).

    Raises:
        ImportRefused: when the preview is gone, was started before, or accepts no line.
    """
    locked = PaperImport.objects.previews().select_for_update().filter(pk=row.pk, staff_id=by).first()
    if locked is None:
        raise ImportRefused("This preview was imported or is too old. Please choose the file again.")
    try:
        accepted = sum(line.fate == Fate.ACCEPTED for line in previews.open_preview(locked).lines)
    except previews.NoPreview:
        accepted = 0
    if not accepted:
        raise ImportRefused("There is nothing to import.")
    locked.step, locked.failure, locked.done, locked.seen_at = PaperImport.Step.RUNNING, "", 0, timezone.now()
    locked.save(update_fields=["step", "failure", "done", "seen_at"])


def stalled() -> list[int]:
    """Returns the ids of imports that run, but give no heartbeat."""
    running = PaperImport.objects.filter(step=PaperImport.Step.RUNNING)
    return list(running.filter(seen_at__lt=timezone.now() - STALLED_AFTER).values_list("pk", flat=True))


def run(import_id: int) -> None:
    """Imports the accepted lines, unless that is done. What fails goes back to its preview, with the reason.

    May be called at any time and as often as wanted: the one transaction is all or nothing.
    """
    try:
        with transaction.atomic(), closing(_Progress(import_id)) as progress:
            _run(import_id, progress)
    except ImportRefused as error:
        _back_to_preview(import_id, str(error))
    except Exception as error:
        # The name alone: the text of an error may hold names.
        _back_to_preview(import_id, f"The import failed with {type(error).__name__}. Nothing was imported.")
        log.exception("the import %d from paper failed", import_id)


def _back_to_preview(import_id: int, failure: str) -> None:
    kept_until = timezone.now() + PaperImport.KEPT_FOR
    running = PaperImport.objects.filter(pk=import_id, step=PaperImport.Step.RUNNING)
    running.update(step=PaperImport.Step.PREVIEW, failure=failure, expires_at=kept_until)


class _Progress:
    """Stores how much is done, on a connection of its own: nobody sees inside of the transaction of an import."""

    def __init__(self, import_id: int) -> None:
        self._id, self._last_beat, self._connection = import_id, 0.0, connection.copy()

    def at(self, percent: int) -> None:
        if time.monotonic() - self._last_beat < HEARTBEAT_SECONDS:
            return
        self._last_beat = time.monotonic()
        with self._connection.cursor() as cursor:
            cursor.execute(
                "UPDATE signatures_paperimport SET done = %s, seen_at = %s WHERE id = %s",
                [percent, timezone.now(), self._id],
            )

    def close(self) -> None:
        self._connection.close()


def _run(import_id: int, progress: _Progress) -> None:
    row = PaperImport.objects.select_related("letter").get(pk=import_id)
    # Two imports under one letter: the second one waits, and finds every line of the first there already.
    transaction_lock(AdvisoryLock.IMPORT_PAPER, row.letter_id)
    row.refresh_from_db()
    if row.step != PaperImport.Step.RUNNING:
        return
    accepted = [line for line in _judge(row, progress) if line.fate == Fate.ACCEPTED]
    translation = Translation.objects.newest(row.letter.slug, settings.LANGUAGE_CODE)
    if translation is None or not Letter.objects.published().filter(pk=row.letter_id).exists():
        raise ImportRefused("The letter is not published.")
    imported: list[Signature] = []
    for batch in batched(accepted, BATCH):
        imported += Signature.objects.bulk_create([_signature(line, translation) for line in batch])
        progress.at(JUDGED + (STORED - JUDGED) * len(imported) // len(accepted))
    row.first_entry, row.last_entry = audit_log.record_each(AuditAction.IMPORT, imported, staff_id=row.staff_id)
    row.number, row.step, row.done = len(imported), PaperImport.Step.DONE, 100
    row.sealed_file = row.sealed_preview = row.expires_at = None
    row.save()


def _judge(row: PaperImport, progress: _Progress) -> list[PaperLine]:
    """Returns the lines. Raises ImportRefused unless their fates are those that the preview showed."""
    try:
        preview = previews.open_preview(row)
        table = previews.read(row, preview.choices)
    except previews.NoPreview:
        raise ImportRefused("The file is not there any more. Please choose it again.") from None
    if preview.columns is None:
        raise ImportRefused("Please choose the columns.")

    def judged(done: int, total: int) -> None:
        progress.at(JUDGED * done // total)

    lines = judge(row.letter, table, preview.columns, others=set(preview.others), on_progress=judged)
    if digest(lines) != digest(preview.lines):
        raise ImportRefused("The fate of some lines has changed meanwhile. Nothing was imported. Please look again.")
    return lines


def _signature(line: PaperLine, translation: Translation) -> Signature:
    """Those without a flag are approved at once, because staff had the paper before them."""
    words, now = line.words, timezone.now()
    return Signature(
        letter_id=translation.revision.letter_id,
        translation=translation,
        paper=True,
        **{column: words[column] for column in COLUMNS if column != "signed_on"},
        **names.search_columns(words["name"], words["organization"]),
        language=translation.language,
        state=State.WAITING if line.flags else State.APPROVED,
        flags=line.flags,
        signed_up_at=now,
        confirmed_at=line.confirmed_at or now,
        approved_on=None if line.flags else now.date(),
    )


def signatures_of(row: PaperImport) -> QuerySet[Signature]:
    """Returns the signatures of an import that are left."""
    entries: dict[str, Any] = {"action": AuditAction.IMPORT, "letter_id": row.letter_id}
    ids = audit_log.signatures_in(row.first_entry, row.last_entry, **entries)
    return Signature.objects.filter(pk__in=ids, paper=True)


def delivered(row: PaperImport) -> int:
    """Returns how many signatures of an import a delivery holds that is not called back."""
    entries = DeliveryEntry.objects.filter(~Q(delivery__state=Delivery.State.VOID), signature_id__in=_ids(row))
    return entries.values("signature_id").distinct().count()


def _ids(row: PaperImport) -> list[int]:
    return list(signatures_of(row).values_list("pk", flat=True))


def undo(row: PaperImport, *, by: int, typed: int) -> int:
    """Takes a whole import back: deletes its signatures, also those that were changed since.

    Args:
        row: the import.
        by: the account id of the member of staff.
        typed: the number of signatures that are left, as a confirmation.

    Returns the number of deleted signatures.

    Raises:
        ImportRefused: when it was taken back before, or a delivery holds one of them.
        WrongNumber: when the number differs.
    """
    # No delivery is frozen between the look for one and the deletion.
    with block_lock(AdvisoryLock.FREEZE_DELIVERY, seconds=FREEZE_SECONDS), transaction.atomic():
        locked = PaperImport.objects.select_for_update().get(pk=row.pk)
        if locked.undone_at or locked.step != PaperImport.Step.DONE:
            raise ImportRefused("This import was taken back before.")
        rows = list(signatures_of(locked).select_for_update().order_by("pk"))
        if typed != len(rows):
            raise WrongNumber("Nothing was taken back. Please type the number that the page shows.")
        if held := delivered(locked):
            raise ImportRefused(f"A delivery holds {held:,} of them. Call it back first, as long as that is possible.")
        _delete(rows, by)
        locked.undone_at = timezone.now()
        locked.save(update_fields=["undone_at"])
        return len(rows)


def _delete(rows: list[Signature], by: int) -> None:
    if rows:
        audit_log.record_each(AuditAction.UNDO_IMPORT, rows, staff_id=by, erased=True)
        blank_entries([row.pk for row in rows])  # of deliveries that were called back
        Signature.objects.filter(pk__in=[row.pk for row in rows]).delete()
