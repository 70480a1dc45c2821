"""The moderation desk in Django admin."""

from signatures.admin import blocking, exports, limits, moderation, trail

__all__ = ["blocking", "exports", "limits", "moderation", "trail"]
