"""Loading a letter from a folder: what staff changed on the site meanwhile is kept, every change is an audit entry."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import DataError, transaction

from campaign.letters import text
from campaign.letters.folder import LetterFolder, TextFile, paragraphs
from campaign.letters.folder_changes import changes
from campaign.letters.folder_files import LETTER_FILE, NotALetter
from campaign.letters.logos import set_logo
from campaign.letters.publishing import Refused, revise
from campaign.models import Letter, LoadedFolder, Logo, PrivacyText, Translation
from signatures import publication
from signatures.audit import audit_log
from signatures.registries import AuditAction


@dataclass
class Loading:
    """One folder on its way into one letter.

    Attributes:
        folder: what was read.
        overwrite: whether the folder wins over what staff changed on the site.
        shows_values: whether the lines have the old and the new value of all that is changed.
        lines: what was done and what was kept, a sentence each.
        is_changed: whether anything was stored or published.
    """

    folder: LetterFolder
    overwrite: bool
    shows_values: bool = False
    lines: list[str] = field(default_factory=list)
    is_changed: bool = False

    @transaction.atomic
    def run(self) -> Letter:
        """Store the folder.

        Raises:
            NotALetter: when a value cannot be stored, or a text not be published. Nothing is stored then.
        """
        # By any slug that it has or had: staff may have changed it.
        found = Letter.objects.select_for_update(of=("self",)).filter(slugs__slug=self.folder.slug).first()
        letter = found or Letter(slug=self.folder.slug)
        last = LoadedFolder.objects.filter(letter=found).first() if found else None
        self.last: dict[str, Any] = last.values if last else {}
        if letter.slug != self.folder.slug:
            self.lines.append(f"{LETTER_FILE}: slug: kept as {letter.slug}, as staff changed it.")
        self.load_fields(letter, is_new=found is None)
        if self.folder.logo:
            self.load_logo(letter, self.folder.logo)
        for language, words in self.folder.privacy.items():
            self.load_privacy(letter, language, words)
        for file in sorted(self.folder.texts, key=lambda file: not file.details.get("authoritative", False)):
            try:
                self.load_text(letter, file)
            except (Refused, ValidationError, DataError) as error:
                raise NotALetter(_sentences(f"{file.language}.md", error)) from None
        LoadedFolder.objects.update_or_create(letter=letter, defaults={"values": self.last})
        return letter

    def is_taken(
        self, where: str, key: str, *, current: Any, new: Any, default: Any, words: tuple[Any, Any] | None = None
    ) -> bool:
        """Returns whether the folder's value replaces the one on the site, and notes what becomes of it.

        Args:
            where: file and name, for the sentence.
            key: the name under which the value is remembered.
            current: the value on the site.
            new: the value in the folder.
            default: the value on a site where neither the folder nor staff ever set it.
            words: what is shown of both, by name, if that is more than the values themselves.
        """
        if current == new:
            self.last[key] = new
            return False
        if current != self.last.get(key, default):
            if not self.overwrite:
                self.lines.append(f"{where}: kept as it is on the site; --overwrite takes the folder's.")
                return False
            self.lines.append(f"{where}: replaces what staff changed on the site.")
        if self.shows_values:
            file, _, name = where.partition(": ")
            before, after = words or ({name: current}, {name: new})
            self.lines += changes(file, before, after)
        self.last[key] = new
        self.is_changed = True
        return True

    def load_fields(self, letter: Letter, *, is_new: bool) -> None:
        changed, unset = [], Letter()
        for name, value in self.folder.fields.items():
            current, default = _plain(getattr(letter, name)), _plain(getattr(unset, name))
            if self.is_taken(f"{LETTER_FILE}: {name}", name, current=current, new=_plain(value), default=default):
                setattr(letter, name, value)
                changed.append(name)
        if not changed and not is_new:
            return
        try:
            letter.full_clean()
            letter.save()
        except (ValidationError, DataError) as error:
            raise NotALetter(_sentences(LETTER_FILE, error)) from None
        self.lines.append(f"{LETTER_FILE}: {'a new letter' if is_new else ', '.join(changed)}.")
        self.record(AuditAction.SET_LETTER, letter, ", ".join(changed))

    def load_logo(self, letter: Letter, new: Logo) -> None:
        current = Logo.objects.filter(letter=letter).values_list("digest", flat=True).first() or ""
        if self.is_taken("logo", "logo", current=current, new=new.digest, default=""):
            set_logo(letter, new)
            self.lines.append("logo.")
            self.record(AuditAction.SET_LETTER, letter, "logo")

    def load_privacy(self, letter: Letter, language: str, words: dict[str, str]) -> None:
        row = letter.privacy_texts.filter(language=language).first() or PrivacyText(letter=letter, language=language)
        where, key = f"{LETTER_FILE}: privacy.{language}", f"privacy.{language}"
        if self.is_taken(where, key, current=paragraphs(row), new=words, default={}):
            for name in PrivacyText.PARAGRAPHS:
                setattr(row, name, words.get(name, ""))
            try:
                row.full_clean()
            except ValidationError as error:
                raise NotALetter(_sentences(where, error)) from None
            row.save()
            self.lines.append(f"{where}.")
            self.record(AuditAction.SET_LETTER, letter, f"privacy text ({language})")

    def load_text(self, letter: Letter, file: TextFile) -> None:
        where, stored = f"{file.language}.md", Translation.objects.of_language(letter, file.language)
        existing = stored.drafts().first() or stored.published().first()
        current = {name: getattr(existing, name) for name in ("digest", *Translation.DETAIL_FIELDS)} if existing else {}
        authoritative = current.get("authoritative", False)  # which language it is does not change
        details = {"recipient": "", "authoritative": authoritative, "unofficial": False, **file.details}
        typed = Translation(language=file.language, **file.texts, **details)
        new = {"digest": text.digest(typed.parts()), **details}
        was_published = bool(existing and existing.published_at)
        words = ({**existing.text_values(), **current} if existing else {}, {**file.texts, **details})
        if self.is_taken(where, where, current=current, new=new, default={}, words=words):
            typed.full_clean(exclude=("revision", "digest", "signatories"), validate_unique=False)
            existing = revise(letter, file.language, file.texts, **details)
            was_published = False
            self.record(AuditAction.SET_TRANSLATION, letter, file.language, row=existing.pk)
        elif current != new or existing is None:
            return
        if file.publish and not was_published:
            publication.publish(existing, by=None)
            self.is_changed = True
            self.lines.append(f"{where}: published.")
        elif not was_published:
            self.lines.append(f"{where}:{file.publish_line}: a draft. Only `publish = true` publishes it.")

    def record(self, action: AuditAction, letter: Letter, reason: str, row: int | None = None) -> None:
        audit_log.record(action, letter_id=letter.pk, reason=reason[:300], detail={"row": row or letter.pk})


def _plain(value: Any) -> Any:
    """Returns the value as JSON can hold it."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _sentences(where: str, error: Exception) -> str:
    if isinstance(error, ValidationError) and hasattr(error, "error_dict"):
        return "\n".join(
            f"{where}: {'' if name == NON_FIELD_ERRORS else f'{name}: '}{' '.join(map(str, sentences))}"
            for name, sentences in error.message_dict.items()
        )
    return f"{where}: {' '.join(str(error).split())}"
