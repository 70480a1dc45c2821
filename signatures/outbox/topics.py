"""Topics of updates: how the outbox stores what an email is about, and the page that the email leads to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from campaign.models import News
from signatures.models import Delivery, Signature, Submission
from signatures.states import State


@dataclass(frozen=True, slots=True)
class Announcement:
    """What an update says: the folder in `templates/emails/`, the page it leads to, and more for the templates.

    The page "" is the personal one.
    """

    email: str
    page: str
    context: Mapping[str, Any] = field(default_factory=dict)


WAITING = "waiting"  # the daily email to moderators, of the kind that alarms have
REJECTION = "rejection"  # of the subscriber's own signature: the email leads to the personal page


def delivery_topic(delivery: Delivery) -> str:
    return f"delivery.{delivery.pk}.{delivery.state}"


def news_topic(news: News) -> str:
    return f"news.{news.pk}"


def resolve(topic: str, person: Signature | Submission) -> Announcement | None:
    """Returns the announcement in the active language, or None if the news was retracted, or the rejection undone."""
    if topic == REJECTION:
        is_rejected = isinstance(person, Signature) and person.state == State.REJECTED
        return Announcement("rejection", "") if is_rejected else None
    kind, number = topic.split(".")[:2]
    if kind == "delivery":
        delivery = Delivery.objects.select_related("letter").get(pk=int(number))
        page = reverse("delivery", args=[delivery.letter.slug, delivery.number])
        return Announcement("update", page, {"delivery": delivery})
    news = News.objects.announced().select_related("letter").filter(pk=int(number)).first()
    # The email does not quote the news: a seized mailbox reveals less, and a correction on the page reaches everybody.
    return Announcement("news", f"{reverse('news', args=[news.letter.slug])}#news-{news.pk}") if news else None
