"""Short news on a letter, in one or more languages: drafts until they are announced, and corrected in plain sight."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from campaign.models.letter import Letter, Translation


class NewsQuerySet(models.QuerySet["News"]):
    """The named sets of news."""

    def announced(self) -> NewsQuerySet:
        """Those that stand on the page."""
        return self.filter(published_at__isnull=False, retracted_at__isnull=True)


class News(models.Model):
    """Something that happened to a letter. Its words are in its texts."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="news", verbose_name="letter")
    by_mail = models.BooleanField(
        "also by email",
        default=False,
        help_text="Those who asked for updates get a link to it when mail_updates runs.",
    )
    created_at = models.DateTimeField("created at", auto_now_add=True)
    # The first time. It stays when the news is taken off the page: what is put there again was there before.
    published_at = models.DateTimeField("published at", null=True, blank=True, editable=False)
    retracted_at = models.DateTimeField("taken off the page at", null=True, blank=True, editable=False)

    objects = NewsQuerySet.as_manager()

    class Meta:
        verbose_name = "news"
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
    """The named sets of words of news."""

    def shown(self, letter: Letter, language: str) -> NewsTextQuerySet:
        """One text of each news on the page, the newest first.

        In this language, else in that of the letter's authoritative text, else in any.
        """
        authoritative = (
            Translation.objects.filter(revision__letter=letter, authoritative=True, published_at__isnull=False)
            .order_by("-revision__number")
            .values("language")[:1]
        )
        wanted = models.Case(
            models.When(language=language, then=0),
            models.When(language=models.Subquery(authoritative), then=1),
            default=2,
        )
        announced = self.filter(news__in=News.objects.announced().filter(letter=letter))
        return (
            announced.select_related("news__letter")
            .order_by("-news__published_at", "-news_id", wanted, "pk")
            .distinct("news__published_at", "news_id")
        )


class NewsText(models.Model):
    """The words of a news in one language."""

    news = models.ForeignKey(News, models.CASCADE, related_name="texts", verbose_name="news")
    language = models.CharField("language", max_length=10)
    title = models.CharField("title", max_length=150)
    body = models.TextField(
        "body",
        max_length=2000,
        help_text="Paragraphs, lists, quotes, *emphasis*, **strong**. At most 2,000 characters.",
    )
    # The day, for all to see: who read it before can tell that it says something else now.
    changed_on = models.DateField("changed on", null=True, blank=True, editable=False)

    objects = NewsTextQuerySet.as_manager()

    class Meta:
        verbose_name = "text of the news"
        verbose_name_plural = "texts of the news"
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            # By fields, so that admin finds the same language twice on one page.
            models.UniqueConstraint(fields=["news", "language"], name="one_news_text_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Words that were public already are changed for all to see."""
        if self.pk and self.news.published_at:
            self.changed_on = timezone.now().date()
            if kwargs.get("update_fields"):
                kwargs["update_fields"] = {*kwargs["update_fields"], "changed_on"}
        super().save(*args, **kwargs)
