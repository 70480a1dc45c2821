"""Load a letter from a folder of text files."""

import tomllib
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DataError, transaction

from campaign.letters.publishing import Refused, revise
from campaign.models import Letter, Translation
from signatures import publication

SHIPPED_LETTER = Path(__file__).resolve().parents[2] / "letters" / "content" / "xi-jinping-2013"


@dataclass(frozen=True)
class TextFile:
    """The text of a letter in one language, as read from a file."""

    language: str
    texts: dict[str, Any]  # a value for each of `Translation.TEXT_FIELDS`
    front_matter: dict[str, Any]


class Command(BaseCommand):
    help = (
        "Loads or updates a letter from a folder (letter.toml and a text for each language, such as en.md). "
        "A changed text replaces the published one of its language only. Drafts on the site are not overwritten."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", nargs="?", type=Path, default=SHIPPED_LETTER, help="default: the letter that ships with the code"
        )
        parser.add_argument(
            "--drafts", action="store_true", help="overwrite drafts on the site with those of the folder"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            data = tomllib.loads((folder / "letter.toml").read_text(encoding="utf-8"))
            texts = [read_text(file) for file in sorted(folder.glob("*.md"))]
            if not texts:
                raise CommandError(f"{folder} has no text (such as en.md).")
            fields = {
                "recipient": data["recipient"],
                "goal": data.get("goal", 0),
                "moderation": data.get("moderation", "before"),
                "letterhead": data["letterhead"],
            }
            with transaction.atomic():
                letter, created = Letter.objects.update_or_create(slug=data["slug"], defaults=fields)
                letter.full_clean()
                for file in sorted(texts, key=lambda file: not file.front_matter.get("authoritative", False)):
                    if notice := _load(letter, file, overwrite_drafts=options["drafts"]):
                        self.stdout.write(f"{file.language}: {notice}")
        except (OSError, KeyError, TypeError, ValueError, ValidationError, DataError) as error:
            raise CommandError(f"{folder} is not a letter: {type(error).__name__}: {error}") from None
        self.stdout.write(f"{'Loaded' if created else 'Updated'} /letters/{letter.slug}/")


def _load(letter: Letter, file: TextFile, *, overwrite_drafts: bool) -> str | None:
    """Store a text. Returns a sentence about what was not stored, and why; None if all was."""
    is_published = file.front_matter.get("publish", True)
    details = {field: file.front_matter[field] for field in Translation.DETAIL_FIELDS if field in file.front_matter}
    stored = Translation.objects.of_language(letter, file.language)
    existing = stored.drafts().first() or stored.published().first()
    values = file.texts if existing and existing.published_at else {**file.texts, **details}
    is_kept = existing and not _differing(existing, values)
    if existing and not is_kept and existing.published_at is None and not overwrite_drafts:
        return "the draft on the site is kept: staff may have worked on it (--drafts overwrites it)."
    if existing and not is_kept and existing.published_at and not is_published:
        return "the text on the site is kept: it is published."
    try:
        translation = existing if existing and is_kept else revise(letter, file.language, file.texts, **details)
        if is_published:
            publication.publish(translation, by=None)
    except Refused as error:
        raise CommandError(f"{file.language}: {error}") from None
    unchanged = _differing(translation, details)
    return f"{', '.join(unchanged)}: kept as published, until the text changes." if unchanged else None


def _differing(translation: Translation, values: dict[str, Any]) -> list[str]:
    return [field for field, value in values.items() if getattr(translation, field) != value]


def read_text(path: Path) -> TextFile:
    """Read a text: front matter in TOML between two lines of `+++`, then the body.

    Raises:
        ValueError: if the file has another form.
    """
    start, front_matter, body = path.read_text(encoding="utf-8").split("+++\n", 2)
    if start.strip():
        raise ValueError(f"{path.name} does not begin with +++")
    data = tomllib.loads(front_matter)
    texts = {field: data[field] for field in ("title", "date", "salutation", "closing")}
    texts["signatories"] = [
        {"name": person["name"], "titles": list(person.get("titles", []))} for person in data["signatories"]
    ]
    return TextFile(path.stem, {**texts, "addressee": "\n".join(data["addressee"]), "body": body.strip()}, data)
