"""The paragraphs of a privacy notice that a letter's organization wrote."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import get_language

from campaign.models import PrivacyText, Translation


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    language: str


def own_paragraphs(shown: Translation) -> Mapping[str, Paragraph]:
    """Returns what the organization wrote, by the name of the paragraph. The template has words for those that lack.

    Each is in the language of the page, or else in the authoritative one of the letter.

    Args:
        shown: a text as readers of the page see it.
    """
    languages = (get_language() or "", shown.authoritative_language or shown.language)  # type: ignore[attr-defined]  # set by `shown`
    texts = {text.language: text for text in PrivacyText.objects.filter(letter=shown.revision.letter_id)}
    found: dict[str, Paragraph] = {}
    for language in languages:
        for name in PrivacyText.PARAGRAPHS if language in texts else ():
            if words := getattr(texts[language], name).strip():
                found.setdefault(name, Paragraph(words, language))
    return found
