"""A form that is sent after the sign-in has ended comes back, filled in, once the same account has signed in again."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from campaign.models import Letter, News
from signatures.models import AuditEntry, KeptForm, Signature
from signatures.signing import withdrawal
from signatures.staff import email_links, kept_forms, sessions
from tests.admin_forms import fields_of, fill_in, rows
from tests.admin_urls import admin_urls
from tests.conftest import PASSWORD, member_of
from tests.staff.test_sessions import AGAIN, LOGIN, age_session, log_in

pytestmark = pytest.mark.django_db
ADD = "/admin/campaign/news/add/"
BODY = "First line\r\nsecond: <b>Ü</b> & \"quotes\" 'too'\r\n\r\n민주 자유"
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


def news(letter: Letter) -> dict[str, str]:
    rows = {"texts-TOTAL_FORMS": "2", "texts-INITIAL_FORMS": "0"}
    first = {"texts-0-language": "en", "texts-0-title": "Half typed", "texts-0-body": BODY}
    second = {"texts-1-language": "ko", "texts-1-title": "반쯤", "texts-1-body": "둘째"}
    return {"letter": str(letter.pk), "by_mail": "on", "_save": "Save", **rows, **first, **second}


def post_from(client: Client, page: str, data: Any, path: str = "", **headers: str) -> Any:
    return client.post(path or page, data, headers={"referer": f"http://testserver{page}", **headers})


def lose_session(client: Client) -> None:
    """As after half an hour, or twelve: the session is gone, the other cookies are there."""
    client.get("/admin/")
    client.session.flush()
    del client.cookies["sessionid"]


def sign_in(client: Client, person: User, answer: Any) -> Any:
    """Give the password on the page to which an answer leads."""
    typed = {"username": person.username, "password": PASSWORD}
    hidden = re.search(r'name="next" value="([^"]*)"', client.get(answer["Location"]).content.decode())
    assert hidden is not None
    return client.post(answer["Location"], {**typed, "next": html.unescape(hidden[1])}, follow=True)


def value_of(page: str, name: str) -> str:
    """What a field of the page holds."""
    found = re.search(rf'<textarea name="{name}"[^>]*>\n?([^<]*)</textarea>', page) or re.search(
        rf'<input (?=[^>]*name="{name}")[^>]*value="([^"]*)"', page
    )
    assert found is not None, name
    return html.unescape(found[1])


def is_chosen(page: str, name: str, value: str) -> bool:
    _before, _name, select = page.partition(f'<select name="{name}"')
    return f'value="{value}" selected' in select.partition("</select>")[0]


def test_A20_a_news_text_comes_back_whole_after_the_session_ended(editor: User, letter: Letter) -> None:
    client = log_in(editor)
    lose_session(client)

    asked = post_from(client, ADD, news(letter))
    assert asked.status_code == 302 and asked["Location"].startswith(LOGIN)
    login = client.get(asked["Location"]).content.decode()
    assert "your form comes back as you filled it in" in login and "Half typed" not in login
    answer = sign_in(client, editor, asked)

    assert answer.redirect_chain == [(ADD, 302)]
    page = answer.content.decode()
    assert "Nothing was sent yet." in page and not News.objects.exists()
    assert value_of(page, "texts-0-body") == BODY.replace("\r\n", "\n")
    assert [value_of(page, f"texts-{n}-title") for n in (0, 1)] == ["Half typed", "반쯤"]
    assert value_of(page, "texts-1-language") == "ko" and is_chosen(page, "letter", str(letter.pk))
    assert re.search(r'<input[^>]*name="by_mail"[^>]*checked', page)

    sent = post_from(client, ADD, news(letter))
    assert sent.status_code == 302 and News.objects.get().texts.count() == 2
    assert not KeptForm.objects.exists(), "it is forgotten once it was sent"
    assert "Half typed" not in client.get(ADD).content.decode()


def test_A20_rows_that_were_added_come_back_with_their_names(editor: User, letter: Letter) -> None:
    client, page = log_in(editor), f"/admin/campaign/letter/{letter.pk}/step/letterhead/"
    people = [(f"Person {number}", "") for number in range(4)]
    typed = fill_in(client, page, **rows("head_board", *people))
    lose_session(client)
    filled = fields_of(sign_in(client, editor, post_from(client, page, typed)))
    assert rows("head_board", *people[:4]).items() - {("head_board-3-office", "")} <= filled.items()
    post_from(client, page, filled)
    letter.refresh_from_db()
    assert [member["name"] for member in letter.letterhead["board"]] == [name for name, _office in people]


def test_A20_a_preview_that_a_script_asks_for_neither_keeps_nor_forgets_a_form(editor: User, letter: Letter) -> None:
    client, page = log_in(editor), f"/admin/campaign/translation/add/?letter={letter.pk}"
    preview, by_script = "/admin/campaign/translation/preview/", {"sec-fetch-mode": "cors"}
    lose_session(client)
    post_from(client, page, {"body": "Of a script"}, preview, **by_script)
    assert not KeptForm.objects.exists()
    sign_in(client, editor, post_from(client, page, {"body": "Half a letter"}))
    assert post_from(client, page, {"body": "More of it"}, preview, **by_script).status_code == 200
    assert value_of(client.get(page).content.decode(), "body") == "Half a letter"


def test_A20_a_session_that_ends_in_this_very_request_is_no_different(editor: User, letter: Letter) -> None:
    client = log_in(editor)
    client.get(ADD)
    age_session(client, 31 * 60)
    answer = sign_in(client, editor, post_from(client, ADD, news(letter)))
    assert value_of(answer.content.decode(), "texts-0-title") == "Half typed"


def test_A20_a_form_that_needs_a_fresh_sign_in_comes_back(owner: User) -> None:
    client = log_in(owner)
    page = "/admin/auth/user/add/"
    client.get(page)
    age_session(client, 601, sessions.FRESH_KEY)
    asked = post_from(client, page, {"username": "nina", "email": "nina@example.org", "role": owner.groups.get().pk})
    assert asked["Location"].startswith(AGAIN)
    answer = sign_in(client, owner, asked)
    assert answer.redirect_chain == [(page, 302)]
    assert value_of(answer.content.decode(), "email") == "nina@example.org"
    assert is_chosen(answer.content.decode(), "role", str(owner.groups.get().pk))
    assert not User.objects.filter(username="nina").exists()


def test_A20_a_page_from_before_a_login_in_another_tab_comes_back(editor: User, letter: Letter) -> None:
    """A login makes a new CSRF token, so that pages opened before it are refused."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    client.get(ADD)
    answer = post_from(client, ADD, news(letter), **SAME_ORIGIN)
    assert (answer.status_code, answer["Location"]) == (302, ADD)
    page = client.get(ADD).content.decode()
    assert value_of(page, "texts-0-title") == "Half typed" and not News.objects.exists()


def test_A20_another_site_cannot_leave_a_form(editor: User, letter: Letter) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    client.get(ADD)
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {},
    ):
        assert post_from(client, ADD, news(letter), **headers).status_code == 403
    assert not KeptForm.objects.exists()


def test_A20_another_account_does_not_get_it(editor: User, owner: User, letter: Letter) -> None:
    client = log_in(editor)
    lose_session(client)
    asked = post_from(client, ADD, news(letter))
    answer = sign_in(client, owner, asked)
    assert answer.redirect_chain == [(ADD, 302)] and "Half typed" not in answer.content.decode()
    assert "Half typed" not in log_in(owner).get(ADD).content.decode()
    assert "Half typed" in log_in(editor).get(ADD).content.decode(), "its owner still does, on any machine"


def test_A20_a_second_factor_comes_before_it(editor: User, letter: Letter, settings: Any) -> None:
    client = log_in(editor)
    lose_session(client)
    asked = post_from(client, ADD, news(letter))
    settings.LOCAL_MODE = False
    answer = sign_in(client, editor, asked)
    assert answer.redirect_chain[-1][0].startswith("/admin/second-factor/new/")
    assert "Half typed" not in answer.content.decode() and client.get(ADD).status_code == 302


def test_A20_a_stranger_leaves_nothing_in_the_database(letter: Letter) -> None:
    client = Client()
    answer = post_from(client, ADD, news(letter))
    assert "sent=lost" in answer["Location"] and not KeptForm.objects.exists()
    assert "could not be kept" in client.get(answer["Location"]).content.decode()
    client.cookies["form-owner"] = "1:forged"
    post_from(client, ADD, news(letter))
    assert not KeptForm.objects.exists()


def test_A20_an_account_has_ten_forms_at_most_and_a_page_one(editor: User, letter: Letter) -> None:
    for n in range(12):
        kept_forms.keep(editor.pk, f"/admin/{n}/", kept_forms.Form("/admin/", {}, []))
        kept_forms.keep(editor.pk, "/admin/11/", kept_forms.Form("/admin/", {"n": [str(n)]}, []))
    assert KeptForm.objects.count() == 10
    found = kept_forms.find(editor.pk, "/admin/11/")
    assert found is not None and found.values == {"n": ["11"]} and kept_forms.find(editor.pk, "/admin/0/") is None


def test_A20_nothing_in_the_row_can_be_read(editor: User, letter: Letter, settings: Any) -> None:
    client = log_in(editor)
    lose_session(client)
    post_from(client, f"{ADD}?letter=1", news(letter))
    with connection.cursor() as cursor:
        cursor.execute("SELECT encode(sealed, 'escape') || t::text FROM signatures_keptform t")
        [(row,)] = cursor.fetchall()
    assert not [word for word in ("Half", "typed", "news", "texts", "letter=") if word in row]
    kept = KeptForm.objects.get()
    assert kept_forms.find(editor.pk, f"{ADD}?letter=1")
    KeptForm.objects.update(staff_id=editor.pk + 1)
    assert kept_forms.find(editor.pk + 1, f"{ADD}?letter=1") is None, "moved to another account it stays shut"
    KeptForm.objects.update(staff_id=editor.pk, sealed=kept.sealed)
    settings.SECRET_KEY = "another one"
    assert kept_forms.find(editor.pk, f"{ADD}?letter=1") is None


def test_A20_after_an_hour_it_is_gone(editor: User) -> None:
    form = kept_forms.Form("/admin/", {"a": ["b"]}, [])
    kept_forms.keep(editor.pk, "/admin/", form)
    assert kept_forms.find(editor.pk, "/admin/") == form
    KeptForm.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert kept_forms.find(editor.pk, "/admin/") is None
    assert kept_forms.delete_expired() == 1 and not KeptForm.objects.exists()


def test_A20_a_form_as_large_as_the_site_takes_comes_back(editor: User, letter: Letter, settings: Any) -> None:
    client = log_in(editor)
    lose_session(client)
    long = "한 글 " * ((settings.DATA_UPLOAD_MAX_MEMORY_SIZE - 10_000) // len("한 글 ".encode()))
    answer = sign_in(client, editor, post_from(client, ADD, {**news(letter), "texts-0-body": long}))
    assert value_of(answer.content.decode(), "texts-0-body") == long


def test_A20_a_file_has_to_be_chosen_again_and_the_page_says_so(owner: User, letter: Letter) -> None:
    client = log_in(owner)
    page = "/admin/signatures/paperimport/import/"
    client.get(page)
    age_session(client, 601, sessions.FRESH_KEY)
    file = SimpleUploadedFile("names of people.csv", b"name\nSecret Person\n")
    answer = sign_in(client, owner, post_from(client, page, {"letter": letter.pk, "file": file}))
    text = answer.content.decode()
    assert "Please choose again: file." in text and is_chosen(text, "letter", str(letter.pk))
    assert "names of people" not in text


def test_A20_a_large_file_does_not_take_the_rest_of_the_form_with_it(
    owner: User, letter: Letter, settings: Any
) -> None:
    client = log_in(owner)
    lose_session(client)
    large = b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    page = "/admin/signatures/paperimport/import/"
    data = {"letter": letter.pk, "file": SimpleUploadedFile("x.csv", large)}
    asked = post_from(client, page, data)
    assert is_chosen(sign_in(client, owner, asked).content.decode(), "letter", str(letter.pk))
    data["file"] = SimpleUploadedFile("x.csv", large)
    assert post_from(Client(), page, data).status_code == 400, "a stranger's is refused as before"


def test_A20_an_export_leads_back_to_its_page_and_is_not_done(owner: User, ada: Signature) -> None:
    client = log_in(owner)
    page = f"/admin/signatures/signedletter/{ada.letter_id}/change/"
    client.get(page)
    age_session(client, 601, sessions.FRESH_KEY)
    asked = post_from(client, page, {}, f"/admin/signatures/signedletter/{ada.letter_id}/export/csv/")
    answer = sign_in(client, owner, asked)
    assert answer.redirect_chain == [(page, 302)] and "press the button again" in answer.content.decode()
    assert not AuditEntry.objects.filter(action__startswith="export").exists()


def test_A20_rows_chosen_for_an_action_are_chosen_again(moderator: User, cleo: Signature) -> None:
    client = log_in(moderator)
    page = "/admin/signatures/signature/?state__exact=waiting&q=Cleo"
    client.get(page)
    lose_session(client)
    asked = post_from(client, page, {"action": "approve", "_selected_action": [cleo.pk], "index": "0"})
    text = sign_in(client, moderator, asked).content.decode()
    assert is_chosen(text, "action", "approve")
    assert re.search(rf'<input[^>]*name="_selected_action"[^>]*value="{cleo.pk}"[^>]*checked', text)
    cleo.refresh_from_db()
    assert cleo.state == "waiting"


def test_A20_a_form_whose_page_is_gone_is_shown_as_text(editor: User, letter: Letter) -> None:
    client = log_in(editor)
    lose_session(client)
    asked = post_from(client, "/admin/campaign/news/77/change/", news(letter))
    text = sign_in(client, editor, asked).content.decode()
    assert "It is not on this page any more" in text and html.escape("<b>Ü</b>") in text
    assert 'action="/admin/campaign/news/77/change/"' in text and "Send it now" in text


def test_A20_a_form_about_a_row_that_is_shown_nowhere_now_cannot_be_sent(moderator: User, cleo: Signature) -> None:
    client = log_in(moderator)
    lose_session(client)
    page = f"/admin/signatures/waitingsignature/{cleo.pk}/change/"
    asked = post_from(client, page, {"0-action": "approve", "seen": "waiting", "0-own_words": "Half typed"})
    withdrawal.erase(cleo)
    text = sign_in(client, moderator, asked).content.decode()
    assert "Half typed" in text and "Send it now" not in text and 'name="seen"' not in text


def test_A20_whoever_does_not_want_it_discards_it(editor: User, letter: Letter) -> None:
    client = log_in(editor)
    lose_session(client)
    sign_in(client, editor, post_from(client, ADD, news(letter)))
    answer = post_from(client, ADD, {"next": ADD}, "/admin/kept-form/")
    assert answer["Location"] == ADD and "Half typed" not in client.get(ADD).content.decode()


@pytest.mark.parametrize(
    "page",
    ["https://evil.example/admin/", "http://testserver/letters/bridge/", "http://testserver//evil.example/admin/", ""],
)
def test_A20_P10_it_never_leads_to_another_site(editor: User, letter: Letter, page: str) -> None:
    client = log_in(editor)
    lose_session(client)
    asked = client.post(ADD, news(letter), headers={"referer": page})
    assert asked["Location"] == f"{LOGIN}?next=%2Fadmin%2Fcampaign%2Fnews%2Fadd%2F&sent=kept"
    assert "Half typed" in sign_in(client, editor, asked).content.decode()


@pytest.mark.slow
def test_A20_passwords_and_codes_are_never_kept(owner: User, settings: Any) -> None:
    """Every page with a field for one says so, whether it is for strangers, after the password, or for staff."""
    client, password_only, stranger = log_in(owner), Client(), Client()
    password_only.force_login(owner)
    owner.refresh_from_db()  # a link ends with the next login
    link = email_links.password_link(owner).removeprefix("http://localhost:8000")
    marked = set()
    for name, address in [("set_password", stranger.get(link)["Location"]), *admin_urls()]:
        for visitor, is_local in ((stranger, True), (password_only, False), (client, True)):
            settings.LOCAL_MODE = is_local
            page = visitor.get(address)
            text = "" if page.streaming else page.content.decode()
            if page.status_code == 200 and ('type="password"' in text or "one-time-code" in text):
                marked.add(name)
                assert getattr(resolve(address).func, "keeps_no_form", False), name
    settings.LOCAL_MODE = True
    assert marked == {"login", "enroll", "sign_in_again", "password_change", "set_password"}
    client = log_in(owner)
    lose_session(client)
    client.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": "quite another one"})
    client.post(AGAIN, {"password": PASSWORD, "code": "123456"})
    assert not KeptForm.objects.exists()


def test_A20_the_cookie_opens_nothing(editor: User) -> None:
    client = log_in(editor)
    client.get("/admin/")
    owner_cookie = client.cookies["form-owner"]
    assert owner_cookie["httponly"] and owner_cookie["samesite"] == "Strict" and PASSWORD not in owner_cookie.value
    thief = Client()
    thief.cookies["form-owner"] = owner_cookie.value
    assert thief.get("/admin/").status_code == 302
    public = Client().get("/letters/bridge/")
    assert not public.cookies


def test_the_cookie_names_whoever_signed_in_last(editor: User) -> None:
    client = log_in(editor)
    client.get("/admin/")
    before = client.cookies["form-owner"].value
    moderator = member_of("moderator")
    client.post(LOGIN, {"username": moderator.username, "password": PASSWORD})
    client.get("/admin/")
    assert client.cookies["form-owner"].value.split(":")[0] == str(moderator.pk) != before.split(":")[0]
