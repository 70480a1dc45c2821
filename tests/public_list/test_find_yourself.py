"""People find their own name, however they wrote it, and staff find it by the same rules."""

from typing import Any

import pytest
from django.test import Client

from campaign.models import Letter
from signatures.public_list import search
from tests.factories import make_signature

pytestmark = pytest.mark.django_db
LIST, REVIEW = "/letters/bridge/signatories/", "/admin/signatures/signature/"

FINDS = [
    # Parts of a name together or apart.
    ("김 철수", "김철수"), ("김철수", "김 철수"), ("김 철수", "철수"), ("김 철수", "철수 김"), ("남궁 민수", "남궁민수"),
    ("山田 太郎", "山田太郎"), ("山田太郎", "山田 太郎"), ("田中太郎", "田中\u3000太郎"), ("さくら 花子", "さくら花子"),
    ("عبد الله", "عبدالله"), ("عبدالله", "عبد الله"), ("عبد الرحمن بدوي", "عبدالرحمن بدوي"),
    ("בן־גוריון", "בן גוריון"), ("בן גוריון", "בן-גוריון"), ("迪丽·热巴", "迪丽热巴"), ("迪丽热巴", "迪丽・热巴"),
    ("สมชาย ใจดี", "สมชายใจดี"), ("राम कुमार", "रामकुमार"),
    # Letters that have no accent to take off, and those that have.
    ("Łukasz Nowak", "lukasz"), ("Đặng Thị", "dang"), ("Søren Ek", "soren"), ("Þórður Æsir", "thordur aesir"),
    ("Université de Genève", "Université"), ("Université de Genève", "universite"), ("Işık Yılmaz", "isik yilmaz"),
    # One letter of Arabic written in two ways.
    ("الأحمد", "الاحمد"), ("فاطمة", "فاطمه"), ("مصطفى", "مصطفي"), ("علی رضایی", "علي رضايي"), ("إبراهيم", "ابراهیم"),
    # Signs, shapes and width.
    ("Nu\u02bbu", "nu'u"), ("O\u2019Brien", "O'Brien"), ("神\ufe00田 太郎", "神田太郎"), ("葛\U000e0100城", "葛城"), ("Ａｄａ", "ada"),
]  # fmt: skip
DIFFERENT = [("Ann Abel", "annabel"), ("Mary Ann", "maryann"), ("김 철수", "김철호"), ("김 a", "김a"), ("А Б", "аб")]


def found(client: Client, words: str) -> tuple[list[str], list[str]]:
    """Returns the names that the public list and the list of staff find."""
    public = client.get(LIST, {"q": words}).context["rows"]
    staff: Any = client.get(REVIEW, {"q": words}).context["cl"].result_list
    return [row.name for row in public], [row.name for row in staff]


@pytest.mark.parametrize("scanned", [search.SHORT_SCAN, 1], ids=["by a scan", "by the index"])
@pytest.mark.parametrize(("stored", "typed"), FINDS)
def test_a_name_is_found_however_it_is_written(
    moderator_client: Client, letter: Letter, monkeypatch: pytest.MonkeyPatch, stored: str, typed: str, scanned: int
) -> None:
    monkeypatch.setattr(search, "SHORT_SCAN", scanned)
    for other in ("Somebody Else", "다른 사람"):
        make_signature(letter, other)
    make_signature(letter, stored)
    assert found(moderator_client, typed) == ([stored], [stored])


@pytest.mark.parametrize(("stored", "typed"), DIFFERENT)
def test_what_is_written_otherwise_is_another_name(
    moderator_client: Client, letter: Letter, stored: str, typed: str
) -> None:
    make_signature(letter, stored)
    assert found(moderator_client, typed) == ([], [])


@pytest.mark.parametrize(
    "words", ["ada geneve", "Genève", "대학교 ada", "서울대", "École", "ada professeure", "louise-ada", "Ada Louise"]
)
def test_staff_find_words_of_name_organization_and_role(moderator_client: Client, letter: Letter, words: str) -> None:
    make_signature(letter, "Louise-Ada", organization="Université de Genève, 서울 대학교", role="Professeure, École")
    assert found(moderator_client, words)[1] == ["Louise-Ada"]
