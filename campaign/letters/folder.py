"""A letter as a folder of plain files: `letter.toml`, and a text for each language such as `en.md`.

The format is in docs/reference/letter-folder.md.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import tomli_w
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile

from campaign.letters.folder_files import FENCE, LETTER_FILE, ByAnyKey, NotALetter, line_of, read_file
from campaign.letters.languages import normalize
from campaign.letters.logos import read_logo
from campaign.models import Letter, Logo, PrivacyText, Translation
from campaign.models.languages import check_language

LOGO, LOGO_SUFFIXES = "logo", {".png", ".jpg", ".jpeg", ".webp"}
# What a file may hold: a type, a list of one shape, or a table of keys with theirs.
_LETTERHEAD = {
    **dict.fromkeys(("name", "telephone", "web", "board_title"), str),
    "address": [str],
    "board": [{"name": str, "office": str}],
}
_TEXT = {
    **dict.fromkeys(("title", "date", "salutation", "closing", "recipient"), str),
    "addressee": [str],
    "signatories": [{"name": str, "titles": [str]}],
    **dict.fromkeys(("authoritative", "unofficial", "publish"), bool),
}


@dataclass(frozen=True)
class TextFile:
    """The text of a letter in one language.

    Attributes:
        texts: a value for each of `Translation.TEXT_FIELDS`.
        details: those of `Translation.DETAIL_FIELDS` that the file has.
        publish: whether it says `publish = true`.
        publish_line: the line that does not say so.
    """

    language: str
    texts: dict[str, Any]
    details: dict[str, Any]
    publish: bool
    publish_line: int


@dataclass(frozen=True)
class LetterFolder:
    """What a folder holds.

    Attributes:
        fields: those fields of `Letter` that the folder has, without the slug.
        privacy: the paragraphs of `PrivacyText`, by language.
        logo: of the letterhead, not stored yet.
        ignored: the names of files that belong to no letter.
    """

    slug: str
    fields: dict[str, Any]
    privacy: dict[str, dict[str, str]]
    texts: list[TextFile]
    logo: Logo | None
    ignored: list[str]


def letter_fields() -> list[str]:
    """Returns the fields of a letter that a folder may set: those that staff may, but for its state and its slug."""
    left_out = {"id", "slug", "state"}
    return [field.name for field in Letter._meta.fields if field.editable and field.name not in left_out]


def read_folder(folder: Path) -> LetterFolder:
    """Read a folder without storing anything.

    Raises:
        NotALetter: with everything that is wrong in any of its files.
        OSError: when it cannot be read.
    """
    problems: list[str] = []
    letter = read_file(folder / LETTER_FILE, _letter_shape(), problems) or ({}, "")
    read = {path: read_file(path, _TEXT, problems) for path in sorted(folder.glob("*.md"))}
    if not read:
        problems.append(f"{folder.name}: there is no text, such as en.md.")
    codes = [_code(path.stem, path.name, problems) for path in read]
    problems += [
        f"{path.name}: another file is in this language."
        for path, code in zip(read, codes, strict=True)
        if codes.count(code) > 1
    ]
    privacy = {_code(key, LETTER_FILE, problems): words for key, words in letter[0].get("privacy", {}).items()}
    images = [path for path in sorted(folder.iterdir()) if path.stem == LOGO and path.suffix in LOGO_SUFFIXES]
    logo = _read_logo(images, problems) if images else None
    if problems:
        raise NotALetter("\n".join(problems))
    data = letter[0]
    texts = [_text_file(path, code, *file) for code, (path, file) in zip(codes, read.items(), strict=True) if file]
    known = {LETTER_FILE, *(path.name for path in (*read, *images))}
    ignored = [path.name for path in sorted(folder.iterdir()) if path.name not in known and path.name[0] != "."]
    fields = {name: data[name] for name in letter_fields() if name in data}
    return LetterFolder(data["slug"], fields, privacy, texts, logo, ignored)


def _read_logo(images: list[Path], problems: list[str]) -> Logo | None:
    if len(images) > 1:
        problems.append(f"{images[1].name}: there is a logo already, {images[0].name}.")
        return None
    try:
        return read_logo(ContentFile(images[0].read_bytes(), images[0].name))
    except ValidationError as error:
        problems.append(f"{images[0].name}: {error.message}")
        return None


def _letter_shape() -> dict[str, Any]:
    types = {"PositiveIntegerField": int, "PositiveSmallIntegerField": int, "DateTimeField": datetime}
    fields = {name: types.get(Letter._meta.get_field(name).get_internal_type(), str) for name in letter_fields()}
    paragraphs = dict.fromkeys(PrivacyText.PARAGRAPHS, str)
    return {"slug": str, **fields, "letterhead": _LETTERHEAD, "privacy": ByAnyKey(paragraphs)}


def _code(written: str, name: str, problems: list[str]) -> str:
    """Returns the code of a language in our spelling; adds a sentence to `problems` if it is none."""
    code = normalize(written)
    try:
        check_language(code)
    except ValidationError as error:
        problems.append(f"{name}: “{written}” is no language. {error.message}")
    return code


def _text_file(path: Path, language: str, data: dict[str, Any], body: str) -> TextFile:
    texts = {field: data.get(field, "") for field in ("title", "date", "salutation", "closing")}
    texts["addressee"] = "\n".join(data.get("addressee", []))
    texts["signatories"] = [
        {"name": person["name"], "titles": person.get("titles", [])} for person in data.get("signatories", [])
    ]
    texts["body"] = body
    details = {field: data[field] for field in Translation.DETAIL_FIELDS if field in data}
    publish_line = line_of(("publish",), path.read_text(encoding="utf-8-sig").splitlines()) if "publish" in data else 1
    return TextFile(language, texts, details, data.get("publish", False), publish_line)


def write_folder(letter: Letter, folder: Path) -> list[str]:
    """Write the folder of a letter as it stands: what readers see in each language, else the draft.

    Args:
        letter: the letter.
        folder: it is made; it must not hold anything.

    Returns:
        Sentences about what the folder cannot say.

    Raises:
        OSError: when it cannot be written, or holds something.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if next(folder.iterdir(), None):
        raise FileExistsError(f"{folder} is not empty.")
    fields = {name: getattr(letter, name) for name in letter_fields()}
    table = {"slug": letter.slug, **{name: value for name, value in fields.items() if value is not None}}
    if privacy := {row.language: paragraphs(row) for row in letter.privacy_texts.all()}:
        table["privacy"] = privacy
    (folder / LETTER_FILE).write_text(tomli_w.dumps(table), encoding="utf-8", newline="\n")
    if logo := Logo.objects.filter(letter=letter).first():
        (folder / f"{LOGO}.png").write_bytes(bytes(logo.png))
    texts = {text.language: text for text in Translation.objects.shown(letter.slug)}
    drafts = Translation.objects.drafts().filter(revision__letter=letter).order_by("-revision__number")
    left_out = [draft.language for draft in drafts if texts.setdefault(draft.language, draft) is not draft]
    for language, text in texts.items():
        (folder / f"{language}.md").write_text(_text_source(text), encoding="utf-8", newline="\n")
    earlier = [language for language, text in texts.items() if getattr(text, "wording_day", None)]
    is_open = letter.state in {Letter.State.OPEN, Letter.State.DRAFT}
    return [
        *([] if is_open else [f"The state, {letter.state}, is not written. Loaded elsewhere, the letter opens."]),
        *(f"{language}.md: the published text is written; its draft on the site is not." for language in left_out),
        *(f"{language}.md: it translates an earlier wording; elsewhere, the newest." for language in earlier),
    ]


def paragraphs(row: PrivacyText) -> dict[str, str]:
    return {name: getattr(row, name) for name in PrivacyText.PARAGRAPHS if getattr(row, name)}


def _text_source(text: Translation) -> str:
    values: dict[str, Any] = {name: getattr(text, name) for name in ("title", "date", "salutation", "closing")}
    values = {name: value for name, value in values.items() if value}
    values["addressee"] = text.addressee.splitlines()
    values |= {name: getattr(text, name) for name in Translation.DETAIL_FIELDS if getattr(text, name)}
    values["publish"] = text.published_at is not None
    values["signatories"] = text.signatories
    body = text.body.replace("\r\n", "\n").replace("\r", "\n").strip()
    return f"{FENCE}\n{tomli_w.dumps(values)}{FENCE}\n\n{body}\n"
