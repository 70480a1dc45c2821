"""The moderation desk in Django admin."""

from signatures.admin import exports, limits, moderation, trail

__all__ = ["exports", "limits", "moderation", "trail"]
