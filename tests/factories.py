"""Factories: a few functions in place of a factory library."""

import hashlib
import io
import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image, ImageDraw

from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Logo, Translation
from signatures.models import Delivery, OutboxMail, Signature, Submission
from signatures.registries.typed_fields import TYPED_NAMES
from signatures.signing.signer_input import SignerInput
from signatures.states import Kind, State, Visibility
from signatures.values import names, sealing

WORDS: dict[str, Any] = {
    "title": "A letter to the Minister of Bridges",
    "date": "May 7, 2013",
    "addressee": "Her Excellency the Minister\nMinistry of Bridges",
    "salutation": "Dear Minister,",
    "body": "We ask for *one* bridge.\n\n- A short one;\n- a safe one.\n\nIt “matters” to us.",
    "closing": "Yours sincerely,",
    "signatories": [{"name": "Grace Hopper", "titles": ["Chair", "Former Admiral"]}],
}
LETTERHEAD = {
    "name": "Committee for Bridges",
    "address": ["1 River Street", "Suite 2"],
    "telephone": "(202) 555-0100",
    "web": "www.bridges.example",
    "board_title": "Board of Directors",
    "board": [{"name": "Grace Hopper", "office": "Chair"}, {"name": "Alan Turing"}],
}


def make_letter(slug: str = "bridge", **fields: Any) -> Letter:
    """A published letter, open for signatures."""
    letter = Letter.objects.create(
        slug=slug, recipient="the Minister of Bridges", goal=1000, letterhead=LETTERHEAD, **fields
    )
    publish(revise(letter, "en", WORDS, authoritative=True))
    letter.refresh_from_db()
    if "state" in fields and letter.state != fields["state"]:
        letter.state = fields["state"]
        letter.save(update_fields=["state"])
    return letter


def png_of(size: tuple[int, int] = (480, 160), color: str = "#0b5a5a") -> bytes:
    """An image as the form of a letter leaves it: a disk and a bar, on nothing."""
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.ellipse((4, 4, height - 4, height - 4), fill=color)
    draw.rectangle((height + 20, height // 2 - 12, width - 4, height // 2 + 12), fill=color)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def make_logo(letter: Letter, color: str = "#0b5a5a", size: tuple[int, int] = (480, 160)) -> Logo:
    png = png_of(size, color)
    return Logo.objects.create(
        letter=letter, png=png, width=size[0], height=size[1], digest=hashlib.sha256(png).hexdigest()
    )


def make_signature(
    letter: Letter, name: str, state: State = State.APPROVED, visibility: Visibility = Visibility.PUBLIC, **fields: Any
) -> Signature:
    """A signature in this state, as the actions would leave it."""
    has_words = state != State.WITHDRAWN and visibility != Visibility.COUNTED
    now = timezone.now()
    defaults = {
        **_origin(letter, now),
        "name": name if has_words else "",
        **(names.search_columns(name, fields.get("organization", "")) if has_words else {}),
        "state": state,
        "visibility": visibility,
        "confirmed_at": now,
        "approved_on": now.date() if state == State.APPROVED else None,
        "place": None if state == State.WITHDRAWN else 1,
    }
    return Signature.objects.create(**(defaults | fields))


def make_submission(letter: Letter, name: str, visibility: Visibility = Visibility.PUBLIC, **fields: Any) -> Submission:
    """A submission that waits to be confirmed, as the form would leave it, without its email."""
    has_words = visibility != Visibility.COUNTED
    defaults = {**_origin(letter, timezone.now()), "name": name if has_words else "", "visibility": visibility}
    return Submission.objects.create(**(defaults | fields))


def _origin(letter: Letter, now: datetime) -> dict[str, Any]:
    revision = letter.revisions.first()
    assert revision is not None
    return {
        "letter": letter,
        "translation": revision.translations.first(),
        "address_hash": secrets.token_bytes(32),
        "language": "en",
        "signed_up_at": now,
    }


def make_mail(
    row: Signature | Submission, address: str, kind: OutboxMail.Kind = OutboxMail.Kind.LINK, **fields: Any
) -> OutboxMail:
    """An email in the outbox, as the sign-up or the request for the links leaves it."""
    now = timezone.now()
    is_link = kind == OutboxMail.Kind.LINK
    defaults: dict[str, Any] = {
        "signature_id": row.pk, "kind": kind, "language": "en", "queued_at": now, "due_at": now,
        "priority": OutboxMail.Priority.SIGN_UP if is_link else OutboxMail.Priority.ASKED,
        "recipient": sealing.seal(address, public_key=settings.OUTBOX_PUBLIC_KEY),
    }  # fmt: skip
    return OutboxMail.objects.create(**(defaults | fields))


def make_mail_to_staff(staff: User, **fields: Any) -> OutboxMail:
    """An email in the outbox to a member of staff: an owner took away their second factor."""
    now = timezone.now()
    defaults: dict[str, Any] = {
        "staff_id": staff.pk, "kind": OutboxMail.Kind.FACTOR_RESET, "language": "en", "queued_at": now, "due_at": now,
        "priority": OutboxMail.Priority.STAFF,
        "recipient": sealing.seal(staff.email, public_key=settings.OUTBOX_PUBLIC_KEY),
    }  # fmt: skip
    return OutboxMail.objects.create(**(defaults | fields))


def signer_input(text: Translation, language: str = "en", **values: str) -> SignerInput:
    """What a signer typed: a person who is shown publicly, unless other values are given."""
    typed = dict.fromkeys(TYPED_NAMES, "") | {"kind": Kind.PERSON, "visibility": Visibility.PUBLIC} | values
    return SignerInput(text, language, typed)


def make_many(letter: Letter, number: int, **fields: Any) -> list[Signature]:
    """Approved public signatures with names that differ."""
    return [make_signature(letter, f"Signer {n:04d}", **fields) for n in range(number)]


def make_delivery(letter: Letter, number: int = 1) -> Delivery:
    """A frozen delivery with nobody in it: freezing itself needs a transaction of its own (see packages.py)."""
    numbers = ("delivered", "named", "counted_only", "waiting", "withdrawn", "rejected", "public_count")
    counts = dict.fromkeys((*numbers, "organizations", "paper", "evidence", "added", "gone"), 0)
    return Delivery.objects.create(
        letter=letter,
        number=number,
        frozen_at=timezone.now(),
        reason="the hearing",
        order=letter.order,
        letterhead={},
        texts=[],
        counts={**counts, "since": None, "revisions": {}, "errata": {}},
    )
