"""The moderation desk in Django admin."""

from signatures.admin import deliveries, exports, limits, moderation, trail

__all__ = ["deliveries", "exports", "limits", "moderation", "trail"]
