"""States of a signature with the transitions between them, kinds of signers, and visibility of names."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    WAITING = "waiting", _("waiting")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn")


class RuleTarget(models.TextChoices):
    """What a bulk rule takes: signatures in these states, and submissions, which have none."""

    UNCONFIRMED = "unconfirmed", _("unconfirmed")
    WAITING = State.WAITING.value, State.WAITING.label
    APPROVED = State.APPROVED.value, State.APPROVED.label


class Visibility(models.TextChoices):
    PUBLIC = "public", _("on this website and in the delivered letter")
    DELIVERY = "delivery", _("in the delivered letter only")
    COUNTED = "counted", _("nowhere: count me without my name")

    def as_told_to(self, kind: str) -> str:
        """Returns the choice in words for who made it, a `Kind`: an organization is not told "me"."""
        return str(_COUNT_US if self == Visibility.COUNTED and kind == Kind.ORGANIZATION else self.label)


_COUNT_US = _("nowhere: count us without our name")


class Kind(models.TextChoices):
    PERSON = "person", _("a person")
    ORGANIZATION = "organization", _("an organization")


class Source(models.TextChoices):
    """How a signature came and was confirmed: in lists, leaves and statements of deliveries."""

    WEB = "web", "on the website, confirmed by a link sent by email"
    PAPER = "paper", "on paper"
    EVIDENCE = "evidence", "confirmed by staff, on evidence"


class EditionReason(models.TextChoices):
    """Why files were made. A code stands in files.json for good, and a checker refuses any that it does not know."""

    MADE = "made", _("made for the first time")
    ERASED = "erased", _("made anew, because somebody had their data erased")
    FONTS = "fonts", _("made anew with other fonts")
    ADDRESS = "address", _("made anew, because the address of the site changed")
    TIME_STAMP = "time-stamp", _("made anew with a time stamp that was taken in")
    AUDITOR = "auditor", _("made anew with the signature of an auditor")
    LETTERHEAD = "letterhead", _("made anew, because an image of the letter was replaced")
    REMADE = "remade", _("made anew")


# The states from which each action may start.
ALLOWED_FROM = {
    "change": {State.WAITING, State.APPROVED, State.REJECTED},
    "approve": {State.WAITING, State.REJECTED},
    "reject": {State.WAITING, State.APPROVED},
    "hold": {State.WAITING, State.APPROVED},
    "withdraw": set(State) - {State.WITHDRAWN},
    "withdraw-on-request": set(State) - {State.WITHDRAWN},
    "undo-correction": {State.WAITING, State.APPROVED, State.REJECTED},
}
