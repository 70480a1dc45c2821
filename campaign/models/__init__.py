"""What is asked: the letter with its texts, and the news on it."""

from campaign.models.letter import (
    CONFIRM_AFTER_CLOSING,
    Letter,
    LetterQuerySet,
    Revision,
    Translation,
    TranslationQuerySet,
    check_letterhead,
    publish,
    revise,
)
from campaign.models.news import News, NewsText, NothingToTell, announce, retract

__all__ = [
    "CONFIRM_AFTER_CLOSING",
    "Letter",
    "LetterQuerySet",
    "News",
    "NewsText",
    "NothingToTell",
    "Revision",
    "Translation",
    "TranslationQuerySet",
    "announce",
    "check_letterhead",
    "publish",
    "retract",
    "revise",
]
