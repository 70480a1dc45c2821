"""Load a letter from a folder of plain files."""

import tomllib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DataError, transaction

from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation

SHIPPED = Path(__file__).resolve().parents[2] / "letters" / "content" / "xi-jinping-2013"


class Command(BaseCommand):
    help = (
        "Loads or updates a letter from a folder (letter.toml and a text for each language, such as en.md). "
        "New text on a published letter becomes a new revision. A draft on the site is left as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", nargs="?", type=Path, default=SHIPPED, help="default: the letter that ships with the code"
        )
        parser.add_argument(
            "--drafts", action="store_true", help="write the drafts of the folder over those that are on the site"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            about = tomllib.loads((folder / "letter.toml").read_text(encoding="utf-8"))
            texts = [read_text(file) for file in sorted(folder.glob("*.md"))]
            if not texts:
                raise CommandError(f"{folder} holds no text (such as en.md).")
            fields = {
                "recipient": about["recipient"],
                "goal": about.get("goal", 0),
                "moderation": about.get("moderation", "before"),
                "letterhead": about["letterhead"],
            }
            with transaction.atomic():
                letter, made = Letter.objects.update_or_create(slug=about["slug"], defaults=fields)
                letter.full_clean()
                for language, words, front in sorted(texts, key=lambda text: not text[2].get("authoritative", False)):
                    said = _take(letter, language, words, front, over_drafts=options["drafts"])
                    if said:
                        self.stdout.write(f"{language}: {said}")
        except (OSError, KeyError, TypeError, ValueError, ValidationError, DataError) as error:
            raise CommandError(f"{folder} is no letter: {type(error).__name__}: {error}") from None
        self.stdout.write(f"{'Loaded' if made else 'Updated'} /letters/{letter.slug}/")


def _take(
    letter: Letter, language: str, words: dict[str, Any], front: dict[str, Any], *, over_drafts: bool
) -> str | None:
    """A text into its letter; what was left alone, and why."""
    is_for_all = front.get("publish", True)
    newest = letter.revisions.first()
    there = newest and newest.translations.filter(language=language).first()
    about = {field: front[field] for field in Translation.DETAIL_FIELDS if field in front}
    if there and _differing(there, {**words, **about}):
        if there.published_at is None and not over_drafts:
            return "the draft on the site stays as it is: staff may have worked on it (--drafts writes over it)."
        if there.published_at and not is_for_all:
            return "the text on the site stays as it is: it is published."
    translation = revise(letter, language, words, **about)
    if is_for_all:
        publish(translation)
    left = _differing(translation, about)
    return f"{', '.join(left)}: as published, until its words change." if left else None


def _differing(text: Translation, wanted: dict[str, Any]) -> list[str]:
    return [field for field, value in wanted.items() if getattr(text, field) != value]


def read_text(file: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Language, words and front matter of a text: TOML between two lines of `+++`, then the body."""
    start, front, body = file.read_text(encoding="utf-8").split("+++\n", 2)
    if start.strip():
        raise ValueError(f"{file.name} does not begin with +++")
    data = tomllib.loads(front)
    words = {field: data[field] for field in ("title", "date", "salutation", "closing", "signatories")}
    words["signatories"] = [
        {"name": person["name"], "titles": list(person.get("titles", []))} for person in words["signatories"]
    ]
    return file.stem, {**words, "addressee": "\n".join(data["addressee"]), "body": body.strip()}, data
