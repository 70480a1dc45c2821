"""The order by name: script by script, without case and accents, whatever the database was built with."""

import pytest

from signatures.values import names

LATIN = ["38 North", "Ada", "\u02bbAlohilani Kū", "Bo", "Dag", "Đặng", "Dora", "Lea", "Łukasz", "Max", "Zoe"]
ORDERS = [
    LATIN,
    [
        "1984",
        "38 North",
        "Æsa",
        "\u02bfAlī",
        "Anna",
        "Ärmel",
        "Éric",
        "eva",
        "İnci",
        "Işık",
        "Øystein",
        "Oz",
        "Þóra",
        "\u2019Umar",
    ],
    ["Ada", "Ωmega", "Зоя", "علي", "김철수", "이영희", "さくら", "李明", "🌱"],
    ["3. Mai e.V.", "Ada", "7-я школа", "Юлия", "38 노스", "김철수", "㈜한국", "8時の会", "李明"],
    ["יוסף", "أحمد", "بدر", "عبد الله", "عبدالله", "فاطمة"],
]


@pytest.mark.parametrize("expected", ORDERS, ids=lambda expected: expected[0])
def test_names_are_in_the_order_in_which_people_look(expected: list[str]) -> None:
    assert sorted(sorted(expected), key=names.sort_key) == expected


@pytest.mark.parametrize(
    ("name", "script"),
    [("38 North", "Latn"), ("\u02bbAlohilani", "Latn"), ("\u02bfAlī", "Latn"), ("1984", "Latn"), ("\u2019Umar", "Latn"),
     ("Ωmega", "Grek"), ("7-я школа", "Cyrl"), ("38 노스", "Hang"), ("8時の会", "Hani"), ("🌱", ""), ("\u0e51", "Latn"), ("", "")],
)  # fmt: skip
def test_digits_and_signs_stand_under_the_script_of_the_letters_after_them(name: str, script: str) -> None:
    assert names.script_of(name) == script


def test_a_sort_key_is_never_too_long() -> None:
    assert max(map(len, map(names.sort_key, ["x" * 200, "ǆ" * 200, "\ufdfa" * 200]))) <= names.SORT_KEY
