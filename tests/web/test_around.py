"""What lies around the letter: help, accessibility, files at fixed addresses, methods, search engines, notices."""

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone
from PIL import Image

from campaign.letters import notices, text_cache
from campaign.models import Letter, Logo, News, NewsText, Notice, NoticeText
from campaign.web import middleware
from signatures.models import AuditEntry, Signature
from signatures.values import tokens
from tests.delivery.factories import make_delivery
from tests.factories import make_letter, make_logo

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_help_is_linked_from_every_foot_and_from_the_page_that_waits_for_the_email(
    client: Client, letter: Letter
) -> None:
    assert text_of(client, "/letters/bridge/check-mail/").count('"/letters/bridge/help/"') == 2
    for page in ("/letters/bridge/", "/letters/bridge/help/", "/privacy/"):
        assert '"/letters/bridge/help/"' in text_of(client, page) and '"/accessibility/"' in text_of(client, page)
    make_letter("other")
    text_cache.clear_cache()
    middleware.page_cache.clear()
    assert '"/help/"' in text_of(client, "/accessibility/") and "Which letter" not in text_of(client, "/help/")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"moderation": "before"}, "Somebody reads each signature before its name appears"),
        ({"moderation": "after"}, "Most names appear within minutes"),
        ({"signers_per_mailbox": 1}, "each email address can sign once"),
        ({"signers_per_mailbox": 2}, "Two people can sign with one email address"),
        ({"closes_at": datetime(2099, 12, 1, tzinfo=UTC)}, "You can sign until Nov. 30, 2099, UTC."),
        ({"contact_email": "letters@orchestra.example"}, "mailto:letters@orchestra.example"),
    ],
)
def test_the_help_of_a_letter_says_what_is_so_there(
    client: Client, letter: Letter, fields: dict[str, Any], said: str
) -> None:
    Letter.objects.update(**fields)
    assert said in text_of(client, "/letters/bridge/help/")


def test_a_contact_is_a_link_wherever_it_stands(client: Client, ada: Signature) -> None:
    report = f"/letters/bridge/signatories/{ada.public_id}/report/"
    for page in ("/letters/bridge/", "/privacy/", "/help/", "/accessibility/", "/letters/bridge/embed/", report):
        text = text_of(client, page)
        assert len(re.findall(r"privacy@localhost(?!\")", text)) == text.count('href="mailto:privacy@localhost"'), page


def test_security_txt_names_the_contact_and_expires_half_a_year_after_the_day(client: Client) -> None:
    answer = client.get("/.well-known/security.txt")
    fields = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    expires = datetime.fromisoformat(fields["Expires"])
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert fields["Contact"] == "mailto:privacy@localhost"
    assert fields["Canonical"] == "http://localhost:8000/.well-known/security.txt"
    assert timedelta(days=178) < expires - timezone.now() <= timedelta(days=180)


def test_icons_are_where_browsers_look_for_them(client: Client) -> None:
    for name, size in (("favicon.ico", (48, 48)), ("apple-touch-icon.png", (180, 180))):
        answer = client.get(f"/{name}")
        assert Image.open(BytesIO(answer.content)).size == size and "max-age=86400" in answer["Cache-Control"]


def test_a_feed_is_found_from_the_letter_and_says_when_its_entries_changed(client: Client, letter: Letter) -> None:
    published = timezone.now() - timedelta(days=3)
    news = News.objects.create(letter=letter, published_at=published)
    text = NewsText.objects.create(news=news, language="en", title="On the way", body="It is.")
    text.save()  # after it was published: that is a correction
    link = '<link rel="alternate" type="application/atom+xml" title="News" href="/letters/bridge/news/feed/">'
    assert link in text_of(client, "/letters/bridge/") and link in text_of(client, "/letters/bridge/news/")

    def updated() -> str:
        middleware.page_cache.clear()
        entry = text_of(client, "/letters/bridge/news/feed/").partition("<entry>")[2]
        return str(re.findall("<updated>(.*?)</updated>", entry)[0])[:10]

    assert updated() == f"{text.changed_on:%Y-%m-%d}"
    NewsText.objects.update(changed_on=None)
    assert updated() == f"{published:%Y-%m-%d}"


def addresses(letter: Letter, ada: Signature) -> dict[str, str]:
    """Every public address, by its name."""
    delivery, token = make_delivery(letter), tokens.personal_token(ada.public_id)
    values: dict[Any, Any] = {
        "slug": letter.slug, "number": delivery.number, "public_id": ada.public_id, "token": token, "color": "123456",
        "digest": make_logo(letter).digest,
    }  # fmt: skip
    found = {}
    patterns: Any = get_resolver().reverse_dict
    for name, (candidates, *_rest) in patterns.items():
        if isinstance(name, str) and name != "metrics":
            found[name] = reverse(name, kwargs={each: values[each] for each in candidates[0][1]})
    found["unsubscribe"] = reverse("unsubscribe", args=[tokens.unsubscribe_token(ada.public_id)])
    return found


def test_every_public_address_answers_a_wrong_method_with_405_and_says_which_are_right(
    letter: Letter, ada: Signature
) -> None:
    client, found = Client(enforce_csrf_checks=True), addresses(letter, ada)
    assert len(found) > 30 and Logo.objects.exists()
    for name, address in found.items():
        for method in ("PUT", "DELETE", "PATCH", "TRACE"):
            answer = client.generic(method, address, headers={"sec-fetch-site": "same-origin"})
            assert (answer.status_code, "GET" in answer.get("Allow", "")) == (405, True), (name, method)
        right = client.get(address)
        assert right.status_code in {200, 303, 404} and (right.status_code != 404 or name == "challenge"), name
        if "POST" not in answer["Allow"]:
            assert client.post(address, headers={"sec-fetch-site": "same-origin"}).status_code == 405, name


NOT_FOUND_BY_SEARCH = {
    "signature", "unsubscribe", "my-link", "link-sent", "my-links", "links-sent", "check-mail", "embed", "signatories", "entry", "report",
    "reported", "challenge", "sign", "sitemap",
}  # fmt: skip


def test_P5_search_engines_are_told_noindex_where_it_is_meant_and_may_read_it(
    client: Client, letter: Letter, ada: Signature
) -> None:
    robots = text_of(client, "/robots.txt")
    assert "Disallow:\n" in robots and "Disallow: /" not in robots
    for name, address in addresses(letter, ada).items():
        answer = client.get(address)
        is_hidden = "noindex" in answer.get("X-Robots-Tag", "") or b'"robots" content="noindex"' in answer.getvalue()
        assert is_hidden == (name in NOT_FOUND_BY_SEARCH), name


@pytest.fixture
def notice() -> Notice:
    now = timezone.now()
    notice = Notice.objects.create(starts_at=now - HOUR, ends_at=now + HOUR)
    NoticeText.objects.create(notice=notice, language="en", text="Emails are <slow> today.")
    NoticeText.objects.create(notice=notice, language="ko", text="오늘은 메일이 늦습니다.")
    return notice


@pytest.mark.parametrize("page", ["/letters/bridge/", "/privacy/", "/letters/bridge/my-link/", "/help/"])
def test_a_notice_is_on_all_public_pages_in_their_language(
    client: Client, letter: Letter, notice: Notice, page: str
) -> None:
    assert "Emails are &lt;slow&gt; today." in text_of(client, page)
    assert "오늘은 메일이 늦습니다." in text_of(client, f"/ko{page}")
    assert 'lang="en"' in text_of(client, f"/zh-hans{page}").partition("site-notice")[2][:60]


@pytest.mark.parametrize(("starts", "ends"), [(-2, -1), (1, 2)])
def test_a_notice_is_shown_in_its_time_alone(
    client: Client, letter: Letter, notice: Notice, starts: int, ends: int
) -> None:
    Notice.objects.update(starts_at=timezone.now() + starts * HOUR, ends_at=timezone.now() + ends * HOUR)
    assert "site-notice" not in text_of(client, "/letters/bridge/")


def test_a_cached_page_follows_a_notice_within_seconds(
    client: Client, letter: Letter, notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    Notice.objects.update(ends_at=timezone.now())
    assert "site-notice" not in text_of(client, "/letters/bridge/")
    Notice.objects.update(ends_at=timezone.now() + HOUR)
    assert "site-notice" not in text_of(client, "/letters/bridge/"), "from the cache"
    monkeypatch.setattr(middleware, "FRESH_SECONDS", 0.0)
    notices.clear_cache()  # as a second later
    assert "site-notice" in text_of(client, "/letters/bridge/")


def test_staff_write_a_notice_and_the_audit_log_has_it(client: Client, owner: User) -> None:
    client.force_login(owner)
    form = {
        "starts_at_0": "2026-11-29", "starts_at_1": "10:00", "ends_at_0": "2026-11-29", "ends_at_1": "18:00",
        "texts-TOTAL_FORMS": "1", "texts-INITIAL_FORMS": "0", "texts-0-language": "en", "texts-0-text": "Emails are slow.",
    }  # fmt: skip
    assert client.post("/admin/campaign/notice/add/", form).status_code == 302
    assert NoticeText.objects.get().text == "Emails are slow."
    assert [*AuditEntry.objects.order_by("pk").values_list("action", flat=True)] == ["set-notice", "set-noticetext"]
    wrong = client.post("/admin/campaign/notice/add/", {**form, "ends_at_1": "09:00"})
    assert "It must end after it starts." in wrong.content.decode()
    empty = client.post("/admin/campaign/notice/add/", {**form, "texts-0-text": ""})
    assert empty.status_code == 200 and Notice.objects.count() == 1, "a notice has words"


def test_only_owners_write_notices(moderator_client: Client, moderator: User) -> None:
    assert moderator_client.get("/admin/campaign/notice/add/").status_code == 403
    with pytest.raises(ValidationError):
        Notice(starts_at=timezone.now(), ends_at=timezone.now() - HOUR).full_clean()
