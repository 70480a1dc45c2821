"""The paragraphs of a privacy notice that a letter's organization wrote."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from campaign.letters import reading
from campaign.models import PrivacyText, Translation

# The words of the site, where the organization of a letter wrote none. What is kept for how long is in a table.
DEFAULTS = {
    "purpose": _(
        "Names are collected to show how many people support the letter, and who, and to deliver it with them. Email "
        "addresses are used to write to you about your own signature, and about the letter if you ask for updates."
    ),
    "legal_basis": _(
        "The legal basis is your consent. Where the GDPR applies, that is Article 6(1)(a), and Article 9(2)(a) as far "
        "as a signature reveals a political opinion or a belief. You can withdraw your consent at any time, with the "
        "link in our email or by writing to us; what was done before then remains lawful."
    ),
    "transfer": _(
        "A public name can be read in every country, and the delivered letter goes to the country of its recipient: "
        "also where the law protects personal data less than the GDPR does. Ask us in which countries our server is "
        "and our email is sent from."
    ),
}


def default_paragraphs() -> dict[str, str]:
    """Returns the words of the site in the language of the page, by the name of the paragraph."""
    return {name: gettext(words) for name, words in DEFAULTS.items()}


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
    languages = (reading.wanted(), shown.authoritative_language or shown.language)  # type: ignore[attr-defined]  # set by `shown`
    texts = {text.language: text for text in PrivacyText.objects.filter(letter=shown.revision.letter_id)}
    found: dict[str, Paragraph] = {}
    for language in languages:
        for name in PrivacyText.PARAGRAPHS if language in texts else ():
            if words := getattr(texts[language], name).strip():
                found.setdefault(name, Paragraph(words, language))
    return found
