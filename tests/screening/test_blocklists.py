"""What staff want to look at whenever it comes: it flags, never refuses, and is tried before it is switched on."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaign.models import Letter
from signatures.models import AuditEntry, BlocklistEntry, Signature, Submission
from signatures.moderation import decisions, switches
from signatures.screening import blocklist_trial, blocklists, rate_limits
from signatures.states import State
from signatures.values import sealing, tokens
from tests.factories import make_many, make_signature, make_submission

SIGN = "/letters/bridge/sign/"
LISTS = "/admin/signatures/blocklistentry/"
pytestmark = pytest.mark.django_db


def block(kind: str, value: str, *, on: bool = True, **fields: Any) -> BlocklistEntry:
    if kind == "network":
        fields.setdefault("expires_at", timezone.now() + timedelta(hours=72))
    made = BlocklistEntry.objects.create(kind=kind, value=blocklists.clean_value(kind, value), is_on=on, **fields)
    blocklists.clear_cache()
    return made


def raised(words: dict[str, str] | None = None, **more: Any) -> list[str]:
    return blocklists.flags(words or {}, **more)


def test_what_is_on_a_list_is_accepted_with_the_same_answer_and_waits_for_review(
    client: Client, form: dict[str, str]
) -> None:
    plain = client.post(SIGN, form)
    block("domain", "*.mailbot.example")
    block("network", "198.51.0.0/16")
    block("word", "lapdogs")
    block("name", "Mallory Troll")
    sent: list[tuple[dict[str, str], str, list[str]]] = [
        ({"email": "a@x.mailbot.example"}, "203.0.113.1", ["blocked"]),
        ({"email": "b@example.org"}, "198.51.100.7", ["blocked"]),
        ({"email": "c@example.org", "comment": "You LAPDOGS!"}, "203.0.113.1", ["blocked-word"]),
        ({"email": "d@example.org", "name": "troll, MÁLLORY"}, "203.0.113.1", ["blocked-word"]),
        ({"email": "e@example.org"}, "203.0.113.1", []),
    ]
    for number, (typed, address, flags) in enumerate(sent):
        answer = client.post(SIGN, {"name": f"Person {number}", **form, **typed}, REMOTE_ADDR=address)
        assert (answer.status_code, answer["Location"], dict(answer.items())) == (
            303,
            plain["Location"],
            dict(plain.items()),
        )
        assert Submission.objects.latest("pk").flags == flags, typed


@pytest.mark.parametrize(
    ("value", "domain", "found"),
    [
        ("mailbot.example", "mailbot.example", True),
        ("mailbot.example", "x.mailbot.example", False),
        ("*.mailbot.example", "a.b.mailbot.example", True),
        ("*.mailbot.example", "mailbot.example", False),
        ("mail-??.example", "mail-07.example", True),
        ("mail-??.example", "mail-7.example", False),
        ("*mailbot.example", "mymailbot.example", True),
        ("*.mailbot.example", "a.mailbot.example.org", False),
        ("@MailBot.Example.", "mailbot.example", True),
        ("straße.example", "xn--strae-oqa.example", True),
    ],
)
def test_a_mail_domain_is_a_glob(value: str, domain: str, found: bool) -> None:
    block("domain", value)
    assert raised(domain=domain) == (["blocked"] if found else [])


@pytest.mark.parametrize(
    ("value", "network", "found"),
    [
        ("203.0.113.0/24", "203.0.113.0/24", True),
        ("203.0.112.0/23", "203.0.113.0/24", True),
        ("203.0.112.0/24", "203.0.113.0/24", False),
        ("2001:db8::/32", "2001:db8:0:7::/64", True),
        ("2001:db8::/32", "203.0.113.0/24", False),
        ("203.0.113.0/24", "unknown", False),
    ],
)
def test_a_network_holds_all_that_lies_in_it(value: str, network: str, found: bool) -> None:
    block("network", value)
    assert raised(network=network) == (["blocked"] if found else [])


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("scum", "You SCUM!", True),
        ("scum", "ｓｃｕｍ", True),
        ("scum", "scúm", True),
        ("scum", "s-c-u-m", True),
        ("scum", "Scumacher", False),
        ("scum", "Martinscum", False),
        ("running dogs", "the  running-dogs of", True),
        ("running dogs", "running with dogs", False),
        ("ёлка", "ЕЛКА", True),
        ("走狗", "你们都是走狗", True),
        ("走狗", "走 狗", True),
        ("走狗", "走路的狗", False),
        ("매국노", "이매국노들", True),
        ("バカ", "ﾊﾞｶ野郎", True),
        ("सीता", "सीता राम", True),
        ("सी", "सीता", False),
    ],
)
def test_S11_a_slur_is_found_as_a_whole_word_or_within_writing_that_has_no_spaces(
    word: str, text: str, found: bool
) -> None:
    block("word", word)
    for field in ("name", "role", "organization", "comment"):
        assert raised({field: text}) == (["blocked-word"] if found else []), field


@pytest.mark.parametrize(
    ("name", "typed", "found"),
    [
        ("José Pérez", "perez JOSE", True),
        ("José Pérez", "José Pérez López", False),
        ("金正恩", "金正恩", True),
        ("金正恩", "金正", False),
    ],
)
def test_S11_a_name_is_compared_by_its_key(name: str, typed: str, found: bool) -> None:
    block("name", name)
    assert raised({"name": typed}) == (["blocked-word"] if found else [])
    assert raised({"comment": typed}) == [], "a name alone, not a word"


@pytest.mark.parametrize("moderation", ["before", "after"])
@pytest.mark.parametrize(
    "typed",
    [
        {"name": "Хi Jinping"},
        {"name": "Minister of Bridges"},
        {"name": "Grace Hopper"},
        {"name": "Filthy Scum"},
        {"role": "scum hunter"},
        {"role": "see www.example.com"},
        {"organization": "spam.example.top t.me/spam"},
        {"comment": "https://example.com"},
    ],
)
def test_S11_none_of_these_stands_without_a_person_whatever_the_letter_says(
    client: Client, letter: Letter, form: dict[str, str], moderation: str, typed: dict[str, str]
) -> None:
    Letter.objects.update(moderation=moderation)
    block("word", "scum")
    client.post(SIGN, {**form, **typed})
    submitted = Submission.objects.get()

    client.post(f"/signature/{tokens.personal_token(submitted.public_id)}/", {**form, **typed, "action": "confirm"})
    decisions.approve_unflagged()

    row = Signature.objects.get()
    assert row.state == State.WAITING
    assert row.flags
    assert not Signature.objects.public().exists()


def test_S11_words_are_looked_up_while_confirming_and_changing_and_their_flag_goes_with_them(
    client: Client, ben: Submission, words: dict[str, str]
) -> None:
    block("word", "scum")
    page = f"/signature/{tokens.personal_token(ben.public_id)}/"

    client.post(page, {**words, "comment": "scum", "action": "confirm"})
    signed = Signature.objects.get(pk=ben.pk)
    assert (signed.state, signed.flags) == (State.WAITING, ["blocked-word"])

    client.post(page, {**words, "comment": "Sorry.", "action": "change"})
    signed.refresh_from_db()
    assert signed.flags == []

    client.post(page, {**words, "role": "scum", "action": "change"})
    signed.refresh_from_db()
    assert signed.flags == ["blocked-word"]


def test_how_it_came_still_counts_when_the_words_change(client: Client, ben: Submission, words: dict[str, str]) -> None:
    Submission.objects.filter(pk=ben.pk).update(flags=["blocked"])
    client.post(f"/signature/{tokens.personal_token(ben.public_id)}/", {**words, "action": "confirm"})
    assert Signature.objects.get(pk=ben.pk).flags == ["blocked"]


def test_the_lists_cost_no_query_for_each_sign_up(client: Client, form: dict[str, str]) -> None:
    for n in range(30):
        block("word", f"slur{n}")
    client.post(SIGN, form)
    with CaptureQueriesContext(connection) as asked:
        client.post(SIGN, {**form, "email": "other@example.org"})
    assert not [query for query in asked if "signatures_blocklistentry" in query["sql"]]


def test_a_block_that_is_off_or_over_does_nothing_and_one_that_ends_is_over_at_once(monkeypatch: Any) -> None:
    block("word", "off", on=False)
    block("word", "over", expires_at=timezone.now() - timedelta(seconds=1))
    soon = timezone.now() + timedelta(seconds=4)
    block("word", "soon", expires_at=soon)
    assert [raised({"name": word}) for word in ("off", "over", "soon")] == [[], [], ["blocked-word"]]

    clock = time.monotonic() + 5  # within the ten seconds that the lists are kept
    monkeypatch.setattr("campaign.runtime.expiring_cache.time.monotonic", lambda: clock)
    monkeypatch.setattr("django.utils.timezone.now", lambda: soon)
    assert raised({"name": "soon"}) == []


# Bad blocks


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("domain", "mailbot"),
        ("domain", "*.*"),
        ("domain", "a b.example"),
        ("domain", "[ab].example"),
        ("network", "203.0.113.7"),
        ("network", "203.0.113.0/25"),
        ("network", "2001:db8::/65"),
        ("network", "0.0.0.0/0"),
        ("network", "::/0"),
        ("network", "mailbot.example"),
        ("word", "!!!"),
        ("name", "…"),
    ],
)
def test_an_invalid_entry_is_an_error_beside_the_field(admin_client: Client, kind: str, value: str) -> None:
    answer = admin_client.post(f"{LISTS}add/", {"kind": kind, "value": value})
    assert answer.status_code == 200
    assert answer.context["errors"]
    assert "value" in answer.context["adminform"].form.errors
    assert not BlocklistEntry.objects.exists()


def test_a_network_expires_after_72_hours_and_after_thirty_days_at_most(admin_client: Client) -> None:
    admin_client.post(f"{LISTS}add/", {"kind": "network", "value": "203.0.113.0/24"})
    made = BlocklistEntry.objects.get()
    assert made.expires_at == made.made_at + timedelta(hours=72)

    later = timezone.now() + timedelta(days=31)
    answer = admin_client.post(
        f"{LISTS}{made.pk}/change/",
        {"expires_at_0": later.strftime("%Y-%m-%d"), "expires_at_1": "12:00", "note": ""},
    )
    assert "expires_at" in answer.context["adminform"].form.errors
    for expires in (None, made.made_at + timedelta(days=31)):
        with pytest.raises(IntegrityError, match="a_blocked_network_expires"), transaction.atomic():
            BlocklistEntry.objects.filter(pk=made.pk).update(expires_at=expires)


# The trial


def sign_up(client: Client, form: dict[str, str], number: int, address: str = "203.0.113.7", **typed: str) -> None:
    client.post(SIGN, {**form, "email": f"p{number}@example.org", **typed}, REMOTE_ADDR=address)


@pytest.mark.parametrize(
    ("kind", "value", "flagged"),
    [
        ("domain", "mailbot.example", 1),
        ("domain", "*.mailbot.example", 2),
        ("domain", "a.mailbot.example", 1),
        ("network", "198.51.100.0/24", 2),
        ("network", "198.51.0.0/16", 3),
        ("network", "2001:db8::/56", 1),
        ("word", "scum", 3),
        ("word", "走狗", 1),
        ("name", "Ada Löve", 2),
    ],
)
def test_the_trial_shows_what_the_live_flag_would_have_done(
    client: Client, form: dict[str, str], kind: str, value: str, flagged: int
) -> None:
    sent: list[tuple[str, dict[str, str]]] = [
        ("203.0.113.7", {"email": "a@mailbot.example"}),
        ("203.0.113.7", {"email": "a@a.mailbot.example"}),
        ("203.0.113.7", {"email": "a@b.c.mailbot.example"}),
        ("198.51.100.9", {"name": "SCUM"}),
        ("198.51.100.200", {"role": "Ｓcum"}),
        ("198.51.7.1", {"comment": "what s.c.u.m"}),
        ("2001:db8:0:7::1", {"organization": "走 狗"}),
        ("2001:db9::1", {"name": "Ada Love"}),
        ("unknown", {"name": "LOVE, Ada"}),
    ]
    if kind == "domain" and value == "a.mailbot.example":
        sent[2][1]["email"] = "x@b.mailbot.example"
    made = block(kind, value, on=False)
    for number, (address, typed) in enumerate(sent):
        sign_up(client, form, number, address, **typed)
    trial = blocklist_trial.try_entry(made, may_read_digests=True)
    Submission.objects.all().delete()
    switches.switch_blocklist_entry(made, on=True, by=1)
    for number, (address, typed) in enumerate(sent):
        sign_up(client, form, number, address, **typed)

    live = Submission.objects.filter(flags__overlap=["blocked", "blocked-word"]).count()

    assert trial.flagged == live == flagged


def test_the_trial_counts_those_of_the_week_and_how_many_were_approved(letter: Letter) -> None:
    make_many(letter, 2, comment="scum")
    make_signature(letter, "Mallory", State.REJECTED, comment="scum")
    submitted = make_submission(letter, "Scum")
    make_signature(letter, "Old Scum", State.APPROVED, signed_up_at=timezone.now() - timedelta(days=8))
    made = block("word", "scum", on=False)

    trial = blocklist_trial.try_entry(made, may_read_digests=True)

    assert (trial.flagged, trial.approved, len(trial.examples)) == (4, 2, 4)
    assert trial.examples[0] == submitted, "the newest first, confirmed or not"
    assert blocklist_trial.try_entry(block("name", "scum", on=False), may_read_digests=True).flagged == 1


def test_the_trial_of_a_network_reaches_back_over_its_daily_keys(letter: Letter) -> None:
    for hours in (1, 20, 45, 70, 73):
        at = timezone.now() - timedelta(hours=hours)
        make_signature(
            letter, f"Of {hours}", signed_up_at=at, network=rate_limits.network_digest("198.51.100.0/24", at)
        )
    trial = blocklist_trial.try_entry(block("network", "198.51.100.0/22", on=False), may_read_digests=True)
    assert (trial.flagged, trial.hours) == (4, 72)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("domain", "mail-??.example"), ("domain", "*bot.example"), ("domain", "*.example"), ("network", "10.0.0.0/8")],
)
def test_what_cannot_be_tried_is_said_plainly(admin_client: Client, kind: str, value: str) -> None:
    made = block(kind, value, on=False)
    trial = blocklist_trial.try_entry(made, may_read_digests=True)
    assert trial.cannot
    page = admin_client.get(f"{LISTS}{made.pk}/try/").content.decode()
    assert str(trial.cannot) in page
    assert "would have flagged" not in page


def test_a_trial_that_would_read_too_much_reads_the_newest_and_says_so(
    moderator_client: Client, letter: Letter, monkeypatch: Any
) -> None:
    monkeypatch.setattr(blocklist_trial, "MAX_READ", 3)
    make_many(letter, 5, comment="scum")
    made = block("word", "scum", on=False)
    assert (
        blocklist_trial.try_entry(made, may_read_digests=True).flagged,
        blocklist_trial.try_entry(made, may_read_digests=True).only_newest,
    ) == (3, 3)
    assert "Only the newest 3" in moderator_client.get(f"{LISTS}{made.pk}/try/").content.decode()


def test_a_trial_shows_twenty_examples_with_links_in_few_statements(moderator_client: Client, letter: Letter) -> None:
    rows = make_many(letter, 25, comment="scum")
    made = block("word", "scum", on=False)
    with CaptureQueriesContext(connection) as asked:
        page = moderator_client.get(f"{LISTS}{made.pk}/try/").content.decode()
    assert len(asked) <= 12
    assert "<b>25</b> of the sign-ups of the last week" in page
    assert len(set(re.findall(r"/admin/signatures/signature/\d+/change/", page))) == 20
    assert f"/admin/signatures/signature/{rows[-1].pk}/change/" in page


# Admin and the audit log


def test_an_owner_adds_tries_switches_on_and_ends_and_the_audit_log_never_has_the_value(
    admin_client: Client, admin_user: User
) -> None:
    answer = admin_client.post(f"{LISTS}add/", {"kind": "name", "value": "Mallory Troll", "note": "seen on Telegram"})
    made = BlocklistEntry.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{LISTS}{made.pk}/try/")
    assert (made.is_on, made.made_by) == (False, admin_user.pk)
    assert admin_client.get(f"{LISTS}{made.pk}/try/").status_code == 200

    assert raised({"name": "Mallory Troll"}) == []
    admin_client.post(f"{LISTS}{made.pk}/try/", {"action": "on"})
    assert raised({"name": "Mallory Troll"}) == ["blocked-word"]
    admin_client.post(f"{LISTS}{made.pk}/try/", {"action": "off"})
    assert raised({"name": "Mallory Troll"}) == []
    admin_client.post(f"{LISTS}{made.pk}/change/", {"note": "still Mallory"})
    admin_client.post(f"{LISTS}{made.pk}/try/", {"action": "end"})
    page = admin_client.get(LISTS).content.decode()
    assert "expired" in page
    assert "Mallory" in page
    admin_client.post(f"{LISTS}{made.pk}/try/", {"action": "on"})
    made.refresh_from_db()
    assert not made.is_on, "what is over cannot be switched on"
    admin_client.post(f"{LISTS}{made.pk}/delete/", {"post": "yes"})

    entries = AuditEntry.objects.order_by("pk")
    actions = [
        "set-blocklistentry",
        "block-tried",
        "block-on",
        "block-off",
        "set-blocklistentry",
        "block-end",
        "remove-blocklistentry",
    ]
    assert [entry.action for entry in entries] == actions
    assert {(entry.staff_id, entry.detail["row"]) for entry in entries} == {(admin_user.pk, made.pk)}
    stored = [*entries.values_list("reason", "detail"), *LogEntry.objects.values_list("object_repr", "change_message")]
    assert "Mallory" not in str(stored)
    assert "Telegram" not in str(stored)


def test_kind_and_value_of_an_entry_never_change(admin_client: Client) -> None:
    made = block("word", "scum")
    admin_client.post(f"{LISTS}{made.pk}/change/", {"kind": "name", "value": "everybody", "note": "x"})
    made.refresh_from_db()
    assert (made.kind, made.value, made.note) == ("word", "scum", "x")


def test_a_moderator_sees_and_tries_but_changes_nothing(moderator_client: Client) -> None:
    made = block("word", "scum", on=False)
    assert moderator_client.get(LISTS).status_code == moderator_client.get(f"{LISTS}{made.pk}/try/").status_code == 200
    assert "Switch it on" not in moderator_client.get(f"{LISTS}{made.pk}/try/").content.decode()
    for action in ("on", "off", "end"):
        assert moderator_client.post(f"{LISTS}{made.pk}/try/", {"action": action}).status_code == 403
    assert moderator_client.get(f"{LISTS}add/").status_code == 403
    assert moderator_client.post(f"{LISTS}{made.pk}/delete/", {"post": "yes"}).status_code == 403
    made.refresh_from_db()
    assert not made.is_on
    assert not made.is_expired


@pytest.mark.parametrize(("kind", "value"), [("domain", "mailbot.example"), ("network", "203.0.113.0/24")])
def test_A17_only_owners_learn_who_signed_from_a_domain_or_a_network(
    moderator_client: Client, admin_client: Client, client: Client, form: dict[str, str], kind: str, value: str
) -> None:
    made = block(kind, value, on=False)
    sign_up(client, form, 1, "203.0.113.7", email="a@mailbot.example", name="Mallory Troll")
    for staff, is_told in ((admin_client, True), (moderator_client, False)):
        page = staff.get(f"{LISTS}{made.pk}/try/").content.decode()
        assert ("Mallory Troll" in page, "<b>1</b> of the sign-ups" in page) == (is_told, is_told)
        assert ("Only owners try a domain or a network" in page) != is_told


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_no_moderator_sees_no_list(editor: User, method: str) -> None:
    made = block("word", "scum")
    client = Client()
    client.force_login(editor)
    for page in (LISTS, f"{LISTS}{made.pk}/try/"):
        assert getattr(client, method)(page).status_code == 403
    assert getattr(Client(), method)(f"{LISTS}{made.pk}/try/").status_code == 302, "to the login"


def test_the_digest_of_a_domain_is_that_of_the_sign_up(client: Client, form: dict[str, str]) -> None:
    """What the trial relies on."""
    client.post(SIGN, {**form, "email": "a@Sub.Mailbot.Example"})
    key = sealing.domain_hash("sub.mailbot.example", pepper=settings.EMAIL_HASH_PEPPER)
    assert Submission.objects.get().domains[0] == key
