"""Names are inside <bdi> in every template, because they can be in any script, and no browser translates them."""

import re
from pathlib import Path

import pytest

from tests.live_site import BASE

SHOWN = re.compile(r"\{\{\s*(?P<of>[\w.]+)\.(?:name|spokesperson|role|organization)\b[^}]*\}\}")
APART = re.compile(r"<bdi\b[^>]*>\s*(?:\{\{[^}]*\}\}\s*)+</bdi>")
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
    assert bare('<bdi class="x">{{ row.name }}</bdi> {{ signature.role|title }}') == ["{{ signature.role|title }}"]
    assert bare("{% block title %}{{ row.name }}{% endblock %}<bdi>{{ row.organization }}</bdi>") == []


def test_the_templates_show_names() -> None:
    assert sum(len(SHOWN.findall(page.read_text(encoding="utf-8"))) for page in PAGES) > 8
