"""The minimum that Django needs for a page, a sign-up and a confirmation: the base of the benches."""

import os
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="measures nothing but time",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "undersigned",
            "USER": "undersigned",
            "HOST": f"{os.environ['VAR_DIR']}/postgres",
            "CONN_MAX_AGE": 600,
        }
    },
)
application = get_wsgi_application()

from django.db import models  # noqa: E402  # it needs the settings

PAGE = Path(os.environ["YARDSTICK_PAGE"]).read_bytes()


class Line(models.Model):
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=254)

    objects: ClassVar[models.Manager["Line"]] = models.Manager()

    class Meta:
        app_label = "yardstick"
        db_table = "yardstick"

    def __str__(self) -> str:
        return str(self.pk)


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


def insert(request: HttpRequest) -> HttpResponse:
    """One INSERT, one commit."""
    Line.objects.create(name=request.POST["name"], email=request.POST["email"])
    return HttpResponse(status=303, headers={"Location": "/"})


def update(request: HttpRequest) -> HttpResponse:
    """One UPDATE, one commit."""
    Line.objects.filter(pk=request.POST["id"]).update(name=request.POST["name"])
    return HttpResponse(status=303, headers={"Location": "/"})


urlpatterns = [path("", page), path("insert", insert), path("update", update)]
