"""The admin page of featured signatures, in their order."""

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from signatures.models import FeaturedSignature
from signatures.moderation import featured
from signatures.moderation.admin.actions import Selection
from signatures.moderation.admin.review import SignatureReviewAdmin

DIRECTIONS = {"up": "Up", "down": "Down"}


@admin.register(FeaturedSignature)
class FeaturedSignatureAdmin(SignatureReviewAdmin):
    """The buttons Up and Down swap a signature with its neighbor."""

    list_display = ("place", "shown_name", "kind", "words", "country", "state", "move")
    list_display_links = ("shown_name",)
    list_filter = ("letter", "kind")
    ordering = ("letter", "kind", "featured_position", "pk")
    sortable_by = ()
    list_per_page = 400
    actions = ("unfeature",)
    action_form = helpers.ActionForm
    search_fields = ()

    class Media:
        css: ClassVar = {"all": ["css/review.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeaturedSignature]:
        return super().get_queryset(request).filter(featured_position__isnull=False)

    @admin.display(description="place")
    def place(self, signature: FeaturedSignature) -> int | None:
        return signature.featured_position

    @admin.display(description="move")
    def move(self, signature: FeaturedSignature) -> SafeString:
        buttons = ((direction, signature.pk, label) for direction, label in DIRECTIONS.items())
        button = '<button type="submit" class="button" name="move" value="{}:{}">{}</button>'
        return format_html_join(" ", button, buttons)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        direction, _colon, number = request.POST.get("move", "").partition(":")
        if direction in DIRECTIONS and number.isdecimal() and self.has_moderate_permission(request):
            move = partial(featured.move, up=direction == "up")
            if self._apply(request, Selection.of_one(int(number)), move):
                self.message_user(request, "Moved.", messages.SUCCESS)
            return redirect(request.get_full_path())
        return super().changelist_view(request, extra_context)
