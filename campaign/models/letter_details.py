"""What belongs to a letter beside its text: logo, privacy notice, addresses."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from campaign.models.languages import LanguageField
from campaign.models.letter import Letter


class Logo(models.Model):
    """The logo in a letterhead. It is in the database, so that backups and all machines of a site have it."""

    letter = models.OneToOneField(Letter, models.CASCADE, related_name="logo", verbose_name="letter")
    png = models.BinaryField("image")  # encoded anew by us, never the bytes that were uploaded
    width = models.PositiveIntegerField("width in pixels")
    height = models.PositiveIntegerField("height in pixels")
    digest = models.CharField("digest", max_length=64)  # SHA-256 of the image, part of its address

    def __str__(self) -> str:
        return f"{self.letter_id}/{self.digest[:8]}"


class HandSignature(models.Model):
    """The image of the signature by hand of one of the original signatories, for the PDF alone: no page shows it."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="hand_signatures", verbose_name="letter")
    place = models.PositiveSmallIntegerField("signatory")  # from 1, in the order in which each text names them
    png = models.BinaryField("image")  # encoded anew by us, as the logo
    width = models.PositiveIntegerField("width in pixels")
    height = models.PositiveIntegerField("height in pixels")
    digest = models.CharField("digest", max_length=64)  # SHA-256 of the image

    class Meta:
        verbose_name = "signature by hand"
        verbose_name_plural = "signatures by hand"
        ordering: ClassVar = ["place"]
        constraints: ClassVar = [
            # `fields`, not expressions: only then does the admin form report the same place given twice.
            models.UniqueConstraint(fields=["letter", "place"], name="one_hand_signature_per_signatory")
        ]

    def __str__(self) -> str:
        return f"{self.place}: {self.width} by {self.height} pixels"


class PrivacyText(models.Model):
    """The paragraphs of a letter's privacy notice that its organization answers for, in one language.

    A paragraph that is empty has the words of the site.
    """

    PARAGRAPHS = ("purpose", "legal_basis", "retention", "transfer")

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="privacy_texts", verbose_name="letter")
    language = LanguageField("language")
    purpose = models.TextField("purpose", max_length=2000, blank=True, default="", db_default="")
    legal_basis = models.TextField("legal basis", max_length=2000, blank=True, default="", db_default="")
    retention = models.TextField("retention", max_length=2000, blank=True, default="", db_default="")
    transfer = models.TextField("transfer abroad", max_length=2000, blank=True, default="", db_default="")

    class Meta:
        verbose_name = "privacy text"
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            # `fields`, not expressions: only then does the admin form report the same language given twice.
            models.UniqueConstraint(fields=["letter", "language"], name="one_privacy_text_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.letter_id}/{self.language}"


class LetterSlug(models.Model):
    """An address that a letter has or had: it leads to the letter for ever, and no other letter gets it.

    A trigger adds the rows. The slug of a letter that was never public is given free when it is changed.
    """

    slug = models.SlugField("slug", primary_key=True)
    letter = models.ForeignKey(Letter, models.CASCADE, related_name="slugs", verbose_name="letter")

    def __str__(self) -> str:
        return self.slug


class LoadedFolder(models.Model):
    """What `load_letter` last took from a folder: where a letter differs from it, staff have changed the letter."""

    letter = models.OneToOneField(Letter, models.CASCADE, related_name="loaded_folder", verbose_name="letter")
    values = models.JSONField("values", default=dict)

    def __str__(self) -> str:
        return str(self.letter_id)
