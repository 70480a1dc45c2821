"""Staff export the signed letter as CSV and PDF: complete, and with nobody who did not choose to be named."""

import csv
import hashlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pypdf import PdfReader

from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from signatures.delivery import exports
from signatures.models import AuditEntry, Signature, Submission
from signatures.states import Kind, State, Visibility
from tests.factories import WORDS, make_many, make_signature

pytestmark = pytest.mark.django_db
ADMIN_PAGE = "/admin/signatures/signedletter/"


def exported(letter: Letter) -> bytes:
    out = io.BytesIO()
    exports.export_list(letter, out, by=None, reason="a test")
    return out.getvalue()


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def download(client: Client, form: str, letter: Letter) -> Any:
    return client.post(f"{ADMIN_PAGE}{letter.pk}/export/{form}/", {"reason": "the hearing"})


def test_the_csv_has_the_documented_format(letter: Letter, ada: Signature) -> None:
    data = exported(letter)
    assert data.startswith(
        b"\xef\xbb\xbfnumber,kind,name,role,organization,country,signed_on,language,revision,source\r\n"
    )
    assert data.endswith(b"\r\n") and data.count(b"\n") == data.count(b"\r\n") == 2
    assert rows_of(data) == [
        {"number": "1", "kind": "person", "name": "Ada Lovelace", "role": "Countess", "organization": "Analytical Society", "country": "GB",
         "signed_on": f"{ada.confirmed_at:%Y-%m-%d}", "language": "en", "revision": "1", "source": "web"}
    ]  # fmt: skip


def test_rows_are_numbered_from_one_without_a_gap(letter: Letter) -> None:
    make_many(letter, 30)
    assert [row["number"] for row in rows_of(exported(letter))] == [str(n) for n in range(1, 31)]


@pytest.mark.parametrize(
    "start", ["=1+1", "+82", "-1", "@x", "＝1", "＋1", "－1", "＠x", "\t=1", " =1", "\r1", "\u3000=1"]
)
def test_E1_a_cell_that_a_spreadsheet_would_run_is_guarded(letter: Letter, start: str) -> None:
    make_signature(letter, start, role=start, organization=start)
    (row,) = rows_of(exported(letter))
    assert row["name"] == row["role"] == row["organization"] == f"'{start}"


@pytest.mark.parametrize("name", ['O"Brien', "King, Jr.", "김철수", "محمد", "a;b", "a-b", "1=1"])
def test_E1_other_cells_are_unchanged(letter: Letter, name: str) -> None:
    make_signature(letter, name)
    assert rows_of(exported(letter))[0]["name"] == name


def test_E2_only_approved_signatures_that_chose_to_be_named_are_in_it(letter: Letter) -> None:
    for state in State:
        for visibility in Visibility:
            make_signature(
                letter,
                f"Canary-{state}-{visibility}",
                state,
                visibility,
                comment="" if visibility == "counted" or state == "withdrawn" else "Canary-comment",
            )
    data = exported(letter)
    assert {row["name"] for row in rows_of(data)} == {"Canary-approved-public", "Canary-approved-delivery"}
    assert b"comment" not in data and b"@" not in data


def test_S12_a_name_with_a_line_break_makes_no_second_row(letter: Letter, client: Client, form: dict[str, str]) -> None:
    client.post("/letters/bridge/sign/", {**form, "name": "Ada\r\n2,person,Evil"})
    make_signature(letter, Submission.objects.get().name)
    assert len(rows_of(exported(letter))) == 1


@pytest.mark.django_db(transaction=True)
def test_the_pdf_holds_letter_signatories_and_every_name(letter: Letter, ada: Signature, tmp_path: Path) -> None:
    names = ["김철수", "李明", "Юлия Иванова", "Łukasz Żółć", "Δημήτρης"]
    for name in names:
        make_signature(letter, name, visibility=Visibility.DELIVERY)
    make_signature(letter, "", visibility=Visibility.COUNTED)
    make_signature(letter, "Canary", State.WAITING)

    report = exports.export_pdf(letter, tmp_path / "letter.pdf", by=None, reason="a test")

    text = "\n".join(page.extract_text() for page in PdfReader(tmp_path / "letter.pdf").pages)
    assert (report.names, report.missing) == (6, [])
    for words in (*names, "Ada Lovelace", "Countess", "Committee for Bridges", "Dear Minister,", "Grace Hopper"):
        assert words in text
    assert "Canary" not in text
    assert "7" in text and "6 named" in text.replace("\n", " ")


@pytest.mark.django_db(transaction=True)
def test_the_delivery_officer_downloads_both_from_admin(officer: User, letter: Letter, ada: Signature) -> None:
    client = Client()
    client.force_login(officer)

    sheet, document = (download(client, form, letter) for form in ("csv", "pdf"))

    assert sheet["Content-Disposition"] == 'attachment; filename="bridge.csv"'
    assert rows_of(b"".join(sheet))[0]["name"] == "Ada Lovelace"
    assert document["Content-Type"] == "application/pdf"
    assert b"".join(document).startswith(b"%PDF")
    assert [
        (entry.action, entry.staff_id, entry.letter_id, entry.reason, entry.detail["form"], entry.detail["rows"])
        for entry in AuditEntry.objects.order_by("pk")
    ] == [("export", officer.pk, letter.pk, "the hearing", form, 1) for form in ("csv", "pdf")]


@pytest.mark.parametrize("who", ["moderator", "editor"])
def test_staff_without_the_permission_get_no_export(letter: Letter, who: str, request: pytest.FixtureRequest) -> None:
    client = Client()
    client.force_login(request.getfixturevalue(who))
    assert download(client, "csv", letter).status_code == 403
    assert client.get(f"{ADMIN_PAGE}{letter.pk}/change/").status_code == 403
    assert not AuditEntry.objects.exists()


def test_an_export_needs_a_post(officer: User, letter: Letter) -> None:
    client = Client()
    client.force_login(officer)
    for page in ("export/csv", "change"):
        assert "Export the list as CSV" in client.get(f"{ADMIN_PAGE}{letter.pk}/{page}/").content.decode()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_export_inside_a_transaction_is_refused(letter: Letter) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        exports.export_list(letter, io.BytesIO(), by=None, reason="a test")


def test_E4_the_audit_entry_is_written_before_the_first_byte(letter: Letter, ada: Signature) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            entry = AuditEntry.objects.get(action="export")
            digest = hashlib.sha256(data).hexdigest()
            assert (entry.reason, entry.detail) == ("a test", {"form": "csv", "rows": 1, "sha256": digest})
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        exports.export_list(letter, Full(), by=None, reason="a test")


@pytest.mark.django_db(transaction=True)
def test_E4_a_pdf_that_cannot_be_recorded_does_not_appear(letter: Letter, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_auditentry ADD CONSTRAINT full_disk CHECK (action <> 'export')")
    try:
        with pytest.raises(IntegrityError):
            exports.export_pdf(letter, tmp_path / "letter.pdf", by=None, reason="a test")
        with pytest.raises(IntegrityError):
            exports.export_list(letter, out := io.BytesIO(), by=None, reason="a test")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE signatures_auditentry DROP CONSTRAINT full_disk")
    assert list(tmp_path.iterdir()) == [] and out.getvalue() == b""


@pytest.mark.django_db(transaction=True)
def test_E4_a_command_that_hands_out_names_records_the_file_and_the_reason_or_itself(
    letter: Letter, ada: Signature, tmp_path: Path
) -> None:
    for command in ("export_csv", "export_pdf"):
        call_command(command, "bridge", reason="the hearing", out=tmp_path / command, stderr=io.StringIO())
        call_command(command, "bridge", out=tmp_path / "again", stderr=io.StringIO())
        assert AuditEntry.objects.filter(action="export").latest("pk").reason == f"manage.py {command}"
    entries = [(entry.reason, entry.detail) for entry in AuditEntry.objects.filter(reason="the hearing").order_by("pk")]
    digests = [hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("export_csv", "export_pdf")]
    assert entries == [
        ("the hearing", {"form": form, "rows": 1, "sha256": digest})
        for form, digest in zip(("csv", "pdf"), digests, strict=True)
    ]


def test_E4_without_a_reason_admin_exports_nothing(officer: User, letter: Letter, ada: Signature) -> None:
    client = Client()
    client.force_login(officer)
    answer = client.post(f"{ADMIN_PAGE}{letter.pk}/export/csv/", {"reason": " "}, follow=True)
    assert "Please write what the export is for." in answer.content.decode()
    assert not AuditEntry.objects.filter(action="export").exists()


@pytest.mark.django_db(transaction=True)
def test_the_commands_write_to_a_file(letter: Letter, ada: Signature, tmp_path: Path) -> None:
    call_command("export_csv", "bridge", reason="a test", out=tmp_path / "list.csv", stderr=io.StringIO())
    call_command("export_pdf", "bridge", reason="a test", out=tmp_path / "letter.pdf", stderr=io.StringIO())
    assert rows_of((tmp_path / "list.csv").read_bytes())[0]["name"] == "Ada Lovelace"
    assert len(PdfReader(tmp_path / "letter.pdf").pages) >= 2
    assert sorted(file.name for file in tmp_path.iterdir()) == ["letter.pdf", "list.csv"]


@pytest.mark.django_db(transaction=True)
def test_the_pdf_takes_its_options_and_the_order_of_the_letter(letter: Letter, ada: Signature, tmp_path: Path) -> None:
    Letter.objects.filter(pk=letter.pk).update(order=Letter.Order.COUNTRY)
    make_signature(letter, "Bridge Club", kind=Kind.ORGANIZATION, country="FR")
    make_signature(letter, "李明", country="CN", role="作家", language="zh-hans", paper=True)
    make_signature(letter, "WaitingSignature", State.WAITING)
    make_signature(letter, "Gone", State.WITHDRAWN)
    publish(revise(letter, "zh-hant", WORDS | {"closing": "敬上，"}))
    stderr = io.StringIO()

    call_command(
        "export_pdf",
        "bridge",
        reason="a test",
        out=tmp_path / "x.pdf",
        paper="us-letter",
        languages=("zh-hant",),
        draft=True,
        stderr=stderr,
    )

    reader = PdfReader(tmp_path / "x.pdf")
    text = "".join("".join(page.extract_text() for page in reader.pages).split())
    assert reader.pages[0].mediabox.width == 612 and stderr.getvalue() == f"3 names on {len(reader.pages)} pages\n"
    places = [text.index(words) for words in ("團體", "BridgeClub·法國", "李明°·作家,中國", "英國，3", "AdaLovelace")]
    assert places == sorted(places)
    assert "草稿" in text and "共3個簽名，全部在此列名；1個尚待審核；1個已撤回。" in text
    assert all(one.digest in text for one in Translation.objects.all())
    assert "敬上，" in text and "Yourssincerely," not in text, "the language is that of the letter as well"


@pytest.mark.parametrize("command", ["export_csv", "export_pdf"])
def test_an_unknown_letter_is_one_error_sentence(db: None, command: str) -> None:
    with pytest.raises(CommandError, match="There is no letter 'nix'"):
        call_command(command, "nix", reason="a test")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_count_of_the_pdf_is_of_the_same_moment_as_its_names(letter: Letter, tmp_path: Path) -> None:
    """While another connection approves and rejects all the time, the printed count is the number of names."""
    make_many(letter, 20)
    code = "import sys, psycopg2\nc = psycopg2.connect(sys.argv[1]); c.autocommit = True; k = c.cursor()\nwhile True: k.execute(sys.argv[2]); k.execute(sys.argv[3])"
    up = "UPDATE signatures_signature SET state = 'rejected', approved_on = NULL WHERE id % 2 = 0"
    down = "UPDATE signatures_signature SET state = 'approved', approved_on = now() WHERE id % 2 = 0"
    with subprocess.Popen([sys.executable, "-c", code, connection.connection.dsn, up, down]) as other:
        try:
            for n in range(5):
                report = exports.export_pdf(letter, tmp_path / f"{n}.pdf", by=None, reason="a test")
                assert report.names in {10, 20}
        finally:
            other.kill()
