"""The moderation desk in Django admin."""

from signatures.admin import exports, limits, moderation, staff, trail

__all__ = ["exports", "limits", "moderation", "staff", "trail"]
