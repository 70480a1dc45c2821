"""Each language stands for itself: what readers see when one language is corrected, or the letter gets a new wording."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from campaign.letters import text_cache
from campaign.letters.publishing import Refused, publish, revise
from campaign.models import Letter, Translation
from campaign.web import middleware
from signatures.models import Signature, Submission
from signatures.values import tokens
from tests.delivery.factories import make_delivery
from tests.factories import LETTERHEAD, WORDS, make_submission
from tests.publish_page import publish_by_page

LANGUAGES = {"en": "", "ko": "/ko", "zh-hant": "/zh-hant"}
TITLES = {"en": WORDS["title"], "ko": "다리에 관한 편지", "zh-hant": "關於橋樑的信"}
GRACE = '[{"name": "Grace Hopper", "titles": []}]'
CORRECTED = "교량에 관한 편지"
FRONT, EMBED, API, HISTORY = "/", "/letters/bridge/embed/", "/api/v1/letters/bridge/", "/letters/bridge/history/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def translated(letter: Letter) -> Letter:
    """A letter in English, which is authoritative, and in two translations."""
    for language in ("ko", "zh-hant"):
        publish_text(letter, language, title=TITLES[language])
    return letter


def publish_text(letter: Letter, language: str, **changed: Any) -> Translation:
    text = revise(letter, language, {**WORDS, **changed})
    publish(text)
    forget_pages()
    return text


@contextmanager
def on_day(day: int) -> Iterator[None]:
    """Run on a day of May 2027."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: datetime(2027, 5, day, 12, tzinfo=UTC))
        yield


def forget_pages() -> None:
    text_cache.clear_cache()
    middleware.page_cache.clear()


def page(client: Client, address: str) -> str:
    return html.unescape(client.get(address).content.decode())


def text_digests(client: Client) -> dict[str, str]:
    """The digest in the form of each language: of the text that somebody signs there."""
    found = {
        code: re.findall(r'name="text" value="(\w{64})"', page(client, prefix + FRONT))
        for code, prefix in LANGUAGES.items()
    }
    return {code: digest for code, (digest,) in found.items()}


# A corrected translation, published alone


def in_admin(letter: Letter, tmp_path: Path, client: Client) -> None:
    form = {**WORDS, "letter": letter.pk, "language": "ko", "title": CORRECTED, "signatories": GRACE}
    assert client.post("/admin/campaign/translation/add/", form).status_code == 302
    draft = Translation.objects.get(published_at=None)
    publish_by_page(client, draft)


def by_folder(letter: Letter, tmp_path: Path, client: Client) -> None:
    write_folder(tmp_path, titles={**TITLES, "ko": CORRECTED})
    call_command("load_letter", tmp_path, overwrite=True, stdout=StringIO())


def write_folder(folder: Path, *, titles: dict[str, str]) -> None:
    head = 'slug = "bridge"\nrecipient = "the Minister of Bridges"\ngoal = 1000\n[letterhead]\n'
    (folder / "letter.toml").write_text(f'{head}name = "{LETTERHEAD["name"]}"\n', encoding="utf-8")
    for language, title in titles.items():
        lines = [f'{field} = "{WORDS[field]}"' for field in ("date", "salutation", "closing")] + [
            f'title = "{title}"',
            "publish = true",
            'addressee = ["Her Excellency the Minister", "Ministry of Bridges"]',
        ]
        lines += ["authoritative = true"] * (language == "en")
        lines += ["[[signatories]]", 'name = "Grace Hopper"', 'titles = ["Chair", "Former Admiral"]']
        (folder / f"{language}.md").write_text(
            "\n".join(["+++", *lines, "+++", "", WORDS["body"], ""]), encoding="utf-8"
        )


@pytest.mark.parametrize("correct", [in_admin, by_folder])
def test_a_corrected_translation_replaces_only_itself(
    client: Client, translated: Letter, editor: Any, tmp_path: Path, correct: Any
) -> None:
    before, api = text_digests(client), client.get(API).json()
    staff = Client()
    staff.force_login(editor)

    correct(translated, tmp_path, staff)
    forget_pages()

    after = text_digests(client)
    assert {code for code in LANGUAGES if after[code] != before[code]} == {"ko"}
    assert CORRECTED in page(client, "/ko/") and TITLES["ko"] not in page(client, "/ko/")
    for code in ("en", "zh-hant"):
        for address in (FRONT, EMBED):
            shown = page(client, LANGUAGES[code] + address)
            assert TITLES[code] in shown and CORRECTED not in shown, (code, address)
    assert CORRECTED in page(client, f"/ko{EMBED}")
    assert client.get(API).json() == api, "the title, and the number of the wording"
    assert not any(text.wording_day for text in Translation.objects.shown("bridge"))  # type: ignore[attr-defined]


def test_a_translation_is_corrected_as_often_as_needed_and_stays_in_its_revision(translated: Letter) -> None:
    for title in ("하나", "둘", "셋"):
        corrected = publish_text(translated, "ko", title=title)
        assert corrected.revision.number == 1
        assert Translation.objects.newest("bridge", "ko") == corrected
    assert translated.revisions.count() == 1


# A new wording


def test_a_new_wording_leaves_translations_readable_and_marks_them_until_they_are_published_again(
    client: Client, letter: Letter
) -> None:
    with on_day(2):
        publish_text(letter, "en", body="We ask for two bridges.")
        publish_text(letter, "ko", title=TITLES["ko"])
    assert "2027년 5월 2일" not in page(client, "/ko/")

    with on_day(3):
        publish_text(letter, "en", body="We ask for three bridges.")

    assert "three bridges" in page(client, "/")
    marked = page(client, "/ko/")
    assert TITLES["ko"] in marked, "still to be read, and signed"
    note = re.search(r'<p class="language-note">.*?</p>', marked, re.DOTALL)
    assert note and "2027년 5월 2일" in note[0], "the day of the wording that it translates"
    assert 'hreflang="en"' in note[0], "with a link to the newest wording"
    assert text_digests(client)["ko"] == Translation.objects.get(language="ko").digest

    with on_day(4):
        publish_text(letter, "ko", title=CORRECTED)
    assert "2027년 5월 2일" not in page(client, "/ko/")


def test_correcting_a_translation_of_an_earlier_wording_does_not_hide_that(client: Client, translated: Letter) -> None:
    first = translated.revisions.get()
    publish_text(translated, "en", body="We ask for two bridges.")
    publish(revise(translated, "ko", {**WORDS, "title": CORRECTED}, revision=first))
    forget_pages()
    shown = Translation.objects.shown("bridge")
    assert {text.language: bool(text.wording_day) for text in shown} == {"en": False, "ko": True, "zh-hant": True}  # type: ignore[attr-defined]


def test_a_copy_of_a_translation_can_be_published_for_the_new_wording(client: Client, translated: Letter) -> None:
    publish_text(translated, "en", body="We ask for two bridges.")
    newest = translated.revisions.get(number=2)
    publish(revise(translated, "ko", {**WORDS, "title": TITLES["ko"]}, revision=newest))
    forget_pages()
    assert {text.language: bool(text.wording_day) for text in Translation.objects.shown("bridge")}["ko"] is False  # type: ignore[attr-defined]
    assert [text.digest for text in Translation.objects.of_language(translated, "ko")] == [
        text_digests(client)["ko"]
    ] * 2


def test_a_wording_that_returns_to_former_words_needs_no_mark(client: Client, translated: Letter) -> None:
    publish_text(translated, "en", body="We ask for two bridges.")
    publish_text(translated, "en")
    shown = Translation.objects.shown("bridge")
    assert not any(text.wording_day for text in shown)  # type: ignore[attr-defined]


def test_loading_a_folder_with_a_new_wording_does_not_claim_that_translations_follow_it(
    client: Client, translated: Letter, tmp_path: Path
) -> None:
    write_folder(tmp_path, titles={**TITLES, "en": "A second letter"})
    call_command("load_letter", tmp_path, overwrite=True, stdout=StringIO())
    assert [text.revision.number for text in Translation.objects.shown("bridge")] == [2, 1, 1]
    assert Translation.objects.count() == 4


# The history


def test_the_history_tells_what_changed_and_when(client: Client, letter: Letter) -> None:
    with on_day(2):
        publish_text(letter, "ko", title=TITLES["ko"])
    with on_day(3):
        publish_text(letter, "ko", title=CORRECTED)
        publish_text(letter, "en", body="We ask for two bridges.")
        newest = letter.revisions.get(number=2)
    with on_day(4):
        publish(revise(letter, "ko", {**WORDS, "title": CORRECTED}, revision=newest))

    shown = re.split(r'<section class="revision">', page(client, HISTORY))[1:]

    copy, wording, corrected, first = [re.sub(r"\s+", " ", section) for section in shown][:4]
    assert "Revision 2 (Korean)" in copy and "Published May 4, 2027" in copy
    assert "No word differs from the text that was published on May 3, 2027." in copy
    assert "It translates the wording of May 3, 2027." in copy
    assert "Revision 2 (English)" in wording and "<ins>We ask for two bridges.</ins>" in wording
    assert "Revision 1 (Korean)" in corrected and "Published May 3, 2027" in corrected
    assert f"<del>{TITLES['ko']}</del>" in corrected and f"<ins>{CORRECTED}</ins>" in corrected
    assert "The first text in this language." in first and "Published May 2, 2027" in first
    assert page(client, HISTORY).count("The first text in this language.") == 2, (
        "of English and of Korean, never of a copy"
    )


def test_the_history_names_the_letter_in_the_language_of_the_page(client: Client, translated: Letter) -> None:
    for code, prefix in LANGUAGES.items():
        title = re.search(r"<title>(.*?)</title>", page(client, prefix + HISTORY), re.DOTALL)
        assert title and TITLES[code] in title[1]


# Who signs


def test_who_has_an_old_text_open_gets_the_new_one_of_their_language_with_their_words_kept(
    client: Client, translated: Letter, form: dict[str, str]
) -> None:
    open_pages = text_digests(client)
    corrected = publish_text(translated, "ko", title=CORRECTED)

    answer = client.post("/ko/letters/bridge/sign/", {**form, "text": open_pages["ko"], "comment": "kept as typed"})
    shown = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert CORRECTED in shown and corrected.digest in shown and "kept as typed" in shown and TITLES["en"] not in shown
    assert client.post("/ko/letters/bridge/sign/", {**form, "text": corrected.digest}).status_code == 303
    assert Submission.objects.get().translation == corrected

    for code in ("en", "zh-hant"):
        address = f"{LANGUAGES[code]}/letters/bridge/sign/"
        assert (
            client.post(address, {**form, "email": f"{code}@example.org", "text": open_pages[code]}).status_code == 303
        )


def test_a_signature_keeps_the_digest_of_the_text_that_was_read(client: Client, translated: Letter) -> None:
    ben = make_submission(translated, "Ben", language="ko")
    link = f"/ko/signature/{tokens.personal_token(ben.public_id)}/"
    read = text_digests(client)["ko"]
    words = {"name": "Ben", "visibility": "public", "consent": "on", "action": "confirm"}
    assert client.post(link, {**words, "text": read}).status_code == 303
    publish_text(translated, "ko", title=CORRECTED)
    publish_text(translated, "en", body="We ask for two bridges.")

    signature = Signature.objects.get()
    assert (signature.translation.language, signature.translation.digest) == ("ko", read)
    assert client.post(link, {"action": "data"}).json()["text"] == {"revision": 1, "language": "ko", "sha256": read}


def test_who_confirms_after_a_correction_reads_the_new_text_of_their_language_first(
    client: Client, translated: Letter
) -> None:
    ben = make_submission(translated, "Ben", language="ko")
    link = f"/ko/signature/{tokens.personal_token(ben.public_id)}/"
    words = {"name": "Benjamin", "visibility": "public", "consent": "on", "action": "confirm"}
    read = text_digests(client)["ko"]
    corrected = publish_text(translated, "ko", title=CORRECTED)

    answer = client.post(link, {**words, "text": read})
    shown = html.unescape(answer.content.decode())
    assert answer.status_code == 422 and "Benjamin" in shown and CORRECTED in shown
    assert client.post(link, {**words, "text": corrected.digest}).status_code == 303
    assert Signature.objects.get().translation == corrected


def test_a_delivery_keeps_its_texts(translated: Letter, ada: Signature) -> None:
    delivery = make_delivery(translated)
    frozen = [(text["language"], text["revision"], text["digest"]) for text in delivery.texts]
    assert [language for language, _revision, _digest in frozen] == ["en", "ko", "zh-hant"]
    publish_text(translated, "ko", title=CORRECTED)
    publish_text(translated, "en", body="We ask for two bridges.")

    delivery.refresh_from_db()
    assert [(text["language"], text["revision"], text["digest"]) for text in delivery.texts] == frozen
    stored = [Translation.objects.get(pk=text["translation"]).digest for text in delivery.texts]
    assert stored == [digest for _language, _revision, digest in frozen], "nothing that it names has changed"
    later = make_delivery(translated)
    assert [(text["language"], text["revision"]) for text in later.texts] == [
        ("en", 1), ("ko", 1), ("ko", 1), ("zh-hant", 1), ("en", 2),
    ]  # fmt: skip


# What is refused


def test_a_letter_has_one_authoritative_language(
    client: Client, translated: Letter, editor: Any, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="the language en"):
        revise(translated, "ko", {**WORDS, "title": CORRECTED}, authoritative=True)
    client.force_login(editor)
    form = {**WORDS, "letter": translated.pk, "language": "ko", "signatories": GRACE, "authoritative": "on"}
    answer = client.post("/admin/campaign/translation/add/", form)
    assert answer.status_code == 200 and "The authoritative language of this letter is en." in answer.content.decode()

    write_folder(tmp_path, titles=TITLES)
    korean = (tmp_path / "ko.md").read_text(encoding="utf-8").replace("date =", "authoritative = true\ndate =")
    (tmp_path / "ko.md").write_text(korean.replace(TITLES["ko"], CORRECTED), encoding="utf-8")
    with pytest.raises(CommandError, match=r"ko\.md: The authoritative text of this letter"):
        call_command("load_letter", tmp_path, overwrite=True)
    assert translated.revisions.count() == 1


def test_a_text_in_the_authoritative_language_is_a_wording_whether_it_is_marked_or_not(translated: Letter) -> None:
    text = publish_text(translated, "en", body="We ask for two bridges.")
    assert text.authoritative and text.revision.number == 2


def test_a_translation_is_published_after_its_wording(client: Client, translated: Letter, editor: Any) -> None:
    wording = revise(translated, "en", {**WORDS, "body": "We ask for two bridges."})
    korean = revise(translated, "ko", {**WORDS, "title": CORRECTED}, revision=wording.revision)
    with pytest.raises(Refused, match="authoritative text first"):
        publish(korean)
    client.force_login(editor)
    assert "authoritative text first" in publish_by_page(client, korean).content.decode()
    publish_by_page(client, korean, wording)
    assert [text.revision.number for text in Translation.objects.shown("bridge")] == [2, 2, 1]


def test_a_translation_of_an_earlier_wording_does_not_replace_one_of_a_newer(translated: Letter) -> None:
    first = translated.revisions.get()
    publish_text(translated, "en", body="We ask for two bridges.")
    publish_text(translated, "ko", title="새 편지")
    earlier = revise(translated, "ko", {**WORDS, "title": CORRECTED}, revision=first)
    with pytest.raises(Refused, match="a newer wording already"):
        publish(earlier)


def test_an_editor_chooses_a_wording_of_the_same_letter(client: Client, translated: Letter, editor: Any) -> None:
    other = Letter.objects.create(slug="tunnel", recipient="the Minister of Tunnels")
    wording = revise(other, "en", WORDS, authoritative=True)
    client.force_login(editor)
    form = {**WORDS, "letter": translated.pk, "language": "ko", "signatories": GRACE, "wording": wording.pk}
    answer = client.post("/admin/campaign/translation/add/", form)
    assert answer.status_code == 200 and "Please choose a wording of this letter." in answer.content.decode()
