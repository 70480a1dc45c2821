"""The letter: loading, publishing, revisions, history."""

import re
import threading
import unicodedata
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from campaign.letters import text
from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Revision, Translation
from tests.factories import WORDS
from tests.publish_page import publish_by_page
from tests.waiting import blocks_another, wait_until

SHIPPED = Path(__file__).resolve().parents[2] / "campaign" / "letters" / "content" / "xi-jinping-2013"
pytestmark = pytest.mark.django_db


@pytest.fixture
def shipped() -> Translation:
    call_command("load_letter", stdout=StringIO())
    return Translation.objects.get(language="en")


def test_the_shipped_letter_loads_published_and_open(shipped: Translation, client: Client) -> None:
    assert shipped.published_at is not None
    assert shipped.revision.letter.state == Letter.State.OPEN
    assert client.get("/").status_code == 200


def test_the_shipped_letter_has_the_words_of_its_source(shipped: Translation) -> None:
    assert (shipped.date, shipped.salutation, shipped.closing) == (
        "May 7, 2013",
        "Dear Mr. President,",
        "Yours sincerely,",
    )
    assert shipped.addressee == "His Excellency Xi Jinping\nPresident of The People’s Republic of China"
    kinds = [block.kind for block in text.blocks(shipped.body)]
    assert kinds == ["paragraph"] * 9 + ["list"] + ["paragraph"] * 2
    paragraphs = ["".join(span.text for line in block.lines for span in line) for block in text.blocks(shipped.body)]
    assert paragraphs[0].startswith("Our organization is composed of former U.S. government officials")
    assert "“grave, widespread and systematic human rights violations”" in paragraphs[0]
    assert "“use of torture and labor camps against …repatriated citizens” —those North Koreans" in paragraphs[1]
    assert "Second, those who cross the border for reasons of economic deprivation may qualify" in paragraphs[4], (
        "a page break falls in here"
    )
    assert (
        "“where there are substantial grounds for believing that there is a real risk of irreparable harm to the child.”"
        in paragraphs[6]
    )
    assert paragraphs[-1].endswith(
        "promoting adherence to international standards of human rights and refugee protection."
    )
    assert len(" ".join(paragraphs).split()) == 968, "as many words as the original of 7 May 2013"
    assert not any("  " in paragraph or "Connecticut" in paragraph for paragraph in paragraphs)
    components = text.blocks(shipped.body)[9].lines
    assert [line[0].text.split()[1] for line in components] == ["enactment", "review", "moratorium", "introduction"]


def test_the_original_signatories_and_the_letterhead_are_data_of_the_letter(shipped: Translation) -> None:
    assert [(person["name"], person["titles"]) for person in shipped.signatories] == [
        ("Roberta Cohen", ["Co-Chair of the Board"]),
        ("Andrew Natsios", ["Co-Chair of the Board"]),
        ("Winston Lord", ["Board Member", "Former United States Ambassador to China"]),
        ("Greg Scarlatoiu", ["Executive Director"]),
    ]
    head = shipped.revision.letter.letterhead
    assert head["name"] == "Committee for Human Rights in North Korea"
    assert (head["telephone"], head["web"], len(head["board"])) == ("(202) 499-7973", "www.hrnk.org", 23)
    assert {"name": "Gordon Flake", "office": "Co-Vice Chair"} in head["board"]


def test_page_shows_letterhead_letter_and_signatories(shipped: Translation, client: Client) -> None:
    page = client.get("/").content.decode()
    for words in (
        "Committee for Human Rights in North Korea",
        "(202) 499-7973",
        "Helen-Louise Hunter",
        "Dear Mr. President,",
        "Winston Lord",
        "Former United States Ambassador to China",
    ):
        assert words in page


def test_loading_again_changes_nothing(shipped: Translation) -> None:
    kept = set(Translation.objects.values_list("pk", "digest", "unofficial"))
    call_command("load_letter", stdout=StringIO())
    assert Translation.objects.get(language="en").pk == shipped.pk
    assert set(Translation.objects.values_list("pk", "digest", "unofficial")) == kept
    assert Revision.objects.count() == 1


def test_changed_text_becomes_a_new_revision_and_the_history_shows_the_change(
    shipped: Translation, tmp_path: Path, client: Client
) -> None:
    for file in SHIPPED.iterdir():
        (tmp_path / file.name).write_text(
            file.read_text(encoding="utf-8").replace("those who cross", "whoever crosses"), encoding="utf-8"
        )

    call_command("load_letter", tmp_path, stdout=StringIO())

    first, second = Translation.objects.filter(language="en").order_by("revision__number")
    assert (first.revision.number, second.revision.number) == (1, 2)
    assert first.digest != second.digest
    page = client.get("/letters/xi-jinping-2013/history/").content.decode()
    assert first.digest in page and second.digest in page
    assert re.search(r"<ins>[^<]*whoever crosses", page)
    assert re.search(r"<del>[^<]*those who cross", page)


def test_a_new_language_joins_the_published_revision(letter: Letter) -> None:
    korean = revise(letter, "ko", {**WORDS, "title": "다리"})
    assert korean.revision.number == 1
    assert newest_language("ko") == "en", "unpublished still"
    publish(korean)
    assert Translation.objects.newest("bridge", "ko") == korean
    assert newest_language("zh-hans") == "en", "the authoritative one where there is none"


def newest_language(language: str) -> str:
    """Returns the language of the text that readers of this language see."""
    shown = Translation.objects.newest("bridge", language)
    assert shown is not None
    return shown.language


def test_the_digest_is_of_the_canonical_form(letter: Letter) -> None:
    words = Translation.objects.get().parts()
    typed = [unicodedata.normalize("NFD", part).replace("\n", "\r\n") + "  " for part in words]
    assert text.digest(typed) == text.digest(words) == Translation.objects.get().digest
    assert text.digest([*words[:-1], "x"]) != text.digest(words)


def test_saving_a_draft_updates_its_digest(letter: Letter) -> None:
    draft = revise(letter, "ko", WORDS)
    assert draft.digest == text.digest(draft.parts())


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("One\ntwo", "<p>One two</p>"),
        ("*a* and **b**", "<p><em>a</em> and <strong>b</strong></p>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("> said", "<blockquote><p>said</p></blockquote>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("# heading", "<p># heading</p>"),
    ],
)
def test_a_small_subset_of_markdown_and_nothing_else(source: str, html: str) -> None:
    assert text.html(source) == html


@pytest.mark.parametrize(
    "head", ["words", {"name": 1}, {"board": "Ada"}, {"board": [{"office": "Chair"}]}, {"address": [1]}]
)
def test_a_letterhead_of_another_form_is_refused(letter: Letter, head: Any) -> None:
    letter.letterhead = head
    with pytest.raises(ValidationError):
        letter.full_clean()


def test_an_editor_writes_and_publishes_in_admin(editor: object, letter: Letter, client: Client) -> None:
    client.force_login(editor)  # type: ignore[arg-type]  # a User
    form = {
        **WORDS,
        "letter": letter.pk,
        "language": "en",
        "body": "Three bridges.",
        "signatories": '[{"name": "Grace", "titles": []}]',
        "authoritative": "on",
    }

    assert client.post("/admin/campaign/translation/add/", form).status_code == 302

    draft = Translation.objects.get(revision__number=2)
    assert draft.published_at is None
    publish_by_page(client, draft)
    assert "Three bridges." in client.get("/letters/bridge/").content.decode()
    assert client.post(f"/admin/campaign/translation/{draft.pk}/change/", form).status_code == 403


def test_loading_again_keeps_a_draft_that_staff_changed(shipped: Translation) -> None:
    korean = Translation.objects.get(language="ko")
    revise(korean.revision.letter, "ko", {**korean.text_values(), "title": "고쳐 쓴 제목"}, unofficial=True)
    assert "ko.md: kept as it is on the site" in loaded()
    assert Translation.objects.get(language="ko").title == "고쳐 쓴 제목"
    assert "kept" not in loaded("--overwrite"), "and what is asked for is done"
    assert Translation.objects.get(language="ko").title.startswith("중국으로")


def test_loading_again_keeps_the_next_revision_that_staff_work_on(shipped: Translation) -> None:
    draft = revise(shipped.revision.letter, "en", {**shipped.text_values(), "title": "What we write next"})
    assert "en.md: kept as it is on the site" in loaded()
    draft.refresh_from_db()
    assert (draft.title, draft.published_at, draft.revision.number) == ("What we write next", None, 2)


def loaded(*words: str) -> str:
    call_command("load_letter", *words, stdout=(said := StringIO()))
    return said.getvalue()


@pytest.mark.django_db(transaction=True)
def test_the_digest_fits_a_text_that_was_saved_while_it_was_being_published(letter: Letter) -> None:
    """Publishing waits for the other transaction, and then reads the text that was saved."""
    draft = revise(letter, "ko", WORDS)

    def publish_draft() -> None:
        publish(draft)
        connection.close()

    publishing = threading.Thread(target=publish_draft)
    with transaction.atomic():
        revise(letter, "ko", {**WORDS, "title": "다리"})
        publishing.start()
        wait_until(blocks_another, 60)
    publishing.join(10)

    draft.refresh_from_db()
    assert draft.published_at is not None and draft.title == "다리"
    assert draft.digest == text.digest(draft.parts())
