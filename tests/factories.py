"""Factories: a few functions in place of a factory library."""

import secrets
from typing import Any

from django.utils import timezone

from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from signatures.models import Delivery, Signature
from signatures.registries.typed_fields import TYPED_NAMES
from signatures.signing.signer_input import SignerInput
from signatures.states import Kind, State, Visibility
from signatures.values import names

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


def make_signature(
    letter: Letter, name: str, state: State = State.APPROVED, visibility: Visibility = Visibility.PUBLIC, **fields: Any
) -> Signature:
    """A signature in this state, as the actions would leave it."""
    has_words = state != State.WITHDRAWN and not (visibility == Visibility.COUNTED and state != State.UNCONFIRMED)
    is_confirmed = has_words and state != State.UNCONFIRMED
    now = timezone.now()
    revision = letter.revisions.first()
    assert revision is not None
    defaults = {
        "letter": letter,
        "translation": revision.translations.first(),
        "address_hash": secrets.token_bytes(32),
        "name": name if has_words else "",
        **(names.search_columns(name, fields.get("organization", "")) if is_confirmed else {}),
        "state": state,
        "visibility": visibility,
        "language": "en",
        "signed_up_at": now,
        "confirmed_at": None if state == State.UNCONFIRMED else now,
        "approved_on": now.date() if state == State.APPROVED else None,
    }
    return Signature.objects.create(**(defaults | fields))


def signer_input(text: Translation, language: str = "en", **values: str) -> SignerInput:
    """What a signer typed: a person who is shown publicly, unless other values are given."""
    typed = dict.fromkeys(TYPED_NAMES, "") | {"kind": Kind.PERSON, "visibility": Visibility.PUBLIC} | values
    return SignerInput(text, language, typed)


def make_many(letter: Letter, number: int, **fields: Any) -> list[Signature]:
    """Approved public signatures with names that differ."""
    return [make_signature(letter, f"Signer {n:04d}", **fields) for n in range(number)]


def make_delivery(letter: Letter) -> Delivery:
    """A frozen delivery with nobody in it: freezing itself needs a transaction of its own (see packages.py)."""
    numbers = ("delivered", "named", "counted_only", "waiting", "withdrawn", "rejected", "public_count")
    counts = dict.fromkeys((*numbers, "organizations", "paper", "added", "gone"), 0)
    return Delivery.objects.create(
        letter=letter,
        number=1,
        frozen_at=timezone.now(),
        reason="the hearing",
        order=letter.order,
        letterhead={},
        texts=[],
        counts={**counts, "since": None, "revisions": {}, "errata": {}},
    )
