"""The people behind the pictures of the documentation. Made inside a site's own settings; see docs_pictures.py."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from campaign.letters.publishing import announce
from campaign.models import Letter, News
from signatures.delivery import freezing
from signatures.models import Alarm, Delivery, HourlyStatistic
from signatures.states import State
from tests.factories import make_signature

STAFF = {"mina": "moderator", "omar": "delivery officer", "edith": "editor", "olga": "owner"}
FEATURED = [
    ("Dr. María-José Ñúñez", "Professor emerita of international law", "University of the Andes", "CO"),
    ("김철수", "변호사", "북한인권위원회", "KR"),
    ("Wangari Njoroge", "Judge, retired", "", "KE"),
]
FLOOD = 46  # sign-ups that a bulk rule finds


def build(password: str) -> dict[str, Any]:
    """Makes staff, news, featured names, and signatures that ask for a decision. Returns their numbers."""
    letter = Letter.objects.current()
    assert letter is not None
    for name, role in STAFF.items():
        person = User.objects.create_user(name, f"{name}@example.org", password, is_staff=True)
        person.groups.add(Group.objects.get(name=role))
    for place, (name, role, organization, country) in enumerate(FEATURED, 1):
        make_signature(
            letter, name, role=role, organization=organization, country=country, featured_position=place, **of_day(20)
        )
    news = News.objects.create(letter=letter)
    news.texts.create(language="en", title="The embassy answered", body="It *thanked* us for the letter.")
    announce(news)
    for number in range(FLOOD):
        make_signature(letter, f"Jose Perez {number}", State.WAITING, country="VA", flags=["burst"], **of_day(3))
    write_statistics(letter)
    return waiting(letter)


def write_statistics(letter: Letter) -> None:
    """Writes two months of hours in which people sleep, sign, and confirm a little later."""
    shares = {"sign-up": 1.0, "confirm": 0.85, "approve": 0.75, "reject": 0.06, "withdraw": 0.03}  # of the sign-ups
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = []
    for ago in range(1, 60 * 24):
        hour = now - timedelta(hours=ago)
        sign_ups = max(0, 9 - abs(15 - hour.hour)) * (1 + (hour.day * 7 % 5))
        rows += [
            HourlyStatistic(letter=letter, language="en", hour=hour, event=event, number=round(sign_ups * share))
            for event, share in shares.items()
            if round(sign_ups * share)
        ]
    key = ["hour", "letter", "language", "event"]  # the worker may fold into the same rows meanwhile
    HourlyStatistic.objects.bulk_create(rows, update_conflicts=True, update_fields=["number"], unique_fields=key)


def of_day(days: int) -> dict[str, Any]:
    """Returns the times of somebody who signed so many days ago."""
    at = timezone.now() - timedelta(days=days)
    return {"signed_up_at": at, "confirmed_at": at}


def waiting(letter: Letter) -> dict[str, Any]:
    """Makes signatures that wait with a flag, oldest first on the list. Returns the number of each."""
    long_ago = timezone.now() - timedelta(days=58)
    rows = {
        "organization": make_signature(
            letter, "Bridge Builders’ Union", State.WAITING, kind="organization", country="SE",
            spokesperson="Astrid Lindqvist, chair", flags=["organization"], signed_up_at=long_ago,
        ),
        "link": make_signature(
            letter, "Tomasz Nowak", State.WAITING, role="Editor, www.example.org", country="PL", flags=["link"],
            signed_up_at=long_ago + timedelta(hours=1),
        ),
        "rate": make_signature(
            letter, "Hannah Weiss", State.WAITING, role="Student", organization="Free University", country="DE",
            flags=["rate"], signed_up_at=long_ago + timedelta(hours=2),
        ),
        "resembles": make_signature(
            letter, "Perez, Jose", State.WAITING, role="Engineer", country="ES", flags=["similar"],
            signed_up_at=long_ago + timedelta(hours=3),
        ),
    }  # fmt: skip
    return {name: row.pk for name, row in rows.items()}


def half_made_delivery() -> int:
    """Freezes the letter once more and stops the clock while its files are made. Returns the number of the row."""
    letter = Letter.objects.current()
    assert letter is not None
    delivery = freezing.freeze(letter, by=None, reason="Second delivery, to the consulate")
    Delivery.objects.filter(pk=delivery.pk).update(stage="letter", done=62, seen_at=timezone.now() + timedelta(days=1))
    return delivery.pk


def raise_alarms() -> None:
    """Raises two alarms that stay for the time of a picture."""
    now = timezone.now()
    sentences = {
        "rise": "412 sign-ups in an hour, where 31 are usual at this time.",
        "mail-stuck": "85 mails have been due for more than half an hour.",
    }
    for code, sentence in sentences.items():
        Alarm.objects.create(code=code, sentence=sentence, since=now, until=now + timedelta(days=1))
