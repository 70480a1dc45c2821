"""The featured: whom staff put before all others, in their order."""

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
from signatures.moderation.admin.actions import page_audit_id, staff_id
from signatures.moderation.admin.review import SignatureReviewAdmin

WAYS = {"up": "Up", "down": "Down"}


@admin.register(FeaturedSignature)
class FeaturedSignatureAdmin(SignatureReviewAdmin):
    """In the order in which they stand; each button lets one change places with its neighbor."""

    list_display = ("place", "shown_name", "kind", "who", "country", "state", "move")
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
        buttons = ((way, signature.pk, label) for way, label in WAYS.items())
        return format_html_join(
            " ", '<button type="submit" class="button" name="move" value="{}:{}">{}</button>', buttons
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        way, _colon, number = request.POST.get("move", "").partition(":")
        if way in WAYS and number.isdecimal() and self.has_moderate_permission(request):
            verb = partial(featured.move, by=staff_id(request), up=way == "up", as_of=page_audit_id(request))
            if self._each(request, FeaturedSignature.objects.filter(pk=number), verb):
                self.message_user(request, "Moved.", messages.SUCCESS)
            return redirect(request.get_full_path())
        return super().changelist_view(request, extra_context)
