"""Several letters: the index, the one at `/`, the way back from each page, and the letter that a link is about."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from campaign.letters import notices, text_cache
from campaign.letters.publishing import publish, revise
from campaign.management.commands import serve
from campaign.models import Letter, Translation
from signatures import letters
from signatures.delivery import freezing
from signatures.models import AuditEntry, Signature, Submission
from signatures.signing import submission
from signatures.transitions import TransitionNotAllowed
from signatures.values import sealing, tokens
from tests.delivery.factories import day_of, make_delivery, shown_day_of
from tests.factories import WORDS, make_letter, make_many, make_signature, make_submission, signer_input
from tests.factories import make_delivery as empty_delivery

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TITLE = re.compile(r'<h2 id="letter-\d+"([^>]*)><a href="([^"]+)">([^<]+)</a></h2>')


def titles(client: Client, address: str = "/letters/") -> list[str]:
    return [title for _lang, _address, title in TITLE.findall(client.get(address).content.decode())]


def hash_of(address: str) -> bytes:
    return sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER)


def titled(slug: str, title: str, **fields: Any) -> Letter:
    letter = make_letter(slug, **fields)
    publish(revise(letter, "en", {**WORDS, "title": title}))
    Letter.objects.filter(pk=letter.pk).update(**fields)
    return letter


@pytest.fixture
def second(letter: Letter) -> Letter:
    return titled("ferry", "A letter about the ferry")


# The index


def test_it_lists_open_closed_and_delivered_letters_with_state_and_count(
    client: Client, letter: Letter, second: Letter, ada: Signature
) -> None:
    delivery = make_delivery(letter)
    freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The Embassy", at="", note="")
    Letter.objects.filter(pk=second.pk).update(state="closed", closes_at=timezone.now() - HOUR)
    page = client.get("/letters/").content.decode()
    first, other = page.split('<article class="card"')[1:]
    assert WORDS["title"] in first and "To the Minister of Bridges" in first and "Open for signatures" in first
    assert (
        "<strong>1</strong> person has signed" in first
        and f"Delivery No. 1, handed over on {shown_day_of(delivery)}" in first
    )
    assert (
        "A letter about the ferry" in other
        and "Closed; the last day was" in other
        and "<strong>0</strong> people" in other
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"closes_at": timezone.now() + HOUR}, "Open until"),
        ({"opens_at": timezone.now() + HOUR}, "Opens on"),
        ({"state": "paused"}, "Signing is paused"),
        ({"state": "closed"}, "Closed; the last day was"),
    ],
)
def test_it_says_the_state_of_this_moment(client: Client, letter: Letter, fields: dict[str, Any], words: str) -> None:
    make_letter("ferry", **fields)
    assert words in client.get("/letters/").content.decode()


def test_drafts_archived_letters_and_those_without_a_text_are_never_in_it(client: Client, letter: Letter) -> None:
    titled("draft", "A draft", state=Letter.State.DRAFT)
    titled("archived", "An archived letter", state=Letter.State.ARCHIVED)
    Letter.objects.create(slug="empty", recipient="The council", state=Letter.State.OPEN)
    assert titles(client) == [WORDS["title"]]
    assert Letter.objects.current() == letter, "a letter that is open without a text takes nobody's front page"


def test_a_title_is_in_the_readers_language_else_in_the_authoritative_one_and_marked(
    client: Client, letter: Letter, second: Letter
) -> None:
    publish(revise(letter, "ko", {**WORDS, "title": "다리에 관한 편지"}))
    shown = {title: lang for lang, _address, title in TITLE.findall(client.get("/ko/letters/").content.decode())}
    assert shown == {"다리에 관한 편지": "", "A letter about the ferry": ' lang="en" dir="ltr"'}
    assert '<a href="/ko/letters/bridge/">다리에 관한 편지</a>' in client.get("/ko/letters/").content.decode()


def test_it_can_be_cached_and_leads_to_itself_in_each_language(client: Client, second: Letter) -> None:
    answer = client.get("/ko/letters/")
    assert "public" in answer["Cache-Control"] and not answer.cookies
    page = answer.content.decode()
    assert all(f'href="{address}"' in page for address in ("/letters/", "/zh-hans/letters/"))


def test_it_takes_as_many_queries_for_thirty_letters_as_for_two(
    client: Client, second: Letter, django_assert_num_queries: Any
) -> None:
    for number in range(28):
        make_many(titled(f"letter-{number}", f"Letter {number}"), 1)
    for page, shown in (("1", 20), ("2", 10)):
        text_cache.clear_cache()
        notices.clear_cache()
        with django_assert_num_queries(7):
            assert len(titles(client, f"/letters/?page={page}")) == shown
    assert 'href="?page=2"' in client.get("/letters/").content.decode()
    for odd in ("0", "99", "x"):
        assert client.get(f"/letters/?page={odd}").status_code == 200


def test_with_one_letter_or_none_it_is_there_and_no_page_leads_to_it(client: Client, letter: Letter) -> None:
    assert titles(client) == [WORDS["title"]]
    for address in ("/", "/privacy/", "/letters/bridge/history/", "/sitemap.xml"):
        page = client.get(address).content.decode()
        assert 'href="/letters/"' not in page and "/letters/</loc>" not in page
    Letter.objects.update(state="draft")
    assert "There is no letter here at the moment." in client.get("/letters/?page=1").content.decode()


# The way back


def test_every_page_leads_back_to_its_own_letter_and_once_to_the_index(
    client: Client, letter: Letter, second: Letter
) -> None:
    ada = make_signature(second, "Ada Lovelace")
    make_delivery(second)
    own = [
        "",
        "history/",
        "news/",
        "signatories/",
        "signatories/countries/",
        "my-link/",
        "tell/",
        "api/",
        "check-mail/",
    ]
    pages = [f"/letters/ferry/{rest}" for rest in own]
    pages += ["/deliveries/ferry/1/", f"/signature/{tokens.personal_token(ada.public_id)}/"]
    pages += [f"/letters/ferry/signatories/{ada.public_id}/", f"/no-updates/{tokens.unsubscribe_token(ada.public_id)}/"]
    for address in pages:
        page = client.get(address).content.decode()
        assert 'href="/letters/ferry/"' in page and "/letters/bridge/" not in page, address
        assert page.count('<a href="/letters/">') == 1, address
    assert client.get("/letters/none/").content.decode().count('<a href="/letters/">') == 1


def test_a_page_of_no_letter_leads_to_none_of_them(client: Client, letter: Letter, second: Letter) -> None:
    for address in ("/privacy/", "/signature/broken/", "/no-updates/broken/"):
        page = client.get(address).content.decode()
        assert "/my-link/" not in page and "/letters/ferry/" not in page, address
        assert "Which letter did you sign? Choose it" in page and page.count('href="/letters/"') == 2
    index = client.get("/letters/").content.decode()
    assert all(f'href="/letters/{slug}/my-link/"' in index for slug in ("bridge", "ferry"))


def test_with_one_letter_they_lead_to_it(client: Client, letter: Letter) -> None:
    for address in ("/privacy/", "/signature/broken/", "/no-updates/broken/"):
        assert 'href="/letters/bridge/my-link/"' in client.get(address).content.decode()


def test_with_one_letter_beside_an_archived_one_a_person_chooses(
    client: Client, letter: Letter, second: Letter
) -> None:
    Letter.objects.filter(pk=second.pk).update(state=Letter.State.ARCHIVED)
    assert "/my-link/" not in client.get("/signature/broken/").content.decode()


def test_an_email_says_which_letter_it_is_about_and_its_subject_does_not(
    client: Client, second: Letter, inbox: Any, link_in_mail: Callable[[], str]
) -> None:
    publish(revise(second, "ko", {**WORDS, "title": "나룻배에 관한 편지"}))
    make_signature(second, "Ada Lovelace", address_hash=hash_of("ada@example.org"))
    client.post("/ko/letters/ferry/my-link/", {"email": "ada@example.org"})
    link = link_in_mail()
    for kind in ("plain", "html"):
        assert "나룻배에 관한 편지" in inbox[-1].get_body((kind,)).get_content()
    assert "나룻배" not in inbox[-1]["Subject"]
    assert 'href="/ko/letters/ferry/"' in client.get(link).content.decode()


# The one at /


@pytest.fixture
def staff(editor: User, client: Client) -> Client:
    client.force_login(editor)
    return client


def decide(letter: Letter, name: str) -> str:
    return f"/admin/campaign/letter/{letter.pk}/decide/{name}/"


def front() -> str:
    text_cache.clear_cache()
    return text_cache.newest("").revision.letter.slug


def test_A23_staff_choose_it_asked_first_and_take_it_back(staff: Client, letter: Letter, second: Letter) -> None:
    assert front() == "ferry", "the newest open one"
    page = staff.get(f"/admin/campaign/letter/{letter.pk}/change/").content.decode()
    assert "Put this letter on the front page…" in page
    asked = staff.post(
        f"/admin/campaign/letter/{letter.pk}/change/",
        {"CHANGE_FORM-action": "put_first", "_selected_action": letter.pk, "index": "0"},
    )
    assert asked["Location"] == decide(letter, "put-first")
    assert "You can take it back" in staff.get(decide(letter, "put-first")).content.decode() and front() == "ferry"
    assert "It is on the front page." in staff.post(decide(letter, "put-first"), follow=True).content.decode()
    assert front() == "bridge" and AuditEntry.objects.get(action="put-first").letter_id == letter.pk
    assert '<td class="field-front_page">chosen</td>' in staff.get("/admin/campaign/letter/").content.decode()
    staff.post(decide(letter, "put-first-by-itself"))
    assert front() == "ferry" and AuditEntry.objects.get(action="put-first-by-itself").staff_id


def test_the_choice_holds_when_the_letter_closes_and_the_latest_one_wins(
    editor: User, letter: Letter, second: Letter
) -> None:
    third = titled("third", "A third letter")
    letters.put_first(letter, by=editor.pk)
    Letter.objects.filter(pk=letter.pk).update(state="closed", closes_at=timezone.now() - HOUR)
    assert front() == "bridge"
    letters.put_first(second, by=editor.pk)
    assert front() == "ferry"
    Letter.objects.filter(pk=second.pk).update(state="archived")
    assert front() == "third", "no former choice comes back by itself"
    assert third.put_first_at is None


@pytest.mark.parametrize("state", ["draft", "archived"])
def test_neither_a_draft_nor_an_archived_letter_is_ever_there(staff: Client, letter: Letter, state: str) -> None:
    hidden = titled("hidden", "Hidden", state=state)
    answer = staff.post(decide(hidden, "put-first"), follow=True).content.decode()
    assert "Nothing was changed. Only a letter that is public and not archived" in answer
    Letter.objects.filter(pk=hidden.pk).update(put_first_at=timezone.now())
    assert front() == "bridge" and AuditEntry.objects.filter(action="put-first").count() == 0


def test_moderators_decide_nothing_about_a_letter(moderator_client: Client, letter: Letter) -> None:
    for name in ("put-first", "put-first-by-itself", "delete"):
        assert moderator_client.post(decide(letter, name)).status_code == 403
    assert moderator_client.get(decide(letter, "sell")).status_code == 404


# A letter that people signed stays; one that nobody signed can be deleted


@pytest.mark.parametrize("make", [make_signature, make_submission])
@pytest.mark.parametrize("statement", ["UPDATE campaign_letter SET state = 'draft'", "DELETE FROM campaign_letter"])
def test_A21_the_database_neither_hides_nor_deletes_a_letter_that_people_signed(
    letter: Letter, make: Any, statement: str
) -> None:
    make(letter, "Ada")
    with pytest.raises(IntegrityError, match="people have signed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_A21_nor_one_that_was_delivered(letter: Letter) -> None:
    empty_delivery(letter)
    with pytest.raises(IntegrityError, match="people have signed"), transaction.atomic():
        Letter.objects.update(state="draft")


def test_A23_a_letter_that_nobody_signed_is_deleted_with_its_texts_once_it_was_asked(
    staff: Client, letter: Letter, second: Letter
) -> None:
    publish(revise(letter, "ko", {**WORDS, "title": "다리에 관한 편지"}))
    assert "A deletion cannot be undone" in staff.get(decide(letter, "delete")).content.decode()
    assert Letter.objects.filter(pk=letter.pk)
    assert "The letter is deleted." in staff.post(decide(letter, "delete"), follow=True).content.decode()
    assert list(Letter.objects.all()) == [second]
    assert set(Translation.objects.values_list("revision__letter", flat=True)) == {second.pk}
    entry = AuditEntry.objects.get(action="remove-letter")
    assert (entry.letter_id, entry.reason) == (letter.pk, "bridge") and entry.staff_id


@pytest.mark.parametrize("make", [make_signature, make_submission])
def test_A23_one_that_people_signed_is_not(staff: Client, letter: Letter, make: Any) -> None:
    make(letter, "Ada")
    answer = staff.post(decide(letter, "delete"), follow=True).content.decode()
    assert "Nothing was changed. People have signed this letter. Archive it instead." in answer
    assert Letter.objects.get().state == "open" and not AuditEntry.objects.filter(action="remove-letter")


def test_A23_nor_one_that_was_delivered(editor: User, letter: Letter) -> None:
    empty_delivery(letter)
    with pytest.raises(letters.Refused, match="A delivery, a bulk rule or an import"):
        letters.delete(letter, by=editor.pk)
    assert Letter.objects.get().state == "open" and not AuditEntry.objects.filter(action="remove-letter")


@pytest.mark.django_db(transaction=True)
def test_A21_a_form_that_is_sent_while_its_letter_is_hidden_waits_and_is_refused(letter: Letter) -> None:
    text = Translation.objects.get()

    def send() -> None:
        try:
            submission.submit(signer_input(text, name="Ada"), address="ada@example.org", updates=False)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Letter.objects.update(state="draft")
            sending = pool.submit(send)
            with pytest.raises(TimeoutError):
                sending.result(timeout=0.3)
        with pytest.raises(TransitionNotAllowed):
            sending.result(timeout=10)
    assert not Submission.objects.exists()


def test_a_published_text_stays_as_long_as_its_letter_is_public(letter: Letter) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Translation.objects.all().delete()
    Letter.objects.update(state="draft")
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Translation.objects.update(title="Another")


def test_the_shipped_letter_does_not_come_back_once_it_was_deleted(
    editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepared() -> int:
        serve.Command().prepare()
        return Letter.objects.count()

    monkeypatch.setattr("signatures.staff.first_account.create_first_account", lambda: None)
    monkeypatch.setattr("django.db.connection.close", lambda: None)
    assert prepared() == 1
    letters.delete(Letter.objects.get(), by=editor.pk)
    assert prepared() == 0
