"""The notices that public pages show now."""

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone
from django.utils.translation import get_language

from campaign.letters.text_cache import CACHE_SECONDS
from campaign.models import NoticeText
from campaign.runtime.expiring_cache import ExpiringCache

_Texts = dict[int, dict[str, str]]  # by the notice, by language
_shown = ExpiringCache[None, _Texts](CACHE_SECONDS)


def shown() -> list[tuple[str, str]]:
    """Returns language and words of each notice: in the language of the page, else of the site, else in any."""
    wanted = (get_language() or "", settings.LANGUAGE_CODE)
    return [next((code, texts[code]) for code in (*wanted, *texts) if code in texts) for texts in _read().values()]


def _read() -> _Texts:
    try:
        return _shown.get_or_load(None, _load)
    except DatabaseError:  # the page can do without
        _shown.put(None, _shown.last(None) or {})
        return _shown.last(None) or {}


def _load() -> _Texts:
    now = timezone.now()
    rows = NoticeText.objects.filter(notice__starts_at__lte=now, notice__ends_at__gt=now).order_by("notice_id", "pk")
    found: _Texts = {}
    for notice_id, language, text in rows.values_list("notice_id", "language", "text"):
        found.setdefault(notice_id, {})[language] = text
    return found


def clear_cache() -> None:
    _shown.clear()
