"""Pages of the list share what is the same on them, and nothing else: each is what it is when rendered alone."""

import time
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaign.models import Letter
from signatures.models import Signature
from signatures.public_list import frames
from signatures.signing import withdrawal
from signatures.states import Kind
from tests.factories import make_letter, make_many, make_signature

pytestmark = pytest.mark.django_db
LIST = "/letters/bridge/signatories/"
CURSOR = f"9999-01-01.{'0' * 32}"  # before everybody
QUERIES: list[dict[str, str]] = [
    {}, {"kind": "person"}, {"kind": "organization"}, {"order": "name"}, {"after": CURSOR}, {"before": CURSOR},
    {"country": "KR"}, {"country": "CH"}, {"country": "KR", "order": "name"}, {"country": "IS"},
    {"q": "signer"}, {"q": "lovelace"}, {"q": "  Ada "}, {"q": "nobody"}, {"q": "signer", "country": "KR"},
    {"q": "\"'<b>&amp;"}, {"q": "x" * 41}, {"q": "y" * 41}, {"order": "id"}, {"country": "XX"},
    {"q": "signer", "after": CURSOR}, {"kind": "organization", "after": CURSOR},
]  # fmt: skip


@pytest.fixture
def signed(letter: Letter) -> Letter:
    rows = make_many(letter, 110)
    for number, row in enumerate(rows):
        row.country = ("KR", "CH", "")[number % 3]
    Signature.objects.bulk_update(rows, ["country"])
    make_signature(letter, "Ada Lovelace", organization="Analytical Society", kind=Kind.ORGANIZATION)
    Signature.objects.filter(pk=rows[0].pk).update(featured_position=1)
    return letter


def page(client: Client, query: dict[str, str], address: str = LIST) -> str:
    return client.get(f"{address}?{urlencode(query)}").content.decode()


@pytest.mark.parametrize("language", ["", "/ko", "/ar"])
def test_a_page_in_a_frame_of_another_is_the_page_rendered_alone(client: Client, signed: Letter, language: str) -> None:
    address, alone = f"{language}{LIST}", []
    for query in QUERIES:
        frames.clear_cache()
        alone.append(page(client, query, address))
    for _again in range(2):
        assert [page(client, query, address) for query in QUERIES] == alone
    assert len(set(alone)) == len(alone)


def test_frames_of_languages_and_letters_do_not_mix(client: Client, signed: Letter) -> None:
    other = make_letter("road")
    make_signature(other, "Zoe Road")
    for address, words in [
        (LIST, 'lang="en"'),
        (f"/ko{LIST}", 'lang="ko"'),
        (LIST.replace("bridge", "road"), "/road/"),
    ]:
        found = page(client, {"q": "a"}, address)
        assert words in found.partition("<body")[0] + found.partition("<footer")[2]
    assert "/letters/bridge/" not in page(client, {"q": "zoe"}, LIST.replace("bridge", "road"))


def test_what_one_reader_typed_is_on_no_page_of_another(client: Client, signed: Letter) -> None:
    assert "mystery" in page(client, {"q": "mystery", "country": "KR"})
    following = page(client, {"q": "riddle", "country": "CH"})
    assert "mystery" not in following and 'value="KR" selected' not in following
    assert "riddle" in following and 'value="CH" selected' in following


def test_a_page_in_a_frame_reads_its_names_and_nothing_else(client: Client, signed: Letter) -> None:
    page(client, {"country": "KR"})
    with CaptureQueriesContext(connection) as taken:
        page(client, {"country": "CH"})
    assert len(taken) == 1, "no counts, no deliveries, no notices"


def test_a_name_leaves_at_once_and_a_count_within_seconds(
    client: Client, signed: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Signature.objects.filter(country="KR", featured_position=None)[0]
    before = page(client, {"country": "KR"})
    withdrawal.withdraw(shown)
    during = page(client, {"country": "KR"})
    assert shown.public_id.hex in before.replace("-", "") and shown.public_id.hex not in during.replace("-", "")

    later = time.monotonic() + frames.SECONDS
    monkeypatch.setattr("campaign.runtime.expiring_cache.time.monotonic", lambda: later)
    assert "Names shown here: 110." in page(client, {"country": "KR"}) and "Names shown here: 111." in before


def test_memory_holds_few_frames_however_many_letters_are_read() -> None:
    for number in range(frames.MOST + 30):
        frames.kept(number, lambda number=number: frames.Frame(str(number)))  # type: ignore[misc]  # a default
    made: list[int] = []

    def render() -> frames.Frame:
        made.append(1)
        return frames.Frame("")

    for number in (0, 29, 40, frames.MOST + 29):
        frames.kept(number, render)
    assert len(made) == 2, "the first thirty made room"
