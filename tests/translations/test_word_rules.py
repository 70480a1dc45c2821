"""Rules for the words of a language: its spaces and signs, and one word for each thing. Catalogs and PDF keep them."""

from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from django.test import Client

from campaign.translations import catalogs, word_rules


@pytest.mark.parametrize(
    ("language", "wrong", "right"),
    [
        ("fr", "Est-elle correcte ?", "Est-elle correcte\u00a0?"),
        ("fr", "De deux : une seule", "De deux\u00a0: une seule\u202f; à 12:30, https://site.example/?page=2"),
        ("fr", "dites « non »", "dites «\u00a0non\u00a0»"),
        ("fr", "Est-elle correcte?", "Est-elle correcte\u00a0?"),
        ("fr", "Voici:", "Voici\u00a0:"),
        ("fr", "remise nº 2", "remise n°\u00a02"),
        ("fr", "confirmée sur justificatif", "confirmée sur preuve"),
        ("es", "Usted, en la página de su firma", "Tú, en la página de tu firma"),
        ("ar", "%(number)s توقيعان على الورق.", "عدد التوقيعات على الورق: %(number)s."),
        ("ar", "{n} صفان", "{n} صفوف"),
        ("ar", "واحتفظ بالملف", "ويُرجى الاحتفاظ بالملف"),
        ("ja", "提出された手紙", "提出された書簡"),
        ("ko", "받지 못하는 편지함", "받지 못하는 메일함"),
        ("zh-hans", "您可以在 %(when)s 之前签署。", "签署开放至%(when)s。"),
        ("zh-hant", "簽署人 {range}", "連署人 {range}"),
    ],
)
def test_a_text_that_breaks_a_rule_of_its_language_is_named(language: str, wrong: str, right: str) -> None:
    [problem] = word_rules.faults(language, wrong)
    assert repr(wrong) in problem
    assert list(word_rules.faults(language, right)) == []
    other = "es" if language != "es" else "fr"
    assert list(word_rules.faults(other, wrong)) == [], "each language has its own"


def test_the_plural_forms_of_an_arabic_catalog_are_in_its_own_order() -> None:
    of_100, of_11 = "%(number)s توقيع على الورق.", "%(number)s توقيعًا على الورق."
    assert list(word_rules.faults("ar", of_100, 4)) == list(word_rules.faults("ar", of_11, 5)) == []
    assert list(word_rules.faults("ar", of_11, 4)) and list(word_rules.faults("ar", of_100, 5))


def test_catalogs_and_the_words_of_the_pdf_are_both_held_to_them(tmp_path: Path, settings: Any) -> None:
    settings.BASE_DIR = tmp_path
    catalog, file = Catalog("fr"), tmp_path / "templates" / "pdf" / "wording" / "fr.toml"
    catalog.add(("name:", "names:"), ("nom\u00a0:", "noms :"))
    catalogs.po_file("fr").parent.mkdir(parents=True)
    with catalogs.po_file("fr").open("wb") as po:
        write_po(po, catalog)
    file.parent.mkdir(parents=True)
    file.write_text('end = "."\n[count]\nsome = { one = "Annexe : une" }\n', encoding="utf-8")
    in_catalog, in_pdf = catalogs.problems("fr", catalog)
    assert "'noms :'" in in_catalog and "'Annexe : une'" in in_pdf


@pytest.mark.django_db
def test_the_colon_behind_a_label_is_that_of_the_language(client: Client) -> None:
    for prefix, label in {"": "Why:", "/fr": "Pourquoi\u00a0:", "/zh-hans": "：", "/ja": "："}.items():
        assert f'{label}">' in client.get(f"{prefix}/privacy/").content.decode(), prefix
