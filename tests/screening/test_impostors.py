"""Who signs as the recipient or an original signatory is looked at, in whatever script and order, and few others are."""

import pytest

from campaign.letters import text_cache
from campaign.models import Letter
from signatures.screening import checks
from tests.screening.test_checks import PROTECTED_NAMES, flags

PEOPLE = [
    *PROTECTED_NAMES,
    "习近平主席",
    "시진핑 국가주석",
    "The Committee for Human Rights in North Korea",
    "Dr. Ana B. Souza",
]

IMPOSTORS = [
    # All scripts.
    "习近平", "习 近平", "習近平", "시진핑", "시 진핑", "김정은", "नरेन्द्र मोदी",
    # Any order, a comma, tones of pinyin, width.
    "Jinping Xi", "Xí Jìnpíng", "XÍ JÌNPÍNG", "Cohen, Roberta", "Cohen Roberta", "Ｃｏｈｅｎ, Ｒｏｂｅｒｔａ", "मोदी नरेन्द्र",
    # Titles, degrees and brackets.
    "Roberta Cohen, PhD", "Dr. Roberta Cohen", "Prof. Roberta Cohen (Washington)", "Xi Jinping (习近平)", "Friend (习近平)",
    "习近平同志", "Roberta Cohen on behalf of many", "Ana B. Souza MD", "Captain Jean-Luc Picard",
]  # fmt: skip
HONEST = [
    "Cohen Roberts", "Xi Li", "Roberta Kohn", "Jinping Xi-Miller", "Xi", "Roberta", "Cohen", "Li Jinping", "Kim Jong-il",
    "Peoples Ada", "Republic Ada", "Korea Kim", "President Ada", "李近", "近平", "김정", "太郎", "Human Ada",
    "Jean Picard", "Ana Souza", "of the in for", "North Ada",
]  # fmt: skip


@pytest.mark.parametrize("name", IMPOSTORS)
def test_S11_an_impostor_is_looked_at_in_whatever_way_the_name_is_written(name: str) -> None:
    names = [*PEOPLE, "習近平"]
    assert checks.flags({"name": name}, protected_names=names) == ["protected-name"]


@pytest.mark.parametrize("name", HONEST)
def test_S11_whoever_shares_a_word_with_them_is_not(name: str) -> None:
    assert checks.flags({"name": name}, protected_names=PEOPLE) == []


MORE_PEOPLE = [
    "Ursula von der Leyen",
    "Crown Prince Mohammed bin Salman",
    "Ahmed al-Sharaa",
    "Na Li",
    "李强总理",
    "ri sol-ju",
]


@pytest.mark.parametrize(
    "name",
    [
        "Dr. Ursula von der Leyen", "von der Leyen, Ursula", "Ursula VonDerLeyen, PhD", "Dr. Mohammed bin Salman",
        "Dr. Ahmed al Sharaa", "李强", "李强先生", "李 强 总理", "强 李", "Madam Sol Ju Ri", "Mr. Ri Sol-ju",
    ],
)  # fmt: skip
def test_S11_particles_titles_and_spaces_hide_no_protected_name(name: str) -> None:
    assert checks.flags({"name": name}, protected_names=MORE_PEOPLE) == ["protected-name"]


@pytest.mark.parametrize(
    "name", ["Hans von der Leyen", "Khalid bin Salman", "Mohammed Salman", "N. Ali Khan", "李强明", "总理"]
)
def test_S11_whoever_has_a_particle_or_a_syllable_in_common_is_not(name: str) -> None:
    assert checks.flags({"name": name}, protected_names=MORE_PEOPLE) == []


@pytest.mark.parametrize("name", ["Human Rights Watch", "Friends of North Korea", "Students of Roberta Cohen"])
def test_S11_an_organization_may_have_such_words_in_its_name(name: str) -> None:
    assert "protected-name" not in checks.flags({"name": name}, protected_names=PEOPLE, organization=True)


@pytest.mark.django_db
def test_S11_texts_in_all_languages_protect_whom_they_name_drafts_too(letter: Letter) -> None:
    revision = letter.revisions.get()
    draft = revision.translations.get(language="en")
    draft.pk, draft.language, draft.published_at = None, "ko", None
    draft.recipient, draft.addressee, draft.signatories = (
        "시진핑 주석",
        "중화인민공화국",
        [{"name": "로버타 코언", "titles": []}],
    )
    draft.save()
    named = text_cache.people_named(letter)
    assert {letter.recipient, "시진핑 주석", "중화인민공화국", "로버타 코언"} <= set(named)
    assert checks.flags({"name": "시진핑"}, protected_names=named) == ["protected-name"]


@pytest.mark.parametrize(
    "name",
    [
        "Buy at examplecoin.com",
        "examplecoin.com",
        "Ada (shop.example.top)",
        "join t.me/coins",
        "coins dot com",
        "examplecoin[.]com",
        "Ada examplecoin (dot) shop",
        "examplecoin dot de",
        "Ada x.cn now",
    ],
)
def test_S11_an_advert_in_the_name_is_looked_at(name: str) -> None:
    assert flags(name) == ["link"]


@pytest.mark.parametrize(
    "name", ["Example.org", "Change.example", "example.org Foundation", "350.org Seoul", "Ex-ample.net"]
)
def test_an_organization_may_be_called_by_its_domain(name: str) -> None:
    assert "link" not in checks.flags({"name": name}, organization=True)
    assert flags(organization=name) == []


@pytest.mark.parametrize("name", ["Buy at examplecoin.com", "www.example.org", "t.me/example", "Visit example.org now"])
def test_S11_an_advert_as_the_name_of_an_organization_is_looked_at(name: str) -> None:
    assert "link" in checks.flags({"name": name}, organization=True)
    assert flags(organization=name) == ["link"]
