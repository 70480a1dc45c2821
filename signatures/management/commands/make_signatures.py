"""Fill a letter with made-up signatures, by COPY, for demos and benchmarks."""

import hashlib
import io
import random
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import batched, islice
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from psycopg2.errors import UniqueViolation
from tqdm import tqdm

from campaign.models import Letter, Translation
from signatures import counts
from signatures.management.commands._people import Person, lines, people
from signatures.models import Signature
from signatures.registries import Flag
from signatures.registries.typed_fields import BLANKED_ON_WITHDRAWAL, DERIVED_FROM_WORDS, TYPED_NAMES, WORDS
from signatures.states import Kind, State, Visibility
from signatures.values import csv_cells, names

CHUNK = 5_000  # rows in one COPY; no more than these are in memory at a time
WEEKS = 8
COLUMNS = (
    *TYPED_NAMES, *DERIVED_FROM_WORDS, "public_id", "address_hash", "letter_id", "translation_id", "place", "paper",
    "language", "state", "flags", "signed_up_at", "confirmed_at", "approved_on",
)  # fmt: skip
# Shares in percent.
STATES = {State.APPROVED: 87, State.WAITING: 9, State.REJECTED: 2, State.WITHDRAWN: 2}
VISIBILITIES = {Visibility.PUBLIC: 76, Visibility.DELIVERY: 14, Visibility.COUNTED: 10}
FLAGGED = {State.WAITING: 0.5, State.REJECTED: 0.7, State.APPROVED: 0.01}
FLAGS = ("link", "trap", "stale-form", "rate", "script-mix", "similar")
COMMENTS = ("Thank you.", "My grandmother was born in Hamhŭng.", "함께합니다.", "声援", "Дякую!", "شكراً لكم")


# Events that a site writes for each submission.
_COUNT_SIGN_UPS = """
    INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, number, hour, language, event)
    SELECT letter_id, '', '', FALSE, count(*), date_trunc('hour', signed_up_at, 'UTC'), language, 'sign-up'
    FROM signatures_signature WHERE letter_id = %(letter)s AND id > %(after)s GROUP BY 1, 6, 7
"""


class Command(BaseCommand):
    help = (
        "Makes N realistic signatures with distinct names, in many scripts and all states, for demos and benchmarks. "
        "The same seed makes the same people, so use each seed only once for a letter."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", metavar="N", type=int)
        parser.add_argument("--letter", metavar="SLUG", help="default: the current letter")
        parser.add_argument("--seed", type=int, default=1, help="use another one to add more people (default: 1)")
        parser.add_argument("--yes", action="store_true", help="also on a site that is not in local mode")

    def handle(self, *args: Any, **options: Any) -> None:
        number, seed = options["number"], options["seed"]
        if not settings.LOCAL_MODE and not options["yes"]:
            raise CommandError("This site is not in local mode. To put made-up people under its letter, add --yes.")
        if number < 1:
            raise CommandError("N must be at least 1.")
        letter = _letter(options["letter"])
        newest = Signature.objects.aggregate(newest=Max("pk"))["newest"] or 0
        try:
            self.copy(Rows(letter, seed, number), number)
        except UniqueViolation:
            raise CommandError(f"Seed {seed} was used for {letter.slug} already; take another --seed.") from None
        with connection.cursor() as cursor:
            cursor.execute(_COUNT_SIGN_UPS, {"letter": letter.pk, "after": newest})
            cursor.execute("ANALYZE signatures_signature")
        counts.fold_deltas()
        self.stdout.write(f"{number} signatures under {letter.slug}")

    @transaction.atomic
    def copy(self, rows: "Rows", number: int) -> None:
        """Write all of them or none."""
        statement = f"COPY {Signature._meta.db_table} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv)"
        done = 0
        bar = tqdm(total=number, unit=" signatures", unit_scale=True, disable=None)  # None: on a terminal only
        with connection.cursor() as cursor, bar:
            for chunk in batched(rows, CHUNK):
                page = io.StringIO()
                csv_cells.write_copy_rows(page, ([row[column] for column in COLUMNS] for row in chunk))
                page.seek(0)
                cursor.copy_expert(statement, page)
                done += len(chunk)
                bar.update(len(chunk))
        if done < number:
            raise CommandError(f"There are no more than {done} distinct names.")


def _letter(slug: str | None) -> Letter:
    letter = Letter.objects.filter(slug=slug).first() if slug else Letter.objects.current()
    if letter is None:
        raise CommandError(f"There is no letter {slug!r}." if slug else "There is no published letter.")
    return letter


class Rows:
    """Yields the signatures, each as a value for each of `COLUMNS`."""

    def __init__(self, letter: Letter, seed: int, number: int) -> None:
        self.letter, self.seed, self.number = letter, seed, number
        self.chance = random.Random(f"rows {seed}")
        self.now = timezone.now()
        self.start = datetime.combine(self.now - timedelta(weeks=WEEKS), time(), UTC)
        self.texts = {language: self._text(language) for language, _name in settings.LANGUAGES}

    def _text(self, language: str) -> int:
        text = Translation.objects.newest(self.letter.slug, language)
        if text is None:
            raise CommandError(f"{self.letter.slug} has no published text.")
        return text.pk

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for index, person in enumerate(islice(people(self.seed), self.number)):
            yield self._row(index, person)

    def _row(self, index: int, person: Person) -> dict[str, Any]:
        chance, naming = self.chance, person.naming
        state, visibility = pick(chance, STATES), pick(chance, VISIBILITIES)
        typed = self._typed(person, visibility)
        flags = [some(chance, FLAGS, FLAGGED.get(state, 0.0))]
        signed_up, confirmed, approved = self._moments(index, state)
        if state == State.WITHDRAWN:
            typed |= dict.fromkeys(BLANKED_ON_WITHDRAWAL, "")
        elif visibility == Visibility.COUNTED:
            typed |= dict.fromkeys(WORDS, "")
        if typed["kind"] == Kind.ORGANIZATION and typed["name"]:
            flags.insert(0, Flag.ORGANIZATION)  # as screening does
        address_hash, public_id = self._ids(index)
        return {
            **typed,
            **names.search_columns(typed["name"], typed["organization"]),
            "public_id": public_id,
            "address_hash": f"\\x{address_hash.hex()}",
            "letter_id": self.letter.pk,
            "translation_id": self.texts[naming.language],
            "place": None if state == State.WITHDRAWN else 1,
            "paper": False,
            "language": naming.language,
            "state": state,
            "flags": f"{{{','.join(filter(None, flags))}}}",
            "signed_up_at": signed_up,
            "confirmed_at": confirmed,
            "approved_on": approved,
        }

    def _typed(self, person: Person, visibility: str) -> dict[str, str]:
        """Returns what this person types. Fields that are not filled in here are empty."""
        chance, naming = self.chance, person.naming
        is_organization = chance.random() < 0.02
        return dict.fromkeys(TYPED_NAMES, "") | {
            "kind": Kind.ORGANIZATION if is_organization else Kind.PERSON,
            "visibility": visibility,
            "name": naming.foundation.format(person.name) if is_organization else person.name,
            "role": some(chance, lines(naming.roles), 0.0 if is_organization else 0.3),
            "organization": some(chance, lines(naming.organizations), 0.15),
            "spokesperson": ", ".join([person.name, *lines(naming.roles)[:1]]) if is_organization else "",
            "comment": some(chance, COMMENTS, 0.04),
            "country": some(chance, naming.countries.split(), 0.9),
        }

    def _moments(self, index: int, state: str) -> tuple[Any, Any, Any]:
        """Returns when it was submitted, confirmed and approved: most in the first days, in the order of signing."""
        chance = self.chance
        elapsed = ((index + chance.random()) / self.number) ** 1.7
        signed_up = self.start + (self.now - timedelta(days=1) - self.start) * elapsed
        confirmed = min(signed_up + timedelta(hours=chance.expovariate(1 / 3)), self.now)
        approved = min(confirmed + timedelta(days=chance.random() * 3), self.now).date()
        return signed_up, confirmed, approved if state == State.APPROVED else None

    def _ids(self, index: int) -> tuple[bytes, uuid.UUID]:
        """Returns the address hash of no address, and the public id."""
        digest = hashlib.blake2b(f"{self.letter.slug} {self.seed} {index}".encode(), digest_size=48).digest()
        return digest[:32], uuid.UUID(bytes=digest[32:], version=4)


def pick(chance: random.Random, shares: dict[Any, int]) -> Any:
    """Returns one of the keys, each with its share."""
    return chance.choices(list(shares), list(shares.values()))[0]


def some(chance: random.Random, choices: Any, share: float) -> str:
    """Returns one of the choices for this share of the people, and "" for the others."""
    return chance.choice(choices) if choices and chance.random() < share else ""
