"""The list of public names: order, pagination, search, privacy."""

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign.models import Letter
from signatures.models import Signature
from signatures.public_list import pagination, search
from signatures.registries.typed_fields import DERIVED_FROM_WORDS, WORDS
from signatures.signing import changes, withdrawal
from signatures.states import State, Visibility
from signatures.values import normalization
from signatures.values.normalization import search_text
from tests import single_decisions
from tests.factories import make_letter, make_many, make_signature, make_submission, signer_input

pytestmark = pytest.mark.django_db
LIST = "/letters/bridge/signatories/"
TODAY = date(2026, 11, 25)


def found(client: Client, **query: str) -> list[str]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, query
    return [row.name for row in answer.context["rows"]]


def walk(client: Client, address: str, way: str) -> Iterator[list[str]]:
    """The names of each page, following the link `way` to its end."""
    while True:
        answer = client.get(address)
        yield [row.name for row in answer.context["rows"]]
        if not answer.context[way]:
            return
        address = f"{LIST}?{answer.context[way]}"


# Order and pages


@pytest.fixture
def many(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> list[Signature]:
    """Names of three days and two countries, eight on a page."""
    monkeypatch.setattr(pagination, "PAGE_SIZE", 8)
    rows = make_many(letter, 45)
    for n, row in enumerate(rows):
        row.approved_on, row.country = TODAY - timedelta(days=n % 3), "KR" if n % 2 else "CH"
    Signature.objects.bulk_update(rows, ["approved_on", "country"])
    return rows


@pytest.mark.parametrize(
    "query",
    ["?kind=person", "?order=name", "?country=KR", "?country=KR&order=name", "?q=signer", "?q=s&order=name&country=CH"],
)
def test_paging_forth_and_back_shows_every_name_once(client: Client, many: list[Signature], query: str) -> None:
    """The same names in the same order, whichever way they are read."""
    forth = list(walk(client, LIST + query, "next_query"))
    names = [name for page in forth for name in page]
    wanted = [row for row in many if f"country={row.country}" in query or "country" not in query]
    by_name, newest = (lambda row: row.name), (lambda row: (TODAY - row.approved_on, row.public_id))
    assert names == [row.name for row in sorted(wanted, key=by_name if "order=name" in query else newest)]
    assert {len(page) for page in forth[:-1]} == {8}

    answer = client.get(LIST + query)
    while answer.context["next_query"]:
        answer = client.get(f"{LIST}?{answer.context['next_query']}")
    back = list(walk(client, f"{LIST}?{answer.context['previous_query']}", "previous_query"))
    assert back == forth[:-1][::-1]


def test_names_are_sorted_by_script_ignoring_case_and_accents(client: Client, letter: Letter) -> None:
    for name in ("зоя", "Éric", "김철수", "eva", "Ärmel", "Anna"):
        make_signature(letter, name)
    assert found(client, order="name") == ["Anna", "Ärmel", "Éric", "eva", "зоя", "김철수"]


def test_a_cursor_still_works_after_its_name_was_withdrawn(client: Client, many: list[Signature]) -> None:
    """A cursor holds a position, not a person."""
    for query in ("", "?order=name"):
        first = client.get(LIST + query)
        following = client.get(f"{LIST}?{first.context['next_query']}").content
        withdrawal.withdraw(Signature.objects.get(pk=first.context["rows"][-1].pk))
        assert client.get(f"{LIST}?{first.context['next_query']}").content.count(b"<li>") == following.count(b"<li>")


@pytest.mark.parametrize("way", ["after", "before"])
@pytest.mark.parametrize("order", ["", "name"])
@pytest.mark.parametrize("cursor", ["x", "2026-01-01", "2026-01-01.zz", "\x00", "9" * 500, "2026-13-01." + "0" * 31])
def test_a_malformed_cursor_is_a_bad_request(client: Client, letter: Letter, way: str, order: str, cursor: str) -> None:
    assert client.get(LIST, {way: cursor, "order": order}).status_code == 400


def test_an_unknown_order_is_a_form_error(client: Client, ada: Signature) -> None:
    assert client.get(LIST, {"order": "id"}).status_code == 422


def test_links_to_other_pages_keep_the_search_and_nothing_else(client: Client, many: list[Signature]) -> None:
    page = client.get(LIST, {"q": "signer", "country": "KR", "order": "name", "x": "tracked"})
    assert page.context["next_query"].startswith("q=signer&country=KR&order=name&after=")
    assert "tracked" not in page.context["next_query"]


def test_P5_a_page_has_fifty_names_and_is_noindex(client: Client, letter: Letter) -> None:
    make_many(letter, 60)
    for query in ("", "?order=name", "?q=signer", "?kind=person&page_size=1000&limit=1000"):
        answer = client.get(LIST + query)
        assert len(answer.context["rows"]) == 50
        assert (
            answer["X-Robots-Tag"] == "noindex" and '<meta name="robots" content="noindex">' in answer.content.decode()
        )


def test_a_page_needs_a_fixed_number_of_queries(client: Client, many: list[Signature]) -> None:
    Signature.objects.filter(pk=many[0].pk).update(featured_position=1)
    client.get(LIST)  # knows the text from now on
    for query in ("?", "?order=name", "?country=KR", "?q=signer", "?q=nobody&country=KR", f"?after={TODAY}.{'0' * 32}"):
        with CaptureQueriesContext(connection) as taken:
            client.get(LIST + query)
        assert len(taken) <= 7, query


# Search


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Éric Łukasz Straße", ["eric", "ÉRIC", "lukasz", "STRASSE", "straße", "tras", "łuk", "ric luk"]),
        ("Işık İnönü", ["isik", "ışık", "INONU", "İnönü"]),
        ("Søren Ægir Ðorđe", ["soren", "aegir", "dorde", "ægir"]),
        ("Conor O’Brien-Walsh", ["o'brien", "o’brien", "brien‐w"]),
        ("Τάσος Ζωΐδης", ["τασος", "ΤΆΣΟΣ", "ζωιδησ"]),
        ("Семён Й. Ёлкин", ["семен", "ёл", "ЕЛКИН"]),
        ("김철수", ["김", "철", "철수", "김철수", "\u1100\u1175\u11b7", "\u200b김철수\ufeff", "\u2068철수\u2069"]),
        ("習近平", ["習", "近平", "平 習"]),
        ("ガンディー はな", ["ガンディ", "ｶﾞﾝ", "はな"]),
        ("محمّد الأحمد", ["محمد", "الاحمد", "مُحَمَّد"]),
        ("שָׁלוֹם", ["שלום"]),
        ("नरेन्द्र", ["नरेन्द्र", "रेन"]),
        ("X Æ 12", ["x", "12"]),
        ("‘’", ["'", "’"]),
    ],
)
def test_any_part_of_a_name_in_any_script_is_found(client: Client, letter: Letter, name: str, typed: list[str]) -> None:
    make_signature(letter, name)
    make_signature(letter, "Somebody Else", organization="Gewerkschaft")
    for words in typed:
        assert found(client, q=words) == [name], words


def test_every_word_must_occur_in_name_or_organization_in_any_order(client: Client, ada: Signature) -> None:
    for words in ("lovelace ada", "society ADA", "lyt lace", "ada ada"):
        assert found(client, q=words) == ["Ada Lovelace"], words
    for words in ("ada byron", "lovelaceanalytical", "eadaa", "Countess", "ada\u2003byron"):
        assert found(client, q=words) == [], words
    assert "Try part of the name" in client.get(LIST, {"q": "byron"}).content.decode()


@pytest.mark.parametrize("few", [(500, 8_000, 4), (1, 2, 99), (3, 60, 1)])
def test_scan_and_index_find_the_same_names_in_the_same_order(
    client: Client, many: list[Signature], monkeypatch: pytest.MonkeyPatch, few: tuple[int, int, int]
) -> None:
    """By a scan of the list, or by the index of grams."""
    for constant, value in zip(("SHORT_SCAN", "LONG_SCAN", "MIN_IN_SHORT_SCAN"), few, strict=True):
        monkeypatch.setattr(search, constant, value)
    for query in ("q=1", "q=signer+00", "q=3&country=KR", "q=4&order=name", "q=nobody", "q=0&country=CH&order=name"):
        asked = dict(pair.split("=") for pair in query.split("&"))
        names = [name for page in walk(client, f"{LIST}?{query}", "next_query") for name in page]
        wanted = [
            row
            for row in many
            if all(word in row.name.lower() for word in asked["q"].split("+"))
            and asked.get("country", row.country) == row.country
        ]
        wanted.sort(key=lambda row: row.name if "order" in asked else by_day(row))
        assert names == [row.name for row in wanted], query


def by_day(row: Signature) -> tuple[timedelta, uuid.UUID]:
    """The sort key of the list by day, the newest first."""
    assert row.approved_on is not None
    return TODAY - row.approved_on, row.public_id


def test_changed_words_are_found_and_former_ones_are_not(client: Client, letter: Letter, ada: Signature) -> None:
    text = letter.revisions.get().translations.get()
    typed = signer_input(text, name="Ada Byron", organization="Ministère", country="FR")
    single_decisions.approve(changes.change(ada, typed), by=1)
    assert found(client, q="byron ministere") == ["Ada Byron"]
    assert found(client, q="lovelace") == found(client, q="analytical") == []


@pytest.mark.parametrize("query", ["%", "_", "\\", "'", '";--', "%s", "'; DROP TABLE x; --", "(?i)a", "a%", "{", "{0}"])
def test_S15_special_characters_in_a_search_are_literal(
    client: Client, ada: Signature, query: str, monkeypatch: Any
) -> None:
    for _way in range(2):
        assert found(client, q=query) == []
        monkeypatch.setattr(search, "SHORT_SCAN", 1)
        make_signature(ada.letter, "Zoe", approved_on=TODAY + timedelta(days=9))


@pytest.mark.parametrize("query", ["\x00", "a" * 41, "김" * 41])
def test_an_invalid_search_is_refused_with_a_message_and_kept(client: Client, ada: Signature, query: str) -> None:
    answer = client.get(LIST, {"q": query})
    assert answer.status_code == 422
    if "\x00" not in query:
        page = answer.content.decode()
        assert "Please search for at most 40 characters." in page and query in page


def test_a_search_that_takes_too_long_gets_a_message(client: Client, ada: Signature, monkeypatch: Any) -> None:
    def dawdle(*_arguments: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(search, "TIMEOUT_MS", 20)
    monkeypatch.setattr(search.Search, "_scan", dawdle)
    answer = client.get(LIST, {"q": "ada"})
    assert answer.status_code == 422
    assert "Please type more of the name." in answer.content.decode()
    assert "Ada" not in answer.content.decode()


def test_names_of_another_letter_are_not_found_here(client: Client, ada: Signature, monkeypatch: Any) -> None:
    make_signature(make_letter("tunnel"), "Ada Tunnel")
    assert found(client, q="ada") == ["Ada Lovelace"]
    monkeypatch.setattr(search, "SHORT_SCAN", 1)
    make_signature(ada.letter, "Zoe", approved_on=TODAY + timedelta(days=9))
    assert found(client, q="ada") == ["Ada Lovelace"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_grams_of_a_part_of_a_name_are_grams_of_the_name(db: None, data: st.DataObject) -> None:
    """Otherwise the index would miss names. PostgreSQL makes the grams of names, Python those of the search."""
    signs = st.text(st.sampled_from("abcé김철수習近ガ0'’ßŁİم\u2e7f\u2e80🙂"), min_size=1, max_size=12)
    text = search_text(data.draw(signs), data.draw(signs))
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : start + data.draw(st.integers(1, 8))].split("\n")[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT signatures_grams(7, 'KR', %s)", [text])
        grams = set(cursor.fetchone()[0])
    assert {f"7:{gram}" for gram in (search.grams_of(part) if part else ())} <= grams
    assert "7=KR" in grams


@given(st.text(max_size=30))
def test_normalizing_twice_equals_normalizing_once_and_is_never_empty(text: str) -> None:
    once = normalization.normalize_for_search(text)
    assert bool(once) == bool(text)
    assert normalization.normalize_for_search(once) == once or len(once) == 0


# Privacy


def test_P6_search_and_its_index_hold_public_names_only(client: Client, letter: Letter, monkeypatch: Any) -> None:
    """By raw SQL, whatever wrote the row: what is not public is in no index of the list."""
    for state in State:
        for visibility in Visibility:
            canary = make_signature(letter, f"Canary {state} {visibility}", state, visibility)
            if canary.name:
                Signature.objects.filter(pk=canary.pk).update(
                    organization="Hidden", search_text=f"{canary.search_text}\nhidden"
                )
    for few in (2_000, 1):
        monkeypatch.setattr(search, "SHORT_SCAN", few)
        for words in ("canary", "can", "hidden", "waiting", "rejected public", "approved delivery", "c"):
            for name in found(client, q=words):
                assert name == "Canary approved public", words

    with connection.cursor() as cursor:
        cursor.execute("UPDATE signatures_signature SET search_text = 'xyzzy', name_key = 'xyzzy' WHERE name <> ''")
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '%%signatures_grams%%'")
        indexes = dict(cursor.fetchall())
        assert list(indexes) == ["public_by_grams"], "what else keeps grams of names?"
        assert (
            "WHERE (((state)::text = 'approved'::text) AND ((visibility)::text = 'public'::text))"
            in indexes["public_by_grams"]
        )
        cursor.execute(
            "SELECT attname, typname FROM pg_attribute JOIN pg_class t ON t.oid = attrelid JOIN pg_type y ON y.oid = atttypid "
            "WHERE relname = 'signatures_signature' AND attname LIKE '%%gram%%'"
        )
        assert cursor.fetchall() == [], "no column holds grams"


@pytest.mark.parametrize(
    "hide",
    [
        "state = 'waiting'", "state = 'rejected'", "visibility = 'delivery'",
        ", ".join(["state = 'withdrawn'", "place = NULL", *(f"{field} = ''" for field in (*WORDS, *DERIVED_FROM_WORDS))]),
    ],
)  # fmt: skip
def test_P6_a_name_that_is_no_longer_public_is_not_found(
    client: Client, ada: Signature, hide: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(search, "SHORT_SCAN", 1)
    make_signature(ada.letter, "Zoe", approved_on=TODAY + timedelta(days=9))
    assert found(client, q="lovelace") == ["Ada Lovelace"]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE signatures_signature SET {hide} WHERE id = %s", [ada.pk])
    assert found(client, q="lovelace") == []


def test_the_search_text_is_deleted_with_the_name(ada: Signature) -> None:
    assert ada.search_text == "ada lovelace\nanalytical society"
    with pytest.raises(Exception, match="counted_and_withdrawn_have_no_words"), transaction.atomic():
        Signature.objects.filter(pk=ada.pk).update(
            state=State.WITHDRAWN, name="", role="", organization="", name_key="", sort_key=""
        )
    withdrawal.withdraw(ada)
    ada.refresh_from_db()
    assert ada.search_text == ""


def test_P1_the_page_of_a_name_exists_while_the_name_is_public(client: Client, letter: Letter, ada: Signature) -> None:
    page = client.get(f"{LIST}{ada.public_id}/")
    text = page.content.decode()
    assert '<bdi translate="no" lang="en">Ada Lovelace</bdi>' in text and "United Kingdom" in text
    assert page["X-Robots-Tag"] == "noindex"
    assert f'href="{LIST}{ada.public_id}/"' in client.get(LIST).content.decode(), "the name leads to it"
    assert str(ada.approved_on) not in text, "no day is shown (P3)"
    hidden = [make_signature(letter, "Hidden", state) for state in (State.WAITING, State.REJECTED)]
    hidden += [
        make_signature(letter, "Hidden", visibility=other) for other in (Visibility.DELIVERY, Visibility.COUNTED)
    ]
    submitted = make_submission(letter, "Hidden")
    for public_id in [row.public_id for row in (*hidden, submitted)] + [uuid.uuid4()]:
        for way in ("", "report/"):
            assert client.get(f"{LIST}{public_id}/{way}").status_code == 404
