"""An organization signs under its name, somebody speaks for it, staff check that, and it stands in a section of its own."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from campaign.models import Letter
from signatures import tasks
from signatures.delivery import document_data, exports
from signatures.delivery.selection import EVERYBODY
from signatures.models import Signature, Submission
from signatures.public_list import pagination, views
from signatures.registries import Flag
from signatures.registries.typed_fields import WORDS
from signatures.states import Kind, State, Visibility
from signatures.values import tokens
from tests import single_decisions
from tests.factories import make_many, make_signature, make_submission
from tests.inbox import Inbox
from tests.plans import reads_only

pytestmark = pytest.mark.django_db
LIST = "/letters/bridge/signatories/"
BOTH, ONE = ["no-spokesperson", "organization"], ["organization"]


@pytest.fixture
def bakers(words: dict[str, str]) -> dict[str, str]:
    """A form filled in as the guild of bakers would."""
    return {**words, "kind": "organization", "name": "Guild of Bakers", "role": "", "spokesperson": "Dora Maar, chair"}


def the_one() -> Signature:
    return Signature.objects.get()


def names_under(page: Any, heading: str) -> list[str]:
    """The names between this heading of the list and the next."""
    section = re.search(rf"<h2[^>]*>{heading}</h2>(.*?)(<h2|</main>)", page.content.decode(), re.DOTALL)
    return re.findall(r'class="name"[^>]*><bdi translate="no" lang="[^"]*">(.*?)</bdi>', section[1]) if section else []


def organization(letter: Letter, name: str, **fields: Any) -> Signature:
    return make_signature(letter, name, kind=Kind.ORGANIZATION, **fields)


def test_an_organization_signs_confirms_and_waits_until_somebody_checked_who_speaks_for_it(
    client: Client,
    inbox: Inbox,
    link_in_mail: Callable[[], str],
    bakers: dict[str, str],
    form: dict[str, str],
    moderator_client: Client,
) -> None:
    assert client.post("/letters/bridge/sign/", {**form, **bakers}).status_code == 303
    typed = Submission.objects.get()
    assert (typed.kind, typed.spokesperson, typed.flags) == ("organization", "Dora Maar, chair", ONE)

    link = link_in_mail()
    page = client.get(link).content.decode()
    assert 'value="Dora Maar, chair"' in page and re.search(r'value="organization"[^>]*checked', page)
    client.post(link, {**bakers, "action": "confirm"})

    row = the_one()
    assert (row.state, row.name, row.spokesperson, row.flags) == (
        State.WAITING,
        "Guild of Bakers",
        "Dora Maar, chair",
        ONE,
    )
    queue = moderator_client.get("/admin/signatures/waitingsignature/").content.decode()
    assert "check who speaks for it" in queue and "Dora Maar, chair" in queue
    assert "Dora Maar, chair" in client.get(link).content.decode()
    assert client.post(link, {"action": "data"}).json()["spokesperson"] == "Dora Maar, chair"


def test_the_form_asks_for_it_where_no_script_runs(client: Client, letter: Letter) -> None:
    page = client.get("/").content.decode()
    for field in (
        'value="person"[^>]*checked',
        'value="organization"',
        'name="spokesperson"',
        "Who speaks for the organization?",
    ):
        assert re.search(field, page), field


@pytest.mark.parametrize("moderation", Letter.Moderation)
def test_it_waits_whatever_the_letter_lets_stand_and_staff_are_told_when_nobody_speaks_for_it(
    ben: Submission, bakers: dict[str, str], client: Client, moderation: str
) -> None:
    ben.letter.moderation = moderation
    ben.letter.save()
    del bakers["spokesperson"]

    client.post(f"/signature/{tokens.personal_token(ben.public_id)}/", {**bakers, "action": "confirm"})
    assert tasks.run_duties.call() == {}

    assert (the_one().state, the_one().flags) == (State.WAITING, BOTH)
    assert {*BOTH} < set(Flag)


def test_who_signed_up_as_an_organization_may_confirm_as_a_person_and_then_nobody_speaks_for_it(
    letter: Letter, bakers: dict[str, str], client: Client
) -> None:
    row = make_submission(letter, "Guild", kind=Kind.ORGANIZATION, flags=BOTH)
    client.post(
        f"/signature/{tokens.personal_token(row.public_id)}/", {**bakers, "kind": "person", "action": "confirm"}
    )
    assert (the_one().kind, the_one().spokesperson, the_one().flags) == ("person", "", [])


def test_an_organization_that_is_only_counted_leaves_no_words_and_needs_nobody(
    ben: Submission, bakers: dict[str, str], client: Client
) -> None:
    client.post(
        f"/signature/{tokens.personal_token(ben.public_id)}/", {**bakers, "visibility": "counted", "action": "confirm"}
    )
    row = the_one()
    assert (row.state, row.flags, {getattr(row, word) for word in WORDS}) == (State.APPROVED, [], {""})


def test_an_approved_one_is_not_flagged_anew_unless_its_words_change(
    letter: Letter, bakers: dict[str, str], client: Client, moderator: User
) -> None:
    row = organization(letter, "Guild of Bakers", state=State.WAITING, flags=ONE, spokesperson="Dora Maar, chair")
    single_decisions.approve(row, by=moderator.pk)
    page, change = f"/signature/{tokens.personal_token(row.public_id)}/", {**bakers, "action": "change"}

    client.post(page, {**change, "visibility": "delivery", "country": "BE"})
    assert (the_one().state, the_one().visibility) == (State.APPROVED, Visibility.DELIVERY)
    client.post(page, {**change, "visibility": "delivery", "kind": "person"})
    assert (the_one().state, the_one().kind) == (State.APPROVED, Kind.ORGANIZATION), "what it is, it stays"

    client.post(page, {**change, "spokesperson": "Somebody Else"})
    assert (the_one().state, the_one().flags) == (State.WAITING, ONE), "somebody else speaks for it now"


def test_the_change_form_of_a_person_asks_for_no_spokesperson(ada: Signature, client: Client) -> None:
    page = client.get(f"/signature/{tokens.personal_token(ada.public_id)}/").content.decode()
    assert re.search(r'type="hidden" name="spokesperson"', page) and "Who speaks for the organization?" not in page


def test_the_spokesperson_is_seen_by_staff_and_in_no_list_file_or_count(
    letter: Letter, client: Client, moderator_client: Client
) -> None:
    row = organization(letter, "Guild", spokesperson="Canary Spokesperson")
    out = io.BytesIO()
    exports.export_list(letter, out, by=None, reason="a test")
    pages = [
        LIST,
        f"{LIST}?kind=organization",
        f"{LIST}?q=Canary",
        f"{LIST}{row.public_id}/",
        "/api/v1/letters/bridge/",
    ]
    for page in ("/", *pages):
        assert "Canary" not in client.get(page).content.decode().replace('value="Canary"', "").replace(
            "q=Canary", ""
        ), page
    assert b"Guild" in out.getvalue() and b"Canary" not in out.getvalue()
    assert (
        "Canary Spokesperson" in moderator_client.get(f"/admin/signatures/signature/{row.pk}/change/").content.decode()
    )


def test_the_list_has_organizations_featured_and_everybody_else_each_once(letter: Letter, client: Client) -> None:
    make_many(letter, 3)
    for name, place in (("Second", 2), ("First", 1)):
        make_signature(letter, name, featured_position=place)
    organization(letter, "Guild")
    organization(letter, "Known Guild", featured_position=3)
    make_signature(letter, "Hidden", visibility=Visibility.DELIVERY, featured_position=4)

    page = client.get(LIST)

    assert names_under(page, "Organizations") == ["Known Guild", "Guild"]
    assert names_under(page, "Among those who signed") == ["First", "Second"]
    assert sorted(names_under(page, "Everybody else")) == ["Signer 0000", "Signer 0001", "Signer 0002"]
    assert len(re.findall('class="name"', page.content.decode())) == 7


def test_a_list_of_people_alone_has_no_heading_for_everybody_else(ada: Signature, client: Client) -> None:
    page = client.get(LIST).content.decode()
    assert "Ada Lovelace" in page and "<h2" not in page.split("<main")[1].split("</main>")[0]


def pages_of(client: Client, address: str) -> list[list[str]]:
    found = []
    while address:
        answer = client.get(address)
        found.append(
            re.findall(r'class="name"[^>]*><bdi translate="no" lang="[^"]*">(.*?)</bdi>', answer.content.decode())
        )
        address = answer.context["next_query"] and f"{LIST}?{answer.context['next_query']}"
    return found


def test_all_pages_together_hold_everybody_once(
    letter: Letter, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "PAGE_SIZE", 4)
    monkeypatch.setattr(views, "MAX_ORGANIZATIONS", 2)
    people = make_many(letter, 9)
    Signature.objects.filter(pk=people[0].pk).update(featured_position=1)
    guilds = [organization(letter, f"Guild {n}", featured_position=n or None) for n in (0, 0, 0, 0, 0, 1)]

    first, *others = pages_of(client, LIST)
    assert len(first) == 1 + 2 + 1 + 4 and "All organizations" in client.get(LIST).content.decode()
    seen = [name for page in (first[3:], *others) for name in page]
    assert sorted(seen) == sorted(row.name for row in people)

    of_guilds = [name for page in pages_of(client, f"{LIST}?kind=organization") for name in page]
    assert sorted(of_guilds) == sorted(row.name for row in guilds) and of_guilds[0] == "Guild 1"


def test_search_and_country_find_all_in_one_list(letter: Letter, client: Client) -> None:
    make_signature(letter, "Baker Ada", country="FR")
    make_signature(letter, "Baker Ben", country="FR", featured_position=1)
    organization(letter, "Bakers", country="FR", featured_position=2)
    organization(letter, "Millers", country="DE")
    for query in ("q=baker", "country=FR", "q=baker&country=FR"):
        page = client.get(f"{LIST}?{query}").content.decode()
        assert sorted(re.findall(r'class="name"[^>]*><bdi translate="no" lang="[^"]*">(.*?)</bdi>', page)) == [
            "Baker Ada",
            "Baker Ben",
            "Bakers",
        ]
        assert "Among those who signed" not in page


def test_the_exports_take_organizations_then_featured_in_their_order_then_everybody_else(letter: Letter) -> None:
    make_many(letter, 2)
    for name, place in (("Second", 2), ("First", 1)):
        make_signature(letter, name, featured_position=place)
    organization(letter, "Guild")
    out = io.BytesIO()
    exports.export_list(letter, out, by=None, reason="a test")

    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"))))

    assert [row["number"] for row in rows] == list("12345")
    assert [row["kind"] for row in rows] == ["organization", *["person"] * 4]
    assert [row["name"] for row in rows[:3]] == ["Guild", "First", "Second"]
    entries = [entry.name for entry in document_data.current_entries(EVERYBODY.of(letter), order=letter.order)]
    assert entries == [row["name"] for row in rows], "the PDF follows the CSV"


def test_the_organizations_of_the_first_page_are_read_from_their_index(letter: Letter) -> None:
    rows = (
        Signature.objects.filter(letter=letter).public().filter(kind=Kind.ORGANIZATION, featured_position__isnull=True)
    )
    assert reads_only(rows.newest_first()[:25], "public_organizations")


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize("state", [State.APPROVED, State.WAITING, State.REJECTED, State.WITHDRAWN])
def test_its_page_speaks_to_an_organization(
    client: Client, letter: Letter, state: State, visibility: Visibility
) -> None:
    name = "" if visibility == Visibility.COUNTED else "Guild of Bakers"
    row = organization(letter, name, state=state, visibility=visibility)
    page = client.get(f"/signature/{tokens.personal_token(row.public_id)}/").content.decode()
    page = re.sub(r'<form method="post" class="sign".*?</form>', "", page, flags=re.DOTALL)  # it has the words of both
    assert re.findall(r".*\b(?:[Yy]our|[Mm]y) name\b.*", page) == []
    assert "organization" in page
