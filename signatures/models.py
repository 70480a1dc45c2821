"""The rows of the people who sign: signatures, mails to them, and what was done with them."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

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


class SignatureQuerySet(models.QuerySet["Signature"]):
    """The named sets. Nothing else decides what may be shown or what is delivered."""

    def public(self) -> SignatureQuerySet:
        """The only definition of "may be shown"."""
        return self.filter(state=State.APPROVED, visibility=Audience.PUBLIC)

    def deliverable(self) -> SignatureQuerySet:
        """The only definition of "is named in the delivery"."""
        return self.filter(state=State.APPROVED, visibility__in=[Audience.PUBLIC, Audience.DELIVERY])

    def newest_first(self) -> SignatureQuerySet:
        """By the day of approval, then by a random id: never by the moment or the sequence of signing (P3)."""
        return self.order_by("-approved_on", "public_id")


class Signature(models.Model):
    """One mailbox's answer to one letter. Holds no address: only a keyed hash that finds it again."""

    WORDS = ("name", "role", "organisation", "comment")

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

    name = models.CharField(_("name"), max_length=200, blank=True)
    role = models.CharField(_("role"), max_length=200, blank=True)
    organisation = models.CharField(_("organisation"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    comment = models.TextField(_("comment"), max_length=1000, blank=True)
    visibility = models.CharField(_("audience"), max_length=10, choices=Audience)
    language = models.CharField(_("language"), max_length=10)
    sealed_address = models.BinaryField(null=True, editable=False)

    state = models.CharField(_("state"), max_length=12, choices=State, default=State.UNCONFIRMED)
    flags = ArrayField(models.CharField(max_length=20), verbose_name=_("flags"), default=list, blank=True)
    signed_up_at = models.DateTimeField(_("signed up"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)
    approved_on = models.DateField(_("approved"), null=True)

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
                condition=Q(name="", role="", organisation="", comment="")
                | (~Q(state=State.WITHDRAWN) & (~Q(visibility=Audience.COUNTED) | Q(confirmed_at__isnull=True))),
                name="counted_and_withdrawn_have_no_words",
            ),
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
            models.Index(fields=["letter", "state", "-signed_up_at"], name="by_state"),
            models.Index("signed_up_at", name="by_day"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class SignedLetter(Letter):
    """A letter as the delivery desk sees it: with its signatures."""

    class Meta:
        proxy = True
        verbose_name = _("signed letter")
        verbose_name_plural = _("signed letters")
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("export_signedletter", "Can export the signed letter")]


class Tally(models.Model):
    """How many signatures came into (+) or left (-) a cell: written by a trigger, folded by the worker."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="+", db_index=False)  # folded, it is a few rows
    state = models.CharField(max_length=12)
    visibility = models.CharField(max_length=10)
    flagged = models.BooleanField()
    number = models.BigIntegerField()

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return str(self.pk)


class Mail(models.Model):
    """The outbox: a mail that is due, with its recipient sealed; once sent or given up, without one."""

    class Kind(models.TextChoices):
        LINK = "link", "personal link"

    signature = models.ForeignKey(Signature, models.CASCADE, related_name="mails")
    kind = models.CharField(max_length=20, choices=Kind)
    language = models.CharField(max_length=10)
    recipient = models.BinaryField(null=True)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=40, blank=True)

    class Meta:
        default_permissions: ClassVar = []
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(recipient__isnull=True), name="sent_mail_names_nobody"
            ),
            models.CheckConstraint(condition=Q(kind__in=["link"]), name="mail_kind_is_known"),
        ]
        indexes: ClassVar = [
            models.Index("due_at", name="mail_due", condition=Q(recipient__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class TrailEntry(models.Model):
    """What was done, when, by whom, why. Append-only (by a trigger); plain ids, so that rows can be erased."""

    at = models.DateTimeField(_("when"), auto_now_add=True)
    action = models.CharField(_("action"), max_length=30)
    staff_id = models.BigIntegerField(_("staff"), null=True)
    letter_id = models.BigIntegerField(_("letter"), null=True)
    signature_id = models.BigIntegerField(_("signature"), null=True)
    was = models.CharField(_("state before"), max_length=12, blank=True)
    now = models.CharField(_("state after"), max_length=12, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    detail = models.JSONField(_("detail"), default=dict)

    class Meta:
        verbose_name = _("trail entry")
        verbose_name_plural = _("trail")
        default_permissions: ClassVar = ["view"]
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [models.Index(fields=["signature_id", "-id"], name="trail_of_signature")]

    def __str__(self) -> str:
        return str(self.pk)


GROUPS = {
    "moderator": [
        "signatures.view_signature",
        "signatures.moderate_signature",
        "signatures.view_trailentry",
        "campaign.view_letter",
    ],
    "delivery officer": [
        "signatures.view_signedletter",
        "signatures.export_signedletter",
        "signatures.view_trailentry",
    ],
    "editor": [
        *(
            f"campaign.{verb}_{model}"
            for model in ("letter", "revision", "translation")
            for verb in ("add", "change", "view")
        ),
    ],
}


def make_groups(**_signal: Any) -> None:
    """The groups of staff and what each may do; called after every migration, and harmless when repeated."""
    for name, labels in GROUPS.items():
        group, _made = Group.objects.get_or_create(name=name)
        wanted = Q()
        for label in labels:
            app, codename = label.split(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
        group.permissions.add(*Permission.objects.filter(wanted))
