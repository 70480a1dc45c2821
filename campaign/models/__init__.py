"""Letters with their texts, and the news on a letter."""

from campaign.models.letter import (
    CONFIRM_AFTER_CLOSING,
    Letter,
    LetterQuerySet,
    Revision,
    Translation,
    TranslationQuerySet,
    check_letterhead,
    in_language,
)
from campaign.models.news import News, NewsText
