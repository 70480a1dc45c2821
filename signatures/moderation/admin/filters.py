"""Filters of the lists of signatures. None of them counts a million rows."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest
from django_countries import countries

from campaign.letters.forms import as_id
from signatures.audit.admin_mixins import FILTER_CACHE_SECONDS
from signatures.models import Signature
from signatures.registries import Flag

NEWEST = 50_000  # the filter offers the countries of this many newest sign-ups


class MailboxFilter(admin.SimpleListFilter):
    """All that came from the mailbox of one signature, plus parts and dots ignored. It tells nobody which one it is."""

    title = "mailbox"
    parameter_name = "mailbox_of"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offers only the mailbox that a link chose: there are as many as signatures."""
        number = as_id(request.GET.get(self.parameter_name))
        return [(str(number), f"of signature no. {number}")] if number is not None else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        number = as_id(self.value())
        if number is None:
            return queryset
        chosen = Signature.objects.filter(pk=number).exclude(mailbox="").values("mailbox")
        return queryset.filter(mailbox__in=chosen)


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
                # The second condition repeats the first as the first column of the index `queue`.
                unflagged = Case(When(flags=[], then=1), default=0)
                return queryset.filter(flags=[]).alias(unflagged=unflagged).filter(unflagged=1)
            case flag:
                return queryset.filter(flags__contains=[flag])


class CountryFilter(admin.SimpleListFilter):
    title = "country"
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        codes = cache.get_or_set("admin-filter-countries", _newest_countries, FILTER_CACHE_SECONDS) or []
        return [(code, countries.name(code)) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        return queryset.filter(country=self.value()) if self.value() else queryset


def _newest_countries() -> list[str]:
    """Returns the countries of the newest sign-ups. No index has the countries of all."""
    newest = Signature.objects.order_by("-signed_up_at").values("pk")[:NEWEST]
    found = Signature.objects.filter(pk__in=newest).exclude(country="")
    return list(found.order_by("country").values_list("country", flat=True).distinct())


OTHER = "other"  # than those of the site: which ones, only a look at all rows would tell


class LanguageFilter(admin.SimpleListFilter):
    title = "language"
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*settings.LANGUAGES, (OTHER, "another language")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        if self.value() == OTHER:
            return queryset.exclude(language__in=dict(settings.LANGUAGES))
        return queryset.filter(language=self.value()) if self.value() else queryset
