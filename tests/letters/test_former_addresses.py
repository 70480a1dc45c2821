"""An address that a letter had leads to its address of today, for ever, whatever is asked for there."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from campaign.letters import text_cache
from campaign.models import Letter, LetterSlug
from signatures.delivery import receipts
from signatures.models import Delivery, DeliveryEntry, OutboxMail, Signature, Submission
from signatures.values import tokens
from tests.delivery.factories import make_delivery
from tests.factories import make_letter

pytestmark = pytest.mark.django_db
EXAMPLES = {"slug": "bridge", "public_id": "0b6d9f1e-7b1c-4e7e-9a53-0c5d8a4b2f10", "number": "1"}


@pytest.fixture
def renamed(letter: Letter) -> Letter:
    letter.slug = "bridges"
    letter.save()
    return letter


def addresses(patterns: list[Any], before: str = "") -> Iterator[str]:
    """Yields an address of each page that has a slug in it, with that of `letter`."""
    for pattern in patterns:
        route = before + str(getattr(pattern.pattern, "_route", ""))
        if isinstance(pattern, URLResolver) and pattern.app_name != "admin":
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and "<slug:slug>" in route:
            yield "/" + re.sub(r"<\w+:(\w+)>", lambda found: EXAMPLES[found[1]], route)


ALL = sorted(addresses(get_resolver().url_patterns))
LANGUAGES = ["", *(f"/{code}" for code, _name in settings.LANGUAGES[1:])]


def test_a_page_of_each_kind_is_tried() -> None:
    assert {"/letters/bridge/", "/letters/bridge/news/feed/", "/deliveries/bridge/1/", "/api/v1/letters/bridge/"} < {
        *ALL
    }
    assert len(ALL) > 15


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_S42_each_address_in_each_language_leads_to_the_new_one(client: Client, renamed: Letter, prefix: str) -> None:
    for address in ALL:
        if prefix and address.startswith("/api/"):
            continue
        answer, page = client.get(prefix + address), address.replace("/bridge/", "/bridges/")
        if address.endswith("/sign/"):  # a GET of it leads to the letter first
            answer, page = client.get(answer["Location"]), "/letters/bridges/"
        assert (answer.status_code, answer["Location"]) == (308, prefix + page)


def test_the_rest_of_the_address_and_its_query_are_kept(client: Client, renamed: Letter) -> None:
    answer = client.get("/ko/letters/bridge/signatories/?q=O%E2%80%99Connor&kind=organization")
    assert answer["Location"] == "/ko/letters/bridges/signatories/?q=O%E2%80%99Connor&kind=organization"
    assert client.get(answer["Location"]).status_code == 200


def test_a_form_that_was_open_meanwhile_is_sent_on_with_its_words(
    client: Client, renamed: Letter, form: dict[str, str]
) -> None:
    answer = client.post("/letters/bridge/sign/", form, headers={"sec-fetch-site": "same-origin"})
    assert (answer.status_code, answer["Location"]) == (308, "/letters/bridges/sign/")  # 308 keeps method and body
    answer = client.post(answer["Location"], form, headers={"sec-fetch-site": "same-origin"})
    assert (answer.status_code, answer["Location"]) == (303, "/letters/bridges/check-mail/")
    assert Submission.objects.get().name == "Dora Maar"


def test_S25_another_site_is_refused_at_the_former_address_as_at_the_new_one(
    client: Client, renamed: Letter, form: dict[str, str]
) -> None:
    for slug in ("bridge", "bridges"):
        answer = client.post(f"/letters/{slug}/sign/", form, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403
    assert not Submission.objects.exists() and not OutboxMail.objects.exists()


def test_other_sites_can_follow_it(client: Client, renamed: Letter) -> None:
    answer = client.get("/api/v1/letters/bridge/")
    assert answer["Access-Control-Allow-Origin"] == "*" and answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert client.get(answer["Location"]).json()["slug"] == "bridges"


def test_each_former_address_leads_to_the_newest_in_one_step_and_back_again(client: Client, renamed: Letter) -> None:
    Letter.objects.filter(pk=renamed.pk).update(slug="rivers")
    for former in ("bridge", "bridges"):
        assert client.get(f"/letters/{former}/")["Location"] == "/letters/rivers/"
    Letter.objects.filter(pk=renamed.pk).update(slug="bridge")
    text_cache.clear_cache()
    assert client.get("/letters/bridge/").status_code == 200
    assert client.get("/letters/rivers/")["Location"] == "/letters/bridge/"


def test_the_redirect_is_kept_for_seconds_because_a_letter_may_get_its_former_address_back(
    client: Client, renamed: Letter
) -> None:
    assert "max-age=5" in client.get("/letters/bridge/")["Cache-Control"]


def test_what_is_missing_under_the_new_address_is_missing(client: Client, renamed: Letter) -> None:
    assert client.get(f"/letters/bridges/signatories/{EXAMPLES['public_id']}/").status_code == 404
    assert client.get("/deliveries/bridges/9/").status_code == 404


def test_nobody_is_led_to_a_draft(client: Client, renamed: Letter) -> None:
    Letter.objects.update(state="draft")
    text_cache.clear_cache()
    assert client.get("/letters/bridge/").status_code == client.get("/letters/bridges/").status_code == 404


def test_S42_a_slug_that_anybody_made_up_costs_one_look_and_stays_nowhere(
    client: Client, renamed: Letter, django_assert_num_queries: Any
) -> None:
    client.get("/letters/made-up/")  # what every page reads once a second is read
    with django_assert_num_queries(2):
        assert client.get("/letters/made-up-2/").status_code == 404
    assert not any(isinstance(key, str) and key.startswith("made") for key in text_cache._texts._entries)


def test_a_page_that_is_there_costs_nothing_more(
    client: Client, letter: Letter, django_assert_num_queries: Any
) -> None:
    client.get("/letters/bridge/my-link/")
    with django_assert_num_queries(0):
        assert client.get("/letters/bridge/my-link/").status_code == 200


# Nobody gets the address of another letter


def test_S42_no_other_letter_gets_it_and_the_form_says_so(renamed: Letter) -> None:
    other = make_letter("other")
    for taken in ("bridge", "bridges"):
        other.slug = taken
        with pytest.raises(ValidationError) as refused:
            other.full_clean()
        assert refused.value.message_dict == {
            "slug": ["Another letter has or had this address: links to it lead there for ever. Please choose another."]
        }
    renamed.slug = "bridge"
    renamed.full_clean()


def test_the_address_of_a_draft_is_free_again_once_it_is_changed(letter: Letter) -> None:
    draft = Letter.objects.create(slug="first-idea", recipient="The council")
    Letter.objects.filter(pk=draft.pk).update(slug="second-idea")
    assert not LetterSlug.objects.filter(slug="first-idea")
    Letter(slug="first-idea", recipient="The council").full_clean()


# What has the former slug in it still holds


def test_a_personal_page_leads_to_its_letter(client: Client, ada: Signature) -> None:
    address = f"/signature/{tokens.personal_token(ada.public_id)}/"
    assert 'href="/letters/bridge/my-link/"' in client.get(address).content.decode()
    Letter.objects.update(slug="bridges")
    text_cache.clear_cache()
    assert 'href="/letters/bridges/my-link/"' in client.get(address).content.decode()


def test_a_delivery_keeps_its_name_its_package_and_its_receipts(client: Client, letter: Letter, ada: Signature) -> None:
    delivery = make_delivery(letter)
    receipt = receipts.issue(DeliveryEntry.objects.select_related("delivery").get())
    Letter.objects.update(slug="bridges")
    delivery = Delivery.objects.get()
    assert (str(delivery), delivery.package) == ("bridge-1", "bridge-1.zip")
    page = client.post("/deliveries/bridges/1/", {"proof": str(receipt)})
    assert page.status_code == 200 and "bridge" in page.content.decode()
    assert receipts.issue(DeliveryEntry.objects.select_related("delivery").get()) == receipt
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Delivery.objects.update(slug="bridges")
