"""The texts of a letter: revisions, and the translations of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from django.db import models

from campaign.letters import text
from campaign.letters.languages import describe
from campaign.models.languages import LanguageField, language_choices
from campaign.models.letter import Letter


class Revision(models.Model):
    """One wording of a letter in its authoritative language, with the texts that translate it.

    A changed wording is a new revision. A corrected translation is a further text of the revision that it translates.
    """

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="revisions", verbose_name="letter")
    number = models.PositiveIntegerField("number")
    created_at = models.DateTimeField("created at", auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint("letter", "number", name="one_revision_per_number")]

    def __str__(self) -> str:
        return f"{self.letter_id}/{self.number}"


class TranslationQuerySet(models.QuerySet["Translation"]):
    def published(self) -> Self:
        """Returns the texts that readers may see: those that were published and not taken back."""
        return self.filter(published_at__isnull=False, taken_back_at__isnull=True)

    def drafts(self) -> Self:
        return self.filter(published_at__isnull=True)

    def signed_languages(self) -> list[tuple[str, str]]:
        """Returns codes and names of the languages in which somebody can have signed: the site's, then the others."""
        published = self.published().order_by("language").values_list("language", flat=True).distinct()
        further = [code for code in published if code not in dict(language_choices())]
        return [*language_choices(), *((code, describe(code).name) for code in further)]

    def of_language(self, letter: Letter, language: str) -> Self:
        """Returns the texts of a letter in one language, the newest first."""
        texts = self.filter(revision__letter=letter, language=language).select_related("revision")
        return texts.order_by("-revision__number", "-published_at", "-pk")

    def shown(self, letter: str | int) -> list[Translation]:
        """Returns the texts of a letter (its slug or its id) that readers see, as `shown_of` does."""
        which = {"pk": letter} if isinstance(letter, int) else {"slug": letter}
        return next(iter(self.shown_of(Letter.objects.published().filter(**which)).values()), [])

    def shown_of(self, letters: models.QuerySet[Letter] | Sequence[Letter]) -> dict[int, list[Translation]]:
        """Returns the texts that readers see, by the id of the letter, in one statement.

        They are the newest published text of each language, the authoritative one first. Nothing else decides which
        text a reader sees, so publishing one language never takes another one away. Each text has
        `authoritative_language`, the `languages` of all of them, and `wording_day`: the day of the wording that it
        translates, if that is no longer the newest wording, else None.
        """
        published = self.published().filter(revision__letter__in=letters)
        wording = published.filter(revision=models.OuterRef("revision"), authoritative=True)
        newest = (
            published.order_by("revision__letter", "language", "-revision__number", "-published_at", "-pk")
            .distinct("revision__letter", "language")
            .annotate(
                wording_digest=models.Subquery(wording.values("digest")[:1]),
                wording_published_at=models.Subquery(wording.values("published_at")[:1]),
            )
            .select_related("revision__letter__logo")
            .defer("revision__letter__logo__png")  # rows are kept in memory
        )
        found: dict[int, list[Any]] = {}
        row: Any
        for row in sorted(newest, key=lambda row: (not row.authoritative, -row.revision.number, row.pk)):
            rows = found.setdefault(row.revision.letter_id, [])
            rows.append(row)
            row.authoritative_language = rows[0].language if rows[0].authoritative else None
            is_earlier = row.wording_digest not in {None, rows[0].digest}
            row.wording_day = row.wording_published_at.date() if is_earlier else None
        for rows in found.values():
            codes = [text.language for text in rows]
            for row in rows:
                row.languages = codes
        return found

    def newest(self, slug: str, language: str) -> Translation | None:
        """Returns the text of a letter that readers of this language see; None before anything is published."""
        return in_language(self.shown(slug), language)


def in_language(shown: Sequence[Translation], language: str) -> Translation | None:
    """Returns the text in this language, else the authoritative one. The texts are those of `shown`."""
    return next((text for text in shown if text.language == language), shown[0] if shown else None)


class Translation(models.Model):
    """A text of a revision: the wording itself, or a translation of it. Published, a trigger refuses any change."""

    TEXT_FIELDS = ("title", "date", "addressee", "salutation", "body", "closing", "signatories")
    DETAIL_FIELDS = ("recipient", "authoritative", "unofficial")  # not part of the text and its digest

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="translations", verbose_name="revision")
    language = LanguageField("language")
    title = models.CharField("title", max_length=200)
    date = models.CharField("date", max_length=50, blank=True, help_text="As printed on the letter.")
    addressee = models.TextField("addressee", help_text="One line each.")
    salutation = models.CharField("salutation", max_length=200, blank=True)
    body = models.TextField("body", help_text="Paragraphs, lists, quotes, *emphasis*, **strong**.")
    closing = models.CharField("closing", max_length=200, blank=True)
    signatories = models.JSONField("original signatories", default=list)
    recipient = models.CharField(
        "recipient",
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="As used within a sentence of this language. If empty, the recipient of the letter is used.",
    )
    authoritative = models.BooleanField("authoritative", default=False)
    unofficial = models.BooleanField(
        "unofficial draft",
        default=False,
        db_default=False,
        help_text="The page says so. It cannot be changed once the text is published.",
    )
    published_at = models.DateTimeField("published at", null=True, blank=True, editable=False)
    # Published by mistake, and soon off the page again. The row stays as it is: a signature may have slipped through.
    taken_back_at = models.DateTimeField("taken back at", null=True, editable=False)
    digest = models.CharField("digest", max_length=64, editable=False)

    objects = TranslationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "revision", "language", name="one_draft_per_language", condition=models.Q(published_at__isnull=True)
            ),
            models.UniqueConstraint(
                "revision",
                name="one_wording_per_revision",
                condition=models.Q(authoritative=True, published_at__isnull=False, taken_back_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=~models.Q(authoritative=True, unofficial=True),
                name="an_authoritative_text_is_official",
                violation_error_message="An authoritative text cannot be an unofficial draft.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.digest = text.digest(self.parts())
        super().save(*args, **kwargs)

    @property
    def recipient_name(self) -> str:
        """The recipient, as used within a sentence of this language."""
        return self.recipient or self.revision.letter.recipient

    def parts(self) -> list[str]:
        """Returns the parts of the text in the order of the canonical form (`text.canonical`)."""
        signatories = "\n\n".join("\n".join([person["name"], *person["titles"]]) for person in self.signatories)
        return [self.title, self.date, self.addressee, self.salutation, self.body, self.closing, signatories]

    def text_values(self) -> dict[str, Any]:
        return {field: getattr(self, field) for field in self.TEXT_FIELDS}
