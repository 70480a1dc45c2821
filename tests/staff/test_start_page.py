"""The start page of admin: the work of the own role, the letters, and menus by job, with links that may be followed."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from lxml import html

from campaign.models import Letter, News
from signatures import counts
from signatures.models import Delivery, PaperImport, Signature, SignerRequest
from signatures.monitoring import waiting_work
from signatures.paper import previews
from signatures.states import State
from tests import single_decisions
from tests.admin_urls import admin_urls
from tests.conftest import member_of
from tests.factories import make_delivery, make_letter, make_many, make_signature
from tests.staff.test_roles import ROLES

pytestmark = pytest.mark.django_db
MOST_STATEMENTS = 12


def texts(role: str, path: str, address: str = "/admin/") -> list[str]:
    """The text of each element at this XPath on a page, as the role sees it."""
    page: Any = html.document_fromstring(signed_in(role).get(address).content.decode())
    return [" ".join(each.text_content().split()) for each in page.xpath(path)]


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.filter(groups__name=role).first() or member_of(role))
    return client


def work_of(role: str) -> list[str]:
    return texts(role, "//section[@class='work']//li")


@pytest.fixture
def busy(letter: Letter) -> Letter:
    """Something waits for each role."""
    long_ago = timezone.now() - timedelta(days=56, hours=1)
    for n in range(3):
        since = long_ago + timedelta(days=n)
        make_signature(letter, f"W {n}", State.WAITING, flags=["link"], signed_up_at=since, confirmed_at=since)
    make_signature(letter, "Ada Lovelace")
    today, root = timezone.now().date(), "ab" * 32
    for number, state in enumerate(Delivery.State, 1):
        make_delivery(letter, number)
        handed_over = state in {Delivery.State.HANDED_OVER, Delivery.State.ACKNOWLEDGED}
        fields: dict[str, Any] = {
            "root": "" if state == Delivery.State.FROZEN else root,
            "failure": "no font",
            "void_reason": "x",
        }
        fields |= {"handed_over_on": today - timedelta(days=3), "handed_over_to": "the Minister"} if handed_over else {}
        Delivery.objects.filter(number=number).update(state=state, **fields)
    News.objects.create(letter=letter)
    User.objects.create_user("mina", "mina@example.org", None, is_staff=True)
    return letter


def test_each_role_sees_its_own_work_first_with_the_number_and_the_age(busy: Letter) -> None:
    assert work_of("moderator") == ["3 flagged, oldest 56 days"]
    assert work_of("delivery officer") == [
        "1 without files, oldest less than an hour", "1 ready to hand over, oldest less than an hour",
        "1 not acknowledged yet, oldest 3 days",
    ]  # fmt: skip
    assert work_of("editor") == ["1 news not published, oldest less than an hour"]
    assert work_of("owner") == [
        *(*work_of("moderator"), *work_of("delivery officer"), *work_of("editor")),
        "1 invited, without a password, oldest less than an hour",
    ]


def test_what_is_held_or_asked_is_no_work_of_the_queue_but_of_its_tabs(busy: Letter) -> None:
    Signature.objects.filter(name="W 0").update(flags=["link", "hold"])
    Signature.objects.filter(name="W 1").update(flags=["asked"])
    assert work_of("moderator") == [
        "1 flagged, oldest 54 days", "1 held, oldest 56 days", "1 asked, without an answer yet, oldest 55 days",
    ]  # fmt: skip


def test_a_clerk_sees_the_own_files_from_paper_as_long_as_they_wait(letter: Letter, officer: User) -> None:
    row = previews.keep(letter, b"name\nAnn Example\n", by=officer.pk)
    previews.keep(letter, b"name\nBen Example\n", by=officer.pk + 1)
    assert work_of("delivery officer") == ["1 files from paper, not imported yet, oldest less than an hour"]
    PaperImport.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert work_of("delivery officer") == []


def test_an_owner_sees_the_requests_that_wait_for_a_second_person(letter: Letter, owner: User, ada: Signature) -> None:
    asked = SignerRequest.objects.create(
        letter=letter, signature_id=ada.pk, kind="erase", channel="post", reason="x", staff_id=0, needs_second=True
    )
    assert work_of("owner") == ["1 on request of a signer, for you to confirm, oldest less than an hour"]
    SignerRequest.objects.filter(pk=asked.pk).update(staff_id=owner.pk)
    assert work_of("owner") == [], "one's own waits for another"


def test_work_letters_and_menus_stand_in_this_order_and_the_charts_below(busy: Letter) -> None:
    page = signed_in("moderator").get("/admin/").content.decode()
    places = [
        page.index(mark)
        for mark in ('id="work-title"', 'id="letters-title"', 'id="content-main"', '<svg class="chart"')
    ]
    assert places == sorted(places)


def test_where_nothing_waits_the_page_says_so(letter: Letter) -> None:
    assert texts("delivery officer", "//section[@class='work']/p") == ["Nothing waits for you."]


@pytest.mark.parametrize(
    ("role", "menus"),
    [
        ("moderator", ["Letters", "Review", "Audit"]),
        ("delivery officer", ["Delivery", "Audit"]),
        ("editor", ["Letters"]),
        ("owner", ["Letters", "Review", "Delivery", "Audit", "Site settings"]),
    ],
)
def test_menus_are_grouped_by_job(letter: Letter, role: str, menus: list[str]) -> None:
    assert texts(role, "//div[@id='content-main']//caption") == menus
    assert texts(role, "//nav[@id='nav-sidebar']//caption", "/admin/password_change/") == menus


def test_a_letter_has_its_figures_and_the_busiest_comes_first(busy: Letter, moderator: User) -> None:
    quiet = make_letter("quiet")
    counts.fold_deltas()
    make_signature(busy, "Kim", State.WAITING)
    rows = waiting_work.letters(timezone.now())

    assert [row.slug for row in rows] == ["bridge", "quiet"]
    bridge = rows[0]
    assert (bridge.signed, bridge.flagged, bridge.unflagged, bridge.delivery) == (2, 3, 1, 4)
    assert bridge.confirmed == 2, "three of them confirmed eight weeks ago"
    assert rows[1].pk == quiet.pk and rows[1].signed == rows[1].confirmed == 0


def test_the_number_of_statements_does_not_grow_with_letters(busy: Letter) -> None:
    for n in range(waiting_work.LETTERS + 5):
        make_letter(f"letter-{n}")
    make_many(busy, 30, state=State.WAITING, flags=["link"])
    for role in ROLES.values():
        client = signed_in(role)
        client.get("/admin/")
        with CaptureQueriesContext(connection) as statements:
            page = client.get("/admin/").content.decode()
        assert len(statements) <= MOST_STATEMENTS, role
        assert page.count('<th scope="row"><a href="/admin/campaign/letter/') <= waiting_work.LETTERS


def test_figures_that_a_role_may_not_see_are_not_on_its_page(busy: Letter) -> None:
    columns = {role: texts(role, "//section[@class='letters']//thead//th") for role in ROLES.values()}
    assert "flagged" not in columns["editor"] and "last delivery" not in columns["editor"]
    assert "flagged" in columns["delivery officer"] and "last delivery" not in columns["moderator"]


@pytest.mark.slow
@pytest.mark.parametrize("role", ["moderator", "delivery officer", "editor"])  # an owner may follow every link
def test_A5_no_page_of_admin_has_a_link_that_its_role_may_not_follow(busy: Letter, role: str, owner: User) -> None:
    single_decisions.reject(Signature.objects.get(name="W 0"), by=owner.pk, reason="to have an audit entry")
    client = signed_in(role)
    previews.keep(busy, b"name\nAnn Example\n", by=int(client.session["_auth_user_id"]))
    pages = {address for _name, address in admin_urls() if "/logout/" not in address}
    followed: dict[str, int] = {}
    closed, opened = [], set()
    for address in sorted(pages):
        answer = client.get(address)
        if answer.status_code != 200 or answer.streaming or "html" not in answer["Content-Type"]:
            continue
        for link in sorted(
            {found.partition("#")[0] for found in re.findall(r'href="(/admin/[^"]*)"', answer.content.decode())}
        ):
            where = html.fromstring(f'<a href="{link}">').get("href").partition("?")[0]
            if where not in followed:
                followed[where] = client.get(where).status_code
            if followed[where] >= 400:
                closed.append((address, where))
        opened.add(address.rpartition("/signatures/paperimport/")[2])
    assert closed == [], closed
    row = PaperImport.objects.get().pk
    assert role != "delivery officer" or {f"{row}/change/", f"{row}/columns/"} <= opened
