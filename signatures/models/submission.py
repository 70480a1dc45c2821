"""Submissions: what somebody typed, and nobody has confirmed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from campaign.models.letter import CONFIRM_AFTER_CLOSING, Letter
from signatures.models.signer_columns import SignerColumns
from signatures.registries.typed_fields import WORDS
from signatures.states import Visibility


class NextSignatureNumber(models.Func):
    """The next number of a signature: a submission takes it, and the signature that it becomes keeps it."""

    template = "nextval('signatures_signature_id_seq')"
    output_field: ClassVar = models.BigIntegerField()


class Submission(SignerColumns):
    """One sending of the form, by anybody, with any address. It becomes a signature, or is deleted after 7 days.

    The indexes are few, because every sign-up pays for them.
    """

    MAX_PLACES = 5  # the submissions of one address under one letter that wait at the same time
    KEPT_FOR = timedelta(days=7)

    id = models.BigIntegerField(primary_key=True, db_default=NextSignatureNumber())
    place = models.PositiveSmallIntegerField(default=1)

    class Meta(SignerColumns.Meta):
        constraints: ClassVar = [
            *SignerColumns.Meta.constraints,
            models.UniqueConstraint("letter", "address_hash", "place", name="one_submission_per_place"),
            models.CheckConstraint(condition=Q(place__gte=1, place__lte=5), name="five_submissions_per_address"),
            models.CheckConstraint(condition=Q(address_hash__isnull=False), name="a_submission_has_an_address"),
            models.CheckConstraint(
                condition=Q(**dict.fromkeys(WORDS, "")) | ~Q(visibility=Visibility.COUNTED),
                name="counted_submissions_have_no_words",
            ),
        ]
        indexes: ClassVar = [BrinIndex(F("signed_up_at"), name="submission_by_day", pages_per_range=16)]

    @classmethod
    def days_to_confirm(cls, letter: Letter) -> int:
        """Returns for how many whole days what is typed now can be confirmed, at least one.

        It is deleted after `KEPT_FOR`, however soon the letter closes.
        """
        now = timezone.now()
        return max(1, (cls._confirmable_until(letter, signed_up_at=now) - now).days)

    @classmethod
    def _confirmable_until(cls, letter: Letter, *, signed_up_at: datetime) -> datetime:
        ends = signed_up_at + cls.KEPT_FOR
        return min(ends, letter.closes_at + CONFIRM_AFTER_CLOSING) if letter.closes_at else ends

    @property
    def confirm_by(self) -> date:
        """The last whole day on which it can be confirmed, or today, in the time zone of the letter."""
        ends = self._confirmable_until(self.letter, signed_up_at=self.signed_up_at)
        last = max(ends - timedelta(days=1), timezone.now())
        return timezone.localdate(last, ZoneInfo(self.letter.time_zone))
