"""The flag of bulk rules goes from row to row with the rules that raised it, so that their undo reaches all of them."""

from collections.abc import Collection
from typing import Any

from django.db import connection

from signatures.models import BulkRule, BulkRuleChange, Signature, Submission
from signatures.registries import Flag

_ENDED = (BulkRule.Step.UNDOING, BulkRule.Step.UNDONE)


def pass_on(signature: Signature, flags: Collection[str], sources: Collection[int]) -> set[str]:
    """Returns the flags of what else was typed with an address as this signature gets them.

    That of bulk rules comes with a change of each rule that is in force, and not at all if none is any more.

    Args:
        signature: which gets them. It is locked.
        flags: of the sources and of the tombstones of the address.
        sources: the numbers of submissions and signatures.
    """
    if Flag.INVALIDATED not in flags:
        return {*flags}
    with connection.cursor() as cursor:
        arguments: list[Any] = [signature.pk, list(sources), signature.letter_id, signature.address_hash]
        cursor.execute("SELECT signatures_pass_rules_on(%s, %s::bigint[], %s, %s)", arguments)
        (passes,) = cursor.fetchone()
    return {*flags} if passes else {*flags} - {Flag.INVALIDATED}


def kept(row: Signature | Submission, flags: Collection[str]) -> tuple[list[str], list[int]]:
    """Returns the flags that a row leaves when it is deleted, and the numbers of the bulk rules behind one of them."""
    if Flag.INVALIDATED not in flags:
        return sorted(flags), []
    known = BulkRuleChange.objects.filter(signature_id=row.pk, state="").values_list("rule_id", "rule__step")
    in_force = sorted(number for number, step in known if step not in _ENDED)
    passes = in_force or not known
    return sorted(flag for flag in flags if passes or flag != Flag.INVALIDATED), in_force
