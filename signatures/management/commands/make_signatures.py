"""Fill a letter with made-up signatures, by COPY, for demos and benchmarks."""

import contextlib
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import batched, chain
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from tqdm import tqdm

from campaign.management.arguments import whole_number
from campaign.models import Letter, Translation
from campaign.runtime.locks import AdvisoryLock, block_lock
from signatures import counts
from signatures.management.commands._common import letter_of
from signatures.management.commands._made_up_rows import COLUMNS, HOUR, Block, Row, Rows
from signatures.models import CountDelta, HourlyStatistic, Signature

BLOCKS = 10  # in one COPY and one transaction; no more than these are in memory at a time
MANY = 100_000  # signatures for which building the indexes anew is faster


class Command(BaseCommand):
    help = (
        "Makes N realistic signatures with distinct names, in many scripts and all states, for demos and benchmarks. "
        "The same seed makes the same people: those who signed already are left as they are, so a call that was "
        "stopped goes on when it is made again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", metavar="N", type=whole_number(1))
        parser.add_argument("--letter", metavar="SLUG", help="default: the current letter")
        parser.add_argument("--seed", type=int, default=1, help="use another one to add more people (default: 1)")
        parser.add_argument("--yes", action="store_true", help="also on a site that is not in local mode")
        parser.add_argument(
            "--fast",
            action="store_true",
            help="also where somebody signed already: drop the indexes that only make the site fast, and build them "
            "anew at the end; until then pages are slow, and nobody can sign while they are built",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        number, seed = options["number"], options["seed"]
        if not settings.LOCAL_MODE and not options["yes"]:
            raise CommandError("This site is not in local mode. To put made-up people under its letter, add --yes.")
        letter = _letter(options["letter"])
        rows = Rows(
            letter.pk, letter.slug, seed, number, {code: _text(letter, code) for code, _name in settings.LANGUAGES}
        )
        is_fast = number >= MANY and (options["fast"] or not Signature.objects.exists())
        begun = time.monotonic()
        with block_lock(AdvisoryLock.MAKE_SIGNATURES) as is_alone:
            if not is_alone:
                raise CommandError("Another `make_signatures` is running.")
            with secondary_indexes(are_dropped=is_fast):
                made = self.copy(rows)
        rate = made / (time.monotonic() - begun)
        self.stdout.write(f"{number} signatures under {letter.slug}: made {made}, {rate:,.0f} a second")

    def copy(self, rows: Rows) -> int:
        """Writes those who are not there yet, some blocks at a time. Returns how many."""
        made = done = 0
        bar = tqdm(total=rows.number, unit=" signatures", unit_scale=True, disable=None)  # None: on a terminal only
        with bar, ThreadPoolExecutor(1) as maker:
            made_ahead: Future[list[Row]] | None = None
            for blocks in chain(batched(rows.blocks(), BLOCKS), [()]):  # the next rows are made while these are stored
                making = maker.submit(missing_rows, rows, blocks, _public_ids(blocks))
                if made_ahead:
                    made += store(rows.letter, made_ahead.result())
                made_ahead = making
                size = sum(block.size for block in blocks)
                done += size
                bar.update(size)
        if done < rows.number:
            raise CommandError(f"There are no more than {done} distinct names.")
        return made


def _letter(slug: str | None) -> Letter:
    letter = letter_of(slug) if slug else Letter.objects.current()
    if letter is None:
        raise CommandError("There is no published letter.")
    return letter


def _text(letter: Letter, language: str) -> tuple[int, str]:
    """Returns the text that readers of this language sign, and its own language."""
    text = Translation.objects.newest(letter.slug, language)
    if text is None:
        raise CommandError(f"{letter.slug} has no published text.")
    return text.pk, text.language


def _public_ids(blocks: tuple[Block, ...]) -> list[set[str]]:
    """Returns the public ids of the signatures of each block that are there."""
    ranges = [[block.public_id("0" * 15), block.public_id("f" * 15)] for block in blocks]
    found = (Signature.objects.filter(public_id__range=each).values_list("public_id", flat=True) for each in ranges)
    return [{public_id.hex for public_id in public_ids} for public_ids in found]


def missing_rows(rows: Rows, blocks: tuple[Block, ...], there: list[set[str]]) -> list[Row]:
    """Returns the signatures of these blocks without those that are there. A whole block is not made again."""
    return [
        row
        for block, public_ids in zip(blocks, there, strict=True)
        if len(public_ids) < block.size
        for row in rows.rows(block)
        if row.public_id not in public_ids
    ]


def store(letter: int, rows: list[Row]) -> int:
    """Writes these signatures of a letter, all or none. Returns how many."""
    if not rows:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {Signature._meta.db_table} ({', '.join(COLUMNS)}) FROM STDIN", Lines(rows))
        connection.check_constraints()  # no index can be built while a check is pending
        _count_sign_ups(letter, rows)
    counts.fold_deltas()
    return len(rows)


class Lines:
    """A file of rows for COPY, which reads them one by one."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = batched(rows, 100)

    def read(self, _size: int) -> str:
        return "".join(row.line for row in next(self.rows, ()))


def _count_sign_ups(letter: int, rows: list[Row]) -> None:
    """Stores the events that a site stores for submissions. A trigger counts everything else."""
    hours = Counter((row.hour, row.language, row.country) for row in rows)
    CountDelta.objects.bulk_create(
        CountDelta(
            letter_id=letter, state="", visibility="", flagged=False, number=number, language=language,
            hour=datetime.fromtimestamp(hour * HOUR, UTC), event=HourlyStatistic.Event.SIGN_UP,
            event_country=country,
        )
        for (hour, language, country), number in hours.items()
    )  # fmt: skip


@contextlib.contextmanager
def secondary_indexes(*, are_dropped: bool) -> Iterator[None]:
    """Drops the indexes that hold no rule, if that is asked for, and builds after the block those that are missing.

    They are the ones of the model, so the next call builds what a killed one left missing.
    """
    if are_dropped:
        with connection.schema_editor() as editor:
            for index in _indexes(are_there=True):
                editor.remove_index(Signature, index)
    try:
        yield
    finally:
        with transaction.atomic(), connection.cursor() as cursor, connection.schema_editor() as editor:
            missing = _indexes(are_there=False)
            cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
            for index in missing:
                editor.add_index(Signature, index)
            cursor.execute(f"ANALYZE {Signature._meta.db_table}")


def _indexes(*, are_there: bool) -> list[Any]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Signature._meta.db_table)
    return [index for index in Signature._meta.indexes if (index.name in found) == are_there]
