"""Letters with their texts, and the news on a letter."""

from campaign.models.letter import CONFIRM_AFTER_CLOSING, Letter, LetterQuerySet, check_letterhead
from campaign.models.letter_details import HandSignature, LetterSlug, LoadedFolder, Logo, PrivacyText
from campaign.models.news import News, NewsText
from campaign.models.notice import Notice, NoticeText
from campaign.models.texts import Revision, Translation, TranslationQuerySet, in_language
