"""Staff sign in by their email address, too; it gives nobody more attempts, and tells nobody whose it is."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import PASSWORD
from tests.staff.accounts import LOGIN
from tests.staff.test_login_attempts import give

pytestmark = pytest.mark.django_db
PASSWORD_OF_OLGA = "a long enough password"


@pytest.mark.parametrize("typed", ["olga", "olga@example.org", "Olga@Example.ORG", " olga@example.org "])
def test_an_account_signs_in_by_its_name_or_its_address_in_any_case(olga: User, typed: str) -> None:
    answer = give(typed, PASSWORD_OF_OLGA)
    assert answer.status_code == 302 and answer["Location"].startswith("/admin/")


def test_the_page_asks_for_either_and_keeps_what_was_typed(olga: User, client: Client) -> None:
    assert "User name or email address" in client.get(LOGIN).content.decode()
    page = give("olga@example.org").content.decode()
    assert 'value="olga@example.org"' in page and 'value="olga"' not in page


def test_a_user_name_goes_before_the_same_address_and_an_address_of_two_signs_nobody_in(olga: User) -> None:
    User.objects.create_user("olga@example.org", "other@example.org", PASSWORD + "!", is_staff=True)
    assert give("olga@example.org", PASSWORD_OF_OLGA).status_code == 200
    assert give("olga@example.org", PASSWORD + "!").status_code == 302
    User.objects.create_user("twin", "OTHER@example.org", PASSWORD + "!", is_staff=True)
    assert give("other@example.org", PASSWORD + "!").status_code == 200


@pytest.mark.parametrize("email", ["", "olga@example.org"])
def test_an_account_without_an_address_or_a_closed_one_is_not_found_by_it(olga: User, email: str) -> None:
    User.objects.filter(pk=olga.pk).update(email=email, is_active=not email)
    assert give(email, PASSWORD_OF_OLGA).status_code == 200


def test_A3_name_and_address_have_as_many_attempts_as_one(olga: User) -> None:
    for _time in range(5):
        give("olga")
    answer = give("olga@example.org", PASSWORD_OF_OLGA)
    assert answer.status_code == 200, "it fails"


def test_A13_a_lock_tells_nobody_that_an_address_belongs_to_a_name(olga: User) -> None:
    for _time in range(6):
        give("olga")
    known, unknown = (give(typed) for typed in ("olga@example.org", "nobody@example.org"))
    assert known.status_code == unknown.status_code == 200
    pages = [answer.content.decode().replace("nobody@", "olga@") for answer in (known, unknown)]
    assert len(pages[0]) == len(pages[1]) and "is wrong" in pages[0]


def test_A13_the_same_statements_run_whatever_is_typed(olga: User) -> None:
    give("somebody")
    numbers = set()
    for typed in ("olga", "olga@example.org", "nobody", "nobody@example.org"):
        with CaptureQueriesContext(connection) as statements:
            give(typed)
        numbers.add(len(statements))
    assert len(numbers) == 1
