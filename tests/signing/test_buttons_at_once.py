"""Any two buttons of one mailbox, pressed at the same moment, do their work: none waits for the other for ever."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations_with_replacement
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from campaign.models import Letter
from signatures.models import Signature, Submission
from signatures.moderation import requests
from signatures.registries.requests import Channel, RequestKind
from signatures.transitions import TransitionNotAllowed
from signatures.values import sealing, tokens
from tests.factories import make_signature, make_submission

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
_BLOCKS_ANOTHER = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
)


@dataclass
class Mailbox:
    """What two people have signed from one address, and what was typed with it and is not confirmed."""

    dora: Signature
    pablo: Signature
    typed: Submission
    other: Submission


def mailbox_in(letter: Letter) -> Mailbox:
    address, pepper = f"{uuid.uuid4().hex}@example.org", settings.EMAIL_HASH_PEPPER
    digests: dict[str, Any] = {
        "address_hash": sealing.address_hash(address, pepper=pepper),
        "mailbox": sealing.mailbox_hash(address, letter_id=letter.pk, pepper=pepper),
    }
    return Mailbox(
        make_signature(letter, "Dora Maar", **digests),
        make_signature(letter, "Pablo Picasso", place=2, **digests),
        make_submission(letter, "Dora Maar", role="Painter", **digests),
        make_submission(letter, "Lee Miller", place=2, **digests),
    )


@dataclass
class Meeting:
    """Has both transactions hold their first row before one of them goes on, unless one waits for the other already."""

    holding: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)

    def wait(self) -> None:
        self.holding.add(threading.get_ident())
        deadline = time.monotonic() + 20
        while len(self.holding) < 2 and not self.done:
            with connection.cursor() as cursor:
                cursor.execute(_BLOCKS_ANOTHER)
                if cursor.fetchone()[0]:
                    return
            assert time.monotonic() < deadline
            time.sleep(0.002)


type Button = Callable[[Mailbox], object]


def press(button: Button, mailbox: Mailbox, meeting: Meeting, gate: threading.Barrier, faults: list[str]) -> None:
    def meet(execute: Any, statement: str, *more: Any) -> Any:
        result = execute(statement, *more)
        if "FOR UPDATE" in statement and threading.get_ident() not in meeting.holding:
            meeting.wait()
        return result

    try:
        with connection.execute_wrapper(meet):
            gate.wait(20)
            answer = button(mailbox)
        if getattr(answer, "status_code", 200) >= 500:
            faults.append(f"answered {getattr(answer, 'status_code', '')}")
    except TransitionNotAllowed:
        pass  # the other one was first
    except Exception as error:  # noqa: BLE001  a thread has nobody to raise it to
        faults.append(type(error).__name__)
    finally:
        meeting.done.add(threading.get_ident())
        connection.close()


@pytest.fixture
def buttons(words: dict[str, str], moderator: User) -> dict[str, Button]:
    def on_page(row: str, action: str, mailbox: Mailbox, *, target: str = "", **typed: str) -> object:
        suffix = f":{getattr(mailbox, target).public_id.hex}" if target else ""
        page = f"/signature/{tokens.personal_token(getattr(mailbox, row).public_id)}/"
        sent = {**words, "name": getattr(mailbox, row).name, **typed, "action": action + suffix}
        return Client(raise_request_exception=False).post(page, sent)

    def correct(mailbox: Mailbox) -> object:
        return requests.ask(
            mailbox.dora, RequestKind.CORRECT, by=moderator.pk, reason="A typo.", channel=Channel.SAME_ADDRESS,
            words={"name": "Dora Markovitch"},
        )  # fmt: skip

    def on_evidence(mailbox: Mailbox) -> object:
        return requests.confirm_on_evidence(
            mailbox.other, by=moderator.pk, reason="No email.", channel=Channel.SAME_ADDRESS
        )

    pages: list[tuple[str, str, dict[str, Any]]] = [
        ("dora", "change", {"name": "Theodora Markovitch"}), ("dora", "withdraw", {}), ("dora", "erase", {}),
        ("dora", "not-me", {}), ("pablo", "change", {"name": "Pablo Ruiz"}), ("pablo", "withdraw", {}),
        ("typed", "confirm", {"name": "Theodora M."}), ("typed", "keep", {}), ("typed", "erase", {}),
        ("typed", "replace", {"target": "dora", "name": "Theodora"}),
        ("other", "confirm", {"name": "Lee M."}), ("other", "replace", {"target": "pablo", "name": "Lee Penrose"}),
        ("other", "not-me", {}),
    ]  # fmt: skip
    of_pages = {f"{row}: {action}": partial(on_page, row, action, **typed) for row, action, typed in pages}
    return {**of_pages, "staff: correct": correct, "staff: on evidence": on_evidence}


def test_C6_any_two_buttons_of_one_mailbox_may_be_pressed_at_once(letter: Letter, buttons: dict[str, Button]) -> None:
    found = {}
    for first, second in combinations_with_replacement(buttons, 2):
        mailbox, meeting, faults, gate = mailbox_in(letter), Meeting(), list[str](), threading.Barrier(2)
        threads = [
            threading.Thread(target=press, args=(buttons[name], mailbox, meeting, gate, faults))
            for name in (first, second)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        if faults:
            found[f"{first} and {second}"] = faults
    assert found == {}
