"""A page asked for the mirror: a copy in static files, where no form can be sent and no name be taken back."""

from datetime import date

from django.http import HttpRequest, QueryDict


class MirrorRequest(HttpRequest):
    """A reader's request as a copy makes it: no visitor stands behind it, and nothing but the address is known."""

    def __init__(self, path: str, query: str, *, on: date) -> None:
        super().__init__()
        self.method = "GET"
        self.path = self.path_info = path
        self.GET = QueryDict(query)
        self.META["QUERY_STRING"] = query
        self.mirror_date = on


def mirror_date(request: HttpRequest) -> date | None:
    """The day of the copy that this page is for; nothing on the site itself."""
    return request.mirror_date if isinstance(request, MirrorRequest) else None
