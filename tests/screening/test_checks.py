"""What sends a signature to review, and what honest people may do without being looked at."""

import time
from typing import Any

import pytest
from django.core import signing

from signatures.registries import FLAGS_OF_WORDS, Flag
from signatures.screening import checks
from signatures.values import email_addresses, form_stamps
from tests.values.test_names import TAKEN

PROTECTED_NAMES = [
    "President Xi Jinping",
    "His Excellency Xi Jinping",
    "President of The People’s Republic of China",
    "Roberta Cohen",
    "김정은 (Kim Jong-un)",
    "国家主席 习近平",
    "田中 太郎",
    "Sukarno",
    "O'Brien",
    "Jean-Luc Picard",
    "नरेन्द्र मोदी",
]


def flags(name: str = "Ada Lovelace", **more: Any) -> list[str]:
    words = {"name": name} | {field: more.pop(field) for field in ("role", "organization", "comment") if field in more}
    return checks.flags(words, **more)


def test_most_signatures_have_no_flag() -> None:
    full = {"role": "Professor, Ph.D.", "organization": "U.S.A. Friends of St.John", "comment": "Thank you. Keep on!"}
    assert (
        flags(
            **full, stamp=form_stamps.make_stamp(), seconds=40, domains=["example.org"], protected_names=PROTECTED_NAMES
        )
        == []
    )


@pytest.mark.parametrize("name", TAKEN)
def test_S10_no_honest_name_raises_a_flag(name: str) -> None:
    assert flags(name, role=name, organization=name, comment=name, protected_names=["President Xi Jinping"]) == []


@pytest.mark.parametrize(
    "name",
    ["Хi Jinping", "Аdа", "Ρaul", "Αda Lovelace", "李a明", "김a철수", "Ivаn", "Х\u0301i", "Xi1Х", "Zཀྵrgo"],
)
def test_S11_scripts_mixed_inside_one_word_are_looked_at(name: str) -> None:
    assert flags(name) == ["script-mix"]


@pytest.mark.parametrize("name", ["Хi Jinping", "Аdа", "Ρaul", "Ivаn"])
def test_S11_beside_the_name_look_alikes_are_looked_at_and_the_names_of_firms_are_not(name: str) -> None:
    assert flags(organization=name) == flags(role=name) == ["script-mix"]
    assert flags(organization="LG전자", role="IT담당") == flags(organization="JR東日本") == []


@pytest.mark.parametrize(
    "name",
    [
        "Kim Chul-soo (김철수)",
        "李明 Li Ming",
        "나라 Nara",
        "田中さくら",
        "タナカ太郎",
        "金철수",
        "X Æ A-12",
        "Иван Ivan",
        "Μαρία-Anna",
        "黃ㄒㄧㄠˇ明",
        "Anna/Анна",
        "Nuʻu 2世",
        "علی\u200cرضا",
    ],
)
def test_S11_scripts_in_words_of_their_own_are_not(name: str) -> None:
    assert flags(name) == []


@pytest.mark.parametrize(
    "name",
    [
        "Xi Jinping",
        "xi  jinping",
        "President Xi Jinping",
        "ＸＩ ＪＩＮＰＩＮＧ",
        "Roberta Cohen",
        "XiJinping",
        "Xi Jin-ping",
        "ROBERTA COHEN.",
        "President Xi",
        "Kim Jong Un",
        "kim jongun",
        "김정은",
        "习近平",
        "Sukarno",
        "O’Brien",
    ],
)
def test_S11_who_signs_as_the_recipient_or_an_original_signatory_is_looked_at(name: str) -> None:
    assert flags(name, protected_names=PROTECTED_NAMES) == ["protected-name"]


@pytest.mark.parametrize(
    "name",
    [
        "Xi",
        "Xi Jin",
        "Jinping Xi-Miller",
        "Roberta",
        "Cohen",
        "President",
        "",
        "Jean-Luc",
        "Jong-un",
        "田中",
        "田 太郎",
        "नर",
        "Sukarno Putri",
        "近平",
        "of",
    ],
)
def test_S11_who_shares_a_part_of_such_a_name_is_not(name: str) -> None:
    assert flags(name, protected_names=PROTECTED_NAMES) == []


@pytest.mark.parametrize("marks", [4, 5, 16, 40])
def test_S9_more_marks_than_any_writing_needs_are_looked_at(marks: int) -> None:
    assert flags("Z" + "\u0335" * marks + "algo") == ["marks"]
    assert flags(comment="Z" + "\u0335" * marks) == ["marks"]


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Thị Ánh",
        "בְּרֵאשִׁ֖ית",
        "བསྟན་འཛིན་རྒྱ་མཚོ་",
        "ก็อ้ำ",
        "Z\u0335\u0336\u0337algo",
        "ལཀྵྨཱི",
        "ཧཱུྃ",
        "ညှို့",
        "လျှို့ဝှက်",
        "ស្ត្រី",
        "Ọlọ́runfẹ́mi",
    ],
)
def test_S9_what_languages_stack_is_not(name: str) -> None:
    assert flags(name) == []


def test_S9_a_few_marks_on_each_of_many_letters_are_looked_at() -> None:
    assert flags("a\u0334\u0335\u0336" * 3) == ["marks"]
    assert flags("ก็็็็็") == ["marks"]
    assert flags("ཀ" + "\u0fb2" * 6) == ["marks"]


@pytest.mark.parametrize(
    "text",
    [
        "see www.example.com",
        "http://x.y",
        "buy at cheap-pills.top",
        "x.cn now",
        "ftp://a",
        "www . example",
        "join t.me/spam",
        "example dot com",
        "example dot org",
        "examplecoin[.]com",
        "examplecoin (dot) de",
        "shop(.)example.co.uk",
        "me@example.org",
    ],
)
def test_S11_a_link_beside_the_name_is_looked_at(text: str) -> None:
    for field in ("role", "comment"):
        assert flags(**{field: text}) == ["link"]
    assert "link" in flags(f"Ada, {text}") and flags(organization=f"Ada: {text}") == ["link"]


@pytest.mark.parametrize(
    "text",
    [
        "U.S.A.",
        "Ph.D.",
        "St.John",
        "Dr.med. Müller",
        "Awww. Nice",
        "Prof.Rubin",
        "3.5 com",
        "dots",
        "join every dot in it",
        "Ada (.) Souza",
        "a/b",
        "e.V.",
    ],
)
def test_S11_what_only_looks_like_a_link_is_not(text: str) -> None:
    assert flags(role=text, organization=text, comment=text) == []


@pytest.mark.parametrize("domain", ["mailinator.com", "sub.mailinator.com", "guerrillamail.com"])
def test_a_throw_away_mailbox_is_looked_at(domain: str) -> None:
    assert flags(domains=email_addresses.domains_of(f"a@{domain}")) == ["disposable"]


@pytest.mark.parametrize(
    "domain", ["gmail.com", "naver.com", "proton.me", "notmailinator.example.org", "com", "", *email_addresses._COMMON]
)
def test_another_mailbox_is_not(domain: str) -> None:
    assert flags(domains=email_addresses.domains_of(f"a@{domain}")) == []


def test_S22_the_trap_is_for_machines() -> None:
    assert flags(trap="http://spam.example") == ["trap"]


@pytest.mark.parametrize("stamp", ["", "made-up", "form:1abc:forged", "{}x"])
def test_S22_a_form_that_we_did_not_make_is_looked_at(stamp: str) -> None:
    assert flags(stamp=stamp.format(form_stamps.make_stamp())) == ["stale-form"]


def test_S22_a_form_is_sent_by_many_for_its_page_is_cached() -> None:
    stamp = form_stamps.make_stamp()
    assert [flags(stamp=stamp) for _each in range(3)] == [[], [], []]


def test_S22_a_stamp_of_another_purpose_is_none() -> None:
    assert flags(stamp=signing.TimestampSigner(salt="signatures.link").sign("form")) == ["stale-form"]


def test_S22_a_form_older_than_two_days_is_looked_at(monkeypatch: Any) -> None:
    old = form_stamps.make_stamp()
    later = time.time() + form_stamps.MAX_AGE + 1
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert flags(stamp=old) == ["stale-form"]


def test_S43_a_long_stamp_of_a_stranger_does_not_stay_in_memory() -> None:
    before = form_stamps._is_fresh.cache_info().currsize
    assert flags(stamp=form_stamps.make_stamp() + "a" * 1_000) == ["stale-form"]
    assert form_stamps._is_fresh.cache_info().currsize == before


@pytest.mark.parametrize(("seconds", "found"), [(0, ["fast"]), (2, ["fast"]), (3, []), (600, []), (None, [])])
def test_S22_haste_counts_only_where_a_script_measured_it(seconds: int | None, found: list[str]) -> None:
    assert flags(seconds=seconds) == found


def test_every_flag_has_a_sentence_for_staff() -> None:
    everything = flags(
        "Хi" + "\u0335" * 5,
        trap="x",
        stamp="x",
        seconds=0,
        domains=["mailinator.com"],
        comment="www.x.com",
        protected_names=["Хi" + "\u0335" * 5],
    )
    assert set(everything) <= set(Flag)
    assert set(Flag) > FLAGS_OF_WORDS
    assert all(flag.sentence.endswith(".") for flag in Flag)
