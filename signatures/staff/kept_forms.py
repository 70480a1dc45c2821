"""Forms that staff sent after their sign-in had ended: kept for an hour, sealed, for the same account (A20).

They wait in the database and not in the page of the login: what was typed has to survive several pages (password,
second factor, a forgotten password), and the login accepts less from strangers than a form of staff may hold.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from nacl.exceptions import CryptoError
from nacl.secret import Aead

from signatures.models import KeptForm
from signatures.values import sealing

KEPT_FOR = timedelta(hours=1)
MAX_FORMS = 10  # of one account; beyond it the oldest goes


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it was sent: to which path, with which values by field, and which fields held files."""

    path: str
    values: dict[str, list[str]]
    files: list[str]


@transaction.atomic
def keep(account_id: int, page: str, form: Form) -> None:
    """Keep a form for the account, in place of an earlier one of this page. `page` is a path with its query."""
    delete_expired()
    digest = _page_digest(account_id, page)
    sealed = _box().encrypt(json.dumps(asdict(form)).encode(), digest)
    values = {"sealed": bytes(sealed), "expires_at": timezone.now() + KEPT_FOR}
    KeptForm.objects.update_or_create(staff_id=account_id, page_digest=digest, defaults=values)
    newest = KeptForm.objects.filter(staff_id=account_id).order_by("-expires_at").values("pk")[:MAX_FORMS]
    KeptForm.objects.filter(staff_id=account_id).exclude(pk__in=list(newest.values_list("pk", flat=True))).delete()


def find(account_id: int, page: str) -> Form | None:
    """Returns the form that waits for this account on this page; None if there is none, or SECRET_KEY was replaced."""
    digest = _page_digest(account_id, page)
    rows = KeptForm.objects.filter(staff_id=account_id, page_digest=digest, expires_at__gt=timezone.now())
    sealed = rows.values_list("sealed", flat=True).first()
    if sealed is None:
        return None
    try:
        return Form(**json.loads(_box().decrypt(bytes(sealed), digest)))
    except CryptoError:
        return None


def has_any(account_id: int) -> bool:
    """Whether a form waits for this account, on any page."""
    return KeptForm.objects.filter(staff_id=account_id, expires_at__gt=timezone.now()).exists()


def discard(account_id: int, page: str) -> None:
    """Delete the form of this page: it was sent, or is not wanted any more."""
    KeptForm.objects.filter(staff_id=account_id, page_digest=_page_digest(account_id, page)).delete()


def delete_expired() -> int:
    """Delete the forms that waited for an hour, and return their number."""
    return KeptForm.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _page_digest(account_id: int, page: str) -> bytes:
    return hashlib.blake2b(f"{account_id} {page}".encode(), digest_size=32, key=_key(b"kept form page")).digest()


def _box() -> Aead:
    return Aead(_key(b"kept form text"))


def _key(purpose: bytes) -> bytes:
    """Returns 256 bits for one purpose. They come from SECRET_KEY: a stolen database does not tell what was typed."""
    return sealing.derived_key(purpose, secret=settings.SECRET_KEY)
