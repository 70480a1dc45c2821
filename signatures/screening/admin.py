"""Block lists: what staff want to look at whenever it comes, tried on the last week before it is switched on."""

from datetime import timedelta
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from signatures import transitions
from signatures.audit.admin_mixins import AuditedAdmin
from signatures.models import BlocklistEntry, RateLimit
from signatures.moderation import switches
from signatures.screening import blocklist_trial, blocklists
from signatures.staff.admin_site import FreshSignIn


class BlocklistEntryForm(forms.ModelForm):
    class Meta:
        model = BlocklistEntry
        fields = ("kind", "value", "note", "expires_at")
        help_texts: ClassVar = {
            "value": (
                "An email domain (mailbot.example, *.mailbot.example, mail-??.example), a network (203.0.113.0/24), a "
                "word or phrase of name, role, organization or comment, or a whole name. Case, accents and width do "
                "not matter."
            ),
            "note": "For your colleagues: where it comes from, what to look for.",
            "expires_at": (
                "A network is blocked for 72 hours if you say nothing, and for 30 days at most: by then others have "
                "it. All else stays until you end it."
            ),
        }

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        kind = found.get("kind") or self.instance.kind
        if kind and found.get("value"):
            try:
                found["value"] = blocklists.clean_value(kind, found["value"])
            except blocklists.InvalidEntry as error:
                self.add_error("value", str(error))
        if "expires_at" in found:
            self._clean_end(found, is_network=kind == BlocklistEntry.Kind.NETWORK)
        return found

    def _clean_end(self, found: dict[str, Any], *, is_network: bool) -> None:
        ends, made = found["expires_at"], self.instance.made_at
        if ends is None and is_network:
            found["expires_at"] = made + BlocklistEntry.USUAL
        elif ends is not None and "expires_at" in self.changed_data and ends <= timezone.now():
            self.add_error("expires_at", "This time is over already.")
        elif ends is not None and is_network and ends > made + BlocklistEntry.LONGEST:
            latest = (made + BlocklistEntry.LONGEST - timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M")
            self.add_error("expires_at", "A network can be blocked until %(latest)s at most." % {"latest": latest})


@admin.register(BlocklistEntry)
class BlocklistEntryAdmin(AuditedAdmin):
    """What a block is, never changes; whether it is on, its end and its note do. The trail knows none by its value."""

    form = BlocklistEntryForm
    list_display = ("what", "kind", "standing", "trying", "ends", "note", "made")
    list_display_links = ("what",)
    list_filter = ("kind", "is_on")

    class Media:
        css: ClassVar = {"all": ["css/review.css"]}

    def get_readonly_fields(self, request: HttpRequest, obj: BlocklistEntry | None = None) -> tuple[str, ...]:
        return ("kind", "value", "standing") if obj else ()

    def get_fields(self, request: HttpRequest, obj: BlocklistEntry | None = None) -> tuple[str, ...]:
        return ("kind", "value", "standing", "note", "expires_at") if obj else ("kind", "value", "note", "expires_at")

    @admin.display(description="what", ordering="value")
    def what(self, block: BlocklistEntry) -> SafeString:
        return format_html("<bdi>{}</bdi>", block.value)

    @admin.display(description="state")
    def standing(self, block: BlocklistEntry) -> SafeString:
        state = "expired" if block.is_expired else "on" if block.is_on else "off"
        return format_html('<b class="{}">{}</b>', "standing-on" if block.is_on and not block.is_expired else "", state)

    @admin.display(description="expires", ordering="expires_at")
    def ends(self, block: BlocklistEntry) -> str:
        return block.expires_at.strftime("%Y-%m-%d %H:%M") if block.expires_at else "-"

    @admin.display(description="made, by staff", ordering="made_at")
    def made(self, block: BlocklistEntry) -> str:
        return f"{block.made_at:%Y-%m-%d} · {block.made_by or '-'}"

    @admin.display(description="trial")
    def trying(self, block: BlocklistEntry) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:signatures_blocklistentry_try", args=[block.pk]), "Try it"
        )

    def save_model(self, request: HttpRequest, obj: BlocklistEntry, form: Any, change: bool) -> None:
        if not change:
            obj.made_by = request.user.pk
        super().save_model(request, obj, form, change)
        blocklists.clear_cache()

    def figures(self, form: Any) -> str:
        """The names of the fields alone: what stands in them may be a name."""
        return ", ".join(form.changed_data)

    def response_add(
        self, request: HttpRequest, obj: BlocklistEntry, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Trying it comes next."""
        return redirect("admin:signatures_blocklistentry_try", obj.pk)

    def get_urls(self) -> list[URLPattern]:
        trial = self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(self.trial))
        return [path("<int:number>/try/", trial, name="signatures_blocklistentry_try"), *super().get_urls()]

    def trial(self, request: HttpRequest, number: int) -> HttpResponse:
        """What it would have flagged; below, the switch."""
        block = get_object_or_404(BlocklistEntry, pk=number)
        if not self.has_view_permission(request, block):
            raise PermissionDenied
        if request.method == "POST":
            return self._act(request, block)
        context = {
            **self.admin_site.each_context(request),
            "title": "Trial of a block",
            "opts": self.opts,
            "listed": block,
            "standing": self.standing(block),
            "trial": blocklist_trial.try_entry(block),
            "may_switch": self.has_change_permission(request, block),
            "may_see": request.user.has_perm("signatures.view_signature"),
            "media": self.media,
        }
        return render(request, "admin/signatures/blocklistentry/try.html", context)

    def _act(self, request: HttpRequest, block: BlocklistEntry) -> HttpResponse:
        if not self.has_change_permission(request, block):
            raise PermissionDenied
        action, by = request.POST.get("action"), cast("int", request.user.pk)  # the pages of admin know them
        try:
            if action == "end":
                switches.end_blocklist_entry(block, by=by)
            elif action in {"on", "off"}:
                switches.switch_blocklist_entry(block, on=action == "on", by=by)
        except transitions.TransitionNotAllowed:
            self.message_user(request, "It is over; please make a new one.", messages.ERROR)
        return redirect("admin:signatures_blocklistentry_try", block.pk)


@admin.register(RateLimit)
class RateLimitAdmin(FreshSignIn, AuditedAdmin):
    list_display = ("of", "seconds", "most")
    list_display_links = ("of",)
