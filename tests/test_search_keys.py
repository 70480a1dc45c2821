"""When the definition of the columns for search changes, those of names that stand are made anew."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaign.models import Letter
from signatures import search_keys, tasks
from signatures.models import Signature
from signatures.registries.typed_fields import DERIVED_FROM_WORDS
from signatures.signing import withdrawal
from signatures.values.names import search_columns
from tests.factories import make_signature

pytestmark = pytest.mark.django_db
NAMES = ["Łukasz Nowak", "김 철수", "38 North", "عبد الله", "Ada Lovelace"]
FORMER = {"name_key": "former", "sort_key": "99 former", "search_text": "former"}


@pytest.fixture
def former(letter: Letter) -> list[Signature]:
    """Names with the columns of former code."""
    rows = [make_signature(letter, name, organization="Université") for name in NAMES]
    Signature.objects.filter(pk__in=[row.pk for row in rows]).update(**FORMER)
    return rows


def columns(row: Signature) -> dict[str, Any]:
    return dict(Signature.objects.values(*DERIVED_FROM_WORDS).get(pk=row.pk))


def test_every_name_gets_the_columns_of_today(former: list[Signature], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_keys, "BATCH", 2)
    assert search_keys.refresh(Signature.objects.all()) == len(NAMES)
    assert [columns(row) for row in former] == [search_columns(row.name, row.organization) for row in former]
    assert search_keys.refresh(Signature.objects.all()) == 0, "what is right is not written"


def test_a_name_that_changes_meanwhile_keeps_its_own_columns(
    former: list[Signature], letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading and writing one withdraws, and one takes another name."""
    withdrawn, renamed, *_others = former

    def meanwhile(name: str, organization: str) -> dict[str, str]:
        if name == withdrawn.name:
            withdrawal.withdraw(withdrawn)
            Signature.objects.filter(pk=renamed.pk).update(name="Ben", **search_columns("Ben", ""))
        return search_columns(name, organization)

    monkeypatch.setattr(search_keys, "search_columns", meanwhile)
    assert search_keys.refresh(Signature.objects.all()) == len(NAMES) - 2
    assert columns(withdrawn) == dict.fromkeys(DERIVED_FROM_WORDS, "")
    assert columns(renamed) == search_columns("Ben", "")


def test_what_former_code_confirms_during_an_upgrade_follows_within_the_hour(former: list[Signature]) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    Signature.objects.filter(pk=former[0].pk).update(confirmed_at=long_ago)
    assert tasks.run_duties.call(["refresh-search-keys"]) == {}
    assert columns(former[0]) == FORMER, "the migration did these"
    assert columns(former[1]) == search_columns(former[1].name, former[1].organization)
