"""The notables: whom staff put before all others, in their order."""

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from signatures import workflow
from signatures.admin.decisions import as_of_page, number_of
from signatures.admin.moderation import SignatureDesk
from signatures.models import Notable

WAYS = {"up": _("Up"), "down": _("Down")}


@admin.register(Notable)
class NotableAdmin(SignatureDesk):
    """In the order in which they stand; each button lets one change places with its neighbour."""

    list_display = ("place", "shown_name", "kind", "who", "country", "state", "move")
    list_display_links = ("shown_name",)
    list_filter = ("letter", "kind")
    ordering = ("letter", "kind", "notable", "pk")
    sortable_by = ()
    list_per_page = 400
    actions = ("unfeature",)
    action_form = helpers.ActionForm
    search_fields = ()

    class Media:
        css: ClassVar = {"all": ["css/desk.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notable]:
        return super().get_queryset(request).filter(notable__isnull=False)

    @admin.display(description=_("place"))
    def place(self, signature: Notable) -> int | None:
        return signature.notable

    @admin.display(description=_("move"))
    def move(self, signature: Notable) -> SafeString:
        buttons = ((way, signature.pk, label) for way, label in WAYS.items())
        return format_html_join(
            " ", '<button type="submit" class="button" name="move" value="{}:{}">{}</button>', buttons
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        way, _colon, number = request.POST.get("move", "").partition(":")
        if way in WAYS and number.isdecimal() and self.has_moderate_permission(request):
            verb = partial(workflow.shift, by=number_of(request), up=way == "up", as_of=as_of_page(request))
            if self._each(request, Notable.objects.filter(pk=number), verb):
                self.message_user(request, _("Moved."), messages.SUCCESS)
            return redirect(request.get_full_path())
        return super().changelist_view(request, extra_context)
