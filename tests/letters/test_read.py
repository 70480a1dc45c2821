"""Public pages: count, names and privacy of signers."""

import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaign.letters import text_cache
from campaign.models import Letter
from campaign.web import middleware
from signatures.models import Signature, Submission
from signatures.signing import confirmation, submission
from signatures.states import State, Visibility
from signatures.values import tokens
from tests import single_decisions
from tests.factories import make_many, make_signature, signer_input

pytestmark = pytest.mark.django_db
LIST, API = "/letters/bridge/signatories/", "/api/v1/letters/bridge/"
PUBLIC = ["/", "/letters/bridge/", "/letters/bridge/check-mail/", LIST, "/letters/bridge/history/", "/privacy/", API]
COUNTRIES, SITEMAP = f"{LIST}countries/", "/sitemap.xml"
PUBLIC += [COUNTRIES, f"{LIST}reported/", SITEMAP]
PUBLIC += [f"/letters/bridge/{page}/" for page in ("tell", "embed", "api")]


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_the_letter_shows_the_count_the_goal_and_the_newest_names(
    client: Client, letter: Letter, ada: Signature
) -> None:
    make_signature(letter, "", visibility=Visibility.COUNTED)
    page = text_of(client, "/")
    assert "<strong>2</strong> people have signed" in page.replace("\n", " ")
    assert "1000" in page.replace(",", "")
    assert "<progress" in page
    assert "Ada Lovelace" in page and "Countess" in page and "United Kingdom" in page


def test_P1_only_approved_public_signatures_are_shown_anywhere(client: Client, letter: Letter) -> None:
    canaries = {}
    for state in State:
        for visibility in Visibility:
            canary = f"Canary-{state}-{visibility}"
            row = make_signature(letter, canary, state, visibility)
            if row.name:
                canaries[canary] = row
    for address in [*PUBLIC, f"{LIST}?q=Canary", *(f"{LIST}{row.public_id}/" for row in canaries.values())]:
        text = text_of(client, address)
        shown = {canary for canary in canaries if canary in text}
        assert shown <= {"Canary-approved-public"}, address
    assert "Canary-approved-public" in text_of(client, LIST)


def test_S14_stored_text_is_escaped_on_every_page(client: Client, admin_client: Client, letter: Letter) -> None:
    attack = "<img src=x onerror=alert(1)>\"'{{7*7}}{% load x %}"
    row = make_signature(letter, attack, role=attack, organization=attack, comment=attack)
    for address in ("/", LIST, f"{LIST}{row.public_id}/"):
        page = text_of(client, address)
        assert "<img" not in page and "&lt;img" in page and "{{7*7}}" in page
    for address in ("/admin/signatures/signature/", f"/admin/signatures/signature/{row.pk}/change/"):
        assert "<img src=x" not in text_of(admin_client, address)


def test_a_cached_page_needs_no_query_and_a_cache_miss_at_most_eight(client: Client, ada: Signature) -> None:
    with CaptureQueriesContext(connection) as miss:
        cold = client.get("/")
    with CaptureQueriesContext(connection) as hit:
        hot = client.get("/")
    assert len(miss) <= 8  # letter, text, counts, deliveries, names, news; every second notices, every ten the switch
    assert len(hit) == 0
    assert hot.content == cold.content


def test_a_cached_page_is_rebuilt_after_three_seconds(client: Client, letter: Letter, monkeypatch: Any) -> None:
    client.get("/")
    make_signature(letter, "Newcomer")
    assert "Newcomer" not in text_of(client, "/")
    monkeypatch.setattr(middleware, "FRESH_SECONDS", 0.0)
    assert "Newcomer" in text_of(client, "/")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_pages_are_cacheable_and_set_no_cookie(client: Client, ada: Signature, address: str) -> None:
    answer = client.get(address)
    kept = {"public", "max-age=5", "stale-while-revalidate=5", "stale-if-error=60"}
    assert set(answer["Cache-Control"].split(", ")) == kept
    assert answer["Vary"] == "Accept-Encoding"
    assert not answer.cookies and "csrf" not in answer.content.decode()
    again = client.get(address, headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(address, headers={"accept-encoding": "gzip"})["Content-Encoding"] == "gzip"


def test_a_page_with_a_query_string_is_not_cached(client: Client, ada: Signature) -> None:
    client.get(f"{LIST}?q=Ada")
    Signature.objects.all().delete()
    assert "Ada Lovelace" not in text_of(client, f"{LIST}?q=Ada")


def test_no_time_finer_than_a_day_and_no_serial_number_is_public(client: Client, ada: Signature) -> None:
    for address in PUBLIC:
        text = text_of(client, address)
        assert ada.signed_up_at.strftime("%H:%M:%S") not in text
        assert f"{ada.signed_up_at:%H:%M}" not in text


def test_the_letter_can_be_read_while_the_database_is_down(client: Client, ada: Signature, monkeypatch: Any) -> None:
    client.get("/")

    def is_down(*_args: object) -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr(text_cache, "newest", is_down)
    monkeypatch.setattr(middleware, "FRESH_SECONDS", 0.0)
    page = client.get("/")
    assert page.status_code == 200 and "We ask for" in page.content.decode()
    middleware.page_cache.clear()
    page = client.get("/")
    assert "Ada Lovelace" not in page.content.decode(), "without names after a minute"
    assert "Signing is not possible right now" in page.content.decode()
    client.raise_request_exception = False
    away = client.get(LIST)
    assert (away.status_code, away["Retry-After"]) == (503, "10")


def test_a_site_without_a_letter_says_so(client: Client, db: None) -> None:
    answer = client.get("/")
    assert answer.status_code == 200 and "There is no letter here at the moment." in answer.content.decode()


# What a patient reader could work out


STAMP = re.compile(rb'(name="stamp" value=")[^"]+')  # when the page was made, not when anybody signed
QUERIES = [f"{LIST}?country=CH", f"{LIST}?country=KP", f"{LIST}?q=a", "/letters/bridge/my-link/", "/robots.txt"]


def outputs(client: Client, *further: str) -> dict[str, str]:
    """All that anybody may read: headers and body of each address."""
    middleware.page_cache.clear()
    found = {}
    for address in (*PUBLIC, *QUERIES, *further):
        answer = client.get(address)
        headers = {name: value for name, value in answer.items() if name not in {"ETag", "Content-Length"}}
        found[address] = f"{headers}\n{STAMP.sub(rb'\1', answer.content).decode()}"
    return found


def test_P3_no_public_page_shows_the_order_or_time_of_signing(client: Client, letter: Letter) -> None:
    signed = []
    for n in range(24):
        typed = signer_input(letter.revisions.get().translations.get(), name=f"Signer {n:02d}", country="CH")
        submission.submit(typed, address=f"n{n}@example.org", updates=False)
        confirmation.confirm(Submission.objects.get(), typed)
        row = Signature.objects.latest("pk")
        single_decisions.approve(row, by=1)
        signed.append(row)
    ids = [row.public_id for row in signed]
    assert {number.version for number in ids} == {4}, "random, with no clock in it"
    assert ids != sorted(ids) and ids != sorted(ids, reverse=True)

    page = client.get(LIST)
    shown = [row.name for row in page.context["rows"]]
    assert shown == [row.name for row in sorted(signed, key=lambda row: row.public_id)], "by id within a day"
    numbers = {str(row.pk) for row in signed if row.pk > 1000}
    for address, text in outputs(client, *(f"{LIST}{number}/" for number in ids)).items():
        assert not re.search(r"\d{1,2}:\d{2}|\d{4}-\d\d-\d\dT|Last-Modified", text), address
        assert not any(re.search(rf"\b{number}\b", text) for number in numbers), address


@pytest.mark.parametrize(
    ("state", "visibility", "counts"),
    [
        (State.APPROVED, Visibility.DELIVERY, 1),
        (State.APPROVED, Visibility.COUNTED, 1),
        (State.WAITING, Visibility.PUBLIC, 1),
        (State.REJECTED, Visibility.PUBLIC, 0),
    ],
)
def test_P4_one_more_hidden_signer_of_a_small_country_changes_only_the_total(
    client: Client, letter: Letter, ada: Signature, state: State, visibility: Visibility, counts: int
) -> None:
    """Subtracting public names from the total shows how many are hidden, but not in which country."""
    make_many(letter, 20, country="CH")
    make_signature(letter, "Hidden", visibility=Visibility.DELIVERY, country="KP")
    before = outputs(client)
    from_kp = make_signature(letter, "One more", state, visibility, country="KP")
    one_more = outputs(client)
    from_kp.delete()
    make_signature(letter, "One more", state, visibility, country="CH")
    from_elsewhere = outputs(client)

    assert one_more == from_elsewhere, "nothing tells the country"
    for address, text in one_more.items():
        assert re.sub(rf"\b{22 + counts}\b", "22", text) == re.sub(r"\b22\b", "22", before[address]), address
    assert (one_more["/"] != before["/"]) == bool(counts), "the total is public"
    assert "No public names here." in one_more[f"{LIST}?country=KP"]


def test_P8_personal_pages_are_not_cached_anywhere(
    client: Client,
    moderator_client: Client,
    letter: Letter,
    form: dict[str, str],
    ada: Signature,
    ben: Submission,
    cleo: Signature,
) -> None:
    gone = make_signature(letter, "", State.WITHDRAWN)
    pages = [f"/signature/{tokens.personal_token(row.public_id)}/" for row in (ada, ben, cleo, gone)]
    sign, my_link = "/letters/bridge/sign/", "/letters/bridge/my-link/"
    answers = {
        **{f"GET {page}": client.get(page) for page in [*pages, pages[0][:-2] + "/", "/signature/x/", sign, my_link]},
        **{f"HEAD {page}": client.head(page) for page in pages},
        **{f"data {page}": client.post(page, {"action": "data"}) for page in pages},
        "change": client.post(pages[0], {"action": "change", "visibility": "counted", "name": ""}),
        "change badly": client.post(pages[0], {"action": "change"}),
        "confirm badly": client.post(pages[1], {"action": "confirm"}),
        "no such action": client.post(pages[0], {"action": "x"}),
        "withdraw": client.post(pages[2], {"action": "withdraw"}),
        "erase": client.post(pages[3], {"action": "erase"}),
        "sign": client.post(sign, form),
        "sign badly": client.post(sign, {**form, "name": ""}),
        "ask for the link": client.post(my_link, {"email": "ada@example.org"}),
        "ask badly": client.post(my_link, {"email": "ada"}),
        "refused": client.post(sign, form, headers={"sec-fetch-site": "cross-site"}),
        "nowhere": client.get("/nowhere/"),
        "ready": client.get("/readyz"),
        "healthy": client.get("/healthz"),
    }
    for what, answer in answers.items():
        assert answer["Cache-Control"] == "no-store", what
        assert not answer.cookies, what
        assert answer["Referrer-Policy"] == "same-origin", what
    for address in (
        "",
        "login/",
        "signatures/signature/",
        f"signatures/signature/{ada.pk}/change/",
        "signatures/auditentry/",
    ):
        for who in (moderator_client, client):
            assert "no-store" in who.get(f"/admin/{address}")["Cache-Control"], address


@pytest.mark.parametrize("address", [*PUBLIC, "/letters/bridge/my-link/sent/", "/robots.txt", f"{LIST}?q=a"])
def test_P8_public_pages_are_the_same_for_everybody(
    client: Client, moderator_client: Client, ada: Signature, address: str
) -> None:
    headers_of_a_visitor = {
        "accept-language": "ko",
        "cookie": "x=y",
        "user-agent": "a",
        "referer": "http://testserver/signature/x/",
    }
    pages = []
    for who, headers in ((client, {}), (client, headers_of_a_visitor), (moderator_client, {})):
        middleware.page_cache.clear()
        answer = who.get(address, headers=headers)
        assert not answer.cookies
        assert set(answer.get("Vary", "Accept-Encoding").split(", ")) == {"Accept-Encoding"}
        assert "public" in answer["Cache-Control"]
        pages.append(STAMP.sub(rb"\1", answer.content))
    assert pages[0] == pages[1] == pages[2]
