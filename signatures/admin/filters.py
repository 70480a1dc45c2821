"""By what staff narrow the lists of signatures: none of it counts a million rows."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from campaign.models import Letter
from signatures import suspicion
from signatures.models import Signature


class FlagFilter(admin.SimpleListFilter):
    title = _("flags")
    parameter_name = "flagged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("flagged")), ("no", _("not flagged")), *((flag, flag) for flag in suspicion.SENTENCES)]

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


class CountryFilter(admin.SimpleListFilter):
    """The countries that occur among the newest, asked for at most once in five minutes: there is no index for it."""

    NEWEST = 50_000

    title = _("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        codes = cache.get_or_set(
            "admin-countries",
            lambda: sorted(
                set(Signature.objects.order_by("-signed_up_at").values_list("country", flat=True)[: self.NEWEST]) - {""}
            ),
            300,
        )
        return [(code, countries.name(code)) for code in codes or []]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        return queryset.filter(country=self.value()) if self.value() else queryset


class LetterFilter(admin.SimpleListFilter):
    """The letters, asked for at most once in a minute: a page has its statements to keep."""

    title = _("letter")
    parameter_name = "letter__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        letters = Letter.objects.order_by("slug").values_list("pk", "slug")
        found: list[tuple[int, str]] = cache.get_or_set("admin-letters", lambda: list(letters), 60) or []
        return [(str(number), slug) for number, slug in found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        asked = self.value()
        if asked and asked not in dict(self.lookup_choices):
            return queryset.none()
        return queryset.filter(letter_id=asked) if asked else queryset


class LanguageFilter(admin.SimpleListFilter):
    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(settings.LANGUAGES)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        return queryset.filter(language=self.value()) if self.value() else queryset
