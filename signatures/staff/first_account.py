"""The first staff account: `serve` creates it and shows its password once."""

import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model


def create_first_account() -> str | None:
    """Create the account `admin` if there is no staff account. Returns its password, or None if there was one."""
    accounts = get_user_model().objects
    if accounts.filter(is_staff=True).exists():
        return None
    password = secrets.token_urlsafe(18)
    accounts.create_superuser("admin", password=password)
    file = password_file()
    file.touch(mode=0o600)
    file.write_text(f"{settings.SITE_URL}/{settings.ADMIN_PATH}\nname: admin\npassword: {password}\n")
    return password


def delete_first_password_file(**_signal: Any) -> None:
    """Delete the file with the first password, at the first login."""
    password_file().unlink(missing_ok=True)


def password_file() -> Path:
    return settings.VAR_DIR / "first-login.txt"
