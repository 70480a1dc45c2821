"""What the checks find of three hundred names each, what they find wrongly, and the names that staff add to a letter."""

from pathlib import Path

import pytest
from django.test import Client

from campaign.letters import text_cache
from campaign.models import Letter
from signatures.screening import checks
from tests.conftest import member_of
from tests.screening.flag_report import report


def test_S11_of_three_hundred_names_each_nearly_all_are_on_the_right_side() -> None:
    found = report()
    assert (found.looked_at, found.honest) == (301, 309)
    assert found.recall >= 0.98, found
    assert found.false_positives <= 0.005, found


def test_S11_the_docs_tell_how_many_of_the_lists_are_found() -> None:
    found = report()
    docs = Path(__file__, "../../../docs/reference/flags.md").resolve().read_text("utf-8")
    assert f"{found.recall:.1%} of {found.looked_at}" in docs
    assert f"{found.false_positives:.1%} of {found.honest}" in docs


@pytest.mark.django_db
def test_S11_staff_add_names_to_a_letter_in_any_script(letter: Letter, client: Client) -> None:
    client.force_login(member_of("editor"))
    page = client.get(f"/admin/campaign/letter/{letter.pk}/step/signing/")
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    typed = {name: value for name, value in values.items() if value not in (None, "")}
    client.post(page.request["PATH_INFO"], {**typed, "protected_names": "Ri Sol-ju\n\n 리설주 \n"})

    named = text_cache.people_named(Letter.objects.get(pk=letter.pk))
    assert {"Ri Sol-ju", "리설주"} <= set(named)
    for name in ("Sol-ju Ri", "리 설주", "Madam Ri Sol-ju"):
        assert checks.flags({"name": name}, protected_names=named) == ["protected-name"]


@pytest.mark.parametrize(
    "name", ["=cmd|run", "+Anna", "＝SUM(A1)", "@handle", "Ada Example (@ada.example)", "Ada ＠ada"]
)
def test_E1_a_name_that_is_a_formula_or_a_handle_is_looked_at_on_paper_and_online(name: str) -> None:
    assert checks.flags({"name": name}) == ["formula"]  # both ways are checked by this


@pytest.mark.parametrize("name", ["Ada = Eva", "Jean-Luc", "Ada + Eva"])
def test_a_sign_within_a_name_is_no_formula(name: str) -> None:
    assert checks.flags({"name": name}) == []
