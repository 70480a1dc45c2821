"""The first staff account: `serve` creates it and shows its password once."""

import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from campaign.runtime.complete_files import replaced_file


def create_first_account() -> str | None:
    """Create the account `admin` if there is no staff account. Returns its password, or None if there was one.

    The file with the password comes first: a full disk or a kill leaves no account whose password nobody knows. The
    next start makes both anew.
    """
    accounts = get_user_model().objects
    if accounts.filter(is_staff=True).exists():
        return None
    password = secrets.token_urlsafe(18)
    with replaced_file(password_file()) as draft:
        draft.write_text(f"{settings.SITE_URL}/{settings.ADMIN_PATH}\nname: admin\npassword: {password}\n")
    accounts.create_superuser("admin", password=password)
    return password


def delete_first_password_file(**_signal: Any) -> None:
    """Delete the file with the first password, at the first login."""
    password_file().unlink(missing_ok=True)


def password_file() -> Path:
    return settings.VAR_DIR / "first-login.txt"
