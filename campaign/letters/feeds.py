"""Atom feed of the news of a letter. It holds no name, and readers need not leave an address."""

from datetime import UTC, datetime, time
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaign.letters import reading, text
from campaign.letters.operators import operator_of
from campaign.models import NewsText, Translation
from campaign.runtime.regular_expressions import linear
from campaign.web.middleware import public_page

# XML cannot hold these characters. Without this, one typed by mistake would break the whole feed.
_NOT_IN_XML = linear(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml_safe(value: str) -> str:
    return _NOT_IN_XML.sub("", value)


class NewsFeed(Feed[NewsText, Translation]):
    """News of one letter in one language. All addresses begin with `SITE_URL`, never with the host of a request."""

    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Translation:
        translation = Translation.objects.newest(kwargs["slug"], reading.wanted())
        if translation is None:
            raise Http404
        return translation

    def title(self, translation: Translation) -> str:
        return _xml_safe(_("News: %(title)s") % {"title": translation.title})

    def link(self, translation: Translation) -> str:
        return settings.SITE_URL + reverse("news", args=[translation.revision.letter.slug])

    def feed_url(self, translation: Translation) -> str:
        return settings.SITE_URL + reverse("news-feed", args=[translation.revision.letter.slug])

    def author_name(self, translation: Translation) -> str:
        return _xml_safe(operator_of(translation.revision.letter).name)

    def items(self, translation: Translation) -> QuerySet[NewsText]:
        return NewsText.objects.shown(translation.revision.letter, reading.wanted())[:20]

    def item_title(self, item: NewsText) -> str:
        return _xml_safe(item.title)

    def item_description(self, item: NewsText) -> str:
        return _xml_safe(text.html(item.body))

    def item_link(self, item: NewsText) -> str:
        return f"{settings.SITE_URL}{reverse('news', args=[item.news.letter.slug])}#news-{item.news_id}"

    def item_pubdate(self, item: NewsText) -> datetime | None:
        return item.news.published_at

    def item_updateddate(self, item: NewsText) -> datetime | None:
        """A correction has a day alone; its first moment comes after the publication, or is taken for it."""
        if item.changed_on is None or item.news.published_at is None:
            return item.news.published_at
        return max(item.news.published_at, datetime.combine(item.changed_on, time(), UTC))


news_feed = require_safe(public_page(NewsFeed()))
