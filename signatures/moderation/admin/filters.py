"""Filters of the lists of signatures. None of them counts a million rows."""

from enum import Enum
from typing import Any, Self

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


class Tab(Enum):
    """The tabs of the review queue: the value in the address, and the title."""

    WAITING = "", "Waiting"
    BATCH = "batch", "In batches"
    HELD = "held", "Held"
    ASKED = "asked", "Asked"

    label: str

    def __new__(cls, code: str, label: str = "") -> Self:
        tab = object.__new__(cls)
        tab._value_ = code
        tab.label = label
        return tab

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        chosen = request.GET.get(TabFilter.parameter_name, "")
        return cls(chosen if chosen in {tab.value for tab in cls} else "")


FLAG_OF_TAB = {Tab.HELD: Flag.HOLD, Tab.ASKED: Flag.ASKED}


def is_read_page_by_page(request: HttpRequest) -> bool:
    """Whether the page shows what waits for anybody. Who looks for one signature sees what is put aside, too."""
    looks_for_one = request.GET.get("q") or request.GET.get(MailboxFilter.parameter_name)
    is_put_aside = request.GET.get(FlagFilter.parameter_name) in FLAG_OF_TAB.values()
    return Tab.of(request) not in FLAG_OF_TAB and not looks_for_one and not is_put_aside


class TabFilter(admin.SimpleListFilter):
    title = "tab"
    parameter_name = "tab"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        self.tab, self.is_read_page_by_page = Tab.of(request), is_read_page_by_page(request)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(tab.value, tab.label) for tab in Tab if tab.value]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if flag := FLAG_OF_TAB.get(self.tab):
            return queryset.put_aside().filter(flags__contains=[flag])
        rows = queryset.exclude_put_aside() if self.is_read_page_by_page else queryset
        return unflagged(rows) if self.tab is Tab.BATCH else rows


def unflagged(rows: QuerySet[Signature]) -> QuerySet[Signature]:
    # The second condition repeats the first as the first column of the index `queue`.
    return rows.filter(flags=[]).alias(unflagged=Case(When(flags=[], then=1), default=0)).filter(unflagged=1)


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
                return unflagged(queryset)
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
