"""The statement of method of a letter and of a delivery, as a page of admin and as CSV."""

import io
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone

from signatures.models import Delivery, SignedLetter
from signatures.monitoring import method
from signatures.monitoring.small_numbers import SMALL
from signatures.values import csv_cells

HEADER = ("table", "row", "column", "number")


def of_letter(request: HttpRequest, letter_id: int, *, site: AdminSite) -> HttpResponse:
    letter = get_object_or_404(SignedLetter, pk=letter_id)
    return _answer(request, site, method.of_letter(letter.pk, timezone.now()), letter.slug, letter=letter)


def of_delivery(request: HttpRequest, pk: int, *, site: AdminSite) -> HttpResponse:
    delivery = get_object_or_404(Delivery.objects.select_related("letter"), pk=pk)
    return _answer(request, site, method.of_delivery(delivery), str(delivery), delivery=delivery)


def _answer(
    request: HttpRequest, site: AdminSite, statement: method.Statement, name: str, **about: Any
) -> HttpResponse:
    """Returns the page; with `?as=csv` every number of it as a row of a CSV."""
    if request.GET.get("as") != "csv":
        context = {**site.each_context(request), "title": "Statement of method", "statement": statement, **about}
        context |= {"name": name, "most_hidden": SMALL - 1}
        return TemplateResponse(request, "admin/signatures/method.html", context)
    headers = {"Content-Disposition": f'attachment; filename="{name}-method.csv"'}
    out = io.StringIO(newline="")
    csv_cells.write_rows(out, [HEADER, *statement.cells()])
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
