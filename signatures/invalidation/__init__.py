"""Many signatures at once: a rule with a preview, that works in the background and can be undone."""

from signatures.invalidation.rules import (
    FLAG,
    TAKEN,
    Conditions,
    NotARule,
    Preview,
    has_condition,
    make,
    matching,
    preview,
)
from signatures.invalidation.running import Changed, cancel, drop, run, stalled, start, undo
from signatures.workflow import NotAllowed

__all__ = [
    "FLAG",
    "TAKEN",
    "Changed",
    "Conditions",
    "NotARule",
    "NotAllowed",
    "Preview",
    "cancel",
    "drop",
    "has_condition",
    "make",
    "matching",
    "preview",
    "run",
    "stalled",
    "start",
    "undo",
]
