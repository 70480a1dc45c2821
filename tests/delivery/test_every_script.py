"""A name in any script is set in the typeface of the table, and a letter for which there is none is told beforehand."""

import os
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from fontTools.ttLib import TTFont
from fontTools.unicodedata import script
from pypdf import PdfReader

from campaign.models import Letter
from signatures.delivery import looks, pdf
from signatures.delivery.pdf import Counts, Entry, LetterData, Letterhead, Survey, fonts, glyphs
from signatures.management.commands import worker
from signatures.models import Delivery
from signatures.signing import withdrawal
from signatures.values import names
from tests.factories import make_signature

NAMES = {
    "Latn": "Björk Guðmundsdóttir", "Grek": "Δημήτρης Παπαδόπουλος", "Cyrl": "Юлия Иванова", "Armn": "Անի Հարությունյան",
    "Geor": "გიორგი", "Hebr": "שרה כהן", "Arab": "نرگس محمدی", "Syrc": "ܝܘܚܢܢ ܒܪ ܥܒܕܝܫܘܥ", "Thaa": "އަލީ ރަޝީދު",
    "Ethi": "አበበ ቢቂላ", "Deva": "नरेन्द्र शर्मा", "Beng": "রবীন্দ্রনাথ", "Guru": "ਗੁਰਪ੍ਰੀਤ", "Gujr": "નરસિંહ", "Orya": "ଜଗନ୍ନାଥ",
    "Taml": "முருகன்", "Telu": "రామారావు", "Knda": "ಕುವೆಂಪು", "Mlym": "ശങ്കരൻ", "Sinh": "මහින්ද", "Thai": "สมชาย ใจดี",
    "Laoo": "ສົມພອນ", "Tibt": "བསྟན་འཛིན་རྒྱ་མཚོ", "Mymr": "အောင်ဆန်းစုကြည်", "Khmr": "សុខ សុភាព", "Mong": "ᠪᠠᠲᠤ ᠮᠥᠩᠬᠡ",
    "Hang": "김철수", "Hira": "たなか", "Kana": "ヤマダ タロウ", "Bopo": "ㄨㄤˊ", "Hani": "𠮷野家", "Nkoo": "ߛߏߟߏߡߊߣߊ߫ ߞߊ߲ߕߍ߫",
    "Adlm": "𞤀𞤦𞤣𞤵𞤤𞤢𞤴𞤫 𞤄𞤢𞤪𞤪𞤭", "Cher": "ᎠᏂᎦᏚᏩᎩ", "Tfng": "ⵉⴷⵔ", "Yiii": "ꆈꌠꁱꂷ", "Lisu": "ꓡꓲ-ꓢꓴ", "Java": "ꦗꦮꦶꦫꦤꦠ",
    "Mtei": "ꯃꯩꯇꯩ", "Cans": "ᓄᓇᕗᑦ", "Bali": "ᬩᬮᬶ", "Olck": "ᱥᱟᱱᱛᱟᱲᱤ", "Vaii": "ꕙꔤ", "Cakm": "𑄌𑄋𑄴𑄟𑄳𑄦", "Newa": "𑐣𑐾𑐥𑐵𑐮",
    "Rohg": "𐴌𐴗𐴥𐴝", "Osge": "𐓏𐓘𐓻𐓘𐓻𐓟", "Talu": "ᦺᦑᦟᦹᧉ", "Tale": "ᥖᥭᥰ", "Lana": "ᨲᩫ᩠ᩅᨾᩮᩬᩥᨦ", "Plrd": "𖼀𖽑", "Hmnp": "𞄀𞄄𞄰",
    "Sund": "ᮞᮥᮔ᮪ᮓ", "Bugi": "ᨅᨔ", "Limb": "ᤛᤡᤖᤡ", "Lepc": "ᰛᰩᰵ", "Sylo": "ꠍꠤꠟꠐꠤ", "Phag": "ꡏꡡꡃ", "Copt": "ⲙⲁⲣⲕⲟⲥ",
}  # fmt: skip
WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = LetterData(
    title="A letter",
    language="en",
    addressee=["The Mayor"],
    blocks=[],
    letterhead=Letterhead("Friends", "", "", "", []),
)


def family_of(char: str, looked_up: glyphs.Glyphs) -> str:
    rank = looked_up.rank(char)
    return looked_up.families[rank] if rank < glyphs.NO_FAMILY else ""


@pytest.fixture(scope="module")
def looked_up() -> glyphs.Glyphs:
    if not fonts.system_folders() and os.environ.get("REQUIRE_PROGRAMS") != "1":
        pytest.skip("no fonts on this machine: apt-get install fonts-noto-core fonts-noto-cjk")
    faces = fonts.faces_at_hand(())
    return glyphs.Glyphs(fonts.by_preference(faces, "en"), faces, han="en")


@pytest.mark.parametrize("code", NAMES)
def test_E14_each_letter_is_drawn_by_the_family_that_the_table_names_for_its_script(
    code: str, looked_up: glyphs.Glyphs
) -> None:
    letters = [char for char in NAMES[code] if unicodedata.category(char)[0] == "L"]
    assert letters and {script(char) for char in letters} <= {code, "Zyyy", "Hira"}
    for char in letters:
        if script(char) == code:
            family = family_of(char, looked_up)
            assert family, f"no font at hand has {char}: install fonts-noto-core and fonts-noto-cjk"
            assert any(family == one or family.startswith(f"{one} ") for one in fonts.families_of(code)), family


def test_E14_a_document_with_a_name_in_each_script_embeds_each_family_and_misses_no_glyph(
    tmp_path: Path, looked_up: glyphs.Glyphs
) -> None:
    out = tmp_path / "scripts.pdf"
    report = pdf.write(
        LETTER, map(Entry, NAMES.values()), counts=Counts(len(NAMES), len(NAMES), 0), out=out, timestamp=WHEN
    )
    assert report.missing == [] and report.standards == ["ua-1", "a-2a"]
    embedded = " ".join(
        str(font["/BaseFont"])
        for page in PdfReader(out).pages
        for font in (page["/Resources"].get_object().get("/Font") or {}).values()  # type: ignore[union-attr]  # always a dictionary
        for font in [font.get_object()]
    )
    for family in {family_of(name[0], looked_up) for name in NAMES.values()}:
        path, index = min(looked_up.faces[family])
        with TTFont(path, fontNumber=index, lazy=True) as font:
            shown = font["name"].getDebugName(6).partition("-")[0]
        assert shown in embedded, f"{family} is not in the file"


def test_no_script_is_set_in_rashi_or_kufi(looked_up: glyphs.Glyphs) -> None:
    assert not {"Noto Rashi Hebrew", "Noto Kufi Arabic", "Noto Nastaliq Urdu"} & set(looked_up.families)


def test_a_folder_of_the_operator_goes_before_all_others(tmp_path: Path) -> None:
    (path, _index) = min(fonts.faces_at_hand(())["Noto Sans Hebrew"])
    copy = tmp_path / "Own.ttf"
    copy.write_bytes(Path(path).read_bytes())
    assert {face[0] for face in fonts.faces_at_hand((tmp_path,))["Noto Sans Hebrew"]} == {str(copy)}


def test_a_mark_that_another_family_has_too_is_drawn_with_its_letter(tmp_path: Path) -> None:
    """Noto Sans has the dots over a Syriac plural, and no Syriac letter."""
    report = pdf.write(LETTER, [Entry("ܡܠܟ̈ܐ")], counts=Counts(1, 1, 0), out=tmp_path / "x.pdf", timestamp=WHEN)
    assert report.missing == [] and report.standards


@pytest.mark.parametrize(
    ("language", "country", "shapes"),
    [
        ("en", "JP", ["ja", "JP"]), ("en", "TW", ["zh", "TW"]), ("en", "HK", ["zh", "HK"]), ("fr", "MO", ["zh", "HK"]),
        ("en", "KR", ["ko", "KR"]), ("en", "CN", []), ("en", "", []), ("zh-hans", "JP", []), ("ja", "TW", ["ja", "JP"]),
    ],
)  # fmt: skip
def test_han_characters_have_the_shapes_of_the_page_and_else_of_the_signers_country(
    looked_up: glyphs.Glyphs, language: str, country: str, shapes: list[str]
) -> None:
    assert looked_up.han_language("直樹", language, country) == (shapes if shapes != ["zh", "CN"] else [])


def test_what_no_font_draws_is_told_with_its_script_and_the_package_that_helps() -> None:
    survey = Survey()
    survey.faces = {
        name: faces for name, faces in survey.faces.items() if name.startswith(("Noto Sans CJK", "Noto Sans"))
    }
    without = {
        name: faces for name, faces in survey.faces.items() if name not in {"Noto Sans Cherokee", "Noto Serif Tibetan"}
    }
    survey.faces, survey.glyphs = without, glyphs.Glyphs(fonts.by_preference(without, ""), without, han="")
    for name in ("ᎠᏂᎦᏚᏩᎩ", "ᎠᏂ", "བསྟན", "𪜀", "𞊐𞊒", "Ada"):
        survey.look_at(Entry(name))
    found = [(boxed.script, boxed.package, boxed.names, boxed.examples[0]) for boxed in survey.boxed]
    assert found == [
        ("Cherokee", "fonts-noto-core", 2, "ᎠᏂᎦᏚᏩᎩ"),
        ("Han", "fonts-hanazono", 1, "𪜀"),
        ("Tibetan", "fonts-noto-core", 1, "བསྟན"),
        ("Toto", "", 1, "𞊐𞊒"),
    ]


def test_a_pile_of_accents_is_told_apart_from_a_missing_font() -> None:
    survey = Survey()
    survey.look_at(Entry("Z" + "\u0301" * 60))
    (boxed,) = survey.boxed
    assert boxed.is_drawable and boxed.package == "" and boxed.sorted_codes == ["U+0301"]


def test_nearly_empty_pages_are_found(tmp_path: Path) -> None:
    """The letter has a title, an addressee and no word; the list fills most of its page."""
    entries = [Entry(f"Person {number}") for number in range(100)]
    pdf.write(LETTER, entries, counts=Counts(100, 100, 0), out=tmp_path / "x.pdf", timestamp=WHEN)
    assert len(PdfReader(tmp_path / "x.pdf").pages) == 2
    assert pdf.nearly_empty_pages(tmp_path / "x.pdf") == [1]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_E14_before_freezing_the_officer_learns_which_names_would_be_boxed(
    letter: Letter, officer: User, tmp_path: Path, settings: Any
) -> None:
    settings.DELIVERIES_DIR = tmp_path
    officer_client = Client()
    officer_client.force_login(officer)
    make_signature(letter, "Ada Lovelace")
    make_signature(letter, names.clean_name("𞊐𞊒𞊓"))
    make_signature(letter, "བསྟན་འཛིན")
    page = officer_client.get(f"/admin/signatures/delivery/freeze/{letter.pk}/").content.decode()
    assert f"/admin/signatures/delivery/look/{letter.pk}/" in page
    asked = officer_client.post(f"/admin/signatures/delivery/look/{letter.pk}/", {"paper": "a4"})
    assert asked.status_code == 302
    waiting = officer_client.get(asked["Location"])
    assert "The worker typesets the letter" in waiting.content.decode() and waiting["Refresh"] == "2"
    worker.run_tasks()
    (stored,) = DBTaskResult.objects.filter(task_path__endswith="look_at_list").values_list("return_value", flat=True)
    assert "𞊐" not in str(stored), "it is kept for a day: ids, and no name"
    answer = officer_client.get(asked["Location"])
    page = answer.content.decode()
    assert "Refresh" not in answer
    assert "3 names on 3 pages" in page and "Toto" in page and "𞊐𞊒𞊓" in page and "FONT_DIRS" in page
    assert "བསྟན་འཛིན" not in page and "Ada Lovelace" not in page, "only the names that would be boxed"
    assert not Delivery.objects.exists()
    assert looks.shown(letter, looks.take(letter, "us-letter")).boxed[0].names == 1 and not list(tmp_path.iterdir())


@pytest.mark.django_db(transaction=True)
def test_E14_who_left_meanwhile_is_not_named_and_a_worker_that_was_killed_is_asked_again(
    letter: Letter, officer: User
) -> None:
    toto = make_signature(letter, names.clean_name("𞊐𞊒𞊓"))
    client = Client()
    client.force_login(officer)
    asked = client.post(f"/admin/signatures/delivery/look/{letter.pk}/", {"paper": "a4"})["Location"]
    for other in (f"/admin/signatures/delivery/look/{letter.pk + 1}/{asked.split('/')[-2]}/", asked[:-2] + "x/"):
        assert client.get(other).status_code == 404
    DBTaskResult.objects.update(status="RUNNING", enqueued_at=timezone.now() - timedelta(hours=2))
    page = client.get(asked)
    assert "did not finish. Please ask again." in page.content.decode() and "Refresh" not in page
    DBTaskResult.objects.update(status="READY")
    worker.run_tasks()
    withdrawal.withdraw(toto)
    page = client.get(asked)
    assert "Toto" in page.content.decode() and "𞊐𞊒𞊓" not in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_letter_without_a_text_cannot_be_looked_at_and_that_is_said(officer: User) -> None:
    letter = Letter.objects.create(slug="unwritten", recipient="the Minister", goal=10)
    client = Client()
    client.force_login(officer)
    asked = client.post(f"/admin/signatures/delivery/look/{letter.pk}/", {"paper": "a4"})["Location"]
    worker.run_tasks()
    assert "Unwritten has no published text." in client.get(asked, follow=True).content.decode()
