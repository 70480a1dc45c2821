"""A site that had one letter gets several, each with its own look and its addresses: with its data, forward and back."""

import psycopg2
import pytest
from psycopg2.extras import Json

from tests.migrations.old_site import OldSite

pytestmark = pytest.mark.xdist_group("migrations")
BEFORE = ("campaign", "0005_texts_by_language"), ("signatures", "0017_pepper_fingerprint")
TABLES = ("campaign_letter", "campaign_translation", "campaign_newstext", "signatures_signature",
          "signatures_submission", "signatures_delivery")  # fmt: skip
NEW_TABLES = ("campaign_letterslug", "campaign_logo", "campaign_privacytext", "campaign_loadedfolder")
DAY = "2026-11-27T12:00:00Z"
SHOWN = """
from campaign.models import Letter, Translation
from signatures.models import Delivery, Signature, Submission
for letter in Letter.objects.listed():
    print(letter.slug, letter.current_state(), letter.time_zone, letter.recipient_kind, repr(letter.organization_name))
for text in Translation.objects.shown("tunnel"):
    print(text.language, text.title)
for model in (Signature, Submission):
    print(*model.objects.values_list("name", "page_language"))
print(*Delivery.objects.values_list("number", "slug"))
"""


@pytest.fixture
def site(site_with_one_letter: OldSite) -> OldSite:
    """With a letter that people signed and that was delivered, in two languages, one of which had no code."""
    site = site_with_one_letter
    site.add("campaign_letter", id=2, slug="tunnel", recipient="the Mayor", state="open", moderation="before", goal=500)
    site.add("campaign_revision", id=2, letter_id=2, number=1)
    texts = [("en", "Tunnel", True, DAY), ("French", "Le tunnel", False, DAY), ("ko", "터널", False, None)]
    for number, (language, title, authoritative, published) in enumerate(texts, start=2):
        site.add(
            "campaign_translation", id=number, revision_id=2, language=language, title=title, closing="Yours,",
            authoritative=authoritative, published_at=published, signatories=Json([{"name": "Ana Roy", "titles": []}]),
        )  # fmt: skip
    news = site.add("campaign_news", letter_id=2, published_at=DAY)
    site.add("campaign_newstext", news_id=news, language="en", title="They read it", body="All of it.")
    signer = {"letter_id": 2, "translation_id": 2, "kind": "person", "language": "en", "visibility": "public"}
    site.add("signatures_signature", **signer, name="Ada", state="approved", address_hash=b"a" * 32, place=1,
             confirmed_at=DAY, approved_on="2026-11-27", name_key="ada", sort_key="ada")  # fmt: skip
    site.add("signatures_submission", **signer, name="Ben", address_hash=b"b" * 32, place=1)
    site.add("signatures_delivery", letter_id=2, number=1, state="frozen", reason="For the council", order="name")
    return site


def stored(site: OldSite) -> dict[str, list[dict[str, object]]]:
    """Each row as the release before has it, without what is made of its name, and anew when the rules change."""
    made = " - 'name_key' - 'search_text' - 'sort_key'"
    return {
        table: [dict(row) for (row,) in site.sql(f"SELECT to_jsonb({table}){made} FROM {table} ORDER BY id")]
        for table in TABLES
    }


def is_there(site: OldSite, *tables: str) -> list[bool]:
    return [bool(site.sql("SELECT to_regclass(%s)::text", table)[0][0]) for table in tables]


def test_O8_one_letter_becomes_one_of_several_and_nothing_that_people_wrote_changes(site: OldSite) -> None:
    before = stored(site)
    assert is_there(site, *NEW_TABLES) == [False] * 4

    site.migrate()

    for table, rows in before.items():
        for row, now in zip(rows, stored(site)[table], strict=True):
            assert row.items() <= now.items(), table
    assert site.sql("SELECT slug, letter_id FROM campaign_letterslug ORDER BY 2") == [("bridge", 1), ("tunnel", 2)]
    assert site.run(SHOWN).splitlines() == [
        "tunnel open UTC government ''",
        "en Tunnel",
        "French Le tunnel",
        "('Ada', '')",
        "('Ben', '')",
        "(1, 'tunnel')",
    ]
    valid = "SELECT convalidated FROM pg_constraint WHERE conname = 'letter_state_is_registered'"
    assert site.sql(valid) == [(True,)]
    for refused in (
        "UPDATE campaign_letter SET state = 'draft' WHERE id = 2",
        "DELETE FROM campaign_letter WHERE id = 2",
        "UPDATE campaign_letter SET state = 'unheard of' WHERE id = 1",
        "INSERT INTO campaign_letterslug VALUES ('tunnel', 1)",
        "UPDATE campaign_translation SET title = 'x' WHERE id = 2",
        "UPDATE signatures_delivery SET slug = 'x'",
    ):
        with pytest.raises(psycopg2.IntegrityError):
            site.sql(refused)


def test_O8_back_again_loses_former_addresses_and_logos_and_nothing_that_was_there_before(site: OldSite) -> None:
    before = stored(site)
    site.migrate()
    site.sql("UPDATE campaign_letter SET slug = 'underpass', state = 'archived', closes_at = now() WHERE id = 2")
    site.sql("UPDATE campaign_translation SET closing = '' WHERE id = 4")
    site.sql("UPDATE signatures_signature SET page_language = 'fr'")
    site.add("campaign_logo", letter_id=2, png=b"an image", digest="d")
    site.add("campaign_privacytext", letter_id=2, language="en", purpose="To hand it over.")
    site.add("campaign_loadedfolder", letter_id=2)

    site.migrate(*BEFORE)

    after = stored(site)
    letter = after["campaign_letter"][1]
    assert (letter["slug"], letter["state"]) == ("underpass", "closed"), "the code before knows no archived letter"
    changed = {"slug", "state", "closes_at", "closing"}
    for table, rows in before.items():
        assert [{k: v for k, v in row.items() if k not in changed} for row in rows] == [
            {k: v for k, v in row.items() if k not in changed} for row in after[table]
        ], table
    assert is_there(site, *NEW_TABLES) == [False] * 4
    site.add("campaign_letter", id=3, slug="third", recipient="the Mayor", state="draft", moderation="before")
    site.sql("UPDATE campaign_letter SET slug = 'fourth' WHERE slug = 'third'")

    site.migrate()

    current = [("bridge", 1), ("fourth", 3), ("underpass", 2)]
    assert sorted(site.sql("SELECT slug, letter_id FROM campaign_letterslug")) == current, "former ones are lost"
    assert site.sql("SELECT slug FROM signatures_delivery") == [("underpass",)], "so is the name that was delivered"
    assert site.sql("SELECT page_language FROM signatures_signature") == [("",)]
    lost = "SELECT count(*) FROM"
    assert [site.sql(f"{lost} {table}") for table in NEW_TABLES[1:]] == [[(0,)]] * 3
