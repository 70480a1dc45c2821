"""What is wrong with a form: all of it is said at once, beside its field, and read out with it."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from lxml import html

from campaign.models import Letter
from signatures.models import Signature, Submission
from signatures.registries.typed_fields import WORDS
from signatures.signing.forms import SignForm
from signatures.states import Kind, Visibility
from signatures.values import tokens
from tests.factories import make_submission

SIGN = "/letters/bridge/sign/"
BROKEN = "Ada \u202e"  # reverses the direction of what follows


def page_of(client: Client, path: str, values: dict[str, str], status: int = 422) -> html.HtmlElement:
    answer = client.post(path, values)
    assert answer.status_code == status
    return html.fromstring(answer.content.decode())


def problems(page: html.HtmlElement) -> dict[str, str]:
    """Returns the errors of the summary by the field to which their links lead."""
    links = page.xpath("//div[@id='problems']//a")
    return {page.get_element_by_id(link.get("href")[1:]).get("name"): link.text_content() for link in links}


def test_everything_that_is_wrong_is_said_in_one_round(client: Client, letter: Letter, form: dict[str, str]) -> None:
    found = problems(page_of(client, SIGN, {"text": form["text"], "role": BROKEN, "email": "ada"}))
    assert list(found) == ["visibility", "name", "role", "email", "consent"]
    with_choice = problems(
        page_of(client, SIGN, {**form, "visibility": "delivery", "name": "", "email": "a@gmial.com"})
    )
    assert list(with_choice) == ["name", "email"]


@pytest.mark.parametrize("field", [name for name in WORDS if name != "spokesperson"])
def test_an_error_names_its_field(client: Client, letter: Letter, form: dict[str, str], field: str) -> None:
    name = "Name" if field == "name" else str(SignForm.base_fields[field].label)
    for typed in (BROKEN, "x" * 1001):
        assert problems(page_of(client, SIGN, {**form, field: typed}))[field].startswith(f"{name}: ")


def tied(page: html.HtmlElement) -> Iterator[tuple[str, list[str]]]:
    """Yields the name of each field that is marked as wrong, with the texts that describe it."""
    for field in page.xpath("//form[@data-draft]//*[@aria-invalid='true']"):
        texts = [page.get_element_by_id(part).text_content() for part in (field.get("aria-describedby") or "").split()]
        yield field.get("name") or field.get("role"), [" ".join(text.split()) for text in texts]


def test_an_error_is_read_out_with_its_field_and_with_each_choice(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    page = page_of(client, SIGN, {"text": form["text"], "comment": BROKEN, "email": "ada"})
    found = list(tied(page))
    assert [name for name, _texts in found] == [
        "radiogroup",
        *["visibility"] * 3,
        "name",
        "comment",
        "email",
        "consent",
    ]
    messages = problems(page)
    for name, texts in found:
        assert messages["visibility" if name == "radiogroup" else name] in texts
    assert "The recipient sees it. This website does not show it." in found[2][1], "a choice is explained as well"
    assert page.xpath("//details[@class='optional']/@open"), "what is wrong is unfolded"


def test_the_title_of_a_page_with_errors_says_so(client: Client, letter: Letter) -> None:
    assert not client.get("/letters/bridge/").content.decode().count("<title>Error:")
    for path in (SIGN, "/letters/bridge/my-link/"):
        title = page_of(client, path, {"email": "ada"}).findtext(".//title") or ""
        assert re.match(r"Error: \w", title)


def test_every_answer_to_a_form_is_marked_so_that_back_never_asks_for_it_again(
    client: Client, letter: Letter, ada: Signature
) -> None:
    for path in (SIGN, "/letters/bridge/my-link/"):
        assert "<body data-answers-form>" in client.post(path, {}).content.decode()
    pages = [f"/signature/{tokens.personal_token(row.public_id)}/" for row in (make_submission(letter, "Ben"), ada)]
    for page, action in zip(pages, ("confirm", "change"), strict=True):
        answer = client.post(page, {"action": action})
        assert answer.status_code == 422 and "<body data-answers-form>" in answer.content.decode(), action
        assert "no-store" in answer["Cache-Control"]
    for path in ("/letters/bridge/", "/letters/bridge/my-link/", *pages):
        assert "<body>" in client.get(path).content.decode()


def test_what_a_choice_hides_is_dropped_and_never_wrong(client: Client, letter: Letter, form: dict[str, str]) -> None:
    broken = dict.fromkeys(WORDS, BROKEN * 500)
    for kind in Kind:
        answer = client.post(SIGN, {**form, **broken, "kind": kind, "visibility": Visibility.COUNTED})
        assert answer.status_code == 303
    assert client.post(SIGN, {**form, "kind": "person", "spokesperson": BROKEN}).status_code == 303
    page_of(client, SIGN, {**form, "kind": "organization", "spokesperson": BROKEN})
    for row in Submission.objects.filter(visibility=Visibility.COUNTED):
        assert [getattr(row, word) for word in WORDS] == [""] * len(WORDS)
    assert set(Submission.objects.values_list("spokesperson", flat=True)) == {""}
