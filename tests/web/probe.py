"""Middleware that answers every request with what the site understood of it."""

from django.http import HttpRequest, JsonResponse

from campaign.web.client_network import client_network
from campaign.web.middleware import Middleware


class ProbeMiddleware(Middleware):
    def __call__(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"network": client_network(request), "scheme": request.scheme})
