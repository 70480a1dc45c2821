"""The mail's link opens the personal page; only what is sent from there confirms."""

import itertools
import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from campaign.models import Letter
from signatures import counts, transitions
from signatures.models import AuditEntry, Signature, Submission
from signatures.signing import confirmation
from signatures.states import State, Visibility
from signatures.values import tokens
from tests.factories import make_submission, signer_input
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db
SCANNERS = [
    "Mozilla/5.0 (compatible; Microsoft Outlook SafeLinks)", "Mimecast-URL-Scan", "Proofpoint URL Defense", "Barracuda Sentinel", "GoogleImageProxy",
    "Slackbot-LinkExpanding 1.0", "WhatsApp/2.23", "facebookexternalhit/1.1", "TelegramBot (like TwitterBot)", "curl/8.5",
]  # fmt: skip


def page_of(row: Signature | Submission) -> str:
    return f"/signature/{tokens.personal_token(row.public_id)}/"


def signed(row: Submission) -> Signature:
    return Signature.objects.get(pk=row.pk)


def test_the_link_of_the_mail_shows_the_words_and_sending_them_confirms(
    client: Client, form: dict[str, str], words: dict[str, str], inbox: Inbox, link_in_mail: Callable[[], str]
) -> None:
    client.post("/letters/bridge/sign/", form)
    link = link_in_mail()

    page = client.get(link)
    assert page.status_code == 200
    assert "Dora Maar" in page.content.decode()
    assert page["Cache-Control"] == "no-store"

    answer = client.post(link, {**words, "action": "confirm"})

    assert (answer.status_code, answer["Location"]) == (303, link)
    row = Signature.objects.get()
    assert (row.state, row.flags, row.approved_on) == (State.WAITING, [], None)
    assert row.confirmed_at is not None
    assert counts.for_letter(row.letter_id).total == 1
    assert "Your signature is confirmed" in client.get(link).content.decode()


def test_what_is_posted_is_what_is_signed(client: Client, ben: Submission, words: dict[str, str]) -> None:
    client.post(
        page_of(ben),
        {**words, "name": "Benjamin Nevis", "country": "KR", "visibility": "delivery", "action": "confirm"},
    )

    row = signed(ben)
    assert (row.name, row.country, row.visibility) == ("Benjamin Nevis", "KR", "delivery")


def test_R14_counted_drops_every_word_and_is_approved_at_once(
    client: Client, ben: Submission, words: dict[str, str]
) -> None:
    client.post(page_of(ben), {**words, "visibility": "counted", "comment": "hello", "action": "confirm"})

    row = signed(ben)
    assert (row.state, row.name, row.role, row.organization, row.comment) == (State.APPROVED, "", "", "", "")


def test_who_is_counted_sees_the_country_that_is_kept_before_confirming(
    client: Client, letter: Letter, words: dict[str, str]
) -> None:
    row = make_submission(letter, "", visibility=Visibility.COUNTED, country="KR")
    page = " ".join(client.get(page_of(row)).content.decode().split())
    assert "<strong>One more signature</strong>" in page and "<span>South Korea</span>" in page


def test_a_letter_moderated_afterwards_approves_at_once_unless_there_is_a_flag(
    client: Client, letter: Letter, words: dict[str, str]
) -> None:
    Letter.objects.update(moderation="after")
    clean, flagged = (make_submission(letter, name) for name in ("Clean", "Flagged"))

    client.post(page_of(clean), {**words, "action": "confirm"})
    client.post(page_of(flagged), {**words, "role": "see www.example.com", "action": "confirm"})

    assert signed(clean).state == State.APPROVED
    assert (signed(flagged).state, signed(flagged).flags) == (State.WAITING, ["link"])
    assert counts.for_letter(letter.pk).total == 1, "a flagged one is looked at before it counts"


def test_a_wrong_field_is_an_error_and_nothing_is_confirmed(
    client: Client, ben: Submission, words: dict[str, str]
) -> None:
    answer = client.post(page_of(ben), {**words, "name": "", "role": "kept as typed", "action": "confirm"})

    assert answer.status_code == 422
    assert "kept as typed" in answer.content.decode()
    assert not Signature.objects.exists() and Submission.objects.exists()


def test_doing_it_twice_is_friendly(client: Client, ben: Submission, words: dict[str, str]) -> None:
    for _time in range(2):
        assert client.post(page_of(ben), {**words, "action": "confirm"}).status_code == 303
    assert AuditEntry.objects.filter(signature_id=ben.pk).count() == 1


def test_mending_a_flagged_word_clears_its_flag_but_not_how_the_form_was_sent(
    client: Client, letter: Letter, words: dict[str, str]
) -> None:
    row = make_submission(letter, "X", flags=["link", "trap"])
    client.post(page_of(row), {**words, "action": "confirm"})
    assert signed(row).flags == ["trap"]


@pytest.mark.parametrize("token", ["", "x", "a" * 32 + ".b", "%91", "0" * 32, "\u0000", "é"])
def test_a_broken_link_has_one_calm_page(client: Client, letter: Letter, token: str) -> None:
    answer = client.get(f"/signature/{token or 'x.y'}/")
    assert answer.status_code == 404
    assert "This link does not work" in answer.content.decode()


def test_a_link_cut_off_or_altered_opens_nothing(client: Client, ben: Submission) -> None:
    token = tokens.personal_token(ben.public_id)
    for altered in (token[:-1], token[1:], token.swapcase(), token.replace(".", ""), token + "A"):
        assert client.get(f"/signature/{altered}/").status_code == 404


def test_an_unknown_action_is_refused(client: Client, ben: Submission) -> None:
    assert client.post(page_of(ben), {"action": "approve"}).status_code == 400


def test_C1_no_scanner_confirms_by_opening_the_link(client: Client, ben: Submission) -> None:
    for scanner in SCANNERS:
        for _time in range(3):
            for answer in (
                client.get(page_of(ben), headers={"user-agent": scanner}),
                client.head(page_of(ben), headers={"user-agent": scanner}),
                client.get(page_of(ben), headers={"user-agent": scanner, "sec-purpose": "prefetch"}),
            ):
                assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert not Signature.objects.exists()


STEPS = ["troll signs up", "victim opens", "troll overwrites", "victim sends"]


@pytest.mark.parametrize(
    "order",
    [order for order in itertools.permutations(STEPS) if order.index("victim opens") < order.index("victim sends")],
)
def test_C0_nobody_slips_words_under_the_consent_of_a_mailbox(
    client: Client, form: dict[str, str], words: dict[str, str], letter: Letter, order: tuple[str, ...]
) -> None:
    client.post("/letters/bridge/sign/", form)
    row = Submission.objects.get()
    seen: dict[str, str] = {}
    for step in order:
        match step:
            case "troll signs up" | "troll overwrites":
                client.post("/letters/bridge/sign/", {**form, "name": f"Vile words: {step}"})
            case "victim opens":
                client.get(page_of(row))
                seen = {**words, "name": "Victim, mended"}
            case "victim sends":
                client.post(page_of(row), {**seen, "action": "confirm"})

    assert (signed(row).state, signed(row).name) == (State.WAITING, "Victim, mended")


@pytest.mark.django_db(transaction=True)
def test_C6_fifty_parallel_posts_of_one_link_confirm_once(ben: Submission, words: dict[str, str]) -> None:
    gate = threading.Barrier(10)
    answers: list[int] = []

    def press() -> None:
        gate.wait()
        answers.extend(Client().post(page_of(ben), {**words, "action": "confirm"}).status_code for _time in range(5))
        connection.close()

    threads = [threading.Thread(target=press) for _each in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [303] * 50
    assert AuditEntry.objects.filter(signature_id=ben.pk, action="confirm").count() == 1
    assert counts.for_letter(ben.letter_id).total == 1


@pytest.mark.parametrize("name", ["Ben", "Somebody else"])
def test_C6_a_press_that_waited_for_another_one_is_no_second_person(ben: Submission, name: str) -> None:
    """It found the submission, and then waited for the lock of the mailbox while the other press confirmed."""
    stale = Submission.objects.get(pk=ben.pk)
    confirmation.confirm(ben, signer_input(ben.translation, name="Ben"))

    with pytest.raises(transitions.TransitionNotAllowed) as refused:
        confirmation.confirm(stale, signer_input(ben.translation, name=name))

    assert type(refused.value) is transitions.TransitionNotAllowed, "the page shows what stands, and no choice"


def test_what_is_confirmed_or_deleted_cannot_be_confirmed_again(ben: Submission) -> None:
    confirmation.confirm(ben, signer_input(ben.translation, name="Ben"))
    with pytest.raises(transitions.TransitionNotAllowed):
        confirmation.confirm(ben, signer_input(ben.translation, name="Another"))
    assert signed(ben).name == "Ben"
