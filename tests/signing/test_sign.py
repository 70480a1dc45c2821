"""A person signs the letter: the form, the one answer, the row and its mail."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaign.letters import text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from signatures.models import OutboxMail, Signature, Submission
from signatures.registries.typed_fields import TYPED_NAMES
from signatures.states import State
from signatures.values import sealing
from tests.factories import WORDS, make_signature
from tests.inbox import Inbox

SIGN, CHECK_MAIL = "/letters/bridge/sign/", "/letters/bridge/check-mail/"
pytestmark = pytest.mark.django_db


def vars_of(model: type[Signature | Submission]) -> dict[str, Any]:
    return {field.name: field for field in model._meta.concrete_fields}


def test_a_valid_form_leaves_a_submission_and_a_mail(client: Client, form: dict[str, str]) -> None:
    answer = client.post(SIGN, form)

    assert (answer.status_code, answer["Location"]) == (303, CHECK_MAIL)
    row = Submission.objects.get()
    assert (row.name, row.role, row.country, row.visibility) == ("Dora Maar", "Painter", "FR", "public")
    assert row.flags == []
    assert [(mail.signature_id, mail.kind) for mail in OutboxMail.objects.all()] == [(row.pk, "link")]
    assert not Signature.objects.exists()


def test_the_row_holds_no_address_and_the_outbox_holds_it_sealed(client: Client, form: dict[str, str]) -> None:
    client.post(SIGN, form)

    row, mail = Submission.objects.get(), OutboxMail.objects.get()
    assert row.address_hash is not None
    assert bytes(row.address_hash) == sealing.address_hash("dora@example.org", pepper=settings.EMAIL_HASH_PEPPER)
    assert row.sealed_address is None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_to_json(s)::text || row_to_json(m)::text FROM signatures_submission s JOIN signatures_outboxmail m ON m.signature_id = s.id"
        )
        assert "dora" not in cursor.fetchone()[0].replace("Dora Maar", "")
    assert mail.recipient and b"dora" not in bytes(mail.recipient)


def test_who_asks_for_updates_leaves_an_address_sealed_to_the_updates_key(client: Client, form: dict[str, str]) -> None:
    client.post(SIGN, {**form, "updates": "on"})

    sealed = Submission.objects.get().sealed_address
    updates_keys = sealing.read_private_keys(settings.KEYS_DIR / "updates.private")
    assert sealing.unseal(sealed or b"", private_keys=updates_keys) == "dora@example.org"
    with pytest.raises(sealing.CannotUnseal):
        sealing.unseal(sealed or b"", private_keys=sealing.read_private_keys(settings.KEYS_DIR / "outbox.private"))


def test_the_mail_goes_to_the_address_as_typed_with_a_text_and_an_html_part(
    client: Client, form: dict[str, str], inbox: Inbox, link_in_mail: Callable[[], str]
) -> None:
    client.post(SIGN, {**form, "email": "Dora.Maar@Example.org"})
    link = link_in_mail()

    (mail,) = inbox
    assert inbox.recipients == ["Dora.Maar@Example.org"]
    assert mail.get_content_type() == "multipart/alternative"
    html = mail.get_body(("html",))
    assert html is not None and f"{settings.SITE_URL}{link}" in html.get_content()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Bridges" not in mail["Subject"], "a seized phone shows its list of subjects"
    assert "Dora Maar" not in mail.as_string(), "anybody could have typed it"


def test_counted_needs_no_name(client: Client, form: dict[str, str]) -> None:
    assert client.post(SIGN, {**form, "visibility": "counted", "name": ""}).status_code == 303


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("name", "", "Please enter your name, or choose to be counted without it."),
        ("name", "\u200b\u3164", "Please enter a name that can be seen."),
        ("name", "x" * 201, "Please shorten this to 200 characters."),
        ("name", "evil \u202eeman", "reverses the direction of writing"),
        ("name", "https://example.com/win", "A web or email address is not a name."),
        ("email", "", "Please enter your email address: we send you a link there to confirm."),
        ("email", "dora@localhost", "Please enter an email address, such as name@example.org."),
        ("email", "dora", "Please enter an email address, such as name@example.org."),
        ("email", "a@b.c,evil@x.org", "Please enter an email address, such as name@example.org."),
        ("visibility", "", "Please choose who may see your name."),
        ("consent", "", "Please check this box. Without your consent, we may not store anything."),
        ("country", "XX", "Please choose a country from the list."),
        ("text", "0" * 64, "The letter has changed since you opened this page."),
    ],
)
def test_an_error_is_beside_its_field_and_keeps_what_was_typed(
    client: Client, form: dict[str, str], field: str, typed: str, message: str
) -> None:
    answer = client.post(SIGN, {**form, "comment": "kept as typed", field: typed})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert message in page
    assert "kept as typed" in page
    assert 'id="problems"' in page
    assert Submission.objects.count() == OutboxMail.objects.count() == 0
    assert answer["Cache-Control"] == "no-store"


def test_an_error_is_tied_to_its_field_for_screen_readers(client: Client, form: dict[str, str]) -> None:
    page = client.post(SIGN, {**form, "name": ""}).content.decode()

    assert 'aria-invalid="true"' in page
    assert 'id="id_name_error"' in page
    assert 'href="#id_name"' in page


def test_when_the_letter_has_moved_on_the_new_text_is_shown_and_can_be_signed(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    newer = revise(letter, "en", {**WORDS, "body": "We ask for two bridges."}, authoritative=True)
    publish(newer)

    page = client.post(SIGN, form).content.decode()

    assert "We ask for two bridges." in page
    assert newer.digest in page
    assert form["text"] not in page
    assert client.post(SIGN, {**form, "text": newer.digest}).status_code == 303


def test_get_leads_to_the_letter(client: Client, letter: Letter) -> None:
    answer = client.get(SIGN)
    assert (answer.status_code, answer["Location"]) == (303, "/letters/bridge/")


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_letter_that_is_not_open_takes_nothing_and_says_so(
    client: Client, letter: Letter, form: dict[str, str], state: str
) -> None:
    Letter.objects.update(state=state)

    answer = client.post(SIGN, form)

    assert answer.status_code == 422
    assert state in answer.content.decode()
    assert not Submission.objects.exists()


def test_S26_what_was_typed_is_shown_when_the_letter_was_closed_meanwhile(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    Letter.objects.update(state="closed", closes_at=timezone.now())
    text_cache.clear_cache()
    answer = client.post(SIGN, {**form, "role": "Painter <i>"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "What you typed was not sent" in page
    for words in ("Dora Maar", "Painter &lt;i&gt;", "dora@example.org"):
        assert f'<bdi translate="no">{words}</bdi>' in page
    assert "What you typed" not in client.get("/letters/bridge/").content.decode()


def test_a_draft_is_nowhere(client: Client, letter: Letter, form: dict[str, str]) -> None:
    Letter.objects.update(state="draft")
    assert client.post(SIGN, form).status_code == client.get("/letters/bridge/").status_code == 404


@pytest.mark.parametrize("state", list(State))
def test_every_state_of_the_mailbox_has_the_same_answer(
    client: Client, letter: Letter, form: dict[str, str], state: State
) -> None:
    fresh = client.post(SIGN, {**form, "email": "new@example.org"})
    make_signature(
        letter,
        "Somebody",
        state,
        address_hash=sealing.address_hash("dora@example.org", pepper=settings.EMAIL_HASH_PEPPER),
    )

    again = client.post(SIGN, form)

    assert (again.status_code, again.content, dict(again.items())) == (
        fresh.status_code,
        fresh.content,
        dict(fresh.items()),
    )
    assert not again.cookies


def test_signing_again_changes_nothing_once_it_is_confirmed(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    key = sealing.address_hash("dora@example.org", pepper=settings.EMAIL_HASH_PEPPER)
    ada = make_signature(letter, "Ada", State.APPROVED, address_hash=key)

    client.post(SIGN, {**form, "name": "Mallory"})

    ada.refresh_from_db()
    assert (ada.name, ada.state) == ("Ada", State.APPROVED)
    assert OutboxMail.objects.count() == 1, "the mail says that it was signed before"


@pytest.mark.parametrize("field", ["role", "organization", "comment"])
def test_a_link_beside_the_name_waits_for_review(client: Client, form: dict[str, str], field: str) -> None:
    client.post(SIGN, {**form, field: "see www.example.com"})
    assert Submission.objects.get().flags == ["link"]


def test_the_trap_and_a_stale_form_raise_flags_and_the_same_answer(client: Client, form: dict[str, str]) -> None:
    answer = client.post(SIGN, {**form, "website": "http://spam.example", "stamp": "made-up"})

    assert (answer.status_code, answer["Location"]) == (303, CHECK_MAIL)
    assert Submission.objects.get().flags == ["stale-form", "trap"]


def test_a_form_without_its_stamp_waits_for_review(client: Client, form: dict[str, str]) -> None:
    del form["stamp"]
    client.post(SIGN, form)
    assert Submission.objects.get().flags == ["stale-form"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("visit", "most"), [("the first of a process", 7), ("another", 2)])
def test_sign_takes_two_statements_and_seven_in_a_new_process(
    client: Client, form: dict[str, str], visit: str, most: int
) -> None:
    if visit == "another":
        client.post(SIGN, {**form, "email": "first@example.org"})
    with CaptureQueriesContext(connection) as asked:
        client.post(SIGN, form)
    assert len(asked) <= most, [query["sql"][:80] for query in asked]


@pytest.mark.django_db(transaction=True)
def test_S4_fifty_parallel_posts_make_one_row_and_one_mail(form: dict[str, str]) -> None:
    answers: list[int] = []
    gate = threading.Barrier(10)

    def press() -> None:
        gate.wait()
        answers.extend(Client().post(SIGN, form).status_code for _time in range(5))
        connection.close()

    threads = [threading.Thread(target=press) for _each in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [303] * 50
    assert Submission.objects.count() == OutboxMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_O1_a_sign_up_whose_mail_cannot_be_queued_leaves_no_row(
    client: Client, form: dict[str, str], monkeypatch: Any
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_outboxmail RENAME TO signatures_mail_away")
    try:
        client.raise_request_exception = False
        assert client.post(SIGN, form).status_code == 500
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE signatures_mail_away RENAME TO signatures_outboxmail")
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    "field",
    [
        field.name
        for field in {**vars_of(Signature), **vars_of(Submission)}.values()
        if field.name not in TYPED_NAMES or field.name == "spokesperson"  # which a person has none of
    ],
)
def test_S16_no_further_field_can_be_set_from_outside(client: Client, form: dict[str, str], field: str) -> None:
    client.post(SIGN, form)
    plain = Submission.objects.values(*vars_of(Submission)).get()
    Submission.objects.all().delete()

    assert client.post(SIGN, {**form, field: "approved" if field == "state" else "1"}).status_code == 303

    row = Submission.objects.values(*vars_of(Submission)).get()
    assert len(row["question_address"]) == len(plain["question_address"]) > len("dora@example.org"), (
        "sealed, each time anew"
    )
    for name in ("id", "public_id", "signed_up_at", "question_address"):
        del row[name], plain[name]
    assert {k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()} == {
        k: bytes(v) if isinstance(v, memoryview) else v for k, v in plain.items()
    }


@pytest.mark.parametrize(
    "typed", ["Ada\nLovelace", "Ada\r\nLovelace", "Ada\tLovelace", "Ada\u2028Lovelace", "  Ada   Lovelace  "]
)
def test_S12_line_breaks_and_tabs_become_one_space(client: Client, form: dict[str, str], typed: str) -> None:
    client.post(SIGN, {**form, "name": typed, "role": typed, "organization": typed})
    row = Submission.objects.get()
    assert row.name == row.role == row.organization == "Ada Lovelace"


def test_the_button_of_the_suggestion_sends_the_address_that_was_meant(client: Client, form: dict[str, str]) -> None:
    asked = client.post(SIGN, {**form, "email": "dora@gmial.com"})
    assert asked.status_code == 422
    assert 'name="email_meant" value="dora@gmail.com"' in asked.content.decode()
    assert client.post(SIGN, {**form, "email": "dora@gmial.com", "email_meant": "dora@gmail.com"}).status_code == 303
    found = sealing.address_hash("dora@gmail.com", pepper=settings.EMAIL_HASH_PEPPER)
    assert Submission.objects.filter(address_hash=found).count() == 1


def test_whoever_insists_on_an_address_is_asked_once_whatever_else_is_wrong(
    client: Client, form: dict[str, str]
) -> None:
    typed = {**form, "email": "dora@gmial.com", "email_is_right": "on", "name": ""}
    asked = client.post(SIGN, typed)
    kept = 'type="hidden" name="email_is_right" value="dora@gmial.com"'
    assert asked.status_code == 422 and kept in asked.content.decode()
    assert "Is this email address right?" not in asked.content.decode()

    again = {**form, "email_is_right": "dora@gmial.com"}
    other = client.post(SIGN, {**again, "email": "dora@gmil.com"})
    assert other.status_code == 422 and "Is this email address right?" in other.content.decode()
    assert client.post(SIGN, {**again, "email": "dora@gmial.com"}).status_code == 303


def test_what_the_button_sends_is_looked_at_like_any_other_address(client: Client, form: dict[str, str]) -> None:
    assert client.post(SIGN, {**form, "email_meant": "no address"}).status_code == 422
    assert not Submission.objects.exists()


@pytest.mark.parametrize("value", ["off", "no", "0", "false", "true", "ON"])
def test_only_a_box_that_a_browser_sends_as_checked_is_checked(
    client: Client, form: dict[str, str], value: str
) -> None:
    answer = client.post(SIGN, {**form, "consent": value})
    assert answer.status_code == 422 and not Submission.objects.exists()
    client.post(SIGN, {**form, "updates": value})
    assert Submission.objects.get().sealed_address is None
