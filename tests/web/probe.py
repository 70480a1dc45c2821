"""Middleware that answers every request with what the site understood of it, or with the headers that arrived."""

from django.http import HttpRequest, JsonResponse

from campaign.web.client_network import client_network
from campaign.web.middleware import Middleware


class ProbeMiddleware(Middleware):
    def __call__(self, request: HttpRequest) -> JsonResponse:
        if request.path == "/headers":
            return JsonResponse(dict(request.headers))
        return JsonResponse({"network": client_network(request), "scheme": request.scheme})
