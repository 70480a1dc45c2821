"""Pages of a list whose length nobody need know."""

from functools import cached_property

from django.core.paginator import Paginator
from django.db.models import QuerySet


class UpTo(Paginator):
    """Counts no further than a person pages: a count of a million rows takes longer than the page."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[: self.MOST].count() if isinstance(rows, QuerySet) else len(rows)
