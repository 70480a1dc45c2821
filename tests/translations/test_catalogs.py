"""The words of the site in other languages: gathered from the source, kept in catalogs, compiled, checked."""

import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from django.core.management import CommandError, call_command

import campaign
from campaign.translations import catalogs

SOURCE = """
from django.utils.translation import gettext_lazy as _, ngettext_lazy, pgettext_lazy
WORDS = _("Name"), pgettext_lazy("of a ship", "Name"), ngettext_lazy("%(n)d name", "%(n)d names", "n")
class Choice: ONE = "1", _("one")
class Row(Model):
    class State(TextChoices): NEW = "new", _("new")
    field = _("label of a field")
    class Meta: verbose_name = _("row")
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
def house(tmp_path: Path, settings: Any) -> Path:
    """A small site with one module, one template, and a page of admin."""
    for name, text in {
        "signatures/words.py": SOURCE,
        "signatures/admin/desk.py": 'from x import gettext as _\n_("for staff")\n',
        "templates/page.html": TEMPLATE,
        "templates/admin/page.html": '{% load i18n %}{% translate "for staff" %}',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    settings.BASE_DIR = tmp_path
    return tmp_path


def run(*words: str) -> str:
    out = StringIO()
    call_command("translations", *words, stdout=out)
    return out.getvalue()


def write(house: Path, language: str, old: str, new: str) -> None:
    po = catalogs.po_file(language)
    assert old in po.read_text(encoding="utf-8")
    po.write_text(po.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")


def test_what_people_meet_is_gathered_and_what_staff_alone_see_is_not(house: Path) -> None:
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


def test_new_strings_come_in_empty_gone_ones_go_and_nothing_is_guessed(house: Path) -> None:
    assert "ko: 7 strings, 7 to mend" in run("ko")
    write(house, "ko", 'msgid "in a tag"\nmsgstr ""', 'msgid "in a tag"\nmsgstr "꼬리표"')
    write(house, "ko", 'msgid "one"\nmsgstr ""', 'msgid "one"\nmsgstr "하나"')
    page = house / "templates" / "page.html"
    page.write_text(page.read_text(encoding="utf-8").replace("in a tag", "in a flag"), encoding="utf-8")

    run("ko")

    po = catalogs.po_file("ko").read_text(encoding="utf-8")
    assert "하나" in po and "in a flag" in po
    assert "in a tag" not in po and "꼬리표" not in po and "fuzzy" not in po
    assert run("ko") and catalogs.po_file("ko").read_text(encoding="utf-8") == po, "a second time changes nothing"


def test_a_check_writes_nothing_and_fails(house: Path) -> None:
    with pytest.raises(CommandError, match=r"strings are to be mended"):
        run("ko", "--check")
    assert not catalogs.po_file("ko").exists()


def test_a_translated_string_is_what_django_reads(house: Path, settings: Any) -> None:
    run("ko")
    write(house, "ko", 'msgid "one"\nmsgstr ""', 'msgid "one"\nmsgstr "하나"')
    write(
        house, "ko", 'msgid_plural "%(n)d names"\nmsgstr[0] ""', 'msgid_plural "%(n)d names"\nmsgstr[0] "이름 %(n)d개"'
    )
    run("ko")
    settings.LOCALE_PATHS = [house / "campaign" / "locale"]
    from django.utils import translation

    with translation.override("ko"):
        assert translation.gettext("one") == "하나"
        assert translation.ngettext("%(n)d name", "%(n)d names", 1) == "이름 %(n)d개", "Korean has one form"
        assert translation.gettext("in a tag") == "in a tag", "what is not translated stands in English"


@pytest.mark.parametrize(
    ("words", "told", "problem"),
    [
        ("Run by %(operator)s", "운영: %(operator)s", None),
        ("Run by %(operator)s", "운영: %(operater)s", "other placeholders"),
        ("Run by %(operator)s", "운영", "other placeholders"),
        ("<b>Two</b> words", "<b>두</b> 낱말", None),
        ("<b>Two</b> words", "<b>두 낱말", "other placeholders or tags"),
        ("The signs < and >", "< 와 >", None),
        ("Name", "", "not translated"),
        ("Name", " 이름", "another blank"),
        (("%(n)s name", "%(n)s names"), ("이름 %(n)s개",), None),
        (("%(n)s name", "%(n)s names"), ("이름",), "other placeholders"),
    ],
)
def test_each_fault_of_a_translation_is_told(house: Path, words: Any, told: Any, problem: str | None) -> None:
    source, catalog = Catalog(), Catalog("ko")
    source.add(words)
    catalog.add(words, told)
    keep(catalog)
    found = catalogs.problems("ko", source)
    assert found == [] if problem is None else len(found) == 1 and problem in found[0]


def test_a_guess_a_missing_and_a_gone_string_are_told(house: Path) -> None:
    source, catalog = Catalog(), Catalog("ko")
    source.add("Name")
    source.add("Guessed")
    catalog.add("Gone", "간")
    catalog.add("Guessed", "짐작", flags=["fuzzy"])
    keep(catalog)
    assert catalogs.problems("ko", source) == [
        "not in the catalog: 'Name'",
        "gone from the source: 'Gone'",
        "fuzzy: 'Guessed'",
    ]


def test_a_catalog_with_a_form_too_many_is_not_taken(house: Path) -> None:
    run("ko")
    write(house, "ko", 'msgstr[0] ""', 'msgstr[0] "하나"\nmsgstr[1] "둘"')
    before = catalogs.po_file("ko").read_bytes()
    with pytest.raises(CommandError, match=r"django\.po is broken"):
        run("ko")
    assert catalogs.po_file("ko").read_bytes() == before


def keep(catalog: Catalog) -> None:
    catalogs.po_file("ko").parent.mkdir(parents=True)
    with catalogs.po_file("ko").open("wb") as po:
        catalogs.write_po(po, catalog)


def test_another_language_and_a_server_without_babel_are_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="Not a language of this site: tlh"):
        run("tlh")
    monkeypatch.delattr(campaign, "translations")
    monkeypatch.setitem(sys.modules, "campaign.translations.catalogs", None)
    with pytest.raises(CommandError, match="needs Babel"):
        run()


def test_what_is_compiled_is_what_the_catalogs_say() -> None:
    for language in catalogs.languages():
        mo = catalogs.po_file(language).with_suffix(".mo")
        assert mo.read_bytes() == catalogs.compiled(language), f"{language}: run `manage.py translations`"


@pytest.mark.parametrize("language", catalogs.languages())
def test_every_string_that_people_meet_has_its_translation(language: str) -> None:
    assert catalogs.problems(language, catalogs.extract_strings()) == []
