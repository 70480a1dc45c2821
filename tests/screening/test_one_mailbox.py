"""One person with one mailbox and one network is not many, however the address is spelled."""

from itertools import islice
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from campaign.web.client_network import wide_network_of
from signatures import tasks
from signatures.management.commands._people import people
from signatures.models import OutboxMail, RateLimit, Signature, Submission
from signatures.outbox import caps, sending
from signatures.screening import rate_limits
from signatures.signing import confirmation
from signatures.values import email_addresses, sealing
from tests.factories import make_signature, signer_input
from tests.inbox import Inbox

SIGN = "/letters/bridge/sign/"
pytestmark = pytest.mark.django_db
NUMBER = 200
NAMES = [person.name for person in islice(people(1), NUMBER)]  # so that no name comes twice
# Three providers, none of them in any table of ours, and the ways in which one mailbox has many addresses there.
SPELLINGS = {
    "plus parts": lambda n: f"anna.keller+{n}@post.alpenmail.example",
    "dots": lambda n: "".join(f"{c}." if n >> i & 1 else c for i, c in enumerate("annakeller")) + "x@fastbox.example",
    "both": lambda n: f"anna{'.' * (n % 2)}keller+n{n}@mail.kontor.example",
}


def sign_up(client: Client, form: dict[str, str], address: str, number: int, network: int = 0) -> None:
    typed = {**form, "email": address, "email_is_right": "on", "name": NAMES[number], "country": ""}
    answer = client.post(SIGN, typed, REMOTE_ADDR=f"2001:db8:7:{network or number:x}::1")
    assert answer.status_code == 303


@pytest.mark.slow
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_S30_two_hundred_spellings_of_one_mailbox_are_flagged_and_capped(
    client: Client, form: dict[str, str], inbox: Inbox, spelling: str
) -> None:
    for number in range(NUMBER):
        sign_up(client, form, SPELLINGS[spelling](number), number)
    sending.send_due()
    assert tasks.run_duties.call(["flag-bursts"]) == {}

    rows = Submission.objects.all()
    assert rows.count() == NUMBER, "nobody is refused"
    assert {bool(row.flags) for row in rows} == {True}, "the first ones, too"
    for _time in range(caps.MAX_PER_DAY + 1):
        OutboxMail.objects.filter(sent_at__isnull=False).update(sent_at=timezone.now() - caps.MIN_INTERVAL)
        OutboxMail.objects.exclude(kind="reminder").update(due_at=timezone.now())
        sending.send_due()
    assert len(inbox) == caps.MAX_PER_DAY


def test_S30_the_mailbox_alone_is_enough_for_a_flag(client: Client, form: dict[str, str]) -> None:
    for number in range(6):
        sign_up(client, form, f"anna.keller+{number}@gmx.net", number)
    assert tasks.run_duties.call(["flag-bursts"]) == {}
    assert set(map(tuple, Submission.objects.values_list("flags", flat=True))) == {("burst",)}


def test_who_types_one_address_again_and_again_brings_no_flag_on_its_owner(
    client: Client, form: dict[str, str]
) -> None:
    for number in range(20):
        sign_up(client, form, "anna.keller@gmx.net", number)
    assert tasks.run_duties.call(["flag-bursts"]) == {}
    assert set(map(tuple, Submission.objects.values_list("flags", flat=True))) == {()}


def test_S30_what_was_confirmed_nevertheless_stands_as_one_cluster_in_the_queue(
    client: Client, letter: Letter, form: dict[str, str], moderator_client: Client
) -> None:
    for number in range(8):
        sign_up(client, form, SPELLINGS["plus parts"](number), number)
    for row in Submission.objects.all():
        confirmation.confirm(row, signer_input(row.translation, name=row.name))
    other = make_signature(letter, "Somebody Else", state="waiting", mailbox="0" * 16)  # type: ignore[arg-type]

    queue = moderator_client.get("/admin/signatures/waitingsignature/").content.decode()
    assert queue.count("8 from one mailbox") == 8
    one = Signature.objects.exclude(pk=other.pk).earliest("pk")
    cluster = moderator_client.get(f"/admin/signatures/waitingsignature/?mailbox_of={one.pk}").content.decode()
    assert cluster.count("8 from one mailbox") == 8 and "Somebody Else" not in cluster
    assert one.mailbox not in queue + cluster, "the digest itself is shown to nobody"


def test_two_people_who_share_a_mailbox_are_no_cluster(
    letter: Letter, moderator_client: Client, client: Client
) -> None:
    for name in ("Dora Maar", "Pablo Picasso"):
        make_signature(letter, name, state="waiting", mailbox="1" * 16)  # type: ignore[arg-type]
    assert "from one mailbox" not in moderator_client.get("/admin/signatures/waitingsignature/").content.decode()


def test_S34_of_the_sign_ups_from_one_48_a_hundred_an_hour_have_no_flag(client: Client, form: dict[str, str]) -> None:
    for number in range(130):
        sign_up(client, form, f"person{number}@gmail.com", number)
    flags = list(Submission.objects.order_by("pk").values_list("flags", flat=True))
    assert [flag for flag in flags[100:] if "rate" not in flag] == []
    assert sum(not flag for flag in flags) <= 100


@pytest.mark.parametrize(
    ("network", "wide"),
    [("2001:db8:7:1::/64", "2001:db8:7::/48"), ("203.0.113.0/24", ""), ("unknown", "")],
)
def test_only_networks_of_ipv6_are_part_of_a_wide_one(network: str, wide: str) -> None:
    assert wide_network_of(network) == wide


def test_S34_a_small_domain_has_a_budget_of_emails_of_its_own(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    RateLimit.objects.filter(scope="mail-small").update(max_count=3)
    rate_limits.clear_cache()
    for number in range(6):
        sign_up(client, form, f"person{number}@firm.example", number, network=1)
    sign_up(client, form, "somebody@gmail.com", 7, network=2)
    sending.send_due()
    assert len(inbox) == 4 and "somebody@gmail.com" in inbox.recipients
    assert OutboxMail.objects.filter(recipient__isnull=False, kind="link").count() == 3, "the others wait"


@pytest.mark.parametrize(
    ("one", "other", "is_one_person", "may_be_one"),
    [
        ("anna.keller@web.example", "annakeller@web.example", False, True),
        ("anna+1@web.example", "anna+2@web.example", False, True),
        ("anna.k+1@gmail.com", "annak@googlemail.com", True, True),
        ("anna@web.example", "anne@web.example", False, False),
        ("+1@web.example", "+2@web.example", False, False),
        ("a@one.example", "a@two.example", False, False),
        ("n1@anna.fastmail.com", "n2@anna.fastmail.com", False, True),
        ("n1@anna.fastmail.com", "anna+n1@fastmail.com", False, True),
        ("n1@deep.anna.fastmail.com", "n2@anna.fastmail.com", False, True),
        ("n1@anna.fastmail.com", "n1@ben.fastmail.com", False, False),
        ("anna@yahoo.co.jp", "ben@yahoo.co.jp", False, False),
        ("anna@students.web.example", "ben@students.web.example", False, False),
    ],
)
def test_S30_identity_merges_only_what_is_certain_and_the_abuse_key_what_is_likely(
    one: str, other: str, is_one_person: bool, may_be_one: bool
) -> None:
    assert (email_addresses.canonical(one) == email_addresses.canonical(other)) == is_one_person
    assert (email_addresses.abuse_key(one) == email_addresses.abuse_key(other)) == may_be_one


def test_the_digest_of_a_mailbox_is_another_one_under_every_letter() -> None:
    digests: set[Any] = {sealing.mailbox_hash("a@b.example", letter_id=n, pepper="x") for n in range(3)}
    assert len(digests) == 3
