"""The people who sign, what stands of each, and how many they are."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from campaign.models import Letter, Translation


class State(models.TextChoices):
    UNCONFIRMED = "unconfirmed", _("unconfirmed")
    WAITING = "waiting", _("waiting")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Audience(models.TextChoices):
    PUBLIC = "public", _("on this website and in the delivered letter")
    DELIVERY = "delivery", _("in the delivered letter only")
    COUNTED = "counted", _("nowhere: count me without my name")


class Kind(models.TextChoices):
    PERSON = "person", _("a person")
    ORGANISATION = "organisation", _("an organisation")


class Grams(models.Func):
    """The pieces of a folded name, each with its letter, by which a search begins (`finding`)."""

    function = "signatures_grams"
    output_field: ClassVar = ArrayField(models.TextField())


class Report(models.TextChoices):
    """What a reader may say of a public name: codes, never words."""

    NOT_ME = "not-me", _("It is my name, and I did not sign")
    MADE_UP = "made-up", _("It is made up, or pretends to be somebody else")
    HARMFUL = "harmful", _("It insults, threatens or advertises")
    OTHER = "other", _("Something else")


class SignatureQuerySet(models.QuerySet["Signature"]):
    """The named sets. Nothing else decides what may be shown or what is delivered."""

    def public(self) -> SignatureQuerySet:
        """The only definition of "may be shown"."""
        return self.filter(state=State.APPROVED, visibility=Audience.PUBLIC)

    def deliverable(self) -> SignatureQuerySet:
        """The only definition of "is named in the delivery"."""
        return self.filter(state=State.APPROVED, visibility__in=[Audience.PUBLIC, Audience.DELIVERY])

    def featured(self) -> SignatureQuerySet:
        """Those whom staff gave a place, in its order."""
        return self.filter(notable__isnull=False).order_by("notable", "pk")

    def counted_only(self) -> SignatureQuerySet:
        """The only definition of "is delivered as a number"."""
        return self.filter(state=State.APPROVED, visibility=Audience.COUNTED)

    def in_order(self, order: str) -> SignatureQuerySet:
        """Organisations, notables, everybody else; the last as the letter says (`Letter.Order`).

        Never by the moment or the sequence of signing (P3).
        """
        first = models.Case(
            models.When(kind=Kind.ORGANISATION, then=0), models.When(notable__isnull=False, then=1), default=2
        )
        by_name = ["sort_key", "public_id"]
        # By the English names of the countries, wherever the database sorts.
        codes = [code for code, _name in countries]
        by_country = models.Case(
            *(models.When(country=code, then=place) for place, code in enumerate(codes)), default=len(codes)
        )
        rest: dict[str, list[Any]] = {
            Letter.Order.NAME: by_name,
            Letter.Order.COUNTRY: [by_country, *by_name],
            Letter.Order.DAY: ["-approved_on", "public_id"],
        }
        return self.order_by(first, models.F("notable").asc(nulls_last=True), *rest[order])

    def newest_first(self) -> SignatureQuerySet:
        """By the day of approval, then by a random id: never by the moment or the sequence of signing (P3)."""
        return self.order_by("-approved_on", "public_id")


class Signature(models.Model):
    """One mailbox's answer to one letter. Holds no address: only a keyed hash that finds it again."""

    WORDS = ("name", "role", "organisation", "speaker", "comment")
    OF_NAME = ("likeness", "sort_key", "folded")  # what is made of the words once confirmed, and goes with them

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    letter = models.ForeignKey(
        Letter, models.PROTECT, related_name="signatures", verbose_name=_("letter"), db_index=False
    )  # the indexes below begin with it; each further one is paid for by every signature
    translation = models.ForeignKey(
        Translation, models.PROTECT, related_name="signatures", verbose_name=_("text"), db_index=False
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.PERSON)
    mailbox_key = models.BinaryField(max_length=32, null=True, editable=False)
    paper = models.BooleanField(default=False, editable=False)
    sheet = models.CharField(_("where the paper lies"), max_length=100, blank=True, default="", db_default="")

    name = models.CharField(_("name"), max_length=200, blank=True)
    role = models.CharField(_("role"), max_length=200, blank=True)
    organisation = models.CharField(_("organisation"), max_length=200, blank=True)
    speaker = models.CharField(_("who speaks for it"), max_length=200, blank=True, default="", db_default="")
    country = models.CharField(_("country"), max_length=2, blank=True)
    comment = models.TextField(_("comment"), max_length=1000, blank=True)
    likeness = models.CharField(max_length=200, blank=True, editable=False, default="", db_default="")  # once confirmed
    sort_key = models.CharField(
        max_length=100, blank=True, editable=False, default="", db_default="", db_collation="C"
    )  # once confirmed: its place by name
    folded = models.TextField(blank=True, editable=False, default="", db_default="")  # once confirmed: as it is found
    visibility = models.CharField(_("audience"), max_length=10, choices=Audience)
    language = models.CharField(_("language"), max_length=10)
    sealed_address = models.BinaryField(null=True, editable=False)
    # By what many signatures can be told to belong together, as keyed digests: the mail domain with those it is part
    # of, and for 72 hours the network.
    domains = ArrayField(models.CharField(max_length=16), default=list, db_default=[], editable=False)
    network = models.CharField(max_length=16, blank=True, editable=False, default="", db_default="")
    # The buckets of bursts it fell into (`limits.MARKED`), as digests under a key of the day; kept like the network.
    marks = ArrayField(models.CharField(max_length=16), default=list, db_default=[], editable=False)

    state = models.CharField(_("state"), max_length=12, choices=State, default=State.UNCONFIRMED)
    flags = ArrayField(models.CharField(max_length=20), verbose_name=_("flags"), default=list, blank=True)
    notable = models.PositiveSmallIntegerField(_("place among the notable"), null=True, editable=False)
    signed_up_at = models.DateTimeField(_("signed up"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)
    approved_on = models.DateField(_("approved"), null=True)
    question = models.CharField(max_length=40, blank=True, editable=False, default="", db_default="")

    objects = SignatureQuerySet.as_manager()

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("moderate_signature", "Can approve, reject and undo")]
        constraints: ClassVar = [
            models.UniqueConstraint("letter", "kind", "mailbox_key", name="one_signature_per_mailbox"),
            models.CheckConstraint(
                condition=Q(mailbox_key__isnull=False) | Q(paper=True), name="a_mailbox_unless_on_paper"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.UNCONFIRMED, State.WITHDRAWN])
                | Q(confirmed_at__isnull=False)
                | Q(paper=True),
                name="nothing_moves_before_confirmation",
            ),
            models.CheckConstraint(
                condition=Q(
                    name="", role="", organisation="", speaker="", comment="", likeness="", sort_key="", folded=""
                )
                | (~Q(state=State.WITHDRAWN) & (~Q(visibility=Audience.COUNTED) | Q(confirmed_at__isnull=True))),
                name="counted_and_withdrawn_have_no_words",
            ),
            models.CheckConstraint(condition=Q(notable__isnull=True) | ~Q(name=""), name="a_notable_has_a_name"),
            models.CheckConstraint(
                condition=~Q(state=State.APPROVED) | Q(approved_on__isnull=False), name="approved_on_a_day"
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="signature_state_is_known"),
            models.CheckConstraint(condition=Q(visibility__in=Audience.values), name="audience_is_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="kind_is_known"),
        ]
        indexes: ClassVar = [
            models.Index(
                "letter",
                models.F("approved_on").desc(),
                "public_id",
                name="public_newest",
                condition=Q(state="approved", visibility="public"),
            ),
            models.Index(
                "letter",
                "country",
                models.F("approved_on").desc(),
                "public_id",
                name="public_by_country",
                condition=Q(state="approved", visibility="public"),
            ),
            # By name, in all and in one country: nothing else finds the middle of either.
            models.Index(
                "letter",
                "sort_key",
                "public_id",
                name="public_by_name",
                condition=Q(state="approved", visibility="public"),
            ),
            models.Index(
                "letter",
                "country",
                "sort_key",
                "public_id",
                name="public_by_country_and_name",
                condition=Q(state="approved", visibility="public"),
            ),
            # The pieces of public names are nowhere but in this index, and no row that is not public can be in it (P6).
            # A short list of what is not yet sorted in: each search reads all of it.
            GinIndex(
                Grams("letter_id", "country", "folded"),
                name="public_by_grams",
                condition=Q(state="approved", visibility="public"),
                gin_pending_list_limit=512,
            ),
            # Organisations have a list of their own; who signs as a person does not pay for it.
            models.Index(
                "letter",
                models.F("approved_on").desc(),
                "public_id",
                name="public_organisations",
                condition=Q(state="approved", visibility="public", kind="organisation"),
            ),
            models.Index(fields=["letter", "state", "-signed_up_at"], name="by_state"),
            models.Index("signed_up_at", name="by_day"),
            # Two ways into the queue: what needs a person first, then the oldest; and all of that, without flags.
            models.Index(
                models.Case(models.When(flags=[], then=1), default=0),
                "signed_up_at",
                "id",
                name="queue",
                condition=Q(state="waiting"),
            ),
            models.Index("likeness", name="alike", condition=~Q(likeness="")),
            GinIndex(
                SearchVector("likeness", "role", "organisation", config="simple"),
                name="found_by_words",
                condition=~Q(likeness=""),
            ),
            models.Index("letter", "notable", name="notables", condition=Q(notable__isnull=False)),
            models.Index("signed_up_at", name="reported", condition=Q(flags__contains=["reported"])),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Waiting(Signature):
    """The queue: what waits for a person."""

    class Meta:
        proxy = True
        verbose_name = _("waiting signature")
        verbose_name_plural = _("waiting signatures")
        default_permissions: ClassVar = []


class Notable(Signature):
    """Those whom staff put before all others, in the order that staff gave them."""

    class Meta:
        proxy = True
        verbose_name = _("notable")
        verbose_name_plural = _("notables")
        default_permissions: ClassVar = []


class SignedLetter(Letter):
    """A letter as the delivery desk sees it: with its signatures."""

    class Meta:
        proxy = True
        verbose_name = _("signed letter")
        verbose_name_plural = _("signed letters")
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("export_signedletter", "Can export the signed letter")]


class Tombstone(models.Model):
    """What was erased, and when: a signature from before this time never comes back out of a backup (R8)."""

    letter_id = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    mailbox_key = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = []
        constraints: ClassVar = [models.UniqueConstraint("letter_id", "kind", "mailbox_key", name="one_tombstone")]

    def __str__(self) -> str:
        return str(self.pk)
