"""Forms that wait, sealed: of staff whose sign-in had ended, and answers to browsers without script (P15)."""

from typing import ClassVar

from django.db import models


class KeptForm(models.Model):
    """One form of one page. The row tells neither the page nor what was typed (threat model A20).

    The answer to a browser without script belongs to no account, but to its network, as the answers of one network
    share places: a digest under the key of the day (R12).
    """

    staff_id = models.BigIntegerField()  # 0: nobody's
    network = models.CharField(max_length=16, blank=True, default="", db_default="")
    page_digest = models.BinaryField(max_length=32)  # keyed, of account and page
    sealed = models.BinaryField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions: ClassVar = []
        constraints: ClassVar = [models.UniqueConstraint("staff_id", "page_digest", name="one_kept_form_per_page")]

    def __str__(self) -> str:
        return f"kept form {self.pk}"
