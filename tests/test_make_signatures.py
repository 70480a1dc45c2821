"""Demos and benches need many people, in many scripts, in every state, and no rule of the database broken."""

import random
import re
import unicodedata
from itertools import combinations, islice
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from campaign.runtime.locks import AdvisoryLock, block_lock
from signatures import counts
from signatures.management.commands import _made_up_rows, _people, make_signatures
from signatures.models import HourlyStatistic, Signature
from signatures.registries import typed_fields
from signatures.states import Kind, State, Visibility
from signatures.values import names
from tests.factories import WORDS, make_letter

pytestmark = pytest.mark.django_db


def make(number: int, **options: Any) -> None:
    call_command("make_signatures", number, **options)


def translate(letter: Letter, *languages: str) -> None:
    for language in languages:
        publish(revise(letter, language, {**WORDS, "title": f"Title ({language})"}))


def named() -> list[str]:
    return list(Signature.objects.exclude(name="").order_by("pk").values_list("name", flat=True))


def test_it_makes_as_many_people_as_asked_for(letter: Letter, capsys: pytest.CaptureFixture[str]) -> None:
    make(2000)
    assert Signature.objects.filter(letter=letter).count() == 2000
    assert len(set(named())) == len(named()) > 1700
    said = capsys.readouterr()
    assert re.fullmatch(r"2000 signatures under bridge: made 2000, [\d,]+ a second\n", said.out)
    assert said.err == ""  # no progress bar in a pipe


def test_every_state_visibility_and_kind_is_among_them(letter: Letter) -> None:
    make(3000)
    found = set(Signature.objects.values_list("state", "visibility", "kind"))
    assert {(state, visibility) for state, visibility, _kind in found} == {(s, a) for s in State for a in Visibility}
    assert {kind for _state, _visibility, kind in found} == set(Kind)
    waiting = Signature.objects.filter(state=State.WAITING)
    assert waiting.filter(flags=[]).exists() and waiting.exclude(flags=[]).exists()
    assert Signature.objects.deliverable().count() > 2000  # most


def test_the_words_of_counted_and_withdrawn_people_are_gone(letter: Letter) -> None:
    make(1000)
    blank = Signature.objects.filter(visibility=Visibility.COUNTED)
    blank |= Signature.objects.filter(state=State.WITHDRAWN)
    assert set(blank.values_list(*typed_fields.WORDS)) == {("",) * len(typed_fields.WORDS)}


def test_the_scripts_of_the_world_are_among_them(letter: Letter) -> None:
    make(1500)
    scripts = {unicodedata.name(c).split()[0] for name in named() for c in name if c.isalpha()}
    assert scripts >= {
        "LATIN", "GREEK", "CYRILLIC", "HANGUL", "CJK", "HIRAGANA", "KATAKANA", "ARABIC", "HEBREW", "DEVANAGARI",
        "THAI", "GEORGIAN", "ARMENIAN", "ETHIOPIC", "TAMIL",
    }  # fmt: skip


def test_each_signed_in_the_language_of_the_text_that_they_read(letter: Letter) -> None:
    translate(letter, "ko", "zh-hans")
    make(1500)
    languages = set(Signature.objects.values_list("language", "translation__language"))
    assert languages == {("en", "en"), ("ko", "ko"), ("zh-hans", "zh-hans")}, "no text is in traditional characters"


@pytest.mark.parametrize("number", [4, 10, 50])
def test_each_state_is_there_however_few_are_asked_for(letter: Letter, number: int) -> None:
    make(number)
    assert set(Signature.objects.values_list("state", flat=True)) == set(State)


def test_they_signed_over_weeks_and_never_in_the_future(letter: Letter) -> None:
    make(500)
    days = set(Signature.objects.dates("signed_up_at", "day"))
    assert len(days) > 30
    for row in Signature.objects.exclude(confirmed_at=None):
        assert row.confirmed_at is not None
        assert row.signed_up_at <= row.confirmed_at
        assert row.approved_on is None or row.confirmed_at.date() <= row.approved_on


def test_everybody_could_have_typed_their_name() -> None:
    for person in islice(_people.people(seed=7), 50_000):
        assert names.clean_name(person.name) == person.name
    for naming in _people.NAMINGS:
        for line in _people.lines(naming.roles) + _people.lines(naming.organizations):
            assert names.clean_line(line) == line


def test_no_name_comes_twice_however_many_are_asked_for() -> None:
    everybody = [person.name for person in islice(_people.people(seed=3), 300_000)]
    assert len(set(everybody)) == len(everybody)


def test_no_two_languages_make_the_same_name() -> None:
    for one, other in combinations(_people.NAMINGS, 2):
        given, family = ({*mine} & {*theirs} for mine, theirs in zip(one.lists[:2], other.lists[:2], strict=True))
        assert not given or not family, (one.countries, other.countries, given, family)


def test_there_are_names_for_twenty_million_people() -> None:
    assert sum(1 for _block in _people.blocks(seed=1)) * _people.BLOCK >= 20_000_000


@pytest.mark.parametrize("naming", _people.NAMINGS, ids=lambda naming: naming.family[:8])
def test_each_number_of_a_language_is_another_name(naming: _people.Naming) -> None:
    step = max(1, naming.number // 50_000)
    pairs = naming.pairs(random.Random(1))
    found = [name for first in range(0, naming.number, step * 500) for name in names_from(naming, pairs, first)]
    assert len(set(found)) == len(found)


def names_from(naming: _people.Naming, pairs: list[tuple[int, int]], first: int) -> list[str]:
    return list(naming.names(pairs, range(first, min(first + 500, naming.number))))


@pytest.mark.slow
def test_search_columns_are_those_of_a_confirmation() -> None:
    for person in islice(_people.people(seed=4), 50_000):
        for organization in ("", *_people.lines(person.naming.organizations)[:1]):
            for name in (person.name, person.naming.foundation.format(person.name)):
                expected = names.search_columns(name, organization)
                found = _made_up_rows.search_columns(name, organization)
                assert [column.replace(r"\n", "\n") for column in found] == list(expected.values())


@pytest.mark.parametrize("naming", _people.NAMINGS, ids=lambda naming: naming.family[:8])
def test_a_language_has_no_name_twice(naming: _people.Naming) -> None:
    for words in map(_people.words, (naming.given, naming.family, naming.middle)):
        assert len(set(words)) == len(words)
    if naming.pattern.endswith("{family}") and naming.joint == " ":
        assert not set(_people.words(naming.given)) & set(_people.words(naming.family))  # else two could make one whole


def test_the_same_seed_makes_the_same_people(letter: Letter) -> None:
    make(300, seed=5)
    first = named()
    Signature.objects.all().delete()
    make(300, seed=5)
    assert named() == first
    Signature.objects.all().delete()
    make(300, seed=6)
    assert named() != first


def test_another_seed_adds_people_and_the_same_one_has_them_already(
    letter: Letter, capsys: pytest.CaptureFixture[str]
) -> None:
    make(100)
    make(100)
    assert "made 0" in capsys.readouterr().out
    make(100, seed=2)
    assert Signature.objects.count() == 200


def test_a_second_call_goes_on_where_the_first_ended(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_people, "BLOCK", 300)
    monkeypatch.setattr(_made_up_rows, "BLOCK", 300)
    make(750)
    whole = set(named())
    first = set(Signature.objects.values_list("public_id", flat=True))
    Signature.objects.all().delete()
    make(400)
    make(750)
    assert set(named()) == whole
    assert set(Signature.objects.values_list("public_id", flat=True)) == first
    assert sum(HourlyStatistic.objects.filter(event="sign-up").values_list("number", flat=True)) == 2 * 750


def test_the_same_seed_serves_two_letters(letter: Letter) -> None:
    other = make_letter("tunnel")
    make(100, letter="bridge")
    make(100, letter="tunnel")
    assert other.signatures.count() == letter.signatures.count() == 100


def test_what_was_stored_stays_when_it_is_stopped(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_people, "BLOCK", 50)
    monkeypatch.setattr(_made_up_rows, "BLOCK", 50)
    monkeypatch.setattr(make_signatures, "BLOCKS", 2)
    monkeypatch.setattr(_people, "NAMINGS", _people.NAMINGS[-1:])  # 3,375 names
    with pytest.raises(CommandError, match="There are no more than 3350 distinct names"):
        make(4000)
    assert Signature.objects.count() == 3350
    assert counts.for_letter(letter.pk).in_state(State.APPROVED) == Signature.objects.filter(state="approved").count()


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'signatures_signature'")
        return {name for (name,) in cursor.fetchall()}


def test_many_are_made_without_the_indexes_that_hold_no_rule(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_signatures, "MANY", 100)
    before, during = indexes(), set[str]()
    store = make_signatures.store

    def watched(*arguments: Any) -> int:
        during.update(indexes())
        return store(*arguments)

    monkeypatch.setattr(make_signatures, "store", watched)
    make(100)
    assert before - during == {index.name for index in Signature._meta.indexes}
    assert "one_signature_per_place" in during
    assert indexes() == before


def test_indexes_stay_where_somebody_signed_unless_asked(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_signatures, "MANY", 100)
    dropped: list[bool] = []
    secondary_indexes = make_signatures.secondary_indexes

    def watched(*, are_dropped: bool) -> Any:
        dropped.append(are_dropped)
        return secondary_indexes(are_dropped=are_dropped)

    monkeypatch.setattr(make_signatures, "secondary_indexes", watched)
    make(99)
    make(100)
    make(101, fast=True)
    assert dropped == [False, False, True]


def test_indexes_that_a_killed_call_left_missing_are_built(letter: Letter) -> None:
    before = indexes()
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX public_by_grams, queue")
    make(10)
    assert indexes() == before


def test_the_indexes_are_built_when_it_fails(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    before = indexes()
    monkeypatch.setattr(make_signatures, "MANY", 100)
    monkeypatch.setattr(_people, "NAMINGS", [])
    with pytest.raises(CommandError, match="no more than 0"):
        make(100)
    assert indexes() == before


def test_the_counts_agree_with_the_rows(letter: Letter) -> None:
    make(1000)
    totals, rows = counts.for_letter(letter.pk), Signature.objects.filter(letter=letter)
    for state in State:
        assert totals.in_state(state) == rows.filter(state=state).count()
    assert totals.named == rows.deliverable().count()
    assert totals.public == rows.public().count()
    counted = rows.filter(state=State.APPROVED) | rows.filter(state=State.WAITING, flags=[])
    assert totals.total == counted.count()


def test_the_statistics_know_a_sign_up_and_a_confirmation_of_each(letter: Letter) -> None:
    translate(letter, "ko", "zh-hans", "zh-hant")
    make(200)
    make(100, seed=2)
    for event in ("sign-up", "confirm"):
        hours = HourlyStatistic.objects.filter(letter=letter, event=event)
        assert sum(hours.values_list("number", flat=True)) == 300, event
        assert set(hours.values_list("language", flat=True)) == {"en", "ko", "zh-hans", "zh-hant"}


def test_it_copies_in_pieces(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_people, "BLOCK", 100)
    monkeypatch.setattr(_made_up_rows, "BLOCK", 100)
    monkeypatch.setattr(make_signatures, "BLOCKS", 2)
    with CaptureQueriesContext(connection) as asked:
        make(600)
    assert Signature.objects.count() == 600
    assert len(asked) < 60  # not one for each row


def test_outside_local_mode_it_needs_a_second_yes(letter: Letter, settings: Any) -> None:
    settings.LOCAL_MODE = False
    with pytest.raises(CommandError, match="not in local mode"):
        make(10)
    assert not Signature.objects.exists()
    make(10, yes=True)
    assert Signature.objects.count() == 10


def test_two_at_once_do_not_drop_the_indexes_of_each_other(letter: Letter) -> None:
    with block_lock(AdvisoryLock.MAKE_SIGNATURES), pytest.raises(CommandError, match="Another `make_signatures` is"):
        make(10)
    make(10)


@pytest.mark.parametrize("number", [0, -1])
def test_it_makes_at_least_one(letter: Letter, number: int) -> None:
    with pytest.raises(CommandError, match="N: it must be a whole number from 1 on"):
        make(number)


def test_it_says_which_letter_is_missing(letter: Letter) -> None:
    with pytest.raises(CommandError, match="There is no letter 'castle'"):
        make(10, letter="castle")


def test_it_needs_a_published_letter(db: None) -> None:
    with pytest.raises(CommandError, match="There is no published letter"):
        make(10)
    Letter.objects.create(slug="draft", recipient="nobody yet")
    with pytest.raises(CommandError, match="draft has no published text"):
        make(10, letter="draft")
