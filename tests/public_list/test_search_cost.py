"""A search costs little however long the list is: a scan reads an index alone, and a page few columns."""

import json
import random

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaign.models import Letter
from signatures.models import Signature
from signatures.public_list import search
from tests.factories import make_signature

pytestmark = pytest.mark.django_db
LIST = "/letters/bridge/signatories/"


def statements(client: Client, **query: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(LIST, query).status_code == 200
    return [one["sql"] for one in captured.captured_queries if "signatures_signature" in one["sql"]]


@pytest.mark.parametrize(("order", "index"), [("", "public_newest_words"), ("name", "public_by_name_words")])
def test_a_scan_reads_the_names_from_an_index_and_not_from_the_table(
    client: Client, ada: Signature, order: str, index: str
) -> None:
    scan = next(sql for sql in statements(client, q="ada", order=order) if "AS scanned" in sql)
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "indexscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {scan}")
        plan = json.dumps(cursor.fetchone()[0])
    assert plan.count('"Node Type": "Index Only Scan"') == 2 == plan.count(f'"Index Name": "{index}"')


@pytest.mark.parametrize("query", [{}, {"q": "ada"}, {"country": "GB"}, {"kind": "organization"}])
def test_a_page_reads_no_column_that_it_does_not_show(client: Client, ada: Signature, query: dict[str, str]) -> None:
    found = statements(client, **query)
    assert not [sql for sql in found if '"comment"' in sql or '"address_hash"' in sql]
    assert len([sql for sql in found if '"role"' in sql]) <= 3, "and none of them for each name"


def test_the_longest_names_of_all_scripts_fit_into_the_index(client: Client, letter: Letter) -> None:
    chance = random.Random(7)
    for first, last in ((0x4E00, 0x9FFF), (0x20000, 0x2A6DF), (0xAC00, 0xD7A3), (0xFDFA, 0xFDFA)):
        name, organization = (" ".join(chr(chance.randint(first, last)) for _ in range(100)) for _line in range(2))
        row = make_signature(letter, name, organization=organization)
        assert len(row.search_text.encode()) <= 2_500
        assert [found.pk for found in client.get(LIST, {"q": name[:3]}).context["rows"]] == [row.pk]


def test_both_ways_of_a_search_are_tried(client: Client, letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many names hold a letter, and the first few promise a page; nobody is called the other."""
    monkeypatch.setattr(search, "SHORT_SCAN", 10)
    for number in range(60):
        make_signature(letter, f"Signer {number}")
    assert len([sql for sql in statements(client, q="signer") if "AS scanned" in sql]) == 2
    assert any("signatures_grams" in sql for sql in statements(client, q="nobody"))
