"""A site with the settings of the open web, on this machine: its own keys, behind one proxy with TLS."""

import secrets
from pathlib import Path
from typing import ClassVar, Self

from nacl.public import PrivateKey

from tests.live_site import LiveSite


def settings_of(url: str, key_file: Path) -> dict[str, str]:
    """The settings of a public site at this address. Writes the private half of its outbox key into `key_file`."""
    outbox = PrivateKey.generate()
    key_file.touch(0o600)
    key_file.write_text(bytes(outbox).hex() + "\n")
    return {
        "SITE_URL": url,
        "SECRET_KEY": secrets.token_hex(32),
        "EMAIL_HASH_PEPPER": secrets.token_hex(32),
        "OUTBOX_PUBLIC_KEY": bytes(outbox.public_key).hex(),
        "UPDATES_PUBLIC_KEY": bytes(PrivateKey.generate().public_key).hex(),
        "ORGANIZATION_NAME": "Bridges",
        "CONTACT_EMAIL": "privacy@example.org",
        "DEFAULT_FROM_EMAIL": "letter@example.org",
        "TRUSTED_PROXIES": "1",
    }


class PublicSite(LiveSite):
    """A site for whoever comes through a proxy to its SITE_URL. Each email is a file."""

    headers: ClassVar = {"X-Forwarded-Proto": "https"}

    def __enter__(self) -> Self:
        self.url, key_file = self.environment["SITE_URL"], self.folder / "outbox.private"
        no = dict.fromkeys(("DEBUG", "HSTS_INCLUDE_SUBDOMAINS", "HSTS_PRELOAD"), "False")
        own = {"LOCAL": "", "OUTBOX_PRIVATE_KEY_FILE": str(key_file), "EMAIL_URL": "", "COUNT_STEP_MINUTES": "1"}
        own["EMAIL_HASH_PEPPER"] = (
            (self.folder / "keys" / "email_hash_pepper").read_text().strip()
        )  # that of its database
        self.environment |= {**settings_of(self.url, key_file), **own, **no}
        return super().__enter__()
