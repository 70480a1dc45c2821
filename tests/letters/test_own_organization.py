"""A letter of another organization: its pages and emails name that organization, and never who runs the site."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import parseaddr
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from campaign.letters import text_cache
from campaign.letters.operators import operator_of
from campaign.models import Letter
from campaign.web.context_processors import site
from signatures.models import OutboxMail, Signature, Submission
from signatures.outbox import sending
from tests.conftest import TO_STAFF
from tests.delivery.factories import make_delivery
from tests.factories import make_letter, make_logo, make_mail
from tests.inbox import Inbox
from tests.letters.test_languages import every_page
from tests.outbox.test_how_emails_look import KINDS
from tests.prepared import BASE

pytestmark = pytest.mark.django_db

SITE = ("ⓞⓟⓔⓡⓐⓣⓞⓡ", "ⓒⓞⓝⓣⓐⓒⓣ")  # of the pseudo locale
OWN = ("Hafenorchester", "musik@hafen.example")


def give_own(letter: Letter) -> None:
    letter.organization_name, letter.contact_email = OWN
    letter.save()


@pytest.fixture
def own_letter(pseudo_locale_letter: Letter) -> Letter:
    give_own(pseudo_locale_letter)
    return pseudo_locale_letter


# Pages


def test_the_letter_answers_for_itself_and_else_the_site_does(letter: Letter, settings: Any) -> None:
    ours = operator_of(None)
    assert (ours.name, ours.contact) == (settings.ORGANIZATION_NAME, settings.CONTACT_EMAIL)
    assert operator_of(letter) == ours
    give_own(letter)
    assert (operator_of(letter).name, operator_of(letter).contact) == OWN


def test_P14_every_page_of_a_letter_names_its_organization_and_never_the_site(
    client: Client, own_letter: Letter, ada: Signature, ben: Submission, cleo: Signature
) -> None:
    make_delivery(own_letter)
    found = dict(pages_of(client, own_letter, ada, ben, cleo))
    about_no_letter = {"letters", "my-links", "links-sent", "nothing there", "400", "403", "429", "500", "503"}
    assert {"letter", "my-link", "entry", "report", "delivery", "embed", "share", "signature"} < found.keys()
    for name, page in found.items():
        if name in about_no_letter:
            assert OWN[0] not in page and OWN[1] not in page, name
        else:
            assert OWN[0] in page and OWN[1] in page, name
        if name in {"privacy", "letter-privacy"}:
            assert page.count(SITE[0]) == 1, "it says who runs the website"
        elif name not in about_no_letter:
            assert SITE[0] not in page and SITE[1] not in page, name


def test_every_page_of_a_letter_without_an_organization_names_the_site(
    client: Client, pseudo_locale_letter: Letter, ada: Signature, ben: Submission, cleo: Signature
) -> None:
    other = make_letter("other", state=Letter.State.CLOSED)
    give_own(other)
    Letter.objects.filter(pk=other.pk).update(created_at=other.created_at - timedelta(days=9))
    make_delivery(pseudo_locale_letter)
    for name, page in pages_of(client, pseudo_locale_letter, ada, ben, cleo):
        assert OWN[0] not in page and OWN[1] not in page, name


def pages_of(
    client: Client, letter: Letter, ada: Signature, ben: Submission, cleo: Signature
) -> Iterator[tuple[str, str]]:
    for name, answer in every_page(client, letter, ada, ben, cleo):
        yield name, answer if isinstance(answer, str) else answer.content.decode()


def test_the_feed_is_by_the_organization_of_its_letter(client: Client, letter: Letter, settings: Any) -> None:
    give_own(letter)
    page = client.get("/letters/bridge/news/feed/").content.decode()
    assert f"<name>{OWN[0]}</name>" in page and settings.ORGANIZATION_NAME not in page


def test_no_template_can_name_the_site_by_itself(letter: Letter) -> None:
    assert not {"organization_name", "contact_email"} & site(RequestFactory().get("/")).keys()


def test_P13_a_name_with_markup_is_text_on_the_page(client: Client, letter: Letter) -> None:
    letter.organization_name = "<b>Orchester</b>"
    letter.save()
    page = client.get("/").content.decode()
    assert "&lt;b&gt;Orchester" in page and "<b>Orchester" not in page


# Emails


def words_of(mail: Any) -> str:
    """Returns all that a mailbox shows: the headers but the technical ones, and both parts."""
    shown = " ".join(str(mail[name]) for name in ("From", "Reply-To", "Subject"))
    return shown + "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")


def test_P14_every_email_about_a_letter_is_from_its_organization_and_never_from_the_site(
    send_one_of_each: Callable[[], dict[str, Any]], letter: Letter, settings: Any
) -> None:
    give_own(letter)
    mails = send_one_of_each()
    assert mails.keys() == KINDS
    for kind, mail in mails.items():
        words = words_of(mail)
        if kind in TO_STAFF:
            assert OWN[0] not in words and OWN[1] not in words and settings.ORGANIZATION_NAME in words, kind
            continue
        assert settings.ORGANIZATION_NAME not in words and settings.CONTACT_EMAIL not in words, kind
        assert OWN[0] in words and mail["Reply-To"] == OWN[1], kind
        assert parseaddr(mail["From"]) == (OWN[0], "letters@site.example"), "another address would fail DMARC"


def test_every_email_about_a_letter_without_an_organization_is_from_the_site(
    send_one_of_each: Callable[[], dict[str, Any]], settings: Any
) -> None:
    give_own(make_letter("other"))
    for kind, mail in send_one_of_each().items():
        assert OWN[0] not in words_of(mail) and OWN[1] not in words_of(mail), kind
        assert parseaddr(mail["From"]) == (settings.ORGANIZATION_NAME, "letters@site.example")
        assert mail["Reply-To"] == settings.CONTACT_EMAIL


def test_a_letter_may_name_another_sender_than_its_organization(letter: Letter, ben: Submission, inbox: Inbox) -> None:
    give_own(letter)
    Letter.objects.update(sender_name="Hafenorchester, das Büro")
    make_mail(ben, "ben@example.org")
    sending.send_due()
    assert inbox[0]["From"].addresses[0].display_name == "Hafenorchester, das Büro"
    assert inbox[0]["From"].addresses[0].addr_spec == "letter@localhost"


@pytest.mark.parametrize(
    "name",
    [
        "Bridges\r\nBcc: evil@example.org",
        'The "Bridges" <evil@example.org>',
        "evil@example.org, Bridges",
        "=?utf-8?q?evil=40example.org?= Bridges",
        "a\x07b",
        "관현악단",
        "أوركسترا",
    ],
)
def test_C10_no_name_of_a_sender_makes_a_header_or_another_address(
    letter: Letter, ben: Submission, inbox: Inbox, name: str
) -> None:
    Letter.objects.update(sender_name=name)
    make_mail(ben, "ben@example.org")
    assert sending.send_due() == 1
    (sender,) = inbox[0]["From"].addresses
    assert sender.addr_spec == "letter@localhost" and inbox[0]["Bcc"] is None
    assert inbox.recipients == ["ben@example.org"]


def test_the_letter_of_an_email_takes_no_query_of_its_own(
    letter: Letter, ada: Signature, ben: Submission, inbox: Inbox
) -> None:
    give_own(letter)
    Signature.objects.update(flags=["asked"])
    for row, kind in ((ben, OutboxMail.Kind.LINK), (ada, OutboxMail.Kind.QUESTION)):
        make_mail(row, "ben@example.org", kind)
        text_cache.newest(letter.pk)  # its title is read once a second
        with CaptureQueriesContext(connection) as asked:
            assert sending.send_due() == 1
        assert not [query for query in asked if 'FROM "campaign_letter"' in query["sql"]]


def test_P14_one_module_alone_reads_who_runs_the_site() -> None:
    files = [file for name in ("campaign", "signatures") for file in (BASE / name).rglob("*.py")]
    named = [file.name for file in files if "settings.ORGANIZATION_NAME" in file.read_text(encoding="utf-8")]
    asked = [file.name for file in files if "settings.CONTACT_EMAIL" in file.read_text(encoding="utf-8")]
    assert named == asked == ["operators.py"]


@pytest.mark.parametrize("page", ["", "privacy/", "embed/", "signatories/"])
def test_a_name_that_ends_with_a_dot_ends_a_sentence_with_one(client: Client, letter: Letter, page: str) -> None:
    Letter.objects.update(organization_name="Freunde der Musik e.V.", recipient="Bridges & Sons Inc.")
    text_cache.clear_cache()
    words = client.get(f"/letters/bridge/{page}").content.decode()
    assert "Freunde der Musik e.V. Privacy" in words and ".. " not in words and "..<" not in words
    assert "&amp;amp;" not in words and "Sons &" not in words


def test_the_logo_beside_the_name_is_not_read_out_as_the_name_again(client: Client, letter: Letter) -> None:
    make_logo(letter)
    assert re.search(
        r'<header class="letterhead".*?<img [^>]*alt=""', client.get("/letters/bridge/").content.decode(), re.DOTALL
    )
