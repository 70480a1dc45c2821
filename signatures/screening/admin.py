"""The admin pages of blocklists, with a trial before an entry is switched on, and of rate limits."""

from datetime import timedelta
from typing import Any, ClassVar, override

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from campaign.letters.forms import ConflictCheckedForm
from signatures.audit import audit_log
from signatures.audit.admin_mixins import AuditedAdmin, staff_id
from signatures.audit.staff_names import staff_column
from signatures.models import BlocklistEntry, RateLimit
from signatures.moderation import switches
from signatures.registries import AuditAction
from signatures.screening import blocklist_trial, blocklists
from signatures.staff.fresh_sign_in import FreshSignIn
from signatures.transitions import TransitionNotAllowed


class BlocklistEntryForm(ConflictCheckedForm):
    instance: BlocklistEntry

    class Meta:
        model = BlocklistEntry
        fields = ("kind", "value", "note", "expires_at")
        help_texts: ClassVar = {
            "value": (
                "An email domain (mailbot.example, *.mailbot.example, mail-??.example), a network (203.0.113.0/24), a "
                "word or phrase in name, role, organization or comment, or a whole name. Case, accents and width do "
                "not matter."
            ),
            "note": "For your colleagues: where the entry comes from, what to look for.",
            "expires_at": (
                "A network expires after 72 hours if you give no time, and after 30 days at most, because others will "
                "use it by then. Every other entry stays until you end it."
            ),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("kind") or self.instance.kind
        if kind and cleaned.get("value"):
            try:
                cleaned["value"] = blocklists.clean_value(kind, cleaned["value"])
            except blocklists.InvalidEntry as error:
                self.add_error("value", str(error))
        if "expires_at" in cleaned:
            self._clean_expiry(cleaned, is_network=kind == BlocklistEntry.Kind.NETWORK)
        return cleaned

    def _clean_expiry(self, cleaned: dict[str, Any], *, is_network: bool) -> None:
        expires, made = cleaned["expires_at"], self.instance.made_at
        if expires is None and is_network:
            cleaned["expires_at"] = made + BlocklistEntry.DEFAULT_NETWORK_LIFETIME
        elif expires is not None and "expires_at" in self.changed_data and expires <= timezone.now():
            self.add_error("expires_at", "This time is in the past.")
        elif expires is not None and is_network and expires > made + BlocklistEntry.MAX_NETWORK_LIFETIME:
            latest = made + BlocklistEntry.MAX_NETWORK_LIFETIME - timedelta(minutes=1)
            self.add_error("expires_at", f"A network can be blocked until {latest:%Y-%m-%d %H:%M} UTC at most.")


MADE_BY = staff_column("made_by", "made by")


@admin.register(BlocklistEntry)
class BlocklistEntryAdmin(AuditedAdmin):
    """Kind and value of an entry never change. The audit log never holds the value, which may be a name."""

    form = BlocklistEntryForm
    list_display = ("shown_value", "kind", "status", "trial_link", "expires", "note", "made")
    list_display_links = ("shown_value",)
    list_filter = ("kind", "is_on")

    class Media:
        css: ClassVar = {"all": ["css/review.css"]}

    def get_readonly_fields(self, request: HttpRequest, obj: BlocklistEntry | None = None) -> tuple[str, ...]:
        return ("kind", "value", "status") if obj else ()

    def get_fields(self, request: HttpRequest, obj: BlocklistEntry | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("kind", "value", "note", "expires_at")
        return ("kind", "value", "status", "note", "expires_at", "loaded_digest")

    @admin.display(description="value", ordering="value")
    def shown_value(self, entry: BlocklistEntry) -> SafeString:
        return format_html("<bdi>{}</bdi>", entry.value)

    @admin.display(description="status")
    def status(self, entry: BlocklistEntry) -> SafeString:
        status = "expired" if entry.is_expired else "on" if entry.is_on else "off"
        return format_html('<b class="status-{0}">{0}</b>', status)

    @admin.display(description="expires", ordering="expires_at")
    def expires(self, entry: BlocklistEntry) -> str:
        return entry.expires_at.strftime("%Y-%m-%d %H:%M UTC") if entry.expires_at else "-"

    @admin.display(description="made, by staff", ordering="made_at")
    def made(self, entry: BlocklistEntry) -> str:
        return f"{entry.made_at:%Y-%m-%d} · {MADE_BY(entry)}"

    @admin.display(description="trial")
    def trial_link(self, entry: BlocklistEntry) -> SafeString:
        url = reverse("admin:signatures_blocklistentry_try", args=[entry.pk])
        return format_html('<a href="{}">Try it</a>', url)

    @override
    def save_model(self, request: HttpRequest, obj: BlocklistEntry, form: Any, change: bool) -> None:
        if not change:
            obj.made_by = staff_id(request)
        super().save_model(request, obj, form, change)
        blocklists.clear_cache()

    def describe_changes(self, form: Any) -> str:
        """Returns the names of the changed fields without values, which may be names of people."""
        return ", ".join(form.changed_data)

    def response_add(
        self, request: HttpRequest, obj: BlocklistEntry, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Leads to the trial, which comes before switching the entry on."""
        return redirect("admin:signatures_blocklistentry_try", obj.pk)

    def get_urls(self) -> list[URLPattern]:
        trial = self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(self.trial))
        return [path("<int:number>/try/", trial, name="signatures_blocklistentry_try"), *super().get_urls()]

    def trial(self, request: HttpRequest, number: int) -> HttpResponse:
        """The page that shows what an entry would have flagged, with the buttons to switch it on and off."""
        entry = get_object_or_404(BlocklistEntry, pk=number)
        if not self.has_view_permission(request, entry):
            raise PermissionDenied
        if request.method == "POST":
            return self._act(request, entry)
        may_switch = self.has_change_permission(request, entry)
        trial = blocklist_trial.try_entry(entry, may_read_digests=may_switch)
        audit_log.record(
            AuditAction.BLOCK_TRIED,
            staff_id=staff_id(request),
            detail={"row": entry.pk, "kind": entry.kind, "number": trial.flagged},
        )
        context = {
            **self.admin_site.each_context(request),
            "title": "Trial of a blocklist entry",
            "opts": self.opts,
            "entry": entry,
            "status": self.status(entry),
            "trial": trial,
            "may_switch": may_switch,
            "may_view": request.user.has_perm("signatures.view_signature"),
            "media": self.media,
        }
        return render(request, "admin/signatures/blocklistentry/try.html", context)

    def _act(self, request: HttpRequest, entry: BlocklistEntry) -> HttpResponse:
        if not self.has_change_permission(request, entry):
            raise PermissionDenied
        action, by = request.POST.get("action"), staff_id(request)
        try:
            if action == "end":
                switches.end_blocklist_entry(entry, by=by)
                self.log_change(request, entry, "Ended.")
            elif action in {"on", "off"}:
                switches.switch_blocklist_entry(entry, on=action == "on", by=by)
                self.log_change(request, entry, f"Switched {action}.")
        except TransitionNotAllowed:
            self.message_user(request, "This entry has expired. Please make a new one.", messages.ERROR)
        return redirect("admin:signatures_blocklistentry_try", entry.pk)


@admin.register(RateLimit)
class RateLimitAdmin(FreshSignIn, AuditedAdmin):
    list_display = ("scope", "seconds", "max_count")
    list_display_links = ("scope",)
