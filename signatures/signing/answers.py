"""What becomes of the open question of staff when its signer acts."""

from collections.abc import Collection

from signatures.registries import Flag


def mark_answered(flags: Collection[str]) -> list[str]:
    """Returns these flags with the open question replaced by the answered one, sorted."""
    return sorted({Flag.ANSWERED if flag == Flag.ASKED else flag for flag in flags})
