"""Paper imports: a preview shows the result of every line, then all are imported at once, and an import can be undone."""

import csv
import io
import re
import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures import counts
from signatures.delivery import document_data, exports, freezing
from signatures.delivery.selection import EVERYBODY
from signatures.models import AuditEntry, Delivery, DeliveryEntry, Erratum, PaperImport, Signature
from signatures.moderation import paper_import
from signatures.states import State
from tests import single_decisions
from tests.factories import make_letter, make_signature, make_submission

pytestmark = pytest.mark.django_db
PAGE = "/admin/signatures/paperimport/"
HEAD = "name,role,organization,country,kind,visibility,signed_on,sheet"
FILE = f"""{HEAD}
Rosa Parks,Seamstress,,US,,,2026-05-31,"box 2, sheet 14"
 Simone  Weil ,,,fr,person,public,,
김철수,,,KR,,delivery,,
"""


@pytest.fixture
def clerk(officer: User) -> Client:
    client = Client()
    client.force_login(officer)
    return client


def preview(clerk: Client, letter: Letter, text: str | bytes) -> Any:
    content = text if isinstance(text, bytes) else text.encode()
    return clerk.post(f"{PAGE}import/", {"letter": letter.pk, "file": SimpleUploadedFile("list.csv", content)})


def confirm(clerk: Client, shown: Any) -> Any:
    return clerk.post(f"{PAGE}confirm/", {"signed_file": shown.context["signed_file"]}, follow=True)


def results(shown: Any) -> list[tuple[int, str]]:
    return [(line.number, line.result) for line in shown.context["lines"]]


def explanation(letter: Letter, line: str) -> str:
    (found,) = paper_import.preview(letter, f"{HEAD}\n{line}\n")
    assert found.result == paper_import.REFUSED
    return found.explanation


def test_the_preview_shows_each_result_and_writes_nothing(clerk: Client, letter: Letter, officer: User) -> None:
    shown = preview(clerk, letter, FILE)
    assert results(shown) == [(2, "accepted"), (3, "accepted"), (4, "accepted")]
    assert "Simone Weil" in shown.content.decode() and "box 2, sheet 14" in shown.content.decode()
    assert not Signature.objects.exists() and not AuditEntry.objects.exists()
    assert "Rosa" not in str(clerk.session.items())

    assert "3 signatures were imported." in confirm(clerk, shown).content.decode()

    rosa, simone, kim = Signature.objects.order_by("pk")
    assert (rosa.paper, rosa.state, rosa.visibility, rosa.sheet) == (True, "approved", "delivery", "box 2, sheet 14")
    assert rosa.confirmed_at is not None and rosa.confirmed_at.date() == date(2026, 5, 31)
    assert (simone.name, simone.country, simone.visibility) == ("Simone Weil", "FR", "public")
    assert {row.approved_on for row in (rosa, simone, kim)} == {timezone.now().date()}
    entries = AuditEntry.objects.filter(action="import", staff_id=officer.pk, now="approved")
    assert set(entries.values_list("signature_id", flat=True)) == {rosa.pk, simone.pk, kim.pk}
    assert counts.for_letter(letter.pk).total == 3


def test_a_second_import_of_the_same_file_finds_only_duplicates(clerk: Client, letter: Letter) -> None:
    confirm(clerk, preview(clerk, letter, FILE))
    again = preview(clerk, letter, FILE)
    assert {result for _number, result in results(again)} == {"duplicate"}
    assert "signed_file" in again.context and 'name="signed_file"' not in again.content.decode(), "nothing to confirm"
    assert "nothing to import" in confirm(clerk, again).content.decode()
    assert Signature.objects.count() == 3


def test_a_duplicate_has_the_same_name_key_country_and_organization(letter: Letter) -> None:
    existing = make_signature(letter, "José García", country="ES", organization="Bread & Sons")
    make_submission(letter, "Not Confirmed")
    make_signature(make_letter("other"), "Of Another Letter")
    rejected = make_signature(letter, "Rejected One", State.REJECTED)
    lines = paper_import.preview(
        letter,
        f"{HEAD}\nGARCIA Jose,,bread sons,ES\nJosé García,,,ES\nJosé García,,,PT\nGarcía José,,,ES\n♥,,,\n♥,,,\n"
        "Not Confirmed\nOf Another Letter\nRejected One\n",
    )
    assert [line.result for line in lines] == [
        "duplicate", "accepted", "accepted", "duplicate", "accepted", "duplicate", "accepted", "accepted", "duplicate",
    ]  # fmt: skip
    assert (
        str(existing.pk) in lines[0].explanation
        and "line 3" in lines[3].explanation
        and str(rejected.pk) in lines[8].explanation
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",Baker", "a name that can be seen"),
        ("https://spam.example", "is not a name"),
        ("A<b>", "< or >"),
        ("Ada\u202e", "reverses the direction"),
        (f"{'x' * 500}", "shorten"),
        ("Ada,\x07", "control character"),
        ("Ada,,,Atlantis", "two letters"),
        ("Ada,,,XX", "two letters"),
        ("Ada,,,,robot", "kind must be"),
        ("Ada,,,,,counted", "without a name"),
        ("Ada,,,,,,31.5.2026", "written like"),
        (f"Ada,,,,,,{timezone.now().date() + timedelta(days=2)}", "future"),
        ("Ada,,,,,,1776-07-04", "too long ago"),
        ("Ada,,,,,,,s,more", "more cells"),
    ],
)
def test_a_line_is_refused_by_the_rules_of_the_form_with_an_explanation(letter: Letter, line: str, reason: str) -> None:
    assert reason in explanation(letter, line)


def test_a_refused_line_does_not_block_the_others(clerk: Client, letter: Letter) -> None:
    shown = preview(clerk, letter, f"{HEAD}\nAda,,,Atlantis\nBen Nevis\n")
    assert results(shown) == [(2, "refused"), (3, "accepted")]
    confirm(clerk, shown)
    assert [row.name for row in Signature.objects.all()] == ["Ben Nevis"]


@pytest.mark.parametrize("form", ["bom", "semicolons", "crlf", "order", "quoted"])
def test_files_of_spreadsheet_programs_can_be_read(letter: Letter, form: str) -> None:
    text = "name,country,role\nAda Lovelace,GB,Countess\n"
    content = {
        "bom": b"\xef\xbb\xbf" + text.encode(),
        "semicolons": text.replace(",", ";").encode(),
        "crlf": text.replace("\n", "\r\n").encode(),
        "order": b"Role, Country ,NAME\nCountess,GB,Ada Lovelace\n\n,,\n",
        "quoted": b'name,country,role\n"Ada Lovelace","GB","Countess"\n',
    }[form]
    (line,) = paper_import.preview(letter, paper_import.decode(content))
    assert [line.words[field] for field in ("name", "country", "role")] == ["Ada Lovelace", "GB", "Countess"]
    assert line.result == paper_import.ACCEPTED


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("name\nJosé".encode("latin-1"), "not in UTF-8"),
        (b"name,shoe\nAda,42", "must name the columns"),
        (b"role\nBaker", "must name the columns"),
        (b"name,name\nAda,Ada", "must name the columns"),
        (b"", "empty"),
        (b"name\n" + b"Ada\n" * 5001, "more than 5000 lines"),
        (b"name\n" + b"x" * 1_000_001, "larger than a megabyte"),
        (b'name\n"' + b"x" * 200_000, "not in CSV format"),
    ],
    ids=["latin-1", "unknown column", "no name", "column twice", "empty", "too many lines", "too large", "broken"],
)
def test_an_invalid_file_is_refused_as_a_whole(clerk: Client, letter: Letter, content: bytes, reason: str) -> None:
    answer = preview(clerk, letter, content)
    assert answer.status_code == 422 and reason in answer.content.decode()


def test_flagged_lines_and_organizations_wait_for_review(letter: Letter) -> None:
    text = f"{HEAD}\nGuild,,,,organization\nGrace Hopper\nAda,www.spam.example\n"
    lines = paper_import.preview(letter, text)
    assert lines[0].explanation == "waits for review: no-spokesperson, organization"
    paper_import.import_lines(letter, text, by=1, shown=paper_import.preview_digest(lines))
    found = Signature.objects.order_by("pk").values_list("state", "flags")
    assert list(found) == [
        ("waiting", ["no-spokesperson", "organization"]), ("waiting", ["protected-name"]), ("waiting", ["link"]),
    ]  # fmt: skip


def test_the_preview_is_shown_again_when_a_result_has_changed(clerk: Client, letter: Letter) -> None:
    shown = preview(clerk, letter, FILE)
    make_signature(letter, "Rosa Parks", country="US")
    answer = confirm(clerk, shown)
    assert "has changed meanwhile" in answer.content.decode() and results(answer)[0] == (2, "duplicate")
    assert Signature.objects.filter(paper=True).count() == 0


def test_only_a_preview_by_the_same_person_can_be_confirmed(clerk: Client, letter: Letter) -> None:
    shown = preview(clerk, letter, FILE)
    stranger = Client()
    stranger.force_login(User.objects.create_superuser("owner", password="a long enough password"))
    signed = shown.context["signed_file"]
    for client, posted in ((clerk, ""), (clerk, f"x{signed}"), (stranger, signed)):
        page = client.post(f"{PAGE}confirm/", {"signed_file": posted}, follow=True).content.decode()
        assert "choose the file again" in page
    assert not Signature.objects.exists()


def test_undoing_an_import_restores_the_counts(clerk: Client, letter: Letter, moderator: User) -> None:
    make_signature(letter, "Ada Lovelace")
    before = counts.for_letter(letter.pk)
    confirm(clerk, preview(clerk, letter, FILE))
    single_decisions.reject(Signature.objects.filter(paper=True)[0], by=moderator.pk, reason="seen since")
    done = PaperImport.objects.get()
    assert "Undo this import" in clerk.get(f"{PAGE}{done.pk}/change/").content.decode()

    asked = clerk.get(f"{PAGE}{done.pk}/undo/").content.decode()
    assert "3 signatures are deleted, whatever became of them since." in asked and "No, leave it" in asked
    assert Signature.objects.count() == 4, "A21: it only asks"

    page = clerk.post(f"{PAGE}{done.pk}/undo/", follow=True).content.decode()

    assert "3 signatures were deleted." in page
    assert [row.name for row in Signature.objects.all()] == ["Ada Lovelace"]
    assert counts.for_letter(letter.pk) == before
    assert AuditEntry.objects.filter(action="undo-import", now="erased").count() == 3
    assert "undone before" in clerk.post(f"{PAGE}{done.pk}/undo/", follow=True).content.decode()
    assert results(preview(clerk, letter, FILE)) == [(2, "accepted"), (3, "accepted"), (4, "accepted")]


@pytest.mark.django_db(transaction=True)
def test_R8_an_undone_import_leaves_errata_and_no_words_in_deliveries(clerk: Client, letter: Letter) -> None:
    confirm(clerk, preview(clerk, letter, FILE))
    delivery = freezing.freeze(letter, by=None, reason="to be handed over")
    Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.HANDED_OVER, root="0" * 64, files={"x": "y"})

    paper_import.undo_import(PaperImport.objects.get(), by=1)

    many = DeliveryEntry.objects.count()
    assert many == delivery.counts["delivered"] > 0
    assert not DeliveryEntry.objects.exclude(name="", salt=None).exists()
    assert [*Erratum.objects.order_by("number").values_list("number", flat=True)] == [*range(1, many + 1)]


def exported(letter: Letter) -> list[dict[str, str]]:
    out = io.BytesIO()
    exports.export_list(letter, out, by=None, reason="a test")
    return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"))))


def test_exports_name_the_source(clerk: Client, letter: Letter, ada: Signature) -> None:
    assert exported(letter)[0]["source"] == "web", "also of a list without paper"
    confirm(clerk, preview(clerk, letter, FILE))
    assert {row["name"]: row["source"] for row in exported(letter)} == {
        "Ada Lovelace": "web", "Rosa Parks": "paper", "Simone Weil": "paper", "김철수": "paper",
    }  # fmt: skip
    assert list(exported(letter)[0])[-2:] == ["revision", "source"], "the last column"
    entries = {
        entry.name: entry.on_paper for entry in document_data.current_entries(EVERYBODY.of(letter), order=letter.order)
    }
    assert entries["Rosa Parks"] and not entries["Ada Lovelace"]


def test_only_staff_see_where_the_paper_is(
    clerk: Client, letter: Letter, client: Client, moderator_client: Client
) -> None:
    confirm(clerk, preview(clerk, letter, f"{HEAD}\nSimone Weil,,,,,public,,Canary box\n"))
    row = Signature.objects.get()
    for page in ("/letters/bridge/signatories/", f"/letters/bridge/signatories/{row.public_id}/"):
        assert "Simone Weil" in (text := client.get(page).content.decode()) and "Canary" not in text
    assert "Canary" not in str(exported(letter))
    assert "Canary box" in moderator_client.get(f"/admin/signatures/signature/{row.pk}/change/").content.decode()


def test_only_owners_and_delivery_officers_import(
    clerk: Client, letter: Letter, moderator_client: Client, editor: User
) -> None:
    confirm(clerk, preview(clerk, letter, FILE))
    shown, number = preview(clerk, letter, "name\nAda"), PaperImport.objects.get().pk
    nobody = Client()
    nobody.force_login(editor)
    for client in (moderator_client, nobody):
        assert client.get(f"{PAGE}import/").status_code == 403
        assert preview(client, letter, FILE).status_code == 403
        assert client.post(f"{PAGE}confirm/", {"signed_file": shown.context["signed_file"]}).status_code == 403
        assert client.post(f"{PAGE}{number}/undo/").status_code == 403
    assert clerk.get(f"{PAGE}confirm/").status_code == 405
    assert Signature.objects.count() == 3


def test_no_audit_entry_holds_a_name(clerk: Client, letter: Letter) -> None:
    confirm(clerk, preview(clerk, letter, FILE))
    for entry in AuditEntry.objects.values():
        assert not re.search("Rosa|Weil|김철수|box", str(entry))


@pytest.mark.django_db(transaction=True)
def test_the_same_file_sent_twice_at_once_is_imported_once(letter: Letter) -> None:
    text = FILE
    shown = paper_import.preview_digest(paper_import.preview(letter, text))
    done: list[str] = []

    def once() -> None:
        try:
            paper_import.import_lines(letter, text, by=1, shown=shown)
            done.append("imported")
        except paper_import.PreviewOutdated:
            done.append("changed")
        finally:
            connection.close()

    threads = [threading.Thread(target=once) for _each in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(done) == ["changed", "imported"]
    assert Signature.objects.count() == 3
