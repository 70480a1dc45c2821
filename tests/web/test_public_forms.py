"""What every public form has in common."""

import traceback

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views.debug import SafeExceptionReporterFilter

from campaign.web.middleware import public_form


@public_form
def form_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.POST["why"])


def test_it_takes_get_and_post_without_a_csrf_token() -> None:
    assert form_page.csrf_exempt  # type: ignore[attr-defined]  # set by Django
    assert form_page(RequestFactory().post("/", {"why": "a reason"})).content == b"a reason"
    assert form_page(RequestFactory().put("/")).status_code == 405


def test_no_error_report_shows_what_it_was_sent() -> None:
    request = RequestFactory().post("/", {"why": "a reason"})
    form_page(request)
    shown = SafeExceptionReporterFilter().get_post_parameters(request)
    assert "a reason" not in shown.values()
    assert list(shown) == ["why"]


@public_form
def broken_page(request: HttpRequest) -> HttpResponse:
    why = request.POST["why"]
    raise ValueError(len(why))


def test_no_error_report_shows_its_variables() -> None:
    request = RequestFactory().post("/", {"why": "a reason"})
    with pytest.raises(ValueError, match="8") as error:
        broken_page(request)
    frame = [frame for frame, _line in traceback.walk_tb(error.value.__traceback__)][-1]
    assert frame.f_locals["why"] == "a reason"
    shown = dict(SafeExceptionReporterFilter().get_traceback_frame_variables(request, frame))
    assert "why" in shown and shown["why"] != "a reason"
