"""Signatures, the named sets of them, and tombstones of erased ones."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django_countries import countries

from campaign.models import Letter, Translation
from signatures import count_steps
from signatures.models.base import UnnamedModel
from signatures.registries.typed_fields import DERIVED_FROM_WORDS, MAX_LENGTHS, WORDS
from signatures.states import Kind, State, Visibility


class Grams(models.Func):
    """The pieces of a `search_text`, each with its letter, by which the index finds a name (`public_list.search`)."""

    function = "signatures_grams"
    output_field: ClassVar = ArrayField(models.TextField())


class SignatureQuerySet(models.QuerySet["Signature"]):
    """Named sets. Nothing else decides what may be shown or what is delivered."""

    def public(self) -> SignatureQuerySet:
        """The only definition of "is shown": a name enters at a step of time, and leaves at once (S38)."""
        return self.to_be_public().filter(public_from__lte=count_steps.last_step())

    def to_be_public(self) -> SignatureQuerySet:
        """The public names with those that enter at the next step: for checks of counts, never for a page."""
        return self.filter(state=State.APPROVED, visibility=Visibility.PUBLIC)

    def deliverable(self) -> SignatureQuerySet:
        """The only definition of "is named in the delivery"."""
        return self.filter(state=State.APPROVED, visibility__in=[Visibility.PUBLIC, Visibility.DELIVERY])

    def featured(self) -> SignatureQuerySet:
        """The signatures that staff put first, in the order that staff chose."""
        return self.filter(featured_position__isnull=False).order_by("featured_position", "pk")

    def counted_only(self) -> SignatureQuerySet:
        """The only definition of "is delivered as a number"."""
        return self.filter(state=State.APPROVED, visibility=Visibility.COUNTED)

    def in_order(self, order: str) -> SignatureQuerySet:
        """Organizations first, then featured signatures, then all others in the order of the letter (`Letter.Order`).

        Never by the moment or the sequence of signing (P3).
        """
        first = models.Case(
            models.When(kind=Kind.ORGANIZATION, then=0), models.When(featured_position__isnull=False, then=1), default=2
        )
        by_name = ["sort_key", "public_id"]
        # By the English names of the countries, whatever the collation of the database.
        codes = [code for code, _name in countries]
        by_country = models.Case(
            *(models.When(country=code, then=place) for place, code in enumerate(codes)), default=len(codes)
        )
        rest: dict[str, list[Any]] = {
            Letter.Order.NAME: by_name,
            Letter.Order.COUNTRY: [by_country, *by_name],
            Letter.Order.DAY: ["-approved_on", "public_id"],
        }
        return self.order_by(first, models.F("featured_position").asc(nulls_last=True), *rest[order])

    def newest_first(self) -> SignatureQuerySet:
        """By the day of approval, then by a random id: never by the moment or the sequence of signing (P3)."""
        return self.order_by("-approved_on", "public_id")


_PUBLIC = Q(state="approved", visibility="public")
_NEWEST = models.F("approved_on").desc()


class Signature(UnnamedModel):
    """The signature of one email address under one letter. It has no address, only a keyed hash that finds it again."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    letter = models.ForeignKey(
        Letter, models.PROTECT, related_name="signatures", verbose_name="letter", db_index=False
    )  # the indexes below begin with it; every index makes each signature slower
    translation = models.ForeignKey(
        Translation, models.PROTECT, related_name="signatures", verbose_name="text", db_index=False
    )
    kind = models.CharField("kind", max_length=MAX_LENGTHS["kind"], choices=Kind, default=Kind.PERSON)
    address_hash = models.BinaryField(max_length=32, null=True, editable=False)
    paper = models.BooleanField(default=False, editable=False)
    sheet = models.CharField("where the paper lies", max_length=100, blank=True, default="", db_default="")

    name = models.CharField("name", max_length=MAX_LENGTHS["name"], blank=True)
    role = models.CharField("role", max_length=MAX_LENGTHS["role"], blank=True)
    organization = models.CharField("organization", max_length=MAX_LENGTHS["organization"], blank=True)
    spokesperson = models.CharField(
        "who speaks for it", max_length=MAX_LENGTHS["spokesperson"], blank=True, default="", db_default=""
    )
    country = models.CharField("country", max_length=MAX_LENGTHS["country"], blank=True)
    comment = models.TextField("comment", max_length=MAX_LENGTHS["comment"], blank=True)
    # Made of the name on confirmation, for comparing, sorting and searching (`names.search_columns`).
    name_key = models.CharField(max_length=200, blank=True, editable=False, default="", db_default="")
    sort_key = models.CharField(max_length=100, blank=True, editable=False, default="", db_default="", db_collation="C")
    search_text = models.TextField(blank=True, editable=False, default="", db_default="")
    visibility = models.CharField("visibility", max_length=MAX_LENGTHS["visibility"], choices=Visibility)
    language = models.CharField("language", max_length=10)
    sealed_address = models.BinaryField(null=True, editable=False)
    # Keyed digests that signatures of one source share: of the email domain and the domains that it is part of, and for
    # 72 hours of the network.
    domains = ArrayField(models.CharField(max_length=16), default=list, db_default=[], editable=False)
    network = models.CharField(max_length=16, blank=True, editable=False, default="", db_default="")
    # Digests of the buckets that count bursts (`rate_limits.MARKED_SCOPES`) and counted it; kept for 72 hours, too.
    marks = ArrayField(models.CharField(max_length=16), default=list, db_default=[], editable=False)

    state = models.CharField("state", max_length=12, choices=State, default=State.UNCONFIRMED)
    flags = ArrayField(models.CharField(max_length=20), verbose_name="flags", default=list, blank=True)
    featured_position = models.PositiveSmallIntegerField("place among featured signatures", null=True, editable=False)
    signed_up_at = models.DateTimeField("signed up")
    confirmed_at = models.DateTimeField("confirmed", null=True)
    approved_on = models.DateField("approved", null=True)
    # Set by a trigger whenever it becomes public: the minute from which `SignatureQuerySet.public` may have it.
    public_from = models.DateTimeField(null=True, editable=False)
    question = models.CharField(max_length=40, blank=True, editable=False, default="", db_default="")

    objects = SignatureQuerySet.as_manager()

    class Meta:
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("moderate_signature", "Can approve, reject and undo")]
        constraints: ClassVar = [
            models.UniqueConstraint("letter", "kind", "address_hash", name="one_signature_per_address"),
            models.CheckConstraint(
                condition=Q(address_hash__isnull=False) | Q(paper=True), name="an_address_unless_on_paper"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.UNCONFIRMED, State.WITHDRAWN])
                | Q(confirmed_at__isnull=False)
                | Q(paper=True),
                name="nothing_moves_before_confirmation",
            ),
            models.CheckConstraint(
                condition=Q(**dict.fromkeys((*WORDS, *DERIVED_FROM_WORDS), ""))
                | (~Q(state=State.WITHDRAWN) & (~Q(visibility=Visibility.COUNTED) | Q(confirmed_at__isnull=True))),
                name="counted_and_withdrawn_have_no_words",
            ),
            models.CheckConstraint(
                condition=Q(featured_position__isnull=True) | ~Q(name=""), name="featured_has_a_name"
            ),
            models.CheckConstraint(
                condition=~Q(state=State.APPROVED) | Q(approved_on__isnull=False), name="approved_on_a_day"
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="signature_state_is_known"),
            models.CheckConstraint(condition=Q(visibility__in=Visibility.values), name="visibility_is_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="kind_is_known"),
        ]
        indexes: ClassVar = [
            models.Index("letter", _NEWEST, "public_id", name="public_newest", condition=_PUBLIC),
            models.Index("letter", "country", _NEWEST, "public_id", name="public_by_country", condition=_PUBLIC),
            # By name, in all countries and in one: no other index finds a page in the middle.
            models.Index("letter", "sort_key", "public_id", name="public_by_name", condition=_PUBLIC),
            models.Index(
                "letter", "country", "sort_key", "public_id", name="public_by_country_and_name", condition=_PUBLIC
            ),
            # Pieces of names exist in this index alone, which has public rows only (P6). The pending list is short,
            # because every search reads all of it.
            GinIndex(
                Grams("letter_id", "country", "search_text"),
                name="public_by_grams",
                condition=_PUBLIC,
                gin_pending_list_limit=512,
            ),
            # The list of organizations. Signatures of persons do not make this index larger.
            models.Index(
                "letter",
                _NEWEST,
                "public_id",
                name="public_organizations",
                condition=Q(state="approved", visibility="public", kind="organization"),
            ),
            models.Index(fields=["letter", "state", "-signed_up_at"], name="by_state"),
            models.Index("signed_up_at", name="by_day"),
            # The review queue: flagged signatures first, then the oldest.
            models.Index(
                models.Case(models.When(flags=[], then=1), default=0),
                "signed_up_at",
                "id",
                name="queue",
                condition=Q(state="waiting"),
            ),
            models.Index("name_key", name="same_name_key", condition=~Q(name_key="")),
            GinIndex(
                SearchVector("name_key", "role", "organization", config="simple"),
                name="found_by_words",
                condition=~Q(name_key=""),
            ),
            models.Index(
                "letter", "featured_position", name="featured_order", condition=Q(featured_position__isnull=False)
            ),
            models.Index("signed_up_at", name="reported", condition=Q(flags__contains=["reported"])),
        ]


class WaitingSignature(Signature):
    """The review queue."""

    class Meta:
        proxy = True
        verbose_name_plural = "review queue"
        default_permissions: ClassVar = []


class FeaturedSignature(Signature):
    """Signatures that staff put before all others."""

    class Meta:
        proxy = True
        default_permissions: ClassVar = []


class SignedLetter(Letter):
    """A letter with its signatures, as the delivery officer sees it."""

    class Meta:
        proxy = True
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("export_signedletter", "Can export the signed letter")]


class Tombstone(UnnamedModel):
    """When a signature was erased: one from before that time is never restored from a backup (R8)."""

    letter_id = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    address_hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [models.UniqueConstraint("letter_id", "kind", "address_hash", name="one_tombstone")]
