"""Without script an answer with errors has an address of its own: Back shows it until the form is sent, and nothing after."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from lxml import html

from campaign.models import Letter
from signatures.models import KeptForm, Signature, Submission
from signatures.screening import daily_keys
from signatures.signing import kept_answers
from signatures.staff import kept_forms
from signatures.values import tokens

SIGN = "/letters/bridge/sign/"
WRONG = {"name": "Ada Lovelace", "email": "ada@no-dot", "no_script": "1"}


@pytest.fixture
def client() -> Client:
    """A browser, which says that a person sends the form."""
    return Client(headers={"Sec-Fetch-Mode": "navigate"})


def led_to(client: Client, values: dict[str, str], path: str = SIGN) -> str:
    """Sends a form as a browser without script does. Returns the address of the answer."""
    answer = client.post(path, values)
    assert answer.status_code == 303 and answer["Cache-Control"] == "no-store"
    assert answer["Location"].startswith(f"{path}?answer=")
    return answer["Location"]


def token_in(page: bytes) -> str:
    (field,) = set(html.fromstring(page.decode()).xpath("//noscript/input[@name='no_script']/@value"))
    return str(field)


def test_P15_back_shows_what_was_typed_until_it_is_sent(client: Client, letter: Letter, form: dict[str, str]) -> None:
    assert token_in(client.get("/letters/bridge/").content) == "1", "the page is the same for everybody"
    address = led_to(client, form | WRONG)
    for _time in range(2):
        answer = client.get(address)
        assert answer.status_code == 422 and answer["Cache-Control"] == "no-store"
        assert "Ada Lovelace" in answer.content.decode() and "ada@no-dot" in answer.content.decode()
    token = token_in(answer.content)
    assert address == led_to(client, form | WRONG | {"no_script": token}), "a second round has the same address"
    sent = client.post(SIGN, form | {"no_script": token})
    assert (sent.status_code, sent["Location"]) == (303, "/letters/bridge/check-mail/")
    assert Submission.objects.count() == 1 and not KeptForm.objects.exists()
    gone = client.get(address)
    assert (gone.status_code, gone["Location"]) == (303, SIGN)


def test_every_form_that_takes_words_does_it(client: Client, letter: Letter, ada: Signature) -> None:
    personal = f"/signature/{tokens.personal_token(ada.public_id)}/"
    report = f"/letters/bridge/signatories/{ada.public_id}/report/"
    for path, values in (
        ("/letters/bridge/my-link/", {"email": "ada@"}), ("/my-link/", {"email": "ada@"}), (report, {}),
        (personal, {"action": "change", "name": "Ada \u202e", "visibility": "public"}),
    ):  # fmt: skip
        assert client.post(path, values).status_code == 422, "others get the answer itself"
        assert client.get(led_to(client, values | {"no_script": "1"}, path)).status_code == 422
        assert token_in(client.get(path).content) == "1"


def test_a_program_that_sends_all_that_it_found_in_the_page_gets_the_answer_itself(
    letter: Letter, form: dict[str, str]
) -> None:
    answer = Client().post(SIGN, form | WRONG)
    assert answer.status_code == 422 and token_in(answer.content) == "1" and not KeptForm.objects.exists()


def test_P15_the_database_alone_tells_nothing_and_keeps_it_for_minutes(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    address = led_to(client, form | WRONG)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM signatures_keptform")
        row = cursor.fetchone()
    token = address.partition("=")[2]
    stored = b"".join(bytes(value) if isinstance(value, memoryview) else str(value).encode() for value in row)
    assert not [word for word in (b"Ada", b"ada@", token.encode()) if word in stored]
    assert client.get(address[:-1] + ("A" if token[-1] != "A" else "B")).status_code == 303
    KeptForm.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(address).status_code == 303
    assert kept_forms.delete_expired() == 1


def test_strangers_cannot_fill_the_disk(
    client: Client, letter: Letter, form: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_answers, "MOST", 2)
    addresses = [led_to(client, form | WRONG) for _browser in range(2)]
    assert client.post(SIGN, form | WRONG).status_code == 422, "the answer itself"
    token = token_in(client.get(addresses[0]).content)
    assert led_to(client, form | WRONG | {"no_script": token}) == addresses[0], "who has a place keeps it"
    assert KeptForm.objects.count() == 2


def from_network(network: int) -> Client:
    """A browser without script in a network of its own: /24 below a thousand, else a /48."""
    address = f"198.51.{network}.7" if network < 1000 else f"2001:db8:{network}:1::7"
    return Client(headers={"Sec-Fetch-Mode": "navigate"}, REMOTE_ADDR=address)


@pytest.mark.parametrize("flooding", [1, 1001], ids=["/24", "/48"])
def test_P15_one_network_takes_no_place_from_others(
    letter: Letter, form: dict[str, str], monkeypatch: pytest.MonkeyPatch, flooding: int
) -> None:
    monkeypatch.setattr(kept_answers, "MOST", 5)
    attacker = from_network(flooding)
    flood = [led_to(attacker, form | WRONG) for _answer in range(5)]
    assert attacker.post(SIGN, form | WRONG).status_code == 422
    honest = [(browser, led_to(browser, form | WRONG)) for browser in map(from_network, (2, 3, 1002))]
    assert attacker.post(SIGN, form | WRONG).status_code == 422
    assert [browser.get(address).status_code for browser, address in honest] == [422] * 3
    assert [attacker.get(address).status_code for address in flood] == [303] * 3 + [422] * 2, "its oldest went"
    assert KeptForm.objects.count() == 5


def test_P15_who_has_one_place_keeps_it_when_each_network_has_one(
    letter: Letter, form: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_answers, "MOST", 3)
    kept = [(browser, led_to(browser, form | WRONG)) for browser in map(from_network, (1, 2, 3))]
    assert from_network(4).post(SIGN, form | WRONG).status_code == 422
    assert [browser.get(address).status_code for browser, address in kept] == [422] * 3
    moved, (_browser, address) = from_network(5), kept[0]
    token = token_in(moved.get(address).content)
    assert led_to(moved, form | WRONG | {"no_script": token}) == address, "in another network, too"


def test_P15_the_network_of_an_answer_is_known_by_the_key_of_the_day_alone(
    client: Client, letter: Letter, form: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _time in range(2):
        led_to(client, form | WRONG)
    (network,) = set(KeptForm.objects.values_list("network", flat=True))
    assert len(network) == 16 and set(network) <= set("0123456789abcdef")
    monkeypatch.setattr(daily_keys, "key_of", lambda _day: b"of another day")
    led_to(client, form | WRONG)
    assert KeptForm.objects.exclude(network=network).count() == 1


def test_nor_with_long_ones(client: Client, letter: Letter, form: dict[str, str]) -> None:
    longest = form | WRONG | {"comment": "\U0001f54a" * 1000} | dict.fromkeys(("role", "organization"), "한" * 200)
    assert led_to(client, longest), "an honest one, whatever its words"
    KeptForm.objects.all().delete()
    assert client.post(SIGN, form | WRONG | {"comment": "'" * 60_000}).status_code == 422, "each is six in HTML"
    assert client.post(SIGN, form | WRONG | {"comment": "a" * 66_000}).status_code == 400
    assert not KeptForm.objects.exists()
