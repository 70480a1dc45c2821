"""Questions to signers: shown on the personal page, and mailed to everybody as long as the signature waits (R13)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from campaign.models import Letter
from signatures import transitions
from signatures.models import AuditEntry, OutboxMail, Question, Signature
from signatures.moderation import decisions
from signatures.outbox import sending
from signatures.signing import changes, withdrawal
from signatures.states import State
from signatures.values import sealing, tokens
from tests import single_decisions
from tests.factories import make_signature
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db
QUEUE = "/admin/signatures/waitingsignature/"
TEXT = "Is this the name you want to stand there?"
SAME = "It is right as it stands"


def page_of(signature: Signature) -> str:
    return f"/signature/{tokens.personal_token(signature.public_id)}/"


@pytest.fixture
def asked(cleo: Signature, moderator: User) -> Signature:
    return decisions.ask_question(cleo, by=moderator.pk, question="your-name")


@pytest.fixture
def updates_key() -> Path:
    return Path(settings.KEYS_DIR) / "updates.private"


def test_the_question_is_shown_on_the_personal_page_only(
    moderator_client: Client, client: Client, cleo: Signature
) -> None:
    assert TEXT not in client.get(page_of(cleo)).content.decode()

    moderator_client.post(
        QUEUE, {"action": "ask", "question": "your-name", "_selected_action": [cleo.pk], "index": "0"}
    )

    cleo.refresh_from_db()
    assert (cleo.state, cleo.flags) == (State.WAITING, ["asked"])
    assert TEXT in client.get(page_of(cleo)).content.decode()
    assert TEXT not in client.get("/letters/bridge/").content.decode()
    entry = AuditEntry.objects.get(signature_id=cleo.pk)
    assert (entry.action, entry.reason) == ("ask", "your-name")


def test_the_signer_answers_by_a_button_and_staff_see_the_answer(
    client: Client, moderator_client: Client, asked: Signature
) -> None:
    assert client.post(page_of(asked), {"action": "answer"}).status_code == 303

    asked.refresh_from_db()
    assert (asked.state, asked.flags) == (State.WAITING, ["answered"])
    assert TEXT not in client.get(page_of(asked)).content.decode()
    assert "Its signer answered the question of staff." in moderator_client.get(QUEUE).content.decode()


def test_the_signer_answers_by_changing_the_words(client: Client, asked: Signature, words: dict[str, str]) -> None:
    client.post(page_of(asked), {**words, "name": "Cleopatra VII", "action": "change"})
    asked.refresh_from_db()
    assert (asked.name, asked.flags) == ("Cleopatra VII", ["answered"])


def test_a_decision_ends_the_question_and_undo_restores_it(client: Client, asked: Signature, moderator: User) -> None:
    single_decisions.approve(asked, by=moderator.pk)
    asked.refresh_from_db()
    assert asked.flags == [] and TEXT not in client.get(page_of(asked)).content.decode()

    decisions.undo(asked, by=moderator.pk)
    assert TEXT in client.get(page_of(asked)).content.decode()


@pytest.mark.parametrize("state", [state for state in State if state != State.WAITING])
def test_only_waiting_signers_are_asked(letter: Letter, moderator: User, state: State) -> None:
    with pytest.raises(transitions.TransitionNotAllowed):
        decisions.ask_question(make_signature(letter, "Other", state), by=moderator.pk, question="your-name")


def test_only_questions_on_the_list_are_asked(moderator_client: Client, cleo: Signature, moderator: User) -> None:
    with pytest.raises(transitions.TransitionNotAllowed):
        decisions.ask_question(cleo, by=moderator.pk, question="your-secrets")
    page = moderator_client.post(QUEUE, {"action": "ask", "_selected_action": [cleo.pk], "index": "0"}, follow=True)
    assert "please choose a question" in page.content.decode()


def test_there_is_no_answer_without_a_question(client: Client, cleo: Signature) -> None:
    with pytest.raises(transitions.TransitionNotAllowed):
        changes.answer_question(cleo)
    client.post(page_of(cleo), {"action": "answer"})
    cleo.refresh_from_db()
    assert (cleo.flags, AuditEntry.objects.count()) == ([], 0)


def test_withdrawing_ends_the_question(asked: Signature) -> None:
    withdrawal.withdraw(asked)
    asked.refresh_from_db()
    assert (asked.question, asked.flags) == ("", ["answered"]), "whoever signs again is looked at, as before"


def test_a_question_is_shown_in_the_language_of_the_page(asked: Signature) -> None:
    Question.objects.create(code="your-name", language="ko", text="이 이름이 맞습니까?")
    texts = {language: Question.objects.in_language("your-name", language) for language in ("en", "ko", "zh-hans")}
    assert {language: str(question) for language, question in texts.items()} == {
        "en": TEXT, "ko": "이 이름이 맞습니까?", "zh-hans": TEXT,
    }  # fmt: skip
    assert Question.objects.in_language("gone", "en") is None


def test_signers_who_left_an_address_get_one_neutral_email(
    client: Client,
    form: dict[str, str],
    words: dict[str, str],
    moderator: User,
    inbox: Inbox,
    link_in_mail: Callable[[], str],
    updates_key: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client.post("/letters/bridge/sign/", {**form, "updates": "on"})
    client.post(link_in_mail(), {**words, "action": "confirm"})
    decisions.ask_question(Signature.objects.get(), by=moderator.pk, question="your-name")
    inbox.clear()

    for expected in ("1 emails enqueued", "0 emails enqueued"):
        call_command("queue_questions", key=updates_key)
        assert expected in capsys.readouterr().out
    sending.send_due()

    (mail,) = inbox
    assert mail["Subject"] == "A question for you"
    for part in ("plain", "html"):
        text = mail.get_body((part,)).get_content()  # type: ignore[union-attr]  # each email has both
        assert "/signature/" in text and TEXT not in text and "Dora" not in text and "bridge" not in text.lower()


def confirmed(
    client: Client, form: dict[str, str], words: dict[str, str], link_in_mail: Callable[[], str]
) -> Signature:
    """Signed and confirmed by somebody who asked for no updates."""
    client.post("/letters/bridge/sign/", form)
    client.post(link_in_mail(), {**words, "action": "confirm"})
    return Signature.objects.get()


def test_R13_who_asked_for_nothing_is_reached_too_as_long_as_it_waits(
    client: Client,
    form: dict[str, str],
    words: dict[str, str],
    moderator: User,
    inbox: Inbox,
    link_in_mail: Callable[[], str],
    updates_key: Path,
) -> None:
    signature = confirmed(client, form, words, link_in_mail)
    assert signature.sealed_address is None and b"example.org" not in bytes(signature.question_address or b"")
    assert "in case we have a question for you" in client.get(page_of(signature)).content.decode()
    assert client.post(page_of(signature), {"action": "data"}).json()["keeps_address_for_questions"] is True
    decisions.ask_question(signature, by=moderator.pk, question="your-name")
    inbox.clear()

    call_command("queue_questions", key=updates_key)
    sending.send_due()

    (mail,) = inbox
    assert (mail["To"], mail["Subject"]) == (form["email"], "A question for you")


@pytest.mark.parametrize("end", ["approve", "reject", "withdraw", "erase", "any other statement"])
def test_R13_the_address_goes_with_the_wait(
    client: Client,
    form: dict[str, str],
    words: dict[str, str],
    moderator: User,
    link_in_mail: Callable[[], str],
    end: str,
) -> None:
    signature = confirmed(client, form, words, link_in_mail)
    ways: dict[str, Callable[[], object]] = {
        "approve": lambda: single_decisions.approve(signature, by=moderator.pk),
        "reject": lambda: single_decisions.reject(signature, by=moderator.pk, reason="Signed twice"),
        "withdraw": lambda: withdrawal.withdraw(signature),
        "erase": lambda: withdrawal.erase(signature),
        "any other statement": lambda: Signature.objects.update(state=State.REJECTED),
    }
    ways[end]()
    assert not Signature.objects.exclude(question_address=None).exists()
    if end in {"approve", "reject"}:
        decisions.undo(signature, by=moderator.pk)
        signature.refresh_from_db()
        assert (signature.state, signature.question_address) == (State.WAITING, None), "what is gone stays gone"


def test_R13_holding_keeps_the_address_and_what_needs_no_review_never_has_it(
    client: Client, form: dict[str, str], words: dict[str, str], moderator: User, link_in_mail: Callable[[], str]
) -> None:
    signature = confirmed(client, form, words, link_in_mail)
    single_decisions.hold(signature, by=moderator.pk)
    signature.refresh_from_db()
    assert signature.question_address is not None

    signature.delete()
    client.post("/letters/bridge/sign/", {**form, "name": "", "visibility": "counted"})
    client.post(link_in_mail(), {**words, "name": "", "visibility": "counted", "action": "confirm"})
    counted = Signature.objects.get()
    assert (counted.state, counted.question_address) == (State.APPROVED, None)


def test_R13_a_question_that_is_decided_before_its_email_goes_is_not_sent(
    client: Client, asked: Signature, moderator: User, inbox: Inbox, updates_key: Path
) -> None:
    sealed = sealing.seal("cleo@example.org", public_key=settings.UPDATES_PUBLIC_KEY)
    Signature.objects.update(question_address=sealed)
    call_command("queue_questions", key=updates_key)
    single_decisions.approve(asked, by=moderator.pk)
    sending.send_due()
    assert (list(inbox), OutboxMail.objects.count()) == ([], 0)


def test_signers_without_an_address_get_no_email(asked: Signature, updates_key: Path) -> None:
    call_command("queue_questions", key=updates_key)
    assert not OutboxMail.objects.exists()


def test_staff_are_told_at_once_whom_no_email_can_reach(moderator_client: Client, letter: Letter) -> None:
    kept = [make_signature(letter, "Updates", State.WAITING, sealed_address=b"sealed"),
            make_signature(letter, "Questions", State.WAITING, question_address=b"sealed")]  # fmt: skip
    gone = make_signature(letter, "Undone", State.WAITING)

    def told(rows: list[Signature]) -> str:
        form = {"action": "ask", "question": "your-name", "_selected_action": [row.pk for row in rows], "index": "0"}
        return moderator_client.post(QUEUE, form, follow=True).content.decode()

    assert "cannot be emailed" not in told(kept)
    assert "1 of them cannot be emailed, because no address is kept" in told([*kept, gone])


def test_a_wrong_key_is_an_error(asked: Signature, tmp_path: Path) -> None:
    sealed = sealing.seal("cleo@example.org", public_key=settings.UPDATES_PUBLIC_KEY)
    Signature.objects.update(sealed_address=sealed)
    (tmp_path / "key").write_text("ab" * 32)
    with pytest.raises(CommandError, match="not the key"):
        call_command("queue_questions", key=tmp_path / "key")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("queue_questions", key=tmp_path / "none")
    assert not OutboxMail.objects.exists()
