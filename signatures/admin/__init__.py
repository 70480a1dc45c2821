"""The moderation desk in Django admin."""

from signatures.admin import exports, moderation, trail

__all__ = ["exports", "moderation", "trail"]
