"""The admin pages of email subjects, and of the addresses that get fewer emails."""

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from signatures.audit.admin_mixins import AuditedAdmin, ReadOnlyAdmin, staff_id
from signatures.models import EmailSubject, Suppression
from signatures.outbox import suppressions


@admin.register(EmailSubject)
class EmailSubjectAdmin(AuditedAdmin):
    list_display = ("mail", "language", "subject")
    list_display_links = ("mail",)


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    """The addresses are not known here: the page of a signature leads to the row of its own."""

    list_display = ("address", "why", "since_day", "until_day", "release_link")
    list_display_links = None
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suppression]:
        return Suppression.objects.active().order_by("-since")

    @admin.display(description="digest")
    def address(self, row: Suppression) -> str:
        return bytes(row.address_hash).hex()[:12]

    @admin.display(description="since", ordering="since")
    def since_day(self, row: Suppression) -> str:
        return row.since.date().isoformat()

    @admin.display(description="until", ordering="until")
    def until_day(self, row: Suppression) -> str:
        return row.until.date().isoformat()

    @admin.display(description="")
    def release_link(self, row: Suppression) -> SafeString:
        digest = bytes(row.address_hash).hex()
        return format_html('<a href="{}">Release…</a>', reverse("admin:signatures_suppression_release", args=[digest]))

    def get_urls(self) -> list[URLPattern]:
        allowed = permission_required("signatures.release_suppression", raise_exception=True)(self.release)
        release = self.admin_site.admin_view(allowed)
        # A row has no page of its own: a digest says nothing to anybody.
        the_list = [page for page in super().get_urls() if page.name == "signatures_suppression_changelist"]
        return [path("<str:digest>/release/", release, name="signatures_suppression_release"), *the_list]

    def release(self, request: HttpRequest, digest: str) -> HttpResponse:
        """GET asks for confirmation, POST lets the address get all emails again."""
        try:
            address_hash = bytes.fromhex(digest)
        except ValueError:
            raise Http404 from None
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "title": "Let this address get emails again",
                "consequence": "Emails are sent to it again. Whoever said “This was not me”, or reported one as spam, "
                "may get one that they do not want.",
                "leave_to": "admin:signatures_suppression_changelist",
            }
            return TemplateResponse(request, "admin/ask_first.html", context)
        if suppressions.release(address_hash, by=staff_id(request)):
            self.message_user(request, "Done.", messages.SUCCESS)
        else:
            self.message_user(request, "Nothing was changed: this address gets all emails already.", messages.WARNING)
        return redirect("admin:signatures_suppression_changelist")
