"""The first account of staff: made by `serve`, its password shown once."""

import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model


def create_first_account() -> str | None:
    """Make the account `admin` if there is no staff; its password, or None when there was somebody."""
    people = get_user_model().objects
    if people.filter(is_staff=True).exists():
        return None
    password = secrets.token_urlsafe(18)
    people.create_superuser("admin", password=password)
    file = _first_login()
    file.touch(mode=0o600)
    file.write_text(f"{settings.SITE_URL}/{settings.ADMIN_PATH}\nname: admin\npassword: {password}\n")
    return password


def delete_first_password_file(**_signal: Any) -> None:
    """The file with the first password goes at the first login."""
    _first_login().unlink(missing_ok=True)


def _first_login() -> Path:
    return settings.VAR_DIR / "first-login.txt"
