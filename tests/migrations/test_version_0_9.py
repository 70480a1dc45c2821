"""A site of version 0.9 is migrated with its data: unconfirmed signatures, and texts that were corrected alone."""

import json
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest

from tests.migrations.old_site import OldSite

pytestmark = pytest.mark.xdist_group("migrations")
OLD, NEW = ("signatures", "0002_functions_and_triggers"), ("signatures", "0014_mail_limits")
COLUMNS = {
    "letter_id": 1, "translation_id": 1, "kind": "person", "paper": False, "role": "", "organization": "", "country": "",
    "comment": "", "language": "en", "flags": [], "signed_up_at": "2026-11-28T12:00:00Z", "visibility": "public",
}  # fmt: skip

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def sql(site: OldSite) -> Sql:
    return site.sql


def add(sql: Sql, number: int, name: str, state: str, **more: Any) -> None:
    """A signature as version 0.9 stored it."""
    row = {
        **COLUMNS, "id": number, "public_id": f"00000000-0000-4000-8000-{number:012d}", "name": name, "state": state,
        "address_hash": f"\\x{number % 100:064x}", "confirmed_at": None if state == "unconfirmed" else "2026-11-28T13:00:00Z",
        **more,
    }  # fmt: skip
    names = ", ".join(row)
    sql(
        f"INSERT INTO signatures_signature ({names}) SELECT {names}"
        " FROM jsonb_populate_record(NULL::signatures_signature, %s::jsonb)",
        json.dumps(row),
    )


def test_O8_S27_unconfirmed_signatures_become_submissions_with_their_links_and_mails(site: OldSite, sql: Sql) -> None:
    add(sql, 11, "Ada", "approved", approved_on="2026-11-28", flags=["trap"])
    add(sql, 12, "Ben", "unconfirmed", flags=["link"], comment="Hello")
    add(sql, 13, "Counted", "unconfirmed", visibility="counted", comment="Words that were to be dropped")
    add(sql, 14, "", "withdrawn")
    add(sql, 15, "", "withdrawn", confirmed_at=None)
    add(sql, 112, "Ben's firm", "unconfirmed", kind="organization")  # the same mailbox as 12
    sql(
        "INSERT INTO signatures_outboxmail (signature_id, kind, language, recipient, queued_at, due_at, attempts, failure)"
        " VALUES (12, 'reminder', 'en', 'x', now(), now(), 0, ''), (15, 'link', 'en', NULL, now(), now(), 0, '')"
    )

    site.migrate(NEW)

    typed = "SELECT id, right(public_id::text, 3), name, comment, flags, place FROM signatures_submission ORDER BY id"
    assert sql(typed) == [
        (12, "012", "Ben", "Hello", ["link"], 1),
        (13, "013", "", "", [], 1),
        (112, "112", "Ben's firm", "", [], 2),
    ]
    assert sql("SELECT id, state, name, flags, place FROM signatures_signature ORDER BY id") == [
        (11, "approved", "Ada", ["trap"], 1),
        (14, "withdrawn", "", [], None),
    ]
    assert sql("SELECT signature_id, kind, priority FROM signatures_outboxmail") == [(12, "reminder", 4)]
    counted = (
        "SELECT state, sum(number) FROM signatures_countdelta WHERE state <> '' GROUP BY 1 HAVING sum(number) <> 0"
    )
    assert sorted(sql(counted)) == [("approved", 1), ("withdrawn", 1)]
    assert sql("SELECT nextval('signatures_signature_id_seq')")[0][0] < 11, "new numbers come from the same sequence"


def test_O8_and_back_again(site: OldSite, sql: Sql) -> None:
    add(sql, 11, "Ada", "approved", approved_on="2026-11-28")
    add(sql, 12, "Ben", "unconfirmed", flags=["link"])
    add(sql, 14, "", "withdrawn")
    before = sql("SELECT id, public_id, name, state, flags FROM signatures_signature ORDER BY id")

    site.migrate(NEW)
    site.migrate(OLD)

    assert sql("SELECT id, public_id, name, state, flags FROM signatures_signature ORDER BY id") == before
    counted = "SELECT state, sum(number) FROM signatures_countdelta GROUP BY 1 HAVING sum(number) <> 0"
    assert sorted(sql(counted)) == [("approved", 1), ("unconfirmed", 1), ("withdrawn", 1)]


def test_O8_organizations_are_counted_apart_from_what_was_signed_before(site: OldSite, sql: Sql) -> None:
    site.migrate(("campaign", "0012_slugs_stay"), ("signatures", "0019_page_language"))
    places = {"place": 1, "marks": [], "domains": [], "public_from": None}
    for number, kind in ((11, "organization"), (12, "person"), (13, "organization")):
        add(sql, number, "Ada", "waiting", kind=kind, mailbox="", network="", page_language="", spokesperson="", sheet="",
            name_key="", sort_key="", search_text="", question="", **places)  # fmt: skip
    fold_before = (
        "WITH gone AS (DELETE FROM signatures_countdelta RETURNING *) INSERT INTO signatures_countdelta"
        " (letter_id, state, visibility, flagged, country, number)"
        " SELECT letter_id, state, visibility, flagged, country, sum(number) FROM gone GROUP BY 1, 2, 3, 4, 5"
    )
    sql(fold_before)

    site.migrate(("signatures", "0025_organizations_apart"))
    site.migrate(("signatures", "0024_kind_of_counts"))
    site.migrate(("signatures", "0026_validate_kind"))  # once more, as after a lock that did not come

    cells = "SELECT kind, sum(number) FROM signatures_countdelta GROUP BY 1 ORDER BY 1"
    assert sql(cells) == [("organization", 2), ("person", 1)]
    with pytest.raises(psycopg2.errors.CheckViolation):
        sql(fold_before)  # the worker of the code before waits, and mixes nothing
    sql("DELETE FROM signatures_signature WHERE id = 11")
    assert sql(cells) == [("organization", 1), ("person", 1)]

    site.migrate(("signatures", "0019_page_language"))
    sql(fold_before)
    assert sql("SELECT sum(number) FROM signatures_countdelta") == [(2,)]


# Texts, of which any published one made a revision


DRAFT, MARKED = "draft", "authoritative"
# Number of the revision, language, title, and what more; then what the migration makes of it: number, language, title,
# whether it is authoritative.
CASES: dict[str, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]] = {
    "english-alone-corrected": (  # and the box "authoritative" not ticked again
        [(1, "en", "Bridge", MARKED), (1, "ko", "다리"), (2, "en", "Two bridges")],
        [(1, "en", "Bridge", True), (1, "ko", "다리", False), (2, "en", "Two bridges", True)],
    ),
    "korean-alone-corrected": (
        [(1, "en", "Bridge", MARKED), (1, "ko", "다리"), (2, "ko", "교량"), (2, "zh-hans", "桥", DRAFT)],
        [(1, "en", "Bridge", True), (1, "ko", "다리", False), (1, "ko", "교량", False), (1, "zh-hans", "桥", False)],
    ),
    "the-next-wording-drafted": (  # under a number that was given to Korean
        [(1, "en", "Bridge", MARKED), (2, "ko", "교량"), (2, "en", "Two bridges", DRAFT)],
        [(1, "en", "Bridge", True), (1, "ko", "교량", False), (3, "en", "Two bridges", True)],
    ),
    "korean-ticked-by-mistake-and-english-copied": (
        [(1, "en", "Bridge", MARKED), (2, "ko", "교량", MARKED), (2, "en", "Bridge"), (3, "en", "Two", MARKED)],
        [(1, "en", "Bridge", True), (2, "ko", "교량", False), (2, "en", "Bridge", True), (3, "en", "Two", True)],
    ),
    "two-drafts-of-one-language": (
        [
            (1, "en", "Bridge", MARKED),
            (2, "ko", "다리"),
            (2, "zh-hans", "桥", DRAFT),
            (3, "ko", "교량"),
            (3, "zh-hans", "大桥", DRAFT),
        ],
        [
            (1, "en", "Bridge", True),
            (1, "ko", "다리", False),
            (1, "zh-hans", "桥", False),
            (1, "ko", "교량", False),
            (4, "zh-hans", "大桥", False),
        ],
    ),
    "the-next-wording-drafted-twice": (
        [
            (1, "en", "Bridge", MARKED),
            (2, "ko", "다리"),
            (2, "en", "Two", DRAFT),
            (3, "ko", "교량"),
            (3, "en", "Three", DRAFT),
        ],
        [
            (1, "en", "Bridge", True),
            (1, "ko", "다리", False),
            (1, "ko", "교량", False),
            (4, "en", "Two", True),
            (5, "en", "Three", True),
        ],
    ),
    "nothing-marked": (
        [(1, "ko", "다리", "unofficial"), (2, "en", "Bridge")],
        [(2, "ko", "다리", False), (2, "en", "Bridge", True)],
    ),
}
STORED = (
    "SELECT number, language, title, authoritative FROM campaign_translation"
    " JOIN campaign_revision ON campaign_revision.id = revision_id JOIN campaign_letter ON campaign_letter.id = letter_id"
    " WHERE slug = %s ORDER BY number, campaign_translation.id"
)
SHOWN = """
from campaign.models import Translation
for slug in ('english-alone-corrected', 'korean-alone-corrected'):
    for code in ('en', 'ko', 'zh-hans'):
        text = Translation.objects.newest(slug, code)
        print(code, text.title, text.revision.number, *['of an earlier wording'] * bool(text.wording_day))
"""


def write(sql: Sql, slug: str, number: int, language: str, title: str, mark: str = "") -> None:
    """A text as version 0.9 stored it."""
    sql(
        "INSERT INTO campaign_letter (slug, recipient, state, moderation, goal, letterhead, created_at)"
        " VALUES (%s, 'the Minister', 'open', 'before', 0, '{}', now()) ON CONFLICT DO NOTHING",
        slug,
    )
    ((letter,),) = sql("SELECT id FROM campaign_letter WHERE slug = %s", slug)
    numbered = (
        "INSERT INTO campaign_revision (letter_id, number, created_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING"
    )
    sql(numbered, letter, number)
    sql(
        "INSERT INTO campaign_translation (revision_id, language, title, date, addressee, salutation, body, closing,"
        " signatories, authoritative, unofficial, digest, published_at)"
        " SELECT id, %s, %s, '', '', '', '', '', '[]', %s, %s, %s, CASE WHEN %s THEN clock_timestamp() END"
        " FROM campaign_revision WHERE letter_id = %s AND number = %s",
        language, title, mark == MARKED, mark == "unofficial", title, mark != DRAFT, letter, number,
    )  # fmt: skip


def test_O8_texts_that_were_corrected_alone_go_to_the_wording_that_they_translate(site: OldSite, sql: Sql) -> None:
    for table in ("letter", "revision", "translation"):  # past the numbers that the fixture gave by hand
        sql(f"SELECT setval(pg_get_serial_sequence('campaign_{table}', 'id'), 100)")
    for slug, (rows, _expected) in CASES.items():
        for row in rows:
            write(sql, slug, *row)

    site.migrate()

    assert {slug: sql(STORED, slug) for slug in CASES} == {slug: expected for slug, (_rows, expected) in CASES.items()}
    of_one = (
        "SELECT number FROM campaign_revision JOIN campaign_letter l ON l.id = letter_id WHERE slug = %s ORDER BY 1"
    )
    assert sql(of_one, "korean-alone-corrected") == [(1,), (2,)], "2 is not given again: a delivery may name it"
    assert site.run(SHOWN).splitlines() == [
        "en Two bridges 2", "ko 다리 1 of an earlier wording", "zh-hans Two bridges 2",
        "en Bridge 1", "ko 교량 1", "zh-hans Bridge 1",
    ]  # fmt: skip
    for change in ("UPDATE campaign_translation SET title = 'x'", "DELETE FROM campaign_translation"):
        with pytest.raises(psycopg2.IntegrityError):  # published texts are frozen again
            sql(change)
