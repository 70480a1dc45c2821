"""Signatures on paper: a file, what becomes of each line, and only then the import; and to take one back.

Between preview and import the file is kept nowhere on this side: the page sends it back, signed, and forgets it.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from campaign.models import Letter
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.models import PaperImport
from signatures.moderation import paper_import
from signatures.staff.admin_site import fresh_sign_in

SALT = "signatures.paper"
KEPT = 60 * 60  # seconds in which a preview can be confirmed


class PaperForm(forms.Form):
    letter = forms.ModelChoiceField(Letter.objects.published(), label="letter")
    file = forms.FileField(
        label="CSV file", help_text="UTF-8, with commas or semicolons. At most 5,000 lines and one megabyte."
    )


@admin.register(PaperImport)
class PaperImportAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("at", "letter", "staff_id", "number", "undone_at")
    fields = readonly_fields = list_display
    list_filter = ("letter",)
    actions = None

    def has_import_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("signatures.import_paper")

    def get_urls(self) -> list[URLPattern]:
        # Views of their own: there is no row yet to act on.
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(fresh_sign_in(self.preview)), name="signatures_paperimport_import"),
            path("take/", wrap(require_POST(fresh_sign_in(self.take))), name="signatures_paperimport_take"),
            path(
                "<int:number>/undo/", wrap(require_POST(fresh_sign_in(self.undo))), name="signatures_paperimport_undo"
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_import": self.has_import_permission(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_import": self.has_import_permission(request), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def preview(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file, and show what would become of each line. Writes nothing."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = PaperForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                file = form.cleaned_data["file"]
                text = paper_import.decode(file.read(paper_import.MAX_BYTES + 1))
                return self._shown(request, form.cleaned_data["letter"], text)
            except paper_import.ImportRefused as error:
                form.add_error("file", str(error))
        return self._page(request, form=form, status=422 if form.is_bound else 200)

    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def take(self, request: HttpRequest) -> HttpResponse:
        """Do what was shown."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        try:
            number, by, text, shown = signing.loads(request.POST.get("sealed", ""), salt=SALT, max_age=KEPT)
        except signing.BadSignature:
            number, by, text, shown = None, None, "", ""
        if by != request.user.pk:
            self.message_user(request, "This preview is too old; please choose the file again.", messages.ERROR)
            return redirect("admin:signatures_paperimport_import")
        letter = get_object_or_404(Letter.objects.published(), pk=number)
        try:
            try:
                done = paper_import.import_lines(letter, text, by=by, shown=shown)
            except paper_import.PreviewOutdated as error:
                self.message_user(request, str(error), messages.ERROR)
                return self._shown(request, letter, text)
        except paper_import.ImportRefused as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:signatures_paperimport_import")
        words = f"{done.number} signature{pluralize(done.number, ' was,s were')} taken in."
        self.message_user(request, words, messages.SUCCESS)
        return redirect("admin:signatures_paperimport_changelist")

    def undo(self, request: HttpRequest, number: int) -> HttpResponse:
        """Take a whole import back."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        try:
            gone = paper_import.undo_import(get_object_or_404(PaperImport, pk=number), by=request.user.pk or 0)
        except paper_import.ImportRefused as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            words = f"{gone} signature{pluralize(gone, ' was,s were')} taken back."
            self.message_user(request, words, messages.SUCCESS)
        return redirect("admin:signatures_paperimport_changelist")

    def _shown(self, request: HttpRequest, letter: Letter, text: str) -> HttpResponse:
        lines = paper_import.preview(letter, text)
        content = [letter.pk, request.user.pk, text, paper_import.preview_digest(lines)]
        sealed = signing.dumps(content, salt=SALT, compress=True)
        if len(sealed) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 0.95:
            raise paper_import.ImportRefused("The file is too large to be sent a second time; please split it.")
        fates = [(fate, sum(line.fate == fate for line in lines)) for fate in FATES]
        taken = dict(fates)[paper_import.ACCEPTED]
        return self._page(request, letter=letter, lines=lines, fates=fates, taken=taken, sealed=sealed)

    def _page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        context |= {**self.admin_site.each_context(request), "title": "Signatures on paper", "opts": self.opts}
        return render(request, "admin/signatures/paperimport/import.html", context, status=status)


FATES = (paper_import.ACCEPTED, paper_import.DUPLICATE, paper_import.REFUSED)
