"""Reasons: why a reader reports a public name, and why staff reject a signature."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReportReason(models.TextChoices):
    """Why a reader reports a public name. Readers choose a code; they cannot type words."""

    NOT_ME = "not-me", _("It is my name, and I did not sign")
    MADE_UP = "made-up", _("It is made up, or pretends to be somebody else")
    HARMFUL = "harmful", _("It insults, threatens or advertises")
    OTHER = "other", _("Something else")


# What a new site starts with; owners change the list in admin.
REJECTION_REASONS = (
    "Not a name",
    "The name of somebody else",
    "Insult, mockery or threat",
    "Advertising",
    "Signed twice",
    "Does not speak for this organization",
)
