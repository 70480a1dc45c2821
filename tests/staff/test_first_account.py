"""The first account: its password is in a file before the account is there, so that somebody always knows it."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError

from signatures.staff import first_account

pytestmark = pytest.mark.django_db


def test_a_disk_that_takes_no_file_leaves_no_account_whose_password_nobody_knows(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path / "full"
    with pytest.raises(OSError, match="full"):
        first_account.create_first_account()
    assert not User.objects.exists()

    settings.VAR_DIR.mkdir()
    password = first_account.create_first_account()
    file = settings.VAR_DIR / "first-login.txt"
    assert password and file.read_text().endswith(f"name: admin\npassword: {password}\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert User.objects.get(username="admin").check_password(password)
    assert first_account.create_first_account() is None, "staff is there"


@pytest.mark.django_db(transaction=True)
def test_a_start_that_ends_between_file_and_account_is_made_good_by_the_next(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    taken = User.objects.create_user("admin")  # no staff: the account cannot be made
    with pytest.raises(IntegrityError):
        first_account.create_first_account()
    former = (tmp_path / "first-login.txt").read_text()
    taken.delete()
    password = first_account.create_first_account()
    assert password and password not in former
    assert User.objects.get(username="admin").check_password(password)
    assert password in (tmp_path / "first-login.txt").read_text()
