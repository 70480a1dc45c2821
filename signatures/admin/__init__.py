"""The moderation desk in Django admin."""

from signatures.admin import exports, limits, moderation, notables, paper, staff, trail

__all__ = ["exports", "limits", "moderation", "notables", "paper", "staff", "trail"]
