"""A migration adds a column to the submissions while somebody signs: the sign-up waits for it, and is taken."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from campaign.models import Letter, Translation
from signatures.models import Submission
from signatures.signing import submission
from tests.factories import signer_input
from tests.waiting import blocks_another, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def former_columns() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_submission DROP COLUMN IF EXISTS added")


def test_a_column_that_is_added_between_two_steps_of_a_sign_up_does_not_make_it_fail(
    letter: Letter, former_columns: None
) -> None:
    text, failures = Translation.objects.get(), list[Exception]()
    has_signed, is_added = threading.Event(), threading.Event()

    def sign() -> None:
        try:
            for number in range(10):  # after some times PostgreSQL keeps its plans
                submission.submit(signer_input(text, name="Ben Brook"), address=f"b{number}@example.org", updates=False)
            has_signed.set()
            is_added.wait(60)
            submission.submit(signer_input(text, name="Ada Lovelace"), address="ada@example.org", updates=False)
        except Exception as error:  # noqa: BLE001  it is looked at below
            failures.append(error)
        finally:
            connection.close()

    signer = threading.Thread(target=sign)
    signer.start()
    assert has_signed.wait(60)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_submission ADD COLUMN added integer")
        is_added.set()
        wait_until(blocks_another, 30)
    signer.join(60)
    assert failures == [] and Submission.objects.filter(name="Ada Lovelace").exists()
