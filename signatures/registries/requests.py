"""Requests of signers on which staff act: what for, and how they came.

What each does stands in `moderation/admin/requests.toml`.
"""

from django.db import models


class Channel(models.TextChoices):
    SAME_ADDRESS = "same-address", "an email from the address that signed"
    OTHER_ADDRESS = "other-address", "an email from another address"
    POST = "post", "a letter by post"
    TELEPHONE = "telephone", "a telephone call"
    IN_PERSON = "in-person", "in person"
    SOMEBODY_ELSE = "somebody-else", "through somebody else"


class RequestKind(models.TextChoices):
    WITHDRAW = "withdraw", "Withdraw on request"
    ERASE = "erase", "Erase on request"
    CORRECT = "correct", "Correct a typo"
    HIDE = "hide", "Hide while it is looked at"
    SHOW = "show", "Show it again"
    RESEND = "resend", "Send the link again"
    EVIDENCE = "evidence", "Confirm on evidence"

    @property
    def changes_delivered(self) -> bool:
        """Whether it needs a second person once its signature was handed over in a delivery."""
        return self in {self.WITHDRAW, self.ERASE, self.CORRECT}
