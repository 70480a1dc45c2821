"""Every honest name is taken as it is; what hides, reverses or is no name is told."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signatures import names

# Held here so that nothing outside the project is read. One a line: a name in some script.
TAKEN = (
    """
김철수|남궁민수|이 준|Kim Chul-soo (김철수)|李娜|王小明|欧阳修|迪丽·热巴|陳大文|李明 Li Ming|田中 太郎|たなか|Björk Guðmundsdóttir|Łukasz Żółć
Nguyễn Thị Ánh|O’Brien|O'Brien|Jean-Luc d’Arc|José María Aznar-López|Sukarno|Wu|O|X Æ A-12|Martin Luther King, Jr.|Dr. Ana B. Souza, MD
محمد بن سلمان|محمد|سارة القحطاني|שרה כהן|נָתָן|नरेन्द्र|สมชาย ใจดี|བསྟན་འཛིན་རྒྱ་མཚོ་|ထက်ထက်|Юлия Иванова|Δημήτρης Παπαδόπουλος|Անի Հարությունյան
გიორგი|አበበ ቢቂላ|ᠮᠣᠩᠭᠣᠯ|Nuʻu Kāneʻohe|Þórður|İbrahim Işık|Ștefan Țîrlea|Ḥasan al-Baṣrī|Mary-Kate O’Connor-Smith the 3rd
María de los Ángeles Fernández de la Vega Sanz y Gómez de Salazar|ᎠᏂᎦᏚᏩᎩ|𠮷野家|ꯃꯩꯇꯩ|Ngũgĩ wa Thiong’o|Māori Iwi|나라 Nara|St. John-Smythe
""".strip()
    .replace("\n", "|")
    .split("|")
)
REFUSED = [
    "", "   ", "\u200b", "\u200b\u200d\ufeff", "\u3164", "\u115f\u1160", "\u2800", "\u00ad", "\ufe0f", "\u202eevil", "Ada \u202e ecalevoL",
    "Ada\u2066Lovelace\u2069", "\U000e0041\U000e0042", "Ada\u0000Lovelace", "\ud800", "\ue000Ada", "a" * 201, "<script>alert(1)</script>",
    "https://example.com/win", "Visit www.example.com", "ada@example.com",
]  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_an_honest_name_passes_unchanged(name: str) -> None:
    assert names.clean_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("typed", REFUSED, ids=ascii)
def test_what_is_no_name_is_refused_with_a_reason(typed: str) -> None:
    with pytest.raises(names.NotAName) as refusal:
        names.clean_name(typed)
    assert str(refusal.value.reason).endswith(".")


def test_decomposed_hangul_is_stored_composed() -> None:
    assert names.clean_name(unicodedata.normalize("NFD", "김철수")) == "김철수"


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=60))
def test_S8_no_stored_name_holds_what_hides_or_reverses_and_cleaning_twice_changes_nothing(typed: str) -> None:
    try:
        name = names.clean_name(typed)
    except names.NotAName:
        return
    assert names.clean_name(name) == name
    assert not any(c in names.BIDI or ord(c) in names.DROPPED for c in name)
    assert not any(unicodedata.category(c) in names.UNFIT and c not in names.JOINERS for c in name)
    assert names.is_visible(name)


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=80))
def test_a_text_of_several_lines_is_cleaned_alike(typed: str) -> None:
    try:
        once = names.clean_text(typed, longest=100)
    except names.NotAName:
        return
    assert names.clean_text(once, longest=100) == once
    assert "\r" not in once and "\n\n\n" not in once
