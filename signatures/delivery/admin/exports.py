"""The admin page of signed letters: exports as a table and as PDF."""

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django_countries import countries

from campaign.letters.languages import describe
from campaign.models import Translation
from campaign.runtime import failures
from signatures import counts
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.delivery import exports, pdf
from signatures.delivery.admin import long_pdfs, method_pages
from signatures.delivery.exports import Table
from signatures.delivery.selection import Selection
from signatures.models import Delivery, SignedLetter
from signatures.staff.fresh_sign_in import fresh_sign_in

MAX_REASON = 300  # characters that an audit entry takes
PDFS = ("pdf", "draft")


class ExportForm(forms.Form):
    """What an export is for and, of a table, who is in it."""

    reason = forms.CharField(
        label="What the export is for",
        max_length=MAX_REASON,
        widget=AdminTextInputWidget,
        error_messages={"required": "Please write what the export is for."},
        help_text="Kept in the audit log; please do not name anybody.",
    )
    since = forms.ModelChoiceField(
        Delivery.objects.none(),
        label="Only new since delivery",
        required=False,
        to_field_name="number",
        empty_label="everybody",
    )
    country = forms.ChoiceField(label="Only from", required=False, choices=lambda: [("", "all countries"), *countries])
    day = forms.DateField(
        label="Only of the day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    organizations = forms.BooleanField(label="Only organizations", required=False)
    pdf_language = forms.ChoiceField(label="Letter in", required=False)
    pdf_beside = forms.ChoiceField(label="and behind it in", required=False)
    pdf_paper = forms.ChoiceField(
        label="Paper", required=False, choices=[("a4", "A4"), ("us-letter", "US Letter")], initial="a4"
    )
    pdf_public = forms.BooleanField(label="Only public names, for the press", required=False)
    pdf_without_annex = forms.BooleanField(label="Without the annex, for the printed copy", required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, letter: SignedLetter) -> None:
        super().__init__(data)
        since: Any = self.fields["since"]
        since.queryset = letter.deliveries.exclude(state=Delivery.State.VOID)
        since.label_from_instance = lambda delivery: f"{delivery.number} ({delivery.frozen_at:%Y-%m-%d})"
        codes = [text.language for text in Translation.objects.shown(letter.slug)]
        texts = [(code, describe(code).name) for code in codes]
        self.fields["pdf_language"].choices = [("", "the language of the site"), *texts]  # type: ignore[attr-defined]
        self.fields["pdf_beside"].choices = [("", "no other language"), *texts]  # type: ignore[attr-defined]
        self.fields["day"].help_text = f"In the time zone of the letter: {letter.time_zone}."

    @property
    def selection(self) -> Selection:
        mine = ("since", "country", "day", "organizations")
        return Selection(**{name: self.cleaned_data[name] for name in mine})

    @property
    def edition(self) -> exports.Edition:
        """Which letter and which names the PDF holds."""
        languages = (self.cleaned_data["pdf_language"], self.cleaned_data["pdf_beside"])
        return exports.Edition(tuple(filter(None, languages)), public=self.cleaned_data["pdf_public"])

    def pdf_options(self, *, is_draft: bool) -> pdf.Options:
        paper = pdf.PAPERS[self.cleaned_data["pdf_paper"] or "a4"]
        return pdf.Options(paper=paper, draft=is_draft, annex=not self.cleaned_data["pdf_without_annex"])

    @property
    def of_tables(self) -> list[forms.BoundField]:
        return [self[name] for name in ("since", "country", "day", "organizations")]

    @property
    def of_pdf(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("pdf_")]


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
        export = self.admin_site.admin_view(fresh_sign_in(allowed))
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
        letter = self.get_object(request, object_id)
        context = {
            "may_export": letter and request.user.has_perm("signatures.export_signedletter"),
            "may_deliver": request.user.has_perm("signatures.deliver_delivery"),
            "form": letter and ExportForm(letter=letter),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def export(self, request: HttpRequest, letter_id: int, form: str) -> HttpResponseBase:
        """Downloads the list as a `Table`, the signed letter (`pdf`), or the letter marked as a draft (`draft`).

        GET shows the form alone.
        """
        if form not in (*Table, *PDFS):
            raise Http404
        letter = get_object_or_404(SignedLetter, pk=letter_id)
        asked = ExportForm(request.POST if request.method == "POST" else None, letter=letter)
        if asked.is_valid() and form in PDFS and asked.selection.described():
            asked.add_error(None, "The PDF holds everybody. Please choose nothing below, or export a table.")
        if asked.is_valid() and form in PDFS and (refused := _refusal(letter, asked, is_draft=form == "draft")):
            asked.add_error(None, refused)
        if asked.is_valid() and form in PDFS:
            try:
                return _pdf(letter, asked, by=request.user.pk, is_draft=form == "draft")
            except (OSError, pdf.PdfFailed, exports.NothingToExport) as error:
                asked.add_error(None, failures.sentence(error))
        if not asked.is_valid():
            context = {"title": f"Export: {letter}", "original": letter, "form": asked, "opts": self.opts}
            page = "admin/signatures/signedletter/export.html"
            status = 422 if asked.is_bound else 200
            return TemplateResponse(request, page, self.admin_site.each_context(request) | context, status=status)
        # To a file first, so that a slow download does not keep a snapshot of the database open.
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the response closes it
        table, reason = Table(form), asked.cleaned_data["reason"]
        exports.export_list(letter, file, by=request.user.pk, reason=reason, form=table, selection=asked.selection)
        file.seek(0)
        return _download(file, f"{letter.slug}{table.ending}", table.content_type)


def _pdf(letter: SignedLetter, asked: ExportForm, *, by: int | None, is_draft: bool) -> HttpResponseBase:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "letter.pdf"
        exports.export_pdf(
            letter,
            out,
            by=by,
            reason=asked.cleaned_data["reason"],
            edition=asked.edition,
            options=asked.pdf_options(is_draft=is_draft),
        )
        file = out.open("rb")  # readable after the folder is deleted
    return _download(
        file, f"{letter.slug}{'-draft' * is_draft}{'-public' * asked.edition.public}.pdf", "application/pdf"
    )


def _refusal(letter: SignedLetter, asked: ExportForm, *, is_draft: bool) -> str:
    return long_pdfs.refusal(
        counts.for_letter(letter.pk).named,
        letter.slug,
        reason=asked.cleaned_data["reason"],
        edition=asked.edition,
        options=asked.pdf_options(is_draft=is_draft),
    )


def _download(file: IO[bytes], name: str, content_type: str) -> FileResponse:
    return FileResponse(file, as_attachment=True, filename=name, content_type=content_type)
