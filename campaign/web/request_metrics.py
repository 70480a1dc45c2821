"""What the web processes count of their requests, for `/metrics`.

Each process writes its numbers into files of one folder, so that any of them can tell the sum. The folder is in memory:
the library maps the files, and a full disk would end the process. No label can hold what a visitor typed: a page is the
name of its address pattern.
"""

import logging
import os
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

from campaign.web.middleware import Middleware
from campaign.web.page_cache import PAGE

log = logging.getLogger(__name__)

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # upper bounds of the histogram
NO_PAGE = "none"  # a static file, or an address that does not exist


class _Metrics(NamedTuple):
    requests: Counter
    seconds: Histogram


def folder() -> Path:
    """Returns the folder of the numbers, and makes it.

    Raises:
        OSError: if it cannot be made, or is somebody else's.
    """
    found = Path(settings.METRICS_DIR)
    found.mkdir(mode=0o700, exist_ok=True)
    if found.stat().st_uid != os.geteuid():
        raise PermissionError
    return found


@cache
def _metrics() -> _Metrics:
    """The numbers of this process. Made with the first request: only a web process may write into the folder."""
    folder()
    names = ["page", "status", "memory"]
    return _Metrics(
        Counter("undersigned_requests", "Requests answered.", names, registry=None),
        Histogram("undersigned_request_seconds", "Time to answer.", ["page"], buckets=SECONDS, registry=None),
    )


def count(request: HttpRequest, status: int, seconds: float) -> None:
    """Counts a request that was answered, unless nobody can ask for the metrics. What cannot be counted is answered."""
    if not settings.METRICS_TOKEN:
        return
    match = request.resolver_match
    page = match.view_name if match else request.META.get(PAGE, NO_PAGE)
    try:
        found = _metrics()
    except OSError as error:
        log.warning("requests are not counted: %s", type(error).__name__)
        return
    found.requests.labels(page, str(status), "yes" if PAGE in request.META and not match else "no").inc()
    found.seconds.labels(page).observe(seconds)


class RequestMetricsMiddleware(Middleware):
    """Counts the requests that Django answers. The server counts those that it answers from memory itself."""

    def __init__(self, *args: object) -> None:
        if not settings.METRICS_TOKEN:
            raise MiddlewareNotUsed
        super().__init__(*args)  # type: ignore[arg-type]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        count(request, response.status_code, time.perf_counter() - began)
        return response
