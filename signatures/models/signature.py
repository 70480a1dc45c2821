"""Signatures, the named sets of them, and other links to them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django_countries import countries

from campaign.models import Letter
from signatures import count_steps
from signatures.models.base import UnnamedModel
from signatures.models.listed_row import ListedRow
from signatures.models.signer_columns import SignerColumns
from signatures.registries.typed_fields import DERIVED_FROM_WORDS, WORDS
from signatures.states import Kind, State, Visibility


class Grams(models.Func):
    """The pieces of a `search_text`, each with its letter, by which the index finds a name (`public_list.search`)."""

    function = "signatures_grams"
    output_field: ClassVar = ArrayField(models.TextField())


class CommentKey(models.Func):
    """The key of a comment: equal for variants of one text, NULL without a letter (`comment_key.sql`)."""

    function = "signatures_comment_key"
    output_field: ClassVar = models.BigIntegerField()


LISTED = (
    "public_id", "name", "role", "organization", "country", "kind", "featured_position", "approved_on", "sort_key",
)  # fmt: skip


class SignatureQuerySet(models.QuerySet["Signature"]):
    """Named sets. Nothing else decides what may be shown or what is delivered."""

    def public(self) -> SignatureQuerySet:
        """The only definition of "is shown": a name enters at a step of time, and leaves at once (S38)."""
        return self.to_be_public().filter(public_from__lte=count_steps.last_step())

    def for_list(self) -> SignatureQuerySet:
        """With what a list of names shows and is sorted by: a third of the columns, in half the time."""
        return self.only(*LISTED)

    def listed_rows(self) -> list[ListedRow]:
        return list(map(ListedRow._make, self.values_list(*ListedRow._fields)))

    def to_be_public(self) -> SignatureQuerySet:
        """The public names with those that enter at the next step: for checks of counts, never for a page."""
        return self.filter(state=State.APPROVED, visibility=Visibility.PUBLIC)

    def deliverable(self) -> SignatureQuerySet:
        """The only definition of "is named in the delivery"."""
        return self.filter(state=State.APPROVED, visibility__in=[Visibility.PUBLIC, Visibility.DELIVERY])

    def of_mailbox(self, person: SignerColumns) -> SignatureQuerySet:
        """What was signed under the same letter with the same address: nothing for a signature on paper."""
        rows = self.filter(letter=person.letter_id, kind__in=Kind.values, address_hash=person.address_hash)
        return rows.exclude(address_hash=None).order_by("pk")

    def standing(self) -> SignatureQuerySet:
        """What was confirmed and not withdrawn, whatever staff decided."""
        return self.exclude(state=State.WITHDRAWN)

    def with_address(self) -> SignatureQuerySet:
        """Whose email address is kept, for a question of staff or for updates."""
        return self.exclude(question_address=None, sealed_address=None)

    def featured(self) -> SignatureQuerySet:
        """The signatures that staff put first, in the order that staff chose."""
        return self.filter(featured_position__isnull=False).order_by("featured_position", "pk")

    def listed_by_page(self, kind: str) -> SignatureQuerySet:
        """The signatures of one kind without the featured ones, which stand on the first page of the list."""
        return self.filter(kind=kind, featured_position__isnull=True)

    def put_aside(self) -> SignatureQuerySet:
        """What waits for a colleague, or for an answer of its signer: the review queue has tabs of its own for it."""
        return self.filter(_PUT_ASIDE)

    def to_review(self) -> SignatureQuerySet:
        """What waits, and nobody has put aside."""
        return self.filter(state=State.WAITING).exclude_put_aside()

    def exclude_put_aside(self) -> SignatureQuerySet:
        return self.exclude(flags__overlap=PUT_ASIDE)

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
PUT_ASIDE = ["hold", "asked"]
_PUT_ASIDE = Q(state="waiting", flags__overlap=PUT_ASIDE)
_NEWEST = models.F("approved_on").desc()
_SCANNED = ("public_from", "search_text", "id")
SEARCHED_BY_STAFF = "name_key", "search_text", "role"  # by the beginnings of words


class Signature(SignerColumns):
    """What the owner of a mailbox confirmed, or what was signed on paper. Only its owner and staff ever change it."""

    MAX_PLACES = 2  # the people who may sign from one mailbox; a letter may allow fewer

    # Of the places of its mailbox, the one that it takes. One that was withdrawn takes none.
    place = models.PositiveSmallIntegerField(null=True, default=1, editable=False)
    paper = models.BooleanField(default=False, editable=False)
    # Confirmed by staff, in place of the owner of the mailbox: exports say so. NULL from code that does not know of it.
    on_evidence = models.BooleanField(null=True, editable=False)
    sheet = models.CharField("where the paper lies", max_length=100, blank=True, default="", db_default="")
    # Made of the name on confirmation, for comparing, sorting and searching (`names.search_columns`).
    name_key = models.CharField(max_length=200, blank=True, editable=False, default="", db_default="")
    sort_key = models.CharField(max_length=100, blank=True, editable=False, default="", db_default="", db_collation="C")
    search_text = models.TextField(blank=True, editable=False, default="", db_default="")

    state = models.CharField("state", max_length=12, choices=State, default=State.WAITING)
    featured_position = models.PositiveSmallIntegerField("place among featured signatures", null=True, editable=False)
    confirmed_at = models.DateTimeField("confirmed", null=True)
    approved_on = models.DateField("approved", null=True)
    # Set by a trigger whenever it becomes public: the minute from which `SignatureQuerySet.public` may have it.
    public_from = models.DateTimeField(null=True, editable=False)
    # Since when staff hide a public name from the website. Its visibility is `delivery` then: see `chosen_visibility`.
    hidden_at = models.DateTimeField("hidden since", null=True, editable=False)
    question = models.CharField(max_length=40, blank=True, editable=False, default="", db_default="")

    objects = SignatureQuerySet.as_manager()

    @property
    def is_put_aside(self) -> bool:
        return not set(PUT_ASIDE).isdisjoint(self.flags)

    class Meta(SignerColumns.Meta):
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("moderate_signature", "Can approve, reject and undo")]
        constraints: ClassVar = [
            *SignerColumns.Meta.constraints,
            models.UniqueConstraint("letter", "kind", "address_hash", "place", name="one_signature_per_place"),
            models.CheckConstraint(
                condition=Q(state=State.WITHDRAWN, place__isnull=True)
                | (~Q(state=State.WITHDRAWN) & Q(place__isnull=False, place__gte=1, place__lte=2)),
                name="two_places_per_mailbox",
            ),
            models.CheckConstraint(
                condition=Q(address_hash__isnull=False) | Q(paper=True), name="an_address_unless_on_paper"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=False) | Q(paper=True), name="a_signature_is_confirmed"
            ),
            models.CheckConstraint(
                condition=Q(**dict.fromkeys((*WORDS, *DERIVED_FROM_WORDS), ""))
                | ~(Q(state=State.WITHDRAWN) | Q(visibility=Visibility.COUNTED)),
                name="counted_and_withdrawn_have_no_words",
            ),
            models.CheckConstraint(
                condition=Q(featured_position__isnull=True) | ~Q(name=""), name="featured_has_a_name"
            ),
            models.CheckConstraint(
                condition=~Q(state=State.APPROVED) | Q(approved_on__isnull=False), name="approved_on_a_day"
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="signature_state_is_known"),
            models.CheckConstraint(
                condition=Q(hidden_at=None) | Q(visibility=Visibility.DELIVERY), name="a_hidden_name_is_not_public"
            ),
            models.CheckConstraint(condition=Q(paper=False) | Q(on_evidence=None), name="evidence_is_not_on_paper"),
        ]
        indexes: ClassVar = [
            # The first two hold what a search reads of a row, so that it scans them alone: ten times as fast.
            models.Index(
                "letter", _NEWEST, "public_id", name="public_newest_words", condition=_PUBLIC, include=_SCANNED
            ),
            models.Index("letter", "country", _NEWEST, "public_id", name="public_by_country", condition=_PUBLIC),
            # By name, in all countries and in one: no other index finds a page in the middle.
            models.Index(
                "letter", "sort_key", "public_id", name="public_by_name_words", condition=_PUBLIC, include=_SCANNED
            ),
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
            models.Index("mailbox", name="same_mailbox", condition=~Q(mailbox="")),
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
            # Held and asked: a handful, which the index above does not tell from the others.
            models.Index("signed_up_at", "id", name="put_aside", condition=_PUT_ASIDE),
            # What the queue counts beside a row (`moderation.clusters`). Names that never waited are not in them.
            models.Index("network", name="waiting_networks", condition=Q(state="waiting") & ~Q(network="")),
            models.Index(CommentKey("comment"), name="waiting_comments", condition=Q(state="waiting") & ~Q(comment="")),
            models.Index("name_key", name="same_name_key", condition=~Q(name_key="")),
            GinIndex(
                SearchVector(*SEARCHED_BY_STAFF, config="simple"), name="found_by_staff", condition=~Q(search_text="")
            ),
            models.Index(
                "letter", "featured_position", name="featured_order", condition=Q(featured_position__isnull=False)
            ),
            models.Index("signed_up_at", name="reported", condition=Q(flags__contains=["reported"])),
        ]

    @property
    def chosen_visibility(self) -> str:
        """What its signer chose, also while staff hide a public name."""
        return Visibility.PUBLIC if self.hidden_at else self.visibility


class LinkAlias(UnnamedModel):
    """The public id of a submission that became no signature of its own: its link leads to one that stood already."""

    public_id = models.UUIDField(unique=True)
    signature = models.ForeignKey(Signature, models.CASCADE, related_name="aliases")


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
