"""A letter as a folder: what loading tells, what it keeps, and that an exported folder loads as what it was."""

import re
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from campaign.letters.folder import read_folder
from campaign.letters.logos import set_logo
from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Logo, PrivacyText, Translation
from signatures.models import AuditEntry
from signatures.registries import AuditAction
from tests.factories import WORDS

SHIPPED = Path(__file__).resolve().parents[2] / "campaign" / "letters" / "content" / "xi-jinping-2013"
pytestmark = pytest.mark.django_db

LETTER = """
slug = "concert-hall"
recipient = "the town council"
goal = 500
closes_at = 2030-05-01T12:00:00Z

[letterhead]
name = "Orchestre de la Rive"
address = ["1 quai du Port"]
board = [{ name = "Ana Roy", office = "Chair" }]

[privacy.fr]
purpose = "Pour remettre la lettre au conseil."
"""
TEXT = """+++
title = "A hall for our town"
date = "March 3, 2027"
addressee = ["The town council", "Town hall"]
salutation = "Dear council,"
closing = "Yours,"
authoritative = true
publish = true

[[signatories]]
name = "Ana Roy"
titles = ["Chair"]
+++

We ask for a hall.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "letter"
    folder.mkdir()
    write(folder, "letter.toml", LETTER)
    write(folder, "en.md", TEXT)
    write(folder, "ko.md", TEXT.replace("A hall for our town", "공연장").replace("authoritative = true\n", ""))
    return folder


def write(folder: Path, name: str, words: str) -> None:
    (folder / name).write_text(words, encoding="utf-8")


def replace(folder: Path, name: str, old: str, new: str) -> None:
    words = (folder / name).read_text(encoding="utf-8")
    assert old in words
    write(folder, name, words.replace(old, new))


def load(folder: Path, *words: str) -> list[str]:
    call_command("load_letter", folder, *words, stdout=(said := StringIO()))
    return said.getvalue().strip().splitlines()


def export(folder: Path, slug: str = "concert-hall") -> list[str]:
    call_command("export_letter", slug, folder, stdout=(said := StringIO()))
    return said.getvalue().splitlines()


def shown() -> dict[str, str]:
    return {text.language: text.title for text in Translation.objects.shown("concert-hall")}


def test_a_folder_becomes_a_letter_and_is_told_line_by_line(folder: Path) -> None:
    assert load(folder) == [
        "letter.toml: a new letter.",
        "letter.toml: privacy.fr.",
        "en.md: published.",
        "ko.md: published.",
        "Loaded /letters/concert-hall/",
    ]
    letter = Letter.objects.get()
    assert (letter.goal, letter.state, letter.letterhead["board"][0]["office"]) == (500, "open", "Chair")
    assert letter.closes_at is not None and letter.closes_at.year == 2030
    assert PrivacyText.objects.get().purpose.startswith("Pour remettre")
    assert load(folder) == ["Loaded /letters/concert-hall/: nothing to change"]


def test_a_dry_run_tells_the_same_and_changes_nothing(folder: Path) -> None:
    told = load(folder, "--dry-run")
    assert told[-1] == "Would load /letters/concert-hall/"
    assert not Letter.objects.exists() and not AuditEntry.objects.exists()
    assert set(load(folder)[:-1]) <= set(told[:-1])


def test_a_dry_run_shows_the_old_and_the_new_value_of_all_that_would_change(folder: Path) -> None:
    load(folder)
    replace(folder, "letter.toml", "goal = 500", "goal = 600")
    replace(folder, "letter.toml", "Ana Roy", "Ana Ray")
    replace(folder, "letter.toml", "au conseil", "au conseil municipal, avec le nombre de personnes qui l'ont signée")
    replace(folder, "en.md", "We ask for a hall.", "We ask for a new hall.\n\nSoon.")
    replace(folder, "ko.md", "Dear council,", "시의회 귀중")
    draw_logo(folder, "logo.png", "navy")
    told = load(folder, "--dry-run")
    assert "letter.toml: goal: 500 → 600" in told
    assert "ko.md: salutation: Dear council, → 시의회 귀중" in told
    assert any(re.fullmatch(r"logo: \(empty\) → [0-9a-f]{64}", line) for line in told)
    place = told.index("en.md: body:")
    assert told[place + 1 : place + 7] == [
        "    --- on the site",
        "    +++ in the folder",
        "    @@ -1 +1,3 @@",
        "    -We ask for a hall.",
        "    +We ask for a new hall.",
        "    +",
    ]
    board = told[told.index("letter.toml: letterhead:") + 4 :][:8]
    assert '    -    { name = "Ana Roy", office = "Chair" },' in board
    assert '    +    { name = "Ana Ray", office = "Chair" },' in board
    assert sum(line.startswith(("    +", "    -")) for line in board) == 2, "the database keeps an order of its own"
    assert '    -purpose = "Pour remettre la lettre au conseil."' in told
    assert not any("title" in line or "addressee" in line for line in told), "what stays is not shown"
    assert (Letter.objects.get().goal, shown()["ko"]) == (500, "공연장")


def test_a_dry_run_shows_no_value_that_would_be_kept(folder: Path) -> None:
    load(folder)
    Letter.objects.update(goal=900)
    replace(folder, "letter.toml", "goal = 500", "goal = 700")
    assert not any("900" in line for line in load(folder, "--dry-run"))
    assert "letter.toml: goal: 900 → 700" in load(folder, "--dry-run", "--overwrite")


def test_a_text_is_a_draft_until_the_folder_says_publish(folder: Path) -> None:
    replace(folder, "en.md", "publish = true\n", "")
    replace(folder, "ko.md", "publish = true", "publish = false")
    told = load(folder)
    assert "en.md:1: a draft. Only `publish = true` publishes it." in told
    assert "ko.md:7: a draft. Only `publish = true` publishes it." in told
    assert shown() == {} and Letter.objects.get().state == Letter.State.DRAFT
    replace(folder, "en.md", "authoritative = true", "authoritative = true\npublish = true")
    assert "en.md: published." in load(folder)
    assert shown() == {"en": "A hall for our town"}


def test_a_correction_that_is_not_marked_to_be_published_waits_for_staff(folder: Path) -> None:
    load(folder)
    replace(folder, "ko.md", "공연장", "음악당")
    replace(folder, "ko.md", "publish = true\n", "")
    load(folder)
    assert shown()["ko"] == "공연장"
    assert Translation.objects.drafts().get().title == "음악당"


def test_a_time_with_another_offset_is_the_same_time(folder: Path) -> None:
    replace(folder, "letter.toml", "2030-05-01T12:00:00Z", "2030-05-01T14:00:00+02:00")
    load(folder)
    assert load(folder) == ["Loaded /letters/concert-hall/: nothing to change"]
    replace(folder, "letter.toml", "2030-05-01", "2031-05-01")
    assert load(folder)[0] == "letter.toml: closes_at."


def test_a_detail_alone_is_a_correction(folder: Path) -> None:
    load(folder)
    replace(folder, "ko.md", "publish", 'recipient = "시의회"\npublish')
    assert "ko.md: published." in load(folder)
    assert [text.recipient for text in Translation.objects.shown("concert-hall")] == ["", "시의회"]


def draw_logo(folder: Path, name: str, color: str) -> None:
    Image.new("RGB", (60, 30), color).save(folder / name)


def test_a_logo_is_loaded_and_exported_with_the_letter(folder: Path, tmp_path: Path) -> None:
    draw_logo(folder, "logo.jpg", "navy")
    assert "logo." in load(folder)
    assert (Logo.objects.get().width, Logo.objects.get().height) == (60, 30)
    export(tmp_path / "out")
    assert load(tmp_path / "out") == ["Loaded /letters/concert-hall/: nothing to change"]
    draw_logo(folder, "logo.jpg", "white")
    set_logo(Letter.objects.get(), None)  # by staff
    assert "logo: kept as it is on the site; --overwrite takes the folder's." in load(folder)


def test_every_change_is_an_audit_entry(folder: Path) -> None:
    load(folder)
    publishing = [AuditAction.SET_TRANSLATION, AuditAction.PUBLISH]
    assert actions() == [AuditAction.SET_LETTER, AuditAction.SET_LETTER, *publishing, *publishing]
    replace(folder, "letter.toml", "goal = 500", "goal = 600")
    load(folder)
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.reason, entry.letter_id) == (AuditAction.SET_LETTER, "goal", Letter.objects.get().pk)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


# What staff changed on the site


def test_what_staff_changed_is_kept_and_told_unless_the_folder_is_to_overwrite_it(folder: Path) -> None:
    load(folder)
    letter = Letter.objects.get()
    Letter.objects.update(goal=900)
    publish(revise(letter, "ko", {**WORDS, "title": "직원이 고친 제목"}))
    revise(letter, "en", {**WORDS, "title": "What staff write next"})
    for old, new in (("goal = 500", "goal = 700"), ("the town council", "the council")):
        replace(folder, "letter.toml", old, new)
    replace(folder, "ko.md", "공연장", "음악당")
    kept = "kept as it is on the site; --overwrite takes the folder's."
    assert load(folder) == [
        f"letter.toml: goal: {kept}",
        "letter.toml: recipient.",
        f"en.md: {kept}",
        f"ko.md: {kept}",
        "Loaded /letters/concert-hall/",
    ]
    assert (Letter.objects.get().goal, shown()["ko"]) == (900, "직원이 고친 제목")
    replaced = "replaces what staff changed on the site."
    told = load(folder, "--overwrite", "--dry-run")
    assert {f"letter.toml: goal: {replaced}", f"en.md: {replaced}", f"ko.md: {replaced}"} < set(told)
    load(folder, "--overwrite")
    assert (Letter.objects.get().goal, shown()["ko"]) == (700, "음악당")
    assert not Translation.objects.drafts().exists(), "the draft has the folder's words, and is published"


def test_a_letter_whose_address_staff_changed_is_found_by_its_former_one(folder: Path) -> None:
    load(folder)
    Letter.objects.update(slug="a-hall")
    assert load(folder) == [
        "letter.toml: slug: kept as a-hall, as staff changed it.",
        "Loaded /letters/a-hall/: nothing to change",
    ]
    assert Letter.objects.count() == 1


# What is refused, by file and line


def refused(folder: Path) -> list[str]:
    with pytest.raises(CommandError) as caught:
        load(folder)
    assert not Letter.objects.exists()
    first, *lines = str(caught.value).splitlines()
    assert first.endswith("cannot be loaded. Nothing was changed.")
    return lines


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("letter.toml", "goal", "gaol", "letter.toml:4: “gaol” is not known here. Did you mean “goal”?"),
        ("letter.toml", "goal = 500", 'goal = "500"', "letter.toml:4: “goal” is a number."),
        ("letter.toml", "office", "ofice", "letter.toml:10: “ofice” is not known here. Did you mean “office”?"),
        ("letter.toml", "purpose", "porpose", "letter.toml:13: “porpose” is not known here. Did you mean “purpose”?"),
        ("letter.toml", 'slug = "concert-hall"', "", "letter.toml:1: “slug” is missing."),
        ("letter.toml", "goal = 500", "goal =", "letter.toml:4: Invalid value."),
        ("letter.toml", "goal = 500", "goal = -5", "letter.toml: goal: Ensure this value is greater than or equal to 0."),
        ("letter.toml", "goal = 500", 'time_zone = "Europe/Pariss"', "letter.toml: time_zone: There is no such time zone."),
        ("letter.toml", "goal = 500", 'accent_color = "#ffff00"', "letter.toml: accent_color: Words in this color can"),
        ("letter.toml", '"the town council"', '"the\\ntown"', "letter.toml: recipient: Write it on one line."),
        ("letter.toml", "12:00:00Z", "12:00:00", "letter.toml:5: “closes_at” needs its offset, such as 2030-05-01T12:00:00Z."),
        ("letter.toml", '"concert-hall"', '"concert hall"', "letter.toml: slug: Enter a valid “slug”"),
        ("en.md", "titles", "title", "en.md:12: “title” is not known here. Did you mean “titles”?"),
        ("en.md", "publish = true", "published = true", "en.md:8: “published” is not known here. Did you mean “publish”?"),
        ("en.md", "publish = true", 'publish = "yes"', "en.md:8: “publish” is true or false."),
        ("en.md", '["The town council", "Town hall"]', '"The council"', "en.md:4: “addressee” is a list in square"),
        ("en.md", "+++\n", "---\n", "en.md:1: a text begins with its data between two lines of +++."),
        ("en.md", "March 3, 2027", "March " * 20, "en.md: date: Ensure this value has at most 50 characters"),
        ("en.md", "publish", "unofficial = true\npublish", "en.md: An authoritative text cannot be an unofficial"),
        ("ko.md", "publish", "authoritative = true\npublish", "ko.md: The authoritative text of this letter is the one"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_file_and_line_and_nothing_is_stored(
    folder: Path, file: str, old: str, new: str, sentence: str
) -> None:
    replace(folder, file, old, new)
    assert sentence in "\n".join(refused(folder))


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    replace(folder, "letter.toml", "goal", "gaol")
    replace(folder, "en.md", "closing", "closign")
    assert [line.partition(" ")[0] for line in refused(folder)] == ["letter.toml:4:", "en.md:6:"]


@pytest.mark.parametrize("content", [b"\xff\xfe+\x00+\x00", b"+++\n\x00\n+++\n", None])
def test_a_file_that_is_no_text_is_refused(folder: Path, content: bytes | None) -> None:
    (folder / "fr.md").mkdir() if content is None else (folder / "fr.md").write_bytes(content)
    assert refused(folder) == ["fr.md: this is no text in UTF-8."]


def test_a_folder_without_a_letter_or_a_text_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path)[0] == "letter.toml: the file is missing."
    assert "there is no text, such as en.md" in refused(tmp_path)[1]


def test_a_logo_that_is_no_image_is_refused(folder: Path) -> None:
    write(folder, "logo.png", "<svg/>")
    assert refused(folder) == ["logo.png: This is an SVG file. Those can hold scripts: please save the image as PNG."]
    draw_logo(folder, "logo.png", "navy")
    draw_logo(folder, "logo.webp", "navy")
    assert refused(folder) == ["logo.webp: there is a logo already, logo.png."]


def test_a_file_of_another_kind_is_told_and_left_alone(folder: Path) -> None:
    write(folder, "fr.txt", "Bonjour")
    assert load(folder)[0].startswith("fr.txt: not read.")


@pytest.mark.parametrize("name", ["letter.toml", "en.md"])
def test_a_byte_order_mark_and_the_row_ends_of_windows_change_nothing(folder: Path, name: str) -> None:
    load(folder)
    words = (folder / name).read_text(encoding="utf-8").replace("\n", "\r\n")
    (folder / name).write_bytes(b"\xef\xbb\xbf" + words.encode())
    assert load(folder) == ["Loaded /letters/concert-hall/: nothing to change"]


# And out again


def test_an_exported_folder_is_the_one_that_was_loaded(folder: Path, tmp_path: Path) -> None:
    load(folder)
    assert export(tmp_path / "out") == [f"Written to {tmp_path / 'out'}"]
    assert load(tmp_path / "out") == ["Loaded /letters/concert-hall/: nothing to change"]
    before, after = (read_folder(each) for each in (folder, tmp_path / "out"))
    assert [text.texts for text in after.texts] == [text.texts for text in before.texts]
    assert before.fields.items() <= after.fields.items() and before.privacy == after.privacy
    assert files(tmp_path / "out") == exported_elsewhere(tmp_path)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def exported_elsewhere(tmp_path: Path) -> dict[str, bytes]:
    """Load what was exported where the letter is not known, and export it again."""
    Letter.objects.update(slug="moved", state=Letter.State.CLOSED)
    source = Path(shutil.copytree(tmp_path / "out", tmp_path / "copy"))
    replace(source, "letter.toml", "concert-hall", "elsewhere")
    load(source)
    export(tmp_path / "again", "elsewhere")
    replace(tmp_path / "again", "letter.toml", "elsewhere", "concert-hall")
    return files(tmp_path / "again")


def test_what_was_typed_on_the_site_is_exported_with_plain_row_ends(folder: Path, tmp_path: Path) -> None:
    load(folder)
    typed = {**WORDS, "addressee": "The council\r\nTown hall", "body": "One.\r\n\r\nTwo “three”.\r\n"}
    publish(revise(Letter.objects.get(), "ko", typed))
    export(tmp_path / "out")
    assert b"\r" not in (tmp_path / "out" / "ko.md").read_bytes()
    assert load(tmp_path / "out") == ["Loaded /letters/concert-hall/: nothing to change"]


def test_drafts_are_exported_as_drafts(folder: Path, tmp_path: Path) -> None:
    load(folder)
    revise(Letter.objects.get(), "zh-hans", WORDS)
    revise(Letter.objects.get(), "ko", {**WORDS, "title": "다음"})
    told = export(tmp_path / "out")
    assert told[0] == "ko.md: the published text is written; its draft on the site is not."
    texts = {text.language: text.publish for text in read_folder(tmp_path / "out").texts}
    assert texts == {"en": True, "ko": True, "zh-hans": False}


def test_an_export_says_that_the_state_is_not_in_it(folder: Path, tmp_path: Path) -> None:
    load(folder)
    Letter.objects.update(state=Letter.State.PAUSED)
    assert export(tmp_path / "out")[0] == "The state, paused, is not written. Loaded elsewhere, the letter opens."


def test_an_export_overwrites_no_file(folder: Path) -> None:
    load(folder)
    before: Any = files(folder)
    with pytest.raises(CommandError, match="is not empty"):
        export(folder)
    assert files(folder) == before
    with pytest.raises(CommandError, match="no letter with the slug"):
        export(folder, "another")


def test_the_shipped_folder_publishes_the_english_text_and_no_translation(tmp_path: Path) -> None:
    told = load(SHIPPED)
    assert [line for line in told if "published" in line] == ["en.md: published."]
    assert sum("a draft" in line for line in told) == 3
    export(tmp_path / "out", "xi-jinping-2013")
    assert load(tmp_path / "out")[-1] == "Loaded /letters/xi-jinping-2013/: nothing to change"
