"""The moderation desk in Django admin."""

from signatures.admin import alarms, exports, limits, moderation, trail

__all__ = ["alarms", "exports", "limits", "moderation", "trail"]
