"""The canary test: people with words that occur nowhere else sign, and then every place that keeps or shows anything is searched.

They come through the real doors: form, mail, personal page, admin. What may be found where, says `may_hold`; it must
be found there, too, or the search would prove nothing.
"""

import base64
import gzip
import html
import io
import json
import logging
import pickle
import random
import re
import secrets
import string
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import brotli
import pytest
from aiosmtpd.controller import Controller
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction
from django.http.response import HttpResponseBase
from django.test import Client, override_settings
from django.test.client import MULTIPART_CONTENT
from django_tasks_db.models import DBTaskResult
from pypdf import PdfReader
from pytest_django.plugin import DjangoDbBlocker

from campaign.letters import text_cache
from campaign.models import Letter
from campaign.runtime import cluster
from campaign.runtime.logs import RedactingFormatter
from campaign.web import middleware
from signatures import tasks
from signatures.management.commands import worker
from signatures.models import AuditEntry, OutboxMail, Signature
from signatures.outbox import sending
from signatures.registries.typed_fields import DELIVERED, WORDS
from signatures.screening import rate_limits
from signatures.states import Kind, State, Visibility
from signatures.values import form_stamps, sealing, tokens
from tests.conftest import member_of
from tests.factories import make_letter
from tests.inbox import Inbox
from tests.live_site import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("canary")]

FIELDS = {"adr": "address", **{word[:3]: word for word in WORDS}}
UNCONFIRMED = "unconfirmed"  # a submission
FLAGGED = "flagged"  # confirmed and waiting, with a flag
# What became of words, beside the states of a signature.
ERASED, NOT_ME, REPLACED, CORRECTED, IGNORED = "erased", "not me", "replaced", "corrected", "ignored"
NO_LONGER_STORED = {State.WITHDRAWN, ERASED, NOT_ME, REPLACED, CORRECTED}

PUBLIC, CSV, PDF, MAILS, ADMIN, PERSONAL = "public", "csv", "pdf", "mails", "admin", "personal page"
DUMP, DISK, AUDIT_LOG, TASKS, CACHE, LOG, SERVER_LOG = (
    "database dump", "disk", "audit log", "tasks", "caches", "log", "server log",
)  # fmt: skip


def may_hold(what: str, became: str, visibility: str, kind: str) -> set[str]:
    """The places where a field of a signer may be found, and must be; the table of this test."""
    if what == "address" or became in NO_LONGER_STORED:
        return set()
    if what == "spokesperson" and kind == Kind.PERSON:
        return set()  # nobody speaks for a person
    if visibility == Visibility.COUNTED:
        return set()  # dropped when the form was taken
    if became == IGNORED:
        return {DUMP}  # typed with the address of somebody else, who has not opened the link
    if became == UNCONFIRMED:
        return {DUMP, PERSONAL}  # staff see nothing that nobody has confirmed
    places = {DUMP, ADMIN, PERSONAL}
    if what in DELIVERED and became == State.APPROVED:
        places |= {Visibility.PUBLIC: {CSV, PDF, PUBLIC, CACHE}, Visibility.DELIVERY: {CSV, PDF}}.get(
            Visibility(visibility), set()
        )
    return places


@dataclass
class Words:
    """What one signer typed, and what became of it."""

    number: int
    became: str
    visibility: str
    kind: str = Kind.PERSON
    updates: bool = False
    network: str = ""
    token: str = ""

    def of(self, code: str) -> str:
        return f"{MARK}{code}{letters(self.number)}"

    @property
    def address(self) -> str:
        return f"{self.of('adr')}@example.org"

    @property
    def typed(self) -> dict[str, str]:
        return {word: self.of(word[:3]) for word in WORDS}


def letters(number: int) -> str:
    return f"{string.ascii_lowercase[number // 26]}{string.ascii_lowercase[number % 26]}"


# All that is typed begins with it: one search finds everybody. No letters that a font draws as one, such as "fi".
MARK = "".join(random.SystemRandom().choices("bdghkmnprsvwz", k=9))
CANARY = re.compile(rf"{MARK}({'|'.join(FIELDS)})([a-z]{{2}})", re.IGNORECASE)
NETWORK_6 = f"2001:db8:{secrets.randbelow(0x8000) + 0x1000:x}"
NETWORK_4 = "198.18"  # for measurements between networks (RFC 2544): no other test uses it
NETWORKS = re.compile(rf"198\.18\.\d{{1,3}}\.|{NETWORK_6}:".encode(), re.IGNORECASE)
TOKEN = re.compile(rb"[0-9a-f]{32}\.[\w-]{43}")


def disguises(text: str) -> dict[str, bytes]:
    """The same text as other programs write it: none may be found where the text may not."""
    plain = text.encode()
    encoded = {
        f"base64 at {shift}": base64.b64encode(b"x" * shift + plain)[(0, 2, 3)[shift] : -4] for shift in range(3)
    }
    return {"hex": plain.hex().encode(), "UTF-16": text.encode("utf-16-le"), "reversed": plain[::-1], **encoded}


DISGUISES = disguises(MARK) | {
    "packed IPv6": bytes.fromhex("20010db8") + int(NETWORK_6.rpartition(":")[2], 16).to_bytes(2, "big"),
}


@dataclass
class Place:
    """What was found in one kind of place, and how much was looked at."""

    size: int = 0
    looks: int = 0
    found: set[tuple[str, int]] = field(default_factory=set)  # field and number of the words
    disguised: set[str] = field(default_factory=set)
    networks: int = 0
    tokens: set[str] = field(default_factory=set)

    def look(self, content: bytes | str) -> None:
        raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        self.looks += 1
        self.size += len(raw)
        if MARK.encode() in raw.lower():
            hits = CANARY.findall(raw.lower().decode("utf-8", "replace"))
            self.found |= {(FIELDS[code], ascii_number(pair)) for code, pair in hits}
        self.disguised |= {name for name, form in DISGUISES.items() if form in raw}
        self.networks += len(NETWORKS.findall(raw))
        self.tokens |= {token.decode() for token in TOKEN.findall(raw)}


def ascii_number(pair: str) -> int:
    return string.ascii_lowercase.index(pair[0]) * 26 + string.ascii_lowercase.index(pair[1])


Places = dict[str, Place]


# What everybody does
ADMIN_PAGES = ("", "signatures/auditentry/", "signatures/signedletter/", "signatures/ratelimit/", "signatures/suppression/",
               "signatures/signerrequest/", "signatures/paperimport/", "signatures/waitingsignature/?tab=batch",
               "signatures/emailsubject/", "campaign/letter/", "auth/user/", "django_tasks_database/dbtaskresult/")  # fmt: skip


class Scenario:
    """The whole story, on a database of its own, and what was found after it."""

    def __init__(self, inbox: Inbox, written: io.StringIO) -> None:
        self.inbox, self.written = inbox, written
        self.words: list[Words] = []
        self.letter: Letter = make_letter("canary")
        self.digest = self.letter.revisions.get().translations.get().digest
        self.moderator_client, self.officer = Client(), Client()
        self.moderator_client.force_login(member_of("moderator"))
        self.officer.force_login(member_of("delivery officer"))
        self.owner = Client()
        self.owner.force_login(User.objects.create_superuser("owner", password="a long enough password"))
        self.stranger = Client(raise_request_exception=False)

    def run(self) -> None:
        roles = [
            (became, visibility, kind, updates)
            for became, visibility, kind, updates in product(
                [UNCONFIRMED, State.WAITING, FLAGGED, State.APPROVED, State.REJECTED, State.WITHDRAWN],
                Visibility.values,
                Kind.values,
                [False, True],
            )
            # Without a flag, who is only counted waits for nobody.
            if (became, visibility) != (State.WAITING, Visibility.COUNTED)
        ]
        roles += [(became, Visibility.PUBLIC, Kind.PERSON, True) for became in (ERASED, NOT_ME)]
        people = [self.sign_up(*role) for role in roles]
        self.by_mail(people)
        for words in people:
            self.act(words)
        self.change_and_correct(
            next(w for w in people if w.became == State.APPROVED and w.visibility == Visibility.PUBLIC)
        )
        self.fail()

    def new(self, *role: Any) -> Words:
        words = Words(len(self.words), *role)
        words.network = (
            f"{NETWORK_6}:{words.number:x}::7" if words.number % 3 == 0 else f"{NETWORK_4}.{words.number}.77"
        )
        self.words.append(words)
        return words

    def form(self, words: Words, **more: str) -> dict[str, str]:
        consent = {"consent": "on", "text": self.digest}
        return {**words.typed, "kind": words.kind, "country": "CH", "visibility": words.visibility, **consent, **more}

    def post(self, path: str, words: Words, form: dict[str, str]) -> int:
        answer = self.stranger.post(
            path, form, MULTIPART_CONTENT, REMOTE_ADDR=words.network, headers={"x-forwarded-for": words.network}
        )
        return answer.status_code

    def sign_up(self, became: str, visibility: str, kind: str, updates: bool, address: str = "") -> Words:
        words = self.new(became, visibility, kind, updates)
        form = self.form(words, email=address or words.address, stamp=form_stamps.make_stamp())
        form |= {"updates": "on"} if updates else {}
        form |= {"website": "x"} if became == FLAGGED else {}
        assert self.post("/letters/canary/sign/", words, form) == 303
        return words

    def by_mail(self, people: Iterable[Words]) -> None:
        """Let the worker send, and let everybody find their link."""
        sending.send_due()
        by_recipient = {str(mail["To"]): mail for mail in self.inbox}
        for words in people:
            body = by_recipient[words.address].get_body(("plain",))
            assert body is not None
            found = re.search(r"/signature/([^/\s]+)/", body.get_content())
            assert found is not None
            words.token = found[1]

    def act(self, words: Words) -> None:
        """What this signer does with the link, and what staff do then."""
        page = f"/signature/{words.token}/"
        assert self.stranger.get(page, REMOTE_ADDR=words.network).status_code == 200
        if words.became == NOT_ME:
            assert self.post(page, words, {"action": "not-me"}) == 200
        elif words.became != UNCONFIRMED:
            assert self.post(page, words, self.form(words, action="confirm")) == 303
        if words.became in {State.APPROVED, State.WITHDRAWN, ERASED} and words.visibility != Visibility.COUNTED:
            self.decide("approve", words)
        if words.became == State.REJECTED:
            self.decide("reject", words)
        if words.became in {State.WITHDRAWN, ERASED}:
            for path in ("/", "/letters/canary/", "/letters/canary/signatories/", self.entry(words)):
                self.stranger.get(path)  # it stood there, and in the copies, before it went
            status = self.post(page, words, {"action": "erase" if words.became == ERASED else "withdraw"})
            assert status in {200, 303}
        if words.became in {UNCONFIRMED, State.APPROVED, State.WITHDRAWN} and words.number % 2:
            assert self.post("/letters/canary/my-link/", words, {"email": words.address}) == 303

    def change_and_correct(self, approved: Words) -> None:
        """Words that gave way to others: by a change, by mending before confirming, by signing a second time in vain."""
        ignored = self.sign_up(IGNORED, Visibility.PUBLIC, approved.kind, True, approved.address)
        changing = self.sign_up(REPLACED, Visibility.PUBLIC, Kind.PERSON, False)
        mending = self.sign_up(CORRECTED, Visibility.PUBLIC, Kind.PERSON, False)
        self.by_mail([changing, mending])
        new, mended = (self.new(State.WAITING, Visibility.PUBLIC) for _each in range(2))
        assert self.post(f"/signature/{changing.token}/", changing, self.form(changing, action="confirm")) == 303
        self.decide("approve", changing)
        assert self.post(f"/signature/{changing.token}/", new, self.form(new, action="change")) == 303
        assert self.post(f"/signature/{mending.token}/", mended, self.form(mended, action="confirm")) == 303
        new.token, mended.token, ignored.token = changing.token, mending.token, approved.token

    def decide(self, action: str, words: Words) -> None:
        row = Signature.objects.get(public_id=tokens.read_personal_token(words.token))
        form = {"action": action, "_selected_action": str(row.pk), "reason": "not for this letter"}
        assert self.moderator_client.post("/admin/signatures/signature/", form).status_code == 302

    def entry(self, words: Words) -> str:
        return f"/letters/canary/signatories/{tokens.read_personal_token(words.token)}/"

    def fail(self) -> None:
        """Statements and views that fail with somebody's words in their hands."""
        words = self.sign_up(NOT_ME, Visibility.PUBLIC, Kind.PERSON, True)
        self.by_mail([words])
        page = f"/signature/{words.token}/"
        form = self.form(words, email=words.address)
        with connection.cursor() as cursor:
            for table in ("signatures_signature", "signatures_submission"):
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT nobody CHECK (length(name) = 0) NOT VALID")
            assert self.post("/letters/canary/sign/", words, form) == 500
            assert self.post(page, words, {**form, "action": "confirm"}) == 500
            for table in ("signatures_signature", "signatures_submission"):
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT nobody")
                cursor.execute(f"ALTER TABLE {table} RENAME COLUMN name TO name_away")
            assert self.post("/letters/canary/sign/", words, form) == 500
            assert self.post(page, words, {**form, "action": "confirm"}) == 500
            cursor.execute("ALTER TABLE signatures_signature RENAME COLUMN search_text TO away")
            assert self.stranger.get("/letters/canary/signatories/", {"q": words.of("nam")}).status_code == 500
            cursor.execute("ALTER TABLE signatures_signature RENAME COLUMN away TO search_text")
            for table in ("signatures_signature", "signatures_submission"):
                cursor.execute(f"ALTER TABLE {table} RENAME COLUMN name_away TO name")
            with pytest.raises(ProgrammingError), transaction.atomic():
                cursor.execute("SELECT nowhere WHERE %s <> %s", [words.address, words.of("com")])
            with pytest.raises(DataError), transaction.atomic():
                cursor.execute("SELECT 1 / (length(%s) * 0)", [words.address])
        with pytest.raises(IntegrityError), transaction.atomic():
            Signature.objects.filter(name__startswith=MARK).update(visibility=Visibility.COUNTED)
        with pytest.raises(IntegrityError), transaction.atomic():
            Signature.objects.update(address_hash=b"k", role=words.of("rol"))
        assert self.post(page, words, {"action": "not-me"}) == 200

    # Where is looked

    def public(self) -> Iterator[bytes]:
        """Every address that anybody may open, as it answers now that all copies are too old."""
        here = "/letters/canary"
        pages = [f"{here}/", f"{here}/history/", f"{here}/check-mail/", f"{here}/my-link/", f"{here}/my-link/sent/"]
        pages += [
            "/",
            f"{here}/signatories/",
            f"{here}/signatories/countries/",
            f"{here}/signatories/?order=name",
            f"{here}/signatories/reported/",
            "/privacy/",
            "/robots.txt",
            "/api/v1/letters/canary/",
            *(f"{here}/{page}" for page in ("tell/", "embed/", "api/")),
            "/nowhere/",
            "/readyz",
        ]
        pages += [f"/{language}{page}" for language in ("ko", "zh-hans") for page in ("/", f"{here}/signatories/")]
        pages += [f"{here}/signatories/?q={MARK}", f"{here}/signatories/?country=CH", f"{here}/signatories/?country=KP"]
        pages += [
            "/signature/x/",
            f"{here}/sign/",
            "/sitemap.xml",
            "/feed/",
            f"{here}/signatories/?q={MARK}&country=CH",
        ]
        pages += [self.entry(words) for words in self.words if words.token]
        for page in pages:
            answer = self.stranger.get(page)
            assert answer.status_code in {200, 303, 404, 503}, page
            yield self.headers(answer) + self.without_what_was_asked(answer.content, page)
            yield self.stranger.head(page).content
        further = self.stranger.get(f"{here}/signatories/").context["next_query"]
        while further:
            answer = self.stranger.get(f"{here}/signatories/?{further}")
            yield answer.content
            further = answer.context["next_query"]

    @staticmethod
    def headers(answer: HttpResponseBase) -> bytes:
        return (
            "\n".join(f"{name}: {value}" for name, value in answer.items()).encode() + answer.cookies.output().encode()
        )

    @staticmethod
    def without_what_was_asked(content: bytes, page: str) -> bytes:
        """The field of the search shows what was typed into it, and the link to further pages repeats it."""
        return re.sub(rb'(?:value="|q=)' + MARK.encode() + rb"\w*", b"", content) if "q=" in page else content

    def search_each(self) -> dict[str, str]:
        """P6: what the public search finds for each single canary, whole and in part."""
        found = {}
        for words, code in product(self.words, FIELDS):
            for query in (words.of(code), words.of(code)[3:].upper()):
                answer = self.stranger.get("/letters/canary/signatories/", {"q": query})
                found[f"{words.number} {code} {query}"] = "".join(sorted(row.name for row in answer.context["rows"]))
        return found

    def exports(self) -> Iterator[tuple[str, bytes | str]]:
        for form in ("csv", "xlsx", "pdf"):
            path = f"/admin/signatures/signedletter/{self.letter.pk}/export/{form}/"
            answer = self.officer.post(path, {"reason": "the hearing"})
            body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # it streams
            yield form, self.headers(answer) + body
            if form == "pdf":
                reader = PdfReader(io.BytesIO(body))
                yield form, "\n".join(page.extract_text() for page in reader.pages)
                yield form, f"{reader.metadata} {reader.xmp_metadata and reader.xmp_metadata.stream.get_data()!r}"

    def mails(self) -> Iterator[bytes]:
        """Every mail, whole and decoded, without the one line that names its recipient."""
        for mail in self.inbox:
            assert MARK in mail["To"], "to one of these"
            del mail["To"]
            yield mail.as_bytes()
            for part in mail.walk():
                yield part.get_payload(decode=True) or b""  # type: ignore[misc]  # bytes, or nothing of several parts
            yield "\n".join(map(str, mail.values())).encode()

    def admin(self) -> Iterator[bytes]:
        list_page = "/admin/signatures/signature/"
        yield from (
            self.owner.get(f"{list_page}?{query}").content for query in ("", "state=approved", "flagged=yes", "p=2")
        )
        yield from (
            self.owner.get(f"{list_page}{pk}/change/").content for pk in Signature.objects.values_list("pk", flat=True)
        )
        for page in ADMIN_PAGES:
            answer = self.owner.get(f"/admin/{page}")
            assert answer.status_code == 200, page
            yield answer.content

    def personal(self) -> Iterator[tuple[Words, bytes]]:
        """Each page as its owner sees it, and all that is stored of them, to take away."""
        for words in self.words:
            if words.token:
                page = f"/signature/{words.token}/"
                yield words, self.stranger.get(page).content + self.stranger.post(page, {"action": "data"}).content

    def at_rest(self, place: Callable[[str], Place]) -> None:
        """What a thief of machine, memory or backup has."""
        name = str(connection.settings_dict["NAME"])
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        dump = [str(cluster.binaries() / "pg_dump"), "-h", str(settings.POSTGRES_DIR), "-U", "undersigned", name]
        for way in (["--column-inserts"], ["--format=custom", "--compress=0"]):
            done = subprocess.run([*dump[:1], *way, *dump[1:]], capture_output=True, check=True)
            place(DUMP).look(done.stdout)
        for row in AuditEntry.objects.values():
            place(AUDIT_LOG).look(json.dumps(row, default=str))
        for task in DBTaskResult.objects.values():
            place(TASKS).look(json.dumps(task, default=str))
        # The server is one for all processes of a test run, and so is the folder that it is in.
        for file in {*settings.VAR_DIR.rglob("*"), *settings.POSTGRES_DIR.parent.rglob("*")}:
            try:
                content = file.read_bytes() if file.is_file() and not file.is_socket() else b""
            except FileNotFoundError:
                continue  # PostgreSQL took it away meanwhile
            place(SERVER_LOG if file.name == "postgres.log" else DISK).look(content)
        for look in self.memory():
            place(CACHE).look(look)
        place(LOG).look(self.written.getvalue())

    @staticmethod
    def memory() -> Iterator[bytes]:
        for key, page in middleware.page_cache._pages.items():
            yield repr((key, page.headers)).encode() + page.body
            yield from (gzip.decompress(page.encoded("gzip")), brotli.decompress(page.encoded("br")))
        yield pickle.dumps((text_cache._texts, text_cache._listed))
        for each in (caches["shared"], caches["memory"]):
            assert isinstance(each, LocMemCache)
            yield b"".join(each._cache.values())  # type: ignore[attr-defined]


@dataclass
class Evidence:
    """What was found, to be read by the tests."""

    scenario: Scenario
    places: Places
    control: Places
    searches: dict[str, str]
    personal: list[tuple[Words, Place]]
    opened: str  # with the updates key


@pytest.fixture(scope="module")
def evidence(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Evidence]:
    """The scenario runs once, for all tests of this file."""
    inbox, written, port = Inbox(), io.StringIO(), free_port()
    handler = logging.StreamHandler(written)
    handler.setFormatter(RedactingFormatter())
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    options = {"host": "127.0.0.1", "port": port, "timeout": 5}
    mailers = {"default": {"BACKEND": "campaign.runtime.smtp.EmailBackend", "OPTIONS": options}}
    logging.root.addHandler(handler)
    forget()
    try:
        with django_db_blocker.unblock(), override_settings(MAILERS=mailers):
            try:
                yield examine(Scenario(inbox, written))
            finally:
                call_command("flush", interactive=False, verbosity=0)
    finally:
        server.stop()
        logging.root.removeHandler(handler)
        forget()


def forget() -> None:
    middleware.page_cache.clear()
    text_cache.clear_cache()
    rate_limits.clear_cache()
    caches["default"].clear()


def examine(scenario: Scenario) -> Evidence:
    places: Places = defaultdict(Place)
    scenario.run()
    with pytest.MonkeyPatch.context() as a_minute_later:
        a_minute_later.setattr(middleware, "STALE_SECONDS", 0.0)
        scenario.stranger.get("/privacy/")
    with pytest.MonkeyPatch.context() as some_seconds_later:
        some_seconds_later.setattr(middleware, "FRESH_SECONDS", 0.0)
        for page in scenario.public():
            places[PUBLIC].look(html.unescape(page.decode()))
    tasks.run_duties.enqueue()
    worker.run_tasks()
    for name, content in scenario.exports():
        places[name].look(content)
    for page in scenario.admin():
        places[ADMIN].look(page)
    personal = []
    for words, page in scenario.personal():
        own = Place()
        own.look(page)
        personal.append((words, own))
        places[PERSONAL].look(page)
    searches = scenario.search_each()
    scenario.at_rest(places.__getitem__)
    for mail in scenario.mails():
        places[MAILS].look(mail)
    control: Places = defaultdict(Place)
    plant(scenario)
    scenario.at_rest(control.__getitem__)
    return Evidence(scenario, places, control, searches, personal, opened_by_updates_key())


def opened_by_updates_key() -> str:
    keys = sealing.read_private_keys(Path(settings.KEYS_DIR) / "updates.private")
    asked = Signature.objects.filter(sealed_address__isnull=False)
    return " ".join(sorted(sealing.unseal(row.sealed_address or b"", private_keys=keys) for row in asked))


PLANTED = "adr", 26 * 26 - 1  # the address of nobody, zz


def plant(scenario: Scenario) -> None:
    """The negative control: an address, a network and a link, in plain, wherever something is kept."""
    seen = f"{MARK}adrzz@example.org {NETWORK_4}.250.1 {tokens.personal_token(Signature.objects.all()[0].public_id)}"
    OutboxMail.objects.filter(pk=OutboxMail.objects.all()[0].pk).update(failure=seen[:40])
    AuditEntry.objects.create(action="planted", reason=seen)
    DBTaskResult.objects.filter(pk=DBTaskResult.objects.all()[0].pk).update(traceback=seen)
    caches["default"].set("planted", seen)
    scenario.written.write(seen)
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE WARNING '{seen}'; END $$")


# What was found


def expected(place: str, scenario: Scenario) -> set[tuple[str, int]]:
    return {
        (what, words.number)
        for words, what in product(scenario.words, FIELDS.values())
        if place in may_hold(what, words.became, words.visibility, words.kind)
    }


EVERYWHERE = [PUBLIC, CSV, PDF, MAILS, ADMIN, PERSONAL, DUMP, AUDIT_LOG, TASKS, CACHE, LOG, SERVER_LOG]


@pytest.mark.parametrize("place", EVERYWHERE)
def test_P1_R1_R5_every_word_is_where_its_signer_chose_and_nowhere_else(evidence: Evidence, place: str) -> None:
    found = evidence.places[place].found
    assert evidence.places[place].size, "it was looked at"
    assert found - expected(place, evidence.scenario) == set(), "found where it may not be"
    if place != CACHE:  # which pages are kept just now is chance
        assert expected(place, evidence.scenario) - found == set(), "the search is blind"


def test_R1_no_address_is_in_the_dump_nor_on_the_disk_in_any_disguise(evidence: Evidence) -> None:
    for name, place in evidence.places.items():
        assert {number for what, number in place.found if what == "address"} == set(), name
        if name != DISK:  # names are on it, and an index may hold them in any order
            assert place.disguised == set(), name
    assert "name" in {what for what, _number in evidence.places[DISK].found}, "the files were read"
    assert "packed IPv6" not in evidence.places[DISK].disguised


def test_R1_only_the_addresses_of_subscribers_are_sealed_to_the_updates_key(evidence: Evidence) -> None:
    asked = {
        words.address
        for words in evidence.scenario.words
        if words.updates and words.token and words.became not in {UNCONFIRMED, IGNORED, *NO_LONGER_STORED}
    }
    assert set(evidence.opened.split()) == asked
    assert len(asked) > 20


def test_R4_no_network_of_a_signer_is_anywhere(evidence: Evidence) -> None:
    assert {name: place.networks for name, place in evidence.places.items() if place.networks} == {}


def test_C4_C8_no_link_is_in_the_database_a_task_a_log_or_a_page_for_all(evidence: Evidence) -> None:
    issued = {words.token for words in evidence.scenario.words if words.token}
    assert len(issued) > 70
    for name in {*evidence.places} - {MAILS, PERSONAL}:
        # The server's files are shared with tests that run beside this one, and plant links of their own.
        assert evidence.places[name].tokens & issued == set(), name
    assert evidence.places[MAILS].tokens >= issued, "the search sees them where they belong"


def test_P6_the_search_finds_public_names_and_organizations_and_nothing_else(evidence: Evidence) -> None:
    assert len(evidence.searches) == len(evidence.scenario.words) * len(FIELDS) * 2
    by_number = {words.number: words for words in evidence.scenario.words}
    for key, names in evidence.searches.items():
        number, code, query = key.split()
        words = by_number[int(number)]
        is_public = (words.became, words.visibility) == (State.APPROVED, Visibility.PUBLIC)
        is_searched = is_public and code in {"nam", "org"}
        assert names == (words.of("nam") if is_searched else ""), query


def test_P8_a_personal_page_shows_one_person(evidence: Evidence) -> None:
    shared = defaultdict(set)  # those whose words stand, or stood, behind one link
    for words in evidence.scenario.words:
        shared[words.token].add(words.number)
    for words, place in evidence.personal:
        assert {number for _what, number in place.found} <= shared[words.token]
        assert place.tokens <= {words.token}


def test_C9_mails_hold_nobodys_words(evidence: Evidence) -> None:
    assert len(evidence.scenario.inbox) > 70
    assert evidence.places[MAILS].found == set()
    assert evidence.places[MAILS].disguised == set()


def test_the_control_what_is_planted_in_plain_is_found(evidence: Evidence) -> None:
    """Else all the zeros above would prove nothing."""
    what = FIELDS[PLANTED[0]], PLANTED[1]
    for place in (DUMP, DISK, AUDIT_LOG, TASKS, CACHE, LOG, SERVER_LOG):
        before, control = evidence.places[place], evidence.control[place]
        assert what not in before.found and not before.networks and not before.tokens
        assert what in control.found and control.networks and control.tokens, place


@pytest.mark.parametrize("name", DISGUISES)
def test_the_control_sees_through_each_disguise(name: str) -> None:
    place = Place()
    ours = {f"base64 at {n}": base64.b64encode(b"x" * n + f"{MARK}adraa@example.org".encode()) for n in range(3)}
    place.look(b"\0\xff" + ours.get(name, DISGUISES[name]) + b"\xff")
    assert name in place.disguised


def test_the_places_and_bytes_searched_are_printed(evidence: Evidence, capsys: Any) -> None:
    """Threat model, tests: number 15."""
    with capsys.disabled():
        canaries, emails = len(evidence.scenario.words), len(evidence.scenario.inbox)
        print(f"\n{canaries} canaries in {len(FIELDS)} fields, {emails} emails")  # noqa: T201  shown always
        for name, place in evidence.places.items():
            print(f"{name:<14} {place.looks:>6} looks {place.size:>13,} bytes {len(place.found):>4} found")  # noqa: T201  the same
    assert sum(place.size for place in evidence.places.values()) > 10_000_000
