"""The pages before an import: the columns, what becomes of each line, and the file that waits, sealed, for a day."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
import xlsxwriter
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from python_calamine import load_workbook

from campaign.models import Letter
from signatures.models import PaperImport, Signature
from signatures.paper import imports, previews
from signatures.states import State
from tests.factories import make_letter, make_signature, make_submission
from tests.paper.clerk import HEAD, PAGE, Clerk, fates, judged

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(officer: User) -> Clerk:
    client = Client()
    client.force_login(officer)
    return Clerk(client)


def test_columns_are_shown_with_three_cells_and_what_is_unknown_is_left_out_and_said_so(
    clerk: Clerk, letter: Letter
) -> None:
    people = "".join(f"Ann{n},Example,ann{n}@example.org,US\n" for n in range(4))
    page = clerk.columns(letter, f"First Name,Last Name,Email,Country\n{people}")
    text = page.content.decode()
    assert "Ann2" in text and "Ann3" not in text and "<strong>Email</strong>" in text
    assert "Not imported:" in text and "24 hours" in text and ">UTF-8</option>" in text
    shown = clerk.choose(page)
    assert shown.context["page"][0].words["name"] == "Ann0 Example"
    clerk.do(shown, do="import")
    imports.run(shown.context["row"].pk)
    assert "@" not in str(Signature.objects.values())
    assert set(Signature.objects.values_list("name", "country")) == {(f"Ann{n} Example", "US") for n in range(4)}


def test_the_choice_of_columns_is_kept_for_the_next_file_without_the_words(clerk: Clerk, letter: Letter) -> None:
    page = clerk.columns(letter, "Who,Country,Canary\nAnn Example,US,x\n")
    assert [field.value() for field, _samples in page.context["form"].rows()] == ["", "country", ""]
    assert "Please choose the column that holds the name" in clerk.choose(page).content.decode()
    assert "Two columns are taken for" in clerk.choose(page, column_0="name", column_2="name").content.decode()
    assert "either one column" in clerk.choose(page, column_0="name", column_2="last_name").content.decode()
    shown = clerk.choose(page, column_0="name", column_1="", column_2="sheet")
    assert fates(shown) == [(2, "accepted")]
    assert "Canary" not in str(PaperImport.objects.values())

    again = clerk.columns(letter, "Country,WHO\nUS,Ben Example\n")
    assert [field.value() for field, _samples in again.context["form"].rows()] == ["", "name"]


def test_the_order_of_day_and_month_is_asked_once_and_only_when_it_can_be_either(clerk: Clerk, letter: Letter) -> None:
    page = clerk.columns(letter, "name,signed_on\nAnn,5/7/2013\n")
    assert "Dates such as 5/7/2013" in page.content.decode()
    refused = clerk.choose(page)
    assert refused.status_code == 422 and not PaperImport.objects.get().columns
    for order, day in (("day", "2013-07-05"), ("month", "2013-05-07")):
        shown = clerk.choose(page, order=order)
        assert shown.context["page"][0].signed_on == day
    shown = clerk.preview(letter, "name,signed_on\nAnn,5/7/2013\nBen,5/31/2013\n")
    assert [line.signed_on for line in shown.context["page"]] == ["2013-05-07", "2013-05-31"]


def test_yes_is_asked_about_and_not_guessed(clerk: Clerk, letter: Letter) -> None:
    page = clerk.columns(letter, "Name,Organization,Signed On,Visibility\nAnn Example,Choir,2026-05-31,yes\n")
    assert "“yes” as visibility means" in page.content.decode()
    assert clerk.choose(page).status_code == 422
    for meaning in ("public", "delivery"):
        assert clerk.choose(page, visibility_0=meaning).context["page"][0].words["visibility"] == meaning


def test_encoding_and_line_of_the_headings_can_be_changed(clerk: Clerk, letter: Letter) -> None:
    page = clerk.columns(letter, "My list\nwho\nИван\n".encode("cp1251"))
    assert ">Cyrillic (Windows)</option>" in page.content.decode()
    here = page.request["PATH_INFO"]
    typed = {"do": "read", "delimiter": "none", "heading": "2"}
    changed = clerk.client.post(here, {**typed, "encoding": "koi8_r"}, follow=True)
    form = changed.context["form"]
    assert form.headings == ["who"] and next(iter(form.rows()))[1][0] != "Иван"
    assert (
        "Please choose another encoding" in clerk.client.post(here, {**typed, "encoding": "utf-8-sig"}).content.decode()
    )
    clerk.client.post(here, {**typed, "encoding": "cp1251"})
    shown = clerk.choose(clerk.client.get(here), column_0="name")
    assert [line.words["name"] for line in shown.context["page"]] == ["Иван"]


def test_refused_lines_come_first_can_be_filtered_and_sent_again(clerk: Clerk, letter: Letter) -> None:
    text = f"{HEAD},note\nAda,,,Atlantis,,,,,=1+1\nBen Nevis\nBen Nevis\n,Baker\n"
    shown = clerk.preview(letter, text)
    assert fates(shown) == [(2, "refused"), (5, "refused"), (4, "duplicate"), (3, "accepted")]
    here = shown.request["PATH_INFO"]
    assert fates(clerk.client.get(f"{here}?fate=duplicate")) == [(4, "duplicate")]
    answer = clerk.client.get(f"{PAGE}{shown.context['row'].pk}/refused/")
    assert answer["Content-Disposition"] == 'attachment; filename="refused-lines.csv"'
    content = answer.getvalue().decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(content)))
    assert [line["name"] for line in lines] == ["Ada", ""]
    assert "not known" in lines[0]["reason"] and lines[0]["note"] == "'=1+1", "E1: guarded"
    mended = content.replace("Atlantis", "Austria").replace(",Baker", "Cem,Baker", 1)
    assert {fate for _number, fate in fates(clerk.preview(letter, mended))} == {"accepted"}


def test_two_people_of_one_name_are_two_people_once_staff_say_so(clerk: Clerk, letter: Letter) -> None:
    shown = clerk.preview(letter, "name,country,sheet\n김민준,KR,1\n김민준,KR,9\n")
    assert fates(shown) == [(3, "duplicate"), (2, "accepted")]
    shown = clerk.do(clerk.do(shown, other="3"), other="3")  # a double click
    assert fates(shown) == [(2, "accepted"), (3, "accepted")]
    assert "another person than line 2" in shown.content.decode()
    assert fates(clerk.do(shown, same="3"))[0] == (3, "duplicate"), "it can be taken back"
    clerk.do(clerk.do(shown, other="3"), do="import")
    imports.run(shown.context["row"].pk)
    assert list(Signature.objects.order_by("pk").values_list("name", "sheet")) == [("김민준", "1"), ("김민준", "9")]


def test_a_duplicate_has_the_same_name_key_country_and_organization(letter: Letter) -> None:
    existing = make_signature(letter, "José García", country="ES", organization="Bread & Sons")
    make_submission(letter, "Not Confirmed")
    make_signature(make_letter("other"), "Of Another Letter")
    rejected = make_signature(letter, "Rejected One", State.REJECTED)
    lines = judged(
        letter,
        f"{HEAD}\nGARCIA Jose,,bread sons,ES\nJosé García,,,ES\nJosé García,,,PT\nGarcía José,,,ES\n♥,,,\n♥,,,\n"
        "Not Confirmed\nOf Another Letter\nRejected One\n",
    )
    assert [line.fate for line in lines] == [
        "duplicate", "accepted", "accepted", "duplicate", "accepted", "duplicate", "accepted", "accepted", "duplicate",
    ]  # fmt: skip
    found = [lines[place].explanation for place in (0, 3, 8)]
    assert str(existing.pk) in found[0] and "line 3" in found[1] and str(rejected.pk) in found[2]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",Baker", "a name that can be seen"),
        ("https://spam.example", "is not a name"),
        ("A<b>", "< or >"),
        ("Ada\u202e", "reverses the direction"),
        (f"{'x' * 500}", "shorten"),
        ("Ada,\x07", "control character"),
        ("Ada,,,Atlantis", "not known"),
        ("Ada,,,,robot", "kind must be"),
        ("Ada,,,,,counted", "without a name"),
        ("Ada,,,,,,yesterday", "cannot be read"),
        # Named: two processes that collect the tests at midnight would not agree on this day.
        pytest.param(f"Ada,,,,,,{timezone.now().date() + timedelta(days=2)}", "future", id="the day after tomorrow"),
        ("Ada,,,,,,1776-07-04", "too long ago"),
        ('\xa0"Lovelace, Ada"', "never closed"),
        ('Ada,\xa0"Countess, of Lovelace"', "never closed"),
        ('"Ada\nBen"', "several lines"),
        ('Ada,,"Guild\nBen,,Choir"', "several lines"),
    ],
)
def test_a_line_is_refused_by_the_rules_of_the_form_with_an_explanation(letter: Letter, line: str, reason: str) -> None:
    (found,) = judged(letter, f"{HEAD}\n{line}\n")
    assert found.fate == "refused" and reason in found.explanation


@pytest.mark.parametrize(
    ("text", "fates"),
    [
        ('name,notes,country\nBob,"a,US\nCarol,b,DE\nDan,c",FR\nEve,x,US\n', [(2, "refused"), (5, "accepted")]),
        ('name;notes\nBob;"Guild\nCarol"\nDan;X\n', [(2, "refused"), (4, "accepted")]),
        ('name;organization\nBob;"Guild\nCarol"\nDan;X\n', [(2, "refused"), (4, "accepted")]),
        ('name;organization\nBob;"\nCarol"\nDan;X\n', [(2, "refused"), (4, "accepted")]),
        ('name,"notes\nBob,x\nCarol",country\nDan,y,US\n', [(1, "refused"), (4, "accepted")]),
        ('"Full\nname",notes\nDan,y\n', [(3, "accepted")]),
        ('name,organization\nBob,"Guild\n"\nDan,X\n', [(2, "accepted"), (4, "accepted")]),
    ],
    ids=["left out", "left out, short", "taken", "below", "among the headings", "honest heading", "nothing below"],
)
def test_nobody_is_lost_in_a_cell_that_a_stray_quotation_mark_made(
    letter: Letter, text: str, fates: list[tuple[int, str]]
) -> None:
    lines = judged(letter, text)
    assert [(line.number, line.fate) for line in lines] == fates
    assert all("several lines" in line.explanation for line in lines if line.fate == "refused")


def test_in_a_workbook_a_cell_may_go_over_several_lines(letter: Letter) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for place, cells in enumerate([["name", "notes"], ["Bob", "Dear all,\nthank you"]]):
            sheet.write_row(place, 0, cells)
    assert [line.fate for line in judged(letter, out.getvalue())] == ["accepted"]


def test_today_is_the_day_in_the_time_zone_of_the_letter(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    morning_in_seoul = datetime(2026, 5, 30, 23, 0, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: morning_in_seoul)
    for zone, fate in (("Asia/Seoul", "accepted"), ("UTC", "refused")):
        letter.time_zone = zone
        (line,) = judged(letter, "name,signed_on\nAnn,2026-05-31\n")
        assert line.fate == fate


def test_what_looks_like_a_formula_is_taken(letter: Letter) -> None:
    assert [line.fate for line in judged(letter, "name\n=cmd|run\n@handle\n+Anna\n")] == ["accepted"] * 3


def test_A28_a_file_waits_sealed_for_its_owner_alone_and_for_a_day(clerk: Clerk, letter: Letter, owner: User) -> None:
    shown = clerk.preview(letter, "name,sheet\nRosa Parks,box 2\n")
    row = PaperImport.objects.get()
    for column in (bytes(row.sealed_file or b""), bytes(row.sealed_preview or b""), str(row.columns).encode()):
        assert column and b"Rosa" not in column and b"box" not in column
    another = Client()
    another.force_login(owner)
    for page in ("preview", "columns", "refused"):
        answer = another.get(f"{PAGE}{row.pk}/{page}/", follow=True)
        assert "Rosa" not in answer.content.decode()

    PaperImport.objects.update(staff_id=owner.pk)
    assert "choose it again" in another.get(f"{PAGE}{row.pk}/preview/", follow=True).content.decode(), (
        "moved rows open nothing"
    )
    PaperImport.objects.update(staff_id=row.staff_id)
    clerk.client.logout()
    clerk.client.force_login(User.objects.get(pk=row.staff_id))
    assert "Rosa Parks" in clerk.client.get(shown.request["PATH_INFO"]).content.decode(), (
        "an ended session loses nothing"
    )

    PaperImport.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert previews.delete_expired() == 0
    PaperImport.objects.update(expires_at=timezone.now())
    assert "Rosa" not in clerk.client.get(shown.request["PATH_INFO"], follow=True).content.decode()
    assert previews.delete_expired() == 1 and not PaperImport.objects.exists()


def test_A28_an_account_has_five_previews_at_most_and_can_discard_one(clerk: Clerk, letter: Letter) -> None:
    for number in range(5):
        shown = clerk.preview(letter, f"name\nPerson {number}\n")
    kept = set(PaperImport.objects.values_list("pk", flat=True))
    refused = clerk.upload(letter, "name\nPerson 6\n")
    assert refused.status_code == 422 and "import or discard one of them" in refused.content.decode()
    assert set(PaperImport.objects.values_list("pk", flat=True)) == kept, "nothing is lost"
    clerk.do(shown, do="discard")
    assert clerk.upload(letter, "name\nPerson 6\n").status_code == 302
    assert PaperImport.objects.count() == 5


def test_the_list_tells_how_many_lines_a_preview_has_and_until_when_it_waits(clerk: Clerk, letter: Letter) -> None:
    clerk.import_file(letter, "name\nAnn\n")
    clerk.upload(letter, "name\nCem\n")
    clerk.preview(letter, "name\nBen\nBen\nDora\n")
    PaperImport.objects.filter(step="preview").update(expires_at=datetime(2036, 5, 7, 10, 30, tzinfo=UTC))
    with CaptureQueriesContext(connection) as queries:
        text = clerk.client.get(PAGE).content.decode()
    assert re.findall('field-lines">([^<]*)', text) == ["3", "-", "-"]
    assert ["2036" in until for until in re.findall("field-until[^>]*>([^<]*)", text)] == [True, True, False]
    assert not any('"sealed_file"' in query["sql"] for query in queries), "no file is read for the list"


def test_only_owners_and_delivery_officers_import(
    clerk: Clerk, letter: Letter, moderator_client: Client, editor: User
) -> None:
    done = clerk.import_file(letter, "name\nAnn\n")
    row = clerk.preview(letter, "name\nBen\n").context["row"]
    nobody = Client()
    nobody.force_login(editor)
    for client in (moderator_client, nobody):
        assert Clerk(client).upload(letter, "name\nCem\n").status_code == 403
        for page in ("import", "template", *(f"{row.pk}/{name}" for name in ("columns", "preview", "refused"))):
            assert client.get(f"{PAGE}{page}/").status_code == 403
        assert client.post(f"{PAGE}{row.pk}/preview/", {"do": "import"}).status_code == 403
        assert client.post(f"{PAGE}{done.pk}/undo/", {"number": "1"}).status_code == 403
    assert Signature.objects.count() == 1


def test_the_empty_list_is_taken_as_it_is_headed(clerk: Clerk, letter: Letter) -> None:
    answer = clerk.client.get(f"{PAGE}template/")
    (headings,) = load_workbook(io.BytesIO(answer.getvalue())).get_sheet_by_index(0).to_python()
    assert headings == HEAD.split(",")


def test_a_damaged_file_gives_a_sentence_at_its_field(clerk: Clerk, letter: Letter) -> None:
    answer = clerk.upload(letter, 'name,organization\nBob,"Guild\nCarol,Choir\n')
    assert answer.status_code == 422 and "A quotation mark in line 2 is never closed" in answer.content.decode()
    assert not PaperImport.objects.exists()
