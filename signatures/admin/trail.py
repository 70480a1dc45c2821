"""The trail, to be read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from signatures.models import TrailEntry


class ReadOnly:
    """Rows that no hand adds, changes or deletes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TrailEntry)
class TrailAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("at", "action", "staff_id", "letter_id", "signature_id", "was", "now", "reason")
    list_filter = ("action", "at")
    search_fields = ("=signature_id", "=staff_id")
    search_help_text = "Number of a signature or of a member of staff"
    show_full_result_count = False
