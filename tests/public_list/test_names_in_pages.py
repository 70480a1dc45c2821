"""Names are inside <bdi> in every template, because they can be in any script, and no browser translates them.

Each says in which language it is, as far as that can be known: Chinese characters have another shape in Japanese.
"""

import re
from pathlib import Path

import pytest

from signatures.public_list.name_items import as_name
from signatures.values.name_language import language_of_name
from tests.prepared import BASE

SHOWN = re.compile(r"\{\{\s*(?P<of>[\w.]+)\.(?:name|spokesperson|role|organization)\b[^}]*\}\}")
APART = re.compile(r"<bdi\b[^>]*>\s*(?:\{\{[^}]*\}\}\s*)+</bdi>|\{\{ [\w.]+\|as_name:[\w.]+ \}\}")
NO_MARKUP = re.compile(r"\{% block title %\}.*?\{% endblock %\}|<title>.*?</title>|<meta\b[^>]*>", re.DOTALL)
NOBODY = {"letterhead", "letter.letterhead", "language", "network"}  # the sender, languages, and other sites
PAGES = [
    file
    for file in sorted((BASE / "templates").rglob("*.html"))
    if not {"admin", "emails"} & set(file.relative_to(BASE / "templates").parts)
]


def bare(template: str) -> list[str]:
    """The names of this template that nothing holds together."""
    left = APART.sub("", NO_MARKUP.sub("", template))
    return [found[0] for found in SHOWN.finditer(left) if found["of"] not in NOBODY]


@pytest.mark.parametrize(
    ("name", "country", "language"),
    [
        ("김민준", "KR", "ko"), ("김민준", "", "ko"), ("金 민준", "US", "ko"), ("山田太郎", "JP", "ja"),
        ("さくら 山田", "", "ja"), ("カトリーヌ・ドヌーヴ", "FR", "ja"), ("王芳", "CN", "zh-Hans"), ("王芳", "TW", "zh-Hant"),
        ("王芳", "KR", "ko"), ("王芳", "US", "zh"), ("محمد", "EG", "ar"), ("محمد", "IR", "fa"), ("Зоя", "UA", "uk"),
        ("อรุณี", "TH", "th"), ("José Núñez", "ES", "es"), ("Ada Lovelace", "GB", "en"),
        ("Ada Lovelace", "", ""), ("Wang Fang", "CN", ""), ("Kim 김", "", ""), ("R2D2", "KR", ""), ("1984", "", ""),
    ],
)  # fmt: skip
def test_the_language_of_a_name_is_told_by_its_script_and_the_country(name: str, country: str, language: str) -> None:
    assert language_of_name(name, country) == language
    assert as_name(name, country) == f'<bdi translate="no" lang="{language}">{name}</bdi>'


def test_a_name_is_text_and_no_markup() -> None:
    assert as_name("<i>", "") == '<bdi translate="no" lang="">&lt;i&gt;</bdi>'


@pytest.mark.parametrize("template", PAGES, ids=lambda file: str(file.relative_to(BASE / "templates")))
def test_every_name_is_inside_bdi(template: Path) -> None:
    assert bare(template.read_text(encoding="utf-8")) == []


TRANSLATED = re.compile(r"<bdi(?![^>]*translate=\"no\")[^>]*>\s*\{\{\s*[\w.]+\.(?:name|spokesperson|organization)\b")


@pytest.mark.parametrize("template", PAGES, ids=lambda file: str(file.relative_to(BASE / "templates")))
def test_browsers_are_told_not_to_translate_names(template: Path) -> None:
    assert TRANSLATED.findall(template.read_text(encoding="utf-8")) == []


def test_a_name_that_browsers_would_translate_is_detected() -> None:
    assert TRANSLATED.findall("<bdi>{{ row.name }}</bdi>") and TRANSLATED.findall("<bdi lang=ko>{{ a.b.name }}</bdi>")
    assert not TRANSLATED.findall('<bdi translate="no">{{ row.name }}</bdi> <bdi>{{ row.role }}</bdi>')


def test_a_name_without_bdi_is_detected() -> None:
    assert bare("<p>{{ row.name }}</p>") == ["{{ row.name }}"]
    assert bare("{{ row.name|as_name:row.country }}") == [] and bare("{{ row.name|title }}") != []
    assert bare('<bdi class="x">{{ row.name }}</bdi> {{ signature.role|title }}') == ["{{ signature.role|title }}"]
    assert bare("{% block title %}{{ row.name }}{% endblock %}<bdi>{{ row.organization }}</bdi>") == []


def test_the_templates_show_names() -> None:
    assert sum(len(SHOWN.findall(page.read_text(encoding="utf-8"))) for page in PAGES) > 8
