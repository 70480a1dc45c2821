"""What a mail about the letter tells: its topic, as the outbox keeps it, and the page that it leads to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from campaign.models import News
from signatures.models import Delivery


@dataclass(frozen=True, slots=True)
class Announcement:
    """The folder under templates/emails/, the page in the active language, and what else the words need."""

    mail: str
    page: str
    context: Mapping[str, Any] = field(default_factory=dict)


def delivery_topic(delivery: Delivery) -> str:
    return f"delivery.{delivery.pk}.{delivery.state}"


def news_topic(news: News) -> str:
    return f"news.{news.pk}"


def resolve(topic: str) -> Announcement | None:
    """What to tell of it now; nothing, when news was taken off the page."""
    kind, number = topic.split(".")[:2]
    if kind == "delivery":
        delivery = Delivery.objects.select_related("letter").get(pk=int(number))
        page = reverse("delivery", args=[delivery.letter.slug, delivery.number])
        return Announcement("update", page, {"delivery": delivery})
    news = News.objects.announced().select_related("letter").filter(pk=int(number)).first()
    # The mail repeats no word of it: a seized mailbox tells less, and a correction on the page reaches everybody.
    return Announcement("news", f"{reverse('news', args=[news.letter.slug])}#news-{news.pk}") if news else None
