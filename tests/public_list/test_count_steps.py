"""Public counts and lists change in steps of time; who withdraws is gone at once."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from campaign.letters import text_cache
from campaign.models import Letter
from campaign.web import middleware
from signatures import counts
from signatures.delivery import editions, errata, freezing
from signatures.delivery.forms import known_files
from signatures.models import CountDelta, Delivery, Signature
from signatures.monitoring import alarms
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from signatures.values import tokens
from tests import single_decisions
from tests.delivery.factories import make_delivery, make_files
from tests.factories import make_many, make_signature

pytestmark = pytest.mark.django_db
API, LIST, COUNTRIES = (
    "/api/v1/letters/bridge/",
    "/letters/bridge/signatories/",
    "/letters/bridge/signatories/countries/",
)
WITH_NUMBERS = {"first", "letter", "letters", "sign", "embed", "api", "api-page", "signatories", "countries"}
Pages = dict[str, bytes]


@pytest.fixture(autouse=True)
def five_minutes(settings: Any) -> None:
    settings.COUNT_STEP_MINUTES = 5


@pytest.fixture
def signed(letter: Letter, five_minutes: None) -> Letter:
    """Three names in public, long ago."""
    make_many(letter, 3, country="FR")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE signatures_signature SET public_from = now() - interval '1 day'")
    CountDelta.objects.update(counts_from=None)
    return letter


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Moves the clock of the site over the next step."""

    def move() -> None:
        later = timezone.now() + timedelta(minutes=7)
        monkeypatch.setattr(timezone, "now", lambda: later)
        forget_pages()

    return move


def forget_pages() -> None:
    middleware.page_cache.clear()
    text_cache.clear_cache()


def numbers(client: Client) -> tuple[int, int]:
    """What the API says: all signatures, and the public names."""
    forget_pages()
    answer = client.get(API).json()
    return answer["count"], answer["named"]


def patterns(resolver: URLResolver) -> list[URLPattern]:
    """The addresses of the public pages: all but those of admin."""
    found = []
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            found += [] if pattern.namespace else patterns(pattern)
        elif pattern.name:
            found.append(pattern)
    return found


def public_pages(client: Client, shown: Signature) -> Pages:
    """What a stranger reads at every public address, without what changes with each request."""
    values = {
        "slug": "bridge",
        "public_id": shown.public_id,
        "number": 1,
        "token": "made-up",
        "color": "7a1f1f",
        "digest": "0",
    }
    pages = {}
    for pattern in patterns(get_resolver()):
        forget_pages()
        wanted = pattern.pattern.regex.groupindex
        address = reverse(str(pattern.name), kwargs={name: values[name] for name in wanted})
        answer = client.post(address) if pattern.name == "sign" else client.get(address)
        body = b"".join(answer) if answer.streaming else answer.content
        pages[str(pattern.name)] = re.sub(rb'name="stamp"[^>]*|<updated>[^<]*', b"", body)
    assert len(pages) > 20
    return pages


def changed(before: Pages, after: Pages) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_S38_no_public_address_changes_before_the_step_and_all_numbers_do_at_it(
    client: Client, signed: Letter, step: Callable[[], None]
) -> None:
    make_delivery(signed)
    first = signed.signatures.order_by("pk")[0]
    before = public_pages(client, first)
    make_signature(signed, "New Comer", country="KP")
    make_signature(signed, "In The Letter", visibility=Visibility.DELIVERY)
    make_signature(signed, "", visibility=Visibility.COUNTED)
    make_signature(signed, "Waits Unflagged", State.WAITING)

    assert changed(before, public_pages(client, first)) == set()
    step()
    after = public_pages(client, first)

    assert changed(before, after) == WITH_NUMBERS
    assert numbers(client) == (7, 4)
    assert b"New Comer" in after["signatories"] and b"New Comer" in after["letter"]


def test_S38_an_approval_shows_the_name_at_the_step(client: Client, signed: Letter, step: Callable[[], None]) -> None:
    waiting = make_signature(signed, "Wai Ting", State.WAITING, flags=["rate"])
    single_decisions.approve(waiting, by=1)
    entry = f"{LIST}{waiting.public_id}/"
    for address in (entry, f"{entry}report/"):
        assert client.get(address).status_code == 404
    assert "Wai Ting" not in client.get(f"{LIST}?q=wai").content.decode()
    assert "Wai Ting" not in client.get(f"{LIST}?order=name").content.decode()
    step()
    assert "Wai Ting" in client.get(entry).content.decode()
    assert "Wai Ting" in client.get(f"{LIST}?q=wai").content.decode()


@pytest.mark.parametrize("leave", [withdrawal.withdraw, withdrawal.erase])
def test_S38_who_leaves_is_gone_at_once_and_the_number_follows_at_the_step(
    client: Client, signed: Letter, step: Callable[[], None], leave: Callable[[Signature], Any]
) -> None:
    gone = signed.signatures.order_by("pk")[0]
    leave(gone)

    for address in (LIST, "/", f"{LIST}?q=0000", f"{LIST}?order=name"):
        assert "Signer 0000" not in client.get(address).content.decode()
    assert client.get(f"{LIST}{gone.public_id}/").status_code == 404
    assert numbers(client) == (3, 3)
    assert ">3<" in client.get(COUNTRIES).content.decode()
    step()
    assert numbers(client) == (2, 2)
    assert ">2<" in client.get(COUNTRIES).content.decode()


@pytest.mark.parametrize("leave", [withdrawal.withdraw, withdrawal.erase])
def test_S38_who_leaves_a_delivery_is_an_erratum_and_an_edition_from_the_step_on(
    client: Client, signed: Letter, step: Callable[[], None], tmp_path: Path, leave: Callable[[Signature], Any]
) -> None:
    delivery = make_delivery(signed, tmp_path)
    Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.HANDED_OVER)
    gone, shown = signed.signatures.order_by("pk")[:2]
    before, known = public_pages(client, shown), list(known_files(delivery, editions.public(delivery)).values())
    leave(gone)
    make_files(delivery, tmp_path)
    assert list(known_files(delivery, editions.public(delivery)).values()) == known

    assert changed(before, public_pages(client, shown)) == {"first", "letter", "sign", "signatories"}, "the name alone"
    assert errata.kinds_of_errata(delivery)["withdrawn" if leave == withdrawal.withdraw else "erased"] == 1, "for staff"
    assert freezing._count_errata(signed) == {"1": 1}, "and in the next package"
    step()
    after = public_pages(client, shown)
    assert changed(before, after) == WITH_NUMBERS | {"delivery"}
    assert b"No. 1</span>" in after["delivery"] and b"No. 2</span>" not in after["delivery"]
    assert (b"1 row without its words" in after["delivery"]) == (leave == withdrawal.erase)


def test_S38_who_comes_back_enters_at_the_step(client: Client, signed: Letter, step: Callable[[], None]) -> None:
    Signature.objects.filter(name="Signer 0001").update(visibility=Visibility.DELIVERY)
    Signature.objects.filter(name="Signer 0001").update(visibility=Visibility.PUBLIC)
    assert "Signer 0001" not in client.get(LIST).content.decode()
    step()
    assert "Signer 0001" in client.get(LIST).content.decode()


def test_S38_the_list_never_has_more_names_than_the_number_says(
    client: Client, signed: Letter, step: Callable[[], None]
) -> None:
    make_many(signed, 5)
    withdrawal.withdraw(signed.signatures.order_by("pk")[0])
    assert Signature.objects.public().count() <= counts.published(signed.pk).public
    step()
    assert Signature.objects.public().count() == counts.published(signed.pk).public == 7


def test_S38_true_counts_checks_and_alarms_know_it_at_once(signed: Letter) -> None:
    make_signature(signed, "New Comer", country="KP")
    assert counts.for_letter(signed.pk).total == 4 and counts.by_country(signed.pk) == {"FR": 3, "KP": 1}
    call_command("reconcile", quiet=True)
    assert alarms.recount() == 0


def test_S38_folding_publishes_nothing_early(client: Client, signed: Letter, step: Callable[[], None]) -> None:
    make_many(signed, 4)
    withdrawal.withdraw(signed.signatures.order_by("pk")[0])
    counts.fold_deltas()
    assert numbers(client) == (3, 3) and counts.for_letter(signed.pk).total == 6
    step()
    assert numbers(client) == (6, 6)
    counts.fold_deltas()
    assert numbers(client) == (6, 6) and not CountDelta.objects.exclude(counts_from=None).exists()


def test_S38_the_personal_page_says_when_a_signature_is_counted(
    client: Client, signed: Letter, step: Callable[[], None]
) -> None:
    signature = make_signature(signed, "New Comer")
    page = f"/signature/{tokens.personal_token(signature.public_id)}/"
    assert "changes every 5 minutes: you are in it with the next update" in client.get(page).content.decode()
    step()
    assert "next update" not in client.get(page).content.decode()


def test_a_minute_ahead_is_at_least_ten_seconds_ahead() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT signatures_next_minute() - statement_timestamp(), date_part('second', signatures_next_minute())"
        )
        ahead, seconds = cursor.fetchone()
    assert timedelta(seconds=10) < ahead <= timedelta(seconds=70) and seconds == 0
