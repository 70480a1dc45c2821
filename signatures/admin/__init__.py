"""The moderation desk in Django admin."""

from signatures.admin import exports, invalidations, letters, limits, moderation, notables, paper, staff, trail

__all__ = ["exports", "invalidations", "letters", "limits", "moderation", "notables", "paper", "staff", "trail"]
