"""Short news on a letter, in one or more languages. Corrections of published news show their date."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from campaign.models.languages import LanguageField
from campaign.models.letter import Letter
from campaign.models.texts import Translation


class NewsQuerySet(models.QuerySet["News"]):
    def announced(self) -> NewsQuerySet:
        """Returns the news that the page shows."""
        return self.filter(published_at__isnull=False, retracted_at__isnull=True)


class News(models.Model):
    """Something that happened to a letter. Its text is in `NewsText`, one row for each language."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="news", verbose_name="letter")
    by_mail = models.BooleanField(
        "also by email",
        default=False,
        help_text="People who asked for updates get a link to it when queue_updates runs.",
    )
    created_at = models.DateTimeField("created at", auto_now_add=True)
    # The first time. It is kept when the news is retracted, so that news shown again keeps its date.
    published_at = models.DateTimeField("published at", null=True, blank=True, editable=False)
    retracted_at = models.DateTimeField("taken off the page at", null=True, blank=True, editable=False)

    objects = NewsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "news"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(retracted_at__isnull=True) | models.Q(published_at__isnull=False),
                name="only_what_was_published_is_retracted",
            ),
        ]
        indexes: ClassVar = [models.Index("letter", models.F("published_at").desc(), name="newest_news")]

    def __str__(self) -> str:
        return f"{self.letter_id}/{self.pk}"

    @property
    def is_announced(self) -> bool:
        return self.published_at is not None and self.retracted_at is None


class NewsTextQuerySet(models.QuerySet["NewsText"]):
    def shown(self, letter: Letter, language: str) -> NewsTextQuerySet:
        """Returns one text for each news on the page, the newest news first.

        The text is in this language, else in the language of the letter's authoritative text, else in any.
        """
        authoritative = (
            Translation.objects.filter(revision__letter=letter, authoritative=True, published_at__isnull=False)
            .order_by("-revision__number")
            .values("language")[:1]
        )
        rank = models.Case(
            models.When(language=language, then=0),
            models.When(language=models.Subquery(authoritative), then=1),
            default=2,
        )
        announced = self.filter(news__in=News.objects.announced().filter(letter=letter))
        return (
            announced.select_related("news__letter")
            .order_by("-news__published_at", "-news_id", rank, "pk")
            .distinct("news__published_at", "news_id")
        )


class NewsText(models.Model):
    """The text of a news in one language."""

    news = models.ForeignKey(News, models.CASCADE, related_name="texts", verbose_name="news")
    language = LanguageField("language")
    title = models.CharField("title", max_length=150)
    body = models.TextField(
        "body",
        max_length=2000,
        help_text="Paragraphs, lists, quotes, *emphasis*, **strong**. At most 2,000 characters.",
    )
    # Shown on the page, so that earlier readers notice that the text has changed.
    changed_on = models.DateField("changed on", null=True, blank=True, editable=False)

    objects = NewsTextQuerySet.as_manager()

    class Meta:
        verbose_name = "text of the news"
        verbose_name_plural = "texts of the news"
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            # `fields`, not expressions: only then does the admin form report the same language given twice.
            models.UniqueConstraint(fields=["news", "language"], name="one_news_text_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Record the day of the change if the news was already public."""
        if self.pk and self.news.published_at:
            self.changed_on = timezone.now().date()
            if kwargs.get("update_fields"):
                kwargs["update_fields"] = {*kwargs["update_fields"], "changed_on"}
        super().save(*args, **kwargs)
