"""Names: which are accepted, cleaned or refused, in any script."""

import ast
import unicodedata
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.functional import Promise
from hypothesis import given
from hypothesis import strategies as st

from signatures.values import names

LISTS = Path(__file__).parent / "names"
TAKEN = [line.split("\t")[0] for line in (LISTS / "must-pass.tsv").read_text().splitlines() if line[0] != "#"]
REFUSED = [ast.literal_eval(line) for line in (LISTS / "must-refuse.txt").read_text().splitlines() if line[0] != "#"]

EMPTY, LONG, BIDI, TAG = "can be seen", "shorten", "direction of writing", "invisible tag"
CONTROL, HIDDEN, PRIVATE, UNKNOWN = "control character", "invisible character", "every device", "does not exist"
HALF, BROKEN, ADDRESS, SIGNS = "half a character", "damaged on its way", "web or email address", "< or >"
# What was typed, what is stored; None: refused, with these words in the reason.
VECTORS: list[tuple[str, str | None, str]] = [
    ("", None, EMPTY),
    (" \u3000\u00a0", None, EMPTY),
    ("\u200b\u200d\ufeff", None, EMPTY),
    ("\u3164", None, EMPTY),
    ("\u115f\u1160", None, EMPTY),
    ("\uffa0", None, EMPTY),
    ("\u17b4\u17b5", None, EMPTY),
    ("\u2800 \u2800", None, EMPTY),
    ("\U0001d159", None, EMPTY),
    ("\U00013441\U00013442", None, EMPTY),
    ("\ufe0f\U000e0101", None, EMPTY),
    ("\u180b\u180e", None, EMPTY),
    ("\u034f", None, EMPTY),
    ("\u0301\u0489", None, EMPTY),
    ("a" * 201, None, LONG),
    ("a" + " " * 2000, None, LONG),
    ("Ada\u0000Lovelace", None, CONTROL),
    ("Ada\u001b[31m", None, CONTROL),
    ("Ada\u001cLovelace", None, CONTROL),
    ("Ada \u202e ecalevoL", None, BIDI),
    ("Ada\u200eLovelace", None, BIDI),
    ("\u2067Ada\u2069 Lovelace", None, BIDI),
    ("\u2067Ada\u202c", None, BIDI),
    ("\u202eAda\u202c", None, BIDI),
    ("\u202dAda", None, BIDI),
    ("\u200e\u200f", None, EMPTY),
    ("\U000e0041da", None, TAG),
    ("Ada\u2061", None, HIDDEN),
    ("Ada\ufff9", None, HIDDEN),
    ("\uf8ff Ada", None, PRIVATE),
    ("\U0010fffdAda", None, PRIVATE),
    ("Ada\u0378", None, UNKNOWN),
    ("Ada\ufdd0", None, UNKNOWN),
    ("Ada\ud83d", None, HALF),
    ("Ad\ufffd", None, BROKEN),
    ("Ad\ufffc", None, BROKEN),
    ("see https://example.com", None, ADDRESS),
    ("WWW.example.com", None, ADDRESS),
    ("ada@example.com", None, ADDRESS),
    ("ada\uff20example.com", None, ADDRESS),
    ("<b>Ada</b>", None, SIGNS),
    ("\uff1cAda\uff1e", None, SIGNS),
    # Direction marks at the edges, from keyboards, password managers and address books.
    ("\u200fמשה כהן", "משה כהן", ""),
    ("محمد علي\u200f", "محمد علي", ""),
    ("Ada\u061c", "Ada", ""),
    ("\u200e \u200eAda\u3000\u200e", "Ada", ""),
    ("\u2068Ada\u2069", "Ada", ""),
    ("\u202aAda \u200e\u202c", "Ada", ""),
    ("\u2067\u202bמשה\u202c\u2069", "משה", ""),
    ("\u202bموسى", "موسى", ""),  # the sign that closes it was left behind
    ("\ufeff\u200fמשה\u200e\ufeff", "משה", ""),  # the first line of a file
    # The shape of a family name, as its standardized variation sequence.
    ("\ufa19田 太郎", "神\ufe00田 太郎", ""),
    ("\uf9dc子", "隆\ufe00子", ""),
    ("小\uf929", "小朗\ufe00", ""),
    ("\ufa1a", "祥\ufe00", ""),
    ("\U0002f805", "侮\ufe01", ""),
    ("\ufa30木", "侮\ufe00木", ""),
    ("\U0002f81a", "冬\ufe00", ""),
    ("塚\ufa10\ufe00", "塚塚\ufe00", ""),
    ("\uf9e1", "李", ""),
    # Emoji of several, and what chooses their shape.
    ("Ann 👩\u200d👩\u200d👧 Example", "Ann 👩\u200d👩\u200d👧 Example", ""),
    ("👩🏽\u200d🚀 Ann", "👩🏽\u200d🚀 Ann", ""),
    ("👩\u200d❤\ufe0f\u200d👩", "👩\u200d❤\ufe0f\u200d👩", ""),
    ("🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈", ""),
    ("🤷\u200d♀\ufe0f", "🤷\u200d♀\ufe0f", ""),
    ("Ann ☀\ufe0f", "Ann ☀\ufe0f", ""),
    ("👩\u200d Ann", "👩 Ann", ""),
    ("👩\u200dAnn", "👩Ann", ""),
    ("👩\u200d\u200d👧", "👩\u200d👧", ""),
    # A handle is no address.
    ("Ada Example (@ada.example)", "Ada Example (@ada.example)", ""),
    ("@ada.example", "@ada.example", ""),
    ("Ada @ada@example.social", "Ada @ada@example.social", ""),
    ("＠ada＠example.social", "＠ada＠example.social", ""),
    ("Ada (@ada@fedi.example.org)", "Ada (@ada@fedi.example.org)", ""),
    ("Ada (ada@example.org)", None, ADDRESS),
    ("mail:ada+x@example.org", None, ADDRESS),
    ("  Ada \t\r\n Lovelace\u2028", "Ada Lovelace", ""),
    ("田中\u3000太郎", "田中 太郎", ""),
    ("A\u00adda\u200b\u2060\ufeff", "Ada", ""),
    ("A\u034fda", "Ada", ""),
    ("A\u200dd\u200ca", "Ada", ""),
    ("김\u3164철\uffa0수", "김철수", ""),
    ("\u1112\u1161\u11ab", "한", ""),
    ("Jose\u200d\u0301", "José", ""),
    ("a \u200d b", "a b", ""),
    ("Ada\ufe0f\u180e", "Ada", ""),
    ("علی\u200c رضا", "علی رضا", ""),
    ("علی\u200c\u200c\u200dرضا", "علی\u200c\u200dرضا", ""),
    ("क\u094d\u200d\u200dष", "क\u094d\u200dष", ""),
    ("葛\U000e0100\U000e0101城", "葛\U000e0100城", ""),
    ("\u212bsa", "Åsa", ""),
    ("क\u200d\u093c\u200c\u0334a", "क\u0334\u093ca", ""),
    ("A\u2800B", "A\u2800B", ""),
    ("O", "O", ""),
    ("42", "42", ""),
    ("…", "…", ""),
    ("=1+1", "=1+1", ""),
    ("a" * 200, "a" * 200, ""),
    ("e\u0301" * 200, "é" * 200, ""),
]  # fmt: skip

ANYTHING = st.text(alphabet=st.characters(exclude_categories=[]), max_size=60)
# Where rules of joining, composing and order meet: letters with their viramas, jamo, marks, shapers, bidi, blanks.
TANGLED = st.text(
    alphabet="aeA .\n\t\u0301\u0323\u0345\u0489\u1100\u1161\u11a8\uac00\u115f\u1160\u3164\uffa0\u200b\u200c\u200d\u034f\ufeff\u00ad"
    "\u0915\u093c\u094d\u0958\u0d28\u0d4d\u0dc1\u0dca\u0627\u0653\u064e\u0640\u0f40\u0fb5\u0f71\u1780\u17d2\u17b4\u1828\u180b\u180e"
    "\u845b\ufa19\ufe00\ufe0f\U000e0100\U000e01ef\u2764\u2800\u3000\u1000\u1039\u202e\u2066\U000e0041",
    max_size=40,
)


@pytest.mark.parametrize("name", TAKEN)
def test_S10_an_honest_name_passes_unchanged(name: str) -> None:
    assert names.clean_name(name) == unicodedata.normalize("NFC", name)
    assert names.clean_name(unicodedata.normalize("NFD", name)) == unicodedata.normalize("NFC", name)


def test_S10_no_honest_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    refused = []
    for name in TAKEN:
        try:
            names.clean_name(name)
        except names.InvalidName:
            refused.append(name)
    print(f"false-reject rate {len(refused) / len(TAKEN):.3f} ({len(refused)} of {len(TAKEN)} names)")  # noqa: T201  shown with -s
    assert len(TAKEN) >= 60
    assert capsys.readouterr().out.startswith("false-reject rate 0.000 ")


@pytest.mark.parametrize("typed", REFUSED, ids=ascii)
def test_S7_what_is_no_name_is_refused_with_a_reason(typed: str) -> None:
    with pytest.raises(names.InvalidName) as refusal:
        names.clean_name(typed)
    assert str(refusal.value.reason).endswith(".")


@pytest.mark.parametrize(("typed", "stored", "reason"), VECTORS, ids=lambda value: ascii(value)[:40])
def test_S7_a_name_is_taken_or_mended_or_refused_with_the_reason(typed: str, stored: str | None, reason: str) -> None:
    if stored is None:
        with pytest.raises(names.InvalidName, match=reason):
            names.clean_name(typed)
    else:
        assert names.clean_name(typed) == stored


def test_S7_the_reason_is_in_the_language_of_the_page() -> None:
    assert all(isinstance(reason, Promise) for reason in names.FORBIDDEN.values())
    with translation.override("de"), pytest.raises(names.InvalidName, match=r"U\+0007"):
        names.clean_name("Ada\a")


@given(ANYTHING | TANGLED)
def test_S8_no_stored_name_holds_what_hides_or_reverses_and_cleaning_twice_changes_nothing(typed: str) -> None:
    try:
        name = names.clean_name(typed)
    except names.InvalidName:
        return
    assert names.clean_name(name) == name == unicodedata.normalize("NFC", name)
    assert not names.BIDI.intersection(name) and not names.DROPPED.intersection(name)
    assert all(unicodedata.category(c) not in names.FORBIDDEN or c in names.SHAPERS for c in name)
    assert names.is_visible(name) and len(name) <= names.MAX_LENGTH and " ".join(name.split()) == name


def test_S8_each_character_of_unicode_is_taken_or_refused() -> None:
    for code in range(0x110000):
        category = unicodedata.category(c := chr(code))
        if category in {"Cn", "Co", "Cs"} and code % 97:
            continue  # a million alike: one in 97
        try:
            name = names.clean_name(f"Ada{c}x")
        except names.InvalidName:
            assert category in names.FORBIDDEN or c in "<>\ufe64\ufe65\uff1c\uff1e" + names.BROKEN, hex(code)
        else:
            assert category not in names.FORBIDDEN or name in {"Adax", "Ada x"}, hex(code)
            assert names.clean_name(name) == name, hex(code)


@pytest.mark.parametrize(
    "around", ["{}", "{}Ada", "Ada{}", "A{}da", "김{}철", "А{}я", "Ά{}λ", "א{}ב", "ไ{}ท", "1{}2", "{}❤"]
)
def test_S8_where_no_script_needs_it_no_joiner_stays(around: str) -> None:
    for shaper in names.SHAPERS:
        assert names.clean_line(around.format(shaper)) == around.format("")


@given(ANYTHING | TANGLED)
def test_S12_a_line_stays_one_line(typed: str) -> None:
    try:
        line = names.clean_line(typed, longest=50)
    except names.InvalidName:
        return
    assert len(line.splitlines()) <= 1 and "\t" not in line and len(line) <= 50
    assert names.clean_line(line, longest=50) == line


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n", "\t", "\v", "\f", "\u0085", "\u2028", "\u2029"])
def test_S12_a_line_end_in_a_line_becomes_a_space(line_end: str) -> None:
    assert names.clean_name(f"Ada{line_end}Bcc: x") == "Ada Bcc: x"
    assert names.clean_line(f"{line_end}Head of{line_end}{line_end}Press{line_end}") == "Head of Press"


def test_a_line_may_be_empty_and_may_hold_an_address() -> None:
    assert names.clean_line(" \u3164 ") == ""
    assert names.clean_line("Editor of www.example.org, R&D < 3") == "Editor of www.example.org, R&D < 3"
    with pytest.raises(names.InvalidName, match="shorten this to 20 characters"):
        names.clean_line("a" * 21, longest=20)
    with pytest.raises(names.InvalidName, match=BIDI):
        names.clean_line("Head\u202e")


def test_a_text_keeps_its_lines() -> None:
    assert (
        names.clean_text(" One\t line \r\n\r\n\r\n\r\nand\u3000another\rand a third \n", longest=100)
        == "One line\n\nand another\nand a third"
    )
    assert names.clean_text(" \n\u200b\n", longest=100) == ""


def test_a_text_that_is_too_long_is_refused() -> None:
    assert len(names.clean_text("a\n" * 500, longest=1000)) == 999
    for typed in ("a" * 1001, "a\n" * 501, "\n" * 10_001):
        with pytest.raises(names.InvalidName, match="shorten this to 1000 characters"):
            names.clean_text(typed, longest=1000)


@given(st.lists(ANYTHING | TANGLED, max_size=4).map("\n".join))
def test_a_text_of_several_lines_is_cleaned_alike(typed: str) -> None:
    try:
        once = names.clean_text(typed, longest=100)
    except names.InvalidName:
        return
    assert names.clean_text(once, longest=100) == once
    assert "\r" not in once and "\n\n\n" not in once
    assert all(names.clean_line(line) == line for line in once.split("\n"))
