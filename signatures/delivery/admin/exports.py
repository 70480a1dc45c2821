"""The admin page of signed letters: exports as CSV and PDF."""

import tempfile
from functools import partial
from pathlib import Path
from typing import IO, Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from signatures import counts
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.delivery import exports, pdf
from signatures.delivery.admin import method_pages
from signatures.models import SignedLetter
from signatures.staff.fresh_sign_in import fresh_sign_in

MAX_REASON = 300  # characters that an audit entry takes


@admin.register(SignedLetter)
class SignedLetterAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("slug", "recipient", "state", "signed", "named", "counted_only")
    fields = ("slug", "recipient", "state", "signed", "named", "counted_only")
    readonly_fields = fields
    actions = None

    @admin.display(description="public count")
    def signed(self, letter: SignedLetter) -> int:
        return counts.for_letter(letter.pk).total

    @admin.display(description="named in the delivery")
    def named(self, letter: SignedLetter) -> int:
        return counts.for_letter(letter.pk).named

    @admin.display(description="delivered as a number")
    def counted_only(self, letter: SignedLetter) -> int:
        return counts.for_letter(letter.pk).counted_only

    def get_urls(self) -> list[URLPattern]:
        # Views, not admin actions: Django runs an action on one row inside a transaction, and the audit entry of an
        # export must be committed before its first byte.
        allowed = permission_required("signatures.export_signedletter", raise_exception=True)(self.export)
        export = self.admin_site.admin_view(require_POST(fresh_sign_in(allowed)))
        method = permission_required("signatures.view_signedletter", raise_exception=True)(
            partial(method_pages.of_letter, site=self.admin_site)
        )
        return [
            path("<int:letter_id>/method/", self.admin_site.admin_view(method), name="signatures_signedletter_method"),
            path("<int:letter_id>/export/<str:form>/", export, name="signatures_signedletter_export"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "may_export": request.user.has_perm("signatures.export_signedletter"),
            "may_deliver": request.user.has_perm("signatures.deliver_delivery"),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def export(self, request: HttpRequest, letter_id: int, form: str) -> HttpResponseBase:
        """Downloads the list (`csv`), the signed letter (`pdf`), or the letter marked as a draft (`draft`)."""
        letter = get_object_or_404(SignedLetter, pk=letter_id)
        reason = request.POST.get("reason", "").strip()[:MAX_REASON]
        if not reason:
            self.message_user(request, "Please write what the export is for.", messages.ERROR)
            return redirect("admin:signatures_signedletter_change", letter.pk)
        try:
            file = (
                self._csv(request, letter, reason)
                if form == "csv"
                else self._pdf(request, letter, reason, draft=form == "draft")
            )
        except (pdf.PdfFailed, exports.NothingToExport) as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:signatures_signedletter_change", letter.pk)
        ending = {"csv": ".csv", "draft": "-draft.pdf"}.get(form, ".pdf")
        content_type = "text/csv; charset=utf-8" if form == "csv" else "application/pdf"
        return FileResponse(file, as_attachment=True, filename=f"{letter.slug}{ending}", content_type=content_type)

    def _csv(self, request: HttpRequest, letter: SignedLetter, reason: str) -> IO[bytes]:
        # To a file first, so that a slow download does not keep a snapshot of the database open.
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the response closes it
        exports.export_csv(letter, file, by=request.user.pk, reason=reason)
        file.seek(0)
        return file

    def _pdf(self, request: HttpRequest, letter: SignedLetter, reason: str, *, draft: bool) -> IO[bytes]:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "letter.pdf"
            exports.export_pdf(letter, out, by=request.user.pk, reason=reason, options=pdf.Options(draft=draft))
            return out.open("rb")  # readable after the folder is deleted
