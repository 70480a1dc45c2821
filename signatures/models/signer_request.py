"""Requests of signers on which staff acted, or on which a second person has to say yes."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from campaign.models import Letter
from signatures.models.base import UnnamedModel
from signatures.models.signature import Signature
from signatures.registries.requests import Channel, RequestKind


class SignerRequestQuerySet(models.QuerySet["SignerRequest"]):
    def correction_of(self, signature: Signature) -> SignerRequest | None:
        """Returns the correction that the signer can still undo."""
        return self.filter(signature_id=signature.pk, state="done", words__isnull=False).first()


class SignerRequest(UnnamedModel):
    """One request: who recorded it, why, how it came, and what became of it."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        DONE = "done", "done"
        DECLINED = "declined", "declined"

    letter = models.ForeignKey(Letter, models.PROTECT, related_name="+", verbose_name="letter", db_index=False)
    signature_id = models.BigIntegerField("signature")  # a plain number, so that signatures can be erased
    kind = models.CharField("what", max_length=20, choices=RequestKind)
    channel = models.CharField("how it came", max_length=20, choices=Channel)
    reason = models.CharField("reason", max_length=300)
    asked_at = models.DateTimeField("when", auto_now_add=True)
    staff_id = models.BigIntegerField("recorded by")
    needs_second = models.BooleanField("needs a second person")
    state = models.CharField("state", max_length=12, choices=State, default=State.OPEN)
    decided_at = models.DateTimeField("decided at", null=True)
    decided_by = models.BigIntegerField("decided by", null=True)
    # Of a correction: the new words while it waits, then the former ones, with which the signer can undo it. A trigger
    # drops them when the words change otherwise, or the signature goes.
    words = models.JSONField(null=True, editable=False)

    CORRECTED: ClassVar = ("name", "spokesperson", "role", "organization")
    UNDONE_WITHIN = timedelta(days=60)  # a correction, by its signer

    objects = SignerRequestQuerySet.as_manager()

    class Meta(UnnamedModel.Meta):
        ordering: ClassVar = ["-pk"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("answer_requests", "Can act on requests of signers")]
        verbose_name = "request of a signer"
        verbose_name_plural = "requests of signers"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=RequestKind.values), name="request_kind_is_known"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="request_channel_is_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="a_request_has_a_reason"),
            models.CheckConstraint(
                condition=~Q(state="done", needs_second=True)
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("staff_id"))),
                name="two_people_change_what_was_delivered",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None)
                | (Q(state__in=["done", "declined"]) & Q(decided_at__isnull=False)),
                name="request_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(words__isnull=True) | (Q(kind="correct") & ~Q(state="declined")),
                name="words_of_corrections_alone",
            ),
            models.UniqueConstraint("signature_id", "kind", condition=Q(state="open"), name="one_open_request"),
        ]
        indexes: ClassVar = [models.Index("signature_id", name="requests_of_signature")]
