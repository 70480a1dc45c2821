"""The setting that names a file of certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

from campaign.runtime import environment

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


def from_setting(name: str) -> list[Certificate]:
    """Returns the certificates in the PEM file that a setting names, a root among them; none if it is empty.

    Raises:
        ImproperlyConfigured: the file cannot be read, or holds no root certificate.
    """
    if not (file := environment.text(name)):
        return []
    from cryptography import x509  # noqa: PLC0415  slow to import, and most sites name no such file

    try:
        found = x509.load_pem_x509_certificates(Path(file).read_bytes())
    except OSError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a file with certificates in PEM format.") from None
    if not any(map(is_root, found)):
        raise ImproperlyConfigured(f"{name} holds no root certificate, which is one that its own authority issued.")
    return found


def is_root(certificate: Certificate) -> bool:
    """Returns whether it names itself as its issuer. Whether its own key signed it is found out where it is used."""
    return certificate.issuer == certificate.subject
