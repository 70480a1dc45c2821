"""The moderation desk in Django admin."""

from signatures.admin import exports, limits, moderation, notables, trail

__all__ = ["exports", "limits", "moderation", "notables", "trail"]
