"""What waits for staff, by the permission that it takes: how much, since when, and on which page of admin."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import User
from django.db import connection

from campaign.models import Letter
from campaign.runtime.sql_files import load_sql
from signatures.models import Delivery, FactorReset

LETTERS = 20  # on the start page, the busiest first
WEEK = timedelta(days=7)

_WAITING = load_sql(__file__, "waiting_work.sql")
_LETTER_FIGURES = load_sql(__file__, "letter_figures.sql")


@dataclass(frozen=True, slots=True)
class Work:
    """So many of one kind wait, the oldest `since`; `page` and `query` are where they are done."""

    number: int
    words: str  # after the number
    since: datetime | None
    page: str
    query: str = ""


# The words, page and filters of each kind of work, by the permission that it takes. The names are those of the columns
# of `backlog.sql` and `waiting_work.sql`; where it is known since when, the column is `<name>_since`.
_KINDS = {
    "signatures.moderate_signature": {
        "flagged": ("flagged", "signatures_waitingsignature_changelist", "flagged=yes"),
        "unflagged": ("without a flag", "signatures_waitingsignature_changelist", "flagged=no"),
        "held": ("held", "signatures_waitingsignature_changelist", "tab=held"),
        "asked": ("asked, without an answer yet", "signatures_waitingsignature_changelist", "tab=asked"),
        "reported": (
            "reported by readers", "signatures_signature_changelist", "flagged=reported&state__exact=approved",
        ),
    },
    "signatures.deliver_delivery": {
        "failed": ("without files", "signatures_delivery_changelist", "state__exact=frozen"),
        "ready": ("ready to hand over", "signatures_delivery_changelist", "state__exact=ready"),
        "unanswered": ("not acknowledged yet", "signatures_delivery_changelist", "state__exact=handed-over"),
    },
    "signatures.import_paper": {
        "previews": ("files from paper, not imported yet", "signatures_paperimport_changelist", ""),
    },
    "campaign.change_translation": {
        "drafts": ("texts in draft", "campaign_translation_changelist", "published_at__isempty=1"),
        "news": ("news not published", "campaign_news_changelist", "published_at__isempty=1"),
    },
    "signatures.answer_requests": {
        "requests": (
            "on request of a signer, for you to confirm", "signatures_signerrequest_changelist", "state__exact=open",
        ),
    },
    "auth.change_user": {
        "resets": ("second factors to reset: please confirm", "auth_user_changelist", ""),
        "invited": ("invited, without a password", "auth_user_changelist", ""),
    },
}  # fmt: skip


def of(person: User, backlog: Mapping[str, Any], now: datetime) -> list[Work]:
    """Returns what waits for a member of staff, by role and the most urgent first, read in one statement.

    Args:
        person: the acting user.
        backlog: that of `statistics.backlog`, for whoever may see signatures; else empty.
        now: this moment.
    """
    values: dict[str, Any] = {
        "now": now,
        "asked_after": now - FactorReset.VALID_FOR,
        "staff_id": person.pk,
        "no_password": UNUSABLE_PASSWORD_PREFIX,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, values)
        names = [column.name for column in cursor.description]
        found = {**backlog, **dict(zip(names, cursor.fetchone(), strict=True))}
    return [
        Work(found[name], words, found.get(f"{name}_since"), page, query)
        for permission, kinds in _KINDS.items()
        if person.has_perm(permission)
        for name, (words, page, query) in kinds.items()
        if found[name]
    ]


@dataclass(frozen=True, slots=True)
class LetterFigures:
    """One letter on the start page. `signed` is the public count, `confirmed` that of the last seven days."""

    pk: int
    slug: str
    state: str
    signed: int
    flagged: int
    unflagged: int
    confirmed: int
    delivery_id: int | None
    delivery: int | None
    delivery_state: str | None

    @property
    def state_name(self) -> str:
        return str(Letter.State(self.state).label)

    @property
    def delivery_state_name(self) -> str:
        return str(Delivery.State(self.delivery_state).label) if self.delivery_state else ""


def letters(now: datetime) -> list[LetterFigures]:
    """Returns the figures of at most `LETTERS` letters, read in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_LETTER_FIGURES, {"since": now - WEEK, "most": LETTERS})
        return [LetterFigures(*row) for row in cursor.fetchall()]
