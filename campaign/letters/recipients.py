"""What the pages say of each kind of recipient: above the form, and at the top of the privacy notice."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from campaign.models import Letter


@dataclass(frozen=True, slots=True)
class Words:
    warning: str  # above the form
    privacy: str  # the first sentence of the privacy notice


WORDS: Mapping[str, Words] = {
    Letter.RecipientKind.GOVERNMENT: Words(
        _("This letter goes to a government or authority."),
        _("Signing a letter to a government or an authority is a political act."),
    ),
    Letter.RecipientKind.COMPANY: Words(
        _("This letter goes to a company."),
        _("Signing a letter to a company is taking a stand, and you may depend on that company."),
    ),
    Letter.RecipientKind.INSTITUTION: Words(
        _("This letter goes to an institution."),
        _("Signing a letter to an institution is taking a stand, and you may belong to that institution."),
    ),
    Letter.RecipientKind.PERSON: Words(
        _("This letter goes to a person."),
        _("Signing a letter to a person is taking a stand, and you may know that person."),
    ),
}


def warning(letter: Letter) -> str:
    """Returns to whom a letter goes: what readers are told before they sign."""
    return gettext(WORDS[letter.recipient_kind].warning)


def one_dot(sentence: str) -> str:
    """Returns a sentence that ends with a name that has a dot itself, such as “e.V.”, with one dot."""
    return sentence.replace("..", ".")


def privacy_lead(letter: Letter) -> str:
    """Returns what signing a letter to such a recipient means."""
    return gettext(WORDS[letter.recipient_kind].privacy)
