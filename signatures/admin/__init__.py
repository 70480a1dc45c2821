"""The moderation desk in Django admin."""

from signatures.admin import exports, letters, limits, moderation, trail

__all__ = ["exports", "letters", "limits", "moderation", "trail"]
