"""The admin pages of paper imports: choose a file, its columns, look at each line, import it, take an import back."""

import io
from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_safe

from signatures import tasks
from signatures.audit.admin_mixins import ReadOnlyAdmin, staff_id
from signatures.models import PaperImport
from signatures.paper import columns, files, imports, previews, reading
from signatures.paper.columns import Columns
from signatures.paper.forms import ColumnsForm, PaperForm, ReadingForm
from signatures.paper.judging import Fate
from signatures.paper.previews import Preview
from signatures.staff.fresh_sign_in import fresh_sign_in

LINES_PER_PAGE = 100
REFRESH_SECONDS = 2
importers_only = method_decorator(permission_required("signatures.import_paper", raise_exception=True))


@admin.register(PaperImport)
class PaperImportAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("at", "letter", "step", "until", "username", "lines", "number", "undone_at")
    fields = readonly_fields = ("at", "letter_as_text", "step", "until", "username", "lines", "number", "undone_at")
    list_filter = ("letter",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaperImport]:
        """Without expired previews, which the worker is about to delete."""
        usernames = User.objects.filter(pk=OuterRef("staff_id")).values("username")
        rows: QuerySet[PaperImport] = (
            super().get_queryset(request).exclude(pk__in=PaperImport.objects.expired().values("pk"))
        )
        return rows.select_related("letter").defer("sealed_file").annotate(by=Subquery(usernames))

    @admin.display(description="staff")
    def username(self, row: Any) -> str:
        return row.by or "-"

    @admin.display(description="waits until", ordering="expires_at")
    def until(self, row: PaperImport) -> datetime | None:
        return row.expires_at if row.step == PaperImport.Step.PREVIEW else None

    @admin.display(description="lines")
    def lines(self, row: PaperImport) -> int | None:
        """The lines of a preview, once they were judged; what is imported has none any more."""
        try:
            return len(previews.open_preview(row).lines) or None
        except previews.NoPreview:
            return None

    @admin.display(description="letter")
    def letter_as_text(self, row: PaperImport) -> str:
        """Without a link: whoever imports paper may not open the page of a letter."""
        return str(row.letter)

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, tuple[str, Any]] = {
            "import/": ("import", self.upload),
            "template/": ("template", self.template),
            "<int:number>/columns/": ("columns", self.columns),
            "<int:number>/preview/": ("preview", self.preview),
            "<int:number>/refused/": ("refused", self.refused),
            "<int:number>/undo/": ("undo", self.undo),
        }
        own = [
            path(address, self.admin_site.admin_view(fresh_sign_in(view)), name=f"signatures_paperimport_{name}")
            for address, (name, view) in pages.items()
        ]
        return [*own, *super().get_urls()]

    @importers_only
    @method_decorator(require_safe)
    def template(self, request: HttpRequest) -> HttpResponseBase:
        return _file(files.template(), "signatures.xlsx")

    @importers_only
    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def upload(self, request: HttpRequest) -> HttpResponse:
        """Asks for a file, and keeps it sealed for a day."""
        form = PaperForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            content = form.cleaned_data["file"].read(reading.MAX_BYTES + 1)
            try:
                row = previews.keep(form.cleaned_data["letter"], content, by=staff_id(request))
            except (reading.CannotRead, previews.TooManyPreviews) as error:
                form.add_error("file", str(error))
            else:
                return redirect("admin:signatures_paperimport_columns", row.pk)
        return self._page(request, "upload", "Import signatures from paper", form, form=form)

    @importers_only
    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def columns(self, request: HttpRequest, number: int) -> HttpResponse:
        """Shows how the file was read and what its columns are taken for; both can be changed."""
        try:
            return self._columns(request, number)
        except (previews.NoPreview, reading.CannotRead) as error:
            return self._start_again(request, error)

    def _columns(self, request: HttpRequest, number: int) -> HttpResponse:
        row, preview = self._own(request, number)
        table = previews.read(row, preview.choices)
        heading = columns.heading_line(table)
        found = columns.suggest(table, heading, previews.remembered(staff_id(request)))
        chosen = preview.columns or Columns(heading, found)
        is_read_anew = request.POST.get("do") == "read"
        as_read = ReadingForm(table, chosen.heading, request.POST if is_read_anew else None)
        form = ColumnsForm(table, chosen, request.POST if request.method == "POST" and not is_read_anew else None)
        if is_read_anew and as_read.is_valid() and self._read_anew(request, row, as_read):
            return redirect("admin:signatures_paperimport_columns", row.pk)
        if form.is_bound and form.is_valid():
            previews.show(row, replace(preview, columns=form.chosen, others=[]), table)
            return redirect("admin:signatures_paperimport_preview", row.pk)
        left_out = [name for name, field in zip(form.headings, form.columns.fields, strict=True) if not field]
        return self._page(
            request, "columns", "What the columns hold", form, row=row, form=form, as_read=as_read, left_out=left_out
        )

    def _read_anew(self, request: HttpRequest, row: PaperImport, form: ReadingForm) -> bool:
        """Reads the file as staff chose. Returns whether that is possible; otherwise the form says why not."""
        try:
            table = previews.read(row, form.choices)
        except reading.CannotRead as error:
            form.add_error(None, str(error))
            return False
        found = columns.suggest(table, form.heading, previews.remembered(staff_id(request)))
        previews.save(row, Preview(form.choices, Columns(form.heading, found)))
        return True

    @importers_only
    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def preview(self, request: HttpRequest, number: int) -> HttpResponse:
        """Shows what becomes of each line, imports the accepted ones, and then how far that is."""
        row = self.get_queryset(request).filter(pk=number, staff_id=staff_id(request)).first()
        if row is not None and row.step == PaperImport.Step.RUNNING:
            page = self._page(request, "progress", "Signatures are being imported", row=row)
            page["Refresh"] = str(REFRESH_SECONDS)  # works without JavaScript
            return page
        if row is not None and row.step == PaperImport.Step.DONE:
            return redirect("admin:signatures_paperimport_change", row.pk)
        try:
            row, preview = self._own(request, number)
            if request.method == "POST":
                return self._act(request, row)
        except (previews.NoPreview, reading.CannotRead) as error:
            return self._start_again(request, error)
        if preview.lines:
            return self._preview_page(request, row, preview)
        return redirect("admin:signatures_paperimport_columns", row.pk)

    def _act(self, request: HttpRequest, row: PaperImport) -> HttpResponse:
        if request.POST.get("do") == "discard":
            previews.discard(row)
            return redirect("admin:signatures_paperimport_changelist")
        if request.POST.get("do") == "import":
            try:
                imports.start(row, by=staff_id(request))
            except imports.ImportRefused as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                tasks.import_paper.enqueue(row.pk)
            return redirect(request.path)
        for name, is_other in (("other", True), ("same", False)):
            line = request.POST.get(name, "")
            if line.isdecimal() and len(line) < 10:
                previews.take_as_other(row, int(line), is_other=is_other)
                return redirect(request.get_full_path())
        if request.POST.get("do") == "again":
            previews.show_again(row)
        return redirect(request.get_full_path())

    def _preview_page(self, request: HttpRequest, row: PaperImport, preview: Preview) -> HttpResponse:
        totals = {fate: sum(line.fate == fate for line in preview.lines) for fate in Fate}
        chosen = request.GET.get("fate", "")
        shown = [line for line in preview.lines if line.fate == chosen or chosen not in totals]
        lines = Paginator(sorted(shown, key=lambda line: [*Fate].index(Fate(line.fate))), LINES_PER_PAGE)
        page = lines.get_page(request.GET.get("p"))
        context: dict[str, Any] = {
            "totals": totals,
            "all": len(preview.lines),
            "fate": chosen,
            "page": page,
            "others": preview.others,
        }
        return self._page(request, "preview", "What becomes of each line", row=row, **context)

    @importers_only
    @method_decorator(require_safe)
    @method_decorator(sensitive_variables())
    def refused(self, request: HttpRequest, number: int) -> HttpResponseBase:
        try:
            row, preview = self._own(request, number)
            content = files.refused_lines(preview, previews.read(row, preview.choices))
        except (previews.NoPreview, reading.CannotRead) as error:
            return self._start_again(request, error)
        return _file(content, "refused-lines.csv")

    @importers_only
    def undo(self, request: HttpRequest, number: int) -> HttpResponse:
        """GET asks first, because what is deleted does not come back; POST takes a whole import back."""
        row = get_object_or_404(PaperImport, pk=number, step=PaperImport.Step.DONE)
        if request.method != "POST":
            return self._undo_page(request, row)
        typed = "".join(filter(str.isdecimal, request.POST.get("number", "")))[:9]
        try:
            deleted = imports.undo(row, by=staff_id(request), typed=int(typed or -1))
        except imports.WrongNumber as error:
            page = self._undo_page(request, row, error=str(error), typed=request.POST.get("number", ""))
            page.status_code = 422
            return page
        except imports.ImportRefused as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:signatures_paperimport_change", row.pk)
        text = f"{deleted:,} signature{pluralize(deleted, ' was,s were')} deleted."
        self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:signatures_paperimport_changelist")

    def _undo_page(self, request: HttpRequest, row: PaperImport, **context: str) -> HttpResponse:
        left, held = imports.signatures_of(row).count(), imports.delivered(row)
        return self._page(request, "undo", "Take this import back", None, row=row, left=left, held=held, **context)

    def _own(self, request: HttpRequest, number: int) -> tuple[PaperImport, Preview]:
        """Returns a preview of the acting member of staff.

        Raises:
            NoPreview: when there is none of this number.
        """
        row = PaperImport.objects.previews().filter(pk=number, staff_id=staff_id(request)).first()
        if row is None:
            raise previews.NoPreview
        return row, previews.open_preview(row)

    def _start_again(self, request: HttpRequest, error: Exception) -> HttpResponse:
        message = str(error) or "This file was imported, discarded or is too old. Please choose it again."
        self.message_user(request, message, messages.ERROR)
        return redirect("admin:signatures_paperimport_import")

    def _page(
        self, request: HttpRequest, template: str, title: str, bound: forms.Form | None = None, **context: Any
    ) -> HttpResponse:
        context |= {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        status = 422 if bound is not None and bound.is_bound else 200
        return TemplateResponse(request, f"admin/signatures/paperimport/{template}.html", context, status=status)


def _file(content: bytes, name: str) -> FileResponse:
    return FileResponse(io.BytesIO(content), as_attachment=True, filename=name)
