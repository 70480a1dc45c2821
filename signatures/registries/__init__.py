"""Registries: each flag, alarm, audit action, reason and typed field, with all that others need to know of it.

Tests hold that every code in use is registered, that every registered code is in use, and that the docs describe it.
"""

from signatures.registries.alarms import AlarmCode
from signatures.registries.audit_actions import (
    LEAVING_ACTIONS,
    READ_ACTIONS,
    STRANGERS_ACTIONS,
    ActionGroup,
    AuditAction,
    find_action,
)
from signatures.registries.flags import FLAGS_ENDED_BY_DECISION, FLAGS_OF_WORDS, Flag, FlagEnd
from signatures.registries.reasons import RejectionCode, ReportReason

__all__ = [
    "FLAGS_ENDED_BY_DECISION",
    "FLAGS_OF_WORDS",
    "LEAVING_ACTIONS",
    "READ_ACTIONS",
    "STRANGERS_ACTIONS",
    "ActionGroup",
    "AlarmCode",
    "AuditAction",
    "Flag",
    "FlagEnd",
    "RejectionCode",
    "ReportReason",
    "find_action",
]
