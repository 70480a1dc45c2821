"""By what staff narrow the lists of signatures, and how these are paged: none of it counts a million rows."""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_countries import countries

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
                return queryset.filter(flags=[])
            case flag:
                return queryset.filter(flags__contains=[flag])


class CountryFilter(admin.SimpleListFilter):
    """The countries that occur, asked for at most once in five minutes: it is a walk through all rows."""

    title = _("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        codes = cache.get_or_set(
            "admin-countries",
            lambda: list(
                Signature.objects.exclude(country="").order_by("country").values_list("country", flat=True).distinct()
            ),
            300,
        )
        return [(code, countries.name(code)) for code in codes or []]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        return queryset.filter(country=self.value()) if self.value() else queryset


class LanguageFilter(admin.SimpleListFilter):
    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(settings.LANGUAGES)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        return queryset.filter(language=self.value()) if self.value() else queryset


class UpTo(Paginator):
    """Counts no further than a person pages: a count of a million rows takes longer than the page."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[: self.MOST].count() if isinstance(rows, QuerySet) else len(rows)
