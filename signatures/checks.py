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
        signing_key.load()
    except signing_key.WrongSigningKey as error:
        yield checks.Error(str(error), hint="`manage.py make_keys` makes one.", id="signatures.E005")


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
