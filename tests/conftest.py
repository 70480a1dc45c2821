"""Fixtures: a few people, a letter, a real PostgreSQL and a real mail server."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import settings as hypothesis
from pytest_django.plugin import DjangoDbBlocker

from campaign.letters.publishing import publish, revise
from campaign.models import Letter, News
from campaign.runtime import database, expiring_cache
from signatures import narrowings
from signatures.models import OutboxMail, Signature, Submission
from signatures.outbox import sending, topics
from signatures.screening import rate_limits
from signatures.states import State
from signatures.values import form_stamps
from tests import prepared, process_memory, pseudo
from tests.delivery.factories import make_delivery
from tests.factories import WORDS, make_letter, make_mail, make_signature, make_submission
from tests.inbox import Inbox
from tests.live_site import LiveSite, free_port

NO_TIME = "no time is left (CI_LIMIT=0 bash .ci/run runs all)"
NEVER_TRUNCATED = {
    "campaign_translation": "published_text_is_never_truncated",
    "signatures_auditentry": "audit_entries_are_never_truncated",
    "signatures_checkpoint": "checkpoints_are_never_truncated",
    "signatures_delivery": "delivery_is_never_truncated",
    "signatures_deliveryentry": "delivery_entries_are_never_truncated",
    "signatures_deliveryedition": "editions_are_never_truncated",
    "signatures_deliveryerasure": "erasures_are_never_truncated",
}


# A machine that stands still for a moment is no fault of an example.
hypothesis.register_profile("without a deadline", deadline=None)
hypothesis.load_profile("without a deadline")


def pytest_configure(config: pytest.Config) -> None:
    """`uv run pytest` alone leaves out what is marked slow; who names a file, a word or a mark gets all that fit it."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS or config.option.keyword or config.option.markexpr
    if not named:  # each process of a run is told the paths, and has the answer from the first one
        config.option.markexpr = "not slow"


def pytest_report_header(config: pytest.Config) -> str | None:
    without_slow = config.option.markexpr == "not slow"
    return "without the slow tests: `uv run pytest tests` runs all, `-m slow` those alone" if without_slow else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """On a slow machine `.ci/run` has no time for all slow tests: from this moment on none begins, and each is told."""
    if time.time() > float(os.environ.get("TESTS_UNTIL") or "inf"):
        pytest.skip(NO_TIME)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(os.environ["UNDERSIGNED_TEST_DIR"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # The plugin makes a database only where a test is marked, not where a fixture of one asks for it.
        if "django_db_setup" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("django_db"):
            item.add_marker("django_db")
        # What a module or a folder makes once for its tests, each process of a run would make once for itself.
        if not item.get_closest_marker("xdist_group") and (shared := shared_by(item)):
            item.add_marker(pytest.mark.xdist_group(shared))
        if item.get_closest_marker("xdist_group"):  # a browser, a site, a server or a folder that took long to make
            item.add_marker("slow")


def shared_by(item: pytest.Item) -> str:
    """Returns the name of the folder or else of the module whose tests share a fixture with this one, or ""."""
    fixtures = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    scopes = {found[-1].scope for found in fixtures.values()}
    if "package" in scopes:
        return item.path.parent.name
    return item.path.stem if "module" in scopes else ""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes do not name a test: those of a file that is made here differ in each process of a run, by its time."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """The embedded server runs while the tests do; the processes of one run share it."""
    prepared.copy_database(settings.POSTGRES_DIR)
    with database.running():
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_modify_db_settings: None, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Django empties tables by TRUNCATE between tests that commit: those triggers sleep outside their own test."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table, trigger in NEVER_TRUNCATED.items():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


@pytest.fixture(scope="session")
def site() -> Iterator[LiveSite]:
    """The whole site, served; whoever uses it is in the group `serve`, so that one is enough."""
    with LiveSite.temporary(free_port()) as site:
        yield site


@pytest.fixture(autouse=True)
def clear_caches() -> None:
    """No test reads what another one left in this process."""
    process_memory.forget()


@pytest.fixture(autouse=True)
def kept_values_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process keeps for some seconds does not expire within a test, however slow the machine is."""
    began = time.monotonic()
    monkeypatch.setattr(expiring_cache, "time", SimpleNamespace(monotonic=lambda: began))


@pytest.fixture(autouse=True)
def nothing_to_take_back() -> Iterator[None]:
    """What a test wrote beside its database is not done again to the database of the next one."""
    yield
    narrowings.file_beside_database().unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def one_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """No span of a rate limit ends while a test counts in it, whatever the hour of the run."""
    began = time.time()
    monkeypatch.setattr(rate_limits, "now", lambda: began)


@pytest.fixture
def letter(db: None) -> Letter:
    return make_letter()


@pytest.fixture
def ada(letter: Letter) -> Signature:
    """Approved, public."""
    return make_signature(letter, "Ada Lovelace", role="Countess", organization="Analytical Society", country="GB")


@pytest.fixture
def ben(letter: Letter) -> Submission:
    """Submitted, not confirmed."""
    return make_submission(letter, "Ben Nevis")


@pytest.fixture
def cleo(letter: Letter) -> Signature:
    """Confirmed, waiting."""
    return make_signature(letter, "Cleo Patra", State.WAITING)


PASSWORD = "a long enough password"


def member_of(group: str) -> User:
    user = User.objects.create_user(group.replace(" ", "-"), password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.fixture
def moderator(db: None) -> User:
    return member_of("moderator")


@pytest.fixture
def officer(db: None) -> User:
    return member_of("delivery officer")


@pytest.fixture
def editor(db: None) -> User:
    """Writes letters; moderates nothing."""
    return member_of("editor")


@pytest.fixture
def owner(db: None) -> User:
    """May do all of it."""
    return member_of("owner")


@pytest.fixture
def moderator_client(moderator: User) -> Client:
    """Admin, logged in as the moderator."""
    client = Client()
    client.force_login(moderator)
    return client


@pytest.fixture
def words(letter: Letter) -> dict[str, str]:
    """A form filled in as Dora would."""
    return {
        "kind": "person",
        "name": "Dora Maar",
        "role": "Painter",
        "organization": "",
        "country": "FR",
        "visibility": "public",
        "comment": "",
        "consent": "on",
        "text": letter.revisions.get().translations.get(language="en").digest,
    }


@pytest.fixture
def form(words: dict[str, str]) -> dict[str, str]:
    """The form beside the letter, filled in by hand."""
    return {**words, "email": "dora@example.org", "website": "", "stamp": form_stamps.make_stamp(), "seconds": "40"}


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    received = Inbox()
    with received.served(free_port()) as port:
        options = {"host": "127.0.0.1", "port": port, "timeout": 5}
        settings.MAILERS = {"default": {"BACKEND": "campaign.runtime.smtp.EmailBackend", "OPTIONS": options}}
        yield received


@pytest.fixture
def link_in_mail(inbox: Inbox) -> Callable[[], str]:
    """Let the worker send, and open the newest mail: the path of the link in it."""

    def find() -> str:
        sending.send_due()
        body = inbox[-1].get_body(("plain",))
        assert body is not None
        found = re.search(re.escape(settings.SITE_URL) + r"(/\S+)", body.get_content())
        assert found is not None
        return found[1]

    return find


@pytest.fixture(scope="session")
def pseudo_locale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locale")
    pseudo.write_catalog(folder)
    return folder


@pytest.fixture
def pseudo_locale_letter(pseudo_locale: Path, settings: Any, letter: Letter) -> Letter:
    """The site also speaks the language that nobody speaks, and so does all that its operator wrote."""
    settings.LANGUAGES = [*settings.LANGUAGES, (pseudo.CODE, "pseudo")]
    settings.LOCALE_PATHS = [pseudo_locale, *settings.LOCALE_PATHS]
    settings.ORGANIZATION_NAME, settings.CONTACT_EMAIL = "ⓞⓟⓔⓡⓐⓣⓞⓡ", "ⓒⓞⓝⓣⓐⓒⓣ"
    letter.recipient, letter.letterhead = "ⓜⓘⓝⓘⓢⓣⓔⓡ", {"name": "ⓒⓞⓜⓜⓘⓣⓣⓔⓔ"}
    letter.save()
    accented = {field: pseudo.translated(words) for field, words in WORDS.items() if isinstance(words, str)}
    publish(revise(letter, pseudo.CODE, {**accented, "signatories": [{"name": "ⓖⓡⓐⓒⓔ", "titles": []}]}))
    return letter


@pytest.fixture
def letter_file() -> Path:
    return Path(settings.BASE_DIR) / "campaign" / "letters" / "content" / "xi-jinping-2013" / "en.md"


TO_STAFF = {OutboxMail.Kind.INVITE, OutboxMail.Kind.RESET, OutboxMail.Kind.ALARM, OutboxMail.Kind.FACTOR_RESET}


@pytest.fixture
def send_one_of_each(ada: Signature, ben: Submission, inbox: Inbox, settings: Any) -> Callable[[], dict[str, Any]]:
    """Sends an email of every kind, and of every topic of updates."""
    settings.DEFAULT_FROM_EMAIL = f'"{settings.ORGANIZATION_NAME}" <letters@site.example>'
    rejected = make_signature(ada.letter, "Rae", State.REJECTED)
    Signature.objects.update(sealed_address=b"sealed", flags=["asked"])
    news = News.objects.create(letter=ada.letter, published_at=timezone.now())
    about = [topics.news_topic(news), topics.delivery_topic(make_delivery(ada.letter)), topics.REJECTION]
    olga = member_of("owner")

    def send() -> dict[str, Any]:
        for kind in OutboxMail.Kind:
            row = ben if kind in {OutboxMail.Kind.LINK, OutboxMail.Kind.REMINDER} else ada
            for topic in about if kind == OutboxMail.Kind.UPDATE else [""]:
                address = f"{kind}{topic[:4]}@example.org"
                if topic == topics.REJECTION:
                    row = rejected
                to_staff: dict[str, Any] = {"signature_id": None, "staff_id": olga.pk} if kind in TO_STAFF else {}
                User.objects.filter(pk=olga.pk).update(email=address)
                make_mail(row, address, kind, topic=topic, **to_staff)
                sending.send_due()
        return {mail["To"].partition("@")[0]: mail for mail in inbox}

    return send
