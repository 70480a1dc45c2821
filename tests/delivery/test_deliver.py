"""A delivery officer freezes a letter. Its package is built completely or not at all, with the same bytes every time."""

import hashlib
import io
import multiprocessing
import os
import re
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from campaign.models import Letter
from campaign.runtime.locks import AdvisoryLock
from signatures import tasks
from signatures.audit import audit_log
from signatures.delivery import build_progress, building, freezing, reconciliation
from signatures.management.commands import worker
from signatures.models import AuditEntry, Delivery, DeliveryEntry, Signature
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from signatures.transitions import TransitionNotAllowed
from tests.delivery.factories import day_of, freeze_days_ago, path_of
from tests.factories import make_many, make_signature

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),  # the forked job; other tests leave threads
]
PAGES = "/admin/signatures/delivery/"


@pytest.fixture(autouse=True)
def deliveries(tmp_path: Path, settings: Any) -> Path:
    settings.DELIVERIES_DIR = tmp_path / "deliveries"
    return tmp_path / "deliveries"


@pytest.fixture
def signed(letter: Letter, ada: Signature) -> Letter:
    make_signature(letter, "김철수", country="KR", visibility=Visibility.DELIVERY)
    make_signature(letter, "", visibility=Visibility.COUNTED)
    make_signature(letter, "Never", State.WAITING)
    return letter


@pytest.fixture
def frozen(signed: Letter) -> Delivery:
    return freezing.freeze(signed, by=None, reason="the hearing")


@pytest.fixture
def officer_client(officer: User) -> Iterator[Client]:
    client = Client()
    client.force_login(officer)
    return client  # type: ignore[return-value]


def built(delivery: Delivery) -> Delivery:
    building.build(delivery.pk)
    delivery.refresh_from_db()
    return delivery


def files_of(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def test_the_command_freezes_and_builds_a_package_that_verifies(
    signed: Letter, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("deliver", "bridge")
    output = capsys.readouterr().out
    delivery = Delivery.objects.get()
    assert "Delivery 1 of bridge: 3 delivered, 2 named, 1 counted only, 1 still waiting" in output
    assert delivery.digest in output and str(path_of(delivery)) in output
    call_command("verify_delivery", str(path_of(delivery)))
    call_command("reconcile")
    assert "all agree" in capsys.readouterr().out


def test_an_unknown_letter_or_one_without_signatures_is_one_error_sentence(letter: Letter) -> None:
    for slug, sentence in (("nix", "There is no letter 'nix'"), ("bridge", "Nobody's signature")):
        with pytest.raises(CommandError, match=sentence):
            call_command("deliver", slug)


def test_a_failed_build_reports_its_code_and_the_delivery_stays_frozen(
    signed: Letter, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.DELIVERIES_DIR = tmp_path / "file"
    with pytest.raises(CommandError, match=r"Delivery 1 is frozen, and has no files: .* file exists in file/"):
        call_command("deliver", "bridge", reason="the hearing" + " of May" * 99)
    assert Delivery.objects.get().reason.startswith("the hearing of May")


def test_a_preview_is_marked_DRAFT_and_counts_those_who_wait(signed: Letter, officer_client: Client) -> None:
    page = officer_client.get(f"{PAGES}freeze/{signed.pk}/").content.decode()
    (preview,) = re.findall(r'action="([^"]+/draft/)"', page)
    (reason,) = re.findall(r'name="reason" value="([^"]+)"', page)
    document = PdfReader(io.BytesIO(b"".join(officer_client.post(preview, {"reason": reason}))))
    text = [" ".join(page.extract_text().split()) for page in document.pages]
    assert all("DRAFT" in page for page in text)
    assert "1 still waits to be read" in " ".join(text) and "Never" not in " ".join(text)
    assert not Delivery.objects.exists()


def test_the_package_holds_its_files_in_one_folder_and_the_pdf_names_everybody(
    frozen: Delivery, deliveries: Path
) -> None:
    ready = built(frozen)
    assert (ready.state, files_of(deliveries)) == (Delivery.State.READY, ["bridge-1.zip"])
    with zipfile.ZipFile(path_of(ready)) as bundle:
        names = [
            "letter-with-signatories.pdf", "signatories.csv", "leaves.csv", "texts/en.txt", "statement.json", "files.json",
            "check.py", "check.html", "READ-ME.txt",
        ]  # fmt: skip
        assert bundle.namelist() == [f"bridge-1/{name}" for name in names]
        document = PdfReader(io.BytesIO(bundle.read(f"bridge-1/{names[0]}")))
        text = "\n".join(page.extract_text() for page in document.pages)
        rows = bundle.read("bridge-1/signatories.csv").decode("utf-8-sig").splitlines()
    assert document.metadata and document.metadata.author == ready.claims["organization"]["name"]
    assert str(document.metadata.subject).startswith(f"{ready.letter.recipient}, ")
    assert str(document.metadata["/Keywords"]) == "2 names, delivery 1, open letter"
    assert "Ada Lovelace" in text and "김철수" in text and "Never" not in text
    assert ready.digest[:16] in text.replace("\n", "").replace(" ", "")
    assert len(rows) == 3 and not any("Never" in row for row in rows)


def test_E9_a_package_that_is_built_again_has_the_same_bytes(frozen: Delivery) -> None:
    first = path_of(built(frozen)).read_bytes()
    path_of(frozen).unlink()
    building.build(frozen.pk)
    assert path_of(frozen).read_bytes() == first


def test_signatures_and_withdrawals_after_freezing_change_nothing(frozen: Delivery) -> None:
    withdrawal.withdraw(Signature.objects.get(name="Ada Lovelace"))
    make_many(frozen.letter, 3)
    with zipfile.ZipFile(path_of(built(frozen))) as bundle:
        rows = bundle.read("bridge-1/signatories.csv").decode("utf-8-sig").splitlines()
    assert len(rows) == 3 and any("Ada Lovelace" in row for row in rows)


def test_a_package_built_after_an_erasure_has_no_word_of_that_person(frozen: Delivery) -> None:
    digest = built(frozen).digest
    assert "김철수".encode() in path_of(frozen).read_bytes()
    withdrawal.erase(Signature.objects.get(name="김철수"))
    assert building.unfinished() == [frozen.pk], "the worker makes it by itself"
    building.build(frozen.pk)
    assert "김철수".encode() not in path_of(frozen).read_bytes()
    assert building.unfinished() == []
    frozen.refresh_from_db()
    assert frozen.digest == digest
    assert list(frozen.editions.values_list("number", "reason", "erased")) == [(1, "made", 0), (2, "erased", 1)]
    with pytest.raises(SystemExit, match="3"):  # whole, but for the row, whose erasure is recorded
        call_command("verify_delivery", str(path_of(frozen)))
    assert [str(check) for check in reconciliation.check_delivered() if not check.holds] == []


def test_somebody_erased_during_the_build_is_in_no_file(frozen: Delivery) -> None:
    erased: list[int] = []

    def erase(percent: int) -> None:
        if percent >= build_progress.STAGES["letter"][0] and not erased:
            erased.append(percent)
            withdrawal.erase(Signature.objects.get(name="김철수"))

    building.build(frozen.pk, on_progress=erase)
    content = path_of(frozen).read_bytes()
    assert erased and "김철수".encode() not in content and b"Ada Lovelace" in content
    with pytest.raises(SystemExit, match="3"):  # whole, but for the row, whose erasure is recorded
        call_command("verify_delivery", str(path_of(frozen)))


def test_two_jobs_at_once_build_once(frozen: Delivery) -> None:
    first = start_job_in_own_process_group(frozen)
    building.build(frozen.pk)
    first.join(60)
    assert first.exitcode == 0
    frozen.refresh_from_db()
    assert (frozen.state, frozen.failure) == (Delivery.State.READY, "")


def start_job_in_own_process_group(delivery: Delivery) -> ForkProcess:
    """Starts a build in a process group of its own. It is forked, so it need not start Django first."""

    def work() -> None:
        os.setsid()
        connection.connection = None  # the inherited one belongs to the parent
        building.build(delivery.pk)

    job = multiprocessing.get_context("fork").Process(target=work)
    job.start()
    return job


def is_build_locked(delivery: Delivery) -> bool:
    with connection.cursor() as cursor:
        lock = (
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        cursor.execute(lock, [AdvisoryLock.BUILD_DELIVERY, delivery.pk])
        return cursor.fetchone() is not None


@pytest.mark.parametrize("point", ["begun", "list", "leaves", "letter", "typesetting", "package"])
def test_a_job_killed_at_any_point_is_repeated_and_leaves_no_partial_package(
    signed: Letter, deliveries: Path, point: str
) -> None:
    make_many(signed, 60)
    delivery = freezing.freeze(signed, by=None, reason="the hearing")
    folder = deliveries / ".making-bridge-1"
    signs: dict[str, Callable[[], bool]] = {
        "begun": folder.exists,
        "list": (folder / "signatories.csv").exists,
        "leaves": (folder / "leaves.csv").exists,
        "letter": lambda: any(folder.glob(".pdf-*")),
        "typesetting": lambda: any(folder.glob(".pdf-*/*.json")),
        "package": (folder / "letter-with-signatories.pdf").exists,
    }
    job = start_job_in_own_process_group(delivery)
    deadline = time.monotonic() + 60
    while not signs[point]() and job.is_alive() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert job.pid
    os.killpg(job.pid, signal.SIGKILL)
    job.join()
    assert job.exitcode == -signal.SIGKILL, "it was done before it was killed"
    while is_build_locked(delivery) and time.monotonic() < deadline:
        time.sleep(0.01)  # until the server has noticed that the connection is gone

    assert files_of(deliveries) in ([".making-bridge-1"], ["bridge-1.zip"], [".making-bridge-1", "bridge-1.zip"])
    Delivery.objects.filter(seen_at__isnull=False).update(seen_at=timezone.now() - 2 * building.STALLED_AFTER)
    delivery.refresh_from_db()
    if delivery.state == Delivery.State.FROZEN:
        assert building.unfinished() == [delivery.pk]
    assert built(delivery).state == Delivery.State.READY
    assert files_of(deliveries) == ["bridge-1.zip"]
    call_command("verify_delivery", str(path_of(delivery)), stdout=io.StringIO())


def test_a_job_without_heartbeat_is_enqueued_again_by_the_worker(frozen: Delivery) -> None:
    assert building.unfinished() == [frozen.pk]
    Delivery.objects.update(seen_at=timezone.now())
    assert building.unfinished() == []
    Delivery.objects.update(seen_at=timezone.now() - building.STALLED_AFTER - timedelta(seconds=1))
    assert building.unfinished() == [frozen.pk]
    tasks.build_delivery.call(frozen.pk)
    assert building.unfinished() == []


def test_a_failure_is_stored_as_a_code_and_the_build_can_be_requested_again(
    frozen: Delivery, settings: Any, tmp_path: Path, deliveries: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.DELIVERIES_DIR = tmp_path / "file"
    assert built(frozen).failure == "file exists in file/"
    assert building.unfinished() == []
    settings.DELIVERIES_DIR = deliveries
    building.request_build(frozen, by=None)
    assert built(frozen).state == Delivery.State.READY


def test_E4_the_officer_freezes_sees_progress_and_downloads_the_package(
    signed: Letter, officer_client: Client, officer: User
) -> None:
    page = officer_client.get(f"{PAGES}freeze/{signed.pk}/").content.decode()
    assert "still waiting, and not included: <strong>1</strong>" in page and "delivered: <strong>3</strong>" in page

    answer = officer_client.post(f"{PAGES}freeze/{signed.pk}/", {"reason": "the hearing of May"})

    delivery = Delivery.objects.get()
    assert answer["Location"] == f"{PAGES}{delivery.pk}/change/"
    watched = officer_client.get(answer["Location"])
    assert watched["Refresh"] == "2" and "<progress" in watched.content.decode()
    building.build(delivery.pk)
    ready = officer_client.get(answer["Location"])
    assert "Refresh" not in ready and "Download the package" in ready.content.decode()
    taken = officer_client.post(f"{PAGES}{delivery.pk}/files/package/")
    assert taken["Content-Disposition"] == 'attachment; filename="bridge-1.zip"'
    entries = AuditEntry.objects.order_by("pk").values_list("action", "staff_id")
    own = [("state", None), ("make-edition", None)]  # what the worker does by itself
    assert list(entries) == [("freeze", officer.pk), *own, ("download", officer.pk)], "E4: before the first byte"
    content = b"".join(taken)
    assert content.startswith(b"PK")
    detail = AuditEntry.objects.get(action="download").detail
    assert (detail["rows"], detail["sha256"]) == (delivery.counts["named"], hashlib.sha256(content).hexdigest())


def test_freezing_without_a_reason_is_an_error_beside_the_field(signed: Letter, officer_client: Client) -> None:
    answer = officer_client.post(f"{PAGES}freeze/{signed.pk}/", {"reason": " "})
    assert answer.status_code == 422 and "This field is required" in answer.content.decode()
    assert not Delivery.objects.exists()


def test_a_build_is_canceled_and_requested_again(frozen: Delivery, officer_client: Client) -> None:
    officer_client.post(f"{PAGES}{frozen.pk}/files/stop/")
    assert built(frozen).state == Delivery.State.FROZEN
    assert "was stopped" in officer_client.get(f"{PAGES}{frozen.pk}/change/").content.decode()
    officer_client.post(f"{PAGES}{frozen.pk}/files/make/")
    assert built(frozen).state == Delivery.State.READY


def test_canceling_ends_the_typesetter_and_leaves_no_file(signed: Letter, deliveries: Path) -> None:
    make_many(signed, 100)
    delivery = freezing.freeze(signed, by=None, reason="the hearing")

    def stop_at(percent: int) -> None:
        if percent >= build_progress.STAGES["letter"][0]:
            building.cancel_build(delivery, by=None)

    building.build(delivery.pk, on_progress=stop_at)
    delivery.refresh_from_db()
    assert (delivery.state, files_of(deliveries)) == (Delivery.State.FROZEN, [])


def test_a_delivery_voided_during_the_build_gets_no_files(frozen: Delivery, deliveries: Path) -> None:
    def void_at(percent: int) -> None:
        if percent >= build_progress.STAGES["letter"][0] and not Delivery.objects.filter(state="void").exists():
            freezing.void(frozen, by=None, reason="a wrong date")

    building.build(frozen.pk, on_progress=void_at)
    frozen.refresh_from_db()
    assert (frozen.state, frozen.failure, files_of(deliveries)) == (Delivery.State.VOID, "", [])


def test_a_delivery_is_handed_over_acknowledged_and_shown_to_the_public(
    frozen: Delivery, officer_client: Client
) -> None:
    built(frozen)
    day = day_of(frozen)
    steps = f"{PAGES}{frozen.pk}/step/"
    assert "hand-over" in officer_client.get(f"{PAGES}{frozen.pk}/change/").content.decode()
    officer_client.post(f"{steps}hand-over/", {"on": day, "to": "The embassy", "at": "Washington", "note": "in person"})
    frozen.refresh_from_db()
    assert (frozen.state, frozen.handed_over_to, frozen.note) == ("handed-over", "The embassy", "in person")
    public = Client().get("/deliveries/bridge/1/").content.decode()
    assert "The embassy" in public and "in person" not in public
    officer_client.post(f"{steps}acknowledge/", {"on": day})
    frozen.refresh_from_db()
    assert frozen.state == "acknowledged"


def test_a_day_that_cannot_be_is_refused_beside_the_field_and_by_the_action(
    frozen: Delivery, officer_client: Client
) -> None:
    built(frozen)
    freeze_days_ago(frozen, 9)
    steps, day = f"{PAGES}{frozen.pk}/step/", day_of(frozen)
    early, later, after = (day + timedelta(days=days) for days in (-1, 3, 4))

    def refusal(step: str, on: date) -> str:
        answer = officer_client.post(f"{steps}{step}/", {"on": on, "to": "The embassy", "reason": "A slip"})
        assert answer.status_code == 422 and on.isoformat() in answer.content.decode(), "what was typed stays"
        return str(answer.context["form"].errors["on"])

    assert f"It was frozen on {day}, after this day." in refusal("hand-over", early)
    with pytest.raises(TransitionNotAllowed, match="It was frozen on"):
        freezing.hand_over(frozen, by=None, on=early, to="The embassy")
    freezing.hand_over(frozen, by=None, on=later, to="The embassy")
    assert f"It was handed over on {later}, after this day." in refusal("acknowledge", day)
    freezing.acknowledge(frozen, by=None, on=later)
    assert f"It was acknowledged on {later}, before this day." in refusal("correct-hand-over", after)
    assert "It was frozen on" in refusal("correct-hand-over", early)


@pytest.mark.parametrize(
    ("step", "typed", "sentence"),
    [
        ("hand-over", {"on": "2999-01-01", "to": "X"}, "still to come"),
        ("hand-over", {"on": "2026-05-07", "to": ""}, "This field is required"),
        ("acknowledge", {"on": "2026-05-07"}, "The delivery is ready"),
        ("void", {"reason": ""}, "This field is required"),
    ],
)
def test_an_impossible_step_is_an_error_and_keeps_what_was_typed(
    frozen: Delivery, officer_client: Client, step: str, typed: dict[str, str], sentence: str
) -> None:
    answer = officer_client.post(f"{PAGES}{built(frozen).pk}/step/{step}/", typed)
    assert answer.status_code == 422 and sentence in answer.content.decode()
    assert all(not words or words in answer.content.decode() for words in typed.values())


def test_before_handing_over_staff_see_how_many_withdrew(frozen: Delivery, officer_client: Client) -> None:
    withdrawal.withdraw(Signature.objects.get(name="Ada Lovelace"))
    page = officer_client.get(f"{PAGES}{built(frozen).pk}/step/hand-over/").content.decode()
    assert "1 signature was withdrawn" in page


def test_a_void_delivery_cannot_be_downloaded_or_read(frozen: Delivery, officer_client: Client) -> None:
    built(frozen)
    officer_client.post(f"{PAGES}{frozen.pk}/step/void/", {"reason": "a wrong date"})
    assert officer_client.post(f"{PAGES}{frozen.pk}/files/package/").status_code == 302
    assert Client().get("/deliveries/bridge/1/").status_code == 404
    assert "a wrong date" in officer_client.get(f"{PAGES}{frozen.pk}/change/").content.decode()


@pytest.mark.parametrize("who", ["moderator", "editor"])
def test_other_staff_than_delivery_officers_are_refused(
    frozen: Delivery, who: str, request: pytest.FixtureRequest
) -> None:
    client = Client()
    client.force_login(request.getfixturevalue(who))
    for page in (
        f"freeze/{frozen.letter_id}/",
        f"{frozen.pk}/step/void/",
        f"{frozen.pk}/files/package/",
        f"{frozen.pk}/change/",
    ):
        assert client.get(f"{PAGES}{page}").status_code == 403
        assert client.post(f"{PAGES}{page}", {"reason": "x"}).status_code == 403


def test_get_requests_change_nothing(frozen: Delivery, officer_client: Client) -> None:
    for what in ("package", "make", "stop"):
        assert officer_client.get(f"{PAGES}{frozen.pk}/files/{what}/").status_code == 302
    assert AuditEntry.objects.exclude(action="freeze").count() == 0


def test_reconcile_names_a_difference(frozen: Delivery, capsys: pytest.CaptureFixture[str]) -> None:
    built(frozen)
    assert [check for check in reconciliation.reconcile() if not check.holds] == []
    Signature.objects.filter(name="Never").update(
        state=State.WITHDRAWN, place=None, name="", name_key="", sort_key="", search_text=""
    )
    data = bytearray(path_of(frozen).read_bytes())
    data[data.index(b"Ada Lovelace")] ^= 1
    path_of(frozen).write_bytes(data)
    with pytest.raises(CommandError, match="do not agree"):
        call_command("reconcile", quiet=True)
    assert "DIFFERS bridge-1, digest of the package" in capsys.readouterr().out


def test_reconcile_finds_one_name_more_in_the_pdf(frozen: Delivery) -> None:
    path = path_of(built(frozen))
    with zipfile.ZipFile(path) as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    with (
        pikepdf.open(io.BytesIO(files["bridge-1/letter-with-signatories.pdf"])) as document,
        zipfile.ZipFile(path, "w") as forged,
    ):
        document.docinfo["/Keywords"] = "3 names"
        document.save(out := io.BytesIO())
        for name, content in (files | {"bridge-1/letter-with-signatories.pdf": out.getvalue()}).items():
            forged.writestr(name, content)
    broken = [str(check) for check in reconciliation.reconcile() if not check.holds]
    assert "bridge-1, names in the PDF: 3 instead of 2" in broken


def test_the_nightly_check_raises_an_alarm_on_a_difference(frozen: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    built(frozen)
    run_worker_once()
    assert not AuditEntry.objects.filter(action="alarm").exists()
    run_worker_once()
    (checked,) = AuditEntry.objects.filter(action="reconcile")
    assert checked.detail == {"delivery-drift": 0}

    path_of(frozen).unlink()
    monkeypatch.setattr(audit_log, "DAILY", timedelta(0))
    run_worker_once()
    alarms = dict(AuditEntry.objects.filter(action="alarm").values_list("detail__code", "reason"))
    assert "bridge-1, the package is there: no instead of yes" in alarms["delivery-drift"]
    assert not any("Ada" in sentence for sentence in alarms.values())


def run_worker_once() -> None:
    """Runs the worker's jobs once, without emails."""
    tasks.run_duties.enqueue()
    worker.run_tasks()


def test_reconcile_finds_a_missing_package(frozen: Delivery) -> None:
    path_of(built(frozen)).unlink()
    (broken,) = (check for check in reconciliation.reconcile() if not check.holds)
    assert str(broken) == "bridge-1, the package is there: no instead of yes"


def test_a_canary_of_every_state_and_visibility_is_only_where_it_may_be(letter: Letter) -> None:
    for state in State:
        for visibility in Visibility:
            make_signature(letter, f"Canary {state} {visibility}", state, visibility)
    delivery = built(freezing.freeze(letter, by=None, reason="the hearing"))
    with zipfile.ZipFile(path_of(delivery)) as bundle:
        document = PdfReader(io.BytesIO(bundle.read("bridge-1/letter-with-signatories.pdf")))
        text = " ".join("\n".join(page.extract_text() for page in document.pages).split())
        files = b"".join(bundle.read(name) for name in bundle.namelist() if not name.endswith(".pdf")).decode()
    for words in (text, files):
        found = {
            f"{state} {visibility}"
            for state in State
            for visibility in Visibility
            if f"Canary {state} {visibility}" in words
        }
        assert found == {"approved public", "approved delivery"}
    assert DeliveryEntry.objects.count() == 3


def test_a_statement_has_the_digest_of_the_delivery_before_it_although_that_one_is_built_later(
    frozen: Delivery, signed: Letter
) -> None:
    second, third = (freezing.freeze(signed, by=None, reason="again") for _each in range(2))
    assert built(third).state == "ready"
    second.refresh_from_db()
    frozen.refresh_from_db()
    assert (second.state, frozen.state) == ("frozen", "frozen"), "only their statements were needed"
    assert (third.claims["previous"], second.claims["previous"]) == (second.digest, frozen.digest)
    statements = [second.statement, frozen.statement]
    assert [built(each).statement for each in (second, frozen)] == statements
    assert frozen.state == second.state == "ready"


def test_a_delivery_that_was_voided_before_it_was_built_has_no_digest_for_the_next_one(
    frozen: Delivery, signed: Letter
) -> None:
    second = freezing.freeze(signed, by=None, reason="again")
    freezing.void(frozen, by=None, reason="a mistake")
    claims = built(second).claims
    assert (claims["previous"], claims["since_last"]["delivery"]) == (None, 1)
