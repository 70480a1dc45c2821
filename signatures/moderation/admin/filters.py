"""By what staff narrow the lists of signatures: none of it counts a million rows."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.db.models.functions import Cast
from django.http import HttpRequest
from django_countries import countries

from campaign.models import Letter
from signatures.models import Signature
from signatures.registries import Flag

NEWEST = 50_000  # among so many sign-ups the countries that occur are looked for


class FlagFilter(admin.SimpleListFilter):
    title = "flags"
    parameter_name = "flagged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", "flagged"), ("no", "not flagged"), *((flag, flag) for flag in Flag)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        match self.value():
            case None:
                return queryset
            case "yes":
                return queryset.exclude(flags=[])
            case "no":
                # Said twice: the second is the head of the queue's index, which has them behind all with a flag.
                unflagged = Case(When(flags=[], then=1), default=0)
                return queryset.filter(flags=[]).alias(unflagged=unflagged).filter(unflagged=1)
            case flag:
                return queryset.filter(flags__contains=[flag])


def _offered(of: str) -> list[tuple[str, str]]:
    """The letters, or the countries that occur among the newest: for both one statement, once in five minutes.

    There is no index for the countries, and a page has its statements to keep.
    """
    fields = ("of", "value", "label")
    newest = Signature.objects.order_by("-signed_up_at").values("pk")[:NEWEST]
    lands = Signature.objects.filter(pk__in=newest).exclude(country="").order_by()
    lands = lands.annotate(of=Value("country"), value=F("country"), label=F("country")).distinct()
    letters = Letter.objects.order_by().annotate(of=Value("letter"), value=Cast("pk", CharField()), label=F("slug"))
    both = letters.values_list(*fields).union(lands.values_list(*fields)).order_by("label")
    found = cache.get_or_set("admin-offered", lambda: list(both), 300) or []
    return [(value, label) for each, value, label in found if each == of]


class CountryFilter(admin.SimpleListFilter):
    title = "country"
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(code, countries.name(code)) for code, _label in _offered("country")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        return queryset.filter(country=self.value()) if self.value() else queryset


class LetterFilter(admin.SimpleListFilter):
    title = "letter"
    parameter_name = "letter__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return _offered("letter")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        asked = self.value()
        if asked and not (asked.isascii() and asked.isdecimal() and len(asked) < 19):
            return queryset.none()
        return queryset.filter(letter_id=asked) if asked else queryset


class LanguageFilter(admin.SimpleListFilter):
    title = "language"
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(settings.LANGUAGES)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        return queryset.filter(language=self.value()) if self.value() else queryset
