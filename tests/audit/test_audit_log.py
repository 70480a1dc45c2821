"""The audit log records views, searches, exports and changes, without names. Staff can read it."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import cycle
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaign.models import Letter, Translation
from signatures import tasks
from signatures.audit import audit_log, checkpoints
from signatures.models import AuditEntry, Question, RejectionReason, Signature, Submission
from signatures.moderation import decisions
from signatures.outbox import sending
from signatures.registries import AuditAction
from signatures.registries.typed_fields import TYPED_NAMES
from signatures.states import ALLOWED_FROM, State
from signatures.values import tokens
from signatures.values.normalization import name_key
from tests import single_decisions
from tests.admin_forms import fill_in, rows
from tests.factories import WORDS, make_letter, make_signature
from tests.plans import reads_only
from tests.prepared import BASE
from tests.publish_page import publish_by_page

pytestmark = pytest.mark.django_db
AUDIT_LOG, QUEUE, ALL = (
    "/admin/signatures/auditentry/",
    "/admin/signatures/waitingsignature/",
    "/admin/signatures/signature/",
)
CANARY = "Canaria Zwitscher"


def entries_of(*actions: str) -> list[dict[str, Any]]:
    return [dict(entry) for entry in AuditEntry.objects.filter(action__in=actions).order_by("pk").values()]


def everything() -> str:
    return repr(list(AuditEntry.objects.values()))


def rows_on(page: Any) -> list[int]:
    return [entry.pk for entry in page.context["cl"].result_list]


# What is recorded


@pytest.mark.parametrize("page", [QUEUE, ALL])
def test_A9_opening_the_page_of_a_signer_is_recorded_without_the_name(
    moderator_client: Client, moderator: User, letter: Letter, page: str
) -> None:
    row = make_signature(letter, CANARY, State.WAITING, role=CANARY, organization=CANARY, comment=CANARY)
    assert CANARY in moderator_client.get(f"{page}{row.pk}/change/").content.decode()
    (entry,) = entries_of("view")
    assert (entry["staff_id"], entry["signature_id"], entry["letter_id"]) == (moderator.pk, row.pk, letter.pk)
    assert entry["detail"] == {"page": "waitingsignature" if page == QUEUE else "signature"}
    assert "Canaria" not in everything()


def test_A9_opening_the_side_panel_is_recorded(moderator_client: Client, letter: Letter, cleo: Signature) -> None:
    moderator_client.get(QUEUE)
    moderator_client.get(f"{QUEUE}?beside=999999999")
    assert entries_of("view") == []
    assert "Similar to" in moderator_client.get(f"{QUEUE}?beside={cleo.pk}").content.decode()
    (entry,) = entries_of("view")
    assert (entry["signature_id"], entry["detail"]) == (cleo.pk, {"page": "beside"})


@pytest.mark.parametrize(("page", "name"), [(QUEUE, "waitingsignature"), (ALL, "signature")])
def test_A9_a_search_is_recorded_without_the_search_words(
    moderator_client: Client, moderator: User, letter: Letter, page: str, name: str
) -> None:
    make_signature(letter, CANARY, State.WAITING)
    assert CANARY in moderator_client.get(page, {"q": "canaria"}).content.decode()
    moderator_client.get(page, {"q": "nobody at all"})
    assert [(entry["staff_id"], entry["detail"]) for entry in entries_of("search")] == [
        (moderator.pk, {"page": name, "found": 1}),
        (moderator.pk, {"page": name, "found": 0}),
    ]
    assert "anaria" not in everything() and "nobody" not in everything()


def test_a_refused_view_is_not_recorded(editor: User, client: Client, cleo: Signature) -> None:
    client.force_login(editor)
    for address in (
        f"{QUEUE}{cleo.pk}/change/",
        f"{ALL}{cleo.pk}/change/",
        f"{ALL}?q=Cleo",
        f"{QUEUE}?beside={cleo.pk}",
    ):
        assert client.get(address).status_code == 403
    assert entries_of("view", "search") == []


def test_A9_an_export_is_recorded_without_names(officer: User, client: Client, ada: Signature) -> None:
    client.force_login(officer)
    page = client.post(f"/admin/signatures/signedletter/{ada.letter_id}/export/csv/", {"reason": "the hearing"})
    body = b"".join(page.streaming_content)  # type: ignore[attr-defined]  # a file
    assert "Ada Lovelace" in body.decode("utf-8-sig")
    (entry,) = entries_of("export")
    assert (entry["staff_id"], entry["letter_id"], entry["reason"]) == (officer.pk, ada.letter_id, "the hearing")
    assert entry["detail"] == {"form": "csv", "rows": 1, "sha256": hashlib.sha256(body).hexdigest()}
    assert "Ada" not in everything()


def test_views_do_not_affect_undo_and_automatic_approval(
    moderator_client: Client, moderator: User, letter: Letter, cleo: Signature
) -> None:
    single_decisions.reject(cleo, by=moderator.pk, reason="why")
    moderator_client.get(f"{ALL}{cleo.pk}/change/")
    assert decisions.undo(cleo, by=moderator.pk).state == State.WAITING

    other = make_signature(letter, "Other", State.WAITING)
    moderator_client.get(f"{ALL}{other.pk}/change/")
    letter.moderation = Letter.Moderation.AFTER
    letter.save()
    assert tasks.run_duties.call() == {}
    other.refresh_from_db()
    assert other.state == State.APPROVED, "looking is no decision"


def test_undoing_my_decision_leaves_signatures_alone_that_i_only_viewed(moderator: User, letter: Letter) -> None:
    first, looked, last = (make_signature(letter, f"Row {n}", State.WAITING) for n in range(3))
    single_decisions.approve(first, by=moderator.pk)
    begin = AuditEntry.objects.latest("pk").pk
    audit_log.record_view(looked, by=moderator.pk, page="waitingsignature")
    single_decisions.approve(last, by=moderator.pk)
    end = AuditEntry.objects.latest("pk").pk
    assert sorted(audit_log.signatures_changed_by(moderator.pk, begin, end)) == [first.pk, last.pk]


def post_form(client: Client, address: str, **changed: str) -> Any:
    """Post the form of an admin page with its current values, except for these fields."""
    form = client.get(address).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields}
    data = {name: "" if value is None else str(value) for name, value in fields.items()}
    for name in [name for name, value in fields.items() if isinstance(value, datetime)]:
        data |= {f"{name}_0": f"{fields[name]:%Y-%m-%d}", f"{name}_1": f"{fields[name]:%H:%M:%S}"}
    return client.post(address, {**data, **changed, "_save": "1"})


STEPS: dict[str, dict[str, str]] = {
    "recipient": {"recipient": CANARY},
    "signing": {"state": "paused", "goal": "5"},
    "letterhead": {"head_name": CANARY},
    "answers": {"organization_name": CANARY, "contact_email": "x@example.org"},
}


def test_a_changed_letter_is_recorded_with_choices_and_numbers_but_no_words(
    admin_client: Client, admin_user: User, letter: Letter
) -> None:
    for step, changed in STEPS.items():
        page = f"/admin/campaign/letter/{letter.pk}/step/{step}/"
        answer = admin_client.post(page, fill_in(admin_client, page, **changed))
        assert answer.status_code == 302, answer.context["errors"]
    entries = entries_of("set-letter")
    assert {(entry["staff_id"], entry["letter_id"]) for entry in entries} == {(admin_user.pk, letter.pk)}
    assert [entry["reason"] for entry in entries] == [
        "recipient", "state: open → paused, goal: 1000 → 5", "head_name", "organization_name, contact_email",
    ]  # fmt: skip


def test_changed_and_published_texts_are_recorded_by_number(editor: User, client: Client, letter: Letter) -> None:
    client.force_login(editor)
    page = f"/admin/campaign/translation/add/?letter={letter.pk}"
    typed = fill_in(client, page, language="ko", title=CANARY, body=CANARY, **rows("signatories", (CANARY, "Chair")))
    answer = client.post(page, typed)
    assert answer.status_code == 302, answer.context["errors"]
    text = Translation.objects.get(language="ko")
    (entry,) = entries_of("set-translation")
    assert (entry["staff_id"], entry["letter_id"], entry["detail"]) == (editor.pk, letter.pk, {"row": text.pk})
    assert "title" in entry["reason"] and CANARY not in everything() and WORDS["title"] not in everything()

    publish_by_page(client, text)
    text.refresh_from_db()
    assert text.published_at is not None
    (entry,) = entries_of("publish")
    assert (entry["staff_id"], entry["letter_id"], entry["detail"]) == (
        editor.pk, letter.pk, {"row": text.pk, "revision": 1, "language": "ko"},
    )  # fmt: skip


def test_a_changed_or_removed_reason_is_recorded_without_its_words(admin_client: Client) -> None:
    row = RejectionReason.objects.all()[0]
    base = f"/admin/signatures/rejectionreason/{row.pk}"
    post_form(admin_client, f"{base}/change/", text=CANARY, place="3")
    admin_client.post(f"{base}/delete/", {"post": "yes"})
    assert [entry["reason"] for entry in entries_of("set-rejectionreason")] == ["text, place: 1 → 3"]
    assert [entry["detail"] for entry in entries_of("remove-rejectionreason")] == [{"row": row.pk}]
    assert "Canaria" not in everything()


def test_audited_rows_cannot_be_deleted_in_bulk(admin_client: Client, letter: Letter) -> None:
    for page in ("signatures/ratelimit", "signatures/question", "campaign/letter", "campaign/translation"):
        assert "delete_selected" not in admin_client.get(f"/admin/{page}/").content.decode()
    assert 'value="publish"' in admin_client.get("/admin/campaign/translation/").content.decode()


def test_every_transition_has_an_audit_action_with_a_sentence() -> None:
    assert set(ALLOWED_FROM) <= set(AuditAction)
    assert all(action.sentence.endswith(".") and len(action) <= 30 for action in AuditAction)


# Reading it


def test_a_row_shows_time_action_signature_staff_and_whether_a_checkpoint_covers_it(
    moderator_client: Client, moderator: User, cleo: Signature
) -> None:
    single_decisions.reject(cleo, by=moderator.pk, reason="Not a name")
    checkpoints.create_checkpoint()
    audit_log.record(AuditAction.SET_RATELIMIT, staff_id=4711, reason="max_count: 1 → 2")
    text = moderator_client.get(AUDIT_LOG).content.decode()
    assert "Rejected. waiting → rejected" in text and "Not a name" in text and "bridge" in text
    assert f'<a href="{ALL}{cleo.pk}/change/">{cleo.pk}</a>' in text
    assert f'<a href="{AUDIT_LOG}?staff={moderator.pk}">moderator ({moderator.pk})</a>' in text
    assert "Added or changed a rate limit." in text and f'<a href="{AUDIT_LOG}?staff=4711">4711</a>' in text
    assert (
        text.count('<td class="field-in_checkpoint">yes</td>')
        == text.count('<td class="field-in_checkpoint">not yet</td>')
        == 1
    )
    assert moderator_client.get(f"{AUDIT_LOG}{AuditEntry.objects.latest('pk').pk}/change/").status_code == 200
    assert moderator_client.get(f"{AUDIT_LOG}987654321/change/", follow=True).status_code == 200


def test_staff_who_may_not_view_signatures_get_no_links_to_them(officer: User, client: Client, cleo: Signature) -> None:
    single_decisions.reject(cleo, by=officer.pk, reason="why")
    client.force_login(officer)
    assert f"{ALL}{cleo.pk}/change/" not in client.get(AUDIT_LOG).content.decode()


def test_filters_find_by_kind_day_staff_letter_and_signature(
    moderator_client: Client, moderator: User, cleo: Signature
) -> None:
    other = make_letter("other")
    single_decisions.approve(cleo, by=moderator.pk)
    audit_log.record(AuditAction.PRUNE)
    audit_log.record(AuditAction.SET_LETTER, staff_id=4711, letter_id=other.pk)
    old = AuditEntry.objects.create(action="view", staff_id=moderator.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE signatures_auditentry SET at = '2026-01-31 23:59:59.9+00' WHERE id = %s", [old.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    approved, pruned, changed = (
        AuditEntry.objects.get(action=action).pk for action in ("approve", "prune", "set-letter")
    )
    today = datetime.now(UTC).date().isoformat()
    for query, found in {
        "": [changed, pruned, approved, old.pk],
        "kind=decisions": [approved],
        "kind=program": [pruned],
        "kind=settings": [changed],
        "kind=views": [old.pk],
        "day=2026-01-31": [old.pk],
        "day=2026-02-01": [],
        f"day={today}": [changed, pruned, approved],
        f"staff={moderator.pk}": [approved, old.pk],
        "staff=4711": [changed],
        "staff=none": [pruned],
        f"letter={other.pk}": [changed],
        f"signature={cleo.pk}": [approved],
        f"staff={moderator.pk}&day={today}": [approved],
    }.items():
        assert rows_on(moderator_client.get(f"{AUDIT_LOG}?{query}")) == found, query
    kept = moderator_client.get(f"{AUDIT_LOG}?staff={moderator.pk}&day={today}").content.decode()
    assert f'<input type="hidden" name="staff" value="{moderator.pk}">' in kept, "a typed filter keeps the others"


@pytest.mark.parametrize("value", ["x", "-1", "9" * 30, "١", "'; DROP", "%", "\x00", "9999-12-31", "2026-02-30"])
def test_S15_an_invalid_filter_shows_an_error_and_finds_nothing(
    moderator_client: Client, cleo: Signature, value: str
) -> None:
    single_decisions.reject(cleo, by=1, reason="why")
    for name, words in {"day": "Please give a day", "signature": "Please give the number"}.items():
        page = moderator_client.get(AUDIT_LOG, {name: value})
        assert page.status_code == 200 and rows_on(page) == [] and words in page.content.decode()
    for name in ("staff", "letter"):
        assert rows_on(moderator_client.get(AUDIT_LOG, {name: value})) == []
    assert moderator_client.get(AUDIT_LOG, {"kind": value}).status_code == 200


@pytest.mark.parametrize("query", ["", "kind=decisions", "staff=1", "day=2026-11-25", "signature=1"])
def test_the_audit_log_takes_at_most_twelve_statements(moderator_client: Client, letter: Letter, query: str) -> None:
    for number in range(60):
        audit_log.record(AuditAction.APPROVE, staff_id=number % 7, letter_id=letter.pk, signature_id=number)
    moderator_client.get(AUDIT_LOG)
    with CaptureQueriesContext(connection) as statements:
        assert moderator_client.get(f"{AUDIT_LOG}?{query}").status_code == 200
    assert len(statements) <= 12


@pytest.mark.parametrize(
    ("query", "index", "sorted_later"),
    [("", "audit_by_day", False), ("day=2026-11-25", "audit_by_day", False), ("kind=exports", "audit_by_action", True),
     ("staff=3", "audit_of_staff", False), ("signature=3", "audit_of_signature", True)],
)  # fmt: skip
def test_each_filter_reads_an_index_and_not_the_table(
    moderator_client: Client, query: str, index: str, sorted_later: bool
) -> None:
    rows = moderator_client.get(f"{AUDIT_LOG}?{query}").context["cl"].queryset
    assert reads_only(rows[:50], index, sorted_later=sorted_later)


# The limited role


@pytest.fixture
def limited_role(letter: Letter) -> Iterator[None]:
    """From here on the database knows us as the role that docs/operate/go-live.md tells operators to make."""
    page = (BASE / "docs/operate/go-live.md").read_text(encoding="utf-8")
    sql = page.partition("### A limited database role")[2].partition("```sql\n")[2].partition("```")[0]
    assert sql.count(";") == 7
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.execute("SET LOCAL ROLE undersigned_site")
        yield
        cursor.execute("RESET ROLE")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE signatures_auditentry SET reason = 'other'",
        "DELETE FROM signatures_auditentry",
        "TRUNCATE signatures_auditentry",
        "ALTER TABLE signatures_auditentry DISABLE TRIGGER audit_entries_are_append_only",
        "ALTER TABLE signatures_auditentry DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_entries_are_append_only ON signatures_auditentry",
        "DROP TABLE signatures_auditentry",
        "CREATE OR REPLACE FUNCTION signatures_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "SET session_replication_role = replica",
        "SELECT setval(pg_get_serial_sequence('signatures_auditentry', 'id'), 1)",
        "UPDATE signatures_checkpoint SET digest = ''",
        "DELETE FROM signatures_checkpoint",
        "TRUNCATE signatures_checkpoint",
        "ALTER TABLE signatures_checkpoint DISABLE TRIGGER checkpoints_are_append_only",
        "DELETE FROM django_migrations",
        "CREATE TABLE signatures_other (id int)",
    ],
)
def test_A8_the_limited_role_cannot_touch_what_was_done(ada: Signature, limited_role: None, statement: str) -> None:
    audit_log.record(AuditAction.ALARM)
    checkpoints.create_checkpoint()
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)
    assert checkpoints.verify().entries == 1


def test_A8_the_ordinary_work_of_the_site_goes_through_as_the_limited_role(
    client: Client, form: dict[str, str], words: dict[str, str], moderator: User, officer: User, limited_role: None
) -> None:
    client.post("/letters/bridge/sign/", form)
    submitted = Submission.objects.get()
    sending.send_due()
    client.post(f"/signature/{tokens.personal_token(submitted.public_id)}/", {**words, "action": "confirm"})
    row = Signature.objects.get()
    moderator_client = Client()
    moderator_client.force_login(moderator)
    moderator_client.post(QUEUE, {"decide": f"approve:{row.pk}"})
    moderator_client.get(f"{ALL}{row.pk}/change/")
    assert "Dora Maar" in client.get("/letters/bridge/signatories/").content.decode()
    moderator_client.force_login(officer)
    page = moderator_client.post(
        f"/admin/signatures/signedletter/{row.letter_id}/export/csv/", {"reason": "the hearing"}
    )
    assert "Dora Maar" in b"".join(page.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # a file
    assert tasks.run_duties.call() == {}
    assert tasks.run_duties.call(["create-checkpoint"]) == {}
    client.post(f"/signature/{tokens.personal_token(row.public_id)}/", {"action": "erase"})
    call_command(migrate.Command(), verbosity=0)  # our own opens a connection, which sees nothing of this test

    assert not Signature.objects.exists()
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions == {"confirm", "approve", "view", "export", "prune", "recount", "reconcile", "erase"}
    assert checkpoints.verify().entries == 7 and checkpoints.verify().unchecked == 1


def test_A18_a_change_that_changes_nothing_writes_no_entry(client: Client, ada: Signature) -> None:
    page = f"/signature/{tokens.personal_token(ada.public_id)}/"
    same = {name: getattr(ada, name) for name in TYPED_NAMES}
    for _time in range(30):
        assert client.post(page, {**same, "action": "change"}).status_code == 303
    assert not AuditEntry.objects.exists()
    client.post(page, {**same, "role": "Mathematician", "action": "change"})
    assert [entry.action for entry in AuditEntry.objects.all()] == ["change"]


def test_A18_submissions_write_no_entry(client: Client, form: dict[str, str]) -> None:
    for n in range(30):
        client.post("/letters/bridge/sign/", {**form, "email": f"n{n}@example.org"})
    assert Submission.objects.count() == 30
    assert not AuditEntry.objects.exists()


# XSS


class Shape(HTMLParser):
    """How many there are of each element, and of each attribute that can hold script."""

    def __init__(self, page: Any) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self.feed(page.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] += 1
        for name, value in attrs:
            if (
                name.startswith("on")
                or name in {"style", "srcdoc"}
                or (value or "").strip().lower().startswith("javascript:")
            ):
                self.found[f"{tag} {name}"] += 1


PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "'><iframe srcdoc='<script>alert(1)</script>'>",
    "</title></textarea></script></style><b>x",
    "</bdi></td></tr></table><form action=//evil.example>",
    "<a href=javascript:alert(1)>x</a>",
    '" autofocus onfocus=alert(1) x="',
    "{{ 7|add:7 }}{% debug %}<!--",
    "&lt;script&gt;&#60;script&#62;",
    "＜script＞\u2028<ScRiPt >",
]
FILTERS = {
    QUEUE: ("q", "flagged", "country"),
    ALL: ("q", "state__exact", "language"),
    AUDIT_LOG: ("kind", "day", "staff", "letter", "signature"),
}


@pytest.mark.slow
def test_S14_A10_what_a_signer_wrote_adds_no_element_to_any_page_of_staff(
    admin_client: Client, admin_user: User, letter: Letter
) -> None:
    def shapes(payloads: list[str]) -> dict[str, Counter[str]]:
        """Of all pages that show these words, or get them in their address; then as if they had never been."""
        alike = name_key("what all have in common")
        pages = {
            "queue": QUEUE,
            "queue, filtered": f"{QUEUE}?flagged=link",
            "all": ALL,
            "all, filtered": f"{ALL}?state__exact=rejected",
            "audit log": AUDIT_LOG,
            "reasons": "/admin/signatures/rejectionreason/",
            "index": "/admin/",
        }
        with transaction.atomic():
            for place, word in enumerate(payloads):
                RejectionReason.objects.create(text=f"{place}{word}")
                Question.objects.create(code=f"x{place}", language="en", text=word)
                comment = f"{word} {chr(ord('a') + place)}"  # the queue tells which comments are alike
                words: dict[str, Any] = {"role": word, "organization": word, "comment": comment, "name_key": alike}
                row = make_signature(letter, word, State.WAITING, flags=["link"], **words)
                single_decisions.reject(
                    make_signature(letter, word, State.WAITING, **words), by=admin_user.pk, reason=word
                )
                entry = AuditEntry.objects.latest("pk").pk
                if place and payloads is not PAYLOADS:
                    continue  # their own pages of the harmless ones are all alike
                pages |= {
                    f"{place} side panel": f"{QUEUE}?flagged=link&beside={row.pk}",
                    f"{place} page": f"{QUEUE}{row.pk}/change/",
                    f"{place} history": f"{ALL}{row.pk}/history/",
                    f"{place} entry": f"{AUDIT_LOG}{entry}/change/",
                }
            found = {}
            chosen = cycle(payloads)
            for page, names in FILTERS.items():
                for name in names:
                    answer = admin_client.get(page, {name: f"qqq {next(chosen)}"}, follow=True)
                    assert answer.status_code == 200
                    found[f"{page}?{name}"] = Shape(answer).found
            found |= {name: Shape(admin_client.get(address)).found for name, address in pages.items()}
            transaction.set_rollback(True)
        return found

    harmless = shapes([f"Harmless {place}" for place in range(len(PAYLOADS))])
    for name, shape in shapes(PAYLOADS).items():
        alike = name.replace(name.partition(" ")[0], "0", 1)
        assert shape == (harmless[name] if name in harmless else harmless[alike]), name
