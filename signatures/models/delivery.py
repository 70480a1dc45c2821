"""Deliveries: the letter's texts and its signatures as they were at one moment. Triggers keep them unchanged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaign.models import Letter
from signatures.models.base import NextMinute, UnnamedModel
from signatures.models.signature import Signature
from signatures.registries.typed_fields import BLANKED_IN_DELIVERIES
from signatures.states import EditionReason, Kind, State

FORMAT = 2


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Named sets of deliveries."""

    def handed_over(self) -> DeliveryQuerySet:
        """Deliveries that were handed over: nothing in them can be called back."""
        return self.filter(state__in=[Delivery.State.HANDED_OVER, Delivery.State.ACKNOWLEDGED])

    def public(self) -> DeliveryQuerySet:
        """Deliveries with a public page: their files are ready, and they are not void."""
        return self.filter(state__in=[Delivery.State.READY, Delivery.State.HANDED_OVER, Delivery.State.ACKNOWLEDGED])


class Delivery(models.Model):
    """One freezing of a letter. What was frozen never changes; the state and the progress of the build do."""

    class State(models.TextChoices):
        FROZEN = "frozen", _("frozen")
        READY = "ready", _("ready")
        HANDED_OVER = "handed-over", _("handed over")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        VOID = "void", _("void")

    letter = models.ForeignKey(Letter, models.PROTECT, related_name="deliveries", verbose_name="letter")
    slug = models.SlugField(
        db_default="", db_index=False, editable=False
    )  # that of the letter at freezing: a trigger sets it
    number = models.PositiveIntegerField("number")
    frozen_at = models.DateTimeField("frozen at")
    frozen_by = models.BigIntegerField("frozen by", null=True)  # a plain number, as in the audit log
    reason = models.CharField("reason", max_length=300)
    order = models.CharField("order of the names", max_length=10, choices=Letter.Order)
    letterhead = models.JSONField("letterhead")
    texts = models.JSONField("texts")  # [{"revision", "language", "digest", "translation", "authoritative"}]
    counts = models.JSONField("counts")  # those of the statement, and changes since the last delivery
    # Of the leaves and the package. Deliveries of format 1, of version 0.9, stay readable: see `is_former`.
    format = models.PositiveSmallIntegerField("format", default=FORMAT, db_default=1, editable=False)
    # How the signatures were confirmed and decided, and their breakdowns: counted once, right after the entries.
    method = models.JSONField("method", default=dict, db_default=models.Value({}, models.JSONField()), editable=False)

    state = models.CharField("state", max_length=12, choices=State, default=State.FROZEN)
    root = models.CharField("root", max_length=64, blank=True)
    files = models.JSONField("SHA-256 of the files", default=dict, blank=True)  # of format 1; else see the editions
    # What is proved, as canonical JSON (RFC 8785), its SHA-256, and the signature on it in the format of minisign. All
    # three are written once, with the root.
    statement = models.TextField("statement", blank=True, default="", db_default="", editable=False)
    statement_sha256 = models.BinaryField(max_length=32, null=True, unique=True, editable=False)
    signature = models.TextField("signature", blank=True, default="", db_default="", editable=False)
    # See `merkle.Tree`. A receipt that does not lead to the root is never handed out.
    subtree_roots = models.BinaryField(default=b"", db_default=b"", editable=False)
    # What others attest of the statement: see `delivery.attestations`. Each is written once.
    time_stamp = models.BinaryField(null=True, editable=False)
    countersignature = models.TextField("countersignature", blank=True, default="", db_default="", editable=False)
    auditor_key = models.CharField(
        "key of the auditor", max_length=60, blank=True, default="", db_default="", editable=False
    )
    handed_over_on = models.DateField("handed over on", null=True, blank=True)
    handed_over_to = models.CharField("to whom", max_length=200, blank=True)
    handed_over_at = models.CharField("place", max_length=200, blank=True)
    note = models.CharField("note", max_length=500, blank=True)
    # What was recorded wrongly about the handing over, oldest first: see `freezing.correct_hand_over`.
    corrections = models.JSONField(
        "corrections", default=list, db_default=models.Value([], models.JSONField()), blank=True, editable=False
    )
    acknowledged_on = models.DateField("acknowledged on", null=True, blank=True)
    void_reason = models.CharField("why it is void", max_length=300, blank=True)

    # The progress of the build. Its job may be enqueued again at any time: these fields decide what it does.
    stage = models.CharField(max_length=20, blank=True, default="")
    done = models.PositiveIntegerField(default=0)  # percent
    seen_at = models.DateTimeField(null=True)  # the last heartbeat of the job
    build_canceled = models.BooleanField(default=False)
    failure = models.CharField(max_length=40, blank=True, default="")
    remake_wanted = models.BooleanField(default=False, db_default=False, editable=False)  # although there is a package

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering: ClassVar = ["-pk"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("deliver_delivery", "Can freeze, hand over and void deliveries")]
        constraints: ClassVar = [
            models.UniqueConstraint("letter", "number", name="one_delivery_per_number"),
            models.CheckConstraint(
                condition=Q(state__in=["frozen", "ready", "handed-over", "acknowledged", "void"]),
                name="delivery_state_is_known",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="a_delivery_has_a_reason"),
            models.CheckConstraint(condition=~Q(state="void") | ~Q(void_reason=""), name="void_for_a_reason"),
            models.CheckConstraint(
                condition=~Q(state__in=["ready", "handed-over", "acknowledged"]) | ~Q(root=""),
                name="a_ready_delivery_has_a_root",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug}-{self.number}"

    @property
    def is_handed_over(self) -> bool:
        """Whether nothing in it can be called back."""
        return self.state in {self.State.HANDED_OVER, self.State.ACKNOWLEDGED}

    @property
    def former_hand_overs(self) -> list[dict[str, Any]]:
        """What its page said of the handing over before each correction that changed that, newest first."""
        shown = {"handed_over_on", "handed_over_to", "handed_over_at"}
        return [
            {
                "day": datetime.fromisoformat(entry["at"]).date(),
                "on": date.fromisoformat(entry["was"]["handed_over_on"]),
                "to": entry["was"]["handed_over_to"],
                "at": entry["was"]["handed_over_at"],
            }
            for entry in reversed(self.corrections)
            if shown & set(entry["fields"])
        ]

    @property
    def is_former(self) -> bool:
        """Whether version 0.9 froze it: its leaves and its package are of a format that this version does not make."""
        return self.format != FORMAT

    @property
    def has_statement(self) -> bool:
        """Whether its statement is made, so that it has a digest and receipts."""
        return bool(self.statement)

    @property
    def digest(self) -> str:
        """The digest of the delivery: the SHA-256 of its statement, in hex. Empty until it is made."""
        return bytes(self.statement_sha256 or b"").hex()

    @property
    def claims(self) -> dict[str, Any]:
        """The content of its statement."""
        claims: dict[str, Any] = json.loads(self.statement)
        return claims

    @property
    def signers(self) -> dict[str, int]:
        """How many organizations and people have signed."""
        total, organizations = self.counts["delivered"], self.counts.get("organizations", 0)
        return {"total": total, "organizations": organizations, "people": total - organizations}

    @property
    def package(self) -> str:
        """The name of its package. One that was made keeps its name."""
        made = (name for name in self.files if name.endswith(".zip"))
        return next(made, f"{self.slug}-{self.number}.zip")


class DeliveryEntryQuerySet(models.QuerySet["DeliveryEntry"]):
    """Named sets of delivery entries, and their only change."""

    def shown_to(self, signature: Signature) -> DeliveryEntryQuerySet:
        """Entries that the signer sees on the personal page: none after withdrawing."""
        if signature.state == State.WITHDRAWN:
            return self.none()
        mine = self.filter(signature_id=signature.pk, salt__isnull=False, delivery__in=Delivery.objects.public())
        return mine.select_related("delivery__letter").order_by("-delivery__number")

    def blank(self, errata: Mapping[int, int]) -> int:
        """Blanks words, day and salt of these entries, and records that. Their leaves stay: the root still holds.

        Args:
            errata: the number of the erratum that an erased entry made just now, by the id of the delivery.
        """
        now = timezone.now()
        erasures = (
            DeliveryErasure(
                delivery_id=delivery, place=place, number=number, erratum=errata.get(delivery),
                # The day alone: nobody needs to know at what moment somebody left. Checkers take none before freezing.
                at=max(now, frozen_at).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC),
            )
            for delivery, place, number, frozen_at in self.values_list(
                "delivery_id", "place", "number", "delivery__frozen_at"
            )
        )  # fmt: skip
        DeliveryErasure.objects.bulk_create(erasures, batch_size=1000)
        return self.update(**dict.fromkeys(BLANKED_IN_DELIVERIES, ""), salt=None, signed_on=None)


class DeliveryEntry(UnnamedModel):
    """One signature of a delivery, as it was then. Only erasing the person changes it: see `blank`.

    Signatures that are counted only have no number and no words.
    """

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="rows", db_index=False)
    place = models.PositiveIntegerField()  # of its leaf, from 0
    number = models.PositiveIntegerField(null=True)  # in the CSV and the PDF, from 1
    signature_id = models.BigIntegerField(db_index=True)  # a plain number, so that signatures can be erased
    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=200, blank=True)
    organization = models.CharField(max_length=200, blank=True)
    country = models.CharField(max_length=2, blank=True)
    signed_on = models.DateField(null=True)
    language = models.CharField(max_length=10)
    revision = models.PositiveIntegerField()
    is_featured = models.BooleanField(default=False)
    # `Source`, of named entries. Those of format 1 have none.
    source = models.CharField(max_length=8, blank=True, default="", db_default="")
    # That of the signature then. Empty in deliveries that were frozen before this was kept.
    visibility = models.CharField(max_length=10, blank=True, default="", db_default="")
    salt = models.BinaryField(max_length=32, null=True)
    leaf = models.BinaryField(max_length=32)

    objects = DeliveryEntryQuerySet.as_manager()

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint("delivery", "place", name="one_leaf_per_place"),
            models.CheckConstraint(
                condition=Q(number__isnull=False) | Q(**dict.fromkeys(BLANKED_IN_DELIVERIES, "")),
                name="counted_only_is_delivered_without_words",
            ),
        ]


class DeliveryErasure(UnnamedModel):
    """Says of an entry without words when they were blanked, because somebody was erased."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="erasures")
    place = models.PositiveIntegerField()  # of its leaf, from 0
    number = models.PositiveIntegerField(null=True)  # in the list, unless counted only
    at = models.DateTimeField()
    erratum = models.PositiveIntegerField(null=True)  # that the erasure made; none before the handing over

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [models.UniqueConstraint("delivery", "place", name="one_erasure_per_place")]


class DeliveryEdition(UnnamedModel):
    """The files of a delivery as they were made once. A new one follows when one of them becomes another; all stay."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="editions")
    number = models.PositiveIntegerField("number")  # from 1
    made_at = models.DateTimeField("made at")
    reason = models.CharField("reason", max_length=10, choices=EditionReason)
    erased = models.PositiveIntegerField("entries without words")
    site = models.CharField("address of the site", max_length=300)
    software = models.CharField("software", max_length=100)
    files = models.JSONField("SHA-256 of the files")  # by their names in files.json
    # SHA-256 of logo and signatures by hand that the letter has, by place; null: from before this was kept.
    images = models.JSONField("images in the letter", null=True)
    digest = models.CharField("SHA-256 of files.json", max_length=64)
    signature = models.TextField("signature on files.json", blank=True)
    package = models.CharField("SHA-256 of the package", max_length=64)
    public_from = models.DateTimeField(null=True, db_default=NextMinute())  # an erasure may have caused it (S38)

    class Meta(UnnamedModel.Meta):
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint("delivery", "number", name="one_edition_per_number"),
            models.CheckConstraint(condition=Q(reason__in=EditionReason.values), name="edition_reason_is_known"),
        ]

    def digests(self, package: str) -> list[tuple[str, str]]:
        """Returns the name and the SHA-256 of the package, of files.json, and of all other files."""
        return [(package, self.package), ("files.json", self.digest), *sorted(self.files.items())]


class Erratum(UnnamedModel):
    """A signature that left, or was rejected, after it was delivered: a number and a day, not whose it was."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="errata")
    number = models.PositiveIntegerField("number")
    day = models.DateField("day")
    public_from = models.DateTimeField(null=True, db_default=NextMinute())  # somebody withdrew just then (S38)

    class Meta(UnnamedModel.Meta):
        verbose_name_plural = "errata"
        constraints: ClassVar = [models.UniqueConstraint("delivery", "number", name="one_erratum_per_number")]
