"""A run of the mirror makes the pages of names anew that can have changed, and no others."""

import random
import shutil
import statistics
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as django_settings

from campaign.letters import text_cache
from campaign.models import Letter
from signatures.models import Signature
from signatures.public_list.pagination import Page
from signatures.signing import withdrawal
from signatures.states import Kind, Visibility
from signatures.static_mirror import cutting, digests, links, render, rewriting, writers, writing
from signatures.static_mirror.cutting import ListedName
from signatures.static_mirror.names import cursor_after, listed_names
from tests.factories import make_many, make_signature

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
PREFIXES = ["", "/ko"]  # as in all languages, in a quarter of the time
DAY, NEXT_DAY = date(2026, 11, 25), date(2026, 11, 26)


@pytest.fixture(autouse=True)
def two_languages(settings: Any) -> None:
    settings.LANGUAGES = [(code, name) for code, name in settings.LANGUAGES if code in {"en", "ko"}]


@pytest.fixture
def long_list(letter: Letter) -> Letter:
    """Some ten pages of people, three of organizations, in many countries and with roles."""
    make_many(letter, 700)
    rows = Signature.objects.order_by("pk")
    for number, row in enumerate(rows[:60]):
        rows.filter(pk=row.pk).update(
            role=f"Poet & <{number}>", organization=f'Choir "{number}"', country=["KR", "FR", "TW"][number % 3]
        )
    rows.filter(pk__in=[row.pk for row in rows[60:210]]).update(kind=Kind.ORGANIZATION)
    return letter


def further_pages(folder: Path) -> dict[str, Path]:
    """Returns the pages of names after the first of each list."""
    return {str(file.relative_to(folder)): file for file in folder.rglob("after-*.html")}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "copied-on.txt"
    }


def made_anew(folder: Path, before: dict[str, int]) -> set[str]:
    return {name for name, file in further_pages(folder).items() if before.get(name) != file.stat().st_ino}


def inodes(folder: Path) -> dict[str, int]:
    return {name: file.stat().st_ino for name, file in further_pages(folder).items()}


def in_the_middle(letter: Letter) -> Signature:
    return Signature.objects.filter(letter=letter).public().listed_by_page(Kind.PERSON).newest_first()[270]


def test_a_withdrawn_name_is_gone_from_every_page_and_few_pages_are_made_anew(
    long_list: Letter, tmp_path: Path
) -> None:
    folder = tmp_path / "mirror"
    all_pages = writing.write_mirror(folder, on=DAY)
    assert all_pages.changed == all_pages.pages
    gone, before = in_the_middle(long_list), inodes(folder)
    name, public_id = gone.name.encode(), str(gone.public_id).encode()
    assert sum(name in page for page in contents(folder).values()) == len(PREFIXES)
    withdrawal.withdraw(gone)
    writing.write_mirror(folder, on=NEXT_DAY)
    assert not [file for file, page in contents(folder).items() if name in page or public_id in page]
    # Pages before it and those of organizations are the same files, and tell the day they were made on.
    assert made_anew(folder, before) and len(before) - len(made_anew(folder, before)) >= 3 * len(PREFIXES)
    assert "Nov. 25, 2026" in further_pages(folder)[max(set(before) - made_anew(folder, before))].read_text()
    assert "Nov. 26, 2026" in (folder / "letters/bridge/signatories/index.html").read_text()


def test_a_mirror_of_many_runs_is_the_one_that_is_made_at_once(long_list: Letter, tmp_path: Path) -> None:
    folder, dice = tmp_path / "mirror", random.Random(20)
    public = Signature.objects.filter(letter=long_list).public()
    for turn in range(4):
        writing.write_mirror(folder, on=DAY)
        for row in dice.sample(list(public), 3):
            withdrawal.withdraw(row)
        hidden, corrected, put_first = dice.sample(list(public), 3)
        Signature.objects.filter(pk=hidden.pk).update(visibility=Visibility.DELIVERY)
        Signature.objects.filter(pk=corrected.pk).update(name=f"Corrected {turn}")
        Signature.objects.filter(pk=put_first.pk).update(featured_position=turn + 1)
        make_signature(long_list, f"Newcomer {turn}")
        make_signature(long_list, f"New Club {turn}", kind=Kind.ORGANIZATION)
    writing.write_mirror(folder, on=DAY)
    writing.write_mirror(tmp_path / "at-once", on=DAY)
    assert contents(folder) == contents(tmp_path / "at-once")


def test_a_page_that_is_put_together_is_the_page_that_the_site_renders(
    long_list: Letter, tmp_path: Path, settings: Any
) -> None:
    folder, compared = tmp_path / "mirror", 0
    writing.write_mirror(folder, on=DAY)
    for kind in (Kind.PERSON, Kind.ORGANIZATION):
        pages = list(cutting.cut(listed_names("bridge", kind)))
        cursors = ["", *(cursor_after(page.rows[-1]) for page in pages[:-1]), ""]
        for number, page in enumerate(pages[1:], 1):
            signatures = [Signature(**row._asdict()) for row in page.rows]
            given = Page(rows=signatures, is_first=False, after=cursors[number + 1])
            for prefix in PREFIXES:
                query = f"?{'kind=organization&' if kind == Kind.ORGANIZATION else ''}after={cursors[number]}"
                address = f"{prefix}/letters/bridge/signatories/{query}"
                response = render.render_page(address, DAY, page=given)
                text, _links = rewriting.rewrite(response.content.decode(), address)
                file = links.file_for(address)
                assert file and (folder / file).read_text() == text
                compared += 1
    assert compared == len(further_pages(folder)) > 5 * len(PREFIXES)


def test_many_pages_are_written_by_several_processes(
    long_list: Letter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing.write_mirror(tmp_path / "alone", on=DAY)
    monkeypatch.setattr(writers, "FEW", 5)
    monkeypatch.setattr(writers, "BATCH", 4)
    result = writing.write_mirror(tmp_path / "together", on=DAY)
    assert contents(tmp_path / "alone") == contents(tmp_path / "together")
    assert result.pages == result.changed > 20


def templates_with(change: str, folder: Path) -> list[dict[str, Any]]:
    """Returns the setting for templates of which the list begins with other words."""
    shutil.copytree(django_settings.BASE_DIR / "templates", folder)
    page = folder / "public_list" / "list.html"
    page.write_text(page.read_text().replace('<div class="page name-list">', f'<div class="page name-list">{change}'))
    (engine,) = django_settings.TEMPLATES
    return [{**engine, "DIRS": [folder]}]


@pytest.mark.parametrize("changed", ["address of the site", "template", "code", "organization"])
def test_what_all_pages_are_made_from_makes_all_of_them_anew(
    changed: str, long_list: Letter, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mirror"
    writing.write_mirror(folder, on=DAY)
    before, old = inodes(folder), contents(folder)
    match changed:
        case "address of the site":
            settings.SITE_URL = "https://letter.example"
        case "template":
            settings.TEMPLATES = templates_with("Another word", tmp_path / "templates")
        case "code":
            monkeypatch.setattr(digests, "code_digest", lambda: "another version")
        case "organization":
            Letter.objects.filter(pk=long_list.pk).update(organization_name="Another House")
            text_cache.clear_cache()
    known = digests.read(folder)
    writing.write_mirror(folder, on=DAY)
    fingerprints = {file: made.fingerprint for file, made in digests.read(folder).items()}
    assert fingerprints and not set(fingerprints.values()) & {made.fingerprint for made in known.values()}
    if changed == "code":  # what is made anew and is the same is the same file
        assert inodes(folder) == before and contents(folder) == old
    else:
        assert made_anew(folder, before) == set(before) == set(further_pages(folder))


def test_every_file_that_a_page_can_be_made_from_is_in_the_digest_of_the_code(tmp_path: Path, settings: Any) -> None:
    settings.BASE_DIR = tmp_path
    found = set()
    for file in (
        "requirements.txt", "campaign/letters/text.py", "signatures/values/names.py", "templates/base.html",
        "campaign/locale/ko/LC_MESSAGES/django.mo",
    ):  # fmt: skip
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        for content in ("one", "other"):
            (tmp_path / file).write_text(content)
            digests.code_digest.cache_clear()
            found.add(digests.code_digest())
    digests.code_digest.cache_clear()
    assert len(found) == 10


def tampered(content: str, how: str) -> str:
    lines = content.splitlines(keepends=True)
    match how:
        case "cut short":
            return "".join(lines[: len(lines) // 2])
        case "cut within a line":
            return content[:-40]
        case "one digit changed":
            return ("1" if content[0] == "0" else "0") + content[1:]
        case "two lines exchanged":
            return "".join([lines[1], lines[0], *lines[2:]])
        case _:
            return ""


@pytest.mark.parametrize("how", ["cut short", "cut within a line", "one digit changed", "two lines exchanged", "empty"])
def test_a_list_of_digests_that_was_tampered_with_is_not_used(how: str, long_list: Letter, tmp_path: Path) -> None:
    folder, beside = tmp_path / "mirror", tmp_path / "mirror.digests"
    writing.write_mirror(folder, on=DAY)
    assert digests.read(folder)
    beside.write_text(tampered(beside.read_text(), how))
    assert digests.read(folder) == {}
    before = inodes(folder)
    writing.write_mirror(folder, on=NEXT_DAY)
    assert made_anew(folder, before) == set(before) and digests.read(folder)


def test_a_list_of_digests_of_another_run_is_not_used(long_list: Letter, tmp_path: Path) -> None:
    folder, beside = tmp_path / "mirror", tmp_path / "mirror.digests"
    writing.write_mirror(folder, on=DAY)
    gone, older, list_of_older = in_the_middle(long_list), tmp_path / "older", beside.read_bytes()
    shutil.copytree(folder, older)
    withdrawal.withdraw(gone)
    writing.write_mirror(folder, on=DAY)
    shutil.rmtree(folder)  # an older mirror is put back from a backup, without its list
    older.rename(folder)
    assert digests.read(folder) == {}
    writing.write_mirror(folder, on=DAY)
    assert not [file for file, page in contents(folder).items() if gone.name.encode() in page]
    beside.write_bytes(list_of_older)
    assert digests.read(folder) == {}
    beside.unlink()
    assert digests.read(folder) == {}


def test_a_page_that_was_tampered_with_is_made_anew(long_list: Letter, tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    writing.write_mirror(folder, on=DAY)
    whole = contents(folder)
    changed, lost, empty = sorted(further_pages(folder))[::3][:3]
    (folder / changed).write_text((folder / changed).read_text().replace("Signer", "Sinner"))
    (folder / lost).unlink()
    (folder / empty).write_bytes(b"")
    (folder / "letters/bridge/index.html").write_text("nonsense")
    writing.write_mirror(folder, on=DAY)
    assert contents(folder) == whole


def test_a_name_that_leaves_or_comes_changes_the_pages_beside_it_alone() -> None:
    dice = random.Random(21)

    def listed() -> ListedName:
        return ListedName(str(UUID(int=dice.getrandbits(128), version=4)), "Ada", "", "", "", DAY)

    rows, changed = [listed() for _row in range(20_000)], []
    pages = list(cutting.cut(rows))
    assert [row for page in pages for row in page.rows] == rows
    assert all(cutting.FEWEST <= len(page.rows) <= cutting.MOST for page in pages[:-1])
    assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]
    former = {page.digest() for page in pages}
    for place in dice.choices(range(len(rows)), k=30):
        lists = [*rows[:place], *rows[place + 1 :]], [*rows[:place], listed(), *rows[place:]]
        changed += [sum(page.digest() not in former for page in cutting.cut(others)) for others in lists]
    assert statistics.median(changed) <= 2 and max(changed) <= 20
    assert list(cutting.cut([])) == [cutting.Cut([], is_last=True)]
