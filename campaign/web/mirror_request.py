"""The request with which the static mirror renders a page. On a mirror no form can be sent."""

from datetime import date

from django.http import HttpRequest, QueryDict


class MirrorRequest(HttpRequest):
    """A GET request without a visitor: only the address is known."""

    def __init__(self, path: str, query: str, *, on: date) -> None:
        super().__init__()
        self.method = "GET"
        self.path = self.path_info = path
        self.GET = QueryDict(query)
        self.META["QUERY_STRING"] = query
        self.mirror_date = on


def mirror_date(request: HttpRequest) -> date | None:
    """Return the day of the mirror that this page is rendered for; None on the site itself."""
    return request.mirror_date if isinstance(request, MirrorRequest) else None
