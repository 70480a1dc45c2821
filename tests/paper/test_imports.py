"""Imports from paper: all accepted lines at once by the worker, and taken back as a whole until they are delivered."""

import csv
import io
import re
import threading
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures import counts, tasks
from signatures.delivery import document_data, exports, freezing
from signatures.delivery.selection import EVERYBODY
from signatures.models import AuditEntry, Delivery, DeliveryEntry, PaperImport, Signature
from signatures.monitoring import sign_up_trends, statistics
from signatures.paper import imports, previews
from tests import single_decisions
from tests.factories import make_signature
from tests.paper.clerk import HEAD, PAGE, Clerk, fates, kept

pytestmark = pytest.mark.django_db
FILE = f"""{HEAD}
Rosa Parks,Seamstress,,US,,,2026-05-31,"box 2, sheet 14"
 Simone  Weil ,,,fr,person,public,,
김철수,,,KR,,delivery,,
"""


@pytest.fixture
def clerk(officer: User) -> Clerk:
    client = Client()
    client.force_login(officer)
    return Clerk(client)


def test_what_the_preview_showed_is_imported_by_the_worker(clerk: Clerk, letter: Letter, officer: User) -> None:
    shown = clerk.preview(letter, FILE)
    assert fates(shown) == [(2, "accepted"), (3, "accepted"), (4, "accepted")]
    assert "Simone Weil" in shown.content.decode() and "box 2, sheet 14" in shown.content.decode()
    assert not Signature.objects.exists() and not AuditEntry.objects.exists()

    running = clerk.do(shown, do="import")
    assert "<progress" in running.content.decode() and running["Refresh"] == "2"
    row = PaperImport.objects.get()
    tasks.import_paper.call(row.pk)
    done = clerk.client.get(f"{PAGE}{row.pk}/preview/", follow=True).content.decode()
    assert "Take this import back" in done

    rosa, simone, kim = Signature.objects.order_by("pk")
    assert (rosa.paper, rosa.state, rosa.visibility, rosa.sheet) == (True, "approved", "delivery", "box 2, sheet 14")
    assert rosa.confirmed_at is not None and rosa.confirmed_at.date() == date(2026, 5, 31)
    assert (simone.name, simone.country, simone.visibility) == ("Simone Weil", "FR", "public")
    assert {row.approved_on for row in (rosa, simone, kim)} == {timezone.now().date()}
    entries = AuditEntry.objects.filter(action="import", staff_id=officer.pk, now="approved")
    assert set(entries.values_list("signature_id", flat=True)) == {rosa.pk, simone.pk, kim.pk}
    assert counts.for_letter(letter.pk).total == 3

    imports.run(row.pk)
    assert Signature.objects.count() == 3, "a task that is repeated imports nothing twice"


def test_an_imported_file_is_gone_and_a_second_one_has_only_duplicates(clerk: Clerk, letter: Letter) -> None:
    row = clerk.import_file(letter, FILE)
    assert (row.step, row.number, row.sealed_file, row.sealed_preview) == ("done", 3, None, None)
    again = clerk.preview(letter, FILE)
    assert {fate for _number, fate in fates(again)} == {"duplicate"}
    assert "There is nothing to import." in again.content.decode()
    clerk.do(again, do="import")
    assert Signature.objects.count() == 3


def test_a_page_that_was_open_before_the_import_changes_nothing_of_it(
    clerk: Clerk, letter: Letter, officer: User
) -> None:
    """Each act reads its row, and then another tab imports the file."""
    twins = "name\nZed Twin\nZed Twin\nAmy Twin\n"
    row = kept(letter, twins, by=officer.pk)
    stale, preview = PaperImport.objects.get(pk=row.pk), previews.open_preview(row)
    table = previews.read(row, preview.choices)
    imports.start(row, by=officer.pk)
    acts: list[Callable[[], object]] = [
        lambda: previews.take_as_other(stale, 3, is_other=True),
        lambda: previews.show_again(stale),
        lambda: previews.show(stale, preview, table),
        lambda: previews.save(stale, preview),
        lambda: previews.discard(stale),
    ]
    for step in ("running", "done"):
        before = PaperImport.objects.values().get()
        assert before["step"] == step
        for act in acts:
            with pytest.raises(previews.NoPreview):
                act()
        assert PaperImport.objects.values().get() == before
        imports.run(row.pk)
    done = PaperImport.objects.get()
    assert (done.number, done.sealed_file, imports.undo(done, by=officer.pk, typed=2)) == (2, None, 2)


def test_a_refused_line_does_not_block_the_others(clerk: Clerk, letter: Letter) -> None:
    clerk.import_file(letter, f"{HEAD}\nAda,,,Atlantis\nBen Nevis\n")
    assert [row.name for row in Signature.objects.all()] == ["Ben Nevis"]


def test_flagged_lines_and_organizations_wait_for_review(clerk: Clerk, letter: Letter) -> None:
    clerk.import_file(letter, f"{HEAD}\nGuild,,,,organization\nGrace Hopper\nAda,www.spam.example\n")
    found = Signature.objects.order_by("pk").values_list("state", "flags")
    assert list(found) == [
        ("waiting", ["no-spokesperson", "organization"]), ("waiting", ["protected-name"]), ("waiting", ["link"]),
    ]  # fmt: skip


def test_nothing_is_imported_when_a_fate_has_changed_since_the_preview(clerk: Clerk, letter: Letter) -> None:
    shown = clerk.preview(letter, FILE)
    row = shown.context["row"]
    clerk.do(shown, do="import")
    make_signature(letter, "Rosa Parks", country="US")
    imports.run(row.pk)
    assert Signature.objects.filter(paper=True).count() == 0

    told = clerk.client.get(f"{PAGE}{row.pk}/preview/")
    assert "has changed meanwhile" in told.content.decode() and 'value="import"' not in told.content.decode()
    again = clerk.do(told, do="again")
    assert "has changed meanwhile" not in again.content.decode() and (2, "duplicate") in fates(again)
    clerk.do(again, do="import")
    imports.run(row.pk)
    assert Signature.objects.filter(paper=True).count() == 2


def test_taking_an_import_back_asks_tells_the_number_and_needs_it_typed(
    clerk: Clerk, letter: Letter, moderator: User
) -> None:
    make_signature(letter, "Ada Lovelace")
    before = counts.for_letter(letter.pk)
    row = clerk.import_file(letter, FILE)
    single_decisions.reject(Signature.objects.filter(paper=True)[0], by=moderator.pk, reason="seen since")

    asked = clerk.client.get(f"{PAGE}{row.pk}/undo/").content.decode()
    assert "3 signatures are deleted, whatever became of them since." in asked and "No, leave it" in asked
    assert Signature.objects.count() == 4, "A21: it only asks"
    for typed in ("", "2", "three"):
        assert "Please type the number that the page shows" in clerk.take_back(row, typed)
    again = clerk.client.post(f"{PAGE}{row.pk}/undo/", {"number": "33"})
    assert again.status_code == 422 and 'value="33"' in again.content.decode()
    assert Signature.objects.count() == 4

    assert "3 signatures were deleted." in clerk.take_back(row, 3)
    assert [row.name for row in Signature.objects.all()] == ["Ada Lovelace"]
    assert counts.for_letter(letter.pk) == before
    assert AuditEntry.objects.filter(action="undo-import", now="erased").count() == 3
    assert "taken back before" in clerk.take_back(row, 3)
    assert {fate for _number, fate in fates(clerk.preview(letter, FILE))} == {"accepted"}


@pytest.mark.django_db(transaction=True)
def test_R8_an_import_can_be_taken_back_until_a_delivery_holds_it(clerk: Clerk, letter: Letter) -> None:
    row = clerk.import_file(letter, FILE)
    delivery = freezing.freeze(letter, by=None, reason="to be handed over")
    page = clerk.client.get(f"{PAGE}{row.pk}/undo/").content.decode()
    assert "A delivery holds 3 of these signatures" in page and "Take this import back</button>" not in page
    assert "A delivery holds 3 of them" in clerk.take_back(row, 3)
    assert Signature.objects.count() == 3

    Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.VOID, void_reason="too early")
    assert "3 signatures were deleted." in clerk.take_back(row, 3)
    assert not DeliveryEntry.objects.exclude(name="", salt=None).exists(), "no words stay in what was called back"


def test_paper_has_statistics_of_its_own_and_raises_no_rise_alarm(clerk: Clerk, letter: Letter, owner: User) -> None:
    owner_client = Client()
    owner_client.force_login(owner)
    now = timezone.now()
    for days in range(1, 4):
        make_signature(letter, f"Day {days}", signed_up_at=now - timedelta(days=days), confirmed_at=now)
    people = "".join(f"Person {number},US\n" for number in range(sign_up_trends.MIN_SIGN_UPS + 50))
    clerk.import_file(letter, f"name,country\n{people}")
    counts.fold_deltas()
    assert list(sign_up_trends.rise(timezone.now())) == []
    events = statistics.events(timezone.now())
    assert sum(events.by_hour["paper"].values()) == sign_up_trends.MIN_SIGN_UPS + 50
    assert not events.by_hour["sign-up"]
    assert "from paper" in owner_client.get("/admin/").content.decode()


def exported(letter: Letter) -> list[dict[str, str]]:
    out = io.BytesIO()
    exports.export_list(letter, out, by=None, reason="a test")
    return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"))))


def test_exports_name_the_source(clerk: Clerk, letter: Letter, ada: Signature) -> None:
    clerk.import_file(letter, FILE)
    assert {row["name"]: row["source"] for row in exported(letter)} == {
        "Ada Lovelace": "web", "Rosa Parks": "paper", "Simone Weil": "paper", "김철수": "paper",
    }  # fmt: skip
    assert list(exported(letter)[0])[-2:] == ["revision", "source"], "the last column"
    entries = {
        entry.name: entry.source for entry in document_data.current_entries(EVERYBODY.of(letter), order=letter.order)
    }
    assert entries["Rosa Parks"] == "paper" and entries["Ada Lovelace"] == "web"


def test_only_staff_see_where_the_paper_is(
    clerk: Clerk, letter: Letter, client: Client, moderator_client: Client
) -> None:
    clerk.import_file(letter, f"{HEAD}\nSimone Weil,,,,,public,,Canary box\n")
    row = Signature.objects.get()
    for page in ("/letters/bridge/signatories/", f"/letters/bridge/signatories/{row.public_id}/"):
        assert "Simone Weil" in (text := client.get(page).content.decode()) and "Canary" not in text
    assert "Canary" not in str(exported(letter))
    assert "Canary box" in moderator_client.get(f"/admin/signatures/signature/{row.pk}/change/").content.decode()


def test_no_audit_entry_holds_a_name(clerk: Clerk, letter: Letter) -> None:
    clerk.import_file(letter, FILE)
    for entry in AuditEntry.objects.values():
        assert not re.search("Rosa|Weil|김철수|box", str(entry))


@pytest.mark.django_db(transaction=True)
def test_the_same_file_sent_twice_at_once_is_imported_once(letter: Letter, officer: User) -> None:
    rows = [kept(letter, FILE, by=officer.pk) for _each in range(2)]
    for row in rows:
        imports.start(row, by=officer.pk)

    def run(row: PaperImport) -> None:
        imports.run(row.pk)
        connection.close()

    threads = [threading.Thread(target=run, args=[row]) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(PaperImport.objects.values_list("step", flat=True)) == ["done", "preview"]
    assert Signature.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_the_bar_moves_during_an_import_and_a_worker_that_dies_leaves_nothing(
    letter: Letter, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    monkeypatch.setattr(imports, "HEARTBEAT_SECONDS", 0.0)
    row = kept(letter, FILE, by=officer.pk)
    imports.start(row, by=officer.pk)
    seen: list[int] = []
    stored = imports._Progress.at

    def watched(progress: imports._Progress, percent: int) -> None:
        stored(progress, percent)
        seen.append(_seen_by_another(row.pk))
        if percent == imports.STORED:
            raise SystemExit  # as a worker that is stopped

    monkeypatch.setattr(imports._Progress, "at", watched)
    with pytest.raises(SystemExit):
        imports.run(row.pk)
    assert seen == [0, 76, 95], "others see it while the transaction is open"
    assert not Signature.objects.exists() and not imports.stalled()

    PaperImport.objects.update(seen_at=timezone.now() - imports.STALLED_AFTER)
    assert imports.stalled() == [row.pk]
    monkeypatch.setattr(imports._Progress, "at", stored)
    imports.run(row.pk)
    assert Signature.objects.count() == 3


def _seen_by_another(pk: int) -> int:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT done FROM signatures_paperimport WHERE id = %s", [pk])
        (done,) = cursor.fetchone()
    other.close()
    return int(done)
