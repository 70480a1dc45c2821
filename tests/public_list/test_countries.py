"""Public names by country."""

import re

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaign.models import Letter
from signatures import counts
from signatures.models import Alarm, CountDelta, Signature
from signatures.moderation import decisions
from signatures.monitoring import alarms
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from tests import single_decisions
from tests.factories import make_letter, make_many, make_signature

pytestmark = pytest.mark.django_db
COUNTRIES = "/letters/bridge/signatories/countries/"


def rows(page: str) -> list[tuple[str, str]]:
    """What the table says, row by row."""
    return re.findall(r'<th scope="row">(?:<a [^>]+>)?([^<]+)(?:</a>)?</th>\s*<td>([^<]+)<', page)


def test_the_table_shows_the_number_of_names_by_country_with_links(client: Client, letter: Letter) -> None:
    make_many(letter, 4, country="KR")
    make_many(letter, 1, country="CH")
    make_signature(letter, "From nowhere")
    make_signature(make_letter("tunnel"), "Another letter's", country="CH")
    page = client.get(COUNTRIES).content.decode()
    assert rows(page) == [("South Korea", "4"), ("Switzerland", "1"), ("no country given", "1")]
    assert "<caption>" in page and 'style="' not in page
    assert 'href="/letters/bridge/signatories/?country=KR"' in page
    assert re.findall(r'<rect width="([\d.]+)%"', page) == ["100.0", "25.0", "25.0"]
    korean = client.get(f"/ko{COUNTRIES}").content.decode()
    assert ("대한민국", "4") in rows(korean)
    assert f'href="{COUNTRIES}"' in client.get("/letters/bridge/signatories/").content.decode()


def test_somebody_from_kosovo_can_say_so_and_stands_under_its_name(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    assert client.post("/letters/bridge/sign/", {**form, "country": "XK"}).status_code == 303
    make_signature(letter, "Arta", country="XK")
    make_signature(letter, "Lise", country="LA")
    assert rows(client.get(COUNTRIES).content.decode()) == [("Kosovo", "1"), ("Laos", "1")]
    assert ("코소보", "1") in rows(client.get(f"/ko{COUNTRIES}").content.decode())
    page = client.get("/letters/bridge/signatories/?country=XK").content.decode()
    assert "Arta" in page and "Lise" not in page
    assert '<option value="XK">코소보</option>' in client.get("/ko/letters/bridge/").content.decode()


def test_without_a_public_name_it_says_so(client: Client, letter: Letter, cleo: Signature) -> None:
    page = client.get(COUNTRIES).content.decode()
    assert "There are no public names yet." in page and "<table" not in page


@pytest.mark.parametrize("visibility", list(Visibility))
@pytest.mark.parametrize("state", list(State))
def test_P4_only_public_names_are_counted_by_country(letter: Letter, state: State, visibility: Visibility) -> None:
    """Neither on the page nor in the table of counts."""
    make_signature(letter, "Somebody", state, visibility, country="KP")
    is_public = (state, visibility) == (State.APPROVED, Visibility.PUBLIC)
    assert counts.by_country(letter.pk) == ({"KP": 1} if is_public else {})
    assert CountDelta.objects.exclude(country="").exists() == is_public


def test_the_numbers_follow_every_transition_before_and_after_folding(letter: Letter, ada: Signature) -> None:
    kim = make_signature(letter, "Kim", State.WAITING, country="KR")

    def by_country() -> dict[str, int]:
        before = counts.by_country(letter.pk)
        counts.fold_deltas()
        assert counts.by_country(letter.pk) == before
        public = Signature.objects.filter(letter=letter).public()
        assert before == {
            code: public.filter(country=code).count() for code in set(public.values_list("country", flat=True))
        }
        return before

    assert by_country() == {"GB": 1}
    single_decisions.approve(kim, by=1)
    assert by_country() == {"GB": 1, "KR": 1}
    Signature.objects.filter(pk=kim.pk).update(country="JP")
    assert by_country() == {"GB": 1, "JP": 1}
    single_decisions.hold(kim, by=1)
    assert by_country() == {"GB": 1}
    single_decisions.approve(kim, by=1)
    single_decisions.reject(ada, by=1, reason="x")
    assert by_country() == {"JP": 1}
    decisions.undo(ada, by=1)
    withdrawal.withdraw(kim)
    assert by_country() == {"GB": 1}
    withdrawal.erase(ada)
    assert by_country() == {}


def test_reconcile_and_recount_notice_a_wrong_country(
    letter: Letter, ada: Signature, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("reconcile")
    assert alarms.recount() == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE signatures_countdelta SET country = 'FR' WHERE country = 'GB'")
    with pytest.raises(Exception, match="1 of 9 checks"):
        call_command("reconcile")
    assert alarms.recount() == 1
    assert Alarm.objects.filter(code="count-drift").exists()


def test_the_table_costs_one_statement_however_many_signed(client: Client, ada: Signature) -> None:
    client.get("/letters/bridge/")  # knows the text from now on
    with CaptureQueriesContext(connection) as taken:
        client.get(COUNTRIES)
    assert len(taken) == 1
