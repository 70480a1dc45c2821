"""A search costs little however long the list is: a scan reads an index alone, and a page few columns."""

import json
import random
from collections.abc import Iterator

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


# Many grams: a few are looked up

PARTS = [
    "Maria", "Arnel", "Ander", "Elena", "Larin", "Rian", "Orla", "김", "철수", "민아", "山田", "太郎", "محمد", "ليلى",
    "Олена", "Ян", "50%", "a_b", "back\\slash", "Łukasz", "Đặng",
]  # fmt: skip


def questions(chance: random.Random, texts: list[str]) -> Iterator[list[str]]:
    """Yields words as people and robots might type them: most are pieces of names that stand in the list."""
    pairs = sorted({text[at : at + 2] for text in texts for at in range(len(text) - 1)})
    for number in range(150):
        source = chance.choice(texts) if number % 2 else " ".join(chance.sample(texts, 3))
        starts = [chance.randrange(len(source)) for _piece in range(chance.randint(1, 12))]
        pieces = {source[at : at + chance.randint(1, 4)].strip() for at in starts}
        pieces |= set(chance.sample(pairs, 3)) if number % 3 == 0 else set()
        yield [word for piece in sorted(pieces) for word in piece.split()] or ["an"]


def test_a_look_up_finds_what_a_comparison_of_all_names_finds(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, number in (("SHORT_SCAN", 1), ("LONG_SCAN", 1), ("SAMPLE", 9)):
        monkeypatch.setattr(search, setting, number)
    chance = random.Random(19)
    for _signature in range(80):
        name = " ".join(chance.sample(PARTS, chance.randint(2, 5)))
        make_signature(
            letter, name, country=chance.choice(("KR", "US")), organization=chance.choice(("", "Anders & Co"))
        )
    public = Signature.objects.filter(letter=letter).public()
    texts = list(public.order_by("search_text").values_list("search_text", flat=True))
    found = 0
    for number, words in enumerate(questions(chance, texts)):
        country = ("", "KR")[number % 5 == 0]
        rows = public.filter(country=country) if country else public
        rows = rows.order_by("sort_key", "public_id") if number % 4 == 0 else rows.newest_first()
        expected = [row for row in rows if all(word in row.search_text for word in words)][:11]
        with search.time_limit():
            result = search.Search(words, letter.pk, country).fetch(rows, 11)
        assert [row.pk for row in result] == [row.pk for row in expected], words
        found += bool(expected)
    assert 40 < found < 140, "some find names, and some find none"


def test_of_many_grams_those_are_looked_up_that_few_names_hold_together() -> None:
    grams, holds = ["an", "er", "la", "on", "qu", "te"], {"an": 1, "er": 2, "la": 4, "on": 8, "qu": 16, "te": 32}

    def chosen(sample: dict[str, int]) -> list[str]:
        return search.rarest_together(grams, {sum(holds[g] for g in key.split()): n for key, n in sample.items()})

    together = {"an er la": 60, "an er on": 50, "an er te": 50, "la te": 4, "on te": 20, "qu an": 5, "er qu on te": 3}
    assert chosen(together) == ["qu", "la"], "no name of the sample has both: more of them would only cost"
    assert chosen({"an er la on te": 50, "qu": 1, "qu an": 9}) == ["qu", "er"]
    assert chosen({"an er la on qu te": 50, "an": 7}) == ["er", "la", "on", "qu"], (
        "all stand together: no more than four"
    )
    assert chosen({"an er": 50}) == ["la", "on", "qu", "te"], "what the sample lacks costs next to nothing"
    assert chosen({}) == ["an", "er", "la", "on"]


def test_few_grams_are_looked_up_without_a_sample(
    client: Client, ada: Signature, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SHORT_SCAN", 1)
    make_signature(ada.letter, "Somebody Else")
    many = statements(client, q="or al el li ma an te ch")
    assert len([sql for sql in many if "AS sampled" in sql]) == 1
    assert sum(sql.count(f"{ada.letter_id}:") for sql in many if "signatures_grams" in sql) == search.MAX_GRAMS
    assert not [sql for sql in statements(client, q="kim lee") if "AS sampled" in sql]
