"""Every email of the outbox: plain headers, a subject as the organizer chose it, and HTML that old programs lay out."""

from collections.abc import Callable
from email.header import decode_header, make_header
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from signatures.models import OutboxMail, Submission
from signatures.outbox import sending
from tests.conftest import TO_STAFF
from tests.factories import WORDS, make_mail, make_submission
from tests.inbox import Inbox
from tests.live_site import body_of

pytestmark = pytest.mark.django_db

SendOneOfEach = Callable[[], dict[str, Any]]
KINDS = {*OutboxMail.Kind} - {"update"} | {"updatenews", "updatedeli", "updatereje"}


# Headers


def headers_of(content: bytes) -> dict[str, str]:
    """Returns the headers as they came over the wire, folded or not."""
    head = content.split(b"\r\n\r\n")[0].decode("ascii")
    pairs = (line.split(": ", 1) for line in head.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n"))
    return dict(pairs)


def test_C10_every_header_that_is_ascii_is_plain_on_the_wire(
    send_one_of_each: SendOneOfEach, inbox: Inbox, settings: Any
) -> None:
    settings.SITE_URL = f"https://{'letters.' * 12}example.org"
    assert send_one_of_each().keys() == KINDS
    for content in inbox.contents:
        for name, value in headers_of(content).items():
            assert not str(make_header(decode_header(value))).isascii() or "=?" not in value, f"{name}: {value}"
        assert max(map(len, content.split(b"\r\n"))) <= 998
    unsubscribe = [
        headers["List-Unsubscribe"] for headers in map(headers_of, inbox.contents) if "List-Unsubscribe" in headers
    ]
    assert len(unsubscribe) == 3, "news, deliveries and a rejection"
    assert all(value.startswith(f"<{settings.SITE_URL}/") and value.endswith(">") for value in unsubscribe)


def test_a_long_subject_beyond_ascii_is_folded(letter: Letter, inbox: Inbox) -> None:
    title = "국경을 넘은 사람들에 관하여 대통령께 드리는 공개 서한 " * 3
    publish(revise(letter, "en", {**WORDS, "title": title}, authoritative=True))
    letter.subjects = "title"
    letter.save()
    make_mail(make_submission(letter, "Ben"), "ben@example.org")
    sending.send_due()
    head = inbox.contents[0].split(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n") if b"=?utf-8?" in line) <= 78
    assert inbox[0]["Subject"].startswith("Please confirm: 국경을")


# Sender and subject


def test_the_sender_has_a_name_even_if_the_settings_hold_an_address_alone(
    ben: Submission, inbox: Inbox, settings: Any
) -> None:
    settings.DEFAULT_FROM_EMAIL = "letters@site.example"
    make_mail(ben, "ben@example.org")
    sending.send_due()
    (sender,) = inbox[0]["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (settings.ORGANIZATION_NAME, "letters@site.example")


@pytest.mark.parametrize(("recipient_kind", "names_it"), [("government", False), ("company", True)])
def test_subjects_name_the_letter_unless_it_goes_to_a_government(
    send_one_of_each: SendOneOfEach, letter: Letter, recipient_kind: str, names_it: bool
) -> None:
    Letter.objects.update(recipient_kind=recipient_kind)
    title = letter.revisions.get().translations.get().title
    for kind, mail in send_one_of_each().items():
        assert (title in mail["Subject"]) == (names_it and kind not in TO_STAFF), kind


def test_the_organizer_may_choose_otherwise(letter: Letter) -> None:
    for recipient_kind in Letter.RecipientKind:
        for subjects in Letter.Subjects:
            letter.recipient_kind, letter.subjects = recipient_kind, subjects
            assert letter.names_itself_in_subjects == (subjects == "title")


# What they say


def test_the_first_paragraph_says_what_to_do_why_it_came_and_what_happens_otherwise(
    send_one_of_each: SendOneOfEach,
) -> None:
    for kind, mail in send_one_of_each().items():
        text, html = (body_of(mail, part).replace("\r\n", "\n") for part in ("plain", "html"))
        first = text.split("\n\n")[0]
        assert "You get this email because" in first, kind
        assert any(words in first for words in ("If you do nothing", "There is nothing you need to do", "sent once")), (
            kind
        )
        assert first in unescape(" ".join(html.split())), kind
        if kind in {"link", "reminder"}:
            assert "open this link and confirm your signature by" in first and "deleted after 7 days" in first
        assert "\n\n\n" not in text and "\n\n-- \n" in text, f"{kind}: no holes in the text part"


# HTML as Outlook for Windows, Gmail and phones in the dark show it

LAYOUT = ("flex", "grid", "position:", "float:", "background-image", "url(", "rem", "var(", "calc(")


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def test_the_html_is_made_of_tables_with_colors_as_attributes_and_buttons_beside_their_addresses(
    send_one_of_each: SendOneOfEach,
) -> None:
    for kind, mail in send_one_of_each().items():
        html = body_of(mail, "html")
        assert len(html.encode()) < 40_000, "Gmail cuts at 102 kB"
        assert "<style" not in html.partition("</head>")[2] and html.partition("</head>")[0].count("<style") == 2
        assert 'name="color-scheme" content="light dark"' in html and "prefers-color-scheme: dark" in html
        assert '<!--[if mso]><table role="presentation" width="580"' in html
        elements = Elements(html).found
        for tag, attributes in elements:
            style = attributes.get("style", "")
            assert not any(word in style for word in LAYOUT), f"{kind}: {style}"
            assert tag not in {"div", "img", "script", "link", "form"}, kind
            assert tag != "table" or attributes["role"] == "presentation"
            if "background-color:" in style:
                assert f"background-color:{attributes['bgcolor']}" in style, "Word reads the attribute"
            if tag == "td":
                assert "bgcolor" in attributes, f"{kind}: words of a color need a ground that is inverted with them"
        links = [attributes["href"] for tag, attributes in elements if tag == "a"]
        button = next(index for index, (_tag, attributes) in enumerate(elements) if attributes.get("class") == "button")
        assert elements[button][1]["style"].count("mso-padding-alt") == 1
        assert links.count(elements[button + 1][1]["href"]) == 2, f"{kind}: a button, and an address to copy"
        copied = [one for tag, one in elements if tag == "a" and one["href"] == elements[button + 1][1]["href"]][1]
        assert copied["dir"] == "ltr", "in an Arabic email the last slash would stand first"
