"""Proof of work: while it is asked for, who does not bring it waits for review. Nobody is refused."""

import base64
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import altcha
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaign.models import Letter
from signatures import retention
from signatures.models import OutboxMail, SpentProof, Submission
from signatures.moderation import switches
from signatures.outbox import sending
from signatures.screening import proof_of_work
from tests.factories import make_letter
from tests.inbox import Inbox

LETTER, SIGN, CHECK_MAIL = "/letters/bridge/", "/letters/bridge/sign/", "/letters/bridge/check-mail/"
CHALLENGE = "/letters/bridge/challenge/"
OLGA = 1
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same work, of which there is less."""
    monkeypatch.setattr(proof_of_work, "COST", 2)
    monkeypatch.setattr(proof_of_work, "MIN_COUNTER", 3)
    monkeypatch.setattr(proof_of_work, "MAX_COUNTER", 20)


@pytest.fixture
def asked(letter: Letter) -> None:
    switches.ask_for_work(by=OLGA)


def solve(answer: dict[str, Any]) -> str:
    """Does the work, as the script of the page does."""
    challenge = altcha.Challenge.from_dict(answer)
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


@pytest.fixture
def proof(client: Client, asked: None) -> str:
    return solve(client.get(CHALLENGE).json())


def flags_of(name: str = "Dora Maar") -> list[str]:
    return Submission.objects.get(name=name).flags


def test_S39_who_did_the_work_gets_no_flag(client: Client, form: dict[str, str], proof: str) -> None:
    answer = client.post(SIGN, {**form, "proof": proof})

    assert (answer.status_code, answer["Location"]) == (303, CHECK_MAIL)
    assert flags_of() == []
    assert OutboxMail.objects.get().priority == OutboxMail.Priority.SIGN_UP


def test_S39_without_script_one_signs_as_well_and_the_email_goes_last(
    client: Client, form: dict[str, str], proof: str, inbox: Inbox
) -> None:
    without = client.post(SIGN, form)
    with_it = client.post(SIGN, {**form, "name": "Lee Miller", "email": "lee@example.org", "proof": proof})

    assert [(a.status_code, a["Location"], a.content, sorted(a.headers)) for a in (without, with_it)] == [
        (303, CHECK_MAIL, b"", sorted(with_it.headers))
    ] * 2, "the answer does not tell"
    assert (flags_of(), flags_of("Lee Miller")) == (["no-proof"], [])
    sending.send_due()
    assert inbox.recipients == ["lee@example.org", "dora@example.org"], "who signed first, and did no work, comes last"


def payload(proof: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(base64.b64decode(proof))
    return read


def changed(proof: str, part: str, **values: Any) -> str:
    read = payload(proof)
    place = read["solution"] if part == "solution" else read["challenge"]
    (place["parameters"] if part == "parameters" else place).update(values)
    return base64.b64encode(json.dumps(read).encode()).decode()


FORGERIES: dict[str, Callable[[str], str]] = {
    "nonsense": lambda _proof: "made up",
    "no base64": lambda _proof: "é☃",
    "empty JSON": lambda _proof: base64.b64encode(b"{}").decode(),
    "a list": lambda _proof: base64.b64encode(b'{"challenge": [], "solution": 1}').decode(),
    "nested too deep": lambda _proof: base64.b64encode(b"[" * 1_400).decode(),
    "very long": lambda proof: proof + "A" * 50_000,
    "no work": lambda proof: changed(proof, "solution", counter=1, derivedKey="00" * 32),
    "no key": lambda proof: changed(proof, "solution", derivedKey=None),
    "less work": lambda proof: changed(proof, "parameters", cost=1),
    "easier": lambda proof: changed(proof, "parameters", keyPrefix="00"),
    "longer": lambda proof: changed(proof, "parameters", expiresAt=9_999_999_999),
    "for ever": lambda proof: changed(proof, "parameters", expiresAt=None),
    "another letter": lambda proof: changed(proof, "parameters", data={"letter": 0}),
    "unsigned": lambda proof: changed(proof, "challenge", signature=None),
    "own challenge": lambda _proof: solve(
        altcha.create_challenge("PBKDF2/SHA-256", 1, counter=1, hmac_secret="guess", hmac_key_secret="guess").to_dict()
    ),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_S39_what_is_forged_or_made_easier_is_no_proof_and_no_error(
    client: Client, letter: Letter, form: dict[str, str], proof: str, forge: Callable[[str], str]
) -> None:
    answer = client.post(SIGN, {**form, "proof": forge(proof)})

    assert (answer.status_code, answer["Location"]) == (303, CHECK_MAIL)
    assert flags_of() == ["no-proof"]
    assert not SpentProof.objects.exists()
    assert not proof_of_work.flags(proof, letter_id=letter.pk, address="x@example.org"), "what it was made of is unused"


def test_S39_what_expired_is_no_proof(client: Client, form: dict[str, str], asked: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(proof_of_work, "MAX_AGE", timedelta(seconds=-2))
    late = solve(client.get(CHALLENGE).json())
    client.post(SIGN, {**form, "proof": late})
    assert flags_of() == ["no-proof"]


def test_S39_work_done_for_another_letter_is_no_proof(client: Client, form: dict[str, str], asked: None) -> None:
    make_letter("tunnel")
    foreign = solve(client.get("/letters/tunnel/challenge/").json())
    client.post(SIGN, {**form, "proof": foreign})
    assert flags_of() == ["no-proof"]


def test_S39_work_is_done_once_for_each_address(client: Client, form: dict[str, str], proof: str) -> None:
    client.post(SIGN, {**form, "proof": proof})
    client.post(SIGN, {**form, "proof": proof})
    client.post(SIGN, {**form, "name": "Copy Cat", "email": "copy@example.org", "proof": proof})

    assert flags_of() == [], "a double click is no replay"
    assert flags_of("Copy Cat") == ["no-proof"]
    client.post(SIGN, {**form, "name": "Copy Dog", "email": "copy@example.org", "proof": proof})
    assert flags_of("Copy Dog") == ["no-proof"], "trying again does not help"


@pytest.mark.django_db(transaction=True)
def test_S39_of_eight_who_use_one_solution_at_the_same_moment_one_is_the_first(
    client: Client, form: dict[str, str], proof: str
) -> None:
    gate = threading.Barrier(8)

    def press(number: int) -> None:
        gate.wait()
        Client().post(SIGN, {**form, "name": f"N {number}", "email": f"n{number}@example.org", "proof": proof})
        connection.close()

    threads = [threading.Thread(target=press, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Submission.objects.count() == 8
    assert Submission.objects.exclude(flags__contains=["no-proof"]).count() == 1


def test_a_spent_proof_is_deleted_when_its_challenge_has_expired(
    client: Client, form: dict[str, str], proof: str
) -> None:
    client.post(SIGN, {**form, "proof": proof})
    retention.delete_expired_buckets()
    spent = SpentProof.objects.get()
    assert timedelta() < spent.until - timezone.now() <= proof_of_work.MAX_AGE

    SpentProof.objects.update(until=timezone.now())
    retention.delete_expired_buckets()
    assert not SpentProof.objects.exists()


def test_while_it_is_off_nothing_is_asked_or_looked_at(client: Client, letter: Letter, form: dict[str, str]) -> None:
    page = client.get(LETTER).content.decode()
    assert "proof_of_work" not in page and "data-challenge" not in page
    assert client.get(CHALLENGE).status_code == 404
    client.post(SIGN, {**form, "proof": "made up"})
    assert flags_of() == [] and not SpentProof.objects.exists()


def test_while_it_is_on_the_form_says_where_the_challenge_is_also_beside_an_error(
    client: Client, form: dict[str, str], asked: None
) -> None:
    for page in (client.get(LETTER), client.post(SIGN, {**form, "name": ""}), client.get(f"/ko{LETTER}")):
        assert f'{CHALLENGE}"' in page.content.decode()
        assert 'role="status"' in page.content.decode()
    assert client.get(LETTER)["Content-Security-Policy"].count("worker-src") == 0, "script-src 'self' allows the worker"


def test_a_letter_that_takes_no_signatures_asks_for_nothing(client: Client, asked: None) -> None:
    Letter.objects.update(state="closed")
    assert "data-challenge" not in client.get(LETTER).content.decode()


def test_each_browser_gets_a_challenge_of_its_own_without_cookie_cache_or_trace(client: Client, asked: None) -> None:
    client.get(CHALLENGE)
    with CaptureQueriesContext(connection) as statements:
        answers = [client.get(CHALLENGE) for _browser in range(3)]

    assert len({answer.json()["parameters"]["nonce"] for answer in answers}) == 3
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}
    assert not any(answer.cookies for answer in answers)
    assert not statements.captured_queries, "it stores nothing"
    assert client.post(CHALLENGE).status_code == 405
    assert client.get("/letters/nowhere/challenge/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_process_that_knows_the_switch_spends_one_statement_on_a_proof(
    client: Client, form: dict[str, str], asked: None
) -> None:
    client.post(SIGN, {**form, "email": "first@example.org"})
    ready = solve(client.get(CHALLENGE).json())
    with CaptureQueriesContext(connection) as statements:
        client.post(SIGN, {**form, "proof": ready})
    assert len(statements) == 3


def test_turning_it_off_ends_it_at_once_in_this_process(client: Client, form: dict[str, str], asked: None) -> None:
    client.get(LETTER)
    switches.stop_asking_for_work(by=OLGA)
    client.post(SIGN, form)
    assert flags_of() == []
