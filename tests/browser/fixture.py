"""The database rows behind the states of pages.py. Runs inside the settings of a site (`manage.py shell`)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
from django.conf import settings
from django.db import OperationalError, connections, transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.test import RequestFactory
from django.utils import translation

from campaign.letters.publishing import announce, authoritative_text, publish, retract, revise
from campaign.models import Letter, News
from campaign.web import errors
from signatures.delivery import freezing, receipts
from signatures.models import DeliveryEntry, Signature, Submission
from signatures.states import State, Visibility
from signatures.values import sealing, tokens
from tests.delivery.factories import make_delivery
from tests.factories import WORDS, make_letter, make_many, make_signature, make_submission

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # older than the shipped letter, which stays on the home page
PEOPLE = [
    ("Dr. María-José Ñúñez O’Connor-Świątek", "Professor emerita of international law", "University of the Andes", "CO"),
    ("김철수", "변호사", "북한인권위원회", "KR"), ("司马相如", "", "", "CN"), ("محمد بن سلمان العامري", "كاتب", "اتحاد الكتاب", "EG"),
    ("שרה לוי", "", "", "IL"), ("Wolfeschlegelsteinhausenbergerdorff" * 2, "Butcher", "", "DE"), ("อรุณี ศรีสุข", "", "", "TH"),
]  # fmt: skip


@transaction.atomic
def build() -> dict[str, Any]:
    """Creates all rows and returns addresses and values by name, as `PopulatedSite.values`."""
    letters = {
        name: make_letter(f"sample-{name}") for name in ("main", "paused", "later", "closed", "empty", "archived")
    }
    Letter.objects.filter(slug__startswith="sample-").update(created_at=LONG_AGO)
    values = {**add_signatures(letters["main"]), **add_delivery(letters["closed"]), **render_error_pages()}
    for title in ("The embassy answered", "A second answer", "A mistake"):
        news = add_news(letters["main"], title)
    retract(news)
    Letter.objects.filter(pk=letters["later"].pk).update(opens_at=datetime.now(UTC) + timedelta(days=9))
    pause(letters["paused"])
    closed = datetime.now(UTC) - timedelta(days=3)
    Letter.objects.filter(pk=letters["closed"].pk).update(state="closed", closes_at=closed)
    add_shipped_letter_with_names()
    archived = letters["archived"]
    archived.state = Letter.State.ARCHIVED
    archived.save()
    return values


def add_shipped_letter_with_names() -> None:
    """Publishes the letter that comes with the site once more, and signs it: other tests need that without names."""
    shipped = Letter.objects.get(slug="xi-jinping-2013")
    letter = make_letter("sample-shipped")
    words = authoritative_text(shipped)
    assert words is not None
    publish(revise(letter, "en", {field: getattr(words, field) for field in WORDS}, authoritative=True))
    Letter.objects.filter(pk=letter.pk).update(
        created_at=LONG_AGO, recipient=shipped.recipient, letterhead=shipped.letterhead, goal=shipped.goal
    )
    for name, role, organization, country in PEOPLE:
        make_signature(letter, name, role=role, organization=organization, country=country)
    make_many(letter, 60, country="KR")


def pause(letter: Letter) -> None:
    letter.state = Letter.State.PAUSED
    letter.save(update_fields=["state"])


def add_news(letter: Letter, title: str) -> News:
    news = News.objects.create(letter=letter)
    news.texts.create(language="en", title=title, body="It *thanked* us.\n\n- And no more.")
    announce(news)
    return news


def add_signatures(letter: Letter) -> dict[str, Any]:
    for n, (name, role, organization, country) in enumerate(PEOPLE):
        make_signature(
            letter,
            name,
            role=role,
            organization=organization,
            country=country,
            featured_position=n + 1 if n < 2 else None,
        )
    make_signature(letter, "Committee for Bridges", kind="organization", country="US")
    make_many(letter, 60, country="KR")
    entry = Signature.objects.filter(letter=letter, name="김철수").get()
    address = sealing.seal("uma@example.org", public_key=settings.UPDATES_PUBLIC_KEY)
    signatures: dict[str, Signature | Submission] = {
        "submission": make_submission(letter, "Ben Nevis", country="GB"),
        "signed_by_one": submission_of_mailbox(letter, "Ida", "Ida"),
        "signed_by_two": submission_of_mailbox(letter, "Ida", "محمد", "Wolfeschlegelsteinhausenbergerdorff"),
        "signed_without_name": submission_of_mailbox(letter, "Ida", ""),
        "waiting": make_signature(letter, "Cleo Patra", State.WAITING, role="Queen"),
        "asked": make_signature(letter, "Cleo Patra", State.WAITING, flags=["asked"], question="your-name"),
        "approved": make_signature(letter, "שרה לוי", role="Author", organization="Union", country="IL", comment="One line.\nAnother."),
        "rejected": make_signature(letter, "Rex", State.REJECTED),
        "withdrawn": make_signature(letter, "", State.WITHDRAWN),
        "updates": make_signature(letter, "Uma", sealed_address=address),
        "no_updates": make_signature(letter, "Noa"),
    }  # fmt: skip
    used_once: dict[str, Sequence[Signature | Submission]] = {
        "shared": [submission_of_mailbox(letter, f"Ida {n}", f"Ida {n}") for n in range(8)],
        "erasable": [make_signature(letter, f"Eve {n}") for n in range(8)],
        "stolen": [make_submission(letter, f"Sly {n}") for n in range(8)],
    }
    return {
        **{name: personal_path(row) for name, row in signatures.items()},
        **{name: [personal_path(row) for row in rows] for name, rows in used_once.items()},
        "entry": f"/letters/{letter.slug}/signatories/{entry.public_id}/",
        "report": f"/letters/{letter.slug}/signatories/{entry.public_id}/report/",
        "wants_updates": f"/no-updates/{tokens.unsubscribe_token(signatures['updates'].public_id)}/",
        "wants_none": f"/no-updates/{tokens.unsubscribe_token(signatures['no_updates'].public_id)}/",
    }


def submission_of_mailbox(letter: Letter, name: str, *signed: str) -> Submission:
    """Returns a submission of a mailbox that signed before, under these names; an empty one is counted only."""
    submission = make_submission(letter, name, country="GB")
    for place, former in enumerate(signed, 1):
        visibility = Visibility.PUBLIC if former else Visibility.COUNTED
        make_signature(
            letter, former, visibility=visibility, address_hash=submission.address_hash, place=place, country="GB"
        )
    return submission


def add_delivery(letter: Letter) -> dict[str, Any]:
    rows = [make_signature(letter, f"{name} {n}") for n, (name, *_rest) in enumerate(PEOPLE)]
    late = make_submission(letter, "Too Late")
    delivery = make_delivery(letter)
    delivery = freezing.hand_over(delivery, by=None, on=datetime.now(UTC).date(), to="The Embassy", at="Washington")
    freezing.acknowledge(delivery, by=None, on=datetime.now(UTC).date())
    receipt = receipts.issue(DeliveryEntry.objects.select_related("delivery__letter").get(signature_id=rows[0].pk))
    return {
        "delivery": f"/deliveries/{letter.slug}/1/",
        "receipt": str(receipt),
        "delivered": personal_path(rows[0]),
        "late": personal_path(late),
    }


def personal_path(row: Signature | Submission) -> str:
    return f"/signature/{tokens.personal_token(row.public_id)}/"


def render_error_pages() -> dict[str, Any]:
    """Renders the error pages that no address answers with on request, in each language."""
    pages: dict[str, Callable[[Any], HttpResponse]] = {
        "403": errors.forbidden,
        "429": lambda request: render(request, "429.html", {"letter": Letter.objects.current()}, status=429),
        "500": errors.server_error,
        "503": database_error,
    }
    rendered = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for name, page in pages.items():
                rendered[f"rendered-{name}-{language}"] = page(RequestFactory().get(f"/{language}/")).content.decode()
    return rendered


def database_error(request: Any) -> HttpResponse:
    """Renders the answer to an uncaught error of the database."""
    try:
        with connections["default"].wrap_database_errors:
            raise psycopg2.OperationalError
    except OperationalError:
        return errors.server_error(request)
