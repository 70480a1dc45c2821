"""The columns that a submission and the signature that it becomes have in common."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from campaign.models import Letter, Translation
from signatures.models.base import UnnamedModel
from signatures.registries.typed_fields import MAX_LENGTHS
from signatures.states import Kind, Visibility


class SignerColumns(UnnamedModel):
    """What was typed, under which text, and how it came. No column holds an address, only keyed digests of it."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    letter = models.ForeignKey(
        Letter, models.PROTECT, related_name="%(class)ss", verbose_name="letter", db_index=False
    )  # the indexes of the models begin with it; every index makes each signature slower
    translation = models.ForeignKey(
        Translation, models.PROTECT, related_name="%(class)ss", verbose_name="text", db_index=False
    )
    kind = models.CharField("kind", max_length=MAX_LENGTHS["kind"], choices=Kind, default=Kind.PERSON)
    name = models.CharField("name", max_length=MAX_LENGTHS["name"], blank=True)
    role = models.CharField("role", max_length=MAX_LENGTHS["role"], blank=True)
    organization = models.CharField("organization", max_length=MAX_LENGTHS["organization"], blank=True)
    spokesperson = models.CharField(
        "who speaks for it", max_length=MAX_LENGTHS["spokesperson"], blank=True, default="", db_default=""
    )
    country = models.CharField("country", max_length=MAX_LENGTHS["country"], blank=True)
    comment = models.TextField("comment", max_length=MAX_LENGTHS["comment"], blank=True)
    visibility = models.CharField("visibility", max_length=MAX_LENGTHS["visibility"], choices=Visibility)
    language = models.CharField("language", max_length=10)  # of the text
    # Of the pages and emails, where these were not in the language of the text; "" otherwise, and on paper.
    page_language = models.CharField(
        "language of the page", max_length=10, blank=True, default="", db_default="", editable=False
    )
    sealed_address = models.BinaryField(null=True, editable=False)  # for updates, of whoever asked for them
    # For a question of staff, of everybody, until it is decided: a trigger drops it then.
    question_address = models.BinaryField(null=True, editable=False)

    # Which people it is from: the one mailbox for certain (`email_addresses.canonical`), and the mailbox that it may be
    # a spelling of (`email_addresses.abuse_key`), under this letter.
    address_hash = models.BinaryField(max_length=32, null=True, editable=False)
    mailbox = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    # Keyed digests that rows of one source share: of the email domain and the domains that it is part of, and for 72
    # hours of the network.
    domains = ArrayField(models.CharField(max_length=16), default=list, db_default=[], editable=False)
    network = models.CharField(max_length=16, blank=True, editable=False, default="", db_default="")
    # Digests of the buckets that count bursts (`rate_limits.MARKED_SCOPES`) and counted it; kept for 72 hours, too.
    marks = ArrayField(models.CharField(max_length=16), default=list, db_default=[], editable=False)
    flags = ArrayField(models.CharField(max_length=20), verbose_name="flags", default=list, blank=True)
    signed_up_at = models.DateTimeField("signed up")

    @property
    def email_language(self) -> str:
        """The language in which its emails are."""
        return self.page_language or self.language

    @property
    def chosen_visibility(self) -> str:
        """What its signer chose."""
        return self.visibility

    @property
    def choice_in_words(self) -> str:
        """What its signer chose, as the signer is told it."""
        return Visibility(self.chosen_visibility).as_told_to(self.kind)

    class Meta(UnnamedModel.Meta):
        abstract = True
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(visibility__in=Visibility.values), name="%(class)s_visibility_is_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="%(class)s_kind_is_known"),
        ]
