"""Reasons: why a reader reports a public name, and why staff reject a signature."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ReportReason(models.TextChoices):
    """Why a reader reports a public name. Readers choose a code; they cannot type words."""

    NOT_ME = "not-me", _("It is my name, but I did not sign")
    MADE_UP = "made-up", _("It is made up, or pretends to be somebody else")
    HARMFUL = "harmful", _("It insults, threatens or advertises")
    OTHER = "other", _("Something else")


class RejectionCode(models.TextChoices):
    """What the signer of a rejected signature is told. Words of staff stay in the audit log."""

    NOT_A_NAME = "not-a-name", _("The name does not look like the name of a person or an organization.")
    OTHER_PERSON = "other-person", _("The name seems to be that of somebody else.")
    HARMFUL = "harmful", _("Some of the words could hurt or frighten somebody.")
    ADVERTISING = "advertising", _("Some of the words advertise something.")
    TWICE = "twice", _("You have signed this letter already, and each person is counted once.")
    ORGANIZATION = "organization", _("We could not tell that you may sign for this organization.")
    OTHER = "other", _("It does not fit this letter.")

    @property
    def advice(self) -> Promise:
        """What the signer can do."""
        return _ADVICE[self]


_ADVICE = {
    RejectionCode.NOT_A_NAME: _("Write your own name, as you use it every day. Then we look again."),
    RejectionCode.OTHER_PERSON: _("Write your own name instead. If this is your name, please write to us."),
    RejectionCode.HARMFUL: _("Change or remove these words. Then we look again."),
    RejectionCode.ADVERTISING: _("Change or remove these words. Then we look again."),
    RejectionCode.TWICE: _("You need not do anything: your first signature counts."),
    RejectionCode.ORGANIZATION: _("Sign for yourself, or write to us from an email address of the organization."),
    RejectionCode.OTHER: _("You can change what you wrote. Then we look again. Or write to us and ask."),
}
