"""News: on the page in each language, in the feed, by email; corrected and retracted."""

import re
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from campaign.letters.publishing import EmptyNews, announce, publish, retract, revise
from campaign.models import Letter, News, NewsText
from campaign.web.middleware import page_cache
from signatures.models import AuditEntry, EmailSubject, OutboxMail, Signature
from signatures.outbox import queue, sending, subscriptions
from signatures.signing import withdrawal
from tests.conftest import member_of
from tests.factories import WORDS as LETTER_WORDS
from tests.factories import make_letter
from tests.inbox import Inbox
from tests.live_site import body_of
from tests.outbox.test_subscriptions import UPDATES_KEY, wants_updates

pytestmark = pytest.mark.django_db
WORDS = {
    "en": ("The embassy answered", "It *thanked* us.\n\n- And no more."),
    "ko": ("대사관의 답", "감사하다고 했습니다."),
}
ATOM = "{http://www.w3.org/2005/Atom}"


def make_news(letter: Letter, *, by_mail: bool = False, **words: tuple[str, str]) -> News:
    """Announced."""
    news = News.objects.create(letter=letter, by_mail=by_mail)
    for language, (title, body) in (words or WORDS).items():
        news.texts.create(language=language, title=title, body=body)
    announce(news)
    news.refresh_from_db()
    return news


def read(client: Client, address: str) -> str:
    page_cache.clear()
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def feed_at(client: Client, address: str) -> ET.Element:
    return ET.fromstring(read(client, address))  # noqa: S314  our own page


@pytest.fixture
def press(letter: Letter) -> Client:
    """Admin, as an editor sees it."""
    client = Client()
    client.force_login(member_of("editor"))
    return client


def typed(letter: Letter, *texts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The page of one news, filled in."""
    rows = {f"texts-{n}-{key}": value for n, row in enumerate(texts) for key, value in row.items()}
    there = sum("id" in row for row in texts)
    return {"letter": letter.pk, "texts-TOTAL_FORMS": len(texts), "texts-INITIAL_FORMS": there, **rows, **fields}


def test_an_editor_writes_news_looks_at_it_and_publishes_it(
    press: Client, letter: Letter, client: Client, ada: Signature
) -> None:
    page = typed(
        letter,
        {"language": "en", "title": "The embassy answered", "body": "It *thanked* us."},
        {"language": "ko", "title": "대사관의 답", "body": "감사하다고 했습니다."},
        {"language": "", "title": "", "body": ""},  # left empty
    )
    assert press.post("/admin/campaign/news/add/", page).status_code == 302
    news = News.objects.get()
    assert "<em>thanked</em>" in press.get(f"/admin/campaign/news/{news.pk}/change/").content.decode()
    assert "embassy" not in read(client, "/letters/bridge/") + read(client, "/letters/bridge/news/")

    press.post("/admin/campaign/news/", {"action": "announce", "_selected_action": [news.pk]})

    for address in ("/", "/letters/bridge/", "/letters/bridge/news/"):
        shown = read(client, address)
        assert "The embassy answered" in shown and "<em>thanked</em>" in shown and "대사관" not in shown
        assert f'<time datetime="{timezone.now():%Y-%m-%d}">' in shown
    assert "대사관의 답" in read(client, "/ko/") and "embassy" not in read(client, "/ko/letters/bridge/news/")
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == [
        "set-news",
        "set-newstext",
        "set-newstext",
        "announce",
    ]


def test_news_without_a_text_in_the_language_of_the_page_is_shown_in_that_of_the_letter(
    letter: Letter, client: Client
) -> None:
    make_news(letter)
    shown = read(client, "/zh-hant/letters/bridge/news/")
    assert '<h2 lang="en" dir="ltr">The embassy answered</h2>' in shown and 'lang="zh-hant"' in shown
    make_news(letter, ar=("خبر", "نص"))
    assert '<h2 lang="ar" dir="rtl">خبر</h2>' in read(client, "/letters/bridge/news/")


def test_the_letter_shows_the_newest_two_and_leads_to_all_of_them(letter: Letter, client: Client) -> None:
    for n in range(3):
        make_news(letter, en=(f"News {n}", "So it is."))
    make_news(make_letter("tunnel"), en=("Of another letter", "…"))
    shown = read(client, "/letters/bridge/")
    assert re.findall(r">(News \d)<", shown) == ["News 2", "News 1"] and "/letters/bridge/news/" in shown
    everything = read(client, "/letters/bridge/news/")
    assert re.findall(r">(News \d)<", everything) == ["News 2", "News 1", "News 0"] and "another" not in everything


def test_without_news_the_letter_page_has_no_news_section(letter: Letter, client: Client) -> None:
    page = read(client, "/letters/bridge/")
    assert "/news/" not in page and ">News<" not in page
    assert "There is no news yet" in read(client, "/letters/bridge/news/")
    assert client.get("/letters/none/news/").status_code == 404
    assert client.get("/letters/none/news/feed/").status_code == 404


def test_a_correction_shows_its_day_and_a_later_translation_does_not(
    press: Client, letter: Letter, client: Client
) -> None:
    news = make_news(letter)
    english, korean = news.texts.order_by("pk")
    rows = [
        {"id": words.pk, "language": words.language, "title": words.title, "body": words.body}
        for words in (english, korean)
    ]
    rows[0]["body"] = "It did not thank us."
    press.post(
        f"/admin/campaign/news/{news.pk}/change/",
        typed(letter, *rows, {"language": "zh-hans", "title": "答复", "body": "谢谢"}),
    )
    assert [words.changed_on for words in news.texts.order_by("pk")] == [timezone.now().date(), None, None]
    shown = read(client, "/letters/bridge/news/")
    assert "did not thank" in shown and f'<time datetime="{timezone.now():%Y-%m-%d}">changed on' in shown
    assert "changed on" not in read(client, "/zh-hans/letters/bridge/news/")


def test_saving_over_the_correction_of_another_editor_is_a_conflict(press: Client, letter: Letter) -> None:
    news = make_news(letter, en=("Title", "First words."))
    page = f"/admin/campaign/news/{news.pk}/change/"
    seen = re.search(r'name="texts-0-loaded_digest" value="(\w+)"', press.get(page).content.decode())
    assert seen is not None
    words = news.texts.get()
    NewsText.objects.filter(pk=words.pk).update(body="Corrected meanwhile.")
    row = {"id": words.pk, "language": "en", "title": "Title", "body": "Mine.", "loaded_digest": seen[1]}
    assert "Corrected meanwhile." in press.post(page, typed(letter, row)).content.decode()
    assert news.texts.get().body == "Corrected meanwhile."


def test_retracted_news_that_is_announced_again_keeps_its_first_day(
    press: Client, letter: Letter, client: Client
) -> None:
    news = make_news(letter)
    News.objects.update(published_at=timezone.now() - timedelta(days=3))
    press.post("/admin/campaign/news/", {"action": "retract", "_selected_action": [news.pk]})
    for address in ("/letters/bridge/", "/letters/bridge/news/", "/letters/bridge/news/feed/"):
        assert "embassy" not in read(client, address), address
    press.post("/admin/campaign/news/", {"action": "announce", "_selected_action": [news.pk]})
    assert f"{timezone.now() - timedelta(days=3):%Y-%m-%d}" in read(client, "/letters/bridge/news/")
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["retract", "announce"]


@pytest.mark.parametrize("action", ["announce", "retract"])
def test_news_that_is_on_the_page_or_never_was_is_not_said_to_change(
    press: Client, letter: Letter, action: str
) -> None:
    news = make_news(letter)
    if action == "retract":
        News.objects.update(published_at=None)
    sent = {"action": action, "_selected_action": [news.pk]}
    page = press.post("/admin/campaign/news/", sent, follow=True).content.decode()
    assert "Nothing was changed: it is" in page and "It is no longer on the page" not in page
    assert not AuditEntry.objects.filter(action=action).exists()
    assert News.objects.get().retracted_at is None


def test_S14_news_cannot_hold_markup(letter: Letter, client: Client) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'[x](javascript:alert(1))"
    make_news(letter, en=(evil[:150], evil))
    for address in ("/letters/bridge/", "/letters/bridge/news/"):
        shown = read(client, address)
        assert "<script>alert" not in shown and "<img" not in shown and 'href="javascript' not in shown
    feed = feed_at(client, "/letters/bridge/news/feed/")
    assert "<script" not in (feed.findtext(f"{ATOM}entry/{ATOM}summary") or "none")


def test_the_feed_holds_the_news_in_its_language_on_our_own_host(letter: Letter, client: Client) -> None:
    news = make_news(letter)
    for language, title in (("", "The embassy answered"), ("/ko", "대사관의 답")):
        feed = feed_at(client, f"{language}/letters/bridge/news/feed/")
        (entry,) = feed.findall(f"{ATOM}entry")
        assert entry.findtext(f"{ATOM}title") == title
        links = [link.get("href") for link in feed.iter(f"{ATOM}link")]
        where = f"http://localhost:8000{language}/letters/bridge/news/"
        assert links == [where, f"{where}feed/", f"{where}#news-{news.pk}"]
    answer = client.get("/letters/bridge/news/feed/")
    assert answer["Content-Type"].startswith("application/atom+xml") and "public" in answer["Cache-Control"]


def test_a_character_that_xml_cannot_hold_does_not_break_the_feed(letter: Letter, client: Client) -> None:
    publish(revise(letter, "en", {**LETTER_WORDS, "title": "Bri\x0bdges"}, authoritative=True))
    make_news(letter, en=("The embassy\x07 answ\ufffeered \U0001f54a", "It *th\x1banked* us\uffff."))
    feed = feed_at(client, "/letters/bridge/news/feed/")
    assert feed.findtext(f"{ATOM}title") == "News: Bridges"
    assert feed.findtext(f"{ATOM}entry/{ATOM}title") == "The embassy answered \U0001f54a"
    assert feed.findtext(f"{ATOM}entry/{ATOM}summary") == "<p>It <em>thanked</em> us.</p>"


@pytest.mark.parametrize("role", ["moderator", "delivery officer"])
def test_A5_only_editors_write_news(letter: Letter, role: str) -> None:
    client = Client()
    client.force_login(User.objects.filter(username=role).first() or member_of(role))
    assert client.get("/admin/campaign/news/").status_code == 403
    assert client.post("/admin/campaign/news/add/", typed(letter)).status_code == 403


def test_news_without_a_text_is_not_published(press: Client, letter: Letter) -> None:
    news = News.objects.create(letter=letter)
    answer = press.post("/admin/campaign/news/", {"action": "announce", "_selected_action": [news.pk]}, follow=True)
    assert "at least one language" in answer.content.decode() and not News.objects.announced().exists()
    with pytest.raises(EmptyNews):
        announce(news)


def test_of_several_news_all_are_published_or_none(press: Client, letter: Letter) -> None:
    """So that nobody publishes, and mails, something by an action that says it did nothing."""
    chosen = [News.objects.create(letter=letter) for _number in range(3)]
    for news in chosen[1:]:
        NewsText.objects.create(news=news, language="en", title="Title", body="Words.")
    sent = {"action": "announce", "_selected_action": [news.pk for news in chosen]}
    answer = press.post("/admin/campaign/news/", sent, follow=True)
    assert f"write news no. {chosen[0].pk} in" in answer.content.decode()
    assert not News.objects.announced().exists()


def test_a_news_has_one_text_per_language(press: Client, letter: Letter) -> None:
    row = {"language": "en", "title": "Title", "body": "Words."}
    answer = press.post("/admin/campaign/news/add/", typed(letter, row, row))
    assert "duplicate data for language" in answer.content.decode() and not News.objects.exists()
    answer = press.post("/admin/campaign/news/add/", typed(letter, {**row, "language": "xx"}))
    assert "Write the code, such as fr." in answer.content.decode() and not News.objects.exists()
    assert press.post("/admin/campaign/news/add/", typed(letter, {**row, "language": "PT_br"})).status_code == 302
    assert NewsText.objects.get().language == "pt-br"


def test_the_database_refuses_two_texts_in_one_language_and_news_retracted_before_it_was_published(
    letter: Letter,
) -> None:
    news = make_news(letter)
    with pytest.raises(IntegrityError, match="one_news_text_per_language"), transaction.atomic():
        NewsText.objects.create(news=news, language="en", title="Again", body="…")
    with (
        pytest.raises(IntegrityError, match="only_what_was_published"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE campaign_news SET published_at = NULL, retracted_at = now()")


# By mail


@pytest.fixture
def readers(letter: Letter) -> list[Signature]:
    """One reads English, one Korean, one Chinese, in which there is no news."""
    people = {"en": "Dora Maar", "ko": "Kim Yuna", "zh-hant": "Li Na"}
    return [wants_updates(letter, name, f"{tongue}@example.org", language=tongue) for tongue, name in people.items()]


def test_each_subscriber_gets_one_neutral_email_with_a_link_in_their_language(
    readers: list[Signature], letter: Letter, inbox: Inbox, client: Client
) -> None:
    news = make_news(letter, by_mail=True)
    assert subscriptions.queue_updates([UPDATES_KEY]) == 3
    assert subscriptions.queue_updates([UPDATES_KEY]) == 0
    EmailSubject.objects.create(mail="update", language="en", subject="The post has come")
    sending.send_due()
    mails = {mail["To"]: mail for mail in inbox}
    for tongue, prefix in (("en", ""), ("ko", "/ko"), ("zh-hant", "/zh-hant")):
        mail = mails[f"{tongue}@example.org"]
        body, page = (body_of(mail, kind) for kind in ("plain", "html"))
        assert f"http://localhost:8000{prefix}/letters/bridge/news/#news-{news.pk}" in body.split()
        assert (
            mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and "/no-updates/" in mail["List-Unsubscribe"]
        )
        whole = "\n".join([*map(str, mail.values()), body, page])
        for word in ("embassy", "thanked", "대사관", "Maar", "Yuna", "Li Na", "Bridges"):
            assert word not in whole
    assert mails["en@example.org"]["Subject"] == "The post has come"
    assert "The embassy answered" in read(client, "/zh-hant/letters/bridge/news/")
    assert AuditEntry.objects.get(action="queue-updates").detail == {"news": news.pk, "number": 3}


def test_only_published_news_marked_for_email_is_sent(readers: list[Signature], letter: Letter) -> None:
    make_news(letter)
    News.objects.create(letter=letter, by_mail=True).texts.create(language="en", title="Draft", body="…")
    retract(make_news(letter, by_mail=True))
    make_news(make_letter("tunnel"), by_mail=True)
    assert subscriptions.queue_updates([UPDATES_KEY]) == 0


def test_later_signers_get_no_email_about_earlier_news(readers: list[Signature], letter: Letter) -> None:
    make_news(letter, by_mail=True)
    wants_updates(letter, "Eve", "eve@example.org")
    assert subscriptions.queue_updates([UPDATES_KEY]) == 3


def test_retracted_news_is_not_sent_until_it_is_announced_again(
    readers: list[Signature], letter: Letter, inbox: Inbox
) -> None:
    news = make_news(letter, by_mail=True)
    subscriptions.queue_updates([UPDATES_KEY])
    retract(news)
    withdrawal.unsubscribe(readers[0])
    sending.send_due()
    assert not inbox and not OutboxMail.objects.exists()
    announce(news)
    assert subscriptions.queue_updates([UPDATES_KEY]) == 2


def test_sending_resumes_after_an_interruption_between_two_batches(
    readers: list[Signature], letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_news(letter, by_mail=True)
    monkeypatch.setattr(subscriptions, "BATCH", 1)
    enqueue_updates, calls = queue.enqueue_updates, []

    def break_off(*args: Any, **options: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            raise ConnectionError
        return enqueue_updates(*args, **options)

    monkeypatch.setattr(queue, "enqueue_updates", break_off)
    with pytest.raises(ConnectionError):
        subscriptions.queue_updates([UPDATES_KEY])
    assert OutboxMail.objects.count() == 2
    assert subscriptions.queue_updates([UPDATES_KEY]) == 1


def test_days_are_written_as_in_the_language_of_the_page(letter: Letter, client: Client) -> None:
    make_news(letter)
    News.objects.update(published_at="2026-05-07T12:00Z")
    NewsText.objects.update(changed_on=date(2026, 5, 9))
    assert "May 7, 2026" in read(client, "/letters/bridge/news/")
    korean = read(client, "/ko/letters/bridge/news/")
    assert "2026년 5월 7일" in korean and '<time datetime="2026-05-09">' in korean
