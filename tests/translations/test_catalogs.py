"""Translation catalogs: extracted from the source, updated, compiled, checked."""

import re
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from django.core.management import CommandError, call_command

from campaign import translations
from campaign.translations import catalogs

BASE = Path(__file__).parents[2]
SOURCE = """
from django.utils.translation import gettext_lazy as _, ngettext_lazy, pgettext_lazy
WORDS = _("Name"), pgettext_lazy("of a ship", "Name"), ngettext_lazy("%(n)d name", "%(n)d names", "n")
class Choice: ONE = "1", _("one")
class Row(Model):
    class State(TextChoices): NEW = "new", _("new")
    field = "label of a field"
    class Meta: verbose_name = "row"
"""
TEMPLATE = """{% load i18n %}
  <p>  it's {% translate "Name" %} {# no words #}
    {% blocktranslate count n=n trimmed %}
      {{ n }} <b>sheep</b>
    {% plural %}
      {{ n }} <b>sheep</b> & “more”
    {% endblocktranslate %}</p>
      {% if x == _("in a tag") %}{% endif %}
"""


@pytest.fixture
def project(tmp_path: Path, settings: Any) -> Path:
    """A small project: a module and a template for the public, a module and a template for staff."""
    for name, text in {
        "signatures/words.py": SOURCE,
        "signatures/admin.py": 'TITLE = "for staff"\n',
        "templates/page.html": TEMPLATE,
        "templates/admin/page.html": "<p>for staff</p>",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    settings.BASE_DIR = tmp_path
    return tmp_path


def run(*words: str) -> str:
    out = StringIO()
    call_command("translations", *words, stdout=out)
    return out.getvalue()


def write(project: Path, language: str, old: str, new: str) -> None:
    po = catalogs.po_file(language)
    assert old in po.read_text(encoding="utf-8")
    po.write_text(po.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")


def test_marked_strings_are_extracted_and_strings_of_staff_pages_are_not(project: Path) -> None:
    found = {(message.id, message.context) for message in catalogs.extract_strings() if message.id}
    assert found == {
        ("Name", None),
        ("Name", "of a ship"),
        (("%(n)d name", "%(n)d names"), None),
        ("one", None),
        ("new", None),
        (("%(n)s <b>sheep</b>", "%(n)s <b>sheep</b> & “more”"), None),
        ("in a tag", None),
    }


def test_new_strings_are_added_untranslated_and_unused_ones_are_removed(project: Path) -> None:
    assert "ko: 7 strings, 7 problems" in run("ko")
    write(project, "ko", 'msgid "in a tag"\nmsgstr ""', 'msgid "in a tag"\nmsgstr "꼬리표"')
    write(project, "ko", 'msgid "one"\nmsgstr ""', 'msgid "one"\nmsgstr "하나"')
    page = project / "templates" / "page.html"
    page.write_text(page.read_text(encoding="utf-8").replace("in a tag", "in a flag"), encoding="utf-8")

    run("ko")

    po = catalogs.po_file("ko").read_text(encoding="utf-8")
    assert "하나" in po and "in a flag" in po
    assert "in a tag" not in po and "꼬리표" not in po and "fuzzy" not in po
    assert run("ko") and catalogs.po_file("ko").read_text(encoding="utf-8") == po, "a second time changes nothing"


def test_check_writes_nothing_and_fails(project: Path) -> None:
    with pytest.raises(CommandError, match="7 problems have to be fixed"):
        run("ko", "--check")
    assert not catalogs.po_file("ko").exists()


def test_django_reads_the_compiled_translations(project: Path, settings: Any) -> None:
    run("ko")
    write(project, "ko", 'msgid "one"\nmsgstr ""', 'msgid "one"\nmsgstr "하나"')
    write(
        project,
        "ko",
        'msgid_plural "%(n)d names"\nmsgstr[0] ""',
        'msgid_plural "%(n)d names"\nmsgstr[0] "이름 %(n)d개"',
    )
    run("ko")
    settings.LOCALE_PATHS = [project / "campaign" / "locale"]
    from django.utils import translation  # noqa: PLC0415  after the paths are set

    with translation.override("ko"):
        assert translation.gettext("one") == "하나"
        assert translation.ngettext("%(n)d name", "%(n)d names", 1) == "이름 %(n)d개", "Korean has one form"
        assert translation.gettext("in a tag") == "in a tag", "untranslated strings are shown in English"


@pytest.mark.parametrize(
    ("string", "translation", "problem"),
    [
        ("Run by %(operator)s", "운영: %(operator)s", None),
        ("Run by %(operator)s", "운영: %(operater)s", "different placeholders"),
        ("Run by %(operator)s", "운영", "different placeholders"),
        ("<b>Two</b> words", "<b>두</b> 낱말", None),
        ("<b>Two</b> words", "<b>두 낱말", "different placeholders or tags"),
        ("The signs < and >", "< 와 >", None),
        ("Name", "", "not translated"),
        ("Name", " 이름", "different spaces"),
        (("%(n)s name", "%(n)s names"), ("이름 %(n)s개",), None),
        (("%(n)s name", "%(n)s names"), ("이름",), "different placeholders"),
    ],
)
def test_each_fault_of_a_translation_is_reported(
    project: Path, string: Any, translation: Any, problem: str | None
) -> None:
    source, catalog = Catalog(), Catalog("ko")
    source.add(string)
    catalog.add(string, translation)
    write_po_file(catalog)
    found = catalogs.problems("ko", source)
    assert found == [] if problem is None else len(found) == 1 and problem in found[0]


def test_fuzzy_missing_and_unused_strings_are_reported(project: Path) -> None:
    source, catalog = Catalog(), Catalog("ko")
    source.add("Name")
    source.add("Fuzzy")
    catalog.add("Unused", "간")
    catalog.add("Fuzzy", "짐작", flags=["fuzzy"])
    write_po_file(catalog)
    assert catalogs.problems("ko", source) == [
        "not in the catalog: 'Name'",
        "not in the source: 'Unused'",
        "fuzzy: 'Fuzzy'",
    ]


def test_a_catalog_with_too_many_plural_forms_is_refused(project: Path) -> None:
    run("ko")
    write(project, "ko", 'msgstr[0] ""', 'msgstr[0] "하나"\nmsgstr[1] "둘"')
    before = catalogs.po_file("ko").read_bytes()
    with pytest.raises(CommandError, match=r"django\.po is broken"):
        run("ko")
    assert catalogs.po_file("ko").read_bytes() == before


def write_po_file(catalog: Catalog) -> None:
    catalogs.po_file("ko").parent.mkdir(parents=True)
    with catalogs.po_file("ko").open("wb") as po:
        write_po(po, catalog)


def test_an_unknown_language_and_a_missing_babel_are_one_sentence_each(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="Not a language of this site: tlh"):
        run("tlh")
    monkeypatch.delattr(translations, "catalogs")
    monkeypatch.setitem(sys.modules, "campaign.translations.catalogs", None)
    with pytest.raises(CommandError, match="needs Babel"):
        run()


def test_compiled_catalogs_are_up_to_date() -> None:
    for language in catalogs.languages():
        mo = catalogs.po_file(language).with_suffix(".mo")
        assert mo.read_bytes() == catalogs.compiled(language), f"{language}: run `manage.py translations`"


@pytest.mark.parametrize("language", catalogs.languages())
def test_every_marked_string_is_translated(language: str) -> None:
    assert catalogs.problems(language, catalogs.extract_strings()) == []


def test_nothing_is_marked_on_pages_that_only_staff_see() -> None:
    files = [
        *BASE.glob("templates/admin/**/*.html"),
        *BASE.glob("[cs]*/**/admin.py"),
        *BASE.glob("signatures/**/admin/*.py"),
    ]
    assert len(files) > 30
    marks = re.compile(r"\{%-?\s*(?:blocktrans|trans)|gettext")
    assert marks.search("{% blocktranslate %}") and marks.search("{% translate 'word' %}")
    assert [file for file in files if marks.search(file.read_text(encoding="utf-8"))] == []
