"""The admin pages of paper imports: choose a file, preview the result of each line, import it, undo an import.

The server does not keep the file between preview and import: the preview page holds it, signed, and sends it back.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from campaign.models import Letter
from signatures.audit.admin_mixins import ReadOnlyAdmin, staff_id
from signatures.models import PaperImport
from signatures.moderation import paper_import
from signatures.staff.fresh_sign_in import fresh_sign_in

SALT = "signatures.paper"
MAX_AGE_SECONDS = 60 * 60  # time to confirm a preview
importers_only = method_decorator(permission_required("signatures.import_paper", raise_exception=True))
RESULTS = (paper_import.ACCEPTED, paper_import.DUPLICATE, paper_import.REFUSED)


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

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        undo = wrap(fresh_sign_in(self.undo))
        return [
            path("import/", wrap(fresh_sign_in(self.preview)), name="signatures_paperimport_import"),
            path("confirm/", wrap(require_POST(fresh_sign_in(self.confirm))), name="signatures_paperimport_confirm"),
            path("<int:number>/undo/", undo, name="signatures_paperimport_undo"),
            *super().get_urls(),
        ]

    @importers_only
    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def preview(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file, and show the result that each line would have. Writes nothing."""
        form = PaperForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                file = form.cleaned_data["file"]
                text = paper_import.decode(file.read(paper_import.MAX_BYTES + 1))
                return self._preview_page(request, form.cleaned_data["letter"], text)
            except paper_import.ImportRefused as error:
                form.add_error("file", str(error))
        return self._page(request, form=form, status=422 if form.is_bound else 200)

    @importers_only
    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def confirm(self, request: HttpRequest) -> HttpResponse:
        """Import the file of a preview page."""
        try:
            signed = request.POST.get("signed_file", "")
            letter_id, by, text, shown = signing.loads(signed, salt=SALT, max_age=MAX_AGE_SECONDS)
        except signing.BadSignature:
            letter_id, by, text, shown = None, None, "", ""
        if by != staff_id(request):
            return self._start_again(request, "This preview is too old; please choose the file again.")
        letter = get_object_or_404(Letter.objects.published(), pk=letter_id)
        try:
            imported = paper_import.import_lines(letter, text, by=by, shown=shown)
        except paper_import.PreviewOutdated as error:
            self.message_user(request, str(error), messages.ERROR)
            return self._preview_page(request, letter, text)
        except paper_import.ImportRefused as error:
            return self._start_again(request, str(error))
        text = f"{imported.number} signature{pluralize(imported.number, ' was,s were')} imported."
        self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:signatures_paperimport_changelist")

    @importers_only
    def undo(self, request: HttpRequest, number: int) -> HttpResponse:
        """GET asks first, because what is deleted does not come back; POST undoes a whole import."""
        chosen = get_object_or_404(PaperImport, pk=number)
        if request.method != "POST":
            left = paper_import.signatures_of(chosen).count()
            context = {
                **self.admin_site.each_context(request),
                "title": "Undo this import",
                "letter": chosen.letter,
                "consequence": f"{left} signature{pluralize(left, ' is,s are')} deleted, whatever became of them "
                "since. Their words leave the deliveries, too, as errata. Nothing brings them back but the file.",
                "leave_to": "admin:signatures_paperimport_changelist",
            }
            return render(request, "admin/ask_first.html", context)
        try:
            deleted = paper_import.undo_import(chosen, by=staff_id(request))
        except paper_import.ImportRefused as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            text = f"{deleted} signature{pluralize(deleted, ' was,s were')} deleted."
            self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:signatures_paperimport_changelist")

    def _start_again(self, request: HttpRequest, message: str) -> HttpResponse:
        self.message_user(request, message, messages.ERROR)
        return redirect("admin:signatures_paperimport_import")

    def _preview_page(self, request: HttpRequest, letter: Letter, text: str) -> HttpResponse:
        lines = paper_import.preview(letter, text)
        content = [letter.pk, staff_id(request), text, paper_import.preview_digest(lines)]
        signed_file = signing.dumps(content, salt=SALT, compress=True)
        if len(signed_file) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 0.95:
            raise paper_import.ImportRefused("The file is too large for the preview page; please split it.")
        totals = {result: sum(line.result == result for line in lines) for result in RESULTS}
        return self._page(request, letter=letter, lines=lines, totals=totals, signed_file=signed_file)

    def _page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        context |= {**self.admin_site.each_context(request), "title": "Import signatures from paper", "opts": self.opts}
        return render(request, "admin/signatures/paperimport/import.html", context, status=status)
