"""What staff download of a delivery: its package, copies of its letter as PDF, the request for a time stamp."""

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse

from campaign.letters.languages import describe
from campaign.runtime import failures
from signatures import tasks
from signatures.delivery import attestations, building, copies, exports, package_store, pdf
from signatures.delivery.admin import long_pdfs
from signatures.models import Delivery

PRINTED, PUBLIC = "printed", "public"


class CopyForm(forms.Form):
    """Which copy of a delivery is wanted, and what for."""

    what = forms.ChoiceField(
        label="Copy",
        choices=[
            (PRINTED, "Printed copy: every name, without the annex"),
            (PUBLIC, "Public edition for the press: public names only"),
        ],
        initial=PRINTED,
        widget=forms.RadioSelect,
    )
    language = forms.ChoiceField(label="Letter in", required=False)
    paper = forms.ChoiceField(label="Paper", choices=[("a4", "A4"), ("us-letter", "US Letter")], initial="a4")
    reason = forms.CharField(
        label="What it is for",
        max_length=300,
        widget=AdminTextInputWidget,
        help_text="Kept in the audit log; please do not name anybody.",
    )

    def __init__(self, *args: Any, delivery: Delivery) -> None:
        super().__init__(*args)
        codes = sorted({text["language"] for text in delivery.texts})
        texts = [(code, describe(code).name) for code in codes]
        self.fields["language"].choices = [("", "the language of the delivery"), *texts]  # type: ignore[attr-defined]

    @property
    def edition(self) -> exports.Edition:
        languages = tuple(filter(None, [self.cleaned_data["language"]]))
        return exports.Edition(languages, public=self.cleaned_data["what"] == PUBLIC)

    @property
    def options(self) -> pdf.Options:
        paper = pdf.PAPERS[self.cleaned_data["paper"]]
        return pdf.Options(paper=paper, annex=self.cleaned_data["what"] == PUBLIC)


def files(request: HttpRequest, pk: int, what: str) -> HttpResponseBase:
    """Downloads the package, requests a build, or cancels it."""
    delivery = get_object_or_404(Delivery, pk=pk)
    if request.method != "POST":
        return redirect("admin:signatures_delivery_change", pk)
    match what:
        case "package":
            return _package(request, delivery)
        case "make":
            building.request_build(delivery, by=request.user.pk)
            tasks.build_delivery.enqueue(delivery.pk)
        case "stop":
            building.cancel_build(delivery, by=request.user.pk)
        case "time-stamp-request" if delivery.has_statement:
            headers = {"Content-Disposition": f'attachment; filename="{delivery}.tsq"'}
            query = attestations.time_stamp_request(delivery)
            return HttpResponse(query, content_type="application/timestamp-query", headers=headers)
        case _:
            raise Http404
    return redirect("admin:signatures_delivery_change", pk)


def _package(request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
    name = delivery.package
    if delivery.state == Delivery.State.VOID or not delivery.root or not package_store.exists(name):
        messages.error(request, "There is no package. Make its files first.")
        return redirect("admin:signatures_delivery_change", delivery.pk)
    if delivery.remake_wanted:  # it may hold the words of somebody who was erased
        messages.error(request, "The package is being made anew. Wait for it, or build the files.")
        return redirect("admin:signatures_delivery_change", delivery.pk)
    package = package_store.open_package(name)
    building.record_download(delivery, package, by=request.user.pk)
    return FileResponse(package, as_attachment=True, filename=name, content_type="application/zip")


def copy(request: HttpRequest, pk: int, *, site: AdminSite) -> HttpResponseBase:
    """Asks which copy of the letter is wanted; on POST makes and downloads it."""
    delivery = get_object_or_404(Delivery.objects.select_related("letter"), pk=pk)
    form = CopyForm(request.POST if request.method == "POST" else None, delivery=delivery)
    if form.is_valid() and (refused := _refusal(delivery, form)):
        form.add_error(None, refused)
    if form.is_valid():
        try:
            return _copy(delivery, form, by=request.user.pk)
        except (OSError, pdf.PdfFailed, copies.CannotCopy) as error:
            form.add_error(None, failures.sentence(error))
    context = {"title": "Copy as PDF", "opts": Delivery._meta, "delivery": delivery, "form": form}
    page, status = "admin/signatures/delivery/copy.html", 422 if form.is_bound else 200
    return TemplateResponse(request, page, site.each_context(request) | context, status=status)


def _refusal(delivery: Delivery, form: CopyForm) -> str:
    return long_pdfs.refusal(
        delivery.counts.get("named", 0),
        delivery.letter.slug,
        reason=form.cleaned_data["reason"],
        edition=form.edition,
        options=form.options,
        delivery=delivery.number,
    )


def _copy(delivery: Delivery, form: CopyForm, *, by: int | None) -> FileResponse:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "copy.pdf"
        reason = form.cleaned_data["reason"]
        copies.export_copy(delivery, out, by=by, reason=reason, edition=form.edition, options=form.options)
        file = out.open("rb")  # readable after the folder is deleted
    name = f"{delivery}-{form.cleaned_data['what']}.pdf"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/pdf")
