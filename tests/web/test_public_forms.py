"""What every public form has in common."""

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
