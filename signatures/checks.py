"""Checks of `manage.py check --deploy` that know of signatures: keys, pepper, and whether somebody can sign."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, transaction

from campaign.checks import SITE, is_reachable
from campaign.models import Letter, Translation
from campaign.runtime import failures
from signatures import pepper
from signatures.delivery import signing_key
from signatures.models import Delivery
from signatures.outbox import keys
from signatures.registries.typed_fields import TYPED_FIELDS
from signatures.signing import submission
from signatures.signing.signer_input import SignerInput
from signatures.states import Visibility
from signatures.transitions import TransitionNotAllowed


@checks.register(SITE, deploy=True)
def key_pairs(**_options: Any) -> Iterator[checks.CheckMessage]:
    """Compares the private outbox key with the public one, where this is the worker's environment."""
    if not settings.OUTBOX_PRIVATE_KEY_FILE:
        return
    try:
        keys.require()
    except keys.WrongKeys as error:
        yield checks.Error(str(error), hint="Give the worker the private half of each key.", id="signatures.E001")
        return
    if Path(settings.OUTBOX_PRIVATE_KEY_FILE).stat().st_mode & 0o007:
        yield checks.Error(
            "Others on this machine can read OUTBOX_PRIVATE_KEY_FILE.", hint="Run `chmod 600`.", id="signatures.E002"
        )


@checks.register(SITE, deploy=True)
def the_signing_key(**_options: Any) -> Iterator[checks.CheckMessage]:
    """Reads the key that signs deliveries, where this is the worker's environment."""
    if not settings.OUTBOX_PRIVATE_KEY_FILE:
        return
    try:
        key = signing_key.load()
    except signing_key.WrongSigningKey as error:
        yield checks.Error(str(error), hint="`manage.py make_keys` makes one.", id="signatures.E005")
        return
    if key and Path(settings.DELIVERY_SIGNING_KEY_FILE).stat().st_mode & 0o007:
        yield checks.Error(
            "Others on this machine can read DELIVERY_SIGNING_KEY_FILE.", hint="Run `chmod 400`.", id="signatures.E006"
        )


@checks.register(checks.Tags.database, SITE, deploy=True)
def the_key_of_deliveries(databases: Sequence[str] | None = None, **_options: Any) -> Iterator[checks.CheckMessage]:
    """Compares the key that signs deliveries with that of the newest one, where this is the worker's environment."""
    if databases is None or not settings.OUTBOX_PRIVATE_KEY_FILE or not is_reachable():
        return
    try:
        key = signing_key.load()
        newest = Delivery.objects.public().exclude(signature="").order_by("pk").last()
    except (signing_key.WrongSigningKey, DatabaseError):
        return  # other checks say so
    if newest and newest.claims["key"] != (key.public if key else None):
        yield checks.Warning(
            f"DELIVERY_SIGNING_KEY_FILE is not the key that signed delivery {newest}: no other edition of its files "
            "can be made, not even when somebody is erased.",
            hint="Find the former key in your safe, or freeze a delivery with the new one.",
            id="signatures.W001",
        )


@checks.register(checks.Tags.security, deploy=True)
def the_authority_of_time_stamps(**_options: Any) -> Iterator[checks.CheckMessage]:
    """Warns where time stamps are asked for and nobody says whose they must be."""
    if settings.TIMESTAMP_URL and not settings.TIMESTAMP_CERTIFICATES:
        yield checks.Warning(
            "TIMESTAMP_CERTIFICATE_FILE is empty: anybody could be the authority of TIMESTAMP_URL, and a time stamp "
            "that does not carry its own root certificate is not taken in.",
            hint="Name the root certificate of the authority there.",
            id="signatures.W002",
        )


@checks.register(checks.Tags.database, SITE, deploy=True)
def the_pepper(databases: Sequence[str] | None = None, **_options: Any) -> Iterator[checks.CheckMessage]:
    """Compares the pepper with the one that the database knows."""
    if databases is None or not is_reachable():
        return
    try:
        pepper.require()
    except ImproperlyConfigured as error:
        yield checks.Error(str(error), hint="Find the former one in your safe.", id="signatures.E003")
    except DatabaseError:
        return  # not migrated, or not allowed: other checks say so


@checks.register(checks.Tags.database, SITE, deploy=True)
def sign_up(databases: Sequence[str] | None = None, **_options: Any) -> Iterator[checks.CheckMessage]:
    """Signs the current letter, and takes it back before anything is committed."""
    if databases is None or not is_reachable():
        return
    try:
        with transaction.atomic():
            _sign_current_letter()
            transaction.set_rollback(True)
    except TransitionNotAllowed:
        return  # paused or closed
    except DatabaseError as error:
        sentence = f"Nobody can sign: {failures.first_line(error)}."
        yield checks.Error(sentence, hint="Migrate, and run all grants again.", id="signatures.E004")


def _sign_current_letter() -> None:
    letter = Letter.objects.current()
    translation = letter and Translation.objects.newest(letter.slug, settings.LANGUAGE_CODE)
    if translation:
        values = dict.fromkeys((field.name for field in TYPED_FIELDS), "") | {
            "kind": "person", "visibility": Visibility.PUBLIC.value, "name": "Check",
        }  # fmt: skip
        typed = SignerInput(translation, translation.language, values)
        submission.submit(typed, address="check@example.org", updates=False)
