"""The setting of an object store for the packages of deliveries."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SCHEMES = {"s3": "https", "s3+http": "http"}
CONNECT_SECONDS = 5  # for which a store that is away keeps a page or a check waiting, each time
READ_SECONDS = 30  # for which one that hangs does, each time
RETRIES = 2
FORM = "s3://KEY:SECRET@HOST/BUCKET"


def from_url(name: str, url: str) -> dict[str, Any]:
    """Returns the entry of STORAGES for an address such as `s3://KEY:SECRET@s3.example.org/BUCKET/FOLDER`.

    Args:
        name: of the setting, for messages.
        url: the address. `s3+http` is for a store on this machine or behind a tunnel.

    Raises:
        ImproperlyConfigured: when it has another form. The message does not repeat it: it holds a secret.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} must have the form {FORM}.") from None
    bucket, _slash, folder = parts.path.strip("/").partition("/")
    if parts.scheme not in SCHEMES or not all((parts.username, parts.password, parts.hostname, bucket)):
        raise ImproperlyConfigured(f"{name} must have the form {FORM}.")
    from botocore.config import Config  # noqa: PLC0415  slow to import, and most sites have no object store

    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "access_key": unquote(parts.username or ""),
            "secret_key": unquote(parts.password or ""),
            "endpoint_url": f"{SCHEMES[parts.scheme]}://{parts.hostname}" + (f":{port}" if port else ""),
            "bucket_name": bucket,
            "location": folder,
            "default_acl": None,
            "file_overwrite": True,
            "client_config": Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"max_attempts": RETRIES},
                s3={"addressing_style": "path"},
                signature_version="s3v4",
            ),
            "max_memory_size": 8 << 20,  # beyond it, a package that is read is on the disk
        },
    }
