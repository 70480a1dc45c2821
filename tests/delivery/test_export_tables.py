"""The list leaves as XLSX too, with semicolons, and in part: each name as it was typed, and each part as it was meant."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from python_calamine import CalamineWorkbook

from campaign.models import Letter
from signatures.delivery import exports, freezing, xlsx_export
from signatures.delivery.exports import Table
from signatures.delivery.selection import EVERYBODY, Selection
from signatures.models import AuditEntry, Signature
from signatures.states import Kind, State, Visibility
from tests.delivery.factories import make_delivery
from tests.factories import make_many, make_signature

pytestmark = pytest.mark.django_db
PAGE = "/admin/signatures/signedletter/{}/export/{}/"
ODD_NAMES = [
    "TRUE", "0012345", "1/2", "=1+1", "+82", "-1", "@x", "1E5", "2026-11-29", "https://example.org", "{=1}", "  spaces ",
    "_x0041_", "<b>bold</b>", "<r><t>Somebody else</t></r>", "<r>&", "A&B", '"quoted"', "김철수", "محمد", "#N/A", "123",
]  # fmt: skip


@pytest.fixture
def officer_client(officer: User) -> Client:
    client = Client()
    client.force_login(officer)
    return client


def xlsx(letter: Letter, selection: Selection = EVERYBODY) -> dict[str, list[list[Any]]]:
    out = io.BytesIO()
    xlsx_export.write_list(letter, out, selection)
    return sheets(out.getvalue())


def sheets(content: bytes) -> dict[str, list[list[Any]]]:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in workbook.sheet_names}


def names(letter: Letter, selection: Selection) -> list[str]:
    exports.export_list(letter, out := io.BytesIO(), by=None, reason="a test", selection=selection)
    rows = csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline=""))
    return sorted(row["name"] for row in rows)


def signed_at(signature: Signature, *moment: int) -> None:
    Signature.objects.filter(pk=signature.pk).update(confirmed_at=datetime(*moment, tzinfo=UTC))  # type: ignore[arg-type, misc]  # numbers alone


def test_E16_each_name_comes_out_of_the_spreadsheet_as_it_was_typed(letter: Letter) -> None:
    for name in ODD_NAMES:
        make_signature(letter, name, role=name, organization=name)
    head, *rows = xlsx(letter)["Signatures"]
    assert head == ["number", "kind", "name", "role", "organization", "country", "signed_on", "language", "revision", "source"]  # fmt: skip
    assert sorted(row[2] for row in rows) == sorted(ODD_NAMES)
    assert all(row[2] == row[3] == row[4] for row in rows)
    assert {type(cell) for row in rows for cell in row} == {str}, "numbers and days, too"


def test_a_sheet_counts_by_country_and_by_day_in_the_time_zone_of_the_letter(letter: Letter) -> None:
    Letter.objects.filter(pk=letter.pk).update(time_zone="Asia/Seoul")
    letter.refresh_from_db()
    signed_at(make_signature(letter, "Morning", country="KR"), 2026, 3, 1, 20)  # the 2nd in Seoul
    signed_at(make_signature(letter, "Noon", country="KR"), 2026, 3, 2, 3)
    signed_at(make_signature(letter, "Before", country="FR"), 2026, 3, 1, 14)
    signed_at(make_signature(letter, "Sheet", paper=True), 2026, 3, 2)
    make_signature(letter, "", visibility=Visibility.COUNTED)

    found = xlsx(letter)
    assert found["Counts"] == [
        ["country", "name", "signatures", "", "day (Asia/Seoul)", "signatures"],
        ["KR", "South Korea", 2.0, "", "2026-03-01", 1.0],
        ["", "", 1.0, "", "2026-03-02", 3.0],
        ["FR", "France", 1.0, "", "", ""],
    ]
    days = {row[2]: row[6] for row in found["Signatures"][1:]}
    assert days == {"Morning": "2026-03-02", "Noon": "2026-03-02", "Before": "2026-03-01", "Sheet": "2026-03-02"}
    assert names(letter, Selection(day=date(2026, 3, 2))) == ["Morning", "Noon", "Sheet"]
    entries = make_delivery(letter).rows.filter(number__isnull=False)
    assert {row.name: str(row.signed_on) for row in entries} == days, "a delivery has the same days"


def test_a_list_that_is_longer_than_a_sheet_goes_on_on_the_next(letter: Letter) -> None:
    make_many(letter, 7)
    out = io.BytesIO()
    assert xlsx_export.write_list(letter, out, EVERYBODY, rows_per_sheet=3) == 7
    found = sheets(out.getvalue())
    assert [*found] == ["Signatures", "Signatures 2", "Signatures 3", "Counts"]
    rows = [row for name in [*found][:3] for row in found[name][1:]]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 8)]
    assert {tuple(found[name][0]) for name in [*found][:3]} == {tuple(found["Signatures"][0])}


def test_a_list_of_nobody_is_a_sheet_with_its_columns(letter: Letter) -> None:
    found = xlsx(letter)
    assert len(found["Signatures"]) == len(found["Counts"]) == 1


def test_E1_semicolons_part_the_cells_and_formulas_stay_guarded(letter: Letter) -> None:
    make_signature(letter, "=1+1;x", role="a,b", organization='c"d')
    exports.export_list(letter, out := io.BytesIO(), by=None, reason="a test", form=Table.SEMICOLONS)
    text = out.getvalue().decode("utf-8-sig")
    assert text.startswith("number;kind;name;") and "," not in text.partition("\r\n")[0]
    (row,) = csv.DictReader(io.StringIO(text, newline=""), delimiter=";")
    assert (row["name"], row["role"], row["organization"]) == ("'=1+1;x", "a,b", 'c"d')


def test_an_export_can_hold_only_who_came_since_a_delivery_or_from_a_country_or_an_organization(letter: Letter) -> None:
    make_signature(letter, "Old", country="FR")
    first = make_delivery(letter)
    make_signature(letter, "New", country="FR")
    make_signature(letter, "Club", kind=Kind.ORGANIZATION, country="KR")
    make_signature(letter, "Waiting", State.WAITING, country="FR")

    assert names(letter, Selection(since=first)) == ["Club", "New"]
    assert names(letter, Selection(country="FR")) == ["New", "Old"]
    assert names(letter, Selection(organizations=True)) == ["Club"]
    assert names(letter, Selection(since=first, country="FR")) == ["New"]
    rows = xlsx(letter, Selection(since=first))["Signatures"][1:]
    assert [row[0] for row in rows] == ["1", "2"], "numbered anew"


@pytest.mark.django_db(transaction=True)
def test_E4_staff_export_a_part_in_each_form_and_the_audit_log_says_which(
    officer_client: Client, letter: Letter, ada: Signature
) -> None:
    make_delivery(letter)
    make_signature(letter, "Marie Curie", country="FR")
    asked = {"reason": "the hearing", "since": "1", "country": "FR", "day": ""}
    for form, name, kind in (
        ("xlsx", "bridge.xlsx", xlsx_export.CONTENT_TYPE), ("semicolons", "bridge.csv", "text/csv; charset=utf-8"),
    ):  # fmt: skip
        answer: Any = officer_client.post(PAGE.format(letter.pk, form), asked)
        content = b"".join(answer)
        assert answer["Content-Disposition"] == f'attachment; filename="{name}"' and answer["Content-Type"] == kind
        entry = AuditEntry.objects.filter(action="export").latest("pk")
        assert entry.reason == "the hearing" and entry.detail["rows"] == 1
        assert [entry.detail.get(name) for name in ("form", "since", "country", "day")] == [form, 1, "FR", None]
    assert b"Marie Curie" in content and b"Ada" not in content


@pytest.mark.parametrize(
    ("form", "wrong", "sentence"),
    [
        ("csv", {"day": "yesterday"}, "Enter a valid date."),
        ("csv", {"since": "7"}, "Select a valid choice."),
        ("xlsx", {"reason": " "}, "Please write what the export is for."),
        ("pdf", {"organizations": "on"}, "The PDF holds everybody."),
    ],
)
def test_a_wrong_wish_is_told_beside_its_field_and_nothing_typed_is_lost(
    officer_client: Client, letter: Letter, form: str, wrong: dict[str, str], sentence: str
) -> None:
    answer = officer_client.post(PAGE.format(letter.pk, form), {"reason": "the hearing", "country": "FR"} | wrong)
    page = answer.content.decode()
    assert answer.status_code == 422 and sentence in page
    assert '<option value="FR" selected>' in page and (wrong.get("reason") or "the hearing") in page
    assert not AuditEntry.objects.filter(action="export").exists()


def test_there_is_no_export_in_a_form_that_nobody_knows(officer_client: Client, letter: Letter) -> None:
    assert officer_client.post(PAGE.format(letter.pk, "doc"), {"reason": "x"}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_command_takes_the_same_choices(letter: Letter, ada: Signature, tmp_path: Path) -> None:
    def lines(*options: str) -> Sequence[str]:
        out = tmp_path / "list"
        call_command("export_csv", "bridge", *options, "--out", str(out), stderr=io.StringIO())
        return out.read_text(encoding="utf-8-sig").splitlines()

    make_signature(letter, "Club", kind=Kind.ORGANIZATION, country="FR")
    assert len(lines("--country", "fr")) == len(lines("--organizations")) == 2
    assert len(lines("--day", "2000-01-01")) == 1
    assert lines("--form", "semicolons")[0].count(";") == 9
    call_command("export_csv", "bridge", form="xlsx", out=tmp_path / "list.xlsx", stderr=io.StringIO())
    assert len(sheets((tmp_path / "list.xlsx").read_bytes())["Signatures"]) == 3
    with pytest.raises(CommandError, match="bridge has no delivery 7"):
        lines("--since", "7")


def test_a_delivery_that_was_called_back_is_no_choice(officer_client: Client, letter: Letter, ada: Signature) -> None:
    first = make_delivery(letter)
    page = officer_client.get(f"/admin/signatures/signedletter/{letter.pk}/change/").content.decode()
    assert f'<option value="1">1 ({first.frozen_at:%Y-%m-%d})</option>' in page
    freezing.void(first, by=None, reason="a mistake")
    assert '<option value="1">' not in officer_client.get(f"/admin/signatures/signedletter/{letter.pk}/change/").content.decode()  # fmt: skip


def test_the_list_of_who_is_new_does_not_look_each_one_up_on_its_own(letter: Letter, ada: Signature) -> None:
    first = make_delivery(letter)
    with connection.cursor() as cursor:
        sql, values = Selection(since=first).of(letter).query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Anti Join" in plan and "SubPlan" not in plan
