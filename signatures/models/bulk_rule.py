"""Bulk rules, which invalidate many signatures at once, and the former state of each signature they changed."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from campaign.models import Letter
from campaign.models.languages import language_choices
from signatures.models.base import UnnamedModel
from signatures.models.signature import Signature
from signatures.states import RuleTarget, Visibility

LITERAL = r"[^*?[:space:]]"  # a pattern of wildcards alone would match everybody
HAS_CONDITION = (
    ~Q(name_pattern="")
    | ~Q(organization="")
    | ~Q(domain="")
    | Q(by_network=True)
    | Q(by_mailbox=True)
    | ~Q(country="")
    | ~Q(language="")
    | Q(signed_up_from__isnull=False)
    | ~Q(flag="")
    | Q(similar_to__isnull=False)
)


class BulkRule(UnnamedModel):
    """A rule that invalidates all signatures of a letter that match its conditions, and the progress of its run.

    It holds no address: email domain and network are stored as keyed digests, as in the signatures. Columns that could
    identify one person (`networks`, `mailbox`, `name_key`) are blanked when the run ends; the rule then matches nobody.
    """

    class Step(models.TextChoices):
        DRAFT = "draft", "not started"
        RUNNING = "running", "running"
        CANCELED = "canceled", "canceled"
        DONE = "done", "done"
        UNDOING = "undoing", "being undone"
        UNDONE = "undone", "undone"

    letter = models.ForeignKey(Letter, models.PROTECT, related_name="+", verbose_name="letter")
    name = models.CharField("name of the rule", max_length=100)
    reason = models.CharField("reason", max_length=200)

    name_pattern = models.CharField("name", max_length=100, blank=True)
    organization = models.CharField("organization", max_length=100, blank=True)
    domain = models.CharField(max_length=16, blank=True, editable=False)
    by_network = models.BooleanField(default=False, editable=False)
    networks = ArrayField(models.CharField(max_length=16), default=list, editable=False)
    by_mailbox = models.BooleanField(default=False, db_default=False, editable=False)
    mailbox = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    country = models.CharField("country", max_length=2, blank=True)
    language = models.CharField("language", max_length=10, blank=True, choices=language_choices)
    signed_up_from = models.DateTimeField("signed up from", null=True, blank=True)
    signed_up_until = models.DateTimeField("signed up until", null=True, blank=True)
    flag = models.CharField("flag", max_length=20, blank=True)
    similar_to = models.BigIntegerField("similar to signature no.", null=True, blank=True)
    name_key = models.CharField(max_length=200, blank=True, editable=False)
    # These two narrow a rule. Neither is a condition by itself.
    states = ArrayField(models.CharField(max_length=12, choices=RuleTarget), default=list, blank=True)
    visibility = models.CharField("visibility", max_length=10, choices=Visibility, blank=True)

    seen = models.JSONField(null=True, editable=False)  # the preview: `bulk_rules.save_preview`
    has_changed = models.BooleanField(default=False, editable=False)  # the number of matches, between preview and start

    step = models.CharField("state", max_length=10, choices=Step, default=Step.DRAFT)
    made_by = models.BigIntegerField("by")
    made_at = models.DateTimeField("made", auto_now_add=True)
    started_by = models.BigIntegerField("started by", null=True)
    undone_by = models.BigIntegerField("undone by", null=True)
    started_at = models.DateTimeField("started", null=True)
    ended_at = models.DateTimeField("ended", null=True)
    beat_at = models.DateTimeField(null=True)  # time of the last batch; an old one means that the task has died
    bound = models.BigIntegerField(null=True)  # highest signature number when the rule was started
    reached = models.BigIntegerField(default=0)  # all signatures up to this number are processed
    expected = models.PositiveIntegerField("expected", default=0)
    rejected = models.PositiveIntegerField("rejected", default=0)
    flagged = models.PositiveIntegerField("flagged", default=0)
    looked_back = models.BigIntegerField(default=0)  # all changes up to this signature number are undone or left alone
    undone = models.PositiveIntegerField("undone", default=0)
    left_alone = models.PositiveIntegerField("left alone", default=0)

    class Meta:
        ordering: ClassVar = ["-pk"]
        default_permissions: ClassVar = []
        permissions: ClassVar = [("apply_bulk_rules", "Can run and undo bulk rules")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=HAS_CONDITION, name="a_rule_has_a_condition"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(reason=""), name="a_rule_has_a_name_and_a_reason"),
            models.CheckConstraint(
                condition=(Q(name_pattern="") | Q(name_pattern__regex=LITERAL))
                & (Q(organization="") | Q(organization__regex=LITERAL)),
                name="a_pattern_is_more_than_stars",
            ),
            models.CheckConstraint(
                condition=Q(signed_up_from__isnull=True, signed_up_until__isnull=True)
                | Q(signed_up_from__isnull=False, signed_up_until__isnull=False)
                & Q(signed_up_from__lt=models.F("signed_up_until")),
                name="a_span_has_two_ends",
            ),
            models.CheckConstraint(
                condition=Q(step__in=["draft", "running", "canceled", "done", "undoing", "undone"]),
                name="bulk_rule_step_is_known",
            ),
        ]

    @property
    def taken(self) -> int:
        """Returns the number of signatures that the rule has changed."""
        return self.rejected + self.flagged


class BulkRuleChange(UnnamedModel):
    """The former state of one signature that a bulk rule changed: all that is needed to restore it.

    The state is empty for a submission, which has none: it was flagged. The signature that it becomes has its number.
    Any other signature that gets the flag from it has a change of its own (`signing.rules_behind_flags`).
    """

    rule = models.ForeignKey(BulkRule, models.CASCADE, related_name="changes", db_index=False)
    signature = models.ForeignKey(Signature, models.CASCADE, related_name="+", db_constraint=False)
    entry_id = models.BigIntegerField()  # the audit entry; a later transition means another decision
    state = models.CharField(max_length=12, blank=True)
    approved_on = models.DateField(null=True)
    flags = ArrayField(models.CharField(max_length=20), default=list)

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [models.UniqueConstraint("rule", "signature", name="taken_once_by_a_rule")]
