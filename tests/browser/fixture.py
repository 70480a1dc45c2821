"""The rows behind the table of pages. Made inside a site's own settings (`manage.py shell`); see pages.py."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connections, transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.test import RequestFactory
from django.utils import translation

from campaign.letters.publishing import announce, retract
from campaign.models import Letter, News
from campaign.web import errors
from signatures.delivery import freezing, receipts
from signatures.models import DeliveryEntry, Signature
from signatures.states import State
from signatures.values import sealing, tokens
from tests.delivery.factories import make_delivery
from tests.factories import make_letter, make_many, make_signature

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # before any real letter: none of the stage is the current one
PEOPLE = [
    ("Dr. María-José Ñúñez O’Connor-Świątek", "Professor emerita of international law", "University of the Andes", "CO"),
    ("김철수", "변호사", "북한인권위원회", "KR"), ("司马相如", "", "", "CN"), ("محمد بن سلمان العامري", "كاتب", "اتحاد الكتاب", "EG"),
    ("שרה לוי", "", "", "IL"), ("Wolfeschlegelsteinhausenbergerdorff" * 2, "Butcher", "", "DE"), ("อรุณี ศรีสุข", "", "", "TH"),
]  # fmt: skip


@transaction.atomic
def build() -> dict[str, Any]:
    letters = {name: make_letter(f"stage-{name}") for name in ("here", "resting", "later", "closed", "bare")}
    Letter.objects.filter(slug__startswith="stage-").update(created_at=LONG_AGO)
    found = {**people(letters["here"]), **delivered(letters["closed"]), **made_pages()}
    for words in ("The embassy answered", "A second answer", "What was not so"):
        news = tell(letters["here"], words)
    retract(news)
    Letter.objects.filter(pk=letters["later"].pk).update(opens_at=datetime.now(UTC) + timedelta(days=9))
    rest(letters["resting"])
    closed = datetime.now(UTC) - timedelta(days=3)
    Letter.objects.filter(pk=letters["closed"].pk).update(state="closed", closes_at=closed)
    return found


def rest(letter: Letter) -> None:
    letter.state = Letter.State.PAUSED
    letter.save(update_fields=["state"])


def tell(letter: Letter, title: str) -> News:
    news = News.objects.create(letter=letter)
    news.texts.create(language="en", title=title, body="It *thanked* us.\n\n- And no more.")
    announce(news)
    return news


def people(letter: Letter) -> dict[str, Any]:
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
    made = {
        "unconfirmed": make_signature(letter, "Ben Nevis", State.UNCONFIRMED, country="GB"),
        "waiting": make_signature(letter, "Cleo Patra", State.WAITING, role="Queen"),
        "asked": make_signature(letter, "Cleo Patra", State.WAITING, flags=["asked"], question="your-name"),
        "approved": make_signature(letter, "שרה לוי", role="Author", organization="Union", country="IL", comment="One line.\nAnother."),
        "rejected": make_signature(letter, "Rex", State.REJECTED),
        "withdrawn": make_signature(letter, "", State.WITHDRAWN),
        "updates": make_signature(letter, "Uma", sealed_address=address),
        "no_updates": make_signature(letter, "Noa"),
    }  # fmt: skip
    spent = {
        "erasable": [make_signature(letter, f"Eve {n}") for n in range(8)],
        "stolen": [make_signature(letter, f"Sly {n}", State.UNCONFIRMED) for n in range(8)],
    }
    return {
        **{name: mine(row) for name, row in made.items()},
        **{name: [mine(row) for row in rows] for name, rows in spent.items()},
        "entry": f"/letters/{letter.slug}/signatories/{entry.public_id}/",
        "report": f"/letters/{letter.slug}/signatories/{entry.public_id}/report/",
        "wants_updates": f"/no-updates/{tokens.unsubscribe_token(made['updates'].public_id)}/",
        "wants_none": f"/no-updates/{tokens.unsubscribe_token(made['no_updates'].public_id)}/",
    }


def delivered(letter: Letter) -> dict[str, Any]:
    rows = [make_signature(letter, f"{name} {n}") for n, (name, *_rest) in enumerate(PEOPLE)]
    late = make_signature(letter, "Too Late", State.UNCONFIRMED)
    delivery = make_delivery(letter)
    delivery = freezing.hand_over(delivery, by=None, on=datetime.now(UTC).date(), to="The Embassy", at="Washington")
    freezing.acknowledge(delivery, by=None, on=datetime.now(UTC).date())
    receipt = receipts.issue(DeliveryEntry.objects.select_related("delivery__letter").get(signature_id=rows[0].pk))
    return {
        "delivery": f"/deliveries/{letter.slug}/1/",
        "receipt": str(receipt),
        "delivered": mine(rows[0]),
        "late": mine(late),
    }


def mine(row: Signature) -> str:
    return f"/signature/{tokens.personal_token(row.public_id)}/"


def made_pages() -> dict[str, Any]:
    """Pages of errors that no address gives when it is asked to."""
    pages: dict[str, Callable[[Any], HttpResponse]] = {
        "403": errors.forbidden,
        "429": lambda request: render(request, "429.html", {"letter": Letter.objects.current()}, status=429),
        "500": errors.server_error,
        "503": unreachable,
    }
    found = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for name, page in pages.items():
                found[f"made-{name}-{language}"] = page(RequestFactory().get(f"/{language}/")).content.decode()
    return found


def unreachable(request: Any) -> HttpResponse:
    """What Django does with an error that nobody caught, when it is the database's."""
    try:
        with connections["default"].wrap_database_errors:
            raise connections["default"].Database.OperationalError
    except OperationalError:
        return errors.server_error(request)
