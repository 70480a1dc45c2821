"""The rows of the review queue: its tabs, the claim on an open page, filters in use, and what rows have in common."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from signatures.audit.admin_mixins import staff_id
from signatures.audit.staff_names import staff_names
from signatures.models import AuditEntry
from signatures.moderation import clusters, page_claims
from signatures.moderation.admin.filters import FLAG_OF_TAB, Tab, TabFilter, is_read_page_by_page
from signatures.registries import AuditAction

BESIDE = "beside"  # the query parameter that chooses the signature of the side panel
BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in use, and the query string of the page without it."""

    title: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class TabLink:
    """A tab: its title, its query string, whether it is open, and the flag of what it has, if that is one."""

    title: str
    query: str
    is_open: bool
    flag: str = ""


class ReviewQueueList(ChangeList):
    """The rows of the review queue. The parameter `beside` opens a side panel, and is not a filter."""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self.tab = Tab.of(request)
        self.by = staff_id(request)
        self.is_read_page_by_page = is_read_page_by_page(request) and request.user.has_perm(
            "signatures.moderate_signature"
        )
        super().__init__(request, *args)
        self.full_result_count = self.result_count  # no "Show all", which leads to another tab
        # So that no link of the page, and no search, keeps the panel open.
        for parameters in (self.params, self.filter_params):
            parameters.pop(BESIDE, None)

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        filters: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in filters.items() if name != BESIDE}

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        self.with_claimed = rows
        return page_claims.without_claimed(rows, by=self.by) if self.is_read_page_by_page else rows

    def get_results(self, request: HttpRequest) -> None:
        if self.tab is Tab.BATCH:
            self.list_per_page = BATCH_SIZE
        super().get_results(request)
        page: QuerySet[Any] = self.result_list[: self.list_per_page]
        if self.is_read_page_by_page and request.method == "GET":
            if self.page_num > 1:  # an OFFSET would lock all rows before the page, too
                page = self.queryset.filter(pk__in=page.values("pk"))
            # Filtered anew: a colleague may have decided one meanwhile.
            page = self.queryset.filter(pk__in=page_claims.claim_page(page, by=self.by))
        rows = list(page)
        for row in rows:
            row.beside_query = self.get_query_string({BESIDE: row.pk})
        _count_in_common(rows)
        if self.tab in {Tab.HELD, Tab.ASKED}:
            _add_notes(rows)
        self.result_list = rows

    @cached_property
    def open_at_colleagues(self) -> tuple[int, datetime | None]:
        """How many rows of this list colleagues have open, and until when."""
        return page_claims.claimed_by_others(self.with_claimed, by=self.by)

    @cached_property
    def tabs(self) -> list[TabLink]:
        parameter = TabFilter.parameter_name
        return [
            TabLink(
                tab.label,
                self.get_query_string({parameter: tab.value or None}, remove=["p"]),
                tab is self.tab,
                FLAG_OF_TAB.get(tab, ""),
            )
            for tab in Tab
        ]

    @cached_property
    def chips(self) -> list[Chip]:
        return list(self._chips())

    def _chips(self) -> Iterator[Chip]:
        for spec in self.filter_specs:
            choices = [] if isinstance(spec, TabFilter) else list(spec.choices(self))
            for choice in choices[1:]:  # the first one is that of all
                if choice["selected"]:
                    yield Chip(str(spec.title), str(choice["display"]), str(choices[0]["query_string"]))

    @property
    def folded_filters(self) -> list[Any]:
        return [spec for spec in self.filter_specs if not isinstance(spec, TabFilter)]

    @cached_property
    def groups(self) -> list[tuple[str, list[Any]]]:
        """The rows of a batch: those of one organization, those with the same words, and all others by name."""
        return _grouped(self.result_list)


def _count_in_common(rows: Iterable[Any]) -> None:
    """Counts, for each row, what waits and came from its network, and what waits with the same comment."""
    alike = clusters.count_alike(rows)
    for row in rows:
        row.same_name = clusters.shown_others(row.same_name_key)
        row.in_network = alike.of_network.get(row.network, 0)
        row.with_comment = alike.of_comment.get(row.comment, 0)


def _add_notes(rows: list[Any]) -> None:
    """Adds to each row who put it aside or asked its signer last, and what that colleague wrote."""
    put_aside = AuditEntry.objects.filter(
        signature_id__in=[row.pk for row in rows], action__in=[AuditAction.HOLD, AuditAction.ASK]
    )
    latest = {entry.signature_id: entry for entry in put_aside.order_by("pk")}
    names = staff_names(entry.staff_id for entry in latest.values())
    for row in rows:
        row.put_aside = latest.get(row.pk)
        row.put_aside_by = names.get(row.put_aside.staff_id, "a rule") if row.put_aside else ""


def _grouped(rows: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    by_organization = Counter(row.organization.casefold() for row in rows if row.organization)
    by_words = Counter(row.name_key for row in rows if row.name_key)
    groups: dict[tuple[int, str], list[Any]] = {}
    for row in rows:
        if by_organization[row.organization.casefold()] > 1:
            key = (0, row.organization.casefold())
        elif by_words[row.name_key] > 1 or row.same_name:
            key = (1, "")
        elif row.with_comment > 1:
            key = (2, "")
        else:
            key = (3, "")
        groups.setdefault(key, []).append(row)
    titles = {1: "Names that resemble others", 2: "The same comment", 3: "All others"}
    return [
        (titles.get(place) or members[0].organization, sorted(members, key=lambda row: (row.sort_key, row.pk)))
        for (place, _words), members in sorted(groups.items())
    ]
