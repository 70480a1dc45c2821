"""Reasons: why a reader reports a public name."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReportReason(models.TextChoices):
    """Why a reader reports a public name. Readers choose a code; they cannot type words."""

    NOT_ME = "not-me", _("It is my name, but I did not sign")
    MADE_UP = "made-up", _("It is made up, or pretends to be somebody else")
    HARMFUL = "harmful", _("It insults, threatens or advertises")
    OTHER = "other", _("Something else")
